/* func_sort.c - the sorts. They order the answer of an instant query; in a range query they have no say, as its answer
 * is ordered by labels. */
#include "libpromql/eval/funcs.h"

#include <math.h>

struct sort_op {
	struct promql__table_op t;
	struct promql__op *child;
	enum promql_fn id;
};

/* ---- natural order of strings: runs of digits compare as numbers -------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The run of digits or of other characters at `s`. */
static struct pm_str next_run(struct pm_str s)
{
	size_t n = 1;

	while (n < s.len && is_digit(s.ptr[n]) == is_digit(s.ptr[0]))
		n++;
	return (struct pm_str){ s.ptr, n };
}

static struct pm_str without_zeros(struct pm_str s)
{
	while (s.len && *s.ptr == '0')
		s = (struct pm_str){ s.ptr + 1, s.len - 1 };
	return s;
}

/* Both of digits: by value. */
static int cmp_numbers(struct pm_str a, struct pm_str b)
{
	a = without_zeros(a);
	b = without_zeros(b);
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return pm_str_cmp(a, b);
}

static int natural_cmp(struct pm_str a, struct pm_str b)
{
	while (a.len && b.len) {
		struct pm_str x = next_run(a), y = next_run(b);
		bool numbers = is_digit(x.ptr[0]) && is_digit(y.ptr[0]);
		int c = numbers ? cmp_numbers(x, y) : pm_str_cmp(x, y);

		if (c)
			return c;
		a = (struct pm_str){ a.ptr + x.len, a.len - x.len };
		b = (struct pm_str){ b.ptr + y.len, b.len - y.len };
	}
	return (a.len > 0) - (b.len > 0);
}

/* ---- order -------------------------------------------------------------------------------------- */

static int by_labels(const struct sort_op *op, const struct promql__col *a, const struct promql__col *b)
{
	const struct promql_node *n = op->t.op.node;

	for (size_t i = 1; i < n->call.arg_count; i++) {
		struct pm_str name = promql__arg(n, i)->string;
		struct pm_str x = pm_labels_get(a->labels, name), y = pm_labels_get(b->labels, name);
		int c = pm_str_eq(x, y) ? 0 : natural_cmp(x, y);

		if (c)
			return c;
	}
	return pm_labels_cmp(a->labels, b->labels);
}

/* NaN is last, whichever way. */
static int compare(const struct sort_op *op, const struct promql__col *a, const struct promql__col *b)
{
	double x, y;

	if (op->id == PROMQL_FN_SORT_BY_LABEL)
		return by_labels(op, a, b);
	if (op->id == PROMQL_FN_SORT_BY_LABEL_DESC)
		return -by_labels(op, a, b);
	x = a->v[0];
	y = b->v[0];
	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return op->id == PROMQL_FN_SORT ? (x > y) - (x < y) : (x < y) - (x > y);
}

/* Merge sort, for equal values keep their order. */
static void sort(const struct sort_op *op, struct promql__col *v, struct promql__col *tmp, size_t count)
{
	size_t half = count / 2, i = 0, j = half, n = 0;

	if (count < 2)
		return;
	sort(op, v, tmp, half);
	sort(op, v + half, tmp, count - half);
	while (i < half && j < count)
		tmp[n++] = compare(op, &v[i], &v[j]) <= 0 ? v[i++] : v[j++];
	while (i < half)
		tmp[n++] = v[i++];
	while (j < count)
		tmp[n++] = v[j++];
	memcpy(v, tmp, count * sizeof *v);
}

static bool by_value(enum promql_fn id)
{
	return id == PROMQL_FN_SORT || id == PROMQL_FN_SORT_DESC;
}

static void drop_hists(const struct promql__grid *g, struct promql__table *t)
{
	size_t n = 0;

	for (size_t k = 0; k < t->count; k++) {
		struct promql__col *c = &t->v[k];

		for (size_t i = 0; c->hists && i < g->count; i++)
			if (c->kind[i] == PROMQL__HIST)
				c->kind[i] = PROMQL__NONE;
		c->hists = 0;
		if (c->floats)
			t->v[n++] = *c;
	}
	t->count = n;
}

static int sort_fill(struct promql__table_op *base)
{
	struct sort_op *op = (struct sort_op *)base;
	struct promql__col *tmp;
	int rc = promql__gather(base->op.q, op->child, &base->table);

	promql__op_done(op->child);
	if (rc < 0)
		return rc;
	if (by_value(op->id))
		drop_hists(base->op.grid, &base->table);
	if (base->op.q->opts.start_ms != base->op.q->opts.end_ms)
		return 0;
	tmp = promql__array(base->op.q, base->table.count, sizeof *tmp);
	if (!tmp)
		return PM_ERR_NOMEM;
	if (base->op.grid->count == 1)
		sort(op, base->table.v, tmp, base->table.count);
	return 0;
}

int promql__build_sort(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct sort_op *op = promql__table_op_new(q, sizeof *op, n, g, sort_fill);

	if (!op)
		return PM_ERR_NOMEM;
	op->id = n->call.func->id;
	*ret = &op->t.op;
	if (g->count > 1)
		promql__warn(q, n->start,
			"sort is ineffective for range queries since results are always ordered by labels");
	return promql__build(q, promql__arg(n, 0), g, &op->child);
}
