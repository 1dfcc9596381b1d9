/* smooth.c - smoothed instant vector selectors: the value at a step is interpolated between the samples around it,
 * which may be a lookback away on either side. Where only an older sample is there it counts as it is. */
#include "libpromql/eval/hist.h"
#include "libpromql/eval/source.h"

struct smooth_op {
	struct promql__op op;
	struct promql__when when;
	struct pm_series_set *set;
	struct promql__col col;
	uint32_t *real; /* samples of the series that are no stale markers */
	size_t real_cap;
	struct pm_arena scratch; /* interpolated histograms of this series */
};

static int open_set(struct smooth_op *op)
{
	const struct promql_selector *s = &op->op.node->selector;
	const struct promql__grid *g = op->op.grid;
	struct promql__query *q = op->op.q;
	struct pm_select sel = { .matchers = s->matchers, .matcher_count = s->matcher_count };

	sel.min_ms = promql__sub(promql__when_at(&op->when, g, 0), q->opts.lookback_ms - 1);
	sel.max_ms = promql__add(promql__when_at(&op->when, g, g->count - 1), q->opts.lookback_ms);
	return q->querier->select(q->querier, &sel, &op->set, q->err);
}

static bool is_hist(const struct pm_samples *s, size_t i)
{
	return s->h && s->h[i];
}

static void put_float(struct smooth_op *op, const struct pm_samples *s, size_t step, int64_t at, uint32_t a, uint32_t b)
{
	double v = s->v[a];

	if (b != a)
		v += (s->v[b] - v) * (double)(at - s->t_ms[a]) / (double)(s->t_ms[b] - s->t_ms[a]);
	promql__set_float(&op->col, step, v);
}

/* Carried on, a histogram says nothing of resets any more. */
static const struct pm_histogram *carried(struct smooth_op *op, const struct pm_histogram *h)
{
	struct pm_histogram *c = pm_arena_alloc(&op->scratch, sizeof *c);

	if (!c)
		return NULL;
	*c = *h;
	if (h->reset_hint != PM_RESET_GAUGE)
		c->reset_hint = PM_RESET_UNKNOWN;
	return c;
}

static int put_hist(
	struct smooth_op *op, const struct pm_series *series, size_t step, int64_t at, uint32_t i, uint32_t j)
{
	const struct pm_samples *s = &series->samples;
	const struct pm_histogram *a = s->h[i], *b = s->h[j], *h = a;
	struct promql__query *q = op->op.q;
	struct promql__site site = { q, op->op.node->start, promql__name(series->labels), &op->scratch };
	struct promql__hist m = { 0 };
	int rc = 1;

	if (promql__col_hists(q, op->op.grid, &op->col) < 0)
		return PM_ERR_NOMEM;
	if (promql__is_custom(a) != promql__is_custom(b)) {
		promql__warn_schemas(q, site.pos, site.name);
		return 0;
	}
	if (i == j) {
		h = s->t_ms[i] == at ? a : carried(op, a);
	} else {
		rc = promql__hist_interpolate(&site, a, s->t_ms[i], b, s->t_ms[j], at,
			a->reset_hint != PM_RESET_GAUGE || b->reset_hint != PM_RESET_GAUGE, &m);
		if (rc <= 0)
			return rc;
		h = promql__hist_store(&m, &op->scratch);
	}
	if (!h)
		return promql__nomem(q);
	op->col.h[step] = h;
	op->col.kind[step] = PROMQL__HIST;
	return 0;
}

/* The samples [lo, hi) of op->real are in the window of the step. */
static int put_step(struct smooth_op *op, const struct pm_series *series, size_t step, int64_t at, size_t lo, size_t hi)
{
	const struct pm_samples *s = &series->samples;
	bool hist = is_hist(s, op->real[lo]);
	size_t i = lo;
	uint32_t a, b;

	for (size_t k = lo; k < hi; k++)
		if (is_hist(s, op->real[k]) != hist) {
			promql__warn_mixed(op->op.q, op->op.node->start, series->labels);
			return 0;
		}
	if (s->t_ms[op->real[lo]] > at)
		return 0;
	while (i + 1 < hi && s->t_ms[op->real[i + 1]] <= at)
		i++;
	a = b = op->real[i];
	if (s->t_ms[a] < at && i + 1 < hi)
		b = op->real[i + 1];
	if (hist)
		return put_hist(op, series, step, at, a, b);
	put_float(op, s, step, at, a, b);
	return 0;
}

static int put_series(struct smooth_op *op, const struct pm_series *series)
{
	const struct pm_samples *s = &series->samples;
	struct promql__query *q = op->op.q;
	size_t n = 0, lo = 0, hi = 0;
	int rc = promql__grow(q, &op->real, &op->real_cap, s->count);

	pm_arena_reset(&op->scratch);
	promql__col_clear(op->op.grid, &op->col);
	op->col.labels = series->labels;
	for (size_t i = 0; rc == 0 && i < s->count; i++)
		if (is_hist(s, i) || !pm_is_stale(s->v[i]))
			op->real[n++] = (uint32_t)i;
	for (size_t i = 0; rc == 0 && i < op->op.grid->count; i++) {
		int64_t at = promql__when_at(&op->when, op->op.grid, i);

		while (hi < n && s->t_ms[op->real[hi]] <= promql__add(at, q->opts.lookback_ms))
			hi++;
		while (lo < hi && s->t_ms[op->real[lo]] <= promql__sub(at, q->opts.lookback_ms))
			lo++;
		if (lo < hi)
			rc = put_step(op, series, i, at, lo, hi);
	}
	return rc;
}

static int smooth_next(struct promql__op *base, struct promql__col *ret)
{
	struct smooth_op *op = (struct smooth_op *)base;
	struct promql__query *q = base->q;
	struct pm_series s;
	int rc = op->set ? 0 : open_set(op);

	while (rc == 0 && (rc = op->set->next(op->set, &s, q->err)) > 0) {
		rc = put_series(op, &s);
		if (rc < 0)
			return rc;
		rc = promql__op_give(base, &op->col);
		q->samples_total += op->col.floats + op->col.hists;
		*ret = op->col;
		if (rc < 0 || op->col.floats + op->col.hists)
			return rc;
		rc = 0;
	}
	return rc;
}

static void smooth_close(struct promql__op *base)
{
	struct smooth_op *op = (struct smooth_op *)base;

	if (op->set)
		op->set->free(op->set);
	op->set = NULL;
	pm_arena_release(&op->scratch);
}

int promql__build_smooth(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct smooth_op *op = promql__op_new(q, sizeof *op, n, g);

	if (!op || promql__col_init(q, g, &op->col) < 0)
		return PM_ERR_NOMEM;
	op->op.next = smooth_next;
	op->op.close = smooth_close;
	*ret = &op->op;
	return promql__when(q, &n->selector.mod, &op->when);
}
