/* shape.c - lists of series that samples come in together: an ad-hoc layout for each, found again by the hash of the
 * list. */
#include "libtsdb/db/txn.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"

enum { ADHOC_FAMILIES_MAX = 1 << 16 };

static bool version_is(const struct tsdb__bytes *layouts, uint64_t off, const uint32_t *sids, size_t count)
{
	const struct tsdb_version *v = tsdb__version(layouts, off);
	struct tsdb__block_view b;
	size_t at = 0;
	if (!v || v->series_count != count)
		return false;
	for (uint32_t i = 0; i < v->block_count; i++) {
		if (tsdb__block(layouts, v->blocks[i].off, &b) < 0 || !b.entry_sids || b.entry_count > count - at ||
			memcmp(b.entry_sids, sids + at, b.entry_count * sizeof *sids) != 0)
			return false;
		at += b.entry_count;
	}
	return at == count;
}

static bool has_doubles(const uint32_t *sids, size_t count)
{
	/* Ascending ids, as a stable producer gives them, need no table. */
	bool ascending = true;
	for (size_t i = 1; i < count && ascending; i++)
		ascending = sids[i] > sids[i - 1];
	if (ascending)
		return false;
	size_t cap = 16;
	while (cap < count * 2)
		cap *= 2;
	uint32_t *set = pm_calloc(cap, sizeof *set);
	bool twice = !set;
	for (size_t i = 0; i < count && !twice; i++) {
		size_t at = sids[i] * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (cap - 1);
		for (; set[at] && !twice; at = (at + 1) & (cap - 1))
			twice = set[at] == sids[i] + 1;
		set[at] = sids[i] + 1;
	}
	pm_free(set);
	return twice;
}

int tsdb__shape_store(
	struct tsdb_txn *txn, struct tsdb__shape *s, const uint32_t *sids, bool worth, struct pm_error *err)
{
	struct tsdb__write *w = &txn->db->write;
	struct {
		char tag[8];
		uint64_t hash, count;
	} key = { "adhoc", s->hash, s->count };
	struct pm_str key_str = { (const char *)&key, sizeof key };
	struct pm_layout_entry *entries;
	int rc;
	bool known = tsdb__family_find(
		&w->layouts.bytes, w->tables[TSDB_TABLE_FAMILIES], key_str, w->rec.family_count, &s->family);
	if (known) {
		s->version = tsdb__write_last(w, s->family).version;
		s->refused = !s->version || !version_is(&w->layouts.bytes, s->version, sids, s->count);
		return 0;
	}
	if (!worth || w->rec.family_count > ADHOC_FAMILIES_MAX || has_doubles(sids, s->count)) {
		s->refused = true;
		return 0;
	}
	if (!(entries = pm_calloc(s->count, sizeof *entries)))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < s->count; i++)
		entries[i].ref = sids[i];
	if ((rc = tsdb__family_intern(w, key_str, &s->family, err)) == 0)
		rc = tsdb__version_add(w, s->family, 0, entries, s->count, false, &s->version, err);
	pm_free(entries);
	return rc;
}

/* ---- rows, given as such ---- */

int tsdb_txn_layout(
	struct tsdb_txn *txn, const tsdb_sid *sids, size_t count, tsdb_layout *ret_layout, struct pm_error *err)
{
	struct tsdb__shape *s;
	int rc;
	if (txn->error)
		return pm_fail(err, txn->error, "the transaction failed before");
	for (size_t i = 0; i < count; i++)
		if (sids[i] >= txn->db->write.rec.sid_end)
			return pm_fail(err, PM_ERR_INVALID, "not a series of this transaction");
	if (count == 0 || count > TSDB_LAYOUT_SERIES_MAX)
		return pm_fail(err, PM_ERR_INVALID, "a layout of %zu series; 1 to %d are allowed", count,
			TSDB_LAYOUT_SERIES_MAX);
	if (pm_grow(&txn->layouts, &txn->layout_cap, txn->layout_count + 1) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	s = &txn->layouts[txn->layout_count];
	*s = (struct tsdb__shape){ .hash = pm_hash_seed(sids, count * sizeof *sids, count), .count = count };
	if ((rc = tsdb__shape_store(txn, s, sids, true, err)) < 0)
		return txn->error = rc;
	if (s->refused)
		return pm_fail(
			err, PM_ERR_INVALID, "a series stands twice in the layout, or there are too many layouts");
	*ret_layout = (tsdb_layout)txn->layout_count++;
	return 0;
}

int tsdb_txn_append_row(
	struct tsdb_txn *txn, tsdb_layout layout, int64_t t_ms, const double *values, struct pm_error *err)
{
	int rc;
	if (txn->error)
		return pm_fail(err, txn->error, "the transaction failed before");
	if (layout >= txn->layout_count)
		return pm_fail(err, PM_ERR_INVALID, "not a layout of this transaction");
	const struct tsdb__shape *s = &txn->layouts[layout];
	struct tsdb__row_in row = { .family = s->family,
		.version = s->version,
		.width = (uint32_t)s->count,
		.present = (uint32_t)s->count,
		.t_ms = t_ms,
		.values = values };
	if ((rc = tsdb__row_add(&txn->db->write, &row, err)) < 0)
		txn->error = rc;
	return rc;
}
