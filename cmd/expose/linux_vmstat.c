/* linux_vmstat.c - paging, swapping and page faults, from /proc/vmstat. */
#include "cmd/expose/linux.h"

#include <stdio.h>

/* oom_kill..., pgpg..., pswp..., pg...fault...: few enough of the hundred-odd fields. */
static bool included(struct pm_str key)
{
	return pm_proc_prefix(key, "oom_kill", NULL) || pm_proc_prefix(key, "pgpg", NULL) ||
	       pm_proc_prefix(key, "pswp", NULL) ||
	       (pm_proc_prefix(key, "pg", NULL) && memmem(key.ptr, key.len, "fault", 5));
}

int pm_linux_vmstat(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line, field[2];
	char help[96];
	double v;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/vmstat", x->procfs);
	while (rc == 0 && pm_proc_line(&text, &line)) {
		size_t n = pm_proc_fields(line, field, 2);
		if (n == 0)
			continue;
		rc = n < 2 ? pm_fail(err, PM_ERR_INVALID, "vmstat: a line without a value")
			   : pm_proc_number(field[1], &v, err);
		if (rc != 0 || !included(field[0]) || field[0].len > 64)
			continue;
		snprintf(help, sizeof help, "Virtual memory: %.*s of /proc/vmstat.", PM_STR_ARG(field[0]));
		struct pm_metric m = PM_UNTYPED(pm_emit_name(x->emit, "node_vmstat_", field[0], ""), help);
		pm_emit_value(x->emit, &m, v);
	}
	return rc;
}
