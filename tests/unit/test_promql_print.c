/* test_promql_print.c - what is printed reads back as the same tree: for the shared test scripts and for random
 * queries; Prettify and the tree as JSON. */
#include "tests/support/test.h"

#include "libpromql/promql.h"
#include "libtsdb/base/buf.h"

#include <dirent.h>

static struct promql_expr *parse(const char *text)
{
	struct pm_error err = { 0 };
	struct promql_expr *e = NULL;
	int rc = promql_parse(pm_str(text), NULL, &e, &err);

	if (rc < 0)
		print_error("in: %s\n", text);
	assert_ok(rc, &err);
	return e;
}

/* Print, parse, print: twice the same text. `same_tree`: the JSON of both trees, too (matchers are printed sorted). */
static void check_round_trip(const char *query, bool same_tree)
{
	struct promql_expr *first = parse(query), *second, *third;
	char *text = promql_print(first), *pretty = promql_prettify(first), *again, *flat, *json, *json_again;

	second = parse(text);
	again = promql_print(second);
	assert_string_equal(again, text);
	third = parse(pretty);
	flat = promql_print(third);
	assert_string_equal(flat, text);
	json = promql_ast_json(first);
	json_again = promql_ast_json(second);
	if (same_tree)
		assert_string_equal(json_again, json);
	free(text);
	free(pretty);
	free(again);
	free(flat);
	free(json);
	free(json_again);
	promql_expr_free(first);
	promql_expr_free(second);
	promql_expr_free(third);
}

/* ---- the shared scripts ------------------------------------------------------------------------- */

static char *skip_words(char *s, int count)
{
	for (; count > 0; count--) {
		s += strcspn(s, " \t");
		s += strspn(s, " \t");
	}
	return s;
}

/* The query of a line such as `eval range from 0 to 10s step 5s up`; NULL: another line. */
static char *query_of(char *line)
{
	char *s = line + strspn(line, " \t"), *kind;

	if (strncmp(s, "eval", 4) != 0)
		return NULL;
	s[strcspn(s, "\r\n")] = '\0';
	kind = skip_words(s, 1);
	if (strncmp(kind, "instant at ", 11) == 0)
		return skip_words(kind, 3);
	return strncmp(kind, "range from ", 11) == 0 ? skip_words(kind, 7) : NULL;
}

static bool parses(const char *query)
{
	struct promql_expr *e;

	if (promql_parse(pm_str(query), NULL, &e, NULL) < 0)
		return false;
	promql_expr_free(e);
	return true;
}

/* Whether the lines behind a query, up to the next blank one, say that it fails. */
static bool expects_failure(FILE *f)
{
	char line[4096];
	long at = ftell(f);
	bool fails = false;

	while (fgets(line, sizeof line, f) && (line[0] == ' ' || line[0] == '\t'))
		fails |= strncmp(line + strspn(line, " \t"), "expect fail", 11) == 0;
	fseek(f, at, SEEK_SET);
	return fails;
}

static size_t check_script(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[16384];
	size_t count = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		char *query = query_of(line);
		bool may_fail = query && (strncmp(line, "eval_fail", 9) == 0 || expects_failure(f));

		if (!query || (may_fail && !parses(query)))
			continue;
		check_round_trip(query, false);
		count++;
	}
	fclose(f);
	return count;
}

static void test_scripts(void **state TEST_UNUSED)
{
	const char *dir = test_shared_or_skip("cases/promqltest");
	struct dirent *entry;
	size_t count = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((entry = readdir(d))) {
		char *path = NULL;

		if (!strstr(entry->d_name, ".test"))
			continue;
		assert_true(asprintf(&path, "%s/%s", dir, entry->d_name) > 0);
		count += check_script(path);
		free(path);
	}
	closedir(d);
	assert_true(count > 1000);
}

/* ---- random queries ----------------------------------------------------------------------------- */

struct gen {
	struct test_rng rng;
	struct pm_buf *out;
};

static void gen_vector(struct gen *g, int depth);
static void gen_scalar(struct gen *g, int depth);

