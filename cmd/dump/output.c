/* output.c - see output.h. */
#include "cmd/dump/output.h"

#include "cmd/cmd.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"

#include <fcntl.h>
#include <unistd.h>

enum { FLUSH_SIZE = 256 << 10 };

static void release(struct pm_output *o)
{
	if (o->fd >= 0)
		pm_fs_close(o->fd);
	pm_buf_release(&o->buf);
	pm_free(o->path);
	pm_free(o->temp);
	*o = (struct pm_output){ .fd = -1 };
}

int pm_output_open(struct pm_output *o, const char *path, struct pm_error *err)
{
	size_t size = path ? strlen(path) + 32 : 0;
	int rc;

	*o = (struct pm_output){ .fd = -1 };
	if (!path || strcmp(path, "-") == 0)
		return 0;
	o->path = pm_strndup(path, strlen(path));
	o->temp = pm_malloc(size);
	if (!o->path || !o->temp) {
		release(o);
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	snprintf(o->temp, size, "%s.tmp-%d", path, (int)getpid());
	rc = pm_fs_openat(AT_FDCWD, o->temp, PM_FS_WRITE | PM_FS_CREATE | PM_FS_EXCL, &o->fd, err);
	if (rc < 0)
		release(o);
	return rc;
}

static int write_out(struct pm_output *o, struct pm_error *err)
{
	struct pm_str text = pm_buf_view(&o->buf);
	int rc = 0;

	if (pm_buf_error(&o->buf))
		return pm_fail(err, pm_buf_error(&o->buf), "out of memory");
	if (o->path)
		rc = pm_fs_pwrite(o->fd, text.ptr, text.len, o->written, err);
	else if (fwrite(text.ptr, 1, text.len, stdout) != text.len)
		rc = pm_fail(err, PM_ERR_IO, "standard output: can't be written");
	o->written += text.len;
	pm_buf_reset(&o->buf);
	return rc;
}

int pm_output_flush(struct pm_output *o, struct pm_error *err)
{
	return o->buf.len < FLUSH_SIZE && !pm_buf_error(&o->buf) ? 0 : write_out(o, err);
}

int pm_output_close(struct pm_output *o, struct pm_error *err)
{
	int rc = write_out(o, err);

	if (rc == 0 && o->path)
		rc = pm_fs_sync(o->fd, err);
	if (rc == 0 && o->path)
		rc = pm_fs_renameat(AT_FDCWD, o->temp, o->path, err);
	if (rc < 0)
		pm_output_abort(o);
	else
		release(o);
	return rc;
}

void pm_output_abort(struct pm_output *o)
{
	if (o->temp)
		pm_fs_unlinkat(AT_FDCWD, o->temp, NULL);
	release(o);
}
