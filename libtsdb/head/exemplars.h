/* exemplars.h - exemplars in the log (exemplars.c). */
#ifndef TSDB_HEAD_EXEMPLARS_H
#define TSDB_HEAD_EXEMPLARS_H

#include "libtsdb/head/head.h"
#include "libtsdb/tsdb.h"

enum {
	TSDB_EXEMPLARS_DEFAULT = 100000,
	TSDB_EXEMPLAR_LABELS_MAX = 128, /* characters of all names and values; so labels, too */
};

/* How many live. */
static inline uint64_t tsdb__exemplar_max(const struct tsdb__write *w)
{
	uint64_t max = __atomic_load_n(&w->exemplar_max, __ATOMIC_RELAXED);
	return max == TSDB_EXEMPLARS_NONE ? 0 : max ? max : TSDB_EXEMPLARS_DEFAULT;
}

/* The key of the family that their records are chained as. */
struct pm_str tsdb__exemplars_key(void);

/* Exemplars on their way to the log. */
struct tsdb__exemplars_out {
	struct pm_buf buf;
	uint32_t count;
	int64_t min_ms, max_ms;
};
int tsdb__exemplars_put(
	struct tsdb__exemplars_out *out, uint32_t sid, int64_t t_ms, double v, struct pm_labels labels);
/* Write what was put, if anything. `carried`: the first of copies, behind which there is nothing that lives. */
int tsdb__exemplars_flush(struct tsdb__write *w, struct tsdb__exemplars_out *out, bool carried, struct pm_error *err);

/* Log files before `first` are about to be sealed: copy the exemplars that live to the log's end. Called with the
 * writers' lock, after what was appended has reached the files. */
int tsdb__exemplars_carry(struct tsdb__write *w, uint64_t first, struct pm_error *err);

/* Records up to this position are in files that were sealed and are gone. */
static inline uint64_t tsdb__exemplars_sealed(const struct tsdb_record *rec)
{
	return (rec->log_first << TSDB_LOG_SHIFT) - 1;
}

/* Records from the one at `pos` back, newest first, until they hold `max` exemplars (the oldest record may have some
 * more) or position `until` is reached. Zeroed or filled, it may be released. */
struct tsdb__exemplars_walk {
	const struct tsdb_row **rows;
	uint64_t *positions;
	size_t count, cap;
	uint64_t exemplar_count;
};
int tsdb__exemplars_walk(const struct tsdb__head *h, uint64_t pos, uint64_t until, uint64_t log_end, uint64_t max,
	struct tsdb__exemplars_walk *ret, struct pm_error *err);
void tsdb__exemplars_release(struct tsdb__exemplars_walk *w);

/* The exemplar at *off of a record's body; *off moves on. NULL: damaged. A record has row->width of them. */
const struct tsdb_exemplar_rec *tsdb__exemplars_next(const struct tsdb_row *row, size_t *off);
/* Its e->label_count labels, borrowed from the log. PM_ERR_CORRUPT without a message. */
int tsdb__exemplar_labels(const struct tsdb_exemplar_rec *e, struct pm_label *ret);

/* Both at once. */
struct tsdb__exemplar_view {
	const struct tsdb_exemplar_rec *e;
	struct pm_labels labels; /* in `room` */
	struct pm_label room[TSDB_EXEMPLAR_LABELS_MAX];
};
/* The exemplar at *off with its labels; *off moves on. False: damaged. */
bool tsdb__exemplars_read(const struct tsdb_row *row, size_t *off, struct tsdb__exemplar_view *ret);

#endif
