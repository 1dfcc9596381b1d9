/* tsdb.c - opening a store, snapshots of it, the writers' lock, publication and syncs. */
#include "libtsdb/db/db.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"

#include <fcntl.h>
#include <stdio.h>

/* Bytes of the meta file that locks stand for; behind its end, so that they name nothing else. */
enum { LOCK_WRITER = 1 << 20 };

/* ---- open ---- */

/* Two processes may make the same store at once: the loser of the lock finds it made. */
static int create_store(int dirfd, struct pm_error *err)
{
	struct tsdb_record rec;
	int fd = -1, rc;
	if ((rc = pm_fs_openat(dirfd, "lock", PM_FS_WRITE | PM_FS_CREATE, &fd, err)) < 0)
		return rc;
	if ((rc = pm_fs_lock(fd, 0, true, true, err)) == 0) {
		struct tsdb_meta_page *m;
		int meta_fd;
		rc = tsdb__meta_open(dirfd, false, &m, &meta_fd, NULL);
		if (rc == 0)
			tsdb__meta_close(m, meta_fd);
		else if (rc != PM_ERR_NOTFOUND)
			pm_fail(err, rc, "the store's meta page can't be read");
		else if ((rc = tsdb__head_create(dirfd, 1, &rec, err)) == 0)
			rc = tsdb__meta_create(dirfd, &rec, err);
	}
	pm_fs_close(fd);
	return rc;
}

static int open_dir(struct tsdb *db, const char *dir, unsigned flags, struct pm_error *err)
{
	int rc;
	if ((flags & TSDB_CREATE) && (rc = pm_fs_mkdirat(AT_FDCWD, dir, err)) < 0)
		return rc;
	if ((rc = pm_fs_openat(AT_FDCWD, dir, PM_FS_DIRECTORY, &db->dirfd, err)) < 0)
		return rc;
	if (!(flags & TSDB_NETWORK_FS_OK) && pm_fs_is_network(db->dirfd))
		return pm_fail(err, PM_ERR_UNSUPPORTED,
			"%s is on a network file system, where several machines would break a store", dir);
	return 0;
}

static int open_store(struct tsdb *db, const char *dir, unsigned flags, struct pm_error *err)
{
	struct tsdb_record rec;
	int rc = tsdb__meta_open(db->dirfd, db->writable, &db->meta, &db->meta_fd, err);
	if (rc == PM_ERR_NOTFOUND && (flags & TSDB_CREATE) && (rc = create_store(db->dirfd, err)) == 0)
		rc = tsdb__meta_open(db->dirfd, db->writable, &db->meta, &db->meta_fd, err);
	if (rc == PM_ERR_NOTFOUND)
		return pm_fail(err, rc, "%s: no store there", dir);
	if (rc == 0 && (rc = tsdb__meta_read(db->meta, &rec, err)) == 0)
		rc = tsdb__head_open(db->dirfd, rec.generation, db->writable, &db->head, err);
	return rc;
}

/* Messages from below name a file of the store; say which store. */
static int name_store(struct pm_error *err, const char *dir, int rc)
{
	char msg[sizeof err->msg];
	if (err && rc < 0 && strncmp(err->msg, dir, strlen(dir)) != 0) {
		memcpy(msg, err->msg, sizeof msg);
		snprintf(err->msg, sizeof err->msg, "%.300s: %.700s", dir, msg);
	}
	return rc;
}

int tsdb_open(const char *dir, const struct tsdb_opts *opts, struct tsdb **ret, struct pm_error *err)
{
	unsigned flags = opts ? opts->flags : TSDB_READ;
	struct tsdb *db = pm_calloc(1, sizeof *db);
	int rc;
	if (!db)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (err)
		memset(err, 0, sizeof *err);
	db->dirfd = db->meta_fd = db->write.log_fd = -1;
	db->writable = flags & TSDB_WRITE;
	db->fsync_ms = opts ? opts->fsync_ms : TSDB_FSYNC_DEFAULT_MS;
	pthread_mutex_init(&db->snap_mutex, NULL);
	pthread_mutex_init(&db->write_mutex, NULL);
	if ((rc = open_dir(db, dir, flags, err)) == 0 && (rc = open_store(db, dir, flags, err)) == 0) {
		db->write.head = db->head;
		db->write.meta = db->meta;
		*ret = db;
		return 0;
	}
	db->writable = false;
	tsdb_close(db);
	return name_store(err, dir, rc);
}

static bool sync_due(const struct tsdb *db)
{
	if (!db->writable || db->fsync_ms == TSDB_FSYNC_NEVER || !db->meta)
		return false;
	if (__atomic_load_n(&db->meta->synced_seq, __ATOMIC_ACQUIRE) == tsdb__meta_seq(db->meta))
		return false;
	int64_t since = pm_now_ms() - __atomic_load_n(&db->meta->synced_ms, __ATOMIC_ACQUIRE);
	return since < 0 || since >= db->fsync_ms;
}

void tsdb_close(struct tsdb *db)
{
	if (!db)
		return;
	if (sync_due(db))
		tsdb_sync(db, NULL);
	tsdb__snap_unref(db->snap);
	tsdb__write_release(&db->write);
	tsdb__head_free(db->head);
	tsdb__meta_close(db->meta, db->meta_fd);
	if (db->dirfd >= 0)
		pm_fs_close(db->dirfd);
	pthread_mutex_destroy(&db->snap_mutex);
	pthread_mutex_destroy(&db->write_mutex);
	pm_free(db);
}

