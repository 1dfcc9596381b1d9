/* metadata.c - type, help and unit of metrics: records of the catalog, chained from the newest back. Of several records
 * of one metric the newest holds. They change seldom, and live as long as the catalog does. */
#include "libtsdb/head/metadata.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/tsdb.h"

const struct tsdb_metadata_rec *tsdb__metadata_at(const struct tsdb__bytes *catalog, uint32_t at)
{
	return tsdb__rec_at(catalog, (uint64_t)at * 8, TSDB_REC_METADATA, sizeof(struct tsdb_metadata_rec));
}

struct pm_str tsdb__metadata_text(const struct tsdb__bytes *catalog, uint32_t sym)
{
	return sym ? tsdb__symbol(catalog, sym) : PM_STR("");
}

/* ---- maps ---- */

void tsdb__metadata_forget(struct tsdb__metadata_map *m)
{
	pm_free(m->slots);
	*m = (struct tsdb__metadata_map){ 0 };
}

static struct tsdb__metadata_slot *slot_of(const struct tsdb__metadata_map *m, uint32_t metric)
{
	size_t at = metric * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (m->cap - 1);
	while (m->slots[at].metric && m->slots[at].metric != metric)
		at = (at + 1) & (m->cap - 1);
	return &m->slots[at];
}

static int map_grow(struct tsdb__metadata_map *m)
{
	struct tsdb__metadata_map new = { .cap = m->cap ? m->cap * 2 : 64, .count = m->count, .newest = m->newest };
	if (!(new.slots = pm_calloc(new.cap, sizeof *new.slots)))
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].metric)
			*slot_of(&new, m->slots[i].metric) = m->slots[i];
	pm_free(m->slots);
	*m = new;
	return 0;
}

/* Later records have larger offsets. */
static int map_put(struct tsdb__metadata_map *m, uint32_t metric, uint32_t at)
{
	if ((m->count + 1) * 2 > m->cap && map_grow(m) < 0)
		return PM_ERR_NOMEM;
	struct tsdb__metadata_slot *s = slot_of(m, metric);
	m->count += s->metric == 0;
	if (s->metric == 0 || s->at < at)
		*s = (struct tsdb__metadata_slot){ metric, at };
	return 0;
}

int tsdb__metadata_load(
	struct tsdb__metadata_map *m, const struct tsdb__bytes *catalog, uint32_t newest, struct pm_error *err)
{
	uint32_t until = m->newest;
	m->newest = 0; /* a load that fails half-way is begun anew */
	for (uint32_t at = newest, next; at > until; at = next) {
		const struct tsdb_metadata_rec *r = tsdb__metadata_at(catalog, at);
		if (!r || r->metric == 0 || r->previous >= at)
			return tsdb__corrupt(err, "catalog", (uint64_t)at * 8, "no metadata there");
		if (map_put(m, r->metric, at) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		next = r->previous;
	}
	m->newest = newest;
	return 0;
}

/* ---- writing ---- */

/* Is it the text of the symbol, or not said? */
static bool is(const struct tsdb__bytes *catalog, uint32_t sym, struct pm_str s)
{
	return !s.ptr || pm_str_eq(tsdb__metadata_text(catalog, sym), s);
}

static bool says(const struct tsdb__bytes *catalog, const struct tsdb_metadata_rec *r, const struct tsdb_metadata *in)
{
	return is(catalog, r->type, in->type) && is(catalog, r->help, in->help) && is(catalog, r->unit, in->unit);
}

/* What was not said stays. */
static int intern(struct tsdb__write *w, struct pm_str s, uint32_t *sym, struct pm_error *err)
{
	if (s.ptr)
		*sym = 0;
	return s.len ? tsdb__symbol_intern(w, s, sym, err) : 0;
}

static int put_record(
	struct tsdb__write *w, const struct tsdb_metadata *in, struct tsdb_metadata_rec rec, struct pm_error *err)
{
	uint64_t off;
	int rc;
	if ((rc = intern(w, in->type, &rec.type, err)) < 0 || (rc = intern(w, in->help, &rec.help, err)) < 0 ||
		(rc = intern(w, in->unit, &rec.unit, err)) < 0)
		return rc;
	if (w->catalog.bytes.end + sizeof rec > (uint64_t)PM_REF_MAX * 8)
		return pm_fail(err, PM_ERR_LIMIT, "the catalog is full");
	struct tsdb_metadata_rec *r = tsdb__tail_add(&w->catalog, sizeof *r, &off, err);
	if (!r)
		return w->catalog.error;
	*r = rec;
	r->previous = w->rec.metadata;
	tsdb__tail_seal(&w->catalog, &r->rec, off, sizeof *r, TSDB_REC_METADATA);
	w->rec.metadata = (uint32_t)(off / 8);
	return 0;
}

int tsdb__metadata_put(
	struct tsdb__write *w, struct tsdb__metadata_map *m, const struct tsdb_metadata *in, struct pm_error *err)
{
	struct tsdb_metadata_rec rec = { 0 };
	int rc;
	if (in->metric.len == 0)
		return pm_fail(err, PM_ERR_INVALID, "metadata of a metric without a name");
	if ((rc = tsdb__symbol_intern(w, in->metric, &rec.metric, err)) < 0 ||
		(rc = tsdb__metadata_load(m, &w->catalog.bytes, w->rec.metadata, err)) < 0)
		return rc;
	const struct tsdb__metadata_slot *s = m->cap ? slot_of(m, rec.metric) : NULL;
	if (s && s->metric) {
		const struct tsdb_metadata_rec *r = tsdb__metadata_at(&w->catalog.bytes, s->at);
		if (!r)
			return tsdb__corrupt(err, "catalog", (uint64_t)s->at * 8, "no metadata there");
		if (says(&w->catalog.bytes, r, in))
			return 0;
		rec = (struct tsdb_metadata_rec){
			.metric = rec.metric, .type = r->type, .help = r->help, .unit = r->unit
		};
	}
	if ((rc = put_record(w, in, rec, err)) < 0)
		return rc;
	return tsdb__metadata_load(m, &w->catalog.bytes, w->rec.metadata, err);
}
