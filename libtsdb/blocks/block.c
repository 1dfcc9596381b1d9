/* block.c - a block, read series by series: the index says where the chunks are, the files of chunks are mapped when
 * first needed, tombstones take away what was deleted.
 *
 * A part of a series ends where it has become large or where times would not ascend: chunks may overlap. In an index of
 * bad will many series name one chunk; so that a small file does not give samples without end, no more bytes of chunks
 * are read than twice what the files have. */
#include "libtsdb/blocks.h"

#include "libtsdb/base/crc32c.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/blocks/chunk.h"
#include "libtsdb/blocks/index.h"
#include "libtsdb/blocks/tombstones.h"

#include <fcntl.h>
#include <stdio.h>

enum {
	PART_SAMPLES = 100000,
	PART_ARENA_SIZE = 16 << 20,
	CHUNK_SIZE_MAX = 16 << 20,
	CHUNKS_HEADER_SIZE = 8,
	CHUNKS_VERSION = 1,
	READS_MAX = 2,
};
#define CHUNKS_MAGIC 0x85bd40ddu

struct tsdb_block {
	char *chunks_dir;
	struct prom__index index;
	struct prom__tombstones tombstones;
	struct pm_strings names;   /* of the files of chunks */
	struct prom__file *chunks; /* as many; mapped when first needed */
	size_t chunk;              /* of the series at hand, the next one */
	struct prom__samples samples;
	uint64_t bytes_read, bytes_mapped;
};

/* ---- opening ------------------------------------------------------------------------------------ */

/* The files are numbered; what else may lie in the directory is not counted. */
static void keep_numbers(struct pm_strings *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->count; i++) {
		struct pm_str s = names->v[i];

		if (s.len && strspn(s.ptr, "0123456789") == s.len)
			names->v[kept++] = s;
	}
	names->count = kept;
}

static int list_chunks(struct tsdb_block *b, struct pm_error *err)
{
	int fd, rc = pm_fs_openat(AT_FDCWD, b->chunks_dir, PM_FS_READ | PM_FS_DIRECTORY, &fd, err);

	if (rc < 0)
		return rc;
	rc = pm_fs_list(fd, &b->names, err);
	pm_fs_close(fd);
	if (rc < 0)
		return rc;
	keep_numbers(&b->names);
	b->chunks = pm_calloc(b->names.count + 1, sizeof *b->chunks);
	return b->chunks ? 0 : pm_fail(err, PM_ERR_NOMEM, "out of memory");
}

int tsdb_block_open(const char *dir, struct tsdb_block **ret, struct pm_error *err)
{
	struct tsdb_block *b = pm_calloc(1, sizeof *b);
	int rc;

	if (!b)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	prom__samples_init(&b->samples);
	b->chunks_dir = prom__path(dir, "chunks");
	rc = b->chunks_dir ? prom__index_open(&b->index, dir, err) : pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (rc == 0)
		rc = prom__tombstones_read(&b->tombstones, dir, err);
	if (rc == 0)
		rc = list_chunks(b, err);
	if (rc < 0) {
		tsdb_block_free(b);
		return rc;
	}
	*ret = b;
	return 0;
}

void tsdb_block_free(struct tsdb_block *b)
{
	if (!b)
		return;
	for (size_t i = 0; b->chunks && i < b->names.count; i++)
		prom__file_close(&b->chunks[i]);
	pm_free(b->chunks);
	pm_strings_free(&b->names);
	prom__tombstones_release(&b->tombstones);
	prom__index_close(&b->index);
	prom__samples_release(&b->samples);
	pm_free(b->chunks_dir);
	pm_free(b);
}

/* ---- chunks ------------------------------------------------------------------------------------- */

static int map_chunks(struct tsdb_block *b, struct prom__file *f, const char *name, struct pm_error *err)
{
	int rc = prom__file_open(f, b->chunks_dir, name, err);

	if (rc < 0)
		return rc;
	if (f->len < CHUNKS_HEADER_SIZE || prom__be32(f->ptr) != CHUNKS_MAGIC)
		rc = prom__file_damaged(f, 0, "this is no file of chunks of a Prometheus block", err);
	else if (f->ptr[4] != CHUNKS_VERSION)
		rc = pm_fail(err, PM_ERR_UNSUPPORTED, "%s: chunks of version %d are not known", f->path, f->ptr[4]);
	if (rc < 0)
		prom__file_close(f);
	else
		b->bytes_mapped += f->len;
	return rc;
}

