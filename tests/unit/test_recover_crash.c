/* test_recover_crash.c - simulated machine crashes: at a random operation on files everything that was not synced is
 * kept, lost or torn at random; the store opens, for a reader and for a writer, holds all that was synced, each
 * transaction whole or not at all, and takes more; which crashes again, during recovery too.
 *
 * CRASH_SEEDS (60) histories of CRASH_ROUNDS crashes each, from PM_SEED; a history that fails names its number, and
 * CRASH_FIRST begins with that one. On a file system in memory, as nothing depends on the real disk. */
#include "tests/support/crash_disk.h"
#include "tests/support/store_files.h"

#include "libtsdb/tsdb.h"

enum { CRASH_ROUNDS = 4, SERIES = 40, TXNS_MAX = 400, LOOSE_SERIES = 1100 };

/* What was done to the store, and what a crash must have left of it. Transactions count from 1. */
struct history {
	char dir[4096], next[4096];
	uint64_t number;
	int round;
	int written[TXNS_MAX]; /* in which round a transaction was written last: what it holds depends on that */
	int synced, tried;     /* transactions at the most and at the least, right now */
	int crash_synced, crash_tried; /* at the crash */
	bool crashed;
	struct crash_disk *disk;
};

static struct history *current;
static char *test_base;

static uint64_t mix(uint64_t a, uint64_t b, uint64_t c)
{
	struct test_rng r = { a * 1000003 + b * 1009 + c };
	test_u64(&r);
	return test_u64(&r);
}

static unsigned env(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);
	return s && *s ? (unsigned)strtoul(s, NULL, 10) : otherwise;
}

/* ---- transactions ---- */

/* What transaction k is: pages of two targets whose series come and go, loose samples of new and of old series. */
enum { PAGE_A, PAGE_B, LOOSE, LOOSE_MANY, KINDS };

static int kind_of(const struct history *h, int k)
{
	uint64_t x = mix(h->number, (uint64_t)h->written[k], (uint64_t)k) % 100;
	return x < 40 ? PAGE_A : x < 70 ? PAGE_B : x < 97 ? LOOSE : LOOSE_MANY;
}

static int series_end(int kind)
{
	return kind == LOOSE_MANY ? LOOSE_SERIES : SERIES;
}

/* The value of series s, or false when it has none in this transaction. */
static bool value_of(const struct history *h, int k, int s, double *ret)
{
	uint64_t x = mix(h->number * 7 + (uint64_t)h->written[k], (uint64_t)k, (uint64_t)s);
	*ret = (double)(x % 1000000);
	return s < series_end(kind_of(h, k)) && (x >> 32) % 8 != 0;
}

static void name_series(int s, bool loose, char text[16], struct pm_label l[2])
{
	snprintf(text, 16, "%s%04d", loose ? "l" : "p", s);
	l[0] = (struct pm_label){ PM_STR("__name__"), PM_STR("m") };
	l[1] = (struct pm_label){ PM_STR("s"), pm_str(text) };
}

static int write_loose(struct history *h, struct tsdb *db, int k, struct pm_error *err)
{
	struct tsdb_txn *txn;
	struct pm_label l[2];
	char text[16];
	double v;
	int rc = tsdb_txn_begin(db, &txn, err);
	if (rc < 0)
		return rc;
	for (int s = 0; s < series_end(kind_of(h, k)); s++) {
		name_series(s, true, text, l);
		if (value_of(h, k, s, &v))
			assert_ok(
				tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, k * 1000 + s % 3, v, NULL, err), err);
	}
	return tsdb_txn_commit(txn, err);
}

static int write_page(struct history *h, struct tsdb *db, int k, struct pm_error *err)
{
	struct pm_page_entry e[SERIES];
	struct pm_label l[SERIES][2];
	struct pm_appender *app;
	char text[SERIES][16];
	size_t n = 0;
	for (int s = 0; s < SERIES; s++) {
		name_series(s, false, text[n], l[n]);
		double v;
		if (!value_of(h, k, s, &v))
			continue;
		e[n] = (struct pm_page_entry){
			.e = { (uint64_t)s + 1, 5, PM_REF_NEW }, .labels = { l[n], 2 }, .v = v, .t_ms = PM_NO_TIME
		};
		n++;
	}
	struct pm_page page = { .t_ms = k * 1000, .entries = e, .entry_count = n };
	assert_ok(tsdb_appender(db, &app, err), err);
	int rc = app->append_page(app, kind_of(h, k) == PAGE_A ? PM_STR("a") : PM_STR("b"), NULL, &page, NULL, err);
	app->free(app);
	return rc;
}

