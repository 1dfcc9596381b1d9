/* clock.h - the only place that asks the time. Tests set it. Thread-safe. */
#ifndef PM_BASE_CLOCK_H
#define PM_BASE_CLOCK_H

#include <stdint.h>

int64_t pm_now_ms(void);       /* Unix milliseconds */
int64_t pm_now_ns(void);       /* Unix nanoseconds */
int64_t pm_monotonic_ns(void); /* never goes back; for durations and deadlines */

/* Tests: freeze both clocks at this wall time; pm_clock_advance moves them; pm_clock_real goes back to the system's. */
void pm_clock_freeze(int64_t now_ms);
void pm_clock_advance(int64_t ms);
void pm_clock_real(void);

/* "2026-08-01T12:34:56.789Z" (RFC 3339, UTC, no fraction when zero). Returns the length, `out` has room for 40. */
int pm_time_rfc3339(char *out, int64_t t_ms);

#endif
