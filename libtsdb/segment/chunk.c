/* chunk.c - see chunk.h. */
#include "libtsdb/segment/chunk.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/column/column.h"
#include "libtsdb/segment/varint.h"

enum {
	FIXED_COLUMNS = 4, /* count, zero_count, sum, reset_hint */
	CHUNK_CELLS = 1 << 20,
};

static bool spans_eq(const struct pm_span *a, uint32_t na, const struct pm_span *b, uint32_t nb)
{
	return na == nb && (na == 0 || a == b || memcmp(a, b, na * sizeof *a) == 0);
}

static bool same_layout(const struct pm_histogram *a, const struct pm_histogram *b)
{
	return a->schema == b->schema && a->integer == b->integer &&
	       pm_double_bits(a->zero_threshold) == pm_double_bits(b->zero_threshold) &&
	       a->pos_count == b->pos_count && a->neg_count == b->neg_count && a->custom_count == b->custom_count &&
	       spans_eq(a->pos_spans, a->pos_span_count, b->pos_spans, b->pos_span_count) &&
	       spans_eq(a->neg_spans, a->neg_span_count, b->neg_spans, b->neg_span_count) &&
	       (a->custom_count == 0 || memcmp(a->custom, b->custom, a->custom_count * sizeof *a->custom) == 0);
}

/* Samples of a chunk, so that no chunk has more than 1 Mi cells (or one sample). */
static size_t cells_max(const struct pm_histogram *h)
{
	size_t n = CHUNK_CELLS / (FIXED_COLUMNS + (size_t)h->pos_count + h->neg_count);
	return n ? n : 1;
}

size_t tsdb__chunk_run(const struct pm_samples *s, size_t from, size_t to)
{
	size_t i = from + 1;
	if (!s->h)
		return to;
	if (s->h[from] && to - from > cells_max(s->h[from]))
		to = from + cells_max(s->h[from]);
	for (; i < to; i++)
		if (!s->h[i] != !s->h[from] || (s->h[i] && !same_layout(s->h[i], s->h[from])))
			break;
	return i;
}

/* ---- writing ---- */

static void put_spans(struct pm_buf *out, const struct pm_span *spans, uint32_t count)
{
	tsdb__put_varint(out, count);
	for (uint32_t i = 0; i < count; i++) {
		tsdb__put_varint(out, tsdb__zigzag(spans[i].offset));
		tsdb__put_varint(out, spans[i].length);
	}
}

static void put_layout(struct pm_buf *out, const struct pm_histogram *h)
{
	tsdb__put_varint(out, tsdb__zigzag(h->schema));
	pm_buf_char(out, h->integer);
	pm_buf_add(out, &h->zero_threshold, sizeof h->zero_threshold);
	put_spans(out, h->pos_spans, h->pos_span_count);
	put_spans(out, h->neg_spans, h->neg_span_count);
	tsdb__put_varint(out, h->pos_count);
	tsdb__put_varint(out, h->neg_count);
	tsdb__put_varint(out, h->custom_count);
	if (h->custom_count)
		pm_buf_add(out, h->custom, h->custom_count * sizeof *h->custom);
}

static double cell(const struct pm_histogram *h, uint32_t column)
{
	switch (column) {
	case 0:
		return h->count;
	case 1:
		return h->zero_count;
	case 2:
		return h->sum;
	case 3:
		return h->reset_hint;
	default:
		column -= FIXED_COLUMNS;
		return column < h->pos_count ? h->pos[column] : h->neg[column - h->pos_count];
	}
}

static int put_histograms(struct pm_buf *out, const struct pm_samples *s, size_t from, size_t to)
{
	const struct pm_histogram *first = s->h[from];
	uint32_t columns = FIXED_COLUMNS + first->pos_count + first->neg_count;
	double *v = pm_malloc((to - from) * sizeof *v);
	int rc = v ? 0 : PM_ERR_NOMEM;
	put_layout(out, first);
	for (uint32_t c = 0; c < columns && rc == 0; c++) {
		for (size_t i = from; i < to; i++)
			v[i - from] = cell(s->h[i], c);
		rc = tsdb__column_put_values(out, v, to - from);
	}
	pm_free(v);
	return rc < 0 ? rc : pm_buf_error(out);
}

int tsdb__chunk_put(struct pm_buf *out, const struct pm_samples *s, size_t from, size_t to)
{
	if (s->h && s->h[from])
		return put_histograms(out, s, from, to);
	return tsdb__column_put_values(out, s->v + from, to - from);
}

/* ---- reading ---- */

int tsdb__chunk_floats(
	const uint8_t *p, size_t len, size_t count, size_t from, size_t to, double *out, size_t *ret_first)
{
	struct tsdb__column c;
	int rc = tsdb__column_open(&c, p, len, NULL);
	if (rc < 0)
		return rc;
	return c.count == count ? tsdb__column_values(&c, from, to, out, ret_first) : PM_ERR_CORRUPT;
}

