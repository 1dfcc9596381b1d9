/* test_segment_damage.c - segments with every byte changed and of every length: an error that names the file and the
 * place, or the right answer. And a store with a damaged segment: it is set aside, said once, and the rest is served
 * and merged. */
#include "tests/support/series.h"

#include "libtsdb/db/source.h"
#include "libtsdb/segment/bitmap.h"
#include "libtsdb/tsdb.h"

#include <fcntl.h>

struct fixture {
	char *dir, path[4200];
	int dirfd, fd;
	struct test_series x;
	struct tsdb__segment_info info;
};

static void make(struct fixture *f, size_t count, size_t samples_max)
{
	struct test_rng r = test_rng(count);
	*f = (struct fixture){ .dir = test_tmpdir() };
	f->dirfd = test_dirfd(f->dir);
	test_series_make(&f->x, &r, count, samples_max, TEST_SERIES_HISTOGRAMS | TEST_SERIES_STARTS);
	test_segment_write(f->dirfd, 5, f->x.v, count, &f->info);
	snprintf(f->path, sizeof f->path, "%s/segment.%08x", f->dir, 5);
	f->fd = open(f->path, O_RDWR | O_CLOEXEC);
	assert_true(f->fd >= 0);
}

static void unmake(struct fixture *f)
{
	close(f->fd);
	test_series_free(&f->x);
	pm_fs_close(f->dirfd);
	test_tmpdir_free(f->dir);
}

/* ---- one segment ---- */

static bool is_damage(int rc, const struct pm_error *err)
{
	if (rc >= 0)
		return false;
	assert_true(rc == PM_ERR_CORRUPT || rc == PM_ERR_VERSION);
	assert_contains(err->msg, "segment.00000005");
	if (rc == PM_ERR_CORRUPT)
		assert_contains(err->msg, "at offset");
	return true;
}

/* Read everything that it has, in each way. What is read without an error is right. True: there was one. */
static bool use(struct fixture *f, struct tsdb__segment *s)
{
	struct pm_select all = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct pm_matcher m[] = { { PM_MATCH_RE, PM_STR("zone"), PM_STR("eu.*") }, { PM_MATCH_NE, PM_STR("n"), PM_STR("3") } };
	struct tsdb__strings strings = { 0 };
	struct tsdb__bitmap *found;
	struct tsdb__segment_reader *r;
	struct pm_arena labels = { 0 };
	struct pm_error err = { 0 };
	struct pm_series got;
	bool bad = false;
	int rc;
	assert_int_equal(tsdb__segment_reader_new(s, PM_TIME_MIN, PM_TIME_MAX, &r), 0);
	for (uint32_t i = 0; i < f->x.count; i++) {
		if ((rc = tsdb__segment_read(r, i, &labels, &got, &err)) == 0) {
			assert_true(pm_labels_eq(got.labels, f->x.v[i].labels));
			test_samples_same(&got.samples, &f->x.v[i].samples, 0, f->x.v[i].samples.count);
		}
		bad |= is_damage(rc, &err);
	}
	tsdb__segment_reader_free(r);
	if ((rc = tsdb__segment_select(s, m, 2, &found, &err)) == 0)
		tsdb__bitmap_free(found);
	bad |= is_damage(rc, &err);
	bad |= is_damage(tsdb__segment_strings(s, NULL, &all, &strings, &err), &err);
	bad |= is_damage(tsdb__segment_strings(s, &PM_STR("zone"), &all, &strings, &err), &err);
	tsdb__strings_release(&strings);
	pm_arena_release(&labels);
	return bad;
}

static void count_damage(void *arg, uint64_t off, const char *what)
{
	assert_int_equal(off % TSDB_SEGMENT_BLOCK, 0);
	++*(int *)arg;
}

/* `info` false: nobody knows the footer's checksum. */
static void check(struct fixture *f, bool info, size_t changed)
{
	struct pm_error err = { 0 };
	struct tsdb__segment *s;
	int rc = tsdb__segment_open(f->dirfd, 5, info ? &f->info : NULL, &s, &err), told = 0;
	if (is_damage(rc, &err))
		return;
	uint64_t verified = tsdb__segment_verify(s, count_damage, &told);
	assert_int_equal(told, verified);
	assert_int_equal(verified, changed < s->footer->section[TSDB_SECTION_CHECKSUMS].off);
	/* The head of the file is looked at by nobody who reads samples; its block is. */
	use(f, s);
	tsdb__segment_unref(s);
}

