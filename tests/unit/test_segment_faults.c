/* test_segment_faults.c - the nth system call or allocation fails during sealing, merging, retention and deletion, for
 * every n until a run goes untouched: an error, every sample there once, nothing half-done to be seen; then the same
 * work is done to its end, and no stray file stays. */
#include "tests/support/series.h"

#include "libtsdb/tsdb.h"

#include <errno.h>

enum { SERIES = 12, DAYS = 3, DAY_MS = 86400000, ROWS = 4 };

#define NOW_MS (INT64_C(1) << 50) /* long after the store was made */

/* ---- a store that is made once, and copied for each run ---- */

static void append(struct tsdb *db, int day, int row, struct pm_error *err)
{
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(db, &txn, err), err);
	for (int s = 0; s < SERIES; s++) {
		char v[16];
		snprintf(v, sizeof v, "%02d", s);
		struct pm_label l[] = { { PM_NAME_LABEL, PM_STR("m") }, { PM_STR("s"), pm_str(v) } };
		assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, (int64_t)day * DAY_MS + row * 1000,
				  day * 1000 + row * 100 + s, NULL, err),
			err);
	}
	assert_ok(tsdb_txn_commit(txn, err), err);
}

static struct tsdb *open_store(const char *dir, int64_t fsync_ms, struct pm_error *err)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = fsync_ms };
	struct tsdb *db = NULL;
	return tsdb_open(dir, &opts, &db, err) == 0 ? db : NULL;
}

/* Rows [from, to) of every day. `seal`: as segments of their own. */
static void fill(const char *dir, int from, int to, bool seal)
{
	struct tsdb_compact_opts opts = { .now_ms = NOW_MS + from, .seal_ms = 1, .once = true };
	struct pm_error err = { 0 };
	struct tsdb *db = open_store(dir, TSDB_FSYNC_NEVER, &err);
	assert_non_null(db);
	for (int row = from; row < to; row++)
		for (int day = 0; day < DAYS; day++)
			append(db, day, row, &err);
	if (seal)
		assert_ok(tsdb_compact(db, &opts, NULL, &err), &err);
	tsdb_close(db);
}

static void copy(const char *from, const char *to)
{
	struct pm_error err = { 0 };
	struct tsdb *db;
	char cmd[9000];
	snprintf(cmd, sizeof cmd, "rm -rf '%s' && cp -a --sparse=always '%s' '%s'", to, from, to);
	assert_int_equal(system(cmd), 0);
	/* a copy is recovered once: not a matter of this test */
	db = open_store(to, TSDB_FSYNC_NEVER, &err);
	assert_non_null(db);
	tsdb_close(db);
}

/* ---- what must be there ---- */

/* Days and rows that are there, as bits: all series have the same ones, in order, each with its value. */
static uint64_t content(struct tsdb *db)
{
	struct pm_select sel = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series_set *set;
	struct pm_series s;
	uint64_t all = 0;
	int rc, series = 0;
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	while ((rc = set->next(set, &s, &err)) > 0) {
		uint64_t found = 0;
		for (size_t i = 0; i < s.samples.count; i++) {
			int64_t t = s.samples.t_ms[i];
			int day = (int)(t / DAY_MS), row = (int)(t % DAY_MS / 1000);
			assert_true(i == 0 || s.samples.t_ms[i - 1] < t);
			assert_bits(s.samples.v[i], day * 1000 + row * 100 + series);
			found |= UINT64_C(1) << (day * ROWS + row);
		}
		assert_true(series == 0 || found == all);
		all = found;
		series++;
	}
	assert_ok(rc, &err);
	assert_true(series == SERIES || all == 0);
	set->free(set);
	q->free(q);
	return all;
}

static void no_strays(const char *dir, struct tsdb *db)
{
	struct tsdb_stats stats;
	struct pm_strings names;
	struct pm_error err = { 0 };
	int dirfd = test_dirfd(dir), segments = 0, manifests = 0;
	assert_ok(tsdb_stats(db, &stats, &err), &err);
	assert_ok(pm_fs_list(dirfd, &names, &err), &err);
	for (size_t i = 0; i < names.count; i++) {
		segments += names.v[i].len > 7 && memcmp(names.v[i].ptr, "segment", 7) == 0;
		manifests += names.v[i].len > 8 && memcmp(names.v[i].ptr, "manifest", 8) == 0;
	}
	assert_int_equal(segments, stats.segment_count);
	assert_int_equal(manifests, 1);
	pm_strings_free(&names);
	pm_fs_close(dirfd);
}

/* ---- the work ---- */

struct work {
	const char *name;
	int (*run)(struct tsdb *db, struct pm_error *err);
	uint64_t before, after; /* content */
};

static int run_seal(struct tsdb *db, struct pm_error *err)
{
	struct tsdb_compact_opts opts = { .now_ms = NOW_MS + DAY_MS, .seal_ms = 1, .once = true };
	return tsdb_compact(db, &opts, NULL, err);
}

static int run_merge(struct tsdb *db, struct pm_error *err)
{
	struct tsdb_compact_opts opts = { .now_ms = NOW_MS + DAY_MS, .force = true };
	return tsdb_compact(db, &opts, NULL, err);
}

