/* test_tsdb_damage.c - stores that are not there, not ours, cut short or changed: an error that names the file and the
 * offset, or the right answer; never a crash, a hang or a wrong answer.
 *
 * Of larger files some bytes are changed, from PM_SEED on; DAMAGE_ALL=1 changes every byte and cuts at every length. */
#include "tests/support/store_files.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/tsdb.h"

#include <dirent.h>

enum { SERIES = 30, ROWS = 6 };

static void fill(struct tsdb *db, int64_t from_ms)
{
	struct pm_error err = { 0 };
	struct pm_appender *app;
	struct tsdb_txn *txn;
	assert_ok(tsdb_appender(db, &app, &err), &err);
	for (int r = 0; r < ROWS; r++) {
		struct pm_page_entry e[SERIES];
		struct pm_label l[SERIES][2];
		char v[SERIES][8];
		size_t n = 0;
		for (int s = 0; s < SERIES; s++) {
			if (r % 3 == 2 && s % 5 == 0)
				continue; /* bitmaps */
			snprintf(v[n], sizeof v[n], "%d", s);
			l[n][0] = (struct pm_label){ PM_STR("__name__"), PM_STR("m") };
			l[n][1] = (struct pm_label){ PM_STR("s"), pm_str(v[n]) };
			e[n] = (struct pm_page_entry){ .e = { (uint64_t)s + 1, 5, PM_REF_NEW },
				.labels = { l[n], 2 },
				.v = s,
				.t_ms = PM_NO_TIME };
			n++;
		}
		struct pm_page page = { .t_ms = from_ms + r * 1000, .entries = e, .entry_count = n };
		assert_ok(app->append_page(app, PM_STR("k"), NULL, &page, NULL, &err), &err);
	}
	app->free(app);
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	for (int s = 0; s < 600; s++) { /* a run of postings, a batch */
		char v[8];
		snprintf(v, sizeof v, "%d", s);
		struct pm_label l[] = { { PM_STR("__name__"), PM_STR("loose") }, { PM_STR("s"), pm_str(v) } };
		assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, from_ms + s, s, NULL, &err), &err);
	}
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

/* A store with a segment and a head; both have samples of the same series. */
static char *make_store(void)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct tsdb_compact_opts compact = { .force = true, .now_ms = 10000000 };
	struct pm_error err = { 0 };
	struct tsdb *db;
	char *dir = test_tmpdir();
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	fill(db, 0);
	assert_ok(tsdb_compact(db, &compact, NULL, &err), &err);
	fill(db, 20000);
	tsdb_close(db);
	return dir;
}

/* ---- reading all there is ---- */

static void told(void *arg, const struct pm_error *what)
{
	*(struct pm_error *)arg = *what;
}

static uint64_t add(uint64_t h, const void *p, size_t n)
{
	return pm_hash_seed(p, n, h);
}

static uint64_t add_series(uint64_t h, const struct pm_series *s)
{
	for (size_t i = 0; i < s->labels.count; i++) {
		h = add(h, s->labels.v[i].name.ptr, s->labels.v[i].name.len);
		h = add(h, s->labels.v[i].value.ptr, s->labels.v[i].value.len);
	}
	for (size_t i = 0; i < s->samples.count; i++) {
		h = add(h, &s->samples.t_ms[i], sizeof s->samples.t_ms[i]);
		h = add(h, &s->samples.v[i], sizeof s->samples.v[i]);
	}
	return h;
}

static int digest_select(struct pm_querier *q, const struct pm_select *sel, uint64_t *h, struct pm_error *err)
{
	struct pm_series_set *set;
	struct pm_series s;
	int rc = q->select(q, sel, &set, err);
	if (rc < 0)
		return rc;
	while ((rc = set->next(set, &s, err)) > 0)
		*h = add_series(*h, &s);
	set->free(set);
	return rc;
}

