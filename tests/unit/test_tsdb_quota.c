/* test_tsdb_quota.c - limits on series and bytes: new series are refused by name, those that are there go on. */
#include "tests/support/test.h"

#include "libtsdb/tsdb.h"

static struct tsdb *open_store(const char *dir, uint64_t series_max, uint64_t job_series_max, uint64_t bytes_max)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE,
		.fsync_ms = TSDB_FSYNC_NEVER,
		.series_max = series_max,
		.job_series_max = job_series_max,
		.bytes_max = bytes_max };
	struct pm_error err = { 0 };
	struct tsdb *db;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	return db;
}

static uint64_t series_count(struct tsdb *db)
{
	struct tsdb_stats st;
	assert_ok(tsdb_stats(db, &st, NULL), NULL);
	return st.series_count;
}

static struct tsdb_txn *begin(struct tsdb *db)
{
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	return txn;
}

/* A sample of the metric `m`; `job` NULL: without one. */
static int append(struct tsdb_txn *txn, const char *job, int i, struct pm_error *err)
{
	char value[16];
	snprintf(value, sizeof value, "%d", i);
	struct pm_label l[] = { { PM_NAME_LABEL, PM_STR("m") }, { PM_STR("i"), pm_str(value) },
		{ PM_STR("job"), pm_str(job) } };
	return tsdb_txn_append(txn, (struct pm_labels){ l, job ? 3 : 2 }, 1000, i, NULL, err);
}

