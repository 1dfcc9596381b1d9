/* query.c - one query from beginning to end: defaults, plan, run, answer, tear down. */
#include "libpromql/eval/extended.h"
#include "libpromql/eval/result.h"

enum { LOOKBACK_MS = 5 * 60 * 1000, SAMPLES_MAX = 50000000 };

/* ---- names that go at the end (delayed name removal) -------------------------------------------- */

struct cleanup_op {
	struct promql__op op;
	struct promql__op *child;
};

static int cleanup_next(struct promql__op *base, struct promql__col *ret)
{
	struct promql__op *child = ((struct cleanup_op *)base)->child;
	int rc = child->next(child, ret);

	if (rc > 0 && ret->drop_name && promql__drop_meta(base->q, ret->labels, &ret->labels) < 0)
		return PM_ERR_NOMEM;
	return rc;
}

/* Series may become equal only now: they are merged, or refused where two have a value at one step. */
static int with_cleanup(struct promql__query *q, struct promql__op *child, struct promql__op **ret)
{
	struct cleanup_op *op;

	*ret = child;
	if (!q->opts.delayed_name_removal)
		return 0;
	op = promql__op_new(q, sizeof *op, child->node, child->grid);
	if (!op)
		return PM_ERR_NOMEM;
	op->op.next = cleanup_next;
	op->child = child;
	*ret = promql__merge_op(&op->op);
	return *ret ? 0 : PM_ERR_NOMEM;
}

/* ---- running ------------------------------------------------------------------------------------ */

static int run_columns(
	struct promql__query *q, const struct promql_node *root, const struct promql__grid *g, struct promql__answer *a)
{
	struct promql__op *op;
	struct promql__col c;
	int rc = promql__build(q, root, g, &op);

	if (rc == 0)
		rc = with_cleanup(q, op, &op);
	if (rc < 0)
		return rc;
	while ((rc = op->next(op, &c)) > 0) {
		if (c.floats + c.hists == 0)
			continue;
		rc = promql__answer_col(q, a, g, &c);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int run_matrix(
	struct promql__query *q, const struct promql_node *root, const struct promql__grid *g, struct promql__answer *a)
{
	const struct promql__source *source;
	struct promql__op *op;
	struct promql__raw r;
	int rc = promql__build_raw(q, root, g, &op);

	if (rc < 0)
		return rc;
	source = (const struct promql__source *)op;
	while ((rc = op->next_raw(op, &r)) > 0) {
		if ((source->anchored || source->smoothed) && promql__extend(q, source, g, &r) < 0)
			return PM_ERR_NOMEM;
		if (r.drop_name && promql__drop_meta(q, r.labels, &r.labels) < 0)
			return PM_ERR_NOMEM;
		if (r.floats + r.hists)
			rc = promql__answer_raw(q, a, &r);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int run(struct promql__query *q, struct promql__answer *a)
{
	const struct promql_node *root = promql__unparen(q->expr->root);
	bool range = q->opts.step_ms > 0;
	struct promql__grid g;
	int rc;

	if (q->opts.experimental_off) {
		rc = promql__refuse_experimental(q, q->expr->root);
		if (rc < 0)
			return rc;
	}
	if (range && root->type != PROMQL_SCALAR && root->type != PROMQL_VECTOR)
		return pm_fail(q->err, PM_ERR_INVALID,
			"invalid expression type \"%s\" for range query, must be Scalar or "
			"instant Vector",
			root->type == PROMQL_MATRIX ? "range vector" : promql_type_name(root->type));
	rc = promql__grid_make(
		q, q->opts.start_ms, range ? q->opts.end_ms : q->opts.start_ms, range ? q->opts.step_ms : 1, &g);
	if (rc < 0)
		return rc;
	a->r.type = range ? PROMQL_MATRIX : root->type;
	a->r.t_ms = q->opts.start_ms;
	if (root->type == PROMQL_STRING) {
		a->r.string = pm_arena_str(&a->arena, root->string);
		return a->r.string.ptr ? 0 : promql__nomem(q);
	}
	if (g.count == 0)
		return 0;
	rc = promql__stats_find(q);
	if (rc < 0)
		return rc;
	return root->type == PROMQL_MATRIX ? run_matrix(q, root, &g, a) : run_columns(q, root, &g, a);
}

static void set_up(struct promql__query *q, const struct promql_expr *e, struct pm_querier *querier,
	const struct promql_opts *opts, struct pm_error *err)
{
	*q = (struct promql__query){ .expr = e, .querier = querier, .opts = *opts, .err = err };
	if (q->opts.lookback_ms <= 0)
		q->opts.lookback_ms = LOOKBACK_MS;
	if (q->opts.samples_max == 0)
		q->opts.samples_max = SAMPLES_MAX;
	if (q->opts.step_ms <= 0) {
		q->opts.step_ms = 0;
		q->opts.end_ms = q->opts.start_ms;
	}
	pm_arena_init(&q->arena, q->opts.bytes_max);
}

static void tear_down(struct promql__query *q)
{
	for (struct promql__op *op = q->ops; op; op = op->link)
		if (op->close)
			op->close(op);
	pm_arena_release(&q->text);
	pm_arena_release(&q->arena);
}

int promql_query(const struct promql_expr *e, struct pm_querier *querier, const struct promql_opts *opts,
	struct promql_result **ret, struct pm_error *err)
{
	struct promql__query q;
	struct promql__answer *a;
	int rc = PM_ERR_NOMEM;

	set_up(&q, e, querier, opts, err);
	a = promql__answer_new(&q);
	if (a)
		rc = run(&q, a);
	if (rc == 0)
		rc = promql__answer_finish(&q, a);
	if (rc == PM_ERR_NOMEM && q.arena.over_cap)
		rc = PM_ERR_LIMIT;
	tear_down(&q);
	if (rc == 0)
		*ret = &a->r;
	else
		promql_result_free(a ? &a->r : NULL);
	return rc;
}
