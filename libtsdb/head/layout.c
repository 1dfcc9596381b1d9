/* layout.c - layouts: for a target, the ordered list of its lines and series, in immutable blocks.
 *
 *   family (a target's key) --> version --> block, block, block ...
 *                               version --> block, block', block ...   the next one shares what did not change
 *
 * A row names the version it is laid out by; the family's current version is that of its last row. */
#include "libtsdb/head/head.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"

#include <stdlib.h>

/* ---- reading ---- */

int tsdb__block(const struct tsdb__bytes *layouts, uint64_t off, struct tsdb__block_view *ret)
{
	const struct tsdb_block *b = tsdb__rec_at(layouts, off, TSDB_REC_BLOCK, sizeof *b);
	if (!b || b->entry_count > TSDB_BLOCK_ENTRIES_MAX || b->series_count > b->entry_count)
		return PM_ERR_CORRUPT;
	bool text = b->rec.flags & TSDB_BLOCK_TEXT;
	size_t entry_size = text ? sizeof(struct pm_layout_entry) : sizeof(uint32_t);
	size_t need = b->entry_count * entry_size + b->series_count * (sizeof(uint32_t) + sizeof(uint16_t));
	if (need > b->rec.len - sizeof *b)
		return PM_ERR_CORRUPT;
	*ret = (struct tsdb__block_view){ .entry_count = b->entry_count, .series_count = b->series_count };
	if (text)
		ret->entries = (const void *)b->body;
	else
		ret->entry_sids = (const void *)b->body;
	ret->sids = (const void *)(b->body + b->entry_count * entry_size);
	ret->positions = (const void *)(ret->sids + b->series_count);
	return 0;
}

const struct tsdb_version *tsdb__version(const struct tsdb__bytes *layouts, uint64_t off)
{
	const struct tsdb_version *v = tsdb__rec_at(layouts, off, TSDB_REC_VERSION, sizeof *v);
	if (!v || v->block_count > (v->rec.len - sizeof *v) / sizeof v->blocks[0])
		return NULL;
	return v;
}

static int64_t block_position(const struct tsdb__block_view *b, uint32_t sid)
{
	size_t at = tsdb__lower_bound(b->sids, b->series_count, sid);
	return at < b->series_count && b->sids[at] == sid ? b->positions[at] : -1;
}

int64_t tsdb__version_position(const struct tsdb__bytes *layouts, const struct tsdb_version *v, uint32_t sid)
{
	for (uint32_t i = 0; i < v->block_count; i++) {
		const struct tsdb_block *b = tsdb__rec_at(layouts, v->blocks[i].off, TSDB_REC_BLOCK, sizeof *b);
		struct tsdb__block_view view;
		if (b && (sid < b->sid_min || sid > b->sid_max))
			continue;
		if (!b || tsdb__block(layouts, v->blocks[i].off, &view) < 0) {
			tsdb__bytes_damaged(layouts, v->blocks[i].off);
			continue;
		}
		int64_t at = block_position(&view, sid);
		if (at >= 0 && v->blocks[i].series_base + at < v->series_count)
			return v->blocks[i].series_base + at;
	}
	return -1;
}

int tsdb__family_find(const struct tsdb__bytes *layouts, const struct tsdb__slots *t, struct pm_str key,
	uint32_t family_end, uint32_t *ret)
{
	uint32_t tag = tsdb__tag(pm_hash(key.ptr, key.len)), at;
	uint64_t cursor = 0;
	bool unreadable = false;
	while (tsdb__slots_next(t, tag, &cursor, &at) > 0) {
		const struct tsdb_family *f = tsdb__rec_at(layouts, (uint64_t)at * 8, TSDB_REC_FAMILY, sizeof *f);
		unreadable |= !f && (uint64_t)at * 8 < layouts->map_end;
		if (!f || f->id >= family_end || f->key_size > f->rec.len - sizeof *f)
			continue;
		if (pm_str_eq((struct pm_str){ f->key, f->key_size }, key)) {
			*ret = f->id;
			return 1;
		}
	}
	if (unreadable)
		tsdb__bytes_suspect(layouts);
	return 0;
}

/* ---- writing ---- */

