/* fold.c - aggregations whose groups take in one series after the other and keep a few numbers a step: sum, avg, min,
 * max, count, group, stddev, stdvar. Series come in order, so that sums round as upstream's. */
#include "libpromql/eval/fold.h"

#include <math.h>

static bool needs(enum promql_agg agg, char what)
{
	switch (what) {
	case 'c':
		return agg == PROMQL_AGG_SUM || agg == PROMQL_AGG_AVG;
	case 'n':
		return agg == PROMQL_AGG_AVG || agg == PROMQL_AGG_STDDEV || agg == PROMQL_AGG_STDVAR;
	default:
		return agg == PROMQL_AGG_AVG || agg == PROMQL_AGG_STDDEV || agg == PROMQL_AGG_STDVAR;
	}
}

static int new_fold(struct promql__fold_op *op, struct promql__fold *f)
{
	struct promql__query *q = op->t.op.q;
	size_t size = op->t.op.grid->count * sizeof(double);

	*f = (struct promql__fold){ .flags = promql__zalloc(q, op->t.op.grid->count), .v = promql__zalloc(q, size) };
	if (needs(op->agg, 'c'))
		f->c = promql__zalloc(q, size);
	if (needs(op->agg, 'n'))
		f->n = promql__zalloc(q, size);
	if (needs(op->agg, 'm'))
		f->mean = promql__zalloc(q, size);
	return f->flags && f->v && (f->c || !needs(op->agg, 'c')) && (f->n || !needs(op->agg, 'n')) &&
			       (f->mean || !needs(op->agg, 'm'))
		       ? 0
		       : PM_ERR_NOMEM;
}

/* ---- floats: one loop an aggregation ------------------------------------------------------------ */

static void sum_floats(struct promql__fold *f, const struct promql__col *c, size_t count)
{
	if (c->floats == count) {
		for (size_t i = 0; i < count; i++)
			promql__kahan(c->v[i], &f->v[i], &f->c[i]);
		for (size_t i = 0; i < count; i++)
			f->flags[i] |= FOLD_SEEN | FOLD_FLOAT;
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (c->kind[i] == PROMQL__FLOAT) {
			promql__kahan(c->v[i], &f->v[i], &f->c[i]);
			f->flags[i] |= FOLD_SEEN | FOLD_FLOAT;
		}
}

/* The sum while it stays finite; then a running mean takes over. */
static void avg_float(struct promql__fold *f, size_t i, double v)
{
	double n = ++f->n[i], part = (n - 1) / n;

	if (!(f->flags[i] & FOLD_SEEN)) {
		f->v[i] = v;
		f->flags[i] |= FOLD_SEEN | FOLD_FLOAT;
		return;
	}
	f->flags[i] |= FOLD_FLOAT;
	if (!(f->flags[i] & FOLD_RUNNING)) {
		double sum = f->v[i], c = f->c[i];

		promql__kahan(v, &sum, &c);
		if (!isinf(sum)) {
			f->v[i] = sum;
			f->c[i] = c;
			return;
		}
		f->flags[i] |= FOLD_RUNNING;
		f->mean[i] = f->v[i] / (n - 1);
		f->c[i] /= n - 1;
	}
	f->mean[i] *= part;
	f->c[i] *= part;
	promql__kahan(v / n, &f->mean[i], &f->c[i]);
}

/* Welford's method; an infinity or NaN at first makes it all NaN. */
static void spread_float(struct promql__fold *f, size_t i, double v)
{
	double delta;

	f->n[i]++;
	if (!(f->flags[i] & FOLD_SEEN)) {
		f->v[i] = isnan(v) || isinf(v) ? promql__nan() : 0;
		f->mean[i] = v;
		f->flags[i] |= FOLD_SEEN;
		return;
	}
	delta = v - f->mean[i];
	f->mean[i] += delta / f->n[i];
	f->v[i] += delta * (v - f->mean[i]);
}

static void min_max_floats(struct promql__fold *f, const struct promql__col *c, size_t count, bool max)
{
	for (size_t i = 0; i < count; i++) {
		double v = c->v[i], best = f->v[i];

		if (c->kind[i] != PROMQL__FLOAT)
			continue;
		if (!(f->flags[i] & FOLD_SEEN) || (max ? best < v : best > v) || isnan(best))
			f->v[i] = v;
		f->flags[i] |= FOLD_SEEN;
	}
}

static void count_all(struct promql__fold *f, const struct promql__col *c, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		f->v[i] += c->kind[i] != PROMQL__NONE;
		f->flags[i] |= c->kind[i] != PROMQL__NONE ? FOLD_SEEN : 0;
	}
}

