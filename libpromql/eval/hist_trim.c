/* hist_trim.c - the operators </ and >/: a histogram without what lies above or below a value.
 *
 * The bucket that the value falls into is divided: linearly with custom bounds and in the zero bucket, on a logarithmic
 * scale otherwise. As soon as anything goes, count and sum are those of the buckets that stay, each bucket at its
 * middle. A bucket that reaches to infinity can't be divided: see part_infinite(). */
#include "libpromql/eval/hist.h"

#include "libtsdb/base/hist.h"

#include <math.h>

struct trim {
	double v;
	bool upper;  /* keep what is below v */
	bool custom; /* bounds, and linear */
	bool changed;
	double count, sum;
};

/* What stays of a bucket, and where it is taken to be. */
struct kept {
	double n, middle;
};

static double finite_or_zero(double x)
{
	return isinf(x) ? 0 : x;
}

static double middle(double lower, double upper, bool positive, bool linear)
{
	double m;

	if (isinf(lower) && isinf(upper))
		return 0;
	if (isinf(lower))
		return upper > 0 ? upper / 2 : upper;
	if (isinf(upper))
		return lower;
	if (linear)
		return (lower + upper) / 2;
	m = sqrt(fabs(lower * upper));
	return positive ? m : -m;
}

/* How much of the bucket is at or below v, which lies inside. */
static double below(const struct trim *t, const struct pm_bucket *b, bool positive)
{
	double lower, upper, at;

	if (t->custom)
		return b->count * ((t->v - b->lower) / (b->upper - b->lower));
	lower = log2(fabs(b->lower));
	upper = log2(fabs(b->upper));
	at = log2(fabs(t->v));
	return b->count * (positive ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper));
}

/* v lies inside a bucket without a lower bound. One that ends above zero is taken to begin at zero when that helps; of
 * another, all is taken to be below v when the bucket is negative, and none otherwise. */
static struct kept part_from_infinity(const struct trim *t, const struct pm_bucket *b)
{
	bool bounded = b->upper > 0 && !isinf(b->upper);

	if (t->upper && t->v > 0 && bounded)
		return (struct kept){ b->count * t->v / b->upper, t->v / 2 };
	if (t->upper && b->upper <= 0)
		return (struct kept){ b->count, t->v };
	if (!t->upper && t->v >= 0 && bounded)
		return (struct kept){ b->count * (1 - t->v / b->upper), (t->v + b->upper) / 2 };
	return (struct kept){ 0, finite_or_zero(b->upper) };
}

static struct kept part(const struct trim *t, const struct pm_bucket *b, bool positive)
{
	double under;

	if (isinf(b->lower))
		return part_from_infinity(t, b);
	if (isinf(b->upper))
		return t->upper ? (struct kept){ 0, b->lower } : (struct kept){ b->count, t->v };
	under = below(t, b, positive);
	if (t->upper)
		return (struct kept){ under, middle(b->lower, t->v, positive, t->custom) };
	return (struct kept){ b->count - under, middle(t->v, b->upper, positive, t->custom) };
}

static struct kept trim_bucket(const struct trim *t, const struct pm_bucket *b, bool positive)
{
	if (t->upper ? b->upper <= t->v : b->lower >= t->v)
		return (struct kept){ b->count, middle(b->lower, b->upper, positive, t->custom) };
	if (t->upper ? b->lower < t->v : b->upper > t->v)
		return part(t, b, positive);
	return (struct kept){ 0, 0 };
}

static void count_kept(struct trim *t, double *n, struct kept k)
{
	t->changed |= k.n != *n;
	*n = k.n;
	t->count += k.n;
	t->sum += k.middle * k.n;
}

/* Returns whether there was anything on this side. */
static bool trim_side(struct trim *t, const struct promql__hist *m, bool positive)
{
	const struct promql__side *s = positive ? &m->pos : &m->neg;
	bool any = false;

	for (uint32_t i = 0; i < s->count; i++) {
		double outer = pm_bucket_bound(s->v[i].index, m->schema, m->custom, m->custom_count);
		double inner = pm_bucket_bound((int64_t)s->v[i].index - 1, m->schema, m->custom, m->custom_count);
		struct pm_bucket b = {
			.lower = positive ? inner : -outer, .upper = positive ? outer : -inner, .count = s->v[i].n
		};

		if (b.count == 0)
			continue;
		any = true;
		count_kept(t, &s->v[i].n, trim_bucket(t, &b, positive));
	}
	return any;
}

/* Where all other observations are of one sign, those near zero are, too. */
static struct kept trim_zero(const struct trim *t, const struct promql__hist *m, bool positive, bool negative)
{
	double lower = positive && !negative ? 0 : -m->zero_threshold;
	double upper = negative && !positive ? 0 : m->zero_threshold;

	if (t->upper ? t->v >= upper : t->v <= lower)
		return (struct kept){ m->zero_count, (lower + upper) / 2 };
	if (t->upper ? t->v <= lower : t->v >= upper)
		return (struct kept){ 0, 0 };
	if (t->upper)
		return (struct kept){ m->zero_count * ((t->v - lower) / (upper - lower)), (lower + t->v) / 2 };
	return (struct kept){ m->zero_count * ((upper - t->v) / (upper - lower)), (t->v + upper) / 2 };
}

const struct pm_histogram *promql__hist_trim(struct pm_arena *a, const struct pm_histogram *h, double v, bool upper)
{
	struct trim t = { .v = v, .upper = upper, .custom = promql__is_custom(h) };
	struct promql__hist m = { 0 };
	bool positive, negative;

	if (promql__hist_load(&m, a, h) < 0)
		return NULL;
	positive = trim_side(&t, &m, true);
	negative = trim_side(&t, &m, false);
	if (m.zero_count > 0)
		count_kept(&t, &m.zero_count, trim_zero(&t, &m, positive, negative));
	if (!t.changed)
		return h;
	m.count = t.count;
	m.sum = t.sum;
	return promql__hist_store(&m, a);
}
