/* files.c - tsdb_files_text(): each file of a store as text, one line a record, its offset first. Damaged records are
 * said to be so and passed over, so that this is a tool for stores that no longer open. */
#include "libtsdb/inspect/files.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"
#include "libtsdb/head/walk.h"

#include <fcntl.h>
#include <inttypes.h>

enum { PIECE = 1 << 16 };

int tsdb__text_flush(struct tsdb__text *t, size_t more_than)
{
	int stop = 0;
	if (pm_buf_error(&t->out))
		return PM_ERR_NOMEM;
	if (t->out.len <= more_than)
		return 0;
	stop = t->fn(t->arg, pm_buf_view(&t->out));
	pm_buf_reset(&t->out);
	return stop;
}

/* ---- the meta page ---- */

static void text_record(struct pm_buf *out, const struct tsdb_record *r)
{
	pm_buf_fmt(out, "  generation %" PRIu64 ", manifest %" PRIu64 "\n", r->generation, r->manifest);
	pm_buf_fmt(out, "  catalog %" PRIu64 ", layouts %" PRIu64 ", postings %" PRIu64 " bytes, runs at %" PRIu64 "\n",
		r->catalog_len, r->layouts_len, r->postings_len, r->runs_off);
	pm_buf_fmt(out, "  log from file %" PRIu64 " to %" PRIu64 ":%" PRIu64 ", heads at %" PRIu64 ":%" PRIu64 "\n",
		r->log_first, r->log_end >> TSDB_LOG_SHIFT, r->log_end & (TSDB_LOG_FILE_SIZE - 1),
		r->heads_pos >> TSDB_LOG_SHIFT, r->heads_pos & (TSDB_LOG_FILE_SIZE - 1));
	pm_buf_fmt(out,
		"  series ids below %" PRIu32 ", in runs below %" PRIu32 ", %" PRIu32 " series, %" PRIu32 " families\n",
		r->sid_end, r->runs_sid_end, r->series_count, r->family_count);
	for (int t = 0; t < TSDB_TABLE_COUNT; t++) {
		char name[32];
		tsdb__table_name(name, t, r->table_number[t]);
		pm_buf_fmt(out, "  table %s, %" PRIu32 " slots filled\n", name, r->table_used[t]);
	}
	pm_buf_fmt(out, "  %" PRIu64 " samples, %" PRIu64 " transactions, times %" PRId64 " to %" PRId64 "\n",
		r->sample_count, r->txn_count, r->min_ms, r->max_ms);
}

static void text_meta(struct tsdb__text *t)
{
	const struct tsdb_meta_page *m = t->view.meta;
	pm_buf_fmt(&t->out, "meta: version %" PRIu32 ", store %016" PRIx64 ", made at %" PRId64 "\n", m->version,
		m->store_id, m->created_ms);
	pm_buf_fmt(
		&t->out, "  opened on device %" PRIu64 ", inode %" PRIu64 ", boot %.36s\n", m->dev, m->ino, m->boot_id);
	pm_buf_fmt(&t->out,
		"  record %" PRIu64 ", synced up to record %" PRIu64 " at %" PRId64 ", next series id %" PRIu64 "\n",
		t->view.rec.seq, __atomic_load_n(&m->synced_seq, __ATOMIC_ACQUIRE),
		__atomic_load_n(&m->synced_ms, __ATOMIC_ACQUIRE), __atomic_load_n(&m->next_sid, __ATOMIC_ACQUIRE));
	text_record(&t->out, &t->view.rec);
}

/* ---- catalog, ids, tables ---- */

static void quoted_symbol(struct tsdb__text *t, uint32_t sym)
{
	struct pm_str s = tsdb__symbol(&t->catalog, sym);
	if (s.ptr)
		pm_quote(&t->out, s);
	else
		pm_buf_fmt(&t->out, "<no symbol %" PRIu32 ">", sym);
}

