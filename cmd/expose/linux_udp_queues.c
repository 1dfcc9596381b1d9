/* linux_udp_queues.c - bytes waiting in the queues of UDP sockets, from /proc/net/udp and udp6. */
#include "cmd/expose/linux.h"

static const struct pm_metric queues =
	PM_GAUGE("node_udp_queues", "Kernel memory of datagrams that wait to be sent or read, in bytes.");

enum { QUEUES = 4 }; /* the column "tx_queue rx_queue" */

static int sum_lines(struct pm_str text, double *tx, double *rx, struct pm_error *err)
{
	struct pm_str line, field[QUEUES + 1], before, after;
	double v[2];
	pm_proc_line(&text, &line); /* head */
	while (pm_proc_line(&text, &line)) {
		if (pm_proc_fields(line, field, QUEUES + 1) <= QUEUES ||
			!pm_proc_cut(field[QUEUES], ':', &before, &after))
			return pm_fail(err, PM_ERR_INVALID, "net/udp: a line without queues");
		int rc = pm_proc_hex(before, &v[0], err);
		if (rc == 0)
			rc = pm_proc_hex(after, &v[1], err);
		if (rc != 0)
			return rc;
		*tx += v[0];
		*rx += v[1];
	}
	return 0;
}

int pm_linux_udp_queues(struct pm_linux *x, struct pm_error *err)
{
	static const char *const files[] = { "udp", "udp6" }, *const ips[] = { "v4", "v6" };
	bool any = false;
	for (int i = 0; i < 2; i++) {
		struct pm_str text;
		double tx = 0, rx = 0;
		int rc = pm_proc_read(&x->arena, &text, err, "%s/net/%s", x->procfs, files[i]);
		if (rc == PM_ERR_NOTFOUND)
			continue;
		if (rc == 0)
			rc = sum_lines(text, &tx, &rx, err);
		if (rc != 0)
			return rc;
		any = true;
		pm_emit(x->emit, &queues, tx, PM_LABEL("queue", PM_STR("tx")), PM_LABEL("ip", pm_str(ips[i])));
		pm_emit(x->emit, &queues, rx, PM_LABEL("queue", PM_STR("rx")), PM_LABEL("ip", pm_str(ips[i])));
	}
	return any ? 0 : PM_ERR_NOTFOUND;
}
