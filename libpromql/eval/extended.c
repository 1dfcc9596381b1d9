/* extended.c - rates over anchored and smoothed ranges, which don't extrapolate.
 *
 * Anchored: from the last sample at or before the window's start to the last one in it. Smoothed: from the value at the
 * start to the value at the end, each interpolated between the samples around it. The window's samples reach a lookback
 * further than the window itself; `first` and `last` are the ones that matter. */
#include "libpromql/eval/extended.h"

/* The last sample at or before the start (the first of all when there is none), and the one the end is told by. False:
 * nothing inside the window. */
bool promql__window_edges(const int64_t *t, size_t count, int64_t start_ms, int64_t end_ms, bool smoothed,
	size_t *ret_first, size_t *ret_last)
{
	size_t first = 0, last = count - 1;

	while (first < last && t[first] <= start_ms)
		first++;
	if (first > 0)
		first--;
	if (smoothed)
		for (last = 0; last < count - 1 && t[last] < end_ms;)
			last++;
	*ret_first = first;
	*ret_last = last;
	return t[last] > start_ms && !(smoothed && t[first] > end_ms);
}

/* ---- floats ------------------------------------------------------------------------------------- */

double promql__interpolate(int64_t t1, double v1, int64_t t2, double v2, int64_t t, bool counter)
{
	if (counter && v2 < v1)
		v1 = 0;
	return v1 + (v2 - v1) * (double)(t - t1) / (double)(t2 - t1);
}

double promql__left_edge(const int64_t *t, const double *v, size_t i, int64_t start_ms, bool smoothed, bool counter)
{
	if (smoothed && t[i] < start_ms)
		return promql__interpolate(t[i], v[i], t[i + 1], v[i + 1], start_ms, counter);
	return v[i];
}

double promql__right_edge(const int64_t *t, const double *v, size_t i, int64_t end_ms, bool smoothed, bool counter)
{
	if (smoothed && i > 0 && t[i] > end_ms)
		return promql__interpolate(t[i - 1], v[i - 1], t[i], v[i], end_ms, counter);
	return v[i];
}

static int extended_floats(
	const struct promql__window *w, bool smoothed, bool counter, bool per_second, struct promql__value *ret)
{
	size_t first, last;
	double left, right, sum, prev, correction = 0;

	if (!promql__window_edges(w->ft, w->floats, w->start_ms, w->end_ms, smoothed, &first, &last))
		return 0;
	left = promql__left_edge(w->ft, w->fv, first, w->start_ms, smoothed, counter);
	right = promql__right_edge(w->ft, w->fv, last, w->end_ms, smoothed, counter);
	sum = right - left;
	if (counter) {
		/* Resets at the edges are in the interpolated values already. */
		size_t from = first + (w->ft[first] <= w->start_ms), to = last + 1 - (w->ft[last] >= w->end_ms);

		prev = left;
		for (size_t i = from; i < to; i++) {
			if (w->fv[i] < prev)
				correction += prev;
			prev = w->fv[i];
		}
		if (right < prev)
			correction += prev;
		sum += correction;
	}
	return promql__give_float(ret, per_second ? sum / promql__range_s(w->op) : sum);
}

/* ---- histograms --------------------------------------------------------------------------------- */

static int edge(const struct promql__window *w, size_t i, size_t j, int64_t t, bool counter, struct promql__hist *m)
{
	struct promql__site site = promql__site(w);

	if (i == j && promql__hist_load(m, promql__scratch(w), w->hv[i]) < 0)
		return promql__nomem(promql__wq(w));
	if (i == j)
		return 1;
	return promql__hist_interpolate(&site, w->hv[i], w->ht[i], w->hv[j], w->ht[j], t, counter, m);
}

static bool check_kinds(const struct promql__window *w, size_t first, size_t last, bool counter)
{
	for (size_t i = first; i <= last; i++) {
		if (promql__is_custom(w->hv[i]) != promql__is_custom(w->hv[first])) {
			promql__warn_schemas(promql__wq(w), w->op->pos, promql__name(w->labels));
			return false;
		}
		if (counter && w->hv[i]->reset_hint == PM_RESET_GAUGE)
			promql__warn_not_counter(promql__wq(w), w->op->pos, w->labels);
	}
	return true;
}

/* What was counted before each reset inside. The samples at the edges are told by left and right; a reset that the left
 * edge was interpolated across is in it, and one at the last sample is seen by looking at right. */
