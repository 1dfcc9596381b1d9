/* What a query is besides its language: options, limits, errors of the source, results that outlive it, and running out
 * of memory at any point. */
#include "tests/support/test.h"

#include "libpromql/promql.h"
#include "libpromql/test/memstore.h"
#include "libtsdb/base/clock.h"

#include <math.h>

/* ---- data --------------------------------------------------------------------------------------- */

static void append(struct promql__mem *m, const char *name, const char *label, struct promql__mem_sample s)
{
	struct pm_label l[] = { { PM_NAME_LABEL, pm_str(name) }, { PM_STR("l"), pm_str(label) } };
	struct pm_error err = { 0 };

	assert_ok(promql__mem_append(m, (struct pm_labels){ l, 2 }, &s, &err), &err);
}

/* Minutes 0 to 9: counters a_total and b_total with labels x and y, histograms h, classic buckets. */
static void fill(struct promql__mem *m)
{
	static const struct pm_span span = { 0, 3 };
	static const char *const bounds[] = { "x", "y" };

	promql__mem_init(m);
	for (int64_t i = 0; i < 10; i++) {
		double v = (double)i, buckets[] = { v, 2 * v, v };
		struct pm_histogram h = { .count = 4 * v,
			.sum = 5 * v,
			.pos = buckets,
			.pos_count = 3,
			.pos_spans = &span,
			.pos_span_count = 1 };

		for (size_t k = 0; k < 2; k++) {
			append(m, "a_total", bounds[k], (struct promql__mem_sample){ i * 60000, 0, v * 2, NULL });
			append(m, "b_total", bounds[k], (struct promql__mem_sample){ i * 60000, 0, v * 3, NULL });
			append(m, "h", bounds[k], (struct promql__mem_sample){ i * 60000, 0, 0, &h });
		}
		append(m, "gauge", "x", (struct promql__mem_sample){ i * 60000, i * 60000 - 5, 100 - v, NULL });
	}
}

static int run(struct promql__mem *m, const char *text, const struct promql_opts *o, struct promql_result **ret,
	struct pm_error *err)
{
	struct promql_expr *e;
	int rc = promql_parse(pm_str(text), NULL, &e, err);

	if (rc < 0)
		return rc;
	rc = promql_query(e, &m->querier, o, ret, err);
	promql_expr_free(e);
	return rc;
}

static const struct promql_opts over_time = { .start_ms = 0, .end_ms = 540000, .step_ms = 60000 };

static struct promql_result *must_run(struct promql__mem *m, const char *text, const struct promql_opts *o)
{
	struct promql_result *r = NULL;
	struct pm_error err = { 0 };

	assert_ok(run(m, text, o, &r, &err), &err);
	return r;
}

/* ---- results ------------------------------------------------------------------------------------ */

static void results_outlive_their_source(void **state TEST_UNUSED)
{
	struct promql__mem m;
	struct promql_result *r;

	fill(&m);
	r = must_run(&m, "{__name__=~\"a_total|h\"}", &over_time);
	promql__mem_release(&m);
	assert_int_equal(r->type, PROMQL_MATRIX);
	assert_int_equal(r->series_count, 4);
	assert_str(pm_labels_get(r->series[1].labels, PM_STR("l")), "y");
	assert_bits(r->series[1].points[9].v, 18);
	assert_str(pm_labels_get(r->series[2].labels, PM_NAME_LABEL), "h");
	assert_bits(r->series[2].points[9].h->sum, 45);
	assert_bits(r->series[2].points[9].h->pos[1], 18);
	promql_result_free(r);
}

