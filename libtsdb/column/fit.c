/* fit.c - tries the widths that may pay and counts bytes. A narrow width saves a bit for each number and costs a byte
 * for each near patch, two or more for each far one. Among the windows of one width the one with most numbers is taken.
 */
#include "libtsdb/column/fit.h"

#include "libtsdb/column/form.h"
#include "libtsdb/column/kernels.h"
#include "libtsdb/column/varint.h"

enum { NEAR_MAX = 127 };

static unsigned bits(uint64_t x)
{
	return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

/* The window of 2^width, at a base of the coarseness that is written, that holds most of s: [*lo, *hi). */
static uint64_t best_window(const int64_t *s, size_t n, unsigned width, size_t *ret_lo, size_t *ret_hi)
{
	uint64_t coarse = ~UINT64_C(0) << tsdb__base_shift(width), best = 0, span = UINT64_C(1) << width;
	size_t lo = 0, hi = 0;
	*ret_lo = *ret_hi = 0;
	for (size_t i = 0; i < n && hi < n; i++) {
		uint64_t base = (uint64_t)s[i] & coarse;
		while (s[lo] < (int64_t)base)
			lo++;
		while (hi < n && (uint64_t)s[hi] - base < span)
			hi++;
		if (hi - lo > *ret_hi - *ret_lo) {
			*ret_lo = lo;
			*ret_hi = hi;
			best = base;
		}
	}
	return best;
}

static void count_patch(struct tsdb__fit *f, uint64_t number)
{
	int64_t high = (int64_t)(number - f->base) >> f->width;
	if ((high == 1 || high == -1) && f->near_count < NEAR_MAX) {
		f->near_count++;
		f->bytes++;
	} else {
		f->far_count++;
		f->bytes += 1 + tsdb__varint_size(tsdb__zigzag((uint64_t)high));
	}
}

/* The cost of `width`, 0..57. */
static void measure(struct tsdb__fit *f, const int64_t *s, size_t n, size_t extra, unsigned width)
{
	size_t lo, hi;
	*f = (struct tsdb__fit){ .width = width, .base = best_window(s, n, width, &lo, &hi) };
	f->bytes = tsdb__varint_size(tsdb__zigzag((uint64_t)((int64_t)f->base >> tsdb__base_shift(width))));
	f->bytes += ((n + extra) * width + 7) / 8;
	for (size_t i = 0; i < lo; i++)
		count_patch(f, (uint64_t)s[i]);
	for (size_t i = hi; i < n; i++)
		count_patch(f, (uint64_t)s[i]);
	f->bytes += (f->near_count + f->far_count > 0) + 2 * (f->far_count > 0);
}

static unsigned width_between(const int64_t *s, size_t from, size_t to)
{
	return bits((uint64_t)s[to] - (uint64_t)s[from]);
}

/* From the width of nearly all numbers down as long as it pays, and up as long as the packed numbers alone would not
 * take more than the best. */
static void search(struct tsdb__fit *best, const int64_t *s, size_t n, size_t extra, unsigned top)
{
	struct tsdb__fit one;
	unsigned start = width_between(s, n / 16, n - 1 - n / 16), worse = 0;
	for (unsigned w = start + 1 < top ? start + 1 : top; w-- > 0 && worse < 2;) {
		measure(&one, s, n, extra, w);
		worse = one.bytes < best->bytes ? 0 : worse + 1;
		if (one.bytes < best->bytes)
			*best = one;
	}
	for (unsigned w = start + 1; w < top && (n + extra) * w / 8 < best->bytes; w++) {
		measure(&one, s, n, extra, w);
		if (one.bytes < best->bytes)
			*best = one;
	}
}

void tsdb__fit(struct tsdb__fit *f, const int64_t *s, size_t n, size_t extra)
{
	struct tsdb__fit all;
	*f = (struct tsdb__fit){ .bytes = 1 };
	if (n == 0)
		return;
	*f = (struct tsdb__fit){ .width = 64, .bytes = 1 + (n + extra) * 8 };
	unsigned top = width_between(s, 0, n - 1);
	if (top > TSDB_WIDTH_MAX)
		top = TSDB_WIDTH_MAX;
	measure(&all, s, n, extra, top);
	if (all.bytes < f->bytes)
		*f = all;
	search(f, s, n, extra, top);
}
