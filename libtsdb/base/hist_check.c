/* hist_check.c - whether a native histogram is one: what upstream refuses is refused here, with its words. */
#include "libtsdb/base/hist.h"

#include <math.h>

enum { BUCKETS_MAX = 1 << 16 }; /* of one side */

static int check_spans(
	const struct pm_span *spans, uint32_t span_count, uint32_t bucket_count, const char *side, struct pm_error *err)
{
	uint64_t buckets = 0;
	int64_t index = 0;
	for (uint32_t i = 0; i < span_count; i++) {
		if (i && spans[i].offset < 0)
			return pm_fail(err, PM_ERR_INVALID, "%s side: span number %u with offset %d is negative", side,
				i + 1, (int)spans[i].offset);
		buckets += spans[i].length;
		index += (int64_t)spans[i].offset + spans[i].length;
		if (index > INT32_MAX || index < INT32_MIN)
			return pm_fail(err, PM_ERR_INVALID, "%s side: span number %u is out of range", side, i + 1);
	}
	if (buckets != bucket_count)
		return pm_fail(err, PM_ERR_INVALID, "%s side: spans need %llu buckets, have %u buckets", side,
			(unsigned long long)buckets, bucket_count);
	if (bucket_count > BUCKETS_MAX || span_count > BUCKETS_MAX)
		return pm_fail(err, PM_ERR_INVALID, "%s side: more than %d buckets", side, BUCKETS_MAX);
	return 0;
}

static int check_bounds(const struct pm_histogram *h, struct pm_error *err)
{
	uint64_t buckets = 0;
	for (uint32_t i = 0; i < h->custom_count; i++) {
		if (isnan(h->custom[i]))
			return pm_fail(err, PM_ERR_INVALID, "histogram custom bounds must not be NaN");
		if (i && !(h->custom[i] > h->custom[i - 1]))
			return pm_fail(err, PM_ERR_INVALID,
				"histogram custom bounds must be in strictly increasing order: previous bound is %g "
				"and "
				"current is %g",
				h->custom[i - 1], h->custom[i]);
		if (isinf(h->custom[i]))
			return pm_fail(err, PM_ERR_INVALID, "histogram custom bounds must be finite");
	}
	for (uint32_t i = 0; i < h->pos_span_count; i++)
		buckets += (uint64_t)h->pos_spans[i].offset + h->pos_spans[i].length;
	if (buckets > (uint64_t)h->custom_count + 1)
		return pm_fail(err, PM_ERR_INVALID, "histogram custom bounds are too few: only %u for %llu buckets",
			h->custom_count, (unsigned long long)buckets);
	return 0;
}

static int check_custom(const struct pm_histogram *h, struct pm_error *err)
{
	if (h->zero_threshold != 0)
		return pm_fail(err, PM_ERR_INVALID, "custom buckets: must have zero threshold of 0");
	if (h->neg_span_count)
		return pm_fail(err, PM_ERR_INVALID, "custom buckets: must not have negative spans");
	if (h->neg_count)
		return pm_fail(err, PM_ERR_INVALID, "custom buckets: must not have negative buckets");
	if (h->pos_span_count && h->pos_spans[0].offset < 0)
		return pm_fail(err, PM_ERR_INVALID, "custom buckets: the first span has a negative offset");
	if (h->custom_count > BUCKETS_MAX)
		return pm_fail(err, PM_ERR_INVALID, "custom buckets: more than %d bounds", BUCKETS_MAX);
	return check_bounds(h, err);
}

int pm_histogram_check_shape(const struct pm_histogram *h, struct pm_error *err)
{
	int rc;
	if (h->schema != PM_SCHEMA_CUSTOM && (h->schema < -4 || h->schema > 8))
		return pm_fail(err, PM_ERR_INVALID,
			"histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or "
			"-53 for custom buckets, got schema %d",
			(int)h->schema);
	if ((rc = check_spans(h->pos_spans, h->pos_span_count, h->pos_count, "positive", err)) < 0 ||
		(rc = check_spans(h->neg_spans, h->neg_span_count, h->neg_count, "negative", err)) < 0)
		return rc;
	if (h->schema == PM_SCHEMA_CUSTOM)
		return check_custom(h, err);
	if (h->custom_count)
		return pm_fail(err, PM_ERR_INVALID, "histogram with exponential schema must not have custom bounds");
	return 0;
}

static int check_count(const struct pm_histogram *h, double v, const char *what, struct pm_error *err)
{
	if (v < 0)
		return pm_fail(err, PM_ERR_INVALID, "%s is negative: %g", what, v);
	if (h->integer && v != floor(v)) /* NaN too */
		return pm_fail(err, PM_ERR_INVALID, "%s of a histogram with integer counts is %g", what, v);
	return 0;
}

static int check_side(const struct pm_histogram *h, const double *v, uint32_t count, double *sum, struct pm_error *err)
{
	int rc = 0;
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		rc = check_count(h, v[i], "the observation count of a bucket", err);
		*sum += v[i];
	}
	return rc;
}

/* Counts of floats may have been rounded: upstream compares sums of integers alone. Observations of NaN are in the
 * count and in no bucket. */
int pm_histogram_check(const struct pm_histogram *h, struct pm_error *err)
{
	double sum = h->zero_count;
	int rc = pm_histogram_check_shape(h, err);
	if (rc == 0 && h->schema == PM_SCHEMA_CUSTOM && h->zero_count != 0)
		return pm_fail(err, PM_ERR_INVALID, "custom buckets: must have zero count of 0");
	if (rc == 0 && h->reset_hint > PM_RESET_GAUGE)
		return pm_fail(err, PM_ERR_INVALID, "unknown counter reset hint %u", h->reset_hint);
	if (rc < 0 || (rc = check_count(h, h->count, "histogram's observation count", err)) < 0 ||
		(rc = check_count(h, h->zero_count, "the observation count of the zero bucket", err)) < 0 ||
		(rc = check_side(h, h->pos, h->pos_count, &sum, err)) < 0 ||
		(rc = check_side(h, h->neg, h->neg_count, &sum, err)) < 0 || !h->integer || sum >= 0x1p53)
		return rc;
	if (isnan(h->sum) ? sum > h->count : sum != h->count)
		return pm_fail(err, PM_ERR_INVALID,
			"histogram's observation count should %s the number of observations found in the buckets%s: %g "
			"observations found in buckets, but the Count field is %g",
			isnan(h->sum) ? "be at least" : "equal", isnan(h->sum) ? "" : " (in absence of NaN)", sum,
			h->count);
	return 0;
}
