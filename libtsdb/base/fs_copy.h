/* fs_copy.h - files copied and directories removed: over the operations of fs.h, with its errors. */
#ifndef PM_BASE_FS_COPY_H
#define PM_BASE_FS_COPY_H

#include "libtsdb/pm.h"

/* Bytes [0, len) of one file over those of another; by reference where the file system can. PM_ERR_CORRUPT when the
 * first ends early. */
int pm_fs_copy(int from, int to, uint64_t len, struct pm_error *err);
/* A directory of files, and of directories of files, gone with all that is in it. */
int pm_fs_remove_tree(int dirfd, const char *path, struct pm_error *err);
/* 0 when there is no such directory, or nothing in it; PM_ERR_EXISTS. */
int pm_fs_check_empty(int dirfd, const char *path, struct pm_error *err);

#endif
