/* times.h - inside libscrape: the arithmetic of the loop's schedule, apart from clocks. All times are Unix
 * milliseconds. */
#ifndef SCRAPE_TARGET_TIMES_H
#define SCRAPE_TARGET_TIMES_H

#include "libscrape/scrape.h"

/* A target's place in its interval, [0, interval_ms): from what it is, so that it is the same in every process. */
int64_t scrape__offset(const struct scrape_target *t, int64_t interval_ms);

/* The first moment behind `after_ms` that lies `offset_ms` behind a multiple of the interval. */
int64_t scrape__due_after(int64_t after_ms, int64_t interval_ms, int64_t offset_ms);

/* The moment to go on from when the scrape that was due at `due_ms` is over at `now_ms`: behind it, and never in the
 * past; `now_ms` when they are so far apart that the clock must have been set. */
int64_t scrape__go_on_from(int64_t due_ms, int64_t now_ms, int64_t interval_ms);

/* The timestamp of a scrape that was due at `due_ms` and starts at `now_ms`: the due time when it is met within two
 * milliseconds, and within a hundredth of the interval. */
int64_t scrape__timestamp(int64_t due_ms, int64_t now_ms, int64_t interval_ms);

#endif
