/* catalog.c - interned symbols and series records, and the way from a label set to its id. */
#include "libtsdb/head/head.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/head/quota.h"

static struct pm_str symbol_at(const struct tsdb__bytes *catalog, uint32_t sym)
{
	const struct tsdb_symbol *s = tsdb__rec_at(catalog, (uint64_t)sym * 8, TSDB_REC_SYMBOL, sizeof *s);
	if (!s || s->size > s->rec.len - sizeof *s)
		return (struct pm_str){ NULL, 0 };
	return (struct pm_str){ s->text, s->size };
}

struct pm_str tsdb__symbol(const struct tsdb__bytes *catalog, uint32_t sym)
{
	struct pm_str s = symbol_at(catalog, sym);
	if (!s.ptr)
		tsdb__bytes_damaged(catalog, (uint64_t)sym * 8);
	return s;
}

int tsdb__symbol_find(const struct tsdb__bytes *catalog, const struct tsdb__slots *t, struct pm_str s, uint32_t *ret)
{
	uint32_t tag = tsdb__tag(pm_hash(s.ptr, s.len)), sym;
	uint64_t cursor = 0;
	bool unreadable = false;
	while (tsdb__slots_next(t, tag, &cursor, &sym) > 0) {
		struct pm_str have = symbol_at(catalog, sym);
		if (have.ptr && pm_str_eq(have, s)) {
			*ret = sym;
			return 1;
		}
		unreadable |= !have.ptr && (uint64_t)sym * 8 < catalog->map_end;
	}
	if (unreadable)
		tsdb__bytes_suspect(catalog);
	return 0;
}

int tsdb__symbol_intern(struct tsdb__write *w, struct pm_str s, uint32_t *ret, struct pm_error *err)
{
	size_t size = sizeof(struct tsdb_symbol) + tsdb__pad8(s.len);
	uint64_t off;
	if (tsdb__symbol_find(&w->catalog.bytes, w->tables[TSDB_TABLE_SYMBOLS], s, ret))
		return 0;
	if (s.len > 1 << 24 || w->catalog.bytes.end + size > (uint64_t)PM_REF_MAX * 8)
		return pm_fail(err, PM_ERR_LIMIT, "%s",
			s.len > 1 << 24 ? "a label of more than 16 MiB" : "the catalog is full");
	struct tsdb_symbol *sym = tsdb__tail_add(&w->catalog, size, &off, err);
	if (!sym)
		return w->catalog.error;
	sym->size = (uint32_t)s.len;
	memcpy(sym->text, s.ptr, s.len);
	tsdb__tail_seal(&w->catalog, &sym->rec, off, size, TSDB_REC_SYMBOL);
	*ret = (uint32_t)(off / 8);
	return tsdb__table_put(w, TSDB_TABLE_SYMBOLS, tsdb__tag(pm_hash(s.ptr, s.len)), *ret,
		(uint32_t)(w->catalog.bytes.end / 8), err);
}

const struct tsdb_series_rec *tsdb__series(
	const struct tsdb__bytes *catalog, const struct tsdb__bytes *ids, uint32_t sid)
{
	uint64_t off = sizeof(struct tsdb_file_head) + (uint64_t)sid * sizeof(uint32_t);
	const uint32_t *where = tsdb__bytes_at(ids, off, sizeof *where);
	const struct tsdb_series_rec *s;
	if (!where || *where == TSDB_NO_SERIES)
		return NULL;
	s = tsdb__rec_at(catalog, (uint64_t)*where * 8, TSDB_REC_SERIES, sizeof *s);
	if (s && s->sid == sid && s->rec.small * sizeof s->labels[0] <= s->rec.len - sizeof *s)
		return s;
	tsdb__bytes_damaged(ids, off);
	return NULL;
}

static bool series_is(const struct tsdb__bytes *catalog, const struct tsdb_series_rec *s, struct pm_labels labels)
{
	if (!s || s->rec.small != labels.count)
		return false;
	for (size_t i = 0; i < labels.count; i++) {
		struct pm_str name = tsdb__symbol(catalog, s->labels[i].name);
		struct pm_str value = tsdb__symbol(catalog, s->labels[i].value);
		if (!pm_str_eq(value, labels.v[i].value) || !pm_str_eq(name, labels.v[i].name))
			return false;
	}
	return true;
}

