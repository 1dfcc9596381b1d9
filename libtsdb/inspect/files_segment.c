/* files_segment.c - manifests and segments as text: series with their chunks. */
#include "libtsdb/column/column.h"
#include "libtsdb/inspect/files.h"
#include "libtsdb/segment/segment.h"

#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <inttypes.h>

static void text_info(struct pm_buf *out, const struct tsdb__segment_info *i)
{
	pm_buf_fmt(out,
		"level %" PRIu32 ", order %" PRIu64 ", %" PRIu32 " series, %" PRIu64 " samples, %" PRIu64
		" bytes, times %" PRId64 " to %" PRId64 "\n",
		i->level, i->order, i->series_count, i->sample_count, i->size, i->min_ms, i->max_ms);
}

static void text_tombstone(struct pm_buf *out, const struct tsdb__tombstone *t)
{
	static const char *const types[] = { "=", "!=", "=~", "!~" };
	pm_buf_fmt(out, "  deleted from %" PRId64 " to %" PRId64 " in segments below %" PRIu64 ": {", t->min_ms,
		t->max_ms, t->before);
	for (uint32_t i = 0; i < t->matcher_count; i++) {
		pm_buf_cstr(out, i ? ", " : "");
		pm_quote(out, t->matchers[i].name);
		pm_buf_cstr(out, types[t->matchers[i].type]);
		pm_quote(out, t->matchers[i].value);
	}
	pm_buf_cstr(out, "}\n");
}

void tsdb__text_manifest(struct tsdb__text *t)
{
	const struct tsdb__manifest *m = t->view.manifest;
	struct pm_buf *out = &t->out;
	if (!m) {
		pm_buf_fmt(out, "  DAMAGED: %s\n", t->view.manifest_error.msg);
		return;
	}
	pm_buf_fmt(out, "  %zu segments, the next is %" PRIu64 "\n", m->count, m->next_segment);
	for (size_t i = 0; i < m->count; i++) {
		pm_buf_fmt(out, "  segment %" PRIu64 ": ", m->v[i].info.number);
		text_info(out, &m->v[i].info);
	}
	for (size_t i = 0; i < m->tombstone_count; i++)
		text_tombstone(out, &m->tombstones[i]);
}

/* ---- segments ----------------------------------------------------------------------------------- */

static void text_chunk(struct pm_buf *out, const struct tsdb__segment *s, const struct tsdb__chunk_ref *c)
{
	const uint8_t *p = tsdb__segment_at(s, c->off, c->len, NULL);
	struct tsdb__column column;
	const char *name = "histograms";
	char text[PM_DOUBLE_TEXT_MAX];
	if (!(c->flags & TSDB_CHUNK_HISTOGRAM))
		name = p && tsdb__column_open(&column, p, c->len, NULL) == 0 ? tsdb__column_encoding(&column)
									     : "DAMAGED";
	pm_buf_fmt(out, "            chunk at %" PRIu64 ", %" PRIu32 " bytes, %" PRIu32 " samples, %s, times %" PRIu32,
		c->off, c->len, c->column->count, name, c->time);
	if (c->flags & TSDB_CHUNK_STARTS)
		pm_buf_fmt(out, ", starts %" PRIu32, c->starts);
	if (c->flags & TSDB_CHUNK_STATS) {
		pm_buf_cstr(out, ", from ");
		pm_buf_add(out, text, pm_double_format_g(text, c->min));
		pm_buf_cstr(out, " to ");
		pm_buf_add(out, text, pm_double_format_g(text, c->max));
	}
	pm_buf_char(out, '\n');
}

static int text_series(struct tsdb__text *t, const struct tsdb__segment *s, struct tsdb__series_view *v, uint32_t i)
{
	struct tsdb__chunk_ref c = { 0 };
	struct pm_error err = { 0 };
	pm_buf_fmt(&t->out, "%10" PRIu32 "  {", i);
	for (size_t p = 0; p < v->pair_count; p++) {
		pm_buf_cstr(&t->out, p ? ", " : "");
		pm_quote(&t->out, tsdb__segment_symbol(s, v->pairs[p].name, NULL));
		pm_buf_char(&t->out, '=');
		pm_quote(&t->out, tsdb__segment_symbol(s, v->pairs[p].value, NULL));
	}
	pm_buf_cstr(&t->out, "}\n");
	int rc;
	while ((rc = tsdb__chunk_next(s, &v->chunks, &c, &err)) > 0)
		text_chunk(&t->out, s, &c);
	if (rc < 0)
		pm_buf_fmt(&t->out, "            DAMAGED: %s\n", err.msg);
	return tsdb__text_flush(t, 1 << 16);
}

static int text_open(struct tsdb__text *t, const struct tsdb__segment *s)
{
	static const char *const sections[TSDB_SECTION_COUNT] = { [TSDB_SECTION_DATA] = "data",
		[TSDB_SECTION_TIMES] = "times",
		[TSDB_SECTION_SYMBOLS] = "symbols",
		[TSDB_SECTION_SERIES] = "series",
		[TSDB_SECTION_BLOCKS] = "blocks",
		[TSDB_SECTION_LISTS] = "lists",
		[TSDB_SECTION_PAIRS] = "pairs",
		[TSDB_SECTION_CHECKSUMS] = "checksums" };
	struct tsdb__series_cursor cursor = { .segment = s };
	struct tsdb__segment_info info;
	struct tsdb__series_view v;
	struct pm_error err = { 0 };
	int stop = 0;
	tsdb__segment_info_of(s, &info);
	pm_buf_cstr(&t->out, "  ");
	text_info(&t->out, &info);
	for (int i = 0; i < TSDB_SECTION_COUNT; i++)
		pm_buf_fmt(&t->out, "%10" PRIu64 "  %s, %" PRIu64 " bytes\n", s->footer->section[i].off, sections[i],
			s->footer->section[i].len);
	for (uint32_t i = 0; i < s->footer->series_count && stop == 0; i++) {
		int rc = tsdb__series_at(&cursor, i, &v, &err);
		if (rc == 0)
			stop = text_series(t, s, &v, i);
		else
			pm_buf_fmt(&t->out, "%10" PRIu32 "  DAMAGED: %s\n", i, err.msg);
	}
	tsdb__series_cursor_release(&cursor);
	return stop;
}

int tsdb__text_segment(struct tsdb__text *t, uint64_t number)
{
	struct tsdb__segment *s;
	struct pm_error err = { 0 };
	int stop;
	if (tsdb__segment_open(t->view.dirfd, number, NULL, &s, &err) < 0) {
		pm_buf_fmt(&t->out, "  DAMAGED: %s\n", err.msg);
		return tsdb__text_flush(t, 0);
	}
	stop = text_open(t, s);
	tsdb__segment_unref(s);
	return stop;
}
