/* rate.c - rate, increase and delta: the difference of the last and the first sample of a window, corrected for counter
 * resets and extrapolated to the ends of the window, where samples come close enough to them. */
#include "libpromql/eval/rollup.h"

bool promql__start_reset(int64_t prev_st, int64_t prev_t, int64_t st, int64_t t)
{
	if (st == 0 || st >= t || st < prev_t)
		return false; /* unknown, impossible, or before the sample we know */
	if (st > prev_t)
		return true;
	/* It began at the sample before: so do deltas, and counters of which nothing is known at their first sample. */
	return prev_st != 0 && prev_st < prev_t;
}

static bool start_overlaps(int64_t prev_st, int64_t prev_t, int64_t st)
{
	return st != 0 && st < prev_t && st != prev_st;
}

struct ends {
	int64_t first_ms, last_ms, start_ms, end_ms;
	size_t samples;
	double first;    /* the first sample's value, or count */
	double increase; /* what the window shows */
	bool counter;
};

/* The factor by which the increase grows when the window is taken to be covered. `start_st`: where the first sample
 * says that it began, if that is inside the window, or 0. */
static inline double extrapolation(const struct ends *e, int64_t start_st)
{
	double to_start = (double)(e->first_ms - e->start_ms) / 1000, to_end = (double)(e->end_ms - e->last_ms) / 1000;
	double sampled = (double)(e->last_ms - e->first_ms) / 1000;
	double average = e->samples > 1 ? sampled / (double)(e->samples - 1) : 0;
	double threshold = average * 1.1;

	if (start_st) {
		to_start = 0;
		sampled = (double)(e->last_ms - start_st) / 1000;
	} else {
		if (to_start >= threshold)
			to_start = average / 2;
		if (e->counter && e->increase > 0 && e->first >= 0) {
			double to_zero = sampled * (e->first / e->increase);

			if (to_zero < to_start)
				to_start = to_zero;
		}
	}
	if (to_end >= threshold)
		to_end = average / 2;
	return sampled != 0 ? (sampled + to_start + to_end) / sampled : 1;
}

static int64_t start_inside(const struct promql__window *w, const int64_t *st, int64_t first_ms)
{
	return st && st[0] != 0 && st[0] > w->start_ms && st[0] < first_ms ? st[0] : 0;
}

/* ---- floats ------------------------------------------------------------------------------------- */

static double float_increase(const struct promql__window *w, bool counter)
{
	double sum = w->fv[w->floats - 1] - w->fv[0];
	bool overlap = false;

	for (size_t i = 1; counter && i < w->floats; i++) {
		bool reset = w->fv[i] < w->fv[i - 1];

		if (w->fst) {
			overlap = overlap || start_overlaps(w->fst[i - 1], w->ft[i - 1], w->fst[i]);
			reset = reset || promql__start_reset(w->fst[i - 1], w->ft[i - 1], w->fst[i], w->ft[i]);
		}
		if (reset)
			sum += w->fv[i - 1];
	}
	if (overlap)
		promql__warn(promql__wq(w), w->op->pos,
			"sample has start time that overlaps with previous sample timestamp for "
			"metric %s",
			promql__quote(promql__wq(w), promql__name(w->labels)));
	return sum;
}

static int rate_of_floats(const struct promql__window *w, bool counter, bool per_second, struct promql__value *ret)
{
	int64_t st = counter ? start_inside(w, w->fst, w->ft[0]) : 0;
	struct ends e = { w->ft[0], w->ft[w->floats - 1], w->start_ms, w->end_ms, w->floats, w->fv[0], 0, counter };
	double factor;

	if (w->floats < 2 && !st)
		return 0;
	e.increase = float_increase(w, counter);
	factor = extrapolation(&e, st);
	if (st)
		e.increase += w->fv[0];
	if (per_second)
		factor /= promql__range_s(w->op);
	return promql__give_float(ret, e.increase * factor);
}

/* Positions where the counter fell; windows then look at those alone. */
static int find_resets(struct promql__rollup_op *op, const struct promql__raw *r, uint32_t *ret_count)
{
	uint32_t n = 0;

	for (size_t i = 1; i < r->floats; i++)
		n += r->fv[i] < r->fv[i - 1];
	if (promql__grow(op->op.q, &op->work, &op->work_cap, n) < 0)
		return PM_ERR_NOMEM;
	n = 0;
	for (size_t i = 1; n < op->work_cap && i < r->floats; i++)
		if (r->fv[i] < r->fv[i - 1])
			op->work[n++] = (uint32_t)i;
	*ret_count = n;
	return 0;
}

