/* meta.h - the meta page: where a store says what is published. The only page, with hash slots, that changes in place
 * (F2). */
#ifndef TSDB_HEAD_META_H
#define TSDB_HEAD_META_H

#include "libtsdb/head/format.h"
#include "libtsdb/pm.h"

/* Make a whole page for a new store and rename it into place, so that a store is there or is not. */
int tsdb__meta_create(int dirfd, const struct tsdb_record *rec, struct pm_error *err);
/* Map the page and check it. PM_ERR_NOTFOUND: no store here; PM_ERR_VERSION, PM_ERR_CORRUPT. `*ret_fd` is for locks and
 * syncs. */
int tsdb__meta_open(int dirfd, bool writable, struct tsdb_meta_page **ret, int *ret_fd, struct pm_error *err);
void tsdb__meta_close(struct tsdb_meta_page *m, int fd);

uint64_t tsdb__meta_seq(const struct tsdb_meta_page *m);
/* A consistent copy of the published record; no lock, never waits for a writer. */
int tsdb__meta_read(const struct tsdb_meta_page *m, struct tsdb_record *ret, struct pm_error *err);
/* Publish `rec` as the next one (sets seq and checksum). The caller holds the writers' lock and everything that the
 * record names has been written. */
void tsdb__meta_publish(struct tsdb_meta_page *m, struct tsdb_record *rec);

/* ---- marks, and where the store is ---- */

/* The newest sound mark. PM_ERR_CORRUPT when neither is. */
int tsdb__meta_mark(const struct tsdb_meta_page *m, struct tsdb_record *ret, struct pm_error *err);
/* Note in the idle mark that all which `rec` names was synced; the caller syncs the page then (F7). */
void tsdb__meta_set_mark(struct tsdb_meta_page *m, const struct tsdb_record *rec);
/* The page is of another boot of the machine, or a copy: lengths in it are not to be believed. */
enum tsdb__meta_place { TSDB_META_HERE, TSDB_META_CRASHED, TSDB_META_COPIED };
enum tsdb__meta_place tsdb__meta_place(const struct tsdb_meta_page *m, int fd);
/* From now on the page is of this boot and this file. */
void tsdb__meta_settle(struct tsdb_meta_page *m, int fd);
/* A sequence number above all that the page knows. */
uint64_t tsdb__meta_next_seq(const struct tsdb_meta_page *m);

#endif
