/* renew.c - a new head in the place of one whose series are mostly gone.
 *
 * Catalog, layouts and postings only grow: where pods come and go they fill with series that nobody scrapes any more.
 * When these are half of all, what was appended since the sealing is sealed too, and the targets that still send, with
 * the series that they still have, begin a head of the next generation. Writers wait meanwhile; it is seldom.
 *
 * Ids begin anew: one is good for a generation, which writers compare when they have the lock. */
#include "libtsdb/db/long.h"
#include "libtsdb/head/exemplars.h"
#include "libtsdb/head/metadata.h"
#include "libtsdb/head/walk.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"

enum { DEAD_MIN = 1024, LAYOUT_MS = 2 * 3600 * 1000 };

struct renewal {
	struct tsdb__long *work;
	const struct tsdb__snap *old;
	int64_t horizon_ms; /* targets whose last row is older are gone */
	uint64_t *live;     /* a bit per series id */
	uint64_t live_count;
	struct tsdb__write new;
	struct tsdb_meta_page meta; /* where the new head reserves ids until it is published */
	uint32_t *sids;             /* by old id: new id + 1; 0: not there */
	struct pm_layout_entry *entries;
	size_t entry_cap;
	double *values;
	size_t value_cap;
	int64_t *times;
	size_t time_cap;
	struct pm_label *labels;
	size_t label_cap;
};

/* ---- families ---- */

typedef int family_fn(struct renewal *k, const struct tsdb_family *f, const struct tsdb_row *row, struct pm_error *err);

/* Each family whose last row is young enough. */
static int each_family(struct renewal *k, family_fn *fn, struct pm_error *err)
{
	const struct tsdb_rec *rec;
	struct tsdb__walk walk;
	const char *what;
	int rc;
	tsdb__walk_begin(&walk, k->old->layouts.map, k->old->layouts.end, TSDB_FILE_LAYOUTS, k->old->rec.generation, 0);
	while ((rc = tsdb__walk_next(&walk, &rec, &what)) > 0) {
		const struct tsdb_family *f = (const void *)rec;
		if (rec->kind != TSDB_REC_FAMILY)
			continue;
		if (rec->len < sizeof *f || f->key_size > rec->len - sizeof *f)
			return tsdb__corrupt(err, "layouts", walk.at, "not a family");
		uint64_t pos = tsdb__snap_last(k->old, f->id);
		const struct tsdb_row *row = pos ? tsdb__row_at(k->old->head, pos, k->old->rec.log_end) : NULL;
		if (!row || row->rec.kind != TSDB_REC_ROW || row->max_ms < k->horizon_ms)
			continue;
		if (!tsdb__row_sound(k->old->head, row, pos))
			return tsdb__corrupt(err, "log", pos, "checksum");
		if ((rc = fn(k, f, row, err)) < 0)
			return rc;
	}
	return rc < 0 ? tsdb__corrupt(err, "layouts", walk.at, what) : 0;
}

/* Entries of the row's layout, without series that the row does not have; their values and times (NULL: none of their
 * own). `text`: with what the parser remembers. */
struct kept {
	size_t entries, series;
	bool text, timed;
};

static int keep_entry(struct renewal *k, const struct pm_layout_entry *e, const struct tsdb_row *row,
	const struct tsdb__row_view *v, uint32_t position, struct kept *to)
{
	int64_t at = e->ref < PM_REF_MAX && position < row->width ? tsdb__row_index(v, position) : -1;
	if (e->ref < PM_REF_MAX && (at < 0 || pm_is_stale(v->values[at])))
		return 0;
	if (pm_grow(&k->entries, &k->entry_cap, to->entries + 1) < 0 ||
		pm_grow(&k->values, &k->value_cap, to->series + 1) < 0 ||
		pm_grow(&k->times, &k->time_cap, to->series + 1) < 0)
		return PM_ERR_NOMEM;
	k->entries[to->entries++] = *e;
	if (e->ref >= PM_REF_MAX)
		return 0;
	k->values[to->series] = v->values[at];
	k->times[to->series++] = v->times ? v->times[at] : row->t_ms;
	return 0;
}

