/* test_tsdb_faults.c - the nth system call or allocation fails, for every n until a run goes untouched: an error, no
 * leak, and a store that holds what was committed, all of it and nothing else, and takes more. */
#include "tests/support/store_files.h"

#include "libtsdb/tsdb.h"

#include <errno.h>

enum { SERIES = 700, ROUNDS = 4 }; /* enough to grow tables and to build a run of postings */

struct run {
	char *dir;
	int committed; /* rounds that were */
	int uncertain; /* a commit that said no, after which the round may be there all the same (a failed sync) */
};

static int append_round(struct tsdb *db, int round, struct pm_error *err)
{
	struct tsdb_txn *txn;
	int rc = tsdb_txn_begin(db, &txn, err);
	if (rc < 0)
		return rc;
	for (int s = 0; s < SERIES; s++) {
		char value[16];
		snprintf(value, sizeof value, "%04d", s);
		struct pm_label l[] = { { PM_STR("__name__"), PM_STR("m") }, { PM_STR("s"), pm_str(value) } };
		if ((rc = tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, round * 1000, round + s, NULL, err)) < 0) {
			tsdb_txn_abort(txn);
			return rc;
		}
	}
	return tsdb_txn_commit(txn, err);
}

static int append_page(struct tsdb *db, int round, struct pm_error *err)
{
	struct pm_label l[] = { { PM_STR("__name__"), PM_STR("page") } };
	struct pm_page_entry e = { .e = { 1, 1, PM_REF_NEW }, .labels = { l, 1 }, .v = round, .t_ms = PM_NO_TIME };
	struct pm_page page = { .t_ms = round * 1000, .entries = &e, .entry_count = 1 };
	const struct pm_layout *layout;
	struct pm_appender *app;
	int rc = tsdb_appender(db, &app, err);
	if (rc < 0)
		return rc;
	if ((rc = app->layout(app, PM_STR("target"), &layout, err)) == 0) {
		rc = app->append_page(app, PM_STR("target"), layout, &page, NULL, err);
		app->layout_free(app, layout);
	}
	app->free(app);
	return rc;
}

/* Samples of the series in the store: their number, each checked. -1: an error. */
static int read_all(struct tsdb *db, struct pm_error *err, int *ret_series)
{
	struct pm_select sel = { .min_ms = 0, .max_ms = ROUNDS * 1000 };
	struct pm_series_set *set = NULL;
	struct pm_querier *q;
	struct pm_series s;
	int rc = tsdb_querier(db, &q, err), rounds = -1;
	*ret_series = 0;
	if (rc < 0)
		return rc;
	if ((rc = q->select(q, &sel, &set, err)) == 0) {
		while ((rc = set->next(set, &s, err)) > 0) {
			struct pm_str value = pm_labels_get(s.labels, PM_STR("s"));
			char text[16];
			if (value.len == 0)
				continue;
			snprintf(text, sizeof text, "%.*s", PM_STR_ARG(value));
			assert_true(rounds < 0 ||
				    rounds == (int)s.samples.count); /* all series have the same rounds: no half one */
			rounds = (int)s.samples.count;
			for (size_t i = 0; i < s.samples.count; i++)
				assert_int_equal(
					(int)s.samples.v[i] - s.samples.t_ms[i] / 1000, (int)strtol(text, NULL, 10));
			++*ret_series;
		}
		set->free(set);
	}
	q->free(q);
	return rc < 0 ? rc : rounds < 0 ? 0 : rounds;
}

static int scenario(void *arg)
{
	struct run *run = arg;
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_ALWAYS };
	struct pm_error err = { 0 };
	struct tsdb *db = NULL;
	int series, rc;
	run->committed = run->uncertain = 0;
	test_remove(run->dir);
	if ((rc = tsdb_open(run->dir, &opts, &db, &err)) < 0)
		return rc;
	for (int round = 0; round < ROUNDS && rc == 0; round++) {
		if ((rc = append_round(db, round, &err)) == 0)
			run->committed++;
		else
			run->uncertain = 1;
		if (rc == 0)
			rc = append_page(db, round, &err);
	}
	if (rc == 0 && (rc = read_all(db, &err, &series)) > 0)
		rc = 0;
	tsdb_close(db);
	return rc;
}

/* After a fault: what was committed is there, and the store goes on. */
static void check_after(struct run *run)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	int series, rounds;
	assert_ok(tsdb_open(run->dir, &opts, &db, &err), &err);
	rounds = read_all(db, &err, &series);
	assert_true(rounds >= run->committed && rounds <= run->committed + run->uncertain);
	assert_true(series == (rounds ? SERIES : 0));
	assert_ok(append_round(db, ROUNDS, &err), &err);
	assert_int_equal(read_all(db, &err, &series), rounds + 1);
	assert_int_equal(series, SERIES);
	tsdb_close(db);
}

static void every_nth(enum pm_fs_op op, int errnum)
{
	struct run run = { .dir = test_tmpdir() };
	for (size_t n = 1;; n++) {
		pm_fs_fail_nth(op, n, errnum);
		int rc = scenario(&run);
		size_t done = pm_fs_fail_nth(op, 0, 0);
		check_after(&run);
		if (done < n) {
			assert_int_equal(rc, 0);
			break;
		}
	}
	test_tmpdir_free(run.dir);
}

