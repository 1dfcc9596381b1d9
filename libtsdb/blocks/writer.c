/* writer.c - a new block: chunks go to their files as series come, the index is written at the end, and the directory
 * gets its name when all is synced. */
#include "libtsdb/blocks.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/crc32c.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/json_out.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/blocks/chunk.h"
#include "libtsdb/blocks/index_write.h"
#include "libtsdb/blocks/meta.h"
#include "libtsdb/blocks/out.h"
#include "libtsdb/blocks/tombstones.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>

enum {
	CHUNK_SAMPLES = 120,
	CHUNK_FILE_SIZE = 512 << 20,
	CHUNKS_VERSION = 1,
	CHUNKS_PADDING = 3,
	LEN_SIZE_MAX = 5,
};
#define CHUNKS_MAGIC 0x85bd40ddu
#define UNFINISHED ".tmp-for-creation" /* Prometheus removes what is named so */

struct tsdb_block_writer {
	char ulid[TSDB_ULID_SIZE];
	int parent, dir, chunks_dir; /* descriptors */
	struct prom__out chunks;     /* the file at hand */
	uint32_t file_count;
	struct pm_buf chunk; /* being made */
	struct prom__index_out index;
	struct pm_arena arena; /* of `last` */
	struct pm_labels last;
	int64_t last_ms; /* of the last series */
	int64_t min_ms, max_ms;
	uint64_t sample_count;
};

/* ---- directories -------------------------------------------------------------------------------- */

static void temp_name(const struct tsdb_block_writer *w, char out[TSDB_ULID_SIZE + sizeof UNFINISHED])
{
	snprintf(out, TSDB_ULID_SIZE + sizeof UNFINISHED, "%s%s", w->ulid, UNFINISHED);
}

static int open_dir(int at, const char *name, bool make, int *ret, struct pm_error *err)
{
	int rc = make ? pm_fs_mkdirat(at, name, err) : 0;

	return rc < 0 ? rc : pm_fs_openat(at, name, PM_FS_READ | PM_FS_DIRECTORY, ret, err);
}

