/* metadata.c - what is said of metrics, listed. */
#include "libtsdb/db/db.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/head/metadata.h"

#include <stdlib.h>

void tsdb_metadata_free(struct tsdb_metadata_list *l)
{
	tsdb__snap_unref(l->owner);
	pm_free(l->v);
	*l = (struct tsdb_metadata_list){ 0 };
}

static int by_metric(const void *a, const void *b)
{
	return pm_str_cmp(((const struct tsdb_metadata *)a)->metric, ((const struct tsdb_metadata *)b)->metric);
}

static int fill(const struct tsdb__snap *snap, const struct tsdb__metadata_map *m, struct pm_str metric,
	struct tsdb_metadata_list *l, struct pm_error *err)
{
	const struct tsdb__bytes *catalog = &snap->catalog;
	for (size_t i = 0; i < m->cap; i++) {
		if (!m->slots[i].metric)
			continue;
		const struct tsdb_metadata_rec *r = tsdb__metadata_at(catalog, m->slots[i].at);
		struct tsdb_metadata out = { .metric = tsdb__symbol(catalog, m->slots[i].metric) };
		if (!r || !out.metric.ptr)
			return tsdb__corrupt(err, "catalog", (uint64_t)m->slots[i].at * 8, "no metadata there");
		if (metric.len && !pm_str_eq(out.metric, metric))
			continue;
		out.type = tsdb__metadata_text(catalog, r->type);
		out.help = tsdb__metadata_text(catalog, r->help);
		out.unit = tsdb__metadata_text(catalog, r->unit);
		l->v[l->count++] = out;
	}
	return 0;
}

int tsdb_metadata(
	struct tsdb *db, struct pm_str metric, size_t limit, struct tsdb_metadata_list *ret, struct pm_error *err)
{
	struct tsdb__metadata_map map = { 0 };
	struct tsdb_metadata_list l = { 0 };
	struct tsdb__snap *snap;
	int rc = tsdb__snap_get(db, &snap, err);
	if (rc < 0)
		return rc;
	l.owner = snap;
	if ((rc = tsdb__metadata_load(&map, &snap->catalog, snap->rec.metadata, err)) < 0)
		goto done;
	if (!(l.v = pm_malloc((map.count + 1) * sizeof *l.v)))
		rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
	else
		rc = fill(snap, &map, metric, &l, err);
	if (rc == 0 && l.count)
		qsort(l.v, l.count, sizeof *l.v, by_metric);
	if (limit && l.count > limit)
		l.count = limit;
done:
	tsdb__metadata_forget(&map);
	if (rc < 0)
		tsdb_metadata_free(&l);
	else
		*ret = l;
	return rc;
}
