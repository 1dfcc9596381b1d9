/* long.h - long work: sealing, merging, retention, deletion (see tsdb_compact).
 *
 * Whoever does it holds TSDB_LOCK_LONG all the time and the writers' lock for two short moments: to begin a log file
 * that will not be sealed, and to publish. Only the holder makes segments and manifests, so that what is published
 * cannot change under its hands but by what writers append. */
#ifndef TSDB_DB_LONG_H
#define TSDB_DB_LONG_H

#include "libtsdb/db/source.h"

struct tsdb__long {
	struct tsdb *db;
	const struct tsdb_compact_opts *opts;
	struct tsdb_compact_stats *stats;
	struct tsdb__snap *snap; /* what is published; taken anew after each step */
	int64_t now_ms;
};

/* Segments are aligned: one of level L is inside a span of this many milliseconds, a multiple of it. */
static inline int64_t tsdb__level_ms(uint32_t level)
{
	int64_t ms = INT64_C(86400000);
	while (level--)
		ms *= 12;
	return ms;
}
enum { TSDB_LEVEL_MAX = 6 };

static inline int64_t tsdb__span_of(int64_t t_ms, uint32_t level)
{
	int64_t ms = tsdb__level_ms(level);
	return t_ms / ms - (t_ms % ms < 0);
}

int tsdb__long_begin(struct tsdb__long *w, struct pm_error *err);
void tsdb__long_end(struct tsdb__long *w);
/* True: stop, with PM_ERR_CANCELED. */
bool tsdb__long_progress(struct tsdb__long *w, const char *what, uint64_t done, uint64_t all);
/* Publish `m` (taken over), and with `log_first` not 0 that log files before it are sealed; sync that; then unlink what
 * the store no longer names. w->snap is what is published then. */
int tsdb__long_publish(struct tsdb__long *w, struct tsdb__manifest *m, uint64_t log_first, struct pm_error *err);

/* The newest time of all samples. */
int64_t tsdb__long_newest(const struct tsdb__long *w);

/* Seal the head. */
int tsdb__seal(struct tsdb__long *w, struct pm_error *err);
/* Write all rows of a snapshot as segments of `m`; nothing is published. */
int tsdb__seal_all(struct tsdb__long *w, const struct tsdb__snap *snap, struct tsdb__manifest *m, struct pm_error *err);
/* When most series of the head are gone, put a new one in its place that has the others. */
int tsdb__renew(struct tsdb__long *w, struct pm_error *err);
/* w->snap is what is published now; what `before` named and it does not is unlinked. */
int tsdb__long_follow(struct tsdb__long *w, struct tsdb__snap *before, struct pm_error *err);

/* Merge what is most worth it. 1: something was merged, or set aside for damage; 0: nothing to do. */
int tsdb__merge_some(struct tsdb__long *w, struct pm_error *err);
int tsdb__retention(struct tsdb__long *w, struct pm_error *err);

#endif
