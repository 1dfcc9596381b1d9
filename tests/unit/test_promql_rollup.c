/* Functions of ranges against the plain ones below, which look at each window anew: bit by bit, on random series with
 * gaps, NaN, infinities, stale markers and counter resets. */
#include "tests/support/test.h"

#include "libpromql/promql.h"
#include "libpromql/test/memstore.h"

#include <math.h>

enum { SERIES = 6, SAMPLES = 400, STEP_MAX_MS = 60000 };

/* ---- plain functions ---------------------------------------------------------------------------- */

/* A window without its stale markers. */
struct window {
	int64_t t[SAMPLES], start, end;
	double v[SAMPLES];
	size_t n;
	double arg;
};

struct sum {
	double s, c;
};

static void add(struct sum *k, double x)
{
	double t = k->s + x;

	if (isinf(t))
		k->c = 0;
	else if (fabs(k->s) >= fabs(x))
		k->c += (k->s - t) + x;
	else
		k->c += (x - t) + k->s;
	k->s = t;
}

static bool sum_of(const struct window *w, double *ret)
{
	struct sum k = { 0 };

	for (size_t i = 0; i < w->n; i++)
		add(&k, w->v[i]);
	*ret = isinf(k.s) ? k.s : k.s + k.c;
	return w->n > 0;
}

/* Without overflows: the series have none. */
static bool avg_of(const struct window *w, double *ret)
{
	struct sum k = { .s = w->n ? w->v[0] : 0 };
	bool infinite = false;

	for (size_t i = 0; i < w->n; i++)
		infinite |= isinf(w->v[i]);
	for (size_t i = 1; i < w->n; i++)
		add(&k, w->v[i]);
	*ret = k.s / (double)w->n + k.c / (double)w->n;
	return w->n > 0 && !infinite;
}

static bool min_of(const struct window *w, double *ret)
{
	*ret = NAN;
	for (size_t i = 0; i < w->n; i++)
		*ret = isnan(*ret) || w->v[i] < *ret ? w->v[i] : *ret;
	return w->n > 0;
}

static bool max_of(const struct window *w, double *ret)
{
	*ret = NAN;
	for (size_t i = 0; i < w->n; i++)
		*ret = isnan(*ret) || w->v[i] > *ret ? w->v[i] : *ret;
	return w->n > 0;
}

static bool count_of(const struct window *w, double *ret)
{
	*ret = (double)w->n;
	return w->n > 0;
}

static bool last_of(const struct window *w, double *ret)
{
	*ret = w->n ? w->v[w->n - 1] : 0;
	return w->n > 0;
}

static bool first_of(const struct window *w, double *ret)
{
	*ret = w->n ? w->v[0] : 0;
	return w->n > 0;
}

static bool changes_of(const struct window *w, double *ret)
{
	*ret = 0;
	for (size_t i = 1; i < w->n; i++)
		*ret += w->v[i] != w->v[i - 1] && !(isnan(w->v[i]) && isnan(w->v[i - 1]));
	return w->n > 0;
}

static bool resets_of(const struct window *w, double *ret)
{
	*ret = 0;
	for (size_t i = 1; i < w->n; i++)
		*ret += w->v[i] < w->v[i - 1];
	return w->n > 0;
}

static bool variance_of(const struct window *w, double *ret)
{
	struct sum mean = { 0 }, aux = { 0 };

	for (size_t i = 0; i < w->n; i++) {
		double delta = w->v[i] - (mean.s + mean.c);

		add(&mean, delta / (double)(i + 1));
		add(&aux, delta * (w->v[i] - (mean.s + mean.c)));
	}
	*ret = (aux.s + aux.c) / (double)w->n;
	return w->n > 0;
}

static int cmp(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	if (isnan(a) || isnan(b))
		return isnan(b) - isnan(a);
	return (a > b) - (a < b);
}

static bool quantile_of(const struct window *w, double *ret)
{
	double v[SAMPLES], rank = w->arg * ((double)w->n - 1), part = rank - floor(rank);
	size_t low;

	if (w->n == 0)
		return false;
	memcpy(v, w->v, w->n * sizeof *v);
	qsort(v, w->n, sizeof *v, cmp);
	low = (size_t)rank;
	*ret = v[low] * (1 - part) + v[low + 1 < w->n ? low + 1 : low] * part;
	return true;
}

