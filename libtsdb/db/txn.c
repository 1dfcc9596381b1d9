/* txn.c - transactions of loose samples: imports, remote writes, rules.
 *
 * Samples are kept in the order they come. Neighbours with one time are a run; a run whose series list comes again (or
 * came before, or is all there is) is stored as a row of an ad-hoc layout, 8 bytes a sample; the rest becomes a batch
 * sorted by id. */
#include "libtsdb/db/txn.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/hist.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/quota.h"

enum { DRAIN_SAMPLES = 1 << 22, DRAIN_BYTES = 64 << 20, ROW_BYTES = 16 << 20, RUN_MIN = 8 };

int tsdb_txn_begin(struct tsdb *db, struct tsdb_txn **ret, struct pm_error *err)
{
	struct tsdb_txn *txn = pm_calloc(1, sizeof *txn);
	int rc;
	if (!txn)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	txn->db = db;
	rc = tsdb__writer_lock(db, &txn->published, err);
	if (rc == 0 && (rc = tsdb__bytes_check(db, err)) < 0)
		tsdb__writer_abort(db, &txn->published);
	if (rc < 0)
		pm_free(txn);
	else
		*ret = txn;
	return rc;
}

static void txn_free(struct tsdb_txn *txn)
{
	pm_free(txn->samples);
	pm_free(txn->shapes);
	pm_free(txn->layouts);
	pm_free(txn->runs);
	pm_free(txn->sids);
	pm_free(txn->values);
	pm_free(txn->starts);
	pm_free(txn->hists);
	pm_free(txn->extras);
	pm_buf_release(&txn->exemplars.buf);
	pm_arena_release(&txn->arena);
	pm_free(txn);
}

void tsdb_txn_abort(struct tsdb_txn *txn)
{
	if (!txn)
		return;
	tsdb__writer_abort(txn->db, &txn->published);
	txn_free(txn);
}

/* ---- shapes ---- */

static int shapes_grow(struct tsdb_txn *txn)
{
	size_t cap = txn->shape_cap ? txn->shape_cap * 2 : 64;
	struct tsdb__shape *new = pm_calloc(cap, sizeof *new);
	if (!new)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < txn->shape_cap; i++) {
		if (!txn->shapes[i].seen)
			continue;
		size_t at = txn->shapes[i].hash & (cap - 1);
		while (new[at].seen)
			at = (at + 1) & (cap - 1);
		new[at] = txn->shapes[i];
	}
	pm_free(txn->shapes);
	txn->shapes = new;
	txn->shape_cap = cap;
	return 0;
}

