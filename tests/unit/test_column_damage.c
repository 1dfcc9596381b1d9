/* test_column_damage.c - untrusted columns: cut at every length, every byte changed, random bytes. An error or some
 * answer, and never a byte read outside (the sanitizers see it: columns stand in memory of exactly their size and the
 * slack). */
#include "tests/support/columns.h"

#include "libtsdb/column/column.h"
#include "libtsdb/column/kernels.h"

enum { N = 300, ROOM = (TSDB_COLUMN_MAX + 128) };

static double out[ROOM];

/* Opens and decodes what can be. The count of a damaged column may be large: all of it, and a part. Returns whether it
 * was an error. */
static bool read_all(const uint8_t *bytes, size_t len)
{
	struct tsdb__column c;
	size_t first, ends = SIZE_MAX;
	int rc = tsdb__column_open(&c, bytes, len, &ends);
	if (rc < 0) {
		assert_int_equal(rc, PM_ERR_CORRUPT);
		return true;
	}
	assert_true(ends > 0 && ends <= len && c.count > 0 && c.count <= TSDB_COLUMN_MAX);
	assert_non_null(tsdb__column_encoding(&c));
	for (int part = 0; part < 2; part++) {
		size_t from = part ? c.count / 2 : 0;
		rc = tsdb__column_values(&c, from, c.count, out, &first);
		if (rc == PM_ERR_CORRUPT)
			rc = tsdb__column_times(&c, from, c.count, (int64_t *)(void *)out, &first);
		assert_true(rc == 0 || rc == PM_ERR_CORRUPT);
	}
	return rc != 0;
}

/* A column of a kind (values, then times) and length, with memory of its own. */
static uint8_t *make(unsigned kind, size_t n, size_t *ret_len)
{
	struct test_rng r = test_rng(kind);
	struct pm_buf b = { 0 };
	double v[N];
	int64_t t[N];
	if (kind < COLUMN_VALUE_KINDS) {
		column_fill_values(&r, kind, v, n);
		assert_int_equal(tsdb__column_put_values(&b, v, n), 0);
	} else {
		column_fill_times(&r, kind - COLUMN_VALUE_KINDS, t, n);
		assert_int_equal(tsdb__column_put_times(&b, t, n), 0);
	}
	uint8_t *p = malloc(b.len + TSDB_COLUMN_SLACK);
	memcpy(p, b.ptr, b.len);
	memset(p + b.len, 0, TSDB_COLUMN_SLACK);
	*ret_len = b.len;
	pm_buf_release(&b);
	return p;
}

static const size_t lengths[] = { 1, 5, 60, N };

/* A column that ends early is never one: its directory says how long it is. */
static void test_cut(void **state)
{
	for (unsigned kind = 0; kind < COLUMN_VALUE_KINDS + COLUMN_TIME_KINDS; kind++)
		for (size_t l = 0; l < 4; l++) {
			size_t len;
			uint8_t *whole = make(kind, lengths[l], &len);
			for (size_t cut = 0; cut < len; cut++) {
				uint8_t *p = malloc(cut + TSDB_COLUMN_SLACK);
				memcpy(p, whole, cut);
				memset(p + cut, 0xff, TSDB_COLUMN_SLACK);
				assert_true(read_all(p, cut));
				free(p);
			}
			free(whole);
		}
}

static void test_flips(void **state)
{
	struct test_rng r = test_rng(7);
	for (unsigned kind = 0; kind < COLUMN_VALUE_KINDS + COLUMN_TIME_KINDS; kind++)
		for (size_t l = 0; l < 4; l++) {
			size_t len;
			uint8_t *p = make(kind, lengths[l], &len);
			for (size_t at = 0; at < len; at++)
				for (int k = 0; k < (at < 40 ? 12 : 3); k++) {
					uint8_t was = p[at];
					p[at] ^= k < 8 ? (uint8_t)(1 << k) : (uint8_t)(1 + test_below(&r, 255));
					read_all(p, len);
					p[at] = was;
				}
			free(p);
		}
}

/* Heads that are right, then noise. */
static void test_noise(void **state)
{
	struct test_rng r = test_rng(8);
	for (int i = 0; i < 60000; i++) {
		size_t len = 1 + test_below(&r, 400);
		uint8_t *p = malloc(len + TSDB_COLUMN_SLACK);
		for (size_t k = 0; k < len + TSDB_COLUMN_SLACK; k++)
			p[k] = (uint8_t)(test_u64(&r) >> test_below(&r, 60));
		p[0] = (uint8_t)(test_below(&r, 6) << 4 | test_below(&r, 5));
		if (len > 8) { /* a short body, so that the directory fits */
			p[1] &= 127;
			p[2] &= 7;
			p[5] = p[7] = 0;
		}
		read_all(p, len);
		free(p);
	}
}

/* Damaged columns, too, are the same for all variants: they take the same way. */
static void test_same_damage(void **state)
{
	static double want[ROOM];
	const struct tsdb__kernels *variants[4];
	size_t variant_count = tsdb__kernels_list(variants), len, first;
	struct test_rng r = test_rng(9);
	for (int i = 0; i < 3000; i++) {
		struct tsdb__column c;
		uint8_t *p = make((unsigned)test_below(&r, COLUMN_VALUE_KINDS), N, &len);
		p[test_below(&r, len)] ^= (uint8_t)(1 + test_below(&r, 255));
		for (size_t v = 0; v < variant_count; v++) {
			tsdb__kernels_force(variants[v]);
			if (tsdb__column_open(&c, p, len, NULL) < 0 || c.count > N ||
				tsdb__column_values(&c, 0, c.count, out, &first))
				break;
			if (v == 0)
				memcpy(want, out, sizeof *out * c.count);
			assert_memory_equal(want, out, sizeof *out * c.count);
		}
		free(p);
	}
	tsdb__kernels_force(NULL);
}

/* A directory that leads elsewhere than the blocks do: what decodes alone would differ from what decodes with the
 * others. */
static void test_directory(void **state)
{
	struct test_rng r = test_rng(10);
	struct pm_buf b = { 0 };
	struct tsdb__column c;
	size_t first;
	double v[2048];
	column_fill_values(&r, 0, v, 2048);
	assert_int_equal(tsdb__column_put_values(&b, v, 2048), 0);
	assert_int_equal(pm_buf_reserve(&b, TSDB_COLUMN_SLACK), 0);
	assert_int_equal(tsdb__column_open(&c, (uint8_t *)b.ptr, b.len, NULL), 0);
	assert_int_equal(tsdb__column_values(&c, 0, 2048, out, &first), 0);
	uint8_t *dir = (uint8_t *)b.ptr + (c.dir - c.ptr);
	dir[0] ^= 1;
	dir[2] = (uint8_t)(dir[2] + (dir[0] & 1 ? -1 : 1)); /* their sum stays, unless a byte wraps */
	assert_int_equal(tsdb__column_open(&c, (uint8_t *)b.ptr, b.len, NULL), 0);
	assert_int_equal(tsdb__column_values(&c, 0, 2048, out, &first), PM_ERR_CORRUPT);
	pm_buf_release(&b);
}

TEST_MAIN(TEST(test_cut), TEST(test_flips), TEST(test_noise), TEST(test_same_damage), TEST(test_directory))
