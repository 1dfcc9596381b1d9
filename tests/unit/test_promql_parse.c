/* test_promql_parse.c - what the parser takes and refuses: canonical text of good queries, where and how it
 * complains, limits, matchers, and every allocation failing once. */
#include "tests/support/test.h"

#include "libpromql/parse/ast.h"
#include "libpromql/parse/func.h"

/* ---- good queries ------------------------------------------------------------------------------- */

struct good {
	const char *text, *canonical; /* NULL: printed as it stands */
};

static void check_good(const struct good *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *want = cases[i].canonical ? cases[i].canonical : cases[i].text;
		struct pm_error err = { 0 };
		struct promql_expr *e;
		char *text;

		assert_ok(promql_parse(pm_str(cases[i].text), NULL, &e, &err), &err);
		text = promql_print(e);
		assert_non_null(text);
		assert_str(pm_str(text), want);
		free(text);
		promql_expr_free(e);
	}
}

#define CHECK_GOOD(cases) check_good((cases), sizeof(cases) / sizeof(cases)[0])

static void test_numbers(void **state TEST_UNUSED)
{
	static const struct good cases[] = {
		{ "1", NULL },
		{ "+Inf", NULL },
		{ "-iNf", "-Inf" },
		{ "NAN", "NaN" },
		{ ".5", "0.5" },
		{ "5.", "5" },
		{ "1e3", "1000" },
		{ "2.5E-2", "0.025" },
		{ "0x1F", "31" },
		{ "017", "15" },
		{ "089", "89" },
		{ "1_000_000", "1000000" },
		{ "0x_ff", "255" },
		{ "1_2.3_4", "12.34" },
		{ "9223372036854775808", "9223372036854776000" },
		{ "5m", NULL },
		{ "1h30m", NULL },
		{ "1y2w3d4h5m6s7ms", "382d4h5m6s7ms" },
		{ "1001ms", "1s1ms" },
		{ "-90s", "-1m30s" },
		{ "--+-2", "-2" },
		{ "- 1 ^ 2", "-1 ^ 2" },
		{ "(-1)^2", "(-1) ^ 2" },
	};

	CHECK_GOOD(cases);
}

static void test_strings(void **state TEST_UNUSED)
{
	static const struct good cases[] = {
		{ "\"plain\"", NULL },
		{ "'single \" quoted'", "\"single \\\" quoted\"" },
		{ "`raw \\n`", "\"raw \\\\n\"" },
		{ "`two\nlines`", "\"two\\nlines\"" },
		{ "\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\"", NULL },
		{ "'\\''", "\"'\"" },
		{ "\"\\x41\\101\\u00e9\\U0001F600\"", "\"AA\303\251\360\237\230\200\"" },
		{ "\"\\xff\"", NULL },
		{ "\"\\u0000\\u007f\\u200b\"", "\"\\x00\\x7f\\u200b\"" },
	};

	CHECK_GOOD(cases);
}

static void test_selectors(void **state TEST_UNUSED)
{
	static const struct good cases[] = {
		{ "up", NULL },
		{ "job:rate:5m", NULL },
		{ ":leading", NULL },
		{ "up{}", "up" },
		{ "up { job = 'api' , } ", "up{job=\"api\"}" },
		{ "up{b!=\"1\",a=~\"x|y\",c!~\"z+\"}", "up{a=~\"x|y\",b!=\"1\",c!~\"z+\"}" },
		{ "{__name__=\"up\"}", NULL },
		{ "{\"up\"}", "{__name__=\"up\"}" },
		{ "{\"my.metric\",\"l.x\"=\"y\"}", "{\"l.x\"=\"y\",__name__=\"my.metric\"}" },
		{ "{'a b'=`c`}", "{\"a b\"=\"c\"}" },
		{ "up{\"\"=\"x\"}", "up{\"\"=\"x\"}" },
		{ "{job=~\".+\"}", NULL },
		{ "{a=\"\",b!=\"\"}", NULL },
		{ "up{le=\"\\x00\"}", NULL },
		{ "x # the end", "x" },
		{ "# first\nx{ # inside\na=\"b\"}", "x{a=\"b\"}" },
		{ "sum", NULL },
		{ "sum{by=\"x\"}", NULL },
		{ "offset offset 5m", NULL },
		{ "by + without + start + step + fill + max_of", NULL },
		{ "and and and", NULL },
		{ "topk and fill_left unless anchored", NULL },
	};

	CHECK_GOOD(cases);
}

