/* querier.c - struct pm_querier over one snapshot: select, label names, label values. */
#include "libtsdb/db/db.h"

#include "libtsdb/base/arena.h"
#include "libtsdb/base/mem.h"

#include <stdlib.h>

/* Labels stay good until the querier is freed, so each set leaves its arena behind. */
struct kept_arena {
	struct kept_arena *next;
	struct pm_arena arena;
};

struct querier {
	struct pm_querier base;
	struct tsdb__snap *snap;
	pthread_mutex_t mutex; /* guards arenas */
	struct kept_arena *arenas;
};

struct set {
	struct pm_series_set base;
	struct querier *q;
	struct kept_arena *labels;
	struct tsdb__reader *reader; /* NULL: labels only */
	uint32_t *sids;              /* sorted by labels */
	size_t count, at;
	struct pm_samples block[TSDB_READ_SERIES];
	size_t block_from, block_count;
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
	for (size_t i = 0; i < count; i++)
		s[i] = (struct sortable){ tsdb__series(&snap->catalog, &snap->ids, sids[i]), sids[i] };
	qsort_r(s, count, sizeof *s, by_labels, (void *)(uintptr_t)&snap->catalog);
	for (size_t i = 0; i < count; i++)
		sids[i] = s[i].sid;
	pm_free(s);
	return 0;
}

/* ---- series sets ---- */

static int labels_of(struct set *s, uint32_t sid, struct pm_labels *ret)
{
	const struct tsdb__snap *snap = s->q->snap;
	const struct tsdb_series_rec *rec = tsdb__series(&snap->catalog, &snap->ids, sid);
	struct pm_label *l = rec ? pm_arena_array(&s->labels->arena, rec->rec.small + 1u, sizeof *l) : NULL;
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
		if (labels_of(s, s->sids[s->at], &series.labels) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		*ret = series;
		s->at++;
		return 1;
	}
	return 0;
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

static struct kept_arena *keep_arena(struct querier *q)
{
	struct kept_arena *k = pm_calloc(1, sizeof *k);
	if (!k)
		return NULL;
	pthread_mutex_lock(&q->mutex);
	k->next = q->arenas;
	q->arenas = k;
	pthread_mutex_unlock(&q->mutex);
	return k;
}

static bool in_range(const struct querier *q, const struct pm_select *sel)
{
	return sel->min_ms <= q->snap->rec.max_ms && sel->max_ms >= q->snap->rec.min_ms;
}

static int q_select(
	struct pm_querier *base, const struct pm_select *sel, struct pm_series_set **ret, struct pm_error *err)
{
	struct querier *q = (struct querier *)base;
	struct set *s = pm_calloc(1, sizeof *s);
	int rc = PM_ERR_NOMEM;
	if (!s || !(s->labels = keep_arena(q)))
		goto done;
	s->base = (struct pm_series_set){ set_next, set_free };
	s->q = q;
	if ((rc = tsdb__select_sids(q->snap, sel, &s->sids, &s->count, err)) < 0)
		goto done;
	if (!in_range(q, sel))
		s->count = 0;
	if ((rc = sort_by_labels(q->snap, s->sids, s->count)) < 0)
		goto done;
	if (sel->limit && s->count > sel->limit && sel->labels_only)
		s->count = sel->limit;
	if (!sel->labels_only)
		rc = tsdb__reader_new(q->snap, sel->min_ms, sel->max_ms, &s->reader);
done:
	if (rc == PM_ERR_NOMEM)
		pm_fail(err, rc, "out of memory");
	if (rc < 0)
		set_free(s ? &s->base : NULL);
	else
		*ret = &s->base;
	return rc;
}

/* ---- label names and values ---- */

struct symbols {
	uint32_t *v;
	size_t count, cap;
};

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Sort and drop doubles, so that collecting from a million series stays as small as the answer. */
static void symbols_compact(struct symbols *s)
{
	size_t kept = 0;
	if (s->count)
		qsort(s->v, s->count, sizeof *s->v, by_number);
	for (size_t i = 0; i < s->count; i++)
		if (kept == 0 || s->v[kept - 1] != s->v[i])
			s->v[kept++] = s->v[i];
	s->count = kept;
}

static int symbols_add(struct symbols *s, uint32_t sym)
{
	if (s->count && s->v[s->count - 1] == sym)
		return 0;
	if (s->count == s->cap && s->count) {
		symbols_compact(s);
		if (s->count < s->cap / 2)
			goto add;
	}
	if (pm_grow(&s->v, &s->cap, s->count + 1) < 0)
		return PM_ERR_NOMEM;
add:
	s->v[s->count++] = sym;
	return 0;
}

/* Names (want_name 0) or values of the name, of one series. */
static int collect_series(const struct tsdb__snap *snap, uint32_t sid, uint32_t want_name, struct symbols *to)
{
	const struct tsdb_series_rec *rec = tsdb__series(&snap->catalog, &snap->ids, sid);
	int rc = 0;
	for (uint32_t i = 0; rec && i < rec->rec.small && rc == 0; i++) {
		if (!want_name)
			rc = symbols_add(to, rec->labels[i].name);
		else if (rec->labels[i].name == want_name)
			rc = symbols_add(to, rec->labels[i].value);
	}
	return rc;
}

static int collect_all(const struct tsdb__snap *snap, uint32_t want_name, struct symbols *to, struct pm_error *err)
{
	const struct tsdb_runs *list = snap->rec.runs_off ? tsdb__runs(&snap->postings, snap->rec.runs_off) : NULL;
	int rc = 0;
	for (uint32_t r = 0; list && r < list->run_count && rc == 0; r++) {
		const struct tsdb_run *run = tsdb__run(&snap->postings, list->off[r]);
		uint32_t n = run ? run->pair_count : 0;
		if (!run)
			return tsdb__corrupt(err, "postings", list->off[r], "no run there");
		const struct tsdb_run_pair *pairs = want_name ? tsdb__run_pairs(run, want_name, &n) : run->pairs;
		for (uint32_t i = 0; i < n && rc == 0; i++)
			rc = symbols_add(to, want_name ? pairs[i].value : pairs[i].name);
	}
	for (uint32_t sid = snap->rec.runs_sid_end; sid < snap->rec.sid_end && rc == 0; sid++)
		rc = collect_series(snap, sid, want_name, to);
	return rc;
}

static int by_str(const void *a, const void *b)
{
	return pm_str_cmp(*(const struct pm_str *)a, *(const struct pm_str *)b);
}

static int symbols_out(const struct tsdb__snap *snap, struct symbols *s, size_t limit, struct pm_strings *ret)
{
	symbols_compact(s);
	struct pm_str *v = pm_malloc((s->count ? s->count : 1) * sizeof *v);
	if (!v)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < s->count; i++)
		v[i] = tsdb__symbol(&snap->catalog, s->v[i]);
	qsort(v, s->count, sizeof *v, by_str);
	*ret = (struct pm_strings){ v, limit && s->count > limit ? limit : s->count, v };
	return 0;
}

