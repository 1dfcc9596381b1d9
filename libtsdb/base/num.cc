/* num.cc - doubles and integers to and from text, as Go's strconv has them.
 *
 * Reading: most numbers that pm sees are plain decimals with few digits. When the digits fit 53 bits and the power
 * of ten is at most 10^22, both are exact doubles, and one IEEE multiplication or division rounds correctly (Clinger).
 * All else goes to charconv, which is correct for any length. Hexadecimal floats are rounded here.
 *
 * Printing: charconv finds the shortest digits; where the point and the exponent go is Go's choice, made here. */
#include "libtsdb/base/num.h"

#include <charconv>
#include <climits>
#include <cmath>

namespace
{

const double pow10[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
	1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
const int pow10_max = 22;
const int digits_max = 19; /* any 19 digits fit 64 bits */
const uint64_t mantissa_max = 1ull << 53;
const int exponent_max = 100000; /* beyond, more does not change the result */

inline unsigned digit(char c)
{
	return (unsigned char)c - (unsigned)'0';
}

inline const char *take_digits(const char *p, const char *end, uint64_t *mantissa)
{
	uint64_t m = *mantissa;

	for (; p < end && digit(*p) <= 9; p++)
		m = m * 10 + digit(*p);
	*mantissa = m;
	return p;
}

/* The exponent behind 'e' or 'p': sign and decimal digits up to the end. False when it is none. */
bool take_exponent(const char *p, const char *end, int *ret)
{
	bool neg = p < end && *p == '-';
	int e = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	if (p == end)
		return false;
	for (; p < end && digit(*p) <= 9; p++)
		if (e < exponent_max)
			e = e * 10 + (int)digit(*p);
	*ret = neg ? -e : e;
	return p == end;
}

/* ---- reading ------------------------------------------------------------------------------------ */

/* Clinger's case, for text behind the sign. False: not that simple, or not a number. */
inline bool parse_plain(const char *p, const char *end, double *ret)
{
	const char *digits = p;
	uint64_t mantissa = 0;
	long count;
	int exp10 = 0;

	p = take_digits(p, end, &mantissa);
	count = p - digits;
	if (p < end && *p == '.') {
		const char *fraction = p + 1;

		p = take_digits(fraction, end, &mantissa);
		count += p - fraction;
		exp10 = count > digits_max ? 0 : -(int)(p - fraction);
	}
	if (count == 0 || count > digits_max || mantissa > mantissa_max)
		return false;
	if (p < end) {
		int e;

		if ((*p != 'e' && *p != 'E') || !take_exponent(p + 1, end, &e))
			return false;
		exp10 += e;
	}
	if (exp10 < -pow10_max || exp10 > pow10_max)
		return false;
	*ret = exp10 < 0 ? (double)mantissa / pow10[-exp10] : (double)mantissa * pow10[exp10];
	return true;
}

/* Whether a decimal that charconv finds out of range is so at the upper end: it is below 1 otherwise. */
bool is_huge(const char *p, const char *end)
{
	long before_point = 0, after_point = 0; /* digits from the first one that is not 0; zeros up to it */
	bool point = false, significant = false;
	int e = 0;

	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		significant |= *p != '0';
		if (significant && !point)
			before_point++;
		if (!significant && point)
			after_point++;
	}
	if (p < end)
		take_exponent(p + 1, end, &e);
	return before_point - after_point + e > 0;
}

int parse_decimal(const char *p, const char *end, double *ret)
{
	std::from_chars_result r = std::from_chars(p, end, *ret);

	if (r.ptr != end || r.ec == std::errc::invalid_argument)
		return PM_ERR_INVALID;
	if (r.ec != std::errc::result_out_of_range)
		return 0;
	*ret = is_huge(p, end) ? HUGE_VAL : 0;
	return *ret > 0 ? PM_ERR_LIMIT : 0;
}

int hex_digit(char c)
{
	if (digit(c) <= 9)
		return (int)digit(c);
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* mantissa * 2^exp2, rounded once to even; `sticky`: there are more bits below. */
int round_binary(uint64_t mantissa, bool sticky, int exp2, double *ret)
{
	int width = 64 - __builtin_clzll(mantissa), drop = width - 53;

	if (exp2 + width > 2000 || exp2 + width < -2000)
		exp2 = exp2 > 0 ? 2000 : -2000 - width;
	if (exp2 + drop < -1074) /* a subnormal has fewer bits */
		drop = -1074 - exp2;
	if (drop > 64) {
		*ret = 0;
		return 0;
	}
	if (drop > 0) {
		uint64_t kept = drop < 64 ? mantissa >> drop : 0;
		uint64_t rest = drop < 64 ? mantissa << (64 - drop) : mantissa, half = 1ull << 63;

		mantissa = kept + (rest > half || (rest == half && (sticky || (kept & 1))));
		exp2 += drop;
	}
	*ret = std::ldexp((double)mantissa, exp2);
	return std::isinf(*ret) ? PM_ERR_LIMIT : 0;
}

/* Behind "0x". The exponent is required, as it is in Go. */
int parse_hex(const char *p, const char *end, double *ret)
{
	uint64_t mantissa = 0;
	bool point = false, any = false, sticky = false;
	long exp2 = 0;
	int e, d;

	for (; p < end; p++) {
		if (*p == '.' && !point) {
			point = true;
			continue;
		}
		d = hex_digit(*p);
		if (d < 0)
			break;
		any = true;
		if (mantissa >> 60) {
			sticky |= d != 0;
			exp2 += point ? 0 : 4;
		} else {
			mantissa = mantissa << 4 | (unsigned)d;
			exp2 -= point ? 4 : 0;
		}
	}
	if (!any || p == end || (*p | 0x20) != 'p' || !take_exponent(p + 1, end, &e))
		return PM_ERR_INVALID;
	if (mantissa == 0) {
		*ret = 0;
		return 0;
	}
	exp2 += e;
	exp2 = exp2 > INT_MAX / 2 ? INT_MAX / 2 : exp2 < -INT_MAX / 2 ? -INT_MAX / 2 : exp2;
	return round_binary(mantissa, sticky, (int)exp2, ret);
}

bool is_word(const char *p, const char *end, const char *word)
{
	for (; p < end && *word; p++, word++)
		if ((*p | 0x20) != *word)
			return false;
	return p == end && !*word;
}

int parse_rest(const char *p, const char *end, bool sign, double *ret)
{
	if (p == end)
		return PM_ERR_INVALID;
	if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
		return parse_hex(p + 2, end, ret);
	if (digit(*p) <= 9 || *p == '.')
		return parse_decimal(p, end, ret);
	if (is_word(p, end, "inf") || is_word(p, end, "infinity"))
		*ret = HUGE_VAL;
	else if (!sign && is_word(p, end, "nan"))
		*ret = pm_bits_double(PM_NORMAL_NAN_BITS);
	else
		return PM_ERR_INVALID;
	return 0;
}

/* ---- printing ----------------------------------------------------------------------------------- */

/* A number's shortest digits: 0.d1d2d3... * 10^point. */
struct decimal {
	char digits[20];
	int count, point;
};

void shortest(double v, struct decimal *d)
{
	char text[32];
	char *end = std::to_chars(text, text + sizeof text, v, std::chars_format::scientific).ptr, *p = text;
	int e = 0;

	d->count = 0;
	for (; *p != 'e'; p++)
		if (*p != '.')
			d->digits[d->count++] = *p;
	take_exponent(p + 1, end, &e);
	d->point = v == 0 ? 1 : e + 1;
}

char *put_exponent(char *p, const struct decimal *d)
{
	int e = d->point - 1, abs = e < 0 ? -e : e;

	*p++ = d->digits[0];
	if (d->count > 1) {
		*p++ = '.';
		memcpy(p, d->digits + 1, (size_t)d->count - 1);
		p += d->count - 1;
	}
	*p++ = 'e';
	*p++ = e < 0 ? '-' : '+';
	if (abs >= 100)
		*p++ = (char)('0' + abs / 100);
	*p++ = (char)('0' + abs / 10 % 10);
	*p++ = (char)('0' + abs % 10);
	return p;
}

char *put_zeros(char *p, int n)
{
	for (; n > 0; n--)
		*p++ = '0';
	return p;
}

char *put_plain(char *p, const struct decimal *d)
{
	int before = d->point < d->count ? d->point : d->count; /* digits in front of the point */

	if (d->point <= 0) {
		p = put_zeros(p, 1);
		before = 0;
	} else {
		memcpy(p, d->digits, (size_t)before);
		p = put_zeros(p + before, d->point - d->count);
	}
	if (before < d->count) {
		*p++ = '.';
		p = put_zeros(p, -d->point);
		memcpy(p, d->digits + before, (size_t)(d->count - before));
		p += d->count - before;
	}
	return p;
}

/* Writes NaN and infinities whole and else the sign; NULL: all is written, its length in `*ret_len`. */
char *put_special(char *out, double v, size_t *ret_len)
{
	if (std::isfinite(v)) {
		if (std::signbit(v))
			*out++ = '-';
		return out;
	}
	memcpy(out, std::isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf", 4);
	*ret_len = std::isnan(v) ? 3 : 4;
	return NULL;
}

/* With an exponent when it is below exp_min or at least exp_max. */
size_t format(char *out, double v, int exp_min, int exp_max)
{
	struct decimal d;
	size_t len = 0;
	char *p = put_special(out, v, &len);

	if (!p)
		return len;
	shortest(std::fabs(v), &d);
	p = d.point - 1 < exp_min || d.point - 1 >= exp_max ? put_exponent(p, &d) : put_plain(p, &d);
	return (size_t)(p - out);
}

int parse_unsigned(const char *p, const char *end, uint64_t *ret)
{
	uint64_t v = 0;
	bool over = false;

	if (p == end)
		return PM_ERR_INVALID;
	for (; p < end; p++) {
		if (digit(*p) > 9)
			return PM_ERR_INVALID;
		over |= __builtin_mul_overflow(v, (uint64_t)10, &v) ||
			__builtin_add_overflow(v, (uint64_t)digit(*p), &v);
	}
	if (over)
		return PM_ERR_LIMIT;
	*ret = v;
	return 0;
}

} /* namespace */

int pm_double_parse(struct pm_str s, double *ret)
{
	const char *p = s.ptr, *end = p + s.len;
	bool sign = s.len > 0 && (*p == '-' || *p == '+'), neg = sign && *p == '-';
	double v = 0;
	int rc = 0;

	p += sign;
	if (!parse_plain(p, end, &v))
		rc = parse_rest(p, end, sign, &v);
	if (rc == 0 || rc == PM_ERR_LIMIT)
		*ret = neg ? -v : v;
	return rc;
}

size_t pm_double_format_f(char *out, double v)
{
	/* Below 2^53 the integer itself is the shortest text: its neighbours are not nearer than 1. */
	if (std::fabs(v) < (double)mantissa_max && v == (double)(int64_t)v && v != 0)
		return (size_t)(std::to_chars(out, out + 32, (int64_t)v).ptr - out);
	return format(out, v, INT_MIN, INT_MAX);
}

size_t pm_double_format_g(char *out, double v)
{
	return format(out, v, -4, 6);
}

size_t pm_double_format_e(char *out, double v)
{
	return format(out, v, INT_MAX, INT_MAX);
}

int pm_int_parse(struct pm_str s, int64_t *ret)
{
	const char *p = s.ptr, *end = p + s.len;
	bool sign = s.len > 0 && (*p == '-' || *p == '+'), neg = sign && *p == '-';
	uint64_t v;
	int rc = parse_unsigned(p + sign, end, &v);

	if (rc < 0)
		return rc;
	if (v > (uint64_t)INT64_MAX + neg)
		return PM_ERR_LIMIT;
	*ret = neg ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int pm_uint_parse(struct pm_str s, uint64_t *ret)
{
	return parse_unsigned(s.ptr, s.ptr + s.len, ret);
}
