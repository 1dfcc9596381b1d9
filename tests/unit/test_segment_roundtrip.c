/* test_segment_roundtrip.c - what a segment's writer was given, its readers give back: bit by bit, series by series,
 * whole and in ranges. */
#include "tests/support/series.h"

#include "libtsdb/segment/bitmap.h"

struct fixture {
	char *dir;
	int dirfd;
	struct test_series x;
	struct tsdb__segment_info info;
	struct tsdb__segment *segment;
	struct pm_error err;
};

static void make(struct fixture *f, uint64_t salt, size_t count, size_t samples_max, unsigned flags)
{
	struct test_rng r = test_rng(salt);
	*f = (struct fixture){ .dir = test_tmpdir() };
	f->dirfd = test_dirfd(f->dir);
	test_series_make(&f->x, &r, count, samples_max, flags);
	test_segment_write(f->dirfd, salt, f->x.v, count, &f->info);
	assert_ok(tsdb__segment_open(f->dirfd, salt, &f->info, &f->segment, &f->err), &f->err);
}

static void unmake(struct fixture *f)
{
	tsdb__segment_unref(f->segment);
	test_series_free(&f->x);
	pm_fs_close(f->dirfd);
	test_tmpdir_free(f->dir);
}

static void check_info(const struct fixture *f)
{
	struct tsdb__segment_info of;
	uint64_t samples = 0;
	int64_t min_ms = INT64_MAX, max_ms = INT64_MIN;
	for (size_t i = 0; i < f->x.count; i++) {
		const struct pm_samples *s = &f->x.v[i].samples;
		samples += s->count;
		min_ms = s->t_ms[0] < min_ms ? s->t_ms[0] : min_ms;
		max_ms = s->t_ms[s->count - 1] > max_ms ? s->t_ms[s->count - 1] : max_ms;
	}
	tsdb__segment_info_of(f->segment, &of);
	assert_memory_equal(&of, &f->info, sizeof of);
	assert_true(of.min_ms == min_ms && of.max_ms == max_ms);
	assert_int_equal(of.sample_count, samples);
	assert_int_equal(of.series_count, f->x.count);
}

static void no_damage(void *arg, uint64_t off, const char *what)
{
	fail_msg("block at %" PRIu64 ": %s", off, what);
}

static void check_series(
	struct fixture *f, struct tsdb__segment_reader *r, uint32_t i, int64_t min_ms, int64_t max_ms)
{
	const struct pm_series *want = &f->x.v[i];
	struct pm_arena labels = { 0 };
	struct pm_series got;
	size_t from = 0, to = want->samples.count;
	while (from < to && want->samples.t_ms[from] < min_ms)
		from++;
	while (to > from && want->samples.t_ms[to - 1] > max_ms)
		to--;
	assert_ok(tsdb__segment_read(r, i, &labels, &got, &f->err), &f->err);
	assert_int_equal(got.samples.count, to - from);
	if (to > from) {
		assert_true(pm_labels_eq(got.labels, want->labels));
		test_samples_same(&got.samples, &want->samples, from, to);
	}
	pm_arena_release(&labels);
}

static void check_all(struct fixture *f, int64_t min_ms, int64_t max_ms)
{
	struct tsdb__segment_reader *r;
	assert_int_equal(tsdb__segment_reader_new(f->segment, min_ms, max_ms, &r), 0);
	for (uint32_t i = 0; i < f->x.count; i++)
		check_series(f, r, i, min_ms, max_ms);
	tsdb__segment_reader_free(r);
}

static void check_ranges(struct fixture *f, uint64_t salt)
{
	struct test_rng rng = test_rng(salt);
	for (int k = 0; k < 20; k++) {
		const struct pm_samples *a = &f->x.v[test_below(&rng, f->x.count)].samples;
		const struct pm_samples *b = &f->x.v[test_below(&rng, f->x.count)].samples;
		int64_t min_ms = a->t_ms[test_below(&rng, a->count)], max_ms = b->t_ms[test_below(&rng, b->count)];
		if (k % 2 && min_ms < INT64_MAX && max_ms > INT64_MIN) /* between samples, too */
			min_ms++, max_ms--;
		check_all(f, min_ms, max_ms);
	}
	check_all(f, PM_TIME_MIN, PM_TIME_MIN);
	check_all(f, PM_TIME_MAX, PM_TIME_MAX);
	check_all(f, 1, 0);
}

/* Series in any order: the cursor goes back, too. */
static void check_random_access(struct fixture *f, uint64_t salt)
{
	struct test_rng rng = test_rng(salt);
	struct tsdb__segment_reader *r;
	assert_int_equal(tsdb__segment_reader_new(f->segment, PM_TIME_MIN, PM_TIME_MAX, &r), 0);
	for (int k = 0; k < 300; k++)
		check_series(f, r, (uint32_t)test_below(&rng, f->x.count), PM_TIME_MIN, PM_TIME_MAX);
	tsdb__segment_reader_free(r);
}