static void test_modifiers(void **state TEST_UNUSED)
{
	static const struct good cases[] = {
		{ "x[5m]", NULL },
		{ "x[300]", "x[5m]" },
		{ "x[ 1.5 ]", "x[1s500ms]" },
		{ "x{a=\"b\"}[1h1ms]", NULL },
		{ "x offset 1d", NULL },
		{ "x OFFSET -1d", "x offset -1d" },
		{ "x offset 0s", "x" },
		{ "x @ 0", "x @ 0.000" },
		{ "x @ -1.5", "x @ -1.500" },
		{ "x @ 1m", "x @ 60.000" },
		{ "x[5m] @ start() offset 1m", NULL },
		{ "x offset 1m @ end()", "x @ end() offset 1m" },
		{ "x @ start()[5m]", "x[5m] @ start()" },
		{ "x anchored", NULL },
		{ "rate(x[5m] smoothed offset 5m)", NULL },
		{ "x anchored[5m]", "x[5m] anchored" },
		{ "x[5m:]", NULL },
		{ "x[5m:30]", "x[5m:30s]" },
		{ "rate(x[5m])[1h:1m] @ 10 offset -3m", "rate(x[5m])[1h:1m] @ 10.000 offset -3m" },
		{ "(a + b)[5m:1m]", NULL },
		{ "-x offset 1m", NULL },
		{ "max_over_time(max_over_time(x[1m:])[2m:])", NULL },
	};

	CHECK_GOOD(cases);
}

static void test_durations(void **state TEST_UNUSED)
{
	static const struct good cases[] = {
		{ "x[5m+1m]", "x[5m + 1m]" },
		{ "x[(5m)]", "x[5m]" },
		{ "x[step()]", NULL },
		{ "x[ STEP ( ) * 2 ]", "x[step() * 2]" },
		{ "x[2*(step()+range())/3%4]", "x[2 * (step() + range()) / 3 % 4]" },
		{ "x[-1m+2m]", "x[-1m + 2m]" },
		{ "x[2^3^2]", "x[2 ^ 3 ^ 2]" },
		{ "x[(-2)^2]", "x[(-2) ^ 2]" },
		{ "x[-2^2+1h]", "x[-2 ^ 2 + 1h]" },
		{ "x[--step()]", NULL },
		{ "x[min_of(1m,max_of(step(),2))]", "x[min_of(1m, max_of(step(), 2))]" },
		{ "x[1m+step():step()*2]", "x[1m + step():step() * 2]" },
		{ "x[1*5m:]", "x[1 * 5m:]" },
		{ "x[0.0001]", NULL },
		{ "x offset step()", NULL },
		{ "x offset -range()", NULL },
		{ "x offset (5m*2)", "x offset (5m * 2)" },
		{ "x offset -(5m*2)", "x offset -(5m * 2)" },
		{ "x offset (2)^2", "x offset (2 ^ 2)" },
		{ "x offset (step())+2", "x offset (step()) + 2" },
		{ "x offset --step()+2", "x offset --step() + 2" },
		{ "x offset -2^2", "x offset -2s ^ 2" },
		{ "x offset min_of(1m, 2m) * 3", NULL },
		{ "x[5m] offset (1m + 1m) @ 5", "x[5m] @ 5.000 offset (1m + 1m)" },
	};

	CHECK_GOOD(cases);
}

