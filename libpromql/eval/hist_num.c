/* hist_num.c - native histograms under work: in and out, scaling, lower resolutions.
 *
 * Spans are a form for storage. Here a side is a list of its populated buckets with their index in the schema, so that
 * two histograms of different layouts add by merging two sorted lists. */
#include "libpromql/eval/hist.h"

#include <math.h>

static int reserve(struct pm_arena *a, struct promql__side *s, size_t count)
{
	struct promql__bucket *v;
	size_t cap = s->cap * (size_t)2;

	if (count <= s->cap)
		return 0;
	cap = cap < count ? count : cap;
	v = cap < UINT32_MAX ? pm_arena_array(a, cap, sizeof *v) : NULL;
	if (!v)
		return PM_ERR_NOMEM;
	s->v = v;
	s->cap = (uint32_t)cap;
	return 0;
}

/* Where bucket `index` of schema `from` lies in the coarser `to`. */
static int32_t coarser(int64_t index, int32_t from, int32_t to)
{
	return (int32_t)(((index - 1) >> (from - to)) + 1);
}

static void append(struct promql__side *s, int32_t index, double n, double c, bool kahan)
{
	struct promql__bucket *last = s->count ? &s->v[s->count - 1] : NULL;

	if (!last || last->index != index) {
		s->v[s->count++] = (struct promql__bucket){ index, n, c };
	} else if (kahan) {
		promql__kahan(n, &last->n, &last->c);
		promql__kahan(c, &last->n, &last->c);
	} else {
		last->n += n;
	}
}

int promql__side_load(
	struct pm_arena *a, const struct pm_histogram *h, bool negative, int32_t schema, struct promql__side *ret)
{
	const struct pm_span *spans = negative ? h->neg_spans : h->pos_spans;
	uint32_t span_count = negative ? h->neg_span_count : h->pos_span_count;
	const double *n = negative ? h->neg : h->pos;
	uint32_t count = negative ? h->neg_count : h->pos_count, k = 0;
	int64_t index = 0;

	ret->count = 0;
	if (reserve(a, ret, count) < 0)
		return PM_ERR_NOMEM;
	for (uint32_t i = 0; i < span_count; i++) {
		index += spans[i].offset;
		for (uint32_t j = 0; j < spans[i].length && k < count; j++, index++, k++)
			append(ret, schema < h->schema ? coarser(index, h->schema, schema) : (int32_t)index, n[k], 0,
				false);
	}
	return 0;
}

int promql__hist_load(struct promql__hist *m, struct pm_arena *a, const struct pm_histogram *h)
{
	struct promql__side pos = m->pos, neg = m->neg, tmp = m->tmp;

	*m = (struct promql__hist){
		.arena = a,
		.schema = h->schema,
		.reset_hint = h->reset_hint,
		.count = h->count,
		.sum = h->sum,
		.pos = pos,
		.neg = neg,
		.tmp = tmp,
		.custom = h->custom,
		.custom_count = h->custom_count,
	};
	m->neg.count = 0;
	if (promql__side_load(a, h, false, h->schema, &m->pos) < 0)
		return PM_ERR_NOMEM;
	if (promql__is_custom(h))
		return 0;
	m->zero_threshold = h->zero_threshold;
	m->zero_count = h->zero_count;
	m->custom_count = 0;
	return promql__side_load(a, h, true, h->schema, &m->neg);
}

static void settle_side(struct promql__side *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		s->v[i].n += s->v[i].c;
		s->v[i].c = 0;
	}
}

void promql__hist_settle(struct promql__hist *m)
{
	settle_side(&m->pos);
	settle_side(&m->neg);
	m->zero_count += m->zero_c;
	m->count += m->count_c;
	m->sum += m->sum_c;
	m->zero_c = m->count_c = m->sum_c = 0;
	m->kahan = false;
}

/* ---- out ---------------------------------------------------------------------------------------- */

static void measure(const struct promql__side *s, uint32_t *ret_spans, uint32_t *ret_buckets)
{
	int64_t last = INT64_MIN;

	*ret_spans = *ret_buckets = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->v[i].n == 0)
			continue;
		*ret_spans += s->v[i].index != last + 1;
		*ret_buckets += 1;
		last = s->v[i].index;
	}
}

