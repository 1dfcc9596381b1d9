/* func_hist.c - functions that make a float of a native histogram: its count, sum, average and spread. Floats are left
 * out of their answers. */
#include "libpromql/eval/funcs.h"

#include "libpromql/eval/hist.h"
#include "libtsdb/base/hist.h"

#include <math.h>

struct part_op {
	struct promql__op op;
	struct promql__op *child;
	enum promql_fn id;
};

/* Where the observations of a bucket are taken to be: in the middle, geometrically with exponential buckets. */
static double middle(const struct pm_histogram *h, const struct pm_bucket *b)
{
	double v;

	if (promql__is_custom(h))
		return (b->upper + b->lower) / 2.0;
	if (b->lower <= 0 && b->upper >= 0)
		return 0;
	v = sqrt(b->upper * b->lower);
	return b->upper < 0 ? -v : v;
}

static double variance(const struct pm_histogram *h)
{
	double mean = h->sum / h->count, sum = 0, c = 0;
	struct pm_bucket_iter it;
	struct pm_bucket b;

	pm_bucket_begin(&it, h);
	while (pm_bucket_next(&it, &b)) {
		double delta;

		if (b.count == 0)
			continue;
		delta = middle(h, &b) - mean;
		promql__kahan(b.count * delta * delta, &sum, &c);
	}
	return (sum + c) / h->count;
}

static double part_of(enum promql_fn id, const struct pm_histogram *h)
{
	switch (id) {
	case PROMQL_FN_HISTOGRAM_COUNT:
		return h->count;
	case PROMQL_FN_HISTOGRAM_SUM:
		return h->sum;
	case PROMQL_FN_HISTOGRAM_AVG:
		return h->sum / h->count;
	case PROMQL_FN_HISTOGRAM_STDVAR:
		return variance(h);
	default:
		return sqrt(variance(h));
	}
}

static int part_next(struct promql__op *base, struct promql__col *ret)
{
	struct part_op *op = (struct part_op *)base;
	int rc;

	while ((rc = op->child->next(op->child, ret)) > 0) {
		if (ret->hists == 0)
			continue;
		for (size_t i = 0; i < base->grid->count; i++) {
			if (ret->kind[i] == PROMQL__HIST)
				promql__set_float(ret, i, part_of(op->id, ret->h[i]));
			else
				ret->kind[i] = PROMQL__NONE;
		}
		rc = promql__forget_name(base->q, ret);
		return rc < 0 ? rc : promql__op_give(base, ret);
	}
	promql__op_done(op->child);
	return rc;
}

int promql__build_hist_part(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct part_op *op = promql__op_new(q, sizeof *op, n, g);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->op.next = part_next;
	op->id = n->call.func->id;
	rc = promql__build(q, promql__arg(n, 0), g, &op->child);
	return rc < 0 ? rc : promql__forgetting(q, &op->op, promql__arg(n, 0), ret);
}
