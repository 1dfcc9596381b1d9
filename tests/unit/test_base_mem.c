/* The allocator's door with its injected failures, arenas, and growing buffers. */
#include "tests/support/test.h"

#include "libtsdb/base/arena.h"
#include "libtsdb/base/buf.h"

#include <pthread.h>

/* ---- mem ---------------------------------------------------------------------------------------- */

static void test_fail_nth(void **state)
{
	void *p[4];

	pm_mem_fail_nth(2);
	p[0] = pm_malloc(1);
	p[1] = pm_calloc(1, 1);
	p[2] = pm_realloc(NULL, 1);
	p[3] = pm_strndup("x", 1);
	assert_non_null(p[0]);
	assert_null(p[1]);
	assert_non_null(p[2]);
	assert_non_null(p[3]);
	assert_int_equal(pm_mem_fail_nth(SIZE_MAX), 4);
	for (int i = 0; i < 4; i++)
		pm_free(p[i]);
	pm_free(pm_malloc(0));
	assert_int_equal(pm_mem_fail_nth(0), 1);
	pm_free(pm_malloc(1));
	assert_int_equal(pm_mem_fail_nth(0), 0);
}

static void *count_failures(void *arg)
{
	size_t *failures = arg;

	for (int i = 0; i < 5000; i++) {
		void *p = pm_malloc(8);

		*failures += p == NULL;
		pm_free(p);
	}
	return NULL;
}

static void test_fail_nth_fails_one_thread(void **state)
{
	size_t failures[4] = { 0 };
	pthread_t threads[4];

	pm_mem_fail_nth(7777);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_failures, &failures[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(pm_mem_fail_nth(0), 20000);
	assert_int_equal(failures[0] + failures[1] + failures[2] + failures[3], 1);
}

static void test_grow(void **state)
{
	uint32_t *v = NULL;
	size_t cap = 0, before;
	void *p;

	assert_int_equal(pm_grow(&v, &cap, 0), 0);
	assert_null(v);
	for (size_t i = 0; i < 1000; i++) {
		before = cap;
		assert_int_equal(pm_grow(&v, &cap, i + 1), 0);
		assert_true(cap > i && (cap == before || cap >= 2 * before));
		v[i] = (uint32_t)i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(v[i], i);
	before = cap;
	p = v;
	assert_int_equal(pm_grow(&v, &cap, SIZE_MAX / 2), PM_ERR_NOMEM);
	/* In 64 bits so many have 4 bytes. */
	assert_int_equal(pm_grow(&v, &cap, SIZE_MAX / 4 + 2), PM_ERR_NOMEM);
	pm_mem_fail_nth(1);
	assert_int_equal(pm_grow(&v, &cap, cap + 1), PM_ERR_NOMEM);
	pm_mem_fail_nth(0);
	assert_ptr_equal(v, p);
	assert_int_equal(cap, before);
	pm_free(v);
}

static void test_strndup(void **state)
{
	char *s = pm_strndup("abcdef", 3), *empty = pm_strndup(NULL, 0);

	assert_string_equal(s, "abc");
	assert_string_equal(empty, "");
	assert_null(pm_strndup("a", SIZE_MAX));
	pm_free(s);
	pm_free(empty);
}

/* ---- arena -------------------------------------------------------------------------------------- */

static void test_arena_allocations(void **state)
{
	struct test_rng rng = test_rng(1);
	struct pm_arena a = { 0 };
	unsigned char *p[2000];
	size_t size[2000];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 2000; i++) {
			size[i] = test_below(&rng, i % 100 ? 200 : 40000);
			p[i] = pm_arena_alloc(&a, size[i]);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			memset(p[i], (int)i, size[i]);
		}
		for (size_t i = 0; i < 2000; i++)
			for (size_t k = 0; k < size[i]; k++)
				assert_int_equal(p[i][k], (unsigned char)i);
		pm_arena_reset(&a);
		assert_int_equal(a.used, 0);
	}
	pm_arena_release(&a);
	pm_arena_release(&a);
}