int tsdb__family_intern(struct tsdb__write *w, struct pm_str key, uint32_t *ret, struct pm_error *err)
{
	size_t size = sizeof(struct tsdb_family) + tsdb__pad8(key.len);
	uint64_t off;
	if (tsdb__family_find(&w->layouts.bytes, w->tables[TSDB_TABLE_FAMILIES], key, w->rec.family_count, ret))
		return 0;
	if (key.len > 1 << 20 || w->rec.family_count >= PM_REF_MAX || w->layouts.bytes.end / 8 >= PM_REF_MAX)
		return pm_fail(err, PM_ERR_LIMIT, "too many or too long layout keys");
	struct tsdb_family *f = tsdb__tail_add(&w->layouts, size, &off, err);
	if (!f)
		return w->layouts.error;
	f->id = *ret = w->rec.family_count++;
	f->key_size = (uint32_t)key.len;
	memcpy(f->key, key.ptr, key.len);
	tsdb__tail_seal(&w->layouts, &f->rec, off, size, TSDB_REC_FAMILY);
	return tsdb__table_put(w, TSDB_TABLE_FAMILIES, tsdb__tag(pm_hash(key.ptr, key.len)), (uint32_t)(off / 8),
		(uint32_t)(w->layouts.bytes.end / 8), err);
}

/* A series of which this family is not the home: let readers find the way from the series to here. */
static int note_alias(struct tsdb__write *w, uint32_t family, uint32_t sid, struct pm_error *err)
{
	const struct tsdb_series_rec *s = tsdb__series(&w->catalog.bytes, &w->ids.bytes, sid);
	uint32_t tag = tsdb__alias_tag(sid), have;
	uint64_t cursor = 0;
	if (!s || s->home == family)
		return 0;
	while (tsdb__slots_next(w->tables[TSDB_TABLE_ALIASES], tag, &cursor, &have) > 0)
		if (have == family)
			return 0;
	return tsdb__table_put(w, TSDB_TABLE_ALIASES, tag, family, w->rec.family_count, err);
}

struct sid_position {
	uint32_t sid;
	uint16_t position;
};

static int by_sid(const void *a, const void *b)
{
	const struct sid_position *x = a, *y = b;
	return (x->sid > y->sid) - (x->sid < y->sid);
}

static void block_fill(struct tsdb_block *b, const struct pm_layout_entry *entries, uint32_t count, bool text)
{
	struct sid_position order[TSDB_BLOCK_ENTRIES_MAX];
	size_t entry_size = text ? sizeof entries[0] : sizeof(uint32_t);
	uint32_t series = 0;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(b->body + i * entry_size, text ? (const void *)&entries[i] : &entries[i].ref, entry_size);
		if (entries[i].ref < PM_REF_MAX) {
			order[series] = (struct sid_position){ entries[i].ref, (uint16_t)series };
			series++;
		}
	}
	qsort(order, series, sizeof order[0], by_sid);
	uint32_t *sids = (uint32_t *)(b->body + count * entry_size);
	uint16_t *positions = (uint16_t *)(sids + series);
	for (uint32_t i = 0; i < series; i++) {
		sids[i] = order[i].sid;
		positions[i] = order[i].position;
	}
	b->entry_count = count;
	b->series_count = series;
	b->sid_min = series ? sids[0] : 1;
	b->sid_max = series ? sids[series - 1] : 0;
	b->rec.flags = text ? TSDB_BLOCK_TEXT : 0;
}

static int block_add(struct tsdb__write *w, const struct pm_layout_entry *entries, uint32_t count, bool text,
	uint64_t *ret_off, struct pm_error *err)
{
	uint32_t series = 0;
	for (uint32_t i = 0; i < count; i++)
		series += entries[i].ref < PM_REF_MAX;
	size_t size = sizeof(struct tsdb_block) + tsdb__pad8(count * (text ? sizeof entries[0] : sizeof(uint32_t)) +
							     series * (sizeof(uint32_t) + sizeof(uint16_t)));
	struct tsdb_block *b = tsdb__tail_add(&w->layouts, size, ret_off, err);
	if (!b)
		return w->layouts.error;
	block_fill(b, entries, count, text);
	tsdb__tail_seal(&w->layouts, &b->rec, *ret_off, size, TSDB_REC_BLOCK);
	return 0;
}

/* A version under construction. */
struct building {
	struct tsdb_block_ref *refs;
	size_t count, cap;
	uint32_t entries, series;
};

static int building_push(struct building *b, uint64_t off, uint32_t entries, uint32_t series)
{
	if (pm_grow(&b->refs, &b->cap, b->count + 1) < 0)
		return PM_ERR_NOMEM;
	b->refs[b->count++] = (struct tsdb_block_ref){ off, b->entries, b->series };
	b->entries += entries;
	b->series += series;
	return 0;
}

static bool block_same(const struct tsdb__block_view *b, const struct pm_layout_entry *entries, bool text)
{
	if (text)
		return b->entries && memcmp(b->entries, entries, b->entry_count * sizeof entries[0]) == 0;
	for (uint32_t i = 0; i < b->entry_count; i++)
		if (!b->entry_sids || b->entry_sids[i] != entries[i].ref)
			return false;
	return true;
}

