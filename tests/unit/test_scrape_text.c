/* The text parsers: what they make of each line, and what they refuse, with line, column and reason.
 *
 * A page is rendered as one line of text an item, so that a case is a pair of strings. */
#include "tests/support/test.h"

#include "libscrape/scrape.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/base/num.h"

#include <dirent.h>
#include <math.h>

static void put_labels(struct pm_buf *out, struct pm_labels l)
{
	for (size_t i = 0; i < l.count; i++)
		pm_buf_fmt(out, "%s%.*s=[%.*s]", i ? "," : "", PM_STR_ARG(l.v[i].name), PM_STR_ARG(l.v[i].value));
}

static void put_number(struct pm_buf *out, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];

	pm_buf_add(out, text, pm_double_format_g(text, v));
}

static void put_line(struct pm_buf *out, const struct scrape_line *l)
{
	static const char *const names[] = { "", "HELP", "TYPE", "UNIT", "COMMENT", "EOF" };

	if (l->item != SCRAPE_ITEM_SAMPLE) {
		pm_buf_fmt(out, "%s", names[l->item]);
		if (l->name.len)
			pm_buf_fmt(out, " %.*s [%.*s]", PM_STR_ARG(l->name), PM_STR_ARG(l->value));
		else
			pm_buf_fmt(out, " <%.*s>", PM_STR_ARG(l->text));
		pm_buf_char(out, '\n');
		return;
	}
	put_labels(out, l->labels);
	pm_buf_char(out, ' ');
	put_number(out, l->v);
	if (l->t_ms != PM_NO_TIME)
		pm_buf_fmt(out, " @%lld", (long long)l->t_ms);
	if (l->has_exemplar) {
		pm_buf_cstr(out, " # ");
		put_labels(out, l->exemplar);
		pm_buf_char(out, ' ');
		put_number(out, l->exemplar_v);
		if (l->exemplar_t_ms != PM_NO_TIME)
			pm_buf_fmt(out, " @%lld", (long long)l->exemplar_t_ms);
	}
	pm_buf_char(out, '\n');
}

/* The page is copied to the end of an allocation of its own size, so that sanitizers see a read past it. */
static int render(enum scrape_format format, struct pm_str page, struct pm_buf *out, struct pm_error *err)
{
	char *copy = malloc(page.len ? page.len : 1);
	struct scrape_parser *p = NULL;
	struct scrape_line l;
	int rc;

	memcpy(copy, page.ptr, page.len);
	assert_ok(scrape_parser_new(&p), NULL);
	scrape_parser_begin(p, format, (struct pm_str){ copy, page.len });
	while ((rc = scrape_parser_next(p, &l, err)) > 0)
		put_line(out, &l);
	scrape_parser_free(p);
	free(copy);
	return rc;
}

struct accept {
	struct pm_str page;
	const char *want;
};

struct refuse {
	struct pm_str page;
	int line, column;
	const char *reason;
};

static void check_accept(enum scrape_format format, const struct accept *c)
{
	struct pm_error err = { 0 };
	struct pm_buf out = { 0 };
	int rc = render(format, c->page, &out, &err);

	if (rc || strcmp(out.ptr ? out.ptr : "", c->want))
		fail_msg("%.*s\ngave %d %d:%d %s\n%s\nnot\n%s", PM_STR_ARG(c->page), rc, err.line, err.column, err.msg,
			out.ptr ? out.ptr : "", c->want);
	pm_buf_release(&out);
}

static void check_refuse(enum scrape_format format, const struct refuse *c)
{
	struct pm_error err = { 0 };
	struct pm_buf out = { 0 };
	int rc = render(format, c->page, &out, &err);

	if (rc != PM_ERR_INVALID || err.line != c->line || err.column != c->column || strcmp(err.msg, c->reason))
		fail_msg("%.*s\ngave %d, %d:%d: %s\nnot %d:%d: %s\nafter %s", PM_STR_ARG(c->page), rc, err.line,
			err.column, err.msg, c->line, c->column, c->reason, out.ptr ? out.ptr : "nothing");
	pm_buf_release(&out);
}

#define P(text) PM_STR(text)

/* ---- Prometheus text ---------------------------------------------------------------------------- */

