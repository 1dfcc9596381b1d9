/* Regular expressions: matching, the patterns that never reach RE2 (equal to RE2 on random patterns), expansion of
 * templates as Go's regexp does it. */
#include "tests/support/test.h"

#include "libtsdb/base/buf.h"
#include "libtsdb/base/re.h"

static struct pm_re *compile(const char *pattern)
{
	struct pm_error err = { 0 };
	struct pm_re *re = NULL;

	assert_ok(pm_re_new(pm_str(pattern), &re, &err), &err);
	return re;
}

static bool matches(const char *pattern, const char *text)
{
	struct pm_re *re = compile(pattern);
	bool answer = pm_re_match(re, pm_str(text));

	pm_re_free(re);
	return answer;
}

static void test_match(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool want;
	} cases[] = { { "", "", true }, { "", "a", false }, { "a", "a", true }, { "a", "ab", false },
		{ "a", "ba", false }, { "a|b", "b", true }, { "a|b", "ab", false }, { "a||b", "", true },
		{ "a.c", "abc", true }, { "a.c", "a\nc", true }, { "a\\.c", "abc", false }, { "a\\.c", "a.c", true },
		{ ".*", "", true }, { ".*", "x\ny", true }, { ".+", "", false }, { ".+", "\n", true },
		{ "a.*", "a", true }, { "a.+", "a", false }, { "a.+", "ab", true }, { ".*b", "ab", true },
		{ ".*b", "ba", false }, { ".+b", "b", false }, { ".+b.+", "bbb", true }, { ".+b.+", "bb", false },
		{ ".+ab.+", "abab", false }, { ".+ab.+", "xabab", true }, { ".*a.*", "xay", true },
		{ ".*a.*", "xy", false }, { "(a|b)", "b", true }, { "(?:a|b.*)", "bcd", true }, { "^a$", "a", true },
		{ "^a|b$", "b", true }, { "^a|b$", "ac", false }, { "(?i)ABC", "abc", true },
		{ "[a-c]+", "abcabc", true }, { "\\d+", "42", true }, { "(a)|(b)", "b", true }, { "é.*", "éa", true },
		{ ".+", "é", true }, { "a{2}", "aa", true }, { "\\Qa.b\\E", "a.b", true }, { "a\\_b", "a_b", true },
		{ "foo-(bar|baz)", "foo-baz", true }, { "a$|$", "", true }, { ".*.*", "x", true },
		{ ".+.+", "é", false }, { ".+.+", "éa", true }, { "(?m)^a$", "a", true }, { "(?m)a$.*", "a\nb", true },
		{ "(?-s).*", "a\nb", false } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (matches(cases[i].pattern, cases[i].text) != cases[i].want)
			fail_msg("/%s/ on \"%s\": not %d", cases[i].pattern, cases[i].text, cases[i].want);
}

/* An empty slice may have no pointer. */
static void test_null_slices(void **state)
{
	struct pm_str none = { NULL, 0 };
	struct pm_buf out = { 0 };
	struct pm_re *empty, *full;

	assert_ok(pm_re_new(none, &empty, NULL), NULL);
	assert_ok(pm_re_new(PM_STR("(a?)"), &full, NULL), NULL);
	assert_true(pm_re_match(empty, none));
	assert_true(pm_re_match(full, none));
	assert_int_equal(pm_re_expand(full, none, PM_STR("<$1>"), &out), 1);
	assert_int_equal(pm_re_expand(empty, none, none, &out), 1);
	assert_str(pm_buf_view(&out), "<>");
	pm_buf_release(&out);
	pm_re_free(empty);
	pm_re_free(full);
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "(", ")", "a)", "(a", "(a|b\\)", "[", "*", "+a", "a**", "\\", "a\\",
		"(?P<n>a)(?P<n>b)", "(?z)a", "\\8", "a{1001}", "x{2}{3}{1000}{1000}", "\xff", "(?<", "|*", "**" };
	struct pm_error err;
	struct pm_re *re;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		err = (struct pm_error){ 0 };
		re = NULL;
		if (pm_re_new(pm_str(bad[i]), &re, &err) != PM_ERR_INVALID)
			fail_msg("/%s/ was compiled", bad[i]);
		assert_null(re);
		assert_contains(err.msg, "invalid regular expression: ");
	}
	pm_re_free(NULL);
}

