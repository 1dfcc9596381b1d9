/* recover_scan.c - how far a store's files support each other after a machine crash, or in a copy.
 *
 *   log      ... COMMIT ROW ROW COMMIT ROW (torn)
 *                                 |
 *   catalog  ... ----------------->|      the commit holds lengths and running sums (F6): the other
 *   layouts  ... --------------->|        files must have exactly the records that it was made with
 *
 * The scan starts at the mark of the last sync (F7), in a copy at the first file of the log. Below the mark nothing may
 * be missing, as it was on the disk: what does not verify there is damage and no crash, and is refused. A copy may have
 * been made while the store was written, file by file: there, files may end early, but not hold other bytes. */
#include "libtsdb/head/recover.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/head/walk.h"

#include <stdio.h>

/* Catalog or layouts, walked on as commits ask for more. */
struct cursor {
	struct tsdb__file *file;
	struct tsdb__walk walk;
	uint64_t size;
	uint64_t sum;
	const char *what; /* why it can't go on */
};

static int cursor_begin(struct cursor *c, struct tsdb__file *f, struct pm_error *err)
{
	const uint8_t *map;
	int rc;
	*c = (struct cursor){ .file = f };
	if ((rc = pm_fs_size(f->fd, &c->size, err)) < 0 || (rc = tsdb__file_map(f, c->size, &map, err)) < 0)
		return rc;
	tsdb__walk_begin(&c->walk, map, c->size, f->kind, f->generation, 0);
	return 0;
}

/* True when records, all sound, end exactly at `to` and have this sum. */
static bool cursor_reach(struct cursor *c, uint64_t to, uint64_t sum)
{
	const struct tsdb_rec *rec;
	while (!c->what && c->walk.off < to) {
		int rc = tsdb__walk_next(&c->walk, &rec, &c->what);
		if (rc == 0)
			c->what = "the file ends early";
		if (rc > 0)
			c->sum = tsdb__sum(c->sum, rec->checksum);
	}
	return !c->what && c->walk.off == to && c->sum == sum;
}

static int cursor_damage(const struct cursor *c, uint64_t synced, struct pm_error *err)
{
	return tsdb__corrupt(err, c->file->name, c->what ? c->walk.at : synced,
		c->what ? c->what : "the records are not those that were synced");
}

struct scan {
	struct tsdb__head *h;
	struct cursor catalog, layouts;
	struct tsdb_record rec; /* as of the last commit that was accepted */
	uint64_t pos, sum;      /* behind the last sound record of the log */
	bool sum_known;         /* false where the log's beginning is gone: the first commit says it */
	uint64_t heads_pos;
	uint32_t rows;
	bool missing; /* the log ended at a file that is not there */
};

/* ---- the log ---- */

/* The log file of a crashed machine may be shorter than it was made: readers copy it, writers lengthen it. */
static int map_short(struct tsdb__head *h, int fd, const char *name, uint64_t number, uint64_t size, void **ret,
	struct pm_error *err)
{
	struct tsdb_file_head head;
	uint64_t zero = 0;
	int rc = pm_fs_pread(fd, &head, sizeof head, 0, err);
	if (rc < 0 || (rc = tsdb__file_head_check(&head, name, TSDB_FILE_LOG, h->generation, err)) < 0)
		return rc;
	if (h->writable)
		return (rc = pm_fs_pwrite(fd, &zero, sizeof zero, TSDB_LOG_FILE_SIZE - sizeof zero, err)) < 0
			       ? rc
			       : pm_fs_map(fd, TSDB_LOG_FILE_SIZE, false, ret, err);
	if ((rc = pm_fs_map_memory(TSDB_LOG_FILE_SIZE, ret, err)) < 0)
		return rc;
	return pm_fs_pread(fd, *ret, size, 0, err);
}