static const struct accept text_accepted[] = {
	{ P(""), "" },
	{ P("\n\n \t\n"), "" },
	{ P("a 1"), "__name__=[a] 1\n" },
	{ P("a 1\n"), "__name__=[a] 1\n" },
	{ P("  a 1\n"), "__name__=[a] 1\n" },
	{ P("a\t1\n"), "__name__=[a] 1\n" },
	{ P("a+1\n"), "__name__=[a] 1\n" },
	{ P("a:b:c 1 1700000000000\n"), "__name__=[a:b:c] 1 @1700000000000\n" },
	{ P("a 33  \t123123\n"), "__name__=[a] 33 @123123\n" },
	{ P("a 1 \n"), "__name__=[a] 1\n" },
	{ P("a 1 2 \t"), "__name__=[a] 1 @2\n" },
	{ P("a 1 9223372036854775807"), "__name__=[a] 1 @9223372036854775807\n" },
	{ P("a{} 1"), "__name__=[a] 1\n" },
	{ P("a{}1"), "__name__=[a] 1\n" },
	{ P("a{b=\"c\"} 1"), "__name__=[a],b=[c] 1\n" },
	{ P("a{b=\"c\",} 1"), "__name__=[a],b=[c] 1\n" },
	{ P("a { b = \"c\" , d = \"e\" , } 1"), "__name__=[a],b=[c],d=[e] 1\n" },
	{ P("a{b=\"c\"d=\"e\" f=\"g\"} 1"), "__name__=[a],b=[c],d=[e],f=[g] 1\n" },
	{ P("a{z=\"1\",Z=\"2\",y=\"3\"} 1"), "Z=[2],__name__=[a],y=[3],z=[1] 1\n" },
	{ P("a{b=\"\"} 1"), "__name__=[a] 1\n" },
	{ P("a{b=\"\\\"\\\\\\n\\x\"} 1"), "__name__=[a],b=[\"\\\n\\x] 1\n" },
	{ P("a{b=\"x\ny\"} 1\nc 2"), "__name__=[a],b=[x\ny] 1\n__name__=[c] 2\n" },
	{ P("a{b=\"}{,=#\"} 1"), "__name__=[a],b=[}{,=#] 1\n" },
	{ P("a{b=\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"} 1"),
		"__name__=[a],b=[\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80] 1\n" },
	{ P("{\"my.metric\",\"l.x\"=\"y\"} 1"), "__name__=[my.metric],l.x=[y] 1\n" },
	{ P("{\"a\"} 1"), "__name__=[a] 1\n" },
	{ P("{\"a\",} 1"), "__name__=[a] 1\n" },
	{ P("{b=\"c\",\"a b\"} 1"), "__name__=[a b],b=[c] 1\n" },
	{ P("{\"q\\\"\\n\\\\\",\"\\\"\"=\"v\"} 1"), "\"=[v],__name__=[q\"\n\\] 1\n" },
};

static void test_text_accept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof text_accepted / sizeof *text_accepted; i++)
		check_accept(SCRAPE_FORMAT_TEXT, &text_accepted[i]);
}