static void round_trip(uint64_t salt, size_t count, size_t samples_max, unsigned flags)
{
	struct fixture f;
	make(&f, salt, count, samples_max, flags);
	check_info(&f);
	assert_int_equal(tsdb__segment_verify(f.segment, no_damage, NULL), 0);
	check_all(&f, PM_TIME_MIN, PM_TIME_MAX);
	if (count <= 300) {
		check_ranges(&f, salt);
		check_random_access(&f, salt);
	}
	unmake(&f);
}

static void test_few_series(void **state)
{
	for (uint64_t salt = 1; salt <= 40; salt++)
		round_trip(salt, 1 + salt % 20, 1 + salt * salt, (unsigned)salt % 8);
}

/* Many chunks a series, with cuts at the same places where times are shared. */
static void test_long_series(void **state)
{
	for (uint64_t salt = 50; salt < 54; salt++)
		round_trip(
			salt, 6, 30000, salt % 2 ? TEST_SERIES_STARTS | TEST_SERIES_HISTOGRAMS : TEST_SERIES_EXTREMES);
}

static void test_block_boundaries(void **state)
{
	static const size_t counts[] = { 15, 16, 17, 31, 32, 33, 48, 300 };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		round_trip(60 + i, counts[i], 20, TEST_SERIES_HISTOGRAMS | TEST_SERIES_STARTS);
}

static void test_many_series(void **state)
{
	round_trip(70, 20000, 6, 0);
}

/* Numbers of the time columns of a series. */
static size_t columns_of(struct tsdb__segment *s, uint32_t series, uint32_t *out, size_t max)
{
	struct tsdb__series_cursor cursor = { .segment = s };
	struct tsdb__series_view view;
	struct tsdb__chunk_ref c = { 0 };
	struct pm_error err = { 0 };
	size_t n = 0;
	assert_ok(tsdb__series_at(&cursor, series, &view, &err), &err);
	while (tsdb__chunk_next(s, &view.chunks, &c, &err) > 0) {
		assert_true(n < max);
		out[n++] = c.time;
	}
	tsdb__series_cursor_release(&cursor);
	return n;
}

/* Series with equal times name one column, and the reader says so by one time_id. */
static void test_times_are_shared(void **state)
{
	enum { SERIES = 200, SAMPLES = 10000 };
	static int64_t t[SAMPLES];
	static double v[SAMPLES];
	struct tsdb__segment_info info;
	struct tsdb__segment_reader *r;
	struct tsdb__segment *s;
	struct pm_error err = { 0 };
	struct pm_series series[SERIES], got;
	struct pm_label labels[SERIES];
	char names[SERIES][8], *dir = test_tmpdir();
	int dirfd = test_dirfd(dir);
	uint64_t id = 0;
	for (size_t i = 0; i < SAMPLES; i++)
		t[i] = INT64_C(1700000000000) + (int64_t)i * 15000;
	for (size_t i = 0; i < SERIES; i++) {
		snprintf(names[i], sizeof names[i], "m%03zu", i);
		labels[i] = (struct pm_label){ PM_NAME_LABEL, pm_str(names[i]) };
		/* the last hundred begin later: all but their first column is the same */
		size_t from = i < SERIES / 2 ? 0 : 100;
		series[i] =
			(struct pm_series){ { &labels[i], 1 }, { .count = SAMPLES - from, .t_ms = t + from, .v = v } };
	}
	test_segment_write(dirfd, 1, series, SERIES, &info);
	assert_ok(tsdb__segment_open(dirfd, 1, &info, &s, &err), &err);
	uint32_t first[16], later[16];
	size_t n = columns_of(s, 0, first, 16);
	assert_in_range(n, 3, 12);
	assert_int_equal(columns_of(s, SERIES - 1, later, 16), n);
	assert_int_not_equal(first[0], later[0]);
	assert_memory_equal(first + 1, later + 1, (n - 1) * sizeof *first);
	assert_int_equal(s->time_count, n + 1);
	assert_int_equal(tsdb__segment_reader_new(s, PM_TIME_MIN, PM_TIME_MAX, &r), 0);
	for (uint32_t i = 0; i < SERIES; i++) {
		assert_ok(tsdb__segment_read(r, i, NULL, &got, &err), &err);
		assert_int_not_equal(got.samples.time_id, 0);
		if (i % (SERIES / 2))
			assert_int_equal(got.samples.time_id, id);
		else
			assert_int_not_equal(got.samples.time_id, id);
		id = got.samples.time_id;
	}
	tsdb__segment_reader_free(r);
	tsdb__segment_unref(s);
	pm_fs_close(dirfd);
	test_tmpdir_free(dir);
}