/* Consecutive buckets share a span. */
static void write_side(const struct promql__side *s, struct pm_span *span, double *n)
{
	int64_t last = 0;
	bool first = true;

	for (uint32_t i = 0; i < s->count; i++) {
		int64_t index = s->v[i].index;

		if (s->v[i].n == 0)
			continue;
		if (first || index != last + 1) {
			if (!first)
				span++;
			*span = (struct pm_span){ .offset = (int32_t)(first ? index : index - last - 1) };
		}
		span->length++;
		*n++ = s->v[i].n;
		last = index;
		first = false;
	}
}

const struct pm_histogram *promql__hist_store(const struct promql__hist *m, struct pm_arena *a)
{
	struct pm_histogram *h;
	struct pm_span *spans;
	double *n;
	uint32_t pos_spans, neg_spans, pos, neg;

	measure(&m->pos, &pos_spans, &pos);
	measure(&m->neg, &neg_spans, &neg);
	h = pm_arena_alloc(
		a, sizeof *h + ((size_t)pos + neg) * sizeof *n + ((size_t)pos_spans + neg_spans) * sizeof *spans);
	if (!h)
		return NULL;
	n = (double *)(h + 1);
	spans = (struct pm_span *)(n + pos + neg);
	write_side(&m->pos, spans, n);
	write_side(&m->neg, spans + pos_spans, n + pos);
	*h = (struct pm_histogram){
		.schema = m->schema,
		.reset_hint = m->reset_hint,
		.zero_threshold = m->zero_threshold,
		.zero_count = m->zero_count,
		.count = m->count,
		.sum = m->sum,
		.pos_spans = spans,
		.neg_spans = spans + pos_spans,
		.pos = n,
		.neg = n + pos,
		.custom = m->custom,
		.pos_span_count = pos_spans,
		.neg_span_count = neg_spans,
		.pos_count = pos,
		.neg_count = neg,
		.custom_count = m->custom_count,
	};
	return h;
}

/* ---- scaling ------------------------------------------------------------------------------------ */

static void mul_side(struct promql__side *s, double f)
{
	for (uint32_t i = 0; i < s->count; i++) {
		s->v[i].n *= f;
		s->v[i].c *= f;
	}
}

static void div_side(struct promql__side *s, double by)
{
	for (uint32_t i = 0; i < s->count; i++) {
		s->v[i].n /= by;
		s->v[i].c /= by;
	}
}

void promql__hist_mul(struct promql__hist *m, double f)
{
	mul_side(&m->pos, f);
	mul_side(&m->neg, f);
	m->zero_count *= f;
	m->zero_c *= f;
	m->count *= f;
	m->count_c *= f;
	m->sum *= f;
	m->sum_c *= f;
	if (f < 0)
		m->reset_hint = PM_RESET_GAUGE;
}

/* Upstream says: divided by zero, a histogram has no buckets any more. */
void promql__hist_div(struct promql__hist *m, double by)
{
	m->zero_count /= by;
	m->count /= by;
	m->sum /= by;
	if (m->kahan) {
		m->zero_c /= by;
		m->count_c /= by;
		m->sum_c /= by;
	}
	if (by == 0) {
		m->pos.count = m->neg.count = 0;
		return;
	}
	div_side(&m->pos, by);
	div_side(&m->neg, by);
	if (by < 0)
		m->reset_hint = PM_RESET_GAUGE;
}

static bool side_overflows(const struct promql__side *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (isinf(s->v[i].n))
			return true;
	return false;
}

bool promql__hist_overflows(const struct promql__hist *m)
{
	return isinf(m->zero_count) || isinf(m->count) || isinf(m->sum) || side_overflows(&m->pos) ||
	       side_overflows(&m->neg);
}

/* In place: the coarser list is never ahead of the one it is made from. */
static void reduce_side(struct promql__side *s, int32_t from, int32_t to, bool kahan)
{
	uint32_t count = s->count;

	s->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct promql__bucket b = s->v[i];

		append(s, coarser(b.index, from, to), b.n, b.c, kahan);
	}
}

void promql__hist_reduce(struct promql__hist *m, int32_t schema)
{
	if (schema >= m->schema)
		return;
	reduce_side(&m->pos, m->schema, schema, m->kahan);
	reduce_side(&m->neg, m->schema, schema, m->kahan);
	m->schema = schema;
}
