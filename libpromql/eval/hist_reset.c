/* hist_reset.c - comparing native histograms: equality, and whether a counter was reset between two of them. */
#include "libpromql/eval/hist.h"

#include "libtsdb/base/hist.h"

#include <math.h>

/* ---- the buckets of one side, at some resolution, without memory -------------------------------- */

struct walk {
	int32_t from, to; /* the histogram's schema, and the coarser one to merge to */
	const struct pm_span *spans;
	const double *n;
	uint32_t span_count, count;
	double above;            /* skip buckets whose outer bound is not above this one */
	uint32_t span, left, at; /* spans begun, buckets left in the last of them, buckets read */
	int64_t index;           /* of the next bucket, while left > 0 */
	int64_t out_index;       /* what next() found */
	double out_count;
};

static struct walk walk_side(const struct pm_histogram *h, bool negative, int32_t schema, double above)
{
	return (struct walk){
		.from = h->schema,
		.to = schema,
		.spans = negative ? h->neg_spans : h->pos_spans,
		.n = negative ? h->neg : h->pos,
		.span_count = negative ? h->neg_span_count : h->pos_span_count,
		.count = negative ? h->neg_count : h->pos_count,
		.above = above,
	};
}

/* Enter the span of the next bucket; false at the end. */
static bool enter(struct walk *w)
{
	while (w->left == 0 && w->span < w->span_count) {
		w->index += w->spans[w->span].offset;
		w->left = w->spans[w->span++].length;
	}
	return w->left > 0 && w->at < w->count;
}

static int64_t merged_index(const struct walk *w)
{
	return w->to == w->from ? w->index : ((w->index - 1) >> (w->from - w->to)) + 1;
}

static bool walk_merged(struct walk *w)
{
	if (!enter(w))
		return false;
	w->out_index = merged_index(w);
	w->out_count = 0;
	do {
		w->out_count += w->n[w->at++];
		w->left--;
		w->index++;
	} while (w->to != w->from && enter(w) && merged_index(w) == w->out_index);
	return true;
}

static bool walk_next(struct walk *w)
{
	while (walk_merged(w))
		if (w->to == PM_SCHEMA_CUSTOM || w->above == 0 ||
			!(pm_bucket_bound(w->out_index, w->to, NULL, 0) <= w->above))
			return true;
	return false;
}

/* ---- zero buckets ------------------------------------------------------------------------------- */

/* As swallow() in hist_add.c, for a histogram that is not under work. */
static bool swallow(const struct pm_histogram *h, bool negative, double *t, double *zero, double *c)
{
	struct walk w = walk_side(h, negative, h->schema, 0);

	while (walk_next(&w)) {
		double upper = pm_bucket_bound(w.out_index, h->schema, NULL, 0);

		if (pm_bucket_bound(w.out_index - 1, h->schema, NULL, 0) >= *t)
			return false;
		promql__kahan(w.out_count, zero, c);
		if (upper > *t) {
			if (w.out_count != 0)
				*t = upper;
			return w.out_count != 0;
		}
	}
	return false;
}

double promql__zero_count_at(const struct pm_histogram *h, double *threshold)
{
	double zero, c;

	if (*threshold == h->zero_threshold)
		return h->zero_count;
	do {
		zero = h->zero_count;
		c = 0;
		swallow(h, false, threshold, &zero, &c);
	} while (swallow(h, true, threshold, &zero, &c));
	return zero;
}

/* ---- resets ------------------------------------------------------------------------------------- */

/* A bucket of `prev` that `cur` lacks, or has with a smaller count. */
static bool bucket_fell(struct walk cur, struct walk prev)
{
	bool have = walk_next(&cur);

	while (walk_next(&prev)) {
		while (have && cur.out_index < prev.out_index)
			have = walk_next(&cur);
		if (!have || cur.out_index > prev.out_index) {
			if (prev.out_count != 0)
				return true;
		} else if (cur.out_count < prev.out_count) {
			return true;
		}
	}
	return false;
}

static double custom_bound(const struct pm_histogram *h, int64_t i)
{
	return pm_bucket_bound(i, PM_SCHEMA_CUSTOM, h->custom, h->custom_count);
}