static void text_symbol(struct tsdb__text *t, const struct tsdb_rec *rec)
{
	const struct tsdb_symbol *s = (const void *)rec;
	pm_buf_cstr(&t->out, "symbol ");
	if (rec->len < sizeof *s || s->size > rec->len - sizeof *s)
		pm_buf_cstr(&t->out, "of an impossible size");
	else
		pm_quote(&t->out, (struct pm_str){ s->text, s->size });
}

static void text_series(struct tsdb__text *t, const struct tsdb_rec *rec)
{
	const struct tsdb_series_rec *s = (const void *)rec;
	if (rec->len < sizeof *s || rec->small * sizeof s->labels[0] > rec->len - sizeof *s) {
		pm_buf_cstr(&t->out, "series of an impossible size");
		return;
	}
	pm_buf_fmt(&t->out, "series %" PRIu32 ", home %" PRIu32 " {", s->sid, s->home);
	for (uint32_t i = 0; i < rec->small; i++) {
		pm_buf_cstr(&t->out, i ? ", " : "");
		quoted_symbol(t, s->labels[i].name);
		pm_buf_char(&t->out, '=');
		quoted_symbol(t, s->labels[i].value);
	}
	pm_buf_char(&t->out, '}');
}

static void text_metadata(struct tsdb__text *t, const struct tsdb_rec *rec)
{
	static const char *const names[] = { "metadata of ", ": type ", ", help ", ", unit " };
	const struct tsdb_metadata_rec *m = (const void *)rec;
	if (rec->len < sizeof *m) {
		pm_buf_cstr(&t->out, "metadata of an impossible size");
		return;
	}
	const uint32_t symbols[] = { m->metric, m->type, m->help, m->unit };
	for (int i = 0; i < 4; i++) {
		if (!symbols[i])
			continue;
		pm_buf_cstr(&t->out, names[i]);
		quoted_symbol(t, symbols[i]);
	}
}

static int text_ids(struct tsdb__text *t, const struct tsdb__view_file *f)
{
	uint64_t end = tsdb__view_readable(f);
	int stop = 0;
	for (uint64_t off = sizeof(struct tsdb_file_head); off + 4 <= end && stop == 0; off += 4) {
		uint32_t where;
		memcpy(&where, f->map + off, sizeof where);
		if (where)
			pm_buf_fmt(&t->out, "%10" PRIu64 "  series %" PRIu64 " at %" PRIu64 "\n", off,
				(off - sizeof(struct tsdb_file_head)) / 4, (uint64_t)where * 8);
		stop = tsdb__text_flush(t, PIECE);
	}
	return stop;
}

/* The slots; a byte for each follows in the file. */
static int text_slots(struct tsdb__text *t, const struct tsdb__view_file *f)
{
	const uint64_t *words = (const void *)(f->map + sizeof(struct tsdb_file_head));
	uint64_t count = ((const struct tsdb_file_head *)(const void *)f->map)->slot_count;
	uint64_t room = (f->size - sizeof(struct tsdb_file_head)) / sizeof *words;
	int stop = 0;
	for (uint64_t at = 0; at < count && at < room && stop == 0; at++) {
		uint64_t word = __atomic_load_n(&words[at], __ATOMIC_RELAXED);
		if (word)
			pm_buf_fmt(&t->out, "%10" PRIu64 "  tag %08" PRIx64 " -> %" PRIu32 "\n",
				sizeof(struct tsdb_file_head) + at * sizeof word, word >> 32, (uint32_t)word - 1);
		stop = tsdb__text_flush(t, PIECE);
	}
	return stop;
}

/* ---- layouts and postings ---- */

static void text_family(struct tsdb__text *t, const struct tsdb_rec *rec)
{
	const struct tsdb_family *f = (const void *)rec;
	if (rec->len < sizeof *f || f->key_size > rec->len - sizeof *f) {
		pm_buf_cstr(&t->out, "family of an impossible size");
		return;
	}
	pm_buf_fmt(&t->out, "family %" PRIu32 " ", f->id);
	pm_quote(&t->out, (struct pm_str){ f->key, f->key_size });
}

