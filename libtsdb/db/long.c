/* long.c - the frame of long work; see long.h. */
#include "libtsdb/db/long.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/fs_copy.h"
#include "libtsdb/base/match.h"
#include "libtsdb/base/mem.h"

#include <stdio.h>

#define RESERVE "reserve"
enum { SEAL_MS = 2 * 3600 * 1000, RESERVE_BYTES = 64 << 10 };
#define SEAL_BYTES (UINT64_C(1) << 30)

bool tsdb__long_progress(struct tsdb__long *w, const char *what, uint64_t done, uint64_t all)
{
	return w->opts->progress && w->opts->progress(w->opts->progress_arg, what, done, all);
}

static int snap_again(struct tsdb__long *w, struct pm_error *err)
{
	tsdb__snap_unref(w->snap);
	w->snap = NULL;
	return tsdb__snap_get(w->db, &w->snap, err);
}

/* A head whose place another took. Readers have its files open, or take a newer snapshot. */
static void remove_head(struct tsdb *db, uint64_t generation)
{
	char folder[32];
	tsdb__head_name(folder, generation);
	pm_fs_remove_tree(db->dirfd, folder, NULL);
}

/* Segments that nobody names are what a killed process left, half-written or just not published. */
static void sweep(struct tsdb__long *w)
{
	const struct tsdb__manifest *m = tsdb__manifest_of(w->snap);
	struct pm_strings names;
	if (pm_fs_list(w->db->dirfd, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		char name[32], known[32];
		bool keep = names.v[i].len >= sizeof name;
		snprintf(name, sizeof name, "%.*s", PM_STR_ARG(names.v[i]));
		if (strncmp(name, "segment.", 8) == 0) {
			for (size_t k = 0; k < m->count && !keep; k++) {
				tsdb__segment_name(known, m->v[k].info.number);
				keep = strcmp(name, known) == 0;
			}
		} else if (strncmp(name, "manifest.", 9) == 0) {
			tsdb__manifest_name(known, w->snap->rec.manifest);
			keep |= strcmp(name, known) == 0;
		} else {
			keep = true;
		}
		if (strncmp(name, "head.", 5) == 0 && strtoull(name + 5, NULL, 16) != w->snap->rec.generation)
			remove_head(w->db, strtoull(name + 5, NULL, 16));
		if (!keep)
			pm_fs_unlinkat(w->db->dirfd, name, NULL);
	}
	pm_strings_free(&names);
}

/* Retention must work where a disk is full, and needs room for a manifest: it is kept in a file that is given up then.
 * Without one, all goes on as long as there is room. */
static void keep_reserve(struct tsdb *db)
{
	uint64_t size;
	int fd;
	if (pm_fs_openat(db->dirfd, RESERVE, PM_FS_WRITE | PM_FS_CREATE, &fd, NULL) < 0)
		return;
	if (pm_fs_size(fd, &size, NULL) == 0 && size < RESERVE_BYTES)
		(void)!pm_fs_allocate(fd, 0, RESERVE_BYTES, NULL);
	pm_fs_close(fd);
}

static int write_manifest(struct tsdb *db, const struct tsdb__manifest *m, struct pm_error *err)
{
	int rc = tsdb__manifest_write(db->dirfd, m, err);
	if (rc == PM_ERR_NOSPACE && pm_fs_unlinkat(db->dirfd, RESERVE, NULL) == 0)
		rc = tsdb__manifest_write(db->dirfd, m, err);
	return rc;
}

int tsdb__long_begin(struct tsdb__long *w, struct pm_error *err)
{
	int rc = 0;
	if (!w->db->writable)
		return pm_fail(err, PM_ERR_READONLY, "the store was opened for reading");
	if (w->opts->wait)
		pthread_mutex_lock(&w->db->long_mutex);
	else if (pthread_mutex_trylock(&w->db->long_mutex) != 0)
		return pm_fail(err, PM_ERR_EXISTS, "the store is being compacted already");
	w->now_ms = w->opts->now_ms ? w->opts->now_ms : pm_now_ms();
	if ((rc = pm_fs_lock(w->db->meta_fd, TSDB_LOCK_LONG, true, w->opts->wait, err)) < 0) {
		pthread_mutex_unlock(&w->db->long_mutex);
		return rc;
	}
	/* Nothing may be unlinked that the disk would still name after a crash. */
	if ((rc = tsdb__sync(w->db, true, err)) < 0 || (rc = snap_again(w, err)) < 0) {
		tsdb__long_end(w);
		return rc;
	}
	sweep(w);
	keep_reserve(w->db);
	return 0;
}

void tsdb__long_end(struct tsdb__long *w)
{
	tsdb__snap_unref(w->snap);
	w->snap = NULL;
	pm_fs_unlock(w->db->meta_fd, TSDB_LOCK_LONG);
	pthread_mutex_unlock(&w->db->long_mutex);
}

/* ---- publishing ---- */

/* What is left of the head when files before `first` are sealed: range of times, samples. */
static int range_from(struct tsdb__write *w, uint64_t first, struct pm_error *err)
{
	struct tsdb_record *r = &w->rec;
	uint64_t pos = (first << TSDB_LOG_SHIFT) + sizeof(struct tsdb_file_head);
	r->min_ms = PM_TIME_MAX;
	r->max_ms = PM_TIME_MIN;
	r->sample_count = 0;
	while (pos < r->log_end) {
		const struct tsdb_rec *rec = tsdb__log_at(w->head, pos, r->log_end);
		if (!rec)
			return tsdb__corrupt(err, "log", pos, "no record there");
		const struct tsdb_row *row = tsdb__row_at(w->head, pos, r->log_end);
		if (row && (rec->kind == TSDB_REC_ROW || rec->kind == TSDB_REC_BATCH) &&
			!(rec->flags & TSDB_ROW_CARRIED)) {
			r->sample_count += rec->kind == TSDB_REC_ROW ? row->present : row->version;
			r->min_ms = row->min_ms < r->min_ms ? row->min_ms : r->min_ms;
			r->max_ms = row->max_ms > r->max_ms ? row->max_ms : r->max_ms;
		}
		pos += rec->len;
		if (pos % TSDB_LOG_FILE_SIZE == 0)
			pos += sizeof(struct tsdb_file_head);
	}
	return 0;
}

static void unlink_old(struct tsdb__long *w, const struct tsdb__snap *before)
{
	const struct tsdb__manifest *m = tsdb__manifest_of(before), *now = tsdb__manifest_of(w->snap);
	char name[32];
	for (size_t i = 0; i < m->count; i++) {
		bool live = false;
		for (size_t k = 0; k < now->count && !live; k++)
			live = now->v[k].info.number == m->v[i].info.number;
		tsdb__segment_name(name, m->v[i].info.number);
		if (!live)
			pm_fs_unlinkat(w->db->dirfd, name, NULL);
	}
	if (m->number != now->number)
		tsdb__manifest_unlink(w->db->dirfd, m->number);
	if (before->rec.generation != w->snap->rec.generation) {
		remove_head(w->db, before->rec.generation);
		return;
	}
	for (uint64_t n = before->rec.log_first; n < w->snap->rec.log_first; n++) {
		tsdb__log_name(name, n);
		pm_fs_unlinkat(before->head->dirfd, name, NULL);
	}
}

static int publish(struct tsdb__long *w, const struct tsdb__manifest *m, uint64_t log_first, struct pm_error *err)
{
	struct tsdb *db = w->db;
	struct tsdb_record published;
	int rc = tsdb__writer_lock(db, &published, err);
	if (rc < 0)
		return rc;
	if (published.manifest != w->snap->rec.manifest || published.generation != w->snap->rec.generation)
		rc = pm_fail(err, PM_ERR_STALE, "the store changed under the lock for long work");
	if (rc == 0 && log_first && (rc = tsdb__log_carry(&db->write, log_first, err)) == 0) {
		rc = range_from(&db->write, log_first, err);
		db->write.rec.log_first = log_first;
		db->write.rec.sealed_ms = w->now_ms;
	}
	if (rc < 0) {
		tsdb__writer_abort(db, &published);
		return rc;
	}
	db->write.rec.manifest = m->number;
	return tsdb__writer_publish(db, &published, err);
}

int tsdb__long_follow(struct tsdb__long *w, struct tsdb__snap *before, struct pm_error *err)
{
	int rc = tsdb__sync(w->db, true, err);
	if (rc < 0)
		return rc;
	w->snap = NULL;
	if ((rc = snap_again(w, err)) == 0)
		unlink_old(w, before);
	tsdb__snap_unref(before);
	return rc;
}

int tsdb__long_publish(struct tsdb__long *w, struct tsdb__manifest *m, uint64_t log_first, struct pm_error *err)
{
	struct tsdb__snap *before = w->snap;
	int rc;
	if ((rc = pm_fs_sync_dir(w->db->dirfd, err)) == 0 && (rc = write_manifest(w->db, m, err)) == 0 &&
		(rc = publish(w, m, log_first, err)) == 0)
		rc = tsdb__long_follow(w, before, err);
	tsdb__manifest_unref(m);
	return rc;
}

/* ---- all of it ---- */

static const struct tsdb_compact_opts defaults;

static bool seal_due(const struct tsdb__long *w)
{
	const struct tsdb_record *r = &w->snap->rec;
	uint64_t bytes = r->log_end - (r->log_first << TSDB_LOG_SHIFT);
	int64_t seal_ms = w->opts->seal_ms ? w->opts->seal_ms : SEAL_MS;
	int64_t since = r->sealed_ms ? r->sealed_ms : w->db->meta->created_ms;
	if (r->min_ms > r->max_ms)
		return false;
	return w->opts->force || w->now_ms - since >= seal_ms ||
	       bytes >= (w->opts->seal_bytes ? w->opts->seal_bytes : SEAL_BYTES);
}

bool tsdb_compact_due(struct tsdb *db, const struct tsdb_compact_opts *opts)
{
	struct tsdb__long w = { .db = db, .opts = opts ? opts : &defaults };
	bool due;
	if (tsdb__snap_get(db, &w.snap, NULL) < 0)
		return false;
	w.now_ms = w.opts->now_ms ? w.opts->now_ms : pm_now_ms();
	due = seal_due(&w);
	tsdb__snap_unref(w.snap);
	return due;
}

int tsdb_compact(
	struct tsdb *db, const struct tsdb_compact_opts *opts, struct tsdb_compact_stats *ret, struct pm_error *err)
{
	struct tsdb_compact_stats stats = { 0 };
	struct tsdb__long w = { .db = db, .opts = opts ? opts : &defaults, .stats = &stats };
	int rc = tsdb__long_begin(&w, err);
	if (rc < 0)
		return rc;
	if ((rc = tsdb__retention(&w, err)) == 0 && seal_due(&w) && (rc = tsdb__seal(&w, err)) == 0)
		rc = tsdb__renew(&w, err);
	if (rc == 0)
		while ((rc = tsdb__merge_some(&w, err)) > 0 && !w.opts->once)
			;
	tsdb__long_end(&w);
	if (ret)
		*ret = stats;
	return rc < 0 ? rc : 0;
}

/* Tombstones are read with every query: what could not be applied then is refused now. */
static int check_deletion(
	const struct pm_matcher *matchers, size_t count, int64_t min_ms, int64_t max_ms, struct pm_error *err)
{
	if (count == 0)
		return pm_fail(err, PM_ERR_INVALID, "deletion needs a matcher");
	if (count > TSDB_TOMBSTONE_MATCHERS_MAX)
		return pm_fail(err, PM_ERR_LIMIT, "deletion by more than %d matchers", TSDB_TOMBSTONE_MATCHERS_MAX);
	if (min_ms > max_ms)
		return pm_fail(err, PM_ERR_INVALID, "deletion from a range that ends before it begins");
	for (size_t i = 0; i < count; i++) {
		struct pm_re *re = NULL;
		int rc = pm_match_re(&matchers[i], &re, err);
		pm_re_free(re);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int tsdb_delete(struct tsdb *db, const struct pm_matcher *matchers, size_t count, int64_t min_ms, int64_t max_ms,
	struct pm_error *err)
{
	struct tsdb_compact_opts opts = { .wait = true };
	struct tsdb_compact_stats stats = { 0 };
	struct tsdb__long w = { .db = db, .opts = &opts, .stats = &stats };
	struct tsdb__manifest *m = NULL;
	int rc = check_deletion(matchers, count, min_ms, max_ms, err);
	if (rc < 0 || (rc = tsdb__long_begin(&w, err)) < 0)
		return rc;
	/* Tombstones are for segments: what is in the head becomes one first. */
	if (w.snap->rec.min_ms <= w.snap->rec.max_ms)
		rc = tsdb__seal(&w, err);
	if (rc == 0 && tsdb__manifest_of(w.snap)->count) {
		struct tsdb__tombstone t = { min_ms, max_ms, tsdb__manifest_of(w.snap)->next_segment,
			(struct pm_matcher *)(uintptr_t)matchers, (uint32_t)count };
		rc = tsdb__manifest_copy(tsdb__manifest_of(w.snap), &m);
		if (rc == 0 && (rc = tsdb__manifest_tombstone(m, &t)) < 0)
			tsdb__manifest_unref(m);
		rc = rc < 0 ? pm_fail(err, rc, "out of memory") : tsdb__long_publish(&w, m, 0, err);
	}
	tsdb__long_end(&w);
	return rc;
}