static int digest_names(struct pm_querier *q, const struct pm_select *sel, uint64_t *h, struct pm_error *err)
{
	struct pm_strings names = { 0 };
	int rc = q->label_values(q, PM_STR("s"), sel, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		*h = add(*h, names.v[i].ptr, names.v[i].len);
	pm_strings_free(&names);
	return rc;
}

enum { QUESTIONS = 5 };
struct answers {
	uint64_t hash[QUESTIONS]; /* 0: an error */
};

/* Questions that take all ways: all series, by postings, by tables, in a part of time, values of a label. */
static int ask(struct pm_querier *q, int question, uint64_t *h, struct pm_error *err)
{
	struct pm_matcher m[] = { { PM_MATCH_NE, PM_STR("__name__"), PM_STR("") },
		{ PM_MATCH_EQ, PM_STR("s"), PM_STR("7") }, { PM_MATCH_RE, PM_STR("s"), PM_STR("59.") } };
	struct pm_select sel[QUESTIONS] = { { .matchers = m, .matcher_count = 1, .max_ms = 100000 },
		{ .matchers = m, .matcher_count = 2, .max_ms = 100000 },
		{ .matchers = m + 1, .matcher_count = 1, .min_ms = 21000, .max_ms = 23000 },
		{ .matchers = m + 2, .matcher_count = 1, .max_ms = 100000 },
		{ .matchers = m, .matcher_count = 1, .max_ms = 100000 } };
	return question == QUESTIONS - 1 ? digest_names(q, &sel[question], h, err)
					 : digest_select(q, &sel[question], h, err);
}

/* A segment that is set aside is told once, and missing from then on. */
static void answer(const char *dir, struct answers *ret, struct pm_error *err)
{
	struct pm_error set_aside = { 0 };
	struct tsdb_opts opts = { .flags = TSDB_READ, .damaged = told, .damaged_arg = &set_aside };
	struct pm_querier *q;
	struct tsdb *db;
	*ret = (struct answers){ 0 };
	if (tsdb_open(dir, &opts, &db, err) < 0)
		return;
	if (tsdb_querier(db, &q, err) == 0) {
		for (int i = QUESTIONS - 1; i >= 0; i--) {
			uint64_t h = 1;
			if (ask(q, i, &h, err) == 0 && !set_aside.code)
				ret->hash[i] = h;
		}
		q->free(q);
	}
	tsdb_close(db);
	if (set_aside.code)
		*err = set_aside;
}

static struct answers right;

static void check_answer(const char *dir, const char *path, size_t at)
{
	struct pm_error err = { 0 };
	struct answers got;
	answer(dir, &got, &err);
	for (int i = 0; i < QUESTIONS; i++) {
		if (got.hash[i] && got.hash[i] != right.hash[i])
			fail_msg("%s, byte %zu: a wrong answer to question %d", path, at, i);
		if (!got.hash[i] && (!err.code || !err.msg[0]))
			fail_msg("%s, byte %zu: an error that says nothing", path, at);
	}
}

/* And with what a writer may do to it: any error will do. */
static void write_to(const char *dir)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_label l[] = { { PM_STR("__name__"), PM_STR("new") } };
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	struct tsdb *db;
	if (tsdb_open(dir, &opts, &db, &err) < 0) {
		assert_true(err.msg[0]);
		return;
	}
	if (tsdb_txn_begin(db, &txn, &err) == 0) {
		if (tsdb_txn_append(txn, (struct pm_labels){ l, 1 }, 1, 1, NULL, &err) == 0)
			(void)!tsdb_txn_commit(txn, &err);
		else
			tsdb_txn_abort(txn);
	}
	tsdb_close(db);
}

typedef void file_fn(const char *store, const char *path, size_t used);

static void each_in(const char *store, const char *folder, file_fn *fn)
{
	char path[4500];
	DIR *d = opendir(folder);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		struct stat st;
		snprintf(path, sizeof path, "%.4100s/%.200s", folder, e->d_name);
		assert_int_equal(stat(path, &st), 0);
		if (e->d_name[0] != '.' && S_ISREG(st.st_mode) && st.st_size > 0) /* of a log file, what is used */
			fn(store, path, st.st_size > 1 << 20 ? 48 << 10 : (size_t)st.st_size);
	}
	closedir(d);
}

/* Call `fn` for each file of the store; `used`: bytes of it that matter. */
static void each_file(const char *store, file_fn *fn)
{
	char head[4200];
	each_in(store, store, fn);
	for (unsigned generation = 1; generation < 9; generation++) {
		snprintf(head, sizeof head, "%.4000s/head.%08x", store, generation);
		if (access(head, F_OK) == 0)
			each_in(store, head, fn);
	}
}

