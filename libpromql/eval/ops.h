/* ops.h - operators of general use: see op.c. */
#ifndef PROMQL_EVAL_OPS_H
#define PROMQL_EVAL_OPS_H

#include "libpromql/eval/eval.h"

/* An operator that needs all series of its children before it can answer: fill() runs once and leaves the answer in
 * `table`. A struct of this kind begins with this one. */
struct promql__table_op {
	struct promql__op op;
	int (*fill)(struct promql__table_op *op);
	struct promql__table table;
	size_t at;
	bool filled;
};
void *promql__table_op_new(struct promql__query *q, size_t size, const struct promql_node *n,
	const struct promql__grid *g, int (*fill)(struct promql__table_op *op));

/* What `child` says at its one step, at all steps of `g`. */
int promql__repeat(struct promql__op *child, const struct promql__grid *g, struct promql__op **ret);
int promql__number(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, double v,
	struct promql__op **ret);
int promql__time_op(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret);

#endif
