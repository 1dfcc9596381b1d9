/* op.c - what all operators share, and those that answer from a table or repeat one value. */
#include "libpromql/eval/ops.h"

void *promql__op_new(struct promql__query *q, size_t size, const struct promql_node *n, const struct promql__grid *g)
{
	struct promql__op *op = promql__zalloc(q, size);

	if (!op)
		return NULL;
	op->q = q;
	op->node = n;
	op->grid = g;
	op->link = q->ops;
	q->ops = op;
	return op;
}

void promql__op_done(struct promql__op *child)
{
	promql__release(child->q, child->held);
	child->held = 0;
}

int promql__op_give(struct promql__op *op, struct promql__col *c)
{
	size_t samples;
	int rc = promql__check(op->q);

	if (rc < 0)
		return rc;
	promql__col_count(op->grid, c);
	samples = promql__col_samples(op->grid, c);
	op->held += samples;
	op->q->ticks += (unsigned)(samples / PROMQL__SAMPLES_PER_TICK);
	rc = promql__hold(op->q, samples);
	return rc < 0 ? rc : 1;
}

/* ---- from a table ------------------------------------------------------------------------------- */

static int table_next(struct promql__op *base, struct promql__col *ret)
{
	struct promql__table_op *op = (struct promql__table_op *)base;
	int rc;

	if (!op->filled) {
		rc = op->fill(op);
		if (rc < 0)
			return rc;
		op->filled = true;
	}
	while (op->at < op->table.count) {
		struct promql__col *c = &op->table.v[op->at++];

		rc = promql__op_give(base, c);
		if (rc < 0)
			return rc;
		if (c->floats + c->hists) {
			*ret = *c;
			return 1;
		}
	}
	return 0;
}

void *promql__table_op_new(struct promql__query *q, size_t size, const struct promql_node *n,
	const struct promql__grid *g, int (*fill)(struct promql__table_op *op))
{
	struct promql__table_op *op = promql__op_new(q, size, n, g);

	if (!op)
		return NULL;
	op->op.next = table_next;
	op->fill = fill;
	return op;
}

/* ---- merging series of equal labels ------------------------------------------------------------- */

struct merge_op {
	struct promql__table_op t;
	struct promql__op *child;
};

static int merge_fill(struct promql__table_op *base)
{
	struct merge_op *op = (struct merge_op *)base;
	struct promql__out *out;
	struct promql__table *t;
	struct promql__col c;
	int rc = promql__out_new(base->op.q, base->op.grid, &out);

	while (rc >= 0 && (rc = op->child->next(op->child, &c)) > 0)
		rc = promql__out_merge(out, &c);
	promql__op_done(op->child);
	if (rc < 0)
		return rc;
	t = promql__out_table(out);
	if (!t)
		return PM_ERR_NOMEM;
	base->table = *t;
	return 0;
}

struct promql__op *promql__merge_op(struct promql__op *child)
{
	struct merge_op *op = promql__table_op_new(child->q, sizeof *op, child->node, child->grid, merge_fill);

	if (!op)
		return NULL;
	op->child = child;
	return &op->t.op;
}

/* ---- one value at all steps --------------------------------------------------------------------- */

struct repeat_op {
	struct promql__op op;
	struct promql__op *child; /* of one step */
	struct promql__col col;
};

static int repeat_next(struct promql__op *base, struct promql__col *ret)
{
	struct repeat_op *op = (struct repeat_op *)base;
	struct promql__col one;
	int rc = op->child->next(op->child, &one);

	if (rc <= 0) {
		promql__op_done(op->child);
		return rc;
	}
	if (one.hists && promql__col_hists(base->q, base->grid, &op->col) < 0)
		return PM_ERR_NOMEM;
	memset(op->col.kind, one.kind[0], base->grid->count);
	for (size_t i = 0; i < base->grid->count; i++) {
		op->col.v[i] = one.v[0];
		if (one.kind[0] == PROMQL__HIST)
			op->col.h[i] = one.h[0];
	}
	op->col.labels = one.labels;
	op->col.drop_name = one.drop_name;
	rc = promql__op_give(base, &op->col);
	*ret = op->col;
	return rc;
}

int promql__repeat(struct promql__op *child, const struct promql__grid *g, struct promql__op **ret)
{
	struct repeat_op *op = promql__op_new(child->q, sizeof *op, child->node, g);

	if (!op || promql__col_init(child->q, g, &op->col) < 0)
		return PM_ERR_NOMEM;
	op->op.next = repeat_next;
	op->child = child;
	*ret = &op->op;
	return 0;
}

/* ---- numbers known when the plan is made -------------------------------------------------------- */

struct number_op {
	struct promql__op op;
	struct promql__col col;
	bool given;
};

static int number_next(struct promql__op *base, struct promql__col *ret)
{
	struct number_op *op = (struct number_op *)base;

	if (op->given)
		return 0;
	op->given = true;
	*ret = op->col;
	return promql__op_give(base, ret);
}

int promql__number(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, double v,
	struct promql__op **ret)
{
	struct number_op *op = promql__op_new(q, sizeof *op, n, g);

	if (!op || promql__col_init(q, g, &op->col) < 0)
		return PM_ERR_NOMEM;
	op->op.next = number_next;
	for (size_t i = 0; i < g->count; i++)
		promql__set_float(&op->col, i, v);
	*ret = &op->op;
	return 0;
}

int promql__time_op(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	int rc = promql__number(q, n, g, 0, ret);

	for (size_t i = 0; rc == 0 && i < g->count; i++)
		((struct number_op *)*ret)->col.v[i] = (double)promql__at(g, i) / 1000;
	return rc;
}

/* ---- scalars as arrays -------------------------------------------------------------------------- */

int promql__scalar(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, double **ret)
{
	struct promql__op *op;
	struct promql__col c, rest;
	double *v;
	int rc = promql__build(q, n, g, &op);

	if (rc < 0)
		return rc;
	v = promql__array(q, g->count, sizeof *v);
	if (!v)
		return PM_ERR_NOMEM;
	rc = op->next(op, &c);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < g->count; i++)
		v[i] = rc > 0 && c.kind[i] == PROMQL__FLOAT ? c.v[i] : promql__nan();
	while (rc > 0)
		rc = op->next(op, &rest);
	promql__op_done(op);
	*ret = v;
	return rc;
}
