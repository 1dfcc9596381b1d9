/* open.c - reading columns: the head of one, and ranges of its elements. The bytes are untrusted. */
#include "libtsdb/column/block.h"
#include "libtsdb/column/kernels.h"
#include "libtsdb/column/varint.h"

#include <assert.h>

static bool get_folded(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	if (!tsdb__varint_get(p, end, ret))
		return false;
	*ret = tsdb__unzigzag(*ret);
	return true;
}

/* An integer of the map: bits of a double are not short. */
static bool get_integer(struct tsdb__column *c, const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	unsigned map = tsdb__map_of(c->encoding);
	if (map != TSDB_MAP_BITS && map != TSDB_MAP_ROTATED)
		return get_folded(p, end, ret);
	if (end - *p < 8)
		return false;
	*ret = tsdb__load_u64(*p);
	*p += 8;
	return true;
}

/* What the map needs beside the integers. */
static bool get_scale(struct tsdb__column *c, const uint8_t **p, const uint8_t *end)
{
	uint64_t scale;
	c->scale = 1;
	switch (tsdb__map_of(c->encoding)) {
	case TSDB_MAP_MULTIPLE:
		if (!tsdb__varint_get(p, end, &scale) || scale == 0 || scale > (uint64_t)TSDB_MULTIPLE_MAX)
			return false;
		c->scale = (double)scale;
		return true;
	case TSDB_MAP_DECIMAL:
		if (!tsdb__varint_get(p, end, &scale) || scale == 0 || scale > TSDB_EXPONENT_MAX)
			return false;
		c->scale = tsdb__power_of_ten[scale];
		return true;
	default:
		return true;
	}
}

static bool get_directory(struct tsdb__column *c, const uint8_t **p, const uint8_t *end)
{
	size_t group = (size_t)TSDB_GROUP * TSDB_COLUMN_BLOCK;
	size_t entries = (c->count + group - 1) / group, body = 0;
	if ((size_t)(end - *p) < entries * TSDB_DIR_ENTRY)
		return false;
	c->dir = *p;
	*p += entries * TSDB_DIR_ENTRY;
	c->body = *p;
	for (size_t i = 0; i < entries; i++)
		body += c->dir[2 * i] + 256u * c->dir[2 * i + 1];
	if ((size_t)(end - *p) < body)
		return false;
	*p += body;
	return true;
}

int tsdb__column_open(struct tsdb__column *c, const uint8_t *ptr, size_t len, size_t *ret_len)
{
	const uint8_t *p = ptr, *end = ptr + len;
	uint64_t last;
	*c = (struct tsdb__column){ .ptr = ptr };
	if (len == 0)
		return PM_ERR_CORRUPT;
	c->encoding = *p++;
	unsigned form = tsdb__form_of(c->encoding);
	if (form >= TSDB_FORM_COUNT || tsdb__map_of(c->encoding) >= TSDB_MAP_COUNT ||
		!tsdb__varint_get(&p, end, &last) || last >= TSDB_COLUMN_MAX)
		return PM_ERR_CORRUPT;
	c->count = (uint32_t)last + 1;
	if (!get_scale(c, &p, end) || !get_integer(c, &p, end, &c->first))
		return PM_ERR_CORRUPT;
	if ((form == TSDB_FORM_PROGRESSION || form == TSDB_FORM_FRAME) && !get_folded(&p, end, &c->step))
		return PM_ERR_CORRUPT;
	if (form >= TSDB_FORM_FRAME && !get_directory(c, &p, end))
		return PM_ERR_CORRUPT;
	c->len = (size_t)(p - ptr);
	if (ret_len)
		*ret_len = c->len;
	return 0;
}

/* Elements in block `index`. */
static uint32_t block_count(const struct tsdb__column *c, size_t index)
{
	size_t left = c->count - index * TSDB_COLUMN_BLOCK;
	return left < TSDB_COLUMN_BLOCK ? (uint32_t)left : TSDB_COLUMN_BLOCK;
}

static const uint8_t *find_group(const struct tsdb__column *c, size_t group)
{
	const uint8_t *p = c->body;
	for (size_t i = 0; i < group; i++)
		p += c->dir[2 * i] + 256u * c->dir[2 * i + 1];
	return p;
}

