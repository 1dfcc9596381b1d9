/* test_segment_merge.c - samples of one series that stand in several places, and segments merged into one: against a
 * model that sorts everything. Of equal times the first source's sample counts. */
#include "tests/support/series.h"

#include "libtsdb/db/merge.h"
#include "libtsdb/db/merge_segments.h"

enum { SOURCES_MAX = 6 };

/* ---- the model ---- */

struct ref {
	int64_t t_ms;
	size_t source, at;
};

static int by_time_source(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	if (x->t_ms != y->t_ms)
		return x->t_ms < y->t_ms ? -1 : 1;
	return (x->source > y->source) - (x->source < y->source);
}

static void model(const struct pm_samples *parts, size_t count, struct pm_arena *a, struct pm_samples *ret)
{
	size_t total = 0, n = 0;
	for (size_t i = 0; i < count; i++)
		total += parts[i].count;
	struct ref *refs = pm_arena_array(a, total + 1, sizeof *refs);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < parts[i].count; k++)
			refs[n++] = (struct ref){ parts[i].t_ms[k], i, k };
	qsort(refs, total, sizeof *refs, by_time_source);
	int64_t *t = pm_arena_array(a, total + 1, sizeof *t), *st = pm_arena_array(a, total + 1, sizeof *st);
	double *v = pm_arena_array(a, total + 1, sizeof *v);
	const struct pm_histogram **h = pm_arena_array(a, total + 1, sizeof *h);
	n = 0;
	for (size_t i = 0; i < total; i++) {
		const struct pm_samples *p = &parts[refs[i].source];
		if (i && refs[i].t_ms == refs[i - 1].t_ms)
			continue;
		t[n] = refs[i].t_ms;
		v[n] = p->v[refs[i].at];
		h[n] = p->h ? p->h[refs[i].at] : NULL;
		st[n++] = p->st_ms ? p->st_ms[refs[i].at] : 0;
	}
	*ret = (struct pm_samples){ .count = n, .t_ms = t, .v = v, .h = h, .st_ms = st };
}

/* ---- samples ---- */

/* A part of a sequence of times, so that parts have times in common, or follow one another. */
static void random_part(struct pm_arena *a, struct test_rng *r, int64_t from, int64_t step, struct pm_samples *ret)
{
	size_t n = 1 + test_below(r, 60);
	int64_t *t = pm_arena_array(a, n, sizeof *t), *st = pm_arena_array(a, n, sizeof *st);
	double *v = pm_arena_array(a, n, sizeof *v);
	const struct pm_histogram **h = pm_arena_zalloc(a, n * sizeof *h);
	for (size_t i = 0; i < n; i++) {
		t[i] = from;
		from += step * (int64_t)(1 + test_below(r, 3) % 2);
		v[i] = (double)test_u64(r);
		st[i] = test_below(r, 3) ? 0 : t[i] - 5;
		h[i] = test_below(r, 2) ? test_histogram(a, r, 5) : NULL;
	}
	*ret = (struct pm_samples){ .count = n, .t_ms = t, .v = v };
	if (test_below(r, 3) == 0)
		ret->h = h;
	if (test_below(r, 3) == 0)
		ret->st_ms = st;
}

static void test_samples(void **state)
{
	struct test_rng r = test_rng(1);
	struct tsdb__merge_samples *m;
	assert_int_equal(tsdb__merge_samples_new(&m), 0);
	for (int round = 0; round < 5000; round++) {
		struct pm_arena a = { 0 };
		struct pm_samples parts[SOURCES_MAX], want, got;
		size_t count = 1 + test_below(&r, SOURCES_MAX);
		bool in_sequence = test_below(&r, 2);
		int64_t at = in_sequence ? (int64_t)test_below(&r, 1000) - 500 : 0;
		for (size_t i = 0; i < count; i++) {
			random_part(&a, &r, in_sequence ? at : (int64_t)test_below(&r, 100), 1 + round % 3, &parts[i]);
			at = parts[i].t_ms[parts[i].count - 1] + (int64_t)test_below(&r, 3);
			/* ids name columns: here each part has one of its own */
			parts[i].time_id = round % 2 ? (uint64_t)round * SOURCES_MAX + i + 1 : 0;
		}
		if (in_sequence && count > 1 && test_below(&r, 2)) { /* later parts may be earlier in time */
			struct pm_samples swap = parts[0];
			parts[0] = parts[count - 1];
			parts[count - 1] = swap;
		}
		model(parts, count, &a, &want);
		assert_int_equal(tsdb__merge_samples(m, parts, count, &got), 0);
		test_samples_same(&got, &want, 0, want.count);
		pm_arena_release(&a);
	}
	tsdb__merge_samples_free(m);
}

