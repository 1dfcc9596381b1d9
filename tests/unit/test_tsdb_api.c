/* test_tsdb_api.c - what tsdb.h and pm.h promise of the store, one by one: selectors, closed ranges, names and values,
 * ids, layouts that changed, doubles, long logs, syncs, and damage that is told. */
#include "tests/support/test.h"

#include "libtsdb/base/buf.h"
#include "libtsdb/head/format.h"
#include "libtsdb/tsdb.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

static char *dir;

static struct tsdb *open_store(unsigned flags)
{
	struct tsdb_opts opts = { .flags = flags, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	return db;
}

static int setup(void **state)
{
	dir = test_tmpdir();
	*state = open_store(TSDB_WRITE | TSDB_CREATE);
	return 0;
}

static int teardown(void **state)
{
	tsdb_close(*state);
	test_tmpdir_free(dir);
	return 0;
}

/* One sample of m{s="VALUE"} in a transaction of its own. */
static void put(struct tsdb *db, const char *s, int64_t t_ms, double v)
{
	struct pm_label l[] = { { PM_STR("__name__"), PM_STR("m") }, { PM_STR("s"), pm_str(s) } };
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, t_ms, v, NULL, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

/* A page of one target: m{s="..."} for each letter of `series`, with values from `v` on. */
static int page(struct pm_appender *app, const char *key, const struct pm_layout *l, const char *series, int64_t t_ms,
	double v, struct pm_append_stats *stats)
{
	struct pm_label labels[16][2];
	struct pm_page_entry e[16];
	struct pm_error err = { 0 };
	size_t n = strlen(series);
	for (size_t i = 0; i < n; i++) {
		labels[i][0] = (struct pm_label){ PM_STR("__name__"), PM_STR("m") };
		labels[i][1] = (struct pm_label){ PM_STR("s"), { &series[i], 1 } };
		e[i] = (struct pm_page_entry){ .e = { (uint64_t)series[i] + i * 256, 1, PM_REF_NEW },
			.labels = { labels[i], 2 },
			.v = v + (double)i,
			.t_ms = PM_NO_TIME };
	}
	struct pm_page p = { .t_ms = t_ms, .entries = e, .entry_count = n };
	return app->append_page(app, pm_str(key), l, &p, stats, &err);
}

/* "a 1@1000 2@2000; b 3@1000": the label s of each series and its samples; `x` is a stale marker. */
static const char *show(struct tsdb *db, int64_t min_ms, int64_t max_ms)
{
	static struct pm_buf out;
	struct pm_select sel = { .min_ms = min_ms, .max_ms = max_ms };
	struct pm_error err = { 0 };
	struct pm_series_set *set;
	struct pm_querier *q;
	struct pm_series s;
	int rc;
	pm_buf_reset(&out);
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	while ((rc = set->next(set, &s, &err)) > 0) {
		struct pm_str name = pm_labels_get(s.labels, PM_STR("s"));
		pm_buf_fmt(&out, "%s%.*s", out.len ? "; " : "", PM_STR_ARG(name));
		for (size_t i = 0; i < s.samples.count; i++) {
			double v = s.samples.v[i];
			pm_buf_fmt(&out, pm_is_stale(v) ? " x" : " %g", v);
			pm_buf_fmt(&out, "@%lld", (long long)s.samples.t_ms[i]);
		}
	}
	assert_ok(rc, &err);
	set->free(set);
	q->free(q);
	return out.ptr ? out.ptr : "";
}

/* ---- selectors ---------------------------------------------------------------------------------- */

enum { FILLED = 10000 };

struct filled {
	char a[8], b[8], id[8];
	struct pm_label l[4];
};

/* Series i has a of 7 values, b of 11 but for every third series, which has none, and an id of its own. */
static struct pm_labels filled(struct filled *f, int i)
{
	size_t n = 3;
	snprintf(f->a, sizeof f->a, "%d", i % 7);
	snprintf(f->b, sizeof f->b, "%d", i % 11);
	snprintf(f->id, sizeof f->id, "%04d", i);
	f->l[0] = (struct pm_label){ PM_STR("__name__"), PM_STR("m") };
	f->l[1] = (struct pm_label){ PM_STR("a"), pm_str(f->a) };
	f->l[2] = (struct pm_label){ PM_STR("b"), pm_str(f->b) };
	if (i % 3 == 0)
		n--;
	f->l[n++] = (struct pm_label){ PM_STR("id"), pm_str(f->id) };
	return (struct pm_labels){ f->l, n };
}

/* Enough transactions for postings of several runs that were merged, and a rest that is in none. */
static void fill(struct tsdb *db)
{
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	struct filled f;
	for (int from = 0, to; from < FILLED; from = to) {
		to = from + 600 < FILLED ? from + 600 : FILLED;
		assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
		for (int i = from; i < to; i++)
			assert_ok(tsdb_txn_append(txn, filled(&f, i), 1000, i, NULL, &err), &err);
		assert_ok(tsdb_txn_commit(txn, &err), &err);
	}
}

static struct pm_labels expected[FILLED]; /* their labels, made once */

static void expect_filled(void)
{
	static struct filled f[FILLED];
	for (int i = 0; i < FILLED; i++)
		expected[i] = filled(&f[i], i);
}

static bool alternative(struct pm_str pattern, struct pm_str value)
{
	for (const char *p = pattern.ptr, *end = p + pattern.len;; p++) {
		const char *bar = memchr(p, '|', (size_t)(end - p));
		const char *stop = bar ? bar : end;
		if (pm_str_eq((struct pm_str){ p, (size_t)(stop - p) }, value))
			return true;
		if (!bar)
			return false;
		p = bar;
	}
}

/* The patterns that the test has: lists of words, ".+", ".*", "1.*" and "[12]". */
static bool pattern_matches(struct pm_str pattern, struct pm_str v)
{
	if (pm_str_eq(pattern, PM_STR(".+")))
		return v.len > 0;
	if (pm_str_eq(pattern, PM_STR(".*")))
		return true;
	if (pm_str_eq(pattern, PM_STR("1.*")))
		return v.len > 0 && v.ptr[0] == '1';
	if (pm_str_eq(pattern, PM_STR("[12]")))
		return v.len == 1 && (v.ptr[0] == '1' || v.ptr[0] == '2');
	return alternative(pattern, v);
}

static bool matches(const struct pm_matcher *m, struct pm_labels l)
{
	struct pm_str v = pm_labels_get(l, m->name);
	bool re = m->type == PM_MATCH_RE || m->type == PM_MATCH_NRE;
	bool yes = re ? pattern_matches(m->value, v) : pm_str_eq(m->value, v);
	return yes == (m->type == PM_MATCH_EQ || m->type == PM_MATCH_RE);
}

static void check_select(struct pm_querier *q, const struct pm_matcher *m, size_t count)
{
	struct pm_select sel = { .matchers = m, .matcher_count = count, .min_ms = 0, .max_ms = 5000 };
	struct pm_error err = { 0 };
	struct pm_series_set *set;
	struct pm_labels last = { 0 };
	struct pm_series s;
	struct filled f;
	size_t want = 0, got = 0;
	int rc;
	for (int i = 0; i < FILLED; i++) {
		bool all = true;
		for (size_t k = 0; k < count && all; k++)
			all = matches(&m[k], expected[i]);
		want += all;
	}
	assert_ok(q->select(q, &sel, &set, &err), &err);
	while ((rc = set->next(set, &s, &err)) > 0) {
		for (size_t k = 0; k < count; k++)
			assert_true(matches(&m[k], s.labels));
		assert_int_equal(s.samples.count, 1);
		assert_true(pm_labels_eq(s.labels, filled(&f, (int)s.samples.v[0])));
		assert_true(got == 0 || pm_labels_cmp(last, s.labels) < 0);
		last = s.labels;
		got++;
	}
	assert_ok(rc, &err);
	set->free(set);
	assert_int_equal(got, want);
}

/* What the postings answer by cutting lists against each other: short ones and long ones, both ways. */
static void check_pairs(struct pm_querier *q, const struct pm_matcher *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			struct pm_matcher pair[2] = { m[i], m[k] };
			bool lists = pm_str_eq(pair[0].value, PM_STR("1")) || pm_str_eq(pair[0].value, PM_STR("1|3")) ||
				     pm_str_eq(pair[0].value, PM_STR("2|9|0077|none"));
			if (lists && (pair[1].type == PM_MATCH_EQ || pair[1].type == PM_MATCH_RE) &&
				pair[1].value.len && !pm_str_eq(pair[0].name, pair[1].name))
				check_select(q, pair, 2);
		}
}

static void test_selectors(void **state)
{
	static const char *const names[] = { "a", "b", "id", "none" };
	static const char *const values[] = { "", "1", "3", "0123", "9999", "none" };
	static const char *const patterns[] = { "", "1|3", "2|9|0077|none", "|1", ".+", ".*", "1.*", "[12]", "none" };
	struct pm_matcher m[300];
	struct pm_error err = { 0 };
	struct pm_querier *q;
	size_t n = 0;
	fill(*state);
	expect_filled();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
			m[n++] = (struct pm_matcher){ PM_MATCH_EQ, pm_str(names[i]), pm_str(values[k]) };
			m[n++] = (struct pm_matcher){ PM_MATCH_NE, pm_str(names[i]), pm_str(values[k]) };
		}
		for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
			m[n++] = (struct pm_matcher){ PM_MATCH_RE, pm_str(names[i]), pm_str(patterns[k]) };
			m[n++] = (struct pm_matcher){ PM_MATCH_NRE, pm_str(names[i]), pm_str(patterns[k]) };
		}
	}
	assert_ok(tsdb_querier(*state, &q, &err), &err);
	for (size_t i = 0; i < n; i++)
		check_select(q, &m[i], 1);
	check_pairs(q, m, n);
	struct test_rng r = test_rng(3);
	for (int i = 0; i < 60; i++) {
		struct pm_matcher some[3];
		for (int k = 0; k < 3; k++)
			some[k] = m[test_below(&r, n)];
		check_select(q, some, 2 + (size_t)i % 2);
	}
	q->free(q);
}