static void test_operators(void **state TEST_UNUSED)
{
	static const struct good cases[] = {
		{ "a+b-c*d/e%f^g", "a + b - c * d / e % f ^ g" },
		{ "a atan2 b and c or d unless e", NULL },
		{ "a==b!=c<d>e<=f>=g", "a == b != c < d > e <= f >= g" },
		{ "1 == bool 2", NULL },
		{ "a </ 5 >/ 6", NULL },
		{ "a + ignoring(x, y) b", "a + ignoring (x, y) b" },
		{ "a + ignoring() b", "a + b" },
		{ "a + on() b", "a + on () b" },
		{ "1 + on() 2", "1 + 2" },
		{ "a * on(x) group_left(y,) b", "a * on (x) group_left (y) b" },
		{ "a * on(x,) group_right b", "a * on (x) group_right () b" },
		{ "a * ignoring() group_left b", "a * ignoring () group_left () b" },
		{ "a > bool on(\"l.x\", by, bool) b", "a > bool on (\"l.x\", by, bool) b" },
		{ "a + fill(0) b", "a + fill (0) b" },
		{ "a + on (x) fill_right(-1) fill_left(2e6) b", "a + on (x) fill_left (2e+06) fill_right (-1) b" },
		{ "a + fill_left(1m) b", "a + fill_left (60) b" },
		{ "fill + fill", NULL },
		{ "-a * b", NULL },
		{ "2 ^ -3 ^ 2", NULL },
		{ "+-a", NULL },
		{ "((a))", NULL },
	};

	CHECK_GOOD(cases);
}

static void test_calls(void **state TEST_UNUSED)
{
	static const struct good cases[] = {
		{ "time ( )", "time()" },
		{ "hour()", NULL },
		{ "hour(x)", NULL },
		{ "round(x,5)", "round(x, 5)" },
		{ "label_join(x, \"a\", \",\", \"b\", \"c\")", NULL },
		{ "label_replace(x, 'a', '$1', 'b', '(.*)')", "label_replace(x, \"a\", \"$1\", \"b\", \"(.*)\")" },
		{ "start() + end() + step() + range()", NULL },
		{ "max_of(1,time())", "max_of(1, time())" },
		{ "info(x, {data=~\".*\"})", NULL },
		{ "info(x, {})", NULL },
		{ "start_timestamp(x)", NULL },
		{ "sum(x)", NULL },
		{ "SUM(x)", "sum(x)" },
		{ "sum by(a,b)(x)", "sum by (a, b) (x)" },
		{ "sum(x) by (a)", "sum by (a) (x)" },
		{ "sum by () (x)", "sum(x)" },
		{ "sum without () (x)", "sum without () (x)" },
		{ "topk(3, x) without (a)", "topk without (a) (3, x)" },
		{ "count_values(\"v\", x)", NULL },
		{ "quantile by (\"a.b\", sum, bool) (0.5, x)", NULL },
		{ "limit_ratio(-0.5, x)", NULL },
	};

	CHECK_GOOD(cases);
}

/* ---- bad queries -------------------------------------------------------------------------------- */

struct bad {
	const char *text;
	int line, column;
	const char *msg; /* behind "LINE:COLUMN: parse error: " */
};

static void check_bad(const struct bad *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pm_error err = { 0 };
		struct promql_expr *e = NULL;
		char want[512];

		snprintf(want, sizeof want, "%d:%d: parse error: %s", cases[i].line, cases[i].column, cases[i].msg);
		assert_code(promql_parse(pm_str(cases[i].text), NULL, &e, &err), PM_ERR_INVALID, &err);
		assert_null(e);
		assert_string_equal(err.msg, want);
		assert_int_equal(err.line, cases[i].line);
		assert_int_equal(err.column, cases[i].column);
	}
}

#define CHECK_BAD(cases) check_bad((cases), sizeof(cases) / sizeof(cases)[0])

