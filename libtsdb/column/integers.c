/* integers.c - doubles seen as integers: as they are, as multiples of one number, as decimals with few digits, as bits.
 *
 * A decimal i / 10^e is one correctly rounded division of two exact doubles, just as reading its text is: so every
 * decimal of up to 15 digits comes back. (ALP multiplies by 10^-e, which is faster and gives more exceptions; see
 * docs/design/column.md.) */
#include "libtsdb/column/integers.h"

#include "libtsdb/column/varint.h"

#include <math.h>

enum {
	NONE = TSDB_EXPONENT_MAX + 1, /* no integer for it */
	PROBES = 64,
	RAW_BITS = 72, /* what an element costs that is kept as it is */
};

/* In place of an integer where there is none. */
#define HOLE ((uint64_t)INT64_MIN)

/* The integer of v with `exponent`, or HOLE. Where there is one, v * 10^exponent is off by less than a half. */
static inline uint64_t integer_of(double v, unsigned exponent)
{
	double scale = tsdb__power_of_ten[exponent], x = v * scale;
	if (!(fabs(x) < (exponent ? 0x1p53 : 0x1p63)))
		return HOLE;
	int64_t i = (int64_t)(exponent ? x + copysign(0.5, x) : x);
	return pm_double_bits((double)i / scale) == pm_double_bits(v) ? (uint64_t)i : HOLE;
}

/* The least exponent that gives v back, or NONE. `guess` is where to look first: what one exponent gives back, a
 * greater one does, too. */
static unsigned exponent_of(double v, unsigned guess)
{
	unsigned e = guess;
	if (integer_of(v, e) != HOLE) {
		while (e > 0 && integer_of(v, e - 1) != HOLE)
			e--;
		return e;
	}
	for (e++; e <= TSDB_EXPONENT_MAX && fabs(v) * tsdb__power_of_ten[e] < 0x1p53; e++)
		if (integer_of(v, e) != HOLE)
			return e;
	return NONE;
}

/* A digit more makes every integer log2(10) bits wider, a digit less makes elements raw. */
static unsigned best_exponent(const size_t count[NONE + 1], size_t n)
{
	unsigned best = 0;
	double best_bits = INFINITY;
	size_t raw = n;
	for (unsigned e = 0; e < NONE; e++) {
		raw -= count[e];
		double bits = (double)raw * RAW_BITS + (double)n * e * 3.33;
		if (bits < best_bits) {
			best_bits = bits;
			best = e;
		}
	}
	return best;
}

/* The best exponent for every `stride`th element. False when most of these have none. */
static bool choose_exponent(const double *v, size_t n, size_t stride, unsigned *ret)
{
	size_t count[NONE + 1] = { 0 }, seen = 0;
	unsigned e = 0;
	for (size_t i = 0; i < n; i += stride, seen++) {
		unsigned of_v = exponent_of(v[i], e);
		count[of_v]++;
		e = of_v < NONE ? of_v : e;
	}
	*ret = best_exponent(count, seen);
	return count[NONE] <= seen / 2;
}

/* Returns how many have none. */
static size_t take_integers(const double *v, size_t n, unsigned exponent, uint64_t *x)
{
	size_t holes = 0;
	for (size_t i = 0; i < n; i++) {
		x[i] = integer_of(v[i], exponent);
		holes += x[i] == HOLE;
	}
	return holes;
}

static uint64_t magnitude(uint64_t x)
{
	return (int64_t)x < 0 ? 0 - x : x;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* Integers that are all multiples of one number (bytes in pages, say) are divided by it, when there are enough of them
 * to make up for naming it. */
static void take_factor(struct tsdb__plan *plan, uint64_t *x, size_t n)
{
	uint64_t d = 0;
	for (size_t i = 0; i < n && d != 1; i++)
		if (x[i] != HOLE && x[i] != d)
			d = common_divisor(magnitude(x[i]), d);
	size_t bits_saved = n * (63 - (size_t)__builtin_clzll(d | 1));
	if (d > (uint64_t)TSDB_MULTIPLE_MAX || bits_saved <= 8 * tsdb__varint_size(d))
		return;
	plan->map = TSDB_MAP_MULTIPLE;
	plan->factor = d;
	plan->scale = (double)d;
	for (size_t i = 0; i < n; i++)
		if (x[i] != HOLE)
			x[i] = (uint64_t)((int64_t)x[i] / (int64_t)d);
}

/* The holes [from, to), between neighbours where there are two, else going on as the one side does. */
static void fill_hole(uint64_t *x, size_t from, size_t to, size_t n)
{
	uint64_t first = from > 0 ? x[from - 1] : to < n ? x[to] : 0, step = 0;
	if (from > 0 && to < n)
		step = (uint64_t)((int64_t)(x[to] - first) / (int64_t)(to - from + 1));
	else if (from > 1)
		step = first - x[from - 2];
	for (size_t i = from; i < to; i++)
		x[i] = first += step;
}

static size_t fill_holes(uint64_t *x, size_t n)
{
	size_t holes = 0;
	for (size_t i = 0; i < n; i++) {
		size_t to = i;
		while (to < n && x[to] == HOLE)
			to++;
		if (to == i)
			continue;
		fill_hole(x, i, to, n);
		holes += to - i;
		i = to;
	}
	return holes;
}

/* Some elements tell the exponent; when it does not do for all of them, all are asked. */
bool tsdb__integers(struct tsdb__plan *plan, const double *v, size_t n, uint64_t *x)
{
	unsigned exponent, better;
	if (!choose_exponent(v, n, n / PROBES + 1, &exponent))
		return false;
	if (take_integers(v, n, exponent, x) > n / 64) {
		if (!choose_exponent(v, n, 1, &better))
			return false;
		if (better != exponent)
			take_integers(v, n, exponent = better, x);
	}
	*plan = (struct tsdb__plan){ .map = exponent ? TSDB_MAP_DECIMAL : TSDB_MAP_INTEGER, .factor = exponent };
	plan->scale = tsdb__power_of_ten[exponent];
	if (!exponent)
		take_factor(plan, x, n);
	plan->raw_count = fill_holes(x, n);
	return plan->raw_count <= n / 2;
}

void tsdb__integers_bits(struct tsdb__plan *plan, const double *v, size_t n, uint64_t *x)
{
	size_t negative = 0;
	for (size_t i = 0; i < n; i++) {
		x[i] = pm_double_bits(v[i]);
		negative += x[i] >> 63;
	}
	*plan = (struct tsdb__plan){ .map = TSDB_MAP_BITS, .scale = 1 };
	if (negative == 0 || negative == n)
		return;
	plan->map = TSDB_MAP_ROTATED;
	for (size_t i = 0; i < n; i++)
		x[i] = x[i] << 1 | x[i] >> 63;
}
