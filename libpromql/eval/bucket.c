/* bucket.c - quantiles and fractions of classic histograms, whose buckets count all that is at or below their bound. */
#include "libpromql/eval/bucket.h"

#include <math.h>
#include <stdlib.h>

#define SMALL_DELTA 1e-12 /* relative differences below this are rounding, not counting */

static int by_upper(const void *a, const void *b)
{
	const struct promql__le *x = a, *y = b;

	return (x->upper > y->upper) - (x->upper < y->upper);
}

/* Buckets of one bound are added up. Sorted; returns the new count. */
static size_t coalesce(struct promql__le *v, size_t count)
{
	size_t n = 0;

	for (size_t i = 1; i < count; i++) {
		if (v[i].upper == v[n].upper)
			v[n].count += v[i].count;
		else
			v[++n] = v[i];
	}
	return n + 1;
}

/* Counts must not fall from bucket to bucket. Where they do, by more than rounding, the count before goes on. */
static bool make_monotonic(struct promql__le *v, size_t count, struct promql__forced *fix)
{
	double prev = v[0].count;
	bool forced = false;

	*fix = (struct promql__forced){ .min_bucket = INFINITY, .max_bucket = -INFINITY };
	for (size_t i = 1; i < count; i++) {
		double cur = v[i].count;

		if (cur == prev)
			continue;
		if (promql__almost_equal(prev, cur, SMALL_DELTA)) {
			v[i].count = prev;
		} else if (cur < prev) {
			v[i].count = prev;
			forced = true;
			fix->min_bucket = fmin(fix->min_bucket, v[i].upper);
			fix->max_bucket = fmax(fix->max_bucket, v[i].upper);
			fix->max_diff = fmax(fix->max_diff, prev - cur);
		} else {
			prev = cur;
		}
	}
	return forced;
}

double promql__bucket_quantile(
	double phi, struct promql__le *v, size_t count, bool *ret_forced, struct promql__forced *fix)
{
	double rank, start = 0, in_bucket;
	size_t b = 0;

	*ret_forced = false;
	if (isnan(phi))
		return promql__nan();
	if (phi < 0 || phi > 1)
		return phi < 0 ? -INFINITY : INFINITY;
	qsort(v, count, sizeof *v, by_upper);
	if (v[count - 1].upper != INFINITY)
		return promql__nan();
	count = coalesce(v, count);
	*ret_forced = make_monotonic(v, count, fix);
	if (count < 2 || v[count - 1].count == 0)
		return promql__nan();
	rank = phi * v[count - 1].count;
	while (b < count - 1 && !(v[b].count >= rank))
		b++;
	if (b == count - 1)
		return v[count - 2].upper;
	if (b == 0 && v[0].upper <= 0)
		return v[0].upper;
	in_bucket = v[b].count;
	if (b > 0) {
		start = v[b - 1].upper;
		in_bucket -= v[b - 1].count;
		rank -= v[b - 1].count;
	}
	return start + (v[b].upper - start) * (rank / in_bucket);
}

/* How many observations are below `x`, on the way up the buckets. */
struct below {
	double x, rank;
	bool set;
};

static void at_start(struct below *p, double start, double rank)
{
	if (!p->set && start >= p->x) {
		p->rank = rank;
		p->set = true;
	}
}

static void inside(struct below *p, double start, const struct promql__le *b, double rank)
{
	if (p->set || !(start < p->x && b->upper > p->x))
		return;
	p->rank = start == -INFINITY ? b->count : rank + (b->count - rank) * (p->x - start) / (b->upper - start);
	p->set = true;
}

double promql__bucket_fraction(double lower, double upper, struct promql__le *v, size_t count)
{
	struct below lo = { .x = lower }, hi = { .x = upper };
	double all, rank = 0, start;

	qsort(v, count, sizeof *v, by_upper);
	if (v[count - 1].upper != INFINITY)
		return promql__nan();
	count = coalesce(v, count);
	all = v[count - 1].count;
	if (all == 0 || isnan(lower) || isnan(upper))
		return promql__nan();
	if (lower >= upper)
		return 0;
	start = v[0].upper <= 0 ? -INFINITY : 0;
	for (size_t i = 0; i < count && !(lo.set && hi.set); i++) {
		at_start(&lo, start, rank);
		at_start(&hi, start, rank);
		inside(&lo, start, &v[i], rank);
		inside(&hi, start, &v[i], rank);
		rank = v[i].count;
		start = v[i].upper;
	}
	if (!lo.set || lo.rank > all)
		lo.rank = all;
	if (!hi.set || hi.rank > all)
		hi.rank = all;
	return (hi.rank - lo.rank) / all;
}
