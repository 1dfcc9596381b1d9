/* linux_netdev.c - bytes, packets and errors of each network interface, from /proc/net/dev.
 *
 * Packets without a handler stand only in /sys/class/net/DEV/statistics. */
#include "cmd/expose/linux.h"

#define NET(direction, what)                                                                                           \
	PM_COUNTER("node_network_" direction "_" what "_total", "Network interface: " what ", " direction ".")

/* In the order of the columns. */
static const struct pm_metric columns[] = {
	NET("receive", "bytes"),
	NET("receive", "packets"),
	NET("receive", "errs"),
	NET("receive", "drop"),
	NET("receive", "fifo"),
	NET("receive", "frame"),
	NET("receive", "compressed"),
	NET("receive", "multicast"),
	NET("transmit", "bytes"),
	NET("transmit", "packets"),
	NET("transmit", "errs"),
	NET("transmit", "drop"),
	NET("transmit", "fifo"),
	NET("transmit", "colls"),
	NET("transmit", "carrier"),
	NET("transmit", "compressed"),
};
static const struct pm_metric nohandler = NET("receive", "nohandler");

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static int emit_device(struct pm_linux *x, struct pm_str device, struct pm_str rest, struct pm_error *err)
{
	struct pm_str field[COLUMNS];
	double v[COLUMNS], missed;
	if (pm_proc_fields(rest, field, COLUMNS) < COLUMNS)
		return pm_fail(err, PM_ERR_INVALID, "net/dev: a line with fewer than %d numbers", COLUMNS);
	for (int i = 0; i < COLUMNS; i++) {
		int rc = pm_proc_number(field[i], &v[i], err);
		if (rc != 0)
			return rc;
	}
	for (int i = 0; i < COLUMNS; i++)
		pm_emit(x->emit, &columns[i], v[i], PM_LABEL("device", device));
	if (pm_proc_file_number(&x->arena, &missed, NULL, "%s/class/net/%.*s/statistics/rx_nohandler", x->sysfs,
		    PM_STR_ARG(device)) == 0)
		pm_emit(x->emit, &nohandler, missed, PM_LABEL("device", device));
	return 0;
}

int pm_linux_netdev(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line, device, rest;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/net/dev", x->procfs);
	while (rc == 0 && pm_proc_line(&text, &line)) {
		if (memchr(line.ptr, '|', line.len)) /* the two lines of the head */
			continue;
		if (pm_proc_cut(line, ':', &device, &rest))
			rc = emit_device(x, pm_proc_trim(device), rest, err);
	}
	return rc;
}
