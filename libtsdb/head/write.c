/* write.c - a transaction's working state: begun from the published record, flushed before the next one is published.
 */
#include "libtsdb/head/head.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/quota.h"

/* Ids that a dead or failed writer reserved may stand in slots: they become holes, never another series' (F4). */
static int skip_reserved(struct tsdb__write *w, struct pm_error *err)
{
	uint64_t next = __atomic_load_n(&w->meta->next_sid, __ATOMIC_ACQUIRE), off;
	if (next > PM_REF_MAX)
		return tsdb__corrupt(err, "meta", offsetof(struct tsdb_meta_page, next_sid), "impossible series id");
	if (next <= w->rec.sid_end)
		return 0;
	size_t size = (next - w->rec.sid_end) * sizeof(uint32_t);
	void *holes = tsdb__tail_add(&w->ids, size, &off, err);
	if (!holes)
		return w->ids.error;
	memset(holes, 0xff, size); /* TSDB_NO_SERIES */
	w->rec.sid_end = (uint32_t)next;
	return 0;
}

static int open_log(struct tsdb__write *w, struct pm_error *err)
{
	uint64_t number = w->rec.log_end >> TSDB_LOG_SHIFT;
	char name[32];
	int rc;
	w->log_flushed = w->rec.log_end;
	pm_buf_reset(&w->log_buf);
	if (w->log_fd >= 0 && w->log_number == number)
		return 0;
	if (w->log_fd >= 0)
		pm_fs_close(w->log_fd);
	w->log_fd = -1;
	tsdb__log_name(name, number);
	if ((rc = pm_fs_openat(w->head->dirfd, name, PM_FS_WRITE, &w->log_fd, err)) < 0)
		return rc;
	w->log_number = number;
	return 0;
}

int tsdb__write_begin(struct tsdb__write *w, const struct tsdb_record *rec, struct pm_error *err)
{
	uint64_t ids_len = sizeof(struct tsdb_file_head) + (uint64_t)rec->sid_end * sizeof(uint32_t);
	struct tsdb__head *h = w->head;
	int rc;
	w->rec = *rec;
	w->damage = tsdb__damage_count(h);
	for (size_t i = 0; i < w->touched_count; i++)
		w->last[w->touched[i]].pos = 0;
	w->touched_count = 0;
	if ((rc = tsdb__tail_begin(&w->catalog, &h->catalog, rec->catalog_len, err)) < 0 ||
		(rc = tsdb__tail_begin(&w->ids, &h->ids, ids_len, err)) < 0 ||
		(rc = tsdb__tail_begin(&w->layouts, &h->layouts, rec->layouts_len, err)) < 0 ||
		(rc = tsdb__tail_begin(&w->postings, &h->postings, rec->postings_len, err)) < 0 ||
		(rc = open_log(w, err)) < 0)
		return rc;
	w->catalog.sum = rec->catalog_sum;
	w->layouts.sum = rec->layouts_sum;
	pthread_mutex_lock(&h->mutex);
	for (int t = 0; t < TSDB_TABLE_COUNT && rc == 0; t++)
		rc = tsdb__head_table(h, t, rec->table_number[t], &w->tables[t], err);
	pthread_mutex_unlock(&h->mutex);
	if (rc == 0 && (rc = skip_reserved(w, err)) == 0)
		tsdb__quota_begin(w->quota, &w->rec);
	return rc;
}

/* What was sought and not found because of damage must not be made a second time. */
int tsdb__write_flush(struct tsdb__write *w, struct pm_error *err)
{
	int rc = tsdb__damage_since(w->head, w->damage, err);
	if (rc < 0 || (rc = tsdb__tail_flush(&w->catalog, err)) < 0 || (rc = tsdb__tail_flush(&w->ids, err)) < 0 ||
		(rc = tsdb__tail_flush(&w->layouts, err)) < 0 || (rc = tsdb__tail_flush(&w->postings, err)) < 0)
		return rc;
	w->rec.catalog_len = w->catalog.bytes.end;
	w->rec.layouts_len = w->layouts.bytes.end;
	w->rec.postings_len = w->postings.bytes.end;
	w->rec.catalog_sum = w->catalog.sum;
	w->rec.layouts_sum = w->layouts.sum;
	w->rec.txn_count++;
	return tsdb__log_commit(w, err);
}