static void test_bad_pattern(void **state)
{
	struct pm_matcher m = { PM_MATCH_RE, PM_STR("s"), PM_STR("(") };
	struct pm_select sel = { .matchers = &m, .matcher_count = 1, .max_ms = 1 };
	struct pm_error err = { 0 };
	struct pm_series_set *set;
	struct pm_querier *q;
	put(*state, "a", 1, 1);
	assert_ok(tsdb_querier(*state, &q, &err), &err);
	assert_code(q->select(q, &sel, &set, &err), PM_ERR_INVALID, &err);
	q->free(q);
}

/* "x,y,z", the strings freed. */
static const char *joined(struct pm_strings *s)
{
	static struct pm_buf out;
	pm_buf_reset(&out);
	for (size_t i = 0; i < s->count; i++)
		pm_buf_fmt(&out, "%s%.*s", i ? "," : "", PM_STR_ARG(s->v[i]));
	pm_strings_free(s);
	return out.ptr && out.len ? out.ptr : "";
}

static void test_names_and_values(void **state)
{
	struct pm_matcher m = { PM_MATCH_EQ, PM_STR("id"), PM_STR("0009") };
	struct pm_select all = { .max_ms = 5000 }, one = all, other_time = { .min_ms = 1001, .max_ms = 2000 };
	struct pm_error err = { 0 };
	struct pm_strings s;
	struct pm_querier *q;
	one.matchers = &m;
	one.matcher_count = 1;
	fill(*state);
	assert_ok(tsdb_querier(*state, &q, &err), &err);
	assert_ok(q->label_names(q, &all, &s, &err), &err);
	assert_string_equal(joined(&s), "__name__,a,b,id");
	assert_ok(q->label_names(q, &one, &s, &err), &err);
	assert_string_equal(joined(&s), "__name__,a,id");
	assert_ok(q->label_values(q, PM_STR("b"), &all, &s, &err), &err);
	assert_string_equal(joined(&s), "0,1,10,2,3,4,5,6,7,8,9");
	assert_ok(q->label_values(q, PM_STR("a"), &one, &s, &err), &err);
	assert_string_equal(joined(&s), "2");
	assert_ok(q->label_values(q, PM_STR("b"), &one, &s, &err), &err);
	assert_string_equal(joined(&s), "");
	assert_ok(q->label_values(q, PM_STR("none"), &all, &s, &err), &err);
	assert_string_equal(joined(&s), "");
	assert_ok(q->label_values(q, PM_STR("a"), &other_time, &s, &err), &err);
	assert_string_equal(joined(&s), "");
	all.limit = 3;
	assert_ok(q->label_values(q, PM_STR("b"), &all, &s, &err), &err);
	assert_string_equal(joined(&s), "0,1,10");
	q->free(q);
}

