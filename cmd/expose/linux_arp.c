/* linux_arp.c - entries of the ARP table by device, from /proc/net/arp. */
#include "cmd/expose/linux.h"

static const struct pm_metric entries = PM_GAUGE("node_arp_entries", "ARP entries by device.");

enum { COLUMNS = 6, DEVICE = 5, DEVICES_MAX = 4096 };

struct count {
	struct pm_str device;
	size_t n;
};

static size_t add(struct count *v, size_t n, struct pm_str device)
{
	size_t i = 0;
	while (i < n && !pm_str_eq(v[i].device, device))
		i++;
	if (i == DEVICES_MAX)
		return n;
	if (i == n)
		v[n++] = (struct count){ device, 0 };
	v[i].n++;
	return n;
}

int pm_linux_arp(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, line, field[COLUMNS];
	size_t n = 0;
	struct count *v = pm_arena_array(&x->arena, DEVICES_MAX, sizeof *v);
	int rc = v ? pm_proc_read(&x->arena, &text, err, "%s/net/arp", x->procfs) : PM_ERR_NOMEM;
	if (rc != 0)
		return rc;
	pm_proc_line(&text, &line); /* head */
	while (pm_proc_line(&text, &line)) {
		if (pm_proc_fields(line, field, COLUMNS) < COLUMNS)
			return pm_fail(err, PM_ERR_INVALID, "net/arp: a line with fewer than %d fields", COLUMNS);
		n = add(v, n, field[DEVICE]);
	}
	for (size_t i = 0; i < n; i++)
		pm_emit(x->emit, &entries, (double)v[i].n, PM_LABEL("device", v[i].device));
	return 0;
}
