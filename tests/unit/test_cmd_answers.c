/* Results of queries as JSON, tables and rows, from results made by hand. */
#include "tests/support/test.h"

#include "cmd/api_json.h"
#include "cmd/query_out.h"

#include <math.h>
#include <time.h>

#define L(name, value) { { name, sizeof name - 1 }, { value, sizeof value - 1 } }

static const struct pm_label up_v[] = { L("__name__", "up"), L("instance", "h:1"), L("job", "a<b>&\"c\"\n") };
static const struct pm_label plain_v[] = { L("x", "\xe2\x80\xa8") };
static const struct pm_labels plain = { plain_v, 1 };

static const struct pm_span pos_spans[] = { { 3, 2 }, { 1, 3 } }, neg_spans[] = { { 2, 2 } };
static const double pos[] = { 1, 2, 2, 1, 0 }, neg[] = { 2, 1 };
static const struct pm_histogram hist = { .schema = 2, .zero_threshold = 0.001, .zero_count = 12, .count = 10,
	.sum = 20, .pos_spans = pos_spans, .pos_span_count = 2, .neg_spans = neg_spans, .neg_span_count = 1, .pos = pos,
	.pos_count = 5, .neg = neg, .neg_count = 2 };
#define HIST_JSON \
	"{\"count\":\"10\",\"sum\":\"20\",\"buckets\":[[1,\"-1.6817928305074288\",\"-1.414213562373095\",\"1\"]," \
	"[1,\"-1.414213562373095\",\"-1.189207115002721\",\"2\"],[3,\"-0.001\",\"0.001\",\"12\"]," \
	"[0,\"1.414213562373095\",\"1.6817928305074288\",\"1\"],[0,\"1.6817928305074288\",\"2\",\"2\"]," \
	"[0,\"2.378414230005442\",\"2.82842712474619\",\"2\"],[0,\"2.82842712474619\",\"3.3635856610148576\",\"1\"]]}"

static void check(struct pm_buf *out, const char *want)
{
	assert_int_equal(pm_buf_error(out), 0);
	assert_str(pm_buf_view(out), want);
	pm_buf_release(out);
}

static void check_json(const struct promql_result *r, const char *want)
{
	struct pm_buf out = { 0 };

	pm_api_result(&out, r);
	check(&out, want);
}

static void check_value(double v, const char *want)
{
	struct promql_point p = { 1001, v, NULL };
	struct promql_series s = { plain, &p, 1 };
	struct promql_result r = { .type = PROMQL_VECTOR, .series = &s, .series_count = 1 };
	char text[256];

	snprintf(text, sizeof text,
		"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"x\":\"\xe2\x80\xa8\"},"
		"\"value\":[1.001,\"%s\"]}]}}",
		want);
	check_json(&r, text);
}

static void test_values(void **state)
{
	check_value(0, "0");
	check_value(-0.0, "-0");
	check_value(1234567.8, "1234567.8");
	check_value(1.2345678e-6, "0.0000012345678");
	check_value(1.2345678e-67, "1.2345678e-67");
	check_value(1e21, "1e+21");
	check_value(1e20, "100000000000000000000");
	check_value(NAN, "NaN");
	check_value(INFINITY, "+Inf");
	check_value(-INFINITY, "-Inf");
}

static void test_matrix(void **state)
{
	static const struct promql_point points[] = { { 1000, 1, NULL }, { 1010, 0, &hist }, { 1100, 2.5, NULL } };
	static const struct promql_series s[] = { { { up_v, 3 }, points, 3 }, { { NULL, 0 }, points, 1 } };
	struct promql_result r = { .type = PROMQL_MATRIX, .series = s, .series_count = 2 };

	check_json(&r, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"up\","
		"\"instance\":\"h:1\",\"job\":\"a<b>&\\\"c\\\"\\n\"},\"values\":[[1,\"1\"],[1.100,\"2.5\"]],\"histograms\":[[1.010,"
		HIST_JSON "]]},{\"metric\":{},\"values\":[[1,\"1\"]]}]}}");
	r.series_count = 0;
	check_json(&r, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}");
}

