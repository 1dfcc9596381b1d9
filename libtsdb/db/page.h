/* page.h - a page on its way to the log (page.c, page_more.c). */
#ifndef TSDB_DB_PAGE_H
#define TSDB_DB_PAGE_H

#include "libtsdb/db/notes.h"

#include "libtsdb/base/arena.h"

struct tsdb__work {
	struct tsdb *db;
	struct tsdb__write *w;
	const struct pm_page *page;
	struct pm_append_stats stats;
	struct pm_arena arena;
	uint32_t family;
	/* the target's last row and its layout; last NULL: there is none */
	const struct tsdb_row *last;
	struct tsdb__row_view last_view;
	const struct tsdb_version *old;
	uint64_t old_off;
	uint32_t *old_sids;                         /* by position */
	const struct pm_layout_entry **old_entries; /* by position */
	uint64_t old_comments, new_comments;        /* sums of hashes */
	/* the page: entries with their series in order; doubles are told apart */
	struct pm_layout_entry *entries;
	size_t series_count;
	/* sid -> entry index + 1 */
	uint32_t *set_keys, *set_entries;
	size_t set_cap;
	/* samples of doubles, and what they have beside their value */
	struct tsdb__loose *doubles;
	struct tsdb__extra *extras;
	size_t double_count, double_cap, extra_cap;
};

static inline int64_t tsdb__entry_time(const struct tsdb__work *k, const struct pm_page_entry *e)
{
	return e->t_ms == PM_NO_TIME ? k->page->t_ms : e->t_ms;
}

/* What stands beside the row (page_more.c). */

/* Entry i names a series that entry `first` named before. */
int tsdb__page_double(struct tsdb__work *k, uint32_t sid, size_t i, size_t first, struct pm_error *err);
/* Write doubles, exemplars and metadata. */
int tsdb__page_more(struct tsdb__work *k, struct pm_error *err);
void tsdb__page_release(struct tsdb__work *k);

#endif
