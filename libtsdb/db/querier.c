/* querier.c - struct pm_querier over one snapshot: the sources that a range needs, merged. */
#include "libtsdb/db/merge.h"
#include "libtsdb/db/source.h"

#include "libtsdb/base/mem.h"

/* Labels stay good until the querier is freed, so each set leaves its arena behind, and segments stay open. */
struct kept_arena {
	struct kept_arena *next;
	struct pm_arena arena;
};

struct querier {
	struct pm_querier base;
	struct tsdb *db;
	struct tsdb__snap *snap;
	pthread_mutex_t mutex; /* guards arenas */
	struct kept_arena *arenas;
};

static struct pm_arena *keep_arena(struct querier *q)
{
	struct kept_arena *k = pm_calloc(1, sizeof *k);
	if (!k)
		return NULL;
	pthread_mutex_lock(&q->mutex);
	k->next = q->arenas;
	q->arenas = k;
	pthread_mutex_unlock(&q->mutex);
	return &k->arena;
}

/* ---- sources ---- */

/* A file that is gone is either one of a store that went on, or one that the store still names: that is damage. */
static bool is_missing(struct tsdb *db, const struct tsdb__manifest *m)
{
	struct tsdb_record now;
	return db->detached || (tsdb__meta_read(db->meta, &now, NULL) == 0 && now.manifest == m->number);
}

int tsdb__source_segment(
	struct tsdb *db, const struct tsdb__snap *snap, size_t i, struct tsdb__segment **ret, struct pm_error *err)
{
	struct tsdb__manifest *m = tsdb__manifest_of(snap);
	struct pm_error why = { 0 };
	int rc = tsdb__manifest_segment(m, i, ret, &why);
	if (rc == 0)
		return 1;
	if (rc == PM_ERR_CORRUPT || rc == PM_ERR_VERSION || (rc == PM_ERR_STALE && is_missing(db, m))) {
		if (tsdb__manifest_set_aside(m, i, rc) == 0 && db->damaged)
			db->damaged(db->damaged_arg, &why);
		return 0;
	}
	if (err)
		*err = why;
	return rc;
}

int tsdb__source_set(const struct tsdb__snap *snap, struct tsdb__segment *s, const struct pm_select *sel,
	struct pm_arena *labels, struct pm_series_set **ret, struct pm_error *err)
{
	struct pm_series_set *set;
	int rc = tsdb__segment_set(s, sel, labels, &set, err);
	if (rc == 0 && !sel->labels_only && tsdb__manifest_of(snap)->tombstone_count)
		return tsdb__without_deleted(tsdb__manifest_of(snap), s->number, set, ret, err);
	if (rc == 0)
		*ret = set;
	return rc;
}

/* One sample may stand for many only where no other source has samples between them, nor a tombstone takes some away.
 */
static bool apart(const struct tsdb__snap *snap, const struct pm_select *sel)
{
	const struct tsdb__manifest *m = tsdb__manifest_of(snap);
	const struct tsdb_record *head = &snap->rec;
	for (size_t i = 0; i < m->count; i++) {
		const struct tsdb__segment_info *a = &m->v[i].info;
		if (!tsdb__segment_in_range(a, sel))
			continue;
		if (head->min_ms <= a->max_ms && head->max_ms >= a->min_ms)
			return false;
		for (size_t k = 0; k < i; k++)
			if (m->v[k].info.min_ms <= a->max_ms && m->v[k].info.max_ms >= a->min_ms)
				return false;
	}
	return m->tombstone_count == 0;
}

/* The sets of all sources that may have samples in the range, into sets[0..*ret_count). */
static int open_sources(struct querier *q, const struct pm_select *sel, struct pm_series_set **sets, size_t *ret_count,
	struct pm_error *err)
{
	struct tsdb__manifest *m = tsdb__manifest_of(q->snap);
	struct pm_arena *labels;
	int rc = 0;
	for (size_t i = 0; i <= m->count && rc >= 0; i++) {
		struct tsdb__segment *s = NULL;
		bool is_head = i == m->count;
		/* The head alone says whether a regular expression is one: it is asked even when it has nothing. */
		if (!is_head && !tsdb__segment_in_range(&m->v[i].info, sel))
			continue;
		if (!is_head && (rc = tsdb__source_segment(q->db, q->snap, i, &s, err)) <= 0)
			continue;
		if (!(labels = keep_arena(q)))
			rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
		else
			rc = is_head ? tsdb__head_set(q->snap, sel, labels, &sets[*ret_count], err)
				     : tsdb__source_set(q->snap, s, sel, labels, &sets[*ret_count], err);
		if (rc == 0)
			++*ret_count;
		tsdb__segment_unref(s);
	}
	return rc < 0 ? rc : 0;
}

static int q_select(
	struct pm_querier *base, const struct pm_select *sel, struct pm_series_set **ret, struct pm_error *err)
{
	struct querier *q = (struct querier *)base;
	size_t count = 0, most = tsdb__manifest_of(q->snap)->count + 1;
	struct pm_series_set **sets = pm_malloc(most * sizeof(struct pm_series_set *));
	struct pm_select plain = *sel;
	if (sel->windows.use != PM_USE_ALL && !apart(q->snap, sel))
		plain.windows.use = PM_USE_ALL;
	sel = &plain;
	int rc = sets ? open_sources(q, sel, sets, &count, err) : pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (rc < 0) {
		while (count)
			count--, sets[count]->free(sets[count]);
	} else if (count == 1 && !(sel->limit && sel->labels_only)) {
		*ret = sets[0];
	} else {
		rc = tsdb__merge_sets(sets, count, sel->labels_only ? sel->limit : 0, ret);
		if (rc < 0)
			pm_fail(err, rc, "out of memory");
	}
	pm_free(sets);
	return rc;
}

/* ---- names and values of labels ---- */

static int strings(struct querier *q, const struct pm_str *name, const struct pm_select *sel, struct pm_strings *ret,
	struct pm_error *err)
{
	struct tsdb__manifest *m = tsdb__manifest_of(q->snap);
	struct tsdb__strings all = { 0 };
	int rc = tsdb__head_strings(q->snap, name, sel, &all, err);
	for (size_t i = 0; i < m->count && rc >= 0; i++) {
		struct tsdb__segment *s;
		if (!tsdb__segment_in_range(&m->v[i].info, sel) ||
			(rc = tsdb__source_segment(q->db, q->snap, i, &s, err)) <= 0)
			continue;
		/* The manifest keeps the segment open, and the snapshot the manifest, until the strings are copied. */
		rc = tsdb__segment_strings(s, name, sel, &all, err);
		tsdb__segment_unref(s);
	}
	if (rc < 0)
		tsdb__strings_release(&all);
	else if ((rc = tsdb__strings_done(&all, sel->limit, ret)) < 0)
		pm_fail(err, rc, "out of memory");
	return rc;
}

static int q_label_names(
	struct pm_querier *base, const struct pm_select *sel, struct pm_strings *ret, struct pm_error *err)
{
	return strings((struct querier *)base, NULL, sel, ret, err);
}

static int q_label_values(struct pm_querier *base, struct pm_str name, const struct pm_select *sel,
	struct pm_strings *ret, struct pm_error *err)
{
	return strings((struct querier *)base, &name, sel, ret, err);
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
	q->db = db;
	q->base = (struct pm_querier){ q_select, q_label_names, q_label_values, q_free };
	*ret = &q->base;
	return 0;
}
