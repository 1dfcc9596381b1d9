/* snapshot.c - tsdb_snapshot(): a copy of a store that others go on writing.
 *
 * All files of one published record are opened before the first is copied, so that none of them can go. What is
 * published never changes (F1); hash tables do, but only by values that the record does not cover, which readers pass
 * over as they do with those of a writer that died. The meta page comes last, then the directory's name: a copy that
 * was interrupted is no store. */
#include "libtsdb/db/db.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/fs_copy.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/inspect/view.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

struct copy {
	struct tsdb__view view;
	int dirfd; /* of the copy */
	struct tsdb_snapshot_stats stats;
};

/* ---- one file ---- */

/* Slots go from empty to filled by one store each: copied word by word, none is torn. */
static int copy_table(const struct tsdb__view_file *f, int to, struct pm_error *err)
{
	enum { WORDS = 1 << 13 };
	const uint64_t *from = (const void *)f->map;
	uint64_t count = f->end / sizeof *from;
	uint64_t *piece = pm_malloc(WORDS * sizeof *piece);
	int rc = 0;
	if (!piece)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (uint64_t at = 0; at < count && rc == 0; at += WORDS) {
		size_t n = count - at < WORDS ? (size_t)(count - at) : WORDS;
		for (size_t i = 0; i < n; i++)
			piece[i] = __atomic_load_n(&from[at + i], __ATOMIC_ACQUIRE);
		rc = pm_fs_pwrite(to, piece, n * sizeof *piece, at * sizeof *piece, err);
	}
	pm_free(piece);
	return rc;
}

static int copy_into(const struct tsdb__view_file *f, int to, struct pm_error *err)
{
	uint64_t last = 0;
	int rc = f->kind == TSDB_FILE_SLOTS ? copy_table(f, to, err) : pm_fs_copy(f->fd, to, f->end, err);
	if (rc == 0 && f->kind == TSDB_FILE_LOG && f->end < TSDB_LOG_FILE_SIZE) /* its size is part of the format */
		rc = pm_fs_pwrite(to, &last, sizeof last, TSDB_LOG_FILE_SIZE - sizeof last, err);
	return rc < 0 ? rc : pm_fs_sync(to, err);
}

static bool never_changes(const struct tsdb__view_file *f)
{
	return f->kind == TSDB_FILE_SEGMENT || f->kind == TSDB_FILE_MANIFEST ||
	       (f->kind == TSDB_FILE_LOG && f->end == TSDB_LOG_FILE_SIZE);
}

static int copy_file(struct copy *c, const struct tsdb__view_file *f, struct pm_error *err)
{
	int to, rc;
	if (f->missing || f->size < f->end)
		return tsdb__corrupt(err, f->name, f->size, f->missing ? "the file is missing" : "the file ends early");
	/* When it can't be linked (another file system, or it is gone), it is copied. */
	if (never_changes(f) && pm_fs_linkat(c->view.dirfd, f->name, c->dirfd, f->name, NULL) == 0) {
		c->stats.linked_files++;
		c->stats.linked_bytes += f->end;
		return 0;
	}
	if ((rc = pm_fs_openat(c->dirfd, f->name, PM_FS_WRITE | PM_FS_CREATE | PM_FS_EXCL, &to, err)) < 0)
		return rc;
	rc = copy_into(f, to, err);
	pm_fs_close(to);
	c->stats.copied_files++;
	c->stats.copied_bytes += f->end;
	return rc;
}

/* ---- the store ---- */

/* Ids that writers reserved meanwhile may stand in the tables: the copy skips them, as after a writer's death (F4). */
static int copy_meta(struct copy *c, struct pm_error *err)
{
	uint64_t next_sid = __atomic_load_n(&c->view.meta->next_sid, __ATOMIC_ACQUIRE);
	struct tsdb_meta_page *m;
	int fd, rc;
	if ((rc = tsdb__meta_create(c->dirfd, &c->view.rec, err)) < 0 ||
		(rc = tsdb__meta_open(c->dirfd, true, &m, &fd, err)) < 0)
		return rc;
	__atomic_store_n(&m->next_sid, next_sid, __ATOMIC_RELEASE);
	rc = pm_fs_sync(fd, err);
	tsdb__meta_close(m, fd);
	return rc;
}

