/* chunk_hist_write.c - chunks of native histograms, written; chunk_hist.c has their form.
 *
 * A chunk ends where the layout changes or a counter was reset: readers take all but its first sample for continued.
 * Upstream would widen the layout of a chunk instead of ending it; what is read is the same. */
#include "libtsdb/blocks/bits.h"
#include "libtsdb/blocks/chunk.h"

#include "libtsdb/base/mem.h"

#include <math.h>

enum { FLAG_UNKNOWN = 0, FLAG_RESET = 2, FLAG_GAUGE = 3, FLAGS_SHIFT = 6 };
enum { ZERO_EXPONENT_MIN = -242, ZERO_EXPONENT_MAX = 11, ZERO_EXPONENT_BIAS = 243, ZERO_AS_DOUBLE = 255 };
enum { BOUND_THOUSANDTHS_MAX = 33554430 };

static bool is_integer(double v)
{
	return v >= 0 && v < 0x1p53 && v == trunc(v);
}

bool prom__hist_is_integer(const struct pm_histogram *h)
{
	if (!h->integer || !is_integer(h->count) || !is_integer(h->zero_count))
		return false;
	for (uint32_t i = 0; i < h->pos_count; i++)
		if (!is_integer(h->pos[i]))
			return false;
	for (uint32_t i = 0; i < h->neg_count; i++)
		if (!is_integer(h->neg[i]))
			return false;
	return true;
}

/* ---- where a chunk ends ------------------------------------------------------------------------- */

static bool same_spans(const struct pm_span *a, uint32_t a_count, const struct pm_span *b, uint32_t b_count)
{
	if (a_count != b_count)
		return false;
	for (uint32_t i = 0; i < a_count; i++)
		if (a[i].offset != b[i].offset || a[i].length != b[i].length)
			return false;
	return true;
}

static bool same_layout(const struct pm_histogram *a, const struct pm_histogram *b)
{
	return a->schema == b->schema && pm_double_bits(a->zero_threshold) == pm_double_bits(b->zero_threshold) &&
	       same_spans(a->pos_spans, a->pos_span_count, b->pos_spans, b->pos_span_count) &&
	       same_spans(a->neg_spans, a->neg_span_count, b->neg_spans, b->neg_span_count) &&
	       a->custom_count == b->custom_count &&
	       (a->custom_count == 0 || memcmp(a->custom, b->custom, a->custom_count * sizeof *a->custom) == 0);
}

/* A count went down from `a` to `b`, of one layout. */
static bool went_down(const struct pm_histogram *a, const struct pm_histogram *b)
{
	if (b->count < a->count || b->zero_count < a->zero_count)
		return true;
	for (uint32_t i = 0; i < a->pos_count; i++)
		if (b->pos[i] < a->pos[i])
			return true;
	for (uint32_t i = 0; i < a->neg_count; i++)
		if (b->neg[i] < a->neg[i])
			return true;
	return false;
}

static bool goes_on(const struct pm_histogram *a, const struct pm_histogram *b)
{
	bool gauge = a->reset_hint == PM_RESET_GAUGE;

	if (gauge != (b->reset_hint == PM_RESET_GAUGE) || b->reset_hint == PM_RESET_YES || !same_layout(a, b))
		return false;
	return prom__hist_is_integer(a) == prom__hist_is_integer(b) && (gauge || !went_down(a, b));
}

static unsigned flags_of(const struct pm_histogram *h, const struct pm_histogram *previous)
{
	if (h->reset_hint == PM_RESET_GAUGE)
		return FLAG_GAUGE;
	if (h->reset_hint == PM_RESET_YES)
		return FLAG_RESET;
	if (previous && previous->reset_hint != PM_RESET_GAUGE && same_layout(previous, h) && went_down(previous, h))
		return FLAG_RESET;
	return FLAG_UNKNOWN;
}

/* ---- the layout --------------------------------------------------------------------------------- */

static void put_zero_threshold(struct prom__bits_out *b, double v)
{
	int exponent;

	if (pm_double_bits(v) == 0) {
		prom__bits_put(b, 0, 8);
	} else if (frexp(v, &exponent) == 0.5 && exponent >= ZERO_EXPONENT_MIN && exponent <= ZERO_EXPONENT_MAX) {
		prom__bits_put(b, (uint64_t)(exponent + ZERO_EXPONENT_BIAS), 8);
	} else {
		prom__bits_put(b, ZERO_AS_DOUBLE, 8);
		prom__bits_put(b, pm_double_bits(v), 64);
	}
}

