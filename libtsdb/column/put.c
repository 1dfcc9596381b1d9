/* put.c - writing columns: the ways to see the elements as integers, and the forms, are tried on a few blocks, and the
 * cheapest is written. */
#include "libtsdb/column/integers.h"
#include "libtsdb/column/pack.h"
#include "libtsdb/column/varint.h"

#include "libtsdb/base/mem.h"

#include <assert.h>

/* A column to be written: integers, and how they give the elements. */
struct draft {
	struct tsdb__plan plan;
	const uint64_t *elements; /* as bits */
	uint64_t *x;              /* integers */
	size_t n;
	unsigned form;
	uint64_t slope; /* of FRAME */
};

static uint8_t *put_integer(uint8_t *p, unsigned map, uint64_t x)
{
	if (map == TSDB_MAP_BITS || map == TSDB_MAP_ROTATED)
		return tsdb__store_u64(p, x);
	return tsdb__varint_put(p, tsdb__zigzag(x));
}

/* All but the directory. */
static uint8_t *put_head(uint8_t *p, const struct draft *d)
{
	unsigned map = d->plan.map;
	*p++ = (uint8_t)(map << 4 | d->form);
	p = tsdb__varint_put(p, d->n - 1);
	if (map == TSDB_MAP_MULTIPLE || map == TSDB_MAP_DECIMAL)
		p = tsdb__varint_put(p, d->plan.factor);
	p = put_integer(p, map, d->x[0]);
	if (d->form == TSDB_FORM_PROGRESSION)
		p = tsdb__varint_put(p, tsdb__zigzag(d->x[1] - d->x[0]));
	if (d->form == TSDB_FORM_FRAME)
		p = tsdb__varint_put(p, tsdb__zigzag(d->slope));
	return p;
}

/* What the integers of a block do not give back. Comparing bits makes every column lossless, whatever the plan. */
static void find_raw(const struct draft *d, size_t from, size_t n, struct tsdb__raw *raw)
{
	uint64_t back[TSDB_COLUMN_BLOCK] = { 0 };
	raw->count = 0;
	if (d->plan.map == TSDB_MAP_TIME)
		return;
	memcpy(back, d->x + from, n * sizeof *back);
	tsdb__column_map(d->plan.map, d->plan.scale, back, n);
	for (size_t i = 0; i < n; i++)
		if (back[i] != d->elements[from + i]) {
			raw->at[raw->count] = (uint8_t)i;
			raw->bits[raw->count++] = d->elements[from + i];
		}
}

/* The integers of a block, relative to the first of the column or to the line. Returns how many. */
static size_t block_integers(const struct draft *d, size_t index, uint64_t *x)
{
	size_t from = index * TSDB_COLUMN_BLOCK, n = d->n - from < TSDB_COLUMN_BLOCK ? d->n - from : TSDB_COLUMN_BLOCK;
	for (size_t i = 0; i < n; i++)
		x[i] = d->x[from + i] - d->x[0] - (d->form == TSDB_FORM_FRAME ? d->slope * (from + i) : 0);
	return n;
}

static uint8_t *put_block(uint8_t *p, const struct draft *d, size_t index)
{
	uint64_t x[TSDB_COLUMN_BLOCK];
	struct tsdb__raw raw;
	size_t n = block_integers(d, index, x);
	find_raw(d, index * TSDB_COLUMN_BLOCK, n, &raw);
	return tsdb__block_put(p, d->form, x, n, &raw);
}

static size_t block_count(const struct draft *d)
{
	return (d->n + TSDB_COLUMN_BLOCK - 1) / TSDB_COLUMN_BLOCK;
}

/* Bytes of up to three blocks, for comparing. */
static size_t sample_size(const struct draft *d)
{
	uint8_t scratch[TSDB_BLOCK_BYTES_MAX];
	size_t blocks = block_count(d), size = 0;
	size_t at[3] = { 0, blocks / 2, blocks - 1 };
	for (size_t i = 0; i < 3; i++)
		if (i == 0 || at[i] != at[i - 1])
			size += (size_t)(put_block(scratch, d, at[i]) - scratch);
	return size;
}

static size_t guess(const struct draft *d)
{
	uint64_t x[TSDB_COLUMN_BLOCK];
	size_t blocks = block_count(d), n = block_integers(d, blocks > 2 ? blocks / 2 : 0, x);
	return tsdb__block_guess(d->form, x, n);
}

/* From the first to the last, to the nearest: a unit less would add up to a block's length within a block. */
static uint64_t slope_of(const struct draft *d)
{
	int64_t all = (int64_t)(d->x[d->n - 1] - d->x[0]), steps = (int64_t)d->n - 1;
	if (steps == 0)
		return 0;
	int64_t slope = all / steps, rest = all % steps;
	return (uint64_t)slope + (uint64_t)((2 * rest > steps) - (-2 * rest > steps));
}

