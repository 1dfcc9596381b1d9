/* func_shape.c - functions that make one series of many or of none: absent, absent_over_time, scalar, vector. */
#include "libpromql/eval/funcs.h"

/* The labels that a selector asks for by equality, each asked for once. */
static int wanted_labels(struct promql__query *q, const struct promql_node *n, struct pm_labels *ret)
{
	const struct promql_selector *s = NULL;
	struct pm_label *v;
	size_t count = 0;
	int rc;

	n = promql__unparen(n);
	if (n->kind == PROMQL_NODE_SELECTOR)
		s = &n->selector;
	else if (n->kind == PROMQL_NODE_MATRIX)
		s = &n->matrix.selector->selector;
	*ret = (struct pm_labels){ 0 };
	if (!s)
		return 0;
	v = promql__array(q, s->matcher_count, sizeof *v);
	if (!v)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < s->matcher_count; i++) {
		const struct pm_matcher *m = &s->matchers[i];
		bool once = m->type == PM_MATCH_EQ && !pm_str_eq(m->name, PM_NAME_LABEL);

		for (size_t k = 0; once && k < s->matcher_count; k++)
			once = k == i || !pm_str_eq(s->matchers[k].name, m->name);
		if (once)
			v[count++] = (struct pm_label){ m->name, m->value };
	}
	rc = pm_labels_normalize(v, &count, q->err);
	*ret = (struct pm_labels){ v, count };
	return rc;
}

struct shape_op {
	struct promql__op op;
	struct promql__op *child;
	const struct promql_node *arg;
	struct promql__col col;
	uint8_t *seen; /* for each step how many series have a value, up to two */
	bool given;
};

static int shape_init(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	int (*next)(struct promql__op *op, struct promql__col *ret), struct shape_op **ret)
{
	struct shape_op *op = promql__op_new(q, sizeof *op, n, g);

	if (!op || promql__col_init(q, g, &op->col) < 0)
		return PM_ERR_NOMEM;
	op->seen = promql__zalloc(q, g->count);
	if (!op->seen)
		return PM_ERR_NOMEM;
	op->op.next = next;
	op->arg = promql__arg(n, 0);
	*ret = op;
	return 0;
}

/* ---- absent ------------------------------------------------------------------------------------- */

static int absent_next(struct promql__op *base, struct promql__col *ret)
{
	struct shape_op *op = (struct shape_op *)base;
	struct promql__col c;
	int rc;

	if (op->given)
		return 0;
	op->given = true;
	while ((rc = op->child->next(op->child, &c)) > 0)
		for (size_t i = 0; i < base->grid->count; i++)
			op->seen[i] |= c.kind[i] != PROMQL__NONE;
	promql__op_done(op->child);
	if (rc == 0)
		rc = wanted_labels(base->q, op->arg, &op->col.labels);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < base->grid->count; i++)
		if (!op->seen[i])
			promql__set_float(&op->col, i, 1);
	*ret = op->col;
	rc = promql__op_give(base, ret);
	return rc > 0 && ret->floats == 0 ? 0 : rc;
}

int promql__build_absent(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct shape_op *op;
	int rc = shape_init(q, n, g, absent_next, &op);

	if (rc < 0)
		return rc;
	*ret = &op->op;
	return promql__build(q, op->arg, g, &op->child);
}

/* Where present_over_time() says nothing. */
int promql__build_absent_over_time(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct shape_op *op;
	int rc = shape_init(q, n, g, absent_next, &op);

	if (rc < 0)
		return rc;
	*ret = &op->op;
	return promql__build_rollup(q, n, g, &op->child);
}

/* ---- scalar and vector -------------------------------------------------------------------------- */

static int scalar_next(struct promql__op *base, struct promql__col *ret)
{
	struct shape_op *op = (struct shape_op *)base;
	struct promql__col c;
	int rc;

	if (op->given)
		return 0;
	op->given = true;
	while ((rc = op->child->next(op->child, &c)) > 0)
		for (size_t i = 0; i < base->grid->count; i++)
			if (c.kind[i] == PROMQL__FLOAT && op->seen[i] < 2) {
				op->col.v[i] = c.v[i];
				op->seen[i]++;
			}
	promql__op_done(op->child);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < base->grid->count; i++)
		promql__set_float(&op->col, i, op->seen[i] == 1 ? op->col.v[i] : promql__nan());
	*ret = op->col;
	return promql__op_give(base, ret);
}

int promql__build_scalar(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct shape_op *op;
	int rc = shape_init(q, n, g, scalar_next, &op);

	if (rc < 0)
		return rc;
	*ret = &op->op;
	return promql__build(q, op->arg, g, &op->child);
}

/* A scalar is a series without labels: vector() is in the types alone. */
int promql__build_vector(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	return promql__build(q, promql__arg(n, 0), g, ret);
}