static unsigned below(struct gen *g, unsigned bound)
{
	return (unsigned)test_below(&g->rng, bound);
}

#define PICK(g, ...)                                                                                                   \
	(((const char *const[]){                                                                                       \
		__VA_ARGS__ })[below((g), sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))])

static void put(struct gen *g, const char *s)
{
	pm_buf_cstr(g->out, s);
}

/* Blanks and comments where upstream allows them. */
static void gap(struct gen *g)
{
	put(g, PICK(g, "", " ", "", "  ", "\n", "\t", " # x\n"));
}

static void gen_number(struct gen *g)
{
	put(g, PICK(g, "0", "1", "2.5", "1e3", "0x1F", "1h30m", "5m", "10ms", "Inf", "NaN", "1_000", ".25", "1e-7"));
}

static void gen_duration(struct gen *g, int depth)
{
	switch (depth > 0 ? below(g, 8) : 0) {
	case 1:
		put(g, "(");
		gen_duration(g, depth - 1);
		put(g, ")");
		break;
	case 2:
		gen_duration(g, depth - 1);
		put(g, PICK(g, "+", " - ", "*", " ^"));
		gen_duration(g, depth - 1);
		break;
	case 3:
		put(g, PICK(g, "step()", "range()", "STEP()"));
		break;
	case 4:
		put(g, PICK(g, "min_of(", "max_of("));
		gen_duration(g, depth - 1);
		put(g, ", ");
		gen_duration(g, depth - 1);
		put(g, ")");
		break;
	case 5:
		put(g, "1m+-");
		gen_duration(g, depth - 1);
		break;
	default:
		put(g, PICK(g, "5m", "1h", "30", "1.5", "250ms", "1d", "2w", "7"));
	}
}

/* `subquery`: upstream's lexer wants a number before the colon. */
static void gen_range(struct gen *g, int depth, bool subquery)
{
	put(g, PICK(g, "5m", "300", "1h30m", "0.001", "1m+", subquery ? "3*" : "step()*", "2^"));
	if (strchr("+*^", g->out->ptr[g->out->len - 1]))
		gen_duration(g, depth);
}

/* `last`: no operator follows, which would belong to an offset in parentheses. */
static void gen_modifiers(struct gen *g, bool last)
{
	if (below(g, 4) == 0)
		put(g, PICK(g, " @ 10", " @ -1.5", " @ start()", " @ end()", " @ 1m"));
	if (last && below(g, 4) == 0)
		put(g, " offset (");
	else if (below(g, 3) == 0)
		put(g, PICK(g, " offset 5m", " offset -1h", " offset 7", " offset step()", " offset -range()",
			       " offset -(step()+"));
	if (strchr("(+", g->out->ptr[g->out->len - 1])) {
		gen_duration(g, 2);
		put(g, ")");
	}
}

/* Matchers come sorted, as they are printed, so that trees can be compared. */
static void gen_selector(struct gen *g)
{
	bool named = below(g, 5) > 0;

	put(g, named ? PICK(g, "up", "a:b", "sum", "offset", "by", "start", "fill", "and", "smoothed", "x") : "");
	if (named && below(g, 2))
		return;
	put(g, "{");
	gap(g);
	put(g, named ? "" : PICK(g, "__name__=\"n\",", "'q.q',", "__name__=~\"n.+\","));
	put(g, PICK(g, "", "a=\"1\",", "a!='x y',", "a=~\"b|c\","));
	gap(g);
	put(g, PICK(g, "", "job=\"\\n\\xff\"", "sum!~`.*x`,", "job = \"\303\251\" , "));
	put(g, "}");
}

static void gen_matrix(struct gen *g, int depth)
{
	if (depth > 0 && below(g, 3) == 0) {
		put(g, "(");
		gen_vector(g, depth - 1);
		put(g, ")[");
		gen_range(g, 2, true);
		put(g, ":");
		if (below(g, 2))
			gen_range(g, 1, true);
		put(g, "]");
	} else {
		gen_selector(g);
		put(g, "[");
		gen_range(g, 2, false);
		put(g, "]");
		put(g, PICK(g, "", "", " anchored", " smoothed"));
	}
	gen_modifiers(g, true);
}

