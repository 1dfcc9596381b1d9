/* num.h - reading and printing numbers exactly as Go's strconv does (C++17 charconv behind it). */
#ifndef PM_BASE_NUM_H
#define PM_BASE_NUM_H

#include "libtsdb/pm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest text that pm_double_format writes, no NUL. */
#define PM_DOUBLE_TEXT_MAX 352

/* Go's strconv.ParseFloat(s, 64) without its underscores: decimal floats, hexadecimal ones with their exponent
 * ("0x1p-2"), "inf", "+Inf", "infinity" in any case, "nan" without a sign; all of `s` must be used. Overflow gives an
 * infinity and PM_ERR_LIMIT, as Go's ErrRange does; other text PM_ERR_INVALID. Exposition formats have no
 * hexadecimal floats: their readers refuse 'x', 'p' themselves. The common decimal case takes a fast path. */
int pm_double_parse(struct pm_str s, double *ret);

/* Go's strconv.FormatFloat: 'f' (-1 digits: shortest that reads back), 'g' and 'e' likewise; NaN, +Inf, -Inf.
 * Returns the length; `out` has room for PM_DOUBLE_TEXT_MAX. */
size_t pm_double_format_f(char *out, double v); /* FormatFloat(v, 'f', -1, 64) */
size_t pm_double_format_g(char *out, double v); /* FormatFloat(v, 'g', -1, 64), and %v: what text prints */
size_t pm_double_format_e(char *out, double v); /* FormatFloat(v, 'e', -1, 64) */

/* Decimal int64/uint64, all of `s`; PM_ERR_INVALID, or PM_ERR_LIMIT out of range. */
int pm_int_parse(struct pm_str s, int64_t *ret);
int pm_uint_parse(struct pm_str s, uint64_t *ret);

/* Prometheus durations: "1h30m", "5m", "0", "250ms" (units y w d h m s ms, each once, in that order). PM_ERR_INVALID
 * otherwise, PM_ERR_LIMIT when over int64 nanoseconds (292 years), as Go keeps them. */
int pm_duration_parse(struct pm_str s, int64_t *ret_ms);
/* As Go's model.Duration.String(): "1h30m", "0s", "-5m"; years and weeks only when exact ("90d"). Returns the length;
 * `out` has room for 64. */
size_t pm_duration_format(char *out, int64_t ms);

/* Timestamps of the HTTP API: Unix seconds with decimals, or RFC 3339; rounded and cut to milliseconds as
 * upstream does. PM_ERR_INVALID otherwise, also for NaN and times beyond int64 milliseconds. */
int pm_time_parse(struct pm_str s, int64_t *ret_ms);
/* Milliseconds as the API prints them: 1435781430.781, trailing zeros kept to three digits, none when whole seconds.
 * Returns the length (out: 32). */
size_t pm_time_format(char *out, int64_t t_ms);

#ifdef __cplusplus
}
#endif
#endif