static void put_spans(struct prom__bits_out *b, const struct pm_span *spans, uint32_t count)
{
	prom__bits_put_uvarbit(b, count);
	for (uint32_t i = 0; i < count; i++) {
		prom__bits_put_uvarbit(b, spans[i].length);
		prom__bits_put_varbit(b, spans[i].offset);
	}
}

static void put_bound(struct prom__bits_out *b, double bound)
{
	double thousandths = round(bound * 1000);
	bool short_form = thousandths >= 0 && thousandths <= BOUND_THOUSANDTHS_MAX && !signbit(bound);

	if (short_form && thousandths / 1000 == bound) {
		prom__bits_put_uvarbit(b, (uint64_t)thousandths + 1);
		return;
	}
	prom__bits_put(b, 0, 1);
	prom__bits_put(b, pm_double_bits(bound), 64);
}

static void put_layout(struct prom__bits_out *b, const struct pm_histogram *h)
{
	put_zero_threshold(b, h->zero_threshold);
	prom__bits_put_varbit(b, h->schema);
	put_spans(b, h->pos_spans, h->pos_span_count);
	put_spans(b, h->neg_spans, h->neg_span_count);
	if (h->schema != PM_SCHEMA_CUSTOM)
		return;
	prom__bits_put_uvarbit(b, h->custom_count);
	for (uint32_t i = 0; i < h->custom_count; i++)
		put_bound(b, h->custom[i]);
}

/* ---- samples ------------------------------------------------------------------------------------ */

/* One number of the samples, as it was last time. */
struct field {
	int64_t n, change;
	struct prom__xor x;
};

struct writer {
	struct prom__bits_out b;
	bool integer, first;
	struct field t, count, zero_count, sum;
	struct field *buckets;
};

static void put_integer(struct writer *w, struct field *f, int64_t n, bool is_unsigned)
{
	int64_t change = (int64_t)((uint64_t)n - (uint64_t)f->n);

	if (w->first && is_unsigned)
		prom__bits_put_uvarbit(&w->b, (uint64_t)n);
	else if (w->first)
		prom__bits_put_varbit(&w->b, n);
	else
		prom__bits_put_varbit(&w->b, (int64_t)((uint64_t)change - (uint64_t)f->change));
	f->change = w->first ? 0 : change;
	f->n = n;
}

static void put_float(struct writer *w, struct field *f, double v)
{
	if (!w->first) {
		prom__xor_put(&w->b, &f->x, v);
		return;
	}
	f->x = (struct prom__xor){ .bits = pm_double_bits(v), .leading = 0xff };
	prom__bits_put(&w->b, f->x.bits, 64);
}

static void put_count(struct writer *w, struct field *f, double v)
{
	if (w->integer)
		put_integer(w, f, (int64_t)v, true);
	else
		put_float(w, f, v);
}

static void put_buckets(struct writer *w, struct field *f, const double *v, uint32_t count)
{
	int64_t before = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (w->integer)
			put_integer(w, f + i, (int64_t)v[i] - before, false);
		else
			put_float(w, f + i, v[i]);
		before = w->integer ? (int64_t)v[i] : 0;
	}
}

static void put_sample(struct writer *w, int64_t t_ms, const struct pm_histogram *h)
{
	put_integer(w, &w->t, t_ms, false);
	put_count(w, &w->count, h->count);
	put_count(w, &w->zero_count, h->zero_count);
	put_float(w, &w->sum, h->sum);
	put_buckets(w, w->buckets, h->pos, h->pos_count);
	put_buckets(w, w->buckets + h->pos_count, h->neg, h->neg_count);
	w->first = false;
}

size_t prom__hist_write(
	const struct pm_samples *s, size_t max, const struct pm_histogram *previous, struct pm_buf *out)
{
	const struct pm_histogram *first = s->h[0];
	struct writer w = { .b = { .buf = out }, .integer = prom__hist_is_integer(first), .first = true };
	size_t count = 1;

	while (count < max && count < s->count && s->h[count] && goes_on(s->h[count - 1], s->h[count]))
		count++;
	w.buckets = pm_calloc((size_t)first->pos_count + first->neg_count + 1, sizeof *w.buckets);
	if (!w.buckets) {
		out->error = PM_ERR_NOMEM;
		return count;
	}
	prom__bits_put(&w.b, count, 16);
	prom__bits_put(&w.b, flags_of(first, previous) << FLAGS_SHIFT, 8);
	put_layout(&w.b, first);
	for (size_t i = 0; i < count; i++)
		put_sample(&w, s->t_ms[i], s->h[i]);
	prom__bits_flush(&w.b);
	pm_free(w.buckets);
	return count;
}
