/* histogram.c - native histograms at the end of rows and batches: shapes, which many share, and numbers. */
#include "libtsdb/head/head.h"

#include "libtsdb/base/arena.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/hist.h"
#include "libtsdb/base/mem.h"

static_assert(sizeof(struct pm_span) == 8 && offsetof(struct pm_span, length) == 4, "spans stand in records");

void tsdb__hists_reset(struct tsdb__hists *s)
{
	pm_buf_reset(&s->buf);
	s->count = 0;
	memset(s->shapes, 0, sizeof s->shapes);
}

void tsdb__hists_release(struct tsdb__hists *s)
{
	pm_buf_release(&s->buf);
	pm_free(s->offs);
}

static size_t shape_size(const struct tsdb_hist_shape *s)
{
	return sizeof *s + ((size_t)s->pos_span_count + s->neg_span_count + s->custom_count) * 8;
}

size_t tsdb__hist_size_max(const struct pm_histogram *h)
{
	return sizeof(struct tsdb_hist_shape) + sizeof(struct tsdb_hist) +
	       ((size_t)h->pos_span_count + h->neg_span_count + h->custom_count + h->pos_count + h->neg_count) * 8;
}

/* Two shapes are one when their bytes are. */
static int put_shape(struct tsdb__hists *s, const struct pm_histogram *h, uint64_t *ret_off)
{
	struct tsdb_hist_shape shape = { h->schema, h->pos_span_count, h->neg_span_count, h->custom_count, h->pos_count,
		h->neg_count, h->zero_threshold };
	size_t off = s->buf.len, size = shape_size(&shape);
	pm_buf_add(&s->buf, &shape, sizeof shape);
	pm_buf_add(&s->buf, h->pos_spans, h->pos_span_count * sizeof *h->pos_spans);
	pm_buf_add(&s->buf, h->neg_spans, h->neg_span_count * sizeof *h->neg_spans);
	pm_buf_add(&s->buf, h->custom, h->custom_count * sizeof *h->custom);
	if (pm_buf_error(&s->buf))
		return PM_ERR_NOMEM;
	uint64_t *known = &s->shapes[pm_hash(s->buf.ptr + off, size) % (sizeof s->shapes / sizeof s->shapes[0])];
	if (*known && *known - 1 + size <= off && memcmp(s->buf.ptr + *known - 1, s->buf.ptr + off, size) == 0)
		s->buf.len = off;
	else
		*known = off + 1;
	*ret_off = *known - 1;
	return 0;
}

static unsigned width_of(const double *v, size_t count, unsigned width)
{
	for (size_t i = 0; i < count && width < 8; i++) {
		if (!(v[i] >= 0 && v[i] <= UINT32_MAX) ||
			pm_double_bits((double)(uint32_t)v[i]) != pm_double_bits(v[i]))
			width = 8;
		else if (v[i] > UINT16_MAX)
			width = 4;
		else if (v[i] > UINT8_MAX && width < 2)
			width = 2;
	}
	return width;
}

static void put_counts(struct pm_buf *b, const double *v, size_t count, unsigned width)
{
	if (width == 8)
		pm_buf_add(b, v, count * sizeof *v);
	for (size_t i = 0; i < count && width < 8; i++) {
		uint32_t n = (uint32_t)v[i]; /* little-endian: its first bytes */
		pm_buf_add(b, &n, width);
	}
}

int tsdb__hists_put(struct tsdb__hists *s, const struct pm_histogram *h)
{
	static const uint8_t zeros[8];
	uint64_t shape;
	unsigned width = width_of(h->neg, h->neg_count, width_of(h->pos, h->pos_count, 1));
	if (pm_grow(&s->offs, &s->cap, s->count + 1) < 0 || put_shape(s, h, &shape) < 0)
		return PM_ERR_NOMEM;
	if (shape / 8 > UINT32_MAX) /* no record is so long */
		return PM_ERR_NOMEM;
	struct tsdb_hist head = { .shape = (uint32_t)(shape / 8),
		.reset_hint = h->reset_hint,
		.flags = h->integer ? TSDB_HIST_INTEGER : 0,
		.width = (uint8_t)width,
		.count = h->count,
		.zero_count = h->zero_count,
		.sum = h->sum };
	s->offs[s->count++] = s->buf.len;
	pm_buf_add(&s->buf, &head, sizeof head);
	put_counts(&s->buf, h->pos, h->pos_count, width);
	put_counts(&s->buf, h->neg, h->neg_count, width);
	pm_buf_add(&s->buf, zeros, -s->buf.len % 8);
	return pm_buf_error(&s->buf) ? PM_ERR_NOMEM : 0;
}

/* ---- copies ---- */

