/* exemplar.c - exemplars, asked for by series and time. */
#include "libtsdb/db/notes.h"

#include "libtsdb/base/arena.h"
#include "libtsdb/base/mem.h"

#include <stdlib.h>

/* What an answer holds on to. */
struct owner {
	struct tsdb__snap *snap;
	struct pm_arena arena;
};

struct found {
	const struct tsdb_exemplar_rec *rec;
	uint32_t order; /* of commitment */
	uint32_t sid;
};

struct query {
	struct owner *own;
	const struct pm_select *sels;
	struct tsdb__sids {
		uint32_t *v;
		size_t count;
	} * sids; /* of each selection, ascending */
	size_t sel_count;
	struct found *found;
	size_t found_count, found_cap;
	uint32_t order;
};

void tsdb_exemplars_free(struct tsdb_exemplars *e)
{
	struct owner *own = e->owner;
	if (own) {
		tsdb__snap_unref(own->snap);
		pm_arena_release(&own->arena);
		pm_free(own);
	}
	*e = (struct tsdb_exemplars){ 0 };
}

void tsdb_set_exemplar_max(struct tsdb *db, size_t max)
{
	pthread_mutex_lock(&db->write_mutex);
	__atomic_store_n(&db->write.exemplar_max, max, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&db->write_mutex);
}

/* ---- finding ---- */

static bool is_asked(const struct query *q, uint32_t sid, int64_t t_ms)
{
	for (size_t i = 0; i < q->sel_count; i++) {
		if (t_ms < q->sels[i].min_ms || t_ms > q->sels[i].max_ms)
			continue;
		size_t at = tsdb__lower_bound(q->sids[i].v, q->sids[i].count, sid);
		if (at < q->sids[i].count && q->sids[i].v[at] == sid)
			return true;
	}
	return false;
}

