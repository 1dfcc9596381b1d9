/* test_tsdb_model.c - the store against a model: random transactions and pages, every answer compared, in the handle
 * that wrote, in one that was open all along and in one opened anew. */
#include "tests/support/test.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/tsdb.h"

enum { SERIES = 40, TIMES = 400, TARGETS = 3 };

/* Between two times of the model: with hours, sealed segments are of many days. */
static int64_t unit_ms = 1000;

/* Every sample ever committed: model[series][time], NaN bits of its own where there is none. */
#define NOTHING UINT64_C(0x7ff8dead00000000)

struct model {
	uint64_t v[SERIES][TIMES];
	bool there[SERIES]; /* in the last page of its target, not stale */
	bool timed[SERIES]; /* ... with a time of its own: gets no marker when it goes */
};

static void model_init(struct model *m)
{
	memset(m, 0, sizeof *m);
	for (int s = 0; s < SERIES; s++)
		for (int t = 0; t < TIMES; t++)
			m->v[s][t] = NOTHING;
}

/* The sample committed first stays. */
static void model_put(struct model *m, int series, int time, double v)
{
	if (m->v[series][time] == NOTHING)
		m->v[series][time] = pm_double_bits(v);
}

struct names {
	char name[16], series[16], target[16];
	struct pm_label l[3];
};

static struct pm_labels labels_of(struct names *n, int series)
{
	snprintf(n->name, sizeof n->name, "m%d", series % 4);
	snprintf(n->series, sizeof n->series, "s%02d", series);
	snprintf(n->target, sizeof n->target, "t%d", series % TARGETS);
	n->l[0] = (struct pm_label){ PM_STR("__name__"), pm_str(n->name) };
	n->l[1] = (struct pm_label){ PM_STR("series"), pm_str(n->series) };
	n->l[2] = (struct pm_label){ PM_STR("target"), pm_str(n->target) };
	return (struct pm_labels){ n->l, 3 };
}

static int series_of(struct pm_labels l)
{
	struct pm_str s = pm_labels_get(l, PM_STR("series"));
	assert_int_equal(s.len, 3);
	return (s.ptr[1] - '0') * 10 + (s.ptr[2] - '0');
}

static void check_series(const struct model *m, const struct pm_series *s)
{
	int series = series_of(s->labels);
	size_t at = 0;
	for (int t = 0; t < TIMES; t++) {
		if (m->v[series][t] == NOTHING)
			continue;
		assert_true(at < s->samples.count);
		assert_int_equal(s->samples.t_ms[at], t * unit_ms);
		assert_int_equal(pm_double_bits(s->samples.v[at]), m->v[series][t]);
		at++;
	}
	assert_int_equal(at, s->samples.count);
}

static bool has_samples(const struct model *m, int series)
{
	for (int t = 0; t < TIMES; t++)
		if (m->v[series][t] != NOTHING)
			return true;
	return false;
}

static void check_store(struct tsdb *db, const struct model *m)
{
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series_set *set;
	struct pm_series s;
	struct pm_select sel = { .min_ms = 0, .max_ms = TIMES * unit_ms };
	int rc, seen = 0, want = 0, last = -1;
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	while ((rc = set->next(set, &s, &err)) > 0) {
		int key = series_of(s.labels) % 4 * 100 + series_of(s.labels);
		assert_true(key > last); /* sorted by labels: metric name, then series */
		last = key;
		check_series(m, &s);
		seen++;
	}
	assert_ok(rc, &err);
	for (int i = 0; i < SERIES; i++)
		want += has_samples(m, i);
	assert_int_equal(seen, want);
	set->free(set);
	q->free(q);
}

/* A transaction of loose samples: sometimes many at one time, so that rows are made of them too. Which of two samples
 * of one series and time stays is defined across transactions only, so there are none within. */
static void random_txn(struct tsdb *db, struct model *m, struct test_rng *r)
{
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	struct names n;
	struct model before = *m;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	int base = (int)test_below(r, TIMES);
	for (int runs = (int)test_below(r, 6) + 1; runs > 0; runs--) {
		int time = (base + runs) % TIMES, from = (int)test_below(r, 3) * 10, count = 1 + (int)test_below(r, 20);
		for (int s = from; s < from + count && s < SERIES; s++) {
			double v = (double)test_below(r, 1000);
			assert_ok(tsdb_txn_append(txn, labels_of(&n, s), time * unit_ms, v, NULL, &err), &err);
			model_put(m, s, time, v);
		}
	}
	if (test_below(r, 5) == 0) {
		tsdb_txn_abort(txn);
		*m = before;
	} else {
		assert_ok(tsdb_txn_commit(txn, &err), &err);
	}
}