/* The directory leads to the group; the blocks before in the group are passed over. */
static const uint8_t *find_block(const struct tsdb__column *c, size_t index)
{
	const uint8_t *p = find_group(c, index / TSDB_GROUP), *end = c->ptr + c->len;
	struct tsdb__block b;
	for (size_t i = index / TSDB_GROUP * TSDB_GROUP; i < index; i++)
		if (!tsdb__block_parse(&b, tsdb__form_of(c->encoding), block_count(c, i), &p, end))
			return NULL;
	return p;
}

/* Blocks [from, to). They must fill their groups, so that every way to a block leads to the same. */
static int decode_blocks(const struct tsdb__column *c, size_t from, size_t to, uint64_t *out)
{
	const uint8_t *p = find_block(c, from), *end = c->ptr + c->len;
	struct tsdb__block b;
	if (!p)
		return PM_ERR_CORRUPT;
	for (size_t i = from; i < to; i++, out += TSDB_COLUMN_BLOCK) {
		if (i > from && i % TSDB_GROUP == 0 && p != find_group(c, i / TSDB_GROUP))
			return PM_ERR_CORRUPT;
		if (!tsdb__block_parse(&b, tsdb__form_of(c->encoding), block_count(c, i), &p, end) ||
			!tsdb__block_decode(&b, c, i, out))
			return PM_ERR_CORRUPT;
	}
	return to * TSDB_COLUMN_BLOCK < c->count || p == end ? 0 : PM_ERR_CORRUPT;
}

/* Columns without blocks are made up. */
static void make_blocks(const struct tsdb__column *c, size_t from, size_t to, uint64_t *out)
{
	const struct tsdb__kernels *k = tsdb__kernels();
	memset(out, 0, (to - from) * TSDB_COLUMN_BLOCK * sizeof *out);
	for (size_t i = from; i < to; i++, out += TSDB_COLUMN_BLOCK) {
		k->line(out, TSDB_COLUMN_BLOCK, c->first + c->step * (i * TSDB_COLUMN_BLOCK), c->step);
		tsdb__column_map(tsdb__map_of(c->encoding), c->scale, out, TSDB_COLUMN_BLOCK);
	}
}

static int decode(const struct tsdb__column *c, size_t from, size_t to, uint64_t *out, size_t *ret_first)
{
	assert(from <= to && to <= c->count);
	*ret_first = from % TSDB_COLUMN_BLOCK;
	if (from == to)
		return 0;
	size_t first = from / TSDB_COLUMN_BLOCK, end = (to + TSDB_COLUMN_BLOCK - 1) / TSDB_COLUMN_BLOCK;
	if (tsdb__form_of(c->encoding) >= TSDB_FORM_FRAME)
		return decode_blocks(c, first, end, out);
	make_blocks(c, first, end, out);
	return 0;
}

int tsdb__column_values(const struct tsdb__column *c, size_t from, size_t to, double *out, size_t *ret_first)
{
	if (tsdb__map_of(c->encoding) == TSDB_MAP_TIME)
		return PM_ERR_CORRUPT;
	return decode(c, from, to, (uint64_t *)(void *)out, ret_first);
}

int tsdb__column_times(const struct tsdb__column *c, size_t from, size_t to, int64_t *out, size_t *ret_first)
{
	if (tsdb__map_of(c->encoding) != TSDB_MAP_TIME)
		return PM_ERR_CORRUPT;
	return decode(c, from, to, (uint64_t *)out, ret_first);
}

const char *tsdb__column_encoding(const struct tsdb__column *c)
{
	static const char *const names[TSDB_FORM_COUNT] = { "constant", "progression", "frame", "delta", "delta2" };
	unsigned form = tsdb__form_of(c->encoding), map = tsdb__map_of(c->encoding);
	if (form <= TSDB_FORM_PROGRESSION)
		return names[form];
	if (map == TSDB_MAP_DECIMAL)
		return "decimal";
	return map == TSDB_MAP_BITS || map == TSDB_MAP_ROTATED ? "bits" : names[form];
}
