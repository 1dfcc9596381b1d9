/* db.h - an open store, and what its parts (transactions, pages, queriers) know of each other.
 *
 * Who may touch what: `snap`, `head`, `detached` under snap_mutex; `write` by the holder of write_mutex and the
 * writers' lock; marks of syncs by the holder of sync_mutex and the lock of syncs. The last is taken with nothing else
 * held. */
#ifndef TSDB_DB_DB_H
#define TSDB_DB_DB_H

#include "libtsdb/head/head.h"
#include "libtsdb/head/meta.h"
#include "libtsdb/tsdb.h"

struct tsdb {
	int dirfd, meta_fd;
	struct tsdb_meta_page *meta;
	bool writable;
	int64_t fsync_ms;
	uint64_t bytes_max; /* 0: no limit */
	struct tsdb__head *head;
	bool detached; /* a reader of a store that a writer must recover: `snap` is what was recovered in memory */
	pthread_mutex_t snap_mutex, write_mutex, sync_mutex;
	pthread_mutex_t long_mutex; /* threads queue on it before TSDB_LOCK_LONG */
	/* A segment was set aside; NULL: nobody wants to know. */
	void (*damaged)(void *arg, const struct pm_error *what);
	void *damaged_arg;
	struct tsdb__snap *snap; /* the newest this process has taken */
	struct tsdb__write write;
	struct tsdb__notes *notes; /* notes.h; under the writers' lock */
};

/* Bytes of the files that a snapshot names (inspect/parts.c). */
uint64_t tsdb__snap_size(const struct tsdb__snap *snap);
/* With the writers' lock, before samples are taken: PM_ERR_NOSPACE when the store is as large as it may be. */
int tsdb__bytes_check(struct tsdb *db, struct pm_error *err);

/* A counted snapshot of what is published now. */
int tsdb__snap_get(struct tsdb *db, struct tsdb__snap **ret, struct pm_error *err);

/* The writers' lock: mutex, then the lock on the meta file; db->write is begun from the published record. */
int tsdb__writer_lock(struct tsdb *db, struct tsdb_record *ret_published, struct pm_error *err);
/* Publish db->write, or leave everything as it was; unlock in every case. */
int tsdb__writer_publish(struct tsdb *db, const struct tsdb_record *published, struct pm_error *err);
void tsdb__writer_abort(struct tsdb *db, const struct tsdb_record *published);

/* Bytes of the meta file that locks stand for; behind its end, so that they name nothing else. */
enum { TSDB_LOCK_WRITER = 1 << 20, TSDB_LOCK_SYNC = (1 << 20) + 1, TSDB_LOCK_LONG = (1 << 20) + 2 };

/* ---- syncs (sync.c) ---- */

/* A sync is wanted: something was published since the last one, and that was longer ago than the interval. */
bool tsdb__sync_due(const struct tsdb *db);
/* Sync what is published, unless somebody did meanwhile. `wait`: for a sync that is under way, which may have begun too
 * early to count; otherwise it is left to whoever is at it. Not to be called with the writers' lock. */
int tsdb__sync(struct tsdb *db, bool wait, struct pm_error *err);

/* ---- selecting series (select.c) ---- */

/* Ids of series that match, ascending; the caller frees with pm_free. */
int tsdb__select_sids(const struct tsdb__snap *snap, const struct pm_select *sel, uint32_t **ret, size_t *ret_count,
	struct pm_error *err);

/* ---- reading samples (read.c) ---- */

struct tsdb__reader;
/* A reader of one range of a snapshot; `snap` outlives it. */
int tsdb__reader_new(const struct tsdb__snap *snap, int64_t min_ms, int64_t max_ms, struct tsdb__reader **ret);
void tsdb__reader_free(struct tsdb__reader *r);
/* Samples of `count` series at once, into ret[0..count); they stay good until the next call or free. */
int tsdb__reader_read(
	struct tsdb__reader *r, const uint32_t *sids, size_t count, struct pm_samples *ret, struct pm_error *err);
/* Series a call is best made with. */
enum { TSDB_READ_SERIES = 128 };

#endif