/* Sum of what `w` has left up to `bound`. `*have`: w.out_* is a bucket not yet summed. */
static double sum_up_to(struct walk *w, bool *have, const struct pm_histogram *h, double bound)
{
	double sum = 0;

	while (*have && custom_bound(h, w->out_index) <= bound) {
		sum += w->out_count;
		*have = walk_next(w);
	}
	return sum;
}

/* With different custom bounds, what lies between two bounds that both have is compared. */
static bool custom_fell(const struct pm_histogram *cur, const struct pm_histogram *prev)
{
	struct walk c = walk_side(cur, false, PM_SCHEMA_CUSTOM, 0), p = walk_side(prev, false, PM_SCHEMA_CUSTOM, 0);
	bool have_c = walk_next(&c), have_p = walk_next(&p);

	for (uint32_t i = 0, j = 0; i <= cur->custom_count && j <= prev->custom_count;) {
		double a = custom_bound(cur, i), b = custom_bound(prev, j);

		if (a == b) {
			if (sum_up_to(&c, &have_c, cur, a) < sum_up_to(&p, &have_p, prev, a))
				return true;
			i++;
			j++;
		} else if (a < b) {
			i++;
		} else {
			j++;
		}
	}
	return false;
}

static bool same_bounds(const struct pm_histogram *a, const struct pm_histogram *b)
{
	if (a->custom_count != b->custom_count)
		return false;
	for (uint32_t i = 0; i < a->custom_count; i++)
		if (a->custom[i] != b->custom[i])
			return false;
	return true;
}

/* A counter's resolution never grows and its zero bucket never shrinks but by a reset. Gauges are looked at as if they
 * were counters: who asks has warned already. */
bool promql__hist_reset(const struct pm_histogram *cur, const struct pm_histogram *prev)
{
	double t = cur->zero_threshold, zero;

	if (cur->reset_hint == PM_RESET_YES || cur->reset_hint == PM_RESET_NO)
		return cur->reset_hint == PM_RESET_YES;
	if (cur->count < prev->count)
		return true;
	if (promql__is_custom(cur)) {
		if (!promql__is_custom(prev))
			return true;
		if (!same_bounds(cur, prev))
			return custom_fell(cur, prev);
	}
	if (cur->schema > prev->schema || cur->zero_threshold < prev->zero_threshold)
		return true;
	zero = promql__zero_count_at(prev, &t);
	if (t != cur->zero_threshold || cur->zero_count < zero)
		return true;
	t = cur->zero_threshold;
	return bucket_fell(walk_side(cur, false, cur->schema, t), walk_side(prev, false, cur->schema, t)) ||
	       bucket_fell(walk_side(cur, true, cur->schema, t), walk_side(prev, true, cur->schema, t));
}

/* ---- equality ----------------------------------------------------------------------------------- */

static bool walk_filled(struct walk *w)
{
	while (walk_next(w))
		if (w->out_count != 0)
			return true;
	return false;
}

static bool same_side(struct walk a, struct walk b)
{
	for (;;) {
		bool x = walk_filled(&a), y = walk_filled(&b);

		if (!x || !y)
			return x == y;
		if (a.out_index != b.out_index || pm_double_bits(a.out_count) != pm_double_bits(b.out_count))
			return false;
	}
}

static bool same_bits(double a, double b)
{
	return pm_double_bits(a) == pm_double_bits(b);
}

/* Equality of data, not of numbers: NaN is NaN, and empty buckets count for nothing. */
bool promql__hist_equal(const struct pm_histogram *a, const struct pm_histogram *b)
{
	return a->schema == b->schema && same_bits(a->count, b->count) && same_bits(a->sum, b->sum) &&
	       a->zero_threshold == b->zero_threshold && same_bits(a->zero_count, b->zero_count) &&
	       (!promql__is_custom(a) || same_bounds(a, b)) &&
	       same_side(walk_side(a, false, a->schema, 0), walk_side(b, false, b->schema, 0)) &&
	       same_side(walk_side(a, true, a->schema, 0), walk_side(b, true, b->schema, 0));
}
