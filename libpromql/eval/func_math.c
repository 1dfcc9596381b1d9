/* func_math.c - functions that make a float of a float: each series' column is changed in place. Histograms pass
 * through unary minus and through no other of these. */
#include "libpromql/eval/funcs.h"

#include "libpromql/eval/hist.h"

#include <math.h>

typedef double unary_fn(double v);

struct math_op {
	struct promql__op op;
	struct promql__op *child;
	enum promql_fn id;
	unary_fn *fn;            /* or NULL: see in_place() */
	const double *args[2];   /* scalar arguments, all steps */
	struct pm_arena scratch; /* for negated histograms */
};

static double deg(double v)
{
	return v * 180 / M_PI;
}

static double rad(double v)
{
	return v * M_PI / 180;
}

static double sgn(double v)
{
	return v < 0 ? -1 : v > 0 ? 1 : v;
}

static unary_fn *unary(enum promql_fn id)
{
	static unary_fn *const fns[PROMQL_FN_COUNT_] = {
		[PROMQL_FN_ABS] = fabs,
		[PROMQL_FN_CEIL] = ceil,
		[PROMQL_FN_FLOOR] = floor,
		[PROMQL_FN_EXP] = exp,
		[PROMQL_FN_SQRT] = sqrt,
		[PROMQL_FN_LN] = log,
		[PROMQL_FN_LOG2] = log2,
		[PROMQL_FN_LOG10] = log10,
		[PROMQL_FN_SIN] = sin,
		[PROMQL_FN_COS] = cos,
		[PROMQL_FN_TAN] = tan,
		[PROMQL_FN_ASIN] = asin,
		[PROMQL_FN_ACOS] = acos,
		[PROMQL_FN_ATAN] = atan,
		[PROMQL_FN_SINH] = sinh,
		[PROMQL_FN_COSH] = cosh,
		[PROMQL_FN_TANH] = tanh,
		[PROMQL_FN_ASINH] = asinh,
		[PROMQL_FN_ACOSH] = acosh,
		[PROMQL_FN_ATANH] = atanh,
		[PROMQL_FN_DEG] = deg,
		[PROMQL_FN_RAD] = rad,
		[PROMQL_FN_SGN] = sgn,
	};

	return fns[id];
}

static void drop_hists(const struct promql__grid *g, struct promql__col *c)
{
	for (size_t i = 0; c->hists && i < g->count; i++)
		if (c->kind[i] == PROMQL__HIST)
			c->kind[i] = PROMQL__NONE;
}

static void clamp(const struct math_op *op, struct promql__col *c)
{
	bool has_min = op->id != PROMQL_FN_CLAMP_MAX, has_max = op->id != PROMQL_FN_CLAMP_MIN;
	const double *min = has_min ? op->args[0] : NULL, *max = op->id == PROMQL_FN_CLAMP ? op->args[1] : op->args[0];

	for (size_t i = 0; i < op->op.grid->count; i++) {
		double low = min ? min[i] : -INFINITY, high = has_max ? max[i] : INFINITY;

		if (high < low)
			c->kind[i] = PROMQL__NONE;
		c->v[i] = promql__max(low, promql__min(high, c->v[i]));
	}
}

/* Values of steps without a float are changed, too: it costs nothing and nobody looks. */
static void in_place(const struct math_op *op, struct promql__col *c)
{
	size_t n = op->op.grid->count;

	if (op->fn) {
		for (size_t i = 0; i < n; i++)
			if (c->kind[i] == PROMQL__FLOAT)
				c->v[i] = op->fn(c->v[i]);
	} else if (op->id == PROMQL_FN_ROUND) {
		for (size_t i = 0; i < n; i++) {
			double inverse = 1.0 / (op->args[0] ? op->args[0][i] : 1);

			c->v[i] = floor(c->v[i] * inverse + 0.5) / inverse;
		}
	} else {
		clamp(op, c);
	}
}