/* The file that a reference names. */
static int find_file(struct tsdb_block *b, uint64_t ref, struct prom__file **ret, struct pm_error *err)
{
	uint64_t i = ref >> 32;

	if (i >= b->names.count)
		return pm_fail(err, PM_ERR_CORRUPT, "%s: at %llu: a chunk is in file %llu of %s, which has %zu",
			b->index.file.path, (unsigned long long)b->index.number * PROM__INDEX_ALIGN,
			(unsigned long long)i + 1, b->chunks_dir, b->names.count);
	*ret = &b->chunks[i];
	return b->chunks[i].len ? 0 : map_chunks(b, &b->chunks[i], b->names.v[i].ptr, err);
}

/* length uvarint | encoding u8 | data | CRC-32C of encoding and data */
static int read_chunk(struct tsdb_block *b, const struct prom__chunk_ref *ref, struct pm_error *err)
{
	uint64_t offset = ref->ref & UINT32_MAX, len;
	struct prom__file *f = NULL;
	struct prom__cursor c;
	const char *why;
	int rc = find_file(b, ref->ref, &f, err);

	if (rc < 0)
		return rc;
	if (offset < CHUNKS_HEADER_SIZE || offset >= f->len)
		return prom__file_damaged(f, offset, "the index names a chunk outside of the file", err);
	c = prom__cursor(f->ptr + offset, f->len - offset);
	len = prom__take_uvarint(&c);
	if (c.bad || len > CHUNK_SIZE_MAX || prom__left(&c) < len + 1 + PROM__CRC_SIZE)
		return prom__file_damaged(f, offset, "a chunk reaches past the end of the file", err);
	if (pm_crc32c(0, c.at, len + 1) != prom__be32(c.at + len + 1))
		return prom__file_damaged(f, offset, "the checksum of a chunk is wrong", err);
	b->bytes_read += len;
	if (b->bytes_read > READS_MAX * b->bytes_mapped)
		return prom__file_damaged(f, offset, "the index names the same chunks again and again", err);
	rc = prom__chunk_read(c.at[0], c.at + 1, len, &b->samples, &why);
	if (rc == PM_ERR_CORRUPT)
		return prom__file_damaged(f, offset, why, err);
	return rc < 0 ? pm_fail(err, rc, "%s: at %llu: %s", f->path, (unsigned long long)offset, why) : 0;
}

/* Chunks until the part is large, ends, or the next one begins too early. */
static int read_part(struct tsdb_block *b, struct pm_error *err)
{
	struct prom__samples *s = &b->samples;
	const struct prom__index *x = &b->index;
	int rc = 0;

	prom__samples_reset(s);
	while (b->chunk < x->chunk_count && rc == 0) {
		if (s->count >= PART_SAMPLES || s->arena.used >= PART_ARENA_SIZE)
			break;
		if (s->count && x->chunks[b->chunk].min_ms <= s->t[s->count - 1])
			break;
		size_t before = s->count;

		rc = read_chunk(b, &x->chunks[b->chunk], err);
		if (rc == 0 && before && s->count > before && s->t[before] <= s->t[before - 1])
			rc = prom__file_damaged(&x->file, x->number * PROM__INDEX_ALIGN,
				"a chunk begins earlier than its series says", err);
		b->chunk++;
	}
	return rc;
}

static void apply_tombstones(struct tsdb_block *b)
{
	const struct prom__tombstone *stones;
	size_t count = prom__tombstones_of(&b->tombstones, b->index.number, &stones);

	for (size_t i = 0; i < count; i++)
		prom__samples_delete(&b->samples, stones[i].min_ms, stones[i].max_ms);
}

int tsdb_block_next(struct tsdb_block *b, struct pm_series *ret, struct pm_error *err)
{
	int rc = 1;

	do {
		if (b->chunk >= b->index.chunk_count) {
			rc = prom__index_next(&b->index, err);
			b->chunk = 0;
		}
		if (rc <= 0)
			return rc;
		rc = read_part(b, err);
		if (rc < 0)
			return rc;
		apply_tombstones(b);
		rc = 1;
	} while (b->samples.count == 0);
	ret->labels = (struct pm_labels){ b->index.labels, b->index.label_count };
	ret->samples = prom__samples_view(&b->samples);
	return 1;
}
