/* test.h - what unit tests share, over cmocka: checks that say what was wrong, seeded random numbers, temporary
 * directories, the shared cases, and loops that fail the nth call of the system until a run goes untouched.
 *
 *     static void test_x(void **state) { ... }
 *     TEST_MAIN(TEST(test_x), TEST(test_y))
 *
 * A test is the same on every run: random numbers start from PM_SEED (1 when unset), which is printed when one fails.
 */
#ifndef PM_TEST_H
#define PM_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/pm.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEST_UNUSED __attribute__((unused))

/* ---- checks ------------------------------------------------------------------------------------- */

/* The call must be done (0), or must fail with this code; the message of `err` (a struct pm_error *, NULL allowed)
 * is printed otherwise. */
#define assert_ok(rc, err) test_code_((rc), PM_OK, (err), #rc, __FILE__, __LINE__)
#define assert_code(rc, code, err) test_code_((rc), (code), (err), #rc, __FILE__, __LINE__)

static inline void test_code_(
	int rc, int want, const struct pm_error *err, const char *what, const char *file, int line)
{
	if (rc == want)
		return;
	print_error("%s\n\tgave %d (%s), not %d (%s)%s%s\n", what, rc, pm_strerror(rc), want, pm_strerror(want),
		rc && err ? ": " : "", rc && err ? err->msg : "");
	_fail(file, line);
}

/* A slice against a C string. */
#define assert_str(slice, want) test_str_((slice), (want), #slice, __FILE__, __LINE__)

static inline void test_str_(struct pm_str s, const char *want, const char *what, const char *file, int line)
{
	if (pm_str_eq(s, pm_str(want)))
		return;
	print_error("%s\n\tis  \"%.*s\"\n\tnot \"%s\"\n", what, PM_STR_ARG(s), want);
	_fail(file, line);
}

/* Doubles bit by bit: NaN payloads and the sign of zero count. */
#define assert_bits(v, want) test_bits_((v), (want), #v, __FILE__, __LINE__)

static inline void test_bits_(double v, double want, const char *what, const char *file, int line)
{
	if (pm_double_bits(v) == pm_double_bits(want))
		return;
	print_error("%s\n\tis  %.17g (%016" PRIx64 ")\n\tnot %.17g (%016" PRIx64 ")\n", what, v, pm_double_bits(v),
		want, pm_double_bits(want));
	_fail(file, line);
}

/* Text that must stand somewhere in another, such as a reason in an error message. */
#define assert_contains(text, part) test_contains_((text), (part), __FILE__, __LINE__)

static inline void test_contains_(const char *text, const char *part, const char *file, int line)
{
	if (strstr(text, part))
		return;
	print_error("\"%s\"\n\tlacks \"%s\"\n", text, part);
	_fail(file, line);
}

/* ---- random numbers ----------------------------------------------------------------------------- */

static inline uint64_t test_seed(void)
{
	const char *s = getenv("PM_SEED");
	return s && *s ? strtoull(s, NULL, 0) : 1;
}

struct test_rng {
	uint64_t state;
};

/* A generator of its own for each test (`salt`: any number), so that tests do not depend on their order. */
static inline struct test_rng test_rng(uint64_t salt)
{
	return (struct test_rng){ test_seed() * UINT64_C(0x9e3779b97f4a7c15) + salt };
}

/* splitmix64 */
static inline uint64_t test_u64(struct test_rng *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* [0, bound), bound > 0. */
static inline uint64_t test_below(struct test_rng *r, uint64_t bound)
{
	return test_u64(r) % bound;
}

/* [0, 1). */
static inline double test_unit(struct test_rng *r)
{
	return (double)(test_u64(r) >> 11) * 0x1p-53;
}

/* ---- files -------------------------------------------------------------------------------------- */

static inline int test_remove_one_(
	const char *path, const struct stat *st TEST_UNUSED, int type TEST_UNUSED, struct FTW *f TEST_UNUSED)
{
	return remove(path);
}

/* Remove a file or a directory with all that is in it. */
static inline void test_remove(const char *path)
{
	nftw(path, test_remove_one_, 16, FTW_DEPTH | FTW_PHYS);
}

/* A new empty directory below TMPDIR. The caller ends with test_tmpdir_free(), which removes it. */
static inline char *test_tmpdir(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	assert_true(asprintf(&path, "%s/pm-test-XXXXXX", base && *base ? base : "/tmp") > 0);
	if (!mkdtemp(path))
		fail_msg("no temporary directory %s", path);
	return path;
}

static inline void test_tmpdir_free(char *path)
{
	test_remove(path);
	free(path);
}

/* The path of shared test data ("cases/promqltest"), or a skipped test where it is not there. Static storage. */
static inline const char *test_shared_or_skip(const char *sub)
{
	static char path[4096];
	const char *base = getenv("PM_SHARED");

	snprintf(path, sizeof path, "%s/%s", base && *base ? base : "../shared", sub);
	if (access(path, R_OK) != 0) {
		print_message("skip: no %s\n", path);
		skip();
	}
	return path;
}

/* ---- faults ------------------------------------------------------------------------------------- */

/* Call `fn` again and again, with the nth allocation (or operation on files) failing, n = 1, 2, ... until a run is
 * not touched. A run that was touched may return any error or 0; the last one must return 0. `fn` checks for itself
 * that an error left nothing half-done. Returns the number of runs. */
typedef int test_fault_fn(void *arg);

static inline size_t test_mem_faults(test_fault_fn *fn, void *arg)
{
	for (size_t n = 1;; n++) {
		pm_mem_fail_nth(n);
		int rc = fn(arg);
		if (pm_mem_fail_nth(0) < n) {
			assert_int_equal(rc, 0);
			return n;
		}
		assert_true(rc <= 0);
	}
}

static inline size_t test_fs_faults(enum pm_fs_op op, int errnum, test_fault_fn *fn, void *arg)
{
	for (size_t n = 1;; n++) {
		pm_fs_fail_nth(op, n, errnum);
		int rc = fn(arg);
		if (pm_fs_fail_nth(op, 0, 0) < n) {
			assert_int_equal(rc, 0);
			return n;
		}
		assert_true(rc <= 0);
	}
}

/* ---- main --------------------------------------------------------------------------------------- */

#define TEST(fn) cmocka_unit_test(fn)

static inline int test_end_(int failed)
{
	if (failed)
		fprintf(stderr, "the seed was PM_SEED=%" PRIu64 "\n", test_seed());
	return failed != 0;
}

#define TEST_MAIN(...)                                                                                                 \
	int main(void)                                                                                                 \
	{                                                                                                              \
		const struct CMUnitTest tests_[] = { __VA_ARGS__ };                                                    \
		return test_end_(cmocka_run_group_tests(tests_, NULL, NULL));                                          \
	}

#endif