/* Series whose parts have the same columns of times get one merged column; others never get its id. */
static void test_time_ids(void **state)
{
	int64_t t[4][3] = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 }, { 4, 5, 7 } };
	double v[3] = { 0 };
	struct tsdb__merge_samples *m;
	assert_int_equal(tsdb__merge_samples_new(&m), 0);
	uint64_t ids[4][4] = { { 0 } };
	for (int round = 0; round < 3; round++)
		for (size_t a = 0; a < 4; a++)
			for (size_t b = 0; b < 4; b++) {
				struct pm_samples got,
					parts[] = { { .count = 3, .t_ms = t[a], .v = v, .time_id = a + 1 },
						{ .count = 3, .t_ms = t[b], .v = v, .time_id = b + 1 } };
				if (t[a][2] >= t[b][0])
					continue;
				assert_int_equal(tsdb__merge_samples(m, parts, 2, &got), 0);
				assert_int_equal(got.count, 6);
				assert_true(got.t_ms[3] == t[b][0] && got.t_ms[5] == t[b][2]);
				assert_true(round == 0 || got.time_id == ids[a][b]);
				ids[a][b] = got.time_id;
				for (size_t k = 0; k < 16; k++)
					assert_true(k == a * 4 + b || ids[k / 4][k % 4] != got.time_id);
			}
	tsdb__merge_samples_free(m);
}

/* ---- segments ---- */

struct sources {
	char *dir;
	int dirfd;
	struct test_series x[SOURCES_MAX];
	struct tsdb__segment *segments[SOURCES_MAX];
	size_t count;
	struct pm_error err;
};

/* Samples that tell from which source they are. */
static void mark(struct test_series *x, struct pm_samples *s, size_t source)
{
	double *v = pm_arena_array(&x->arena, s->count, sizeof *v);
	for (size_t i = 0; i < s->count; i++)
		v[i] = test_below(&(struct test_rng){ i }, 5) ? s->v[i] : (double)(source * 100 + i);
	s->v = v;
}

/* Series of equal seeds have equal labels, so that sources share many; some are in one only. */
static void make(struct sources *f, uint64_t salt, unsigned flags)
{
	struct test_rng pick = test_rng(salt);
	*f = (struct sources){ .dir = test_tmpdir(), .count = 1 + test_below(&pick, SOURCES_MAX) };
	f->dirfd = test_dirfd(f->dir);
	for (size_t i = 0; i < f->count; i++) {
		struct test_rng r = test_rng(salt * 10 + test_below(&pick, 3));
		struct tsdb__segment_info info;
		size_t kept = 0;
		test_series_make(&f->x[i], &r, 40, test_below(&pick, 3) ? 200 : 6000, flags);
		for (size_t k = 0; k < f->x[i].count; k++)
			if (kept == 0 || test_below(&pick, 5))
				f->x[i].v[kept++] = f->x[i].v[k];
		f->x[i].count = kept;
		for (size_t k = 0; k < kept; k++)
			mark(&f->x[i], &f->x[i].v[k].samples, i);
		for (size_t k = 0; k < kept && i % 2; k++) { /* a later part of the same columns */
			struct pm_samples *s = &f->x[i].v[k].samples;
			size_t skip = test_below(&pick, s->count);
			s->count -= skip;
			s->t_ms += skip;
			s->v += skip;
			s->h = s->h ? s->h + skip : NULL;
			s->st_ms = s->st_ms ? s->st_ms + skip : NULL;
		}
		test_segment_write(f->dirfd, i + 1, f->x[i].v, kept, &info);
		assert_ok(tsdb__segment_open(f->dirfd, i + 1, &info, &f->segments[i], &f->err), &f->err);
	}
}

static void unmake(struct sources *f)
{
	for (size_t i = 0; i < f->count; i++) {
		tsdb__segment_unref(f->segments[i]);
		test_series_free(&f->x[i]);
	}
	pm_fs_close(f->dirfd);
	test_tmpdir_free(f->dir);
}

