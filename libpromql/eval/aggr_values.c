/* aggr_values.c - quantile, which needs all values of a group at once, and count_values, whose groups are values. */
#include "libpromql/eval/aggr.h"

#include "libtsdb/base/num.h"

#include <math.h>

struct values_op {
	struct promql__table_op t;
	struct promql__op *child;
	struct promql__groups groups;
	size_t pos;
};

static int values_build(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	int (*fill)(struct promql__table_op *op), struct promql__op **ret)
{
	struct values_op *op = promql__table_op_new(q, sizeof *op, n, g, fill);
	const struct promql_node *expr = promql__unparen(n->agg.expr);

	if (!op)
		return PM_ERR_NOMEM;
	op->pos = expr->start;
	*ret = &op->t.op;
	return promql__build(q, expr, g, &op->child);
}

/* ---- quantile ----------------------------------------------------------------------------------- */

static void check_phi(struct promql__query *q, const struct promql_node *n, const struct promql__param *p)
{
	size_t pos = promql__unparen(n->agg.param)->start;

	if (p->any_nan)
		promql__warn_quantile(q, pos, promql__nan());
	if (p->max > 1)
		promql__warn_quantile(q, pos, p->max);
	if (p->min < 0)
		promql__warn_quantile(q, pos, p->min);
}

/* Series of one group, and room for their values. */
struct members {
	uint32_t *v;
	size_t count, cap;
	bool drop_name;
};

static int quantile_group(struct values_op *op, const struct promql__table *in, const struct members *m,
	const double *phi, struct promql__col *ret)
{
	struct promql__query *q = op->t.op.q;
	double *v = promql__array(q, m->count, sizeof *v);
	int rc = promql__col_init(q, op->t.op.grid, ret);

	if (!v || rc < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < op->t.op.grid->count; i++) {
		size_t n = 0;

		for (size_t k = 0; k < m->count; k++) {
			const struct promql__col *c = &in->v[m->v[k]];

			if (c->kind[i] == PROMQL__FLOAT)
				v[n++] = c->v[i];
		}
		if (n)
			promql__set_float(ret, i, promql__quantile(phi[i], v, n));
	}
	ret->drop_name = m->drop_name;
	return 0;
}

static int group_members(struct values_op *op, const struct promql__table *in, struct members **ret)
{
	struct promql__query *q = op->t.op.q;
	struct members *m = promql__zalloc(q, (in->count + 1) * sizeof *m);
	int rc = m ? 0 : PM_ERR_NOMEM;

	for (size_t s = 0; rc == 0 && s < in->count; s++) {
		uint32_t g;

		rc = promql__group_of(q, &op->groups, in->v[s].labels, &g);
		if (rc == 0)
			rc = promql__grow(q, &m[g].v, &m[g].cap, m[g].count + 1);
		if (rc < 0)
			return rc;
		m[g].v[m[g].count++] = (uint32_t)s;
		m[g].drop_name = m[g].drop_name || in->v[s].drop_name;
		if (in->v[s].hists)
			promql__info_ignored(q, op->pos, "quantile");
	}
	*ret = m;
	return rc;
}

static int quantile_fill(struct promql__table_op *base)
{
	struct values_op *op = (struct values_op *)base;
	struct promql__query *q = base->op.q;
	struct promql__table in, *t = &base->table;
	struct promql__param phi;
	struct members *m;
	int rc = promql__param(q, base->op.node->agg.param, base->op.grid, &phi);

	if (rc == 0)
		rc = promql__groups_init(q, base->op.node, &op->groups);
	if (rc == 0)
		rc = promql__gather(q, op->child, &in);
	promql__op_done(op->child);
	if (rc < 0)
		return rc;
	check_phi(q, base->op.node, &phi);
	rc = group_members(op, &in, &m);
	if (rc == 0)
		rc = promql__grow(q, &t->v, &t->cap, op->groups.count);
	for (; rc == 0 && t->count < op->groups.count; t->count++) {
		rc = quantile_group(op, &in, &m[t->count], phi.v, &t->v[t->count]);
		t->v[t->count].labels = op->groups.labels[t->count];
	}
	return rc;
}

int promql__build_agg_quantile(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	return values_build(q, n, g, quantile_fill, ret);
}

/* ---- count_values ------------------------------------------------------------------------------- */

static int value_text(struct promql__query *q, const struct promql__col *c, size_t i, struct pm_str *ret)
{
	char text[PM_DOUBLE_TEXT_MAX];

	if (c->kind[i] == PROMQL__HIST)
		*ret = promql__hist_print(q, c->h[i]);
	else
		*ret = pm_arena_str(&q->arena, (struct pm_str){ text, pm_double_format_f(text, c->v[i]) });
	return ret->ptr ? 0 : promql__nomem(q);
}

/* The column that counts this value of this series. */
static int value_column(
	struct values_op *op, struct promql__out *out, const struct promql__col *c, size_t i, struct promql__col **ret)
{
	struct promql__query *q = op->t.op.q;
	struct pm_str name = promql__unparen(op->t.op.node->agg.param)->string, text;
	struct pm_labels labels;
	int rc = value_text(q, c, i, &text);

	if (rc == 0)
		rc = promql__label_set(q, c->labels, name, text, &labels);
	if (rc == 0)
		rc = promql__proj_make(q, &op->groups.proj, labels, &labels);
	if (rc == 0)
		rc = promql__out_col(out, labels, ret);
	return rc;
}

static int count_series(struct values_op *op, struct promql__out *out, const struct promql__col *c)
{
	struct promql__col *to = NULL;
	uint64_t last = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < op->t.op.grid->count; i++) {
		if (c->kind[i] == PROMQL__NONE)
			continue;
		/* Values often stay for many steps. */
		if (!to || c->kind[i] == PROMQL__HIST || pm_double_bits(c->v[i]) != last)
			rc = value_column(op, out, c, i, &to);
		if (rc < 0)
			return rc;
		last = pm_double_bits(c->v[i]);
		promql__set_float(to, i, to->kind[i] == PROMQL__FLOAT ? to->v[i] + 1 : 1);
		if (c->kind[i] == PROMQL__HIST)
			to = NULL;
	}
	return rc;
}

static int count_values_fill(struct promql__table_op *base)
{
	struct values_op *op = (struct values_op *)base;
	struct promql__query *q = base->op.q;
	const struct promql_node *n = base->op.node;
	struct pm_str name = promql__unparen(n->agg.param)->string;
	struct pm_str *names = promql__array(q, n->agg.grouping_count + 1, sizeof *names);
	size_t count = n->agg.grouping_count;
	struct promql__out *out;
	struct promql__table *t;
	struct promql__col c;
	int rc;

	if (!names)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		names[i] = n->agg.grouping[i];
	if (!n->agg.without)
		names[count++] = name;
	rc = promql__proj_init(q, names, count, n->agg.without, n->agg.without, &op->groups.proj);
	if (rc == 0)
		rc = promql__out_new(q, base->op.grid, &out);
	while (rc >= 0 && (rc = op->child->next(op->child, &c)) > 0)
		rc = count_series(op, out, &c);
	promql__op_done(op->child);
	if (rc < 0)
		return rc;
	t = promql__out_table(out);
	if (!t)
		return PM_ERR_NOMEM;
	base->table = *t;
	return 0;
}

int promql__build_count_values(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct pm_str name = promql__unparen(n->agg.param)->string;

	if (!promql__label_name_valid(name))
		return pm_fail(q->err, PM_ERR_INVALID, "invalid label name %s", promql__quote(q, name));
	return values_build(q, n, g, count_values_fill, ret);
}