static void types_of_results(void **state TEST_UNUSED)
{
	struct promql_opts at = { .start_ms = 60000, .end_ms = 60000 };
	struct promql__mem m;
	struct promql_result *r;
	struct pm_error err = { 0 };

	fill(&m);
	r = must_run(&m, "1 + 1", &at);
	assert_int_equal(r->type, PROMQL_SCALAR);
	assert_int_equal(r->series_count, 1);
	assert_int_equal(r->series[0].labels.count, 0);
	assert_int_equal(r->series[0].points[0].t_ms, 60000);
	assert_bits(r->series[0].points[0].v, 2);
	promql_result_free(r);
	r = must_run(&m, "\"text\"", &at);
	assert_int_equal(r->type, PROMQL_STRING);
	assert_str(r->string, "text");
	assert_int_equal(r->t_ms, 60000);
	promql_result_free(r);
	r = must_run(&m, "nothing", &at);
	assert_int_equal(r->type, PROMQL_VECTOR);
	assert_int_equal(r->series_count, 0);
	promql_result_free(r);
	r = must_run(&m, "a_total[2m]", &at);
	assert_int_equal(r->type, PROMQL_MATRIX);
	assert_int_equal(r->series[0].point_count, 2);
	promql_result_free(r);
	r = must_run(&m, "1", &over_time);
	assert_int_equal(r->type, PROMQL_MATRIX);
	assert_int_equal(r->series[0].point_count, 10);
	promql_result_free(r);
	assert_code(run(&m, "a_total[2m]", &over_time, &r, &err), PM_ERR_INVALID, &err);
	assert_contains(
		err.msg, "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector");
	assert_code(run(&m, "\"text\"", &over_time, &r, &err), PM_ERR_INVALID, &err);
	assert_contains(err.msg, "\"string\"");
	promql__mem_release(&m);
}

/* The order of a range query is that of labels, whatever the expression. */
static void range_results_are_sorted(void **state TEST_UNUSED)
{
	struct promql__mem m;
	struct promql_result *r;

	fill(&m);
	r = must_run(&m, "sort_desc({__name__=~\"gauge|.*_total\"})", &over_time);
	assert_int_equal(r->series_count, 5);
	for (size_t i = 1; i < r->series_count; i++)
		assert_true(pm_labels_cmp(r->series[i - 1].labels, r->series[i].labels) < 0);
	promql_result_free(r);
	promql__mem_release(&m);
}

static void options_count(void **state TEST_UNUSED)
{
	struct promql_opts at = { .start_ms = 700000, .end_ms = 700000 };
	struct promql__mem m;
	struct promql_result *r;
	struct pm_error err = { 0 };

	fill(&m);
	r = must_run(&m, "a_total", &at); /* 160 s behind the last sample */
	assert_int_equal(r->series_count, 2);
	promql_result_free(r);
	at.lookback_ms = 160000;
	r = must_run(&m, "a_total", &at);
	assert_int_equal(r->series_count, 0);
	promql_result_free(r);
	at.lookback_ms = 160001;
	r = must_run(&m, "a_total", &at);
	assert_int_equal(r->series_count, 2);
	promql_result_free(r);

	/* Names that go at once make equal series of what was apart; at the end it is the same. */
	assert_code(run(&m, "rate({l=\"x\", __name__=~\".*_total\"}[5m])", &at, &r, &err), PM_ERR_INVALID, &err);
	assert_string_equal(err.msg, "vector cannot contain metrics with the same labelset");
	at.delayed_name_removal = true;
	assert_code(run(&m, "rate({l=\"x\", __name__=~\".*_total\"}[5m])", &at, &r, &err), PM_ERR_INVALID, &err);
	r = must_run(&m, "sum by (__name__) (rate({l=\"x\", __name__=\"a_total\"}[5m]))", &at);
	assert_int_equal(r->series[0].labels.count, 0);
	promql_result_free(r);

	r = must_run(&m, "resets(gauge[5m])", &at);
	assert_bits(r->series[0].points[0].v, 2);
	promql_result_free(r);
	at.use_start_timestamps = true;
	r = must_run(&m, "increase(a_total[5m])", &at);
	assert_int_equal(r->info_count, 0);
	promql_result_free(r);
	at.type_and_unit_labels = true;
	r = must_run(&m, "increase(a_total[5m])", &at);
	assert_int_equal(r->info_count, 1);
	assert_contains(r->infos[0], "__type__ label is not set");
	promql_result_free(r);
	promql__mem_release(&m);
}

