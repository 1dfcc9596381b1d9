/* source.c - the samples of a range vector: a selector's as they were stored, a subquery's as its expression says them.
 */
#include "libpromql/eval/source.h"

/* Floats and histograms of one series, apart. */
struct split {
	int64_t *ft, *fst, *ht, *hst;
	double *fv;
	const struct pm_histogram **hv;
	size_t float_cap, hist_cap;
	size_t floats, hists;
};

static int split_reserve(struct promql__query *q, struct split *s, size_t floats, size_t hists)
{
	size_t cap = s->float_cap, hcap = s->hist_cap;

	s->floats = s->hists = 0;
	if (floats > cap) {
		s->float_cap = cap = floats > cap * 2 ? floats : cap * 2;
		s->ft = promql__array(q, cap, sizeof *s->ft);
		s->fst = promql__array(q, cap, sizeof *s->fst);
		s->fv = promql__array(q, cap, sizeof *s->fv);
		if (!s->ft || !s->fst || !s->fv)
			return PM_ERR_NOMEM;
	}
	if (hists > hcap) {
		s->hist_cap = hcap = hists > hcap * 2 ? hists : hcap * 2;
		s->ht = promql__array(q, hcap, sizeof *s->ht);
		s->hst = promql__array(q, hcap, sizeof *s->hst);
		s->hv = promql__array(q, hcap, sizeof *s->hv);
		if (!s->ht || !s->hst || !s->hv)
			return PM_ERR_NOMEM;
	}
	return 0;
}

static inline void put_float(struct split *s, int64_t t_ms, double v, int64_t st_ms)
{
	s->ft[s->floats] = t_ms;
	s->fst[s->floats] = st_ms;
	s->fv[s->floats++] = v;
}

static inline void put_hist(struct split *s, int64_t t_ms, const struct pm_histogram *h, int64_t st_ms)
{
	s->ht[s->hists] = t_ms;
	s->hst[s->hists] = st_ms;
	s->hv[s->hists++] = h;
}

static void split_view(const struct split *s, bool with_start, struct promql__raw *ret)
{
	ret->ft = s->ft;
	ret->fv = s->fv;
	ret->fst = with_start ? s->fst : NULL;
	ret->floats = s->floats;
	ret->ht = s->ht;
	ret->hv = s->hv;
	ret->hst = with_start ? s->hst : NULL;
	ret->hists = s->hists;
}

/* ---- selectors ---------------------------------------------------------------------------------- */

struct matrix_op {
	struct promql__source s;
	struct pm_series_set *set;
	struct split split;
	bool stats;              /* histograms are read for their count and sum */
	struct pm_arena scratch; /* for that, of this series */
};

static int open_set(struct matrix_op *op)
{
	struct promql__query *q = op->s.op.q;
	const struct promql_selector *s = &op->s.op.node->matrix.selector->selector;
	const struct promql__grid *g = op->s.op.grid;
	int64_t back = op->s.range_ms, more = q->opts.lookback_ms;
	struct pm_select sel = { .matchers = s->matchers, .matcher_count = s->matcher_count };

	if (s->anchored || s->smoothed)
		back = promql__add(back, more);
	sel.min_ms = promql__sub(promql__when_at(&op->s.when, g, 0), back - 1);
	sel.max_ms = promql__when_at(&op->s.when, g, g->count - 1);
	if (s->smoothed)
		sel.max_ms = promql__add(sel.max_ms, more);
	if (!s->anchored && !s->smoothed)
		sel.windows = (struct pm_windows){ .use = op->s.use,
			.start_ms = promql__when_at(&op->s.when, g, 0),
			.step_ms = op->s.when.fixed ? 0 : g->step_ms,
			.range_ms = op->s.range_ms,
			.count = op->s.when.fixed ? 1 : g->count };
	return q->querier->select(q->querier, &sel, &op->set, q->err);
}

static bool any_stale(const struct pm_samples *s)
{
	bool stale = false;

	for (size_t i = 0; i < s->count; i++)
		stale |= pm_double_bits(s->v[i]) == PM_STALE_NAN_BITS;
	return stale;
}

/* Most series have floats alone and no stale marker: they are passed on as they are. */
static int split_samples(struct matrix_op *op, const struct pm_samples *s, struct promql__raw *ret)
{
	bool with_start = s->st_ms && op->s.op.q->opts.use_start_timestamps;
	int rc;

	if (!s->h && !any_stale(s)) {
		ret->ft = s->t_ms;
		ret->fv = s->v;
		ret->fst = with_start ? s->st_ms : NULL;
		ret->floats = s->count;
		ret->time_id = s->time_id;
		return 0;
	}
	rc = split_reserve(op->s.op.q, &op->split, s->count, s->h ? s->count : 0);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s->count; i++) {
		int64_t st = s->st_ms ? s->st_ms[i] : 0;

		if (s->h && s->h[i])
			put_hist(&op->split, s->t_ms[i], s->h[i], st);
		else if (!pm_is_stale(s->v[i]))
			put_float(&op->split, s->t_ms[i], s->v[i], st);
	}
	split_view(&op->split, with_start, ret);
	return 0;
}

