/* linux_conntrack.c - connection tracking: entries and their limit, and counters summed over the CPUs. */
#include "cmd/expose/linux.h"

static const struct pm_metric entries = PM_GAUGE("node_nf_conntrack_entries", "Connections tracked.");
static const struct pm_metric limit = PM_GAUGE("node_nf_conntrack_entries_limit", "Connections that can be tracked.");

/* Columns of /proc/net/stat/nf_conntrack by the names in its head. Gauges, as node_exporter declares them. */
static const struct {
	const char *column;
	struct pm_metric metric;
} stats[] = {
	{ "found", PM_GAUGE("node_nf_conntrack_stat_found", "Lookups that found an entry.") },
	{ "invalid", PM_GAUGE("node_nf_conntrack_stat_invalid", "Packets that can't be tracked.") },
	{ "ignore", PM_GAUGE("node_nf_conntrack_stat_ignore", "Packets of connections that are tracked already.") },
	{ "insert", PM_GAUGE("node_nf_conntrack_stat_insert", "Entries inserted.") },
	{ "insert_failed", PM_GAUGE("node_nf_conntrack_stat_insert_failed", "Insertions that failed.") },
	{ "drop", PM_GAUGE("node_nf_conntrack_stat_drop", "Packets dropped because tracking failed.") },
	{ "early_drop", PM_GAUGE("node_nf_conntrack_stat_early_drop", "Entries dropped to make room for new ones.") },
	{ "search_restart",
		PM_GAUGE("node_nf_conntrack_stat_search_restart", "Lookups started again after a resize.") },
};

enum { STATS = sizeof stats / sizeof stats[0], COLUMNS_MAX = 32 };

static int add_line(struct pm_str head, struct pm_str line, double sum[STATS], struct pm_error *err)
{
	struct pm_str name[COLUMNS_MAX], field[COLUMNS_MAX];
	size_t names = pm_proc_fields(head, name, COLUMNS_MAX);
	double v;
	if (pm_proc_fields(line, field, COLUMNS_MAX) != names)
		return pm_fail(
			err, PM_ERR_INVALID, "net/stat/nf_conntrack: a line and the head have different lengths");
	for (size_t i = 0; i < names; i++) {
		for (size_t k = 0; k < STATS; k++) {
			if (!pm_str_eq(name[i], pm_str(stats[k].column)))
				continue;
			int rc = pm_proc_hex(field[i], &v, err);
			if (rc != 0)
				return rc;
			sum[k] += v;
		}
	}
	return 0;
}

int pm_linux_conntrack(struct pm_linux *x, struct pm_error *err)
{
	struct pm_str text, head = { "", 0 }, line;
	double v, sum[STATS] = { 0 };
	int rc = pm_proc_file_number(&x->arena, &v, err, "%s/sys/net/netfilter/nf_conntrack_count", x->procfs);
	if (rc != 0)
		return rc;
	pm_emit_value(x->emit, &entries, v);
	rc = pm_proc_file_number(&x->arena, &v, err, "%s/sys/net/netfilter/nf_conntrack_max", x->procfs);
	if (rc != 0)
		return rc;
	pm_emit_value(x->emit, &limit, v);
	rc = pm_proc_read(&x->arena, &text, err, "%s/net/stat/nf_conntrack", x->procfs);
	if (rc != 0)
		return rc;
	pm_proc_line(&text, &head);
	while (rc == 0 && pm_proc_line(&text, &line))
		rc = add_line(head, line, sum, err);
	for (size_t k = 0; rc == 0 && k < STATS; k++)
		pm_emit_value(x->emit, &stats[k].metric, sum[k]);
	return rc;
}
