/* tsdb.h - the store: one data directory, many processes.
 *
 * Any number of processes and threads may open the same directory. Readers take no lock and never wait; writers queue
 * for a lock that is held for one transaction. What a transaction committed is seen by every snapshot taken afterwards,
 * in any process, and survives kill -9; it survives loss of power once it was synced (tsdb_opts.fsync_ms).
 *
 *     tsdb_open("data", &(struct tsdb_opts){ .flags = TSDB_WRITE | TSDB_CREATE }, &db, &err);
 *     tsdb_txn_begin(db, &txn, &err);
 *     tsdb_txn_append(txn, labels, t_ms, 42.0, NULL, &err);
 *     tsdb_txn_commit(txn, &err);
 *     tsdb_querier(db, &q, &err);
 *     ... q->select(...) ...
 *     q->free(q);
 *     tsdb_close(db);
 */
#ifndef TSDB_H
#define TSDB_H

#include "libtsdb/pm.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tsdb;
struct tsdb_txn;

enum tsdb_flags {
	TSDB_READ = 0,
	TSDB_WRITE = 1,         /* appends are wanted; a directory that can't be written is PM_ERR_READONLY */
	TSDB_CREATE = 2,        /* with TSDB_WRITE: make the directory and an empty store when there is none */
	TSDB_NETWORK_FS_OK = 4, /* open on NFS and the like, where several machines would break the store */
};

enum { TSDB_FSYNC_ALWAYS = 0, TSDB_FSYNC_NEVER = -1, TSDB_FSYNC_DEFAULT_MS = 1000 };

struct tsdb_opts {
	unsigned flags;
	int64_t fsync_ms; /* at most so much is lost with the power; TSDB_FSYNC_*; 0 syncs every commit */
};

/* Open a store. O(1) whatever it holds: nothing is replayed. `opts` NULL: for reading. The handle may be used by many
 * threads. PM_ERR_NOTFOUND: no store there; PM_ERR_VERSION: made by another version of pm; PM_ERR_READONLY;
 * PM_ERR_NOSPACE; PM_ERR_CORRUPT with the file and offset. */
int tsdb_open(const char *dir, const struct tsdb_opts *opts, struct tsdb **ret, struct pm_error *err);
/* All queriers, appenders and transactions must be freed before. A writer syncs when its last sync is older than
 * fsync_ms. */
void tsdb_close(struct tsdb *db);
/* Sync what was committed. A failed sync is not tried again on the same data: the error stays. */
int tsdb_sync(struct tsdb *db, struct pm_error *err);

/* A series, as long as the transaction that gave it lives. */
typedef uint32_t tsdb_sid;

/* Begin a transaction: waits for the writers' lock. One thread a transaction. No network or terminal waits inside. */
int tsdb_txn_begin(struct tsdb *db, struct tsdb_txn **ret, struct pm_error *err);
/* Append one sample. `labels` are borrowed for the call and must be normalized. `*ret_sid` (NULL to ignore) is good
 * until the transaction ends. Amortised O(1) for a series seen before. On error nothing was appended by this call. */
int tsdb_txn_append(
	struct tsdb_txn *txn, struct pm_labels labels, int64_t t_ms, double v, tsdb_sid *ret_sid, struct pm_error *err);
/* The same for a series of this transaction. */
int tsdb_txn_append_sid(struct tsdb_txn *txn, tsdb_sid sid, int64_t t_ms, double v, struct pm_error *err);
/* A sample of any kind. */
struct tsdb_sample {
	int64_t t_ms;
	double v;
	const struct pm_histogram *h; /* NULL: the float v */
	int64_t st_ms;                /* start timestamp, 0 for none */
};
/* Find or make a series without a sample. */
int tsdb_txn_series(struct tsdb_txn *txn, struct pm_labels labels, tsdb_sid *ret_sid, struct pm_error *err);
int tsdb_txn_append_sample(struct tsdb_txn *txn, tsdb_sid sid, const struct tsdb_sample *s, struct pm_error *err);
/* An example of what was counted in a series (a trace id, mostly). The labels of one are at most 128 characters long.
 * Exemplars are bounded: the oldest go first. */
struct tsdb_exemplar {
	struct pm_labels labels;
	double v;
	int64_t t_ms;
};
int tsdb_txn_append_exemplar(struct tsdb_txn *txn, tsdb_sid sid, const struct tsdb_exemplar *e, struct pm_error *err);
/* What is said of a metric family: its type (as in exposition formats: "counter", ...), help and unit. */
struct tsdb_metadata {
	struct pm_str metric, type, help, unit;
};
int tsdb_txn_append_metadata(struct tsdb_txn *txn, const struct tsdb_metadata *m, struct pm_error *err);
/* Publish: readers see all of it or nothing. Ends the transaction in every case; on error (PM_ERR_NOSPACE, PM_ERR_IO)
 * nothing of it is visible, and appending may go on with a new transaction once there is room. */
int tsdb_txn_commit(struct tsdb_txn *txn, struct pm_error *err);
void tsdb_txn_abort(struct tsdb_txn *txn); /* NULL allowed */

/* A querier on what is committed now. Takes no lock. See struct pm_querier; when select or next return PM_ERR_STALE,
 * make a new one. Of samples of one series and time in several transactions the one committed first counts; within one
 * transaction, any of them. */
int tsdb_querier(struct tsdb *db, struct pm_querier **ret, struct pm_error *err);

/* An appender for pages of targets (see struct pm_appender). */
int tsdb_appender(struct tsdb *db, struct pm_appender **ret, struct pm_error *err);

/* Numbers of the store as a snapshot shows them. */
struct tsdb_stats {
	uint64_t generation; /* of the head */
	uint64_t series_count;
	uint64_t layout_count; /* targets and other sources of rows */
	uint64_t sample_count; /* committed to the head, stale markers and doubles included */
	uint64_t txn_count;    /* committed since the store was made */
	uint64_t log_bytes, catalog_bytes, layout_bytes, postings_bytes;
	int64_t min_ms, max_ms; /* of all samples; PM_TIME_MAX, PM_TIME_MIN when empty */
};
int tsdb_stats(struct tsdb *db, struct tsdb_stats *ret, struct pm_error *err);

#ifdef __cplusplus
}
#endif
#endif