/* Which blocks of `old` stand unchanged at the beginning and at the end of `entries`. */
static void shared_blocks(struct tsdb__write *w, const struct tsdb_version *old, const struct pm_layout_entry *entries,
	size_t count, bool text, uint32_t *ret_head, uint32_t *ret_tail)
{
	struct tsdb__block_view b;
	size_t at = 0, end = count;
	uint32_t head = 0, tail = 0;
	while (head < old->block_count && tsdb__block(&w->layouts.bytes, old->blocks[head].off, &b) == 0 &&
		b.entry_count <= count - at && block_same(&b, entries + at, text)) {
		at += b.entry_count;
		head++;
	}
	while (head + tail < old->block_count &&
		tsdb__block(&w->layouts.bytes, old->blocks[old->block_count - 1 - tail].off, &b) == 0 &&
		b.entry_count <= end - at && block_same(&b, entries + end - b.entry_count, text)) {
		end -= b.entry_count;
		tail++;
	}
	*ret_head = head;
	*ret_tail = tail;
}

/* Use `count` blocks of `old` from `first` again. */
static int push_old(
	struct tsdb__write *w, struct building *bld, const struct tsdb_version *old, uint32_t first, uint32_t count)
{
	struct tsdb__block_view b;
	int rc = 0;
	for (uint32_t i = first; i < first + count && rc == 0; i++) {
		rc = tsdb__block(&w->layouts.bytes, old->blocks[i].off, &b);
		if (rc == 0)
			rc = building_push(bld, old->blocks[i].off, b.entry_count, b.series_count);
	}
	return rc;
}

/* New blocks for entries [from, to). They are of like size, with room to split later changes evenly. */
static int push_new(struct tsdb__write *w, uint32_t family, struct building *bld, const struct pm_layout_entry *entries,
	size_t from, size_t to, bool text, struct pm_error *err)
{
	int rc = 0;
	while (from < to && rc == 0) {
		size_t left = to - from;
		uint32_t n = (uint32_t)(left <= TSDB_BLOCK_ENTRIES_MAX ? left : TSDB_BLOCK_ENTRIES_MAX);
		uint32_t series = 0;
		uint64_t off;
		for (size_t i = from; i < from + n && rc == 0; i++)
			if (entries[i].ref < PM_REF_MAX) {
				series++;
				rc = note_alias(w, family, entries[i].ref, err);
			}
		if (rc == 0)
			rc = block_add(w, entries + from, n, text, &off, err);
		if (rc == 0)
			rc = building_push(bld, off, n, series);
		from += n;
	}
	return rc;
}

static int version_record(struct tsdb__write *w, uint32_t family, uint64_t previous, const struct building *b,
	uint64_t *ret_off, struct pm_error *err)
{
	size_t size = sizeof(struct tsdb_version) + b->count * sizeof b->refs[0];
	struct tsdb_version *v = tsdb__tail_add(&w->layouts, size, ret_off, err);
	if (!v)
		return w->layouts.error;
	v->family = family;
	v->block_count = (uint32_t)b->count;
	v->entry_count = b->entries;
	v->series_count = b->series;
	v->previous = previous;
	if (b->count)
		memcpy(v->blocks, b->refs, b->count * sizeof b->refs[0]);
	tsdb__tail_seal(&w->layouts, &v->rec, *ret_off, size, TSDB_REC_VERSION);
	return 0;
}

int tsdb__version_add(struct tsdb__write *w, uint32_t family, uint64_t previous, const struct pm_layout_entry *entries,
	size_t count, bool text, uint64_t *ret_off, struct pm_error *err)
{
	struct building bld = { 0 };
	struct tsdb_version *old = NULL;
	uint32_t head = 0, tail = 0;
	size_t from = 0, to = count;
	int rc = tsdb__tail_flush(&w->layouts, err); /* so that `old` stays where it is while blocks are added */
	if (rc == 0 && previous) {
		old = (struct tsdb_version *)tsdb__version(&w->layouts.bytes, previous);
		if (!old)
			rc = tsdb__corrupt(err, "layouts", previous, "no version there");
	}
	if (rc == 0 && old) {
		shared_blocks(w, old, entries, count, text, &head, &tail);
		rc = push_old(w, &bld, old, 0, head);
		from = bld.entries;
		for (uint32_t i = old->block_count - tail; i < old->block_count; i++) {
			struct tsdb__block_view b;
			if (rc == 0 && (rc = tsdb__block(&w->layouts.bytes, old->blocks[i].off, &b)) == 0)
				to -= b.entry_count;
		}
	}
	if (rc == 0)
		rc = push_new(w, family, &bld, entries, from, to, text, err);
	if (rc == 0 && old)
		rc = push_old(w, &bld, old, old->block_count - tail, tail);
	if (rc == 0)
		rc = version_record(w, family, previous, &bld, ret_off, err);
	pm_free(bld.refs);
	return rc;
}
