/* verify_head.c - catalog, ids, layouts and postings: records that are sound one by one must also fit together. */
#include "libtsdb/inspect/verify.h"

enum { LABELS_MAX = 256 };

/* ---- catalog and ids ---- */

static const char *symbol_damage(const struct tsdb__verify *k, uint64_t off)
{
	struct pm_str text = tsdb__symbol(&k->catalog, (uint32_t)(off / 8));
	uint32_t found;
	if (!text.ptr)
		return "a symbol longer than its record";
	if (!k->tables[TSDB_TABLE_SYMBOLS].count)
		return NULL;
	if (!tsdb__symbol_find(&k->catalog, &k->tables[TSDB_TABLE_SYMBOLS], text, &found))
		return "a symbol that its table does not have";
	return found != off / 8 ? "a symbol that is there twice" : NULL;
}

static const char *labels_damage(const struct tsdb__verify *k, const struct tsdb_series_rec *s, struct pm_label *ret)
{
	for (uint32_t i = 0; i < s->rec.small; i++) {
		ret[i] = (struct pm_label){ tsdb__symbol(&k->catalog, s->labels[i].name),
			tsdb__symbol(&k->catalog, s->labels[i].value) };
		if (!ret[i].name.ptr || !ret[i].value.ptr)
			return "a label whose symbol is not there";
		if (i && pm_str_cmp(ret[i - 1].name, ret[i].name) >= 0)
			return "labels out of order";
	}
	return NULL;
}

static const char *series_damage(const struct tsdb__verify *k, uint64_t off, const struct tsdb_rec *rec)
{
	const struct tsdb_series_rec *s = (const void *)rec;
	struct pm_label labels[LABELS_MAX];
	const char *what;
	uint32_t found;
	if (rec->len < sizeof *s || rec->small > LABELS_MAX || rec->small * sizeof s->labels[0] > rec->len - sizeof *s)
		return "a series of an impossible size";
	if ((what = labels_damage(k, s, labels)))
		return what;
	if (k->ids.map && (const uint8_t *)tsdb__series(&k->catalog, &k->ids, s->sid) != k->catalog.map + off)
		return "a series that ids does not point to";
	if (s->home >= k->view.rec.family_count)
		return "a series whose home is not there";
	if (k->ids.map && k->tables[TSDB_TABLE_SERIES].count &&
		(!tsdb__series_find(&k->catalog, &k->ids, &k->tables[TSDB_TABLE_SERIES],
			 (struct pm_labels){ labels, rec->small }, k->view.rec.sid_end, &found) ||
			found != s->sid))
		return "a series that its table does not have";
	return NULL;
}

static const char *metadata_damage(const struct tsdb__verify *k, uint64_t off, const struct tsdb_rec *rec)
{
	const struct tsdb_metadata_rec *m = (const void *)rec;
	if (rec->len < sizeof *m)
		return "metadata of an impossible size";
	if (!tsdb__symbol(&k->catalog, m->metric).ptr || (m->type && !tsdb__symbol(&k->catalog, m->type).ptr) ||
		(m->help && !tsdb__symbol(&k->catalog, m->help).ptr) ||
		(m->unit && !tsdb__symbol(&k->catalog, m->unit).ptr))
		return "metadata whose symbol is not there";
	if ((uint64_t)m->previous * 8 >= off ||
		(m->previous && !tsdb__rec_at(&k->catalog, (uint64_t)m->previous * 8, TSDB_REC_METADATA, sizeof *m)))
		return "metadata whose predecessor is not there";
	return NULL;
}

static int check_catalog(
	struct tsdb__verify *k, const struct tsdb__view_file *f, uint64_t off, const struct tsdb_rec *rec)
{
	const char *what = rec->kind == TSDB_REC_SYMBOL     ? symbol_damage(k, off)
			   : rec->kind == TSDB_REC_SERIES   ? series_damage(k, off, rec)
			   : rec->kind == TSDB_REC_METADATA ? metadata_damage(k, off, rec)
							    : NULL;
	return what ? tsdb__damaged(k, f, off, what) : 0;
}

