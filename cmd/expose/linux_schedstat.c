/* linux_schedstat.c - time tasks ran and waited on each CPU, from /proc/schedstat. */
#include "cmd/expose/linux.h"

static const struct {
	struct pm_metric metric;
	double per;
} columns[] = {
	{ PM_COUNTER("node_schedstat_running_seconds_total", "Time a CPU ran tasks."), 1e9 },
	{ PM_COUNTER("node_schedstat_waiting_seconds_total", "Time tasks waited for this CPU."), 1e9 },
	{ PM_COUNTER("node_schedstat_timeslices_total", "Time slices run on this CPU."), 1 },
};

enum { FIELDS = 10, FIRST = 7 }; /* the name, six others, then ours */

int pm_linux_schedstat(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line, field[FIELDS], cpu;
	double v;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/schedstat", x->procfs);
	while (rc == 0 && pm_proc_line(&text, &line)) {
		size_t n = pm_proc_fields(line, field, FIELDS);
		if (n == 0 || !pm_proc_prefix(field[0], "cpu", &cpu))
			continue;
		if (n < FIELDS)
			return pm_fail(err, PM_ERR_INVALID, "schedstat: a cpu line with fewer than nine numbers");
		for (int i = 0; rc == 0 && i < FIELDS - FIRST; i++)
			if ((rc = pm_proc_number(field[FIRST + i], &v, err)) == 0)
				pm_emit(x->emit, &columns[i].metric, v / columns[i].per, PM_LABEL("cpu", cpu));
	}
	return rc;
}
