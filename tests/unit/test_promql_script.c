/* The project's own PromQL scripts, upstream's where they are there, and what the runner makes of scripts that are
 * wrong. */
#include "tests/support/test.h"

#include "libpromql/test/script.h"
#include "libtsdb/base/buf.h"

#include <fcntl.h>

static void collect(void *arg, struct pm_str text)
{
	pm_buf_str(arg, text);
}

static int run_text(const char *text, struct pm_buf *report, struct promql_test_counts *counts, struct pm_error *err)
{
	return promql_test_run(PM_STR("script"), pm_str(text), collect, report, counts, err);
}

/* ---- files -------------------------------------------------------------------------------------- */

static void run_file(int dir, const char *path, struct pm_str name, struct promql_test_counts *sum)
{
	struct promql_test_counts counts;
	struct pm_buf report = { 0 };
	struct pm_error err = { 0 };
	char *text, file[512];
	size_t len;
	int rc;

	snprintf(file, sizeof file, "%s/%.*s", path, PM_STR_ARG(name));
	assert_ok(pm_fs_read_file(dir, file, 64 << 20, &text, &len, &err), &err);
	rc = promql_test_run(pm_str(file), (struct pm_str){ text, len }, collect, &report, &counts, &err);
	if (rc < 0 || counts.failed)
		print_error("%s%s:%d: %s\n", report.ptr ? report.ptr : "", err.file, err.line, err.msg);
	assert_int_equal(rc, 0);
	assert_int_equal(counts.failed, 0);
	sum->passed += counts.passed;
	pm_buf_release(&report);
	pm_free(text);
}

/* All *.test of a directory, at least `evaluations` in them. */
static void run_dir(const char *path, size_t evaluations)
{
	struct promql_test_counts sum = { 0 };
	struct pm_strings names;
	struct pm_error err = { 0 };
	int dir;

	assert_ok(pm_fs_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, &dir, &err), &err);
	assert_ok(pm_fs_list(dir, &names, &err), &err);
	pm_fs_close(dir);
	for (size_t i = 0; i < names.count; i++)
		if (names.v[i].len > 5 && memcmp(names.v[i].ptr + names.v[i].len - 5, ".test", 5) == 0)
			run_file(AT_FDCWD, path, names.v[i], &sum);
	pm_strings_free(&names);
	assert_in_range(sum.passed, evaluations, SIZE_MAX);
}

static void own_scripts(void **state TEST_UNUSED)
{
	run_dir("tests/script", 340);
}

static void upstream_scripts(void **state TEST_UNUSED)
{
	run_dir(test_shared_or_skip("cases/promqltest"), 1678);
}

/* ---- the runner finds what is wrong ------------------------------------------------------------- */

static const char load_x[] = "load 1m\n  x{a=\"1\"} 1 2 3\n  h {{schema:0 count:1 sum:2 buckets:[1]}}x2\n\n";

/* The evaluation fails, and the report says `why`. */
static void must_fail(const char *eval, const char *why)
{
	struct promql_test_counts counts;
	struct pm_buf text = { 0 }, report = { 0 };
	struct pm_error err = { 0 };

	pm_buf_fmt(&text, "%s%s\n", load_x, eval);
	assert_ok(run_text(text.ptr, &report, &counts, &err), &err);
	assert_int_equal(counts.passed, 0);
	assert_int_equal(counts.failed, 1);
	assert_contains(report.ptr, "script:5: ");
	assert_contains(report.ptr, why);
	pm_buf_release(&text);
	pm_buf_release(&report);
}

