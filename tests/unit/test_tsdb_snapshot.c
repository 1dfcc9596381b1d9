/* test_tsdb_snapshot.c - copies of stores: the same content, sound, of one moment although others write, and whole or
 * not there. */
#include "tests/support/test.h"

#include "libtsdb/tsdb.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>

enum { SERIES_PER_TXN = 3, COPIES = 12, PER_COPY = 300 };

static struct tsdb *open_store(const char *dir, unsigned flags)
{
	struct tsdb_opts opts = { .flags = flags, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	return db;
}

/* One transaction: a sample of an old series and two of new ones. */
static int append(struct tsdb *db, int n, struct pm_error *err)
{
	struct tsdb_txn *txn;
	char value[2][24];
	int rc = tsdb_txn_begin(db, &txn, err);
	if (rc < 0)
		return rc;
	snprintf(value[0], sizeof value[0], "a%d", n);
	snprintf(value[1], sizeof value[1], "b%d", n);
	for (int i = 0; i < SERIES_PER_TXN && rc == 0; i++) {
		struct pm_label l[] = { { PM_NAME_LABEL, PM_STR("m") },
			{ PM_STR("s"), pm_str(i ? value[i - 1] : "old") } };
		rc = tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, n, n, NULL, err);
	}
	if (rc == 0)
		return tsdb_txn_commit(txn, err);
	tsdb_txn_abort(txn);
	return rc;
}

static void append_many(struct tsdb *db, int from, int to)
{
	struct pm_error err = { 0 };
	for (int n = from; n < to; n++)
		assert_ok(append(db, n, &err), &err);
}

static struct tsdb_digest digest(const char *dir)
{
	struct tsdb *db = open_store(dir, TSDB_READ);
	struct tsdb_digest d;
	struct pm_error err = { 0 };
	assert_ok(tsdb_digest(db, &d, &err), &err);
	tsdb_close(db);
	return d;
}

static int tell(void *arg, const struct tsdb_damage *d)
{
	print_error("%s at %" PRIu64 ": %s\n", d->file, d->off, d->what);
	return 0;
}

static void assert_sound(const char *dir)
{
	struct tsdb_verified v;
	struct pm_error err = { 0 };
	assert_ok(tsdb_verify(dir, tell, NULL, &v, &err), &err);
	assert_int_equal(v.damages, 0);
}

static bool same(struct tsdb_digest a, struct tsdb_digest b)
{
	return a.hash == b.hash && a.series_count == b.series_count && a.sample_count == b.sample_count;
}

/* A folder with a store in it, and the name of a copy beside. */
struct pair {
	char *dir, store[4200], copy[4200];
};

static struct pair pair_new(void)
{
	struct pair p = { .dir = test_tmpdir() };
	snprintf(p.store, sizeof p.store, "%s/store", p.dir);
	snprintf(p.copy, sizeof p.copy, "%s/copy", p.dir);
	return p;
}

