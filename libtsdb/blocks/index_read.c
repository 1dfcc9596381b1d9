/* index_read.c - see index.h. */
#include "libtsdb/blocks/index.h"

#include "libtsdb/base/crc32c.h"
#include "libtsdb/base/mem.h"

enum { VERSION = 2, CONTENTS_COUNT = 6, CONTENTS_SYMBOLS = 0, CONTENTS_SERIES = 1 };

static int damaged(const struct prom__index *x, uint64_t offset, const char *why, struct pm_error *err)
{
	return prom__file_damaged(&x->file, offset, why, err);
}

/* Whether `crc`, as it stands in the file, is that of the bytes before it. */
static bool checksum_is(const uint8_t *p, size_t len)
{
	return pm_crc32c(0, p, len) == prom__be32(p + len);
}

static int check_header(const struct prom__index *x, struct pm_error *err)
{
	const struct prom__file *f = &x->file;

	if (f->len < PROM__INDEX_HEADER_SIZE + PROM__INDEX_CONTENTS_SIZE)
		return damaged(x, f->len, "the index is cut short", err);
	if (prom__be32(f->ptr) != PROM__INDEX_MAGIC)
		return damaged(x, 0, "this is no index of a Prometheus block", err);
	if (f->ptr[4] != VERSION)
		return pm_fail(err, PM_ERR_UNSUPPORTED,
			"%s: index version %d: only version 2 is read, which Prometheus writes since 2.0", f->path,
			f->ptr[4]);
	return 0;
}

static int read_contents(struct prom__index *x, struct pm_error *err)
{
	uint64_t offset = x->file.len - PROM__INDEX_CONTENTS_SIZE, contents[CONTENTS_COUNT];
	struct prom__cursor c = prom__cursor(x->file.ptr + offset, PROM__INDEX_CONTENTS_SIZE);

	if (!checksum_is(c.at, PROM__INDEX_CONTENTS_SIZE - PROM__CRC_SIZE))
		return damaged(x, offset, "the checksum of the table of contents is wrong", err);
	for (int i = 0; i < CONTENTS_COUNT; i++)
		contents[i] = prom__take_be64(&c);
	x->symbols_at = contents[CONTENTS_SYMBOLS];
	x->at = contents[CONTENTS_SERIES];
	x->series_end = offset;
	for (int i = 0; i < CONTENTS_COUNT; i++) {
		if (contents[i] > offset)
			return damaged(x, offset, "the table of contents points outside of the file", err);
		if (contents[i] > x->at && contents[i] < x->series_end)
			x->series_end = contents[i];
	}
	if (x->symbols_at == 0 || x->at == 0)
		return damaged(x, offset, "the table of contents lacks symbols or series", err);
	return 0;
}

