/* result.h - building the answer: see result.c. */
#ifndef PROMQL_EVAL_RESULT_H
#define PROMQL_EVAL_RESULT_H

#include "libpromql/eval/eval.h"

/* Everything of an answer lives in one arena, together with the answer itself. */
struct promql__answer {
	struct pm_arena arena;
	struct promql_result r;
	struct promql_series *series;
	size_t series_cap;
};

struct promql__answer *promql__answer_new(struct promql__query *q);
int promql__answer_col(
	struct promql__query *q, struct promql__answer *a, const struct promql__grid *g, const struct promql__col *c);
int promql__answer_raw(struct promql__query *q, struct promql__answer *a, const struct promql__raw *r);
/* Order (a matrix by labels), notes and statistics. */
int promql__answer_finish(struct promql__query *q, struct promql__answer *a);

#endif
