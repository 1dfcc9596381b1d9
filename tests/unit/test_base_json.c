/* The JSON writer: commas, the two kinds of strings, numbers as the HTTP API prints them. */
#include "tests/support/test.h"

#include "libtsdb/base/json_out.h"

#include <math.h>

static void test_commas(void **state)
{
	struct pm_buf b = { 0 };
	struct pm_json j;

	pm_json_init(&j, &b);
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("a"));
	pm_json_array(&j);
	pm_json_int(&j, 1);
	pm_json_array(&j);
	pm_json_array_end(&j);
	pm_json_object(&j);
	pm_json_object_end(&j);
	pm_json_null(&j);
	pm_json_array_end(&j);
	pm_json_key(&j, PM_STR("b"));
	pm_json_bool(&j, true);
	pm_json_key(&j, PM_STR("c"));
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("d"));
	pm_json_bool(&j, false);
	pm_json_object_end(&j);
	pm_json_key(&j, PM_STR("e"));
	pm_json_raw(&j, PM_STR("[1]"));
	pm_json_object_end(&j);
	assert_str(pm_buf_view(&b), "{\"a\":[1,[],{},null],\"b\":true,\"c\":{\"d\":false},\"e\":[1]}");
	pm_buf_release(&b);
}

static void check_string(struct pm_str s, const char *plain, const char *label)
{
	struct pm_label l = { s, s };
	struct pm_buf b = { 0 }, want = { 0 };
	struct pm_json j;

	pm_json_init(&j, &b);
	pm_json_str(&j, s);
	assert_str(pm_buf_view(&b), plain);
	pm_buf_reset(&b);
	pm_json_init(&j, &b);
	pm_json_labels(&j, (struct pm_labels){ &l, 1 });
	pm_buf_fmt(&want, "{%s:%s}", label, label);
	assert_str(pm_buf_view(&b), want.ptr);
	pm_buf_release(&b);
	pm_buf_release(&want);
}

static void test_strings(void **state)
{
	check_string(PM_STR(""), "\"\"", "\"\"");
	check_string((struct pm_str){ NULL, 0 }, "\"\"", "\"\"");
	check_string(PM_STR("plain \x7f"), "\"plain \x7f\"", "\"plain \x7f\"");
	check_string(PM_STR("a\"b\\c/d'"), "\"a\\\"b\\\\c/d'\"", "\"a\\\"b\\\\c/d'\"");
	check_string(PM_STR("\n\r\t\b\f\v\x1f"), "\"\\n\\r\\t\\u0008\\u000c\\u000b\\u001f\"",
		"\"\\n\\r\\t\\u0008\\u000c\\u000b\\u001f\"");
	check_string(PM_STR("a\0b"), "\"a\\u0000b\"", "\"a\\u0000b\"");
	check_string(PM_STR("<a>&"), "\"\\u003ca\\u003e\\u0026\"", "\"<a>&\"");
	check_string(
		PM_STR("\u2027\u2028\u2029\u202a"), "\"\u2027\\u2028\\u2029\u202a\"", "\"\u2027\u2028\u2029\u202a\"");
	check_string(PM_STR("é€😀\ufffd"), "\"é€😀\ufffd\"", "\"é€😀\ufffd\"");
	check_string(PM_STR("\xffz\xc3"), "\"\\ufffdz\\ufffd\"", "\"\xffz\xc3\"");
	check_string(PM_STR("\xe2\x80"), "\"\\ufffd\\ufffd\"", "\"\xe2\x80\"");
	check_string(PM_STR("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"", "\"\xed\xa0\x80\"");
}

static void test_labels(void **state)
{
	struct pm_label v[] = { { PM_STR("__name__"), PM_STR("up") }, { PM_STR("job"), PM_STR("a b") } };
	struct pm_buf b = { 0 };
	struct pm_json j;

	pm_json_init(&j, &b);
	pm_json_array(&j);
	pm_json_labels(&j, (struct pm_labels){ NULL, 0 });
	pm_json_labels(&j, (struct pm_labels){ v, 2 });
	pm_json_array_end(&j);
	assert_str(pm_buf_view(&b), "[{},{\"__name__\":\"up\",\"job\":\"a b\"}]");
	pm_buf_release(&b);
}

static void test_numbers(void **state)
{
	static const struct {
		double v;
		const char *number, *sample;
	} cases[] = { { 0, "0", "0" }, { -0.0, "-0", "-0" }, { 1.5, "1.5", "1.5" },
		{ 1e20, "100000000000000000000", "100000000000000000000" }, { 1e21, "1e+21", "1e+21" },
		{ -1e21, "-1e+21", "-1e+21" }, { 1e-6, "0.000001", "0.000001" }, { 1e-7, "1e-7", "1e-07" },
		{ 1.25e-9, "1.25e-9", "1.25e-09" }, { -9.5e-7, "-9.5e-7", "-9.5e-07" }, { 1e-10, "1e-10", "1e-10" },
		{ 1e-100, "1e-100", "1e-100" }, { 123456789.125, "123456789.125", "123456789.125" } };
	struct pm_buf b = { 0 }, want = { 0 };
	struct pm_json j;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		pm_buf_reset(&b);
		pm_json_init(&j, &b);
		pm_json_double(&j, cases[i].v);
		pm_json_sample_value(&j, cases[i].v);
		pm_buf_reset(&want);
		pm_buf_fmt(&want, "%s,\"%s\"", cases[i].number, cases[i].sample);
		assert_str(pm_buf_view(&b), want.ptr);
	}
	pm_buf_release(&b);
	pm_buf_release(&want);
}

static void test_other_numbers(void **state)
{
	struct pm_buf b = { 0 };
	struct pm_json j;

	pm_json_init(&j, &b);
	pm_json_sample_value(&j, (double)NAN);
	pm_json_sample_value(&j, (double)INFINITY);
	pm_json_sample_value(&j, -(double)INFINITY);
	pm_json_int(&j, INT64_MIN);
	pm_json_int(&j, 0);
	pm_json_uint(&j, UINT64_MAX);
	pm_json_time(&j, 1435781430781);
	pm_json_time(&j, 1435781430000);
	pm_json_time(&j, -5);
	assert_str(pm_buf_view(&b), "\"NaN\",\"+Inf\",\"-Inf\",-9223372036854775808,0,18446744073709551615,1435781430."
				    "781,1435781430,-0.005");
	pm_buf_release(&b);
}

TEST_MAIN(TEST(test_commas), TEST(test_strings), TEST(test_labels), TEST(test_numbers), TEST(test_other_numbers))
