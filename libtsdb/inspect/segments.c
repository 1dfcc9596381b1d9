/* segments.c - what segments are made of, and whether what their checksums cover makes sense. */
#include "libtsdb/inspect/segments.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/column/column.h"

/* ---- sorts -------------------------------------------------------------------------------------- */

void tsdb__part_add(struct tsdb_part *p, const char *name, uint64_t bytes, uint64_t count, uint64_t samples)
{
	size_t i = 0;
	while (i < p->sort_count && strcmp(p->sorts[i].name, name) != 0)
		i++;
	if (i == TSDB_SORTS_MAX)
		return;
	if (i == p->sort_count)
		p->sorts[p->sort_count++] = (struct tsdb_sort){ .name = name };
	p->sorts[i].bytes += bytes;
	p->sorts[i].count += count;
	p->sorts[i].samples += samples;
}

static int add_chunk(
	const struct tsdb__segment *s, const struct tsdb__chunk_ref *c, struct tsdb_part *ret, struct pm_error *err)
{
	const uint8_t *p = tsdb__segment_at(s, c->off, c->len, err);
	struct tsdb__column column;
	const char *name = "histograms";
	if (!p)
		return PM_ERR_CORRUPT;
	if (!(c->flags & TSDB_CHUNK_HISTOGRAM)) {
		if (tsdb__column_open(&column, p, c->len, NULL) < 0)
			return tsdb__segment_corrupt(s, c->off, "not a column of values", err);
		name = tsdb__column_encoding(&column);
	}
	tsdb__part_add(ret, name, c->len, 1, c->column->count);
	return 0;
}

static int add_series(
	const struct tsdb__segment *s, struct tsdb__series_view *v, struct tsdb_part *ret, struct pm_error *err)
{
	struct tsdb__chunk_ref c = { 0 };
	int rc;
	while ((rc = tsdb__chunk_next(s, &v->chunks, &c, err)) > 0)
		if ((rc = add_chunk(s, &c, ret, err)) < 0)
			return rc;
	return rc;
}

static uint64_t section_len(const struct tsdb__segment *s, enum tsdb_section i)
{
	return s->footer->section[i].len;
}

/* What the data section has beside values are columns of times. */
static void add_sections(const struct tsdb__segment *s, uint64_t values, struct tsdb_part *ret)
{
	uint64_t data = section_len(s, TSDB_SECTION_DATA), sections = 0;
	for (int i = 0; i < TSDB_SECTION_COUNT; i++)
		sections += section_len(s, i);
	tsdb__part_add(ret, "times", section_len(s, TSDB_SECTION_TIMES) + (data > values ? data - values : 0),
		s->time_count, 0);
	tsdb__part_add(ret, "series", section_len(s, TSDB_SECTION_SERIES) + section_len(s, TSDB_SECTION_BLOCKS), 1, 0);
	tsdb__part_add(ret, "symbols", section_len(s, TSDB_SECTION_SYMBOLS), 1, 0);
	tsdb__part_add(ret, "postings", section_len(s, TSDB_SECTION_LISTS) + section_len(s, TSDB_SECTION_PAIRS), 1, 0);
	tsdb__part_add(ret, "checksums", section_len(s, TSDB_SECTION_CHECKSUMS) + s->size - sections, 1, 0);
}

int tsdb__segment_sorts(const struct tsdb__segment *s, struct tsdb_part *ret, struct pm_error *err)
{
	struct tsdb__series_cursor cursor = { .segment = s };
	struct tsdb__series_view v;
	uint64_t values = 0;
	int rc = 0;
	for (uint32_t i = 0; i < s->footer->series_count && rc == 0; i++)
		if ((rc = tsdb__series_at(&cursor, i, &v, err)) == 0)
			rc = add_series(s, &v, ret, err);
	tsdb__series_cursor_release(&cursor);
	for (size_t i = 0; i < ret->sort_count; i++)
		values += ret->sorts[i].bytes;
	if (rc == 0)
		add_sections(s, values, ret);
	return rc;
}

/* ---- the walk ----------------------------------------------------------------------------------- */

/* What goes from one series to the next: labels are kept in two arenas by turns. */
struct walk {
	struct tsdb__segment *s;
	struct pm_arena arenas[2];
	struct pm_labels before;
	uint64_t samples;
	int64_t min_ms, max_ms;
};

static int wrong(const struct walk *w, const char *what, struct pm_error *err)
{
	return tsdb__segment_corrupt(w->s, w->s->footer->section[TSDB_SECTION_SERIES].off, what, err);
}

static int walk_series(struct walk *w, const struct pm_series *series, struct pm_error *err)
{
	const struct pm_samples *s = &series->samples;
	if (w->before.v && pm_labels_cmp(w->before, series->labels) >= 0)
		return wrong(w, "series out of order", err);
	if (s->count == 0)
		return wrong(w, "a series without a sample", err);
	for (size_t i = 1; i < s->count; i++)
		if (s->t_ms[i - 1] >= s->t_ms[i])
			return wrong(w, "samples out of order", err);
	w->samples += s->count;
	w->min_ms = s->t_ms[0] < w->min_ms ? s->t_ms[0] : w->min_ms;
	w->max_ms = s->t_ms[s->count - 1] > w->max_ms ? s->t_ms[s->count - 1] : w->max_ms;
	w->before = series->labels;
	return 0;
}

static int walk_all(struct walk *w, struct tsdb__segment_reader *r, struct pm_error *err)
{
	const struct tsdb_segment_footer *f = w->s->footer;
	int rc = 0;
	for (uint32_t i = 0; i < f->series_count && rc == 0; i++) {
		struct pm_arena *arena = &w->arenas[i % 2];
		struct pm_series series = { 0 };
		pm_arena_reset(arena);
		if ((rc = tsdb__segment_read(r, i, arena, &series, err)) == 0)
			rc = walk_series(w, &series, err);
	}
	if (rc == 0 && w->samples != f->sample_count)
		return wrong(w, "another number of samples than the footer says", err);
	if (rc == 0 && f->series_count && (w->min_ms != f->min_ms || w->max_ms != f->max_ms))
		return wrong(w, "other times than the footer says", err);
	return rc;
}

int tsdb__segment_walk(struct tsdb__segment *s, struct pm_error *err)
{
	struct walk w = { .s = s, .min_ms = PM_TIME_MAX, .max_ms = PM_TIME_MIN };
	struct tsdb__segment_reader *r;
	int rc = tsdb__segment_reader_new(s, PM_TIME_MIN, PM_TIME_MAX, &r);
	if (rc < 0)
		return pm_fail(err, rc, "out of memory");
	rc = walk_all(&w, r, err);
	tsdb__segment_reader_free(r);
	pm_arena_release(&w.arenas[0]);
	pm_arena_release(&w.arenas[1]);
	return rc;
}