/* Names in the folder, to see that nothing was left. */
static int count_names(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* ---- content ------------------------------------------------------------------------------------ */

static void test_same_content(void **state)
{
	struct pair p = pair_new();
	struct tsdb *db = open_store(p.store, TSDB_WRITE | TSDB_CREATE);
	struct tsdb_snapshot_stats st;
	struct pm_error err = { 0 };
	append_many(db, 0, 400);
	assert_ok(tsdb_snapshot(db, p.copy, &st, &err), &err);
	assert_true(st.copied_files >= 9 && st.copied_bytes > 0 && st.linked_files == 0);
	assert_sound(p.copy);
	struct tsdb_digest before = digest(p.store);
	assert_int_equal(before.sample_count, 1200);
	assert_true(same(before, digest(p.copy)));
	assert_int_equal(count_names(p.dir), 2);
	tsdb_close(db);
	test_tmpdir_free(p.dir);
}

/* Both go their ways afterwards. */
static void test_both_are_stores(void **state)
{
	struct pair p = pair_new();
	struct tsdb *db = open_store(p.store, TSDB_WRITE | TSDB_CREATE), *copy;
	struct pm_error err = { 0 };
	append_many(db, 0, 100);
	assert_ok(tsdb_snapshot(db, p.copy, NULL, &err), &err);
	struct tsdb_digest at_copy = digest(p.copy);
	append_many(db, 100, 700);
	assert_true(same(at_copy, digest(p.copy)));
	copy = open_store(p.copy, TSDB_WRITE);
	append_many(copy, 100, 700);
	tsdb_close(copy);
	assert_true(same(digest(p.store), digest(p.copy)));
	assert_sound(p.store);
	assert_sound(p.copy);
	tsdb_close(db);
	test_tmpdir_free(p.dir);
}

/* A full log file is shared, and neither store changes it. */
static void test_full_log_files_are_linked(void **state)
{
	enum { SERIES = 100000, ROWS = 90 };
	struct pair p = pair_new();
	struct tsdb *db = open_store(p.store, TSDB_WRITE | TSDB_CREATE), *copy;
	struct tsdb_snapshot_stats st;
	struct pm_error err = { 0 };
	tsdb_sid *sids = calloc(SERIES, sizeof *sids);
	struct tsdb_txn *txn;
	assert_non_null(sids);
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	for (int s = 0; s < SERIES; s++) {
		char v[16];
		snprintf(v, sizeof v, "%d", s);
		struct pm_label l[] = { { PM_NAME_LABEL, PM_STR("m") }, { PM_STR("s"), pm_str(v) } };
		assert_ok(tsdb_txn_series(txn, (struct pm_labels){ l, 2 }, &sids[s], &err), &err);
	}
	for (int r = 0; r < ROWS; r++)
		for (int s = 0; s < SERIES; s++)
			assert_ok(tsdb_txn_append_sid(txn, sids[s], r, s, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
	assert_ok(tsdb_snapshot(db, p.copy, &st, &err), &err);
	assert_int_equal(st.linked_files, 1);
	assert_int_equal(st.linked_bytes, 64 << 20);
	copy = open_store(p.copy, TSDB_WRITE);
	append_many(copy, 1000, 1010);
	append_many(db, 1000, 1010);
	tsdb_close(copy);
	tsdb_close(db);
	assert_sound(p.copy);
	assert_sound(p.store);
	free(sids);
	test_tmpdir_free(p.dir);
}

/* Segments are shared; deleting them in one store leaves those of the other. */
static void test_segments_are_linked(void **state)
{
	struct tsdb_compact_opts force = { .now_ms = 1, .force = true };
	struct tsdb_compact_opts none = { .now_ms = INT64_C(1) << 40, .retention_ms = 1 };
	struct pair p = pair_new();
	struct tsdb *db = open_store(p.store, TSDB_WRITE | TSDB_CREATE);
	struct tsdb_snapshot_stats st;
	struct pm_error err = { 0 };
	append_many(db, 0, 300);
	assert_ok(tsdb_compact(db, &force, NULL, &err), &err);
	append_many(db, 300, 310);
	assert_ok(tsdb_snapshot(db, p.copy, &st, &err), &err);
	assert_true(st.linked_files >= 2); /* the manifest, too */
	struct tsdb_digest before = digest(p.store);
	assert_int_equal(before.sample_count, 930);
	assert_true(same(before, digest(p.copy)));
	assert_ok(tsdb_compact(db, &none, NULL, &err), &err);
	assert_true(digest(p.store).sample_count < 930);
	assert_true(same(before, digest(p.copy)));
	assert_sound(p.copy);
	assert_sound(p.store);
	tsdb_close(db);
	test_tmpdir_free(p.dir);
}

/* ---- while others write ------------------------------------------------------------------------- */

struct writer {
	const char *store;
	int ready; /* atomic: transactions committed */
	int until; /* atomic: pause when there are so many, so that the store stays small; 0: the end */
	struct pm_error err;
	int rc;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;
	struct tsdb_opts opts = { .flags = TSDB_WRITE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct tsdb *db;
	if ((w->rc = tsdb_open(w->store, &opts, &db, &w->err)) < 0)
		return NULL;
	for (int n = 0, until; w->rc == 0 && (until = __atomic_load_n(&w->until, __ATOMIC_ACQUIRE));) {
		if (n >= until) {
			sched_yield();
			continue;
		}
		w->rc = append(db, n++, &w->err);
		__atomic_store_n(&w->ready, n, __ATOMIC_RELEASE);
	}
	tsdb_close(db);
	return NULL;
}

static void test_of_one_moment(void **state)
{
	struct pair p = pair_new();
	struct tsdb *db = open_store(p.store, TSDB_WRITE | TSDB_CREATE);
	struct writer w = { .store = p.store, .until = 1 };
	struct pm_error err = { 0 };
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
	for (int i = 0; i < COPIES; i++) {
		int had = __atomic_load_n(&w.ready, __ATOMIC_ACQUIRE);
		__atomic_store_n(&w.until, had + PER_COPY, __ATOMIC_RELEASE);
		assert_ok(tsdb_snapshot(db, p.copy, NULL, &err), &err);
		struct tsdb_digest d = digest(p.copy);
		assert_sound(p.copy);
		/* Whole transactions, and none of those lost that came before. */
		assert_int_equal(d.sample_count % SERIES_PER_TXN, 0);
		assert_true(d.sample_count >= (uint64_t)had * SERIES_PER_TXN);
		assert_int_equal(d.series_count, d.sample_count ? d.sample_count / SERIES_PER_TXN * 2 + 1 : 0);
		struct tsdb *copy = open_store(p.copy, TSDB_WRITE);
		append_many(copy, 1 << 20, (1 << 20) + 10);
		tsdb_close(copy);
		assert_int_equal(digest(p.copy).sample_count, d.sample_count + 10 * SERIES_PER_TXN);
		test_remove(p.copy);
	}
	__atomic_store_n(&w.until, 0, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_ok(w.rc, &w.err);
	tsdb_close(db);
	test_tmpdir_free(p.dir);
}

/* ---- refusals and faults ------------------------------------------------------------------------ */

static void test_targets(void **state)
{
	struct pair p = pair_new();
	struct tsdb *db = open_store(p.store, TSDB_WRITE | TSDB_CREATE);
	struct pm_error err = { 0 };
	char path[4400];
	append_many(db, 0, 3);
	assert_code(tsdb_snapshot(db, p.store, NULL, &err), PM_ERR_EXISTS, &err);
	assert_contains(err.msg, p.store);
	assert_code(tsdb_snapshot(db, "", NULL, &err), PM_ERR_INVALID, &err);
	snprintf(path, sizeof path, "%s/none/copy", p.dir);
	assert_code(tsdb_snapshot(db, path, NULL, &err), PM_ERR_NOTFOUND, &err);
	snprintf(path, sizeof path, "%s/meta", p.store);
	assert_true(tsdb_snapshot(db, path, NULL, &err) < 0);
	assert_int_equal(count_names(p.dir), 1);
	/* An empty directory will do, with or without a slash. */
	assert_int_equal(mkdir(p.copy, 0777), 0);
	snprintf(path, sizeof path, "%s/", p.copy);
	assert_ok(tsdb_snapshot(db, path, NULL, &err), &err);
	assert_sound(p.copy);
	assert_int_equal(count_names(p.dir), 2);
	tsdb_close(db);
	test_tmpdir_free(p.dir);
}

static void test_of_a_reader(void **state)
{
	struct pair p = pair_new();
	struct tsdb *db = open_store(p.store, TSDB_WRITE | TSDB_CREATE);
	struct pm_error err = { 0 };
	append_many(db, 0, 3);
	tsdb_close(db);
	db = open_store(p.store, TSDB_READ);
	assert_ok(tsdb_snapshot(db, p.copy, NULL, &err), &err);
	assert_true(same(digest(p.store), digest(p.copy)));
	tsdb_close(db);
	test_tmpdir_free(p.dir);
}

struct faulty {
	struct pair p;
	struct tsdb *db;
	struct tsdb_digest want;
};

/* Whole or not there, and nothing beside it. */
static void test_nth_operation_fails(void **state)
{
	struct faulty f = { .p = pair_new() };
	struct pm_error err = { 0 };
	int rc = -1;
	f.db = open_store(f.p.store, TSDB_WRITE | TSDB_CREATE);
	append_many(f.db, 0, 5);
	f.want = digest(f.p.store);
	for (size_t n = 1; rc < 0; n++) {
		pm_fs_fail_nth(PM_FS_OP_ANY, n, n % 2 ? EIO : ENOSPC);
		rc = tsdb_snapshot(f.db, f.p.copy, NULL, &err);
		size_t seen = pm_fs_fail_nth(PM_FS_OP_ANY, 0, 0);
		bool there = access(f.p.copy, F_OK) == 0;
		assert_true(rc < 0 ? err.msg[0] != '\0' : there);
		assert_int_equal(count_names(f.p.dir), 1 + there);
		if (there)
			assert_true(same(f.want, digest(f.p.copy)));
		if (rc == 0 && seen >= n)
			rc = -1; /* touched, but to no harm: go on */
		test_remove(f.p.copy);
	}
	tsdb_close(f.db);
	test_tmpdir_free(f.p.dir);
}

static int snapshot_in_memory(void *arg)
{
	struct faulty *f = arg;
	int rc = tsdb_snapshot(f->db, f->p.copy, NULL, NULL);
	pm_mem_fail_nth(0);
	assert_int_equal(count_names(f->p.dir), 1 + (rc == 0));
	test_remove(f->p.copy);
	return rc;
}

static void test_nth_allocation_fails(void **state)
{
	struct faulty f = { .p = pair_new() };
	int rc = -1;
	f.db = open_store(f.p.store, TSDB_WRITE | TSDB_CREATE);
	append_many(f.db, 0, 5);
	for (size_t n = 1; rc < 0; n++) {
		pm_mem_fail_nth(n);
		rc = snapshot_in_memory(&f);
	}
	tsdb_close(f.db);
	test_tmpdir_free(f.p.dir);
}

TEST_MAIN(TEST(test_same_content), TEST(test_both_are_stores), TEST(test_full_log_files_are_linked),
	TEST(test_segments_are_linked), TEST(test_of_one_moment), TEST(test_targets), TEST(test_of_a_reader),
	TEST(test_nth_operation_fails), TEST(test_nth_allocation_fails))