/* A page of one target with a random subset of its series, in order or shuffled, resolved through the layout. */
static void random_page(struct tsdb *db, struct model *m, struct test_rng *r)
{
	static struct names names[SERIES];
	struct pm_page_entry e[SERIES + 1];
	struct pm_error err = { 0 };
	struct pm_appender *app;
	const struct pm_layout *l;
	struct pm_append_stats stats;
	int target = (int)test_below(r, TARGETS), time = (int)test_below(r, TIMES), stale = 0, added = 0;
	bool in_page[SERIES] = { false }, odd = test_below(r, 8) == 0;
	char key[16];
	size_t n = 0;
	snprintf(key, sizeof key, "target%d", target);
	assert_ok(tsdb_appender(db, &app, &err), &err);
	assert_ok(app->layout(app, pm_str(key), &l, &err), &err);
	uint64_t keep = test_below(r, 4) == 0 ? test_u64(r) : UINT64_MAX;
	e[n++] = (struct pm_page_entry){ .e = { .text_hash = 7, .text_len = 7, .ref = PM_REF_COMMENT } };
	for (int s = target; s < SERIES; s += TARGETS) {
		if (!(keep >> s & 1))
			continue;
		e[n] = (struct pm_page_entry){ .e = { pm_hash(&s, sizeof s), 10, PM_REF_NEW },
			.labels = labels_of(&names[s], s),
			.v = (double)test_below(r, 1000),
			.t_ms = odd && s % 2 ? ((time + 1) % TIMES) * unit_ms : PM_NO_TIME };
		for (uint32_t b = 0; l && b < l->block_count; b++)
			for (uint32_t i = 0; i < l->blocks[b].entry_count; i++)
				if (l->blocks[b].entries[i].text_hash == e[n].e.text_hash)
					e[n].e.ref = l->blocks[b].entries[i].ref;
		in_page[s] = true;
		n++;
	}
	struct pm_page page = { .t_ms = time * unit_ms, .entries = e, .entry_count = n };
	assert_ok(app->append_page(app, pm_str(key), l, &page, &stats, &err), &err);
	for (size_t i = 1; i < n; i++) {
		int s = series_of(e[i].labels);
		model_put(m, s, e[i].t_ms == PM_NO_TIME ? time : (int)(e[i].t_ms / unit_ms), e[i].v);
		added += !m->there[s];
	}
	for (int s = target; s < SERIES; s += TARGETS) {
		if (m->there[s] && !in_page[s] && !m->timed[s]) {
			model_put(m, s, time, pm_stale_nan());
			stale++;
		}
		m->there[s] = in_page[s];
		m->timed[s] = odd && s % 2;
	}
	assert_int_equal(stats.samples, n - 1);
	assert_int_equal(stats.stale, stale);
	assert_int_equal(stats.series_new, added);
	app->layout_free(app, l);
	app->free(app);
}

/* Seal, and merge what is due or whatever can be merged. */
static void random_compaction(struct tsdb *db, struct test_rng *r)
{
	struct pm_error err = { 0 };
	struct tsdb_compact_stats stats;
	struct tsdb_compact_opts opts = {
		.seal_ms = 1, .now_ms = INT64_MAX / 2, .layout_ms = INT64_MAX, .force = test_below(r, 3) == 0
	};
	assert_ok(tsdb_compact(db, &opts, &stats, &err), &err);
}

/* Delete a series, or a metric's, in a range of times. */
static void random_deletion(struct tsdb *db, struct model *m, struct test_rng *r)
{
	struct pm_error err = { 0 };
	struct names n;
	int series = (int)test_below(r, SERIES), from = (int)test_below(r, TIMES), to = from + (int)test_below(r, 100);
	bool metric = test_below(r, 3) == 0;
	struct pm_labels l = labels_of(&n, series);
	struct pm_label what = l.v[metric ? 0 : 1];
	struct pm_matcher matcher = { metric ? PM_MATCH_RE : PM_MATCH_EQ, what.name, what.value };
	assert_ok(tsdb_delete(db, &matcher, 1, from * unit_ms, to * unit_ms, &err), &err);
	for (int s = 0; s < SERIES; s++)
		for (int t = from; t <= to && t < TIMES; t++)
			if (metric ? s % 4 == series % 4 : s == series)
				m->v[s][t] = NOTHING;
}

enum how { PLAIN, REOPEN = 1, COMPACT = 2 };

static void run_model(uint64_t salt, int steps, enum how how)
{
	bool reopen = how & REOPEN;
	struct test_rng r = test_rng(salt);
	struct pm_error err = { 0 };
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct tsdb *db, *reader;
	static struct model m;
	char *dir = test_tmpdir();
	model_init(&m);
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	assert_ok(tsdb_open(dir, NULL, &reader, &err), &err);
	for (int i = 0; i < steps; i++) {
		if (how & COMPACT && test_below(&r, 4) == 0)
			random_compaction(db, &r);
		else if (how & COMPACT && test_below(&r, 10) == 0)
			random_deletion(db, &m, &r);
		else if (test_below(&r, 2))
			random_txn(db, &m, &r);
		else
			random_page(db, &m, &r);
		check_store(reader, &m);
		if (i % 7 == 0)
			check_store(db, &m);
		if (reopen && i % 5 == 0) {
			tsdb_close(db);
			assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
		}
	}
	tsdb_close(reader);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

static void test_one_process(void **state)
{
	run_model(1, 300, PLAIN);
}

static void test_each_opens_anew(void **state)
{
	run_model(2, 300, REOPEN);
}

static void test_sealed_and_merged(void **state)
{
	run_model(3, 150, COMPACT);
	run_model(4, 100, COMPACT | REOPEN);
}

static void test_sealed_over_many_days(void **state)
{
	unit_ms = INT64_C(3) * 3600 * 1000;
	run_model(5, 150, COMPACT);
	run_model(6, 100, COMPACT | REOPEN);
	unit_ms = INT64_C(3) * 86400 * 1000;
	run_model(7, 100, COMPACT | REOPEN);
	unit_ms = 1000;
}

TEST_MAIN(TEST(test_one_process), TEST(test_each_opens_anew), TEST(test_sealed_and_merged),
	TEST(test_sealed_over_many_days))