/* ---- snapshots ---- */

int tsdb__snap_get(struct tsdb *db, struct tsdb__snap **ret, struct pm_error *err)
{
	struct tsdb_record rec;
	int rc = 0;
	pthread_mutex_lock(&db->snap_mutex);
	/* A file that is gone means that a newer record was published meanwhile. */
	for (int tries = 0; tries < 100; tries++) {
		if (db->snap && db->snap->rec.seq == tsdb__meta_seq(db->meta))
			break;
		struct tsdb__snap *snap;
		if ((rc = tsdb__meta_read(db->meta, &rec, err)) < 0)
			break;
		rc = tsdb__snap_new(db->head, &rec, &snap, err);
		if (rc == 0) {
			tsdb__snap_unref(db->snap);
			db->snap = snap;
			break;
		}
		if (rc != PM_ERR_STALE)
			break;
	}
	if (rc == 0) {
		__atomic_add_fetch(&db->snap->refs, 1, __ATOMIC_ACQ_REL);
		*ret = db->snap;
	}
	pthread_mutex_unlock(&db->snap_mutex);
	return rc;
}

int tsdb_stats(struct tsdb *db, struct tsdb_stats *ret, struct pm_error *err)
{
	struct tsdb_record r;
	int rc = tsdb__meta_read(db->meta, &r, err);
	if (rc < 0)
		return rc;
	*ret = (struct tsdb_stats){ .generation = r.generation,
		.series_count = r.series_count,
		.layout_count = r.family_count - 1,
		.sample_count = r.sample_count,
		.txn_count = r.txn_count,
		.catalog_bytes = r.catalog_len,
		.layout_bytes = r.layouts_len,
		.postings_bytes = r.postings_len,
		.min_ms = r.min_ms,
		.max_ms = r.max_ms,
		.log_bytes = r.log_end - (r.log_first << TSDB_LOG_SHIFT) };
	return 0;
}

/* ---- writing ---- */

int tsdb__writer_lock(struct tsdb *db, struct tsdb_record *ret_published, struct pm_error *err)
{
	struct tsdb__snap *snap = NULL;
	int rc;
	if (!db->writable)
		return pm_fail(err, PM_ERR_READONLY, "the store was opened for reading");
	pthread_mutex_lock(&db->write_mutex);
	if ((rc = pm_fs_lock(db->meta_fd, LOCK_WRITER, true, true, err)) < 0) {
		pthread_mutex_unlock(&db->write_mutex);
		return rc;
	}
	__atomic_store_n(&db->meta->dirty, 1, __ATOMIC_RELEASE);
	/* The snapshot maps the log and brings the table of last rows up to date. */
	if ((rc = tsdb__snap_get(db, &snap, err)) == 0) {
		*ret_published = snap->rec;
		tsdb__snap_unref(snap);
		rc = tsdb__write_begin(&db->write, ret_published, err);
	}
	if (rc < 0)
		tsdb__writer_abort(db, snap ? ret_published : NULL);
	return rc;
}

static void writer_unlock(struct tsdb *db)
{
	__atomic_store_n(&db->meta->dirty, 0, __ATOMIC_RELEASE);
	pm_fs_unlock(db->meta_fd, LOCK_WRITER);
	pthread_mutex_unlock(&db->write_mutex);
}

void tsdb__writer_abort(struct tsdb *db, const struct tsdb_record *published)
{
	if (published)
		tsdb__write_abort(&db->write, published);
	writer_unlock(db);
}

/* Catalog, then layouts, then log: what is on the disk never names what is not. Called with the writers' lock. */
static int sync_files(struct tsdb *db, struct pm_error *err)
{
	struct tsdb__head *h = db->head;
	uint64_t seq = tsdb__meta_seq(db->meta);
	int rc;
	if (db->sync_error)
		return pm_fail(err, db->sync_error,
			"an earlier sync failed; what was written since may be lost with the power");
	if ((rc = pm_fs_sync(h->catalog.fd, err)) == 0 && (rc = pm_fs_sync(h->layouts.fd, err)) == 0 &&
		(rc = pm_fs_sync(db->write.log_fd, err)) == 0)
		rc = pm_fs_sync(db->meta_fd, err);
	if (rc < 0) {
		db->sync_error = rc;
		return rc;
	}
	__atomic_store_n(&db->meta->synced_seq, seq, __ATOMIC_RELEASE);
	__atomic_store_n(&db->meta->synced_ms, pm_now_ms(), __ATOMIC_RELEASE);
	return 0;
}

int tsdb__writer_publish(struct tsdb *db, const struct tsdb_record *published, struct pm_error *err)
{
	struct tsdb__write *w = &db->write;
	int rc;
	if ((rc = tsdb__postings_update(w, err)) < 0 || (rc = tsdb__write_flush(w, err)) < 0) {
		tsdb__writer_abort(db, published);
		return rc;
	}
	tsdb__meta_publish(db->meta, &w->rec);
	__atomic_store_n(&db->meta->next_sid, w->rec.sid_end, __ATOMIC_RELEASE);
	tsdb__write_cleanup(w, published);
	if (sync_due(db))
		rc = sync_files(db, err);
	writer_unlock(db);
	return rc;
}

int tsdb_sync(struct tsdb *db, struct pm_error *err)
{
	struct tsdb_record published;
	int rc = tsdb__writer_lock(db, &published, err);
	if (rc < 0)
		return rc;
	rc = sync_files(db, err);
	tsdb__writer_abort(db, &published);
	return rc;
}
