/* binop.c - binary operators with a scalar on one side or on both. */
#include "libpromql/eval/binop.h"
#include "libpromql/eval/funcs.h"

struct scalar_op {
	struct promql__op op;
	struct promql__op *child; /* the vector; NULL: both sides are scalars */
	const double *scalar;     /* the other side, all steps */
	bool swapped;             /* the vector is on the right */
	double *work;
	struct promql__col col; /* of two scalars */
	bool given;
	struct pm_arena scratch;
};

/* ---- two scalars -------------------------------------------------------------------------------- */

static int scalars_next(struct promql__op *base, struct promql__col *ret)
{
	struct scalar_op *op = (struct scalar_op *)base;
	const struct promql_node *n = base->node;
	double *a, *b;
	int rc;

	if (op->given)
		return 0;
	op->given = true;
	rc = promql__scalar(base->q, n->binary.lhs, base->grid, &a);
	if (rc == 0)
		rc = promql__scalar(base->q, n->binary.rhs, base->grid, &b);
	if (rc < 0)
		return rc;
	promql__arith(n->binary.op, a, b, op->col.v, base->grid->count);
	memset(op->col.kind, PROMQL__FLOAT, base->grid->count);
	*ret = op->col;
	return promql__op_give(base, ret);
}

static int build_scalars(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct scalar_op *op = promql__op_new(q, sizeof *op, n, g);

	if (!op || promql__col_init(q, g, &op->col) < 0)
		return PM_ERR_NOMEM;
	op->op.next = scalars_next;
	*ret = &op->op;
	return 0;
}

/* ---- a vector and a scalar ---------------------------------------------------------------------- */

/* Trims are for histograms. */
static void refuse_floats(struct scalar_op *op, struct promql__col *c)
{
	const char *name = promql__op_name(op->op.node->binary.op);

	for (size_t i = 0; i < op->op.grid->count; i++)
		if (c->kind[i] == PROMQL__FLOAT)
			c->kind[i] = PROMQL__NONE;
	if (c->floats)
		promql__info(op->op.q, op->op.node->start,
			"incompatible sample types encountered for binary operator \"%s\": "
			"float %s float",
			name, name);
}

static void of_floats(struct scalar_op *op, struct promql__col *c)
{
	const struct promql_node *n = op->op.node;
	size_t count = op->op.grid->count;

	if (n->binary.op == PROMQL_OP_TRIM_UPPER || n->binary.op == PROMQL_OP_TRIM_LOWER) {
		refuse_floats(op, c);
		return;
	}
	if (op->swapped)
		promql__arith(n->binary.op, op->scalar, c->v, op->work, count);
	else
		promql__arith(n->binary.op, c->v, op->scalar, op->work, count);
	if (!promql__is_comparison(n->binary.op) || n->binary.return_bool) {
		memcpy(c->v, op->work, count * sizeof *c->v);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (c->kind[i] == PROMQL__FLOAT && op->work[i] == 0)
			c->kind[i] = PROMQL__NONE;
}

static int of_hists(struct scalar_op *op, struct promql__col *c)
{
	const struct promql_node *n = op->op.node;

	pm_arena_reset(&op->scratch);
	for (size_t i = 0; i < op->op.grid->count; i++) {
		struct promql__operand x, y = { .v = op->scalar[i] }, out;
		bool failed;
		int rc;

		if (c->kind[i] != PROMQL__HIST)
			continue;
		x = (struct promql__operand){ .h = c->h[i] };
		rc = promql__elem(op->op.q, &op->scratch, n->binary.op, op->swapped ? y : x, op->swapped ? x : y,
			n->start, &out, &failed);
		if (rc < 0)
			return rc;
		c->kind[i] = rc ? PROMQL__HIST : PROMQL__NONE;
		if (rc)
			c->h[i] = out.h;
	}
	return 0;
}

static int vector_next(struct promql__op *base, struct promql__col *ret)
{
	struct scalar_op *op = (struct scalar_op *)base;
	const struct promql_node *n = base->node;
	int rc;

	while ((rc = op->child->next(op->child, ret)) > 0) {
		of_floats(op, ret);
		rc = ret->hists ? of_hists(op, ret) : 0;
		if (rc == 0 && (promql__makes_new(n->binary.op) || n->binary.return_bool))
			rc = promql__forget_name(base->q, ret);
		if (rc == 0)
			rc = promql__op_give(base, ret);
		if (rc < 0 || ret->floats + ret->hists)
			return rc;
	}
	promql__op_done(op->child);
	return rc;
}

static void scalar_close(struct promql__op *base)
{
	pm_arena_release(&((struct scalar_op *)base)->scratch);
}

static int build_vector(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct scalar_op *op = promql__op_new(q, sizeof *op, n, g);
	bool swapped = n->binary.lhs->type == PROMQL_SCALAR, forgets;
	const struct promql_node *vector = swapped ? n->binary.rhs : n->binary.lhs;
	double *v;
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	pm_arena_init(&op->scratch, q->opts.bytes_max);
	op->op.next = vector_next;
	op->op.close = scalar_close;
	op->swapped = swapped;
	op->work = promql__array(q, g->count, sizeof *op->work);
	*ret = &op->op;
	rc = op->work ? promql__scalar(q, swapped ? n->binary.lhs : n->binary.rhs, g, &v) : PM_ERR_NOMEM;
	if (rc < 0)
		return rc;
	op->scalar = v;
	rc = promql__build(q, vector, g, &op->child);
	forgets = promql__makes_new(n->binary.op) || n->binary.return_bool;
	return rc < 0 || !forgets ? rc : promql__forgetting(q, &op->op, vector, ret);
}

int promql__build_binary(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	bool left = n->binary.lhs->type == PROMQL_SCALAR, right = n->binary.rhs->type == PROMQL_SCALAR;

	if (left && right)
		return build_scalars(q, n, g, ret);
	if (left || right)
		return build_vector(q, n, g, ret);
	if (n->binary.op == PROMQL_OP_AND || n->binary.op == PROMQL_OP_OR || n->binary.op == PROMQL_OP_UNLESS)
		return promql__build_setop(q, n, g, ret);
	return promql__build_match(q, n, g, ret);
}