static int by_window(struct promql__rollup_op *op, const struct promql__raw *r, const uint32_t *lo, const uint32_t *hi,
	struct promql__col *ret)
{
	struct promql__window w = { .op = op, .labels = r->labels };
	struct promql__value v;

	for (size_t i = 0; i < op->op.grid->count; i++) {
		w.ft = r->ft + lo[i];
		w.fst = r->fst + lo[i];
		w.fv = r->fv + lo[i];
		w.floats = hi[i] - lo[i];
		w.end_ms = promql__when_at(&op->source->when, op->op.grid, i);
		w.start_ms = promql__sub(w.end_ms, op->source->range_ms);
		if (w.floats && rate_of_floats(&w, op->id != PROMQL_FN_DELTA, op->id == PROMQL_FN_RATE, &v))
			promql__set_float(ret, i, v.v);
	}
	return 0;
}

int promql__rate_floats(struct promql__rollup_op *op, const struct promql__raw *r, const uint32_t *lo,
	const uint32_t *hi, struct promql__col *ret)
{
	bool counter = op->id != PROMQL_FN_DELTA;
	double range_s = promql__range_s(op);
	uint32_t resets = 0, at = 0;

	if (r->fst)
		return by_window(op, r, lo, hi, ret);
	if (counter && find_resets(op, r, &resets) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < op->op.grid->count; i++) {
		uint32_t a = lo[i], b = hi[i];
		struct ends e = { .samples = b - a, .counter = counter };
		double factor;

		if (b - a < 2)
			continue;
		e.first_ms = r->ft[a];
		e.last_ms = r->ft[b - 1];
		e.end_ms = promql__when_at(&op->source->when, op->op.grid, i);
		e.start_ms = promql__sub(e.end_ms, op->source->range_ms);
		e.first = r->fv[a];
		e.increase = r->fv[b - 1] - r->fv[a];
		while (at < resets && op->work[at] <= a)
			at++;
		for (uint32_t k = at; k < resets && op->work[k] < b; k++)
			e.increase += r->fv[op->work[k] - 1];
		factor = extrapolation(&e, 0);
		if (op->id == PROMQL_FN_RATE)
			factor /= range_s;
		promql__set_float(ret, i, e.increase * factor);
	}
	return 0;
}

/* ---- histograms --------------------------------------------------------------------------------- */

static int rate_of_hists(const struct promql__window *w, bool counter, bool per_second, struct promql__value *ret)
{
	int64_t st = counter ? start_inside(w, w->hst, w->ht[0]) : 0;
	struct ends e = { w->ht[0], w->ht[w->hists - 1], w->start_ms, w->end_ms, w->hists, w->hv[0]->count, 0,
		counter };
	struct promql__hist m = { 0 };
	double factor;
	int rc = 1;

	if (w->hists < 2 && !st)
		return 0;
	if (w->hists > 1)
		rc = promql__hist_increase(w, counter, &m);
	if (rc <= 0)
		return rc;
	e.increase = m.count;
	factor = extrapolation(&e, st);
	if (st && w->hists > 1)
		rc = promql__add_noting(w, &m, w->hv[0], 1);
	else if (st && promql__hist_load(&m, &((struct promql__rollup_op *)w->op)->scratch, w->hv[0]) < 0)
		return promql__nomem(promql__wq(w));
	if (rc <= 0)
		return rc;
	if (per_second)
		factor /= promql__range_s(w->op);
	promql__hist_mul(&m, factor);
	return promql__give_hist(w, &m, ret);
}

static int rate(const struct promql__window *w, bool counter, bool per_second, struct promql__value *ret)
{
	const struct promql__source *s = w->op->source;

	if (w->floats && w->hists) {
		promql__warn_mixed(promql__wq(w), w->op->pos, w->labels);
		return 0;
	}
	if (s->anchored || s->smoothed)
		return promql__extended(w, counter, per_second, ret);
	return w->floats ? rate_of_floats(w, counter, per_second, ret) : rate_of_hists(w, counter, per_second, ret);
}

int promql__rate(const struct promql__window *w, struct promql__value *ret)
{
	return rate(w, true, true, ret);
}

int promql__increase(const struct promql__window *w, struct promql__value *ret)
{
	return rate(w, true, false, ret);
}

int promql__delta(const struct promql__window *w, struct promql__value *ret)
{
	return rate(w, false, false, ret);
}
