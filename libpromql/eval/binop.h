/* binop.h - binary operators: see binop.c, elem.c, match.c, setop.c. */
#ifndef PROMQL_EVAL_BINOP_H
#define PROMQL_EVAL_BINOP_H

#include "libpromql/eval/hist.h"
#include "libpromql/eval/ops.h"

static inline bool promql__is_comparison(enum promql_op op)
{
	return op >= PROMQL_OP_EQL && op <= PROMQL_OP_LTE;
}

/* Operators that make another quantity: the metric's name does not fit any more. */
static inline bool promql__makes_new(enum promql_op op)
{
	return op <= PROMQL_OP_ATAN2;
}

/* ---- elem.c ------------------------------------------------------------------------------------- */

/* All steps of floats: ret[i] = a[i] op b[i]. For comparisons 1 or 0. */
void promql__arith(enum promql_op op, const double *a, const double *b, double *ret, size_t count);

/* One of the two sides of an operation on single values: a histogram when `h` is not NULL. */
struct promql__operand {
	double v;
	const struct pm_histogram *h;
};

/* An operation in which a histogram takes part. 1 and `*ret`; 0: the operation has no answer (a note says why, or a
 * comparison failed, as `*failed` says); negative: an error. Histograms made live in `a`. */
int promql__elem(struct promql__query *q, struct pm_arena *a, enum promql_op op, struct promql__operand x,
	struct promql__operand y, size_t pos, struct promql__operand *ret, bool *failed);

/* ---- match.c, setop.c --------------------------------------------------------------------------- */

/* Series of both sides, and for each the number of its signature: what on() or ignoring() leave of its labels. */
struct promql__sigs {
	struct promql__proj proj;
	struct promql__map map;
	struct promql__table side[2]; /* left, right */
	uint32_t *sig[2];
	struct pm_labels *sample; /* for each signature the labels of a series that has it */
	size_t count, cap;
};

/* Gather both children and number their signatures. */
int promql__sigs_gather(struct promql__query *q, const struct promql_node *n, struct promql__op *const child[2],
	struct promql__sigs *ret);

int promql__build_match(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret);
int promql__build_setop(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret);

#endif
