/* recover.h - what a machine crash, or a copy of a store that was being written, left: found, checked, made whole.
 *
 *   scan    catalog, layouts and log, record by record, to the last commit that all three support
 *   build   ids and hash tables, which follow from catalog and layouts, in memory
 *   save    (writers) these as files, the store published anew, synced, and settled where it is now
 *
 * A reader stops after the second step and works on what is in its memory: nothing is written. See
 * docs/design/durability.md. */
#ifndef TSDB_HEAD_RECOVER_H
#define TSDB_HEAD_RECOVER_H

#include "libtsdb/head/head.h"
#include "libtsdb/head/meta.h"

/* The record of the last transaction that is whole. `mark`: the newest sync. `copied`: files may end before it.
 * PM_ERR_CORRUPT: what was synced is damaged; nothing was changed. */
int tsdb__recover_scan(struct tsdb__head *h, const struct tsdb_record *mark, bool copied, struct tsdb_record *ret,
	struct pm_error *err);
/* Fill h->ids, h->postings and h->tables in memory for `rec`, which gets numbers of tables. */
int tsdb__recover_build(struct tsdb__head *h, struct tsdb_record *rec, struct pm_error *err);
/* Write what build() made to files. */
int tsdb__recover_save(struct tsdb__head *h, const struct tsdb_record *rec, struct pm_error *err);

/* All of it for a reader: a head whose files are partly memory, and its record. */
int tsdb__recover_for_reading(int dirfd, const struct tsdb_meta_page *m, bool copied, struct tsdb__head **ret,
	struct tsdb_record *ret_rec, struct pm_error *err);
/* All of it for a writer, who holds the writers' lock; afterwards the store is opened as usual. */
int tsdb__recover_for_writing(int dirfd, struct tsdb_meta_page *m, int meta_fd, bool copied, struct pm_error *err);

#endif