static int keep_entries(struct renewal *k, const struct tsdb_row *row, struct kept *to, struct pm_error *err)
{
	const struct tsdb_version *version = tsdb__version(&k->old->layouts, row->version);
	struct tsdb__row_view view = tsdb__row_view(row);
	uint32_t position = 0;
	int rc = 0;
	*to = (struct kept){ .timed = view.times };
	if (!version)
		return tsdb__corrupt(err, "layouts", row->version, "no version there");
	for (uint32_t b = 0; b < version->block_count && rc == 0; b++) {
		struct tsdb__block_view block;
		if (tsdb__block(&k->old->layouts, version->blocks[b].off, &block) < 0)
			return tsdb__corrupt(err, "layouts", version->blocks[b].off, "no block there");
		to->text |= block.entries != NULL;
		for (uint32_t i = 0; i < block.entry_count && rc == 0; i++) {
			struct pm_layout_entry plain = { .ref = block.entries ? 0 : block.entry_sids[i] };
			const struct pm_layout_entry *e = block.entries ? &block.entries[i] : &plain;
			rc = keep_entry(k, e, row, &view, position, to);
			position += e->ref < PM_REF_MAX;
		}
	}
	return rc < 0 ? pm_fail(err, rc, "out of memory") : 0;
}

static int mark_live(struct renewal *k, const struct tsdb_family *f, const struct tsdb_row *row, struct pm_error *err)
{
	struct kept kept;
	int rc = keep_entries(k, row, &kept, err);
	for (size_t i = 0; rc == 0 && i < kept.entries; i++) {
		uint32_t sid = k->entries[i].ref;
		if (sid >= k->old->rec.sid_end || k->live[sid / 64] >> sid % 64 & 1)
			continue;
		k->live[sid / 64] |= UINT64_C(1) << sid % 64;
		k->live_count++;
	}
	return rc;
}

/* ---- into the new head ---- */

