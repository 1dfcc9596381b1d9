/* append.c - the log's writing end: rows, batches of loose samples, tables of heads, and the step to a new file (F5).
 */
#include "libtsdb/head/head.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/exemplars.h"

#include <stdlib.h>

enum { LOG_BUFFER = 1 << 20, ROWS_BETWEEN_HEADS = 1024 };

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
	if (kind == TSDB_REC_ROW || kind == TSDB_REC_BATCH || kind == TSDB_REC_EXEMPLARS)
		((struct tsdb_row *)rec)->head_sum = tsdb__row_head_sum((const struct tsdb_row *)rec);
	rec->checksum = tsdb__rec_checksum(rec, TSDB_FILE_LOG, w->head->generation, pos);
	w->rec.log_sum = tsdb__sum(w->rec.log_sum, rec->checksum);
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
		seal(w, pad, pos, sizeof *pad, TSDB_REC_PAD);
		pad->len = (uint32_t)room; /* the checksum covers the record's head alone: the rest was never written */
	}
	if ((rc = log_flush(w, err)) < 0 ||
		(rc = tsdb__log_create(w->head->dirfd, w->head->generation, w->log_number + 1, &fd, err)) < 0)
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

int tsdb__log_roll(struct tsdb__write *w, struct pm_error *err)
{
	return next_file(w, err);
}

