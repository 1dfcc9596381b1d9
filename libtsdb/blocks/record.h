/* record.h - what a record of the write-ahead log says, item by item. Private to libtsdb/blocks. */
#ifndef TSDB_BLOCKS_RECORD_H
#define TSDB_BLOCKS_RECORD_H

#include "libtsdb/base/arena.h"
#include "libtsdb/blocks.h"
#include "libtsdb/blocks/file.h"

enum prom__record_type {
	PROM__RECORD_SERIES = 1,
	PROM__RECORD_SAMPLES = 2,
	PROM__RECORD_TOMBSTONES = 3,
	PROM__RECORD_EXEMPLARS = 4,
	PROM__RECORD_MMAP_MARKERS = 5,
	PROM__RECORD_METADATA = 6,
	PROM__RECORD_HISTOGRAMS = 7,
	PROM__RECORD_FLOAT_HISTOGRAMS = 8,
	PROM__RECORD_CUSTOM_HISTOGRAMS = 9,
	PROM__RECORD_CUSTOM_FLOAT_HISTOGRAMS = 10,
	PROM__RECORD_SAMPLES_V2 = 11,
	PROM__RECORD_HISTOGRAMS_V2 = 12,
	PROM__RECORD_FLOAT_HISTOGRAMS_V2 = 13,
	PROM__RECORD_MIN_VALID_TIME = 14,
};

/* A record being read. */
struct prom__record {
	struct prom__cursor c;
	uint8_t type;
	bool begun;
	uint64_t ref, first_ref; /* of series, by Prometheus's number */
	int64_t first_t, first_st, st;
	struct pm_arena *arena; /* of the item at hand */
	const char *why;        /* what is wrong */
};

/* `arena` is reset for each item. */
void prom__record_begin(struct prom__record *r, struct pm_str bytes, struct pm_arena *arena);
/* The next item of a record of samples, histograms, exemplars or metadata, its labels and number left out; or of one of
 * series, whose labels are `ret->labels`; or of one of tombstones, whose range is [t_ms, st_ms]. Its series is r->ref.
 * 1, 0 at the end, PM_ERR_CORRUPT with r->why, PM_ERR_NOMEM. */
int prom__record_next(struct prom__record *r, struct tsdb_log_item *ret);

#endif