/* ---- ranges ------------------------------------------------------------------------------------- */

static void check_closed_ranges(struct tsdb *db)
{
	assert_string_equal(show(db, 0, 999), "");
	assert_string_equal(show(db, 0, 1000), "a 1@1000");
	assert_string_equal(show(db, 1000, 1000), "a 1@1000");
	assert_string_equal(show(db, 1001, 1999), "");
	assert_string_equal(show(db, 2000, 2000), "a 2@2000");
	assert_string_equal(show(db, 1001, 3000), "a 2@2000 3@3000");
	assert_string_equal(show(db, 3000, 3000), "a 3@3000");
	assert_string_equal(show(db, 3000, PM_TIME_MAX), "a 3@3000");
	assert_string_equal(show(db, 3001, PM_TIME_MAX), "");
	assert_string_equal(show(db, PM_TIME_MIN, PM_TIME_MAX), "a 1@1000 2@2000 3@3000");
}

static void test_ranges_of_loose_samples(void **state)
{
	put(*state, "a", 2000, 2);
	put(*state, "a", 1000, 1);
	put(*state, "a", 3000, 3);
	check_closed_ranges(*state);
	put(*state, "a", 2000, 99); /* the one committed first counts */
	check_closed_ranges(*state);
}

static void test_ranges_of_rows(void **state)
{
	struct pm_error err = { 0 };
	struct pm_appender *app;
	assert_ok(tsdb_appender(*state, &app, &err), &err);
	for (int i = 1; i <= 3; i++)
		assert_ok(page(app, "k", NULL, "a", i * 1000, i, NULL), NULL);
	app->free(app);
	check_closed_ranges(*state);
}

