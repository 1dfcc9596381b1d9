/* Bounds and buckets of native histograms. */
#include "tests/support/test.h"

#include "libtsdb/base/hist.h"

#include <float.h>
#include <math.h>

static void test_bounds(void **state)
{
	assert_bits(pm_bucket_bound(0, 0, NULL, 0), 1);
	assert_bits(pm_bucket_bound(1, 0, NULL, 0), 2);
	assert_bits(pm_bucket_bound(-1, 0, NULL, 0), 0.5);
	assert_bits(pm_bucket_bound(3, 2, NULL, 0), 1.6817928305074288);
	assert_bits(pm_bucket_bound(2, 2, NULL, 0), 1.414213562373095);
	assert_bits(pm_bucket_bound(3, -2, NULL, 0), 4096);
	assert_bits(pm_bucket_bound(1024, 0, NULL, 0), DBL_MAX);
	assert_bits(pm_bucket_bound(1025, 0, NULL, 0), INFINITY);
	assert_bits(pm_bucket_bound(64, -4, NULL, 0), DBL_MAX);
	assert_bits(pm_bucket_bound(65, -4, NULL, 0), INFINITY);
	assert_bits(pm_bucket_bound(INT32_MIN, 8, NULL, 0), 0);
	assert_true(isnan(pm_bucket_bound(0, -53 - 1, NULL, 0)));
}

/* Every schema's bounds are every other one of the next finer schema, and they ascend. */
static void test_schemas_nest(void **state)
{
	for (int32_t schema = -3; schema <= 8; schema++) {
		for (int64_t i = -600; i < 600; i++) {
			double coarse = pm_bucket_bound(i, schema - 1, NULL, 0);

			assert_bits(coarse, pm_bucket_bound(2 * i, schema, NULL, 0));
			assert_true(coarse <= pm_bucket_bound(2 * i + 1, schema, NULL, 0));
		}
	}
}

static void test_custom_bounds(void **state)
{
	static const double custom[] = { 1, 2.5 };

	assert_bits(pm_bucket_bound(-1, PM_SCHEMA_CUSTOM, custom, 2), -INFINITY);
	assert_bits(pm_bucket_bound(1, PM_SCHEMA_CUSTOM, custom, 2), 2.5);
	assert_bits(pm_bucket_bound(2, PM_SCHEMA_CUSTOM, custom, 2), INFINITY);
	assert_bits(pm_bucket_bound(9, PM_SCHEMA_CUSTOM, custom, 2), INFINITY);
}

static size_t walk(const struct pm_histogram *h, struct pm_bucket *out, size_t max)
{
	struct pm_bucket_iter it;
	struct pm_bucket b;
	size_t n = 0;

	for (pm_bucket_begin(&it, h); pm_bucket_next(&it, &b); n++) {
		assert_true(n < max);
		out[n] = b;
	}
	assert_false(pm_bucket_next(&it, &b));
	return n;
}

static void test_walk(void **state)
{
	static const struct pm_span pos[] = { { 3, 2 }, { 1, 3 } }, neg[] = { { 2, 2 }, { 0, 0 } };
	static const double pos_v[] = { 1, 2, 2, 1, 1 }, neg_v[] = { 2, 1 };
	struct pm_histogram h = { .schema = 2, .zero_threshold = 0.001, .zero_count = 12, .pos_spans = pos,
		.pos_span_count = 2, .neg_spans = neg, .neg_span_count = 2, .pos = pos_v, .pos_count = 5, .neg = neg_v,
		.neg_count = 2 };
	struct pm_bucket b[16];

	assert_int_equal(walk(&h, b, 16), 8);
	assert_bits(b[0].lower, -1.6817928305074288);
	assert_bits(b[0].upper, -1.414213562373095);
	assert_bits(b[0].count, 1);
	assert_true(b[0].lower_inclusive && !b[0].upper_inclusive);
	assert_bits(b[1].upper, -1.189207115002721);
	assert_bits(b[2].lower, -0.001);
	assert_true(b[2].lower_inclusive && b[2].upper_inclusive);
	assert_bits(b[4].upper, 2);
	assert_bits(b[5].lower, 2.378414230005442);
	assert_bits(b[7].upper, 4);
	assert_int_equal(b[7].index, 8);
	assert_true(!b[7].lower_inclusive && b[7].upper_inclusive);
	h.zero_count = 0;
	assert_int_equal(walk(&h, b, 16), 7);
}

/* A zero bucket that reaches into others moves their edges. */
static void test_wide_zero(void **state)
{
	static const struct pm_span span = { 0, 1 };
	static const double one = 1;
	struct pm_histogram h = { .zero_threshold = 0.75, .zero_count = 1, .pos_spans = &span, .pos_span_count = 1,
		.neg_spans = &span, .neg_span_count = 1, .pos = &one, .pos_count = 1, .neg = &one, .neg_count = 1 };
	struct pm_bucket b[4];

	assert_int_equal(walk(&h, b, 4), 3);
	assert_bits(b[0].upper, -0.75);
	assert_bits(b[2].lower, 0.75);
}

/* Spans that promise more buckets than there are must not be believed. */
static void test_lying_spans(void **state)
{
	static const struct pm_span span = { 0, 4000000000u };
	static const double one = 1;
	struct pm_histogram h = { .schema = PM_SCHEMA_CUSTOM, .pos_spans = &span, .pos_span_count = 1, .pos = &one,
		.pos_count = 1, .neg_spans = &span, .neg_span_count = 1, .neg = &one, .neg_count = 1 };
	struct pm_bucket b[4];

	assert_int_equal(walk(&h, b, 4), 2);
	assert_bits(b[1].lower, -INFINITY);
	assert_true(b[1].lower_inclusive);
}

TEST_MAIN(TEST(test_bounds), TEST(test_schemas_nest), TEST(test_custom_bounds), TEST(test_walk), TEST(test_wide_zero),
	TEST(test_lying_spans))