static void text_block(struct tsdb__text *t, uint64_t off)
{
	struct tsdb__block_view b;
	if (tsdb__block(&t->layouts, off, &b) < 0) {
		pm_buf_cstr(&t->out, "block of an impossible size");
		return;
	}
	pm_buf_fmt(&t->out, "block of %" PRIu32 " entries, %" PRIu32 " series:", b.entry_count, b.series_count);
	for (uint32_t i = 0; i < b.entry_count; i++) {
		uint32_t ref = b.entries ? b.entries[i].ref : b.entry_sids[i];
		if (ref == PM_REF_DROPPED || ref == PM_REF_DOUBLE || pm_ref_is_comment(ref))
			pm_buf_cstr(&t->out, ref == PM_REF_DROPPED  ? " dropped"
					     : ref == PM_REF_DOUBLE ? " double"
								    : " #");
		else
			pm_buf_fmt(&t->out, " %" PRIu32, ref);
	}
}

static void text_version(struct tsdb__text *t, uint64_t off)
{
	const struct tsdb_version *v = tsdb__version(&t->layouts, off);
	if (!v) {
		pm_buf_cstr(&t->out, "version of an impossible size");
		return;
	}
	pm_buf_fmt(&t->out,
		"version of family %" PRIu32 ", %" PRIu32 " entries, %" PRIu32 " series, before it %" PRIu64
		", blocks at",
		v->family, v->entry_count, v->series_count, v->previous);
	for (uint32_t i = 0; i < v->block_count; i++)
		pm_buf_fmt(&t->out, " %" PRIu64, v->blocks[i].off);
}

static void text_run(struct tsdb__text *t, uint64_t off)
{
	const struct tsdb_run *run = tsdb__run(&t->postings, off);
	if (!run) {
		pm_buf_cstr(&t->out, "run of an impossible size");
		return;
	}
	pm_buf_fmt(&t->out, "run of series %" PRIu32 " to %" PRIu32 ", %" PRIu32 " pairs, %" PRIu32 " ids",
		run->sid_from, run->sid_to, run->pair_count, run->sid_count);
	for (uint32_t i = 0; i < run->pair_count; i++) {
		uint32_t count;
		const uint32_t *sids = tsdb__run_sids(run, &run->pairs[i], &count);
		pm_buf_cstr(&t->out, "\n            ");
		quoted_symbol(t, run->pairs[i].name);
		pm_buf_char(&t->out, '=');
		quoted_symbol(t, run->pairs[i].value);
		for (uint32_t s = 0; s < count; s++)
			pm_buf_fmt(&t->out, " %" PRIu32, sids[s]);
	}
}

static void text_runs(struct tsdb__text *t, uint64_t off)
{
	const struct tsdb_runs *runs = tsdb__runs(&t->postings, off);
	pm_buf_cstr(&t->out, runs ? "list of runs at" : "list of runs of an impossible size");
	for (uint32_t i = 0; runs && i < runs->run_count; i++)
		pm_buf_fmt(&t->out, " %" PRIu64, runs->off[i]);
}

/* ---- files ---- */

static void text_one(struct tsdb__text *t, const struct tsdb__view_file *f, uint64_t off, const struct tsdb_rec *rec)
{
	if (f->kind == TSDB_FILE_LOG) {
		tsdb__text_log(t, f, off, rec);
		return;
	}
	switch (rec->kind) {
	case TSDB_REC_SYMBOL:
		text_symbol(t, rec);
		break;
	case TSDB_REC_SERIES:
		text_series(t, rec);
		break;
	case TSDB_REC_METADATA:
		text_metadata(t, rec);
		break;
	case TSDB_REC_FAMILY:
		text_family(t, rec);
		break;
	case TSDB_REC_BLOCK:
		text_block(t, off);
		break;
	case TSDB_REC_VERSION:
		text_version(t, off);
		break;
	case TSDB_REC_RUN:
		text_run(t, off);
		break;
	case TSDB_REC_RUNS:
		text_runs(t, off);
		break;
	default:
		pm_buf_fmt(&t->out, "record of kind %u, %" PRIu32 " bytes", rec->kind, rec->len);
	}
}

