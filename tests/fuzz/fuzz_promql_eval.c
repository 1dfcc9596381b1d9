/* fuzz_promql_eval.c - any bytes as a query over a small store: no crash, no leak, and what a range query says at a
 * step an instant query says at that time. */
#include "libpromql/promql.h"
#include "libpromql/test/memstore.h"
#include "libtsdb/base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_IN = 4 << 10, POINTS = 20, STEPS = 5 };

/* ---- the store ---------------------------------------------------------------------------------- */

static void append(
	struct promql__mem *m, const char *name, const char *label, const char *value, struct promql__mem_sample s)
{
	struct pm_label l[] = { { PM_NAME_LABEL, pm_str(name) }, { pm_str(label), pm_str(value) } };

	if (promql__mem_append(m, (struct pm_labels){ l, 2 }, &s, NULL) < 0)
		abort();
}

static void append_hists(struct promql__mem *m, int64_t t, double v)
{
	static const struct pm_span spans[] = { { -1, 2 }, { 1, 1 } };
	static const double bounds[] = { 1, 5 };
	double pos[] = { v, 2, v + 1 }, neg[] = { 1, 0, v };
	struct pm_histogram h = { .schema = 1,
		.zero_threshold = 0.01,
		.zero_count = v,
		.count = 4 * v + 4,
		.sum = v / 3,
		.pos = pos,
		.pos_count = 3,
		.pos_spans = spans,
		.pos_span_count = 2,
		.neg = neg,
		.neg_count = 3,
		.neg_spans = spans,
		.neg_span_count = 2 };
	struct pm_histogram n = { .schema = PM_SCHEMA_CUSTOM,
		.count = 2 * v + 3,
		.sum = v,
		.pos = pos,
		.pos_count = 3,
		.pos_spans = &(struct pm_span){ 0, 3 },
		.pos_span_count = 1,
		.custom = bounds,
		.custom_count = 2 };

	append(m, "h", "l", "x", (struct promql__mem_sample){ t, t / 2, 0, &h });
	h.reset_hint = PM_RESET_GAUGE;
	append(m, "h", "l", "g", (struct promql__mem_sample){ t, 0, 0, &h });
	append(m, "n", "l", "x", (struct promql__mem_sample){ t, 0, 0, &n });
	append(m, "n", "job", "j", (struct promql__mem_sample){ t, 0, v, (int64_t)v % 2 ? &n : &h });
}

static struct promql__mem *store(void)
{
	static const double odd[] = { NAN, INFINITY, 1, -INFINITY, 0, -1, 1e308, 5e-324 };
	static struct promql__mem m;

	if (m.count)
		return &m;
	promql__mem_init(&m);
	for (int64_t i = 0; i < POINTS; i++) {
		int64_t t = i * 15000;
		double v = (double)(i % 7);

		append(&m, "c_total", "l", "x", (struct promql__mem_sample){ t, t - 7000, v * 2, NULL });
		append(&m, "c_total", "l", "y", (struct promql__mem_sample){ t, 0, (double)i, NULL });
		append(&m, "g", "l", "x", (struct promql__mem_sample){ t, 0, odd[i % 8], NULL });
		append(&m, "g", "job", "j", (struct promql__mem_sample){ t, 0, i % 5 ? v : pm_stale_nan(), NULL });
		append(&m, "b_bucket", "le", "1", (struct promql__mem_sample){ t, 0, v, NULL });
		append(&m, "b_bucket", "le", "+Inf", (struct promql__mem_sample){ t, 0, v + 3, NULL });
		append(&m, "target_info", "job", "j", (struct promql__mem_sample){ t, 0, 1, NULL });
		append_hists(&m, t, v);
	}
	return &m;
}

/* ---- the comparison ----------------------------------------------------------------------------- */

static void differ(struct pm_str text, int64_t t_ms, const char *what)
{
	fprintf(stderr, "%.*s\n\tat %lld ms: %s\n", PM_STR_ARG(text), (long long)t_ms, what);
	abort();
}