/* The forms that are worth trying: by a guess from one block, within half a bit an element of the best. */
static size_t list_forms(const struct draft *d, struct draft list[4])
{
	uint64_t slope = slope_of(d);
	size_t bits[4], least = SIZE_MAX, n = 0, kept = 0;
	for (unsigned form = TSDB_FORM_FRAME; form < TSDB_FORM_COUNT; form++)
		for (int sloped = 0; sloped <= (form == TSDB_FORM_FRAME && slope != 0); sloped++, n++) {
			list[n] = *d;
			list[n].form = form;
			list[n].slope = sloped ? slope : 0;
			bits[n] = guess(&list[n]);
			least = bits[n] < least ? bits[n] : least;
		}
	size_t close = least + (d->n < TSDB_COLUMN_BLOCK ? d->n : TSDB_COLUMN_BLOCK) / 2;
	for (size_t i = 0; i < n; i++)
		if (bits[i] <= close)
			list[kept++] = list[i];
	return kept;
}

/* The best form for the draft's integers into `best`, when it is smaller than what is there. */
static void try_forms(const struct draft *d, struct draft *best, size_t *best_size)
{
	struct draft list[4];
	size_t n = list_forms(d, list);
	if (n == 1 && *best_size == SIZE_MAX) {
		*best = list[0];
		return;
	}
	for (size_t i = 0; i < n; i++) {
		size_t size = sample_size(&list[i]);
		if (size < *best_size) {
			*best_size = size;
			*best = list[i];
		}
	}
}

static bool is_progression(const struct draft *d)
{
	if (d->plan.raw_count)
		return false;
	for (size_t i = 2; i < d->n; i++)
		if (d->x[i] - d->x[i - 1] != d->x[1] - d->x[0])
			return false;
	return d->n > 1;
}

static bool is_constant(const uint64_t *x, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (x[i] != x[0])
			return false;
	return true;
}

static void put_bytes(struct pm_buf *out, const uint8_t *from, const uint8_t *to)
{
	pm_buf_add(out, from, (size_t)(to - from));
}

static int write_blocks(struct pm_buf *out, const struct draft *d)
{
	uint8_t block[TSDB_BLOCK_BYTES_MAX];
	size_t blocks = block_count(d), groups = (blocks + TSDB_GROUP - 1) / TSDB_GROUP, dir = out->len, start = 0;
	for (size_t i = 0; i < groups * TSDB_DIR_ENTRY; i++)
		pm_buf_char(out, 0);
	for (size_t i = 0; i < blocks && !pm_buf_error(out); i++) {
		if (i % TSDB_GROUP == 0)
			start = out->len;
		put_bytes(out, block, put_block(block, d, i));
		size_t size = out->len - start, entry = dir + i / TSDB_GROUP * TSDB_DIR_ENTRY;
		assert(size < 1 << 16);
		if (!pm_buf_error(out)) {
			out->ptr[entry] = (char)(size & 255);
			out->ptr[entry + 1] = (char)(size >> 8);
		}
	}
	return pm_buf_error(out);
}

static int write_column(struct pm_buf *out, const struct draft *d)
{
	uint8_t head[TSDB_HEAD_BYTES_MAX];
	put_bytes(out, head, put_head(head, d));
	return d->form >= TSDB_FORM_FRAME ? write_blocks(out, d) : pm_buf_error(out);
}

/* Bits are tried where integers leave much raw or take many digits. */
static bool bits_may_win(const struct tsdb__plan *plan, size_t n)
{
	return plan->raw_count > n / 16 || (plan->map == TSDB_MAP_DECIMAL && plan->factor > 8);
}

int tsdb__column_put_values(struct pm_buf *out, const double *v, size_t n)
{
	struct draft d = { .elements = (const uint64_t *)(const void *)v, .n = n }, best;
	size_t size = SIZE_MAX;
	assert(n > 0 && n <= TSDB_COLUMN_MAX);
	bool constant = is_constant(d.elements, n);
	size_t look = constant ? 1 : n; /* elements that are looked at */
	uint64_t *x = d.x = pm_malloc(2 * n * sizeof *x);
	if (!x)
		return PM_ERR_NOMEM;
	bool integers = tsdb__integers(&d.plan, v, look, x);
	if (!integers || (!constant && bits_may_win(&d.plan, n))) {
		if (integers)
			try_forms(&d, &best, &size);
		d.x = x + n;
		tsdb__integers_bits(&d.plan, v, look, d.x);
		integers = false;
	}
	if (constant)
		d.form = TSDB_FORM_CONSTANT, best = d;
	else if (integers && is_progression(&d))
		d.form = TSDB_FORM_PROGRESSION, best = d;
	else
		try_forms(&d, &best, &size);
	int rc = write_column(out, &best);
	pm_free(x);
	return rc;
}

int tsdb__column_put_times(struct pm_buf *out, const int64_t *t, size_t n)
{
	struct draft d = { .plan = { .map = TSDB_MAP_TIME, .scale = 1 }, .x = (uint64_t *)t, .n = n }, best;
	size_t size = SIZE_MAX;
	assert(n > 0 && n <= TSDB_COLUMN_MAX);
	d.form = is_constant(d.x, n) ? TSDB_FORM_CONSTANT : TSDB_FORM_PROGRESSION;
	if (d.form == TSDB_FORM_CONSTANT || is_progression(&d))
		best = d;
	else
		try_forms(&d, &best, &size);
	return write_column(out, &best);
}
