/* source.h - where a querier's series come from: the segments of a snapshot's manifest, then its head. */
#ifndef TSDB_DB_SOURCE_H
#define TSDB_DB_SOURCE_H

#include "libtsdb/base/arena.h"
#include "libtsdb/db/db.h"
#include "libtsdb/db/manifest.h"

static inline struct tsdb__manifest *tsdb__manifest_of(const struct tsdb__snap *snap)
{
	return snap->attached;
}

static inline bool tsdb__segment_in_range(const struct tsdb__segment_info *s, const struct pm_select *sel)
{
	return sel->min_ms <= s->max_ms && sel->max_ms >= s->min_ms;
}

/* The head may have samples in the range. */
bool tsdb__head_in_range(const struct tsdb__snap *snap, const struct pm_select *sel);
/* The head's series that match. `snap` and `labels`, where label sets stand, outlive the set. */
int tsdb__head_set(const struct tsdb__snap *snap, const struct pm_select *sel, struct pm_arena *labels,
	struct pm_series_set **ret, struct pm_error *err);

/* Segment i of the snapshot's manifest: 1 and a reference; 0 when it is damaged, which was said; or an error. */
int tsdb__source_segment(struct tsdb *db, const struct tsdb__snap *snap, size_t i, struct tsdb__segment **ret,
	struct pm_error *err);
/* Series of a segment that match, without samples that tombstones cover. */
int tsdb__source_set(const struct tsdb__snap *snap, struct tsdb__segment *s, const struct pm_select *sel,
	struct pm_arena *labels, struct pm_series_set **ret, struct pm_error *err);

/* Strings of several sources, borrowed until they are done. */
struct tsdb__strings {
	struct pm_str *v;
	size_t count, cap;
};
int tsdb__strings_add(struct tsdb__strings *s, struct pm_str str);
void tsdb__strings_release(struct tsdb__strings *s);
/* Sorted, no doubles, at most `limit` (0: all), copied. Frees `s` in every case. */
int tsdb__strings_done(struct tsdb__strings *s, size_t limit, struct pm_strings *ret);
/* Names (name.ptr NULL) or values of the name, of series of the head that match. */
int tsdb__head_strings(const struct tsdb__snap *snap, const struct pm_str *name, const struct pm_select *sel,
	struct tsdb__strings *to, struct pm_error *err);
int tsdb__segment_strings(const struct tsdb__segment *s, const struct pm_str *name, const struct pm_select *sel,
	struct tsdb__strings *to, struct pm_error *err);

/* ---- tombstones (tombstone.c) ---- */

/* `set` without the samples that tombstones for segments of this number cover; `set` is taken over. */
int tsdb__without_deleted(const struct tsdb__manifest *m, uint64_t segment, struct pm_series_set *set,
	struct pm_series_set **ret, struct pm_error *err);

#endif
