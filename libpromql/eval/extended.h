/* extended.h - values at the edges of anchored and smoothed windows: see extended.c. */
#ifndef PROMQL_EVAL_EXTENDED_H
#define PROMQL_EVAL_EXTENDED_H

#include "libpromql/eval/rollup.h"

bool promql__window_edges(const int64_t *t, size_t count, int64_t start_ms, int64_t end_ms, bool smoothed,
	size_t *ret_first, size_t *ret_last);
double promql__interpolate(int64_t t1, double v1, int64_t t2, double v2, int64_t t, bool counter);
double promql__left_edge(const int64_t *t, const double *v, size_t i, int64_t start_ms, bool smoothed, bool counter);
double promql__right_edge(const int64_t *t, const double *v, size_t i, int64_t end_ms, bool smoothed, bool counter);
/* What an anchored or smoothed range is when nothing is computed from it: the values at both ends of the window at the
 * first step, and the samples between. Histograms are those of the window alone. */
int promql__extend(
	struct promql__query *q, const struct promql__source *s, const struct promql__grid *g, struct promql__raw *r);

#endif
