/* page.c - struct pm_appender over the store: the pages of targets as rows of layouts.
 *
 *   warm page   the layout is the one of the last row: a copy, 8 bytes a sample
 *   cold page   every entry gets its series; then
 *                 no series is new: a row of the layout as it is, with a bitmap of what is absent
 *                 otherwise: a new version (unchanged blocks are shared), and for the series that went
 *                 a row of stale markers in the old one before
 */
#include "libtsdb/db/page.h"

#include "libtsdb/base/hist.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/quota.h"

struct appender {
	struct pm_appender base;
	struct tsdb *db;
};

struct layout {
	struct pm_layout base;
	struct tsdb__snap *snap;
	uint64_t version;
};

/* ---- the parser's memory ---- */

static int fill_blocks(struct layout *l, const struct tsdb_version *v, struct pm_layout_block *blocks)
{
	struct tsdb__block_view b;
	for (uint32_t i = 0; i < v->block_count; i++) {
		if (tsdb__block(&l->snap->layouts, v->blocks[i].off, &b) < 0 || (b.entry_count && !b.entries))
			return PM_ERR_CORRUPT;
		blocks[i] = (struct pm_layout_block){ b.entries, b.entry_count };
	}
	l->base = (struct pm_layout){ blocks, v->block_count, v->entry_count, v->series_count };
	return 0;
}

static int make_layout(struct tsdb__snap *snap, uint64_t pos, struct layout **ret, struct pm_error *err)
{
	const struct tsdb_row *row = tsdb__row_at(snap->head, pos, snap->rec.log_end);
	const struct tsdb_version *v = row ? tsdb__version(&snap->layouts, row->version) : NULL;
	if (!v)
		return tsdb__corrupt(err, "log", pos, "no row with a layout there");
	struct layout *l = pm_calloc(1, sizeof *l + v->block_count * sizeof l->base.blocks[0]);
	if (!l)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	l->snap = snap;
	l->version = row->version;
	if (fill_blocks(l, v, (struct pm_layout_block *)(l + 1)) < 0) {
		pm_free(l);
		return tsdb__corrupt(err, "layouts", row->version, "a layout without text");
	}
	*ret = l;
	return 0;
}

static int app_layout(struct pm_appender *base, struct pm_str key, const struct pm_layout **ret, struct pm_error *err)
{
	struct appender *a = (struct appender *)base;
	struct layout *l = NULL;
	struct tsdb__snap *snap;
	uint32_t family;
	uint64_t pos = 0;
	int rc = tsdb__snap_get(a->db, &snap, err);
	if (rc < 0)
		return rc;
	if (tsdb__family_find(&snap->layouts, snap->tables[TSDB_TABLE_FAMILIES], key, snap->rec.family_count, &family))
		pos = tsdb__snap_last(snap, family);
	if (pos)
		rc = make_layout(snap, pos, &l, err);
	if (!l)
		tsdb__snap_unref(snap);
	if (rc == 0)
		*ret = l ? &l->base : NULL;
	return rc;
}

static void app_layout_free(struct pm_appender *base, const struct pm_layout *base_l)
{
	struct layout *l = (struct layout *)(uintptr_t)base_l;
	(void)base;
	if (!l)
		return;
	tsdb__snap_unref(l->snap);
	pm_free(l);
}

/* ---- a page in work ---- */

static size_t *work_slot(struct tsdb__work *k, uint32_t sid, size_t *at)
{
	*at = sid * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (k->set_cap - 1);
	while (k->set_entries[*at] && k->set_keys[*at] != sid)
		*at = (*at + 1) & (k->set_cap - 1);
	return at;
}

/* The page's entry of a series, or NULL. */
static const struct pm_page_entry *page_entry(struct tsdb__work *k, uint32_t sid)
{
	size_t at;
	work_slot(k, sid, &at);
	return k->set_entries[at] ? &k->page->entries[k->set_entries[at] - 1] : NULL;
}