static int find_in_row(struct query *q, const struct tsdb_row *row, uint64_t skip, uint64_t pos, struct pm_error *err)
{
	size_t off = 0;
	for (uint32_t i = 0; i < row->width; i++) {
		const struct tsdb_exemplar_rec *e = tsdb__exemplars_next(row, &off);
		if (!e)
			return tsdb__corrupt(err, "log", pos, "exemplars that are none");
		if (i < skip || !is_asked(q, e->sid, e->t_ms))
			continue;
		if (pm_grow(&q->found, &q->found_cap, q->found_count + 1) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		q->found[q->found_count++] = (struct found){ e, q->order++, e->sid };
	}
	return 0;
}

static int find(struct query *q, uint64_t max, struct pm_error *err)
{
	const struct tsdb__snap *snap = q->own->snap;
	struct tsdb__exemplars_walk walk;
	uint32_t family;
	int rc;
	if (!tsdb__family_find(&snap->layouts, snap->tables[TSDB_TABLE_FAMILIES], tsdb__exemplars_key(),
		    snap->rec.family_count, &family))
		return 0;
	rc = tsdb__exemplars_walk(snap->head, tsdb__snap_last(snap, family), tsdb__exemplars_sealed(&snap->rec),
		snap->rec.log_end, max, &walk, err);
	for (size_t i = walk.count; i-- > 0 && rc == 0;) {
		uint64_t over = walk.exemplar_count > max ? walk.exemplar_count - max : 0;
		rc = find_in_row(q, walk.rows[i], i == walk.count - 1 ? over : 0, walk.positions[i], err);
	}
	tsdb__exemplars_release(&walk);
	return rc;
}

static int by_series_time(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	if (x->sid != y->sid)
		return x->sid < y->sid ? -1 : 1;
	if (x->rec->t_ms != y->rec->t_ms)
		return x->rec->t_ms < y->rec->t_ms ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* ---- the answer ---- */

static int labels_of(struct query *q, uint32_t sid, struct pm_labels *ret, struct pm_error *err)
{
	const struct tsdb__snap *snap = q->own->snap;
	const struct tsdb_series_rec *s = tsdb__series(&snap->catalog, &snap->ids, sid);
	if (!s)
		return tsdb__corrupt(err, "ids", sid, "no series of this id");
	struct pm_label *l = pm_arena_array(&q->own->arena, s->rec.small + (size_t)1, sizeof *l);
	if (!l)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (uint32_t i = 0; i < s->rec.small; i++)
		l[i] = (struct pm_label){ tsdb__symbol(&snap->catalog, s->labels[i].name),
			tsdb__symbol(&snap->catalog, s->labels[i].value) };
	*ret = (struct pm_labels){ l, s->rec.small };
	return 0;
}

static int exemplar_out(
	struct query *q, const struct tsdb_exemplar_rec *rec, struct tsdb_exemplar *ret, struct pm_error *err)
{
	struct pm_label *l = pm_arena_array(&q->own->arena, rec->label_count + (size_t)1, sizeof *l);
	if (!l)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (tsdb__exemplar_labels(rec, l) < 0)
		return tsdb__corrupt(err, "log", 0, "an exemplar with impossible labels");
	*ret = (struct tsdb_exemplar){ { l, rec->label_count }, rec->v, rec->t_ms };
	return 0;
}

static int by_labels(const void *a, const void *b)
{
	const struct tsdb_exemplar_series *x = a, *y = b;
	return pm_labels_cmp(x->labels, y->labels);
}

static int answer(struct query *q, struct tsdb_exemplars *ret, struct pm_error *err)
{
	struct tsdb_exemplar *e = pm_arena_array(&q->own->arena, q->found_count + 1, sizeof *e);
	struct tsdb_exemplar_series *s = pm_arena_array(&q->own->arena, q->found_count + 1, sizeof *s);
	size_t series = 0;
	int rc = 0;
	if (!e || !s)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (q->found_count)
		qsort(q->found, q->found_count, sizeof *q->found, by_series_time);
	for (size_t i = 0; i < q->found_count && rc == 0; i++) {
		if ((rc = exemplar_out(q, q->found[i].rec, &e[i], err)) < 0)
			break;
		if (i == 0 || q->found[i].sid != q->found[i - 1].sid) {
			s[series] = (struct tsdb_exemplar_series){ .v = &e[i] };
			rc = labels_of(q, q->found[i].sid, &s[series++].labels, err);
		}
		s[series - 1].count++;
	}
	if (rc == 0 && series)
		qsort(s, series, sizeof *s, by_labels);
	*ret = (struct tsdb_exemplars){ s, series, NULL };
	return rc;
}

static int select_all(struct query *q, struct pm_error *err)
{
	int rc = 0;
	if (!(q->sids = pm_calloc(q->sel_count + 1, sizeof *q->sids)))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < q->sel_count && rc == 0; i++)
		rc = tsdb__select_sids(q->own->snap, &q->sels[i], &q->sids[i].v, &q->sids[i].count, err);
	return rc;
}

int tsdb_exemplars(struct tsdb *db, const struct pm_select *sels, size_t sel_count, struct tsdb_exemplars *ret,
	struct pm_error *err)
{
	struct tsdb_exemplars out = { 0 };
	struct owner *own = pm_calloc(1, sizeof *own);
	struct query q = { .own = own, .sels = sels, .sel_count = sel_count };
	int rc;
	if (!own)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if ((rc = tsdb__snap_get(db, &own->snap, err)) == 0 && (rc = select_all(&q, err)) == 0 &&
		(rc = find(&q, tsdb__exemplar_max(&db->write), err)) == 0)
		rc = answer(&q, &out, err);
	for (size_t i = 0; q.sids && i < sel_count; i++)
		pm_free(q.sids[i].v);
	pm_free(q.sids);
	pm_free(q.found);
	out.owner = own;
	if (rc < 0)
		tsdb_exemplars_free(&out);
	else
		*ret = out;
	return rc;
}
