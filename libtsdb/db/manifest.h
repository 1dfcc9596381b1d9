/* manifest.h - which segments are live: a small file that is written anew for each change, named by the meta page's
 * record.
 *
 * Who may touch what: a manifest is immutable but for its open segments, which `mutex` guards. Snapshots hold counted
 * references. Only the holder of the lock for long work (sealing, merging, retention) makes new ones. */
#ifndef TSDB_DB_MANIFEST_H
#define TSDB_DB_MANIFEST_H

#include "libtsdb/segment/segment.h"

#include <pthread.h>

enum { TSDB_TOMBSTONE_MATCHERS_MAX = 64 };

/* Samples in [min_ms, max_ms] of series that match are deleted in segments numbered below `before`. */
struct tsdb__tombstone {
	int64_t min_ms, max_ms;
	uint64_t before;
	struct pm_matcher *matchers; /* strings point into `bytes` of the manifest */
	uint32_t matcher_count;
};

struct tsdb__manifest_entry {
	struct tsdb__segment_info info;
	struct tsdb__segment *open; /* NULL: not needed yet */
	int bad;                    /* why it was set aside; 0: it was not */
};

struct tsdb__manifest {
	unsigned refs; /* atomic */
	uint64_t number;
	uint64_t next_segment; /* numbers from here on were never used */
	struct tsdb__manifest_entry *v; /* by order of commitment */
	size_t count, cap;
	struct tsdb__tombstone *tombstones;
	size_t tombstone_count, tombstone_cap;
	struct pm_arena arena; /* matchers and their strings */
	int dirfd;             /* of the segments, -1 when there is none yet; borrowed */
	pthread_mutex_t mutex;
};

void tsdb__manifest_name(char out[32], uint64_t number);
/* An empty one, number 0. */
int tsdb__manifest_new(int segments_dirfd, struct tsdb__manifest **ret);
/* Read number `number` (0: none, empty). Segments that `old` (NULL allowed) has open stay open. PM_ERR_STALE: it is
 * gone. */
int tsdb__manifest_load(int dirfd, int segments_dirfd, uint64_t number, struct tsdb__manifest *old,
	struct tsdb__manifest **ret, struct pm_error *err);
/* Write it under its number, synced and in its place. PM_ERR_LIMIT: it would be too large to be read again. */
int tsdb__manifest_write(int dirfd, const struct tsdb__manifest *m, struct pm_error *err);
void tsdb__manifest_unlink(int dirfd, uint64_t number);
/* A copy with the next number, to be changed by its maker before anybody else sees it. */
int tsdb__manifest_copy(struct tsdb__manifest *m, struct tsdb__manifest **ret);
int tsdb__manifest_add(struct tsdb__manifest *m, const struct tsdb__segment_info *info);
void tsdb__manifest_remove(struct tsdb__manifest *m, uint64_t segment);
int tsdb__manifest_tombstone(struct tsdb__manifest *m, const struct tsdb__tombstone *t);
struct tsdb__manifest *tsdb__manifest_ref(struct tsdb__manifest *m);
void tsdb__manifest_unref(struct tsdb__manifest *m); /* NULL allowed */
/* Entry i, opened; the caller unrefs. PM_ERR_STALE: its file is gone. */
int tsdb__manifest_segment(struct tsdb__manifest *m, size_t i, struct tsdb__segment **ret, struct pm_error *err);
/* Set entry i aside for this error code (0: only look). What it was set aside for before, 0 when it was not. */
int tsdb__manifest_set_aside(struct tsdb__manifest *m, size_t i, int why);

#endif
