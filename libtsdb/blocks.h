/* blocks.h - Prometheus's own files: blocks, read and written, and data directories, read. Knows nothing of the store.
 *
 *     tsdb_block_open("data/01GTZK...", &block, &err);
 *     while ((rc = tsdb_block_next(block, &series, &err)) > 0)
 *             ... series.labels, series.samples ...
 *     tsdb_block_free(block);
 *
 * What is read is foreign: every length is checked, every checksum compared, memory is bounded, and an error names the
 * file and the offset. The formats are Prometheus's (index version 2; XOR, XOR2, histogram and float histogram chunks).
 * One thread an object. */
#ifndef TSDB_BLOCKS_H
#define TSDB_BLOCKS_H

#include "libtsdb/pm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TSDB_ULID_SIZE = 27 }; /* 26 characters and a NUL */

/* What meta.json says of a block. */
struct tsdb_block_info {
	const char *path;
	char ulid[TSDB_ULID_SIZE];
	int64_t min_ms, max_ms; /* [min, max) */
	uint64_t series_count, sample_count; /* 0 where it does not say */
};

/* The blocks of a directory, by time. */
struct tsdb_block_list {
	struct tsdb_block_info *v;
	size_t count;
	bool has_log; /* there is a log of what no block has yet */
};

/* The blocks of a data directory, or the block that `dir` is itself. Blocks that another one replaced (its parents) and
 * directories that are no block are left out. PM_ERR_NOTFOUND: neither blocks nor a log are here; PM_ERR_CORRUPT and
 * PM_ERR_UNSUPPORTED with the file. */
int tsdb_block_list(const char *dir, struct tsdb_block_list *ret, struct pm_error *err);
void tsdb_block_list_free(struct tsdb_block_list *l);

/* ---- reading ------------------------------------------------------------------------------------ */

struct tsdb_block;

/* PM_ERR_NOTFOUND, PM_ERR_CORRUPT, PM_ERR_UNSUPPORTED (an index of version 1, say). */
int tsdb_block_open(const char *dir, struct tsdb_block **ret, struct pm_error *err);
void tsdb_block_free(struct tsdb_block *b); /* NULL allowed */
/* The next series in the order of the index, which is that of its labels: 1, 0 at the end, or an error. Deleted samples
 * are gone. A series with many samples comes in parts, one after the other; times ascend in a part. `*ret` and
 * all it points to is good until the next call. */
int tsdb_block_next(struct tsdb_block *b, struct pm_series *ret, struct pm_error *err);

#ifdef __cplusplus
}
#endif
#endif
