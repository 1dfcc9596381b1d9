/* Numbers as text: tables made with Go's strconv (ParseFloat, FormatFloat), round trips over random bits, and the
 * limits of integers. */
#include "tests/support/test.h"

#include "libtsdb/base/num.h"

#include <math.h>

static const struct parse_case {
	const char *text;
	uint64_t bits;
	int rc;
} parse_cases[] = {
	{ "0", 0x0000000000000000, 0 },
	{ "-0", 0x8000000000000000, 0 },
	{ "+0", 0x0000000000000000, 0 },
	{ "1", 0x3ff0000000000000, 0 },
	{ "-1", 0xbff0000000000000, 0 },
	{ "+1", 0x3ff0000000000000, 0 },
	{ "1.", 0x3ff0000000000000, 0 },
	{ "1.5", 0x3ff8000000000000, 0 },
	{ ".5", 0x3fe0000000000000, 0 },
	{ "-.5", 0xbfe0000000000000, 0 },
	{ "00012", 0x4028000000000000, 0 },
	{ "0.1", 0x3fb999999999999a, 0 },
	{ "0.2", 0x3fc999999999999a, 0 },
	{ "0.3", 0x3fd3333333333333, 0 },
	{ "123456789", 0x419d6f3454000000, 0 },
	{ "1e0", 0x3ff0000000000000, 0 },
	{ "1E5", 0x40f86a0000000000, 0 },
	{ "1e+5", 0x40f86a0000000000, 0 },
	{ "1e-5", 0x3ee4f8b588e368f1, 0 },
	{ "1.5e3", 0x4097700000000000, 0 },
	{ "12345678.9e-3", 0x40c81cd6e631f8a1, 0 },
	{ "9007199254740992", 0x4340000000000000, 0 },
	{ "9007199254740993", 0x4340000000000000, 0 },
	{ "9007199254740994", 0x4340000000000001, 0 },
	{ "9007199254740995", 0x4340000000000002, 0 },
	{ "9007199254740993e1", 0x4374000000000001, 0 },
	{ "1e22", 0x4480f0cf064dd592, 0 },
	{ "1e23", 0x44b52d02c7e14af6, 0 },
	{ "9007199254740991e22", 0x47d0f0cf064dd591, 0 },
	{ "9007199254740991e-22", 0x3eae392010175ee5, 0 },
	{ "3e-23", 0x3b422246700e05bd, 0 },
	{ "8.41e+21", 0x447c7e83209e90b2, 0 },
	{ "12345678901234567890", 0x43e56a95319d63e1, 0 },
	{ "1234567890123456789", 0x43b12210f47de981, 0 },
	{ "18446744073709551615", 0x43f0000000000000, 0 },
	{ "18446744073709551616", 0x43f0000000000000, 0 },
	{ "99999999999999999999", 0x4415af1d78b58c40, 0 },
	{ "0.000000000000000000000001", 0x3af357c299a88ea7, 0 },
	{ "0.30000000000000004", 0x3fd3333333333334, 0 },
	{ "1.7976931348623157e308", 0x7fefffffffffffff, 0 },
	{ "1.7976931348623158e308", 0x7fefffffffffffff, 0 },
	{ "1.7976931348623159e308", 0x7ff0000000000000, PM_ERR_LIMIT },
	{ "179769313486231580793728971405301e276", 0x7fefffffffffffff, 0 },
	{ "2.2250738585072014e-308", 0x0010000000000000, 0 },
	{ "2.2250738585072011e-308", 0x000fffffffffffff, 0 },
	{ "2.225073858507201e-308", 0x000fffffffffffff, 0 },
	{ "4.9e-324", 0x0000000000000001, 0 },
	{ "5e-324", 0x0000000000000001, 0 },
	{ "2.5e-324", 0x0000000000000001, 0 },
	{ "2.4703282292062328e-324", 0x0000000000000001, 0 },
	{ "2.4703282292062327e-324", 0x0000000000000000, 0 },
	{ "1e-400", 0x0000000000000000, 0 },
	{ "-1e-400", 0x8000000000000000, 0 },
	{ "1e400", 0x7ff0000000000000, PM_ERR_LIMIT },
	{ "-1e400", 0xfff0000000000000, PM_ERR_LIMIT },
	{ "1e99999999999999999999", 0x7ff0000000000000, PM_ERR_LIMIT },
	{ "1e-99999999999999999999", 0x0000000000000000, 0 },
	{ "0e99999999999999999999", 0x0000000000000000, 0 },
	{ "0.0000001e309", 0x7ea2aa4f4a405be2, 0 },
	{ "123e306", 0x7fe5e50cd03e2c87, 0 },
	{ "1e309", 0x7ff0000000000000, PM_ERR_LIMIT },
	{ "10000000000000000000000e287", 0x7ff0000000000000, PM_ERR_LIMIT },
	{ "1090544144181609348835077142190", 0x462b8779f2474dfb, 0 },
	{ "6.631236846766476e-316", 0x0000000008000000, 0 },
	{ "3.2378839133029012895883524125015321748630094436e-319", 0x000000000000ffff, 0 },
	{ "0x1p0", 0x3ff0000000000000, 0 },
	{ "0x1p-2", 0x3fd0000000000000, 0 },
	{ "0X1P-2", 0x3fd0000000000000, 0 },
	{ "-0x1.8p1", 0xc008000000000000, 0 },
	{ "0x.8p1", 0x3ff0000000000000, 0 },
	{ "0x8.p1", 0x4030000000000000, 0 },
	{ "0x1.fffffffffffffp1023", 0x7fefffffffffffff, 0 },
	{ "0x1.fffffffffffff7p1023", 0x7fefffffffffffff, 0 },
	{ "0x1.fffffffffffff8p1023", 0x7ff0000000000000, PM_ERR_LIMIT },
	{ "0x1p1024", 0x7ff0000000000000, PM_ERR_LIMIT },
	{ "0x1p-1074", 0x0000000000000001, 0 },
	{ "0x1p-1075", 0x0000000000000000, 0 },
	{ "0x1.00001p-1075", 0x0000000000000001, 0 },
	{ "0x0.8p-1074", 0x0000000000000000, 0 },
	{ "0x1.8p-1074", 0x0000000000000002, 0 },
	{ "0x1.0000000000000800p0", 0x3ff0000000000000, 0 },
	{ "0x1.00000000000008001p0", 0x3ff0000000000001, 0 },
	{ "0x1.00000000000018p0", 0x3ff0000000000002, 0 },
	{ "0x0p99999", 0x0000000000000000, 0 },
	{ "0x1p99999999999", 0x7ff0000000000000, PM_ERR_LIMIT },
	{ "0x1p-99999999999", 0x0000000000000000, 0 },
	{ "0x123456789abcdef0123456789p0", 0x45f23456789abcdf, 0 },
	{ "0x0000000000000000000000000001p0", 0x3ff0000000000000, 0 },
	{ "inf", 0x7ff0000000000000, 0 },
	{ "+inf", 0x7ff0000000000000, 0 },
	{ "-inf", 0xfff0000000000000, 0 },
	{ "Inf", 0x7ff0000000000000, 0 },
	{ "INF", 0x7ff0000000000000, 0 },
	{ "-Inf", 0xfff0000000000000, 0 },
	{ "infinity", 0x7ff0000000000000, 0 },
	{ "+Infinity", 0x7ff0000000000000, 0 },
	{ "-INFINITY", 0xfff0000000000000, 0 },
	{ "nan", 0x7ff8000000000001, 0 },
	{ "NaN", 0x7ff8000000000001, 0 },
	{ "NAN", 0x7ff8000000000001, 0 },
	{ "", 0, PM_ERR_INVALID },
	{ "+", 0, PM_ERR_INVALID },
	{ "-", 0, PM_ERR_INVALID },
	{ ".", 0, PM_ERR_INVALID },
	{ "-.", 0, PM_ERR_INVALID },
	{ "e", 0, PM_ERR_INVALID },
	{ "e5", 0, PM_ERR_INVALID },
	{ ".e5", 0, PM_ERR_INVALID },
	{ "1e", 0, PM_ERR_INVALID },
	{ "1e+", 0, PM_ERR_INVALID },
	{ "1e-", 0, PM_ERR_INVALID },
	{ "1ee5", 0, PM_ERR_INVALID },
	{ "1.2.3", 0, PM_ERR_INVALID },
	{ "1..2", 0, PM_ERR_INVALID },
	{ "+-1", 0, PM_ERR_INVALID },
	{ "--1", 0, PM_ERR_INVALID },
	{ " 1", 0, PM_ERR_INVALID },
	{ "1 ", 0, PM_ERR_INVALID },
	{ "1 2", 0, PM_ERR_INVALID },
	{ "0x", 0, PM_ERR_INVALID },
	{ "0x1", 0, PM_ERR_INVALID },
	{ "0x1.8", 0, PM_ERR_INVALID },
	{ "0xp1", 0, PM_ERR_INVALID },
	{ "0x.p1", 0, PM_ERR_INVALID },
	{ "0x1p", 0, PM_ERR_INVALID },
	{ "0x1p+", 0, PM_ERR_INVALID },
	{ "0xg", 0, PM_ERR_INVALID },
	{ "0x1e5", 0, PM_ERR_INVALID },
	{ "+nan", 0, PM_ERR_INVALID },
	{ "-nan", 0, PM_ERR_INVALID },
	{ "infi", 0, PM_ERR_INVALID },
	{ "infinit", 0, PM_ERR_INVALID },
	{ "infinityx", 0, PM_ERR_INVALID },
	{ "nanx", 0, PM_ERR_INVALID },
	{ "na", 0, PM_ERR_INVALID },
	{ "1_000", 0, PM_ERR_INVALID },
	{ "0x1_0p1", 0, PM_ERR_INVALID },
	{ "1,5", 0, PM_ERR_INVALID },
	{ "1e5.5", 0, PM_ERR_INVALID },
	{ "1f", 0, PM_ERR_INVALID },
	{ "0b1", 0, PM_ERR_INVALID },
	{ "0o7", 0, PM_ERR_INVALID },
	{ "1e0x5", 0, PM_ERR_INVALID },
	{ "٣", 0, PM_ERR_INVALID },
	{ "1e5e5", 0, PM_ERR_INVALID },
};