static const struct promql_point *point_at(const struct promql_series *s, int64_t t_ms)
{
	for (size_t i = 0; i < s->point_count; i++)
		if (s->points[i].t_ms == t_ms)
			return &s->points[i];
	return NULL;
}

static const struct promql_series *find(const struct promql_result *r, struct pm_labels l)
{
	for (size_t i = 0; i < r->series_count; i++)
		if (pm_labels_eq(r->series[i].labels, l))
			return &r->series[i];
	return NULL;
}

static bool same_value(const struct promql_point *a, const struct promql_point *b)
{
	if (!a->h || !b->h)
		return !a->h && !b->h && (a->v == b->v || (isnan(a->v) && isnan(b->v)));
	return a->h->schema == b->h->schema && a->h->pos_count == b->h->pos_count &&
	       a->h->neg_count == b->h->neg_count &&
	       (a->h->count == b->h->count || (isnan(a->h->count) && isnan(b->h->count)));
}

static void compare(struct pm_str text, const struct promql_result *range, const struct promql_result *at, int64_t t_ms)
{
	size_t points = 0;

	for (size_t i = 0; i < range->series_count; i++) {
		const struct promql_point *p = point_at(&range->series[i], t_ms);
		const struct promql_series *s = p ? find(at, range->series[i].labels) : NULL;

		if (p && (!s || !same_value(p, &s->points[0])))
			differ(text, t_ms, s ? "another value" : "no series");
		points += p != NULL;
	}
	if (points != at->series_count)
		differ(text, t_ms, "more series than the range query");
}

static bool contains(struct pm_str s, const char *word)
{
	return memmem(s.ptr, s.len, word, strlen(word)) != NULL;
}

static void run(const struct promql_expr *e, struct pm_str text, unsigned flags)
{
	struct promql_opts o = { .start_ms = 100000,
		.end_ms = 100000 + (STEPS - 1) * 37000,
		.step_ms = 37000,
		.samples_max = 20000,
		.bytes_max = 32 << 20,
		.deadline_ns = pm_monotonic_ns() + INT64_C(2000000000),
		.delayed_name_removal = flags & 1,
		.use_start_timestamps = flags & 2,
		.lookback_ms = 60000 };
	struct promql_result *range, *at;
	struct pm_querier *q = &store()->querier;

	if (promql_query(e, q, &o, &range, NULL) < 0)
		return;
	for (int64_t t = o.start_ms; t <= o.end_ms; t += o.step_ms) {
		struct promql_opts once = o;
		struct pm_error err = { 0 };
		int rc;

		once.start_ms = once.end_ms = t;
		once.step_ms = 0;
		rc = promql_query(e, q, &once, &at, &err);
		if (rc == PM_ERR_INVALID)
			differ(text, t, err.msg);
		if (rc < 0)
			continue;
		compare(text, range, at, t);
		promql_result_free(at);
	}
	promql_result_free(range);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pm_str text = { (const char *)data, size };
	struct promql_result *r;
	struct promql_expr *e;

	if (size > SIZE_MAX_IN || promql_parse(text, NULL, &e, NULL) < 0)
		return 0;
	if (promql_expr_type(e) == PROMQL_MATRIX || promql_expr_type(e) == PROMQL_STRING || contains(text, "start") ||
		contains(text, "end") || contains(text, "step") || contains(text, "range")) {
		struct promql_opts o = { .start_ms = 100000,
			.end_ms = 100000,
			.samples_max = 20000,
			.bytes_max = 32 << 20,
			.deadline_ns = pm_monotonic_ns() + INT64_C(2000000000) };

		if (promql_query(e, &store()->querier, &o, &r, NULL) == 0)
			promql_result_free(r);
	} else {
		run(e, text, size ? data[size / 2] & 3u : 0);
	}
	promql_expr_free(e);
	return 0;
}
