/* test_cmd_table.c - tables for people, and sizes as text. */
#include "tests/support/test.h"

#include "cmd/table.h"

static void test_columns_align(void **state)
{
	struct pm_table t = { .align = "lr" };
	struct pm_buf out = { 0 };
	static const char *const names[] = { "a", "caf\xc3\xa9", "longest" };
	for (size_t i = 0; i < 3; i++) {
		pm_table_str(&t, pm_str(names[i]));
		pm_table_cell(&t, "%zu", i * 600);
	}
	pm_table_finish(&t, &out);
	assert_str(pm_buf_view(&out), "a           0\n"
				      "caf\xc3\xa9      600\n"
				      "longest  1200\n");
	pm_buf_release(&out);
}

static void test_last_column_ends_the_line(void **state)
{
	struct pm_table t = { .align = "rl" };
	struct pm_buf out = { 0 };
	pm_table_cell(&t, "1");
	pm_table_cell(&t, "x");
	pm_table_cell(&t, "22");
	pm_table_cell(&t, "yyy");
	pm_table_finish(&t, &out);
	assert_str(pm_buf_view(&out), " 1  x\n22  yyy\n");
	pm_buf_release(&out);
}

static void test_empty_table(void **state)
{
	struct pm_table t = { .align = "l" };
	struct pm_buf out = { 0 };
	pm_table_finish(&t, &out);
	assert_int_equal(out.len, 0);
	pm_buf_release(&out);
}

static void test_bytes_text(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = { { 0, "0 B" }, { 999, "999 B" }, { 1000, "0.98 KiB" }, { 1024, "1.00 KiB" }, { 1536, "1.50 KiB" },
		{ 10239, "10.0 KiB" }, { 102400, "100 KiB" }, { 1 << 20, "1.00 MiB" },
		{ UINT64_C(5) << 40, "5.00 TiB" }, { UINT64_MAX, "16.0 EiB" } };
	char text[16];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(pm_bytes_text(text, cases[i].bytes), cases[i].text);
}

TEST_MAIN(TEST(test_columns_align), TEST(test_last_column_ends_the_line), TEST(test_empty_table), TEST(test_bytes_text))
