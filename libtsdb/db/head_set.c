/* head_set.c - the head as a source of series: those that match, sorted by labels, read in blocks. */
#include "libtsdb/db/source.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/db/db.h"

#include <stdlib.h>

struct set {
	struct pm_series_set base;
	const struct tsdb__snap *snap;
	struct pm_arena *labels;
	struct tsdb__reader *reader; /* NULL: labels only */
	uint32_t *sids;              /* sorted by labels */
	size_t count, at;
	struct pm_samples block[TSDB_READ_SERIES];
	size_t block_from, block_count;
	uint64_t damage; /* what was known when this began */
};

/* ---- order ---- */

struct sortable {
	const struct tsdb_series_rec *rec;
	uint32_t sid;
};

/* Equal strings have one symbol, so that only the first difference is a comparison of bytes. */
static int by_labels(const void *a, const void *b, void *arg)
{
	const struct tsdb_series_rec *x = ((const struct sortable *)a)->rec, *y = ((const struct sortable *)b)->rec;
	const struct tsdb__bytes *catalog = arg;
	uint32_t n = x->rec.small < y->rec.small ? x->rec.small : y->rec.small;
	for (uint32_t i = 0; i < n; i++) {
		if (x->labels[i].name != y->labels[i].name)
			return pm_str_cmp(
				tsdb__symbol(catalog, x->labels[i].name), tsdb__symbol(catalog, y->labels[i].name));
		if (x->labels[i].value != y->labels[i].value)
			return pm_str_cmp(
				tsdb__symbol(catalog, x->labels[i].value), tsdb__symbol(catalog, y->labels[i].value));
	}
	return (x->rec.small > y->rec.small) - (x->rec.small < y->rec.small);
}

static int sort_by_labels(const struct tsdb__snap *snap, uint32_t *sids, size_t count)
{
	struct sortable *s = pm_malloc((count ? count : 1) * sizeof *s);
	if (!s)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		s[i] = (struct sortable){ tsdb__series(&snap->catalog, &snap->ids, sids[i]), sids[i] };
		if (!s[i].rec) {
			pm_free(s);
			return PM_ERR_CORRUPT;
		}
	}
	qsort_r(s, count, sizeof *s, by_labels, (void *)(uintptr_t)&snap->catalog);
	for (size_t i = 0; i < count; i++)
		sids[i] = s[i].sid;
	pm_free(s);
	return 0;
}

/* ---- series sets ---- */

static int labels_of(struct set *s, uint32_t sid, struct pm_labels *ret)
{
	const struct tsdb__snap *snap = s->snap;
	const struct tsdb_series_rec *rec = tsdb__series(&snap->catalog, &snap->ids, sid);
	struct pm_label *l = rec ? pm_arena_array(s->labels, rec->rec.small + 1u, sizeof *l) : NULL;
	if (!l)
		return PM_ERR_NOMEM;
	for (uint32_t i = 0; i < rec->rec.small; i++)
		l[i] = (struct pm_label){ tsdb__symbol(&snap->catalog, rec->labels[i].name),
			tsdb__symbol(&snap->catalog, rec->labels[i].value) };
	*ret = (struct pm_labels){ l, rec->rec.small };
	return 0;
}

static int set_fill(struct set *s, struct pm_error *err)
{
	size_t n = s->count - s->at;
	n = n < TSDB_READ_SERIES ? n : TSDB_READ_SERIES;
	int rc = tsdb__reader_read(s->reader, s->sids + s->at, n, s->block, err);
	s->block_from = s->at;
	s->block_count = rc == 0 ? n : 0;
	return rc;
}

static int set_next(struct pm_series_set *base, struct pm_series *ret, struct pm_error *err)
{
	struct set *s = (struct set *)base;
	for (; s->at < s->count; s->at++) {
		int rc;
		struct pm_series series = { 0 };
		if (s->reader) {
			if (s->at >= s->block_from + s->block_count && (rc = set_fill(s, err)) < 0)
				return rc;
			series.samples = s->block[s->at - s->block_from];
			if (series.samples.count == 0)
				continue;
		}
		int no_labels = labels_of(s, s->sids[s->at], &series.labels);
		if ((rc = tsdb__damage_since(s->snap->head, s->damage, err)) < 0)
			return rc;
		if (no_labels)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		*ret = series;
		s->at++;
		return 1;
	}
	return tsdb__damage_since(s->snap->head, s->damage, err);
}

static void set_free(struct pm_series_set *base)
{
	struct set *s = (struct set *)base;
	if (!s)
		return;
	tsdb__reader_free(s->reader);
	pm_free(s->sids);
	pm_free(s);
}

bool tsdb__head_in_range(const struct tsdb__snap *snap, const struct pm_select *sel)
{
	return sel->min_ms <= snap->rec.max_ms && sel->max_ms >= snap->rec.min_ms;
}

int tsdb__head_set(const struct tsdb__snap *snap, const struct pm_select *sel, struct pm_arena *labels,
	struct pm_series_set **ret, struct pm_error *err)
{
	struct set *s = pm_calloc(1, sizeof *s);
	int rc = PM_ERR_NOMEM;
	if (!s)
		goto done;
	s->base = (struct pm_series_set){ set_next, set_free };
	s->snap = snap;
	s->labels = labels;
	s->damage = tsdb__damage_count(snap->head);
	if ((rc = tsdb__select_sids(snap, sel, &s->sids, &s->count, err)) < 0 ||
		(rc = tsdb__damage_since(snap->head, s->damage, err)) < 0)
		goto done;
	if (!tsdb__head_in_range(snap, sel))
		s->count = 0;
	rc = sort_by_labels(snap, s->sids, s->count);
	if (tsdb__damage_since(snap->head, s->damage, err) < 0)
		rc = PM_ERR_CORRUPT;
	if (rc < 0)
		goto done;
	if (!sel->labels_only)
		rc = tsdb__reader_new(snap, sel->min_ms, sel->max_ms, &s->reader);
done:
	if (rc == PM_ERR_NOMEM)
		pm_fail(err, rc, "out of memory");
	if (rc < 0)
		set_free(s ? &s->base : NULL);
	else
		*ret = &s->base;
	return rc;
}
