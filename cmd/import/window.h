/* window.h - a long text read in windows of whole lines, so that its size does not matter. */
#ifndef PM_CMD_WINDOW_H
#define PM_CMD_WINDOW_H

#include "libtsdb/pm.h"

struct pm_window {
	int fd;
	char *buf;
	size_t cap, len;    /* bytes held */
	size_t used;        /* of them were handed out and are done with */
	uint64_t read;      /* bytes read so far */
	uint64_t size;      /* of the whole, 0 when nobody knows (a pipe) */
	bool at_end;
};

/* `path` "-": standard input. `window_size`: bytes of one window, and the longest line; a window of a pipe is
 * eight times as large, since each becomes a transaction. */
int pm_window_open(struct pm_window *w, const char *path, size_t window_size, struct pm_error *err);
/* 1: `*ret`, which ends with a line break (the last one perhaps not) and is good until the next call; 0: the end.
 * PM_ERR_LIMIT: a line is longer than the window. */
int pm_window_next(struct pm_window *w, struct pm_str *ret, struct pm_error *err);
void pm_window_close(struct pm_window *w); /* a zeroed one is fine */

#endif
