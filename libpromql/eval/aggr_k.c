/* aggr_k.c - aggregations that let some of their series through: topk, bottomk, limitk, limit_ratio.
 *
 * All series are gathered; at each step those that stay are chosen. In an instant query topk and bottomk also order
 * them, group by group. The choice among equal values is that of upstream's heap, step by step. */
#include "libpromql/eval/aggr.h"

#include <math.h>

struct k_op {
	struct promql__table_op t;
	struct promql__op *child;
	enum promql_agg agg;
	struct promql__groups groups;
	struct promql__param param;
	struct promql__table in;
	uint32_t *group; /* of each series */
	uint32_t **heap; /* for each group: series that stay, at the step at hand */
	uint32_t *heap_len, *heap_cap;
	uint8_t **stay; /* for each series and step */
	size_t step;
};

static double value(const struct k_op *op, uint32_t series)
{
	return op->in.v[series].v[op->step];
}

/* Whether `a` is nearer to leaving: NaN first, then the smallest (topk) or the largest. */
static bool before(const struct k_op *op, uint32_t a, uint32_t b)
{
	double x = value(op, a), y = value(op, b);

	if (isnan(x))
		return true;
	return op->agg == PROMQL_AGG_BOTTOMK ? x > y : x < y;
}

static void swap(uint32_t *v, size_t i, size_t j)
{
	uint32_t t = v[i];

	v[i] = v[j];
	v[j] = t;
}

