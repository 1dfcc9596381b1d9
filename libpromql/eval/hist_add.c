/* hist_add.c - adding and subtracting native histograms, with or without Kahan summation.
 *
 * Exponential histograms meet at the lower of their resolutions and at a zero threshold that lies in no populated
 * bucket of either. Histograms with custom buckets meet at the bounds that both have. The two kinds do not add up. */
#include "libpromql/eval/hist.h"

#include "libtsdb/base/hist.h"

#include <math.h>

/* Counters that were reset and counters that were not give a counter of which nothing is known. */
static bool combine_hints(struct promql__hist *m, uint8_t other)
{
	bool collision = false;

	if (other == m->reset_hint || m->reset_hint == PM_RESET_GAUGE)
		return false;
	if (other == PM_RESET_GAUGE) {
		m->reset_hint = PM_RESET_GAUGE;
		return false;
	}
	collision = m->reset_hint != PM_RESET_UNKNOWN && other != PM_RESET_UNKNOWN;
	m->reset_hint = PM_RESET_UNKNOWN;
	return collision;
}

static inline void add_to(struct promql__bucket *b, double n, bool kahan)
{
	if (kahan)
		promql__kahan(n, &b->n, &b->c);
	else
		b->n += n;
}

/* ---- zero buckets ------------------------------------------------------------------------------- */

static double bound(int64_t index, int32_t schema)
{
	return pm_bucket_bound(index, schema, NULL, 0);
}

/* The buckets of one side that a zero threshold of `*t` swallows join `*zero`. True: `*t` fell into a populated bucket
 * and was raised to its outer bound. */
static bool swallow(const struct promql__side *s, int32_t schema, double *t, double *zero, double *zero_c)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct promql__bucket *b = &s->v[i];

		if (bound((int64_t)b->index - 1, schema) >= *t)
			return false;
		promql__kahan(b->n, zero, zero_c);
		promql__kahan(b->c, zero, zero_c);
		if (bound(b->index, schema) > *t) {
			if (b->n == 0)
				return false;
			*t = bound(b->index, schema);
			return true;
		}
	}
	return false;
}

static void drop_inner(struct promql__side *s, int32_t schema, double t)
{
	uint32_t drop = 0;

	while (drop < s->count && bound((int64_t)s->v[drop].index - 1, schema) < t)
		drop++;
	s->count -= drop;
	if (s->count)
		memmove(s->v, s->v + drop, s->count * sizeof *s->v);
}

/* Raise m's zero threshold to `t` or, where that is inside a populated bucket, to the end of it. */
static void raise_threshold(struct promql__hist *m, double t)
{
	double zero, c;

	do {
		zero = m->zero_count;
		c = m->zero_c;
		swallow(&m->pos, m->schema, &t, &zero, &c);
	} while (swallow(&m->neg, m->schema, &t, &zero, &c));
	m->zero_count = zero;
	if (m->kahan)
		m->zero_c = c;
	m->zero_threshold = t;
	drop_inner(&m->pos, m->schema, t);
	drop_inner(&m->neg, m->schema, t);
}

/* h's zero count at a threshold that suits both; m's is raised to it. */
static double meet_thresholds(struct promql__hist *m, const struct pm_histogram *h)
{
	double zero = h->zero_count, t = h->zero_threshold;

	while (t != m->zero_threshold) {
		if (m->zero_threshold > t) {
			t = m->zero_threshold;
			zero = promql__zero_count_at(h, &t);
		}
		if (t > m->zero_threshold)
			raise_threshold(m, t);
		else if (isnan(t) || isnan(m->zero_threshold))
			break;
	}
	return zero;
}

/* ---- merging sides ------------------------------------------------------------------------------ */

/* How many buckets of `o` `s` lacks. */
static uint32_t missing(const struct promql__side *s, const struct promql__side *o)
{
	uint32_t n = 0, i = 0;

	for (uint32_t j = 0; j < o->count; j++) {
		while (i < s->count && s->v[i].index < o->v[j].index)
			i++;
		n += i == s->count || s->v[i].index != o->v[j].index;
	}
	return n;
}

/* From the back, so that nothing is overwritten before it has moved. */
static int merge(struct pm_arena *a, struct promql__side *s, const struct promql__side *o, double sign, bool kahan)
{
	uint32_t more = missing(s, o), i = s->count, j = o->count, to = i + more;

	if (to > s->cap) {
		uint32_t cap = to + to / 2;
		struct promql__bucket *v = pm_arena_array(a, cap, sizeof *v);

		if (!v)
			return PM_ERR_NOMEM;
		if (i)
			memcpy(v, s->v, i * sizeof *v);
		s->v = v;
		s->cap = cap;
	}
	s->count = to;
	while (j > 0) {
		const struct promql__bucket *b = &o->v[j - 1];

		if (i > 0 && s->v[i - 1].index > b->index) {
			s->v[--to] = s->v[--i];
		} else if (i > 0 && s->v[i - 1].index == b->index) {
			s->v[--to] = s->v[--i];
			add_to(&s->v[to], sign * b->n, kahan);
			j--;
		} else {
			s->v[--to] = (struct promql__bucket){ b->index, sign * b->n, 0 };
			j--;
		}
	}
	return 0;
}

