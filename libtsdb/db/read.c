/* read.c - from series ids to samples.
 *
 * A series' samples are in the rows of the families that it was part of (nearly always one), and perhaps in batches of
 * loose samples. Families are walked once per reader, back from their last row; then many series are read at once, so
 * that the cache lines of a row serve all of its series.
 *
 *   one family, times ascending, in every row    values are gathered, the column of times is shared
 *   one family, times ascending, sometimes absent  a column of times of its own
 *   anything else                                 collected, sorted by time and by order of commitment, first one kept
 */
#include "libtsdb/db/family.h"

#include "libtsdb/base/arena.h"
#include "libtsdb/base/mem.h"

#include <stdlib.h>

struct want {
	uint32_t family;
	uint32_t index; /* among the series of this call */
};

struct sample {
	int64_t t_ms;
	uint64_t order;
	double v;
};

struct tsdb__reader {
	const struct tsdb__snap *snap;
	int64_t min_ms, max_ms;
	struct tsdb__family **families; /* by id, NULL: not walked yet */
	size_t family_cap;
	uint64_t time_ids;
	struct pm_arena arena; /* what the last call gave out */
	struct want *wants;
	size_t want_count, want_cap;
	struct sample *samples;
	size_t sample_count, sample_cap;
};

int tsdb__reader_new(const struct tsdb__snap *snap, int64_t min_ms, int64_t max_ms, struct tsdb__reader **ret)
{
	struct tsdb__reader *r = pm_calloc(1, sizeof *r);
	if (!r)
		return PM_ERR_NOMEM;
	r->snap = snap;
	r->min_ms = min_ms;
	r->max_ms = max_ms;
	pm_arena_init(&r->arena, 0);
	*ret = r;
	return 0;
}

void tsdb__reader_free(struct tsdb__reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->family_cap; i++)
		tsdb__family_free(r->families[i]);
	pm_free(r->families);
	pm_free(r->wants);
	pm_free(r->samples);
	pm_arena_release(&r->arena);
	pm_free(r);
}

/* ---- which families ---- */

