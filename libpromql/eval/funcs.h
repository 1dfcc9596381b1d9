/* funcs.h - functions of instant vectors: call.c sends each to its file. */
#ifndef PROMQL_EVAL_FUNCS_H
#define PROMQL_EVAL_FUNCS_H

#include "libpromql/eval/ops.h"

typedef int promql__build_fn(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret);

promql__build_fn promql__build_math;      /* func_math.c: a float for a float */
promql__build_fn promql__build_scalars;   /* func_math.c: max_of, min_of */
promql__build_fn promql__build_date;      /* func_time.c */
promql__build_fn promql__build_timestamp; /* func_time.c: timestamp, start_timestamp */
promql__build_fn promql__build_absent;    /* func_shape.c, as the next three */
promql__build_fn promql__build_absent_over_time;
promql__build_fn promql__build_scalar;
promql__build_fn promql__build_vector;
promql__build_fn promql__build_sort;      /* func_sort.c */
promql__build_fn promql__build_label;     /* func_label.c: label_replace, label_join */
promql__build_fn promql__build_hist_part; /* func_hist.c: histogram_count, _sum, _avg, _stddev, _stdvar */
promql__build_fn promql__build_quantile;  /* func_bucket.c: histogram_quantile, _quantiles, _fraction */
promql__build_fn promql__build_info;      /* info.c */

/* The name goes, now or at the end of the query. */
int promql__forget_name(struct promql__query *q, struct promql__col *c);
/* The operator of a function that forgets names: merged when series may become equal by it. */
int promql__forgetting(
	struct promql__query *q, struct promql__op *op, const struct promql_node *child, struct promql__op **ret);
const struct promql_node *promql__arg(const struct promql_node *n, size_t i); /* without parentheses; NULL: not given */

#endif