static void gen_labels(struct gen *g)
{
	put(g, PICK(g, "()", "(a)", " (a, b,)", "(\"l.x\", by)", " ( on )"));
}

static void gen_operand(struct gen *g, int depth)
{
	bool parens = below(g, 2);

	put(g, parens ? "(" : "");
	gen_vector(g, depth);
	put(g, parens ? ")" : "");
}

static void gen_binary(struct gen *g, int depth)
{
	bool set = below(g, 4) == 0, grouped;

	gen_operand(g, depth - 1);
	gap(g);
	put(g, set ? PICK(g, " and ", " or ", " unless ")
		   : PICK(g, "+", "-", "*", "/", "%", "^", " atan2 ", "==", "!=", ">", "<=", "</ ", ">/ ", "> bool ",
			     "== bool "));
	gap(g);
	grouped = below(g, 3) == 0;
	if (grouped) {
		put(g, PICK(g, " on", " ignoring"));
		gen_labels(g);
	}
	if (grouped && !set && below(g, 2)) {
		put(g, PICK(g, " group_left", " group_right"));
		put(g, PICK(g, "()", "(c)", " (c, \"d.d\")"));
	}
	if (!set && below(g, 5) == 0)
		put(g, PICK(g, " fill(1)", " fill_left(-2.5)", " fill_right(1e9)", " fill_left(1) fill_right(2)",
			       " fill (0)"));
	put(g, " ");
	gen_operand(g, depth - 1);
}

static void gen_aggregate(struct gen *g, int depth)
{
	bool before = below(g, 2), param = below(g, 3) == 0;

	put(g, param ? PICK(g, "topk", "bottomk", "quantile", "limitk", "limit_ratio")
		     : PICK(g, "sum", "AVG", "min", "max", "count", "group", "stddev", "stdvar"));
	if (before) {
		put(g, PICK(g, " by", " without"));
		gen_labels(g);
	}
	put(g, "(");
	if (param) {
		gen_scalar(g, depth - 1);
		put(g, ",");
	}
	gen_vector(g, depth - 1);
	put(g, ")");
	if (!before && below(g, 2)) {
		put(g, PICK(g, " by", "without"));
		gen_labels(g);
	}
}

static void gen_over_time(struct gen *g, int depth)
{
	switch (below(g, 3)) {
	case 0:
		put(g, "predict_linear(");
		gen_matrix(g, depth - 1);
		put(g, ", ");
		gen_scalar(g, depth - 1);
		break;
	case 1:
		put(g, "quantile_over_time(");
		gen_scalar(g, depth - 1);
		put(g, ",");
		gen_matrix(g, depth - 1);
		break;
	default:
		put(g, PICK(g, "rate(", "last_over_time(", "absent_over_time("));
		gen_matrix(g, depth - 1);
	}
}

static void gen_call(struct gen *g, int depth)
{
	switch (below(g, 4)) {
	case 0:
		gen_over_time(g, depth);
		break;
	case 1:
		put(g, "label_replace(");
		gen_vector(g, depth - 1);
		put(g, ", 'a', `$1`, \"b\\\"\", '(.*)'");
		break;
	case 2:
		put(g, "clamp(");
		gen_vector(g, depth - 1);
		put(g, ",");
		gen_scalar(g, depth - 1);
		put(g, " , ");
		gen_scalar(g, depth - 1);
		break;
	default:
		put(g, PICK(g, "abs(", "absent(", "sort(", "histogram_sum(", "timestamp("));
		gen_vector(g, depth - 1);
	}
	put(g, ")");
}

static void gen_scalar(struct gen *g, int depth)
{
	switch (depth > 0 ? below(g, 5) : 0) {
	case 1:
		gen_scalar(g, depth - 1);
		put(g, PICK(g, "+", " - ", "*", "^", " atan2 ", "<=bool "));
		gen_scalar(g, depth - 1);
		break;
	case 2:
		put(g, "(");
		gen_scalar(g, depth - 1);
		put(g, ")");
		break;
	case 3:
		put(g, PICK(g, "-", "+", "- -"));
		gen_scalar(g, depth - 1);
		break;
	case 4:
		put(g, PICK(g, "time()", "pi()", "max_of(1, 2)", "scalar(up)", "step()"));
		break;
	default:
		gen_number(g);
	}
}

