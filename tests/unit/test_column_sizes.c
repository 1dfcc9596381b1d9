/* test_column_sizes.c - columns are as small as they are meant to be, in the encoding that is meant for them: what
 * other tests cannot see, as they would be content with any encoding. */
#include "tests/support/columns.h"

#include "libtsdb/column/column.h"

#include <math.h>

enum { N = 1024 };

static double bell(struct test_rng *r)
{
	return (test_unit(r) + test_unit(r) + test_unit(r) + test_unit(r) - 2) * 1.7320508;
}

/* The bytes of a column of values, which must have the encoding. */
static size_t size_of(const double *v, size_t n, const char *encoding)
{
	struct pm_buf b = { 0 };
	struct tsdb__column c;
	size_t len;
	assert_int_equal(tsdb__column_put_values(&b, v, n), 0);
	assert_int_equal(tsdb__column_open(&c, (uint8_t *)b.ptr, b.len, &len), 0);
	assert_string_equal(tsdb__column_encoding(&c), encoding);
	pm_buf_release(&b);
	return len;
}

static size_t size_of_times(const int64_t *t, size_t n, const char *encoding)
{
	struct pm_buf b = { 0 };
	struct tsdb__column c;
	size_t len;
	assert_int_equal(tsdb__column_put_times(&b, t, n), 0);
	assert_int_equal(tsdb__column_open(&c, (uint8_t *)b.ptr, b.len, &len), 0);
	assert_string_equal(tsdb__column_encoding(&c), encoding);
	pm_buf_release(&b);
	return len;
}

#define at_most(bytes, most) assert_in_range(bytes, 1, most)

static void test_counters(void **state)
{
	struct test_rng r = test_rng(1);
	double v[N], x = 1e7;
	for (size_t i = 0; i < N; i++)
		v[i] = x += floor(200000 * (1 + 0.25 * bell(&r))); /* entropy 17.7 bits */
	at_most(size_of(v, N, "delta"), N * 235 / 100);
	x = 0;
	for (size_t i = 0; i < N; i++)
		v[i] = x += test_below(&r, 20) == 0; /* entropy 0.29 bits */
	at_most(size_of(v, N, "delta"), N * 12 / 100);
	for (size_t i = 0; i < N; i++)
		v[i] = (double)(i % 300) * 7; /* resets */
	at_most(size_of(v, N, "delta"), 90);
}

static void test_gauges(void **state)
{
	struct test_rng r = test_rng(2);
	double v[N], x = 50000;
	for (size_t i = 0; i < N; i++)
		v[i] = (x += floor(700 * bell(&r))) / 1000; /* entropy 11.5 bits */
	at_most(size_of(v, N, "decimal"), N * 156 / 100);
	for (size_t i = 0; i < N; i++)
		v[i] = (x += test_below(&r, 4) ? 0 : floor(30 * bell(&r))) / 100; /* entropy 2.5 bits */
	at_most(size_of(v, N, "decimal"), N * 42 / 100);
	for (size_t i = 0; i < N; i++)
		v[i] = (x += floor(50 * bell(&r))) * 4096; /* entropy 7.7 bits */
	at_most(size_of(v, N, "delta"), N * 110 / 100);
	for (size_t i = 0; i < N; i++)
		v[i] = floor(100 * test_unit(&r)); /* no trend: entropy 6.6 bits */
	at_most(size_of(v, N, "frame"), N * 92 / 100);
}

static void test_noise(void **state)
{
	struct test_rng r = test_rng(3);
	double v[N];
	for (size_t i = 0; i < N; i++)
		v[i] = 3.7 * (1 + 0.3 * bell(&r)) * (0.5 + test_unit(&r)); /* entropy 6.67 bytes */
	at_most(size_of(v, N, "bits"), N * 685 / 100);
	for (size_t i = 0; i < N; i++)
		v[i] = i % 4 ? v[i - 1] : v[i];
	at_most(size_of(v, N, "bits"), N * 190 / 100);
	for (size_t i = 0; i < N; i++)
		v[i] = bell(&r);
	at_most(size_of(v, N, "bits"), N * 720 / 100);
}

/* Elements that do not fit cost themselves and no more. */
static void test_strangers(void **state)
{
	struct test_rng r = test_rng(4);
	double v[N], x = 1e7;
	for (size_t i = 0; i < N; i++)
		v[i] = x += floor(200000 * (1 + 0.25 * bell(&r)));
	size_t before = size_of(v, N, "delta");
	v[N - 1] = pm_stale_nan();
	v[N / 2] = (double)NAN;
	v[N / 3] = 0.1;
	at_most(size_of(v, N, "delta"), before + 3 * 12);
	for (size_t i = 0; i < N; i++)
		v[i] = 3400000000;
	v[N - 1] = pm_stale_nan();
	at_most(size_of(v, N, "frame"), 60);
}

static void test_short(void **state)
{
	double v[60];
	int64_t t[60];
	for (size_t i = 0; i < 60; i++) {
		v[i] = 3400000000;
		t[i] = 1700000000000 + (int64_t)i * 15000;
	}
	at_most(size_of(v, 60, "constant"), 7);
	at_most(size_of_times(t, 60, "progression"), 11);
	at_most(size_of_times(t, 1, "constant"), 8);
	for (size_t i = 0; i < 60; i++)
		v[i] = 2.5 * (double)i;
	at_most(size_of(v, 60, "progression"), 5);
	v[0] = v[1] = 0.25;
	at_most(size_of(v, 1, "constant"), 5);
	for (size_t i = 0; i < 60; i++)
		v[i] = (double)(100 + i * i % 8); /* 0, 1 or 4 beside 100 */
	at_most(size_of(v, 60, "frame"), 36);
}

static void test_times(void **state)
{
	struct test_rng r = test_rng(5);
	int64_t t[N];
	for (size_t i = 0; i < N; i++)
		t[i] = 1700000000000 + (int64_t)i * 15000 + (int64_t)test_below(&r, 16); /* entropy 4 bits */
	at_most(size_of_times(t, N, "frame"), N * 54 / 100);
	for (size_t i = 1; i < N; i++)
		t[i] = t[i - 1] + 15000 + (int64_t)test_below(&r, 16);
	at_most(size_of_times(t, N, "delta"), N * 58 / 100);
	for (size_t i = 0; i < N; i++)
		t[i] = (int64_t)(i * i * i);
	at_most(size_of_times(t, N, "delta2"), N * 135 / 100);
}

TEST_MAIN(TEST(test_counters), TEST(test_gauges), TEST(test_noise), TEST(test_strangers), TEST(test_short),
	TEST(test_times))
