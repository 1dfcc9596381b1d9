/* sync.c - syncs; see sync.h.
 *
 * Published bytes never change (F1), so they may be synced while a writer appends behind them. The order does not
 * matter among catalog, layouts and log: a commit in the log says what the others must hold, and a scan believes
 * nothing behind the mark. The mark comes last. */
#include "libtsdb/head/sync.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/fs.h"

/* A sync that failed is never tried again: the system may have dropped what it could not write. */
static int sync_fd(struct tsdb_meta_page *m, int fd, struct pm_error *err)
{
	int rc = pm_fs_sync(fd, err);
	if (rc < 0)
		__atomic_store_n(&m->sync_failed, 1, __ATOMIC_RELEASE);
	return rc;
}

static int sync_log(struct tsdb__head *h, struct tsdb_meta_page *m, uint64_t from, uint64_t to, struct pm_error *err)
{
	int rc = 0;
	for (uint64_t n = from; n <= to && rc == 0; n++) {
		char name[32];
		int fd;
		tsdb__log_name(name, n);
		if ((rc = pm_fs_openat(h->dirfd, name, PM_FS_WRITE, &fd, err)) < 0)
			return rc == PM_ERR_NOTFOUND ? PM_ERR_STALE : rc;
		rc = sync_fd(m, fd, err);
		pm_fs_close(fd);
	}
	return rc;
}

int tsdb__sync_record(struct tsdb__head *h, struct tsdb_meta_page *m, int meta_fd, const struct tsdb_record *rec,
	const struct tsdb_record *mark, struct pm_error *err)
{
	bool follows = mark && mark->generation == rec->generation;
	uint64_t synced_to = follows ? mark->log_end >> TSDB_LOG_SHIFT : 0, log_to = rec->log_end >> TSDB_LOG_SHIFT;
	uint64_t log_from = synced_to > rec->log_first ? synced_to : rec->log_first;
	int rc;
	if ((rc = sync_fd(m, h->catalog.fd, err)) < 0 || (rc = sync_fd(m, h->layouts.fd, err)) < 0 ||
		(rc = sync_log(h, m, log_from, log_to, err)) < 0)
		return rc;
	/* Files that were begun since the last mark have names that may be lost. */
	if (synced_to != log_to && (rc = pm_fs_sync_dir(h->dirfd, err)) < 0)
		return rc;
	tsdb__meta_set_mark(m, rec);
	if ((rc = sync_fd(m, meta_fd, err)) < 0)
		return rc;
	__atomic_store_n(&m->synced_seq, rec->seq, __ATOMIC_RELEASE);
	__atomic_store_n(&m->synced_ms, pm_now_ms(), __ATOMIC_RELEASE);
	return 0;
}