static void gen_vector(struct gen *g, int depth)
{
	switch (depth > 0 ? below(g, 7) : 0) {
	case 1:
	case 2:
		gen_binary(g, depth);
		break;
	case 3:
		gen_aggregate(g, depth);
		break;
	case 4:
		gen_call(g, depth);
		break;
	case 5:
		put(g, PICK(g, "-", "+", "-(", "("));
		if (g->out->ptr[g->out->len - 1] == '(') {
			gen_vector(g, depth - 1);
			put(g, ")");
		} else {
			gen_vector(g, depth - 1);
		}
		break;
	default:
		gen_selector(g);
		gen_modifiers(g, false);
	}
}

static void test_random(void **state TEST_UNUSED)
{
	struct pm_buf out = { 0 };
	struct gen g = { test_rng(7), &out };

	g.rng.state = test_u64(&g.rng) ^ test_u64(&g.rng); /* seeds side by side give streams of their own */
	for (int i = 0; i < 4000; i++) {
		pm_buf_reset(&out);
		gen_vector(&g, 1 + i % 6);
		assert_int_equal(pm_buf_error(&out), 0);
		check_round_trip(out.ptr, true);
	}
	pm_buf_release(&out);
}

/* Text that would read back as something else. */
static void test_negative_base(void **state TEST_UNUSED)
{
	struct promql_expr *e = parse("a[(-2s) ^ 2]");
	char *text = promql_print(e);

	assert_string_equal(text, "a[(-2s) ^ 2]");
	free(text);
	promql_expr_free(e);
	check_round_trip("a[10s + (-2) ^ 2 * 3] offset ((-1m) ^ 2)", true);
}

/* ---- many lines --------------------------------------------------------------------------------- */

