/* append.c - the log's writing end: rows, batches of loose samples, tables of heads, and the step to a new file (F5).
 */
#include "libtsdb/head/head.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"

#include <stdlib.h>

enum { LOG_BUFFER = 4 << 20, ROWS_BETWEEN_HEADS = 1024 };

static uint64_t log_end(const struct tsdb__write *w)
{
	return w->log_flushed + w->log_buf.len;
}

static int log_flush(struct tsdb__write *w, struct pm_error *err)
{
	int rc;
	if (w->log_buf.len == 0)
		return 0;
	rc = pm_fs_pwrite(w->log_fd, w->log_buf.ptr, w->log_buf.len, w->log_flushed & (TSDB_LOG_FILE_SIZE - 1), err);
	if (rc < 0)
		return rc;
	w->log_flushed += w->log_buf.len;
	pm_buf_reset(&w->log_buf);
	return 0;
}

static void seal(struct tsdb__write *w, struct tsdb_rec *rec, uint64_t pos, size_t size, enum tsdb_rec_kind kind)
{
	rec->len = (uint32_t)size;
	rec->kind = (uint8_t)kind;
	rec->checksum = tsdb__rec_checksum(rec, TSDB_FILE_LOG, w->head->generation, pos);
}

/* Room in the current file, which has it. */
static void *log_put(struct tsdb__write *w, size_t size, uint64_t *ret_pos, struct pm_error *err)
{
	if (w->log_buf.len >= LOG_BUFFER && (w->log_error = log_flush(w, err)) < 0)
		return NULL;
	if (pm_buf_reserve(&w->log_buf, size) < 0) {
		w->log_error = pm_fail(err, PM_ERR_NOMEM, "out of memory");
		return NULL;
	}
	void *p = w->log_buf.ptr + w->log_buf.len;
	*ret_pos = log_end(w);
	w->log_buf.len += size;
	return p;
}

static uint64_t current_last(const struct tsdb__write *w, uint32_t family)
{
	if (family < w->last_cap && w->last[family].pos)
		return w->last[family].pos;
	return family < w->head->last_cap ? __atomic_load_n(&w->head->last[family], __ATOMIC_RELAXED) : 0;
}

static int put_heads(struct tsdb__write *w, struct pm_error *err)
{
	uint32_t n = w->rec.family_count;
	size_t size = sizeof(struct tsdb_heads) + n * sizeof(uint64_t);
	uint64_t pos;
	struct tsdb_heads *heads = log_put(w, size, &pos, err);
	if (!heads)
		return w->log_error;
	memset(heads, 0, sizeof *heads);
	heads->family_count = n;
	for (uint32_t i = 0; i < n; i++)
		heads->last[i] = current_last(w, i);
	seal(w, &heads->rec, pos, size, TSDB_REC_HEADS);
	w->rec.heads_pos = pos;
	w->rec.rows_since_heads = 0;
	return 0;
}

static int next_file(struct tsdb__write *w, struct pm_error *err)
{
	uint64_t pos = log_end(w), room = TSDB_LOG_FILE_SIZE - (pos & (TSDB_LOG_FILE_SIZE - 1));
	struct tsdb_rec *pad;
	int fd, rc;
	if ((pos & (TSDB_LOG_FILE_SIZE - 1)) != 0) {
		if (!(pad = log_put(w, sizeof *pad, &pos, err)))
			return w->log_error;
		memset(pad, 0, sizeof *pad);
		pad->len = sizeof *pad;
		pad->kind = TSDB_REC_PAD;
		pad->checksum = tsdb__rec_checksum(pad, TSDB_FILE_LOG, w->head->generation, pos);
		pad->len = (uint32_t)room; /* the checksum covers the record's head alone: the rest was never written */
	}
	/* Syncs that come later know only the newest file. */
	if ((rc = log_flush(w, err)) < 0 || (rc = pm_fs_sync(w->log_fd, err)) < 0)
		return rc;
	if ((rc = tsdb__log_create(w->head->dirfd, w->head->generation, w->log_number + 1, &fd, err)) < 0)
		return rc;
	if (w->log_fd >= 0)
		pm_fs_close(w->log_fd);
	w->log_fd = fd;
	w->log_number++;
	w->log_flushed = (w->log_number << TSDB_LOG_SHIFT) + sizeof(struct tsdb_file_head);
	return put_heads(w, err);
}