static void test_text_metadata(void **state)
{
	static const struct accept cases[] = {
		{ P("# HELP a A \\\\ b \\n c \\\" \\x\n"), "HELP a [A \\ b \n c \\\" \\x]\n" },
		{ P("# \tTYPE a summary\n"), "TYPE a [summary]\n" },
		{ P("#  HELP\ta\tx"), "HELP a [x]\n" },
		{ P("# HELP a  x "), "HELP a [ x ]\n" },
		{ P("# HELP a"), "HELP a []\n" },
		{ P("# HELP a   \nb 1"), "HELP a []\n__name__=[b] 1\n" },
		{ P("# HELP a \n# TYPE a untyped\n"), "HELP a []\nTYPE a [untyped]\n" },
		{ P("# HELP a{x} y"), "HELP a [x} y]\n" },
		{ P("# HELP \"a.b\" x\n# TYPE \"a.b\" counter\n"), "HELP a.b [x]\nTYPE a.b [counter]\n" },
		{ P("# HELP \"a\\\"b\" x\n"), "HELP a\"b [x]\n" },
		{ P("#\n# x\n#x\n# HELPx\n# Hrandom\n#HELP a b\n# HELP\n"),
			"COMMENT <#>\nCOMMENT <# x>\nCOMMENT <#x>\nCOMMENT <# HELPx>\nCOMMENT <# Hrandom>\nCOMMENT "
			"<#HELP a b>\n"
			"COMMENT <# HELP>\n" },
		{ P("# EOF\na 1"), "COMMENT <# EOF>\n__name__=[a] 1\n" },
		{ P("# TYPE a counter\n# TYPE a gauge\n# TYPE a histogram\n"),
			"TYPE a [counter]\nTYPE a [gauge]\nTYPE a [histogram]\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_accept(SCRAPE_FORMAT_TEXT, &cases[i]);
}

static void test_text_nul(void **state)
{
	struct scrape_parser *p;
	struct scrape_line l;

	(void)state;
	assert_ok(scrape_parser_new(&p), NULL);
	scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, P("a{b=\"x\0y\"} 1\n# HELP a x\0y\n#\0\n"));
	assert_int_equal(scrape_parser_next(p, &l, NULL), 1);
	assert_true(pm_str_eq(pm_labels_get(l.labels, P("b")), P("x\0y")));
	assert_int_equal(scrape_parser_next(p, &l, NULL), 1);
	assert_true(pm_str_eq(l.value, P("x\0y")));
	assert_int_equal(scrape_parser_next(p, &l, NULL), 1);
	assert_true(pm_str_eq(l.text, P("#\0")));
	assert_int_equal(scrape_parser_next(p, &l, NULL), 0);
	scrape_parser_free(p);
}

static void test_text_refuse(void **state)
{
	static const struct refuse cases[] = {
		{ P("a"), 1, 2, "expected a value, got the end of the page" },
		{ P("a\n"), 1, 2, "expected a value, got the end of the line" },
		{ P("a 1\n\nb{c='d'} 1\n"), 3, 5, "expected a label value in double quotes, got '''" },
		{ P("a{b=\n"), 1, 5, "expected a label value in double quotes, got the end of the line" },
		{ P("a{\xff=\"foo\"} 1\n"), 1, 3, "expected a label name or '}', got byte 0xff" },
		{ P("a{b=\"\xff\"} 1\n"), 1, 5, "a label value is not valid UTF-8" },
		{ P("a{b=\"0123456789abcdefghijk\xff\"} 1\n"), 1, 5, "a label value is not valid UTF-8" },
		{ P("a{b=\"x\xc3\",c=\"0123456789abcdefghijk\"} 1\n"), 1, 5, "a label value is not valid UTF-8" },
		{ P("a{b=\"\xed\xa0\x80\"} 1\n"), 1, 5, "a label value is not valid UTF-8" },
		{ P("a true\n"), 1, 3, "\"true\" is not a number" },
		{ P("x{problem=\""), 1, 11, "a label value that does not end" },
		{ P("x{problem=\"\\\n\"} 1"), 1, 11, "a label value that does not end" },
		{ P("x{=\"\"} 0"), 1, 3, "expected a label name or '}', got '='" },
		{ P("a 1_2\n"), 1, 3, "\"1_2\" is not a number" },
		{ P("a 0x1p-3\n"), 1, 3, "\"0x1p-3\" is not a number" },
		{ P("a 0x10\n"), 1, 3, "\"0x10\" is not a number" },
		{ P("a 1e999\n"), 1, 3, "\"1e999\" is out of range for a double" },
		{ P("a 1 1_2\n"), 1, 6, "expected the end of the line after the timestamp, got '_'" },
		{ P("a 1 1.5\n"), 1, 6, "expected the end of the line after the timestamp, got '.'" },
		{ P("a 1 -1\n"), 1, 5, "expected a timestamp or the end of the line, got '-'" },
		{ P("a 1 2 3\n"), 1, 7, "expected the end of the line after the timestamp, got '3'" },
		{ P("a 1 9223372036854775808\n"), 1, 5, "timestamp out of range" },
		{ P("a 1 # {b=\"c\"} 1\n"), 1, 5, "expected a timestamp or the end of the line, got '#'" },
		{ P("{a=\"ok\"} 1"), 1, 1, "no metric name" },
		{ P("{} 1"), 1, 1, "no metric name" },
		{ P("{\"a\",\"b\"} 1"), 1, 6, "a second metric name" },
		{ P("a{\"b\"} 1"), 1, 3, "a second metric name" },
		{ P("{\"a\" b=\"c\"} 1"), 1, 6, "expected '=' after a label name, got 'b'" },
		{ P("{\"\"} 1"), 1, 1, "an empty metric name" },
		{ P("{\"a\",\"\"=\"b\"} 1"), 1, 1, "an empty label name" },
		{ P("{\"\xc3\"} 1"), 1, 2, "a quoted name is not valid UTF-8" },
		{ P("{\"a"), 1, 2, "a quoted name that does not end" },
		{ P("a{b} 1"), 1, 4, "expected '=' after a label name, got '}'" },
		{ P("a{b,c=\"d\"} 1"), 1, 4, "expected '=' after a label name, got ','" },
		{ P("a{,} 1"), 1, 3, "expected a label name or '}', got ','" },
		{ P("a{b=\"c\",,} 1"), 1, 9, "expected a label name or '}', got ','" },
		{ P("a{b:c=\"d\"} 1"), 1, 4, "expected '=' after a label name, got ':'" },
		{ P("a{b=\"c\"\n} 1"), 1, 8, "expected a label name or '}', got the end of the line" },
		{ P("a{1=\"c\"} 1"), 1, 3, "expected a label name or '}', got '1'" },
		{ P("a{b=\"1\",b=\"2\"} 1"), 1, 1, "label name \"b\" is not unique" },
		{ P("a{__name__=\"b\"} 1"), 1, 1, "label name \"__name__\" is not unique" },
		{ P("a{b=\"c\"} {d=\"e\"} 1"), 1, 10, "expected a value, got '{'" },
		{ P("a 1\r\n"), 1, 3, "\"1\r\" is not a number" },
		{ P("1a 1\n"), 1, 1, "expected a metric name, '{' or '#', got '1'" },
		{ P("a 1\n{\"b\nc\"} 1\n.d 1"), 4, 1, "expected a metric name, '{' or '#', got '.'" },
		{ P("a.b 1\n"), 1, 2, "\".b\" is not a number" },
		{ P("a{b=\"c\"}\n"), 1, 9, "expected a value, got the end of the line" },
		{ P("\0"), 1, 1, "expected a metric name, '{' or '#', got byte 0x00" },
		{ P("a{b=\0\"x\"} 1\n"), 1, 5, "expected a label value in double quotes, got byte 0x00" },
		{ P("a\0{b=\"x\"} 1\n"), 1, 2, "expected a value, got byte 0x00" },
		{ P("a 0 1\0"), 1, 6, "expected the end of the line after the timestamp, got byte 0x00" },
		{ P("a 1\0\n"), 1, 4, "expected a timestamp or the end of the line, got byte 0x00" },
		{ P("{\"a\0\"} 1\n"), 1, 2, "a NUL byte in a quoted name" },
		{ P("# TYPE #\n"), 1, 8, "expected a metric name after TYPE, got '#'" },
		{ P("# HELP \n"), 1, 8, "expected a metric name after HELP, got the end of the line" },
		{ P("# TYPE a\n"), 1, 9, "invalid metric type \"\"" },
		{ P("# TYPE a  counter\n"), 1, 10, "invalid metric type \" counter\"" },
		{ P("# TYPE a counter \n"), 1, 10, "invalid metric type \"counter \"" },
		{ P("# TYPE a counter\r\n"), 1, 10, "invalid metric type \"counter\r\"" },
		{ P("# TYPE a unknown\n"), 1, 10, "invalid metric type \"unknown\"" },
		{ P("# HELP a \xff\n"), 1, 10, "the help text is not valid UTF-8" },
		{ P("# TYPE \"a counter\n"), 1, 8, "a quoted name that does not end" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_refuse(SCRAPE_FORMAT_TEXT, &cases[i]);
}

/* Every spelling of a number that upstream's ParseFloat takes, to the bit. */
static void test_text_numbers(void **state)
{
	static const struct {
		const char *text;
		double want;
	} cases[] = {
		{ "0", 0 },
		{ "-0", -0.0 },
		{ "1", 1 },
		{ "+1", 1 },
		{ "-1", -1 },
		{ ".5", .5 },
		{ "5.", 5 },
		{ "-.5e1", -5 },
		{ "1e3", 1e3 },
		{ "1E+3", 1e3 },
		{ "1e-3", 1e-3 },
		{ "000000000000000000000012", 12 },
		{ "12345678", 12345678 },
		{ "123456789012345678", 123456789012345678. },
		{ "9007199254740993", 9007199254740993. },
		{ "18446744073709551615", 18446744073709551615. },
		{ "18446744073709551617", 18446744073709551617. },
		{ "1.8446744073709551617", 1.8446744073709551617 },
		{ "0.1", 0.1 },
		{ "3.14159265358979", 3.14159265358979 },
		{ "0.12345678901234567", 0.12345678901234567 },
		{ "4.9351e-05", 4.9351e-05 },
		{ "1e22", 1e22 },
		{ "1e23", 1e23 },
		{ "1e-22", 1e-22 },
		{ "1e-23", 1e-23 },
		{ "123456789e15", 123456789e15 },
		{ "1e308", 1e308 },
		{ "1.7976931348623157e308", 1.7976931348623157e308 },
		{ "5e-324", 5e-324 },
		{ "1e-400", 0 },
		{ "2.2250738585072014e-308", 2.2250738585072014e-308 },
		{ "0e999", 0 },
		{ "1e0000000003", 1e3 },
		{ "Inf", INFINITY },
		{ "+Inf", INFINITY },
		{ "-inf", -INFINITY },
		{ "infinity", INFINITY },
		{ "-INFINITY", -INFINITY },
	};
	static const char *const nans[] = { "NaN", "nan", "NAN" };
	static const char *const refused[] = { "+nan", "-NaN", "in", "1e", "1e+", "--1", "+-1", ".", "e5", "1.2.3",
		"1,5", "0b1", "1 e5" };
	struct scrape_parser *p;
	struct scrape_line l;
	char page[128];

	(void)state;
	assert_ok(scrape_parser_new(&p), NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(page, sizeof page, "a %s%s", cases[i].text, i & 1 ? "\n" : " 17\n");
		scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, pm_str(page));
		assert_int_equal(scrape_parser_next(p, &l, NULL), 1);
		assert_bits(l.v, cases[i].want);
	}
	for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) {
		snprintf(page, sizeof page, "a %s", nans[i]);
		scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, pm_str(page));
		assert_int_equal(scrape_parser_next(p, &l, NULL), 1);
		assert_int_equal(pm_double_bits(l.v), PM_NORMAL_NAN_BITS);
	}
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		snprintf(page, sizeof page, "a %s", refused[i]);
		scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, pm_str(page));
		assert_int_equal(scrape_parser_next(p, &l, NULL), PM_ERR_INVALID);
	}
	scrape_parser_free(p);
}