static void experiments_can_be_refused(void **state TEST_UNUSED)
{
	static const char *const refused[][2] = {
		{ "sum(mad_over_time(gauge[5m]))", "1:5: parse error: function \"mad_over_time\" is not enabled" },
		{ "-limitk(1, gauge)", "1:2: parse error: limitk() is experimental and must be enabled with "
				       "--enable-feature=promql-experimental-functions" },
		{ "rate(gauge[5m] anchored)", "1:6: parse error: anchored modifier is experimental and not enabled" },
		{ "abs(gauge smoothed)", "1:5: parse error: smoothed modifier is experimental and not enabled" },
		{ "1 + gauge offset (1m + 1m)", "1:5: parse error: experimental duration expression is not enabled" },
		{ "sum_over_time(gauge[1m * 2])",
			"1:15: parse error: experimental duration expression is not enabled" },
		{ "(gauge + fill(0) gauge)",
			"1:2: parse error: binop fill modifiers are experimental and not enabled" },
	};
	static const char *const fine[] = { "sum by (l) (rate(a_total[5m])) / topk(1, gauge)",
		"max_over_time(gauge[5m:1m] offset 1m)", "1", "\"text\"" };
	struct promql_opts o = { .start_ms = 60000, .end_ms = 60000 };
	struct promql__mem m;
	struct promql_result *r;
	struct pm_error err = { 0 };

	fill(&m);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		o.experimental_off = false;
		promql_result_free(must_run(&m, refused[i][0], &o));
		o.experimental_off = true;
		assert_code(run(&m, refused[i][0], &o, &r, &err), PM_ERR_INVALID, &err);
		assert_string_equal(err.msg, refused[i][1]);
	}
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
		promql_result_free(must_run(&m, fine[i], &o));
	promql__mem_release(&m);
}

/* ---- limits ------------------------------------------------------------------------------------- */

static bool always(void *arg)
{
	*(int *)arg += 1;
	return true;
}