/* ---- transactions ------------------------------------------------------------------------------- */

static void test_ids_of_nowhere(void **state)
{
	struct pm_label l[] = { { PM_STR("__name__"), PM_STR("m") }, { PM_STR("s"), PM_STR("a") } };
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	tsdb_sid sid;
	assert_ok(tsdb_txn_begin(*state, &txn, &err), &err);
	assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, 1, 1, &sid, &err), &err);
	assert_code(tsdb_txn_append_sid(txn, sid + 1, 1, 1, &err), PM_ERR_INVALID, &err);
	assert_code(tsdb_txn_append_sid(txn, UINT32_MAX, 1, 1, &err), PM_ERR_INVALID, &err);
	assert_ok(tsdb_txn_append_sid(txn, sid, 2, 2, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
	assert_string_equal(show(*state, 0, 9), "a 1@1 2@2");
}

/* Another process sees nothing of a transaction before it is committed, and nothing ever of one that is aborted. */
static void test_abort(void **state)
{
	struct pm_label l[] = { { PM_STR("__name__"), PM_STR("m") }, { PM_STR("s"), PM_STR("b") } };
	struct tsdb *reader = open_store(TSDB_READ);
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	put(*state, "a", 1, 1);
	for (int commit = 0; commit < 2; commit++) {
		assert_ok(tsdb_txn_begin(*state, &txn, &err), &err);
		assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, 2, 2, NULL, &err), &err);
		assert_string_equal(show(reader, 0, 9), "a 1@1");
		if (commit)
			assert_ok(tsdb_txn_commit(txn, &err), &err);
		else
			tsdb_txn_abort(txn);
		assert_string_equal(show(reader, 0, 9), commit ? "a 1@1; b 2@2" : "a 1@1");
	}
	tsdb_close(reader);
}

