/* test_segment_windows.c - samples that stand for a chunk (struct pm_windows): the extreme of every window is what all
 * samples give, and far fewer are handed out. */
#include "tests/support/test.h"

#include "libtsdb/tsdb.h"

#include <math.h>

enum { SERIES = 6, SAMPLES = 30000 };

/* Series of several intervals; some have NaN or stale markers here and there, or both signs of zero. */
static void fill(struct tsdb *db, struct test_rng *r)
{
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	for (int s = 0; s < SERIES; s++) {
		char name[8];
		int64_t t = (int64_t)test_below(r, 100000);
		snprintf(name, sizeof name, "s%d", s);
		struct pm_label l = { PM_STR("s"), pm_str(name) };
		for (int i = 0; i < SAMPLES; i++) {
			double v = (double)(test_below(r, 1000000) >> test_below(r, 20)) * (test_below(r, 2) ? 1 : -1);
			if (s == 4 && test_below(r, 5000) == 0)
				v = test_below(r, 2) ? NAN : pm_stale_nan();
			if (s == 5)
				v = test_below(r, 2) ? 0.0 : -0.0;
			assert_ok(tsdb_txn_append(txn, (struct pm_labels){ &l, 1 }, t, v, NULL, &err), &err);
			t += 1 + (int64_t)test_below(r, s < 3 ? 2000 : 20000);
		}
	}
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

/* As min_over_time and max_over_time look for it: the first of equals; NaN only when there is nothing else. */
static bool window_of(const struct pm_samples *s, int64_t from, int64_t to, enum pm_use use, double *ret)
{
	bool found = false;
	for (size_t i = 0; i < s->count; i++) {
		double v = s->v[i];
		if (s->t_ms[i] <= from || s->t_ms[i] > to || pm_is_stale(v))
			continue;
		if (!found || (use == PM_USE_MIN ? v < *ret : v > *ret) || isnan(*ret))
			*ret = v;
		found = true;
	}
	return found;
}

static void check_windows(const struct pm_samples *all, const struct pm_samples *few, const struct pm_windows *w)
{
	for (size_t i = 0; i < w->count; i++) {
		int64_t to = w->start_ms + (int64_t)i * w->step_ms;
		double want = 0, is = 0;
		bool there = window_of(all, to - w->range_ms, to, w->use, &want);
		assert_int_equal(window_of(few, to - w->range_ms, to, w->use, &is), there);
		if (there && w->use != PM_USE_PRESENT)
			assert_bits(is, want);
	}
}

static struct pm_series_set *select_all(struct pm_querier *q, const struct pm_windows *w)
{
	struct pm_select sel = { .min_ms = w->start_ms - w->range_ms + 1,
		.max_ms = w->start_ms + (int64_t)(w->count - 1) * w->step_ms,
		.windows = *w };
	struct pm_error err = { 0 };
	struct pm_series_set *set;
	assert_ok(q->select(q, &sel, &set, &err), &err);
	return set;
}

/* Samples given out with the windows known, and without. */
static void compare(struct pm_querier *q, const struct pm_windows *w, uint64_t *few_count, uint64_t *all_count)
{
	struct pm_windows none = *w;
	struct pm_error err = { 0 };
	struct pm_series few, all;
	none.use = PM_USE_ALL;
	struct pm_series_set *a = select_all(q, &none), *b = select_all(q, w);
	int rc;
	while ((rc = a->next(a, &all, &err)) > 0) {
		assert_int_equal(b->next(b, &few, &err), 1);
		assert_true(pm_labels_eq(all.labels, few.labels));
		check_windows(&all.samples, &few.samples, w);
		*few_count += few.samples.count;
		*all_count += all.samples.count;
	}
	assert_ok(rc, &err);
	assert_int_equal(b->next(b, &few, &err), 0);
	a->free(a);
	b->free(b);
}

static void random_windows(struct tsdb *db, struct test_rng *r, int rounds, uint64_t *few, uint64_t *all)
{
	struct pm_error err = { 0 };
	struct pm_querier *q;
	assert_ok(tsdb_querier(db, &q, &err), &err);
	for (int i = 0; i < rounds; i++) {
		struct pm_windows w = { .use = PM_USE_MIN + (enum pm_use)test_below(r, 3),
			.start_ms = (int64_t)test_below(r, 300000000),
			.step_ms = 1 + (int64_t)(test_below(r, 100000000) >> test_below(r, 16)),
			.range_ms = 1 + (int64_t)(test_below(r, 200000000) >> test_below(r, 16)),
			.count = 1 + test_below(r, 12) };
		compare(q, &w, few, all);
	}
	q->free(q);
}

static void test_windows(void **state)
{
	struct test_rng r = test_rng(1);
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	uint64_t few = 0, all = 0;
	char *dir = test_tmpdir();
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	fill(db, &r);
	random_windows(db, &r, 30, &few, &all); /* the head knows no chunks */
	assert_int_equal(few, all);
	assert_ok(tsdb_compact(db, &(struct tsdb_compact_opts){ .force = true }, NULL, &err), &err);
	few = all = 0;
	random_windows(db, &r, 200, &few, &all);
	assert_true(few < all / 2);
	/* Where sources overlap, each sample counts. */
	fill(db, &r);
	few = all = 0;
	random_windows(db, &r, 20, &few, &all);
	assert_int_equal(few, all);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

TEST_MAIN(TEST(test_windows))
