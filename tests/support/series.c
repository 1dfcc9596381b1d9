/* series.c - series to test with: see series.h. */
#include "tests/support/series.h"

#include "tests/support/columns.h"

#include <fcntl.h>

enum { SHARED_TIMES = 3 };

/* ---- histograms ---- */

static const double *counts(struct pm_arena *a, struct test_rng *r, uint32_t n)
{
	double *v = pm_arena_array(a, n + 1u, sizeof *v);
	for (uint32_t i = 0; i < n; i++)
		v[i] = (double)test_below(r, 1000) + (test_below(r, 8) ? 0 : 0.5);
	return v;
}

static const struct pm_span *spans(struct pm_arena *a, unsigned layout, uint32_t *ret_count, uint32_t *ret_buckets)
{
	struct pm_span *s = pm_arena_array(a, 3, sizeof *s);
	*ret_count = layout % 3;
	*ret_buckets = 0;
	for (uint32_t i = 0; i < *ret_count; i++) {
		s[i] = (struct pm_span){ i ? (int32_t)(layout % 7) + 1 : (int32_t)layout * 3 - 20,
			1 + (layout + i) % 5 };
		*ret_buckets += s[i].length;
	}
	return s;
}

const struct pm_histogram *test_histogram(struct pm_arena *a, struct test_rng *r, unsigned layouts)
{
	struct pm_histogram *h = pm_arena_zalloc(a, sizeof *h);
	unsigned layout = (unsigned)test_below(r, layouts);
	h->schema = layout % 5 == 4 ? PM_SCHEMA_CUSTOM : (int32_t)(layout % 13) - 4;
	h->reset_hint = (uint8_t)test_below(r, 4);
	h->integer = layout % 2;
	h->zero_threshold = layout % 4 ? 0x1p-128 : 0;
	h->zero_count = (double)test_below(r, 100);
	h->sum = test_below(r, 16) ? test_unit(r) * 1e6 : pm_bits_double(PM_NORMAL_NAN_BITS);
	h->count = (double)test_below(r, 100000);
	h->pos_spans = spans(a, layout, &h->pos_span_count, &h->pos_count);
	if (h->schema != PM_SCHEMA_CUSTOM)
		h->neg_spans = spans(a, layout + 1, &h->neg_span_count, &h->neg_count);
	h->pos = counts(a, r, h->pos_count);
	h->neg = counts(a, r, h->neg_count);
	if (h->schema == PM_SCHEMA_CUSTOM) {
		double *custom = pm_arena_array(a, 4, sizeof *custom);
		for (unsigned i = 0; i < 4; i++)
			custom[i] = layout + i * 1.5;
		h->custom = custom;
		h->custom_count = 4;
	}
	return h;
}

static void spans_same(const struct pm_span *a, uint32_t na, const struct pm_span *b, uint32_t nb)
{
	assert_int_equal(na, nb);
	for (uint32_t i = 0; i < na; i++) {
		assert_int_equal(a[i].offset, b[i].offset);
		assert_int_equal(a[i].length, b[i].length);
	}
}

static void doubles_same(const double *a, uint32_t na, const double *b, uint32_t nb)
{
	assert_int_equal(na, nb);
	for (uint32_t i = 0; i < na; i++)
		assert_bits(a[i], b[i]);
}

void test_histogram_same(const struct pm_histogram *a, const struct pm_histogram *b)
{
	assert_int_equal(a->schema, b->schema);
	assert_int_equal(a->reset_hint, b->reset_hint);
	assert_int_equal(a->integer, b->integer);
	assert_bits(a->zero_threshold, b->zero_threshold);
	assert_bits(a->zero_count, b->zero_count);
	assert_bits(a->count, b->count);
	assert_bits(a->sum, b->sum);
	spans_same(a->pos_spans, a->pos_span_count, b->pos_spans, b->pos_span_count);
	spans_same(a->neg_spans, a->neg_span_count, b->neg_spans, b->neg_span_count);
	doubles_same(a->pos, a->pos_count, b->pos, b->pos_count);
	doubles_same(a->neg, a->neg_count, b->neg, b->neg_count);
	doubles_same(a->custom, a->custom_count, b->custom, b->custom_count);
}