/* Spans must cover `buckets` buckets between them. */
static const struct pm_span *get_spans(
	struct tsdb__cursor *c, struct pm_arena *arena, uint32_t *ret_count, uint64_t *ret_buckets)
{
	uint32_t n = (uint32_t)tsdb__get_below(c, TSDB_CHUNK_BUCKETS_MAX);
	struct pm_span *spans = c->bad ? NULL : pm_arena_array(arena, n + 1u, sizeof *spans);
	uint64_t buckets = 0;
	for (uint32_t i = 0; spans && i < n; i++) {
		spans[i].offset = (int32_t)tsdb__unzigzag(tsdb__get_below(c, UINT32_MAX));
		spans[i].length = (uint32_t)tsdb__get_below(c, TSDB_CHUNK_BUCKETS_MAX);
		buckets += spans[i].length;
	}
	*ret_count = n;
	*ret_buckets = buckets;
	return spans;
}

static int get_layout(struct tsdb__cursor *c, struct pm_arena *arena, struct pm_histogram *h)
{
	uint8_t integer;
	uint64_t pos, neg;
	*h = (struct pm_histogram){ .schema = (int32_t)tsdb__unzigzag(tsdb__get_below(c, UINT32_MAX)) };
	tsdb__get_bytes(c, &integer, 1);
	h->integer = integer & 1;
	tsdb__get_bytes(c, &h->zero_threshold, sizeof h->zero_threshold);
	h->pos_spans = get_spans(c, arena, &h->pos_span_count, &pos);
	h->neg_spans = get_spans(c, arena, &h->neg_span_count, &neg);
	h->pos_count = (uint32_t)tsdb__get_below(c, TSDB_CHUNK_BUCKETS_MAX);
	h->neg_count = (uint32_t)tsdb__get_below(c, TSDB_CHUNK_BUCKETS_MAX);
	h->custom_count = (uint32_t)tsdb__get_below(c, TSDB_CHUNK_BUCKETS_MAX);
	if (c->bad || pos != h->pos_count || neg != h->neg_count ||
		h->custom_count > (size_t)(c->end - c->ptr) / sizeof(double))
		return PM_ERR_CORRUPT;
	double *custom = pm_arena_array(arena, h->custom_count + 1u, sizeof *custom);
	if (!custom || !h->pos_spans || !h->neg_spans)
		return PM_ERR_NOMEM;
	tsdb__get_bytes(c, custom, h->custom_count * sizeof *custom);
	h->custom = h->custom_count ? custom : NULL;
	return 0;
}

static void set_cell(struct pm_histogram *h, double *buckets, uint32_t column, double v)
{
	switch (column) {
	case 0:
		h->count = v;
		break;
	case 1:
		h->zero_count = v;
		break;
	case 2:
		h->sum = v;
		break;
	case 3:
		h->reset_hint = v >= 0 && v <= PM_RESET_GAUGE ? (uint8_t)v : PM_RESET_UNKNOWN;
		break;
	default:
		buckets[column - FIXED_COLUMNS] = v;
	}
}

int tsdb__chunk_histograms(const uint8_t *p, size_t len, size_t count, size_t from, size_t to, struct pm_arena *arena,
	const struct pm_histogram **out)
{
	struct tsdb__cursor cur = { p, p + len, false };
	struct pm_histogram shared, *h;
	size_t first, room = to - from + 2 * TSDB_COLUMN_BLOCK;
	int rc;
	if ((rc = get_layout(&cur, arena, &shared)) < 0)
		return rc;
	uint32_t buckets = shared.pos_count + shared.neg_count;
	/* Each column takes a byte at least: a small chunk can't ask for much. */
	if (buckets > (size_t)(cur.end - cur.ptr) ||
		(count > 1 && count * (FIXED_COLUMNS + (size_t)buckets) > CHUNK_CELLS))
		return PM_ERR_CORRUPT;
	h = pm_arena_array(arena, to - from + 1, sizeof *h);
	double *cells = pm_arena_array(arena, (to - from) * (size_t)buckets + 1, sizeof *cells);
	double *v = pm_malloc(room * sizeof *v);
	rc = h && cells && v ? 0 : PM_ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < to - from; i++) {
		h[i] = shared;
		h[i].pos = cells + i * buckets;
		h[i].neg = h[i].pos + shared.pos_count;
		out[i] = &h[i];
	}
	for (uint32_t c = 0; rc == 0 && c < FIXED_COLUMNS + buckets; c++) {
		struct tsdb__column column;
		size_t used;
		if ((rc = tsdb__column_open(&column, cur.ptr, (size_t)(cur.end - cur.ptr), &used)) < 0)
			break;
		cur.ptr += used;
		if (column.count != count)
			rc = PM_ERR_CORRUPT;
		else if ((rc = tsdb__column_values(&column, from, to, v, &first)) == 0)
			for (size_t i = 0; i < to - from; i++)
				set_cell(&h[i], cells + i * buckets, c, v[first + i]);
	}
	pm_free(v);
	return rc;
}