static void test_parse_table(void **state)
{
	for (size_t i = 0; i < sizeof parse_cases / sizeof parse_cases[0]; i++) {
		const struct parse_case *c = &parse_cases[i];
		double v = 42;
		int rc = pm_double_parse(pm_str(c->text), &v);

		if (rc != c->rc || pm_double_bits(v) != (rc == PM_ERR_INVALID ? pm_double_bits(42) : c->bits))
			fail_msg("\"%s\" gave %d, %.17g (%016" PRIx64 ")", c->text, rc, v, pm_double_bits(v));
	}
}

/* Text does not end with a NUL: a copy without one, in memory of its own, lets sanitizers see a read past the end. */
static void test_parse_reads_no_further(void **state)
{
	for (size_t i = 0; i < sizeof parse_cases / sizeof parse_cases[0]; i++) {
		const char *text = parse_cases[i].text;

		for (size_t len = 0; len <= strlen(text); len++) {
			char *copy = malloc(len ? len : 1);
			double v;

			memcpy(copy, text, len);
			pm_double_parse((struct pm_str){ copy, len }, &v);
			free(copy);
		}
	}
}

/* More digits than any fast path takes; the last one decides on which side of the middle between two doubles it is. */
static void test_parse_long(void **state)
{
	static const char half[] = "1.00000000000000011102230246251565404236316680908203125";
	char text[2000];
	double v;

	snprintf(text, sizeof text, "%s", half);
	assert_ok(pm_double_parse(pm_str(text), &v), NULL);
	assert_bits(v, 1.0);
	snprintf(text, sizeof text, "%s%0900d1", half, 0);
	assert_ok(pm_double_parse(pm_str(text), &v), NULL);
	assert_bits(v, nextafter(1.0, 2.0));
	snprintf(text, sizeof text, "0.%0900d1e901", 0);
	assert_ok(pm_double_parse(pm_str(text), &v), NULL);
	assert_bits(v, 1.0);
	snprintf(text, sizeof text, "1%0900de-900", 0);
	assert_ok(pm_double_parse(pm_str(text), &v), NULL);
	assert_bits(v, 1.0);
	snprintf(text, sizeof text, "1%0900d", 0);
	assert_code(pm_double_parse(pm_str(text), &v), PM_ERR_LIMIT, NULL);
	assert_bits(v, (double)INFINITY);
	snprintf(text, sizeof text, "0.%0900d1", 0);
	assert_ok(pm_double_parse(pm_str(text), &v), NULL);
	assert_bits(v, 0.0);
}