static void test_full_disk(void **state)
{
	every_nth(PM_FS_OP_WRITE, ENOSPC);
	every_nth(PM_FS_OP_ALLOCATE, ENOSPC);
}

static void test_broken_disk(void **state)
{
	every_nth(PM_FS_OP_ANY, EIO);
}

static void test_no_memory(void **state)
{
	struct run run = { .dir = test_tmpdir() };
	for (size_t n = 1;; n++) {
		pm_mem_fail_nth(n);
		int rc = scenario(&run);
		size_t done = pm_mem_fail_nth(0);
		check_after(&run);
		if (done < n) {
			assert_int_equal(rc, 0);
			break;
		}
		if (n > 64)
			n += n / 16; /* most are alike */
	}
	test_tmpdir_free(run.dir);
}

/* ---- recovery ---- */

/* A store as a machine crash left it, or a copy; a reader and a writer open it, and one operation fails. */
struct recovery {
	char crashed[4200], dir[4200];
	bool copied;
};

static void before_recovery(struct recovery *r)
{
	struct run run = { .dir = r->crashed };
	assert_int_equal(scenario(&run), 0);
	assert_int_equal(run.committed, ROUNDS);
}

static int recovery(void *arg)
{
	struct recovery *r = arg;
	struct tsdb_opts opts = { .flags = TSDB_READ, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	int series, rc = tsdb_open(r->dir, &opts, &db, &err);
	if (rc < 0)
		return rc;
	rc = read_all(db, &err, &series);
	tsdb_close(db);
	opts.flags = TSDB_WRITE;
	if (rc < 0 || (rc = tsdb_open(r->dir, &opts, &db, &err)) < 0)
		return rc;
	rc = read_all(db, &err, &series);
	tsdb_close(db);
	return rc < 0 ? rc : 0;
}

static void make_crashed(const struct recovery *r)
{
	store_copy(r->crashed, r->dir);
	if (!r->copied)
		store_reboot(r->dir);
}

static void check_recovered(struct recovery *r)
{
	struct run run = { .dir = r->dir, .committed = ROUNDS };
	check_after(&run);
}

static void every_nth_of_recovery(bool copied, bool memory)
{
	char *base = test_tmpdir();
	struct recovery r = { .copied = copied };
	snprintf(r.crashed, sizeof r.crashed, "%.4000s/crashed", base);
	snprintf(r.dir, sizeof r.dir, "%.4000s/store", base);
	before_recovery(&r);
	for (size_t n = 1;; n++) {
		make_crashed(&r);
		if (memory)
			pm_mem_fail_nth(n);
		else
			pm_fs_fail_nth(PM_FS_OP_ANY, n, EIO);
		int rc = recovery(&r);
		size_t done = memory ? pm_mem_fail_nth(0) : pm_fs_fail_nth(PM_FS_OP_ANY, 0, 0);
		check_recovered(&r);
		if (done < n) {
			assert_int_equal(rc, 0);
			break;
		}
	}
	test_tmpdir_free(base);
}

static void test_recovery_on_a_broken_disk(void **state)
{
	every_nth_of_recovery(false, false);
	every_nth_of_recovery(true, false);
}

static void test_recovery_without_memory(void **state)
{
	every_nth_of_recovery(false, true);
}

/* ---- sealing, merging ---- */

static int compaction(void *arg)
{
	struct recovery *r = arg;
	struct tsdb_opts opts = { .flags = TSDB_WRITE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct tsdb_compact_opts compact = { .force = true, .now_ms = ROUNDS * 1000 };
	struct pm_error err = { 0 };
	struct tsdb *db;
	int rc = tsdb_open(r->dir, &opts, &db, &err);
	if (rc < 0)
		return rc;
	rc = tsdb_compact(db, &compact, NULL, &err);
	tsdb_close(db);
	return rc;
}

static void test_compaction_on_a_broken_disk(void **state)
{
	static const enum pm_fs_op ops[] = { PM_FS_OP_ANY, PM_FS_OP_WRITE };
	char *base = test_tmpdir();
	struct recovery r = { 0 };
	snprintf(r.crashed, sizeof r.crashed, "%.4000s/filled", base);
	snprintf(r.dir, sizeof r.dir, "%.4000s/store", base);
	before_recovery(&r);
	for (int i = 0; i < 3; i++)
		for (size_t n = 1;; n++) {
			store_copy(r.crashed, r.dir);
			store_settle(r.dir, NULL);
			if (i == 2)
				pm_mem_fail_nth(n);
			else
				pm_fs_fail_nth(ops[i], n, i ? ENOSPC : EIO);
			int rc = compaction(&r);
			size_t done = i == 2 ? pm_mem_fail_nth(0) : pm_fs_fail_nth(ops[i], 0, 0);
			check_recovered(&r);
			if (done < n) {
				assert_int_equal(rc, 0);
				break;
			}
			if (i == 2 && n > 64)
				n += n / 8; /* most are alike */
		}
	test_tmpdir_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_full_disk), TEST(test_broken_disk), TEST(test_no_memory),
		TEST(test_recovery_on_a_broken_disk), TEST(test_recovery_without_memory),
		TEST(test_compaction_on_a_broken_disk) };
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	return test_end_(cmocka_run_group_tests(tests, NULL, NULL));
}