/* Series of samples [first, first + count) into txn->sids. */
static int run_sids(struct tsdb_txn *txn, size_t first, size_t count)
{
	if (pm_grow(&txn->sids, &txn->sids_cap, count) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		txn->sids[i] = txn->samples[first + i].sid;
	return 0;
}

/* The shape of this hash, or the slot for it. */
static struct tsdb__shape *shape_at(struct tsdb_txn *txn, uint64_t hash)
{
	size_t at = hash & (txn->shape_cap - 1);
	while (txn->shapes[at].seen && txn->shapes[at].hash != hash)
		at = (at + 1) & (txn->shape_cap - 1);
	return &txn->shapes[at];
}

static size_t hist_bytes(const struct tsdb_txn *txn, size_t i)
{
	uint32_t n = txn->samples[i].extra;
	return n && txn->extras[n - 1].h ? tsdb__hist_size_max(txn->extras[n - 1].h) : 0;
}

/* Samples of one time; not more than fit into a record with their histograms. */
static size_t run_length(const struct tsdb_txn *txn, size_t first)
{
	size_t end = first + 1, bytes = txn->extra_count ? hist_bytes(txn, first) : 0;
	while (end < txn->count && txn->samples[end].t_ms == txn->samples[first].t_ms && bytes < ROW_BYTES) {
		if (txn->extra_count)
			bytes += hist_bytes(txn, end);
		end++;
	}
	return end - first;
}

static bool is_shape(const struct tsdb_txn *txn, const struct tsdb__shape *s, size_t first, size_t count)
{
	if (s->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (txn->samples[s->first + i].sid != txn->samples[first + i].sid)
			return false;
	return true;
}

static int count_run(struct tsdb_txn *txn, size_t first, size_t count)
{
	if (run_sids(txn, first, count) < 0 || pm_grow(&txn->runs, &txn->run_cap, txn->run_count + 1) < 0 ||
		((txn->shape_count + 1) * 2 > txn->shape_cap && shapes_grow(txn) < 0))
		return PM_ERR_NOMEM;
	uint64_t hash = pm_hash_seed(txn->sids, count * sizeof txn->sids[0], count);
	struct tsdb__shape *s = shape_at(txn, hash);
	txn->runs[txn->run_count++] = (struct tsdb__run){ first, count, hash };
	if (!s->seen) {
		*s = (struct tsdb__shape){ .hash = hash, .first = first, .count = count };
		txn->shape_count++;
	} else if (!is_shape(txn, s, first, count)) {
		s->refused = true;
	}
	s->seen++;
	return 0;
}

static int count_runs(struct tsdb_txn *txn)
{
	int rc = 0;
	txn->run_count = txn->shape_count = 0;
	if (txn->shapes)
		memset(txn->shapes, 0, txn->shape_cap * sizeof *txn->shapes);
	for (size_t i = 0, n; i < txn->count && rc == 0; i += n)
		if ((n = run_length(txn, i)) >= RUN_MIN)
			rc = count_run(txn, i, n);
	return rc;
}

/* The columns of samples [first, first + count); those that would be empty are left out of `row`. */
static int run_columns(struct tsdb_txn *txn, size_t first, size_t count, struct tsdb__row_in *row)
{
	if (pm_grow(&txn->values, &txn->values_cap, count) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		txn->values[i] = txn->samples[first + i].v;
	row->values = txn->values;
	if (txn->extra_count == 0)
		return 0;
	if (pm_grow(&txn->starts, &txn->starts_cap, count) < 0 || pm_grow(&txn->hists, &txn->hists_cap, count) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		uint32_t n = txn->samples[first + i].extra;
		struct tsdb__extra e = n ? txn->extras[n - 1] : (struct tsdb__extra){ 0 };
		txn->starts[i] = e.st_ms;
		txn->hists[i] = e.h;
		row->starts = e.st_ms ? txn->starts : row->starts;
		row->hists = e.h ? txn->hists : row->hists;
	}
	return 0;
}

static int store_row(struct tsdb_txn *txn, const struct tsdb__shape *s, size_t first, struct pm_error *err)
{
	struct tsdb__row_in row = { .family = s->family,
		.version = s->version,
		.width = (uint32_t)s->count,
		.present = (uint32_t)s->count,
		.t_ms = txn->samples[first].t_ms };
	if (run_columns(txn, first, s->count, &row) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	return tsdb__row_add(&txn->db->write, &row, err);
}

/* Store a run as a row if its shape allows; 1: done, 0: its samples stay loose. */
static int drain_run(struct tsdb_txn *txn, const struct tsdb__run *run, struct pm_error *err)
{
	struct tsdb__shape *s = shape_at(txn, run->hash);
	int rc = 0;
	if (!s->version && !s->refused) {
		if (run_sids(txn, run->first, run->count) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		rc = tsdb__shape_store(txn, s, txn->sids, s->seen > 1 || s->count == txn->count, err);
	}
	if (rc == 0 && !s->refused)
		rc = store_row(txn, s, run->first, err);
	return rc < 0 ? rc : !s->refused;
}

static size_t keep_loose(struct tsdb_txn *txn, size_t loose, size_t from, size_t to)
{
	if (loose != from && to > from)
		memmove(txn->samples + loose, txn->samples + from, (to - from) * sizeof *txn->samples);
	return loose + (to - from);
}

/* Put what was gathered into the log; nobody sees it before commit. Loose samples move to the front, over what was
 * stored; lists that later runs are compared with were checked before. */
static int drain(struct tsdb_txn *txn, struct pm_error *err)
{
	size_t loose = 0, next = 0; /* samples from `next` on were not looked at */
	int rc = 0;
	if (count_runs(txn) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < txn->run_count; i++) {
		const struct tsdb__run *run = &txn->runs[i];
		loose = keep_loose(txn, loose, next, run->first);
		if ((rc = drain_run(txn, run, err)) < 0)
			return rc;
		next = run->first + run->count;
		if (rc == 0)
			loose = keep_loose(txn, loose, run->first, next);
	}
	loose = keep_loose(txn, loose, next, txn->count);
	rc = tsdb__batch_add(&txn->db->write, txn->samples, loose, txn->extra_count ? txn->extras : NULL, err);
	txn->count = txn->extra_count = 0;
	pm_arena_reset(&txn->arena);
	return rc;
}

/* ---- appending ---- */

static int append(struct tsdb_txn *txn, const struct tsdb__loose *s, struct pm_error *err)
{
	int rc;
	if (txn->error)
		return pm_fail(err, txn->error, "the transaction failed before");
	if (s->sid >= txn->db->write.rec.sid_end)
		return pm_fail(err, PM_ERR_INVALID, "not a series of this transaction");
	if (pm_grow(&txn->samples, &txn->cap, txn->count + 1) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	txn->samples[txn->count++] = *s;
	if ((txn->count >= DRAIN_SAMPLES || txn->arena.used > DRAIN_BYTES) && (rc = drain(txn, err)) < 0)
		return txn->error = rc;
	return 0;
}

int tsdb_txn_append_sid(struct tsdb_txn *txn, tsdb_sid sid, int64_t t_ms, double v, struct pm_error *err)
{
	return append(txn, &(struct tsdb__loose){ sid, 0, t_ms, v }, err);
}

int tsdb_txn_series(struct tsdb_txn *txn, struct pm_labels labels, tsdb_sid *ret_sid, struct pm_error *err)
{
	uint32_t sid;
	bool is_new;
	int rc;
	if (txn->error)
		return pm_fail(err, txn->error, "the transaction failed before");
	rc = tsdb__series_intern(&txn->db->write, labels, 0, &sid, &is_new, err);
	if (rc < 0 && tsdb__quota_refused(txn->db->write.quota))
		return rc; /* the others go on */
	if (rc < 0)
		return txn->error = rc;
	*ret_sid = sid;
	return 0;
}

int tsdb_txn_append(
	struct tsdb_txn *txn, struct pm_labels labels, int64_t t_ms, double v, tsdb_sid *ret_sid, struct pm_error *err)
{
	tsdb_sid sid = 0;
	int rc = tsdb_txn_series(txn, labels, &sid, err);
	if (rc == 0 && (rc = tsdb_txn_append_sid(txn, sid, t_ms, v, err)) == 0 && ret_sid)
		*ret_sid = sid;
	return rc;
}

/* A histogram is kept as it is until it is stored; a stale one is a stale float. */
int tsdb_txn_append_sample(struct tsdb_txn *txn, tsdb_sid sid, const struct tsdb_sample *s, struct pm_error *err)
{
	struct tsdb__extra e = { .st_ms = s->st_ms };
	double v = s->h ? 0 : s->v;
	int rc;
	if (s->h && pm_is_stale(s->h->sum))
		v = s->h->sum;
	else if (s->h && (rc = pm_histogram_check(s->h, err)) < 0)
		return rc;
	else if (s->h && tsdb__hist_dup(&txn->arena, s->h, &e.h) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (!e.h && !e.st_ms)
		return tsdb_txn_append_sid(txn, sid, s->t_ms, v, err);
	if (pm_grow(&txn->extras, &txn->extra_cap, txn->extra_count + 1) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	txn->extras[txn->extra_count++] = e;
	return append(txn, &(struct tsdb__loose){ sid, (uint32_t)txn->extra_count, s->t_ms, v }, err);
}

int tsdb_txn_append_exemplar(struct tsdb_txn *txn, tsdb_sid sid, const struct tsdb_exemplar *e, struct pm_error *err)
{
	enum { RECORD_MAX = 1 << 20 };
	int rc;
	if (txn->error)
		return pm_fail(err, txn->error, "the transaction failed before");
	if (sid >= txn->db->write.rec.sid_end)
		return pm_fail(err, PM_ERR_INVALID, "not a series of this transaction");
	rc = tsdb__note_exemplar(txn->db, &txn->exemplars, sid, e, err);
	if (rc < 0 && rc != PM_ERR_INVALID)
		txn->error = rc; /* what was noted and what was put may differ */
	if (rc == 0 && txn->exemplars.buf.len >= RECORD_MAX)
		rc = txn->error = tsdb__exemplars_flush(&txn->db->write, &txn->exemplars, false, err);
	return rc;
}

int tsdb_txn_append_metadata(struct tsdb_txn *txn, const struct tsdb_metadata *m, struct pm_error *err)
{
	int rc;
	if (txn->error)
		return pm_fail(err, txn->error, "the transaction failed before");
	rc = tsdb__note_metadata(txn->db, m, err);
	if (rc < 0 && rc != PM_ERR_INVALID)
		txn->error = rc;
	return rc;
}

int tsdb_txn_commit(struct tsdb_txn *txn, struct pm_error *err)
{
	int rc = txn->error ? pm_fail(err, txn->error, "the transaction failed before") : drain(txn, err);
	if (rc == 0)
		rc = tsdb__exemplars_flush(&txn->db->write, &txn->exemplars, false, err);
	if (rc < 0) {
		tsdb_txn_abort(txn);
		return rc;
	}
	rc = tsdb__writer_publish(txn->db, &txn->published, err);
	txn_free(txn);
	return rc;
}
