/* family.h - the rows of one family (a target's layouts over time) that a range needs, laid out for reading.
 *
 * A reader walks each family once and keeps it; all points into the log, so the snapshot outlives it. */
#ifndef TSDB_DB_FAMILY_H
#define TSDB_DB_FAMILY_H

#include "libtsdb/db/db.h"

struct tsdb__family {
	uint32_t id;
	const struct tsdb_row **rows; /* that overlap the range, in order of commitment */
	uint64_t *positions;          /* of rows, in the log: the order of commitment */
	struct tsdb__row_view *views; /* of rows; zeros for batches */
	int64_t *times;               /* of rows: the shared column of times when regular */
	size_t count, cap, positions_cap;
	bool regular;     /* rows only, in the range, one time each, ascending */
	bool has_starts, has_hists; /* some row has such */
	uint64_t time_id; /* the reader's number for `times` */
};

/* Family 0 is the batches of loose samples. PM_ERR_CORRUPT with the position of what is not a row of this family. */
int tsdb__family_new(const struct tsdb__snap *snap, uint32_t id, int64_t min_ms, int64_t max_ms,
	struct tsdb__family **ret, struct pm_error *err);
void tsdb__family_free(struct tsdb__family *f);
/* Rows from `from` on that are laid out by the same version: the index behind the last. */
size_t tsdb__family_same_version(const struct tsdb__family *f, size_t from);

#endif
