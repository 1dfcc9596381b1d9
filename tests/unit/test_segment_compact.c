/* test_segment_compact.c - sealing, merging, retention and deletion where they are near an edge: times at both ends,
 * work that is stopped, what a merge must not change, what is refused. */
#include "tests/support/series.h"

#include "libtsdb/tsdb.h"

enum { DAY_MS = 86400000, TOO_MANY = 65 };

static struct tsdb *open_store(const char *dir)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	return db;
}

static void append(struct tsdb *db, const char *name, int64_t t_ms, double v)
{
	struct pm_label l = { PM_NAME_LABEL, pm_str(name) };
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	assert_ok(tsdb_txn_append(txn, (struct pm_labels){ &l, 1 }, t_ms, v, NULL, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

static uint64_t digest(struct tsdb *db, uint64_t samples)
{
	struct tsdb_digest d;
	struct pm_error err = { 0 };
	assert_ok(tsdb_digest(db, &d, &err), &err);
	assert_int_equal(d.sample_count, samples);
	return d.hash;
}

/* Seal what is in the head, and merge nothing. */
static void seal(struct tsdb *db)
{
	struct pm_matcher none = { PM_MATCH_EQ, PM_NAME_LABEL, PM_STR("none") };
	struct pm_error err = { 0 };
	assert_ok(tsdb_delete(db, &none, 1, PM_TIME_MIN, PM_TIME_MAX, &err), &err);
}

static struct tsdb_compact_stats merge(struct tsdb *db)
{
	struct tsdb_compact_opts opts = { .force = true };
	struct tsdb_compact_stats stats;
	struct pm_error err = { 0 };
	assert_ok(tsdb_compact(db, &opts, &stats, &err), &err);
	return stats;
}

static uint64_t segments(struct tsdb *db)
{
	struct tsdb_stats stats;
	struct pm_error err = { 0 };
	assert_ok(tsdb_stats(db, &stats, &err), &err);
	return stats.segment_count;
}

/* The value of a series at a time; -1 when there is none. */
static double value_at(struct tsdb *db, const char *name, int64_t t_ms)
{
	struct pm_matcher m = { PM_MATCH_EQ, PM_NAME_LABEL, pm_str(name) };
	struct pm_select sel = { .matchers = &m, .matcher_count = 1, .min_ms = t_ms, .max_ms = t_ms };
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series_set *set;
	struct pm_series s;
	double v = -1;
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	int rc = set->next(set, &s, &err);
	assert_true(rc >= 0);
	if (rc > 0) {
		assert_int_equal(s.samples.count, 1);
		v = s.samples.v[0];
	}
	set->free(set);
	q->free(q);
	return v;
}

/* ---- tests ---- */

/* More spans than there are segments for, at the longest: the last one takes the rest, once for each series. */
static void test_far_apart(void **state)
{
	static const int64_t times[] = { INT64_MIN + 1, -INT64_C(4000000000000000000), -DAY_MS - 1, -DAY_MS, -1, 0, 1,
		DAY_MS, INT64_C(1700000000000), INT64_C(1000000000000000000), INT64_C(4000000000000000000),
		INT64_MAX - 1, INT64_MAX };
	enum { TIMES = sizeof times / sizeof times[0] };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	for (int s = 0; s < 3; s++)
		for (size_t i = 0; i < TIMES; i++)
			append(db, s == 0 ? "a" : s == 1 ? "b" : "c", times[i], (double)i);
	uint64_t before = digest(db, 3 * TIMES);
	seal(db);
	assert_in_range(segments(db), 2, 64);
	assert_true(digest(db, 3 * TIMES) == before);
	for (size_t i = 0; i < TIMES; i++) /* the second time does not count */
		append(db, "b", times[i], 77);
	seal(db);
	assert_true(digest(db, 3 * TIMES) == before);
	merge(db);
	assert_true(digest(db, 3 * TIMES) == before);
	tsdb_close(db);
	db = open_store(dir);
	assert_true(digest(db, 3 * TIMES) == before);
	for (size_t i = 0; i < TIMES; i++)
		assert_bits(value_at(db, "b", times[i]), (double)i);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* Days before 1970 are spans, too: each whole day in one segment. */
static void test_negative_days(void **state)
{
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	for (int64_t day = -3; day < 3; day++) {
		append(db, "a", day * DAY_MS, 1);
		append(db, "a", day * DAY_MS + DAY_MS - 1, 2);
	}
	uint64_t before = digest(db, 12);
	seal(db);
	assert_int_equal(segments(db), 6);
	merge(db); /* to 12 days before zero and 12 behind it */
	assert_int_equal(segments(db), 2);
	assert_true(digest(db, 12) == before);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* The sample committed first counts, whatever is merged with what and in which order. */
static void test_order_of_commitment(void **state)
{
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	/* the second segment spans days, so that it joins neither of the others in their day */
	append(db, "a", 1000, 1);
	seal(db);
	append(db, "a", 1000, 2);
	append(db, "a", 2000, 2);
	append(db, "a", 200 * (int64_t)DAY_MS, 2);
	seal(db);
	append(db, "a", 2000, 3);
	append(db, "a", 3000, 3);
	seal(db);
	for (int round = 0; round < 3; round++) {
		assert_bits(value_at(db, "a", 1000), 1);
		assert_bits(value_at(db, "a", 2000), 2);
		assert_bits(value_at(db, "a", 3000), 3);
		if (round == 0)
			merge(db);
		append(db, "a", 3000, 4);
		append(db, "a", 1000, 4);
		if (round == 1)
			merge(db);
	}
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* A merged segment keeps the place of its first member: what was sealed after these, over longer spans, stays behind.
 */
static void test_order_of_merged(void **state)
{
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	append(db, "a", 1000, 1);
	seal(db);
	append(db, "a", 2000, 2);
	seal(db);
	for (int64_t day = 0; day < 100; day += 9) { /* so far apart that spans are of 12 days */
		append(db, "a", day * DAY_MS + 1000, 3);
		append(db, "a", day * DAY_MS + 2000, 3);
	}
	seal(db);
	assert_in_range(segments(db), 3, 12);
	merge(db); /* the first two in their day, then all in 12 days */
	assert_bits(value_at(db, "a", 1000), 1);
	assert_bits(value_at(db, "a", 2000), 2);
	assert_bits(value_at(db, "a", 9 * (int64_t)DAY_MS + 1000), 3);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* A deletion is for what was committed when it was made. */
static void test_deletion_is_of_its_time(void **state)
{
	struct pm_matcher a = { PM_MATCH_EQ, PM_NAME_LABEL, PM_STR("a") };
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	append(db, "a", 1000, 1);
	append(db, "a", 5000, 1);
	append(db, "b", 1000, 1);
	assert_ok(tsdb_delete(db, &a, 1, 0, 2000, &err), &err);
	for (int round = 0; round < 4; round++) {
		assert_bits(value_at(db, "a", 1000), round ? 2 : -1);
		assert_bits(value_at(db, "a", 5000), 1);
		assert_bits(value_at(db, "b", 1000), 1);
		if (round == 0)
			append(db, "a", 1000, 2);
		else if (round == 1)
			seal(db);
		else
			merge(db);
	}
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* Bytes are given back: with all samples of a segment its file goes. */
static void test_deleted_bytes(void **state)
{
	struct pm_matcher all = { PM_MATCH_NE, PM_NAME_LABEL, PM_STR("none") };
	struct pm_error err = { 0 };
	struct tsdb_stats stats;
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	for (int i = 0; i < 100; i++)
		append(db, "a", i * 1000, i);
	assert_ok(tsdb_delete(db, &all, 1, PM_TIME_MIN, PM_TIME_MAX, &err), &err);
	digest(db, 0);
	assert_int_equal(segments(db), 1);
	merge(db);
	assert_ok(tsdb_stats(db, &stats, &err), &err);
	assert_int_equal(stats.segment_count, 0);
	assert_int_equal(stats.segment_bytes, 0);
	append(db, "a", 1000, 5); /* and it is taken again */
	assert_bits(value_at(db, "a", 1000), 5);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

static void test_refused_deletions(void **state)
{
	struct pm_matcher many[TOO_MANY];
	struct pm_matcher bad = { PM_MATCH_RE, PM_NAME_LABEL, PM_STR("(") };
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	append(db, "a", 1000, 1);
	for (size_t i = 0; i < TOO_MANY; i++)
		many[i] = (struct pm_matcher){ PM_MATCH_NE, PM_NAME_LABEL, PM_STR("x") };
	assert_code(tsdb_delete(db, many, 0, 0, 1, &err), PM_ERR_INVALID, &err);
	assert_code(tsdb_delete(db, many, TOO_MANY, 0, 1, &err), PM_ERR_LIMIT, &err);
	assert_code(tsdb_delete(db, many, 1, 1, 0, &err), PM_ERR_INVALID, &err);
	assert_code(tsdb_delete(db, &bad, 1, 0, 1, &err), PM_ERR_INVALID, &err);
	digest(db, 1);
	assert_ok(tsdb_delete(db, many, TOO_MANY - 1, 0, 1000, &err), &err);
	tsdb_close(db);
	db = open_store(dir);
	digest(db, 0);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

static bool stop_at_once(void *arg, const char *what, uint64_t done, uint64_t all)
{
	++*(int *)arg;
	return true;
}

/* Stopped work leaves no file behind and the store as it was. */
static void test_stopped(void **state)
{
	int asked = 0;
	struct tsdb_compact_opts opts = { .force = true, .progress = stop_at_once, .progress_arg = &asked };
	struct tsdb_compact_stats stats;
	struct pm_error err = { 0 };
	struct pm_strings names;
	char *dir = test_tmpdir(), name[16];
	struct tsdb *db = open_store(dir);
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof name, "m%d", i);
		append(db, name, 1000, i);
	}
	uint64_t before = digest(db, 600);
	assert_code(tsdb_compact(db, &opts, &stats, &err), PM_ERR_CANCELED, &err);
	assert_int_equal(asked, 1);
	assert_true(digest(db, 600) == before);
	int dirfd = test_dirfd(dir);
	assert_ok(pm_fs_list(dirfd, &names, &err), &err);
	for (size_t i = 0; i < names.count; i++)
		assert_false(names.v[i].len > 7 && memcmp(names.v[i].ptr, "segment", 7) == 0);
	pm_strings_free(&names);
	pm_fs_close(dirfd);
	assert_int_equal(merge(db).sealed_samples, 600);
	assert_true(digest(db, 600) == before);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

TEST_MAIN(TEST(test_far_apart), TEST(test_negative_days), TEST(test_order_of_commitment), TEST(test_order_of_merged),
	TEST(test_deletion_is_of_its_time), TEST(test_deleted_bytes), TEST(test_refused_deletions), TEST(test_stopped))