static void test_literals(void **state)
{
	static const struct {
		const char *pattern, *sorted; /* joined with blanks; NULL: not a set */
	} cases[] = { { "b|a|c|a", "a b c" }, { "(b|a)", "a b" }, { "(?:b|a)", "a b" }, { "a", "a" }, { "", "" },
		{ "a\\.b|\\$", "$ a.b" }, { "^x$|y", "x y" }, { "a.*|b", NULL }, { "a+", NULL }, { "(?i)a", NULL },
		{ "[ab]", NULL }, { "(a)|b", NULL } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pm_re *re = compile(cases[i].pattern);
		const struct pm_str *v = NULL;
		struct pm_buf joined = { 0 };
		size_t count = pm_re_literals(re, &v);

		for (size_t k = 0; k < count; k++)
			pm_buf_fmt(&joined, "%s%.*s", k ? " " : "", PM_STR_ARG(v[k]));
		assert_int_equal(count > 0, cases[i].sorted != NULL);
		if (count)
			assert_str(pm_buf_view(&joined), cases[i].sorted);
		for (size_t k = 0; k < count; k++)
			assert_true(pm_re_match(re, v[k]));
		pm_buf_release(&joined);
		pm_re_free(re);
	}
}

/* A pattern of these parts, many of which are simple. */
static void random_pattern(struct test_rng *rng, char *out, size_t size)
{
	static const char *const parts[] = { "a", "b", "ab", "é", ".*", ".+", "|", "|", "^", "$", "\\.", ".", "\\|",
		"(", ")", "(?:", "a?", "\n", "\\", "_", "\\_", "\\-", "-" };
	struct pm_buf b = { 0 };

	for (size_t n = test_below(rng, 7) + 1; n > 0; n--)
		pm_buf_cstr(&b, parts[test_below(rng, sizeof parts / sizeof parts[0])]);
	snprintf(out, size, "%s", b.ptr);
	pm_buf_release(&b);
}

static void random_text(struct test_rng *rng, char *out, size_t size)
{
	static const char *const parts[] = { "a", "b", "é", ".", "|", "\n", "_", "-", "\\" };
	struct pm_buf b = { 0 };

	pm_buf_cstr(&b, "");
	for (size_t n = test_below(rng, 6); n > 0; n--)
		pm_buf_cstr(&b, parts[test_below(rng, sizeof parts / sizeof parts[0])]);
	snprintf(out, size, "%s", b.ptr);
	pm_buf_release(&b);
}

/* Two groups around a pattern keep it from being simple: what RE2 says is compared with what we say. */
static void test_simple_equals_re2(void **state)
{
	struct test_rng rng = test_rng(1);
	char pattern[64], wrapped[80], text[64];
	int compiled = 0;

	for (int i = 0; i < 8000; i++) {
		struct pm_re *simple = NULL, *full = NULL;
		const struct pm_str *literals;
		int rc;

		random_pattern(&rng, pattern, sizeof pattern);
		snprintf(wrapped, sizeof wrapped, "(?:(?:%s))", pattern);
		rc = pm_re_new(pm_str(pattern), &simple, NULL);
		/* An unbalanced pattern may be balanced by what is wrapped around it, so only one way is checked. */
		if (pm_re_new(pm_str(wrapped), &full, NULL) != 0)
			assert_int_equal(rc, PM_ERR_INVALID);
		for (int k = 0; rc == 0 && full && k < 12; k++) {
			random_text(&rng, text, sizeof text);
			if (pm_re_match(simple, pm_str(text)) != pm_re_match(full, pm_str(text)))
				fail_msg("/%s/ on \"%s\"", pattern, text);
			compiled++;
		}
		if (rc == 0 && full) {
			assert_int_equal(pm_re_literals(full, &literals), 0);
			assert_int_equal(pm_re_group_count(simple), pm_re_group_count(full));
		}
		pm_re_free(simple);
		pm_re_free(full);
	}
	assert_true(compiled > 20000);
}

