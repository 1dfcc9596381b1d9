/* progress.c - see progress.h. */
#include "cmd/progress.h"

#include "cmd/cmd.h"
#include "libtsdb/base/clock.h"

enum { INTERVAL_MS = 200, BAR_WIDTH = 30 };

void pm_progress_init(struct pm_progress *p)
{
	*p = (struct pm_progress){ .on = pm_colour(stderr) };
}

void pm_progress_show(struct pm_progress *p, const char *what, uint64_t done, uint64_t total, uint64_t samples)
{
	int64_t now_ms;

	if (!p->on)
		return;
	now_ms = pm_monotonic_ns() / 1000000;
	if (now_ms - p->shown_ms < INTERVAL_MS)
		return;
	p->shown_ms = now_ms;
	fprintf(stderr, "\r\033[K%s ", what);
	if (total) {
		int width = done >= total ? BAR_WIDTH : (int)((double)done / (double)total * BAR_WIDTH);

		fprintf(stderr, "[%.*s%*s] ", width, "##############################", BAR_WIDTH - width, "");
	}
	fprintf(stderr, "%.1f M samples", (double)samples / 1e6);
}

void pm_progress_clear(struct pm_progress *p)
{
	if (p->on && p->shown_ms)
		fprintf(stderr, "\r\033[K");
	p->shown_ms = 0;
}