/* In `f`, {n} stands for n zeros. */
static const struct format_case {
	uint64_t bits;
	const char *f, *g, *e;
} format_cases[] = {
	{ 0x0000000000000000, "0", "0", "0e+00" },
	{ 0x8000000000000000, "-0", "-0", "-0e+00" },
	{ 0x3ff0000000000000, "1", "1", "1e+00" },
	{ 0xbff0000000000000, "-1", "-1", "-1e+00" },
	{ 0x4024000000000000, "10", "10", "1e+01" },
	{ 0x4059000000000000, "100", "100", "1e+02" },
	{ 0x4028000000000000, "12", "12", "1.2e+01" },
	{ 0x40fe240000000000, "123456", "123456", "1.23456e+05" },
	{ 0x4132d68700000000, "1234567", "1.234567e+06", "1.234567e+06" },
	{ 0x40f869f000000000, "99999", "99999", "9.9999e+04" },
	{ 0x40f86a0000000000, "100000", "100000", "1e+05" },
	{ 0x412e847e00000000, "999999", "999999", "9.99999e+05" },
	{ 0x412e848000000000, "1000000", "1e+06", "1e+06" },
	{ 0x430c6bf526340000, "1000000000000000", "1e+15", "1e+15" },
	{ 0x433fffffffffffff, "9007199254740991", "9.007199254740991e+15", "9.007199254740991e+15" },
	{ 0x4340000000000000, "9007199254740992", "9.007199254740992e+15", "9.007199254740992e+15" },
	{ 0x4340000000000000, "9007199254740992", "9.007199254740992e+15", "9.007199254740992e+15" },
	{ 0x4341c37937e08000, "10000000000000000", "1e+16", "1e+16" },
	{ 0x4376345785d8a000, "100000000000000000", "1e+17", "1e+17" },
	{ 0x4415af1d78b58c40, "100000000000000000000", "1e+20", "1e+20" },
	{ 0x444b1ae4d6e2ef50, "1000000000000000000000", "1e+21", "1e+21" },
	{ 0x4480f0cf064dd592, "10000000000000000000000", "1e+22", "1e+22" },
	{ 0x44b52d02c7e14af6, "100000000000000000000000", "1e+23", "1e+23" },
	{ 0x3ff8000000000000, "1.5", "1.5", "1.5e+00" },
	{ 0x3fe0000000000000, "0.5", "0.5", "5e-01" },
	{ 0x3fd0000000000000, "0.25", "0.25", "2.5e-01" },
	{ 0x3fb999999999999a, "0.1", "0.1", "1e-01" },
	{ 0x3fd3333333333333, "0.3", "0.3", "3e-01" },
	{ 0x3fd3333333333333, "0.3", "0.3", "3e-01" },
	{ 0x3fd5555555555555, "0.3333333333333333", "0.3333333333333333", "3.333333333333333e-01" },
	{ 0xbfe5555555555555, "-0.6666666666666666", "-0.6666666666666666", "-6.666666666666666e-01" },
	{ 0x3f50624dd2f1a9fc, "0.001", "0.001", "1e-03" },
	{ 0x3f1a36e2eb1c432d, "0.0001", "0.0001", "1e-04" },
	{ 0x3f202e4b6ce5dc68, "0.00012345", "0.00012345", "1.2345e-04" },
	{ 0x3ee4f8b588e368f1, "0.00001", "1e-05", "1e-05" },
	{ 0x3ee9e3abe16fc70d, "0.000012345", "1.2345e-05", "1.2345e-05" },
	{ 0x3eb0c6f7a0b5ed8d, "0.000001", "1e-06", "1e-06" },
	{ 0x3e7ad7f29abcaf48, "0.0000001", "1e-07", "1e-07" },
	{ 0x3ddb7cdfd9d7bdbb, "0.0000000001", "1e-10", "1e-10" },
	{ 0x2b617f7d4ed8c33e, "0.{98}1", "1e-99", "1e-99" },
	{ 0x2b2bff2ee48e0530, "0.{99}1", "1e-100", "1e-100" },
	{ 0x2b317f7d4ed8c33e, "0.{99}125", "1.25e-100", "1.25e-100" },
	{ 0x405edd2f1a9fbe77, "123.456", "123.456", "1.23456e+02" },
	{ 0x40934a456d5cfaad, "1234.5678", "1234.5678", "1.2345678e+03" },
	{ 0x40fe240c9fbe76c9, "123456.789", "123456.789", "1.23456789e+05" },
	{ 0x4132d68780000000, "1234567.5", "1.2345675e+06", "1.2345675e+06" },
	{ 0x0000000000000001, "0.{323}5", "5e-324", "5e-324" },
	{ 0x0010000000000000, "0.{307}22250738585072014", "2.2250738585072014e-308", "2.2250738585072014e-308" },
	{ 0x000fffffffffffff, "0.{307}2225073858507201", "2.225073858507201e-308", "2.225073858507201e-308" },
	{ 0x7fefffffffffffff, "17976931348623157{292}", "1.7976931348623157e+308", "1.7976931348623157e+308" },
	{ 0xffefffffffffffff, "-17976931348623157{292}", "-1.7976931348623157e+308", "-1.7976931348623157e+308" },
	{ 0x0000000000000013, "0.{322}94", "9.4e-323", "9.4e-323" },
	{ 0x54b249ad2594c37d, "1{100}", "1e+100", "1e+100" },
	{ 0x547d42aea2879f2e, "1{99}", "1e+99", "1e+99" },
	{ 0x4330000000000000, "4503599627370496", "4.503599627370496e+15", "4.503599627370496e+15" },
	{ 0x4330000000000002, "4503599627370498", "4.503599627370498e+15", "4.503599627370498e+15" },
	{ 0x447c7e83209e90b2, "8410000000000000000000", "8.41e+21", "8.41e+21" },
	{ 0x36dc8b8218854567, "0.{43}2", "2e-44", "2e-44" },
	{ 0x7ff0000000000000, "+Inf", "+Inf", "+Inf" },
	{ 0xfff0000000000000, "-Inf", "-Inf", "-Inf" },
	{ 0x7ff8000000000001, "NaN", "NaN", "NaN" },
	{ 0x400921fb54442d18, "3.141592653589793", "3.141592653589793", "3.141592653589793e+00" },
	{ 0x41d565124db1fbe7, "1435781430.781", "1.435781430781e+09", "1.435781430781e+09" },
};

