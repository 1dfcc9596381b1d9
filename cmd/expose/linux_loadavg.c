/* linux_loadavg.c - load averages, from /proc/loadavg. */
#include "cmd/expose/linux.h"

static const struct pm_metric load[] = {
	PM_GAUGE("node_load1", "Load average over 1 minute."),
	PM_GAUGE("node_load5", "Load average over 5 minutes."),
	PM_GAUGE("node_load15", "Load average over 15 minutes."),
};

int pm_linux_loadavg(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, field[3];
	double v[3];
	int rc = pm_proc_read(&x->arena, &text, err, "%s/loadavg", x->procfs);
	if (rc != 0)
		return rc;
	if (pm_proc_fields(text, field, 3) < 3)
		return pm_fail(err, PM_ERR_INVALID, "loadavg: fewer than three fields");
	for (int i = 0; i < 3; i++)
		if ((rc = pm_proc_number(field[i], &v[i], err)) != 0)
			return rc;
	for (int i = 0; i < 3; i++)
		pm_emit_value(x->emit, &load[i], v[i]);
	return 0;
}