static int add_resets(const struct promql__window *w, size_t first, size_t last, const struct pm_histogram *left,
	const struct pm_histogram *right, bool smoothed, struct promql__hist *m)
{
	const struct pm_histogram *prev = left;
	size_t i = first + 1;
	int rc = 1;

	if (smoothed && w->ht[first] < w->start_ms && promql__hist_reset(w->hv[first + 1], w->hv[first])) {
		prev = w->hv[first + 1];
		i++;
	}
	if (i > last)
		return 1;
	for (; rc > 0 && i < last; i++) {
		if (promql__hist_reset(w->hv[i], prev))
			rc = promql__add_noting(w, m, prev, 1);
		prev = w->hv[i];
	}
	if (rc > 0 && promql__hist_reset(right, prev))
		rc = promql__add_noting(w, m, prev, 1);
	return rc;
}

static int extended_hists(
	const struct promql__window *w, bool smoothed, bool counter, bool per_second, struct promql__value *ret)
{
	struct promql__hist left = { 0 }, right = { 0 };
	const struct pm_histogram *l, *r;
	size_t first, last;
	int rc;

	if (!promql__window_edges(w->ht, w->hists, w->start_ms, w->end_ms, smoothed, &first, &last) ||
		!check_kinds(w, first, last, counter))
		return 0;
	rc = edge(w, first, smoothed && w->ht[first] < w->start_ms ? first + 1 : first, w->start_ms, counter, &left);
	if (rc > 0)
		rc = edge(w, smoothed && last > 0 && w->ht[last] > w->end_ms ? last - 1 : last, last, w->end_ms,
			counter, &right);
	if (rc <= 0)
		return rc;
	if (!counter && (left.reset_hint != PM_RESET_GAUGE || right.reset_hint != PM_RESET_GAUGE))
		promql__warn_not_gauge(promql__wq(w), w->op->pos, w->labels);
	l = promql__hist_store(&left, promql__scratch(w));
	r = promql__hist_store(&right, promql__scratch(w));
	if (!l || !r)
		return promql__nomem(promql__wq(w));
	rc = promql__add_noting(w, &right, l, -1);
	if (rc > 0 && counter)
		rc = add_resets(w, first, last, l, r, smoothed, &right);
	if (rc <= 0)
		return rc;
	if (per_second)
		promql__hist_div(&right, promql__range_s(w->op));
	right.reset_hint = PM_RESET_GAUGE;
	return promql__give_hist(w, &right, ret);
}

int promql__extended(const struct promql__window *w, bool counter, bool per_second, struct promql__value *ret)
{
	bool smoothed = w->op->source->smoothed;

	return w->floats ? extended_floats(w, smoothed, counter, per_second, ret)
			 : extended_hists(w, smoothed, counter, per_second, ret);
}

/* ---- the range itself --------------------------------------------------------------------------- */

static void cut_hists(struct promql__raw *r, int64_t start_ms, int64_t end_ms)
{
	while (r->hists && r->ht[0] <= start_ms) {
		r->ht++;
		r->hv++;
		r->hists--;
	}
	while (r->hists && r->ht[r->hists - 1] > end_ms)
		r->hists--;
}

int promql__extend(
	struct promql__query *q, const struct promql__source *s, const struct promql__grid *g, struct promql__raw *r)
{
	int64_t end = promql__when_at(&s->when, g, 0), start = promql__sub(end, s->range_ms);
	size_t first, last, n = 0;
	int64_t *t;
	double *v;

	cut_hists(r, start, end);
	if (r->floats == 0)
		return 0;
	if (!promql__window_edges(r->ft, r->floats, start, end, s->smoothed, &first, &last)) {
		r->floats = 0;
		return 0;
	}
	t = promql__array(q, r->floats + 2, sizeof *t);
	v = promql__array(q, r->floats + 2, sizeof *v);
	if (!t || !v)
		return PM_ERR_NOMEM;
	t[n] = start;
	v[n++] = promql__left_edge(r->ft, r->fv, first, start, s->smoothed, false);
	for (size_t i = first; i <= last; i++)
		if (r->ft[i] > start && r->ft[i] < end) {
			t[n] = r->ft[i];
			v[n++] = r->fv[i];
		}
	t[n] = end;
	v[n++] = promql__right_edge(r->ft, r->fv, last, end, s->smoothed, false);
	r->ft = t;
	r->fv = v;
	r->floats = n;
	return 0;
}
