/* fold.h - the state of an aggregation that takes in one series after the other: see fold.c. */
#ifndef PROMQL_EVAL_FOLD_H
#define PROMQL_EVAL_FOLD_H

#include "libpromql/eval/aggr.h"

/* What a group has seen at a step. */
enum {
	FOLD_SEEN = 1,
	FOLD_FLOAT = 2,
	FOLD_HIST = 4,
	FOLD_BAD = 8,      /* histograms that don't add up: no answer */
	FOLD_RUNNING = 16, /* avg: a running mean, as the sum would overflow */
	FOLD_RESET = 32,   /* hints on counter resets */
	FOLD_NO_RESET = 64,
};

/* One group, a number of each kind a step. What `v`, `c`, `mean` and `n` hold is the aggregation's business. */
struct promql__fold {
	uint8_t *flags;
	double *v, *c, *mean, *n;
	struct promql__hist **h; /* NULL while there are none */
	bool drop_name;
};

struct promql__fold_op {
	struct promql__table_op t;
	struct promql__op *child;
	enum promql_agg agg;
	size_t pos; /* of what is aggregated, for annotations */
	struct promql__groups groups;
	struct promql__fold *folds;
	size_t fold_cap;
};

/* fold_hist.c: take in a histogram at step `i` (sum and avg), and what it comes to at the end: 1, 0 for none, an error.
 */
int promql__fold_hist(struct promql__fold_op *op, struct promql__fold *f, size_t i, const struct promql__col *c);
int promql__fold_hist_end(
	struct promql__fold_op *op, struct promql__fold *f, size_t i, const struct pm_histogram **ret);

#endif