/* ---- samples ---- */

static int64_t *make_times(struct pm_arena *a, struct test_rng *r, size_t n, bool extreme)
{
	int64_t *t = pm_arena_array(a, n, sizeof *t);
	uint64_t at, step = test_below(r, 3) ? 15000 : 1 + test_below(r, 100000);
	bool regular = test_below(r, 2);
	if (extreme) { /* from one end to the other */
		at = (uint64_t)INT64_MIN;
		step = n > 1 ? UINT64_MAX / (n - 1) : 0;
	} else {
		at = (uint64_t)INT64_C(1700000000000) + test_below(r, 1000000000);
	}
	for (size_t i = 0; i < n; i++) {
		t[i] = (int64_t)at;
		at += extreme || regular ? step : 1 + test_below(r, step);
	}
	if (extreme && n > 1)
		t[n - 1] = INT64_MAX;
	return t;
}

static void make_values(struct test_series *x, struct test_rng *r, struct pm_samples *s, bool histograms)
{
	double *v = pm_arena_array(&x->arena, s->count, sizeof *v);
	column_fill_values(r, (unsigned)test_below(r, COLUMN_VALUE_KINDS), v, s->count);
	for (size_t i = 0; i < s->count && test_below(r, 3) == 0; i += 1 + test_below(r, 50))
		v[i] = pm_stale_nan();
	s->v = v;
	if (!histograms)
		return;
	const struct pm_histogram **h = pm_arena_zalloc(&x->arena, s->count * sizeof *h);
	unsigned layouts = 1 + (unsigned)test_below(r, 20), mixed = (unsigned)test_below(r, 3);
	for (size_t i = 0; i < s->count; i++) {
		if (mixed && test_below(r, 4) < mixed)
			continue;
		/* a layout stays for a while */
		struct test_rng same = { r->state };
		h[i] = test_histogram(&x->arena, i % 40 < 20 ? &same : r, layouts);
		v[i] = 0;
	}
	s->h = h;
}

static void make_samples(struct test_series *x, struct test_rng *r, struct pm_samples *s, size_t samples_max,
	int64_t *const shared[SHARED_TIMES], unsigned flags)
{
	size_t which = test_below(r, SHARED_TIMES + 2);
	bool histograms = flags & TEST_SERIES_HISTOGRAMS && test_below(r, 3) == 0;
	s->count = 1 + test_below(r, samples_max);
	if (which < SHARED_TIMES && test_below(r, 8))
		s->count = 1 + samples_max / 2; /* whole columns are shared */
	if (test_below(r, 10) == 0)
		s->count = 1;
	if (histograms && s->count > 200)
		s->count = 1 + s->count % 200;
	s->t_ms = which < SHARED_TIMES
			  ? shared[which]
			  : make_times(&x->arena, r, s->count, flags & TEST_SERIES_EXTREMES && test_below(r, 2));
	make_values(x, r, s, histograms);
	if (flags & TEST_SERIES_STARTS && test_below(r, 3) == 0) {
		int64_t *st = pm_arena_zalloc(&x->arena, s->count * sizeof *st), start = s->t_ms[0] / 2;
		for (size_t i = 0; i < s->count; i++) {
			start = test_below(r, 30) ? start : s->t_ms[i] / 2 + (int64_t)test_below(r, 5);
			st[i] = test_below(r, 10) ? start : 0;
		}
		s->st_ms = st;
	}
}

