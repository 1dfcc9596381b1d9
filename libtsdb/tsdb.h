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
 *
 * Rules that hold for all of it:
 *  - Errors are negative enum pm_err, with a message for people in `err` (NULL allowed); out-parameters are written on
 *    success only. Nothing here prints or exits. Out of memory is an error like others (PM_ERR_NOMEM).
 *  - Strings and labels that go in are borrowed for the call. What comes out belongs to the object that it came from.
 *  - A handle may be used by any number of threads; a transaction, a series set and an appender by one at a time.
 *  - After fork() the child opens the store for itself and leaves the parent's handle alone, tsdb_close() included.
 *  - Locks are on open files and end with their process, however it ends: nobody has to clean up after a crash.
 *  - The directory must be on a local file system: mappings are shared by all processes of one machine.
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

#define TSDB_EXEMPLARS_NONE SIZE_MAX

struct tsdb_opts {
	unsigned flags;
	int64_t fsync_ms; /* at most so much is lost with the power; TSDB_FSYNC_*; 0 syncs every commit */
	size_t exemplar_max; /* that are kept, the newest ones; 0: 100,000; TSDB_EXEMPLARS_NONE */
	/* Limits, 0 for none, on what this handle may write. New series beyond them are refused (PM_ERR_LIMIT, the
	 * message names job and numbers), those of the head go on; a store of so many bytes takes no samples
	 * (PM_ERR_NOSPACE). */
	uint64_t series_max;     /* in the head */
	uint64_t job_series_max; /* in the head, with one value of the label "job" */
	uint64_t bytes_max;
	/* NULL, or called when a damaged segment is set aside, once for each; the rest is served. Any thread. */
	void (*damaged)(void *arg, const struct pm_error *what);
	void *damaged_arg;
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

/* Begin a transaction: waits for the writers' lock, which other processes hold for one transaction at a time. One
 * thread a transaction; it sees nothing of its own samples until they are committed. Do not wait for a network or a
 * person inside: every writer of the directory waits with you. PM_ERR_READONLY: the store was opened for reading;
 * PM_ERR_NOSPACE: over tsdb_opts.bytes_max. Ends with tsdb_txn_commit() or tsdb_txn_abort(). */
int tsdb_txn_begin(struct tsdb *db, struct tsdb_txn **ret, struct pm_error *err);
/* Append one sample. `labels` are borrowed for the call and must be normalized. `*ret_sid` (NULL to ignore) is good
 * until the transaction ends. Amortised O(1) for a series seen before. On error nothing was appended by this call. */
int tsdb_txn_append(
	struct tsdb_txn *txn, struct pm_labels labels, int64_t t_ms, double v, tsdb_sid *ret_sid, struct pm_error *err);
/* The same for a series of this transaction: no labels to compare. PM_ERR_INVALID: none of its series. O(1). */
int tsdb_txn_append_sid(struct tsdb_txn *txn, tsdb_sid sid, int64_t t_ms, double v, struct pm_error *err);
/* A sample of any kind. */
struct tsdb_sample {
	int64_t t_ms;
	double v;
	const struct pm_histogram *h; /* NULL: the float v */
	int64_t st_ms;                /* start timestamp, 0 for none */
};
/* Find or make a series without a sample: for what takes a tsdb_sid. PM_ERR_LIMIT over a quota (tsdb_opts.series_max
 * and the like), and the transaction goes on; other errors spoil it, and it can only be aborted. A series that never
 * gets a sample may be seen by selections of labels. */
int tsdb_txn_series(struct tsdb_txn *txn, struct pm_labels labels, tsdb_sid *ret_sid, struct pm_error *err);
/* Append a float or a histogram, with a start timestamp. The histogram is copied. PM_ERR_INVALID: spans, buckets and
 * counts of the histogram do not fit together; nothing was appended, and the transaction goes on. */
int tsdb_txn_append_sample(struct tsdb_txn *txn, tsdb_sid sid, const struct tsdb_sample *s, struct pm_error *err);
/* Rows: series that come together again and again (a page of remote write, a rule group) are named once a transaction,
 * and then each time costs a copy of its values. A layout is good until the transaction ends; the same list of series,
 * in any later one, is found again. PM_ERR_INVALID: a series stands twice. */
typedef uint32_t tsdb_layout;
enum { TSDB_LAYOUT_SERIES_MAX = 4 << 20 };
int tsdb_txn_layout(
	struct tsdb_txn *txn, const tsdb_sid *sids, size_t count, tsdb_layout *ret_layout, struct pm_error *err);
/* One sample for each series of the layout, in its order, all at t_ms. */
int tsdb_txn_append_row(
	struct tsdb_txn *txn, tsdb_layout layout, int64_t t_ms, const double *values, struct pm_error *err);
/* An example of what was counted in a series (a trace id, mostly). */
struct tsdb_exemplar {
	struct pm_labels labels;
	double v;
	int64_t t_ms;
};
/* Exemplars are bounded: see tsdb_opts.exemplar_max. One that equals the newest of its series is passed over (0).
 * PM_ERR_INVALID: its labels have more than 128 characters in all, or it is older than the newest of its series; the
 * transaction goes on. */
int tsdb_txn_append_exemplar(struct tsdb_txn *txn, tsdb_sid sid, const struct tsdb_exemplar *e, struct pm_error *err);
/* What is said of a metric: its type (as in exposition formats: "counter", ...), help and unit. */
struct tsdb_metadata {
	struct pm_str metric, type, help, unit;
};
/* The last one given holds; one that holds already costs nothing. Slices other than `metric` whose ptr is NULL are not
 * said: what was said of them before stays. */
int tsdb_txn_append_metadata(struct tsdb_txn *txn, const struct tsdb_metadata *m, struct pm_error *err);
/* Publish: readers see all of it or nothing. Ends the transaction in every case; on error (PM_ERR_NOSPACE, PM_ERR_IO)
 * nothing of it is visible, and appending may go on with a new transaction once there is room. */
int tsdb_txn_commit(struct tsdb_txn *txn, struct pm_error *err);
/* End the transaction as if it had never begun. NULL allowed. */
void tsdb_txn_abort(struct tsdb_txn *txn);

/* A querier on what is committed now. Takes no lock. See struct pm_querier; when select or next return PM_ERR_STALE,
 * make a new one. Of samples of one series and time in several transactions the one committed first counts; within one
 * transaction, any of them. */
int tsdb_querier(struct tsdb *db, struct pm_querier **ret, struct pm_error *err);

/* ---- exemplars and metadata ---- */

struct tsdb_exemplar_series {
	struct pm_labels labels;
	const struct tsdb_exemplar *v; /* oldest first */
	size_t count;
};
struct tsdb_exemplars {
	struct tsdb_exemplar_series *v; /* sorted by labels; series without an exemplar are left out */
	size_t count;
	void *owner; /* internal: what tsdb_exemplars_free releases */
};
/* Exemplars of the series and times that any of the selections asks for, as they are committed now. */
int tsdb_exemplars(struct tsdb *db, const struct pm_select *sels, size_t sel_count, struct tsdb_exemplars *ret,
	struct pm_error *err);
void tsdb_exemplars_free(struct tsdb_exemplars *e); /* zeroed ones too */
/* Change tsdb_opts.exemplar_max of an open store; waits for a transaction under way. Any thread. */
void tsdb_set_exemplar_max(struct tsdb *db, size_t max);

struct tsdb_metadata_list {
	struct tsdb_metadata *v; /* sorted by metric, each once */
	size_t count;
	void *owner;
};
/* Of one metric, or (`metric` empty) the first `limit` (0: all) of all metrics. */
int tsdb_metadata(struct tsdb *db, struct pm_str metric, size_t limit, struct tsdb_metadata_list *ret,
	struct pm_error *err);
void tsdb_metadata_free(struct tsdb_metadata_list *l); /* zeroed ones too */

/* ---- sealing, merging, retention ---------------------------------------------------------------- */

/* Samples arrive in the head's log. Now and then it is sealed: written as segments, immutable files of columns; small
 * segments are merged into larger ones, old ones are deleted. One process and thread does such work at a time; readers
 * and writers go on meanwhile. It may be killed at any instant: the store is as before, or as after. */
struct tsdb_compact_opts {
	int64_t now_ms;           /* 0: the clock's */
	int64_t retention_ms;     /* segments that end so long before now are deleted; 0: none */
	uint64_t retention_bytes; /* the oldest segments go while the store is larger; 0: no limit */
	int64_t seal_ms;          /* seal when the head is so old; 0: two hours */
	uint64_t seal_bytes;      /* or its log so large; 0: 1 GiB */
	int64_t layout_ms;        /* a target that was silent so long may be forgotten with its series; 0: two hours */
	bool force;               /* seal and merge whatever can be */
	bool wait;                /* for another that is at it; otherwise PM_ERR_EXISTS */
	bool once;                /* one merge at most, so that the caller may look at its clock */
	/* NULL, or asked now and then: true stops the work with PM_ERR_CANCELED, nothing half-done stays. `done` of
	 * `all` samples of the step that `what` names. */
	bool (*progress)(void *arg, const char *what, uint64_t done, uint64_t all);
	void *progress_arg;
};
struct tsdb_compact_stats {
	uint64_t sealed_samples, sealed_segments;
	uint64_t merged_samples, merged_segments, merged_into;
	uint64_t deleted_segments;  /* by retention, ... */
	uint64_t deleted_for_bytes; /* ... and how many of these because of retention_bytes */
	uint64_t bytes_written;
};
/* What is due, in this order: retention, sealing, merging. `opts` NULL: the defaults. `ret` (NULL to ignore) is filled
 * on errors, too. */
int tsdb_compact(
	struct tsdb *db, const struct tsdb_compact_opts *opts, struct tsdb_compact_stats *ret, struct pm_error *err);
/* Whether the head is due for sealing. Takes no lock and costs microseconds, so it may be asked after every commit. */
bool tsdb_compact_due(struct tsdb *db, const struct tsdb_compact_opts *opts);
/* Delete the samples in [min_ms, max_ms] of the series that match, of all that is committed now; bytes are given back
 * by later merges. One matcher at least, 64 at most (PM_ERR_LIMIT); PM_ERR_INVALID for a bad regular expression. */
int tsdb_delete(struct tsdb *db, const struct pm_matcher *matchers, size_t count, int64_t min_ms, int64_t max_ms,
	struct pm_error *err);

/* An appender for pages of targets (see struct pm_appender). */
int tsdb_appender(struct tsdb *db, struct pm_appender **ret, struct pm_error *err);

/* Numbers of the store as a snapshot shows them: what an operator's dashboard wants. O(segments), reads no samples. */
struct tsdb_stats {
	uint64_t generation; /* of the head */
	uint64_t series_count;
	uint64_t layout_count; /* targets and other sources of rows */
	uint64_t sample_count; /* in the head, stale markers and doubles included */
	uint64_t txn_count;    /* committed since the store was made */
	uint64_t log_bytes, catalog_bytes, layout_bytes, postings_bytes;
	uint64_t segment_count, segment_samples, segment_bytes;
	int64_t min_ms, max_ms; /* of all samples; PM_TIME_MAX, PM_TIME_MIN when empty */
};
int tsdb_stats(struct tsdb *db, struct tsdb_stats *ret, struct pm_error *err);

/* ---- copies ------------------------------------------------------------------------------------- */

/* Make a copy of the store, as it is at one moment, in the new (or empty) directory `to`, while others may write. Files
 * that never change are hard links where the file system allows, others are copied up to their published lengths. The
 * copy is synced, and is there whole or not at all: it is made as "TO.PID.tmp" beside and renamed. PM_ERR_EXISTS: `to`
 * is not empty; PM_ERR_NOSPACE. `ret` (NULL to ignore): what was done. */
struct tsdb_snapshot_stats {
	uint64_t linked_files, linked_bytes;
	uint64_t copied_files, copied_bytes;
};
int tsdb_snapshot(struct tsdb *db, const char *to, struct tsdb_snapshot_stats *ret, struct pm_error *err);

/* ---- looking at a store ------------------------------------------------------------------------- */

/* None of these takes a lock, so that a store may be looked at while it is written. Those that take a directory, not
 * an open store, also work where damage keeps a store from opening. */

/* Bytes of one sort within a part: a file of the head, an encoding of a segment's columns. */
struct tsdb_sort {
	const char *name; /* good for ever */
	uint64_t bytes;
	uint64_t count;   /* of files, or columns */
	uint64_t samples; /* 0 where they are not told apart */
};
enum { TSDB_SORTS_MAX = 24 };

/* The head or a segment. */
struct tsdb_part {
	char name[64]; /* its file or folder, from the data directory */
	uint64_t series_count, sample_count, bytes;
	int64_t min_ms, max_ms; /* of all samples; PM_TIME_MAX, PM_TIME_MIN when empty */
	size_t sort_count;
	struct tsdb_sort sorts[TSDB_SORTS_MAX];
};
/* Tell `fn` of each part, segments and then the head; when it gives something other than 0 that is returned at once.
 * `columns`: tell segments apart by the encoding of their columns, which reads all of them; otherwise this costs
 * nothing, and a segment is one sort. A damaged segment is one, too. */
typedef int tsdb_part_fn(void *arg, const struct tsdb_part *part);
int tsdb_parts(struct tsdb *db, bool columns, tsdb_part_fn *fn, void *arg, struct pm_error *err);

/* One hash over all series and samples (times, bits of values, histograms, start timestamps): stores with the same
 * content have the same, whatever files and orders it is in. Exemplars and metadata are left out, as are counter-reset
 * hints. Reads everything; memory stays bounded. The hash is stable between versions of pm. */
struct tsdb_digest {
	uint64_t hash;
	uint64_t series_count, sample_count; /* series with samples; stale markers count */
};
int tsdb_digest(struct tsdb *db, struct tsdb_digest *ret, struct pm_error *err);

/* Check every checksum of every file, and that what files say of one another holds. `fn` is told of each piece of
 * damage; when it gives something other than 0, that is returned at once. 0 also when there is damage: see *ret.
 * PM_ERR_NOTFOUND: no store there; PM_ERR_IO and the like: a file could not be read. */
struct tsdb_damage {
	const char *file; /* from the data directory; strings are good for the call */
	uint64_t off;
	const char *what;
};
typedef int tsdb_damage_fn(void *arg, const struct tsdb_damage *damage);
struct tsdb_verified {
	uint64_t files, records, bytes; /* that were looked at */
	uint64_t damages;
};
int tsdb_verify(
	const char *dir, tsdb_damage_fn *fn, void *arg, struct tsdb_verified *ret, struct pm_error *err);

/* The files of a store as text, record by record, in pieces of whole lines to `fn`; something other than 0 from it is
 * returned at once. `file`: only this one (name from the data directory), NULL for all. The text is for people, and may
 * change with every version. PM_ERR_NOTFOUND: no such file, or it is none of the store's. */
typedef int tsdb_text_fn(void *arg, struct pm_str text);
int tsdb_files_text(const char *dir, const char *file, tsdb_text_fn *fn, void *arg, struct pm_error *err);

/* What the series of a querier are made of. Lists are sorted by count, largest first, then by name and value; strings
 * are good until tsdb_cardinality_free(). */
struct tsdb_count {
	struct pm_str name, value;
	uint64_t count;
};
struct tsdb_counts {
	struct tsdb_count *v;
	size_t count;
};
struct tsdb_cardinality {
	uint64_t series_count, name_count, pair_count; /* series; distinct label names; distinct names with value */
	struct tsdb_counts metrics;                    /* series of a metric; `value` is its name */
	struct tsdb_counts values;                     /* values of a label; `name` alone */
	struct tsdb_counts pairs;                      /* series with a label and value */
	struct tsdb_counts bytes;                      /* bytes of all values of a label, each once; `name` alone */
};
/* Of the series that match all of `sel` (samples and limit are not looked at), the `top` first of each list. The
 * querier must live as long as the answer. PM_ERR_STALE: make a new querier and ask again. */
int tsdb_cardinality(struct pm_querier *q, const struct pm_select *sel, size_t top, struct tsdb_cardinality **ret,
	struct pm_error *err);
void tsdb_cardinality_free(struct tsdb_cardinality *c); /* NULL allowed */

#ifdef __cplusplus
}
#endif
#endif