static void add_filled(struct tsdb_txn *txn, int from, int to)
{
	struct pm_error err = { 0 };
	struct filled f;
	for (int i = from; i < to; i++)
		assert_ok(tsdb_txn_append(txn, filled(&f, i), 1000, i, NULL, &err), &err);
}

/* An aborted transaction grew the tables; another process grows its own ones, of the same numbers. */
static void test_tables_of_an_aborted_transaction(void **state)
{
	enum { ABORTED = 20000 };
	struct pm_matcher m[] = { { PM_MATCH_EQ, PM_STR("id"), PM_STR("39999") } };
	struct tsdb *other = open_store(TSDB_WRITE);
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(*state, &txn, &err), &err);
	add_filled(txn, 0, ABORTED);
	tsdb_txn_abort(txn);
	assert_ok(tsdb_txn_begin(other, &txn, &err), &err);
	add_filled(txn, ABORTED, 2 * ABORTED);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
	tsdb_close(other);
	assert_ok(tsdb_querier(*state, &q, &err), &err);
	struct pm_select sel = { .matchers = m, .matcher_count = 1, .max_ms = 5000 };
	struct pm_series_set *set;
	struct pm_series s;
	assert_ok(q->select(q, &sel, &set, &err), &err);
	assert_int_equal(set->next(set, &s, &err), 1);
	assert_bits(s.samples.v[0], 39999);
	set->free(set);
	q->free(q);
	assert_ok(tsdb_txn_begin(*state, &txn, &err), &err);
	add_filled(txn, ABORTED, 2 * ABORTED); /* they are known: no new ones */
	assert_ok(tsdb_txn_commit(txn, &err), &err);
	struct tsdb_stats stats;
	assert_ok(tsdb_stats(*state, &stats, &err), &err);
	assert_int_equal(stats.series_count, ABORTED);
}

/* More rows than lie between two tables of heads; with PM_VALGRIND unset, more than one log file of 64 MiB. What was
 * there early is found through the table alone. */
