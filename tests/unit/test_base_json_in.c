/* JSON documents: what is asked of them, and what they are refused for. */
#include "libtsdb/base/json_in.h"

#include "tests/support/test.h"

static void test_values(void **state)
{
	struct pm_error err = { 0 };
	struct pm_json_doc *doc;
	int64_t n = 7;

	assert_ok(pm_json_parse(PM_STR("{\"s\":\"a\\u00e9b\",\"i\":-9007199254740993,\"f\":1.5,\"a\":[\"x\",{\"k\":1}]}"),
			  &doc, &err),
		&err);
	const struct pm_json_value *root = pm_json_root(doc), *list = pm_json_get(root, "a");

	assert_int_equal(pm_json_get_str(root, "s").len, 4);
	assert_int_equal(pm_json_get_int(root, "i", &n), 0);
	assert_int_equal(n, INT64_C(-9007199254740993));
	assert_int_equal(pm_json_get_int(root, "f", &n), PM_ERR_NOTFOUND);
	assert_int_equal(pm_json_count(list), 2);
	assert_str(pm_json_text(pm_json_at(list, 0)), "x");
	assert_int_equal(pm_json_get_int(pm_json_at(list, 1), "k", &n), 0);
	assert_int_equal(n, 1);
	/* What is not there is nothing, however deep. */
	assert_null(pm_json_get(pm_json_at(pm_json_get(root, "none"), 4), "k"));
	assert_int_equal(pm_json_count(root), 0);
	assert_int_equal(pm_json_get_str(list, "s").len, 0);
	assert_int_equal(pm_json_get_int(NULL, "k", &n), PM_ERR_NOTFOUND);
	pm_json_free(doc);
	pm_json_free(NULL);
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "", "{", "{\"a\":1,\"a\":2}", "[1,]", "nul", "{\"a\":1} x", "\"\xff\"" };
	struct pm_json_doc *doc;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct pm_error err = { 0 };

		assert_code(pm_json_parse(pm_str(bad[i]), &doc, &err), PM_ERR_INVALID, &err);
		assert_true(err.line > 0 && err.msg[0]);
	}
	char deep[10000];

	memset(deep, '[', sizeof deep);
	assert_code(pm_json_parse((struct pm_str){ deep, sizeof deep }, &doc, NULL), PM_ERR_INVALID, NULL);
}

static int parse(void *arg)
{
	struct pm_json_doc *doc;
	int rc = pm_json_parse(PM_STR("{\"a\":[1,\"text\",{\"b\":null}]}"), &doc, NULL);

	if (rc == 0)
		pm_json_free(doc);
	return rc;
}

static void test_memory(void **state)
{
	assert_true(test_mem_faults(parse, NULL) > 5);
}

TEST_MAIN(TEST(test_values), TEST(test_refused), TEST(test_memory))
