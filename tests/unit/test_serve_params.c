/* test_serve_params.c - query strings and forms as Go's net/url reads them. */
#include "tests/support/test.h"

#include "cmd/serve/params.h"

/* Decode a string literal; the copy lives until the next call. */
static char text[4096];

static void parse(struct pm_params *p, const char *s)
{
	pm_params_reset(p);
	assert_true(strlen(s) < sizeof text);
	memcpy(text, s, strlen(s) + 1);
	assert_ok(pm_params_parse(p, text, strlen(s)), NULL);
}

static void test_pairs(void **state)
{
	struct pm_params p = { 0 };
	parse(&p, "query=up&time=1&match[]=a&match[]=b&flag&=x");
	assert_int_equal(p.count, 6);
	assert_str(pm_params_get(&p, PM_STR("query")), "up");
	assert_str(pm_params_get(&p, PM_STR("match[]")), "a");
	assert_str(p.v[3].value, "b");
	assert_str(p.v[4].name, "flag");
	assert_str(p.v[4].value, "");
	assert_str(p.v[5].name, "");
	assert_str(p.v[5].value, "x");
	assert_null(pm_params_get(&p, PM_STR("absent")).ptr);
	assert_string_equal(p.error, "");
	pm_params_release(&p);
}

static void test_escapes(void **state)
{
	struct pm_params p = { 0 };
	parse(&p, "a%5B%5d=%7Bx%3D%22y%22%7D+z%2B&e=%00%ff");
	assert_str(p.v[0].name, "a[]");
	assert_str(p.v[0].value, "{x=\"y\"} z+");
	assert_int_equal(p.v[1].value.len, 2);
	assert_memory_equal(p.v[1].value.ptr, "\x00\xff", 2);
	pm_params_release(&p);
}

static void test_empty_pairs_are_nothing(void **state)
{
	struct pm_params p = { 0 };
	parse(&p, "");
	assert_int_equal(p.count, 0);
	parse(&p, "&&a=1&&&");
	assert_int_equal(p.count, 1);
	assert_str(p.v[0].value, "1");
	pm_params_release(&p);
}

static void test_value_keeps_equal_signs(void **state)
{
	struct pm_params p = { 0 };
	parse(&p, "q=a==b=");
	assert_str(p.v[0].value, "a==b=");
	pm_params_release(&p);
}

static void test_broken_pairs_are_left_out_and_told(void **state)
{
	static const struct {
		const char *in, *error;
		size_t count;
	} cases[] = {
		{ "a=%zz&b=1", "invalid URL escape \"%zz\"", 1 },
		{ "a=%z", "invalid URL escape \"%z\"", 0 },
		{ "a=%", "invalid URL escape \"%\"", 0 },
		{ "a=%4", "invalid URL escape \"%4\"", 0 },
		{ "%4=1&b=1", "invalid URL escape \"%4\"", 1 },
		{ "a=1;b=2&c=3", "invalid semicolon separator in query", 1 },
		{ "a=%qq&b;c", "invalid URL escape \"%qq\"", 0 }, /* the first counts */
	};
	struct pm_params p = { 0 };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		parse(&p, cases[i].in);
		assert_string_equal(p.error, cases[i].error);
		assert_int_equal(p.count, cases[i].count);
	}
	pm_params_release(&p);
}

static void test_number_of_pairs_is_bounded(void **state)
{
	struct pm_params p = { 0 };
	size_t len = 2 * (PM_PARAMS_MAX + 1);
	char *many = pm_malloc(len);
	assert_non_null(many);
	for (size_t i = 0; i < len; i += 2)
		memcpy(many + i, "a&", 2);
	assert_ok(pm_params_parse(&p, many, len - 2), NULL);
	assert_int_equal(p.count, PM_PARAMS_MAX);
	pm_params_reset(&p);
	assert_code(pm_params_parse(&p, many, len), PM_ERR_LIMIT, NULL);
	pm_params_release(&p);
	pm_free(many);
}

static void test_decode_path(void **state)
{
	size_t len;
	char ok[] = "a%2Fb+c", bad[] = "ab%2";
	assert_ok(pm_url_decode(ok, strlen(ok), false, &len), NULL);
	assert_str(((struct pm_str){ ok, len }), "a/b+c");
	assert_code(pm_url_decode(bad, strlen(bad), false, &len), PM_ERR_INVALID, NULL);
	assert_int_equal(len, 2);
}

static int parse_under_faults(void *arg)
{
	struct pm_params p = { 0 };
	char in[] = "a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9";
	int rc = pm_params_parse(&p, in, strlen(in));
	if (rc == 0)
		assert_int_equal(p.count, 9);
	pm_params_release(&p);
	return rc;
}

static void test_out_of_memory(void **state)
{
	assert_true(test_mem_faults(parse_under_faults, NULL) > 1);
}

/* Random bytes: never past the end (the sanitizers see to that), pairs inside of the text. */
static void test_random_bytes(void **state)
{
	static const char alphabet[] = "ab=&%+;[]0fF\0\xff";
	struct test_rng rng = test_rng(7);
	struct pm_params p = { 0 };
	for (int run = 0; run < 20000; run++) {
		size_t len = test_below(&rng, 24);
		char *in = pm_malloc(len + 1);
		for (size_t i = 0; i < len; i++)
			in[i] = alphabet[test_below(&rng, sizeof alphabet - 1)];
		pm_params_reset(&p);
		assert_ok(pm_params_parse(&p, in, len), NULL);
		for (size_t i = 0; i < p.count; i++)
			assert_true(p.v[i].name.ptr >= in && p.v[i].name.ptr + p.v[i].name.len <= in + len);
		pm_free(in);
	}
	pm_params_release(&p);
}

TEST_MAIN(TEST(test_pairs), TEST(test_escapes), TEST(test_empty_pairs_are_nothing), TEST(test_value_keeps_equal_signs),
	TEST(test_broken_pairs_are_left_out_and_told), TEST(test_number_of_pairs_is_bounded), TEST(test_decode_path),
	TEST(test_out_of_memory), TEST(test_random_bytes))
