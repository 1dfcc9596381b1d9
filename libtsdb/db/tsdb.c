/* tsdb.c - opening a store, snapshots of it, the writers' lock and publication. */
#include "libtsdb/db/manifest.h"
#include "libtsdb/db/notes.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/quota.h"
#include "libtsdb/head/recover.h"

#include <fcntl.h>
#include <stdio.h>

/* ---- open ---- */

/* Two processes may make the same store at once: the loser of the lock finds it made. */
static int create_store(int dirfd, const char *dir, struct pm_error *err)
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
		else if (((rc = pm_fs_sync_parent(AT_FDCWD, dir, err)) == 0 || rc == PM_ERR_READONLY) &&
			 (rc = tsdb__head_create(dirfd, 1, &rec, err)) == 0)
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

/* Another process may have recovered the store while this one waited for the lock. */
static int recover_store(struct tsdb *db, struct pm_error *err)
{
	int rc = pm_fs_lock(db->meta_fd, TSDB_LOCK_WRITER, true, true, err);
	if (rc < 0)
		return rc;
	enum tsdb__meta_place place = tsdb__meta_place(db->meta, db->meta_fd);
	if (place != TSDB_META_HERE)
		rc = tsdb__recover_for_writing(db->dirfd, db->meta, db->meta_fd, place == TSDB_META_COPIED, err);
	pm_fs_unlock(db->meta_fd, TSDB_LOCK_WRITER);
	return rc;
}

static void manifest_detach(void *manifest)
{
	tsdb__manifest_unref(manifest);
}

/* Another head may have taken the place of the one that is open; its snapshots keep that. */
static int follow_head(struct tsdb *db, const struct tsdb_record *rec, struct pm_error *err)
{
	struct tsdb__head *h;
	int rc;
	if (db->head->generation == rec->generation)
		return 0;
	rc = tsdb__head_open(db->dirfd, rec->generation, db->writable, &h, err);
	if (rc < 0)
		return rc == PM_ERR_NOTFOUND ? PM_ERR_STALE : rc;
	tsdb__head_unref(db->head);
	db->head = h;
	return 0;
}

/* A snapshot of the head with the manifest that belongs to it; segments that are open stay so. */
static int snap_take(struct tsdb *db, const struct tsdb_record *rec, struct tsdb__snap **ret, struct pm_error *err)
{
	struct tsdb__manifest *old = db->snap ? db->snap->attached : NULL, *m = NULL;
	struct tsdb__snap *snap;
	int rc = tsdb__snap_new(db->head, rec, &snap, err);
	if (rc < 0)
		return rc;
	if (old && old->number == rec->manifest)
		m = tsdb__manifest_ref(old);
	else
		rc = tsdb__manifest_load(db->dirfd, db->dirfd, rec->manifest, old, &m, err);
	snap->attached = m;
	snap->detach = manifest_detach;
	if (rc < 0)
		tsdb__snap_unref(snap);
	else
		*ret = snap;
	return rc;
}

/* A reader writes nothing: it recovers into its memory, and goes on as usual once a writer did it for good. */
static int detach(struct tsdb *db, bool copied, struct pm_error *err)
{
	struct tsdb_record rec;
	int rc = tsdb__recover_for_reading(db->dirfd, db->meta, copied, &db->head, &rec, err);
	if (rc == 0)
		rc = snap_take(db, &rec, &db->snap, err);
	db->detached = rc == 0;
	return rc;
}

static int open_head(struct tsdb *db, struct tsdb__head **ret, struct pm_error *err)
{
	struct tsdb_record rec;
	int rc = tsdb__meta_read(db->meta, &rec, err);
	return rc < 0 ? rc : tsdb__head_open(db->dirfd, rec.generation, db->writable, ret, err);
}

static int open_store(struct tsdb *db, const char *dir, unsigned flags, struct pm_error *err)
{
	int rc = tsdb__meta_open(db->dirfd, db->writable, &db->meta, &db->meta_fd, err);
	if (rc == PM_ERR_NOTFOUND && (flags & TSDB_CREATE) && (rc = create_store(db->dirfd, dir, err)) == 0)
		rc = tsdb__meta_open(db->dirfd, db->writable, &db->meta, &db->meta_fd, err);
	if (rc == PM_ERR_NOTFOUND)
		return pm_fail(err, rc, "%s: no store there", dir);
	if (rc < 0)
		return rc;
	enum tsdb__meta_place place = tsdb__meta_place(db->meta, db->meta_fd);
	if (place != TSDB_META_HERE && !db->writable)
		return detach(db, place == TSDB_META_COPIED, err);
	if (place != TSDB_META_HERE && (rc = recover_store(db, err)) < 0)
		return rc;
	return open_head(db, &db->head, err);
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
	db->bytes_max = opts ? opts->bytes_max : 0;
	db->damaged = opts ? opts->damaged : NULL;
	db->damaged_arg = opts ? opts->damaged_arg : NULL;
	pthread_mutex_init(&db->snap_mutex, NULL);
	pthread_mutex_init(&db->write_mutex, NULL);
	pthread_mutex_init(&db->sync_mutex, NULL);
	pthread_mutex_init(&db->long_mutex, NULL);
	if (opts && tsdb__quota_new(opts->series_max, opts->job_series_max, &db->write.quota) < 0)
		rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
	else if ((rc = open_dir(db, dir, flags, err)) == 0 && (rc = open_store(db, dir, flags, err)) == 0) {
		db->write.head = tsdb__head_ref(db->head);
		db->write.meta = db->meta;
		db->write.exemplar_max = opts ? opts->exemplar_max : 0;
		if (tsdb__sync_due(db)) /* what a process that was killed left */
			(void)!tsdb__sync(db, false, NULL);
		*ret = db;
		return 0;
	}
	db->writable = false;
	tsdb_close(db);
	return name_store(err, dir, rc);
}

