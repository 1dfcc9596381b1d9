/* txn.h - a transaction under way (txn.c, exemplar.c, metadata.c). */
#ifndef TSDB_DB_TXN_H
#define TSDB_DB_TXN_H

#include "libtsdb/db/notes.h"

#include "libtsdb/base/arena.h"

/* What is known of one list of series. */
struct tsdb__shape {
	uint64_t hash;
	size_t first, count; /* where it was seen first: samples [first, first + count) */
	uint32_t seen;
	uint32_t family;
	uint64_t version; /* 0: not stored yet */
	bool refused;     /* names a series twice, or collides with another list */
};

struct tsdb_txn {
	struct tsdb *db;
	struct tsdb_record published;
	struct tsdb__loose *samples;
	size_t count, cap;
	struct tsdb__extra *extras; /* what samples that are more than a float have; all in `arena` */
	size_t extra_count, extra_cap;
	struct pm_arena arena;      /* until the next drain */
	struct tsdb__shape *shapes; /* open addressing by hash */
	size_t shape_cap, shape_count;
	struct tsdb__run {
		size_t first, count;
		uint64_t hash; /* of its series: names the shape */
	} * runs;
	size_t run_count, run_cap;
	struct tsdb__shape *layouts; /* that the caller named */
	size_t layout_count, layout_cap;
	uint32_t *sids; /* of the run at hand */
	size_t sids_cap;
	double *values;
	size_t values_cap;
	int64_t *starts;
	size_t starts_cap;
	const struct pm_histogram **hists;
	size_t hists_cap;
	struct tsdb__exemplars_out exemplars;
	int error; /* of an append that spoiled the transaction */
};

/* Find or make the ad-hoc layout of `sids` (s->count of them, s->hash theirs). It is made only when that is `worth` it;
 * s->refused says that it was not, or can't be: a series stands twice. */
int tsdb__shape_store(
	struct tsdb_txn *txn, struct tsdb__shape *s, const uint32_t *sids, bool worth, struct pm_error *err);

#endif
