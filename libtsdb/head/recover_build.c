/* recover_build.c - what follows from catalog and layouts, made anew: ids, and the hash tables.
 *
 * It is built in memory. A reader uses it there; a writer writes it to files, whose names are new or which nobody has
 * open: a store that is recovered is used by nobody else. Postings begin empty and are built by the next transaction;
 * until then every series counts as one of the tail, which is scanned. */
#include "libtsdb/head/recover.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/head/walk.h"

struct build {
	struct tsdb__head *h;
	struct tsdb_record *rec;
	struct tsdb__bytes catalog, ids, layouts;
	uint32_t *sids; /* h->ids behind its head */
};

/* ---- tables ---- */

static int table_double(struct build *b, enum tsdb_table table, struct pm_error *err)
{
	struct tsdb__slots *old = b->h->tables[table], *new = NULL;
	uint64_t count = old->count;
	int rc;
	do {
		tsdb__slots_free(new);
		new = NULL;
		count *= 2;
		if ((rc = tsdb__slots_in_memory(old->number, count, &new, err)) < 0)
			return rc;
	} while (tsdb__slots_copy(new, old, UINT32_MAX) == PM_ERR_LIMIT);
	tsdb__slots_free(old);
	b->h->tables[table] = new;
	return 0;
}

static int put(struct build *b, enum tsdb_table table, uint32_t tag, uint32_t value, struct pm_error *err)
{
	int rc = 0;
	if (b->rec->table_used[table] + 1 > b->h->tables[table]->count / 2)
		rc = table_double(b, table, err);
	while (rc == 0 && (rc = tsdb__slots_put(b->h->tables[table], tag, value)) == PM_ERR_LIMIT)
		rc = table_double(b, table, err);
	if (rc == 0)
		b->rec->table_used[table]++;
	return rc;
}

/* ---- catalog ---- */

static int put_series(struct build *b, uint32_t sid, struct pm_error *err)
{
	struct pm_label labels[256];
	const struct tsdb_series_rec *s = tsdb__series(&b->catalog, &b->ids, sid);
	if (!s || s->rec.small > sizeof labels / sizeof labels[0])
		return tsdb__corrupt(err, "catalog", (uint64_t)b->sids[sid] * 8, "not a series");
	for (uint32_t i = 0; i < s->rec.small; i++) {
		labels[i].name = tsdb__symbol(&b->catalog, s->labels[i].name);
		labels[i].value = tsdb__symbol(&b->catalog, s->labels[i].value);
		if (!labels[i].name.ptr || !labels[i].value.ptr)
			return tsdb__corrupt(err, "catalog", (uint64_t)b->sids[sid] * 8, "a series without its names");
	}
	return put(
		b, TSDB_TABLE_SERIES, tsdb__tag(pm_labels_hash((struct pm_labels){ labels, s->rec.small })), sid, err);
}

static int catalog_record(struct build *b, const struct tsdb_rec *rec, uint64_t off, struct pm_error *err)
{
	uint32_t at = (uint32_t)(off / 8);
	if (rec->kind == TSDB_REC_SYMBOL) {
		struct pm_str text = tsdb__symbol(&b->catalog, at);
		if (!text.ptr)
			return tsdb__corrupt(err, "catalog", off, "a symbol that is cut off");
		return put(b, TSDB_TABLE_SYMBOLS, tsdb__tag(pm_hash(text.ptr, text.len)), at, err);
	}
	if (rec->kind == TSDB_REC_SERIES) {
		const struct tsdb_series_rec *s = (const void *)rec;
		if (rec->len < sizeof *s || s->sid >= b->rec->sid_end)
			return tsdb__corrupt(err, "catalog", off, "a series id that was never reserved");
		b->sids[s->sid] = at;
		return put_series(b, s->sid, err);
	}
	if (rec->kind == TSDB_REC_METADATA)
		b->rec->metadata = at;
	return 0;
}

/* ---- layouts ---- */

/* Series of a block whose home is another family: F2's table of aliases, as note_alias() in layout.c fills it. */
static int block_aliases(struct build *b, uint32_t family, uint64_t off, struct pm_error *err)
{
	struct tsdb__block_view block;
	int rc = 0;
	if (tsdb__block(&b->layouts, off, &block) < 0)
		return tsdb__corrupt(err, "layouts", off, "no block there");
	for (uint32_t i = 0; i < block.series_count && rc == 0; i++) {
		uint32_t sid = block.sids[i], tag = tsdb__alias_tag(sid), have;
		const struct tsdb_series_rec *s = tsdb__series(&b->catalog, &b->ids, sid);
		uint64_t cursor = 0;
		bool known = !s || s->home == family;
		while (!known && tsdb__slots_next(b->h->tables[TSDB_TABLE_ALIASES], tag, &cursor, &have) > 0)
			known = have == family;
		if (!known)
			rc = put(b, TSDB_TABLE_ALIASES, tag, family, err);
	}
	return rc;
}

