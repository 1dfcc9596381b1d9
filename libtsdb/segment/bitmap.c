/* bitmap.c - see bitmap.h. The portable format: github.com/RoaringBitmap/RoaringFormatSpec. */
#include "libtsdb/segment/bitmap.h"

#include <roaring/roaring.h>

enum {
	COOKIE_NO_RUN = 12346,
	COOKIE_RUN = 12347,
	OFFSETS_MIN = 4, /* with runs, fewer containers have no offsets */
	ARRAY_MAX = 4096,
	BITSET_BYTES = 8192,
};

static roaring_bitmap_t *of(const struct tsdb__bitmap *b)
{
	return (roaring_bitmap_t *)(uintptr_t)b;
}

static struct tsdb__bitmap *to(roaring_bitmap_t *b)
{
	return (struct tsdb__bitmap *)b;
}

int tsdb__bitmap_put(struct pm_buf *out, const uint32_t *v, size_t n)
{
	roaring_bitmap_t *b = roaring_bitmap_of_ptr(n, v);
	int rc = PM_ERR_NOMEM;
	if (!b)
		return rc;
	roaring_bitmap_run_optimize(b);
	size_t size = roaring_bitmap_portable_size_in_bytes(b);
	if (pm_buf_reserve(out, size) == 0) {
		out->len += roaring_bitmap_portable_serialize(b, out->ptr + out->len);
		rc = 0;
	}
	roaring_bitmap_free(b);
	return rc;
}

/* ---- checking ---- */

struct bytes {
	const uint8_t *ptr;
	size_t len;
};

static bool take(struct bytes *b, void *v, size_t size)
{
	if (b->len < size)
		return false;
	memcpy(v, b->ptr, size);
	b->ptr += size;
	b->len -= size;
	return true;
}

/* A container's last number, or -1 when its bytes do not hold `cardinality` ascending numbers. */
static int64_t check_array(struct bytes *b, uint32_t cardinality)
{
	int64_t last = -1;
	uint16_t v;
	for (uint32_t i = 0; i < cardinality; i++) {
		if (!take(b, &v, sizeof v) || v <= last)
			return -1;
		last = v;
	}
	return last;
}

static int64_t check_bitset(struct bytes *b, uint32_t cardinality)
{
	int64_t last = -1;
	uint32_t count = 0;
	uint64_t word;
	for (uint32_t i = 0; i < BITSET_BYTES / 8; i++) {
		if (!take(b, &word, sizeof word))
			return -1;
		count += (uint32_t)__builtin_popcountll(word);
		if (word)
			last = (int64_t)i * 64 + 63 - __builtin_clzll(word);
	}
	return count == cardinality ? last : -1;
}

static int64_t check_runs(struct bytes *b, uint32_t cardinality)
{
	uint16_t runs, run[2];
	uint32_t count = 0;
	int64_t last = -2;
	if (!take(b, &runs, sizeof runs) || runs == 0)
		return -1;
	for (uint32_t i = 0; i < runs; i++) {
		if (!take(b, run, sizeof run) || run[0] <= last + 1 || run[0] + (uint32_t)run[1] > UINT16_MAX)
			return -1;
		last = run[0] + (int64_t)run[1];
		count += run[1] + 1u;
	}
	return count == cardinality ? last : -1;
}

static bool check(struct bytes b, uint32_t end)
{
	const uint8_t *runs = NULL, *keys;
	uint32_t cookie, n;
	int64_t last_key = -1;
	if (!take(&b, &cookie, sizeof cookie))
		return false;
	if ((cookie & 0xffff) == COOKIE_RUN) {
		n = (cookie >> 16) + 1;
		runs = b.ptr;
		if (b.len < (n + 7) / 8)
			return false;
		b.ptr += (n + 7) / 8;
		b.len -= (n + 7) / 8;
	} else if (cookie != COOKIE_NO_RUN || !take(&b, &n, sizeof n) || n > 1 << 16) {
		return false;
	}
	size_t head = n * (size_t)4 + (runs && n < OFFSETS_MIN ? 0 : n * (size_t)4);
	if (b.len < head)
		return false;
	keys = b.ptr;
	b.ptr += head;
	b.len -= head;
	for (uint32_t i = 0; i < n; i++) {
		uint16_t pair[2];
		memcpy(pair, keys + i * (size_t)4, sizeof pair);
		uint32_t cardinality = pair[1] + 1u;
		bool is_run = runs && (runs[i / 8] >> i % 8 & 1);
		int64_t last = is_run                      ? check_runs(&b, cardinality)
			       : cardinality <= ARRAY_MAX ? check_array(&b, cardinality)
							  : check_bitset(&b, cardinality);
		if (last < 0 || pair[0] <= last_key || ((uint64_t)pair[0] << 16 | (uint64_t)last) >= end)
			return false;
		last_key = pair[0];
	}
	return b.len == 0;
}

int tsdb__bitmap_get(const uint8_t *ptr, size_t len, uint32_t end, struct tsdb__bitmap **ret)
{
	if (!check((struct bytes){ ptr, len }, end))
		return PM_ERR_CORRUPT;
	*ret = to(roaring_bitmap_portable_deserialize_safe((const char *)ptr, len));
	return *ret ? 0 : PM_ERR_NOMEM;
}

/* ---- sets ---- */

struct tsdb__bitmap *tsdb__bitmap_new(void)
{
	return to(roaring_bitmap_create());
}

struct tsdb__bitmap *tsdb__bitmap_range(uint32_t from, uint32_t end)
{
	return from < end ? to(roaring_bitmap_from_range(from, end, 1)) : tsdb__bitmap_new();
}

void tsdb__bitmap_free(struct tsdb__bitmap *b)
{
	if (b)
		roaring_bitmap_free(of(b));
}

void tsdb__bitmap_add(struct tsdb__bitmap *b, uint32_t v)
{
	roaring_bitmap_add(of(b), v);
}

void tsdb__bitmap_or(struct tsdb__bitmap *b, const struct tsdb__bitmap *from)
{
	roaring_bitmap_or_inplace(of(b), of(from));
}

void tsdb__bitmap_and(struct tsdb__bitmap *b, const struct tsdb__bitmap *from)
{
	roaring_bitmap_and_inplace(of(b), of(from));
}

void tsdb__bitmap_andnot(struct tsdb__bitmap *b, const struct tsdb__bitmap *from)
{
	roaring_bitmap_andnot_inplace(of(b), of(from));
}

bool tsdb__bitmap_intersects(const struct tsdb__bitmap *a, const struct tsdb__bitmap *b)
{
	return roaring_bitmap_intersect(of(a), of(b));
}

bool tsdb__bitmap_contains(const struct tsdb__bitmap *a, uint32_t v)
{
	return roaring_bitmap_contains(of(a), v);
}

size_t tsdb__bitmap_count(const struct tsdb__bitmap *b)
{
	return roaring_bitmap_get_cardinality(of(b));
}

void tsdb__bitmap_numbers(const struct tsdb__bitmap *b, uint32_t *out)
{
	roaring_bitmap_to_uint32_array(of(b), out);
}