struct tsdb__last tsdb__write_last(const struct tsdb__write *w, uint32_t family)
{
	struct tsdb__last none = { 0, 0, PM_TIME_MIN };
	if (family < w->last_cap && w->last[family].pos)
		return w->last[family];
	uint64_t pos = family < w->head->last_cap ? w->head->last[family] : 0;
	bool live = pos >= w->rec.log_first << TSDB_LOG_SHIFT;
	const struct tsdb_row *row = live ? tsdb__row_at(w->head, pos, w->rec.log_end) : NULL;
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

/* A copy at the log's end. `previous` still leads to the row itself: snapshots from before the sealing go that way. */
static int carry(struct tsdb__write *w, const struct tsdb_row *row, uint64_t at, struct pm_error *err)
{
	uint64_t pos;
	struct tsdb_row *copy = log_add(w, row->rec.len, &pos, err);
	if (!copy)
		return w->log_error;
	memcpy(copy, row, row->rec.len);
	copy->rec.flags |= TSDB_ROW_CARRIED;
	copy->previous = at;
	seal(w, &copy->rec, pos, row->rec.len, row->rec.kind);
	w->rec.rows_since_heads++;
	return note_last(w, copy, pos) < 0 ? pm_fail(err, PM_ERR_NOMEM, "out of memory") : 0;
}

int tsdb__log_carry(struct tsdb__write *w, uint64_t first, struct pm_error *err)
{
	int rc = 0;
	for (uint32_t family = 1; family < w->rec.family_count && rc == 0; family++) {
		struct tsdb__last last = tsdb__write_last(w, family);
		if (last.pos == 0 || last.pos >= first << TSDB_LOG_SHIFT)
			continue;
		const struct tsdb_row *row = tsdb__row_at(w->head, last.pos, w->rec.log_end);
		if (!row || !tsdb__row_sound(w->head, row, last.pos))
			rc = tsdb__corrupt(err, "log", last.pos, "no row there");
		else if (row->rec.kind != TSDB_REC_EXEMPLARS)
			rc = carry(w, row, last.pos, err);
	}
	return rc == 0 ? tsdb__exemplars_carry(w, first, err) : rc;
}

/* The head of a row is filled in: chain it. */
static int row_chain(struct tsdb__write *w, struct tsdb_row *row, uint64_t pos, size_t size, enum tsdb_rec_kind kind,
	struct pm_error *err)
{
	struct tsdb__last last = tsdb__write_last(w, row->family);
	row->previous = last.pos;
	row->chain_max_ms = last.chain_max_ms > row->max_ms ? last.chain_max_ms : row->max_ms;
	seal(w, &row->rec, pos, size, kind);
	w->rec.rows_since_heads++;
	return note_last(w, row, pos) < 0 ? pm_fail(err, PM_ERR_NOMEM, "out of memory") : 0;
}

/* The same, and its samples are counted. */
static int row_done(struct tsdb__write *w, struct tsdb_row *row, uint64_t pos, size_t size, enum tsdb_rec_kind kind,
	size_t samples, struct pm_error *err)
{
	w->rec.sample_count += samples;
	if (row->min_ms < w->rec.min_ms)
		w->rec.min_ms = row->min_ms;
	if (row->max_ms > w->rec.max_ms)
		w->rec.max_ms = row->max_ms;
	return row_chain(w, row, pos, size, kind, err);
}

int tsdb__exemplars_add(struct tsdb__write *w, uint32_t family, const struct tsdb__exemplars_out *out, bool carried,
	struct pm_error *err)
{
	size_t size = sizeof(struct tsdb_row) + out->buf.len;
	uint64_t pos;
	struct tsdb_row *row = log_add(w, size, &pos, err);
	if (!row)
		return w->log_error;
	memset(row, 0, sizeof *row);
	row->family = family;
	row->width = out->count;
	row->t_ms = row->min_ms = out->min_ms;
	row->max_ms = out->max_ms;
	row->rec.flags = carried ? TSDB_ROW_CARRIED : 0;
	memcpy(row->body, out->buf.ptr, out->buf.len);
	return row_chain(w, row, pos, size, TSDB_REC_EXEMPLARS, err);
}

static void time_range(struct tsdb_row *row, const int64_t *times, uint32_t count)
{
	row->min_ms = row->max_ms = times && count ? times[0] : row->t_ms;
	for (uint32_t i = 1; times && i < count; i++) {
		row->min_ms = times[i] < row->min_ms ? times[i] : row->min_ms;
		row->max_ms = times[i] > row->max_ms ? times[i] : row->max_ms;
	}
}

/* ---- values, and what a sample may have beside its value ---- */

struct columns {
	size_t count;
	const int64_t *starts; /* NULL: none */
	const double *values;
	const struct pm_histogram *const *hists; /* NULL: none */
};

/* Put the histograms into w->hists, so that their size is known. */
static int columns_size(struct tsdb__write *w, const struct columns *c, size_t *ret_size, struct pm_error *err)
{
	tsdb__hists_reset(&w->hists);
	for (size_t i = 0; c->hists && i < c->count; i++)
		if (c->hists[i] && tsdb__hists_put(&w->hists, c->hists[i]) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	*ret_size = (c->starts ? c->count : 0) * 8 + (c->hists ? (c->count + 63) / 64 : 0) * 8 + c->count * 8 +
		    w->hists.buf.len;
	return 0;
}

static void put_hists(const struct tsdb__hists *s, const struct columns *c, uint64_t *bitmap, uint64_t *values)
{
	size_t next = 0;
	memset(bitmap, 0, (c->count + 63) / 64 * 8);
	for (size_t i = 0; i < c->count; i++)
		if (c->hists[i]) {
			bitmap[i / 64] |= UINT64_C(1) << (i % 64);
			values[i] = s->offs[next++];
		}
	assert(next == s->count);
	if (s->buf.len)
		memcpy(values + c->count, s->buf.ptr, s->buf.len);
}

static void columns_put(struct tsdb__write *w, const struct columns *c, struct tsdb_row *row, void *to)
{
	uint64_t *p = to, *bitmap = NULL;
	if (c->starts) {
		row->rec.flags |= TSDB_ROW_STARTS;
		memcpy(p, c->starts, c->count * 8);
		p += c->count;
	}
	if (c->hists) {
		row->rec.flags |= TSDB_ROW_HISTOGRAMS;
		bitmap = p;
		p += (c->count + 63) / 64;
	}
	if (c->count)
		memcpy(p, c->values, c->count * 8);
	if (bitmap)
		put_hists(&w->hists, c, bitmap, p);
}

int tsdb__row_add(struct tsdb__write *w, const struct tsdb__row_in *in, struct pm_error *err)
{
	struct columns c = { in->present, in->starts, in->values, in->hists };
	size_t words = in->bitmap ? (in->width + (size_t)63) / 64 : 0;
	size_t times = in->times ? in->present : 0, size;
	uint64_t pos;
	int rc = columns_size(w, &c, &size, err);
	assert(in->present <= in->width && (in->bitmap || in->present == in->width));
	if (rc < 0)
		return rc;
	size += sizeof(struct tsdb_row) + (words + times) * 8;
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
	columns_put(w, &c, row, body + words + times);
	if (in->carried) {
		row->rec.flags |= TSDB_ROW_CARRIED;
		return row_chain(w, row, pos, size, TSDB_REC_ROW, err);
	}
	return row_done(w, row, pos, size, TSDB_REC_ROW, in->present, err);
}

/* ---- loose samples ---- */

/* Ids and times of a batch; its columns come behind. */
static void *batch_fill(struct tsdb_row *row, const struct tsdb__loose *s, size_t count, uint32_t series)
{
	memset(row, 0, sizeof *row);
	row->width = series;
	row->version = count;
	struct tsdb__batch_view v = tsdb__batch_view(row);
	uint32_t *sids = (uint32_t *)v.sids, *first = (uint32_t *)v.first, n = 0;
	int64_t *times = (int64_t *)v.times;
	row->min_ms = row->max_ms = s[0].t_ms;
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || s[i].sid != s[i - 1].sid) {
			sids[n] = s[i].sid;
			first[n++] = (uint32_t)i;
		}
		times[i] = s[i].t_ms;
		row->min_ms = s[i].t_ms < row->min_ms ? s[i].t_ms : row->min_ms;
		row->max_ms = s[i].t_ms > row->max_ms ? s[i].t_ms : row->max_ms;
	}
	first[series] = (uint32_t)count;
	if (((uintptr_t)(first + series + 1)) % 8)
		first[series + 1] = 0;
	row->t_ms = row->min_ms;
	return times + count;
}

