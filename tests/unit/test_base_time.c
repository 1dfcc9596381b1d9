/* Clocks, durations and timestamps as text. The tables were checked against Go and Prometheus's own functions. */
#include "tests/support/test.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/num.h"

static void test_frozen_clock(void **state)
{
	pm_clock_freeze(1000);
	assert_int_equal(pm_now_ms(), 1000);
	assert_int_equal(pm_now_ns(), 1000000000);
	pm_clock_advance(500);
	assert_int_equal(pm_now_ms(), 1500);
	assert_int_equal(pm_monotonic_ns(), 1500000000);
	pm_clock_real();
	assert_true(pm_now_ms() > INT64_C(1600000000000));
}

static void test_real_clock(void **state)
{
	int64_t before = pm_monotonic_ns();

	assert_true(pm_monotonic_ns() >= before);
	assert_true(pm_now_ns() / 1000000 <= pm_now_ms());
}

static const struct {
	int64_t t_ms;
	const char *text;
} rfc3339_cases[] = {
	{ 0, "1970-01-01T00:00:00Z" },
	{ 1, "1970-01-01T00:00:00.001Z" },
	{ -1, "1969-12-31T23:59:59.999Z" },
	{ 1785587696789, "2026-08-01T12:34:56.789Z" },
	{ 1785587696700, "2026-08-01T12:34:56.7Z" },
	{ 1785587696780, "2026-08-01T12:34:56.78Z" },
	{ 951782400000, "2000-02-29T00:00:00Z" },
	{ 4107542399999, "2100-02-28T23:59:59.999Z" },
	{ 4107542400000, "2100-03-01T00:00:00Z" },
	{ -62135596800000, "0001-01-01T00:00:00Z" },
	{ -62167219200000, "0000-01-01T00:00:00Z" },
	{ 253402300799999, "9999-12-31T23:59:59.999Z" },
};

static void test_rfc3339(void **state)
{
	char out[40];
	int64_t back;

	for (size_t i = 0; i < sizeof rfc3339_cases / sizeof rfc3339_cases[0]; i++) {
		int len = pm_time_rfc3339(out, rfc3339_cases[i].t_ms);

		assert_str(((struct pm_str){ out, (size_t)len }), rfc3339_cases[i].text);
		assert_ok(pm_time_parse(pm_str(out), &back), NULL);
		assert_int_equal(back, rfc3339_cases[i].t_ms);
	}
	assert_true(pm_time_rfc3339(out, INT64_MAX) < 40);
	assert_true(pm_time_rfc3339(out, INT64_MIN) < 40);
}

static void test_rfc3339_round_trips(void **state)
{
	struct test_rng rng = test_rng(1);
	char out[40];
	int64_t back;

	for (int i = 0; i < 20000; i++) {
		int64_t t_ms = (int64_t)test_below(&rng, 253402300800000 + 62167219200000) - 62167219200000;

		pm_time_rfc3339(out, t_ms);
		assert_ok(pm_time_parse(pm_str(out), &back), NULL);
		assert_int_equal(back, t_ms);
	}
}

static const struct {
	const char *text;
	int64_t t_ms;
} time_cases[] = {
	{ "0", 0 },
	{ "1", 1000 },
	{ "1435781430.781", 1435781430781 },
	{ "1435781430.7814", 1435781430781 },
	{ "1435781430.7816", 1435781430782 },
	{ "1e9", 1000000000000 },
	{ "-1.5", -1500 },
	{ "-0.001", -1 },
	{ "0x1p4", 16000 },
	{ "2015-06-03T13:21:58.555Z", 1433337718555 },
	{ "2015-06-03T14:21:58.555+01:00", 1433337718555 },
	{ "2015-06-03T12:51:58.5559-00:30", 1433337718555 },
	{ "2015-06-03T13:21:58,5Z", 1433337718500 },
	{ "2015-06-03T13:21:58Z", 1433337718000 },
	{ "2016-02-29T00:00:00Z", 1456704000000 },
	{ "-292273086-05-16T16:47:06Z", -9223309901257974000 },
	{ "292277025-08-18T07:12:54.999999999Z", 9223309901257974999 },
};

static const char *const bad_times[] = { "", "foo", "30s", "NaN", "Inf", "1e300", "9.3e15", "2015-06-03",
	"2015-06-03T13:21:58", "2015-06-03 13:21:58Z", "2015-13-03T13:21:58Z", "2015-00-03T13:21:58Z",
	"2015-06-31T13:21:58Z", "2015-02-29T13:21:58Z", "1900-02-29T13:21:58Z", "2015-06-03T24:21:58Z",
	"2015-06-03T13:60:58Z", "2015-06-03T13:21:60Z", "2015-06-03t13:21:58z", "2015-06-03T13:21:58.Z",
	"2015-06-03T13:21:58+0100", "2015-06-03T13:21:58+01:00x", "2015-06-03T13:21:58+25:00", "15-06-03T13:21:58Z",
	"2015-06-03T13:21:58ZZ" };

