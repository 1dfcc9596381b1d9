/* linux_sockstat.c - sockets in use by protocol, from /proc/net/sockstat and sockstat6. */
#include "cmd/expose/linux.h"

#include <stdio.h>
#include <unistd.h>

static int emit_pair(
	struct pm_linux *x, struct pm_str proto, struct pm_str key, struct pm_str value, struct pm_error *err)
{
	char name[96], help[128];
	double v;
	int rc = pm_proc_number(value, &v, err);
	int n = snprintf(name, sizeof name, "%.*s_%.*s", PM_STR_ARG(proto), PM_STR_ARG(key));
	if (rc != 0)
		return rc;
	if (n < 0 || n >= (int)sizeof name)
		return pm_fail(err, PM_ERR_INVALID, "sockstat: a name too long");
	snprintf(help, sizeof help, "Sockets: %s.", name);
	struct pm_metric m = PM_GAUGE(pm_emit_name(x->emit, "node_sockstat_", pm_str(name), ""), help);
	pm_emit_value(x->emit, &m, v);
	if (pm_str_eq(key, PM_STR("mem"))) { /* in pages */
		m.name = pm_emit_name(x->emit, m.name, PM_STR("_bytes"), "");
		pm_emit_value(x->emit, &m, v * (double)sysconf(_SC_PAGESIZE));
	}
	return 0;
}

/* "TCP: inuse 5 orphan 0 tw 0 alloc 7 mem 1". No file when the kernel lacks that version of IP. */
static int file(struct pm_linux *x, const char *name, struct pm_error *err)
{
	struct pm_str text, line, proto, key, value;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/net/%s", x->procfs, name);
	if (rc == PM_ERR_NOTFOUND)
		return 0;
	while (rc == 0 && pm_proc_line(&text, &line)) {
		if (!pm_proc_cut(line, ':', &proto, &line))
			return pm_fail(err, PM_ERR_INVALID, "net/%s: a line without a protocol", name);
		while (rc == 0 && pm_proc_field(&line, &key)) {
			if (!pm_proc_field(&line, &value))
				return pm_fail(err, PM_ERR_INVALID, "net/%s: a key without its value", name);
			rc = emit_pair(x, proto, key, value, err);
		}
	}
	return rc;
}

int pm_linux_sockstat(struct pm_linux *x, struct pm_error *err)
{
	int rc = file(x, "sockstat", err);
	return rc ? rc : file(x, "sockstat6", err);
}