static void remove_files(int dirfd)
{
	struct pm_strings names;

	if (dirfd < 0 || pm_fs_list(dirfd, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		pm_fs_unlinkat(dirfd, names.v[i].ptr, NULL);
	pm_strings_free(&names);
}

static void close_all(struct tsdb_block_writer *w)
{
	int fds[] = { w->chunks_dir, w->dir, w->parent };

	prom__out_abort(&w->chunks);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			pm_fs_close(fds[i]);
	pm_buf_release(&w->chunk);
	pm_arena_release(&w->arena);
	prom__index_out_release(&w->index);
	pm_free(w);
}

void tsdb_block_writer_free(struct tsdb_block_writer *w)
{
	char temp[TSDB_ULID_SIZE + sizeof UNFINISHED];

	if (!w)
		return;
	remove_files(w->chunks_dir);
	if (w->dir >= 0) {
		temp_name(w, temp);
		pm_fs_rmdirat(w->dir, "chunks", NULL);
		remove_files(w->dir);
		pm_fs_rmdirat(w->parent, temp, NULL);
	}
	close_all(w);
}

int tsdb_block_writer_new(const char *dir, struct tsdb_block_writer **ret, struct pm_error *err)
{
	struct tsdb_block_writer *w = pm_calloc(1, sizeof *w);
	char temp[TSDB_ULID_SIZE + sizeof UNFINISHED];
	uint8_t random[10] = { 0 };
	int rc;

	if (!w)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	w->parent = w->dir = w->chunks_dir = w->chunks.fd = -1;
	if (getrandom(random, sizeof random, 0) != sizeof random)
		memcpy(random, &(uint64_t){ (uint64_t)pm_monotonic_ns() }, sizeof(uint64_t));
	prom__ulid_make(w->ulid, pm_now_ms(), random);
	temp_name(w, temp);
	rc = open_dir(AT_FDCWD, dir, false, &w->parent, err);
	if (rc == 0)
		rc = open_dir(w->parent, temp, true, &w->dir, err);
	if (rc == 0)
		rc = open_dir(w->dir, "chunks", true, &w->chunks_dir, err);
	if (rc < 0)
		tsdb_block_writer_free(w);
	else
		*ret = w;
	return rc;
}

/* ---- chunks ------------------------------------------------------------------------------------- */

static int begin_file(struct tsdb_block_writer *w, struct pm_error *err)
{
	static const uint8_t version[1 + CHUNKS_PADDING] = { CHUNKS_VERSION };
	char name[16];
	int rc = w->chunks.fd >= 0 ? prom__out_close(&w->chunks, err) : 0;

	if (rc < 0)
		return rc;
	snprintf(name, sizeof name, "%06u", ++w->file_count);
	rc = prom__out_open(&w->chunks, w->chunks_dir, name, err);
	prom__put_be32(&w->chunks.buf, CHUNKS_MAGIC);
	pm_buf_add(&w->chunks.buf, version, sizeof version);
	return rc;
}

/* w->chunk, as samples [min_ms, max_ms] of the last series. */
static int put_chunk(
	struct tsdb_block_writer *w, uint8_t encoding, int64_t min_ms, int64_t max_ms, struct pm_error *err)
{
	size_t size = w->chunk.len + 1 + PROM__CRC_SIZE + LEN_SIZE_MAX;
	struct prom__chunk_ref ref = { .min_ms = min_ms, .max_ms = max_ms };
	struct pm_buf *b = &w->chunks.buf;
	int rc = 0;
	size_t from;

	if (pm_buf_error(&w->chunk))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (w->chunks.fd < 0 || prom__out_at(&w->chunks) + size > CHUNK_FILE_SIZE)
		rc = begin_file(w, err);
	if (rc < 0)
		return rc;
	ref.ref = (uint64_t)(w->file_count - 1) << 32 | prom__out_at(&w->chunks);
	prom__put_uvarint(b, w->chunk.len);
	from = b->len;
	pm_buf_char(b, (char)encoding);
	pm_buf_str(b, pm_buf_view(&w->chunk));
	prom__put_crc(b, from);
	rc = prom__out_flush(&w->chunks, err);
	return rc < 0 ? rc : prom__index_add_chunk(&w->index, &ref, err);
}

static int put_samples(struct tsdb_block_writer *w, const struct pm_samples *s, struct pm_error *err)
{
	const struct pm_histogram *previous = NULL;
	size_t done = 0;
	int rc = 0;

	while (done < s->count && rc == 0) {
		struct pm_samples rest = { .count = s->count - done, .t_ms = s->t_ms + done, .v = s->v + done,
			.h = s->h ? s->h + done : NULL };
		struct prom__chunk cut;

		pm_buf_reset(&w->chunk);
		cut = prom__chunk_write(&rest, CHUNK_SAMPLES, previous, &w->chunk);
		rc = put_chunk(w, cut.encoding, rest.t_ms[0], rest.t_ms[cut.count - 1], err);
		previous = rest.h ? rest.h[cut.count - 1] : NULL;
		done += cut.count;
	}
	return rc;
}

/* Where the series is in the order: behind the last one, or the last one itself. */
static int place(struct tsdb_block_writer *w, const struct pm_series *series, struct pm_error *err)
{
	int c = w->index.series_count ? pm_labels_cmp(series->labels, w->last) : 1;
	int rc;

	if (c < 0 || (c == 0 && series->samples.t_ms[0] <= w->last_ms))
		return pm_fail(err, PM_ERR_INVALID, "a series comes out of order");
	if (c == 0)
		return 0;
	pm_arena_reset(&w->arena);
	rc = pm_arena_labels(&w->arena, series->labels, &w->last);
	return rc < 0 ? pm_fail(err, rc, "out of memory") : prom__index_add_series(&w->index, series->labels, err);
}

int tsdb_block_writer_add(struct tsdb_block_writer *w, const struct pm_series *series, struct pm_error *err)
{
	const struct pm_samples *s = &series->samples;
	int rc;

	if (s->count == 0)
		return 0;
	rc = place(w, series, err);
	if (rc == 0)
		rc = put_samples(w, s, err);
	if (rc < 0)
		return rc;
	w->last_ms = s->t_ms[s->count - 1];
	w->min_ms = w->sample_count && w->min_ms < s->t_ms[0] ? w->min_ms : s->t_ms[0];
	w->max_ms = w->sample_count && w->max_ms > w->last_ms ? w->max_ms : w->last_ms;
	w->sample_count += s->count;
	return 0;
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void put_meta(const struct tsdb_block_writer *w, struct pm_buf *out)
{
	struct pm_json j;

	pm_json_init(&j, out);
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("ulid"));
	pm_json_cstr(&j, w->ulid);
	pm_json_key(&j, PM_STR("minTime"));
	pm_json_int(&j, w->min_ms);
	pm_json_key(&j, PM_STR("maxTime"));
	pm_json_int(&j, w->max_ms + (w->max_ms < INT64_MAX));
	pm_json_key(&j, PM_STR("stats"));
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("numSamples"));
	pm_json_uint(&j, w->sample_count);
	pm_json_key(&j, PM_STR("numSeries"));
	pm_json_uint(&j, w->index.series_count);
	pm_json_key(&j, PM_STR("numChunks"));
	pm_json_uint(&j, w->index.chunk_count);
	pm_json_object_end(&j);
	pm_json_key(&j, PM_STR("compaction"));
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("level"));
	pm_json_int(&j, 1);
	pm_json_key(&j, PM_STR("sources"));
	pm_json_array(&j);
	pm_json_cstr(&j, w->ulid);
	pm_json_array_end(&j);
	pm_json_object_end(&j);
	pm_json_key(&j, PM_STR("version"));
	pm_json_int(&j, 1);
	pm_json_object_end(&j);
	pm_buf_char(out, '\n');
}

