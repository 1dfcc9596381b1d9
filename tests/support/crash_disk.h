/* crash_disk.h - what a disk would hold after a machine crash.
 *
 * It listens at the seam to the file system (pm_fs_watch) and keeps, beside the directory that is really written, a
 * shadow of what is certain to be on the disk: files as of their last sync, directories as of theirs, and what the
 * system happened to write back in between (random sectors at random moments, so that a sector may be on the disk in
 * any of its states). crash_disk_take() makes a directory of the shadow and of a random part of all that was not
 * synced: sectors of 512 bytes kept or lost each for itself, files with their old or new length, names of files that
 * were made, renamed or unlinked kept or lost. Stores through shared mappings are seen too, as the files are read. */
#ifndef PM_TEST_CRASH_DISK_H
#define PM_TEST_CRASH_DISK_H

#include "tests/support/test.h"

struct crash_disk;

/* Begin to listen to what happens below `root`, which is taken to be on the disk as it is. `crash_at`: operations until
 * `on_crash` is called, once. */
struct crash_disk *crash_disk_start(
	const char *root, uint64_t seed, size_t crash_at, void (*on_crash)(void *arg), void *arg);
/* The directory after a crash now, as `out`, which must not exist. May be called from on_crash. */
void crash_disk_take(struct crash_disk *d, const char *out);
void crash_disk_free(struct crash_disk *d);

#endif
