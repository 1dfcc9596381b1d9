/* cmocka.h - as much of cmocka as the tests of columns use, for a machine that is only emulated and has no such
 * library. A failed check ends the program. */
#ifndef PM_PLAIN_CMOCKA_H
#define PM_PLAIN_CMOCKA_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*fn)(void **state);
};

#define cmocka_unit_test(f)                                                                                            \
	{                                                                                                              \
#f, f                                                                                                  \
	}
#define print_message printf
#define print_error printf

static inline void _fail(const char *file, int line)
{
	printf("%s:%d: failed\n[  FAILED  ] 1 test(s)\n", file, line);
	exit(1);
}

#define skip() exit(0)
#define fail_msg(...) (printf(__VA_ARGS__), _fail(__FILE__, __LINE__))
#define assert_true(c) ((c) ? (void)0 : _fail(__FILE__, __LINE__))
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_int_equal(a, b) assert_true((uint64_t)(a) == (uint64_t)(b))
#define assert_ptr_equal(a, b) assert_true((a) == (b))
#define assert_memory_equal(a, b, n) assert_true(memcmp((a), (b), (n)) == 0)
#define cmocka_run_group_tests(tests, setup, teardown) plain_run(tests, sizeof(tests) / sizeof *(tests), setup)

static inline int plain_run(const struct CMUnitTest *tests, size_t n, int (*setup)(void **))
{
	void *state = NULL;
	if (setup)
		setup(&state);
	for (size_t i = 0; i < n; i++)
		tests[i].fn(&state);
	printf("[  PASSED  ] %zu test(s)\n", n);
	return 0;
}

#endif