static int write_small(
	const struct tsdb_block_writer *w, const char *name, const struct pm_buf *b, struct pm_error *err)
{
	if (pm_buf_error(b))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	return pm_fs_write_file(w->dir, name, b->ptr, b->len, err);
}

static int write_rest(struct tsdb_block_writer *w, struct pm_error *err)
{
	struct pm_buf meta = { 0 }, tombstones = { 0 };
	int rc = prom__out_close(&w->chunks, err);

	if (rc == 0)
		rc = pm_fs_sync_dir(w->chunks_dir, err);
	if (rc == 0)
		rc = prom__index_write(&w->index, w->dir, "index", err);
	put_meta(w, &meta);
	prom__tombstones_put_empty(&tombstones);
	if (rc == 0)
		rc = write_small(w, "tombstones", &tombstones, err);
	if (rc == 0)
		rc = write_small(w, "meta.json", &meta, err);
	pm_buf_release(&meta);
	pm_buf_release(&tombstones);
	return rc;
}

int tsdb_block_writer_finish(struct tsdb_block_writer *w, struct tsdb_block_info *ret, struct pm_error *err)
{
	struct tsdb_block_info info = { .min_ms = w->min_ms, .max_ms = w->max_ms + (w->max_ms < INT64_MAX),
		.series_count = w->index.series_count, .sample_count = w->sample_count };
	char temp[TSDB_ULID_SIZE + sizeof UNFINISHED];
	int rc = 0;

	temp_name(w, temp);
	memcpy(info.ulid, w->ulid, sizeof info.ulid);
	if (w->sample_count) {
		rc = write_rest(w, err);
		if (rc == 0)
			rc = pm_fs_renameat(w->parent, temp, w->ulid, err);
		if (rc == 0)
			rc = pm_fs_sync_dir(w->parent, err);
	}
	if (rc < 0 || !w->sample_count)
		tsdb_block_writer_free(w);
	else
		close_all(w);
	if (rc == 0 && ret)
		*ret = info;
	return rc;
}
