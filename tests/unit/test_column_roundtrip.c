/* test_column_roundtrip.c - columns of every kind and length come back to the last bit, whole and in any range, and say
 * what encoding they took. */
#include "tests/support/columns.h"

#include "libtsdb/column/column.h"

enum { N_MAX = 3000 };

static const size_t lengths[] = { 1, 2, 3, 7, 8, 9, 60, 127, 128, 129, 240, 256, 300, 480, 1023, 1024, 1025, 3000 };

/* A column in memory of exactly its length and the slack, so that a sanitizer sees a byte too far. */
static uint8_t *exactly(const struct pm_buf *b)
{
	uint8_t *p = malloc(b->len + TSDB_COLUMN_SLACK);
	assert_non_null(p);
	memcpy(p, b->ptr, b->len);
	memset(p + b->len, 0xa5, TSDB_COLUMN_SLACK);
	return p;
}

static void check_values(const struct tsdb__column *c, const double *v, size_t from, size_t to)
{
	size_t first = SIZE_MAX;
	double *out = malloc(((to + 127) / 128 * 128 - from / 128 * 128) * sizeof *out);
	assert_int_equal(tsdb__column_values(c, from, to, out, &first), 0);
	assert_int_equal(first, from % TSDB_COLUMN_BLOCK);
	for (size_t i = from; i < to; i++)
		assert_bits(out[first + i - from], v[i]);
	free(out);
}

static void check_times(const struct tsdb__column *c, const int64_t *t, size_t from, size_t to)
{
	size_t first = SIZE_MAX;
	int64_t *out = malloc(((to + 127) / 128 * 128 - from / 128 * 128) * sizeof *out);
	assert_int_equal(tsdb__column_times(c, from, to, out, &first), 0);
	for (size_t i = from; i < to; i++)
		assert_int_equal(out[first + i - from], t[i]);
	free(out);
}

/* `v` or `t`. */
static void check_column(struct test_rng *r, const double *v, const int64_t *t, size_t n)
{
	struct pm_buf b = { 0 };
	struct tsdb__column c;
	size_t len = 0;
	assert_int_equal(v ? tsdb__column_put_values(&b, v, n) : tsdb__column_put_times(&b, t, n), 0);
	uint8_t *p = exactly(&b);
	assert_int_equal(tsdb__column_open(&c, p, b.len + TSDB_COLUMN_SLACK, &len), 0);
	assert_int_equal(len, b.len);
	assert_int_equal(c.count, n);
	for (int i = 0; i < 6; i++) {
		size_t from = i ? test_below(r, n) : 0, to = i ? from + 1 + test_below(r, n - from) : n;
		if (v)
			check_values(&c, v, from, to);
		else
			check_times(&c, t, from, to);
	}
	free(p);
	pm_buf_release(&b);
}

static void test_values(void **state)
{
	static double v[N_MAX];
	for (unsigned kind = 0; kind < COLUMN_VALUE_KINDS; kind++)
		for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
			for (unsigned k = 0; k < 6; k++) {
				struct test_rng r = test_rng(kind * 10000 + l * 100 + k);
				column_fill_values(&r, kind, v, lengths[l]);
				check_column(&r, v, NULL, lengths[l]);
			}
}

static void test_times(void **state)
{
	static int64_t t[N_MAX];
	for (unsigned kind = 0; kind < COLUMN_TIME_KINDS; kind++)
		for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
			struct test_rng r = test_rng(kind * 1000 + l);
			column_fill_times(&r, kind, t, lengths[l]);
			check_column(&r, NULL, t, lengths[l]);
		}
}

static void test_longest(void **state)
{
	double *v = malloc(TSDB_COLUMN_MAX * sizeof *v);
	for (unsigned kind = 0; kind < COLUMN_VALUE_KINDS; kind += 5) {
		struct test_rng r = test_rng(kind);
		column_fill_values(&r, kind, v, TSDB_COLUMN_MAX);
		check_column(&r, v, NULL, TSDB_COLUMN_MAX);
	}
	free(v);
}

/* Columns stand one behind the other; each says where it ends. */
static void test_in_a_row(void **state)
{
	struct pm_buf b = { 0 };
	double v[300];
	struct test_rng r = test_rng(0);
	for (unsigned kind = 0; kind < COLUMN_VALUE_KINDS; kind++) {
		column_fill_values(&r, kind, v, 300);
		assert_int_equal(tsdb__column_put_values(&b, v, 300), 0);
	}
	uint8_t *p = exactly(&b), *at = p;
	r = test_rng(0);
	for (unsigned kind = 0; kind < COLUMN_VALUE_KINDS; kind++) {
		struct tsdb__column c;
		size_t len;
		column_fill_values(&r, kind, v, 300);
		assert_int_equal(tsdb__column_open(&c, at, (size_t)(p + b.len - at), &len), 0);
		check_values(&c, v, 0, 300);
		at += len;
	}
	assert_ptr_equal(at, p + b.len);
	free(p);
	pm_buf_release(&b);
}

/* Times are no values, and the other way round. */
static void test_kinds_apart(void **state)
{
	struct pm_buf b = { 0 };
	struct tsdb__column c;
	union {
		double v[128];
		int64_t t[128];
	} out;
	int64_t t = 7;
	double v = 7;
	size_t first;
	assert_int_equal(tsdb__column_put_times(&b, &t, 1), 0);
	assert_int_equal(tsdb__column_open(&c, (uint8_t *)b.ptr, b.len, NULL), 0);
	assert_int_equal(tsdb__column_values(&c, 0, 1, out.v, &first), PM_ERR_CORRUPT);
	pm_buf_reset(&b);
	assert_int_equal(tsdb__column_put_values(&b, &v, 1), 0);
	assert_int_equal(tsdb__column_open(&c, (uint8_t *)b.ptr, b.len, NULL), 0);
	assert_int_equal(tsdb__column_times(&c, 0, 1, out.t, &first), PM_ERR_CORRUPT);
	pm_buf_release(&b);
}

static int put_all(void *arg)
{
	struct pm_buf b = { 0 };
	int rc = tsdb__column_put_values(&b, arg, 300);
	pm_buf_release(&b);
	assert_true(rc == 0 || rc == PM_ERR_NOMEM);
	return rc;
}

static void test_out_of_memory(void **state)
{
	double v[300];
	struct test_rng r = test_rng(0);
	column_fill_values(&r, 0, v, 300);
	assert_true(test_mem_faults(put_all, v) > 2);
}

TEST_MAIN(TEST(test_values), TEST(test_times), TEST(test_longest), TEST(test_in_a_row), TEST(test_kinds_apart),
	TEST(test_out_of_memory))