static void test_bad_tokens(void **state TEST_UNUSED)
{
	static const struct bad cases[] = {
		{ " ", 1, 1, "no expression found in input" },
		{ "# nothing", 1, 1, "no expression found in input" },
		{ "$x", 1, 1, "unexpected character: '$'" },
		{ "a\n+\n \303\251", 3, 2, "unexpected character: '\303\251'" },
		{ "a =~ b", 1, 3, "unexpected character after '=': '~'" },
		{ "a ! b", 1, 3, "unexpected character after '!': ' '" },
		{ "(a", 1, 3, "unclosed left parenthesis" },
		{ "a)", 1, 3, "unexpected right parenthesis ')'" },
		{ "a]", 1, 2, "unexpected right bracket ']'" },
		{ "a[5m", 1, 5, "unclosed left bracket" },
		{ "a[", 1, 3, "unexpected end of input in duration expression" },
		{ "a[b]", 1, 3, "unexpected character in duration expression: 'b'" },
		{ "a[5m[1m]]", 1, 5, "unexpected left bracket '['" },
		{ "a[5m offset 1m]", 1, 6, "unexpected character: 'o', expected ':'" },
		{ "a[5m:1m:1m]", 1, 8, "unexpected colon ':'" },
		{ "a[:5m]", 1, 4, "unexpected colon before duration in duration expression" },
		{ "a{", 1, 3, "unexpected end of input inside braces" },
		{ "a{{", 1, 3, "unexpected left brace '{'" },
		{ "a{b!c}", 1, 4, "unexpected character after '!' inside braces: 'c'" },
		{ "a{b=\"c\"*}", 1, 8, "unexpected character inside braces: '*'" },
		{ "\"abc", 1, 1, "unterminated quoted string" },
		{ "x + `abc", 1, 5, "unterminated raw string" },
		{ "\"a\\q\"", 1, 1, "unknown escape sequence U+0071 'q'" },
		{ "\"\\xfg\"", 1, 1, "illegal character U+0067 'g' in escape sequence" },
		{ "\"\\400\"", 1, 1, "escape sequence is an invalid Unicode code point" },
		{ "\"\\ud800\"", 1, 1, "escape sequence is an invalid Unicode code point" },
		{ "\"\\x", 1, 1, "escape sequence not terminated" },
		{ "\"\377\"", 1, 1, "invalid UTF-8 rune" },
		{ "5x", 1, 1, "bad number or duration syntax: \"5\"" },
		{ "1e", 1, 1, "bad number or duration syntax: \"1e\"" },
		{ "0x1.8", 1, 1, "bad number or duration syntax: \"0x1.\"" },
		{ "5mx", 1, 1, "bad number or duration syntax: \"5mx\"" },
		{ "1_", 1, 1, "bad number or duration syntax: \"1_\"" },
		{ ".1.2", 1, 1, "error parsing number: strconv.ParseFloat: parsing \".1.2\": invalid syntax" },
		{ "1e999", 1, 1, "error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of range" },
		{ "5m1h", 1, 1, "not a valid duration string: \"5m1h\"" },
		{ "2 + 5hs", 1, 5, "unknown unit \"hs\" in duration \"5hs\"" },
		{ "300y", 1, 1, "duration out of range" },
	};

	CHECK_BAD(cases);
}

