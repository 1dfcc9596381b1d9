/* fs.h - the one seam to the file system: nothing else calls open, mmap, pwrite, fsync, rename, unlink, fcntl locks.
 *
 * Every function returns 0 or a negative enum pm_err and fills `err` with "PATH: what: strerror". ENOSPC, EDQUOT
 * give PM_ERR_NOSPACE; ENOENT PM_ERR_NOTFOUND; EROFS, EACCES, EPERM PM_ERR_READONLY; EEXIST PM_ERR_EXISTS; ENOMEM
 * PM_ERR_NOMEM; the rest PM_ERR_IO. EINTR is retried, short writes are continued. Descriptors are O_CLOEXEC.
 * Tests plug in faults with pm_fs_fail_nth, and listen with pm_fs_watch. */
#ifndef PM_BASE_FS_H
#define PM_BASE_FS_H

#include "libtsdb/pm.h"

enum { PM_FS_READ = 0, PM_FS_WRITE = 1, PM_FS_CREATE = 2, PM_FS_EXCL = 4, PM_FS_DIRECTORY = 8 };

/* `dirfd` may be AT_FDCWD; `flags` of PM_FS_*; PM_FS_WRITE opens for reading and writing. Mode 0666 less umask. */
int pm_fs_openat(int dirfd, const char *path, int flags, int *ret_fd, struct pm_error *err);
void pm_fs_close(int fd);
int pm_fs_mkdirat(int dirfd, const char *path, struct pm_error *err); /* fine when it exists */
int pm_fs_size(int fd, uint64_t *ret, struct pm_error *err);
int pm_fs_identity(int fd, uint64_t *ret_dev, uint64_t *ret_ino, struct pm_error *err);
/* When the file was made, nanoseconds since 1970; 0 where the file system does not keep it. Inode numbers are used
 * again. */
uint64_t pm_fs_born_ns(int fd);
int pm_fs_pwrite(int fd, const void *p, size_t n, uint64_t off, struct pm_error *err);
/* PM_ERR_CORRUPT when the file ends early. */
int pm_fs_pread(int fd, void *p, size_t n, uint64_t off, struct pm_error *err);
/* At most `n` bytes from the descriptor's own position, as read(2): files, pipes, terminals. `*ret` 0: the end. */
int pm_fs_read(int fd, void *p, size_t n, size_t *ret, struct pm_error *err);
/* From the descriptor's position, at most n bytes; `*ret` 0 at the end. For pipes and files whose size is not known. */
int pm_fs_read(int fd, void *p, size_t n, size_t *ret, struct pm_error *err);
/* The blocks of the range are there afterwards; the file grows to its end. */
int pm_fs_allocate(int fd, uint64_t off, uint64_t len, struct pm_error *err);
int pm_fs_sync(int fd, struct pm_error *err); /* fdatasync */
int pm_fs_sync_dir(int dirfd, struct pm_error *err);
int pm_fs_sync_parent(int dirfd, const char *path, struct pm_error *err); /* the directory that holds `path` */
int pm_fs_renameat(int dirfd, const char *from, const char *to, struct pm_error *err);
int pm_fs_unlinkat(int dirfd, const char *path, struct pm_error *err);
int pm_fs_rmdirat(int dirfd, const char *path, struct pm_error *err); /* an empty directory */
int pm_fs_linkat(int dirfd, const char *from, int to_dirfd, const char *to, struct pm_error *err);
/* Map `len` bytes from the file's start, MAP_SHARED; may reach past the end of the file. */
int pm_fs_map(int fd, size_t len, bool writable, void **ret, struct pm_error *err);
/* Zeroed memory of no file, to stand where a mapping would. */
int pm_fs_map_memory(size_t len, void **ret, struct pm_error *err);
void pm_fs_unmap(void *p, size_t len);
/* Open-file-description lock on byte `byte` of the file. `wait`: block, else PM_ERR_EXISTS when somebody has it. */
int pm_fs_lock(int fd, uint64_t byte, bool exclusive, bool wait, struct pm_error *err);
int pm_fs_unlock(int fd, uint64_t byte);
/* Names in a directory (no "." and ".."), sorted, in `*ret`. */
int pm_fs_list(int dirfd, struct pm_strings *ret, struct pm_error *err);
/* Whole file into memory the caller frees with pm_free; at most `max` bytes (PM_ERR_LIMIT). Works on pipes. A NUL
 * follows that is not counted. */
int pm_fs_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct pm_error *err);
/* Write a new file beside `path`, sync, rename over it, sync the directory. */
int pm_fs_write_file(int dirfd, const char *path, const void *p, size_t n, struct pm_error *err);
/* The file system is one of a network (NFS, CIFS, 9p, ...) or FUSE: shared mappings can't be trusted there. */
bool pm_fs_is_network(int fd);
/* /proc/sys/kernel/random/boot_id as text, 36 characters and NUL. */
int pm_fs_boot_id(char out[37], struct pm_error *err);

enum pm_fs_op {
	PM_FS_OP_OPEN, /* mkdir too */
	PM_FS_OP_WRITE,
	PM_FS_OP_READ,
	PM_FS_OP_SYNC,
	PM_FS_OP_ALLOCATE,
	PM_FS_OP_MAP,
	PM_FS_OP_RENAME, /* link too */
	PM_FS_OP_UNLINK,
	PM_FS_OP_LOCK,
	PM_FS_OP_ANY, /* counts all */
};

/* Tests: the nth operation of this kind from now fails with `errnum` (n 0: off; SIZE_MAX: count only). Kinds are armed
 * independently. Returns the operations of the kind since the last call, if that call switched counting on.
 * Thread-safe. */
size_t pm_fs_fail_nth(enum pm_fs_op op, size_t n, int errnum);

/* Tests: `fn` hears of every operation that changes a file or directory, after it was done: writes, allocations and
 * syncs (of `fd`; path NULL), files and directories made, names given and taken away (`path` in the directory `fd`).
 * NULL: nobody listens. Not thread-safe. */
typedef void pm_fs_watch_fn(void *arg, enum pm_fs_op op, int fd, const char *path);
void pm_fs_watch(pm_fs_watch_fn *fn, void *arg);

#endif
