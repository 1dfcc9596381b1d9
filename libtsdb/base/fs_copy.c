/* fs_copy.c - files copied, by reference where the file system can, and directories removed. */
#include "libtsdb/base/fs_copy.h"

#include "libtsdb/base/fs.h"

#include "libtsdb/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIECE = 1 << 20, DEPTH_MAX = 4 };

/* ---- copying ------------------------------------------------------------------------------------ */

/* How much the kernel copied by itself, from the start: less than `len` where it can't, or not between these two. */
static uint64_t copy_by_kernel(int from, int to, uint64_t len)
{
	off_t in = 0, out = 0;

	while ((uint64_t)in < len) {
		ssize_t done = copy_file_range(from, &in, to, &out, (size_t)(len - (uint64_t)in), 0);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
	}
	return (uint64_t)in;
}

int pm_fs_copy(int from, int to, uint64_t len, struct pm_error *err)
{
	uint64_t at;
	char *piece;
	int rc;

	/* The last byte through the injector of faults, and so that a file that ends early is noticed. */
	at = len ? copy_by_kernel(from, to, len - 1) : 0;
	piece = pm_malloc(PIECE);
	if (!piece)
		return pm_fail(err, PM_ERR_NOMEM, "copy: %s", pm_strerror(PM_ERR_NOMEM));
	for (rc = 0; rc == 0 && at < len;) {
		size_t n = len - at < PIECE ? (size_t)(len - at) : PIECE;

		rc = pm_fs_pread(from, piece, n, at, err);
		if (rc == 0)
			rc = pm_fs_pwrite(to, piece, n, at, err);
		at += n;
	}
	pm_free(piece);
	return rc;
}

/* ---- removing ----------------------------------------------------------------------------------- */

static int remove_below(int dirfd, const char *path, int depth, struct pm_error *err);

static int remove_all_in(int fd, int depth, struct pm_error *err)
{
	struct pm_strings names = { 0 };
	int rc = pm_fs_list(fd, &names, err);

	for (size_t i = 0; i < names.count && rc == 0; i++)
		rc = remove_below(fd, names.v[i].ptr, depth, err);
	pm_strings_free(&names);
	return rc;
}

static int remove_below(int dirfd, const char *path, int depth, struct pm_error *err)
{
	int fd, rc;

	if (pm_fs_unlinkat(dirfd, path, NULL) == 0)
		return 0;
	rc = pm_fs_openat(dirfd, path, PM_FS_DIRECTORY, &fd, err);
	if (rc < 0)
		return rc;
	rc = depth ? remove_all_in(fd, depth - 1, err) : pm_fail(err, PM_ERR_LIMIT, "%s: too deep to remove", path);
	pm_fs_close(fd);
	return rc < 0 ? rc : pm_fs_rmdirat(dirfd, path, err);
}

int pm_fs_remove_tree(int dirfd, const char *path, struct pm_error *err)
{
	return remove_below(dirfd, path, DEPTH_MAX, err);
}

int pm_fs_check_empty(int dirfd, const char *path, struct pm_error *err)
{
	struct pm_strings names;
	int fd, rc = pm_fs_openat(dirfd, path, PM_FS_DIRECTORY, &fd, err);

	if (rc == PM_ERR_NOTFOUND)
		return 0;
	if (rc < 0)
		return rc;
	rc = pm_fs_list(fd, &names, err);
	pm_fs_close(fd);
	if (rc < 0)
		return rc;
	if (names.count)
		rc = pm_fail(err, PM_ERR_EXISTS, "%s: is not empty", path);
	pm_strings_free(&names);
	return rc;
}
