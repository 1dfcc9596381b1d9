/* series.c - the records of series: labels that share their beginning with the series before, and lists of chunks. */
#include "libtsdb/base/mem.h"
#include "libtsdb/segment/segment.h"

void tsdb__series_cursor_release(struct tsdb__series_cursor *c)
{
	pm_free(c->pairs);
}

static int damaged(const struct tsdb__series_cursor *c, struct pm_error *err)
{
	return tsdb__segment_corrupt(c->segment, (uint64_t)(c->bytes.ptr - c->segment->map), "not a series", err);
}

/* To the beginning of the block that has this series. */
static int seek_block(struct tsdb__series_cursor *c, uint32_t series, struct pm_error *err)
{
	const struct tsdb__segment *s = c->segment;
	uint64_t off = s->footer->section[TSDB_SECTION_BLOCKS].off + series / TSDB_SERIES_BLOCK * sizeof(uint64_t);
	const uint64_t *at = tsdb__segment_at(s, off, 2 * sizeof *at, err);
	const uint8_t *bytes;
	if (!at)
		return PM_ERR_CORRUPT;
	if (at[0] > at[1])
		return tsdb__segment_corrupt(s, off, "blocks of series out of order", err);
	if (!(bytes = tsdb__segment_at(s, at[0], at[1] - at[0], err)))
		return PM_ERR_CORRUPT;
	c->bytes = (struct tsdb__cursor){ bytes, bytes + (at[1] - at[0]), false };
	c->next = series - series % TSDB_SERIES_BLOCK;
	c->pair_count = 0;
	return 0;
}

static int read_series(struct tsdb__series_cursor *c, struct tsdb__series_view *ret, struct pm_error *err)
{
	size_t shared = tsdb__get_below(&c->bytes, c->pair_count);
	size_t more = tsdb__get_below(&c->bytes, TSDB_SERIES_LABELS_MAX);
	if (c->bytes.bad)
		return damaged(c, err);
	if (pm_grow(&c->pairs, &c->pair_cap, shared + more + 1) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < more; i++) {
		c->pairs[shared + i].name = (uint32_t)tsdb__get_below(&c->bytes, UINT32_MAX);
		c->pairs[shared + i].value = (uint32_t)tsdb__get_below(&c->bytes, UINT32_MAX);
	}
	c->pair_count = shared + more;
	size_t len = tsdb__get_varint(&c->bytes);
	if (c->bytes.bad || len > (size_t)(c->bytes.end - c->bytes.ptr) || c->pair_count > TSDB_SERIES_LABELS_MAX)
		return damaged(c, err);
	*ret = (struct tsdb__series_view){ c->pairs, c->pair_count, { c->bytes.ptr, c->bytes.ptr + len, false } };
	c->bytes.ptr += len;
	c->next++;
	return 0;
}

int tsdb__series_at(
	struct tsdb__series_cursor *c, uint32_t series, struct tsdb__series_view *ret, struct pm_error *err)
{
	uint32_t block = series / TSDB_SERIES_BLOCK;
	int rc = 0;
	if (series >= c->segment->footer->series_count)
		return tsdb__segment_corrupt(c->segment, 0, "no such series", err);
	if (!c->bytes.ptr || series < c->next || block != c->next / TSDB_SERIES_BLOCK ||
		c->next % TSDB_SERIES_BLOCK == 0)
		rc = seek_block(c, series, err);
	while (rc == 0 && c->next <= series)
		rc = read_series(c, ret, err);
	if (rc < 0)
		c->bytes.ptr = NULL;
	return rc;
}

int tsdb__series_labels(const struct tsdb__segment *s, const struct tsdb__series_view *v, struct pm_arena *arena,
	struct pm_labels *ret, struct pm_error *err)
{
	struct pm_label *l = pm_arena_array(arena, v->pair_count + 1, sizeof *l);
	if (!l)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < v->pair_count; i++) {
		l[i].name = tsdb__segment_symbol(s, v->pairs[i].name, err);
		l[i].value = tsdb__segment_symbol(s, v->pairs[i].value, err);
		if (!l[i].name.ptr || !l[i].value.ptr)
			return PM_ERR_CORRUPT;
	}
	*ret = (struct pm_labels){ l, v->pair_count };
	return 0;
}

static const struct tsdb_time_column *time_column(const struct tsdb__segment *s, uint32_t i, struct pm_error *err)
{
	if (i >= s->time_count) {
		tsdb__segment_corrupt(s, s->footer->section[TSDB_SECTION_TIMES].off, "no such column of times", err);
		return NULL;
	}
	return tsdb__segment_at(s, s->footer->section[TSDB_SECTION_TIMES].off + i * sizeof(struct tsdb_time_column),
		sizeof(struct tsdb_time_column), err);
}

int tsdb__chunk_next(
	const struct tsdb__segment *s, struct tsdb__cursor *list, struct tsdb__chunk_ref *c, struct pm_error *err)
{
	uint64_t at = (uint64_t)(list->ptr - s->map);
	double stats[2] = { 0, 0 };
	if (list->ptr == list->end)
		return 0;
	c->flags = *list->ptr++;
	c->time = (uint32_t)tsdb__get_below(list, UINT32_MAX);
	c->starts = c->flags & TSDB_CHUNK_STARTS ? (uint32_t)tsdb__get_below(list, UINT32_MAX) : 0;
	c->off = c->end + tsdb__get_varint(list);
	c->len = (uint32_t)tsdb__get_below(list, UINT32_MAX);
	if (c->flags & TSDB_CHUNK_STATS)
		tsdb__get_bytes(list, stats, sizeof stats);
	if (list->bad)
		return tsdb__segment_corrupt(s, at, "not a list of chunks", err);
	c->min = stats[0];
	c->max = stats[1];
	c->end = c->off + c->len;
	c->column = time_column(s, c->time, err);
	if (!c->column)
		return PM_ERR_CORRUPT;
	if (c->column->count == 0 || c->column->count > TSDB_CHUNK_MAX)
		return tsdb__segment_corrupt(s, at, "a chunk of an impossible length", err);
	return 1;
}
