/* setop.c - and, or, unless: at each step by what signatures the other side has there. */
#include "libpromql/eval/binop.h"

/* ---- signatures, for match.c too ---------------------------------------------------------------- */

static int number_series(struct promql__query *q, struct promql__sigs *s, struct pm_labels l, uint32_t *ret)
{
	uint64_t hash = promql__proj_hash(&s->proj, l);
	size_t pos = PROMQL__MAP_START;
	uint32_t i;
	int rc;

	while ((i = promql__map_next(&s->map, hash, &pos)) != PROMQL__NOT_FOUND)
		if (promql__proj_eq(&s->proj, s->sample[i], l)) {
			*ret = i;
			return 0;
		}
	rc = promql__grow(q, &s->sample, &s->cap, s->count + 1);
	if (rc == 0)
		rc = promql__map_add(q, &s->map, hash, (uint32_t)s->count);
	if (rc < 0)
		return rc;
	s->sample[s->count] = l;
	*ret = (uint32_t)s->count++;
	return 0;
}

int promql__sigs_gather(struct promql__query *q, const struct promql_node *n, struct promql__op *const child[2],
	struct promql__sigs *ret)
{
	const struct promql_matching *m = &n->binary.matching;
	int rc = promql__proj_init(q, m->labels, m->label_count, !m->on, !m->on, &ret->proj);

	for (int k = 0; rc == 0 && k < 2; k++) {
		struct promql__table *t = &ret->side[k];

		rc = promql__gather(q, child[k], t);
		if (rc < 0)
			return rc;
		ret->sig[k] = promql__array(q, t->count, sizeof *ret->sig[k]);
		if (!ret->sig[k])
			return PM_ERR_NOMEM;
		for (size_t i = 0; rc == 0 && i < t->count; i++)
			rc = number_series(q, ret, t->v[i].labels, &ret->sig[k][i]);
	}
	return rc;
}

/* ---- the operators ------------------------------------------------------------------------------ */

struct set_op {
	struct promql__table_op t;
	struct promql__op *child[2];
	struct promql__sigs sigs;
	uint8_t **present; /* for each signature: at which steps one side has it; NULL: at none */
};

static int mark_side(struct set_op *op, int side)
{
	const struct promql__table *t = &op->sigs.side[side];
	struct promql__query *q = op->t.op.q;
	size_t n = op->t.op.grid->count;

	op->present = promql__zalloc(q, (op->sigs.count + 1) * sizeof *op->present);
	if (!op->present)
		return PM_ERR_NOMEM;
	for (size_t k = 0; k < t->count; k++) {
		uint8_t **p = &op->present[op->sigs.sig[side][k]];

		if (!*p)
			*p = promql__zalloc(q, n);
		if (!*p)
			return PM_ERR_NOMEM;
		for (size_t i = 0; i < n; i++)
			(*p)[i] |= t->v[k].kind[i];
	}
	return 0;
}

/* Of a side's series leave those steps where the other side has (or has not) the signature. */
static void keep_where(struct set_op *op, int side, bool present)
{
	struct promql__table *t = &op->sigs.side[side];

	for (size_t k = 0; k < t->count; k++) {
		const uint8_t *p = op->present[op->sigs.sig[side][k]];

		for (size_t i = 0; i < op->t.op.grid->count; i++)
			if ((p && p[i]) != present)
				t->v[k].kind[i] = PROMQL__NONE;
		promql__col_count(op->t.op.grid, &t->v[k]);
	}
}

static int unite(struct set_op *op)
{
	struct promql__out *out;
	struct promql__table *t;
	int rc = promql__out_new(op->t.op.q, op->t.op.grid, &out);

	for (int side = 0; side < 2; side++)
		for (size_t k = 0; rc == 0 && k < op->sigs.side[side].count; k++)
			if (op->sigs.side[side].v[k].floats + op->sigs.side[side].v[k].hists)
				rc = promql__out_merge(out, &op->sigs.side[side].v[k]);
	if (rc < 0)
		return rc;
	t = promql__out_table(out);
	if (!t)
		return PM_ERR_NOMEM;
	op->t.table = *t;
	return 0;
}

static int set_fill(struct promql__table_op *base)
{
	struct set_op *op = (struct set_op *)base;
	enum promql_op what = base->op.node->binary.op;
	int rc = promql__sigs_gather(base->op.q, base->op.node, op->child, &op->sigs);

	promql__op_done(op->child[0]);
	promql__op_done(op->child[1]);
	if (rc == 0)
		rc = mark_side(op, what == PROMQL_OP_OR ? 0 : 1);
	if (rc < 0)
		return rc;
	if (what == PROMQL_OP_OR) {
		keep_where(op, 1, false);
		return unite(op);
	}
	keep_where(op, 0, what == PROMQL_OP_AND);
	base->table = op->sigs.side[0];
	return 0;
}

int promql__build_setop(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct set_op *op = promql__table_op_new(q, sizeof *op, n, g, set_fill);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	*ret = &op->t.op;
	rc = promql__build(q, n->binary.lhs, g, &op->child[0]);
	return rc < 0 ? rc : promql__build(q, n->binary.rhs, g, &op->child[1]);
}
