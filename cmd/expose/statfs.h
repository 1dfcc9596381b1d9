/* statfs.h - statvfs of many mount points within a time limit.
 *
 * statvfs on a dead NFS server or FUSE daemon blocks for ever, and nothing interrupts it from within the thread. So
 * each call is made on a helper thread; the caller waits until a deadline and leaves threads that still hang behind.
 * A mount point a thread hangs on is not asked again until that thread returns, so that a server that scrapes itself
 * every few seconds keeps about PM_STATFS_STUCK_MAX of them at most. */
#ifndef PM_EXPOSE_STATFS_H
#define PM_EXPOSE_STATFS_H

#include "libtsdb/pm.h"

#include <sys/statvfs.h>

enum { PM_STATFS_THREADS = 8, PM_STATFS_STUCK_MAX = 32, PM_STATFS_TIMEOUT_MS = 5000 };

struct pm_statfs {
	const char *path;   /* in; borrowed for the call */
	const char *reason; /* out: NULL when `stat` is set; else why not, good for ever */
	struct statvfs stat;
};

/* Fill v[0..count). Returns within `timeout_ms` and what the system takes to start threads. PM_ERR_NOMEM. Thread-safe.
 */
int pm_statfs_all(struct pm_statfs *v, size_t count, int64_t timeout_ms);

/* Tests: ask this function instead of the system; NULL: the system again. Only while no call is under way. */
void pm_statfs_hook(int (*fn)(const char *path, struct statvfs *ret));

#endif