static void test_bad_grammar(void **state TEST_UNUSED)
{
	static const struct bad cases[] = {
		{ "a +", 1, 4, "unexpected end of input" },
		{ "a b", 1, 3, "unexpected identifier \"b\"" },
		{ "a b:c", 1, 3, "unexpected metric identifier \"b:c\"" },
		{ "* 2", 1, 1, "unexpected <op:*>" },
		{ "a 1234567890123", 1, 3, "unexpected number \"1234567890\"..." },
		{ "a \"x\"", 1, 3, "unexpected string \"\\\"x\\\"\"" },
		{ "a bool b", 1, 3, "unexpected <bool>" },
		{ "a + + on b", 1, 7, "unexpected <on>" },
		{ "a = b", 1, 3, "unexpected \"=\"" },
		{ "sum sum", 1, 5, "unexpected <aggr:sum>" },
		{ "sum(a b)", 1, 7, "unexpected identifier \"b\" in aggregation" },
		{ "sum(abs(a b))", 1, 11, "unexpected identifier \"b\" in aggregation" },
		{ "abs(a b)", 1, 7, "unexpected identifier \"b\"" },
		{ "sum by a (b)", 1, 8, "unexpected identifier \"a\" in grouping opts, expected \"(\"" },
		{ "sum by (a b) (c)", 1, 11, "unexpected identifier \"b\" in grouping opts, expected \",\" or \")\"" },
		{ "sum by (1) (c)", 1, 9, "unexpected number \"1\" in grouping opts, expected label" },
		{ "sum by (\"\") (c)", 1, 9, "invalid label name for grouping: \"\"" },
		{ "a * on(b) group_left * c", 1, 22, "unexpected <op:*> in grouping opts, expected \"(\"" },
		{ "a * group_left(b) c", 1, 5, "unexpected <group_left>" },
		{ "a{b}", 1, 4, "unexpected \"}\" in label matching, expected label matching operator" },
		{ "a{b=c}", 1, 5, "unexpected identifier \"c\" in label matching, expected string" },
		{ "a{b=\"c\" d=\"e\"}", 1, 9, "unexpected identifier \"d\" in label matching, expected \",\" or \"}\"" },
		{ "a{,}", 1, 3, "unexpected \",\" in label matching, expected identifier or \"}\"" },
		{ "a offset", 1, 9, "unexpected end of input in offset, expected number, duration, step(), or range()" },
		{ "a offset (5m) + b", 1, 17,
			"unexpected identifier \"b\" in offset, expected number, duration, step(), or range()" },
		{ "a @ b", 1, 5, "unexpected identifier \"b\" in @, expected timestamp" },
		{ "a @ start", 1, 10, "unexpected end of input in @, expected timestamp" },
		{ "a[]", 1, 3, "unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()" },
		{ "a[5m 5m]", 1, 6, "unexpected duration \"5m\" in subquery or range, expected \":\" or \"]\"" },
		{ "a[5m:1m 1m]", 1, 9, "unexpected duration \"1m\" in subquery selector, expected \"]\"" },
		{ "a[5m:*]", 1, 6,
			"unexpected <op:*> in subquery selector, expected number, duration, step(), range(), or \"]\"" },
		{ "abs(a,)", 1, 6, "trailing commas not allowed in function call args" },
		{ "nope(a)", 1, 1, "unknown function with name \"nope\"" },
		{ "Start()", 1, 1, "unknown function with name \"Start\"" },
		{ "sum()", 1, 1, "no arguments for aggregate expression provided" },
		{ "sum(a, b)", 1, 1, "wrong number of arguments for aggregate expression provided, expected 1, got 2" },
		{ "topk(a)", 1, 1, "wrong number of arguments for aggregate expression provided, expected 2, got 1" },
		{ "a + fill(b) c", 1, 10, "unexpected identifier \"b\"" },
	};

	CHECK_BAD(cases);
}

