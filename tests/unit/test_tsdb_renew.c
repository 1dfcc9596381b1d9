/* test_tsdb_renew.c - series that come and go: a compaction that finds most of the head's gone begins a new one. */
#include "tests/support/test.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/tsdb.h"

enum { PODS = 40, ROUNDS = 30 };

static struct tsdb *open_store(const char *dir, unsigned flags)
{
	struct tsdb_opts opts = { .flags = flags, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	return db;
}

/* A page of pods [from, from + PODS) of one target. */
static void put_page(struct tsdb *db, int target, int from, int64_t t_ms, struct pm_append_stats *stats)
{
	struct pm_page_entry e[PODS];
	struct pm_label labels[PODS][2];
	char pods[PODS][16], key[16];
	struct pm_error err = { 0 };
	struct pm_appender *app;
	const struct pm_layout *l;
	snprintf(key, sizeof key, "target%d", target);
	assert_ok(tsdb_appender(db, &app, &err), &err);
	assert_ok(app->layout(app, pm_str(key), &l, &err), &err);
	for (int i = 0; i < PODS; i++) {
		snprintf(pods[i], sizeof pods[i], "%d-%d", target, from + i);
		labels[i][0] = (struct pm_label){ PM_STR("__name__"), PM_STR("up") };
		labels[i][1] = (struct pm_label){ PM_STR("pod"), pm_str(pods[i]) };
		e[i] = (struct pm_page_entry){ .e = { pm_hash(pods[i], strlen(pods[i])), 4, PM_REF_NEW },
			.labels = { labels[i], 2 },
			.v = from + i,
			.t_ms = PM_NO_TIME };
		for (uint32_t b = 0; l && b < l->block_count; b++)
			for (uint32_t k = 0; k < l->blocks[b].entry_count; k++)
				if (l->blocks[b].entries[k].text_hash == e[i].e.text_hash)
					e[i].e.ref = l->blocks[b].entries[k].ref;
	}
	struct pm_page page = { .t_ms = t_ms, .entries = e, .entry_count = PODS };
	assert_ok(app->append_page(app, pm_str(key), l, &page, stats, &err), &err);
	app->layout_free(app, l);
	app->free(app);
}

static uint64_t count_samples(struct tsdb *db, uint64_t *ret_stale)
{
	struct pm_select sel = { .min_ms = 0, .max_ms = PM_TIME_MAX };
	struct pm_error err = { 0 };
	struct pm_series_set *set;
	struct pm_querier *q;
	struct pm_series s;
	uint64_t n = 0;
	int rc;
	*ret_stale = 0;
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	while ((rc = set->next(set, &s, &err)) > 0)
		for (size_t i = 0; i < s.samples.count; i++) {
			n += !pm_is_stale(s.samples.v[i]);
			*ret_stale += pm_is_stale(s.samples.v[i]);
		}
	assert_ok(rc, &err);
	set->free(set);
	q->free(q);
	return n;
}

static void check(struct tsdb *db, uint64_t samples, uint64_t stale)
{
	uint64_t is_stale;
	assert_int_equal(count_samples(db, &is_stale), samples);
	assert_int_equal(is_stale, stale);
}

static struct tsdb_stats stats_of(struct tsdb *db)
{
	struct tsdb_stats s;
	struct pm_error err = { 0 };
	assert_ok(tsdb_stats(db, &s, &err), &err);
	return s;
}

static void note(struct tsdb *db, const char *help)
{
	struct tsdb_metadata m = { PM_STR("up"), PM_STR("gauge"), pm_str(help), PM_STR("") };
	struct pm_label l[] = { { PM_STR("__name__"), PM_STR("up") }, { PM_STR("pod"), PM_STR("0-290") } };
	struct pm_label trace = { PM_STR("trace"), PM_STR("abc") };
	struct tsdb_exemplar e = { { &trace, 1 }, 1, 5000 };
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	tsdb_sid sid;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	assert_ok(tsdb_txn_append_metadata(txn, &m, &err), &err);
	assert_ok(tsdb_txn_series(txn, (struct pm_labels){ l, 2 }, &sid, &err), &err);
	assert_ok(tsdb_txn_append_exemplar(txn, sid, &e, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

static void check_notes(struct tsdb *db)
{
	struct pm_select sel = { .min_ms = 0, .max_ms = PM_TIME_MAX };
	struct tsdb_exemplars exemplars = { 0 };
	struct tsdb_metadata_list said = { 0 };
	struct pm_error err = { 0 };
	assert_ok(tsdb_metadata(db, PM_STR("up"), 0, &said, &err), &err);
	assert_int_equal(said.count, 1);
	assert_str(said.v[0].help, "whether it is");
	tsdb_metadata_free(&said);
	assert_ok(tsdb_exemplars(db, &sel, 1, &exemplars, &err), &err);
	assert_int_equal(exemplars.count, 1);
	assert_str(pm_labels_get(exemplars.v[0].labels, PM_STR("pod")), "0-290");
	assert_int_equal(exemplars.v[0].v[0].t_ms, 5000);
	tsdb_exemplars_free(&exemplars);
}

static void test_renewal(void **state)
{
	char *dir = test_tmpdir(), *copy = test_tmpdir();
	struct tsdb *db = open_store(dir, TSDB_WRITE | TSDB_CREATE), *reader = open_store(dir, TSDB_READ);
	struct tsdb *other = open_store(dir, TSDB_WRITE);
	struct pm_append_stats stats;
	struct pm_error err = { 0 };
	uint64_t samples = 0, stale = 0;
	int64_t t = 1000;
	/* Ten of forty pods are replaced each time. */
	for (int r = 0; r < ROUNDS; r++, t += 1000) {
		put_page(db, 0, r * 10, t, &stats);
		samples += stats.samples;
		stale += stats.stale;
	}
	note(db, "whether it is");
	assert_int_equal(stale, (ROUNDS - 1) * 10);
	check(reader, samples, stale);
	struct tsdb_stats before = stats_of(db);
	assert_int_equal(before.series_count, PODS + (ROUNDS - 1) * 10);
	struct pm_querier *old; /* a snapshot from before outlives it all */
	assert_ok(tsdb_querier(reader, &old, &err), &err);
	assert_ok(tsdb_compact(db, &(struct tsdb_compact_opts){ .force = true }, NULL, &err), &err);
	struct tsdb_stats after = stats_of(db);
	assert_int_equal(after.generation, before.generation + 1);
	assert_int_equal(after.series_count, PODS);
	check(db, samples, stale);
	check(reader, samples, stale);
	check(other, samples, stale);
	/* Another writer goes on: the layout is remembered, and who went gets a marker. */
	put_page(other, 0, ROUNDS * 10, t, &stats);
	assert_int_equal(stats.stale, 10);
	assert_int_equal(stats.series_new, 10);
	samples += stats.samples;
	stale += stats.stale;
	put_page(db, 1, 0, t + 1000, &stats);
	samples += stats.samples;
	check(reader, samples, stale);
	check(db, samples, stale);
	assert_int_equal(stats_of(reader).series_count, PODS + 10 + PODS);
	struct pm_series_set *set;
	struct pm_select sel = { .min_ms = 0, .max_ms = PM_TIME_MAX };
	struct pm_series s;
	uint64_t seen = 0;
	int rc = old->select(old, &sel, &set, &err);
	if (rc == 0) {
		while ((rc = set->next(set, &s, &err)) > 0)
			seen += s.samples.count;
		set->free(set);
	}
	assert_true(rc == PM_ERR_STALE || seen == (uint64_t)ROUNDS * PODS + (ROUNDS - 1) * 10);
	old->free(old);
	tsdb_close(reader);
	tsdb_close(other);
	/* A copy is scanned from its log, and has all. */
	test_remove(copy);
	assert_ok(tsdb_snapshot(db, copy, NULL, &err), &err);
	struct tsdb *copied = open_store(copy, TSDB_WRITE);
	check(copied, samples, stale);
	put_page(copied, 1, 0, t + 2000, &stats);
	check(copied, samples + PODS, stale);
	tsdb_close(copied);
	tsdb_close(db);
	db = open_store(dir, TSDB_READ);
	check(db, samples, stale);
	check_notes(db);
	tsdb_close(db);
	test_tmpdir_free(dir);
	test_tmpdir_free(copy);
}

TEST_MAIN(TEST(test_renewal))
