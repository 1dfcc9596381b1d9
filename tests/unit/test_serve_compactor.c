/* test_serve_compactor.c - the compacting thread of pm serve, with a clock that the test moves; retention as flags and
 * configuration give it. */
#include "tests/support/test.h"

#include "cmd/cmd.h"
#include "cmd/serve/compactor.h"
#include "libtsdb/base/clock.h"

const struct pm_cmd *const pm_cmds[] = { NULL };

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };
static const int64_t DAY_MS = INT64_C(24) * HOUR_MS;
static const int64_t NOW_MS = INT64_C(1800000000000);

struct fixture {
	char *dir;
	struct tsdb *db;
	struct pm_retention retention;
	struct pm_compactor *c;
};

static void retention(void *arg, struct pm_retention *ret)
{
	*ret = ((struct fixture *)arg)->retention;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct pm_error err = { 0 };
	pm_clock_freeze(NOW_MS);
	f->dir = test_tmpdir();
	assert_ok(tsdb_open(f->dir, &(struct tsdb_opts){ .flags = TSDB_WRITE | TSDB_CREATE }, &f->db, &err), &err);
	struct pm_compactor_opts opts = { .db = f->db,
		.data_dir = f->dir,
		.every_ms = 1,
		.seal_ms = 2 * HOUR_MS,
		.retention = retention,
		.arg = f };
	assert_ok(pm_compactor_new(&opts, &f->c, &err), &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	pm_compactor_free(f->c);
	tsdb_close(f->db);
	test_tmpdir_free(f->dir);
	free(f);
	pm_clock_real();
	return 0;
}

/* `count` samples, one a minute up to `t_ms`. */
static void put(struct fixture *f, int64_t t_ms, int count)
{
	const struct pm_label name = { PM_NAME_LABEL, PM_STR("m") };
	const struct pm_labels labels = { &name, 1 };
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(f->db, &txn, &err), &err);
	for (int i = count; i-- > 0;)
		assert_ok(tsdb_txn_append(txn, labels, t_ms - i * MINUTE_MS, i, NULL, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

static struct tsdb_stats stats(struct fixture *f)
{
	struct tsdb_stats st;
	assert_ok(tsdb_stats(f->db, &st, NULL), NULL);
	return st;
}

static struct pm_compactor_stats turn(struct fixture *f)
{
	struct pm_compactor_stats s;
	pm_compactor_turn(f->c);
	pm_compactor_stats(f->c, &s);
	return s;
}

static void test_the_head_is_sealed_when_it_is_two_hours_old(void **state)
{
	struct fixture *f = *state;
	put(f, NOW_MS, 10);
	pm_clock_advance(2 * HOUR_MS - 1);
	assert_int_equal(turn(f).seals, 0);
	assert_int_equal(stats(f).segment_count, 0);
	pm_clock_advance(1);
	struct pm_compactor_stats s = turn(f);
	assert_int_equal(s.seals, 1);
	assert_int_equal(s.turns, 2);
	assert_true(s.written_bytes > 0);
	assert_int_equal(stats(f).segment_samples, 10);
	assert_int_equal(stats(f).sample_count, 0);
	assert_int_equal(turn(f).seals, 1); /* an empty head is left alone */
}

static void test_a_week_of_days(void **state)
{
	struct fixture *f = *state;
	for (int h = 0; h < 7 * 12; h++) {
		pm_clock_advance(2 * HOUR_MS);
		put(f, pm_now_ms(), 120);
		turn(f);
	}
	struct pm_compactor_stats s = turn(f);
	assert_int_equal(s.seals, 7 * 12);
	assert_in_range(s.merges, 6, 40);
	assert_in_range(stats(f).segment_count, 1, 30);
	assert_int_equal(stats(f).segment_samples, 7 * 12 * 120);
	assert_int_equal(s.failed, 0);
}

static void test_what_is_older_than_the_retention_goes(void **state)
{
	struct fixture *f = *state;
	f->retention.ms = 15 * DAY_MS;
	put(f, NOW_MS, 10);
	pm_clock_advance(2 * HOUR_MS);
	turn(f);
	pm_clock_freeze(NOW_MS + 15 * DAY_MS);
	assert_int_equal(turn(f).time_retentions, 0); /* the newest sample is not older yet */
	pm_clock_advance(1);
	struct pm_compactor_stats s = turn(f);
	assert_int_equal(s.time_retentions, 1);
	assert_int_equal(s.size_retentions, 0);
	assert_int_equal(s.deleted_segments, 1);
	assert_int_equal(stats(f).segment_count, 0);
}

static void test_the_oldest_goes_when_there_is_too_much(void **state)
{
	struct fixture *f = *state;
	put(f, NOW_MS - 3 * DAY_MS, 10);
	put(f, NOW_MS, 10);
	pm_clock_advance(2 * HOUR_MS);
	turn(f);
	assert_int_equal(stats(f).segment_count, 2);
	struct tsdb_stats st = stats(f);
	uint64_t head_bytes = st.log_bytes + st.catalog_bytes + st.layout_bytes + st.postings_bytes;
	f->retention.bytes = st.segment_bytes + head_bytes - 1;
	struct pm_compactor_stats s = turn(f);
	assert_int_equal(s.size_retentions, 1);
	assert_int_equal(s.time_retentions, 0);
	assert_int_equal(stats(f).segment_count, 1);
	assert_true(stats(f).min_ms > NOW_MS - DAY_MS);
	f->retention = (struct pm_retention){ .percentage = 1e-12 };
	assert_int_equal(turn(f).size_retentions, 2);
	assert_int_equal(stats(f).segment_count, 0);
}

static bool never(void *arg)
{
	return false;
}

static bool at_once(void *arg)
{
	return true;
}

static void test_force_seals_what_is_young_and_can_be_canceled(void **state)
{
	struct fixture *f = *state;
	struct pm_error err = { 0 };
	put(f, NOW_MS, 10);
	assert_ok(pm_compactor_force(f->c, never, NULL, &err), &err);
	assert_int_equal(stats(f).segment_samples, 10);
	for (int i = 0; i < 300; i++) { /* so many series that the store asks on its way */
		char text[16];
		snprintf(text, sizeof text, "%d", i);
		const struct pm_label l[] = { { PM_NAME_LABEL, PM_STR("n") }, { PM_STR("x"), pm_str(text) } };
		struct tsdb_txn *txn;
		assert_ok(tsdb_txn_begin(f->db, &txn, &err), &err);
		assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, NOW_MS, 1, NULL, &err), &err);
		assert_ok(tsdb_txn_commit(txn, &err), &err);
	}
	assert_int_equal(pm_compactor_force(f->c, at_once, NULL, &err), PM_ERR_CANCELED);
	pm_compactor_stop(f->c);
	assert_int_equal(pm_compactor_force(f->c, never, NULL, &err), PM_ERR_CANCELED);
	assert_int_equal(stats(f).segment_samples, 10);
	assert_int_equal(turn(f).failed, 0); /* to be stopped is no failure */
}

static void test_the_thread_does_turns_and_ends(void **state)
{
	struct fixture *f = *state;
	struct pm_compactor_stats s = { 0 };
	struct pm_error err = { 0 };
	pm_clock_real();
	assert_ok(pm_compactor_start(f->c, &err), &err);
	while (s.turns < 3)
		pm_compactor_stats(f->c, &s);
	pm_compactor_stop(f->c);
	pm_compactor_stats(f->c, &s);
	uint64_t turns = s.turns;
	pm_compactor_stats(f->c, &s);
	assert_int_equal(s.turns, turns);
}

static void check_retention(struct pm_retention flags, struct pm_retention config, const char *want)
{
	char text[192];
	struct pm_retention r = pm_retention_of(&flags, &config);
	assert_string_equal(pm_retention_text(text, &r), want);
}

static void test_retention_of_flags_and_configuration(void **state)
{
	const struct pm_retention none = { 0 };
	check_retention(none, none, "15d");
	check_retention((struct pm_retention){ .ms = DAY_MS }, none, "1d");
	check_retention((struct pm_retention){ .bytes = 3 << 19 }, none, "1MiB512KiB");
	check_retention((struct pm_retention){ .ms = DAY_MS, .bytes = 1 << 30 }, none, "1d or 1GiB");
	check_retention((struct pm_retention){ .ms = DAY_MS }, (struct pm_retention){ .ms = 2 * DAY_MS }, "2d");
	check_retention((struct pm_retention){ .bytes = 5 }, (struct pm_retention){ .ms = 2 * DAY_MS }, "2d or 5B");
	check_retention(none, (struct pm_retention){ .percentage = 0.5 }, "0.5%");
	check_retention((struct pm_retention){ .ms = DAY_MS }, (struct pm_retention){ .bytes = 1024, .percentage = 28 },
		"1d or 1KiB or 28%");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_head_is_sealed_when_it_is_two_hours_old, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_week_of_days, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_older_than_the_retention_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_oldest_goes_when_there_is_too_much, setup, teardown),
		cmocka_unit_test_setup_teardown(test_force_seals_what_is_young_and_can_be_canceled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_thread_does_turns_and_ends, setup, teardown),
		cmocka_unit_test(test_retention_of_flags_and_configuration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