static void test_prettify(void **state TEST_UNUSED)
{
	static const char query[] =
		"sum by (instance) (rate(node_cpu_seconds_total{mode!=\"idle\",instance=~\"a|b\"}[5m])) / on "
		"(instance) "
		"group_left (job) -(count by (instance, job) "
		"(node_cpu_seconds_total{mode=\"idle\",mode=\"idle\",instance=~\"a|b\"}) > bool 12345678901234)";
	static const char want[] =
		"  sum by (instance) (rate(node_cpu_seconds_total{instance=~\"a|b\",mode!=\"idle\"}[5m]))\n"
		"/ on (instance) group_left (job)\n"
		"  -(\n"
		"      count by (instance, job) "
		"(node_cpu_seconds_total{instance=~\"a|b\",mode=\"idle\",mode=\"idle\"})\n"
		"    > bool\n"
		"      12345678901234\n"
		"  )";
	struct promql_expr *e = parse(query);
	char *text = promql_prettify(e);

	assert_string_equal(text, want);
	free(text);
	promql_expr_free(e);
	e = parse("topk by (a) (3, label_replace(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
		  "'bbbbbbbbbbbbb', '$1', 'c', '(.*)'))");
	text = promql_prettify(e);
	assert_string_equal(text,
		"topk by (a) (\n  3,\n"
		"  label_replace(\n"
		"    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,\n    \"bbbbbbbbbbbbb\",\n    \"$1\",\n"
		"    \"c\",\n    \"(.*)\"\n  )\n)");
	free(text);
	promql_expr_free(e);
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static void check_json(const char *query, const char *want)
{
	struct promql_expr *e = parse(query);
	char *json = promql_ast_json(e);

	assert_string_equal(json, want);
	free(json);
	promql_expr_free(e);
}

static void test_json(void **state TEST_UNUSED)
{
	check_json("-(1)", "{\"expr\":{\"expr\":{\"type\":\"numberLiteral\",\"val\":\"1\"},\"type\":\"parenExpr\"},"
			   "\"op\":\"-\",\"type\":\"unaryExpr\"}");
	check_json("'<'", "{\"type\":\"stringLiteral\",\"val\":\"\\u003c\"}");
	check_json("time()",
		"{\"args\":[],\"func\":{\"argTypes\":[],\"name\":\"time\",\"returnType\":\"scalar\",\"variadic\":0},"
		"\"type\":\"call\"}");
	check_json("a{b!=\"c\"} @ 1.5 anchored offset -5m",
		"{\"anchored\":true,\"matchers\":[{\"name\":\"b\",\"type\":\"!=\",\"value\":\"c\"},"
		"{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"a\"}],\"name\":\"a\",\"offset\":-300000,"
		"\"offsetExpr\":null,"
		"\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":1500,\"type\":\"vectorSelector\"}");
	check_json("a[-step()+1m] @ end()",
		"{\"anchored\":false,\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"a\"}],\"name\":"
		"\"a\","
		"\"offset\":0,\"offsetExpr\":null,\"range\":0,\"rangeExpr\":{\"lhs\":{\"lhs\":null,\"op\":\"-\","
		"\"rhs\":"
		"{\"lhs\":null,\"op\":\"step\",\"rhs\":null,\"type\":\"durationExpr\",\"wrapped\":false},"
		"\"type\":\"durationExpr\",\"wrapped\":false},\"op\":\"+\",\"rhs\":{\"duration\":true,\"type\":"
		"\"numberLiteral\","
		"\"val\":\"60\"},\"type\":\"durationExpr\",\"wrapped\":false},\"smoothed\":false,\"startOrEnd\":"
		"\"end\","
		"\"timestamp\":null,\"type\":\"matrixSelector\"}");
	check_json("vector(1)[5m:30s]",
		"{\"expr\":{\"args\":[{\"type\":\"numberLiteral\",\"val\":\"1\"}],\"func\":{\"argTypes\":[\"scalar\"],"
		"\"name\":\"vector\",\"returnType\":\"vector\",\"variadic\":0},\"type\":\"call\"},\"offset\":0,"
		"\"offsetExpr\":null,"
		"\"range\":300000,\"rangeExpr\":null,\"startOrEnd\":null,\"step\":30000,\"stepExpr\":null,"
		"\"timestamp\":null,"
		"\"type\":\"subquery\"}");
	check_json("1 > bool NaN",
		"{\"bool\":true,\"lhs\":{\"type\":\"numberLiteral\",\"val\":\"1\"},\"matching\":null,"
		"\"op\":\"\\u003e\",\"rhs\":{\"type\":\"numberLiteral\",\"val\":\"NaN\"},"
		"\"type\":\"binaryExpr\"}");
}

static void test_json_matching(void **state TEST_UNUSED)
{
	static const char query[] = "vector(1) / on (x) group_left (y, z) fill_right (0.5) sum without (a) (vector(2))";
	static const char vector[] =
		"\"func\":{\"argTypes\":[\"scalar\"],\"name\":\"vector\",\"returnType\":\"vector\",\"variadic\":0},"
		"\"type\":\"call\"}";
	char *want;

	assert_true(asprintf(&want,
			    "{\"bool\":false,\"lhs\":{\"args\":[{\"type\":\"numberLiteral\",\"val\":\"1\"}],%s,"
			    "\"matching\":{\"card\":\"many-to-one\","
			    "\"fillValues\":{\"lhs\":null,\"rhs\":0.5},\"include\":[\"y\",\"z\"],\"labels\":[\"x\"],"
			    "\"on\":true},\"op\":\"/\","
			    "\"rhs\":{\"expr\":{\"args\":[{\"type\":\"numberLiteral\",\"val\":\"2\"}],%s,\"grouping\":["
			    "\"a\"],\"op\":\"sum\","
			    "\"param\":null,\"type\":\"aggregation\",\"without\":true},\"type\":\"binaryExpr\"}",
			    vector, vector) > 0);
	check_json(query, want);
	free(want);
}

TEST_MAIN(TEST(test_scripts), TEST(test_random), TEST(test_negative_base), TEST(test_prettify), TEST(test_json),
	TEST(test_json_matching))
