/* linux_stat.c - counters of the whole machine in /proc/stat: interrupts, context switches, forks, processes. */
#include "cmd/expose/linux.h"

static const struct {
	const char *key;
	struct pm_metric metric;
} stats[] = {
	{ "intr", PM_COUNTER("node_intr_total", "Interrupts serviced.") },
	{ "ctxt", PM_COUNTER("node_context_switches_total", "Context switches.") },
	{ "processes", PM_COUNTER("node_forks_total", "Forks, threads included.") },
	{ "btime", PM_GAUGE("node_boot_time_seconds", "When the machine booted, Unix seconds.") },
	{ "procs_running", PM_GAUGE("node_procs_running", "Processes that run or could run.") },
	{ "procs_blocked", PM_GAUGE("node_procs_blocked", "Processes that wait for I/O.") },
};

int pm_linux_stat(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line, field[2];
	double v;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/stat", x->procfs);
	while (rc == 0 && pm_proc_line(&text, &line)) {
		if (pm_proc_fields(line, field, 2) < 2)
			continue;
		for (size_t i = 0; i < sizeof stats / sizeof stats[0]; i++) {
			if (!pm_str_eq(field[0], pm_str(stats[i].key)))
				continue;
			if ((rc = pm_proc_number(field[1], &v, err)) == 0)
				pm_emit_value(x->emit, &stats[i].metric, v);
		}
	}
	return rc;
}