static void expand_zeros(char *out, const char *text)
{
	const char *brace = strchr(text, '{');

	if (!brace)
		memcpy(out, text, strlen(text) + 1);
	else
		snprintf(out, PM_DOUBLE_TEXT_MAX + 1, "%.*s%0*d%s", (int)(brace - text), text,
			(int)strtol(brace + 1, NULL, 10), 0, strchr(brace, '}') + 1);
}

static void test_format_table(void **state)
{
	char out[PM_DOUBLE_TEXT_MAX], want[PM_DOUBLE_TEXT_MAX + 1];

	for (size_t i = 0; i < sizeof format_cases / sizeof format_cases[0]; i++) {
		const struct format_case *c = &format_cases[i];
		double v = pm_bits_double(c->bits);

		expand_zeros(want, c->f);
		assert_str(((struct pm_str){ out, pm_double_format_f(out, v) }), want);
		assert_str(((struct pm_str){ out, pm_double_format_g(out, v) }), c->g);
		assert_str(((struct pm_str){ out, pm_double_format_e(out, v) }), c->e);
	}
}

static void check_round_trip(double v)
{
	size_t (*const formats[])(char *, double) = { pm_double_format_f, pm_double_format_g, pm_double_format_e };
	char out[PM_DOUBLE_TEXT_MAX];
	double back;

	for (size_t i = 0; i < 3; i++) {
		size_t len = formats[i](out, v);

		assert_true(len <= sizeof out);
		assert_ok(pm_double_parse((struct pm_str){ out, len }, &back), NULL);
		assert_bits(back, v);
	}
}