/* `le` and `quantile` are written as floats, but only below a TYPE line that says so. */
static void test_text_normalized_labels(void **state)
{
	static const struct accept cases[] = {
		{ P("# TYPE h histogram\nh{le=\"1\"} 1\nh{le=\"+Inf\"} 1\nh{le=\"0.50\"} 1\nh{le=\"1e10\"} "
		    "1\nh{le=\"x\"} 1\nh{quantile=\"1\"} 1"),
			"TYPE h [histogram]\n__name__=[h],le=[1.0] 1\n__name__=[h],le=[+Inf] 1\n__name__=[h],le=[0.5] "
			"1\n"
			"__name__=[h],le=[1e+10] 1\n__name__=[h],le=[x] 1\n__name__=[h],quantile=[1] 1\n" },
		{ P("# TYPE s summary\ns{quantile=\"1\"} 1\ns{quantile=\"0\"} 1\ns{quantile=\"-0\"} 1\ns{le=\"1\"} "
		    "1\n"),
			"TYPE s [summary]\n__name__=[s],quantile=[1.0] 1\n__name__=[s],quantile=[0.0] 1\n"
			"__name__=[s],quantile=[0.0] 1\n__name__=[s],le=[1] 1\n" },
		{ P("h{le=\"1\"} 1\n# TYPE h histogram\n# TYPE g gauge\nh{le=\"1\"} 1"),
			"__name__=[h],le=[1] 1\nTYPE h [histogram]\nTYPE g [gauge]\n__name__=[h],le=[1] 1\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_accept(SCRAPE_FORMAT_TEXT, &cases[i]);
}

/* The short cut for numbers that are written as they must be agrees with reading and writing them. */
static void test_text_normal_numbers(void **state)
{
	struct test_rng rng = test_rng(11);
	struct scrape_parser *p;

	(void)state;
	assert_ok(scrape_parser_new(&p), NULL);
	for (int round = 0; round < 20000; round++) {
		char number[16], page[64], want[PM_DOUBLE_TEXT_MAX];
		size_t len = 1 + test_below(&rng, 9);
		struct scrape_line l;
		double v;

		for (size_t i = 0; i < len; i++)
			number[i] = "0001259.."[test_below(&rng, 9)];
		number[len] = '\0';
		if (pm_double_parse(pm_str(number), &v))
			continue;
		len = pm_double_format_g(want, v);
		snprintf(want + len, 3, "%s", memchr(want, '.', len) || memchr(want, 'e', len) ? "" : ".0");
		snprintf(page, sizeof page, "# TYPE h histogram\nh{le=\"%s\"} 1\n", number);
		scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, pm_str(page));
		assert_int_equal(scrape_parser_next(p, &l, NULL), 1);
		assert_int_equal(scrape_parser_next(p, &l, NULL), 1);
		assert_str(pm_labels_get(l.labels, P("le")), want);
	}
	scrape_parser_free(p);
}

/* What names a line in a layout: name and labels as they stand, without the blanks around them. */
static void test_text_names_the_line(void **state)
{
	static const struct {
		const char *page, *text;
	} cases[] = {
		{ "a 1", "a" },
		{ "  a  1", "a" },
		{ "a{b=\"c\"} 1", "a{b=\"c\"}" },
		{ "a { b=\"c\" }1", "a { b=\"c\" }" },
		{ "{\"x\"}\t1 5\n", "{\"x\"}" },
		{ "# HELP a b\n", "# HELP a b" },
		{ " #x\nb 1", "#x" },
	};
	struct scrape_parser *p;
	struct scrape_line l;

	(void)state;
	assert_ok(scrape_parser_new(&p), NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, pm_str(cases[i].page));
		assert_int_equal(scrape_parser_next(p, &l, NULL), 1);
		assert_str(l.text, cases[i].text);
		assert_int_equal(l.line, 1);
	}
	scrape_parser_free(p);
}