static void test_flipped_bytes(void **state)
{
	struct fixture f;
	make(&f, 24, 30);
	for (uint64_t at = 0; at < f.info.size; at++) {
		uint8_t b;
		assert_int_equal(pread(f.fd, &b, 1, (off_t)at), 1);
		uint8_t c = b ^ (uint8_t)(1u << at % 8) ^ (at % 3 ? 0 : 0x55);
		assert_int_equal(pwrite(f.fd, &c, 1, (off_t)at), 1);
		check(&f, at % 2, at);
		assert_int_equal(pwrite(f.fd, &b, 1, (off_t)at), 1);
	}
	struct tsdb__segment *s;
	struct pm_error err = { 0 };
	assert_ok(tsdb__segment_open(f.dirfd, 5, &f.info, &s, &err), &err);
	assert_false(use(&f, s));
	tsdb__segment_unref(s);
	unmake(&f);
}

static void test_cut(void **state)
{
	struct fixture f;
	struct tsdb__segment *s;
	struct pm_error err = { 0 };
	make(&f, 5, 10);
	for (uint64_t size = f.info.size; size-- > 0;) {
		assert_int_equal(ftruncate(f.fd, (off_t)size), 0);
		int rc = tsdb__segment_open(f.dirfd, 5, size % 2 ? NULL : &f.info, &s, &err);
		assert_true(rc < 0 && is_damage(rc, &err));
	}
	unmake(&f);
}

/* Another segment under its name, or itself with something behind. */
static void test_not_the_one(void **state)
{
	struct fixture f;
	struct tsdb__segment *s;
	struct pm_error err = { 0 };
	struct tsdb__segment_info other;
	make(&f, 5, 10);
	test_segment_write(f.dirfd, 6, f.x.v, f.x.count - 1, &other);
	assert_ok(pm_fs_renameat(f.dirfd, "segment.00000006", "segment.00000005", &err), &err);
	assert_code(tsdb__segment_open(f.dirfd, 5, NULL, &s, &err), PM_ERR_CORRUPT, &err);
	test_segment_write(f.dirfd, 5, f.x.v, f.x.count - 1, &other);
	assert_code(tsdb__segment_open(f.dirfd, 5, &f.info, &s, &err), PM_ERR_CORRUPT, &err);
	assert_ok(tsdb__segment_open(f.dirfd, 5, &other, &s, &err), &err);
	tsdb__segment_unref(s);
	FILE *file = fopen(f.path, "a");
	assert_int_equal(fwrite("12345678", 1, 8, file), 8);
	fclose(file);
	assert_code(tsdb__segment_open(f.dirfd, 5, &other, &s, &err), PM_ERR_CORRUPT, &err);
	unmake(&f);
}

/* ---- a store ---- */

enum { DAYS = 5, SERIES = 20, DAY_MS = 86400000 };

struct said {
	int count;
	char msg[2048];
};

static void say(void *arg, const struct pm_error *what)
{
	struct said *s = arg;
	s->count++;
	snprintf(s->msg, sizeof s->msg, "%s", what->msg);
}

static struct tsdb *open_store(const char *dir, struct said *said)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE,
		.fsync_ms = TSDB_FSYNC_NEVER,
		.damaged = say,
		.damaged_arg = said };
	struct pm_error err = { 0 };
	struct tsdb *db;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	return db;
}

static void append(struct tsdb *db, int day, int part)
{
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	for (int s = 0; s < SERIES; s++) {
		char v[16];
		snprintf(v, sizeof v, "%d", s);
		struct pm_label l[] = { { PM_NAME_LABEL, PM_STR("m") }, { PM_STR("s"), pm_str(v) } };
		assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, (int64_t)day * DAY_MS + 1000 * (1 + part),
				  day, NULL, &err),
			&err);
	}
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