static bool delta_like(const struct window *w, bool counter, double *ret)
{
	double sum, to_start, to_end, sampled, average;

	if (w->n < 2)
		return false;
	sum = w->v[w->n - 1] - w->v[0];
	for (size_t i = 1; counter && i < w->n; i++)
		if (w->v[i] < w->v[i - 1])
			sum += w->v[i - 1];
	to_start = (double)(w->t[0] - w->start) / 1000;
	to_end = (double)(w->end - w->t[w->n - 1]) / 1000;
	sampled = (double)(w->t[w->n - 1] - w->t[0]) / 1000;
	average = sampled / (double)(w->n - 1);
	if (to_start >= average * 1.1)
		to_start = average / 2;
	if (counter && sum > 0 && w->v[0] >= 0 && sampled * (w->v[0] / sum) < to_start)
		to_start = sampled * (w->v[0] / sum);
	if (to_end >= average * 1.1)
		to_end = average / 2;
	*ret = sum * ((sampled + to_start + to_end) / sampled);
	return true;
}

static bool delta_of(const struct window *w, double *ret)
{
	return delta_like(w, false, ret);
}

static bool increase_of(const struct window *w, double *ret)
{
	return delta_like(w, true, ret);
}

static bool deriv_of(const struct window *w, double *ret)
{
	struct sum sx = { 0 }, sy = { 0 }, sxy = { 0 }, sxx = { 0 };
	double n = (double)w->n, x2, xy;
	bool constant = true;

	for (size_t i = 0; i < w->n; i++) {
		double x = (double)(w->t[i] - w->t[0]) / 1000, y = w->v[i];

		constant &= y == w->v[0] || i == 0;
		add(&sx, x);
		add(&sy, y);
		add(&sxy, x * y);
		add(&sxx, x * x);
	}
	if (w->n < 2)
		return false;
	if (constant) {
		*ret = isinf(w->v[0]) ? NAN : 0;
		return true;
	}
	xy = sxy.s + sxy.c - (sx.s + sx.c) * (sy.s + sy.c) / n;
	x2 = sxx.s + sxx.c - (sx.s + sx.c) * (sx.s + sx.c) / n;
	*ret = xy / x2;
	return true;
}

static bool time_of_max(const struct window *w, double *ret)
{
	size_t at = 0;

	for (size_t i = 1; i < w->n; i++)
		if (w->v[i] >= w->v[at] || isnan(w->v[at]))
			at = i;
	*ret = w->n ? (double)w->t[at] / 1000 : 0;
	return w->n > 0;
}

/* ---- series ------------------------------------------------------------------------------------- */

struct series {
	int64_t t[SAMPLES];
	double v[SAMPLES];
};

static double next_value(struct test_rng *r, double last, size_t series)
{
	static const double odd[] = { NAN, INFINITY, -INFINITY, 0, -0.0, 1e-300, 1e15 };

	if (test_below(r, 25) == 0)
		return pm_stale_nan();
	if (series == 1 && test_below(r, 8) == 0)
		return odd[test_below(r, 7)];
	if (test_below(r, 5) == 0)
		return isfinite(last) ? last : 1; /* no change */
	if (series == 2)                          /* a counter */
		return test_below(r, 12) == 0 ? test_unit(r) : (isfinite(last) ? last : 0) + test_unit(r) * 10;
	return (test_unit(r) - 0.5) * 1e6;
}

/* Series 3 has the times of series 2, so that what is kept for equal times is used, too. */
static void make_series(struct test_rng *r, struct series *s, size_t k, const struct series *times)
{
	int64_t t = (int64_t)test_below(r, 5000);
	double last = 0;

	for (size_t i = 0; i < SAMPLES; i++) {
		t += test_below(r, 20) == 0 ? 300000 : 1000 + (int64_t)test_below(r, 15000);
		s->t[i] = times ? times->t[i] : t;
		s->v[i] = last = next_value(r, last, k);
	}
}

static void store(struct promql__mem *m, struct series *s)
{
	struct test_rng r = test_rng(7);
	struct pm_error err = { 0 };

	promql__mem_init(m);
	for (size_t k = 0; k < SERIES; k++) {
		char text[2] = { (char)('a' + (char)k), 0 };
		struct pm_label l[] = { { PM_NAME_LABEL, PM_STR("m_total") }, { PM_STR("k"), pm_str(text) } };

		make_series(&r, &s[k], k, k == 3 ? &s[2] : NULL);
		for (size_t i = 0; i < SAMPLES; i++) {
			struct promql__mem_sample sample = { .t_ms = s[k].t[i], .v = s[k].v[i] };

			assert_ok(promql__mem_append(m, (struct pm_labels){ l, 2 }, &sample, &err), &err);
		}
	}
}

