/* pack.c - one block: differences taken, a width fitted, numbers packed, the rest patched. The reverse of block.c.
 *
 * What a sum begins with is cut in two: the low `width` bits are packed in the place of the first difference, which is
 * free, and only the high bits stand in the head. */
#include "libtsdb/column/pack.h"

#include "libtsdb/column/fit.h"
#include "libtsdb/column/varint.h"

struct work {
	unsigned form;
	size_t n, lead; /* lead: numbers in front that are no differences */
	uint64_t d[TSDB_COLUMN_BLOCK];
	struct tsdb__fit fit;
	bool sparse;
};

static void take_differences(struct work *w, const uint64_t *x)
{
	memcpy(w->d, x, w->n * sizeof *x);
	for (w->lead = 0; w->form - TSDB_FORM_FRAME > w->lead; w->lead++)
		for (size_t i = w->n; i-- > w->lead + 1;)
			w->d[i] -= w->d[i - 1];
}

/* Merge the sorted halves of `in`, n numbers each, from both ends at once. No branch depends on the numbers, and no
 * index is checked: n steps from one end cannot take more than n from either half. */
static void merge(const int64_t *in, size_t n, int64_t *out)
{
	const int64_t *a = in, *b = in + n, *a_end = b - 1, *b_end = b + n - 1;
	int64_t *out_end = out + 2 * n - 1;
	for (size_t i = 0; i < n; i++) {
		bool take_b = *b < *a, take_a_end = *b_end < *a_end;
		*out++ = take_b ? *b : *a;
		b += take_b;
		a += !take_b;
		*out_end-- = take_a_end ? *a_end : *b_end;
		a_end -= take_a_end;
		b_end -= !take_a_end;
	}
}

/* Up to 128 numbers, filled up with the largest to a power of two. The array has room for 128. */
static void sort(int64_t *s, size_t n)
{
	int64_t other[TSDB_COLUMN_BLOCK], *from = s, *to = other;
	size_t full = 1;
	while (full < n)
		full *= 2;
	for (size_t i = n; i < full; i++)
		s[i] = INT64_MAX;
	for (size_t half = 1; half < full; half *= 2) {
		for (size_t i = 0; i < full; i += 2 * half)
			merge(from + i, half, to + i);
		int64_t *was = from;
		from = to;
		to = was;
	}
	if (from != s)
		memcpy(s, from, n * sizeof *s);
}

/* Zeros stand together in sorted numbers: out with them. Returns how many are left. */
static size_t drop_zeros(int64_t *s, size_t n)
{
	size_t lo = 0, hi;
	while (lo < n && s[lo] < 0)
		lo++;
	for (hi = lo; hi < n && s[hi] == 0;)
		hi++;
	memmove(s + lo, s + hi, (n - hi) * sizeof *s);
	return n - (hi - lo);
}

static void fit(struct work *w)
{
	int64_t s[TSDB_COLUMN_BLOCK];
	size_t n = w->n > w->lead ? w->n - w->lead : 0, lead = w->n - n;
	struct tsdb__fit sparse;
	memcpy(s, w->d + lead, n * sizeof *s);
	sort(s, n);
	tsdb__fit(&w->fit, s, n, lead);
	if (w->form != TSDB_FORM_DELTA)
		return;
	size_t kept = drop_zeros(s, n);
	if ((n - kept) * 8 < n)
		return;
	tsdb__fit(&sparse, s, kept, lead);
	sparse.bytes += (w->n + 7) / 8;
	w->sparse = sparse.bytes < w->fit.bytes;
	if (w->sparse)
		w->fit = sparse;
}

static uint64_t low_bits(uint64_t x, unsigned width)
{
	return width < 64 ? x & ((UINT64_C(1) << width) - 1) : x;
}

/* As a signed number. */
static uint64_t high_bits(uint64_t x, unsigned width)
{
	return width < 64 ? (uint64_t)((int64_t)x >> width) : 0;
}

static uint8_t *put_folded(uint8_t *p, uint64_t x)
{
	return tsdb__varint_put(p, tsdb__zigzag(x));
}

/* Base and start; the leading numbers become what is packed for them, plus the base. */
static uint8_t *put_start(uint8_t *p, struct work *w)
{
	unsigned width = w->fit.width;
	uint64_t base = w->fit.base, first = w->d[0];
	p = put_folded(p, high_bits(base, tsdb__base_shift(width)));
	if (w->form == TSDB_FORM_DELTA) {
		w->d[0] = low_bits(first, width) + base;
		return put_folded(p, high_bits(first, width));
	}
	if (w->form == TSDB_FORM_DELTA2) {
		/* The first difference is base + high part, then base + low part more; so the sum begins early by the
		 * former. */
		uint64_t slope = (w->n > 1 ? w->d[1] : 0) - 2 * base;
		uint64_t high = high_bits(slope, width);
		w->d[0] = base;
		w->d[1] = low_bits(slope, width) + base;
		p = put_folded(p, high);
		return put_folded(p, first - (width < 64 ? high << width : 0) - base);
	}
	return p;
}