static void sift_up(const struct k_op *op, uint32_t *v, size_t i)
{
	while (i > 0 && before(op, v[i], v[(i - 1) / 2])) {
		swap(v, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void sift_down(const struct k_op *op, uint32_t *v, size_t n)
{
	for (size_t i = 0, child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && before(op, v[child + 1], v[child]))
			child++;
		if (!before(op, v[child], v[i]))
			return;
		swap(v, i, child);
	}
}

static int push(struct k_op *op, uint32_t g, uint32_t series)
{
	struct promql__query *q = op->t.op.q;
	size_t cap = op->heap_cap[g];

	if (promql__grow(q, &op->heap[g], &cap, (size_t)op->heap_len[g] + 1) < 0)
		return PM_ERR_NOMEM;
	op->heap_cap[g] = (uint32_t)cap;
	op->heap[g][op->heap_len[g]++] = series;
	return 0;
}

/* topk and bottomk: the heap's top is the first to leave. */
static int consider(struct k_op *op, uint32_t g, uint32_t series, size_t k)
{
	uint32_t *v = op->heap[g];
	double x = value(op, series), top;
	int rc;

	if (op->in.v[series].kind[op->step] == PROMQL__HIST) {
		promql__info_ignored(op->t.op.q, op->t.op.node->start, promql__agg_name(op->agg));
		return 0;
	}
	if (op->heap_len[g] < k) {
		rc = push(op, g, series);
		if (rc == 0)
			sift_up(op, op->heap[g], op->heap_len[g] - 1);
		return rc;
	}
	top = value(op, v[0]);
	if ((op->agg == PROMQL_AGG_TOPK ? top < x : top > x) || (isnan(top) && !isnan(x))) {
		v[0] = series;
		sift_down(op, v, op->heap_len[g]);
	}
	return 0;
}

/* A series' place in [0, 1), by its labels: the same series stay from query to query. */
static bool in_ratio(struct pm_labels labels, double ratio)
{
	double place = (double)pm_labels_hash(labels) / (double)UINT64_MAX;

	ratio = ratio < -1 ? -1 : ratio > 1 ? 1 : ratio;
	return ratio >= 0 ? place < ratio || ratio == 1 : place >= 1 + ratio;
}

static int choose_series(struct k_op *op, uint32_t series, double param)
{
	uint32_t g = op->group[series];
	size_t k;

	if (op->agg == PROMQL_AGG_LIMIT_RATIO)
		return param != 0 && in_ratio(op->in.v[series].labels, param) ? push(op, g, series) : 0;
	k = param < (double)op->in.count ? (size_t)(param < 0 ? 0 : param) : op->in.count;
	if (op->agg == PROMQL_AGG_LIMITK)
		return op->heap_len[g] < k ? push(op, g, series) : 0;
	return k ? consider(op, g, series, k) : 0;
}

static int choose_step(struct k_op *op)
{
	int rc = 0;

	memset(op->heap_len, 0, op->groups.count * sizeof *op->heap_len);
	for (uint32_t s = 0; rc == 0 && s < op->in.count; s++)
		if (op->in.v[s].kind[op->step] != PROMQL__NONE)
			rc = choose_series(op, s, op->param.v[op->step]);
	return rc;
}

/* ---- the answer --------------------------------------------------------------------------------- */

/* The best first; equal values as they stand in the heap (insertion sort, as Go sorts short lists). */
static void order(const struct k_op *op, uint32_t *v, size_t n)
{
	if (op->agg != PROMQL_AGG_TOPK && op->agg != PROMQL_AGG_BOTTOMK)
		return;
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && before(op, v[j - 1], v[j]); j--)
			swap(v, j, j - 1);
}

static int answer_instant(struct k_op *op)
{
	struct promql__table *t = &op->t.table;
	int rc = choose_step(op);

	if (rc == 0)
		rc = promql__grow(op->t.op.q, &t->v, &t->cap, op->in.count);
	for (size_t g = 0; rc == 0 && g < op->groups.count; g++) {
		order(op, op->heap[g], op->heap_len[g]);
		for (uint32_t i = 0; i < op->heap_len[g]; i++)
			t->v[t->count++] = op->in.v[op->heap[g][i]];
	}
	return rc;
}

static int answer_range(struct k_op *op)
{
	const struct promql__grid *g = op->t.op.grid;
	int rc = 0;

	op->stay = promql__array(op->t.op.q, op->in.count, sizeof *op->stay);
	if (!op->stay)
		return PM_ERR_NOMEM;
	for (size_t s = 0; s < op->in.count; s++) {
		op->stay[s] = promql__zalloc(op->t.op.q, g->count);
		if (!op->stay[s])
			return PM_ERR_NOMEM;
	}
	for (op->step = 0; rc == 0 && op->step < g->count; op->step++) {
		rc = choose_step(op);
		for (size_t k = 0; k < op->groups.count; k++)
			for (uint32_t i = 0; i < op->heap_len[k]; i++)
				op->stay[op->heap[k][i]][op->step] = 1;
		if (rc == 0)
			rc = promql__check(op->t.op.q);
	}
	for (size_t s = 0; s < op->in.count; s++)
		for (size_t i = 0; i < g->count; i++)
			if (!op->stay[s][i])
				op->in.v[s].kind[i] = PROMQL__NONE;
	op->t.table = op->in;
	return rc;
}

static int set_groups(struct k_op *op)
{
	struct promql__query *q = op->t.op.q;
	int rc = 0;

	op->group = promql__array(q, op->in.count, sizeof *op->group);
	if (!op->group)
		return PM_ERR_NOMEM;
	for (size_t s = 0; rc == 0 && s < op->in.count; s++)
		rc = promql__group_of(q, &op->groups, op->in.v[s].labels, &op->group[s]);
	if (rc < 0)
		return rc;
	op->heap = promql__zalloc(q, (op->groups.count + 1) * sizeof *op->heap);
	op->heap_len = promql__zalloc(q, (op->groups.count + 1) * sizeof *op->heap_len);
	op->heap_cap = promql__zalloc(q, (op->groups.count + 1) * sizeof *op->heap_cap);
	return op->heap && op->heap_len && op->heap_cap ? 0 : PM_ERR_NOMEM;
}

/* 1: go on, 0: no series stays whatever they are, or an error. */
static int check_param(struct k_op *op)
{
	struct promql__query *q = op->t.op.q;
	const struct promql__param *p = &op->param;
	size_t pos = promql__unparen(op->t.op.node->agg.param)->start;
	bool ratio = op->agg == PROMQL_AGG_LIMIT_RATIO;

	if (ratio ? p->max == 0 && p->min == 0 : p->max < 1)
		return 0;
	if (p->any_nan)
		return pm_fail(q->err, PM_ERR_INVALID, ratio ? "Ratio value is NaN" : "Parameter value is NaN");
	if (ratio && p->max > 1)
		promql__warn(q, pos, "ratio value should be between -1 and 1, got %s, capping to 1",
			promql__double(q, p->max));
	if (ratio && p->min < -1)
		promql__warn(q, pos, "ratio value should be between -1 and 1, got %s, capping to -1",
			promql__double(q, p->min));
	if (!ratio && p->min <= -9223372036854775808.0)
		return pm_fail(q->err, PM_ERR_INVALID, "Scalar value %s underflows int64", promql__double(q, p->min));
	if (!ratio && p->max >= 9223372036854774784.0)
		return pm_fail(q->err, PM_ERR_INVALID, "Scalar value %s overflows int64", promql__double(q, p->max));
	return 1;
}

static int k_fill(struct promql__table_op *base)
{
	struct k_op *op = (struct k_op *)base;
	int go, rc = promql__param(base->op.q, base->op.node->agg.param, base->op.grid, &op->param);

	if (rc == 0)
		rc = promql__gather(base->op.q, op->child, &op->in);
	promql__op_done(op->child);
	if (rc < 0)
		return rc;
	go = check_param(op);
	if (go <= 0)
		return go;
	rc = set_groups(op);
	if (rc < 0)
		return rc;
	return base->op.grid->count == 1 ? answer_instant(op) : answer_range(op);
}

int promql__build_k(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct k_op *op = promql__table_op_new(q, sizeof *op, n, g, k_fill);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->agg = n->agg.op;
	*ret = &op->t.op;
	rc = promql__groups_init(q, n, &op->groups);
	return rc < 0 ? rc : promql__build(q, promql__unparen(n->agg.expr), g, &op->child);
}