static void failures_are_reported(void **state TEST_UNUSED)
{
	must_fail("eval instant at 1m x\n  x{a=\"1\"} 3", "got       x{a=\"1\"} 2");
	must_fail("eval instant at 1m x\n  x{a=\"1\"} 2.00001", "expected  x{a=\"1\"} 2.00001");
	must_fail("eval instant at 1m x\n  x{a=\"2\"} 2", "unexpected");
	must_fail("eval instant at 1m x", "unexpected");
	must_fail("eval instant at 1m none\n  x 1", "got       nothing");
	must_fail("eval instant at 1m x\n  x{a=\"1\"} {{}}", "expected  x{a=\"1\"} {{");
	must_fail("eval instant at 1m 1\n  2", "got       scalar 1");
	must_fail("eval instant at 1m 1\n  {} 1", "expected  series");
	must_fail("eval instant at 1m vector(1)\n  1", "expected another type");
	must_fail("eval instant at 1m \"a\"\n  expect string \"b\"", "got       \"a\"");
	must_fail("eval instant at 1m x\n  expect fail", "expected an error, got none");
	must_fail("eval instant at 1m x +\n", "got error 1:4: parse error");
	must_fail("eval instant at 1m x +\n  expect fail msg: other", "expected another error: other");
	must_fail("eval instant at 1m x +\n  expect fail regex: other", "expected another error");
	must_fail("eval_fail instant at 1m x +\n  expected_fail_message other", "expected another error: other");
	must_fail("eval_warn instant at 1m x\n  x{a=\"1\"} 2", "expected a warning, got none");
	must_fail("eval_info instant at 1m x\n  x{a=\"1\"} 2", "expected an info annotation, got none");
	must_fail("eval instant at 1m x\n  expect warn\n  x{a=\"1\"} 2", "expected annotation (any)");
	must_fail(
		"eval instant at 2m rate(x[2m])\n  expect no_info\n  {a=\"1\"} 0.0166666667", "unexpected annotation");
	must_fail("eval instant at 2m rate(x[2m])\n  expect info msg: b\n  {a=\"1\"} 0.0166666667", "got annotation");
	must_fail("eval instant at 1m h\n  h {{schema:0 count:1 sum:2 buckets:[2]}}", "got       h{} {{schema:0");
	must_fail("eval instant at 1m h\n  h {{schema:0 count:1 sum:2 offset:1 buckets:[1]}}", "got       h{}");
	must_fail("eval instant at 1m h\n  h {{count:1 sum:2 buckets:[1] counter_reset_hint:gauge}}", "not_reset}}");
	must_fail("eval range from 0 to 2m step 1m x\n  x{a=\"1\"} 1 2", "got       x{a=\"1\"} 1 2 3");
	must_fail("eval range from 0 to 2m step 1m x\n  x{a=\"1\"} 1 _ 3", "expected  x{a=\"1\"} 1 _ 3");
	must_fail("eval instant at 2m sort_desc({a=\"1\"} or -x)\n  expect ordered\n  {a=\"1\"} -3\n  x{a=\"1\"} 3",
		"at position 1, expected at 2");
	/* What only one way of running it shows. */
	must_fail("eval instant at 1m vector(end()) - vector(time())\n  {} 0\n  {a=\"1\"} 1", "got       nothing");
}

static void must_not_read(const char *text, int line, const char *why)
{
	struct promql_test_counts counts;
	struct pm_buf report = { 0 };
	struct pm_error err = { 0 };

	assert_code(run_text(text, &report, &counts, &err), PM_ERR_INVALID, &err);
	assert_int_equal(err.line, line);
	assert_string_equal(err.file, "script");
	assert_contains(err.msg, why);
	assert_int_equal(report.len, 0);
	pm_buf_release(&report);
}

