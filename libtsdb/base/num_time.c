/* num_time.c - durations and timestamps as text, as Prometheus and Go read and print them. */
#include "libtsdb/base/num.h"

#include <math.h>
#include <stdio.h>

enum { MS_PER_SECOND = 1000, NS_PER_MS = 1000000 };

static const struct unit {
	char name[3];
	int64_t ms;
} units[] = {
	{ "y", INT64_C(365) * 86400000 },
	{ "w", INT64_C(7) * 86400000 },
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

enum { UNIT_COUNT = sizeof units / sizeof units[0], FIRST_INEXACT = 2 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- durations ---------------------------------------------------------------------------------- */

/* One number with its unit from the front of `*s`; units before `*next_unit` are used up. */
static int take_term(struct pm_str *s, size_t *next_unit, int64_t *ret_ms)
{
	size_t digits = 0, end;
	int64_t v;
	int rc;

	while (digits < s->len && is_digit(s->ptr[digits]))
		digits++;
	for (end = digits; end < s->len && !is_digit(s->ptr[end]); end++)
		;
	for (size_t u = *next_unit; u < UNIT_COUNT; u++) {
		if (!pm_str_eq((struct pm_str){ s->ptr + digits, end - digits }, pm_str(units[u].name)))
			continue;
		rc = pm_int_parse((struct pm_str){ s->ptr, digits }, &v);
		if (rc < 0)
			return rc;
		*next_unit = u + 1;
		*s = (struct pm_str){ s->ptr + end, s->len - end };
		return __builtin_mul_overflow(v, units[u].ms, ret_ms) ? PM_ERR_LIMIT : 0;
	}
	return PM_ERR_INVALID;
}

/* Go keeps durations in int64 nanoseconds: more than 292 years do not fit, and are refused here too. */
int pm_duration_parse(struct pm_str s, int64_t *ret_ms)
{
	int64_t sum = 0, term = 0, ns;
	size_t next_unit = 0;

	if (pm_str_eq(s, PM_STR("0"))) {
		*ret_ms = 0;
		return 0;
	}
	if (s.len == 0)
		return PM_ERR_INVALID;
	while (s.len > 0) {
		int rc = take_term(&s, &next_unit, &term);

		if (rc < 0)
			return rc;
		if (__builtin_add_overflow(sum, term, &sum) || __builtin_mul_overflow(sum, (int64_t)NS_PER_MS, &ns))
			return PM_ERR_LIMIT;
	}
	*ret_ms = sum;
	return 0;
}

/* Years and weeks only when nothing is left over: people read 90d more easily than 12w6d. */
size_t pm_duration_format(char *out, int64_t ms)
{
	uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	size_t len = 0;

	if (ms == 0)
		len = (size_t)snprintf(out, 64, "0s");
	if (ms < 0)
		out[len++] = '-';
	for (size_t u = 0; u < UNIT_COUNT; u++) {
		uint64_t unit = (uint64_t)units[u].ms, v = left / unit;

		if (v == 0 || (u < FIRST_INEXACT && left % unit))
			continue;
		len += (size_t)snprintf(out + len, 64 - len, "%llu%s", (unsigned long long)v, units[u].name);
		left -= v * unit;
	}
	return len;
}

/* ---- timestamps --------------------------------------------------------------------------------- */

/* Exactly `count` digits from the front of `*s`, between min and max. */
static bool take_number(struct pm_str *s, size_t count, int min, int max, int *ret)
{
	int v = 0;

	if (s->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!is_digit(s->ptr[i]))
			return false;
		v = v * 10 + (s->ptr[i] - '0');
	}
	*s = (struct pm_str){ s->ptr + count, s->len - count };
	*ret = v;
	return v >= min && v <= max;
}

static bool take_char(struct pm_str *s, char c)
{
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	*s = (struct pm_str){ s->ptr + 1, s->len - 1 };
	return true;
}

/* Any number of digits behind '.' or ','; what is finer than a millisecond is cut off, as upstream does. */
static bool take_fraction(struct pm_str *s, int *ret_ms)
{
	int ms = 0, scale = 100;

	if (!take_char(s, '.') && !take_char(s, ',')) {
		*ret_ms = 0;
		return true;
	}
	if (s->len == 0 || !is_digit(s->ptr[0]))
		return false;
	for (; s->len > 0 && is_digit(s->ptr[0]); scale /= 10) {
		ms += (s->ptr[0] - '0') * scale;
		*s = (struct pm_str){ s->ptr + 1, s->len - 1 };
	}
	*ret_ms = ms;
	return true;
}

/* "Z" or "+hh:mm", all that is left. */
static bool take_zone(struct pm_str *s, int *ret_seconds)
{
	int sign, hours, minutes;

	*ret_seconds = 0;
	if (take_char(s, 'Z'))
		return s->len == 0;
	sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
	if (!sign || !take_number(s, 2, 0, 24, &hours) || !take_char(s, ':') || !take_number(s, 2, 0, 60, &minutes))
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return s->len == 0;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

static int64_t days_since_epoch(int year, int month, int day)
{
	int y = year - 1; /* whole years since year 1 */
	int64_t days = INT64_C(365) * y + y / 4 - y / 100 + y / 400;

	if (year == 0)
		days = -366;
	for (int m = 1; m < month; m++)
		days += days_in_month(year, m);
	return days + day - 1 - 719162; /* 0001-01-01 to 1970-01-01 */
}

static int parse_rfc3339(struct pm_str s, int64_t *ret_ms)
{
	int year, month, day, hour, minute, second, ms, zone;
	bool ok = take_number(&s, 4, 0, 9999, &year) && take_char(&s, '-') && take_number(&s, 2, 1, 12, &month) &&
		  take_char(&s, '-') && take_number(&s, 2, 1, 31, &day) && day <= days_in_month(year, month) &&
		  take_char(&s, 'T') && take_number(&s, 2, 0, 23, &hour) && take_char(&s, ':') &&
		  take_number(&s, 2, 0, 59, &minute) && take_char(&s, ':') && take_number(&s, 2, 0, 59, &second) &&
		  take_fraction(&s, &ms) && take_zone(&s, &zone);

	if (!ok)
		return PM_ERR_INVALID;
	*ret_ms = ((days_since_epoch(year, month, day) * 24 + hour) * 60 + minute) * 60000 +
		  (int64_t)(second - zone) * MS_PER_SECOND + ms;
	return 0;
}

/* Seconds as a double; as upstream does, whole seconds and the fraction are rounded apart, not their sum. */
static int parse_seconds(double t, int64_t *ret_ms)
{
	double whole, fraction = modf(t, &whole);

	if (!(fabs(t) < 9.2e15))
		return PM_ERR_INVALID;
	*ret_ms = (int64_t)whole * MS_PER_SECOND + (int64_t)round(fraction * MS_PER_SECOND);
	return 0;
}

int pm_time_parse(struct pm_str s, int64_t *ret_ms)
{
	/* How upstream prints its smallest and largest time, whose years have more than four digits. */
	static const char earliest[] = "-292273086-05-16T16:47:06Z", latest[] = "292277025-08-18T07:12:54.999999999Z";
	double t;

	if (pm_double_parse(s, &t) == 0)
		return parse_seconds(t, ret_ms);
	if (parse_rfc3339(s, ret_ms) == 0)
		return 0;
	if (pm_str_eq(s, pm_str(earliest)))
		*ret_ms = (INT64_MIN / 1000 + INT64_C(62135596801)) * 1000;
	else if (pm_str_eq(s, pm_str(latest)))
		*ret_ms = (INT64_MAX / 1000 - INT64_C(62135596801)) * 1000 + 999;
	else
		return PM_ERR_INVALID;
	return 0;
}

/* Answers of raw samples are half times: digits are written by hand, from the last one. */
size_t pm_time_format(char *out, int64_t t_ms)
{
	uint64_t abs = t_ms < 0 ? 0 - (uint64_t)t_ms : (uint64_t)t_ms, left = abs / MS_PER_SECOND;
	unsigned ms = (unsigned)(abs % MS_PER_SECOND);
	char text[32], *end = text + sizeof text, *p = end;

	if (ms) {
		*--p = (char)('0' + ms % 10);
		*--p = (char)('0' + ms / 10 % 10);
		*--p = (char)('0' + ms / 100);
		*--p = '.';
	}
	do {
		*--p = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (t_ms < 0)
		*--p = '-';
	memcpy(out, p, (size_t)(end - p));
	return (size_t)(end - p);
}
