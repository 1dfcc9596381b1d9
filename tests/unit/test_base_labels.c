/* Errors, slices, label sets and hashes: what pm.h declares. Hash values are pinned, as they stand in files. */
#include "tests/support/test.h"

#include "libtsdb/base/hash.h"

#define ARRAY(...)                                                                                                     \
	(struct pm_label[])                                                                                            \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}
#define LABELS(...) ((struct pm_labels){ ARRAY(__VA_ARGS__), sizeof(ARRAY(__VA_ARGS__)) / sizeof(struct pm_label) })
#define L(name, value)                                                                                                 \
	{                                                                                                              \
		PM_STR(name), PM_STR(value)                                                                            \
	}

static void test_fail(void **state)
{
	struct pm_error err = { 0 };
	char text[3000];

	assert_int_equal(pm_fail(NULL, PM_ERR_IO, "x"), PM_ERR_IO);
	assert_int_equal(pm_fail(&err, PM_ERR_LIMIT, "%s %d\n\n", "over", 3), PM_ERR_LIMIT);
	assert_int_equal(err.code, PM_ERR_LIMIT);
	assert_string_equal(err.msg, "over 3");
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	pm_fail(&err, PM_ERR_IO, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
	pm_fail(&err, PM_ERR_IO, "%s", "");
	assert_string_equal(err.msg, "");
}

static void test_strerror(void **state)
{
	for (int code = PM_ERR_NETWORK; code <= PM_OK; code++) {
		assert_string_not_equal(pm_strerror(code), "unknown error");
		for (int other = code + 1; other <= PM_OK; other++)
			assert_string_not_equal(pm_strerror(code), pm_strerror(other));
	}
	assert_string_equal(pm_strerror(-1000), "unknown error");
	assert_string_equal(pm_strerror(1), "unknown error");
}

static void test_str(void **state)
{
	assert_true(pm_str_cmp(PM_STR("a"), PM_STR("b")) < 0);
	assert_true(pm_str_cmp(PM_STR("a"), PM_STR("ab")) < 0);
	assert_true(pm_str_cmp(PM_STR("\xff"), PM_STR("a")) > 0);
	assert_int_equal(pm_str_cmp(PM_STR(""), pm_str(NULL)), 0);
	assert_true(pm_str_eq(PM_STR(""), pm_str(NULL)));
	assert_false(pm_str_eq(PM_STR("a"), PM_STR("b")));
}

/* Each set is smaller than the next. */
static void test_labels_cmp(void **state)
{
	const struct pm_labels sets[] = { { NULL, 0 }, LABELS(L("a", "1")), LABELS(L("a", "1"), L("b", "1")),
		LABELS(L("a", "2")), LABELS(L("b", "0")), LABELS(L("b", "0"), L("c", "0")), LABELS(L("b", "00")),
		LABELS(L("ba", "0")) };
	const int count = sizeof sets / sizeof sets[0];

	for (int i = 0; i < count; i++)
		for (int k = 0; k < count; k++) {
			int c = pm_labels_cmp(sets[i], sets[k]);

			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
			assert_int_equal(pm_labels_eq(sets[i], sets[k]), i == k);
		}
}

static void test_labels_get(void **state)
{
	struct pm_labels l = LABELS(L("__name__", "up"), L("job", "x"));

	assert_str(pm_labels_get(l, PM_NAME_LABEL), "up");
	assert_str(pm_labels_get(l, PM_STR("job")), "x");
	assert_str(pm_labels_get(l, PM_STR("jo")), "");
	assert_non_null(pm_labels_get(l, PM_STR("jo")).ptr);
}

static void test_normalize(void **state)
{
	struct pm_label v[] = { L("z", "1"), L("a", "2"), L("empty", ""), L("m", "3"), L("B", "4") };
	size_t count = 5;

	assert_ok(pm_labels_normalize(v, &count, NULL), NULL);
	assert_true(pm_labels_eq(
		(struct pm_labels){ v, count }, LABELS(L("B", "4"), L("a", "2"), L("m", "3"), L("z", "1"))));
	count = 0;
	assert_ok(pm_labels_normalize(NULL, &count, NULL), NULL);
	assert_int_equal(count, 0);
}

static void test_normalize_refuses_doubles(void **state)
{
	struct pm_label v[] = { L("z", "1"), L("twice", "2"), L("a", "3"), L("twice", "") };
	struct pm_error err = { 0 };
	size_t count = 4;

	assert_code(pm_labels_normalize(v, &count, &err), PM_ERR_INVALID, NULL);
	assert_contains(err.msg, "\"twice\"");
	assert_int_equal(count, 4);
}

/* Both ways of sorting, the short and the long one. */
static void test_normalize_sorts(void **state)
{
	struct test_rng rng = test_rng(1);
	struct pm_label v[300];
	char names[300][24];

	for (size_t n = 1; n <= 300; n += n < 80 ? 1 : 55) {
		size_t count = n;

		for (size_t i = 0; i < n; i++)
			snprintf(names[i], sizeof names[i], "%03zu", i);
		for (size_t i = 0; i < n; i++) {
			size_t k = test_below(&rng, i + 1);

			if (k != i)
				v[i] = v[k];
			v[k] = (struct pm_label){ pm_str(names[i]), PM_STR("x") };
		}
		assert_ok(pm_labels_normalize(v, &count, NULL), NULL);
		assert_int_equal(count, n);
		for (size_t i = 0; i < n; i++)
			assert_ptr_equal(v[i].name.ptr, names[i]);
	}
}

static void test_hash_is_pinned(void **state)
{
	assert_int_equal(pm_hash("", 0), 0x2d06800538d394c2);
	assert_int_equal(pm_hash("up", 2), 0xdd298ff33252f164);
	assert_int_equal(pm_hash_seed("up", 2, 1), 0x3ca59b1cc43ae2bc);
	assert_int_equal(pm_labels_hash((struct pm_labels){ NULL, 0 }), 0x2d06800538d394c2);
	assert_int_equal(pm_labels_hash(LABELS(L("__name__", "up"), L("job", "x"))), 0x0823218b4eabfbf0);
}

static void test_hash_is_unambiguous(void **state)
{
	assert_int_not_equal(pm_labels_hash(LABELS(L("a", "bc"))), pm_labels_hash(LABELS(L("ab", "c"))));
	assert_int_not_equal(pm_labels_hash(LABELS(L("a", "b"), L("c", "d"))), pm_labels_hash(LABELS(L("a", "bcd"))));
	assert_int_not_equal(pm_labels_hash(LABELS(L("a", ""))), pm_labels_hash(LABELS(L("", "a"))));
}

/* A set that is too long for the stack is hashed in pieces, to the same value: both are checked against the bytes. */
static void test_hash_of_long_sets(void **state)
{
	static char value[5000], bytes[5100];

	memset(value, 'v', sizeof value);
	for (size_t len = 0; len <= sizeof value; len += len > 900 && len < 1100 ? 1 : 100) {
		struct pm_labels l = LABELS({ PM_STR("n"), { value, len } });
		char head[] = { 1, 0, 0, 0, 'n', (char)len, (char)(len >> 8), 0, 0 };

		memcpy(bytes, head, sizeof head);
		memcpy(bytes + sizeof head, value, len);
		assert_int_equal(pm_labels_hash(l), pm_hash(bytes, sizeof head + len));
	}
}

static void test_strings_free(void **state)
{
	struct pm_strings s = { 0 };

	pm_strings_free(NULL);
	pm_strings_free(&s);
	s.owner = s.v = pm_malloc(sizeof *s.v);
	s.count = 1;
	pm_strings_free(&s);
	assert_null(s.v);
	assert_int_equal(s.count, 0);
	pm_strings_free(&s);
}

TEST_MAIN(TEST(test_fail), TEST(test_strerror), TEST(test_str), TEST(test_labels_cmp), TEST(test_labels_get),
	TEST(test_normalize), TEST(test_normalize_refuses_doubles), TEST(test_normalize_sorts),
	TEST(test_hash_is_pinned), TEST(test_hash_is_unambiguous), TEST(test_hash_of_long_sets),
	TEST(test_strings_free))