static int math_next(struct promql__op *base, struct promql__col *ret)
{
	struct math_op *op = (struct math_op *)base;
	int rc;

	while ((rc = op->child->next(op->child, ret)) > 0) {
		drop_hists(base->grid, ret);
		in_place(op, ret);
		rc = promql__forget_name(base->q, ret);
		if (rc == 0)
			rc = promql__op_give(base, ret);
		if (rc < 0 || ret->floats)
			return rc;
	}
	promql__op_done(op->child);
	return rc;
}

int promql__build_math(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct math_op *op = promql__op_new(q, sizeof *op, n, g);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->op.next = math_next;
	op->id = n->call.func->id;
	op->fn = unary(op->id);
	rc = promql__build(q, promql__arg(n, 0), g, &op->child);
	for (size_t i = 1; rc == 0 && i < n->call.arg_count && i < 3; i++) {
		double *v;

		rc = promql__scalar(q, promql__arg(n, i), g, &v);
		op->args[i - 1] = v;
	}
	return rc < 0 ? rc : promql__forgetting(q, &op->op, promql__arg(n, 0), ret);
}

/* ---- unary minus -------------------------------------------------------------------------------- */

static int negate_hists(struct math_op *op, struct promql__col *c)
{
	struct promql__hist m = { 0 };

	pm_arena_reset(&op->scratch);
	for (size_t i = 0; c->hists && i < op->op.grid->count; i++) {
		if (c->kind[i] != PROMQL__HIST)
			continue;
		m = (struct promql__hist){ 0 };
		if (promql__hist_load(&m, &op->scratch, c->h[i]) < 0)
			return promql__nomem(op->op.q);
		promql__hist_mul(&m, -1);
		c->h[i] = promql__hist_store(&m, &op->scratch);
		if (!c->h[i])
			return promql__nomem(op->op.q);
	}
	return 0;
}

static int minus_next(struct promql__op *base, struct promql__col *ret)
{
	struct math_op *op = (struct math_op *)base;
	int rc = op->child->next(op->child, ret);

	if (rc <= 0) {
		promql__op_done(op->child);
		return rc;
	}
	for (size_t i = 0; i < base->grid->count; i++)
		ret->v[i] = -ret->v[i];
	rc = negate_hists(op, ret);
	if (rc == 0)
		rc = promql__forget_name(base->q, ret);
	return rc < 0 ? rc : promql__op_give(base, ret);
}

static void minus_close(struct promql__op *base)
{
	pm_arena_release(&((struct math_op *)base)->scratch);
}

int promql__build_minus(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct math_op *op = promql__op_new(q, sizeof *op, n, g);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	pm_arena_init(&op->scratch, q->opts.bytes_max);
	op->op.next = minus_next;
	op->op.close = minus_close;
	rc = promql__build(q, n->unary.expr, g, &op->child);
	return rc < 0 ? rc : promql__forgetting(q, &op->op, n->unary.expr, ret);
}

/* ---- of scalars --------------------------------------------------------------------------------- */

struct scalars_op {
	struct promql__op op;
	struct promql__col col;
	bool given;
};

static int scalars_next(struct promql__op *base, struct promql__col *ret)
{
	struct scalars_op *op = (struct scalars_op *)base;
	bool max = base->node->call.func->id == PROMQL_FN_MAX_OF;
	double *a, *b;
	int rc;

	if (op->given)
		return 0;
	op->given = true;
	rc = promql__scalar(base->q, promql__arg(base->node, 0), base->grid, &a);
	if (rc == 0)
		rc = promql__scalar(base->q, promql__arg(base->node, 1), base->grid, &b);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < base->grid->count; i++)
		promql__set_float(&op->col, i, max ? promql__max(a[i], b[i]) : promql__min(a[i], b[i]));
	*ret = op->col;
	return promql__op_give(base, ret);
}

int promql__build_scalars(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct scalars_op *op = promql__op_new(q, sizeof *op, n, g);

	if (!op || promql__col_init(q, g, &op->col) < 0)
		return PM_ERR_NOMEM;
	op->op.next = scalars_next;
	*ret = &op->op;
	return 0;
}
