/* Text in windows of whole lines: nothing lost, nothing twice, whatever the window's size. */
#include "tests/support/test.h"

#include "cmd/import/window.h"

#include <errno.h>

static char *dir, path[4096];

static int setup(void **state)
{
	dir = test_tmpdir();
	snprintf(path, sizeof path, "%s/text", dir);
	return 0;
}

static int teardown(void **state)
{
	test_tmpdir_free(dir);
	return 0;
}

static void write_text(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Read all of it through windows of `size` bytes; every window but the last ends with a line break. */
static int read_text(size_t size, char *out, size_t *ret_len)
{
	struct pm_window w;
	struct pm_error err = { 0 };
	struct pm_str part = { 0 };
	size_t len = 0;
	int rc = pm_window_open(&w, path, size, &err);

	if (rc < 0)
		return rc;
	while ((rc = pm_window_next(&w, &part, &err)) > 0) {
		assert_true(len == 0 || out[len - 1] == '\n');
		assert_true(part.len > 0 && part.len <= size);
		memcpy(out + len, part.ptr, part.len);
		len += part.len;
	}
	pm_window_close(&w);
	*ret_len = len;
	return rc;
}

static void test_all_sizes(void **state)
{
	static const char text[] = "a\nbb\n\n\nccc ccc\nd\nlast without break";
	char got[sizeof text];
	size_t len;

	write_text(text, sizeof text - 1);
	for (size_t size = 19; size < 50; size++) {
		assert_int_equal(read_text(size, got, &len), 0);
		assert_int_equal(len, sizeof text - 1);
		assert_memory_equal(got, text, len);
	}
}

static void test_empty(void **state)
{
	char got[1];
	size_t len = 7;

	write_text("", 0);
	assert_int_equal(read_text(10, got, &len), 0);
	assert_int_equal(len, 0);
}

static void test_long_line(void **state)
{
	char got[64];
	size_t len;

	write_text("ab\n0123456789\n", 14);
	assert_int_equal(read_text(10, got, &len), PM_ERR_LIMIT);
	assert_int_equal(read_text(11, got, &len), 0);
}

static void test_missing_file(void **state)
{
	struct pm_window w;
	struct pm_error err = { 0 };

	unlink(path);
	assert_code(pm_window_open(&w, path, 10, &err), PM_ERR_NOTFOUND, &err);
	assert_contains(err.msg, path);
	pm_window_close(&w);
}

static int faulty_run(void *arg)
{
	char got[64];
	size_t len = 0;
	int rc = read_text(8, got, &len);

	if (rc == 0)
		assert_int_equal(len, *(size_t *)arg);
	return rc;
}

static void test_faults(void **state)
{
	size_t len = 12;

	write_text("ab\ncd\nef\ngh\n", len);
	assert_true(test_fs_faults(PM_FS_OP_ANY, EIO, faulty_run, &len) > 3);
	assert_true(test_mem_faults(faulty_run, &len) > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_all_sizes), TEST(test_empty), TEST(test_long_line),
		TEST(test_missing_file), TEST(test_faults) };

	return test_end_(cmocka_run_group_tests(tests, setup, teardown));
}
