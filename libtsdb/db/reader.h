/* reader.h - a reader at work (read.c, columns.c). */
#ifndef TSDB_DB_READER_H
#define TSDB_DB_READER_H

#include "libtsdb/db/family.h"

#include "libtsdb/base/arena.h"

/* A series of the call at hand is looked for in a family. */
struct tsdb__want {
	uint32_t family;
	uint32_t index; /* among the series of this call */
};

/* A sample before it is sorted. */
struct tsdb__found {
	int64_t t_ms;
	uint64_t order; /* of commitment */
	double v;
	int64_t st_ms;
	const struct tsdb_row *hist; /* the record that histogram `v` stands in; NULL: a float */
};

struct tsdb__reader {
	const struct tsdb__snap *snap;
	int64_t min_ms, max_ms;
	struct tsdb__family **families; /* by id, NULL: not walked yet */
	size_t family_cap;
	uint64_t time_ids;
	struct pm_arena arena; /* what the last call gave out */
	struct tsdb__want *wants;
	size_t want_count, want_cap;
	struct tsdb__found *found;
	size_t found_count, found_cap;
};

/* The fast way: `n` series whose samples are floats in the rows of one regular family. */
int tsdb__read_columns(struct tsdb__reader *r, struct tsdb__family *f, const struct tsdb__want *w, size_t n,
	const uint32_t *sids, struct pm_samples *ret, struct pm_error *err);

#endif
