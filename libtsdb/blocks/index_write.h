/* index_write.h - the index of a new block: collected while its chunks are written, then written in one go, as symbols
 * stand before the series that use them. Private to libtsdb/blocks. */
#ifndef TSDB_BLOCKS_INDEX_WRITE_H
#define TSDB_BLOCKS_INDEX_WRITE_H

#include "libtsdb/blocks/index.h"
#include "libtsdb/blocks/intern.h"

/* A series: where its pairs and chunks begin in the arrays of all; they end where the next one's begin. */
struct prom__index_series {
	uint32_t pairs_from;
	uint64_t chunks_from;
	uint32_t number; /* offset in the file / 16, once it is written */
};

struct prom__index_out {
	struct prom__strings strings;
	struct prom__pairs pairs;
	struct prom__index_series *series;
	uint32_t *labels; /* numbers of pairs, series after series */
	struct prom__chunk_ref *chunks;
	size_t series_count, series_cap, label_count, labels_cap, chunk_count, chunks_cap;
};

/* A new series, later than all in the order of labels; a chunk of the last series. */
int prom__index_add_series(struct prom__index_out *x, struct pm_labels labels, struct pm_error *err);
int prom__index_add_chunk(struct prom__index_out *x, const struct prom__chunk_ref *chunk, struct pm_error *err);
/* Write `path`. PM_ERR_LIMIT: larger than its offsets can say. */
int prom__index_write(struct prom__index_out *x, int dirfd, const char *path, struct pm_error *err);
void prom__index_out_release(struct prom__index_out *x);

#endif
