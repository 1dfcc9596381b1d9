/* metadata.h - type, help and unit of metrics, in the catalog (metadata.c). */
#ifndef TSDB_HEAD_METADATA_H
#define TSDB_HEAD_METADATA_H

#include "libtsdb/head/head.h"

/* From metrics to their newest records. */
struct tsdb__metadata_map {
	struct tsdb__metadata_slot {
		uint32_t metric; /* symbol; 0: empty */
		uint32_t at;     /* record, offset / 8 */
	} * slots;
	size_t cap, count;
	uint32_t newest; /* record that it was loaded up to */
};

/* The record at offset `at` * 8, or NULL. */
const struct tsdb_metadata_rec *tsdb__metadata_at(const struct tsdb__bytes *catalog, uint32_t at);
/* Bring a map (zeroed at first) up to record `newest`. PM_ERR_CORRUPT, PM_ERR_NOMEM; the map may be loaded again. */
int tsdb__metadata_load(
	struct tsdb__metadata_map *m, const struct tsdb__bytes *catalog, uint32_t newest, struct pm_error *err);
void tsdb__metadata_forget(struct tsdb__metadata_map *m);
/* A symbol's text; empty for 0. */
struct pm_str tsdb__metadata_text(const struct tsdb__bytes *catalog, uint32_t sym);

struct tsdb_metadata;
/* Write a record unless the newest of the metric says the same. */
int tsdb__metadata_put(
	struct tsdb__write *w, struct tsdb__metadata_map *m, const struct tsdb_metadata *in, struct pm_error *err);

#endif
