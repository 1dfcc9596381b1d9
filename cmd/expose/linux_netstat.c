/* linux_netstat.c - a choice of the protocol counters in /proc/net/netstat, snmp and snmp6. */
#include "cmd/expose/linux.h"

#include "libtsdb/base/re.h"

#include <stdio.h>

#define INCLUDED                                                                                                       \
	".*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|"                   \
	"TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|"                            \
	"Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|"                                 \
	"Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors)"

static int emit_counter(struct pm_linux *x, const struct pm_re *included, struct pm_str proto, struct pm_str name,
	struct pm_str value, struct pm_error *err)
{
	char key[128], help[192];
	double v;
	int n = snprintf(key, sizeof key, "%.*s_%.*s", PM_STR_ARG(proto), PM_STR_ARG(name));
	if (n < 0 || n >= (int)sizeof key)
		return pm_fail(err, PM_ERR_INVALID, "netstat: a name too long");
	int rc = pm_proc_number(value, &v, err);
	if (rc != 0 || !pm_re_match(included, pm_str(key)))
		return rc;
	snprintf(help, sizeof help, "Network protocols: %s.", key);
	struct pm_metric m = PM_UNTYPED(pm_emit_name(x->emit, "node_netstat_", pm_str(key), ""), help);
	pm_emit_value(x->emit, &m, v);
	return 0;
}

/* Lines come in pairs: "Tcp: InSegs OutSegs" over "Tcp: 1 2". */
static int pairs(struct pm_linux *x, const struct pm_re *included, const char *file, struct pm_error *err)
{
	struct pm_str text, names, values, proto, again, name, value;
	int rc = pm_proc_read(&x->arena, &text, err, "%s/net/%s", x->procfs, file);
	while (rc == 0 && pm_proc_line(&text, &names)) {
		if (!pm_proc_line(&text, &values) || !pm_proc_cut(names, ':', &proto, &names) ||
			!pm_proc_cut(values, ':', &again, &values) || !pm_str_eq(proto, again))
			return pm_fail(err, PM_ERR_INVALID, "net/%s: a head without its values", file);
		while (rc == 0 && pm_proc_field(&names, &name)) {
			if (!pm_proc_field(&values, &value))
				return pm_fail(err, PM_ERR_INVALID, "net/%s: more names than values", file);
			rc = emit_counter(x, included, proto, name, value, err);
		}
	}
	return rc;
}

/* Lines such as "Ip6InReceives 12": the protocol ends with the 6. No file when IPv6 is off. */
static int snmp6(struct pm_linux *x, const struct pm_re *included, struct pm_error *err)
{
	struct pm_str text, line, field[2];
	int rc = pm_proc_read(&x->arena, &text, err, "%s/net/snmp6", x->procfs);
	if (rc == PM_ERR_NOTFOUND)
		return 0;
	while (rc == 0 && pm_proc_line(&text, &line)) {
		if (pm_proc_fields(line, field, 2) < 2)
			continue;
		const char *six = memchr(field[0].ptr, '6', field[0].len);
		size_t n = six ? (size_t)(six + 1 - field[0].ptr) : 0;
		if (six)
			rc = emit_counter(x, included, (struct pm_str){ field[0].ptr, n },
				(struct pm_str){ six + 1, field[0].len - n }, field[1], err);
	}
	return rc;
}

int pm_linux_netstat(struct pm_linux *x, struct pm_error *err)
{
	struct pm_re *included = NULL;
	int rc = pm_re_new(PM_STR(INCLUDED), &included, err);
	if (rc == 0)
		rc = pairs(x, included, "netstat", err);
	if (rc == 0)
		rc = pairs(x, included, "snmp", err);
	if (rc == 0)
		rc = snmp6(x, included, err);
	pm_re_free(included);
	return rc;
}