static int check_ids(struct tsdb__verify *k, const struct tsdb__view_file *f)
{
	uint32_t there = 0;
	int stop = 0;
	for (uint32_t sid = 0; sid < k->view.rec.sid_end && stop == 0; sid++) {
		uint64_t off = sizeof(struct tsdb_file_head) + (uint64_t)sid * sizeof(uint32_t);
		const uint32_t *where = tsdb__bytes_at(&k->ids, off, sizeof *where);
		if (!where)
			return 0; /* the file ends early, which was told */
		if (*where == TSDB_NO_SERIES)
			continue;
		there++;
		if (!tsdb__series(&k->catalog, &k->ids, sid))
			stop = tsdb__damaged(k, f, off, "an id whose series is not there");
	}
	if (stop == 0 && there != k->view.rec.series_count)
		stop = tsdb__damaged(k, f, 0, "ids and the meta page differ in the number of series");
	return stop;
}

int tsdb__verify_catalog(struct tsdb__verify *k)
{
	int stop = tsdb__verify_records(k, &k->view.files[TSDB_VIEW_CATALOG], check_catalog);
	return stop || !k->ids.map ? stop : check_ids(k, &k->view.files[TSDB_VIEW_IDS]);
}

/* ---- layouts ---- */

static const char *family_damage(const struct tsdb__verify *k, const struct tsdb_rec *rec)
{
	const struct tsdb_family *f = (const void *)rec;
	uint32_t found;
	if (rec->len < sizeof *f || f->key_size > rec->len - sizeof *f)
		return "a family of an impossible size";
	if (f->id == 0 || f->id >= k->view.rec.family_count)
		return "a family that the meta page does not know";
	if (k->tables[TSDB_TABLE_FAMILIES].count &&
		(!tsdb__family_find(&k->layouts, &k->tables[TSDB_TABLE_FAMILIES],
			 (struct pm_str){ f->key, f->key_size }, k->view.rec.family_count, &found) ||
			found != f->id))
		return "a family that its table does not have";
	return NULL;
}

static const char *block_damage(const struct tsdb__verify *k, uint64_t off)
{
	struct tsdb__block_view b;
	if (tsdb__block(&k->layouts, off, &b) < 0)
		return "a block of an impossible size";
	for (uint32_t i = 0; i < b.series_count; i++)
		if (b.sids[i] >= k->view.rec.sid_end || (i && b.sids[i - 1] >= b.sids[i]) ||
			b.positions[i] >= b.series_count)
			return "a block whose series are out of order";
	return NULL;
}

static const char *version_damage(const struct tsdb__verify *k, uint64_t off)
{
	const struct tsdb_version *v = tsdb__version(&k->layouts, off);
	uint32_t entries = 0, series = 0;
	if (!v)
		return "a version of an impossible size";
	for (uint32_t i = 0; i < v->block_count; i++) {
		struct tsdb__block_view b;
		if (v->blocks[i].off >= off || tsdb__block(&k->layouts, v->blocks[i].off, &b) < 0)
			return "a version whose block is not there";
		if (v->blocks[i].entry_base != entries || v->blocks[i].series_base != series)
			return "a version whose blocks do not follow one another";
		entries += b.entry_count;
		series += b.series_count;
	}
	if (entries != v->entry_count || series != v->series_count)
		return "a version whose blocks do not add up";
	if (v->previous && (v->previous >= off || !tsdb__version(&k->layouts, v->previous)))
		return "a version whose predecessor is not there";
	return v->family >= k->view.rec.family_count ? "a version of an unknown family" : NULL;
}

static int check_layouts(
	struct tsdb__verify *k, const struct tsdb__view_file *f, uint64_t off, const struct tsdb_rec *rec)
{
	const char *what = rec->kind == TSDB_REC_FAMILY    ? family_damage(k, rec)
			   : rec->kind == TSDB_REC_BLOCK   ? block_damage(k, off)
			   : rec->kind == TSDB_REC_VERSION ? version_damage(k, off)
							   : NULL;
	return what ? tsdb__damaged(k, f, off, what) : 0;
}

