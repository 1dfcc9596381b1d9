/* linux_filefd.c - open files of the whole machine and their limit, from /proc/sys/fs/file-nr. */
#include "cmd/expose/linux.h"

static const struct pm_metric allocated = PM_GAUGE("node_filefd_allocated", "Open files.");
static const struct pm_metric maximum = PM_GAUGE("node_filefd_maximum", "Files that may be open at once.");

int pm_linux_filefd(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, field[3];
	double open, max;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/sys/fs/file-nr", x->procfs);
	if (rc != 0)
		return rc;
	if (pm_proc_fields(text, field, 3) < 3)
		return pm_fail(err, PM_ERR_INVALID, "sys/fs/file-nr: fewer than three numbers");
	rc = pm_proc_number(field[0], &open, err);
	if (rc == 0)
		rc = pm_proc_number(field[2], &max, err);
	if (rc != 0)
		return rc;
	pm_emit_value(x->emit, &allocated, open);
	pm_emit_value(x->emit, &maximum, max);
	return 0;
}