static int resolve_one(struct tsdb__work *k, size_t i, struct pm_error *err)
{
	const struct pm_page_entry *e = &k->page->entries[i];
	uint32_t sid = e->e.ref;
	size_t at;
	bool is_new;
	int rc = e->h ? pm_histogram_check(e->h, err) : 0;
	k->entries[i] = e->e;
	if (rc < 0)
		return rc;
	if (pm_ref_is_comment(sid))
		k->new_comments += e->e.text_hash;
	if (pm_ref_is_comment(sid) || sid == PM_REF_DROPPED || sid == PM_REF_DOUBLE)
		return 0;
	if (sid == PM_REF_NEW)
		rc = tsdb__series_intern(k->w, e->labels, k->family, &sid, &is_new, err);
	else if (sid >= k->w->rec.sid_end)
		rc = pm_fail(err, PM_ERR_INVALID, "a page names a series that does not exist");
	if (rc < 0 && sid == PM_REF_NEW && tsdb__quota_refused(k->w->quota)) {
		k->stats.series_refused++;
		return 0; /* it stays PM_REF_NEW: left out */
	}
	if (rc < 0)
		return rc;
	work_slot(k, sid, &at);
	if (k->set_entries[at]) {
		k->entries[i].ref = PM_REF_DOUBLE;
		return tsdb__page_double(k, sid, i, k->set_entries[at] - 1, err);
	}
	k->set_keys[at] = sid;
	k->set_entries[at] = (uint32_t)i + 1;
	k->entries[i].ref = sid;
	k->series_count++;
	return 0;
}

static int resolve(struct tsdb__work *k, struct pm_error *err)
{
	size_t n = k->page->entry_count;
	int rc = 0;
	for (k->set_cap = 16; k->set_cap < n * 2;)
		k->set_cap *= 2;
	k->entries = pm_arena_array(&k->arena, n + 1, sizeof *k->entries);
	k->set_keys = pm_arena_array(&k->arena, k->set_cap, sizeof *k->set_keys);
	k->set_entries = pm_arena_zalloc(&k->arena, k->set_cap * sizeof *k->set_entries);
	if (!k->entries || !k->set_keys || !k->set_entries)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = resolve_one(k, i, err);
	return rc;
}

/* Lay the old version out flat. Its blocks may move when the layouts file is written, its entries may not be kept
 * longer. */
static int flatten(struct tsdb__work *k, struct pm_error *err)
{
	uint32_t at = 0;
	k->old_sids = pm_arena_array(&k->arena, k->old->series_count + 1u, sizeof *k->old_sids);
	k->old_entries = pm_arena_array(&k->arena, k->old->series_count + 1u, sizeof *k->old_entries);
	if (!k->old_sids || !k->old_entries)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (uint32_t i = 0; i < k->old->block_count; i++) {
		struct tsdb__block_view b;
		if (tsdb__block(&k->w->layouts.bytes, k->old->blocks[i].off, &b) < 0 || (b.entry_count && !b.entries) ||
			b.series_count > k->old->series_count - at)
			return tsdb__corrupt(err, "layouts", k->old->blocks[i].off, "no block there");
		for (uint32_t e = 0; e < b.entry_count; e++) {
			if (pm_ref_is_comment(b.entries[e].ref))
				k->old_comments += b.entries[e].text_hash;
			if (b.entries[e].ref >= PM_REF_MAX)
				continue;
			k->old_entries[at] = &b.entries[e];
			k->old_sids[at++] = b.entries[e].ref;
		}
	}
	return at == k->old->series_count
		       ? 0
		       : tsdb__corrupt(err, "layouts", k->old_off, "series of its blocks don't add up");
}

static int find_last(struct tsdb__work *k, struct pm_str key, bool make, struct pm_error *err)
{
	struct tsdb__write *w = k->w;
	if (make) {
		int rc = tsdb__family_intern(w, key, &k->family, err);
		if (rc < 0)
			return rc;
	} else if (!tsdb__family_find(
			   &w->layouts.bytes, w->tables[TSDB_TABLE_FAMILIES], key, w->rec.family_count, &k->family)) {
		return PM_ERR_STALE;
	}
	struct tsdb__last last = tsdb__write_last(w, k->family);
	if (!last.pos)
		return make ? 0 : PM_ERR_STALE;
	k->last = tsdb__row_at(w->head, last.pos, w->rec.log_end);
	k->old = tsdb__version(&w->layouts.bytes, last.version);
	if (!k->last || !k->old || k->last->width != k->old->series_count ||
		!tsdb__row_sound(w->head, k->last, last.pos))
		return tsdb__corrupt(err, "log", last.pos, "no row of this layout there");
	k->old_off = last.version;
	k->last_view = tsdb__row_view(k->last);
	return 0;
}

/* Was the series at this position there, and not stale, in the last row? `*ret_explicit`: with a time of its own. (What
 * stands for a histogram is a small integer and no stale marker.) */
static bool was_there(const struct tsdb__work *k, uint32_t position, bool *ret_explicit)
{
	int64_t i = tsdb__row_index(&k->last_view, position);
	*ret_explicit = i >= 0 && k->last_view.times && k->last_view.times[i] != k->last->t_ms;
	return i >= 0 && !pm_is_stale(k->last_view.values[i]);
}

/* How many series the last row had, not stale. */
static uint32_t count_there(const struct tsdb__work *k)
{
	uint32_t there = 0;
	for (uint32_t i = 0; i < k->last->present; i++)
		there += !pm_is_stale(k->last_view.values[i]);
	return there;
}