static int run_retention(struct tsdb *db, struct pm_error *err)
{
	struct tsdb_compact_opts opts = { .now_ms = NOW_MS, .seal_ms = INT64_MAX };
	opts.retention_ms = opts.now_ms - DAY_MS;
	return tsdb_compact(db, &opts, NULL, err);
}

static int run_delete(struct tsdb *db, struct pm_error *err)
{
	struct pm_matcher m = { PM_MATCH_RE, PM_NAME_LABEL, PM_STR("m|n") };
	return tsdb_delete(db, &m, 1, DAY_MS, 2 * DAY_MS - 1, err);
}

#define ALL ((UINT64_C(1) << (DAYS * ROWS)) - 1)
#define DAY(d) (((UINT64_C(1) << ROWS) - 1) << ((d) * ROWS))

static const struct work works[] = {
	{ "seal", run_seal, ALL, ALL },
	{ "merge", run_merge, ALL, ALL },
	{ "retention", run_retention, ALL, ALL & ~DAY(0) },
	{ "delete", run_delete, ALL, ALL & ~DAY(1) },
};

enum fault { FAULT_MEMORY, FAULT_FILES };

struct plan {
	enum fault fault;
	enum pm_fs_op op;
	int errnum;
};

static void arm(const struct plan *p, size_t n)
{
	if (p->fault == FAULT_MEMORY)
		pm_mem_fail_nth(n);
	else
		pm_fs_fail_nth(p->op, n, p->errnum);
}

static size_t disarm(const struct plan *p)
{
	return p->fault == FAULT_MEMORY ? pm_mem_fail_nth(0) : pm_fs_fail_nth(p->op, 0, 0);
}

/* After a fault the store, in the same process and in the next, has what was there before or after; then the work is
 * done. */
static void check_after(const char *dir, const struct work *w, struct tsdb *db)
{
	struct pm_error err = { 0 };
	uint64_t now = content(db);
	assert_true(now == w->before || now == w->after);
	tsdb_close(db);
	db = open_store(dir, TSDB_FSYNC_NEVER, &err);
	assert_non_null(db);
	uint64_t again = content(db);
	assert_true(again == now);
	int rc = w->run(db, &err);
	if (rc == PM_ERR_IO) { /* a sync failed: none is believed from then on, and nothing may be unlinked */
		assert_contains(err.msg, "an earlier sync failed");
		assert_true(content(db) == now);
	} else {
		assert_ok(rc, &err);
		assert_true(content(db) == w->after);
		no_strays(dir, db);
	}
	tsdb_close(db);
}

/* The nth call fails. True: it was never made. */
static bool one_run(const char *made, const char *dir, const struct work *w, const struct plan *p, size_t n)
{
	struct pm_error err = { 0 };
	copy(made, dir);
	struct tsdb *db = open_store(dir, TSDB_FSYNC_NEVER, &err);
	assert_non_null(db);
	assert_true(content(db) == w->before);
	arm(p, n);
	int rc = w->run(db, &err);
	bool untouched = disarm(p) < n;
	if (untouched)
		assert_ok(rc, &err);
	if (rc < 0)
		assert_true(err.msg[0] && err.code == rc);
	check_after(dir, w, db);
	return untouched;
}

static void every_nth(const struct plan *p)
{
	char *made = test_tmpdir(), dir[4200];
	snprintf(dir, sizeof dir, "%s.run", made);
	fill(made, 0, ROWS / 2, true);
	fill(made, ROWS / 2, ROWS, true);
	for (size_t k = 0; k < sizeof works / sizeof *works; k++) {
		/* what is sealed must be in the head first; retention looks at segments alone */
		char *head = test_tmpdir();
		const struct work *w = &works[k];
		const char *from = made;
		if (w->run == run_seal) {
			fill(head, 0, ROWS / 2, true);
			fill(head, ROWS / 2, ROWS, false);
			from = head;
		}
		size_t n = 1, step;
		for (; !one_run(from, dir, w, p, n); n += step)
			step = n > 30 ? 1 + n / 8 : 1; /* most are alike then */
		assert_true(n > 1 || p->op == PM_FS_OP_UNLINK || p->op == PM_FS_OP_ALLOCATE);
		test_tmpdir_free(head);
	}
	test_remove(dir);
	test_tmpdir_free(made);
}

static void test_full_disk(void **state)
{
	every_nth(&(struct plan){ FAULT_FILES, PM_FS_OP_WRITE, ENOSPC });
	every_nth(&(struct plan){ FAULT_FILES, PM_FS_OP_ALLOCATE, ENOSPC });
}

static void test_broken_disk(void **state)
{
	every_nth(&(struct plan){ FAULT_FILES, PM_FS_OP_ANY, EIO });
}

static void test_no_memory(void **state)
{
	every_nth(&(struct plan){ FAULT_MEMORY, PM_FS_OP_ANY, 0 });
}

TEST_MAIN(TEST(test_full_disk), TEST(test_broken_disk), TEST(test_no_memory))