/* ---- comparison --------------------------------------------------------------------------------- */

struct function {
	const char *before; /* what stands before the range selector */
	bool (*plain)(const struct window *w, double *ret);
	double arg;
};

static void cut(const struct series *s, int64_t at, int64_t range, struct window *w)
{
	w->n = 0;
	w->start = at - range;
	w->end = at;
	for (size_t i = 0; i < SAMPLES; i++)
		if (s->t[i] > w->start && s->t[i] <= at && !pm_is_stale(s->v[i])) {
			w->t[w->n] = s->t[i];
			w->v[w->n++] = s->v[i];
		}
}

static const struct promql_series *find(const struct promql_result *r, size_t k)
{
	for (size_t i = 0; i < r->series_count; i++)
		if (pm_labels_get(r->series[i].labels, PM_STR("k")).ptr[0] == (char)('a' + (char)k))
			return &r->series[i];
	return NULL;
}

static void same_value(const char *expr, int64_t t, double got, double want)
{
	if (isnan(got) && isnan(want))
		return;
	if (pm_double_bits(got) != pm_double_bits(want))
		print_error("%s at %lld ms\n", expr, (long long)t);
	assert_bits(got, want);
}

static void compare(const struct function *f, const char *expr, const struct series *s, size_t k,
	const struct promql_result *r, const struct promql_opts *o, int64_t range)
{
	const struct promql_series *got = find(r, k);
	struct window w = { .arg = f->arg };
	size_t n = 0;

	for (int64_t t = o->start_ms; t <= o->end_ms; t += o->step_ms) {
		bool have = got && n < got->point_count && got->points[n].t_ms == t;
		double want;

		cut(s, t, range, &w);
		if (f->plain == avg_of && !avg_of(&w, &want) && w.n) {
			n += have;
			continue; /* infinities: the scripts have these */
		}
		assert_int_equal(f->plain(&w, &want), have);
		if (have)
			same_value(expr, t, got->points[n++].v, want);
	}
	assert_int_equal(n, got ? got->point_count : 0);
}

static void run_function(const struct function *f, struct promql__mem *m, const struct series *s, struct test_rng *r)
{
	int64_t range = 1 + (int64_t)test_below(r, 900000);
	struct promql_opts o = { .start_ms = (int64_t)test_below(r, 600000),
		.step_ms = 1 + (int64_t)test_below(r, STEP_MAX_MS) };
	struct promql_result *res;
	struct promql_expr *e;
	struct pm_error err = { 0 };
	char expr[256];

	o.end_ms = o.start_ms + o.step_ms * (int64_t)test_below(r, 200);
	snprintf(expr, sizeof expr, "%sm_total[%" PRId64 "ms])", f->before, range);
	assert_ok(promql_parse(pm_str(expr), NULL, &e, &err), &err);
	assert_ok(promql_query(e, &m->querier, &o, &res, &err), &err);
	for (size_t k = 0; k < SERIES; k++)
		compare(f, expr, &s[k], k, res, &o, range);
	promql_result_free(res);
	promql_expr_free(e);
}

static const struct function functions[] = {
	{ "sum_over_time(", sum_of, 0 },
	{ "avg_over_time(", avg_of, 0 },
	{ "min_over_time(", min_of, 0 },
	{ "max_over_time(", max_of, 0 },
	{ "count_over_time(", count_of, 0 },
	{ "last_over_time(", last_of, 0 },
	{ "first_over_time(", first_of, 0 },
	{ "changes(", changes_of, 0 },
	{ "resets(", resets_of, 0 },
	{ "stdvar_over_time(", variance_of, 0 },
	{ "quantile_over_time(0.3, ", quantile_of, 0.3 },
	{ "quantile_over_time(1, ", quantile_of, 1 },
	{ "delta(", delta_of, 0 },
	{ "increase(", increase_of, 0 },
	{ "deriv(", deriv_of, 0 },
	{ "ts_of_max_over_time(", time_of_max, 0 },
};

static void windows_slide(void **state TEST_UNUSED)
{
	static struct series s[SERIES];
	struct test_rng r = test_rng(8);
	struct promql__mem m;

	store(&m, s);
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		for (size_t n = 0; n < 20; n++)
			run_function(&functions[i], &m, s, &r);
	promql__mem_release(&m);
}

TEST_MAIN(TEST(windows_slide))