void tsdb_close(struct tsdb *db)
{
	if (!db)
		return;
	if (tsdb__sync_due(db))
		tsdb__sync(db, true, NULL);
	tsdb__snap_unref(db->snap);
	tsdb__write_release(&db->write);
	tsdb__notes_free(db);
	tsdb__head_unref(db->head);
	tsdb__head_unref(db->write.head);
	tsdb__meta_close(db->meta, db->meta_fd);
	if (db->dirfd >= 0)
		pm_fs_close(db->dirfd);
	pthread_mutex_destroy(&db->snap_mutex);
	pthread_mutex_destroy(&db->write_mutex);
	pthread_mutex_destroy(&db->sync_mutex);
	pthread_mutex_destroy(&db->long_mutex);
	pm_free(db);
}

/* ---- snapshots ---- */

/* A detached reader: once the store was recovered, what was found in memory is the past. */
static int attach(struct tsdb *db, struct pm_error *err)
{
	struct tsdb__head *h;
	int rc;
	if (!db->detached || tsdb__meta_place(db->meta, db->meta_fd) != TSDB_META_HERE)
		return 0;
	if ((rc = open_head(db, &h, err)) < 0)
		return rc;
	tsdb__snap_unref(db->snap);
	db->snap = NULL;
	tsdb__head_unref(db->head); /* its snapshots keep it */
	db->head = h;
	db->detached = false;
	return 0;
}

int tsdb__snap_get(struct tsdb *db, struct tsdb__snap **ret, struct pm_error *err)
{
	struct tsdb_record rec;
	pthread_mutex_lock(&db->snap_mutex);
	int rc = attach(db, err);
	/* A file that is gone means that a newer record was published meanwhile. */
	for (int tries = 0; (rc == 0 || rc == PM_ERR_STALE) && !db->detached && tries < 100; tries++) {
		if (db->snap && db->snap->rec.seq == tsdb__meta_seq(db->meta)) {
			rc = 0;
			break;
		}
		struct tsdb__snap *snap;
		if ((rc = tsdb__meta_read(db->meta, &rec, err)) < 0)
			break;
		if ((rc = follow_head(db, &rec, err)) == 0)
			rc = snap_take(db, &rec, &snap, err);
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
	struct tsdb__snap *snap;
	int rc = tsdb__snap_get(db, &snap, err);
	if (rc < 0)
		return rc;
	struct tsdb_record r = snap->rec;
	const struct tsdb__manifest *m = snap->attached;
	uint64_t segment_samples = 0, segment_bytes = 0, segment_count = m->count;
	for (size_t i = 0; i < m->count; i++) {
		segment_samples += m->v[i].info.sample_count;
		segment_bytes += m->v[i].info.size;
		r.min_ms = m->v[i].info.min_ms < r.min_ms ? m->v[i].info.min_ms : r.min_ms;
		r.max_ms = m->v[i].info.max_ms > r.max_ms ? m->v[i].info.max_ms : r.max_ms;
	}
	tsdb__snap_unref(snap);
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
		.log_bytes = r.log_end - (r.log_first << TSDB_LOG_SHIFT),
		.segment_count = segment_count,
		.segment_samples = segment_samples,
		.segment_bytes = segment_bytes };
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
	if ((rc = pm_fs_lock(db->meta_fd, TSDB_LOCK_WRITER, true, true, err)) < 0) {
		pthread_mutex_unlock(&db->write_mutex);
		return rc;
	}
	__atomic_store_n(&db->meta->dirty, 1, __ATOMIC_RELEASE);
	/* The snapshot maps the log and brings the table of last rows up to date. */
	if ((rc = tsdb__snap_get(db, &snap, err)) == 0) {
		*ret_published = snap->rec;
		if (db->write.head != snap->head) {
			struct tsdb__head *old = db->write.head;
			tsdb__write_move(&db->write, tsdb__head_ref(snap->head));
			tsdb__head_unref(old);
		}
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
	pm_fs_unlock(db->meta_fd, TSDB_LOCK_WRITER);
	pthread_mutex_unlock(&db->write_mutex);
}

void tsdb__writer_abort(struct tsdb *db, const struct tsdb_record *published)
{
	tsdb__notes_end(db, false);
	if (published)
		tsdb__write_abort(&db->write, published);
	writer_unlock(db);
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
	tsdb__notes_end(db, true);
	__atomic_store_n(&db->meta->next_sid, w->rec.sid_end, __ATOMIC_RELEASE);
	tsdb__write_cleanup(w, published);
	writer_unlock(db);
	return tsdb__sync_due(db) ? tsdb__sync(db, db->fsync_ms == TSDB_FSYNC_ALWAYS, err) : 0;
}
