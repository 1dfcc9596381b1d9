/* test_cmd_data.c - what commands do to a store when they commit and end: seal what is due, and nothing else. */
#include "tests/support/test.h"

#include "cmd/cmd.h"
#include "libtsdb/base/clock.h"

const struct pm_cmd *const pm_cmds[] = { NULL };

static const int64_t NOW_MS = INT64_C(1800000000000);
enum { HOUR_MS = 3600 * 1000 };

struct fixture {
	char *dir;
	struct pm_ctx ctx;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct pm_error err = { 0 };
	pm_clock_freeze(NOW_MS);
	f->dir = test_tmpdir();
	f->ctx = (struct pm_ctx){ .data_dir = f->dir, .fsync_ms = TSDB_FSYNC_DEFAULT_MS };
	assert_ok(pm_data_open(&f->ctx, TSDB_WRITE | TSDB_CREATE, &err), &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	tsdb_close(f->ctx.db);
	test_tmpdir_free(f->dir);
	free(f);
	pm_clock_real();
	return 0;
}

static void put(struct fixture *f)
{
	const struct pm_label name = { PM_NAME_LABEL, PM_STR("m") };
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(f->ctx.db, &txn, &err), &err);
	assert_ok(tsdb_txn_append(txn, (struct pm_labels){ &name, 1 }, pm_now_ms(), 1, NULL, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

static uint64_t segments(struct fixture *f)
{
	struct tsdb_stats st;
	assert_ok(tsdb_stats(f->ctx.db, &st, NULL), NULL);
	return st.segment_count;
}

static void test_a_command_seals_what_is_due(void **state)
{
	struct fixture *f = *state;
	assert_false(tsdb_compact_due(f->ctx.db, NULL)); /* nothing is there */
	put(f);
	pm_clock_advance(2 * HOUR_MS - 1);
	assert_false(tsdb_compact_due(f->ctx.db, NULL));
	pm_data_compact(&f->ctx);
	assert_int_equal(segments(f), 0);
	pm_clock_advance(1);
	assert_true(tsdb_compact_due(f->ctx.db, NULL));
	pm_data_compact(&f->ctx);
	assert_int_equal(segments(f), 1);
	assert_false(tsdb_compact_due(f->ctx.db, NULL));
}

static void test_what_makes_it_due(void **state)
{
	struct fixture *f = *state;
	put(f);
	assert_true(tsdb_compact_due(f->ctx.db, &(struct tsdb_compact_opts){ .force = true }));
	assert_true(tsdb_compact_due(f->ctx.db, &(struct tsdb_compact_opts){ .seal_bytes = 1 }));
	assert_false(tsdb_compact_due(f->ctx.db, &(struct tsdb_compact_opts){ .seal_bytes = 1 << 20 }));
	assert_true(tsdb_compact_due(f->ctx.db, &(struct tsdb_compact_opts){ .now_ms = NOW_MS + 5, .seal_ms = 5 }));
	assert_false(tsdb_compact_due(f->ctx.db, &(struct tsdb_compact_opts){ .now_ms = NOW_MS + 5, .seal_ms = 6 }));
}

/* The age counts from the last sealing, whoever did it. */
static void test_the_age_counts_from_the_last_sealing(void **state)
{
	struct fixture *f = *state;
	struct tsdb_compact_opts opts = { .force = true };
	put(f);
	pm_clock_advance(3 * HOUR_MS);
	assert_ok(tsdb_compact(f->ctx.db, &opts, NULL, NULL), NULL);
	put(f);
	pm_data_compact(&f->ctx); /* young again since the last one */
	assert_int_equal(segments(f), 1);
}

static void check_size(const char *text, uint64_t want)
{
	struct pm_error err = { 0 };
	uint64_t v = 0;
	assert_ok(pm_size_arg(text, &v, &err), &err);
	assert_int_equal(v, want);
}

static void test_sizes(void **state)
{
	static const char *const bad[] = { "", "B", "x", "1XB", "-1", "1e30", "NaN", "KB", "1KBB", "4EB" };
	char text[64];
	uint64_t v = 7;
	check_size("0", 0);
	check_size("4096", 4096);
	check_size("4096B", 4096);
	check_size("1KB", 1024);
	check_size("1KiB", 1024);
	check_size("1.5MB", 3 << 19);
	check_size("3EB", UINT64_C(3) << 60);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(pm_size_arg(bad[i], &v, NULL), PM_ERR_INVALID);
		assert_int_equal(v, 7);
	}
	assert_string_equal(pm_size_format(text, 0), "0B");
	assert_string_equal(pm_size_format(text, 1023), "1023B");
	assert_string_equal(pm_size_format(text, 1 << 20), "1MiB");
	assert_string_equal(pm_size_format(text, (UINT64_C(3) << 60) + (5 << 10) + 1), "3EiB5KiB1B");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_command_seals_what_is_due, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_makes_it_due, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_age_counts_from_the_last_sealing, setup, teardown),
		cmocka_unit_test(test_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