/* Statistics say what is in a chunk, and stand at none with a NaN. */
static void test_statistics(void **state)
{
	struct fixture f;
	size_t with = 0, without = 0;
	make(&f, 80, 100, 3000, TEST_SERIES_HISTOGRAMS);
	struct tsdb__series_cursor cursor = { .segment = f.segment };
	for (uint32_t i = 0; i < f.x.count; i++) {
		const struct pm_samples *want = &f.x.v[i].samples;
		struct tsdb__series_view view;
		struct tsdb__chunk_ref c = { 0 };
		size_t at = 0;
		assert_ok(tsdb__series_at(&cursor, i, &view, &f.err), &f.err);
		while (tsdb__chunk_next(f.segment, &view.chunks, &c, &f.err) > 0) {
			double lo = want->v[at], hi = lo;
			bool nan = false;
			for (size_t k = at; k < at + c.column->count; k++) {
				nan |= want->v[k] != want->v[k];
				lo = want->v[k] < lo ? want->v[k] : lo;
				hi = want->v[k] > hi ? want->v[k] : hi;
			}
			assert_true(c.column->min_ms == want->t_ms[at]);
			at += c.column->count;
			assert_true(c.column->max_ms == want->t_ms[at - 1]);
			assert_true(c.column->count <= TSDB_CHUNK_MAX);
			if (nan || c.column->count < TSDB_CHUNK_STATS_MIN || c.flags & TSDB_CHUNK_HISTOGRAM) {
				assert_false(c.flags & TSDB_CHUNK_STATS);
				without++;
			} else {
				assert_true(c.flags & TSDB_CHUNK_STATS && c.min == lo && c.max == hi);
				with++;
			}
		}
		assert_int_equal(at, want->count);
	}
	assert_true(with > 10 && without > 10);
	tsdb__series_cursor_release(&cursor);
	unmake(&f);
}

/* With no series there is no file, and an aborted writer leaves none. */
static void test_nothing_left(void **state)
{
	struct tsdb__segment_info info = { .number = 7, .order = 7 };
	struct pm_error err = { 0 };
	struct tsdb__segment_writer *w;
	struct pm_strings names;
	char *dir = test_tmpdir();
	int dirfd = test_dirfd(dir);
	assert_ok(tsdb__segment_writer_new(dirfd, &info, &w, &err), &err);
	assert_ok(tsdb__segment_writer_finish(w, &info, &err), &err);
	assert_int_equal(info.series_count, 0);
	assert_ok(tsdb__segment_writer_new(dirfd, &info, &w, &err), &err);
	tsdb__segment_writer_abort(w);
	assert_ok(pm_fs_list(dirfd, &names, &err), &err);
	assert_int_equal(names.count, 0);
	pm_strings_free(&names);
	pm_fs_close(dirfd);
	test_tmpdir_free(dir);
}

/* What a killed process left under the same number is not a part of the new file. */
static void test_leftover_is_replaced(void **state)
{
	struct fixture f;
	char path[4200];
	static char junk[1 << 16];
	make(&f, 90, 3, 10, 0);
	snprintf(path, sizeof path, "%s/segment.%08x.tmp", f.dir, 91);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(junk, 1, sizeof junk, file), sizeof junk);
	fclose(file);
	tsdb__segment_unref(f.segment);
	test_segment_write(f.dirfd, 91, f.x.v, f.x.count, &f.info);
	assert_ok(tsdb__segment_open(f.dirfd, 91, &f.info, &f.segment, &f.err), &f.err);
	check_all(&f, PM_TIME_MIN, PM_TIME_MAX);
	unmake(&f);
}

/* S2 is the writer's: what would break it is refused. */
static void test_order_of_series(void **state)
{
	struct tsdb__segment_info info = { .number = 1, .order = 1 };
	struct pm_label a[] = { { PM_STR("a"), PM_STR("1") }, { PM_STR("b"), PM_STR("1") } };
	struct pm_label b[] = { { PM_STR("a"), PM_STR("2") } };
	int64_t t = 0;
	double v = 0;
	struct pm_samples one = { .count = 1, .t_ms = &t, .v = &v };
	const struct pm_labels refused[][2] = { { { b, 1 }, { a, 2 } }, { { a, 2 }, { a, 1 } },
		{ { a, 2 }, { a, 2 } } };
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct tsdb__segment_writer *w;
		struct pm_error err = { 0 };
		char *dir = test_tmpdir();
		int dirfd = test_dirfd(dir);
		assert_ok(tsdb__segment_writer_new(dirfd, &info, &w, &err), &err);
		assert_ok(tsdb__segment_writer_add(w, refused[i][0], &one, &err), &err);
		assert_code(tsdb__segment_writer_add(w, refused[i][1], &one, &err), PM_ERR_CORRUPT, &err);
		tsdb__segment_writer_abort(w);
		pm_fs_close(dirfd);
		test_tmpdir_free(dir);
	}
}

TEST_MAIN(TEST(test_few_series), TEST(test_long_series), TEST(test_block_boundaries), TEST(test_many_series),
	TEST(test_times_are_shared), TEST(test_statistics), TEST(test_order_of_series), TEST(test_nothing_left),
	TEST(test_leftover_is_replaced))