static int labels_of(struct renewal *k, uint32_t sid, struct pm_labels *ret, struct pm_error *err)
{
	const struct tsdb_series_rec *rec = tsdb__series(&k->old->catalog, &k->old->ids, sid);
	if (!rec)
		return tsdb__corrupt(err, "ids", sid, "no series there");
	if (pm_grow(&k->labels, &k->label_cap, rec->rec.small + 1u) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (uint32_t i = 0; i < rec->rec.small; i++)
		k->labels[i] = (struct pm_label){ tsdb__symbol(&k->old->catalog, rec->labels[i].name),
			tsdb__symbol(&k->old->catalog, rec->labels[i].value) };
	*ret = (struct pm_labels){ k->labels, rec->rec.small };
	return 0;
}

static int new_sid(struct renewal *k, uint32_t sid, uint32_t home, uint32_t *ret, struct pm_error *err)
{
	struct pm_labels labels;
	bool is_new;
	int rc;
	if (k->sids[sid]) {
		*ret = k->sids[sid] - 1;
		return 0;
	}
	if ((rc = labels_of(k, sid, &labels, err)) == 0 &&
		(rc = tsdb__series_intern(&k->new, labels, home, ret, &is_new, err)) == 0)
		k->sids[sid] = *ret + 1;
	return rc;
}

static int move_family(struct renewal *k, const struct tsdb_family *f, const struct tsdb_row *row, struct pm_error *err)
{
	struct tsdb__row_in in = { .t_ms = row->t_ms, .carried = true };
	struct kept kept;
	int rc = keep_entries(k, row, &kept, err);
	if (rc == 0)
		rc = tsdb__family_intern(&k->new, (struct pm_str){ f->key, f->key_size }, &in.family, err);
	for (size_t i = 0; rc == 0 && i < kept.entries; i++)
		if (k->entries[i].ref < PM_REF_MAX)
			rc = new_sid(k, k->entries[i].ref, in.family, &k->entries[i].ref, err);
	if (rc == 0)
		rc = tsdb__version_add(&k->new, in.family, 0, k->entries, kept.entries, kept.text, &in.version, err);
	in.width = in.present = (uint32_t)kept.series;
	in.values = k->values;
	in.times = kept.timed ? k->times : NULL;
	return rc < 0 ? rc : tsdb__row_add(&k->new, &in, err);
}

static int move_metadata(struct renewal *k, struct pm_error *err)
{
	struct tsdb__metadata_map from = { 0 }, to = { 0 };
	const struct tsdb__bytes *catalog = &k->old->catalog;
	int rc = tsdb__metadata_load(&from, catalog, k->old->rec.metadata, err);
	for (size_t i = 0; i < from.cap && rc == 0; i++) {
		const struct tsdb_metadata_rec *m;
		if (!from.slots[i].metric || !(m = tsdb__metadata_at(catalog, from.slots[i].at)))
			continue;
		struct tsdb_metadata said = { tsdb__metadata_text(catalog, m->metric),
			tsdb__metadata_text(catalog, m->type), tsdb__metadata_text(catalog, m->help),
			tsdb__metadata_text(catalog, m->unit) };
		rc = tsdb__metadata_put(&k->new, &to, &said, err);
	}
	tsdb__metadata_forget(&from);
	tsdb__metadata_forget(&to);
	return rc;
}

static int move_exemplars_of(struct renewal *k, const struct tsdb_row *row, uint64_t pos,
	struct tsdb__exemplars_out *out, struct pm_error *err)
{
	struct tsdb__exemplar_view v;
	size_t off = 0;
	uint32_t sid;
	int rc;
	for (uint32_t i = 0; i < row->width; i++) {
		if (!tsdb__exemplars_read(row, &off, &v) || v.e->sid >= k->old->rec.sid_end)
			return tsdb__corrupt(err, "log", pos, "exemplars that are none");
		if ((rc = new_sid(k, v.e->sid, 0, &sid, err)) < 0)
			return rc;
		if (tsdb__exemplars_put(out, sid, v.e->t_ms, v.e->v, v.labels) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	return 0;
}

static int move_exemplars(struct renewal *k, struct pm_error *err)
{
	const struct tsdb__snap *old = k->old;
	struct tsdb__exemplars_out out = { 0 };
	struct tsdb__exemplars_walk walk;
	uint32_t family;
	int rc;
	if (!tsdb__family_find(&old->layouts, old->tables[TSDB_TABLE_FAMILIES], tsdb__exemplars_key(),
		    old->rec.family_count, &family))
		return 0;
	rc = tsdb__exemplars_walk(old->head, tsdb__snap_last(old, family), tsdb__exemplars_sealed(&old->rec),
		old->rec.log_end, tsdb__exemplar_max(&k->work->db->write), &walk, err);
	for (size_t i = walk.count; rc == 0 && i-- > 0;) {
		if ((rc = move_exemplars_of(k, walk.rows[i], walk.positions[i], &out, err)) == 0)
			rc = tsdb__exemplars_flush(&k->new, &out, false, err);
	}
	pm_buf_release(&out.buf);
	tsdb__exemplars_release(&walk);
	return rc;
}

/* ---- all of it ---- */

/* The new head's files, as the record in k->new says in the end. */
static int build(struct renewal *k, struct pm_error *err)
{
	struct tsdb *db = k->work->db;
	const struct tsdb_record *was = &k->old->rec;
	struct tsdb_record rec;
	int rc = tsdb__head_create(db->dirfd, was->generation + 1, &rec, err);
	if (rc < 0)
		return rc;
	rec.txn_count = was->txn_count;
	rec.era = was->era;
	rec.sealed_ms = was->sealed_ms;
	if ((rc = tsdb__head_open(db->dirfd, rec.generation, true, &k->new.head, err)) < 0)
		return rc;
	struct tsdb__snap *empty; /* brings the head's own view of its log up to date */
	if ((rc = tsdb__snap_new(k->new.head, &rec, &empty, err)) < 0)
		return rc;
	tsdb__snap_unref(empty);
	if (!(k->sids = pm_calloc(was->sid_end + 1u, sizeof *k->sids)))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if ((rc = tsdb__write_begin(&k->new, &rec, err)) < 0 || (rc = each_family(k, move_family, err)) < 0 ||
		(rc = move_metadata(k, err)) < 0 || (rc = move_exemplars(k, err)) < 0 ||
		(rc = tsdb__postings_update(&k->new, err)) < 0)
		return rc;
	return tsdb__write_flush(&k->new, err);
}

/* With the writers' lock: seal the rest, build, publish. */
static int replace(struct renewal *k, struct pm_error *err)
{
	struct tsdb *db = k->work->db;
	struct tsdb__manifest *m;
	int rc = tsdb__manifest_copy(tsdb__manifest_of(k->old), &m);
	if (rc < 0)
		return pm_fail(err, rc, "out of memory");
	if ((rc = tsdb__seal_all(k->work, k->old, m, err)) == 0 && (rc = build(k, err)) == 0 &&
		(rc = pm_fs_sync_dir(db->dirfd, err)) == 0)
		rc = tsdb__manifest_write(db->dirfd, m, err);
	if (rc == 0) {
		k->new.rec.manifest = m->number;
		tsdb__meta_publish(db->meta, &k->new.rec);
		__atomic_store_n(&db->meta->next_sid, k->new.rec.sid_end, __ATOMIC_RELEASE);
	}
	tsdb__manifest_unref(m);
	return rc;
}

static void renewal_release(struct renewal *k)
{
	tsdb__write_release(&k->new);
	tsdb__head_unref(k->new.head);
	pm_free(k->live);
	pm_free(k->sids);
	pm_free(k->entries);
	pm_free(k->values);
	pm_free(k->times);
	pm_free(k->labels);
}

static int worth(struct renewal *k, bool *ret, struct pm_error *err)
{
	uint64_t dead_min = k->work->opts->force ? 1 : DEAD_MIN, series = k->old->rec.series_count;
	int rc;
	*ret = false;
	if (series < dead_min)
		return 0;
	if (!(k->live = pm_calloc(k->old->rec.sid_end / 64 + 1, sizeof *k->live)))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if ((rc = each_family(k, mark_live, err)) == 0)
		*ret = series - k->live_count >= dead_min && series - k->live_count >= k->live_count;
	return rc;
}

int tsdb__renew(struct tsdb__long *w, struct pm_error *err)
{
	struct renewal k = { .work = w, .old = w->snap };
	struct tsdb_record published;
	struct tsdb__snap *before = w->snap;
	bool is_worth;
	int rc;
	k.new.log_fd = -1;
	k.new.meta = &k.meta;
	if (__builtin_sub_overflow(
		    tsdb__long_newest(w), w->opts->layout_ms ? w->opts->layout_ms : LAYOUT_MS, &k.horizon_ms))
		k.horizon_ms = PM_TIME_MIN;
	if ((rc = worth(&k, &is_worth, err)) < 0 || !is_worth)
		goto done;
	if ((rc = tsdb__writer_lock(w->db, &published, err)) < 0)
		goto done;
	if ((rc = tsdb__snap_get(w->db, &w->snap, err)) == 0) {
		tsdb__snap_unref(before);
		before = w->snap;
		k.old = w->snap;
		rc = replace(&k, err);
	}
	tsdb__writer_abort(w->db, &published);
	if (rc == 0)
		rc = tsdb__long_follow(w, before, err);
done:
	renewal_release(&k);
	return rc;
}