static int dup_array(struct pm_arena *a, const void *from, size_t count, size_t elem_size, const void **ret)
{
	void *to = pm_arena_array(a, count + 1, elem_size);
	if (!to)
		return PM_ERR_NOMEM;
	if (count)
		memcpy(to, from, count * elem_size);
	*ret = to;
	return 0;
}

int tsdb__hist_dup(struct pm_arena *a, const struct pm_histogram *h, const struct pm_histogram **ret)
{
	struct pm_histogram *to = pm_arena_alloc(a, sizeof *to);
	if (!to)
		return PM_ERR_NOMEM;
	*to = *h;
	if (dup_array(a, h->pos_spans, h->pos_span_count, sizeof *h->pos_spans, (const void **)&to->pos_spans) < 0 ||
		dup_array(a, h->neg_spans, h->neg_span_count, sizeof *h->neg_spans, (const void **)&to->neg_spans) <
			0 ||
		dup_array(a, h->pos, h->pos_count, sizeof *h->pos, (const void **)&to->pos) < 0 ||
		dup_array(a, h->neg, h->neg_count, sizeof *h->neg, (const void **)&to->neg) < 0 ||
		dup_array(a, h->custom, h->custom_count, sizeof *h->custom, (const void **)&to->custom) < 0)
		return PM_ERR_NOMEM;
	*ret = to;
	return 0;
}

/* ---- reading ---- */

/* Where histograms stand: behind the values. */
static const uint8_t *part_of(const struct tsdb_row *row, uint64_t *ret_size)
{
	const uint8_t *end = (const uint8_t *)row + row->rec.len, *part;
	if (row->rec.kind == TSDB_REC_BATCH)
		part = (const uint8_t *)(tsdb__batch_view(row).values + row->version);
	else
		part = (const uint8_t *)(tsdb__row_view(row).values + row->present);
	*ret_size = (uint64_t)(end - part);
	return part;
}

static void get_counts(const void *from, double *to, size_t count, unsigned width)
{
	const uint8_t *u8 = from;
	const uint16_t *u16 = from;
	const uint32_t *u32 = from;
	switch (width) {
	case 1:
		for (size_t i = 0; i < count; i++)
			to[i] = u8[i];
		return;
	case 2:
		for (size_t i = 0; i < count; i++)
			to[i] = u16[i];
		return;
	case 4:
		for (size_t i = 0; i < count; i++)
			to[i] = u32[i];
		return;
	default:
		memcpy(to, from, count * sizeof *to);
	}
}

static const struct tsdb_hist_shape *get_shape(const uint8_t *part, uint64_t size, uint64_t off)
{
	const struct tsdb_hist_shape *s;
	if (off > size || size - off < sizeof *s)
		return NULL;
	s = (const void *)(part + off);
	return shape_size(s) <= size - off ? s : NULL;
}

int tsdb__hist_get(const struct tsdb_row *row, double value, struct pm_arena *a, const struct pm_histogram **ret)
{
	uint64_t off = pm_double_bits(value), size;
	const uint8_t *part = part_of(row, &size);
	const struct tsdb_hist *n;
	if (off % 8 || off > size || size - off < sizeof *n)
		return PM_ERR_CORRUPT;
	n = (const void *)(part + off);
	const struct tsdb_hist_shape *s = get_shape(part, size, (uint64_t)n->shape * 8);
	if (!s || (n->width != 1 && n->width != 2 && n->width != 4 && n->width != 8) ||
		((uint64_t)s->pos_count + s->neg_count) * n->width > size - off - sizeof *n)
		return PM_ERR_CORRUPT;
	struct pm_histogram *h = pm_arena_alloc(a, sizeof *h);
	double *counts = pm_arena_array(a, (size_t)s->pos_count + s->neg_count + 1, sizeof *counts);
	const struct pm_span *spans = (const void *)s->body;
	if (!h || !counts)
		return PM_ERR_NOMEM;
	get_counts(n->counts, counts, (size_t)s->pos_count + s->neg_count, n->width);
	*h = (struct pm_histogram){ .schema = s->schema,
		.reset_hint = n->reset_hint,
		.integer = n->flags & TSDB_HIST_INTEGER,
		.zero_threshold = s->zero_threshold,
		.zero_count = n->zero_count,
		.count = n->count,
		.sum = n->sum,
		.pos_spans = spans,
		.neg_spans = spans + s->pos_span_count,
		.custom = (const double *)(spans + s->pos_span_count + s->neg_span_count),
		.pos = counts,
		.neg = counts + s->pos_count,
		.pos_span_count = s->pos_span_count,
		.neg_span_count = s->neg_span_count,
		.custom_count = s->custom_count,
		.pos_count = s->pos_count,
		.neg_count = s->neg_count };
	*ret = h;
	return pm_histogram_check_shape(h, NULL) < 0 || h->reset_hint > PM_RESET_GAUGE ? PM_ERR_CORRUPT : 0;
}