/* Tables that a failed transaction grew: another process may make its own of the same number. */
void tsdb__write_abort(struct tsdb__write *w, const struct tsdb_record *published)
{
	tsdb__quota_abort(w->quota);
	pthread_mutex_lock(&w->head->mutex);
	for (int t = 0; t < TSDB_TABLE_COUNT; t++) {
		struct tsdb__slots **at = &w->head->tables[t];
		while (*at) {
			struct tsdb__slots *s = *at;
			if (s->number <= published->table_number[t]) {
				at = &s->next;
				continue;
			}
			*at = s->next;
			s->next = NULL;
			tsdb__slots_free(s);
		}
	}
	pthread_mutex_unlock(&w->head->mutex);
	if (w->log_fd >= 0)
		pm_fs_close(w->log_fd);
	w->log_fd = -1;
}

/* Tables that were replaced; who still reads them has them open. */
void tsdb__write_cleanup(struct tsdb__write *w, const struct tsdb_record *before)
{
	char name[32];
	for (int t = 0; t < TSDB_TABLE_COUNT; t++)
		for (uint32_t n = before->table_number[t]; n < w->rec.table_number[t]; n++) {
			tsdb__table_name(name, t, n);
			pm_fs_unlinkat(w->head->dirfd, name, NULL);
		}
}

void tsdb__write_release(struct tsdb__write *w)
{
	tsdb__quota_free(w->quota);
	tsdb__tail_release(&w->catalog);
	tsdb__tail_release(&w->ids);
	tsdb__tail_release(&w->layouts);
	tsdb__tail_release(&w->postings);
	pm_buf_release(&w->log_buf);
	tsdb__hists_release(&w->hists);
	if (w->log_fd >= 0)
		pm_fs_close(w->log_fd);
	w->log_fd = -1;
	pm_free(w->last);
	pm_free(w->touched);
}

void tsdb__write_move(struct tsdb__write *w, struct tsdb__head *head)
{
	struct tsdb__write fresh = {
		.head = head, .meta = w->meta, .quota = w->quota, .exemplar_max = w->exemplar_max, .log_fd = -1
	};
	w->quota = NULL;
	tsdb__write_release(w);
	*w = fresh;
}

/* A table of twice the size under the next number; readers keep the old one until they take a newer record. */
static int table_grow(struct tsdb__write *w, enum tsdb_table table, uint32_t value_end, struct pm_error *err)
{
	struct tsdb__slots *old = w->tables[table], *new = NULL;
	uint32_t number = old->number + 1;
	uint64_t count = old->count;
	int64_t copied;
	char name[32];
	int rc;
	do {
		tsdb__slots_free(new);
		new = NULL;
		count *= 2;
		tsdb__table_name(name, table, number);
		rc = tsdb__slots_create(w->head->dirfd, name, w->head->generation, number, count, &new, err);
		if (rc < 0)
			return rc;
		copied = tsdb__slots_copy(new, old, value_end);
	} while (copied == PM_ERR_LIMIT);
	if (copied < 0) {
		tsdb__slots_free(new);
		return tsdb__corrupt(err, old->name, 0, "a slot is not what was written");
	}
	new->damage = &w->head->slots_damage;
	pthread_mutex_lock(&w->head->mutex);
	new->next = w->head->tables[table];
	w->head->tables[table] = new;
	pthread_mutex_unlock(&w->head->mutex);
	w->tables[table] = new;
	w->rec.table_number[table] = number;
	w->rec.table_used[table] = (uint32_t)copied;
	return 0;
}

int tsdb__table_put(struct tsdb__write *w, enum tsdb_table table, uint32_t tag, uint32_t value, uint32_t value_end,
	struct pm_error *err)
{
	int rc = 0;
	if (w->rec.table_used[table] + 1 > w->tables[table]->count / 2)
		rc = table_grow(w, table, value_end, err);
	while (rc == 0 && (rc = tsdb__slots_put(w->tables[table], tag, value)) == PM_ERR_LIMIT)
		rc = table_grow(w, table, value_end, err);
	if (rc == 0)
		w->rec.table_used[table]++;
	return rc;
}