static void test_histogram_vector(void **state)
{
	static const struct promql_point p = { -1, 0, &hist };
	static const struct promql_series s = { { NULL, 0 }, &p, 1 };
	struct promql_result r = { .type = PROMQL_VECTOR, .series = &s, .series_count = 1 };

	check_json(&r, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"histogram\":"
		"[-0.001," HIST_JSON "]}]}}");
}

/* Times of scalars and strings lose their zeros at the end, and values are never in exponent form. */
static void test_scalar_and_string(void **state)
{
	static const struct promql_point p = { 1010, 1e21, NULL };
	static const struct promql_series s = { { NULL, 0 }, &p, 1 };
	struct promql_result r = { .type = PROMQL_SCALAR, .series = &s, .series_count = 1, .t_ms = 1010 };

	check_json(&r, "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1.01,\"1000000000000000000000\"]}}");
	r = (struct promql_result){ .type = PROMQL_STRING, .t_ms = 1435781430780, .string = PM_STR("<\xe2\x80\xa8\xff>") };
	check_json(&r, "{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[1435781430.78,"
		"\"\\u003c\\u2028\\ufffd\\u003e\"]}}");
}

static void test_annotations(void **state)
{
	static const char *const warnings[] = { "a < b", "c" }, *const infos[] = { "i" };
	struct promql_result r = { .type = PROMQL_VECTOR, .warnings = warnings, .warning_count = 2, .infos = infos,
		.info_count = 1 };

	check_json(&r, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]},"
		"\"warnings\":[\"a \\u003c b\",\"c\"],\"infos\":[\"i\"]}");
}

static void test_errors(void **state)
{
	struct pm_buf out = { 0 };

	pm_api_error(&out, "bad_data", "1:1: parse error: \"x\"");
	check(&out, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"1:1: parse error: \\\"x\\\"\"}");
	assert_string_equal(pm_api_error_type(PM_ERR_INVALID), "execution");
	assert_int_equal(pm_api_error_status(PM_ERR_INVALID), 422);
	assert_string_equal(pm_api_error_type(PM_ERR_TIMEOUT), "timeout");
	assert_int_equal(pm_api_error_status(PM_ERR_TIMEOUT), 503);
	assert_string_equal(pm_api_error_type(PM_ERR_CANCELED), "canceled");
	assert_int_equal(pm_api_error_status(PM_ERR_CANCELED), 499);
	assert_string_equal(pm_api_error_type(PM_ERR_IO), "internal");
	assert_int_equal(pm_api_error_status(PM_ERR_IO), 500);
}

/* ---- text --------------------------------------------------------------------------------------- */

static void check_series(const struct pm_label *v, size_t count, const char *want)
{
	struct pm_buf out = { 0 };

	pm_text_series(&out, (struct pm_labels){ v, count });
	check(&out, want);
}

static void test_series_text(void **state)
{
	static const struct pm_label odd[] = { L("__name__", "a.b"), L("x.y", "z") };
	static const struct pm_label rule[] = { L("__name__", "job:up:sum"), L("a:b", "c") };
	static const struct pm_label evil[] = { L("a", "\x1b[2J\r\xff\xe2\x80\xae\xc3\xa9") };

	check_series(up_v, 3, "up{instance=\"h:1\", job=\"a<b>&\\\"c\\\"\\n\"}");
	check_series(up_v, 1, "up");
	check_series(NULL, 0, "{}");
	check_series(up_v + 1, 1, "{instance=\"h:1\"}");
	check_series(odd, 2, "{\"a.b\", \"x.y\"=\"z\"}");
	check_series(odd, 1, "{\"a.b\"}");
	check_series(rule, 2, "job:up:sum{\"a:b\"=\"c\"}");
	check_series(evil, 1, "{a=\"\\x1b[2J\\r\\xff\\u202e\xc3\xa9\"}");
}