/* Room for one record in one file; a PAD always fits behind it. */
static void *log_add(struct tsdb__write *w, size_t size, uint64_t *ret_pos, struct pm_error *err)
{
	uint64_t heads = sizeof(struct tsdb_heads) + (uint64_t)w->rec.family_count * 8;
	uint64_t room = TSDB_LOG_FILE_SIZE - (log_end(w) & (TSDB_LOG_FILE_SIZE - 1));
	if (size + heads + sizeof(struct tsdb_file_head) + sizeof(struct tsdb_rec) > TSDB_LOG_FILE_SIZE) {
		w->log_error = pm_fail(err, PM_ERR_LIMIT, "a row of %zu bytes does not fit into a log file", size);
		return NULL;
	}
	if (room < size + sizeof(struct tsdb_rec) && (w->log_error = next_file(w, err)) < 0)
		return NULL;
	if (w->rec.rows_since_heads >= ROWS_BETWEEN_HEADS && w->rec.rows_since_heads >= w->rec.family_count &&
		TSDB_LOG_FILE_SIZE - (log_end(w) & (TSDB_LOG_FILE_SIZE - 1)) >=
			size + heads + sizeof(struct tsdb_rec) &&
		(w->log_error = put_heads(w, err)) < 0)
		return NULL;
	return log_put(w, size, ret_pos, err);
}

struct tsdb__last tsdb__write_last(const struct tsdb__write *w, uint32_t family)
{
	struct tsdb__last none = { 0, 0, PM_TIME_MIN };
	if (family < w->last_cap && w->last[family].pos)
		return w->last[family];
	uint64_t pos = family < w->head->last_cap ? w->head->last[family] : 0;
	const struct tsdb_row *row = pos ? tsdb__row_at(w->head, pos, w->rec.log_end) : NULL;
	return row ? (struct tsdb__last){ pos, row->version, row->chain_max_ms } : none;
}

static int note_last(struct tsdb__write *w, const struct tsdb_row *row, uint64_t pos)
{
	if (row->family >= w->last_cap) {
		size_t cap = w->last_cap;
		if (pm_grow(&w->last, &cap, row->family + 1) < 0)
			return PM_ERR_NOMEM;
		memset(w->last + w->last_cap, 0, (cap - w->last_cap) * sizeof w->last[0]);
		w->last_cap = (uint32_t)cap;
	}
	if (w->last[row->family].pos == 0) {
		if (pm_grow(&w->touched, &w->touched_cap, w->touched_count + 1) < 0)
			return PM_ERR_NOMEM;
		w->touched[w->touched_count++] = row->family;
	}
	w->last[row->family] = (struct tsdb__last){ pos, row->version, row->chain_max_ms };
	return 0;
}

/* The head of a row is filled in: chain it and count it. */
static int row_done(struct tsdb__write *w, struct tsdb_row *row, uint64_t pos, size_t size, enum tsdb_rec_kind kind,
	size_t samples, struct pm_error *err)
{
	struct tsdb__last last = tsdb__write_last(w, row->family);
	row->previous = last.pos;
	row->chain_max_ms = last.chain_max_ms > row->max_ms ? last.chain_max_ms : row->max_ms;
	seal(w, &row->rec, pos, size, kind);
	w->rec.rows_since_heads++;
	w->rec.sample_count += samples;
	if (row->min_ms < w->rec.min_ms)
		w->rec.min_ms = row->min_ms;
	if (row->max_ms > w->rec.max_ms)
		w->rec.max_ms = row->max_ms;
	return note_last(w, row, pos) < 0 ? pm_fail(err, PM_ERR_NOMEM, "out of memory") : 0;
}

static void time_range(struct tsdb_row *row, const int64_t *times, uint32_t count)
{
	row->min_ms = row->max_ms = times && count ? times[0] : row->t_ms;
	for (uint32_t i = 1; times && i < count; i++) {
		row->min_ms = times[i] < row->min_ms ? times[i] : row->min_ms;
		row->max_ms = times[i] > row->max_ms ? times[i] : row->max_ms;
	}
}

int tsdb__row_add(struct tsdb__write *w, const struct tsdb__row_in *in, struct pm_error *err)
{
	size_t words = in->bitmap ? (in->width + (size_t)63) / 64 : 0;
	size_t times = in->times ? in->present : 0;
	size_t size = sizeof(struct tsdb_row) + (words + times + in->present) * 8;
	uint64_t pos;
	assert(in->present <= in->width && (in->bitmap || in->present == in->width));
	struct tsdb_row *row = log_add(w, size, &pos, err);
	if (!row)
		return w->log_error;
	memset(row, 0, sizeof *row);
	row->family = in->family;
	row->version = in->version;
	row->width = in->width;
	row->present = in->present;
	row->t_ms = in->t_ms;
	row->rec.flags = (uint8_t)((in->bitmap ? TSDB_ROW_ABSENT : 0) | (in->times ? TSDB_ROW_TIMES : 0));
	time_range(row, in->times, in->present);
	uint64_t *body = (uint64_t *)row->body;
	if (words)
		memcpy(body, in->bitmap, words * 8);
	if (times)
		memcpy(body + words, in->times, times * 8);
	if (in->present)
		memcpy(body + words + times, in->values, (size_t)in->present * 8);
	return row_done(w, row, pos, size, TSDB_REC_ROW, in->present, err);
}

/* ---- loose samples ---- */