static void bad_scripts_are_refused(void **state TEST_UNUSED)
{
	must_not_read("lead 1m", 1, "unknown command");
	must_not_read("\n\nload\n  x 1", 3, "bad step");
	must_not_read("load 0s\n  x 1", 1, "step is 0");
	must_not_read("load_all 1m", 1, "unknown command");
	must_not_read("load 1m\n  x 1 2 z", 2, "a number is expected");
	must_not_read("load 1m\n  x{a=~\"b\"} 1", 2, "given with =");
	must_not_read("load 1m\n  x{a=\"b\" 1", 2, "not closed");
	must_not_read("load 1m\n  x{a=\"b\",a=\"c\"} 1", 2, "a");
	must_not_read("load 1m\n  5x 1", 2, "digit");
	must_not_read("load 1m\n  x 1+2", 2, "x and a count");
	must_not_read("load 1m\n  x 1x9999999999", 2, "count of at most");
	must_not_read("load 1m\n  x {{schema:0", 2, "not closed");
	must_not_read("load 1m\n  x {{schema:9}}", 2, "schema 9");
	must_not_read("load 1m\n  x {{colour:9}}", 2, "has no");
	must_not_read("load 1m\n  x {{sum:1 sum:1}}", 2, "twice");
	must_not_read("load 1m\n  x {{buckets:[1 2}}", 2, "a number is expected");
	must_not_read("load 1m\n  x {{counter_reset_hint:maybe}}", 2, "counter_reset_hint");
	must_not_read("load 1m\n  x@st -1m", 2, "missing");
	must_not_read("load 1m\n  x@st -1m\n  y 1", 3, "belong to the series below");
	must_not_read("load 1m\n  x@st -1m\n  x 1 2", 3, "as many");
	must_not_read("load 1m\n  x 1\n\nload 1m\n  x 1", 5, "already");
	must_not_read("eval at 1m x", 1, "is expected");
	must_not_read("eval instant at soon x", 1, "bad time");
	must_not_read("eval instant at 1m", 1, "an expression is expected");
	must_not_read("eval range from 5m to 1m step 1m x", 1, "ends before its start");
	must_not_read("eval range from 1m step 1m x", 1, "is expected");
	must_not_read("eval_maybe instant at 1m x", 1, "unknown command");
	must_not_read("eval instant at 1m x\n  x 1 2", 2, "one value a series");
	must_not_read("eval instant at 1m x\n  x", 2, "values are expected");
	must_not_read("eval instant at 1m x\n  x 1\n  x 1", 3, "twice");
	must_not_read("eval instant at 1m x\n  expect luck", 2, "expect luck");
	must_not_read("eval instant at 1m x\n  expect warn because", 2, "msg: TEXT");
	must_not_read("eval instant at 1m x\n  expect warn\n  expect no_warn", 3, "expected and not expected");
	must_not_read("eval instant at 1m x\n  expect fail\n  expect fail", 3, "only once");
	must_not_read("eval instant at 1m x\n  expect fail regex: (", 2, "");
	must_not_read("eval instant at 1m x\n  expect string nothing", 2, "quoted string");
	must_not_read("eval instant at 1m x\n  expected_fail_message y", 2, "belongs to eval_fail");
	must_not_read("eval range from 0 to 1m step 1m x\n  expect ordered\n", 2, "no order");
}

/* ---- out of memory ------------------------------------------------------------------------------ */

static int run_small(void *arg TEST_UNUSED)
{
	static const char text[] =
		"load 1m\n"
		"  x{a=\"1\"} 0+1x5\n"
		"  h {{schema:0 count:1 sum:2 buckets:[1]}}x5\n"
		"\n"
		"eval range from 0 to 5m step 1m sum by (a) (rate(x[2m])) + on() group_left vector(1)\n"
		"  expect info\n";
	struct promql_test_counts counts;
	struct pm_buf report = { 0 };
	struct pm_error err = { 0 };
	int rc = run_text(text, &report, &counts, &err);

	pm_buf_release(&report);
	return rc;
}

static void memory_runs_out(void **state TEST_UNUSED)
{
	assert_in_range(test_mem_faults(run_small, NULL), 20, 100000);
}

TEST_MAIN(TEST(own_scripts), TEST(upstream_scripts), TEST(failures_are_reported), TEST(bad_scripts_are_refused),
	TEST(memory_runs_out))
