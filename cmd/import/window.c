/* window.c - see window.h. What is left of an unfinished line moves to the front before the next read. */
#include "cmd/import/window.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"

#include <fcntl.h>
#include <unistd.h>

enum { PIPE_FACTOR = 8 };

int pm_window_open(struct pm_window *w, const char *path, size_t window_size, struct pm_error *err)
{
	int rc = 0;

	*w = (struct pm_window){ .fd = STDIN_FILENO, .cap = window_size };
	if (strcmp(path, "-") != 0)
		rc = pm_fs_openat(AT_FDCWD, path, PM_FS_READ, &w->fd, err);
	if (rc < 0)
		return rc;
	if (pm_fs_size(w->fd, &w->size, NULL) < 0)
		w->size = 0;
	if (w->size == 0)
		w->cap *= PIPE_FACTOR;
	w->buf = pm_malloc(w->cap);
	if (w->buf)
		return 0;
	pm_window_close(w);
	return pm_fail(err, PM_ERR_NOMEM, "out of memory");
}

static int fill(struct pm_window *w, struct pm_error *err)
{
	w->len -= w->used;
	memmove(w->buf, w->buf + w->used, w->len);
	w->used = 0;
	while (!w->at_end && w->len < w->cap) {
		size_t n;
		int rc = pm_fs_read(w->fd, w->buf + w->len, w->cap - w->len, &n, err);

		if (rc < 0)
			return rc;
		w->len += n;
		w->read += n;
		w->at_end = n == 0;
	}
	return 0;
}

int pm_window_next(struct pm_window *w, struct pm_str *ret, struct pm_error *err)
{
	int rc = fill(w, err);

	if (rc < 0 || w->len == 0)
		return rc;
	const char *last = memrchr(w->buf, '\n', w->len);

	if (!last && !w->at_end)
		return pm_fail(err, PM_ERR_LIMIT, "a line is longer than %zu bytes", w->cap);
	w->used = w->at_end ? w->len : (size_t)(last - w->buf) + 1;
	*ret = (struct pm_str){ w->buf, w->used };
	return 1;
}

void pm_window_close(struct pm_window *w)
{
	pm_free(w->buf);
	if (w->fd != STDIN_FILENO)
		pm_fs_close(w->fd);
	*w = (struct pm_window){ 0 };
}