static int read_symbols(struct prom__index *x, struct pm_error *err)
{
	uint64_t start = x->symbols_at, room = x->file.len - start;
	struct prom__cursor c = prom__cursor(x->file.ptr + start, room);
	uint64_t len = prom__take_be32(&c), count;

	if (c.bad || len > prom__left(&c) || prom__left(&c) - len < PROM__CRC_SIZE)
		return damaged(x, start, "the symbols reach past the end of the file", err);
	if (!checksum_is(c.at, len))
		return damaged(x, start, "the checksum of the symbols is wrong", err);
	c = prom__cursor(c.at, len);
	x->symbols_at = (uint64_t)(c.at - x->file.ptr);
	x->symbols_end = x->symbols_at + len;
	count = prom__take_be32(&c);
	if (c.bad || count > prom__left(&c))
		return damaged(x, start, "the count of symbols does not fit their length", err);
	if (pm_grow(&x->symbols, &x->symbols_cap, count + 1) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (uint64_t i = 0; i < count; i++) {
		x->symbols[i] = (uint32_t)((uint64_t)(c.at - x->file.ptr) - x->symbols_at);
		prom__take_str(&c);
	}
	if (c.bad)
		return damaged(x, start, "the symbols do not fit their length", err);
	x->symbol_count = count;
	return 0;
}

int prom__index_open(struct prom__index *x, const char *dir, struct pm_error *err)
{
	struct prom__index opened = { 0 };
	int rc = prom__file_open(&opened.file, dir, "index", err);

	if (rc == 0)
		rc = check_header(&opened, err);
	if (rc == 0)
		rc = read_contents(&opened, err);
	if (rc == 0)
		rc = read_symbols(&opened, err);
	if (rc < 0) {
		prom__index_close(&opened);
		return rc;
	}
	*x = opened;
	return 0;
}

void prom__index_close(struct prom__index *x)
{
	pm_free(x->symbols);
	pm_free(x->labels);
	pm_free(x->chunks);
	prom__file_close(&x->file);
	*x = (struct prom__index){ 0 };
}

/* ---- series ------------------------------------------------------------------------------------- */

/* Symbols were walked when the index was opened: what one says of its length holds. */
static bool symbol(const struct prom__index *x, uint64_t i, struct pm_str *ret)
{
	struct prom__cursor c;

	if (i >= x->symbol_count)
		return false;
	c = prom__cursor(x->file.ptr + x->symbols_at + x->symbols[i], x->symbols_end - x->symbols_at - x->symbols[i]);
	*ret = prom__take_str(&c);
	return true;
}

static const char *read_labels(struct prom__index *x, struct prom__cursor *c)
{
	uint64_t count = prom__take_uvarint(c);

	x->label_count = 0;
	if (count > prom__left(c) / 2)
		return "the count of labels does not fit the series";
	if (pm_grow(&x->labels, &x->labels_cap, count + 1) < 0)
		return "out of memory";
	for (uint64_t i = 0; i < count; i++) {
		struct pm_label *l = x->labels + i;

		if (!symbol(x, prom__take_uvarint(c), &l->name) || !symbol(x, prom__take_uvarint(c), &l->value))
			return "a label is no symbol";
		if (i && pm_str_cmp(l[-1].name, l->name) >= 0)
			return "the labels of a series are not sorted";
		if (l->value.len == 0)
			return "a label has no value";
	}
	x->label_count = count;
	return NULL;
}

static const char *read_chunks(struct prom__index *x, struct prom__cursor *c)
{
	uint64_t count = prom__take_uvarint(c), t = 0, ref = 0;

	x->chunk_count = 0;
	if (count > prom__left(c) / 3)
		return "the count of chunks does not fit the series";
	if (pm_grow(&x->chunks, &x->chunks_cap, count + 1) < 0)
		return "out of memory";
	for (uint64_t i = 0; i < count; i++) {
		t = i ? t + prom__take_uvarint(c) : (uint64_t)prom__take_varint(c);
		x->chunks[i].min_ms = (int64_t)t;
		t += prom__take_uvarint(c);
		x->chunks[i].max_ms = (int64_t)t;
		ref = i ? ref + (uint64_t)prom__take_varint(c) : prom__take_uvarint(c);
		x->chunks[i].ref = ref;
		if (x->chunks[i].max_ms < x->chunks[i].min_ms)
			return "a chunk ends before it begins";
	}
	x->chunk_count = count;
	return NULL;
}

/* Zeros fill up to the next multiple of 16: no series is empty. */
static bool find_series(struct prom__index *x)
{
	for (;;) {
		x->at = (x->at + PROM__INDEX_ALIGN - 1) / PROM__INDEX_ALIGN * PROM__INDEX_ALIGN;
		if (x->at >= x->series_end || x->file.ptr[x->at])
			return x->at < x->series_end;
		x->at++;
	}
}

int prom__index_next(struct prom__index *x, struct pm_error *err)
{
	struct prom__cursor c;
	const char *why;
	uint64_t len;

	if (!find_series(x))
		return 0;
	c = prom__cursor(x->file.ptr + x->at, x->series_end - x->at);
	len = prom__take_uvarint(&c);
	if (c.bad || len > prom__left(&c) || prom__left(&c) - len < PROM__CRC_SIZE)
		return damaged(x, x->at, "a series reaches past the end of its section", err);
	if (!checksum_is(c.at, len))
		return damaged(x, x->at, "the checksum of a series is wrong", err);
	c = prom__cursor(c.at, len);
	why = read_labels(x, &c);
	if (!why)
		why = read_chunks(x, &c);
	if (!why && (c.bad || prom__left(&c)))
		why = "a series does not fit its length";
	if (why)
		return damaged(x, x->at, why, err);
	x->number = x->at / PROM__INDEX_ALIGN;
	x->at = (uint64_t)(c.end - x->file.ptr) + PROM__CRC_SIZE;
	return 1;
}
