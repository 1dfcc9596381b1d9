/* notes.c - exemplars and metadata on their way in; see notes.h. */
#include "libtsdb/db/notes.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/base/utf8.h"

static void notes_reset(struct tsdb__notes *n)
{
	tsdb__metadata_forget(&n->metadata);
	pm_free(n->newest);
	*n = (struct tsdb__notes){ 0 };
}

/* The notes of this process, brought up to the head that is written, about to be changed. NULL: out of memory. */
static struct tsdb__notes *notes_get(struct tsdb *db)
{
	if (!db->notes && !(db->notes = pm_calloc(1, sizeof *db->notes)))
		return NULL;
	if (db->notes->generation != db->write.rec.generation)
		notes_reset(db->notes);
	db->notes->generation = db->write.rec.generation;
	db->notes->dirty = true;
	return db->notes;
}

void tsdb__notes_end(struct tsdb *db, bool committed)
{
	if (db->notes && db->notes->dirty && !committed)
		notes_reset(db->notes);
	if (db->notes)
		db->notes->dirty = false;
}

void tsdb__notes_free(struct tsdb *db)
{
	if (db->notes)
		notes_reset(db->notes);
	pm_free(db->notes);
	db->notes = NULL;
}

int tsdb__note_metadata(struct tsdb *db, const struct tsdb_metadata *m, struct pm_error *err)
{
	struct tsdb__notes *n = notes_get(db);
	return n ? tsdb__metadata_put(&db->write, &n->metadata, m, err) : pm_fail(err, PM_ERR_NOMEM, "out of memory");
}

/* ---- the newest exemplars ---- */

static struct tsdb__newest *newest_of(const struct tsdb__notes *n, uint32_t sid)
{
	size_t at = sid * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (n->newest_cap - 1);
	while (n->newest[at].sid_1 && n->newest[at].sid_1 != sid + 1)
		at = (at + 1) & (n->newest_cap - 1);
	return &n->newest[at];
}

static int newest_grow(struct tsdb__notes *n)
{
	struct tsdb__notes new = { .newest_cap = n->newest_cap ? n->newest_cap * 2 : 64 };
	if (!(new.newest = pm_calloc(new.newest_cap, sizeof *new.newest)))
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < n->newest_cap; i++)
		if (n->newest[i].sid_1)
			*newest_of(&new, n->newest[i].sid_1 - 1) = n->newest[i];
	pm_free(n->newest);
	n->newest = new.newest;
	n->newest_cap = new.newest_cap;
	return 0;
}

static int newest_put(struct tsdb__notes *n, uint32_t sid, int64_t t_ms, double v, uint64_t labels_hash)
{
	if ((n->newest_count + 1) * 2 > n->newest_cap && newest_grow(n) < 0)
		return PM_ERR_NOMEM;
	struct tsdb__newest *s = newest_of(n, sid);
	n->newest_count += s->sid_1 == 0;
	*s = (struct tsdb__newest){ .sid_1 = sid + 1, .t_ms = t_ms, .v = v, .labels_hash = labels_hash };
	return 0;
}

static int load_row(struct tsdb__notes *n, const struct tsdb_row *row, uint64_t pos, struct pm_error *err)
{
	struct tsdb__exemplar_view v;
	size_t off = 0;
	for (uint32_t i = 0; i < row->width; i++) {
		if (!tsdb__exemplars_read(row, &off, &v))
			return tsdb__corrupt(err, "log", pos, "exemplars that are none");
		if (newest_put(n, v.e->sid, v.e->t_ms, v.e->v, pm_labels_hash(v.labels)) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	return 0;
}

/* Read what other transactions, perhaps of other processes, wrote since. The map has the series of some more exemplars
 * than live; when these are too many it is begun anew. */
static int load(struct tsdb *db, struct tsdb__notes *n, struct pm_error *err)
{
	struct tsdb__write *w = &db->write;
	struct tsdb__exemplars_walk walk;
	uint32_t family;
	int rc;
	if (!tsdb__family_find(&w->layouts.bytes, w->tables[TSDB_TABLE_FAMILIES], tsdb__exemplars_key(),
		    w->rec.family_count, &family))
		return 0;
	uint64_t last = tsdb__write_last(w, family).pos;
	if (last >= w->rec.log_end || last <= n->seen)
		return 0; /* of this transaction, which noted them when it put them */
	if (n->newest_count > 2 * tsdb__exemplar_max(w)) {
		pm_free(n->newest);
		n->newest = NULL;
		n->newest_cap = n->newest_count = n->seen = 0;
	}
	uint64_t until = tsdb__exemplars_sealed(&w->rec);
	rc = tsdb__exemplars_walk(
		w->head, last, n->seen > until ? n->seen : until, w->rec.log_end, tsdb__exemplar_max(w), &walk, err);
	for (size_t i = walk.count; i-- > 0 && rc == 0;)
		rc = load_row(n, walk.rows[i], walk.positions[i], err);
	if (rc == 0)
		n->seen = last;
	tsdb__exemplars_release(&walk);
	return rc;
}

/* ---- what is accepted ---- */

static size_t characters(struct pm_str s)
{
	size_t count = 0;
	for (size_t len; s.len; s.ptr += len, s.len -= len, count++)
		pm_utf8_decode(s, &len);
	return count;
}

static int check_labels(struct pm_labels l, struct pm_error *err)
{
	size_t total = 0;
	for (size_t i = 0; i < l.count && total <= TSDB_EXEMPLAR_LABELS_MAX; i++)
		total += characters(l.v[i].name) + characters(l.v[i].value);
	if (total > TSDB_EXEMPLAR_LABELS_MAX || l.count > TSDB_EXEMPLAR_LABELS_MAX)
		return pm_fail(err, PM_ERR_INVALID, "label length for exemplar exceeds maximum of %d UTF-8 characters",
			TSDB_EXEMPLAR_LABELS_MAX);
	return 0;
}

/* As upstream: at one time exemplars come with ascending values (buckets of a histogram), then by hash. 1: the series
 * has it already. */
static int check_order(const struct tsdb__newest *s, const struct tsdb_exemplar *e, uint64_t hash, struct pm_error *err)
{
	if (s->t_ms == e->t_ms && pm_double_bits(s->v) == pm_double_bits(e->v) && s->labels_hash == hash)
		return 1;
	if (e->t_ms > s->t_ms || (e->t_ms == s->t_ms && (e->v > s->v || (e->v == s->v && hash > s->labels_hash))))
		return 0;
	return pm_fail(err, PM_ERR_INVALID, "out of order exemplar");
}

int tsdb__note_exemplar(struct tsdb *db, struct tsdb__exemplars_out *out, uint32_t sid, const struct tsdb_exemplar *e,
	struct pm_error *err)
{
	struct tsdb__notes *n = notes_get(db);
	uint64_t hash = pm_labels_hash(e->labels);
	int rc = n ? check_labels(e->labels, err) : pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (rc < 0 || tsdb__exemplar_max(&db->write) == 0 || (rc = load(db, n, err)) < 0)
		return rc;
	const struct tsdb__newest *s = n->newest_cap ? newest_of(n, sid) : NULL;
	if (s && s->sid_1 && (rc = check_order(s, e, hash, err)) != 0)
		return rc < 0 ? rc : 0;
	if (newest_put(n, sid, e->t_ms, e->v, hash) < 0 || tsdb__exemplars_put(out, sid, e->t_ms, e->v, e->labels) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	return 0;
}