static int family_get(struct tsdb__reader *r, uint32_t id, struct tsdb__family **ret, struct pm_error *err)
{
	struct tsdb__family *f;
	int rc;
	if (id >= r->family_cap) {
		size_t cap = r->family_cap;
		if (pm_grow(&r->families, &cap, (size_t)id + 1) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		memset(r->families + r->family_cap, 0, (cap - r->family_cap) * sizeof r->families[0]);
		r->family_cap = cap;
	}
	if (!r->families[id]) {
		if ((rc = tsdb__family_new(r->snap, id, r->min_ms, r->max_ms, &f, err)) < 0)
			return rc;
		f->time_id = ++r->time_ids;
		r->families[id] = f;
	}
	*ret = r->families[id];
	return 0;
}

static int want(struct tsdb__reader *r, uint32_t family, uint32_t index)
{
	for (size_t i = r->want_count; i-- > 0 && r->wants[i].index == index;)
		if (r->wants[i].family == family)
			return 0;
	if (pm_grow(&r->wants, &r->want_cap, r->want_count + 1) < 0)
		return PM_ERR_NOMEM;
	r->wants[r->want_count++] = (struct want){ family, index };
	return 0;
}

/* The place of a series in a batch; row->width when it has none. */
static uint32_t batch_find(const struct tsdb_row *row, const struct tsdb__batch_view *b, uint32_t sid)
{
	uint32_t at = (uint32_t)tsdb__lower_bound(b->sids, row->width, sid);
	return at < row->width && b->sids[at] == sid ? at : row->width;
}

static bool is_loose(const struct tsdb__family *loose, uint32_t sid)
{
	for (size_t i = 0; i < loose->count; i++) {
		struct tsdb__batch_view b = tsdb__batch_view(loose->rows[i]);
		if (loose->rows[i]->rec.kind == TSDB_REC_BATCH &&
			batch_find(loose->rows[i], &b, sid) < loose->rows[i]->width)
			return true;
	}
	return false;
}

static int find_families(struct tsdb__reader *r, uint32_t sid, uint32_t index, const struct tsdb__family *loose)
{
	const struct tsdb__snap *s = r->snap;
	const struct tsdb_series_rec *rec = tsdb__series(&s->catalog, &s->ids, sid);
	uint32_t tag = tsdb__tag(sid * UINT64_C(0x9e3779b97f4a7c15)), family;
	uint64_t cursor = 0;
	int rc = 0;
	if (rec && rec->home && rec->home < s->rec.family_count)
		rc = want(r, rec->home, index);
	while (rc == 0 && tsdb__slots_next(s->tables[TSDB_TABLE_ALIASES], tag, &cursor, &family) > 0)
		if (family && family < s->rec.family_count)
			rc = want(r, family, index);
	if (rc == 0 && is_loose(loose, sid))
		rc = want(r, 0, index);
	return rc;
}

static int by_family(const void *a, const void *b)
{
	const struct want *x = a, *y = b;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* ---- the fast way: columns of one family ---- */

struct column {
	double *v;
	int64_t *t; /* NULL while the family's column serves */
	size_t count;
};

static int column_put(struct tsdb__reader *r, struct tsdb__family *f, struct column *c, size_t row, int64_t index)
{
	if (index < 0) {
		if (!c->t) {
			if (!(c->t = pm_arena_array(&r->arena, f->count, sizeof *c->t)))
				return PM_ERR_NOMEM;
			memcpy(c->t, f->times, row * sizeof *c->t);
		}
		return 0;
	}
	if (c->t)
		c->t[c->count] = f->times[row];
	c->v[c->count++] = f->views[row].values[index];
	return 0;
}

/* Rows [from, to) of one version, for one series at `position` (-1: not part of it). */
static int column_rows(
	struct tsdb__reader *r, struct tsdb__family *f, struct column *c, size_t from, size_t to, int64_t position)
{
	int rc = 0;
	for (size_t i = from; i < to && rc == 0; i++) {
		int64_t index = position;
		if (index >= f->rows[i]->width)
			index = -1;
		if (index >= 0 && f->views[i].present)
			index = tsdb__row_index(&f->views[i], (uint32_t)index);
		if (index < 0 || c->t)
			rc = column_put(r, f, c, i, index);
		else
			c->v[c->count++] = f->views[i].values[index];
	}
	return rc;
}

static int read_columns(struct tsdb__reader *r, struct tsdb__family *f, const struct want *w, size_t n,
	const uint32_t *sids, struct pm_samples *ret, struct pm_error *err)
{
	struct column c[TSDB_READ_SERIES] = { 0 };
	int rc = 0;
	assert(n <= TSDB_READ_SERIES);
	for (size_t i = 0; i < n; i++)
		if (!(c[i].v = pm_arena_array(&r->arena, f->count ? f->count : 1, sizeof(double))))
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t from = 0, to; from < f->count && rc == 0; from = to) {
		to = tsdb__family_same_version(f, from);
		const struct tsdb_version *v = tsdb__version(&r->snap->layouts, f->rows[from]->version);
		if (!v)
			return tsdb__corrupt(err, "layouts", f->rows[from]->version, "no version there");
		for (size_t i = 0; i < n && rc == 0; i++)
			rc = column_rows(
				r, f, &c[i], from, to, tsdb__version_position(&r->snap->layouts, v, sids[w[i].index]));
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct pm_samples *out = &ret[w[i].index];
		out->count = c[i].count;
		out->v = c[i].v;
		out->t_ms = c[i].t ? c[i].t : f->times;
		out->time_id = c[i].t ? ++r->time_ids : f->time_id;
	}
	return rc < 0 ? pm_fail(err, rc, "out of memory") : 0;
}

/* ---- the general way ---- */

static int put_sample(struct tsdb__reader *r, int64_t t_ms, double v, uint64_t order)
{
	if (t_ms < r->min_ms || t_ms > r->max_ms)
		return 0;
	if (pm_grow(&r->samples, &r->sample_cap, r->sample_count + 1) < 0)
		return PM_ERR_NOMEM;
	r->samples[r->sample_count++] = (struct sample){ t_ms, order, v };
	return 0;
}

static int put_batch(struct tsdb__reader *r, const struct tsdb_row *row, uint64_t pos, uint32_t sid)
{
	struct tsdb__batch_view b = tsdb__batch_view(row);
	uint32_t at = batch_find(row, &b, sid);
	int rc = 0;
	if (at == row->width)
		return 0;
	for (uint32_t i = b.first[at]; i < b.first[at + 1] && i < row->version && rc == 0; i++)
		rc = put_sample(r, b.times[i], b.values[i], pos);
	return rc;
}

static int put_row(struct tsdb__reader *r, const struct tsdb__family *f, size_t i, int64_t position)
{
	const struct tsdb_row *row = f->rows[i];
	int64_t at = position < row->width ? position : -1;
	if (at >= 0)
		at = tsdb__row_index(&f->views[i], (uint32_t)at);
	if (at < 0)
		return 0;
	return put_sample(
		r, f->views[i].times ? f->views[i].times[at] : row->t_ms, f->views[i].values[at], f->positions[i]);
}

static int put_family(struct tsdb__reader *r, const struct tsdb__family *f, uint32_t sid, struct pm_error *err)
{
	uint64_t version = 0;
	int64_t position = -1;
	int rc = 0;
	for (size_t i = 0; i < f->count && rc == 0; i++) {
		if (f->rows[i]->rec.kind == TSDB_REC_BATCH) {
			rc = put_batch(r, f->rows[i], f->positions[i], sid);
			continue;
		}
		if (f->rows[i]->version != version) {
			const struct tsdb_version *v = tsdb__version(&r->snap->layouts, version = f->rows[i]->version);
			if (!v)
				return tsdb__corrupt(err, "layouts", version, "no version there");
			position = tsdb__version_position(&r->snap->layouts, v, sid);
		}
		rc = put_row(r, f, i, position);
	}
	return rc;
}

static int by_time_order(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	if (x->t_ms != y->t_ms)
		return x->t_ms < y->t_ms ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Of samples at one time the one committed first stays. */
static int samples_out(struct tsdb__reader *r, struct pm_samples *ret)
{
	size_t n = r->sample_count ? r->sample_count : 1, kept = 0;
	int64_t *t = pm_arena_array(&r->arena, n, sizeof *t);
	double *v = pm_arena_array(&r->arena, n, sizeof *v);
	if (!t || !v)
		return PM_ERR_NOMEM;
	if (r->sample_count > 1)
		qsort(r->samples, r->sample_count, sizeof *r->samples, by_time_order);
	for (size_t i = 0; i < r->sample_count; i++) {
		if (kept && t[kept - 1] == r->samples[i].t_ms)
			continue;
		t[kept] = r->samples[i].t_ms;
		v[kept++] = r->samples[i].v;
	}
	*ret = (struct pm_samples){ .count = kept, .t_ms = t, .v = v, .time_id = ++r->time_ids };
	return 0;
}

static int read_merged(struct tsdb__reader *r, const struct want *w, size_t n, uint32_t sid, struct pm_samples *ret,
	struct pm_error *err)
{
	struct tsdb__family *f;
	int rc = 0;
	r->sample_count = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		if ((rc = family_get(r, w[i].family, &f, err)) == 0)
			rc = put_family(r, f, sid, err);
	}
	if (rc == 0)
		rc = samples_out(r, ret);
	return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
}

/* ---- both ---- */

static int by_index(const void *a, const void *b)
{
	const struct want *x = a, *y = b;
	return (x->index > y->index) - (x->index < y->index);
}

/* Series with one regular family stay in r->wants, in front; the others are read at once. */
static int split(
	struct tsdb__reader *r, const uint32_t *sids, struct pm_samples *ret, size_t *ret_kept, struct pm_error *err)
{
	size_t kept = 0;
	int rc = 0;
	for (size_t i = 0, n; i < r->want_count && rc == 0; i += n) {
		struct tsdb__family *f;
		struct want w = r->wants[i];
		for (n = 1; i + n < r->want_count && r->wants[i + n].index == w.index;)
			n++;
		if ((rc = family_get(r, w.family, &f, err)) < 0)
			break;
		if (n == 1 && f->regular)
			r->wants[kept++] = w;
		else
			rc = read_merged(r, &r->wants[i], n, sids[w.index], &ret[w.index], err);
	}
	*ret_kept = kept;
	return rc;
}

int tsdb__reader_read(
	struct tsdb__reader *r, const uint32_t *sids, size_t count, struct pm_samples *ret, struct pm_error *err)
{
	struct tsdb__family *f, *loose;
	size_t kept = 0;
	int rc;
	assert(count <= TSDB_READ_SERIES);
	pm_arena_reset(&r->arena);
	memset(ret, 0, count * sizeof *ret);
	if ((rc = family_get(r, 0, &loose, err)) < 0)
		return rc;
	r->want_count = 0;
	for (size_t i = 0; i < count; i++)
		if (find_families(r, sids[i], (uint32_t)i, loose) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (r->want_count)
		qsort(r->wants, r->want_count, sizeof *r->wants, by_index);
	if ((rc = split(r, sids, ret, &kept, err)) < 0)
		return rc;
	if (kept)
		qsort(r->wants, kept, sizeof *r->wants, by_family);
	for (size_t i = 0, n; i < kept && rc == 0; i += n) {
		for (n = 1; i + n < kept && r->wants[i + n].family == r->wants[i].family;)
			n++;
		if ((rc = family_get(r, r->wants[i].family, &f, err)) == 0)
			rc = read_columns(r, f, r->wants + i, n, sids, ret, err);
	}
	return rc;
}
