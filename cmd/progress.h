/* progress.h - a bar on the terminal while a long command works; nothing where standard error is none. */
#ifndef PM_CMD_PROGRESS_H
#define PM_CMD_PROGRESS_H

#include "libtsdb/pm.h"

struct pm_progress {
	bool on;
	int64_t shown_ms; /* when it was drawn last, 0: not on the screen */
};

void pm_progress_init(struct pm_progress *p);
/* Draw it, if the last time is a moment ago: `what`, a bar when `total` is not 0, and millions of samples. */
void pm_progress_show(struct pm_progress *p, const char *what, uint64_t done, uint64_t total, uint64_t samples);
/* Take it away, before anything else is said. */
void pm_progress_clear(struct pm_progress *p);

#endif