static int collect(struct querier *q, uint32_t want_name, const struct pm_select *sel, struct pm_strings *ret,
	struct pm_error *err)
{
	struct symbols syms = { 0 };
	uint32_t *sids = NULL;
	size_t count = 0;
	int rc = 0;
	if (!in_range(q, sel))
		;
	else if (sel->matcher_count == 0)
		rc = collect_all(q->snap, want_name, &syms, err);
	else if ((rc = tsdb__select_sids(q->snap, sel, &sids, &count, err)) == 0)
		for (size_t i = 0; i < count && rc == 0; i++)
			rc = collect_series(q->snap, sids[i], want_name, &syms);
	if (rc == 0)
		rc = symbols_out(q->snap, &syms, sel->limit, ret);
	pm_free(syms.v);
	pm_free(sids);
	return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
}

static int q_label_names(
	struct pm_querier *base, const struct pm_select *sel, struct pm_strings *ret, struct pm_error *err)
{
	return collect((struct querier *)base, 0, sel, ret, err);
}

static int q_label_values(struct pm_querier *base, struct pm_str name, const struct pm_select *sel,
	struct pm_strings *ret, struct pm_error *err)
{
	struct querier *q = (struct querier *)base;
	uint32_t sym;
	if (!tsdb__symbol_find(&q->snap->catalog, q->snap->tables[TSDB_TABLE_SYMBOLS], name, &sym)) {
		*ret = (struct pm_strings){ 0 };
		return 0;
	}
	return collect(q, sym, sel, ret, err);
}

/* ---- the querier ---- */

static void q_free(struct pm_querier *base)
{
	struct querier *q = (struct querier *)base;
	if (!q)
		return;
	while (q->arenas) {
		struct kept_arena *next = q->arenas->next;
		pm_arena_release(&q->arenas->arena);
		pm_free(q->arenas);
		q->arenas = next;
	}
	tsdb__snap_unref(q->snap);
	pthread_mutex_destroy(&q->mutex);
	pm_free(q);
}

int tsdb_querier(struct tsdb *db, struct pm_querier **ret, struct pm_error *err)
{
	struct querier *q = pm_calloc(1, sizeof *q);
	int rc;
	if (!q)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if ((rc = tsdb__snap_get(db, &q->snap, err)) < 0) {
		pm_free(q);
		return rc;
	}
	pthread_mutex_init(&q->mutex, NULL);
	q->base = (struct pm_querier){ q_select, q_label_names, q_label_values, q_free };
	*ret = &q->base;
	return 0;
}