/* PM_ERR_NOTFOUND, PM_ERR_CORRUPT: the log ends before this file. */
static int log_file(struct tsdb__head *h, uint64_t number, const uint8_t **ret, struct pm_error *err)
{
	uint64_t size;
	char name[32];
	void *p = NULL;
	int fd, rc;
	const uint8_t **at = tsdb__log_slot(h, number);
	if (!at)
		return tsdb__corrupt(err, "meta", TSDB_META_MARK0, "impossible number of a log file");
	if (!*at) {
		tsdb__log_name(name, number);
		if ((rc = pm_fs_openat(h->dirfd, name, h->writable ? PM_FS_WRITE : PM_FS_READ, &fd, err)) < 0)
			return rc;
		if ((rc = pm_fs_size(fd, &size, err)) == 0)
			rc = size < TSDB_LOG_FILE_SIZE ? map_short(h, fd, name, number, size, &p, err)
						       : pm_fs_map(fd, TSDB_LOG_FILE_SIZE, false, &p, err);
		pm_fs_close(fd);
		if (rc < 0) {
			pm_fs_unmap(p, TSDB_LOG_FILE_SIZE);
			return rc;
		}
		*at = p;
	}
	const struct tsdb_file_head *head = (const void *)*at;
	tsdb__log_name(name, number);
	if ((rc = tsdb__file_head_check(head, name, TSDB_FILE_LOG, h->generation, err)) < 0)
		return rc;
	*ret = *at;
	return head->number == number ? 0 : tsdb__corrupt(err, name, 0, "head of another file");
}

/* The commit at s->pos: accept it when the other files have what it was made with. */
static bool accept(struct scan *s, const struct tsdb_commit *c)
{
	struct tsdb_record *r = &s->rec;
	if (c->rec.len < sizeof *c)
		return false;
	if (s->sum_known && (c->log_sum != s->sum || c->txn != r->txn_count + 1))
		return false;
	if (!cursor_reach(&s->catalog, c->catalog_len, c->catalog_sum) ||
		!cursor_reach(&s->layouts, c->layouts_len, c->layouts_sum))
		return false;
	s->sum = tsdb__sum(c->log_sum, c->rec.checksum);
	s->sum_known = true;
	r->catalog_len = c->catalog_len;
	r->layouts_len = c->layouts_len;
	r->catalog_sum = c->catalog_sum;
	r->layouts_sum = c->layouts_sum;
	r->log_sum = s->sum;
	r->log_end = s->pos + c->rec.len;
	r->heads_pos = s->heads_pos;
	r->rows_since_heads = s->rows;
	r->sid_end = c->sid_end;
	r->family_count = c->family_count;
	r->series_count = c->series_count;
	r->sample_count = c->sample_count;
	r->txn_count = c->txn;
	/* A commit behind a sealing tells the range of what was not sealed; here the sealing may be lost. */
	r->min_ms = c->min_ms < r->min_ms ? c->min_ms : r->min_ms;
	r->max_ms = c->max_ms > r->max_ms ? c->max_ms : r->max_ms;
	r->era = c->era;
	return true;
}

static bool one_record(struct scan *s, const struct tsdb_rec *rec)
{
	if (rec->kind == TSDB_REC_COMMIT)
		return accept(s, (const struct tsdb_commit *)rec);
	s->sum = tsdb__sum(s->sum, rec->checksum);
	if (rec->kind == TSDB_REC_HEADS) {
		s->heads_pos = s->pos;
		s->rows = 0;
	} else if (rec->kind == TSDB_REC_ROW || rec->kind == TSDB_REC_BATCH || rec->kind == TSDB_REC_EXEMPLARS) {
		s->rows++;
	}
	return true;
}

/* To the first record that is not sound, or that no commit is made of. */
static int scan_log(struct scan *s, struct pm_error *err)
{
	const struct tsdb_rec *rec;
	const char *what;
	for (;;) {
		uint64_t number = s->pos >> TSDB_LOG_SHIFT;
		struct tsdb__walk walk;
		const uint8_t *map;
		int rc = log_file(s->h, number, &map, err);
		if (rc == PM_ERR_NOTFOUND || rc == PM_ERR_CORRUPT) {
			s->missing = true;
			return 0;
		}
		if (rc < 0)
			return rc;
		tsdb__walk_begin(&walk, map, TSDB_LOG_FILE_SIZE, TSDB_FILE_LOG, s->h->generation, number);
		if (s->pos & (TSDB_LOG_FILE_SIZE - 1))
			walk.off = s->pos & (TSDB_LOG_FILE_SIZE - 1);
		do {
			s->pos = walk.base + walk.off;
			rc = tsdb__walk_next(&walk, &rec, &what);
			if (rc < 0 || (rc > 0 && !one_record(s, rec)))
				return 0;
		} while (rc > 0);
		s->pos = (number + 1) << TSDB_LOG_SHIFT;
	}
}

/* ---- where to start, and what may not be missing ---- */