int tsdb__series_find(const struct tsdb__bytes *catalog, const struct tsdb__bytes *ids, const struct tsdb__slots *t,
	struct pm_labels labels, uint32_t sid_end, uint32_t *ret)
{
	uint32_t tag = tsdb__tag(pm_labels_hash(labels)), sid;
	uint64_t cursor = 0;
	while (tsdb__slots_next(t, tag, &cursor, &sid) > 0) {
		if (sid < sid_end && series_is(catalog, tsdb__series(catalog, ids, sid), labels)) {
			*ret = sid;
			return 1;
		}
	}
	return 0;
}

/* F4: the reservation is in the meta page before the first use of an id, so that a slot that a dead writer filled never
 * names another's series. */
static int reserve_sid(struct tsdb__write *w, uint32_t *ret, struct pm_error *err)
{
	enum { RESERVE = 1024 };
	uint32_t sid = w->rec.sid_end;
	if (sid >= PM_REF_MAX)
		return pm_fail(err, PM_ERR_LIMIT, "series ids are used up");
	if (sid >= __atomic_load_n(&w->meta->next_sid, __ATOMIC_RELAXED))
		__atomic_store_n(&w->meta->next_sid, (uint64_t)sid + RESERVE, __ATOMIC_RELEASE);
	*ret = sid;
	return 0;
}

static int series_record(struct tsdb__write *w, struct pm_labels labels, uint32_t sid, uint32_t home, uint64_t *ret_off,
	struct pm_error *err)
{
	struct tsdb_pair pairs[256];
	size_t size = sizeof(struct tsdb_series_rec) + labels.count * sizeof pairs[0];
	int rc;
	if (labels.count > sizeof pairs / sizeof pairs[0])
		return pm_fail(err, PM_ERR_LIMIT, "a series with more than 256 labels");
	for (size_t i = 0; i < labels.count; i++)
		if ((rc = tsdb__symbol_intern(w, labels.v[i].name, &pairs[i].name, err)) < 0 ||
			(rc = tsdb__symbol_intern(w, labels.v[i].value, &pairs[i].value, err)) < 0)
			return rc;
	struct tsdb_series_rec *s = tsdb__tail_add(&w->catalog, size, ret_off, err);
	if (!s)
		return w->catalog.error;
	s->sid = sid;
	s->home = home;
	s->rec.small = (uint16_t)labels.count;
	memcpy(s->labels, pairs, labels.count * sizeof pairs[0]);
	tsdb__tail_seal(&w->catalog, &s->rec, *ret_off, size, TSDB_REC_SERIES);
	return 0;
}

int tsdb__series_intern(struct tsdb__write *w, struct pm_labels labels, uint32_t home, uint32_t *ret_sid, bool *ret_new,
	struct pm_error *err)
{
	uint64_t off, id_off;
	uint32_t sid = 0;
	int rc;
	*ret_new = false;
	if (tsdb__series_find(
		    &w->catalog.bytes, &w->ids.bytes, w->tables[TSDB_TABLE_SERIES], labels, w->rec.sid_end, ret_sid))
		return 0;
	if ((rc = tsdb__quota_check(w, labels, err)) < 0 || (rc = reserve_sid(w, &sid, err)) < 0 ||
		(rc = series_record(w, labels, sid, home, &off, err)) < 0)
		return rc;
	uint32_t *where = tsdb__tail_add(&w->ids, sizeof *where, &id_off, err);
	if (!where)
		return w->ids.error;
	assert(id_off == sizeof(struct tsdb_file_head) + (uint64_t)sid * sizeof *where);
	*where = (uint32_t)(off / 8);
	w->rec.sid_end = sid + 1;
	w->rec.series_count++;
	rc = tsdb__table_put(w, TSDB_TABLE_SERIES, tsdb__tag(pm_labels_hash(labels)), sid, w->rec.sid_end, err);
	*ret_sid = sid;
	*ret_new = rc == 0;
	return rc;
}
