/* files_log.c - records of the log as text: rows with all their values. */
#include "libtsdb/head/exemplars.h"
#include "libtsdb/inspect/files.h"

#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <inttypes.h>

static void text_value(struct pm_buf *out, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];
	if (pm_is_stale(v))
		pm_buf_cstr(out, "stale");
	else
		pm_buf_add(out, text, pm_double_format_g(text, v));
}

static void text_position(struct pm_buf *out, uint64_t pos)
{
	pm_buf_fmt(out, "%" PRIu64 ":%" PRIu64, pos >> TSDB_LOG_SHIFT, pos & (TSDB_LOG_FILE_SIZE - 1));
}

static void text_span(struct pm_buf *out, const struct tsdb_row *row)
{
	pm_buf_fmt(out, ", times %" PRId64 " to %" PRId64 ", before it ", row->min_ms, row->max_ms);
	text_position(out, row->previous);
	pm_buf_char(out, ':');
}

/* Value i of a row or batch, with what belongs to it. */
static void text_sample(struct pm_buf *out, double v, const int64_t *t_ms, const int64_t *st_ms, bool histogram)
{
	pm_buf_char(out, ' ');
	if (histogram)
		pm_buf_fmt(out, "histogram@%" PRIu64, pm_double_bits(v));
	else
		text_value(out, v);
	if (t_ms)
		pm_buf_fmt(out, "@%" PRId64, *t_ms);
	if (st_ms && *st_ms)
		pm_buf_fmt(out, "<%" PRId64, *st_ms);
}

static void text_row(struct pm_buf *out, const struct tsdb_row *row)
{
	struct tsdb__row_view v = tsdb__row_view(row);
	pm_buf_fmt(out, "row of family %" PRIu32 " at %" PRId64 ", version %" PRIu64 ", %" PRIu32 " of %" PRIu32,
		row->family, row->t_ms, row->version, row->present, row->width);
	text_span(out, row);
	for (uint32_t i = 0; i < row->width; i++) {
		int64_t at = tsdb__row_index(&v, i);
		if (at < 0 || at >= row->present)
			pm_buf_cstr(out, " -");
		else
			text_sample(out, v.values[at], v.times ? &v.times[at] : NULL, v.starts ? &v.starts[at] : NULL,
				tsdb__bit(v.hists, (uint64_t)at));
	}
}

static void text_batch(struct pm_buf *out, const struct tsdb_row *row)
{
	struct tsdb__batch_view v = tsdb__batch_view(row);
	pm_buf_fmt(out, "batch of %" PRIu32 " series, %" PRIu64 " samples", row->width, row->version);
	text_span(out, row);
	for (uint32_t i = 0; i < row->width; i++) {
		pm_buf_fmt(out, "\n            series %" PRIu32 ":", v.sids[i]);
		for (uint32_t s = v.first[i]; s < v.first[i + 1] && s < row->version; s++)
			text_sample(
				out, v.values[s], &v.times[s], v.starts ? &v.starts[s] : NULL, tsdb__bit(v.hists, s));
	}
}

static void text_exemplars(struct pm_buf *out, const struct tsdb_row *row)
{
	struct pm_label labels[TSDB_EXEMPLAR_LABELS_MAX];
	const struct tsdb_exemplar_rec *e;
	size_t off = 0;
	pm_buf_fmt(out, "exemplars, %" PRIu32, row->width);
	text_span(out, row);
	for (uint32_t i = 0; i < row->width && (e = tsdb__exemplars_next(row, &off)); i++) {
		pm_buf_fmt(out, "\n            series %" PRIu32 ": ", e->sid);
		text_value(out, e->v);
		pm_buf_fmt(out, "@%" PRId64 " {", e->t_ms);
		if (e->label_count > TSDB_EXEMPLAR_LABELS_MAX || tsdb__exemplar_labels(e, labels) < 0) {
			pm_buf_cstr(out, "DAMAGED}");
			continue;
		}
		for (uint32_t l = 0; l < e->label_count; l++) {
			pm_buf_cstr(out, l ? ", " : "");
			pm_quote(out, labels[l].name);
			pm_buf_char(out, '=');
			pm_quote(out, labels[l].value);
		}
		pm_buf_char(out, '}');
	}
}

static void text_heads(struct pm_buf *out, const struct tsdb_rec *rec)
{
	const struct tsdb_heads *heads = (const void *)rec;
	uint64_t room = rec->len < sizeof *heads ? 0 : (rec->len - sizeof *heads) / sizeof heads->last[0];
	pm_buf_fmt(out, "heads of %" PRIu32 " families:", heads->family_count);
	for (uint64_t i = 0; i < heads->family_count && i < room; i++) {
		pm_buf_char(out, ' ');
		text_position(out, heads->last[i]);
	}
}

static void text_commit(struct pm_buf *out, const struct tsdb_rec *rec)
{
	const struct tsdb_commit *c = (const void *)rec;
	if (rec->len < sizeof *c) {
		pm_buf_cstr(out, "commit of an impossible size");
		return;
	}
	pm_buf_fmt(out,
		"commit %" PRIu64 ": %" PRIu64 " samples, %" PRIu32 " series, catalog %" PRIu64 ", layouts %" PRIu64,
		c->txn, c->sample_count, c->series_count, c->catalog_len, c->layouts_len);
}

/* A row whose sizes agree with its length: looked at alone, its file as the whole log. */
static const struct tsdb_row *sound_row(const struct tsdb__view_file *f, uint64_t off)
{
	const uint8_t *log = f->map;
	struct tsdb__head one = { .logs = &log, .log_base = f->number };
	uint64_t start = f->number << TSDB_LOG_SHIFT;
	return tsdb__row_at(&one, start + off, start + tsdb__view_readable(f));
}

void tsdb__text_log(struct tsdb__text *t, const struct tsdb__view_file *f, uint64_t off, const struct tsdb_rec *rec)
{
	struct pm_buf *out = &t->out;
	const struct tsdb_row *row;
	switch (rec->kind) {
	case TSDB_REC_ROW:
	case TSDB_REC_BATCH:
	case TSDB_REC_EXEMPLARS:
		row = sound_row(f, off);
		if (!row)
			pm_buf_cstr(out, "row of an impossible size");
		else if (rec->kind == TSDB_REC_ROW)
			text_row(out, row);
		else if (rec->kind == TSDB_REC_EXEMPLARS)
			text_exemplars(out, row);
		else
			text_batch(out, row);
		break;
	case TSDB_REC_HEADS:
		text_heads(out, rec);
		break;
	case TSDB_REC_COMMIT:
		text_commit(out, rec);
		break;
	case TSDB_REC_PAD:
		pm_buf_cstr(out, "nothing, to the end of the file");
		break;
	default:
		pm_buf_fmt(out, "record of kind %u, %" PRIu32 " bytes", rec->kind, rec->len);
	}
}