static int start_at_mark(struct scan *s, const struct tsdb_record *mark, struct pm_error *err)
{
	if (!cursor_reach(&s->catalog, mark->catalog_len, mark->catalog_sum))
		return cursor_damage(&s->catalog, mark->catalog_len, err);
	if (!cursor_reach(&s->layouts, mark->layouts_len, mark->layouts_sum))
		return cursor_damage(&s->layouts, mark->layouts_len, err);
	s->rec = *mark;
	s->pos = mark->log_end;
	s->sum = mark->log_sum;
	s->sum_known = true;
	s->heads_pos = mark->heads_pos;
	s->rows = mark->rows_since_heads;
	return 0;
}

/* The first record of a log file is a table of heads. */
static int start_at_first_file(struct scan *s, const struct tsdb_record *mark, struct pm_error *err)
{
	uint64_t first = mark->log_first << TSDB_LOG_SHIFT;
	const uint8_t *map;
	int rc = log_file(s->h, mark->log_first, &map, err);
	if (rc < 0)
		return rc == PM_ERR_NOTFOUND ? PM_ERR_CORRUPT : rc;
	s->rec = *mark; /* what came before is sealed, or in the catalog: the first commit says the sums */
	s->pos = first + sizeof(struct tsdb_file_head);
	const struct tsdb_rec *heads = (const void *)(map + sizeof(struct tsdb_file_head));
	s->rec.log_first = mark->log_first;
	s->rec.heads_pos = s->pos;
	s->rec.log_end = s->pos + heads->len;
	s->rec.log_sum = s->sum = 0;
	s->rec.rows_since_heads = s->rows = 0;
	if (heads->kind != TSDB_REC_HEADS || heads->len % 8 || heads->len > TSDB_LOG_FILE_SIZE / 2 ||
		heads->checksum != tsdb__rec_checksum(heads, TSDB_FILE_LOG, mark->generation, s->pos))
		return tsdb__corrupt(err, "log", s->pos, "no table of heads there");
	s->rec.log_sum = tsdb__sum(0, heads->checksum);
	return 0;
}

/* A copy of a file that was growing ends early; the log's, which have their size at once, in zeros. Any other end
 * before the mark is damage, which must not pass for a shorter store. */
static int check_copy(const struct scan *s, const struct tsdb_record *mark, struct pm_error *err)
{
	static const struct tsdb_rec zeros;
	const uint8_t *map;
	if (!s->sum_known) { /* no commit: what the mark says must be there */
		struct cursor catalog, layouts;
		int rc = cursor_begin(&catalog, s->catalog.file, err);
		if (rc < 0 || (rc = cursor_begin(&layouts, s->layouts.file, err)) < 0)
			return rc;
		if (!cursor_reach(&catalog, mark->catalog_len, mark->catalog_sum))
			return cursor_damage(&catalog, mark->catalog_len, err);
		if (!cursor_reach(&layouts, mark->layouts_len, mark->layouts_sum))
			return cursor_damage(&layouts, mark->layouts_len, err);
	}
	if (s->rec.log_end >= mark->log_end)
		return 0;
	if (s->catalog.what && s->catalog.walk.at < mark->catalog_len)
		return s->catalog.size < mark->catalog_len ? 0 : cursor_damage(&s->catalog, mark->catalog_len, err);
	if (s->layouts.what && s->layouts.walk.at < mark->layouts_len)
		return s->layouts.size < mark->layouts_len ? 0 : cursor_damage(&s->layouts, mark->layouts_len, err);
	if (s->missing || s->pos >= mark->log_end)
		return 0;
	map = *tsdb__log_slot(s->h, s->pos >> TSDB_LOG_SHIFT);
	if (memcmp(map + (s->pos & (TSDB_LOG_FILE_SIZE - 1)), &zeros, sizeof zeros) == 0)
		return 0;
	return tsdb__corrupt(err, "log", s->pos, "the record there is not the one that was synced");
}

int tsdb__recover_scan(struct tsdb__head *h, const struct tsdb_record *mark, bool copied, struct tsdb_record *ret,
	struct pm_error *err)
{
	struct scan s = { .h = h };
	int rc;
	if ((rc = cursor_begin(&s.catalog, &h->catalog, err)) < 0 ||
		(rc = cursor_begin(&s.layouts, &h->layouts, err)) < 0 ||
		(rc = copied ? start_at_first_file(&s, mark, err) : start_at_mark(&s, mark, err)) < 0 ||
		(rc = scan_log(&s, err)) < 0 || (copied && (rc = check_copy(&s, mark, err)) < 0))
		return rc;
	*ret = s.rec;
	return 0;
}
