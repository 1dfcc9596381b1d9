/* fs.c - the seam to the file system. Each operation asks the fault injector first, retries on EINTR and turns
 * errno into an enum pm_err in one place (`failed`), which also finds the path behind a descriptor for the message.
 *
 * The injector counts operations per kind and over all kinds. Off (no kind armed), it costs one relaxed load. */
#include "libtsdb/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- faults ------------------------------------------------------------------------------------- */

static struct {
	atomic_size_t fail_at; /* 0: off */
	atomic_size_t count;
	atomic_int errnum;
} faults[PM_FS_OP_ANY + 1];
static atomic_int armed; /* how many kinds are on */

size_t pm_fs_fail_nth(enum pm_fs_op op, size_t n, int errnum)
{
	size_t before, was = atomic_exchange(&faults[op].fail_at, 0);

	before = atomic_exchange(&faults[op].count, 0);
	atomic_store(&faults[op].errnum, errnum);
	atomic_fetch_add(&armed, (n != 0) - (was != 0));
	atomic_store(&faults[op].fail_at, n);
	return before;
}

static bool hit(enum pm_fs_op op)
{
	size_t at = atomic_load(&faults[op].fail_at);

	if (!at || atomic_fetch_add(&faults[op].count, 1) + 1 != at)
		return false;
	errno = atomic_load(&faults[op].errnum);
	return true;
}

/* True when this operation is to fail; errno is set. Both counters move, whichever hits. */
static bool fault(enum pm_fs_op op)
{
	bool kind, any;

	if (__builtin_expect(atomic_load_explicit(&armed, memory_order_relaxed) == 0, 1))
		return false;
	any = hit(PM_FS_OP_ANY);
	kind = hit(op);
	return any || kind;
}

static pm_fs_watch_fn *watcher;
static void *watcher_arg;

void pm_fs_watch(pm_fs_watch_fn *fn, void *arg)
{
	watcher = fn;
	watcher_arg = arg;
}

static int told(enum pm_fs_op op, int fd, const char *path)
{
	if (__builtin_expect(watcher != NULL, 0))
		watcher(watcher_arg, op, fd, path);
	return 0;
}

/* ---- errors ------------------------------------------------------------------------------------- */

static int code_of(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return PM_ERR_NOSPACE;
	case ENOENT:
		return PM_ERR_NOTFOUND;
	case EROFS:
	case EACCES:
	case EPERM:
		return PM_ERR_READONLY;
	case EEXIST:
		return PM_ERR_EXISTS;
	case ENOMEM:
		return PM_ERR_NOMEM;
	default:
		return PM_ERR_IO;
	}
}

/* The path a descriptor was opened by, or "fd N". */
static const char *path_of(int fd, char out[PATH_MAX])
{
	char link[32];
	ssize_t n;

	if (fd == AT_FDCWD)
		return ".";
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, out, PATH_MAX - 1);
	if (n < 0)
		n = snprintf(out, PATH_MAX, "fd %d", fd);
	out[n] = '\0';
	return out;
}

/* Fails with errno as it stands. `path` is relative to `fd`, or NULL when the file is `fd` itself. */
static int failed(struct pm_error *err, int fd, const char *path, const char *what)
{
	int errnum = errno;
	char dir[PATH_MAX];

	if (!err)
		return code_of(errnum);
	if (!path)
		return pm_fail(err, code_of(errnum), "%s: %s: %s", path_of(fd, dir), what, strerror(errnum));
	if (fd == AT_FDCWD || path[0] == '/')
		return pm_fail(err, code_of(errnum), "%s: %s: %s", path, what, strerror(errnum));
	return pm_fail(err, code_of(errnum), "%s/%s: %s: %s", path_of(fd, dir), path, what, strerror(errnum));
}

/* ---- files and directories ---------------------------------------------------------------------- */

