/* What people type: times, durations, labels, targets. */
#include "tests/support/test.h"

#include "cmd/cmd.h"
#include "cmd/target_arg.h"

#define NOW_MS INT64_C(1785585600000) /* 2026-08-01T12:00:00Z */

static void test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t want_ms;
	} good[] = {
		{ "now", NOW_MS },
		{ "-1h", NOW_MS - 3600000 },
		{ "now-90m", NOW_MS - 5400000 },
		{ "now+1d", NOW_MS + 86400000 },
		{ "+250ms", NOW_MS + 250 },
		{ "-1h30m", NOW_MS - 5400000 },
		{ "0", 0 },
		{ "-5", -5000 },
		{ "1435781430.781", 1435781430781 },
		{ "2026-08-01T12:00:00Z", NOW_MS },
		{ "2026-08-01T14:00:00.5+02:00", NOW_MS + 500 },
	};
	static const char *const bad[] = { "", "-", "now-", "nowhere", "now5m", "1h", "yesterday", "-1h-1h", "-9999999999y" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct pm_error err = { 0 };
		int64_t t_ms = 1;

		print_message("%s\n", good[i].text);
		assert_ok(pm_time_arg(good[i].text, NOW_MS, &t_ms, &err), &err);
		assert_int_equal(t_ms, good[i].want_ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct pm_error err = { 0 };
		int64_t t_ms = 77;

		print_message("%s\n", bad[i]);
		assert_code(pm_time_arg(bad[i], NOW_MS, &t_ms, &err), PM_ERR_INVALID, &err);
		assert_contains(err.msg, "bad time");
		assert_int_equal(t_ms, 77);
	}
}

static void test_durations(void **state)
{
	static const char *const bad[] = { "", "-1", "-5m", "1x", "nan", "1e300" };
	struct pm_error err = { 0 };
	int64_t ms;

	assert_ok(pm_duration_arg("1h30m", &ms, &err), &err);
	assert_int_equal(ms, 5400000);
	assert_ok(pm_duration_arg("0.25", &ms, &err), &err);
	assert_int_equal(ms, 250);
	assert_ok(pm_duration_arg("15", &ms, &err), &err);
	assert_int_equal(ms, 15000);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		print_message("%s\n", bad[i]);
		assert_code(pm_duration_arg(bad[i], &ms, &err), PM_ERR_INVALID, &err);
	}
}

static void test_labels(void **state)
{
	static const char *const bad[] = { "x", "=x", "__name__=x", "a=\xff", "" };
	struct pm_label_args args = { 0 };
	struct pm_error err = { 0 };

	assert_ok(pm_label_arg(&args, "a=1", &err), &err);
	assert_ok(pm_label_arg(&args, "b=x=y", &err), &err);
	assert_ok(pm_label_arg(&args, "a=2", &err), &err);
	assert_int_equal(args.count, 2);
	assert_str(args.v[0].value, "2");
	assert_str(args.v[1].value, "x=y");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_code(pm_label_arg(&args, bad[i], &err), PM_ERR_INVALID, &err);
	assert_int_equal(args.count, 2);
}

static void test_label_limit(void **state)
{
	struct pm_label_args args = { 0 };
	char names[PM_LABEL_ARGS_MAX + 1][16];
	struct pm_error err = { 0 };
	int rc = 0;

	for (int i = 0; i <= PM_LABEL_ARGS_MAX; i++) {
		assert_int_equal(rc, 0);
		snprintf(names[i], sizeof names[i], "l%d=x", i);
		rc = pm_label_arg(&args, names[i], &err);
	}
	assert_int_equal(rc, PM_ERR_LIMIT);
	assert_int_equal(args.count, PM_LABEL_ARGS_MAX);
}

static void check_target(const char *text, const char *url, const char *instance)
{
	struct pm_label_args args = { 0 };
	struct scrape_target t = { 0 };
	struct pm_error err = { 0 };
	struct pm_arena arena = { 0 };

	assert_ok(pm_label_arg(&args, "job=j", &err), &err);
	assert_ok(pm_target_arg(&arena, text, &args, &t, &err), &err);
	assert_string_equal(t.url, url);
	assert_int_equal(t.labels.count, 2);
	assert_str(pm_labels_get(t.labels, PM_STR("instance")), instance);
	assert_str(pm_labels_get(t.labels, PM_STR("job")), "j");
	pm_arena_release(&arena);
}

static void test_targets(void **state)
{
	check_target("h:9100", "http://h:9100/metrics", "h:9100");
	check_target("h", "http://h/metrics", "h:80");
	check_target("h:9100/probe?x=1", "http://h:9100/probe?x=1", "h:9100");
	check_target("http://h:1", "http://h:1/metrics", "h:1");
	check_target("http://h:1?a=b", "http://h:1/metrics?a=b", "h:1");
	check_target("http://h:1/", "http://h:1/", "h:1");
	check_target("https://h/m", "https://h/m", "h:443");
	check_target("http://user:pw@h:1/m", "http://user:pw@h:1/m", "h:1");
	check_target("[::1]:9100", "http://[::1]:9100/metrics", "[::1]:9100");
	check_target("http://[::1]/m", "http://[::1]/m", "[::1]:80");
	check_target("-", "standard input", "localhost");
}

static void test_bad_targets(void **state)
{
	static const char *const bad[] = { "", "ftp://h/x", "http://", "http:///x", "a b:1", "h:1/x\ny" };
	struct pm_label_args args = { 0 };
	struct pm_arena arena = { 0 };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct scrape_target t = { 0 };
		struct pm_error err = { 0 };

		print_message("%s\n", bad[i]);
		assert_code(pm_target_arg(&arena, bad[i], &args, &t, &err), PM_ERR_INVALID, &err);
	}
	pm_arena_release(&arena);
}

static void test_instance_can_be_given(void **state)
{
	struct pm_label_args args = { 0 };
	struct scrape_target t = { 0 };
	struct pm_error err = { 0 };
	struct pm_arena arena = { 0 };

	assert_ok(pm_label_arg(&args, "instance=web", &err), &err);
	assert_ok(pm_label_arg(&args, "empty=", &err), &err);
	assert_ok(pm_target_arg(&arena, "h:1", &args, &t, &err), &err);
	assert_int_equal(t.labels.count, 1);
	assert_str(t.labels.v[0].value, "web");
	pm_arena_release(&arena);
}

TEST_MAIN(TEST(test_times), TEST(test_durations), TEST(test_labels), TEST(test_label_limit), TEST(test_targets),
	TEST(test_bad_targets), TEST(test_instance_can_be_given))