/* Labels without end: refused past a bound, sorted by name below it. */
static void test_text_many_labels(void **state)
{
	struct pm_buf page = { 0 };
	struct scrape_parser *p;
	struct pm_error err = { 0 };
	struct scrape_line l;

	(void)state;
	assert_ok(scrape_parser_new(&p), NULL);
	for (size_t n = 60000; n <= 70000; n += 10000) {
		pm_buf_reset(&page);
		pm_buf_cstr(&page, "a{");
		for (size_t i = 0; i < n; i++)
			pm_buf_fmt(&page, "l%zu=\"%zu\",", (i * 7919) % n, i);
		pm_buf_cstr(&page, "} 1\n");
		scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, pm_buf_view(&page));
		if (n > 65535) {
			assert_int_equal(scrape_parser_next(p, &l, &err), PM_ERR_INVALID);
			assert_contains(err.msg, "more than 65535 labels");
			continue;
		}
		assert_int_equal(scrape_parser_next(p, &l, &err), 1);
		assert_int_equal(l.labels.count, n + 1);
		for (size_t i = 1; i < l.labels.count; i++)
			assert_true(pm_str_cmp(l.labels.v[i - 1].name, l.labels.v[i].name) < 0);
	}
	scrape_parser_free(p);
	pm_buf_release(&page);
}

/* ---- OpenMetrics -------------------------------------------------------------------------------- */