/* ---- warm ---- */

static int append_warm(struct tsdb__work *k, const struct layout *l, struct pm_error *err)
{
	if (!l || k->old_off != l->version)
		return pm_fail(err, PM_ERR_STALE, "the layout changed meanwhile");
	uint32_t width = k->old->series_count;
	k->stats.samples = width;
	k->stats.series_new = width - count_there(k);
	struct tsdb__row_in row = { .family = k->family,
		.version = k->old_off,
		.width = width,
		.present = width,
		.t_ms = k->page->t_ms,
		.values = k->page->values };
	return tsdb__row_add(k->w, &row, err);
}

/* ---- cold ---- */

/* A row under construction, by position. */
struct row {
	uint64_t *bitmap;
	int64_t *times, *starts;
	double *values;
	const struct pm_histogram **hists;
	uint32_t present, width;
	bool timed, started, has_hists;
};

static int row_new(struct tsdb__work *k, uint32_t width, struct row *r, struct pm_error *err)
{
	*r = (struct row){ .width = width };
	r->bitmap = pm_arena_zalloc(&k->arena, ((size_t)width / 64 + 1) * 8);
	r->times = pm_arena_array(&k->arena, width + (size_t)1, sizeof *r->times);
	r->starts = pm_arena_array(&k->arena, width + (size_t)1, sizeof *r->starts);
	r->values = pm_arena_array(&k->arena, width + (size_t)1, sizeof *r->values);
	r->hists = pm_arena_array(&k->arena, width + (size_t)1, sizeof *r->hists);
	return r->bitmap && r->times && r->starts && r->values && r->hists
		       ? 0
		       : pm_fail(err, PM_ERR_NOMEM, "out of memory");
}

/* Positions are put in ascending order. A stale histogram is a stale float. */
static void row_put(struct tsdb__work *k, struct row *r, uint32_t position, const struct pm_page_entry *e)
{
	bool stale = e->h && pm_is_stale(e->h->sum);
	r->bitmap[position / 64] |= UINT64_C(1) << (position % 64);
	r->timed |= tsdb__entry_time(k, e) != k->page->t_ms;
	r->started |= e->st_ms != 0;
	r->has_hists |= e->h && !stale;
	r->times[r->present] = tsdb__entry_time(k, e);
	r->starts[r->present] = e->st_ms;
	r->hists[r->present] = stale ? NULL : e->h;
	r->values[r->present++] = stale ? pm_stale_nan() : e->v;
}

static void row_put_stale(struct tsdb__work *k, struct row *r, uint32_t position)
{
	struct pm_page_entry e = { .v = pm_stale_nan(), .t_ms = PM_NO_TIME };
	row_put(k, r, position, &e);
}

static int row_write(struct tsdb__work *k, const struct row *r, uint64_t version, struct pm_error *err)
{
	struct tsdb__row_in in = { .family = k->family,
		.version = version,
		.width = r->width,
		.present = r->present,
		.t_ms = k->page->t_ms,
		.bitmap = r->present < r->width ? r->bitmap : NULL,
		.times = r->timed ? r->times : NULL,
		.starts = r->started ? r->starts : NULL,
		.values = r->values,
		.hists = r->has_hists ? r->hists : NULL };
	return tsdb__row_add(k->w, &in, err);
}

static bool goes_stale(struct tsdb__work *k, uint32_t position)
{
	bool explicit;
	return was_there(k, position, &explicit) && (!explicit || k->page->honor_staleness_of_timestamps);
}

/* A row of the layout as it is. */
static int append_kept(struct tsdb__work *k, struct pm_error *err)
{
	struct row r;
	int rc = row_new(k, k->old->series_count, &r, err);
	for (uint32_t i = 0; rc == 0 && i < r.width; i++) {
		const struct pm_page_entry *e = page_entry(k, k->old_sids[i]);
		if (e) {
			row_put(k, &r, i, e);
		} else if (goes_stale(k, i)) {
			row_put_stale(k, &r, i);
			k->stats.stale++;
		}
	}
	return rc < 0 ? rc : row_write(k, &r, k->old_off, err);
}

/* Stale markers, in the old layout, of series that the new one will not have. */
static int append_gone(struct tsdb__work *k, struct pm_error *err)
{
	struct row r;
	int rc = row_new(k, k->old->series_count, &r, err);
	for (uint32_t i = 0; rc == 0 && i < r.width; i++)
		if (!page_entry(k, k->old_sids[i]) && goes_stale(k, i))
			row_put_stale(k, &r, i);
	k->stats.stale += r.present;
	return rc < 0 || r.present == 0 ? rc : row_write(k, &r, k->old_off, err);
}