/* New blocks stand right before the version that is made of them: the others were looked at with an older one. */
static int layouts_record(
	struct build *b, const struct tsdb_rec *rec, uint64_t off, uint64_t *new_from, struct pm_error *err)
{
	int rc = 0;
	if (rec->kind == TSDB_REC_FAMILY) {
		const struct tsdb_family *f = (const void *)rec;
		if (rec->len < sizeof *f || f->key_size > rec->len - sizeof *f)
			return tsdb__corrupt(err, "layouts", off, "a family that is cut off");
		return put(b, TSDB_TABLE_FAMILIES, tsdb__tag(pm_hash(f->key, f->key_size)), (uint32_t)(off / 8), err);
	}
	if (rec->kind == TSDB_REC_VERSION) {
		const struct tsdb_version *v = tsdb__version(&b->layouts, off);
		if (!v)
			return tsdb__corrupt(err, "layouts", off, "no version there");
		for (uint32_t i = 0; i < v->block_count && rc == 0; i++)
			if (v->blocks[i].off >= *new_from)
				rc = block_aliases(b, v->family, v->blocks[i].off, err);
		*new_from = off;
	}
	return rc;
}

/* ---- all ---- */

static int walk_catalog(struct build *b, struct pm_error *err)
{
	const struct tsdb_rec *rec;
	struct tsdb__walk w;
	const char *what;
	int rc;
	tsdb__walk_begin(&w, b->catalog.map, b->rec->catalog_len, TSDB_FILE_CATALOG, b->h->generation, 0);
	while ((rc = tsdb__walk_next(&w, &rec, &what)) > 0)
		if ((rc = catalog_record(b, rec, w.at, err)) < 0)
			return rc;
	return rc < 0 ? tsdb__corrupt(err, "catalog", w.at, what) : 0;
}

static int walk_layouts(struct build *b, struct pm_error *err)
{
	const struct tsdb_rec *rec;
	struct tsdb__walk w;
	const char *what;
	uint64_t new_from = 0;
	int rc;
	tsdb__walk_begin(&w, b->layouts.map, b->rec->layouts_len, TSDB_FILE_LAYOUTS, b->h->generation, 0);
	while ((rc = tsdb__walk_next(&w, &rec, &what)) > 0)
		if ((rc = layouts_record(b, rec, w.at, &new_from, err)) < 0)
			return rc;
	return rc < 0 ? tsdb__corrupt(err, "layouts", w.at, what) : 0;
}

int tsdb__recover_build(struct tsdb__head *h, struct tsdb_record *rec, struct pm_error *err)
{
	uint64_t ids_len = sizeof(struct tsdb_file_head) + (uint64_t)rec->sid_end * sizeof(uint32_t);
	struct build b = { .h = h, .rec = rec };
	int rc;
	rec->postings_len = sizeof(struct tsdb_file_head);
	rec->runs_off = 0;
	rec->runs_sid_end = 0;
	rec->metadata = 0;
	if ((rc = tsdb__file_in_memory(&h->ids, "ids", TSDB_FILE_IDS, h->generation, ids_len, err)) < 0 ||
		(rc = tsdb__file_in_memory(
			 &h->postings, "postings", TSDB_FILE_POSTINGS, h->generation, rec->postings_len, err)) < 0)
		return rc;
	for (int t = 0; t < TSDB_TABLE_COUNT; t++) {
		rec->table_number[t]++;
		rec->table_used[t] = 0;
		if ((rc = tsdb__slots_in_memory(rec->table_number[t], TSDB_SLOTS_MIN, &h->tables[t], err)) < 0)
			return rc;
	}
	if ((rc = tsdb__file_bytes(&h->catalog, rec->catalog_len, &b.catalog, err)) < 0 ||
		(rc = tsdb__file_bytes(&h->layouts, rec->layouts_len, &b.layouts, err)) < 0 ||
		(rc = tsdb__file_bytes(&h->ids, ids_len, &b.ids, err)) < 0)
		return rc;
	b.sids = (uint32_t *)(h->ids.map + sizeof(struct tsdb_file_head));
	memset(b.sids, 0xff, rec->sid_end * sizeof *b.sids); /* TSDB_NO_SERIES */
	return (rc = walk_catalog(&b, err)) < 0 ? rc : walk_layouts(&b, err);
}

static int save_file(const struct tsdb__file *f, int dirfd, struct pm_error *err)
{
	int fd, rc = pm_fs_openat(dirfd, f->name, PM_FS_WRITE | PM_FS_CREATE, &fd, err);
	if (rc < 0)
		return rc;
	rc = pm_fs_pwrite(fd, f->map, f->size, 0, err);
	pm_fs_close(fd);
	return rc;
}

int tsdb__recover_save(struct tsdb__head *h, const struct tsdb_record *rec, struct pm_error *err)
{
	char name[32];
	int rc;
	if ((rc = save_file(&h->ids, h->dirfd, err)) < 0 || (rc = save_file(&h->postings, h->dirfd, err)) < 0)
		return rc;
	for (int t = 0; t < TSDB_TABLE_COUNT && rc == 0; t++) {
		tsdb__table_name(name, t, rec->table_number[t]);
		rc = tsdb__slots_save(h->tables[t], h->dirfd, name, h->generation, err);
	}
	return rc;
}
