/* blocks.c - pm dump as a data directory of Prometheus: a block for each two hours, and an empty log, without which
 * older promtool reads nothing.
 *
 * The directory is made under another name and renamed when it is whole. Samples are asked for block by block, so
 * memory grows with the series of one; a stretch of many blocks is first asked whether it has any samples at all, as
 * times may lie far apart. */
#include "cmd/dump/dump.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/fs_copy.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/blocks.h"

#include <fcntl.h>
#include <unistd.h>

enum { BLOCK_MS = 2 * 3600 * 1000, STRETCH_BLOCKS = 8, FOUND = 1 };

struct blocks {
	struct pm_dump *dump;
	const char *dir; /* for the time being */
	struct tsdb_block_writer *writer;
};

/* ---- the directory ------------------------------------------------------------------------------ */

static int make_dirs(const char *dir, struct pm_error *err)
{
	int fd, rc = pm_fs_mkdirat(AT_FDCWD, dir, err);

	if (rc == 0)
		rc = pm_fs_openat(AT_FDCWD, dir, PM_FS_READ | PM_FS_DIRECTORY, &fd, err);
	if (rc < 0)
		return rc;
	rc = pm_fs_mkdirat(fd, "wal", err);
	pm_fs_close(fd);
	return rc;
}

/* ---- blocks ------------------------------------------------------------------------------------- */

static void count(struct pm_dump *d, const struct pm_samples *s)
{
	d->samples += s->count;
	for (size_t i = 0; s->st_ms && i < s->count; i++)
		d->starts += s->st_ms[i] != 0;
}

static int take(void *arg, const struct pm_series *series, struct pm_error *err)
{
	struct blocks *b = arg;
	struct pm_dump *d = b->dump;

	count(d, &series->samples);
	pm_progress_show(&d->progress, d->output, d->samples, d->total, d->samples);
	return tsdb_block_writer_add(b->writer, series, err);
}

static int write_block(struct blocks *b, int64_t min_ms, int64_t max_ms, struct pm_error *err)
{
	struct pm_dump_wanted wanted = b->dump->wanted;
	int rc = tsdb_block_writer_new(b->dir, &b->writer, err);

	if (rc < 0)
		return rc;
	wanted.min_ms = min_ms;
	wanted.max_ms = max_ms;
	rc = pm_dump_each(b->dump->ctx->db, &wanted, take, b, err);
	if (rc == 0)
		return tsdb_block_writer_finish(b->writer, NULL, err);
	tsdb_block_writer_free(b->writer);
	return rc;
}

static int find_any(void *arg, const struct pm_series *series, struct pm_error *err)
{
	*(bool *)arg = true;
	return PM_ERR_CANCELED;
}

/* 1: there are samples in [min_ms, max_ms], 0: none. */
static int has_samples(const struct blocks *b, int64_t min_ms, int64_t max_ms, struct pm_error *err)
{
	struct pm_dump_wanted wanted = b->dump->wanted;
	bool found = false;
	int rc;

	wanted.min_ms = min_ms;
	wanted.max_ms = max_ms;
	rc = pm_dump_each(b->dump->ctx->db, &wanted, find_any, &found, err);
	return found ? FOUND : rc;
}

/* Blocks [from, to) by number, in the order of time, by halves: the depth is that of 64-bit numbers at most. */
static int write_blocks(struct blocks *b, int64_t from, int64_t to, struct pm_error *err)
{
	int64_t middle = from + (to - from) / 2, min_ms, max_ms;
	const struct pm_dump_wanted *w = &b->dump->wanted;
	int rc;

	if (__builtin_mul_overflow(from, BLOCK_MS, &min_ms) || min_ms < w->min_ms)
		min_ms = w->min_ms;
	if (__builtin_mul_overflow(to, BLOCK_MS, &max_ms) || --max_ms > w->max_ms)
		max_ms = w->max_ms;
	if (to - from == 1)
		return write_block(b, min_ms, max_ms, err);
	if (to - from >= STRETCH_BLOCKS) {
		rc = has_samples(b, min_ms, max_ms, err);
		if (rc <= 0)
			return rc;
	}
	rc = write_blocks(b, from, middle, err);
	return rc < 0 ? rc : write_blocks(b, middle, to, err);
}

static int64_t block_of(int64_t t_ms)
{
	return t_ms / BLOCK_MS - (t_ms % BLOCK_MS < 0);
}

int pm_dump_blocks(struct pm_dump *d, struct pm_error *err)
{
	size_t size = strlen(d->output) + 32;
	char *dir = pm_malloc(size);
	struct blocks b = { .dump = d, .dir = dir };
	int rc;

	if (!dir)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	snprintf(dir, size, "%s.tmp-%d", d->output, (int)getpid());
	rc = pm_fs_check_empty(AT_FDCWD, d->output, err);
	if (rc == 0) {
		rc = make_dirs(dir, err);
		if (rc == 0)
			rc = write_blocks(&b, block_of(d->wanted.min_ms), block_of(d->wanted.max_ms) + 1, err);
		if (rc == 0)
			rc = pm_fs_renameat(AT_FDCWD, dir, d->output, err);
		if (rc < 0)
			pm_fs_remove_tree(AT_FDCWD, dir, NULL);
	}
	pm_free(dir);
	return rc;
}