static void write_some(struct history *h, struct tsdb *db, int count, bool always)
{
	struct pm_error err = { 0 };
	struct test_rng rng = test_rng(h->number * 31 + (uint64_t)h->round);
	struct tsdb_compact_opts compact = { .force = true, .now_ms = 1000000 };
	for (int i = 0; i < count && h->tried + 1 < TXNS_MAX && !h->crashed; i++) {
		int k = ++h->tried;
		h->written[k] = h->round;
		bool loose = kind_of(h, k) >= LOOSE;
		assert_ok(loose ? write_loose(h, db, k, &err) : write_page(h, db, k, &err), &err);
		if (always)
			h->synced = k;
		if (test_below(&rng, 6) == 0) {
			assert_ok(tsdb_sync(db, &err), &err);
			h->synced = k;
		}
		if (test_below(&rng, 15) == 0) {
			assert_ok(tsdb_compact(db, &compact, NULL, &err), &err);
			h->synced = k;
		}
	}
}

/* ---- what is there ---- */

static void check_sample(const struct history *h, int *seen, struct pm_str name, int64_t t_ms, double v)
{
	char text[16];
	snprintf(text, sizeof text, "%.*s", PM_STR_ARG(name));
	int k = (int)(t_ms / 1000), s = (int)strtol(text + 1, NULL, 10);
	double want;
	assert_true(k >= 1 && k < TXNS_MAX && h->written[k] > 0);
	assert_int_equal(name.ptr[0] == 'l', kind_of(h, k) >= LOOSE);
	assert_true(value_of(h, k, s, &want));
	assert_bits(v, want);
	seen[k]++;
}

static size_t select_all(
	struct tsdb *db, struct pm_str one, void (*fn)(void *arg, const struct pm_series *s), void *arg)
{
	struct pm_matcher m[] = { { PM_MATCH_EQ, PM_STR("__name__"), PM_STR("m") }, { PM_MATCH_EQ, PM_STR("s"), one } };
	struct pm_select sel = {
		.matchers = m, .matcher_count = one.len ? 2 : 1, .min_ms = 0, .max_ms = INT64_C(1) << 40
	};
	struct pm_series_set *set;
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series s;
	size_t n = 0;
	int rc;
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	while ((rc = set->next(set, &s, &err)) > 0) {
		fn(arg, &s);
		n++;
	}
	assert_ok(rc, &err);
	set->free(set);
	q->free(q);
	return n;
}

struct census {
	const struct history *h;
	int seen[TXNS_MAX];
	char last[16];
	char name[16]; /* of one that has samples */
	size_t name_samples, one_samples;
};

static void count_series(void *arg, const struct pm_series *s)
{
	struct census *c = arg;
	struct pm_str name = pm_labels_get(s->labels, PM_STR("s"));
	char text[16];
	snprintf(text, sizeof text, "%.*s", PM_STR_ARG(name));
	assert_true(strcmp(c->last, text) < 0); /* no series twice */
	memcpy(c->last, text, sizeof text);
	for (size_t i = 0; i < s->samples.count; i++)
		if (!pm_is_stale(s->samples.v[i]))
			check_sample(c->h, c->seen, name, s->samples.t_ms[i], s->samples.v[i]);
	memcpy(c->name, text, sizeof text);
	c->name_samples = s->samples.count;
}

static void count_one(void *arg, const struct pm_series *s)
{
	((struct census *)arg)->one_samples += s->samples.count;
}

/* Transactions that are there: 1 to the returned one, each whole. */
static int check(const struct history *h, struct tsdb *db)
{
	struct census *c = calloc(1, sizeof *c);
	int last = 0;
	c->h = h;
	select_all(db, (struct pm_str){ 0 }, count_series, c);
	for (int k = 1; k < TXNS_MAX; k++) {
		int want = 0;
		double v;
		if (!c->seen[k])
			continue;
		for (int s = 0; s < series_end(kind_of(h, k)); s++)
			want += value_of(h, k, s, &v);
		assert_int_equal(c->seen[k], want);
		assert_int_equal(k, last + 1);
		last = k;
	}
	if (c->name[0]) { /* and by the tables */
		assert_int_equal(select_all(db, pm_str(c->name), count_one, c), 1);
		assert_int_equal(c->one_samples, c->name_samples);
	}
	free(c);
	return last;
}

