/* verify_log.c - the log: rows lie in layouts that are there, and in chains that lead back. */
#include "libtsdb/base/arena.h"
#include "libtsdb/head/exemplars.h"
#include "libtsdb/inspect/verify.h"

/* Values that stand for histograms stand for sound ones. Positions are below `count`. */
static const char *histograms_damage(
	const struct tsdb_row *row, const uint64_t *hists, const double *values, uint64_t count)
{
	struct pm_arena arena = { 0 };
	const struct pm_histogram *h;
	const char *what = NULL;
	for (uint64_t i = 0; i < count && hists && !what; i++) {
		if (!tsdb__bit(hists, i))
			continue;
		if (tsdb__hist_get(row, values[i], &arena, &h) < 0)
			what = "a histogram that is none";
		pm_arena_reset(&arena);
	}
	pm_arena_release(&arena);
	return what;
}

static const char *exemplars_damage(const struct tsdb__verify *k, const struct tsdb_row *row)
{
	struct tsdb__exemplar_view v;
	size_t off = 0;
	for (uint32_t i = 0; i < row->width; i++) {
		if (!tsdb__exemplars_read(row, &off, &v))
			return "an exemplar that is none";
		if (v.e->sid >= k->view.rec.sid_end)
			return "an exemplar of a series that is not there";
	}
	return NULL;
}

static const char *row_damage(const struct tsdb__verify *k, const struct tsdb_row *row)
{
	struct tsdb__row_view view = tsdb__row_view(row);
	const char *what = histograms_damage(row, view.hists, view.values, row->present);
	const struct tsdb_version *v;
	if (what || !k->layouts.map)
		return what;
	v = tsdb__version(&k->layouts, row->version);
	if (!v)
		return "a row whose layout is not there";
	if (v->series_count != row->width || v->family != row->family)
		return "a row of another width or family than its layout";
	return NULL;
}

static const char *batch_damage(const struct tsdb__verify *k, const struct tsdb_row *row)
{
	struct tsdb__batch_view b = tsdb__batch_view(row);
	if (b.first[0] != 0 || b.first[row->width] != row->version)
		return "a batch whose samples do not add up";
	for (uint32_t i = 0; i < row->width; i++) {
		if (b.sids[i] >= k->view.rec.sid_end || (i && b.sids[i - 1] >= b.sids[i]) ||
			b.first[i] > b.first[i + 1] || b.first[i + 1] > row->version)
			return "a batch whose series are out of order";
		for (uint32_t s = b.first[i]; s < b.first[i + 1]; s++)
			if (b.times[s] < row->min_ms || b.times[s] > row->max_ms ||
				(s > b.first[i] && b.times[s - 1] > b.times[s]))
				return "a batch whose times are out of order";
	}
	return histograms_damage(row, b.hists, b.values, row->version);
}

/* Rows and batches, whose chain leads from the newest of a family back. */
static const char *chained_damage(const struct tsdb__verify *k, uint64_t pos, const struct tsdb_rec *rec)
{
	const struct tsdb_row *row = tsdb__row_at(&k->logs, pos, k->view.rec.log_end);
	if (!row)
		return "a row of an impossible size";
	if (row->family >= k->view.rec.family_count)
		return "a row of an unknown family";
	if (row->previous >= pos)
		return "a row whose chain leads ahead";
	if (rec->kind == TSDB_REC_EXEMPLARS)
		return exemplars_damage(k, row);
	return rec->kind == TSDB_REC_ROW ? row_damage(k, row) : batch_damage(k, row);
}

static const char *heads_damage(const struct tsdb__verify *k, uint64_t pos, const struct tsdb_rec *rec)
{
	const struct tsdb_heads *heads = (const void *)rec;
	if (rec->len < sizeof *heads || heads->family_count > (rec->len - sizeof *heads) / sizeof heads->last[0])
		return "a table of heads of an impossible size";
	for (uint32_t i = 0; i < heads->family_count; i++)
		if (heads->last[i] >= pos)
			return "a table of heads that points ahead";
	return NULL;
}

static const char *commit_damage(const struct tsdb__verify *k, const struct tsdb_rec *rec)
{
	const struct tsdb_commit *c = (const void *)rec;
	const struct tsdb_record *r = &k->view.rec;
	if (rec->len < sizeof *c)
		return "a commit record that is too short";
	if (c->txn > r->txn_count || c->catalog_len > r->catalog_len || c->layouts_len > r->layouts_len ||
		c->sid_end > r->sid_end || c->family_count > r->family_count)
		return "a commit record of more than the meta page knows";
	return NULL;
}

static int check_log(struct tsdb__verify *k, const struct tsdb__view_file *f, uint64_t off, const struct tsdb_rec *rec)
{
	uint64_t pos = (f->number << TSDB_LOG_SHIFT) + off;
	const char *what = NULL;
	/* Rows of a file that was cut are told of as a whole. */
	bool chained = rec->kind == TSDB_REC_ROW || rec->kind == TSDB_REC_BATCH || rec->kind == TSDB_REC_EXEMPLARS;
	if (chained && f->size >= TSDB_LOG_FILE_SIZE)
		what = chained_damage(k, pos, rec);
	else if (rec->kind == TSDB_REC_HEADS)
		what = heads_damage(k, pos, rec);
	else if (rec->kind == TSDB_REC_COMMIT)
		what = commit_damage(k, rec);
	return what ? tsdb__damaged(k, f, off, what) : 0;
}

int tsdb__verify_log(struct tsdb__verify *k, const struct tsdb__view_file *f)
{
	return tsdb__verify_records(k, f, check_log);
}