static void test_round_trips(void **state)
{
	struct test_rng rng = test_rng(1);

	for (int i = 0; i < 20000; i++) {
		double any = pm_bits_double(test_u64(&rng)), short_one = (double)test_below(&rng, 1000000) / 1000;

		if (!isnan(any))
			check_round_trip(any);
		check_round_trip(short_one);
		check_round_trip((double)(int64_t)(test_u64(&rng) >> test_below(&rng, 64)));
		check_round_trip(pm_bits_double(test_u64(&rng) >> 12 >> test_below(&rng, 52)));
	}
}

/* The fast path and the C library must agree wherever both read the text. */
static void test_parse_equals_libc(void **state)
{
	struct test_rng rng = test_rng(2);
	char text[64];

	for (int i = 0; i < 50000; i++) {
		uint64_t whole = test_u64(&rng) >> test_below(&rng, 64), part = test_u64(&rng) >> test_below(&rng, 64);
		double v;

		snprintf(text, sizeof text, "%" PRIu64 ".%" PRIu64 "e%d", whole, part, (int)test_below(&rng, 60) - 30);
		assert_ok(pm_double_parse(pm_str(text), &v), NULL);
		assert_bits(v, strtod(text, NULL));
	}
}

static void check_int(const char *text, int rc, int64_t want)
{
	int64_t v = 42;

	assert_code(pm_int_parse(pm_str(text), &v), rc, NULL);
	assert_int_equal(v, rc ? 42 : want);
}