static void test_bad_rules(void **state TEST_UNUSED)
{
	static const char only_after[] =
		"must be preceded by an instant vector selector or range vector selector or a subquery";
	char offset_words[256], at_words[256];
	const struct bad cases[] = {
		{ "a[0s]", 1, 3, "duration must be greater than 0" },
		{ "a[5m:-1]", 1, 6, "duration must be greater than 0" },
		{ "a[1m/0]", 1, 5, "division by zero" },
		{ "a[1m%0]", 1, 5, "modulo by zero" },
		{ "a offset inf", 1, 10, "duration out of range" },
		{ "1 offset 5m", 1, 1, offset_words },
		{ "2 + (a) @ 1", 1, 5, at_words },
		{ "a offset 1m offset 2m", 1, 1, "offset may not be set multiple times" },
		{ "a @ 1 @ end()", 1, 1, "@ <timestamp> may not be set multiple times" },
		{ "a @ -inf", 1, 1, "timestamp out of bounds for @ modifier: -Inf" },
		{ "1[5m]", 1, 2, "ranges only allowed for vector selectors" },
		{ "a offset 1m[5m]", 1, 12, "no offset modifiers allowed before range" },
		{ "a @ 1[5m]", 1, 6, "no @ modifiers allowed before range" },
		{ "1 anchored", 1, 1, "anchored modifier not implemented" },
		{ "a[5m:] smoothed", 1, 1, "smoothed modifier is not supported for subqueries" },
		{ "a smoothed anchored", 1, 1, "anchored and smoothed modifiers cannot be used together" },
		{ "a{b=~\"(\"}", 1, 3, "error parsing regexp: missing closing ): `(`" },
		{ "a{b=~\"*\"}", 1, 3, "error parsing regexp: missing argument to repetition operator: `*`" },
		{ "a{b!~\"x[\"}", 1, 3, "error parsing regexp: missing closing ]: `[`" },
		{ "{}", 1, 1, "vector selector must contain at least one non-empty matcher" },
		{ "a + {b=~\".*\",c!~\"d\"}", 1, 5, "vector selector must contain at least one non-empty matcher" },
		{ "a{__name__=\"b\"}", 1, 1, "metric name must not be set twice: \"a\" or \"b\"" },
		{ "rate(a)", 1, 6, "expected type range vector in call to function \"rate\", got instant vector" },
		{ "abs(a[5m])", 1, 5, "expected type instant vector in call to function \"abs\", got range vector" },
		{ "label_join(a, 1, \"\", \"\")", 1, 15, "expected type string in call to function \"label_join\", got scalar" },
		{ "time(1)", 1, 1, "expected 0 argument(s) in call to \"time\", got 1" },
		{ "label_join(a)", 1, 1, "expected at least 3 argument(s) in call to \"label_join\", got 1" },
		{ "hour(a, b)", 1, 1, "expected at most 1 argument(s) in call to \"hour\", got 2" },
		{ "info(a, b)", 1, 9, "expected label selectors only, got vector selector instead" },
		{ "info(a, ({b=\"c\"}))", 1, 9, "expected label selectors only" },
		{ "sum(1)", 1, 5, "expected type instant vector in aggregation expression, got scalar" },
		{ "topk(a, b)", 1, 6, "expected type scalar in aggregation parameter, got instant vector" },
		{ "count_values(1, b)", 1, 14, "expected type string in aggregation parameter, got scalar" },
		{ "1 == 2", 1, 3, "comparisons between scalars must use BOOL modifier" },
		{ "a + bool b", 1, 3, "bool modifier can only be used on comparison operators" },
		{ "a[5m] + b", 1, 1, "binary expression must contain only scalar and instant vector types" },
		{ "a + \"b\"", 1, 5, "binary expression must contain only scalar and instant vector types" },
		{ "a + on(b) group_left(b) c", 1, 3, "label \"b\" must not occur in ON and GROUP clause at once" },
		{ "a + on(b) 1", 1, 1, "vector matching only allowed between instant vectors" },
		{ "1 + fill(1) a", 1, 1, "filling in missing series only allowed between instant vectors" },
		{ "a and 1", 1, 1, "set operator \"and\" not allowed in binary scalar expression" },
		{ "a or on(b) group_left c", 1, 1, "no grouping allowed for \"or\" operation" },
		{ "a unless fill(1) b", 1, 1, "filling in missing series not allowed for set operators" },
		{ "-\"a\"", 1, 1, "unary expression only allowed on expressions of type scalar or instant vector, got \"string\"" },
		{ "1[5m:1m]", 1, 1, "subquery is only allowed on instant vector, got scalar instead" },
	};

	snprintf(offset_words, sizeof offset_words, "offset modifier %s", only_after);
	snprintf(at_words, sizeof at_words, "@ modifier %s", only_after);
	CHECK_BAD(cases);
}

static void test_empty_text(void **state TEST_UNUSED)
{
	struct pm_error err = { 0 };
	struct promql_expr *e;

	assert_code(promql_parse(PM_STR(""), NULL, &e, &err), PM_ERR_INVALID, &err);
	assert_string_equal(err.msg, "unknown position: parse error: no expression found in input");
	assert_code(promql_parse(PM_STR(""), NULL, &e, NULL), PM_ERR_INVALID, NULL);
}

/* ---- the tree ----------------------------------------------------------------------------------- */