static int matrix_next(struct promql__op *base, struct promql__raw *ret)
{
	struct matrix_op *op = (struct matrix_op *)base;
	struct pm_series s;
	int rc = op->set ? 0 : open_set(op);

	if (rc == 0)
		rc = promql__check(base->q);
	if (rc == 0)
		rc = op->set->next(op->set, &s, base->q->err);
	if (rc <= 0)
		return rc;
	*ret = (struct promql__raw){ .labels = s.labels };
	base->q->samples_total += s.samples.count;
	if (op->stats && s.samples.h) {
		pm_arena_reset(&op->scratch);
		rc = promql__stats_hints(base->q, &op->scratch, &s.samples);
	}
	if (rc >= 0)
		rc = split_samples(op, &s.samples, ret);
	return rc < 0 ? rc : 1;
}

static void matrix_close(struct promql__op *base)
{
	struct matrix_op *op = (struct matrix_op *)base;

	if (op->set)
		op->set->free(op->set);
	op->set = NULL;
	pm_arena_release(&op->scratch);
}

static int build_matrix(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	const struct promql_selector *sel = &n->matrix.selector->selector;
	struct matrix_op *op = promql__op_new(q, sizeof *op, n, g);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->s.op.next_raw = matrix_next;
	op->s.op.close = matrix_close;
	op->stats = promql__stats_only(q, n->matrix.selector);
	pm_arena_init(&op->scratch, q->opts.bytes_max);
	op->s.anchored = sel->anchored;
	op->s.smoothed = sel->smoothed;
	rc = promql__when(q, &sel->mod, &op->s.when);
	if (rc == 0)
		rc = promql__duration(q, n->matrix.range_expr, n->matrix.range_ms, &op->s.range_ms);
	*ret = &op->s.op;
	return rc;
}

/* ---- subqueries --------------------------------------------------------------------------------- */

struct subquery_op {
	struct promql__source s;
	struct promql__grid grid;
	struct promql__op *child; /* NULL: the subquery has no steps */
	struct split split;
	struct pm_histogram *unhinted; /* see below */
};

/* What happened between two samples of the series is not what happened between two of the subquery: hints on counter
 * resets are taken off. */
static const struct pm_histogram *without_hint(struct subquery_op *op, size_t i, const struct pm_histogram *h)
{
	if (h->reset_hint != PM_RESET_YES && h->reset_hint != PM_RESET_NO)
		return h;
	op->unhinted[i] = *h;
	op->unhinted[i].reset_hint = PM_RESET_UNKNOWN;
	return &op->unhinted[i];
}

static int subquery_next(struct promql__op *base, struct promql__raw *ret)
{
	struct subquery_op *op = (struct subquery_op *)base;
	struct promql__col c;
	int rc = op->child ? op->child->next(op->child, &c) : 0;

	if (rc == 0 && op->child)
		promql__op_done(op->child);
	if (rc <= 0)
		return rc;
	rc = split_reserve(base->q, &op->split, c.floats, c.hists);
	if (rc == 0 && c.hists && !op->unhinted) {
		op->unhinted = promql__array(base->q, op->grid.count, sizeof *op->unhinted);
		rc = op->unhinted ? 0 : PM_ERR_NOMEM;
	}
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < op->grid.count; i++) {
		if (c.kind[i] == PROMQL__FLOAT)
			put_float(&op->split, promql__at(&op->grid, i), c.v[i], 0);
		else if (c.kind[i] == PROMQL__HIST)
			put_hist(&op->split, promql__at(&op->grid, i), without_hint(op, i, c.h[i]), 0);
	}
	*ret = (struct promql__raw){ .labels = c.labels, .drop_name = c.drop_name };
	split_view(&op->split, false, ret);
	return 1;
}

static int build_subquery(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct subquery_op *op = promql__op_new(q, sizeof *op, n, g);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->s.op.next_raw = subquery_next;
	rc = promql__subgrid(q, n, g, &op->s.when, &op->s.range_ms, &op->grid);
	if (rc == 0 && op->grid.count)
		rc = promql__build(q, n->subquery.expr, &op->grid, &op->child);
	*ret = &op->s.op;
	return rc;
}

int promql__build_raw(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	n = promql__unparen(n);
	if (n->kind == PROMQL_NODE_MATRIX)
		return build_matrix(q, n, g, ret);
	return build_subquery(q, n, g, ret);
}
