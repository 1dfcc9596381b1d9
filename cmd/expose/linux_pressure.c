/* linux_pressure.c - time processes waited for CPU, I/O, memory and interrupts, from /proc/pressure.
 *
 * "some": at least one process waited; "full": all that could have run did. Files are absent when the kernel has no
 * PSI, and reading them fails when it is switched off. */
#include "cmd/expose/linux.h"

static const struct {
	const char *file, *kind;
	bool optional;
	struct pm_metric metric;
} stalls[] = {
	{ "cpu", "some", false,
		PM_COUNTER("node_pressure_cpu_waiting_seconds_total", "Time processes waited for a CPU.") },
	{ "io", "some", false, PM_COUNTER("node_pressure_io_waiting_seconds_total", "Time processes waited for I/O.") },
	{ "io", "full", false,
		PM_COUNTER("node_pressure_io_stalled_seconds_total", "Time nothing ran because of I/O.") },
	{ "memory", "some", false,
		PM_COUNTER("node_pressure_memory_waiting_seconds_total", "Time processes waited for memory.") },
	{ "memory", "full", false,
		PM_COUNTER("node_pressure_memory_stalled_seconds_total", "Time nothing ran for want of memory.") },
	{ "irq", "full", true,
		PM_COUNTER("node_pressure_irq_stalled_seconds_total", "Time nothing ran because of interrupts.") },
};

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345", in microseconds. */
static int total_of(struct pm_str text, const char *kind, double *ret, struct pm_error *err)
{
	struct pm_str line, word, value;
	while (pm_proc_line(&text, &line)) {
		if (!pm_proc_field(&line, &word) || !pm_str_eq(word, pm_str(kind)))
			continue;
		while (pm_proc_field(&line, &word))
			if (pm_proc_prefix(word, "total=", &value))
				return pm_proc_number(value, ret, err);
	}
	return pm_fail(err, PM_ERR_INVALID, "pressure: no total of \"%s\"", kind);
}

int pm_linux_pressure(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text;
	double v;
	for (size_t i = 0; i < sizeof stalls / sizeof stalls[0]; i++) {
		int rc = pm_proc_read(&x->arena, &text, err, "%s/pressure/%s", x->procfs, stalls[i].file);
		if (rc == PM_ERR_NOTFOUND && stalls[i].optional)
			continue;
		if (rc == 0)
			rc = total_of(text, stalls[i].kind, &v, err);
		if (rc != 0)
			return rc;
		pm_emit_value(x->emit, &stalls[i].metric, v / 1000 / 1000);
	}
	return 0;
}