/* ---- crashes ---- */

static void crash(void *arg)
{
	struct history *h = arg;
	h->crashed = true;
	h->crash_synced = h->synced;
	h->crash_tried = h->tried;
	crash_disk_take(h->disk, h->next);
}

static void open_store(const char *dir, unsigned flags, int64_t fsync_ms, struct tsdb **ret)
{
	struct tsdb_opts opts = { .flags = flags, .fsync_ms = fsync_ms };
	struct pm_error err = { 0 };
	assert_ok(tsdb_open(dir, &opts, ret, &err), &err);
}

/* Open what the crash before left, check it, write, and crash somewhere on the way. */
static void one_round(struct history *h)
{
	struct test_rng rng = test_rng(h->number * 101 + (uint64_t)h->round);
	bool always = test_below(&rng, 4) == 0;
	size_t crash_at = 1 + test_below(&rng, test_below(&rng, 2) ? 40 : 400);
	struct tsdb *db;
	h->crashed = false;
	snprintf(h->next, sizeof h->next, "%.4000s/r%d", test_base, h->round);
	h->disk = crash_disk_start(h->dir, mix(h->number, (uint64_t)h->round, 5), crash_at, crash, h);
	open_store(h->dir, TSDB_WRITE | TSDB_CREATE, always ? TSDB_FSYNC_ALWAYS : TSDB_FSYNC_NEVER, &db);
	if (!h->crashed) { /* what was found is safe now */
		int found = check(h, db);
		assert_true(found >= h->synced && found <= h->tried);
		h->synced = h->tried = found;
	}
	write_some(h, db, 3 + (int)test_below(&rng, 60), always);
	tsdb_close(db);
	if (!h->crashed)
		crash(h);
	crash_disk_free(h->disk);
	h->synced = h->crash_synced;
	h->tried = h->crash_tried;
	test_remove(h->dir);
	snprintf(h->dir, sizeof h->dir, "%s", h->next);
	char meta[4200];
	snprintf(meta, sizeof meta, "%.4000s/meta", h->dir);
	if (test_below(&rng, 3) != 0 && access(meta, F_OK) == 0) /* else it is a copy */
		store_reboot(h->dir);
}

/* A reader finds what the writer will find, and writes nothing. */
static void read_before(struct history *h)
{
	struct tsdb_opts opts = { .flags = TSDB_READ };
	struct pm_error err = { 0 };
	struct tsdb *reader, *writer;
	int rc = tsdb_open(h->dir, &opts, &reader, &err);
	if (rc == PM_ERR_NOTFOUND && h->synced == 0)
		return; /* the store was not finished */
	assert_ok(rc, &err);
	int found = check(h, reader);
	assert_true(found >= h->synced && found <= h->tried);
	if (test_below(&(struct test_rng){ h->number + (uint64_t)h->round }, 4) == 0) {
		open_store(h->dir, TSDB_WRITE, TSDB_FSYNC_NEVER, &writer);
		assert_int_equal(check(h, writer), found);
		h->synced = h->tried = found; /* recovery synced it */
		h->round++;
		write_some(h, writer, 3, true);
		tsdb_close(writer);
		assert_int_equal(check(h, reader), h->tried); /* it goes on with the store as it is */
	}
	tsdb_close(reader);
}

static void test_crashes(void **state)
{
	unsigned first = env("CRASH_FIRST", 1), seeds = env("CRASH_SEEDS", 60);
	for (unsigned n = first; n < first + seeds; n++) {
		struct history *h = current = calloc(1, sizeof *h);
		h->number = n + test_seed() * 1000000;
		snprintf(h->dir, sizeof h->dir, "%.4000s/r0", test_base);
		assert_int_equal(mkdir(h->dir, 0777), 0);
		for (int r = 0; r < CRASH_ROUNDS; r++) {
			h->round++;
			one_round(h);
			read_before(h);
		}
		test_remove(h->dir);
		free(h);
		current = NULL;
	}
}

static int say_which(void **state)
{
	if (current)
		fprintf(stderr, "CRASH_FIRST=%u, round %d, at the crash %d synced, %d tried\n",
			(unsigned)(current->number - test_seed() * 1000000), current->round, current->crash_synced,
			current->crash_tried);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(test_crashes, say_which) };
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	test_base = test_tmpdir();
	int failed = test_end_(cmocka_run_group_tests(tests, NULL, NULL));
	test_tmpdir_free(test_base);
	return failed;
}
