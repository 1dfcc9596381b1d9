/* view.c - the files of one published record; see view.h. */
#include "libtsdb/inspect/view.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/recover.h"

#include <stdio.h>

enum { TRIES_MAX = 100 };

/* A file that is not there is noted: whether that is damage or a newer record took its place is told at the end. */
static int map_file(struct tsdb__view *v, struct tsdb__view_file *f, struct pm_error *err)
{
	void *map = NULL;
	int rc = pm_fs_openat(v->dirfd, f->name, PM_FS_READ, &f->fd, err);
	if (rc < 0) {
		f->fd = -1;
		f->missing = rc == PM_ERR_NOTFOUND;
		return f->missing ? 0 : rc;
	}
	if ((rc = pm_fs_size(f->fd, &f->size, err)) < 0)
		return rc;
	if (f->kind == TSDB_FILE_SLOTS || f->kind == TSDB_FILE_MANIFEST)
		f->end = f->size;
	if (f->size && (rc = pm_fs_map(f->fd, f->size, false, &map, err)) == 0)
		f->map = map;
	return rc;
}

static int add_file(struct tsdb__view *v, const char *name, enum tsdb_file_kind kind, uint64_t number, uint64_t end,
	struct pm_error *err)
{
	struct tsdb__view_file *f;
	if (pm_grow(&v->files, &v->cap, v->count + 1) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	f = &v->files[v->count++];
	*f = (struct tsdb__view_file){ .kind = kind, .number = number, .end = end, .fd = -1 };
	if (kind == TSDB_FILE_MANIFEST || kind == TSDB_FILE_SEGMENT)
		snprintf(f->name, sizeof f->name, "%s", name);
	else
		snprintf(f->name, sizeof f->name, "head.%08llx/%s", (unsigned long long)v->rec.generation, name);
	return map_file(v, f, err);
}

static int add_log(struct tsdb__view *v, struct pm_error *err)
{
	const struct tsdb_record *r = &v->rec;
	uint64_t last = r->log_end >> TSDB_LOG_SHIFT;
	int rc = 0;
	if (last < r->log_first || last - r->log_first >= TSDB_LOG_FILES_MAX)
		return tsdb__corrupt(err, "meta", 0, "an impossible number of log files");
	for (uint64_t n = r->log_first; n <= last && rc == 0; n++) {
		uint64_t end = n < last ? TSDB_LOG_FILE_SIZE : r->log_end & (TSDB_LOG_FILE_SIZE - 1);
		char name[32];
		tsdb__log_name(name, n);
		if (end)
			rc = add_file(v, name, TSDB_FILE_LOG, n, end, err);
	}
	return rc;
}

/* A manifest that can't be read leaves the segments unknown: its error is kept for whoever asks. */
static int add_segments(struct tsdb__view *v, struct pm_error *err)
{
	char name[32];
	int rc;
	v->log_end = v->count;
	tsdb__manifest_name(name, v->rec.manifest);
	if (v->rec.manifest && (rc = add_file(v, name, TSDB_FILE_MANIFEST, v->rec.manifest, 0, err)) < 0)
		return rc;
	rc = tsdb__manifest_load(v->dirfd, v->dirfd, v->rec.manifest, NULL, &v->manifest, &v->manifest_error);
	if (rc < 0)
		v->manifest = NULL;
	if (rc == PM_ERR_NOMEM || rc == PM_ERR_IO)
		return pm_fail(err, rc, "%s", v->manifest_error.msg);
	for (size_t i = 0; rc == 0 && i < v->manifest->count; i++) {
		const struct tsdb__segment_info *info = &v->manifest->v[i].info;
		tsdb__segment_name(name, info->number);
		rc = add_file(v, name, TSDB_FILE_SEGMENT, info->number, info->size, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The order is that of enum TSDB_VIEW_*. */
static int add_files(struct tsdb__view *v, struct pm_error *err)
{
	const struct tsdb_record *r = &v->rec;
	uint64_t ids_len = sizeof(struct tsdb_file_head) + (uint64_t)r->sid_end * sizeof(uint32_t);
	int rc;
	if ((rc = add_file(v, "catalog", TSDB_FILE_CATALOG, 0, r->catalog_len, err)) < 0 ||
		(rc = add_file(v, "ids", TSDB_FILE_IDS, 0, ids_len, err)) < 0 ||
		(rc = add_file(v, "layouts", TSDB_FILE_LAYOUTS, 0, r->layouts_len, err)) < 0 ||
		(rc = add_file(v, "postings", TSDB_FILE_POSTINGS, 0, r->postings_len, err)) < 0)
		return rc;
	for (int t = 0; t < TSDB_TABLE_COUNT && rc == 0; t++) {
		char name[32];
		tsdb__table_name(name, t, r->table_number[t]);
		rc = add_file(v, name, TSDB_FILE_SLOTS, r->table_number[t], 0, err);
		if (rc == 0)
			v->files[v->count - 1].table = t;
	}
	if (rc == 0)
		rc = add_log(v, err);
	return rc < 0 ? rc : add_segments(v, err);
}

static void drop_files(struct tsdb__view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		pm_fs_unmap((void *)(uintptr_t)v->files[i].map, v->files[i].size);
		if (v->files[i].fd >= 0)
			pm_fs_close(v->files[i].fd);
	}
	v->count = 0;
	tsdb__manifest_unref(v->manifest);
	v->manifest = NULL;
}

static bool any_missing(const struct tsdb__view *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->files[i].missing)
			return true;
	return false;
}

/* After a machine crash the page's lengths mean little: go by what a recovery would find. A copy that was made of a
 * store at rest has all that its page tells; of another one, and where recovery meets damage, the page is taken at its
 * word, so that what is missing is told. */
static void believe(struct tsdb__view *v)
{
	enum tsdb__meta_place place = tsdb__meta_place(v->meta, v->meta_fd);
	bool copied = place == TSDB_META_COPIED;
	struct tsdb_record found, said;
	struct tsdb__head *head;
	if (place == TSDB_META_HERE || tsdb__recover_for_reading(v->dirfd, v->meta, copied, &head, &found, NULL) < 0)
		return;
	tsdb__head_unref(head);
	if (copied && tsdb__meta_read(v->meta, &said, NULL) == 0 && said.txn_count > found.txn_count)
		return;
	v->recovered = true;
	v->rec = found;
}

static int open_record(struct tsdb__view *v, struct pm_error *err)
{
	int rc;
	believe(v);
	if (v->recovered)
		return add_files(v, err);
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		if ((rc = tsdb__meta_read(v->meta, &v->rec, err)) < 0 || (rc = add_files(v, err)) < 0)
			return rc;
		if (!any_missing(v) || tsdb__meta_seq(v->meta) == v->rec.seq)
			return 0;
		drop_files(v);
	}
	return pm_fail(err, PM_ERR_STALE, "the store changed %d times while its files were opened", TRIES_MAX);
}

int tsdb__view_open(struct tsdb__view *v, int dirfd, const char *path, struct pm_error *err)
{
	int rc;
	*v = (struct tsdb__view){ .dirfd = -1, .meta_fd = -1 };
	if ((rc = pm_fs_openat(dirfd, path, PM_FS_DIRECTORY, &v->dirfd, err)) < 0 ||
		(rc = tsdb__meta_open(v->dirfd, false, &v->meta, &v->meta_fd, err)) < 0)
		return rc;
	return open_record(v, err);
}

void tsdb__view_release(struct tsdb__view *v)
{
	drop_files(v);
	pm_free(v->files);
	tsdb__meta_close(v->meta, v->meta_fd);
	if (v->dirfd >= 0)
		pm_fs_close(v->dirfd);
}