int pm_fs_openat(int dirfd, const char *path, int flags, int *ret_fd, struct pm_error *err)
{
	int fd, oflags = O_CLOEXEC | (flags & PM_FS_WRITE ? O_RDWR : O_RDONLY);

	if (flags & PM_FS_CREATE)
		oflags |= O_CREAT;
	if (flags & PM_FS_EXCL)
		oflags |= O_EXCL;
	if (flags & PM_FS_DIRECTORY)
		oflags |= O_DIRECTORY;
	if (fault(PM_FS_OP_OPEN))
		return failed(err, dirfd, path, "open");
	do
		fd = openat(dirfd, path, oflags, 0666);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return failed(err, dirfd, path, flags & PM_FS_CREATE ? "create" : "open");
	if (flags & PM_FS_CREATE)
		told(PM_FS_OP_OPEN, dirfd, path);
	*ret_fd = fd;
	return 0;
}

void pm_fs_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd); /* not again on EINTR: Linux has released the descriptor */
	errno = saved;
}

int pm_fs_mkdirat(int dirfd, const char *path, struct pm_error *err)
{
	struct stat st;

	if (fault(PM_FS_OP_OPEN))
		return failed(err, dirfd, path, "mkdir");
	if (mkdirat(dirfd, path, 0777) == 0)
		return told(PM_FS_OP_OPEN, dirfd, path);
	if (errno != EEXIST)
		return failed(err, dirfd, path, "mkdir");
	if (fstatat(dirfd, path, &st, 0) == 0 && !S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	return errno == EEXIST ? 0 : failed(err, dirfd, path, "mkdir");
}

int pm_fs_size(int fd, uint64_t *ret, struct pm_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return failed(err, fd, NULL, "stat");
	*ret = (uint64_t)st.st_size;
	return 0;
}

int pm_fs_identity(int fd, uint64_t *ret_dev, uint64_t *ret_ino, struct pm_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return failed(err, fd, NULL, "stat");
	*ret_dev = (uint64_t)st.st_dev;
	*ret_ino = (uint64_t)st.st_ino;
	return 0;
}

uint64_t pm_fs_born_ns(int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) < 0 || !(st.stx_mask & STATX_BTIME))
		return 0;
	return (uint64_t)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec;
}

int pm_fs_renameat(int dirfd, const char *from, const char *to, struct pm_error *err)
{
	if (fault(PM_FS_OP_RENAME) || renameat(dirfd, from, dirfd, to) < 0)
		return failed(err, dirfd, from, "rename");
	return told(PM_FS_OP_RENAME, dirfd, to);
}

int pm_fs_unlinkat(int dirfd, const char *path, struct pm_error *err)
{
	if (fault(PM_FS_OP_UNLINK) || unlinkat(dirfd, path, 0) < 0)
		return failed(err, dirfd, path, "unlink");
	return told(PM_FS_OP_UNLINK, dirfd, path);
}

int pm_fs_rmdirat(int dirfd, const char *path, struct pm_error *err)
{
	if (fault(PM_FS_OP_UNLINK) || unlinkat(dirfd, path, AT_REMOVEDIR) < 0)
		return failed(err, dirfd, path, "rmdir");
	return told(PM_FS_OP_UNLINK, dirfd, path);
}

int pm_fs_linkat(int dirfd, const char *from, int to_dirfd, const char *to, struct pm_error *err)
{
	if (fault(PM_FS_OP_RENAME) || linkat(dirfd, from, to_dirfd, to, 0) < 0)
		return failed(err, to_dirfd, to, "link");
	return told(PM_FS_OP_RENAME, to_dirfd, to);
}

/* ---- contents ----------------------------------------------------------------------------------- */

