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
	bool has_log;   /* there is a log of what no block has yet */
	int64_t max_ms; /* the end of those that were made from the log; PM_TIME_MIN when there are none */
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

/* ---- the log of a data directory ---------------------------------------------------------------- */

enum tsdb_log_kind { TSDB_LOG_SAMPLE, TSDB_LOG_EXEMPLAR, TSDB_LOG_METADATA };

/* One thing that the log says of a series. */
struct tsdb_log_item {
	enum tsdb_log_kind kind;
	uint32_t series;         /* a number from 0 on, the same for all items of a series */
	struct pm_labels labels; /* of the series */
	int64_t t_ms, st_ms;     /* sample, exemplar */
	double v;
	const struct pm_histogram *h;           /* of a sample: NULL for the float v */
	struct pm_labels exemplar;
	struct pm_str type, help, unit;         /* metadata; the type as exposition formats name it */
};

struct tsdb_log;

/* What no block of the data directory `dir` has yet: its write-ahead log with the last checkpoint, and the log of
 * samples that came out of order. Samples before `min_ms` in the former are left out: blocks have them, or had them
 * before they were deleted (see tsdb_block_list.max_ms). Reads all of it once, for what was deleted since. Errors as of
 * blocks. A log that ends in the middle of a record just ends there. */
int tsdb_log_open(const char *dir, int64_t min_ms, struct tsdb_log **ret, struct pm_error *err);
/* The next item, in the order of the log: 1, 0 at the end, or an error. `*ret` is good until the next call. */
int tsdb_log_next(struct tsdb_log *l, struct tsdb_log_item *ret, struct pm_error *err);
/* How many samples so far are of series that the log does not name. */
uint64_t tsdb_log_lost(const struct tsdb_log *l);
void tsdb_log_free(struct tsdb_log *l); /* NULL allowed */

/* ---- writing ------------------------------------------------------------------------------------ */

struct tsdb_block_writer;

/* A new block below `dir`, which must exist. Until it is finished its directory is named as Prometheus names what it
 * has not finished, and removes. The writer holds 12 bytes and those of the labels' numbers for each series, 24 for
 * each chunk, and each string once. */
int tsdb_block_writer_new(const char *dir, struct tsdb_block_writer **ret, struct pm_error *err);
/* The next series, sorted by labels; or more of the last one, later than before. Start timestamps are left out: the
 * encodings that every Prometheus reads have none. PM_ERR_INVALID: out of order. After an error: free. */
int tsdb_block_writer_add(struct tsdb_block_writer *w, const struct pm_series *series, struct pm_error *err);
/* Write the index, sync, and give the block its name. Ends the writer in every case. A block without samples is not
 * made: `*ret` (NULL allowed; its path is NULL) then has a sample_count of 0. */
int tsdb_block_writer_finish(struct tsdb_block_writer *w, struct tsdb_block_info *ret, struct pm_error *err);
void tsdb_block_writer_free(struct tsdb_block_writer *w); /* NULL allowed; what was written is removed */

#ifdef __cplusplus
}
#endif
#endif