static int sync_folder(int dirfd, const char *name, struct pm_error *err)
{
	int fd, rc = pm_fs_openat(dirfd, name, PM_FS_DIRECTORY, &fd, err);
	if (rc < 0)
		return rc;
	rc = pm_fs_sync_dir(fd, err);
	pm_fs_close(fd);
	return rc;
}

static int copy_store(struct copy *c, struct pm_error *err)
{
	char head[32];
	int fd, rc;
	snprintf(head, sizeof head, "head.%08llx", (unsigned long long)c->view.rec.generation);
	if ((rc = pm_fs_mkdirat(c->dirfd, head, err)) < 0)
		return rc;
	for (size_t i = 0; i < c->view.count; i++)
		if ((rc = copy_file(c, &c->view.files[i], err)) < 0)
			return rc;
	if ((rc = sync_folder(c->dirfd, head, err)) < 0 ||
		(rc = pm_fs_openat(c->dirfd, "lock", PM_FS_WRITE | PM_FS_CREATE, &fd, err)) < 0)
		return rc;
	pm_fs_close(fd);
	return copy_meta(c, err);
}

/* ---- the directory ---- */

/* "a/b/" and "a/b" are one directory. */
static int temp_name(const char *to, char tmp[PATH_MAX], struct pm_error *err)
{
	size_t len = strlen(to);
	while (len > 1 && to[len - 1] == '/')
		len--;
	if (len == 0 || snprintf(tmp, PATH_MAX, "%.*s.%d.tmp", (int)len, to, (int)getpid()) >= PATH_MAX)
		return pm_fail(err, PM_ERR_INVALID, "%s: no name for a directory", to);
	return 0;
}

static int make(struct copy *c, const char *tmp, const char *to, struct pm_error *err)
{
	int rc;
	if ((rc = pm_fs_mkdirat(AT_FDCWD, tmp, err)) < 0 ||
		(rc = pm_fs_openat(AT_FDCWD, tmp, PM_FS_DIRECTORY, &c->dirfd, err)) < 0 ||
		(rc = copy_store(c, err)) < 0 || (rc = pm_fs_renameat(AT_FDCWD, tmp, to, err)) < 0)
		return rc;
	/* From here on it is there; a directory above that can't be opened is no reason to take it back. */
	rc = pm_fs_sync_parent(AT_FDCWD, tmp, err);
	return rc == PM_ERR_READONLY ? 0 : rc;
}

int tsdb_snapshot(struct tsdb *db, const char *to, struct tsdb_snapshot_stats *ret, struct pm_error *err)
{
	struct copy c = { .dirfd = -1 };
	char tmp[PATH_MAX];
	int rc;
	if (db->detached)
		return pm_fail(err, PM_ERR_UNSUPPORTED,
			"the store was copied, or the machine crashed: it must be opened for writing once before");
	if ((rc = temp_name(to, tmp, err)) < 0 || (rc = pm_fs_check_empty(AT_FDCWD, to, err)) < 0)
		return rc;
	pm_fs_remove_tree(AT_FDCWD, tmp, NULL); /* of a process that had this number and was killed */
	if ((rc = tsdb__view_open(&c.view, db->dirfd, ".", err)) == 0 && !c.view.manifest)
		rc = pm_fail(err, PM_ERR_CORRUPT, "%s", c.view.manifest_error.msg);
	if (rc == 0)
		rc = make(&c, tmp, to, err);
	if (c.dirfd >= 0)
		pm_fs_close(c.dirfd);
	if (rc < 0)
		pm_fs_remove_tree(AT_FDCWD, tmp, NULL);
	else if (ret)
		*ret = c.stats;
	tsdb__view_release(&c.view);
	return rc;
}