static void limits_hold(void **state TEST_UNUSED)
{
	struct promql_opts o = over_time;
	struct promql__mem m;
	struct promql_result *r;
	struct pm_error err = { 0 };
	int asked = 0;

	fill(&m);
	o.samples_max = 20;
	promql_result_free(must_run(&m, "a_total", &o));
	o.samples_max = 19;
	assert_code(run(&m, "a_total", &o, &r, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "too many samples");
	assert_code(run(&m, "count_over_time(a_total[1h:1s])", &o, &r, &err), PM_ERR_LIMIT, &err);
	o.samples_max = 0;

	o.bytes_max = 2000;
	assert_code(run(&m, "a_total + a_total", &o, &r, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "2000 bytes");
	o.bytes_max = 1 << 20;
	promql_result_free(must_run(&m, "a_total + a_total", &o));

	o.deadline_ns = pm_monotonic_ns() - 1;
	assert_code(run(&m, "a_total", &o, &r, &err), PM_ERR_TIMEOUT, &err);
	o.deadline_ns = pm_monotonic_ns() + INT64_C(3600000000000);
	promql_result_free(must_run(&m, "a_total", &o));

	o.canceled = always;
	o.canceled_arg = &asked;
	assert_code(run(&m, "a_total", &o, &r, &err), PM_ERR_CANCELED, &err);
	assert_int_not_equal(asked, 0);
	promql__mem_release(&m);
}

static void samples_are_counted(void **state TEST_UNUSED)
{
	struct promql__mem m;
	struct promql_result *r;

	fill(&m);
	r = must_run(&m, "a_total", &over_time);
	assert_int_equal(r->samples_total, 20);
	assert_int_equal(r->samples_peak, 20);
	promql_result_free(r);
	r = must_run(&m, "sum(a_total)", &over_time);
	assert_int_equal(r->samples_total, 20);
	assert_int_equal(r->samples_peak, 20);
	promql_result_free(r);
	promql__mem_release(&m);
}

/* ---- errors of the source ----------------------------------------------------------------------- */

struct broken {
	struct pm_querier q;
	struct pm_series_set set;
	int select_rc, next_rc;
	int open_sets;
};

static struct broken *of_set(struct pm_series_set *set)
{
	return (struct broken *)((char *)set - offsetof(struct broken, set));
}

static int broken_next(struct pm_series_set *set, struct pm_series *ret TEST_UNUSED, struct pm_error *err)
{
	return pm_fail(err, of_set(set)->next_rc, "the disk is on fire");
}

static void broken_free(struct pm_series_set *set)
{
	of_set(set)->open_sets--;
}

static int broken_select(
	struct pm_querier *q, const struct pm_select *sel TEST_UNUSED, struct pm_series_set **ret, struct pm_error *err)
{
	struct broken *b = (struct broken *)q;

	if (b->select_rc < 0)
		return pm_fail(err, b->select_rc, "no such store");
	b->set = (struct pm_series_set){ broken_next, broken_free };
	b->open_sets++;
	*ret = &b->set;
	return 0;
}

static void errors_of_the_source_come_through(void **state TEST_UNUSED)
{
	static const char *const exprs[] = { "x", "rate(x[5m])", "sum(x)", "x + 1", "1 + x", "topk(1, x)", "abs(x)",
		"max_over_time(x[5m:])", "absent(x)", "vector(scalar(x))", "x smoothed", "info(x)", "sort(x)",
		"x[5m]" };
	struct broken b = { .q = { .select = broken_select } };
	struct promql_opts o = { .start_ms = 1000, .end_ms = 1000 };

	for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) {
		struct promql_expr *e;
		struct promql_result *r;
		struct pm_error err = { 0 };

		assert_ok(promql_parse(pm_str(exprs[i]), NULL, &e, &err), &err);
		b.select_rc = PM_ERR_STALE;
		assert_code(promql_query(e, &b.q, &o, &r, &err), PM_ERR_STALE, &err);
		assert_string_equal(err.msg, "no such store");
		b.select_rc = 0;
		b.next_rc = PM_ERR_CORRUPT;
		assert_code(promql_query(e, &b.q, &o, &r, &err), PM_ERR_CORRUPT, &err);
		assert_string_equal(err.msg, "the disk is on fire");
		assert_int_equal(b.open_sets, 0);
		promql_expr_free(e);
	}
}

/* ---- out of memory ------------------------------------------------------------------------------ */

struct fault {
	struct promql__mem m;
	const char *expr;
};

static int query_once(void *arg)
{
	struct fault *f = arg;
	struct promql_result *r;
	struct pm_error err = { 0 };
	int rc = run(&f->m, f->expr, &over_time, &r, &err);

	if (rc == 0)
		promql_result_free(r);
	else
		assert_code(rc, PM_ERR_NOMEM, &err);
	return rc;
}

static void memory_runs_out(void **state TEST_UNUSED)
{
	static const char *const exprs[] = {
		"sum by (l) (rate(a_total[5m])) / on(l) group_left avg by (l) (b_total)",
		"histogram_quantile(0.9, sum(rate(h[5m]))) or avg_over_time(h[3m]) or h smoothed",
		"topk(1, a_total) or quantile(0.5, b_total) or count_values(\"v\", a_total)",
		"label_replace(a_total, \"m\", \"$1\", \"l\", \"(.)\") unless label_join(b_total, \"m\", \",\", \"l\")",
		"max_over_time(rate(a_total[2m])[5m:30s]) and absent(nothing)",
		"quantile_over_time(0.3, gauge[5m]) or predict_linear(gauge[5m], 60) or delta(h[5m] anchored)",
		"info(a_total, {x=~\".*\"}) or h + h or h / 2 or h </ 3 or sum(h) or avg(h)",
	};
	struct fault f;

	fill(&f.m);
	for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) {
		f.expr = exprs[i];
		assert_in_range(test_mem_faults(query_once, &f), 5, 100000);
	}
	promql__mem_release(&f.m);
}

TEST_MAIN(TEST(results_outlive_their_source), TEST(types_of_results), TEST(range_results_are_sorted),
	TEST(options_count), TEST(experiments_can_be_refused), TEST(limits_hold), TEST(samples_are_counted),
	TEST(errors_of_the_source_come_through), TEST(memory_runs_out))
