/* sync.h - bringing what was published to the disk, without the writers' lock (F7). */
#ifndef TSDB_HEAD_SYNC_H
#define TSDB_HEAD_SYNC_H

#include "libtsdb/head/head.h"
#include "libtsdb/head/meta.h"

/* Sync the files that `rec` names, of the log what is behind `mark` (NULL: all of it), then note it in a mark and sync
 * that. What was published while this ran is not part of it. The caller holds the lock of syncs. PM_ERR_STALE: a log
 * file is gone. */
int tsdb__sync_record(struct tsdb__head *h, struct tsdb_meta_page *m, int meta_fd, const struct tsdb_record *rec,
	const struct tsdb_record *mark, struct pm_error *err);

#endif
