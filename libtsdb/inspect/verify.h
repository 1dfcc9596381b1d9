/* verify.h - what the parts of tsdb_verify() share: the files, and where damage is told. */
#ifndef TSDB_INSPECT_VERIFY_H
#define TSDB_INSPECT_VERIFY_H

#include "libtsdb/inspect/view.h"

struct tsdb__verify {
	struct tsdb__view view;
	struct tsdb__bytes catalog, ids, layouts, postings;
	struct tsdb__slots tables[TSDB_TABLE_COUNT]; /* count 0: not usable */
	struct tsdb__head logs;                      /* no more than its log files, for tsdb__row_at() */
	tsdb_damage_fn *fn;
	void *arg;
	struct tsdb_verified ret;
};

/* Functions return 0 to go on, whatever they found, or what the caller's function gave to stop. */
int tsdb__damaged(struct tsdb__verify *k, const struct tsdb__view_file *f, uint64_t off, const char *what);
/* A record of `f`, whose checksum holds. */
typedef int tsdb__verify_fn(
	struct tsdb__verify *k, const struct tsdb__view_file *f, uint64_t off, const struct tsdb_rec *rec);
int tsdb__verify_records(struct tsdb__verify *k, const struct tsdb__view_file *f, tsdb__verify_fn *fn);

int tsdb__verify_catalog(struct tsdb__verify *k); /* and ids */
int tsdb__verify_layouts(struct tsdb__verify *k);
int tsdb__verify_postings(struct tsdb__verify *k);
int tsdb__verify_log(struct tsdb__verify *k, const struct tsdb__view_file *f);
int tsdb__verify_segments(struct tsdb__verify *k); /* and the manifest */
/* Tell of the damage that an error's message speaks of: "FILE: damaged at offset N: WHAT", or else of all of it at 0.
 */
int tsdb__damaged_as(struct tsdb__verify *k, const struct tsdb__view_file *f, const struct pm_error *why);

#endif
