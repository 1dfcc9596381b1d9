/* hist_quantile.c - quantiles and fractions of native histograms.
 *
 * Within a bucket observations are taken to be spread evenly on a logarithmic scale; in the zero bucket and with custom
 * bounds evenly on a linear one. Observations of NaN are counted in no bucket but in the count: they are at the top. */
#include "libpromql/eval/hist.h"

#include "libtsdb/base/hist.h"

#include <math.h>

/* The zero bucket ends at zero on the side where the histogram has nothing. */
static void clip_zero(const struct pm_histogram *h, struct pm_bucket *b)
{
	if (h->neg_count == 0 && h->pos_count > 0)
		b->lower = 0;
	else if (h->pos_count == 0 && h->neg_count > 0)
		b->upper = 0;
}

static int all_buckets(struct promql__query *q, const struct pm_histogram *h, struct pm_bucket **ret, size_t *ret_count)
{
	struct pm_bucket *v = promql__array(q, (size_t)h->pos_count + h->neg_count + 1, sizeof *v);
	struct pm_bucket_iter it;
	size_t n = 0;

	if (!v)
		return PM_ERR_NOMEM;
	pm_bucket_begin(&it, h);
	while (pm_bucket_next(&it, &v[n]))
		n++;
	*ret = v;
	*ret_count = n;
	return 0;
}

static double interpolate(const struct pm_histogram *h, const struct pm_bucket *b, double part)
{
	double lower, upper;

	if (promql__is_custom(h) || (b->lower <= 0 && b->upper >= 0))
		return b->lower + (b->upper - b->lower) * part;
	lower = log2(fabs(b->lower));
	upper = log2(fabs(b->upper));
	if (b->lower > 0)
		return exp2(lower + (upper - lower) * part);
	return -exp2(upper + (lower - upper) * (1 - part));
}

/* What the first or last bucket says where its bounds are infinite or beyond zero. True: `*ret` is the answer. */
static bool at_the_edge(const struct pm_histogram *h, struct pm_bucket *b, double *ret)
{
	if (!promql__is_custom(h)) {
		if (b->lower < 0 && b->upper > 0)
			clip_zero(h, b);
		return false;
	}
	if (b->lower == -INFINITY) {
		*ret = b->upper;
		if (b->upper <= 0)
			return true;
		b->lower = 0;
	} else if (b->upper == INFINITY) {
		*ret = b->lower;
		return true;
	}
	return false;
}

/* From the end that is nearer, unless there are observations of NaN, which only the way up accounts for. */
int promql__hist_quantile(
	struct promql__query *q, double phi, const struct pm_histogram *h, struct pm_str name, size_t pos, double *ret)
{
	bool up = isnan(h->sum) || phi < 0.5;
	double rank = up ? phi * h->count : (1 - phi) * h->count, count = 0;
	struct pm_bucket b = { 0 }, *v;
	size_t n, i = 0;

	*ret = phi < 0 ? -INFINITY : phi > 1 ? INFINITY : promql__nan();
	if (phi < 0 || phi > 1 || h->count == 0 || isnan(phi))
		return 0;
	if (all_buckets(q, h, &v, &n) < 0)
		return PM_ERR_NOMEM;
	while (i < n) {
		b = up ? v[i] : v[n - 1 - i];
		i++;
		if (b.count == 0)
			continue;
		count += b.count;
		if (count >= rank)
			break;
	}
	if (at_the_edge(h, &b, ret))
		return 0;
	if (count > h->count)
		count = h->count;
	if (count < rank) {
		*ret = b.upper;
		if (isnan(h->sum)) {
			promql__info(q, pos, "input to histogram_quantile has NaN observations, result is NaN%s",
				promql__for_name(q, name));
			*ret = promql__nan();
		}
		return 0;
	}
	rank = up ? rank - (count - b.count) : count - rank;
	if (isnan(h->sum)) {
		double all = count;

		while (i < n)
			all += v[i++].count;
		if (all < h->count)
			promql__info(q, pos,
				"input to histogram_quantile has NaN observations, result is skewed higher%s",
				promql__for_name(q, name));
	}
	*ret = interpolate(h, &b, rank / b.count);
	return 0;
}

/* ---- fractions ---------------------------------------------------------------------------------- */

/* How many observations lie below `v`, which is inside the bucket; `rank` lie below the bucket. */
static double rank_inside(const struct pm_histogram *h, const struct pm_bucket *b, double rank, double v)
{
	double lower, upper, at, part;

	if (promql__is_custom(h) || (b->lower <= 0 && b->upper >= 0))
		return b->lower == -INFINITY ? b->count : rank + b->count * (v - b->lower) / (b->upper - b->lower);
	lower = log2(fabs(b->lower));
	upper = log2(fabs(b->upper));
	at = log2(fabs(v));
	part = v > 0 ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
	return rank + b->count * part;
}

struct bound {
	double v, rank;
	bool set;
};

static void at_lower_end(struct bound *x, const struct pm_bucket *b, double rank)
{
	if (!x->set && b->lower >= x->v) {
		x->rank = rank;
		x->set = true;
	}
}

static void inside(struct bound *x, const struct pm_histogram *h, const struct pm_bucket *b, double rank)
{
	if (!x->set && b->lower < x->v && b->upper > x->v) {
		x->rank = rank_inside(h, b, rank, x->v);
		x->set = true;
	}
}

int promql__hist_fraction(struct promql__query *q, double lower, double upper, const struct pm_histogram *h,
	struct pm_str name, size_t pos, double *ret)
{
	struct bound lo = { .v = lower }, hi = { .v = upper };
	double rank = 0, count = 0;
	struct pm_bucket_iter it;
	struct pm_bucket b;

	*ret = lower >= upper ? 0 : promql__nan();
	if (h->count == 0 || isnan(lower) || isnan(upper))
		*ret = promql__nan();
	if (h->count == 0 || isnan(lower) || isnan(upper) || lower >= upper)
		return 0;
	pm_bucket_begin(&it, h);
	while (pm_bucket_next(&it, &b)) {
		count += b.count;
		if (lo.set && hi.set)
			continue;
		if (b.lower <= 0 && b.upper >= 0)
			clip_zero(h, &b);
		at_lower_end(&lo, &b, rank);
		at_lower_end(&hi, &b, rank);
		inside(&lo, h, &b, rank);
		inside(&hi, h, &b, rank);
		rank += b.count;
	}
	if (!isnan(h->sum))
		count = h->count;
	else if (count < h->count)
		promql__info(q, pos,
			"input to histogram_fraction has NaN observations, which are excluded from all "
			"fractions%s",
			promql__for_name(q, name));
	if (!lo.set || lo.rank > count)
		lo.rank = count;
	if (!hi.set || hi.rank > count)
		hi.rank = count;
	*ret = (hi.rank - lo.rank) / h->count;
	return 0;
}