static const struct {
	const char *pattern, *text, *tmpl, *want; /* NULL: no match */
} expand_cases[] = {
	{ "(.*)", "abc", "$1", "abc" },
	{ "(.*)", "abc", "${1}x", "abcx" },
	{ "(.*)", "abc", "$1x", "" },
	{ "(.*)", "abc", "a$$b$", "a$b$" },
	{ "(.*)", "abc", "$0-$2-$-${-${1-${}", "abc--$-${-${1-${}" },
	{ ".*", "abc", "$0 $1", "abc " },
	{ "(.*)-(.*)", "a-b", "$2-$1", "b-a" },
	{ "(?P<host>[^:]+):(?P<port>\\d+)", "h:80", "${host} $port $host_ $2$1", "h 80  80h" },
	{ "(?P<host>[^:]+):(?P<port>\\d+)", "h:80", "$hosté ${hosté} $1é", "  " },
	{ "(a)|(b)", "b", "[$1][$2]", "[][b]" },
	{ "(a|b)", "b", "[$1]", "[b]" },
	{ "(?:a|b)", "b", "[$1][$0]", "[][b]" },
	{ "(.*)", "abc", "$01 ${01} $00 $0 $10", "   abc " },
	{ "(.*)", "abc", "$1_", "" },
	{ "(.*)", "abc", "$1-", "abc-" },
	{ "(.*)", "", "<$1>", "<>" },
	{ "foo(.*)", "foobar", "$1", "bar" },
	{ "(foo.*)", "foobar", "$1", "foobar" },
	{ "f(?i)OO", "foo", "$0", "foo" },
	{ "(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)", "abcdefghijk", "$11$10$9$1", "kjia" },
	{ "(.*)", "a", "$999999999999", "" },
	{ "(a)", "b", "x", NULL },
	{ "(a).", "b", "x", NULL },
	{ "(.+)", "é", "$1", "é" },
	{ "x(?P<_1>.)", "xy", "$_1 $1 ${_1}", "y y y" },
	{ "(.*)", "a", "$\xc3 $x\xff", "$\xc3 \xff" },
	{ "a", "a", "", "" },
};

static void test_expand(void **state)
{
	for (size_t i = 0; i < sizeof expand_cases / sizeof expand_cases[0]; i++) {
		struct pm_re *re = compile(expand_cases[i].pattern);
		struct pm_buf out = { 0 };
		int rc = pm_re_expand(re, pm_str(expand_cases[i].text), pm_str(expand_cases[i].tmpl), &out);

		assert_int_equal(rc, expand_cases[i].want ? 1 : 0);
		assert_str(pm_buf_view(&out), expand_cases[i].want ? expand_cases[i].want : "");
		pm_buf_release(&out);
		pm_re_free(re);
	}
}

static void test_expand_limits(void **state)
{
	struct pm_re *re = compile("(.*)");
	struct pm_buf out;

	pm_buf_init(&out, 3);
	assert_int_equal(pm_re_expand(re, PM_STR("abcd"), PM_STR("$1"), &out), PM_ERR_LIMIT);
	pm_buf_release(&out);
	pm_re_free(re);
}

static int use_all(void *arg)
{
	static const char *const patterns[] = { "a|b|c", "(x.*)", "(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)" };
	static const char *const texts[] = { "b", "xyz", "abcdefghijk" };
	int rc = 0;

	for (int i = 0; rc == 0 && i < 3; i++) {
		struct pm_buf out = { 0 };
		struct pm_re *re = NULL;

		rc = pm_re_new(pm_str(patterns[i]), &re, NULL);
		if (rc == 0)
			rc = pm_re_expand(re, pm_str(texts[i]), PM_STR("<$0>"), &out);
		assert_true(rc == 1 || rc == PM_ERR_NOMEM);
		rc = rc > 0 ? 0 : rc;
		pm_buf_release(&out);
		pm_re_free(re);
	}
	return rc;
}

static void test_out_of_memory(void **state)
{
	assert_true(test_mem_faults(use_all, NULL) > 10);
}

TEST_MAIN(TEST(test_match), TEST(test_null_slices), TEST(test_refused), TEST(test_literals),
	TEST(test_simple_equals_re2), TEST(test_expand), TEST(test_expand_limits), TEST(test_out_of_memory))