int pm_fs_pwrite(int fd, const void *p, size_t n, uint64_t off, struct pm_error *err)
{
	const char *from = p;

	if (fault(PM_FS_OP_WRITE))
		return failed(err, fd, NULL, "write");
	while (n > 0) {
		ssize_t done = pwrite(fd, from, n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return failed(err, fd, NULL, "write");
		from += done;
		off += (uint64_t)done;
		n -= (size_t)done;
	}
	return told(PM_FS_OP_WRITE, fd, NULL);
}

int pm_fs_pread(int fd, void *p, size_t n, uint64_t off, struct pm_error *err)
{
	char dir[PATH_MAX], *to = p;

	if (fault(PM_FS_OP_READ))
		return failed(err, fd, NULL, "read");
	while (n > 0) {
		ssize_t done = pread(fd, to, n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return failed(err, fd, NULL, "read");
		if (done == 0)
			return pm_fail(err, PM_ERR_CORRUPT, "%s: the file ends at %llu, %zu bytes early",
				path_of(fd, dir), (unsigned long long)off, n);
		to += done;
		off += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int pm_fs_read(int fd, void *p, size_t n, size_t *ret, struct pm_error *err)
{
	ssize_t done;

	if (fault(PM_FS_OP_READ))
		return failed(err, fd, NULL, "read");
	do
		done = read(fd, p, n);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return failed(err, fd, NULL, "read");
	*ret = (size_t)done;
	return 0;
}

int pm_fs_allocate(int fd, uint64_t off, uint64_t len, struct pm_error *err)
{
	int rc;

	if (fault(PM_FS_OP_ALLOCATE))
		return failed(err, fd, NULL, "allocate");
	do
		rc = posix_fallocate(fd, (off_t)off, (off_t)len); /* writes zeros where there is no allocating */
	while (rc == EINTR);
	errno = rc;
	return rc ? failed(err, fd, NULL, "allocate") : told(PM_FS_OP_ALLOCATE, fd, NULL);
}

static int sync_fd(int fd, bool whole, struct pm_error *err)
{
	int rc;

	if (fault(PM_FS_OP_SYNC))
		return failed(err, fd, NULL, "sync");
	do
		rc = whole ? fsync(fd) : fdatasync(fd);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? failed(err, fd, NULL, "sync") : told(PM_FS_OP_SYNC, fd, NULL);
}

int pm_fs_sync(int fd, struct pm_error *err)
{
	return sync_fd(fd, false, err);
}

int pm_fs_sync_dir(int dirfd, struct pm_error *err)
{
	return sync_fd(dirfd, true, err);
}

int pm_fs_map(int fd, size_t len, bool writable, void **ret, struct pm_error *err)
{
	void *p = MAP_FAILED;

	if (!fault(PM_FS_OP_MAP))
		p = mmap(NULL, len, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return failed(err, fd, NULL, "map");
	*ret = p;
	return 0;
}

int pm_fs_map_memory(size_t len, void **ret, struct pm_error *err)
{
	void *p = MAP_FAILED;

	if (!fault(PM_FS_OP_MAP))
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	*ret = p;
	return 0;
}

void pm_fs_unmap(void *p, size_t len)
{
	if (p)
		munmap(p, len);
}

/* ---- locks -------------------------------------------------------------------------------------- */

static int set_lock(int fd, uint64_t byte, short type, int cmd)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1 };
	int rc;

	do
		rc = fcntl(fd, cmd, &l);
	while (rc < 0 && errno == EINTR);
	return rc;
}

int pm_fs_lock(int fd, uint64_t byte, bool exclusive, bool wait, struct pm_error *err)
{
	char dir[PATH_MAX];

	if (fault(PM_FS_OP_LOCK))
		return failed(err, fd, NULL, "lock");
	if (set_lock(fd, byte, exclusive ? F_WRLCK : F_RDLCK, wait ? F_OFD_SETLKW : F_OFD_SETLK) == 0)
		return 0;
	if (!wait && (errno == EAGAIN || errno == EACCES))
		return pm_fail(err, PM_ERR_EXISTS, "%s: locked by another process", path_of(fd, dir));
	return failed(err, fd, NULL, "lock");
}

int pm_fs_unlock(int fd, uint64_t byte)
{
	return set_lock(fd, byte, F_UNLCK, F_OFD_SETLK) == 0 ? 0 : code_of(errno);
}
