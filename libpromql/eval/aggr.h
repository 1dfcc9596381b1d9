/* aggr.h - aggregations: see aggregate.c. */
#ifndef PROMQL_EVAL_AGGR_H
#define PROMQL_EVAL_AGGR_H

#include "libpromql/eval/hist.h"
#include "libpromql/eval/ops.h"

/* Groups by labels: by (...) or without (...). What is kept for each is the aggregation's. */
struct promql__groups {
	struct promql__proj proj;
	struct promql__map map;
	struct pm_labels *labels; /* of the answer, one a group */
	size_t count, cap;
};

int promql__groups_init(struct promql__query *q, const struct promql_node *n, struct promql__groups *ret);
/* The group of a series; made when it is the first of it, which `count` shows. */
int promql__group_of(struct promql__query *q, struct promql__groups *g, struct pm_labels labels, uint32_t *ret);

typedef int promql__aggregate_fn(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret);
promql__aggregate_fn promql__build_fold;         /* fold.c: sum avg min max count group stddev stdvar */
promql__aggregate_fn promql__build_k;            /* aggr_k.c: topk bottomk limitk limit_ratio */
promql__aggregate_fn promql__build_agg_quantile; /* aggr_values.c */
promql__aggregate_fn promql__build_count_values; /* aggr_values.c */

/* The parameter of an aggregation at all steps, and what upstream asks of it as a whole. */
struct promql__param {
	const double *v;
	double min, max; /* NaN when any is */
	bool any_nan;
};
int promql__param(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__param *ret);

#endif
