/* db.h - an open store, and what its parts (transactions, pages, queriers) know of each other.
 *
 * Who may touch what: `snap` under snap_mutex; `write` by the holder of write_mutex and the writers' lock. */
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
	struct tsdb__head *head;
	pthread_mutex_t snap_mutex, write_mutex;
	struct tsdb__snap *snap; /* the newest this process has taken */
	struct tsdb__write write;
	int sync_error; /* a failed sync is not tried again */
};

/* A counted snapshot of what is published now. */
int tsdb__snap_get(struct tsdb *db, struct tsdb__snap **ret, struct pm_error *err);

/* The writers' lock: mutex, then the lock on the meta file; db->write is begun from the published record. */
int tsdb__writer_lock(struct tsdb *db, struct tsdb_record *ret_published, struct pm_error *err);
/* Publish db->write, or leave everything as it was; unlock in every case. */
int tsdb__writer_publish(struct tsdb *db, const struct tsdb_record *published, struct pm_error *err);
void tsdb__writer_abort(struct tsdb *db, const struct tsdb_record *published);

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