/* Two segments for each day, unmerged. */
static char *make_store(void)
{
	char *dir = test_tmpdir();
	struct said said = { 0 };
	struct tsdb *db = open_store(dir, &said);
	struct pm_error err = { 0 };
	struct tsdb_stats stats;
	for (int part = 0; part < 2; part++) {
		/* sealing alone: the newest day is not past, and small parts wait */
		struct tsdb_compact_opts opts = { .now_ms = (INT64_C(1) << 50) + part, .seal_ms = 1 };
		append(db, part ? 0 : DAYS - 1, part);
		for (int day = 0; day < DAYS; day++)
			append(db, day, 2 + part);
		opts.once = true;
		assert_ok(tsdb_compact(db, &opts, NULL, &err), &err);
	}
	assert_ok(tsdb_stats(db, &stats, &err), &err);
	assert_true(stats.segment_count >= DAYS);
	tsdb_close(db);
	return dir;
}

/* Days that have samples, as bits. */
static unsigned days(struct tsdb *db)
{
	struct pm_select sel = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series_set *set;
	struct pm_series s;
	unsigned found = 0;
	int rc;
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	while ((rc = set->next(set, &s, &err)) > 0)
		for (size_t i = 0; i < s.samples.count; i++) {
			assert_bits(s.samples.v[i], (double)(s.samples.t_ms[i] / DAY_MS));
			found |= 1u << (unsigned)s.samples.v[i];
		}
	assert_ok(rc, &err);
	set->free(set);
	q->free(q);
	return found;
}

/* The newest segment of all, which `fn` spoils. */
static void spoil(const char *dir, void (*fn)(const char *path))
{
	struct pm_strings names;
	struct pm_error err = { 0 };
	char path[4200] = "";
	int dirfd = test_dirfd(dir);
	assert_ok(pm_fs_list(dirfd, &names, &err), &err);
	for (size_t i = 0; i < names.count; i++)
		if (names.v[i].len > 8 && memcmp(names.v[i].ptr, "segment.", 8) == 0)
			snprintf(path, sizeof path, "%s/%.*s", dir, PM_STR_ARG(names.v[i]));
	assert_true(path[0]);
	fn(path);
	pm_strings_free(&names);
	pm_fs_close(dirfd);
}

static void spoil_footer(const char *path)
{
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	fseek(f, -8, SEEK_END);
	fputs("damaged!", f);
	fclose(f);
}

static void spoil_name(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void set_aside(void (*fn)(const char *path))
{
	char *dir = make_store();
	struct tsdb_compact_opts opts = { .force = true, .now_ms = INT64_C(1) << 51 };
	struct tsdb_compact_stats stats;
	struct said said = { 0 };
	struct pm_error err = { 0 };
	spoil(dir, fn);
	struct tsdb *db = open_store(dir, &said);
	unsigned left = days(db);
	assert_int_equal(said.count, 1);
	assert_contains(said.msg, "segment.");
	assert_true(__builtin_popcount(left) >= DAYS - 1);
	assert_int_equal(days(db), left); /* said once */
	assert_int_equal(said.count, 1);
	append(db, 0, 9);
	assert_ok(tsdb_compact(db, &opts, &stats, &err), &err);
	assert_int_equal(stats.sealed_segments, 1);
	assert_true(stats.merged_into > 0);
	assert_int_equal(days(db), left | 1);
	assert_int_equal(said.count, 1);
	tsdb_close(db);
	/* one that compacts first of all goes on past it, too */
	said.count = 0;
	db = open_store(dir, &said);
	append(db, DAYS - 1, 10);
	append(db, 0, 11);
	assert_ok(tsdb_compact(db, &opts, &stats, &err), &err);
	assert_int_equal(stats.sealed_segments, 2);
	assert_int_equal(said.count, 1);
	assert_int_equal(days(db), left | 1 | 1 << (DAYS - 1));
	tsdb_close(db);
	test_tmpdir_free(dir);
}

static void test_damaged_footer(void **state)
{
	set_aside(spoil_footer);
}

static void test_missing_file(void **state)
{
	set_aside(spoil_name);
}

TEST_MAIN(TEST(test_flipped_bytes), TEST(test_cut), TEST(test_not_the_one), TEST(test_damaged_footer),
	TEST(test_missing_file))
