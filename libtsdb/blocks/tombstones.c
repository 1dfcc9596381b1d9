/* tombstones.c - see tombstones.h.
 *
 *     magic u32 | version u8 | (series uvarint, min varint, max varint)... | CRC-32C of all between version and here
 */
#include "libtsdb/blocks/tombstones.h"

#include "libtsdb/base/crc32c.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/blocks/file.h"

#include <stdlib.h>

enum { HEADER_SIZE = 5, CRC_SIZE = 4, VERSION = 1 };
#define MAGIC 0x0130ba30u

int prom__tombstones_add(struct prom__tombstones *t, uint64_t series, int64_t min_ms, int64_t max_ms)
{
	if (pm_grow(&t->v, &t->cap, t->count + 1) < 0)
		return PM_ERR_NOMEM;
	t->v[t->count++] = (struct prom__tombstone){ series, min_ms, max_ms };
	return 0;
}

static int by_series(const void *a, const void *b)
{
	const struct prom__tombstone *x = a, *y = b;

	return (x->series > y->series) - (x->series < y->series);
}

void prom__tombstones_sort(struct prom__tombstones *t)
{
	if (t->count)
		qsort(t->v, t->count, sizeof *t->v, by_series);
}

void prom__tombstones_release(struct prom__tombstones *t)
{
	pm_free(t->v);
	*t = (struct prom__tombstones){ 0 };
}

static int read_stones(struct prom__tombstones *t, const struct prom__file *f, struct pm_error *err)
{
	struct prom__cursor c;

	if (f->len < HEADER_SIZE + CRC_SIZE)
		return prom__file_damaged(f, f->len, "the tombstones are cut short", err);
	c = prom__cursor(f->ptr + HEADER_SIZE, f->len - HEADER_SIZE - CRC_SIZE);
	if (prom__be32(f->ptr) != MAGIC)
		return prom__file_damaged(f, 0, "these are no tombstones of a Prometheus block", err);
	if (f->ptr[4] != VERSION)
		return pm_fail(err, PM_ERR_UNSUPPORTED, "%s: tombstones of version %d are not known", f->path,
			f->ptr[4]);
	if (pm_crc32c(0, c.at, prom__left(&c)) != prom__be32(c.end))
		return prom__file_damaged(f, f->len - CRC_SIZE, "the checksum of the tombstones is wrong", err);
	while (prom__left(&c)) {
		uint64_t series = prom__take_uvarint(&c);
		int64_t min_ms = prom__take_varint(&c), max_ms = prom__take_varint(&c);

		if (c.bad)
			return prom__file_damaged(f, f->len - CRC_SIZE, "the last tombstone is cut short", err);
		if (prom__tombstones_add(t, series, min_ms, max_ms) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	return 0;
}

int prom__tombstones_read(struct prom__tombstones *t, const char *dir, struct pm_error *err)
{
	struct prom__tombstones all = { 0 };
	struct prom__file f;
	int rc = prom__file_open(&f, dir, "tombstones", err);

	if (rc == PM_ERR_NOTFOUND) {
		*t = all;
		return 0;
	}
	if (rc < 0)
		return rc;
	rc = read_stones(&all, &f, err);
	prom__file_close(&f);
	if (rc < 0) {
		prom__tombstones_release(&all);
		return rc;
	}
	prom__tombstones_sort(&all);
	*t = all;
	return 0;
}

size_t prom__tombstones_of(
	const struct prom__tombstones *t, uint64_t series, const struct prom__tombstone **ret)
{
	size_t low = 0, high = t->count, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->v[middle].series < series)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < t->count && t->v[low + n].series == series)
		n++;
	*ret = t->v + low;
	return n;
}

void prom__tombstones_put_empty(struct pm_buf *out)
{
	/* the checksum of nothing is 0 */
	static const uint8_t none[HEADER_SIZE + CRC_SIZE] = {
		MAGIC >> 24, MAGIC >> 16 & 0xff, MAGIC >> 8 & 0xff, MAGIC & 0xff, VERSION,
	};

	pm_buf_add(out, none, sizeof none);
}