static void test_vector_table(void **state)
{
	static const struct promql_point a = { 0, 1, NULL }, b = { 0, 12.5, NULL }, c = { 0, 0, &hist };
	static const struct pm_label wide_v[] = { L("k", "\xc3\xa9") };
	struct promql_series s[] = { { { up_v, 2 }, &a, 1 }, { { wide_v, 1 }, &b, 1 }, { { NULL, 0 }, &c, 1 } };
	struct promql_result r = { .type = PROMQL_VECTOR, .series = s, .series_count = 2 };
	struct pm_buf out = { 0 };

	pm_query_table(&out, &r);
	check(&out, "up{instance=\"h:1\"}     1\n"
		"{k=\"\xc3\xa9\"}             12.5\n");
	r.series = s + 2;
	r.series_count = 1;
	pm_query_table(&out, &r);
	check(&out, "{}  {count:10, sum:20, [-1.6817928305074288,-1.414213562373095):1, "
		"[-1.414213562373095,-1.189207115002721):2, [-0.001,0.001]:12, (1.414213562373095,1.6817928305074288]:1, "
		"(1.6817928305074288,2]:2, (2.378414230005442,2.82842712474619]:2, "
		"(2.82842712474619,3.3635856610148576]:1}\n");
	r.series_count = 0;
	pm_query_table(&out, &r);
	check(&out, "");
}

static void test_matrix_table(void **state)
{
	static const struct promql_point p[] = { { 1785585600000, 1, NULL }, { 1785585660250, 100, NULL },
		{ -1, 3, NULL } };
	struct promql_series s = { { up_v, 2 }, p, 3 };
	struct promql_result r = { .type = PROMQL_MATRIX, .series = &s, .series_count = 1 };
	struct pm_buf out = { 0 };

	setenv("TZ", "Etc/GMT-2", 1);
	tzset();
	pm_query_table(&out, &r);
	check(&out, "up{instance=\"h:1\"}\n"
		"  2026-08-01 14:00:00 +0200        1\n"
		"  2026-08-01 14:01:00.250 +0200  100\n"
		"  1970-01-01 01:59:59.999 +0200    3\n");
}

static void test_rows(void **state)
{
	static const struct promql_point p[] = { { 1785585600000, 1, NULL }, { 1785585660250, INFINITY, NULL } };
	static const struct pm_label other[] = { L("a", "x,\ty") };
	struct promql_series s[] = { { { up_v, 3 }, p, 2 }, { { other, 1 }, p, 1 } };
	struct promql_result r = { .type = PROMQL_MATRIX, .series = s, .series_count = 2 };
	struct pm_buf out = { 0 };

	pm_query_rows(&out, &r, ',');
	check(&out, "timestamp,value,__name__,a,instance,job\n"
		"2026-08-01T12:00:00Z,1,up,,h:1,\"a<b>&\"\"c\"\"\n\"\n"
		"2026-08-01T12:01:00.25Z,+Inf,up,,h:1,\"a<b>&\"\"c\"\"\n\"\n"
		"2026-08-01T12:00:00Z,1,,\"x,\ty\",,\n");
	pm_query_rows(&out, &r, '\t');
	check(&out, "timestamp\tvalue\t__name__\ta\tinstance\tjob\n"
		"2026-08-01T12:00:00Z\t1\tup\t\th:1\ta<b>&\"c\"\\n\n"
		"2026-08-01T12:01:00.25Z\t+Inf\tup\t\th:1\ta<b>&\"c\"\\n\n"
		"2026-08-01T12:00:00Z\t1\t\tx,\\ty\t\t\n");
	r.series_count = 0;
	pm_query_rows(&out, &r, ',');
	check(&out, "timestamp,value\n");
}

static int rows_with_faults(void *arg)
{
	static const struct promql_point p = { 0, 1, NULL };
	struct promql_series s[] = { { { up_v, 3 }, &p, 1 }, { { plain_v, 1 }, &p, 1 } };
	struct promql_result r = { .type = PROMQL_VECTOR, .series = s, .series_count = 2 };
	struct pm_buf out = { 0 };
	int rc;

	if (*(bool *)arg)
		pm_query_rows(&out, &r, ',');
	else
		pm_query_table(&out, &r);
	rc = pm_buf_error(&out);
	pm_buf_release(&out);
	return rc;
}

static void test_no_memory(void **state)
{
	bool rows = true, table = false;

	assert_true(test_mem_faults(rows_with_faults, &rows) > 1);
	assert_true(test_mem_faults(rows_with_faults, &table) > 1);
}

TEST_MAIN(TEST(test_values), TEST(test_matrix), TEST(test_histogram_vector), TEST(test_scalar_and_string),
	TEST(test_annotations), TEST(test_errors), TEST(test_series_text), TEST(test_vector_table),
	TEST(test_matrix_table), TEST(test_rows), TEST(test_no_memory))