/* Buckets within the zero bucket have been counted there. */
static void skip_inner(struct promql__side *o, int32_t schema, double t)
{
	uint32_t skip = 0;

	while (skip < o->count && bound(o->v[skip].index, schema) <= t)
		skip++;
	if (skip) {
		o->v += skip;
		o->count -= skip;
	}
}

static int add_side(struct promql__hist *m, const struct pm_histogram *h, bool negative, double sign)
{
	struct promql__side o;
	int rc = promql__side_load(m->arena, h, negative, m->schema, &m->tmp);

	if (rc < 0)
		return rc;
	o = m->tmp;
	if (!promql__is_custom(h))
		skip_inner(&o, m->schema, m->zero_threshold);
	return merge(m->arena, negative ? &m->neg : &m->pos, &o, sign, m->kahan);
}

/* ---- custom bounds ------------------------------------------------------------------------------ */

static bool same_bounds(const struct promql__hist *m, const struct pm_histogram *h)
{
	if (m->custom_count != h->custom_count)
		return false;
	for (uint32_t i = 0; i < m->custom_count; i++)
		if (m->custom[i] != h->custom[i])
			return false;
	return true;
}

/* Bounds that both have, into `ret`. */
static uint32_t common_bounds(const struct promql__hist *m, const struct pm_histogram *h, double *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0, j = 0; i < m->custom_count && j < h->custom_count;) {
		if (m->custom[i] == h->custom[j]) {
			ret[n++] = m->custom[i++];
			j++;
		} else if (m->custom[i] < h->custom[j]) {
			i++;
		} else {
			j++;
		}
	}
	return n;
}

/* Sum the buckets of `s`, which have bounds `from`, into buckets with the bounds `to`. */
static void pour(const struct promql__side *s, double sign, const double *from, uint32_t from_count, const double *to,
	uint32_t to_count, struct promql__bucket *target)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct promql__bucket *b = &s->v[i];
		struct promql__bucket *t = &target[to_count];

		if (b->index < (int64_t)from_count) {
			while (k < to_count && to[k] < from[b->index < 0 ? 0 : b->index])
				k++;
			t = &target[k];
		}
		promql__kahan(sign * b->n, &t->n, &t->c);
		if (b->c != 0)
			promql__kahan(b->c, &t->n, &t->c);
	}
}

static int add_mismatched(struct promql__hist *m, const struct pm_histogram *h, double sign)
{
	uint32_t most = m->custom_count < h->custom_count ? m->custom_count : h->custom_count, n;
	double *bounds = pm_arena_array(m->arena, most, sizeof *bounds);
	struct promql__bucket *target;

	if (!bounds)
		return PM_ERR_NOMEM;
	n = common_bounds(m, h, bounds);
	target = pm_arena_zalloc(m->arena, ((size_t)n + 1) * sizeof *target);
	if (!target || promql__side_load(m->arena, h, false, h->schema, &m->tmp) < 0)
		return PM_ERR_NOMEM;
	pour(&m->pos, 1, m->custom, m->custom_count, bounds, n, target);
	pour(&m->tmp, sign, h->custom, h->custom_count, bounds, n, target);
	m->pos = (struct promql__side){ .v = target, .cap = n + 1 };
	for (uint32_t i = 0; i <= n; i++)
		if (target[i].n != 0 || target[i].c != 0)
			m->pos.v[m->pos.count++] =
				(struct promql__bucket){ (int32_t)i, target[i].n, m->kahan ? target[i].c : 0 };
	m->custom = bounds;
	m->custom_count = n;
	return 0;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static void add_totals(struct promql__hist *m, const struct pm_histogram *h, double zero, double sign)
{
	if (m->kahan) {
		promql__kahan(sign * zero, &m->zero_count, &m->zero_c);
		promql__kahan(sign * h->count, &m->count, &m->count_c);
		promql__kahan(sign * h->sum, &m->sum, &m->sum_c);
	} else {
		m->zero_count += sign * zero;
		m->count += sign * h->count;
		m->sum += sign * h->sum;
	}
}

int promql__hist_add(struct promql__hist *m, const struct pm_histogram *h, double sign, unsigned *found)
{
	bool custom = m->schema == PM_SCHEMA_CUSTOM;
	int rc;

	if (custom != promql__is_custom(h))
		return 1;
	if (combine_hints(m, h->reset_hint))
		*found |= PROMQL__COLLISION;
	if (custom) {
		add_totals(m, h, 0, sign);
		if (same_bounds(m, h))
			return add_side(m, h, false, sign);
		*found |= PROMQL__RECONCILED;
		return add_mismatched(m, h, sign);
	}
	add_totals(m, h, meet_thresholds(m, h), sign);
	promql__hist_reduce(m, h->schema);
	rc = add_side(m, h, false, sign);
	return rc < 0 ? rc : add_side(m, h, true, sign);
}
