/* source.h - range vectors: see source.c. */
#ifndef PROMQL_EVAL_SOURCE_H
#define PROMQL_EVAL_SOURCE_H

#include "libpromql/eval/eval.h"

/* An operator with next_raw() begins with this: whoever reads it cuts the samples into windows, for step i
 * (when_at(i) - range, when_at(i)]. With anchored, samples go back a lookback further, with smoothed also forward. */
struct promql__source {
	struct promql__op op;
	struct promql__when when;
	int64_t range_ms;
	bool anchored, smoothed;
	enum pm_use use; /* what the reader needs of the samples; set before the first next_raw() */
};

#endif