static void test_types_and_positions(void **state TEST_UNUSED)
{
	static const struct {
		const char *text;
		enum promql_type type;
		size_t start, end;
	} cases[] = {
		{ "  1 ", PROMQL_SCALAR, 2, 3 },
		{ "- 1", PROMQL_SCALAR, 0, 3 },
		{ " 'a' ", PROMQL_STRING, 1, 4 },
		{ "a{b=\"c\"} ", PROMQL_VECTOR, 0, 8 },
		{ "a[5m] ", PROMQL_MATRIX, 0, 5 },
		{ " a[5m:] offset 5m ", PROMQL_MATRIX, 1, 17 },
		{ "a @ end() ", PROMQL_VECTOR, 0, 9 },
		{ "(a) ", PROMQL_VECTOR, 0, 3 },
		{ "sum(a) by (b) ", PROMQL_VECTOR, 0, 13 },
		{ "1 + time() ", PROMQL_SCALAR, 0, 10 },
		{ "1 + a ", PROMQL_VECTOR, 0, 5 },
		{ "scalar(a) ", PROMQL_SCALAR, 0, 9 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pm_error err = { 0 };
		struct promql_expr *e;

		assert_ok(promql_parse(pm_str(cases[i].text), NULL, &e, &err), &err);
		assert_int_equal(promql_expr_type(e), cases[i].type);
		assert_int_equal(e->root->start, cases[i].start);
		assert_int_equal(e->root->end, cases[i].end);
		assert_str(promql_expr_text(e), cases[i].text);
		promql_expr_free(e);
	}
}

static void test_functions(void **state TEST_UNUSED)
{
	assert_int_equal(PROMQL_FN_COUNT_, 90);
	for (int i = 0; i < PROMQL_FN_COUNT_; i++) {
		const struct promql_func *f = promql__func_get((enum promql_fn)i);

		assert_int_equal(f->id, i);
		assert_ptr_equal(promql__func_find(pm_str(f->name)), f);
	}
	assert_null(promql__func_find(PM_STR("rates")));
	assert_null(promql__func_get(PROMQL_FN_COUNT_));
}

/* ---- matchers ----------------------------------------------------------------------------------- */

static void test_matchers(void **state TEST_UNUSED)
{
	struct promql_matchers m = { 0 };
	struct pm_error err = { 0 };

	assert_ok(promql_parse_matchers(PM_STR("up{job=~\"a|b\", \"x.y\"!='z'}"), &m, &err), &err);
	assert_int_equal(m.count, 3);
	assert_str(m.v[0].name, "job");
	assert_int_equal(m.v[0].type, PM_MATCH_RE);
	assert_str(m.v[0].value, "a|b");
	assert_str(m.v[1].name, "x.y");
	assert_int_equal(m.v[1].type, PM_MATCH_NE);
	assert_str(m.v[2].name, "__name__"); /* last, as upstream has it */
	assert_str(m.v[2].value, "up");
	promql_matchers_free(&m);
	promql_matchers_free(&m);

	assert_ok(promql_parse_matchers(PM_STR("{}"), &m, &err), &err);
	assert_int_equal(m.count, 0);
	promql_matchers_free(&m);

	assert_code(promql_parse_matchers(PM_STR("up offset 5m"), &m, &err), PM_ERR_INVALID, &err);
	assert_string_equal(err.msg, "1:4: parse error: unexpected <offset>");
	assert_code(promql_parse_matchers(PM_STR("(up)"), &m, &err), PM_ERR_INVALID, &err);
	assert_string_equal(err.msg, "1:1: parse error: unexpected \"(\"");
	assert_code(promql_parse_matchers(PM_STR(""), &m, &err), PM_ERR_INVALID, &err);
	assert_string_equal(err.msg, "unknown position: parse error: unexpected end of input");
}

/* ---- limits ------------------------------------------------------------------------------------- */

/* `head`, then `part` so many times, then `tail` as often. */
static char *repeat(const char *part, const char *head, const char *tail, size_t count)
{
	char *text = malloc(count * (strlen(part) + strlen(tail)) + strlen(head) + 1), *at = text;

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		at = mempcpy(at, part, strlen(part));
	at = mempcpy(at, head, strlen(head));
	for (size_t i = 0; i < count; i++)
		at = mempcpy(at, tail, strlen(tail));
	*at = '\0';
	return text;
}

static void check_limit(const char *part, const char *head, const char *tail, size_t fits, size_t too_many)
{
	struct pm_error err = { 0 };
	struct promql_expr *e;
	char *text = repeat(part, head, tail, fits);

	assert_ok(promql_parse(pm_str(text), NULL, &e, &err), &err);
	promql_expr_free(e);
	free(text);
	text = repeat(part, head, tail, too_many);
	assert_code(promql_parse(pm_str(text), NULL, &e, &err), PM_ERR_LIMIT, &err);
	free(text);
}

static void check_duration_limit(void)
{
	struct pm_error err = { 0 };
	struct promql_expr *e;
	char *text = repeat("", "a[1", "+1", 2000);

	assert_code(promql_parse(pm_str(text), NULL, &e, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "duration expression");
	free(text);
	text = repeat("", "a[", "(", 100000);
	assert_code(promql_parse(pm_str(text), NULL, &e, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "nested more than");
	free(text);
}

static void test_limits(void **state TEST_UNUSED)
{
	struct promql_parse_opts opts = { .depth_max = 2, .bytes_max = 9 };
	struct pm_error err = { 0 };
	struct promql_expr *e;

	check_limit("(", "a", ")", 255, 256);
	check_limit("-", "a", "", 255, 100000);
	check_limit("abs(", "a", ")", 255, 256);
	check_limit("1^", "1", "", 255, 256);
	check_limit("", "a", "+a", 1023, 1024); /* leans left: no nesting, but a high tree */
	check_limit("", "a", "[5m:]", 0, 1024);
	check_duration_limit();
	assert_ok(promql_parse(PM_STR("((a))"), &(struct promql_parse_opts){ .depth_max = 3 }, &e, &err), &err);
	promql_expr_free(e);
	assert_code(promql_parse(PM_STR("((a))"), &opts, &e, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "nested more than 2 levels");
	assert_code(promql_parse(PM_STR("aaaaaaaaaa"), &opts, &e, &err), PM_ERR_LIMIT, &err);
	assert_contains(err.msg, "10 bytes");
}

/* ---- no memory ---------------------------------------------------------------------------------- */

static int parse_and_print(void *arg)
{
	struct pm_error err = { 0 };
	struct promql_expr *e;
	char *text, *pretty, *json;
	int rc = promql_parse(pm_str(arg), NULL, &e, &err);

	if (rc < 0)
		return rc;
	text = promql_print(e);
	pretty = promql_prettify(e);
	json = promql_ast_json(e);
	rc = text && pretty && json ? 0 : PM_ERR_NOMEM;
	free(text);
	free(pretty);
	free(json);
	promql_expr_free(e);
	return rc;
}

static int parse_matchers(void *arg)
{
	struct promql_matchers m;
	struct pm_error err = { 0 };
	int rc = promql_parse_matchers(pm_str(arg), &m, &err);

	if (rc == 0)
		promql_matchers_free(&m);
	return rc;
}

static void test_no_memory(void **state TEST_UNUSED)
{
	static const char *const texts[] = {
		"sum by (a, b, c, d, e) (rate(x{b=~\"a.+b|c\",\"q\\u00e9\"=\"\\n\"}[5m + step()] offset -(1m * 2))) / 1_0.5",
		"label_join(a, \"b\", \",\", \"c\", \"d\", \"e\", \"f\", \"g\") and on (x) max_over_time({y=~\"z.?.\"}[5m:1m] @ 5)",
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_true(test_mem_faults(parse_and_print, (void *)(uintptr_t)texts[i]) > 5);
	assert_true(test_mem_faults(parse_matchers, (void *)(uintptr_t) "x{a=~\"b+\",c=\"\\n\",d=\"e\",f=\"g\",h=\"i\"}") > 2);
}

TEST_MAIN(TEST(test_numbers), TEST(test_strings), TEST(test_selectors), TEST(test_modifiers), TEST(test_durations),
	TEST(test_operators), TEST(test_calls), TEST(test_bad_tokens), TEST(test_bad_grammar), TEST(test_bad_rules),
	TEST(test_empty_text), TEST(test_types_and_positions), TEST(test_functions), TEST(test_matchers),
	TEST(test_limits), TEST(test_no_memory))
