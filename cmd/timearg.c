/* timearg.c - times and durations as people type them on the command line. */
#include "cmd/cmd.h"

#include "libtsdb/base/num.h"

#include <math.h>

static int relative(struct pm_str s, int64_t now_ms, int64_t *ret_ms)
{
	int64_t delta;
	bool minus = s.len && s.ptr[0] == '-';

	if (s.len < 2 || (!minus && s.ptr[0] != '+'))
		return PM_ERR_INVALID;
	if (pm_duration_parse((struct pm_str){ s.ptr + 1, s.len - 1 }, &delta) != 0)
		return PM_ERR_INVALID;
	return __builtin_add_overflow(now_ms, minus ? -delta : delta, ret_ms) ? PM_ERR_INVALID : 0;
}

int pm_time_arg(const char *text, int64_t now_ms, int64_t *ret_ms, struct pm_error *err)
{
	struct pm_str s = pm_str(text);
	int64_t t = now_ms;
	int rc;

	if (s.len >= 3 && memcmp(s.ptr, "now", 3) == 0)
		rc = s.len == 3 ? 0 : relative((struct pm_str){ s.ptr + 3, s.len - 3 }, now_ms, &t);
	else if ((rc = pm_time_parse(s, &t)) != 0)
		rc = relative(s, now_ms, &t);
	if (rc != 0)
		return pm_fail(err, PM_ERR_INVALID,
			"bad time \"%s\": want now, -1h, Unix seconds or 2026-08-01T12:00:00Z", text);
	*ret_ms = t;
	return 0;
}

int pm_duration_arg(const char *text, int64_t *ret_ms, struct pm_error *err)
{
	double seconds;

	if (pm_duration_parse(pm_str(text), ret_ms) == 0)
		return 0;
	if (pm_double_parse(pm_str(text), &seconds) == 0 && seconds >= 0 && seconds <= (double)(INT64_MAX / 1000)) {
		*ret_ms = (int64_t)llround(seconds * 1000);
		return 0;
	}
	return pm_fail(err, PM_ERR_INVALID, "bad duration \"%s\": want 90s, 1h30m or a number of seconds", text);
}