/* The lines of the new layout: not those that a quota keeps out, so that they are tried again next time. */
static int list_entries(struct tsdb__work *k, struct pm_layout_entry **ret, size_t *ret_count, struct pm_error *err)
{
	size_t n = 0;
	*ret = k->entries;
	*ret_count = k->page->entry_count;
	if (k->stats.series_refused == 0)
		return 0;
	if (!(*ret = pm_arena_array(&k->arena, k->page->entry_count, sizeof **ret)))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < k->page->entry_count; i++)
		if (k->entries[i].ref != PM_REF_NEW)
			(*ret)[n++] = k->entries[i];
	*ret_count = n;
	return 0;
}

static int append_new_version(struct tsdb__work *k, struct pm_error *err)
{
	struct row r;
	struct pm_layout_entry *list;
	uint64_t version;
	uint32_t position = 0;
	size_t count;
	int rc = k->old ? append_gone(k, err) : 0;
	if (rc == 0 && (rc = list_entries(k, &list, &count, err)) == 0)
		rc = tsdb__version_add(k->w, k->family, k->old_off, list, count, true, &version, err);
	if (rc == 0)
		rc = row_new(k, (uint32_t)k->series_count, &r, err);
	for (size_t i = 0; rc == 0 && i < k->page->entry_count; i++)
		if (k->entries[i].ref < PM_REF_MAX)
			row_put(k, &r, position++, &k->page->entries[i]);
	return rc < 0 ? rc : row_write(k, &r, version, err);
}

/* Whether the layout serves as it is: it has all the page's series, under the same text, and the page has a fair part
 * of its. Failed scrapes (a few report series) always keep it: the target will be back. */
static bool keeps_layout(const struct tsdb__work *k, size_t known, size_t retold)
{
	enum { SMALL = 16 };
	if (known < k->series_count)
		return false;
	if (k->series_count <= SMALL)
		return true;
	return retold == 0 && k->series_count >= k->old->series_count / 4 && k->new_comments == k->old_comments;
}

static int append_cold(struct tsdb__work *k, struct pm_error *err)
{
	size_t known = 0, retold = 0, there = 0;
	bool explicit;
	int rc = resolve(k, err);
	if (rc == 0 && k->old)
		rc = flatten(k, err);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; k->old && i < k->old->series_count; i++) {
		const struct pm_page_entry *e = page_entry(k, k->old_sids[i]);
		if (!e)
			continue;
		known++;
		retold +=
			e->e.text_hash != k->old_entries[i]->text_hash || e->e.text_len != k->old_entries[i]->text_len;
		there += was_there(k, i, &explicit);
	}
	if (!k->old && k->series_count == 0 && k->stats.series_refused)
		return 0;
	k->stats.samples = k->series_count + k->double_count;
	k->stats.series_new = k->series_count - there;
	return k->old && keeps_layout(k, known, retold) ? append_kept(k, err) : append_new_version(k, err);
}

static int app_append(struct pm_appender *base, struct pm_str key, const struct pm_layout *base_l,
	const struct pm_page *page, struct pm_append_stats *ret_stats, struct pm_error *err)
{
	struct appender *a = (struct appender *)base;
	const struct layout *l = (const struct layout *)base_l;
	struct tsdb_record published;
	struct tsdb__work k = { .db = a->db, .w = &a->db->write, .page = page };
	int rc = tsdb__writer_lock(a->db, &published, err);
	if (rc < 0)
		return rc;
	/* Series ids in the page are of the generation of its layout. */
	if ((rc = tsdb__bytes_check(a->db, err)) == 0 && l && l->snap->rec.generation != published.generation)
		rc = pm_fail(err, PM_ERR_STALE, "the head was replaced meanwhile");
	if (rc == 0)
		rc = find_last(&k, key, !page->values, err);
	if (rc == 0)
		rc = page->values ? append_warm(&k, l, err) : append_cold(&k, err);
	if (rc == 0)
		rc = tsdb__page_more(&k, err);
	if (rc < 0)
		tsdb__writer_abort(a->db, &published);
	else
		rc = tsdb__writer_publish(a->db, &published, err);
	if (rc == 0 && ret_stats)
		*ret_stats = k.stats;
	tsdb__page_release(&k);
	return rc;
}

static void app_free(struct pm_appender *base)
{
	pm_free(base);
}

int tsdb_appender(struct tsdb *db, struct pm_appender **ret, struct pm_error *err)
{
	struct appender *a = pm_calloc(1, sizeof *a);
	if (!a)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	a->base = (struct pm_appender){ app_layout, app_layout_free, app_append, app_free };
	a->db = db;
	*ret = &a->base;
	return 0;
}
