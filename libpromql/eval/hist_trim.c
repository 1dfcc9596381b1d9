/* hist_trim.c - the operators </ and >/: a histogram without what lies above or below a value.
 *
 * The bucket that the value falls into is divided: linearly with custom bounds and in the zero bucket, on a logarithmic
 * scale otherwise. What goes is taken off the sum at the middle of what it covered. A bucket that reaches to infinity
 * can't be divided; it goes as a whole, unless custom bounds let it be taken to begin at zero. */
#include "libpromql/eval/hist.h"

#include "libtsdb/base/hist.h"

#include <math.h>

struct trim {
	double v;
	bool upper; /* keep what is below v */
	bool custom;
	double kept, removed_sum;
	bool positive, negative; /* observations of these signs were there */
};

/* How much of the bucket is at or below v. */
static double below(const struct pm_bucket *b, double v, bool positive, bool linear)
{
	double lower, upper, at, part;

	if (v <= b->lower)
		return 0;
	if (v >= b->upper)
		return b->count;
	if (linear)
		return b->count * ((v - b->lower) / (b->upper - b->lower));
	lower = log2(fabs(b->lower));
	upper = log2(fabs(b->upper));
	at = log2(fabs(v));
	part = positive ? (at - lower) / (upper - lower) : 1 - (at - upper) / (lower - upper);
	return b->count * part;
}

/* Of a bucket with an infinite bound: what stays, and where the rest is taken to have been. */
static double keep_infinite(const struct trim *t, const struct pm_bucket *b, double *ret_middle)
{
	bool from_zero = t->v >= 0 && b->upper > t->v && !isinf(b->upper);

	*ret_middle = 0;
	if (!isinf(b->lower)) {
		if (!t->upper && t->v <= b->lower)
			return b->count;
		*ret_middle = b->lower;
		return 0;
	}
	if (t->upper ? t->v >= b->upper : t->v <= b->lower)
		return b->count;
	if (from_zero) {
		*ret_middle = t->upper ? (t->v + b->upper) / 2 : t->v / 2;
		return t->upper ? b->count * t->v / b->upper : b->count * (1 - t->v / b->upper);
	}
	*ret_middle = b->upper;
	return 0;
}

static double middle(const struct pm_bucket *b, double product, bool positive, bool linear)
{
	if (linear)
		return (b->lower + b->upper) / 2;
	return positive ? sqrt(product) : -sqrt(product);
}

static double keep(const struct trim *t, const struct pm_bucket *b, bool positive, double *ret_middle)
{
	double under;

	if (isinf(b->lower) || isinf(b->upper))
		return keep_infinite(t, b, ret_middle);
	under = below(b, t->v, positive, t->custom);
	*ret_middle = middle(b, fabs(t->v) * fabs(t->upper ? b->lower : b->upper), positive, t->custom);
	return t->upper ? under : b->count - under;
}

static void note_sign(struct trim *t, const struct pm_bucket *b, bool positive)
{
	if (!t->custom) {
		*(positive ? &t->positive : &t->negative) = true;
		return;
	}
	t->negative = t->negative || b->upper <= 0 || b->lower < 0;
	t->positive = t->positive || b->upper > 0;
}

static void trim_bucket(struct trim *t, struct promql__bucket *out, const struct pm_bucket *b, bool positive)
{
	double mid, kept;
	bool inside = t->upper ? b->upper <= t->v : b->lower >= t->v;
	bool split = t->upper ? b->lower < t->v : b->upper > t->v;

	if (b->count == 0)
		return;
	note_sign(t, b, positive);
	kept = keep(t, b, positive, &mid);
	if (inside) {
		t->kept += b->count;
	} else if (split) {
		t->removed_sum += (b->count - kept) * mid;
		t->kept += kept;
		out->n = kept;
	} else {
		if (!t->custom)
			mid = sqrt(b->lower * b->upper);
		t->removed_sum += b->count * mid;
		out->n = 0;
	}
}

static void trim_side(struct trim *t, const struct promql__hist *m, bool positive)
{
	const struct promql__side *s = positive ? &m->pos : &m->neg;

	for (uint32_t i = 0; i < s->count; i++) {
		double outer = pm_bucket_bound(s->v[i].index, m->schema, m->custom, m->custom_count);
		double inner = pm_bucket_bound((int64_t)s->v[i].index - 1, m->schema, m->custom, m->custom_count);
		struct pm_bucket b = {
			.lower = positive ? inner : -outer, .upper = positive ? outer : -inner, .count = s->v[i].n
		};

		trim_bucket(t, &s->v[i], &b, positive);
	}
}

const struct pm_histogram *promql__hist_trim(struct pm_arena *a, const struct pm_histogram *h, double v, bool upper)
{
	struct trim t = { .v = v, .upper = upper, .custom = promql__is_custom(h) };
	struct promql__hist m = { 0 };

	if (promql__hist_load(&m, a, h) < 0)
		return NULL;
	trim_side(&t, &m, true);
	trim_side(&t, &m, false);
	if (m.zero_count > 0) {
		struct pm_bucket zero = {
			.lower = -m.zero_threshold, .upper = m.zero_threshold, .count = m.zero_count
		};
		double under = below(&zero, v, true, true);

		m.zero_count = upper ? under : m.zero_count - under;
		t.kept += m.zero_count;
	}
	m.sum = t.kept != 0 ? m.sum - t.removed_sum : 0;
	if ((!t.negative && m.sum < 0) || (!t.positive && m.sum > 0))
		m.sum = 0;
	m.count = t.kept;
	return promql__hist_store(&m, a);
}