static void test_time_parse(void **state)
{
	int64_t t_ms;

	for (size_t i = 0; i < sizeof time_cases / sizeof time_cases[0]; i++) {
		int rc = pm_time_parse(pm_str(time_cases[i].text), &t_ms);

		if (rc != 0 || t_ms != time_cases[i].t_ms)
			fail_msg("%s gave %d, %" PRId64, time_cases[i].text, rc, t_ms);
	}
	for (size_t i = 0; i < sizeof bad_times / sizeof bad_times[0]; i++)
		if (pm_time_parse(pm_str(bad_times[i]), &t_ms) != PM_ERR_INVALID)
			fail_msg("%s was read", bad_times[i]);
}

static void test_time_format(void **state)
{
	static const struct {
		int64_t t_ms;
		const char *text;
	} cases[] = { { 0, "0" }, { 1435781430781, "1435781430.781" }, { 1435781430780, "1435781430.780" },
		{ 1001, "1.001" }, { 1010, "1.010" }, { 1000, "1" }, { -1, "-0.001" }, { -1500, "-1.500" },
		{ INT64_MAX, "9223372036854775.807" }, { INT64_MIN, "-9223372036854775.808" } };
	char out[32];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_str(((struct pm_str){ out, pm_time_format(out, cases[i].t_ms) }), cases[i].text);
}

static const struct {
	const char *text;
	int64_t ms;
	const char *printed; /* NULL: as `text` */
} duration_cases[] = {
	{ "0", 0, "0s" },
	{ "0w", 0, "0s" },
	{ "0s", 0, NULL },
	{ "1ms", 1, NULL },
	{ "324ms", 324, NULL },
	{ "3s", 3000, NULL },
	{ "5m", 300000, NULL },
	{ "1h", 3600000, NULL },
	{ "4d", 345600000, NULL },
	{ "4d1h", 349200000, NULL },
	{ "14d", 1209600000, "2w" },
	{ "3w", 1814400000, NULL },
	{ "3w2d1h", 1990800000, "23d1h" },
	{ "8w5d", 5270400000, "61d" },
	{ "10y", 315360000000, NULL },
	{ "1y2w3d4h5m6s7ms", 33019506007, "382d4h5m6s7ms" },
	{ "90m", 5400000, "1h30m" },
	{ "292y", INT64_C(292) * 365 * 86400000, NULL },
};

static const char *const bad_durations[] = { "", "1", "-1m", "1y1m1d", "1s1m", "1m1m", "10", "a", "1.5d", "d", "m",
	"5 m", " 5m", "5m ", "1M", "1h30", "00", "-", "1µs", "1ms1s" };

static void test_durations(void **state)
{
	char out[64];
	int64_t ms;

	for (size_t i = 0; i < sizeof duration_cases / sizeof duration_cases[0]; i++) {
		const char *text = duration_cases[i].text, *printed = duration_cases[i].printed;

		assert_ok(pm_duration_parse(pm_str(text), &ms), NULL);
		assert_int_equal(ms, duration_cases[i].ms);
		assert_str(((struct pm_str){ out, pm_duration_format(out, ms) }), printed ? printed : text);
	}
	for (size_t i = 0; i < sizeof bad_durations / sizeof bad_durations[0]; i++)
		if (pm_duration_parse(pm_str(bad_durations[i]), &ms) != PM_ERR_INVALID)
			fail_msg("\"%s\" was read", bad_durations[i]);
}

static void test_duration_limits(void **state)
{
	char out[64];
	int64_t ms = 42;

	assert_code(pm_duration_parse(PM_STR("293y"), &ms), PM_ERR_LIMIT, NULL);
	assert_code(pm_duration_parse(PM_STR("292y100w"), &ms), PM_ERR_LIMIT, NULL);
	assert_code(pm_duration_parse(PM_STR("99999999999999999999y"), &ms), PM_ERR_LIMIT, NULL);
	assert_code(pm_duration_parse(PM_STR("9223372036854775807y"), &ms), PM_ERR_LIMIT, NULL);
	assert_code(pm_duration_parse(PM_STR("9223372036855ms"), &ms), PM_ERR_LIMIT, NULL);
	assert_int_equal(ms, 42);
	assert_ok(pm_duration_parse(PM_STR("9223372036854ms"), &ms), NULL);
	assert_int_equal(ms, 9223372036854);
	assert_str(((struct pm_str){ out, pm_duration_format(out, -90000) }), "-1m30s");
	assert_true(pm_duration_format(out, INT64_MIN) < 64);
	assert_true(pm_duration_format(out, INT64_MAX) < 64);
}

TEST_MAIN(TEST(test_frozen_clock), TEST(test_real_clock), TEST(test_rfc3339), TEST(test_rfc3339_round_trips),
	TEST(test_time_parse), TEST(test_time_format), TEST(test_durations), TEST(test_duration_limits))