static int by_sid_time(const void *a, const void *b)
{
	const struct tsdb__loose *x = a, *y = b;
	if (x->sid != y->sid)
		return x->sid < y->sid ? -1 : 1;
	return (x->t_ms > y->t_ms) - (x->t_ms < y->t_ms);
}

/* Of equal ids and times the one that came first stays: sorting is made stable by dropping later ones first. */
static size_t sort_loose(struct tsdb__loose *s, size_t count, struct tsdb__loose *scratch)
{
	bool sorted = true;
	for (size_t i = 1; i < count && sorted; i++)
		sorted = by_sid_time(&s[i - 1], &s[i]) < 0;
	if (sorted)
		return count;
	for (size_t width = 1; width < count; width *= 2) { /* merge sort, from the bottom up: stable */
		for (size_t i = 0; i < count; i += 2 * width) {
			size_t mid = i + width < count ? i + width : count,
			       end = i + 2 * width < count ? i + 2 * width : count;
			size_t a = i, b = mid, o = i;
			while (a < mid || b < end)
				scratch[o++] =
					a < mid && (b >= end || by_sid_time(&s[a], &s[b]) <= 0) ? s[a++] : s[b++];
		}
		memcpy(s, scratch, count * sizeof *s);
	}
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || by_sid_time(&s[kept - 1], &s[i]) != 0)
			s[kept++] = s[i];
	return kept;
}

static void batch_fill(struct tsdb_row *row, const struct tsdb__loose *s, size_t count, uint32_t series)
{
	memset(row, 0, sizeof *row);
	row->width = series;
	row->version = count;
	row->present = 0;
	struct tsdb__batch_view v = tsdb__batch_view(row);
	uint32_t *sids = (uint32_t *)v.sids, *first = (uint32_t *)v.first, n = 0;
	int64_t *times = (int64_t *)v.times;
	double *values = (double *)v.values;
	row->min_ms = row->max_ms = s[0].t_ms;
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || s[i].sid != s[i - 1].sid) {
			sids[n] = s[i].sid;
			first[n++] = (uint32_t)i;
		}
		times[i] = s[i].t_ms;
		values[i] = s[i].v;
		row->min_ms = s[i].t_ms < row->min_ms ? s[i].t_ms : row->min_ms;
		row->max_ms = s[i].t_ms > row->max_ms ? s[i].t_ms : row->max_ms;
	}
	first[series] = (uint32_t)count;
	if (((uintptr_t)(first + series + 1)) % 8)
		first[series + 1] = 0;
	row->t_ms = row->min_ms;
}

static int batch_one(struct tsdb__write *w, const struct tsdb__loose *s, size_t count, struct pm_error *err)
{
	uint32_t series = 0;
	uint64_t pos;
	for (size_t i = 0; i < count; i++)
		series += i == 0 || s[i].sid != s[i - 1].sid;
	size_t size = sizeof(struct tsdb_row) + tsdb__pad8((2 * (size_t)series + 1) * 4) + count * 16;
	struct tsdb_row *row = log_add(w, size, &pos, err);
	if (!row)
		return w->log_error;
	batch_fill(row, s, count, series);
	return row_done(w, row, pos, size, TSDB_REC_BATCH, count, err);
}

int tsdb__batch_add(struct tsdb__write *w, struct tsdb__loose *s, size_t count, struct pm_error *err)
{
	enum { BATCH_MAX = 1 << 20 }; /* samples; 24 MiB at the most */
	int rc = 0;
	if (count == 0)
		return 0;
	struct tsdb__loose *scratch = pm_malloc(count * sizeof *scratch);
	if (!scratch)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	count = sort_loose(s, count, scratch);
	for (size_t i = 0; i < count && rc == 0; i += BATCH_MAX)
		rc = batch_one(w, s + i, count - i < BATCH_MAX ? count - i : BATCH_MAX, err);
	pm_free(scratch);
	return rc;
}

/* ---- a transaction's log ---- */

static int put_commit(struct tsdb__write *w, struct pm_error *err)
{
	uint64_t pos;
	struct tsdb_commit *c = log_add(w, sizeof *c, &pos, err);
	if (!c)
		return w->log_error;
	*c = (struct tsdb_commit){ .txn = w->rec.txn_count,
		.catalog_len = w->rec.catalog_len,
		.layouts_len = w->rec.layouts_len,
		.sid_end = w->rec.sid_end,
		.family_count = w->rec.family_count,
		.series_count = w->rec.series_count,
		.sample_count = w->rec.sample_count,
		.min_ms = w->rec.min_ms,
		.max_ms = w->rec.max_ms };
	seal(w, &c->rec, pos, sizeof *c, TSDB_REC_COMMIT);
	return 0;
}

int tsdb__log_commit(struct tsdb__write *w, struct pm_error *err)
{
	int rc = put_commit(w, err);
	if (rc == 0)
		rc = log_flush(w, err);
	if (rc == 0)
		w->rec.log_end = w->log_flushed;
	return rc;
}