static void check_uint(const char *text, int rc, uint64_t want)
{
	uint64_t v = 42;

	assert_code(pm_uint_parse(pm_str(text), &v), rc, NULL);
	assert_int_equal(v, rc ? 42 : want);
}

static void test_integers(void **state)
{
	check_int("0", 0, 0);
	check_int("-0", 0, 0);
	check_int("+7", 0, 7);
	check_int("0012", 0, 12);
	check_int("9223372036854775807", 0, INT64_MAX);
	check_int("-9223372036854775808", 0, INT64_MIN);
	check_int("9223372036854775808", PM_ERR_LIMIT, 0);
	check_int("-9223372036854775809", PM_ERR_LIMIT, 0);
	check_int("99999999999999999999999", PM_ERR_LIMIT, 0);
	check_int("", PM_ERR_INVALID, 0);
	check_int("-", PM_ERR_INVALID, 0);
	check_int("--1", PM_ERR_INVALID, 0);
	check_int("1x", PM_ERR_INVALID, 0);
	check_int("99999999999999999999999x", PM_ERR_INVALID, 0);
	check_int(" 1", PM_ERR_INVALID, 0);
	check_int("1.0", PM_ERR_INVALID, 0);
	check_uint("18446744073709551615", 0, UINT64_MAX);
	check_uint("18446744073709551616", PM_ERR_LIMIT, 0);
	check_uint("+1", PM_ERR_INVALID, 0);
	check_uint("-1", PM_ERR_INVALID, 0);
	check_uint("", PM_ERR_INVALID, 0);
	check_int(NULL, PM_ERR_INVALID, 0);
	assert_code(pm_double_parse((struct pm_str){ NULL, 0 }, &(double){ 0 }), PM_ERR_INVALID, NULL);
}

TEST_MAIN(TEST(test_parse_table), TEST(test_parse_reads_no_further), TEST(test_parse_long), TEST(test_format_table),
	TEST(test_round_trips), TEST(test_parse_equals_libc), TEST(test_integers))
