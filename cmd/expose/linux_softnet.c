/* linux_softnet.c - packets each CPU took from the network cards, from /proc/net/softnet_stat (all hexadecimal). */
#include "cmd/expose/linux.h"

#include <stdio.h>

/* By column; newer kernels have more of them. */
static const struct {
	size_t column;
	struct pm_metric metric;
} stats[] = {
	{ 0, PM_COUNTER("node_softnet_processed_total", "Packets processed.") },
	{ 1, PM_COUNTER("node_softnet_dropped_total", "Packets dropped because the queue was full.") },
	{ 2, PM_COUNTER("node_softnet_times_squeezed_total", "Times the work was cut short with packets left.") },
	{ 8, PM_COUNTER(
		     "node_softnet_cpu_collision_total", "Times the device was locked by another CPU when sending.") },
	{ 9, PM_COUNTER("node_softnet_received_rps_total", "Times this CPU was woken to take packets of another.") },
	{ 10, PM_COUNTER("node_softnet_flow_limit_count_total", "Times the limit of a flow was reached.") },
	{ 11, PM_GAUGE("node_softnet_backlog_len", "Packets in the queue.") },
};

enum { COLUMNS_MAX = 16, COLUMNS_LEAST = 9, CPU = 12 };

static int emit_cpu(struct pm_linux *x, struct pm_str line, size_t number, struct pm_error *err)
{
	struct pm_str field[COLUMNS_MAX];
	char cpu[24];
	double v;
	size_t n = pm_proc_fields(line, field, COLUMNS_MAX);
	int rc = 0;
	if (n < COLUMNS_LEAST)
		return pm_fail(err, PM_ERR_INVALID, "net/softnet_stat: a line with only %zu numbers", n);
	/* A line does not stand for a CPU that is offline, so newer kernels say which it is. */
	if (n > CPU && (rc = pm_proc_hex(field[CPU], &v, err)) == 0)
		number = (size_t)v;
	snprintf(cpu, sizeof cpu, "%zu", number);
	for (size_t i = 0; rc == 0 && i < sizeof stats / sizeof stats[0]; i++)
		if (stats[i].column < n && (rc = pm_proc_hex(field[stats[i].column], &v, err)) == 0)
			pm_emit(x->emit, &stats[i].metric, v, PM_LABEL("cpu", pm_str(cpu)));
	return rc;
}

int pm_linux_softnet(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/net/softnet_stat", x->procfs);
	for (size_t i = 0; rc == 0 && pm_proc_line(&text, &line); i++)
		rc = emit_cpu(x, line, i, err);
	return rc;
}
