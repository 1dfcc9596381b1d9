/* clock.c - the system's clocks, or a frozen one that tests move by hand.
 *
 * While frozen both clocks show the same value, which is kept in nanoseconds. `frozen` is checked first, so that the
 * real path costs one relaxed load. */
#include "libtsdb/base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MS_PER_DAY = 86400000 };

static atomic_bool frozen;
static _Atomic int64_t frozen_ns;

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;

	if (atomic_load_explicit(&frozen, memory_order_acquire))
		return atomic_load(&frozen_ns);
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t pm_now_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

int64_t pm_now_ms(void)
{
	return pm_now_ns() / 1000000;
}

int64_t pm_monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

void pm_clock_freeze(int64_t now_ms)
{
	atomic_store(&frozen_ns, now_ms * 1000000);
	atomic_store_explicit(&frozen, true, memory_order_release);
}

void pm_clock_advance(int64_t ms)
{
	atomic_fetch_add(&frozen_ns, ms * 1000000);
}

void pm_clock_real(void)
{
	atomic_store(&frozen, false);
}

/* Days since 1970-01-01 to a date of the Gregorian calendar. The year is made to begin on the 1st of March, so that
 * the day that comes and goes is its last, and shifted by eras of 400 years (146097 days), in which all repeats. */
static void civil_date(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
	int64_t z = days + 719468; /* since 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int day_of_era = (int)(z - era * 146097);
	int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (5 * day_of_year + 2) / 153; /* 0: March */

	*ret_day = day_of_year - (153 * month + 2) / 5 + 1;
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

int pm_time_rfc3339(char *out, int64_t t_ms)
{
	int64_t days = t_ms / MS_PER_DAY, year;
	int of_day = (int)(t_ms % MS_PER_DAY), month, day, n;

	if (of_day < 0) {
		of_day += MS_PER_DAY;
		days--;
	}
	civil_date(days, &year, &month, &day);
	n = snprintf(out, 40, "%s%04d-%02d-%02dT%02d:%02d:%02d", year < 0 ? "-" : "", abs((int)year), month, day,
		of_day / 3600000, of_day / 60000 % 60, of_day / 1000 % 60);
	if (of_day % 1000)
		n += snprintf(out + n, 40 - (size_t)n, ".%03d", of_day % 1000);
	while (of_day % 1000 && out[n - 1] == '0')
		n--;
	out[n++] = 'Z';
	out[n] = '\0';
	return n;
}
