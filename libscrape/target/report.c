/* report.c - the series that a scrape has of itself: `up` and the scrape_* ones.
 *
 * They are entries behind those of the page, without text; their hash is their number here. A failed scrape has only
 * these, so that whatever its target showed before gets stale markers.
 *
 * scrape_series_added counts the lines whose text the layout does not know. That is upstream's count, except for series
 * that come back while the layout still has them, and for lines that are there twice when they are new. */
#include "libscrape/target/pager.h"

#include "libtsdb/base/clock.h"

enum {
	REPORT_UP,
	REPORT_DURATION,
	REPORT_SCRAPED,
	REPORT_POST_RELABEL,
	REPORT_ADDED,
	REPORT_COUNT = SCRAPE__REPORT_COUNT
};

static const char *const report_names[REPORT_COUNT] = {
	"up",
	"scrape_duration_seconds",
	"scrape_samples_scraped",
	"scrape_samples_post_metric_relabeling",
	"scrape_series_added",
};
#define REPORT_HASH(i) (UINT64_C(0x7363726170650000) + (uint64_t)(i))

void scrape__report_values(const struct scrape__pager *g, bool up, double *ret)
{
	double parse_s = (double)(pm_monotonic_ns() - g->start_ns) / 1e9;

	ret[REPORT_UP] = up;
	ret[REPORT_DURATION] = g->fetched->seconds + parse_s;
	ret[REPORT_SCRAPED] = (double)g->samples;
	ret[REPORT_POST_RELABEL] = (double)g->kept;
	ret[REPORT_ADDED] = (double)g->added;
}

/* The entries that the layout has for them, PM_REF_NEW where it has none. */
static void find_report(const struct pm_layout *l, struct pm_layout_entry *ret)
{
	for (int i = 0; i < REPORT_COUNT; i++)
		ret[i] = (struct pm_layout_entry){ REPORT_HASH(i), 0, PM_REF_NEW };
	for (uint32_t b = 0; l && b < l->block_count; b++) {
		for (uint32_t j = 0; j < l->blocks[b].entry_count; j++) {
			const struct pm_layout_entry *e = &l->blocks[b].entries[j];

			if (e->text_len == 0 && e->text_hash - REPORT_HASH(0) < REPORT_COUNT && e->ref < PM_REF_MAX)
				ret[e->text_hash - REPORT_HASH(0)] = *e;
		}
	}
}

int scrape__add_report(struct scrape__pager *g, bool up, struct pm_error *err)
{
	struct pm_layout_entry known[REPORT_COUNT];
	double v[REPORT_COUNT];
	int rc = 0;

	find_report(g->layout, known);
	scrape__report_values(g, up, v);
	for (int i = 0; i < REPORT_COUNT && !rc; i++) {
		struct pm_page_entry e = { .e = known[i], .v = v[i], .t_ms = PM_NO_TIME };

		if (e.e.ref == PM_REF_NEW)
			rc = scrape__report_labels(g->target, pm_str(report_names[i]), &g->arena, &e.labels);
		rc = rc ? pm_fail(err, rc, "out of memory") : scrape__add_entry(g, &e, err);
	}
	return rc;
}

/* The entry with this number, which is below l->entry_count. */
static const struct pm_layout_entry *entry_at(const struct pm_layout *l, size_t i)
{
	const struct pm_layout_block *b = l->blocks;

	while (i >= b->entry_count)
		i -= b++->entry_count;
	return &b->entries[i];
}

bool scrape__ends_with_report(const struct pm_layout *l, size_t from)
{
	if (from + REPORT_COUNT != l->entry_count)
		return false;
	for (size_t i = 0; i < REPORT_COUNT; i++) {
		const struct pm_layout_entry *e = entry_at(l, from + i);

		if (e->text_len || e->text_hash != REPORT_HASH(i) || e->ref >= PM_REF_MAX)
			return false;
	}
	return true;
}
