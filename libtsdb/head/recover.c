/* recover.c - recovery from beginning to end, for readers and for writers; see recover.h.
 *
 * A writer that dies here leaves a store that is still to be recovered: what the scan believes is not changed, and the
 * page is settled last. */
#include "libtsdb/head/recover.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Mark, scan, build. */
static int recover(int dirfd, const struct tsdb_meta_page *m, bool writable, bool copied, struct tsdb__head **ret,
	struct tsdb_record *ret_rec, struct tsdb_record *ret_mark, struct pm_error *err)
{
	struct tsdb_record mark, rec;
	struct tsdb__head *h;
	int rc;
	if ((rc = tsdb__meta_mark(m, &mark, err)) < 0 ||
		(rc = tsdb__head_open_bare(dirfd, mark.generation, writable, &h, err)) < 0)
		return rc;
	if ((rc = tsdb__recover_scan(h, &mark, copied, &rec, err)) < 0 ||
		(rc = tsdb__recover_build(h, &rec, err)) < 0) {
		tsdb__head_unref(h);
		return rc;
	}
	*ret = h;
	*ret_rec = rec;
	*ret_mark = mark;
	return 0;
}

int tsdb__recover_for_reading(int dirfd, const struct tsdb_meta_page *m, bool copied, struct tsdb__head **ret,
	struct tsdb_record *ret_rec, struct pm_error *err)
{
	struct tsdb_record mark;
	return recover(dirfd, m, false, copied, ret, ret_rec, &mark, err);
}

/* ---- writing ---- */

/* An empty transaction: it builds the postings, and its commit makes sums that no lost transaction knew (F6). */
static int publish(struct tsdb__head *h, struct tsdb_meta_page *m, const struct tsdb_record *rec,
	struct tsdb_record *ret, struct pm_error *err)
{
	struct tsdb__write w = { .head = h, .meta = m, .log_fd = -1 };
	int rc;
	__atomic_store_n(&m->next_sid, rec->sid_end, __ATOMIC_RELEASE);
	__atomic_store_n(&m->seq, tsdb__meta_next_seq(m) - 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&h->mutex);
	rc = tsdb__log_scan(h, rec, err);
	pthread_mutex_unlock(&h->mutex);
	if (rc == 0 && (rc = tsdb__write_begin(&w, rec, err)) == 0) {
		w.rec.era++;
		if ((rc = tsdb__postings_update(&w, err)) == 0 && (rc = tsdb__write_flush(&w, err)) == 0) {
			tsdb__meta_publish(m, &w.rec);
			*ret = w.rec;
		}
	}
	tsdb__write_release(&w);
	return rc;
}

/* Tables of before, and log files behind the end: nobody names them any more. */
static bool is_left_over(const char *name, const struct tsdb_record *rec)
{
	char table[32];
	char *end;
	if (strncmp(name, "log.", 4) == 0) {
		uint64_t number = strtoull(name + 4, &end, 16);
		return *end == '\0' && (number < rec->log_first || number > rec->log_end >> TSDB_LOG_SHIFT);
	}
	for (int t = 0; t < TSDB_TABLE_COUNT; t++) {
		tsdb__table_name(table, t, rec->table_number[t]);
		size_t stem = strlen(table) - 8;
		if (strncmp(name, table, stem) == 0)
			return strcmp(name, table) != 0;
	}
	return false;
}

static void clean(const struct tsdb__head *h, const struct tsdb_record *rec)
{
	struct pm_strings names;
	if (pm_fs_list(h->dirfd, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		if (is_left_over(names.v[i].ptr, rec))
			pm_fs_unlinkat(h->dirfd, names.v[i].ptr, NULL);
	pm_strings_free(&names);
}

int tsdb__recover_for_writing(int dirfd, struct tsdb_meta_page *m, int meta_fd, bool copied, struct pm_error *err)
{
	struct tsdb__head *built = NULL, *h = NULL;
	struct tsdb_record rec, mark;
	int rc = recover(dirfd, m, true, copied, &built, &rec, &mark, err);
	if (rc == 0)
		rc = tsdb__recover_save(built, &rec, err);
	tsdb__head_unref(built);
	if (rc < 0 || (rc = tsdb__head_open(dirfd, rec.generation, true, &h, err)) < 0)
		return rc;
	if ((rc = publish(h, m, &rec, &rec, err)) == 0 &&
		(rc = tsdb__sync_record(h, m, meta_fd, &rec, copied ? NULL : &mark, err)) == 0 &&
		(rc = pm_fs_sync_dir(h->dirfd, err)) == 0) {
		clean(h, &rec);
		__atomic_store_n(&m->sync_failed, 0, __ATOMIC_RELEASE);
		tsdb__meta_settle(m, meta_fd);
		rc = pm_fs_sync(meta_fd, err);
	}
	tsdb__head_unref(h);
	return rc;
}
