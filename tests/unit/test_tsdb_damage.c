/* test_tsdb_damage.c - stores that are not there, not ours, cut short or changed: a clear error or an answer, never a
 * crash. */
#include "tests/support/test.h"

#include "libtsdb/tsdb.h"

#include <dirent.h>
#include <fcntl.h>

enum { SERIES = 30, ROWS = 6 };

static void fill(struct tsdb *db)
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
		struct pm_page page = { .t_ms = r * 1000, .entries = e, .entry_count = n };
		assert_ok(app->append_page(app, PM_STR("k"), NULL, &page, NULL, &err), &err);
	}
	app->free(app);
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	for (int s = 0; s < 600; s++) { /* a run of postings, a batch */
		char v[8];
		snprintf(v, sizeof v, "%d", s);
		struct pm_label l[] = { { PM_STR("__name__"), PM_STR("loose") }, { PM_STR("s"), pm_str(v) } };
		assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, s, s, NULL, &err), &err);
	}
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

static char *make_store(void)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	char *dir = test_tmpdir();
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	fill(db);
	tsdb_close(db);
	return dir;
}

/* Read all there is, and perhaps write some more. Any error will do. */
static void use(const char *dir, bool write)
{
	struct tsdb_opts opts = { .flags = write ? TSDB_WRITE : TSDB_READ, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_matcher m[] = { { PM_MATCH_NE, PM_STR("__name__"), PM_STR("") },
		{ PM_MATCH_EQ, PM_STR("s"), PM_STR("7") } };
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct tsdb *db;
	if (tsdb_open(dir, &opts, &db, &err) < 0) {
		assert_true(err.msg[0]);
		return;
	}
	for (size_t n = 1; n <= 2 && tsdb_querier(db, &q, &err) == 0; n++) {
		struct pm_select sel = { .matchers = m, .matcher_count = n, .min_ms = 0, .max_ms = 100000 };
		struct pm_series_set *set;
		struct pm_strings names = { 0 };
		struct pm_series s;
		volatile double sum = 0; /* every value is read */
		if (q->select(q, &sel, &set, &err) == 0) {
			while (set->next(set, &s, &err) > 0)
				for (size_t i = 0; i < s.samples.count; i++)
					sum += s.samples.v[i] + (double)s.samples.t_ms[i];
			set->free(set);
			(void)sum;
		}
		if (q->label_names(q, &sel, &names, &err) == 0)
			pm_strings_free(&names);
		q->free(q);
	}
	struct pm_label l[] = { { PM_STR("__name__"), PM_STR("new") } };
	struct tsdb_txn *txn;
	if (write && tsdb_txn_begin(db, &txn, &err) == 0) {
		if (tsdb_txn_append(txn, (struct pm_labels){ l, 1 }, 1, 1, NULL, &err) == 0)
			(void)!tsdb_txn_commit(txn, &err);
		else
			tsdb_txn_abort(txn);
	}
	tsdb_close(db);
}

typedef void file_fn(const char *store, const char *path, size_t used);

/* Call `fn` for each file of the store; `used`: bytes of it that matter. */
static void each_file(const char *store, file_fn *fn)
{
	char head[4200], path[4500];
	snprintf(path, sizeof path, "%.4000s/meta", store);
	fn(store, path, 4096);
	snprintf(head, sizeof head, "%.4000s/head.00000001", store);
	DIR *d = opendir(head);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		struct stat st;
		snprintf(path, sizeof path, "%.4100s/%.200s", head, e->d_name);
		assert_int_equal(stat(path, &st), 0);
		fn(store, path, st.st_size > 1 << 20 ? 32 << 10 : (size_t)st.st_size);
	}
	closedir(d);
}

static void copy_store(const char *from, const char *to)
{
	char cmd[9000];
	snprintf(cmd, sizeof cmd, "rm -rf '%s' && cp -a --sparse=always '%s' '%s'", to, from, to);
	assert_int_equal(system(cmd), 0);
}

static char *pristine;

/* Bytes are changed in place and put back; where use() wrote, the store is copied anew. */
static void flip(const char *store, const char *path, size_t used)
{
	size_t step = used > 6000 ? used / 600 : used > 600 ? 7 : 1; /* heads of files whole, of the rest a part */
	for (size_t at = 0; at < used; at += at < 128 ? 1 : step) {
		unsigned char b, c;
		int fd = open(path, O_RDWR);
		assert_true(fd >= 0);
		assert_int_equal(pread(fd, &b, 1, (off_t)at), 1);
		c = b ^ (unsigned char)(1u << (at % 8)) ^ (at % 3 == 0 ? 0x80 : 0);
		assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
		bool write = at % 16 == 0;
		use(store, write);
		assert_int_equal(pwrite(fd, &b, 1, (off_t)at), 1);
		close(fd);
		if (write)
			copy_store(pristine, store);
	}
}

static void cut(const char *store, const char *path, size_t used)
{
	size_t lengths[] = { 0, 1, 63, 64, used / 2, used - 1 };
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		assert_int_equal(truncate(path, (off_t)lengths[i]), 0);
		use(store, true);
		copy_store(pristine, store);
	}
}

static void damage(file_fn *fn)
{
	char copy[4200];
	pristine = make_store();
	snprintf(copy, sizeof copy, "%s.copy", pristine);
	copy_store(pristine, copy);
	use(copy, true);
	copy_store(pristine, copy);
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

TEST_MAIN(TEST(test_not_there), TEST(test_other_version), TEST(test_reader_does_not_write), TEST(test_cut_files),
	TEST(test_flipped_bits))
