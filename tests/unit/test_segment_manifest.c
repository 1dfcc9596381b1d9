/* test_segment_manifest.c - the file that names what is live: written and read again, every byte of it damaged. */
#include "tests/support/series.h"

#include "libtsdb/db/manifest.h"

static struct tsdb__segment_info random_info(struct test_rng *r, uint64_t number)
{
	return (struct tsdb__segment_info){ .number = number,
		.order = test_below(r, 1000),
		.level = (uint32_t)test_below(r, 7),
		.series_count = (uint32_t)test_u64(r),
		.min_ms = (int64_t)test_u64(r),
		.max_ms = (int64_t)test_u64(r),
		.size = test_u64(r),
		.sample_count = test_u64(r),
		.footer_checksum = test_u64(r) };
}

static void random_tombstone(struct test_rng *r, struct tsdb__manifest *m)
{
	static const char *const strings[] = { "", "up", "job", "a.*", "größe", "x\"\n" };
	struct pm_matcher matchers[TSDB_TOMBSTONE_MATCHERS_MAX];
	struct tsdb__tombstone t = { (int64_t)test_u64(r), (int64_t)test_u64(r), test_u64(r), matchers, 0 };
	t.matcher_count = 1 + (uint32_t)test_below(r, test_below(r, 4) ? 4 : TSDB_TOMBSTONE_MATCHERS_MAX);
	for (uint32_t i = 0; i < t.matcher_count; i++)
		matchers[i] = (struct pm_matcher){ (enum pm_match_type)test_below(r, 4),
			pm_str(strings[test_below(r, 6)]), pm_str(strings[test_below(r, 6)]) };
	assert_int_equal(tsdb__manifest_tombstone(m, &t), 0);
}

static void same(const struct tsdb__manifest *a, const struct tsdb__manifest *b)
{
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->next_segment, b->next_segment);
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->tombstone_count, b->tombstone_count);
	for (size_t i = 0; i < a->count; i++) {
		assert_memory_equal(&a->v[i].info, &b->v[i].info, sizeof a->v[i].info);
		assert_true(i == 0 || a->v[i - 1].info.order <= a->v[i].info.order);
	}
	for (size_t i = 0; i < a->tombstone_count; i++) {
		const struct tsdb__tombstone *x = &a->tombstones[i], *y = &b->tombstones[i];
		assert_true(x->min_ms == y->min_ms && x->max_ms == y->max_ms && x->before == y->before);
		assert_int_equal(x->matcher_count, y->matcher_count);
		for (uint32_t k = 0; k < x->matcher_count; k++) {
			assert_int_equal(x->matchers[k].type, y->matchers[k].type);
			assert_true(pm_str_eq(x->matchers[k].name, y->matchers[k].name));
			assert_true(pm_str_eq(x->matchers[k].value, y->matchers[k].value));
		}
	}
}

static struct tsdb__manifest *make(struct test_rng *r, uint64_t number, size_t segments, size_t tombstones)
{
	struct tsdb__manifest *m;
	assert_int_equal(tsdb__manifest_new(-1, &m), 0);
	m->number = number;
	m->next_segment = test_u64(r);
	for (size_t i = 0; i < segments; i++) {
		struct tsdb__segment_info info = random_info(r, i + 1);
		assert_int_equal(tsdb__manifest_add(m, &info), 0);
	}
	for (size_t i = 0; i < tombstones; i++)
		random_tombstone(r, m);
	return m;
}

static void test_round_trip(void **state)
{
	struct test_rng r = test_rng(1);
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	int dirfd = test_dirfd(dir);
	for (uint64_t number = 1; number < 60; number++) {
		struct tsdb__manifest *m = make(&r, number, test_below(&r, 40), test_below(&r, 6)), *got, *copy;
		assert_ok(tsdb__manifest_write(dirfd, m, &err), &err);
		assert_ok(tsdb__manifest_load(dirfd, -1, number, NULL, &got, &err), &err);
		same(got, m);
		assert_int_equal(tsdb__manifest_copy(got, &copy), 0);
		assert_int_equal(copy->number, number + 1);
		copy->number = number;
		same(copy, m);
		tsdb__manifest_unref(m);
		tsdb__manifest_unref(got);
		tsdb__manifest_unref(copy);
		tsdb__manifest_unlink(dirfd, number);
		assert_code(tsdb__manifest_load(dirfd, -1, number, NULL, &got, &err), PM_ERR_STALE, &err);
	}
	pm_fs_close(dirfd);
	test_tmpdir_free(dir);
}

