/* hist.h - the buckets of a native histogram with their bounds, as printing and the engine need them. */
#ifndef PM_BASE_HIST_H
#define PM_BASE_HIST_H

#include "libtsdb/pm.h"

/* One bucket with its absolute count. `index` is its number in the schema; for the zero bucket it means nothing. */
struct pm_bucket {
	double lower, upper, count;
	bool lower_inclusive, upper_inclusive;
	int32_t index;
};

/* Walks all buckets in ascending order: negative ones, the zero bucket when it counts something, positive ones. Empty
 * buckets of the spans come too. Bounds inside the zero bucket are moved to its edge. A histogram whose spans name more
 * buckets than it has ends early. */
struct pm_bucket_iter {
	const struct pm_histogram *h;
	int stage;
	uint32_t span, bucket; /* of the side at hand; counted down on the negative side */
	int64_t in_span;
	int64_t index;
};

void pm_bucket_begin(struct pm_bucket_iter *it, const struct pm_histogram *h);
bool pm_bucket_next(struct pm_bucket_iter *it, struct pm_bucket *ret);

/* The upper bound of positive bucket `index`, bit for bit upstream's. Exponential schemas (-4..8, or any other between
 * -9 and 52, where bounds are computed) take no `custom`; PM_SCHEMA_CUSTOM takes its bounds from there. */
double pm_bucket_bound(int64_t index, int32_t schema, const double *custom, uint32_t custom_count);

/* Is it a histogram? The shape (schema, spans, bounds), or all of it: counts, and their sum where they are integers.
 * PM_ERR_INVALID with the reason. */
int pm_histogram_check_shape(const struct pm_histogram *h, struct pm_error *err);
int pm_histogram_check(const struct pm_histogram *h, struct pm_error *err);

#endif