static void commit(struct tsdb_txn *txn)
{
	struct pm_error err = { 0 };
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

/* ---- transactions ------------------------------------------------------------------------------- */

static void test_series_in_total(void **state)
{
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 3, 0, 0);
	struct tsdb_txn *txn = begin(db);
	for (int i = 0; i < 3; i++)
		assert_ok(append(txn, "a", i, &err), &err);
	assert_code(append(txn, "b", 3, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "3 series");
	assert_contains(err.msg, "job \"b\"");
	assert_contains(err.msg, "metric \"m\"");
	assert_ok(append(txn, "a", 1, &err), &err); /* the transaction goes on */
	commit(txn);
	assert_int_equal(series_count(db), 3);
	txn = begin(db);
	assert_ok(append(txn, "a", 2, &err), &err);
	assert_code(append(txn, "a", 4, &err), PM_ERR_LIMIT, &err);
	commit(txn);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

static void test_series_of_a_job(void **state)
{
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 0, 2, 0);
	struct tsdb_txn *txn = begin(db);
	for (int i = 0; i < 2; i++) {
		assert_ok(append(txn, "a", i, &err), &err);
		assert_ok(append(txn, NULL, i, &err), &err);
	}
	assert_code(append(txn, "a", 2, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "job \"a\" has 2 series, and may have 2");
	assert_ok(append(txn, "b", 2, &err), &err);
	assert_code(append(txn, NULL, 2, &err), PM_ERR_LIMIT, &err);
	commit(txn);
	tsdb_close(db);
	/* Counted anew by the next process. */
	db = open_store(dir, 0, 2, 0);
	txn = begin(db);
	assert_code(append(txn, "a", 2, &err), PM_ERR_LIMIT, &err);
	assert_ok(append(txn, "b", 3, &err), &err);
	assert_code(append(txn, "b", 4, &err), PM_ERR_LIMIT, &err);
	commit(txn);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* What was aborted does not count, neither the first series of a job nor one more. */
static void test_aborted_series(void **state)
{
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 0, 3, 0);
	struct tsdb_txn *txn = begin(db);
	assert_ok(append(txn, "a", 0, &err), &err);
	commit(txn);
	for (int round = 0; round < 5; round++) {
		txn = begin(db);
		assert_ok(append(txn, "a", 10 + round, &err), &err);
		assert_ok(append(txn, "b", 10 + round, &err), &err);
		assert_ok(append(txn, "b", 20 + round, &err), &err);
		assert_ok(append(txn, "a", 20 + round, &err), &err);
		assert_code(append(txn, "a", 30, &err), PM_ERR_LIMIT, &err);
		tsdb_txn_abort(txn);
	}
	txn = begin(db);
	assert_ok(append(txn, "a", 1, &err), &err);
	assert_ok(append(txn, "a", 2, &err), &err);
	assert_code(append(txn, "a", 3, &err), PM_ERR_LIMIT, &err);
	commit(txn);
	assert_int_equal(series_count(db), 3);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

static void test_series_of_other_processes(void **state)
{
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 0, 2, 0), *other = open_store(dir, 0, 0, 0);
	struct tsdb_txn *txn = begin(db);
	assert_ok(append(txn, "a", 0, &err), &err);
	commit(txn);
	txn = begin(other);
	assert_ok(append(txn, "a", 1, &err), &err);
	assert_ok(append(txn, "a", 2, &err), &err); /* this one has no limit */
	commit(txn);
	txn = begin(db);
	assert_code(append(txn, "a", 3, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "has 3 series");
	commit(txn);
	tsdb_close(other);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

static void test_many_jobs(void **state)
{
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 0, 1, 0);
	struct tsdb_txn *txn = begin(db);
	for (int i = 0; i < 500; i++) {
		char job[16];
		snprintf(job, sizeof job, "job%d", i);
		assert_ok(append(txn, job, i, &err), &err);
		assert_code(append(txn, job, i + 1000, &err), PM_ERR_LIMIT, &err);
	}
	commit(txn);
	assert_int_equal(series_count(db), 500);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* The limit is on the head: series that are long gone make room once it was replaced. */
static void test_series_that_are_gone(void **state)
{
	enum { MANY = 2000 };
	struct tsdb_compact_opts later = { .now_ms = INT64_C(1) << 40, .force = true };
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 0, MANY, 0);
	struct tsdb_txn *txn = begin(db);
	for (int i = 0; i < MANY; i++)
		assert_ok(append(txn, "a", i, &err), &err);
	assert_code(append(txn, "a", MANY, &err), PM_ERR_LIMIT, &err);
	commit(txn);
	struct pm_label l = { PM_NAME_LABEL, PM_STR("late") };
	txn = begin(db);
	assert_ok(tsdb_txn_append(txn, (struct pm_labels){ &l, 1 }, INT64_C(1) << 39, 1, NULL, &err), &err);
	commit(txn);
	assert_ok(tsdb_compact(db, &later, NULL, &err), &err);
	assert_true(series_count(db) < 2);
	txn = begin(db);
	for (int i = 0; i < MANY; i++)
		assert_ok(append(txn, "a", MANY + i, &err), &err);
	assert_code(append(txn, "a", 0, &err), PM_ERR_LIMIT, &err);
	commit(txn);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* ---- pages -------------------------------------------------------------------------------------- */

/* Series [0, n) of a target, but for `without`. */
static struct pm_append_stats append_page(
	struct tsdb *db, int64_t t_ms, int n, int without, int want, struct pm_error *err)
{
	struct pm_page_entry e[16] = { 0 };
	struct pm_append_stats st = { 0 };
	struct pm_appender *app;
	struct pm_label l[16][3];
	char v[16][8];
	size_t count = 0;
	for (int i = 0; i < n; i++) {
		if (i == without)
			continue;
		snprintf(v[i], sizeof v[i], "%d", i);
		l[i][0] = (struct pm_label){ PM_NAME_LABEL, PM_STR("m") };
		l[i][1] = (struct pm_label){ PM_STR("i"), pm_str(v[i]) };
		l[i][2] = (struct pm_label){ PM_STR("job"), PM_STR("web") };
		e[count].e = (struct pm_layout_entry){ (uint64_t)i + 1, 5, PM_REF_NEW };
		e[count].labels = (struct pm_labels){ l[i], 3 };
		e[count].v = i;
		e[count++].t_ms = PM_NO_TIME;
	}
	struct pm_page page = { .t_ms = t_ms, .entries = e, .entry_count = count };
	assert_ok(tsdb_appender(db, &app, err), err);
	assert_code(app->append_page(app, PM_STR("key"), NULL, &page, &st, err), want, err);
	app->free(app);
	return st;
}

static uint64_t samples_at(struct tsdb *db, int64_t t_ms)
{
	struct pm_select all = { .min_ms = t_ms, .max_ms = t_ms };
	struct pm_error err = { 0 };
	struct pm_series_set *set;
	struct pm_series s;
	struct pm_querier *q;
	uint64_t n = 0;
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(q->select(q, &all, &set, &err), &err);
	while (set->next(set, &s, &err) > 0)
		for (size_t i = 0; i < s.samples.count; i++)
			n += !pm_is_stale(s.samples.v[i]);
	set->free(set);
	q->free(q);
	return n;
}

/* The parser's memory names no series that is not there. */
static void assert_layout(struct tsdb *db, uint32_t want)
{
	const struct pm_layout *l;
	struct pm_appender *app;
	struct pm_error err = { 0 };
	assert_ok(tsdb_appender(db, &app, &err), &err);
	assert_ok(app->layout(app, PM_STR("key"), &l, &err), &err);
	assert_non_null(l);
	assert_int_equal(l->entry_count, want);
	for (uint32_t b = 0; b < l->block_count; b++)
		for (uint32_t i = 0; i < l->blocks[b].entry_count; i++)
			assert_true(l->blocks[b].entries[i].ref < PM_REF_MAX);
	app->layout_free(app, l);
	app->free(app);
}

static void test_pages_go_on(void **state)
{
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 0, 3, 0);
	struct pm_append_stats st = append_page(db, 1000, 5, -1, 0, &err);
	assert_int_equal(st.samples, 3);
	assert_int_equal(st.series_refused, 2);
	assert_contains(err.msg, "job \"web\" has 3 series");
	assert_layout(db, 3);
	struct tsdb_stats before, after;
	assert_ok(tsdb_stats(db, &before, &err), &err);
	for (int t = 2; t < 10; t++) {
		st = append_page(db, t * 1000, 6, -1, 0, &err);
		assert_int_equal(st.samples, 3);
		assert_int_equal(st.series_refused, 3);
		assert_int_equal(st.stale, 0);
		assert_int_equal(samples_at(db, t * 1000), 3);
	}
	/* Being refused leaves nothing behind. */
	assert_ok(tsdb_stats(db, &after, &err), &err);
	assert_int_equal(after.catalog_bytes, before.catalog_bytes);
	assert_int_equal(after.layout_bytes, before.layout_bytes);
	tsdb_close(db);
	/* And once there is room, all are taken. */
	db = open_store(dir, 0, 0, 0);
	st = append_page(db, 20000, 6, -1, 0, &err);
	assert_int_equal(st.samples, 6);
	assert_int_equal(st.series_refused, 0);
	assert_int_equal(samples_at(db, 20000), 6);
	assert_layout(db, 6);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* A page with nothing but refused series, of a target that is new. */
static void test_page_of_refused_series(void **state)
{
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 1, 0, 0);
	struct tsdb_txn *txn = begin(db);
	assert_ok(append(txn, "a", 0, &err), &err);
	commit(txn);
	struct pm_append_stats st = append_page(db, 1000, 4, -1, 0, &err);
	assert_int_equal(st.samples, 0);
	assert_int_equal(st.series_refused, 4);
	assert_int_equal(series_count(db), 1);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* A series that goes away gets its stale marker although another is refused in the same page. */
static void test_stale_beside_refused(void **state)
{
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 3, 0, 0);
	append_page(db, 1000, 3, -1, 0, &err);
	struct pm_append_stats st = append_page(db, 2000, 5, 1, 0, &err);
	assert_int_equal(st.samples, 2);
	assert_int_equal(st.stale, 1);
	assert_int_equal(st.series_refused, 2);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* ---- bytes -------------------------------------------------------------------------------------- */

static void test_bytes(void **state)
{
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir, 0, 0, 40000);
	int rounds = 0;
	for (int rc = 0; rc == 0; rounds++) {
		assert_true(rounds < 1000);
		rc = tsdb_txn_begin(db, &txn, &err);
		for (int i = 0; rc == 0 && i < 10; i++)
			assert_ok(append(txn, "a", rounds * 10 + i, &err), &err);
		if (rc == 0)
			commit(txn);
		else
			assert_code(rc, PM_ERR_NOSPACE, &err);
	}
	assert_true(rounds > 2);
	assert_contains(err.msg, "may have 40000");
	append_page(db, 5000, 3, -1, PM_ERR_NOSPACE, &err);
	assert_int_equal(samples_at(db, 1000), (rounds - 1) * 10); /* reads go on */
	tsdb_close(db);
	db = open_store(dir, 0, 0, 0);
	append_page(db, 5000, 3, -1, 0, &err);
	assert_int_equal(samples_at(db, 5000), 3);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

TEST_MAIN(TEST(test_series_in_total), TEST(test_series_of_a_job), TEST(test_aborted_series),
	TEST(test_series_of_other_processes), TEST(test_many_jobs), TEST(test_series_that_are_gone),
	TEST(test_pages_go_on), TEST(test_page_of_refused_series), TEST(test_stale_beside_refused), TEST(test_bytes))