/* What a batch is made of, in the order of its samples. */
struct scratch {
	double *values;
	int64_t *starts;
	const struct pm_histogram **hists;
};

static int scratch_new(struct scratch *x, size_t count, bool extras)
{
	*x = (struct scratch){ pm_malloc(count * sizeof *x->values), NULL, NULL };
	if (extras) {
		x->starts = pm_calloc(count, sizeof *x->starts);
		x->hists = pm_calloc(count, sizeof *x->hists);
	}
	return x->values && (!extras || (x->starts && x->hists)) ? 0 : PM_ERR_NOMEM;
}

static void scratch_release(struct scratch *x)
{
	pm_free(x->values);
	pm_free(x->starts);
	pm_free(x->hists);
}

static void columns_of(const struct scratch *x, const struct tsdb__loose *s, size_t count,
	const struct tsdb__extra *extras, struct columns *ret)
{
	bool any_start = false, any_hist = false;
	for (size_t i = 0; i < count; i++) {
		x->values[i] = s[i].v;
		if (!x->starts)
			continue;
		const struct tsdb__extra e = s[i].extra ? extras[s[i].extra - 1] : (struct tsdb__extra){ 0 };
		any_start |= (x->starts[i] = e.st_ms) != 0;
		any_hist |= (x->hists[i] = e.h) != NULL;
	}
	*ret = (struct columns){ count, any_start ? x->starts : NULL, x->values, any_hist ? x->hists : NULL };
}

static int batch_one(struct tsdb__write *w, const struct tsdb__loose *s, size_t count,
	const struct tsdb__extra *extras, const struct scratch *x, struct pm_error *err)
{
	struct columns c;
	uint32_t series = 0;
	uint64_t pos;
	size_t size;
	int rc;
	for (size_t i = 0; i < count; i++)
		series += i == 0 || s[i].sid != s[i - 1].sid;
	columns_of(x, s, count, extras, &c);
	if ((rc = columns_size(w, &c, &size, err)) < 0)
		return rc;
	size += sizeof(struct tsdb_row) + tsdb__pad8((2 * (size_t)series + 1) * 4) + count * 8;
	struct tsdb_row *row = log_add(w, size, &pos, err);
	if (!row)
		return w->log_error;
	columns_put(w, &c, row, batch_fill(row, s, count, series));
	return row_done(w, row, pos, size, TSDB_REC_BATCH, count, err);
}

/* How many of the samples one batch takes: a record is far smaller than a log file. */
static size_t batch_length(const struct tsdb__loose *s, size_t count, const struct tsdb__extra *extras)
{
	enum { BATCH_MAX = 1 << 20, HIST_BYTES_MAX = 16 << 20 }; /* of samples: 32 MiB at the most */
	size_t n = 0, bytes = 0;
	if (count > BATCH_MAX)
		count = BATCH_MAX;
	if (!extras)
		return count;
	for (; n < count && (n == 0 || bytes < HIST_BYTES_MAX); n++)
		if (s[n].extra && extras[s[n].extra - 1].h)
			bytes += tsdb__hist_size_max(extras[s[n].extra - 1].h);
	return n;
}

int tsdb__batch_add(struct tsdb__write *w, struct tsdb__loose *s, size_t count, const struct tsdb__extra *extras,
	struct pm_error *err)
{
	struct scratch x = { 0 };
	int rc = PM_ERR_NOMEM;
	if (count == 0)
		return 0;
	struct tsdb__loose *scratch = pm_malloc(count * sizeof *scratch);
	if (scratch) {
		count = tsdb__loose_sort(s, count, scratch);
		pm_free(scratch);
		rc = scratch_new(&x, batch_length(s, count, NULL), extras);
	}
	if (rc < 0)
		pm_fail(err, rc, "out of memory");
	for (size_t i = 0, n; i < count && rc == 0; i += n) {
		n = batch_length(s + i, count - i, extras);
		rc = batch_one(w, s + i, n, extras, &x, err);
	}
	scratch_release(&x);
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
		.era = (uint32_t)w->rec.era,
		.sample_count = w->rec.sample_count,
		.min_ms = w->rec.min_ms,
		.max_ms = w->rec.max_ms,
		.catalog_sum = w->rec.catalog_sum,
		.layouts_sum = w->rec.layouts_sum,
		.log_sum = w->rec.log_sum };
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