static char *pristine;

static size_t step_of(size_t used)
{
	const char *all = getenv("DAMAGE_ALL");
	return all && *all == '1' ? 1 : used > 6000 ? used / 200 : used > 600 ? 13 : 1;
}

static void fresh(const char *store)
{
	store_copy(pristine, store);
	store_settle(store, NULL);
}

/* Bytes are changed in place and put back; where something was written, the store is copied anew. */
static void flip(const char *store, const char *path, size_t used)
{
	size_t step = step_of(used); /* heads of files whole, of the rest a part */
	struct test_rng rng = test_rng(used);
	for (size_t at = 0; at < used; at += at < 128 ? 1 : 1 + test_below(&rng, 2 * step - 1)) {
		unsigned char b, c;
		store_read(path, &b, 1, at);
		c = b ^ (unsigned char)(1 + test_below(&rng, 255));
		store_write(path, &c, 1, at);
		check_answer(store, path, at);
		if (at % 64 == 0) {
			write_to(store);
			fresh(store);
		} else {
			store_write(path, &b, 1, at);
		}
	}
}

static void cut(const char *store, const char *path, size_t used)
{
	size_t step = step_of(used) * 16;
	char *bytes = malloc(used);
	struct stat st;
	store_read(path, bytes, used, 0);
	assert_int_equal(stat(path, &st), 0);
	for (size_t at = 0; at < used; at += at < 66 ? 1 : step) {
		assert_int_equal(truncate(path, (off_t)at), 0);
		check_answer(store, path, at);
		if (at % 64 == 0) {
			write_to(store);
			fresh(store);
		} else {
			store_write(path, bytes, used, 0);
			assert_int_equal(truncate(path, st.st_size), 0);
		}
	}
	free(bytes);
}

static void damage(file_fn *fn)
{
	char copy[4200];
	struct pm_error err = { 0 };
	pristine = make_store();
	snprintf(copy, sizeof copy, "%s.copy", pristine);
	fresh(copy);
	answer(copy, &right, &err);
	assert_ok(err.code, &err);
	for (int i = 0; i < QUESTIONS; i++)
		assert_true(right.hash[i] > 1);
	each_file(copy, fn);
	test_remove(copy);
	test_tmpdir_free(pristine);
}

static void test_flipped_bits(void **state)
{
	damage(flip);
}

static void test_cut_files(void **state)
{
	damage(cut);
}

static void test_not_there(void **state)
{
	struct pm_error err = { 0 };
	struct tsdb *db;
	char *dir = test_tmpdir(), sub[4200];
	snprintf(sub, sizeof sub, "%s/none", dir);
	assert_code(tsdb_open(sub, NULL, &db, &err), PM_ERR_NOTFOUND, &err);
	assert_contains(err.msg, sub);
	assert_code(tsdb_open(dir, NULL, &db, &err), PM_ERR_NOTFOUND, &err);
	assert_contains(err.msg, "no store there");
	test_tmpdir_free(dir);
}

static void test_other_version(void **state)
{
	struct pm_error err = { 0 };
	struct tsdb *db;
	char *dir = make_store(), path[4200];
	uint32_t version = 77;
	snprintf(path, sizeof path, "%s/meta", dir);
	int fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, &version, sizeof version, 8), sizeof version);
	close(fd);
	assert_code(tsdb_open(dir, NULL, &db, &err), PM_ERR_VERSION, &err);
	assert_contains(err.msg, "77");
	test_tmpdir_free(dir);
}

static void test_reader_does_not_write(void **state)
{
	struct pm_error err = { 0 };
	struct tsdb *db;
	struct tsdb_txn *txn;
	char *dir = make_store();
	assert_ok(tsdb_open(dir, NULL, &db, &err), &err);
	assert_code(tsdb_txn_begin(db, &txn, &err), PM_ERR_READONLY, &err);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_not_there), TEST(test_other_version),
		TEST(test_reader_does_not_write), TEST(test_cut_files), TEST(test_flipped_bits) };
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	return test_end_(cmocka_run_group_tests(tests, NULL, NULL));
}
