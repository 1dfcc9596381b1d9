/* sync.c - when to sync, and that one process and thread at a time does.
 *
 * Nobody syncs under the writers' lock: others append while the disk works. With TSDB_FSYNC_ALWAYS a commit waits until
 * a sync that began after it is done; several may be covered by one. A failed sync is noted in the meta page and ends
 * all syncs, in every process, until the store is recovered after the machine's next start: the system may have dropped
 * the pages that it could not write, and would call the next sync a success. */
#include "libtsdb/db/db.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/head/sync.h"

bool tsdb__sync_due(const struct tsdb *db)
{
	if (!db->writable || db->fsync_ms == TSDB_FSYNC_NEVER || !db->meta)
		return false;
	if (__atomic_load_n(&db->meta->synced_seq, __ATOMIC_ACQUIRE) == tsdb__meta_seq(db->meta))
		return false;
	int64_t since = pm_now_ms() - __atomic_load_n(&db->meta->synced_ms, __ATOMIC_ACQUIRE);
	return since < 0 || since >= db->fsync_ms;
}

/* Called with the lock of syncs. */
static int sync_published(struct tsdb *db, struct pm_error *err)
{
	struct tsdb__snap *snap;
	struct tsdb_record mark;
	int rc = PM_ERR_STALE;
	if (__atomic_load_n(&db->meta->sync_failed, __ATOMIC_ACQUIRE))
		return pm_fail(
			err, PM_ERR_IO, "an earlier sync failed; what was written since may be lost with the power");
	/* A log file that is gone was sealed meanwhile. */
	for (int tries = 0; rc == PM_ERR_STALE && tries < 100; tries++) {
		if ((rc = tsdb__snap_get(db, &snap, err)) < 0)
			return rc;
		if ((rc = tsdb__meta_mark(db->meta, &mark, err)) == 0 && mark.seq < snap->rec.seq)
			rc = tsdb__sync_record(snap->head, db->meta, db->meta_fd, &snap->rec, &mark, err);
		tsdb__snap_unref(snap);
	}
	return rc;
}

int tsdb__sync(struct tsdb *db, bool wait, struct pm_error *err)
{
	int rc;
	if (wait)
		pthread_mutex_lock(&db->sync_mutex);
	else if (pthread_mutex_trylock(&db->sync_mutex) != 0)
		return 0;
	rc = pm_fs_lock(db->meta_fd, TSDB_LOCK_SYNC, true, wait, err);
	if (rc == 0) {
		rc = sync_published(db, err);
		pm_fs_unlock(db->meta_fd, TSDB_LOCK_SYNC);
	}
	pthread_mutex_unlock(&db->sync_mutex);
	return rc == PM_ERR_EXISTS && !wait ? 0 : rc;
}

int tsdb_sync(struct tsdb *db, struct pm_error *err)
{
	if (!db->writable)
		return pm_fail(err, PM_ERR_READONLY, "the store was opened for reading");
	return tsdb__sync(db, true, err);
}
