/* bucket.h - classic histograms: see bucket.c. */
#ifndef PROMQL_EVAL_BUCKET_H
#define PROMQL_EVAL_BUCKET_H

#include "libpromql/eval/eval.h"

/* A bucket of a classic histogram: how many observations are at or below `upper`. */
struct promql__le {
	double upper, count;
};

/* histogram_quantile() of these buckets, which are sorted and changed. At least one. `*ret_forced`: counts fell where
 * they must not, and were raised; `fix` says where. */
double promql__bucket_quantile(
	double phi, struct promql__le *v, size_t count, bool *ret_forced, struct promql__forced *fix);
double promql__bucket_fraction(double lower, double upper, struct promql__le *v, size_t count);

#endif