/* The kept numbers to the front, less the base; the bitmap shows which they were. */
static uint8_t *put_bitmap(uint8_t *p, struct work *w, size_t *ret_n)
{
	size_t n = 0, bytes = (w->n + 7) / 8;
	if (w->sparse)
		memset(p, 0, bytes);
	for (size_t i = 0; i < w->n; i++) {
		if (w->sparse && i > 0 && w->d[i] == 0)
			continue;
		if (w->sparse)
			p[i / 8] |= (uint8_t)(1 << i % 8);
		w->d[n++] = w->d[i] - w->fit.base;
	}
	*ret_n = n;
	return w->sparse ? p + bytes : p;
}

static uint8_t *put_packed(uint8_t *p, const uint64_t *d, size_t n, unsigned width)
{
	uint64_t word = 0;
	unsigned fill = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t x = low_bits(d[i], width);
		word |= x << fill;
		fill += width;
		if (fill >= 64) {
			p = tsdb__store_u64(p, word);
			fill -= 64;
			word = fill ? x >> (width - fill) : 0;
		}
	}
	tsdb__store_u64(p, word);
	return p + (fill + 7) / 8;
}

static bool is_near(uint64_t high, unsigned count)
{
	return (high == 1 || high == ~UINT64_C(0)) && count < 127;
}

static uint8_t *put_patches(
	uint8_t *p, const uint64_t *d, size_t n, unsigned width, unsigned *ret_near, unsigned *ret_far)
{
	uint8_t near[TSDB_COLUMN_BLOCK], far[TSDB_COLUMN_BLOCK];
	unsigned near_count = 0, far_count = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t high = high_bits(d[i], width);
		if (high == 0)
			continue;
		if (is_near(high, near_count))
			near[near_count++] = (uint8_t)(i | (high == 1 ? 0 : 128));
		else
			far[far_count++] = (uint8_t)i;
	}
	memcpy(p, near, near_count);
	memcpy(p + near_count, far, far_count);
	p += near_count + far_count;
	for (unsigned i = 0; i < far_count; i++)
		p = put_folded(p, high_bits(d[far[i]], width));
	*ret_near = near_count;
	*ret_far = far_count;
	return p;
}

static uint8_t *put_raw_elements(uint8_t *p, const struct tsdb__raw *raw)
{
	memcpy(p, raw->at, raw->count);
	p += raw->count;
	for (unsigned i = 0; i < raw->count; i++)
		p = tsdb__store_u64(p, raw->bits[i]);
	return p;
}

/* Patches stand behind what is packed, and are counted in front. */
uint8_t *tsdb__block_put(uint8_t *p, unsigned form, const uint64_t *x, size_t n, const struct tsdb__raw *raw)
{
	struct work w = { .form = form, .n = n };
	uint8_t body[TSDB_BLOCK_BYTES_MAX], *end = body;
	unsigned near_count, far_count;
	size_t packed;
	take_differences(&w, x);
	fit(&w);
	end = put_start(end, &w);
	end = put_bitmap(end, &w, &packed);
	end = put_packed(end, w.d, packed, w.fit.width);
	end = put_patches(end, w.d, packed, w.fit.width, &near_count, &far_count);
	end = put_raw_elements(end, raw);
	*p = (uint8_t)(w.fit.width == 64 ? TSDB_WIDTH_CODE_64 : w.fit.width) | (w.sparse ? TSDB_BLOCK_SPARSE : 0);
	if (near_count + far_count + raw->count > 0) {
		bool more = far_count + raw->count > 0;
		*p++ |= TSDB_BLOCK_PATCHED;
		*p = (uint8_t)(near_count | (more ? 128 : 0));
		if (more) {
			*++p = (uint8_t)far_count;
			*++p = (uint8_t)raw->count;
		}
	}
	p++;
	memcpy(p, body, (size_t)(end - body));
	return p + (end - body);
}

static unsigned bit_length(uint64_t x)
{
	return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

/* A middle one of some numbers. */
static uint64_t centre_of(const uint64_t *d, size_t n)
{
	int64_t s[TSDB_COLUMN_BLOCK];
	size_t taken = 0;
	for (size_t i = 0; i < n; i += n / 16 + 1)
		s[taken++] = (int64_t)d[i];
	sort(s, taken);
	return (uint64_t)s[taken / 2];
}

size_t tsdb__block_guess(unsigned form, const uint64_t *x, size_t n)
{
	struct work w = { .form = form, .n = n };
	size_t bits = 0, sparse_bits = n;
	take_differences(&w, x);
	if (n <= w.lead)
		return 0;
	uint64_t centre = centre_of(w.d + w.lead, n - w.lead);
	for (size_t i = w.lead; i < n; i++) {
		uint64_t off = w.d[i] - centre;
		unsigned length = bit_length(off ^ (0 - (off >> 63)));
		bits += length;
		sparse_bits += w.d[i] ? length : 0;
	}
	return form == TSDB_FORM_DELTA && sparse_bits < bits ? sparse_bits : bits;
}