static int text_records(struct tsdb__text *t, const struct tsdb__view_file *f)
{
	struct tsdb__walk w;
	const struct tsdb_rec *rec;
	const char *what;
	int rc, stop = 0;
	tsdb__walk_begin(&w, f->map, tsdb__view_readable(f), f->kind, t->view.rec.generation, f->number);
	while (stop == 0 && (rc = tsdb__walk_next(&w, &rec, &what)) != 0) {
		pm_buf_fmt(&t->out, "%10" PRIu64 "  ", w.at);
		if (rc < 0)
			pm_buf_fmt(&t->out, "DAMAGED: %s", what);
		else
			text_one(t, f, w.at, rec);
		pm_buf_char(&t->out, '\n');
		stop = tsdb__text_flush(t, PIECE);
	}
	return stop;
}

static int text_file(struct tsdb__text *t, const struct tsdb__view_file *f)
{
	pm_buf_fmt(&t->out, "%s: %" PRIu64 " bytes%s\n", f->name, f->end,
		f->missing         ? ", but the file is missing"
		: f->size < f->end ? ", but the file ends early"
				   : "");
	if (f->missing || f->size < sizeof(struct tsdb_file_head))
		return tsdb__text_flush(t, PIECE);
	if (f->kind == TSDB_FILE_MANIFEST) {
		tsdb__text_manifest(t);
		return tsdb__text_flush(t, PIECE);
	}
	if (f->kind == TSDB_FILE_SEGMENT)
		return tsdb__text_segment(t, f->number);
	if (f->kind == TSDB_FILE_IDS)
		return text_ids(t, f);
	return f->kind == TSDB_FILE_SLOTS ? text_slots(t, f) : text_records(t, f);
}

static struct tsdb__bytes bytes_of(const struct tsdb__view *v, size_t i)
{
	const struct tsdb__view_file *f = &v->files[i];
	return f->size < sizeof(struct tsdb_file_head) ? (struct tsdb__bytes){ 0 } : tsdb__view_bytes(f);
}

static int text_files(struct tsdb__text *t, const char *file, struct pm_error *err)
{
	struct tsdb__view *v = &t->view;
	bool any = !file || strcmp(file, "meta") == 0;
	int stop = 0;
	t->catalog = bytes_of(v, TSDB_VIEW_CATALOG);
	t->layouts = bytes_of(v, TSDB_VIEW_LAYOUTS);
	t->postings = bytes_of(v, TSDB_VIEW_POSTINGS);
	if (any)
		text_meta(t);
	for (size_t i = 0; i < v->count && stop == 0; i++) {
		if (file && strcmp(file, v->files[i].name) != 0)
			continue;
		any = true;
		stop = text_file(t, &v->files[i]);
	}
	if (stop == 0 && !any)
		return pm_fail(err, PM_ERR_NOTFOUND, "%s: none of the store's files", file);
	return stop ? stop : tsdb__text_flush(t, 0);
}

int tsdb_files_text(const char *dir, const char *file, tsdb_text_fn *fn, void *arg, struct pm_error *err)
{
	struct tsdb__text t = { .fn = fn, .arg = arg };
	int rc = tsdb__view_open(&t.view, AT_FDCWD, dir, err);
	if (rc == 0)
		rc = text_files(&t, file, err);
	if (rc == PM_ERR_NOMEM)
		pm_fail(err, rc, "out of memory");
	tsdb__view_release(&t.view);
	pm_buf_release(&t.out);
	return rc;
}