static void test_arena_zeroed(void **state)
{
	struct pm_arena a;
	char *p;

	pm_arena_init(&a, 0);
	memset(pm_arena_alloc(&a, 100), 0xff, 100);
	pm_arena_reset(&a);
	p = pm_arena_zalloc(&a, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	pm_arena_release(&a);
}

static void test_arena_cap(void **state)
{
	struct pm_arena a;

	pm_arena_init(&a, 160);
	assert_non_null(pm_arena_alloc(&a, 100)); /* 112 */
	assert_null(pm_arena_alloc(&a, 49));      /* 64 */
	assert_true(a.over_cap);
	assert_non_null(pm_arena_alloc(&a, 48));
	assert_int_equal(a.used, 160);
	assert_null(pm_arena_alloc(&a, 0));
	pm_arena_reset(&a);
	assert_false(a.over_cap);
	assert_non_null(pm_arena_alloc(&a, 160));
	pm_arena_release(&a);
	assert_int_equal(a.max, 160);
}

static void test_arena_overflow(void **state)
{
	struct pm_arena a = { 0 };

	assert_null(pm_arena_alloc(&a, SIZE_MAX));
	assert_null(pm_arena_alloc(&a, SIZE_MAX - 40));
	assert_null(pm_arena_array(&a, SIZE_MAX / 4, 8));
	assert_null(pm_arena_str(&a, (struct pm_str){ "", SIZE_MAX }).ptr);
	assert_false(a.over_cap);
	pm_arena_release(&a);
}

static void test_arena_strings(void **state)
{
	struct pm_label v[] = { { PM_STR("a"), PM_STR("1") }, { PM_STR("long name"), PM_STR("") },
		{ { NULL, 0 }, { NULL, 0 } } };
	struct pm_arena a = { 0 };
	struct pm_labels copy;
	struct pm_str s;

	s = pm_arena_str(&a, (struct pm_str){ "abc", 2 });
	assert_str(s, "ab");
	assert_int_equal(s.ptr[2], 0);
	assert_str(pm_arena_str(&a, (struct pm_str){ NULL, 0 }), "");
	assert_string_equal(pm_arena_printf(&a, "%d-%s", 42, "x"), "42-x");
	assert_ok(pm_arena_labels(&a, (struct pm_labels){ v, 3 }, &copy), NULL);
	assert_true(pm_labels_eq(copy, (struct pm_labels){ v, 3 }));
	assert_ptr_not_equal(copy.v[0].name.ptr, v[0].name.ptr);
	pm_arena_release(&a);
}

static int use_arena(void *arg)
{
	struct pm_label v[] = { { PM_STR("a"), PM_STR("1") } };
	struct pm_arena a = { 0 };
	struct pm_labels copy;
	int rc = pm_arena_alloc(&a, 10) && pm_arena_zalloc(&a, 10000) && pm_arena_printf(&a, "%05000d", 1) &&
				 pm_arena_str(&a, PM_STR("x")).ptr
			 ? 0
			 : PM_ERR_NOMEM;

	if (rc == 0)
		rc = pm_arena_labels(&a, (struct pm_labels){ v, 1 }, &copy);
	assert_false(a.over_cap);
	pm_arena_release(&a);
	return rc;
}

/* ---- buf ---------------------------------------------------------------------------------------- */

static void test_buf_appends(void **state)
{
	struct pm_buf b = { 0 };
	char *taken;
	size_t len;

	assert_str(pm_buf_view(&b), "");
	pm_buf_cstr(&b, "a");
	pm_buf_char(&b, 'b');
	pm_buf_str(&b, PM_STR("cd"));
	pm_buf_add(&b, NULL, 0);
	pm_buf_fmt(&b, "%d%%%s", 5, "x");
	assert_str(pm_buf_view(&b), "abcd5%x");
	pm_buf_add(&b, "a longer piece of text", 22);
	assert_str(pm_buf_view(&b), "abcd5%xa longer piece of text");
	pm_buf_reset(&b);
	pm_buf_cstr(&b, "abcd5%x");
	assert_int_equal(b.ptr[b.len], 0);
	assert_ok(pm_buf_reserve(&b, 1000), NULL);
	memset(b.ptr + b.len, 'y', 1000);
	taken = pm_buf_take(&b, &len);
	assert_int_equal(len, 7);
	assert_int_equal(taken[6], 'x');
	assert_null(b.ptr);
	pm_free(taken);
	taken = pm_buf_take(&b, NULL);
	assert_string_equal(taken, "");
	pm_free(taken);
	pm_buf_release(&b);
}

static void test_buf_long(void **state)
{
	struct pm_buf b = { 0 };

	for (int i = 0; i < 5000; i++)
		pm_buf_fmt(&b, "%d,", i % 10);
	assert_int_equal(b.len, 10000);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(b.ptr[i], i % 2 ? ',' : '0' + (int)(i / 2 % 10));
	pm_buf_release(&b);
}

static void test_buf_error_sticks(void **state)
{
	struct pm_buf b;

	pm_buf_init(&b, 5);
	pm_buf_cstr(&b, "12345");
	assert_int_equal(pm_buf_error(&b), 0);
	pm_buf_char(&b, '6');
	assert_int_equal(pm_buf_error(&b), PM_ERR_LIMIT);
	pm_buf_add(&b, "", 0);
	assert_str(pm_buf_view(&b), "12345");
	assert_null(pm_buf_take(&b, NULL));
	pm_buf_reset(&b);
	assert_int_equal(pm_buf_error(&b), 0);
	assert_str(pm_buf_view(&b), "");
	pm_buf_fmt(&b, "%s", "123456");
	assert_int_equal(pm_buf_error(&b), PM_ERR_LIMIT);
	pm_buf_release(&b);
	assert_int_equal(b.max, 5);
	pm_buf_init(&b, 0);
	assert_code(pm_buf_reserve(&b, SIZE_MAX), PM_ERR_NOMEM, NULL);
	pm_buf_release(&b);
}

static int use_buf(void *arg)
{
	struct pm_buf b = { 0 };
	int rc;

	for (int i = 0; i < 100; i++)
		pm_buf_fmt(&b, "%d some text", i);
	rc = pm_buf_error(&b);
	assert_true(rc == PM_ERR_NOMEM || b.len > 1100);
	pm_buf_release(&b);
	return rc;
}

static void test_out_of_memory(void **state)
{
	assert_true(test_mem_faults(use_arena, NULL) > 3);
	assert_true(test_mem_faults(use_buf, NULL) > 3);
}

TEST_MAIN(TEST(test_fail_nth), TEST(test_fail_nth_fails_one_thread), TEST(test_grow), TEST(test_strndup),
	TEST(test_arena_allocations), TEST(test_arena_zeroed), TEST(test_arena_cap), TEST(test_arena_overflow),
	TEST(test_arena_strings), TEST(test_buf_appends), TEST(test_buf_long), TEST(test_buf_error_sticks),
	TEST(test_out_of_memory))
