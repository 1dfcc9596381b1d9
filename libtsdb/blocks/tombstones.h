/* tombstones.h - what was deleted from a block: ranges of time, by series. Private to libtsdb/blocks. */
#ifndef TSDB_BLOCKS_TOMBSTONES_H
#define TSDB_BLOCKS_TOMBSTONES_H

#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

struct prom__tombstone {
	uint64_t series;
	int64_t min_ms, max_ms; /* closed */
};

struct prom__tombstones {
	struct prom__tombstone *v; /* sorted by series */
	size_t count, cap;
};

/* A block without the file has none. */
int prom__tombstones_read(struct prom__tombstones *t, const char *dir, struct pm_error *err);
void prom__tombstones_release(struct prom__tombstones *t);
/* Those of one series: their number, and the first in `*ret`. */
size_t prom__tombstones_of(
	const struct prom__tombstones *t, uint64_t series, const struct prom__tombstone **ret);
/* 0 or PM_ERR_NOMEM; prom__tombstones_sort() before they are asked for. */
int prom__tombstones_add(struct prom__tombstones *t, uint64_t series, int64_t min_ms, int64_t max_ms);
void prom__tombstones_sort(struct prom__tombstones *t);
/* The file of a block that has none. */
void prom__tombstones_put_empty(struct pm_buf *out);

#endif