void test_samples_same(const struct pm_samples *got, const struct pm_samples *want, size_t from, size_t to)
{
	assert_int_equal(got->count, to - from);
	for (size_t i = from; i < to; i++) {
		const struct pm_histogram *a = got->h ? got->h[i - from] : NULL, *b = want->h ? want->h[i] : NULL;
		assert_true(got->t_ms[i - from] == want->t_ms[i]);
		assert_true((got->st_ms ? got->st_ms[i - from] : 0) == (want->st_ms ? want->st_ms[i] : 0));
		assert_int_equal(a != NULL, b != NULL);
		if (a)
			test_histogram_same(a, b);
		else
			assert_bits(got->v[i - from], want->v[i]);
	}
}

/* ---- series ---- */

static struct pm_str pick(struct test_rng *r, const char *const *from, size_t count)
{
	return pm_str(from[test_below(r, count)]);
}

/* Metrics and zones repeat, the number does not. Absent labels, prefixes of one another, letters beyond ASCII. */
static struct pm_labels make_labels(struct test_series *x, struct test_rng *r, size_t i)
{
	static const char *const metrics[] = { "up", "http_requests_total", "http", "go_gc", "größe.bytes", "a" };
	static const char *const zones[] = { "eu", "eu-west", "eu-west-1", "名前", "\xc3\xbc", "us", "z" };
	struct pm_label *l = pm_arena_array(&x->arena, 6, sizeof *l);
	size_t n = 0;
	l[n++] = (struct pm_label){ PM_NAME_LABEL, pick(r, metrics, 6) };
	if (test_below(r, 2))
		l[n++] = (struct pm_label){ PM_STR("code"), pm_str(pm_arena_printf(&x->arena, "%u", 200 + (unsigned)test_below(r, 5))) };
	if (i % 97 != 5)
		l[n++] = (struct pm_label){ PM_STR("n"), pm_str(pm_arena_printf(&x->arena, "%zu", i)) };
	else
		l[n++] = (struct pm_label){ PM_STR("other n"), pm_str(pm_arena_printf(&x->arena, "%zu", i)) };
	if (test_below(r, 3))
		l[n++] = (struct pm_label){ PM_STR("zone"), pick(r, zones, 7) };
	if (test_below(r, 9) == 0)
		l[n++] = (struct pm_label){ PM_STR("ß"), PM_STR("ß") };
	return (struct pm_labels){ l, n };
}

static int by_labels(const void *a, const void *b)
{
	return pm_labels_cmp(((const struct pm_series *)a)->labels, ((const struct pm_series *)b)->labels);
}

void test_series_make(struct test_series *x, struct test_rng *r, size_t count, size_t samples_max, unsigned flags)
{
	int64_t *shared[SHARED_TIMES];
	*x = (struct test_series){ .count = count };
	x->v = pm_arena_zalloc(&x->arena, count * sizeof *x->v + 1);
	for (size_t i = 0; i < SHARED_TIMES; i++)
		shared[i] = make_times(&x->arena, r, samples_max, false);
	for (size_t i = 0; i < count; i++) {
		x->v[i].labels = make_labels(x, r, i);
		make_samples(x, r, &x->v[i].samples, samples_max, shared, flags);
	}
	qsort(x->v, count, sizeof *x->v, by_labels);
}

void test_series_free(struct test_series *x)
{
	pm_arena_release(&x->arena);
}

/* ---- segments ---- */

int test_dirfd(const char *dir)
{
	struct pm_error err = { 0 };
	int fd;
	assert_ok(pm_fs_openat(AT_FDCWD, dir, PM_FS_DIRECTORY, &fd, &err), &err);
	return fd;
}

void test_segment_write(
	int dirfd, uint64_t number, const struct pm_series *v, size_t count, struct tsdb__segment_info *ret)
{
	struct tsdb__segment_info info = { .number = number, .order = number, .level = 1 };
	struct tsdb__segment_writer *w;
	struct pm_error err = { 0 };
	assert_ok(tsdb__segment_writer_new(dirfd, &info, &w, &err), &err);
	for (size_t i = 0; i < count; i++)
		assert_ok(tsdb__segment_writer_add(w, v[i].labels, &v[i].samples, &err), &err);
	assert_ok(tsdb__segment_writer_finish(w, ret, &err), &err);
}