static void fold_floats(enum promql_agg agg, struct promql__fold *f, const struct promql__col *c, size_t count)
{
	switch (agg) {
	case PROMQL_AGG_SUM:
		sum_floats(f, c, count);
		return;
	case PROMQL_AGG_MIN:
	case PROMQL_AGG_MAX:
		min_max_floats(f, c, count, agg == PROMQL_AGG_MAX);
		return;
	case PROMQL_AGG_COUNT:
	case PROMQL_AGG_GROUP:
		count_all(f, c, count);
		return;
	default:
		break;
	}
	for (size_t i = 0; i < count; i++)
		if (c->kind[i] == PROMQL__FLOAT) {
			if (agg == PROMQL_AGG_AVG)
				avg_float(f, i, c->v[i]);
			else
				spread_float(f, i, c->v[i]);
		}
}

/* ---- taking in a series ------------------------------------------------------------------------- */

static int fold_hists(struct promql__fold_op *op, struct promql__fold *f, const struct promql__col *c)
{
	int rc = 0;

	if (op->agg == PROMQL_AGG_COUNT || op->agg == PROMQL_AGG_GROUP)
		return 0;
	if (op->agg != PROMQL_AGG_SUM && op->agg != PROMQL_AGG_AVG) {
		promql__info_ignored(op->t.op.q, op->pos, promql__agg_name(op->agg));
		return 0;
	}
	for (size_t i = 0; rc == 0 && i < op->t.op.grid->count; i++)
		if (c->kind[i] == PROMQL__HIST)
			rc = promql__fold_hist(op, f, i, c);
	return rc;
}

static int take_in(struct promql__fold_op *op, const struct promql__col *c)
{
	struct promql__query *q = op->t.op.q;
	size_t before = op->groups.count;
	struct promql__fold *f;
	uint32_t i;
	int rc = promql__group_of(q, &op->groups, c->labels, &i);

	if (rc == 0)
		rc = promql__grow(q, &op->folds, &op->fold_cap, op->groups.count);
	if (rc < 0)
		return rc;
	f = &op->folds[i];
	if (op->groups.count > before && new_fold(op, f) < 0)
		return PM_ERR_NOMEM;
	f->drop_name = f->drop_name || c->drop_name;
	if (c->hists)
		rc = fold_hists(op, f, c);
	if (rc == 0)
		fold_floats(op->agg, f, c, op->t.op.grid->count);
	return rc;
}

/* ---- the answer --------------------------------------------------------------------------------- */

static double result(enum promql_agg agg, const struct promql__fold *f, size_t i)
{
	switch (agg) {
	case PROMQL_AGG_SUM:
		return f->v[i] + f->c[i];
	case PROMQL_AGG_AVG:
		if (f->flags[i] & FOLD_RUNNING)
			return f->mean[i] + f->c[i];
		return f->v[i] / f->n[i] + f->c[i] / f->n[i];
	case PROMQL_AGG_GROUP:
		return 1;
	case PROMQL_AGG_STDVAR:
		return f->v[i] / f->n[i];
	case PROMQL_AGG_STDDEV:
		return sqrt(f->v[i] / f->n[i]);
	default:
		return f->v[i];
	}
}

static int put_hist(struct promql__fold_op *op, struct promql__fold *f, size_t i, struct promql__col *c)
{
	const struct pm_histogram *h;
	int rc = promql__fold_hist_end(op, f, i, &h);

	if (rc <= 0)
		return rc;
	if (promql__col_hists(op->t.op.q, op->t.op.grid, c) < 0)
		return PM_ERR_NOMEM;
	c->h[i] = h;
	c->kind[i] = PROMQL__HIST;
	return 0;
}

static int finish(struct promql__fold_op *op, size_t group, struct promql__col *c)
{
	struct promql__fold *f = &op->folds[group];
	int rc = promql__col_init(op->t.op.q, op->t.op.grid, c);

	c->labels = op->groups.labels[group];
	c->drop_name = f->drop_name;
	for (size_t i = 0; rc == 0 && i < op->t.op.grid->count; i++) {
		if (f->flags[i] & FOLD_HIST)
			rc = put_hist(op, f, i, c);
		else if (f->flags[i] & FOLD_SEEN)
			promql__set_float(c, i, result(op->agg, f, i));
	}
	return rc;
}

static int fold_fill(struct promql__table_op *base)
{
	struct promql__fold_op *op = (struct promql__fold_op *)base;
	struct promql__table *t = &base->table;
	struct promql__col c;
	int rc;

	while ((rc = op->child->next(op->child, &c)) > 0) {
		rc = take_in(op, &c);
		if (rc < 0)
			return rc;
	}
	promql__op_done(op->child);
	if (rc < 0)
		return rc;
	rc = promql__grow(base->op.q, &t->v, &t->cap, op->groups.count);
	for (; rc == 0 && t->count < op->groups.count; t->count++)
		rc = finish(op, t->count, &t->v[t->count]);
	return rc;
}

int promql__build_fold(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	const struct promql_node *expr = promql__unparen(n->agg.expr);
	struct promql__fold_op *op = promql__table_op_new(q, sizeof *op, n, g, fold_fill);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->agg = n->agg.op;
	op->pos = expr->start;
	*ret = &op->t.op;
	rc = promql__groups_init(q, n, &op->groups);
	return rc < 0 ? rc : promql__build(q, expr, g, &op->child);
}