static void test_om_accept(void **state)
{
	static const struct accept cases[] = {
		{ P("# EOF"), "EOF <# EOF>\n" },
		{ P("# EOF\n"), "EOF <# EOF>\n" },
		{ P("# HELP a x \\\" \\n \\\\ \\x\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# UNIT b \n# HELP "
		    "c \n# EOF\n"),
			"HELP a [x \" \n \\ \\x]\nTYPE a_seconds [gauge]\nUNIT a_seconds [seconds]\nUNIT b []\nHELP c "
			"[]\nEOF <# EOF>\n" },
		{ P("# TYPE a counter\n# TYPE b gaugehistogram\n# TYPE c info\n# TYPE d stateset\n# TYPE e unknown\n# "
		    "EOF"),
			"TYPE a [counter]\nTYPE b [gaugehistogram]\nTYPE c [info]\nTYPE d [stateset]\nTYPE e "
			"[unknown]\nEOF <# EOF>\n" },
		{ P("a 33 123.123\nb 1 1520879607.789\nc 1 -1.5\nd 1 1e3\n# EOF\n"),
			"__name__=[a] 33 @123123\n__name__=[b] 1 @1520879607789\n__name__=[c] 1 @-1500\n__name__=[d] 1 "
			"@1000000\nEOF <# EOF>\n" },
		{ P("a{b=\"c\",d=\"e\"} 1\na{b=\"c\",} 2\na{} 3\n# EOF\n"),
			"__name__=[a],b=[c],d=[e] 1\n__name__=[a],b=[c] 2\n__name__=[a] 3\nEOF <# EOF>\n" },
		{ P("a_total 1 # {id=\"x\"} 4\na_total 1 2 # {} 4 5.5\na_total 1 # {b=\"c\",a=\"\\\"\"} NaN\n# EOF\n"),
			"__name__=[a_total] 1 # id=[x] 4\n__name__=[a_total] 1 @2000 #  4 @5500\n__name__=[a_total] 1 "
			"# a=[\"],b=[c] NaN\n"
			"EOF <# EOF>\n" },
		{ P("# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {x=\"# {\"} 0.5\n# EOF\n"),
			"TYPE h [histogram]\n__name__=[h_bucket],le=[1.0] 1 # x=[# {] 0.5\nEOF <# EOF>\n" },
		{ P("# HELP \"go.gc\" x\n{\"go.gc\",q=\"0\"} 1\n{q=\"0\",\"h.s\",a=\"b\"} 2\n# EOF\n"),
			"HELP go.gc [x]\n__name__=[go.gc],q=[0] 1\n__name__=[h.s],a=[b],q=[0] 2\nEOF <# EOF>\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_accept(SCRAPE_FORMAT_OPENMETRICS, &cases[i]);
}

static void test_om_refuse(void **state)
{
	static const struct refuse cases[] = {
		{ P(""), 1, 1, "data does not end with # EOF" },
		{ P("\n"), 1, 1, "expected a metric name, '{' or '#', got the end of the line" },
		{ P("a"), 1, 2, "expected a value after a blank, got the end of the page" },
		{ P("a 1"), 1, 4, "data does not end with # EOF" },
		{ P("a 1\n"), 2, 1, "data does not end with # EOF" },
		{ P("a 1 # {b=\"c\"} 4"), 1, 16, "data does not end with # EOF" },
		{ P(" a 1\n# EOF"), 1, 1, "expected a metric name, '{' or '#', got ' '" },
		{ P("a  1\n# EOF"), 1, 3, "expected a value after a blank, got ' '" },
		{ P("a\t1\n# EOF"), 1, 2, "expected a value after a blank, got byte 0x09" },
		{ P("a 1\t2\n# EOF"), 1, 3, "\"1\t2\" is not a number" },
		{ P("a 1 2 \n# EOF"), 1, 6, "expected the end of the line, got ' '" },
		{ P("a 1 \n# EOF"), 1, 5, "expected a timestamp, got the end of the line" },
		{ P("a 1 2 #\n# EOF"), 1, 6, "expected the end of the line, got ' '" },
		{ P("a 1 1z\n# EOF"), 1, 5, "\"1z\" is not a number" },
		{ P("a 1 1 1\n# EOF"), 1, 6, "expected the end of the line, got ' '" },
		{ P("a 1 NaN\n# EOF"), 1, 5, "a timestamp that is no finite number" },
		{ P("a 1 -Inf\n# EOF"), 1, 5, "a timestamp that is no finite number" },
		{ P("a 1 1e30\n# EOF"), 1, 5, "timestamp out of range" },
		{ P("# EOF\na 1"), 2, 1, "unexpected data after # EOF" },
		{ P("# EOF\n\n"), 2, 1, "unexpected data after # EOF" },
		{ P("# EOFa 1"), 1, 6, "unexpected data after # EOF" },
		{ P("#EOF"), 1, 1, "expected HELP, TYPE, UNIT or EOF after '# '" },
		{ P("# comment\n# EOF"), 1, 1, "expected HELP, TYPE, UNIT or EOF after '# '" },
		{ P("#  TYPE c counter\n# EOF"), 1, 1, "expected HELP, TYPE, UNIT or EOF after '# '" },
		{ P("# TYPE u untyped\n# EOF"), 1, 10, "invalid metric type \"untyped\"" },
		{ P("# TYPE c counter \n# EOF"), 1, 10, "invalid metric type \"counter \"" },
		{ P("# TYPE c  counter\n# EOF"), 1, 10, "invalid metric type \" counter\"" },
		{ P("# TYPE \n# EOF"), 1, 8, "expected a metric name, got the end of the line" },
		{ P("# HELP m\n# EOF"), 1, 9,
			"expected a blank and text after the metric name, got the end of the line" },
		{ P("# HELP m x"), 1, 11, "data does not end with # EOF" },
		{ P("# UNIT metric suffix\n# EOF"), 1, 15, "unit \"suffix\" is not a suffix of metric \"metric\"" },
		{ P("# UNIT metricsuffix suffix\n# EOF"), 1, 21,
			"unit \"suffix\" is not a suffix of metric \"metricsuffix\"" },
		{ P("# UNIT suffix suffix\n# EOF"), 1, 15, "unit \"suffix\" is not a suffix of metric \"suffix\"" },
		{ P("a{b='c'} 1\n# EOF"), 1, 5, "expected a label value in double quotes, got '''" },
		{ P("a{,b=\"c\"} 1\n# EOF"), 1, 3, "expected a label name or '}', got ','" },
		{ P("a{b=\"c\"d=\"e\"} 1\n# EOF"), 1, 8, "expected ',' or '}' after a label, got 'd'" },
		{ P("a{b=\"c\", d=\"e\"} 1\n# EOF"), 1, 9, "expected a label name or '}', got ' '" },
		{ P("a {b=\"c\"} 1\n# EOF"), 1, 3, "\"{b=\"c\"}\" is not a number" },
		{ P("a{b=\"c\nd\"} 1\n# EOF"), 1, 5, "a label value that does not end in its line" },
		{ P("a 1 # {b=c}\n# EOF"), 1, 10, "expected a label value in double quotes, got 'c'" },
		{ P("a 1 # {b=\"c\"}\n# EOF"), 1, 14,
			"expected a value after the exemplar's labels, got the end of the line" },
		{ P("a 1 # {bb} 1\n# EOF"), 1, 10, "expected '=' after a label name, got '}'" },
		{ P("a 1 # {\"bb\"} 1\n# EOF"), 1, 12, "expected '=' after a label name, got '}'" },
		{ P("a 1 # {b=\"c\"} 1_2\n# EOF"), 1, 15, "\"1_2\" is not a number" },
		{ P("a 1 # {b=\"c\"} 4 NaN\n# EOF"), 1, 17, "a timestamp that is no finite number" },
		{ P("a 1 # {b=\"c\"} 4 5 6\n# EOF"), 1, 18, "expected the end of the line, got ' '" },
		{ P("a 1 # {b=\"\xff\"} 4\n# EOF"), 1, 10, "a label value is not valid UTF-8" },
		{ P("{b=\"c\",} 1\n# EOF"), 1, 1, "no metric name" },
		{ P("a{b=\"1\",b=\"2\"} 1\n# EOF"), 1, 1, "label name \"b\" is not unique" },
		{ P("a 1_2\n# EOF"), 1, 3, "\"1_2\" is not a number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_refuse(SCRAPE_FORMAT_OPENMETRICS, &cases[i]);
}

/* Windows into a longer page: no end is asked for, and the last TYPE line holds on. */
static void test_om_part(void **state)
{
	struct scrape_parser *p;
	struct pm_error err = { 0 };
	struct scrape_line l;
	uint64_t hash;

	(void)state;
	assert_ok(scrape_parser_new(&p), NULL);
	scrape_parser_begin(p, SCRAPE_FORMAT_OPENMETRICS_PART, P("# TYPE h histogram\n"));
	assert_int_equal(scrape_parser_next(p, &l, &err), 1);
	assert_int_equal(scrape_parser_next(p, &l, &err), 0);
	scrape_parser_continue(p, P("h_bucket{le=\"5\"} 1\n# EOF\n"));
	assert_int_equal(scrape_parser_next_text(p, &l, &err), 1);
	assert_int_equal(l.labels.count, 0);
	assert_str(l.text, "h_bucket{le=\"5\"}");
	hash = scrape_parser_text_hash(p, l.text);
	assert_ok(scrape_parser_labels(p, &l.labels, &err), &err);
	assert_str(pm_labels_get(l.labels, P("le")), "5.0");
	assert_int_equal(scrape_parser_next(p, &l, &err), 1);
	assert_int_equal(l.item, SCRAPE_ITEM_EOF);
	assert_int_equal(scrape_parser_next(p, &l, &err), 0);
	scrape_parser_begin(p, SCRAPE_FORMAT_OPENMETRICS, P("h_bucket{le=\"5\"} 1\n# EOF\n"));
	assert_int_equal(scrape_parser_next(p, &l, &err), 1);
	assert_str(pm_labels_get(l.labels, P("le")), "5");
	assert_true(scrape_parser_text_hash(p, l.text) != hash);
	scrape_parser_free(p);
}

/* A line whose text is known is read without its labels; the same bytes as a part of other text are not taken for it.
 */
static void test_known_text(void **state)
{
	struct scrape_parser *p;
	struct pm_error err = { 0 };
	struct scrape_line l;
	uint64_t a, ab;

	(void)state;
	assert_ok(scrape_parser_new(&p), NULL);
	scrape_parser_begin(
		p, SCRAPE_FORMAT_TEXT, P("a 1\na{b=\"c\"} 2\na 3 4000\na {b=\"c\"} 5\na x\n# a\na{b=\"c\"}\t6"));
	a = scrape_parser_text_hash(p, P("a"));
	ab = scrape_parser_text_hash(p, P("a{b=\"c\"}"));
	assert_int_equal(scrape_parser_next_known(p, a + 1, 1, &l), 0);
	assert_int_equal(scrape_parser_next_known(p, a, 1, &l), 1);
	assert_bits(l.v, 1);
	assert_int_equal(l.t_ms, PM_NO_TIME);
	assert_int_equal(scrape_parser_next_known(p, a, 1, &l), 0);
	assert_int_equal(scrape_parser_next_known(p, ab, 8, &l), 1);
	assert_bits(l.v, 2);
	assert_int_equal(l.line, 2);
	assert_int_equal(l.item, SCRAPE_ITEM_SAMPLE);
	assert_str(l.text, "a{b=\"c\"}");
	assert_int_equal(scrape_parser_next_known(p, a, 1, &l), 1);
	assert_int_equal(l.t_ms, 4000);
	assert_int_equal(scrape_parser_next_known(p, a, 1, &l), 0);
	assert_int_equal(scrape_parser_next(p, &l, &err), 1);
	assert_str(pm_labels_get(l.labels, P("b")), "c");
	assert_int_equal(l.line, 4);
	assert_int_equal(scrape_parser_next_known(p, a, 1, &l), 0);
	assert_code(scrape_parser_next_text(p, &l, &err), PM_ERR_INVALID, &err);
	assert_int_equal(err.line, 5);
	scrape_parser_continue(p, P("# a\na{b=\"c\"}\t6"));
	assert_int_equal(scrape_parser_next_known(p, ab, 8, &l), 0);
	assert_int_equal(scrape_parser_next_text(p, &l, &err), 1);
	assert_int_equal(scrape_parser_next_known(p, ab, 8, &l), 1);
	assert_bits(l.v, 6);
	assert_int_equal(scrape_parser_next_known(p, ab, 8, &l), 0);
	assert_int_equal(scrape_parser_next_text(p, &l, &err), 0);
	scrape_parser_free(p);
}

/* ---- the public cases --------------------------------------------------------------------------- */

static bool read_case(const char *dir, const char *name, const char *file, struct pm_buf *out)
{
	char path[4096], chunk[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s/%s", dir, name, file);
	f = fopen(path, "rb");
	if (!f)
		return false;
	pm_buf_reset(out);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		pm_buf_add(out, chunk, n);
	fclose(f);
	return true;
}

/* What must parse must parse now. What must not is mostly for the strict checker: only counted, and never zero. */
static void test_om_public_cases(void **state)
{
	const char *dir = test_shared_or_skip("cases/openmetrics/parsers");
	size_t accepted = 0, refused = 0, lenient = 0;
	struct pm_buf page = { 0 }, json = { 0 }, out = { 0 };
	struct dirent *e;
	DIR *d = opendir(dir);

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d))) {
		struct pm_error err = { 0 };
		int rc;

		if (!read_case(dir, e->d_name, "test.json", &json) || !read_case(dir, e->d_name, "metrics", &page))
			continue;
		pm_buf_reset(&out);
		rc = render(SCRAPE_FORMAT_OPENMETRICS, pm_buf_view(&page), &out, &err);
		if (strstr(json.ptr, "\"shouldParse\": true")) {
			if (rc)
				fail_msg("%s: %d:%d: %s", e->d_name, err.line, err.column, err.msg);
			accepted++;
		} else {
			refused += rc != 0;
			lenient += rc == 0;
		}
	}
	closedir(d);
	print_message("openmetrics cases: %zu of %zu agree; %zu that must be refused need the strict checker\n",
		accepted + refused, accepted + refused + lenient, lenient);
	assert_true(accepted >= 20 && refused >= 30);
	pm_buf_release(&page);
	pm_buf_release(&json);
	pm_buf_release(&out);
}

/* ---- writing ------------------------------------------------------------------------------------ */

static void test_write(void **state)
{
	struct pm_label plain[] = { { PM_NAME_LABEL, P("a:b") }, { P("x"), P("q\"\\\n") } };
	struct pm_label odd[] = { { PM_NAME_LABEL, P("a.b") }, { P("x y"), P("1") }, { P("z"), P("2") } };
	struct pm_buf out = { 0 };

	(void)state;
	scrape_write_family(&out, P("a:b"), "counter", P("help \\ \n \""));
	scrape_write_sample(&out, (struct pm_labels){ plain, 2 }, 1.5, PM_NO_TIME);
	scrape_write_sample(&out, (struct pm_labels){ plain, 1 }, INFINITY, 17);
	scrape_write_family(&out, P("a.b"), "gauge", P(""));
	scrape_write_sample(&out, (struct pm_labels){ odd, 3 }, NAN, PM_NO_TIME);
	scrape_write_sample(&out, (struct pm_labels){ odd, 1 }, 1e21, PM_NO_TIME);
	assert_string_equal(out.ptr,
		"# HELP a:b help \\\\ \\n \"\n# TYPE a:b counter\na:b{x=\"q\\\"\\\\\\n\"} 1.5\na:b +Inf 17\n"
		"# TYPE \"a.b\" gauge\n{\"a.b\",\"x y\"=\"1\",z=\"2\"} NaN\n{\"a.b\"} 1e+21\n");
	pm_buf_release(&out);
}

/* What is written reads back the same, whatever bytes names and values have. */
static void test_write_reads_back(void **state)
{
	struct test_rng rng = test_rng(7);
	struct scrape_parser *p;

	(void)state;
	assert_ok(scrape_parser_new(&p), NULL);
	for (int round = 0; round < 2000; round++) {
		char bytes[4][8];
		struct pm_str s[4];
		struct pm_label v[2];
		struct pm_buf out = { 0 };
		struct pm_error err = { 0 };
		struct scrape_line l;

		for (int i = 0; i < 4; i++) {
			s[i] = (struct pm_str){ bytes[i], 1 + test_below(&rng, 7) };
			for (size_t j = 0; j < s[i].len; j++)
				bytes[i][j] = "ab_:.\"\\\n}{,= #1"[test_below(&rng, 15)];
		}
		v[0] = (struct pm_label){ PM_NAME_LABEL, s[0] };
		bytes[1][0] = 'x'; /* sorts behind __name__ */
		v[1] = (struct pm_label){ s[1], s[2] };
		scrape_write_sample(
			&out, (struct pm_labels){ v, 2 }, (double)round / 7, round & 1 ? round : PM_NO_TIME);
		scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, pm_buf_view(&out));
		assert_int_equal(scrape_parser_next(p, &l, &err), 1);
		assert_true(pm_labels_eq(l.labels, (struct pm_labels){ v, 2 }));
		assert_bits(l.v, (double)round / 7);
		assert_int_equal(l.t_ms, round & 1 ? round : PM_NO_TIME);
		assert_int_equal(scrape_parser_next(p, &l, &err), 0);
		pm_buf_release(&out);
	}
	scrape_parser_free(p);
}

TEST_MAIN(TEST(test_text_accept), TEST(test_text_metadata), TEST(test_text_nul), TEST(test_text_refuse),
	TEST(test_text_numbers), TEST(test_text_normalized_labels), TEST(test_text_normal_numbers),
	TEST(test_text_names_the_line), TEST(test_text_many_labels), TEST(test_om_accept), TEST(test_om_refuse),
	TEST(test_om_part), TEST(test_known_text), TEST(test_om_public_cases), TEST(test_write),
	TEST(test_write_reads_back))
