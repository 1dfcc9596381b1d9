/* columns.c - columns to test with: see columns.h. */
#include "tests/support/columns.h"

#include <math.h>

/* About 1 around 0, as the sum of four. */
static double bell(struct test_rng *r)
{
	return (test_unit(r) + test_unit(r) + test_unit(r) + test_unit(r) - 2) * 1.7320508;
}

/* What breaks encodings. */
static double odd(struct test_rng *r)
{
	static const uint64_t bits[] = { PM_STALE_NAN_BITS, PM_NORMAL_NAN_BITS, UINT64_C(0x8000000000000000), 0,
		UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000), UINT64_C(0xfff8dead0000beef),
		UINT64_C(0x7fffffffffffffff), UINT64_C(0xffffffffffffffff), 1, UINT64_C(0x8000000000000001),
		UINT64_C(0x000fffffffffffff), UINT64_C(0x0010000000000000), UINT64_C(0x7fefffffffffffff),
		UINT64_C(0x43e0000000000000), UINT64_C(0xc3e0000000000000), UINT64_C(0x4340000000000000),
		UINT64_C(0x4340000000000001), UINT64_C(0x3ff0000000000000), UINT64_C(0xc340000000000000) };
	return pm_bits_double(bits[test_below(r, sizeof bits / sizeof *bits)]);
}

/* Kinds 0 to 9: what exporters show. */
static void fill_usual(struct test_rng *r, unsigned kind, double *v, size_t n)
{
	double scale = pow(10, test_unit(r) * 9), x = floor(test_unit(r) * scale * 1e5);
	unsigned digits = 1 + (unsigned)test_below(r, 5);
	for (size_t i = 0; i < n; i++) {
		switch (kind) {
		case 0: /* a counter */
			x += floor(scale * (1 + 0.25 * bell(r)));
			v[i] = x;
			break;
		case 1: /* one that is reset, and seldom grows */
			x = test_below(r, 200) == 0 ? 0 : x + (double)(test_below(r, 8) == 0);
			v[i] = x;
			break;
		case 2: /* a gauge with a few digits, as text is read */
			x += floor(bell(r) * 300);
			v[i] = x / pow(10, digits);
			break;
		case 3: /* one that changes seldom */
			x += test_below(r, 4) ? 0 : floor(bell(r) * 30);
			v[i] = x / 100;
			break;
		case 4: /* noise */
			v[i] = scale * (1 + 0.3 * bell(r)) * (0.5 + test_unit(r));
			break;
		case 5: /* noise around zero */
			v[i] = scale * bell(r);
			break;
		case 6: /* a constant */
			v[i] = scale > 1e4 ? x : scale;
			break;
		case 7: /* memory: multiples of a page */
			x += floor(bell(r) * 50);
			v[i] = x * 4096;
			break;
		case 8: /* something smooth */
			v[i] = sin((double)i / 50) * scale;
			break;
		default: /* a line */
			v[i] = floor(scale) + (double)i * 15;
			break;
		}
	}
}

static void fill_hostile(struct test_rng *r, unsigned kind, double *v, size_t n)
{
	double last = odd(r);
	for (size_t i = 0; i < n; i++) {
		switch (kind) {
		case 10:
			v[i] = pm_bits_double(test_u64(r));
			break;
		case 11:
			v[i] = odd(r);
			break;
		case 12: /* integers of every size */
			v[i] = (double)(int64_t)(test_u64(r) >> test_below(r, 64)) * (test_below(r, 2) ? 1 : -1);
			break;
		case 13: /* decimals that are none: sums of 0.1 */
			v[i] = i ? v[i - 1] + 0.1 : 0.1;
			break;
		case 14: /* runs of anything */
			last = test_below(r, 10) ? last : odd(r);
			v[i] = last;
			break;
		default: /* decimals with every number of digits */
			v[i] = (double)(int64_t)(test_u64(r) >> (11 + test_below(r, 50))) /
			       pow(10, (double)test_below(r, 20));
			break;
		}
	}
}

void column_fill_values(struct test_rng *r, unsigned kind, double *v, size_t n)
{
	if (kind < 10)
		fill_usual(r, kind, v, n);
	else if (kind < 16)
		fill_hostile(r, kind, v, n);
	else { /* a usual column with something odd here and there, and at the end */
		fill_usual(r, (unsigned)test_below(r, 10), v, n);
		for (size_t odds = 1 + test_below(r, 1 + n / (kind == 16 ? 4 : 60)); odds > 0; odds--)
			v[test_below(r, n)] = kind == 17 ? pm_stale_nan() : odd(r);
		if (kind == 18)
			v[n - 1] = pm_stale_nan();
	}
}

void column_fill_times(struct test_rng *r, unsigned kind, int64_t *t, size_t n)
{
	uint64_t x = UINT64_C(1700000000000) + test_below(r, 1000000);
	for (size_t i = 0; i < n; i++) {
		switch (kind) {
		case 0:
			x += 15000;
			break;
		case 1: /* a grid, and scrapes a little off */
			x = UINT64_C(1700000000000) + i * 15000 + test_below(r, 11) - 5;
			break;
		case 2: /* each after the one before */
			x += 15000 + test_below(r, 30);
			break;
		case 3: /* the clock is set, both ways */
			x += test_below(r, 100) ? 1000 : test_u64(r) % 7200000 - 3600000;
			break;
		case 4: /* scrapes fail */
			x += 60000 * (1 + (test_below(r, 10) == 0) * test_below(r, 5));
			break;
		case 5:
			x = test_u64(r);
			break;
		case 6:
			x = test_below(r, 2) ? (uint64_t)INT64_MIN : (uint64_t)INT64_MAX;
			break;
		default: /* faster and faster */
			x += i * i;
			break;
		}
		t[i] = (int64_t)x;
	}
}