/* What `set` gives is the model's merge of all sources, series by series. */
static void check_set(struct sources *f, struct pm_series_set *set)
{
	size_t at[SOURCES_MAX] = { 0 };
	struct pm_series got;
	int rc;
	while ((rc = set->next(set, &got, &f->err)) > 0) {
		struct pm_samples parts[SOURCES_MAX], want;
		struct pm_arena a = { 0 };
		size_t count = 0;
		for (size_t i = 0; i < f->count; i++) {
			if (at[i] == f->x[i].count)
				continue;
			int c = pm_labels_cmp(f->x[i].v[at[i]].labels, got.labels);
			assert_true(c >= 0); /* none was passed over */
			if (c == 0)
				parts[count++] = f->x[i].v[at[i]++].samples;
		}
		assert_int_not_equal(count, 0);
		model(parts, count, &a, &want);
		test_samples_same(&got.samples, &want, 0, want.count);
		pm_arena_release(&a);
	}
	assert_ok(rc, &f->err);
	for (size_t i = 0; i < f->count; i++)
		assert_int_equal(at[i], f->x[i].count);
}

static void check_merged_sets(struct sources *f)
{
	struct pm_select all = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct pm_series_set *sets[SOURCES_MAX], *merged;
	for (size_t i = 0; i < f->count; i++)
		assert_ok(tsdb__segment_set(f->segments[i], &all, NULL, &sets[i], &f->err), &f->err);
	assert_int_equal(tsdb__merge_sets(sets, f->count, 0, &merged), 0);
	check_set(f, merged);
	merged->free(merged);
}

static int count_steps(void *arg, uint64_t samples, struct pm_error *err)
{
	++*(int *)arg;
	return 0;
}

static void check_merged_segment(struct sources *f)
{
	struct pm_select all = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct tsdb__segment_info info = { .number = 100, .order = 1, .level = 1 };
	struct tsdb__segment_writer *w;
	struct tsdb__segment *s;
	struct pm_series_set *set;
	int steps = 0;
	assert_ok(tsdb__segment_writer_new(f->dirfd, &info, &w, &f->err), &f->err);
	assert_ok(tsdb__merge_segments(f->segments, f->count, w, count_steps, &steps, &f->err), &f->err);
	assert_ok(tsdb__segment_writer_finish(w, &info, &f->err), &f->err);
	assert_ok(tsdb__segment_open(f->dirfd, 100, &info, &s, &f->err), &f->err);
	assert_ok(tsdb__segment_set(s, &all, NULL, &set, &f->err), &f->err);
	check_set(f, set);
	set->free(set);
	tsdb__segment_unref(s);
}

static void test_segments(void **state)
{
	for (uint64_t salt = 1; salt <= 60; salt++) {
		struct sources f;
		make(&f, salt, (unsigned)salt % 8);
		check_merged_sets(&f);
		check_merged_segment(&f);
		unmake(&f);
	}
}

static int stop(void *arg, uint64_t samples, struct pm_error *err)
{
	return PM_ERR_CANCELED;
}

static void test_stopped(void **state)
{
	struct tsdb__segment_info info = { .number = 2, .order = 1 };
	struct tsdb__segment_writer *w;
	struct tsdb__segment *s;
	struct test_series x;
	struct pm_error err = { 0 };
	struct test_rng r = test_rng(5);
	char *dir = test_tmpdir();
	int dirfd = test_dirfd(dir);
	test_series_make(&x, &r, 600, 3, 0);
	test_segment_write(dirfd, 1, x.v, x.count, &info);
	assert_ok(tsdb__segment_open(dirfd, 1, &info, &s, &err), &err);
	info.number = 2;
	assert_ok(tsdb__segment_writer_new(dirfd, &info, &w, &err), &err);
	assert_code(tsdb__merge_segments(&s, 1, w, stop, NULL, &err), PM_ERR_CANCELED, NULL);
	tsdb__segment_writer_abort(w);
	tsdb__segment_unref(s);
	test_series_free(&x);
	pm_fs_close(dirfd);
	test_tmpdir_free(dir);
}

TEST_MAIN(TEST(test_samples), TEST(test_time_ids), TEST(test_segments), TEST(test_stopped))
