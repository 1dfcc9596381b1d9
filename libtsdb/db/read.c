/* read.c - from series ids to samples.
 *
 * A series' samples are in the rows of the families that it was part of (nearly always one), and perhaps in batches of
 * loose samples. Families are walked once per reader, back from their last row; then many series are read at once, so
 * that the cache lines of a row serve all of its series.
 *
 *   floats of one family, times ascending   transposed (columns.c)
 *   anything else                           collected, sorted by time and by order of commitment, first one kept
 */
#include "libtsdb/db/reader.h"

#include "libtsdb/base/mem.h"

#include <stdlib.h>

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
	pm_free(r->found);
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
	r->wants[r->want_count++] = (struct tsdb__want){ family, index };
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
	const struct tsdb__want *x = a, *y = b;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* ---- the general way ---- */

static int put_found(struct tsdb__reader *r, const struct tsdb__found *s)
{
	if (s->t_ms < r->min_ms || s->t_ms > r->max_ms)
		return 0;
	if (pm_grow(&r->found, &r->found_cap, r->found_count + 1) < 0)
		return PM_ERR_NOMEM;
	r->found[r->found_count++] = *s;
	return 0;
}

static int put_batch(struct tsdb__reader *r, const struct tsdb_row *row, uint64_t pos, uint32_t sid)
{
	struct tsdb__batch_view b = tsdb__batch_view(row);
	uint32_t at = batch_find(row, &b, sid);
	int rc = 0;
	if (at == row->width)
		return 0;
	for (uint32_t i = b.first[at]; i < b.first[at + 1] && i < row->version && rc == 0; i++) {
		struct tsdb__found s = { b.times[i], pos, b.values[i], b.starts ? b.starts[i] : 0,
			tsdb__bit(b.hists, i) ? row : NULL };
		rc = put_found(r, &s);
	}
	return rc;
}

static int put_row(struct tsdb__reader *r, const struct tsdb__family *f, size_t i, int64_t position)
{
	const struct tsdb_row *row = f->rows[i];
	const struct tsdb__row_view *v = &f->views[i];
	int64_t at = position < row->width ? position : -1;
	if (at >= 0)
		at = tsdb__row_index(v, (uint32_t)at);
	if (at < 0)
		return 0;
	struct tsdb__found s = { v->times ? v->times[at] : row->t_ms, f->positions[i], v->values[at],
		v->starts ? v->starts[at] : 0, tsdb__bit(v->hists, (uint64_t)at) ? row : NULL };
	return put_found(r, &s);
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
	const struct tsdb__found *x = a, *y = b;
	if (x->t_ms != y->t_ms)
		return x->t_ms < y->t_ms ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Of samples at one time the one committed first stays. */
static void sort_found(struct tsdb__reader *r)
{
	size_t kept = 0;
	bool ascending = true;
	for (size_t i = 1; i < r->found_count && ascending; i++)
		ascending = r->found[i - 1].t_ms < r->found[i].t_ms;
	if (ascending)
		return;
	qsort(r->found, r->found_count, sizeof *r->found, by_time_order);
	for (size_t i = 0; i < r->found_count; i++)
		if (kept == 0 || r->found[kept - 1].t_ms != r->found[i].t_ms)
			r->found[kept++] = r->found[i];
	r->found_count = kept;
}

static int hists_out(struct tsdb__reader *r, struct pm_samples *ret, struct pm_error *err)
{
	const struct pm_histogram **h = pm_arena_zalloc(&r->arena, r->found_count * sizeof *h);
	for (size_t i = 0; h && i < r->found_count; i++) {
		const struct tsdb__found *s = &r->found[i];
		int rc = s->hist ? tsdb__hist_get(s->hist, s->v, &r->arena, &h[i]) : 0;
		if (rc == PM_ERR_CORRUPT)
			return tsdb__corrupt(err, "log", s->order, "a histogram that is none");
		if (rc < 0)
			return rc;
	}
	ret->h = h;
	return h ? 0 : PM_ERR_NOMEM;
}

static int samples_out(struct tsdb__reader *r, struct pm_samples *ret, struct pm_error *err)
{
	size_t n = r->found_count ? r->found_count : 1;
	bool any_hist = false, any_start = false;
	int64_t *t = pm_arena_array(&r->arena, n, sizeof *t), *st = pm_arena_array(&r->arena, n, sizeof *st);
	double *v = pm_arena_array(&r->arena, n, sizeof *v);
	if (!t || !st || !v)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < r->found_count; i++) {
		const struct tsdb__found *s = &r->found[i];
		t[i] = s->t_ms;
		st[i] = s->st_ms;
		v[i] = s->hist ? 0 : s->v;
		any_hist |= s->hist != NULL;
		any_start |= s->st_ms != 0;
	}
	*ret = (struct pm_samples){
		.count = r->found_count, .t_ms = t, .v = v, .st_ms = any_start ? st : NULL, .time_id = ++r->time_ids
	};
	return any_hist ? hists_out(r, ret, err) : 0;
}

static int read_merged(struct tsdb__reader *r, const struct tsdb__want *w, size_t n, uint32_t sid,
	struct pm_samples *ret, struct pm_error *err)
{
	struct tsdb__family *f;
	int rc = 0;
	r->found_count = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		if ((rc = family_get(r, w[i].family, &f, err)) == 0)
			rc = put_family(r, f, sid, err);
	}
	if (rc == 0) {
		sort_found(r);
		rc = samples_out(r, ret, err);
	}
	return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
}

/* ---- both ---- */

static int by_index(const void *a, const void *b)
{
	const struct tsdb__want *x = a, *y = b;
	return (x->index > y->index) - (x->index < y->index);
}

/* Does the series have histograms in this regular family? */
static bool has_hists(struct tsdb__reader *r, const struct tsdb__family *f, uint32_t sid)
{
	bool found = false;
	for (size_t i = 0, to; f->has_hists && i < f->count && !found; i = to) {
		to = tsdb__family_same_version(f, i);
		const struct tsdb_version *v = tsdb__version(&r->snap->layouts, f->rows[i]->version);
		int64_t position = v ? tsdb__version_position(&r->snap->layouts, v, sid) : -1;
		for (size_t k = i; k < to && position >= 0 && !found; k++)
			if (f->views[k].hists && position < f->rows[k]->width) {
				int64_t at = tsdb__row_index(&f->views[k], (uint32_t)position);
				found = at >= 0 && tsdb__bit(f->views[k].hists, (uint64_t)at);
			}
	}
	return found;
}

/* Series with floats of one regular family stay in r->wants, in front; the others are read at once. */
static int split(
	struct tsdb__reader *r, const uint32_t *sids, struct pm_samples *ret, size_t *ret_kept, struct pm_error *err)
{
	size_t kept = 0;
	int rc = 0;
	for (size_t i = 0, n; i < r->want_count && rc == 0; i += n) {
		struct tsdb__family *f;
		struct tsdb__want w = r->wants[i];
		for (n = 1; i + n < r->want_count && r->wants[i + n].index == w.index;)
			n++;
		if ((rc = family_get(r, w.family, &f, err)) < 0)
			break;
		if (n == 1 && f->regular && !has_hists(r, f, sids[w.index]))
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
			rc = tsdb__read_columns(r, f, r->wants + i, n, sids, ret, err);
	}
	return rc;
}