int tsdb__verify_layouts(struct tsdb__verify *k)
{
	return tsdb__verify_records(k, &k->view.files[TSDB_VIEW_LAYOUTS], check_layouts);
}

/* ---- postings ---- */

static bool has_pair(const struct tsdb__verify *k, uint32_t sid, uint32_t name, uint32_t value)
{
	const struct tsdb_series_rec *s = tsdb__series(&k->catalog, &k->ids, sid);
	for (uint32_t i = 0; s && i < s->rec.small; i++)
		if (s->labels[i].name == name)
			return s->labels[i].value == value;
	return false;
}

static const char *pair_damage(const struct tsdb__verify *k, const struct tsdb_run *run, const struct tsdb_run_pair *p)
{
	uint32_t count;
	const uint32_t *sids = tsdb__run_sids(run, p, &count);
	if (count != p->count)
		return "a list of series outside of its run";
	for (uint32_t i = 0; i < count; i++)
		if (sids[i] < run->sid_from || sids[i] >= run->sid_to || (i && sids[i - 1] >= sids[i]))
			return "a list of series out of order";
		else if (k->catalog.map && k->ids.map && !has_pair(k, sids[i], p->name, p->value))
			return "a list with a series that lacks the label";
	return NULL;
}

/* Lists hold only series that belong there, so that the right number of them means that none is missing. */
static const char *run_damage(const struct tsdb__verify *k, uint64_t off)
{
	const struct tsdb_run *run = tsdb__run(&k->postings, off);
	uint64_t labels = 0, listed = 0;
	const char *what;
	if (!run || run->sid_from > run->sid_to || run->sid_to > k->view.rec.sid_end)
		return "a run of an impossible size";
	for (uint32_t i = 0; i < run->pair_count; i++) {
		const struct tsdb_run_pair *p = &run->pairs[i];
		if (i && (p[-1].name > p->name || (p[-1].name == p->name && p[-1].value >= p->value)))
			return "a run whose pairs are out of order";
		if ((what = pair_damage(k, run, p)))
			return what;
		listed += p->count;
	}
	for (uint32_t sid = run->sid_from; sid < run->sid_to; sid++) {
		const struct tsdb_series_rec *s = tsdb__series(&k->catalog, &k->ids, sid);
		labels += s ? s->rec.small : 0;
	}
	return k->catalog.map && k->ids.map && labels != listed ? "a run that lacks series" : NULL;
}

static const char *runs_damage(const struct tsdb__verify *k, uint64_t off)
{
	const struct tsdb_runs *runs = tsdb__runs(&k->postings, off);
	uint32_t covered = 0;
	if (!runs)
		return "a list of runs of an impossible size";
	for (uint32_t i = 0; i < runs->run_count; i++) {
		const struct tsdb_run *run = runs->off[i] < off ? tsdb__run(&k->postings, runs->off[i]) : NULL;
		if (!run || run->sid_from != covered)
			return "a list of runs with a gap";
		covered = run->sid_to;
	}
	return off == k->view.rec.runs_off && covered != k->view.rec.runs_sid_end
		       ? "the live list of runs covers other series than the meta page says"
		       : NULL;
}

static int check_postings(
	struct tsdb__verify *k, const struct tsdb__view_file *f, uint64_t off, const struct tsdb_rec *rec)
{
	const char *what = rec->kind == TSDB_REC_RUN    ? run_damage(k, off)
			   : rec->kind == TSDB_REC_RUNS ? runs_damage(k, off)
							: NULL;
	return what ? tsdb__damaged(k, f, off, what) : 0;
}

int tsdb__verify_postings(struct tsdb__verify *k)
{
	const struct tsdb__view_file *f = &k->view.files[TSDB_VIEW_POSTINGS];
	int stop = tsdb__verify_records(k, f, check_postings);
	if (stop == 0 && k->view.rec.runs_off && !tsdb__runs(&k->postings, k->view.rec.runs_off))
		stop = tsdb__damaged(k, f, k->view.rec.runs_off, "no list of runs where the meta page says");
	return stop;
}