/* Number 0 is the empty one, and has no file. */
static void test_none(void **state)
{
	struct pm_error err = { 0 };
	struct tsdb__manifest *m;
	assert_ok(tsdb__manifest_load(-1, -1, 0, NULL, &m, &err), &err);
	assert_int_equal(m->count, 0);
	assert_int_equal(m->next_segment, 1);
	tsdb__manifest_unref(m);
}

static void test_removed(void **state)
{
	struct test_rng r = test_rng(2);
	struct tsdb__manifest *m = make(&r, 1, 30, 0);
	for (uint64_t n = 30; n > 0; n -= 3)
		tsdb__manifest_remove(m, n);
	assert_int_equal(m->count, 20);
	for (size_t i = 0; i < m->count; i++)
		assert_int_not_equal(m->v[i].info.number % 3, 0);
	tsdb__manifest_unref(m);
}

/* Open segments and what was set aside go over to the next manifest, by number and footer. */
static void test_inherited(void **state)
{
	struct test_rng r = test_rng(3);
	struct tsdb__manifest *m, *next;
	struct tsdb__segment_info info[2];
	struct tsdb__segment *s, *again;
	struct test_series x;
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	int dirfd = test_dirfd(dir);
	test_series_make(&x, &r, 5, 5, 0);
	assert_int_equal(tsdb__manifest_new(dirfd, &m), 0);
	for (uint64_t i = 0; i < 2; i++) {
		test_segment_write(dirfd, i + 1, x.v, x.count, &info[i]);
		assert_int_equal(tsdb__manifest_add(m, &info[i]), 0);
	}
	assert_ok(tsdb__manifest_segment(m, 0, &s, &err), &err);
	assert_int_equal(tsdb__manifest_set_aside(m, 1, PM_ERR_CORRUPT), 0);
	assert_int_equal(tsdb__manifest_copy(m, &next), 0);
	tsdb__manifest_unref(m);
	assert_ok(tsdb__manifest_segment(next, 0, &again, &err), &err);
	assert_ptr_equal(s, again);
	assert_int_equal(tsdb__manifest_set_aside(next, 0, 0), 0);
	assert_int_equal(tsdb__manifest_set_aside(next, 1, 0), PM_ERR_CORRUPT);
	tsdb__segment_unref(s);
	tsdb__segment_unref(again);
	tsdb__manifest_unref(next);
	test_series_free(&x);
	pm_fs_close(dirfd);
	test_tmpdir_free(dir);
}

/* Every bit counts, and every length but the whole one is refused, by the file's name. */
static void test_damage(void **state)
{
	struct test_rng r = test_rng(4);
	struct tsdb__manifest *m = make(&r, 9, 3, 2), *got;
	struct pm_error err = { 0 };
	char *dir = test_tmpdir(), *bytes, name[32];
	size_t len;
	int dirfd = test_dirfd(dir);
	tsdb__manifest_name(name, 9);
	assert_ok(tsdb__manifest_write(dirfd, m, &err), &err);
	assert_ok(pm_fs_read_file(dirfd, name, 1 << 20, &bytes, &len, &err), &err);
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= (char)(1 << i % 8);
		assert_ok(pm_fs_write_file(dirfd, name, bytes, len, &err), &err);
		int rc = tsdb__manifest_load(dirfd, -1, 9, NULL, &got, &err);
		if (rc == 0) { /* zeros of the head that mean nothing yet */
			assert_in_range(
				i, offsetof(struct tsdb_file_head, slot_count), sizeof(struct tsdb_file_head) - 1);
			same(got, m);
			tsdb__manifest_unref(got);
		} else {
			assert_true(rc == PM_ERR_CORRUPT || rc == PM_ERR_VERSION);
			assert_contains(err.msg, name);
		}
		bytes[i] ^= (char)(1 << i % 8);
	}
	for (size_t n = 0; n < len; n++) {
		assert_ok(pm_fs_write_file(dirfd, name, bytes, n, &err), &err);
		assert_code(tsdb__manifest_load(dirfd, -1, 9, NULL, &got, &err), PM_ERR_CORRUPT, &err);
		assert_contains(err.msg, name);
	}
	pm_free(bytes);
	tsdb__manifest_unref(m);
	pm_fs_close(dirfd);
	test_tmpdir_free(dir);
}

TEST_MAIN(TEST(test_round_trip), TEST(test_none), TEST(test_removed), TEST(test_inherited), TEST(test_damage))