static void test_long_log(void **state)
{
	enum { WIDTH = 1000 };
	const int rows = getenv("PM_VALGRIND") ? 2500 : 9000;
	const size_t width = getenv("PM_VALGRIND") ? 10 : WIDTH;
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	tsdb_sid sid[WIDTH];
	struct filled f;
	struct pm_appender *app;
	assert_ok(tsdb_appender(*state, &app, &err), &err);
	assert_ok(page(app, "early", NULL, "e", 0, 5, NULL), NULL);
	app->free(app);
	assert_ok(tsdb_txn_begin(*state, &txn, &err), &err);
	for (int t = 1; t <= rows; t++)
		for (size_t i = 0; i < width; i++)
			if (t == 1)
				assert_ok(tsdb_txn_append(txn, filled(&f, (int)i), t, t, &sid[i], &err), &err);
			else
				assert_ok(tsdb_txn_append_sid(txn, sid[i], t, t, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);

	struct tsdb *reader = open_store(TSDB_READ);
	struct pm_matcher m = { PM_MATCH_EQ, PM_STR("id"), PM_STR("0007") };
	struct pm_select sel = { .matchers = &m, .matcher_count = 1, .max_ms = rows };
	struct pm_series_set *set;
	struct pm_querier *q;
	struct pm_series s;
	assert_ok(tsdb_querier(reader, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	assert_int_equal(set->next(set, &s, &err), 1);
	assert_int_equal(s.samples.count, rows);
	for (int i = 0; i < rows; i++)
		assert_true(s.samples.t_ms[i] == i + 1 && s.samples.v[i] == i + 1);
	assert_int_equal(set->next(set, &s, &err), 0);
	set->free(set);
	q->free(q);
	assert_string_equal(show(reader, 0, 0), "e 5@0");
	tsdb_close(reader);
}

/* ---- pages -------------------------------------------------------------------------------------- */

static void test_layout_that_changed(void **state)
{
	struct pm_append_stats stats;
	const struct pm_layout *old, *new;
	struct pm_error err = { 0 };
	struct pm_appender *app;
	double v[] = { 7, 8 };
	struct pm_page warm = { .t_ms = 3000, .values = v };
	assert_ok(tsdb_appender(*state, &app, &err), &err);
	assert_ok(page(app, "k", NULL, "ab", 1000, 1, NULL), NULL);
	assert_ok(app->layout(app, PM_STR("k"), &old, &err), &err);
	assert_int_equal(old->series_count, 2);
	assert_ok(page(app, "k", NULL, "ac", 2000, 3, &stats), NULL);
	assert_int_equal(stats.stale, 1);
	assert_int_equal(stats.series_new, 1);
	assert_code(app->append_page(app, PM_STR("k"), old, &warm, NULL, &err), PM_ERR_STALE, &err);
	assert_ok(app->layout(app, PM_STR("k"), &new, &err), &err);
	assert_ok(app->append_page(app, PM_STR("k"), new, &warm, &stats, &err), &err);
	assert_int_equal(stats.samples, 2);
	app->layout_free(app, old);
	app->layout_free(app, new);
	app->free(app);
	assert_string_equal(show(*state, 0, 9000), "a 1@1000 3@2000 7@3000; b 2@1000 x@2000; c 4@2000 8@3000");
}

/* A page without some of its series keeps the layout; what is missing gets one marker, once. */
static void test_markers(void **state)
{
	struct pm_append_stats stats;
	struct pm_error err = { 0 };
	struct pm_appender *app;
	assert_ok(tsdb_appender(*state, &app, &err), &err);
	assert_ok(page(app, "k", NULL, "abc", 1000, 1, NULL), NULL);
	assert_ok(page(app, "k", NULL, "", 2000, 1, &stats), NULL);
	assert_int_equal(stats.stale, 3);
	assert_ok(page(app, "k", NULL, "", 3000, 1, &stats), NULL);
	assert_int_equal(stats.stale, 0);
	assert_ok(page(app, "k", NULL, "b", 4000, 9, &stats), NULL);
	assert_int_equal(stats.series_new, 1);
	app->free(app);
	assert_string_equal(show(*state, 0, 9000), "a 1@1000 x@2000; b 2@1000 x@2000 9@4000; c 3@1000 x@2000");
}

static void test_doubles_on_a_page(void **state)
{
	struct pm_append_stats stats;
	const struct pm_layout *l;
	struct pm_error err = { 0 };
	struct pm_appender *app;
	assert_ok(tsdb_appender(*state, &app, &err), &err);
	assert_ok(page(app, "k", NULL, "aba", 1000, 1, &stats), NULL);
	assert_int_equal(stats.samples, 2);
	assert_ok(app->layout(app, PM_STR("k"), &l, &err), &err);
	assert_int_equal(l->series_count, 2);
	assert_int_equal(l->entry_count, 3);
	assert_int_equal(l->blocks[0].entries[2].ref, PM_REF_DOUBLE);
	app->layout_free(app, l);
	app->free(app);
	assert_string_equal(show(*state, 0, 9000), "a 1@1000; b 2@1000");
}

/* A series that two targets have, and an import too. */
static void test_one_series_of_two_targets(void **state)
{
	struct pm_error err = { 0 };
	struct pm_appender *app;
	assert_ok(tsdb_appender(*state, &app, &err), &err);
	assert_ok(page(app, "k1", NULL, "ab", 1000, 1, NULL), NULL);
	assert_ok(page(app, "k2", NULL, "ca", 2000, 5, NULL), NULL);
	put(*state, "a", 1500, 4);
	app->free(app);
	assert_string_equal(show(*state, 0, 9000), "a 1@1000 4@1500 6@2000; b 2@1000; c 5@2000");
}

/* ---- syncs -------------------------------------------------------------------------------------- */

static void test_sync(void **state)
{
	struct pm_error err = { 0 };
	put(*state, "a", 1, 1);
	pm_fs_fail_nth(PM_FS_OP_SYNC, SIZE_MAX, EIO);
	assert_ok(tsdb_sync(*state, &err), &err);
	assert_int_equal(pm_fs_fail_nth(PM_FS_OP_SYNC, 0, 0), 4); /* catalog, layouts, log, meta page */
	put(*state, "a", 2, 2);
	pm_fs_fail_nth(PM_FS_OP_SYNC, 3, EIO);
	assert_code(tsdb_sync(*state, &err), PM_ERR_IO, &err);
	pm_fs_fail_nth(PM_FS_OP_SYNC, 0, 0);
	assert_code(tsdb_sync(*state, &err), PM_ERR_IO, &err); /* what the system dropped, no second sync brings back */
	assert_contains(err.msg, "earlier sync failed");
	assert_string_equal(show(*state, 0, 9), "a 1@1 2@2");
}

/* ---- damage ------------------------------------------------------------------------------------- */

/* The start of a file of the store, for changes. */
static void *map_file(const char *name, size_t size)
{
	char path[4200];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	assert_true(p != MAP_FAILED);
	return p;
}

static int try_to_read(struct pm_error *err)
{
	struct pm_select sel = { .max_ms = 9000 };
	struct pm_series_set *set;
	struct pm_querier *q;
	struct pm_series s;
	struct tsdb *db;
	int rc = tsdb_open(dir, NULL, &db, err);
	if (rc < 0)
		return rc;
	if ((rc = tsdb_querier(db, &q, err)) == 0) {
		if ((rc = q->select(q, &sel, &set, err)) == 0) {
			while ((rc = set->next(set, &s, err)) > 0)
				;
			set->free(set);
		}
		q->free(q);
	}
	tsdb_close(db);
	return rc;
}

static void test_damaged_record(void **state)
{
	struct pm_error err = { 0 };
	put(*state, "a", 1000, 1);
	struct tsdb_meta_page *m = map_file("meta", sizeof *m);
	struct tsdb_record *rec = &m->slot[m->seq & 1].record;
	assert_ok(try_to_read(&err), &err);
	rec->sample_count++; /* nothing but the checksum can tell */
	assert_code(try_to_read(&err), PM_ERR_CORRUPT, &err);
	assert_contains(err.msg, "meta");
	rec->sample_count--;
	assert_ok(try_to_read(&err), &err);
	munmap(m, sizeof *m);
}

static void test_damaged_head(void **state)
{
	struct pm_error err = { 0 };
	put(*state, "a", 1000, 1);
	struct tsdb_file_head *head = map_file("head.00000001/catalog", sizeof *head);
	head->number ^= 1; /* says nothing in this file */
	assert_code(try_to_read(&err), PM_ERR_CORRUPT, &err);
	assert_contains(err.msg, "catalog");
	head->number ^= 1;
	assert_ok(try_to_read(&err), &err);
	munmap(head, sizeof *head);
}

/* A row that claims more values than it has bytes is no row. */
static void test_damaged_row(void **state)
{
	enum { SIZE = 1 << 16 };
	struct pm_error err = { 0 };
	struct pm_appender *app;
	assert_ok(tsdb_appender(*state, &app, &err), &err);
	assert_ok(page(app, "k", NULL, "ab", 1000, 1, NULL), NULL);
	app->free(app);
	uint8_t *log = map_file("head.00000001/log.00000001", SIZE);
	struct tsdb_row *row = NULL;
	for (size_t off = sizeof(struct tsdb_file_head); !row && off < SIZE;) {
		struct tsdb_rec *rec = (void *)(log + off);
		assert_true(rec->len >= sizeof *rec);
		row = rec->kind == TSDB_REC_ROW ? (void *)rec : NULL;
		off += rec->len;
	}
	assert_non_null(row);
	assert_ok(try_to_read(&err), &err);
	row->width = row->present = 1 << 20;
	assert_code(try_to_read(&err), PM_ERR_CORRUPT, &err);
	assert_contains(err.msg, "log");
	row->width = row->present = 2;
	assert_ok(try_to_read(&err), &err);
	munmap(log, SIZE);
}

#define STORE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* Rows of a named layout: found again by later transactions, refused when a series stands in it twice. */
static void test_rows_of_a_layout(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	struct pm_error err = { 0 };
	struct tsdb_stats first, second = { 0 };
	struct tsdb_txn *txn;
	tsdb_sid sids[4];
	tsdb_layout layout;
	for (int round = 0; round < 3; round++) {
		first = second;
		assert_ok(tsdb_txn_begin(*state, &txn, &err), &err);
		for (int i = 0; i < 3; i++) {
			struct pm_label l = { PM_STR("s"), pm_str(names[i]) };
			assert_ok(tsdb_txn_series(txn, (struct pm_labels){ &l, 1 }, &sids[i], &err), &err);
		}
		sids[3] = sids[0];
		assert_ok(tsdb_txn_layout(txn, sids, 3, &layout, &err), &err);
		assert_ok(tsdb_txn_append_row(txn, layout, 1000 + round, (double[]){ round, 10 + round, 20 }, &err),
			&err);
		assert_code(tsdb_txn_layout(txn, sids, 4, &layout, &err), PM_ERR_INVALID, NULL);
		assert_code(tsdb_txn_append_row(txn, layout + 1, 1, (double[]){ 1 }, &err), PM_ERR_INVALID, NULL);
		assert_ok(tsdb_txn_commit(txn, &err), &err);
		assert_ok(tsdb_stats(*state, &second, &err), &err);
	}
	assert_int_equal(first.layout_count, second.layout_count);
	assert_string_equal(show(*state, 1001, 1002), "a 1@1001 2@1002; b 11@1001 12@1002; c 20@1001 20@1002");
}

TEST_MAIN(STORE_TEST(test_selectors), STORE_TEST(test_bad_pattern), STORE_TEST(test_names_and_values),
	STORE_TEST(test_ranges_of_loose_samples), STORE_TEST(test_ranges_of_rows), STORE_TEST(test_ids_of_nowhere),
	STORE_TEST(test_abort), STORE_TEST(test_tables_of_an_aborted_transaction), STORE_TEST(test_long_log),
	STORE_TEST(test_layout_that_changed), STORE_TEST(test_markers), STORE_TEST(test_doubles_on_a_page),
	STORE_TEST(test_one_series_of_two_targets), STORE_TEST(test_sync), STORE_TEST(test_damaged_record),
	STORE_TEST(test_damaged_head), STORE_TEST(test_damaged_row), STORE_TEST(test_rows_of_a_layout))
