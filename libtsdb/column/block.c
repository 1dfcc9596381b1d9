/* block.c - a block: its parts found and checked, then unpacked, patched, summed, mapped.
 *
 * The bytes are untrusted. Parsing checks that every part is inside; decoding checks the positions of patches. Numbers
 * may be anything: sums wrap. */
#include "libtsdb/column/block.h"

#include "libtsdb/column/kernels.h"
#include "libtsdb/column/varint.h"

static inline bool take(const uint8_t **p, const uint8_t *end, size_t n, const uint8_t **ret)
{
	if ((size_t)(end - *p) < n)
		return false;
	*ret = *p;
	*p += n;
	return true;
}

static inline bool take_folded(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	if (!tsdb__varint_get(p, end, ret))
		return false;
	*ret = tsdb__unzigzag(*ret);
	return true;
}

static uint64_t shifted(uint64_t x, unsigned by)
{
	return by < 64 ? x << by : 0;
}

/* First byte, counts of patches. */
static inline bool parse_counts(struct tsdb__block *b, const uint8_t **p, const uint8_t *end)
{
	const uint8_t *byte;
	if (!take(p, end, 1, &byte))
		return false;
	uint8_t head = *byte;
	b->width = head & TSDB_BLOCK_WIDTH;
	b->sparse = head & TSDB_BLOCK_SPARSE;
	if (b->width == TSDB_WIDTH_CODE_64)
		b->width = 64;
	else if (b->width > TSDB_WIDTH_MAX)
		return false;
	if (!(head & TSDB_BLOCK_PATCHED))
		return true;
	if (!take(p, end, 1, &byte))
		return false;
	b->near_count = *byte & 127;
	if (*byte & 128) {
		if (!take(p, end, 2, &byte))
			return false;
		b->far_count = byte[0];
		b->raw_count = byte[1];
	}
	return b->raw_count <= TSDB_COLUMN_BLOCK && (b->width < 64 || b->near_count + b->far_count == 0);
}

/* The base and what sums begin with. */
static inline bool parse_start(struct tsdb__block *b, unsigned form, const uint8_t **p, const uint8_t *end)
{
	if (!take_folded(p, end, &b->base))
		return false;
	b->base = shifted(b->base, tsdb__base_shift(b->width));
	if (form == TSDB_FORM_FRAME)
		return !b->sparse;
	if (!take_folded(p, end, &b->start))
		return false;
	b->start = shifted(b->start, b->width);
	if (form == TSDB_FORM_DELTA2)
		return !b->sparse && take_folded(p, end, &b->start2);
	b->start -= b->base;
	return true;
}

static uint32_t ones(const uint8_t *bitmap, uint32_t bits)
{
	uint32_t n = 0, i = 0;
	for (; i + 64 <= bits; i += 64)
		n += (uint32_t)__builtin_popcountll(tsdb__load_u64(bitmap + i / 8));
	for (; i < bits; i += 8)
		n += (uint32_t)__builtin_popcount(bitmap[i / 8] & (bits - i < 8 ? (1u << (bits - i)) - 1 : 255));
	return n;
}

bool tsdb__block_parse(struct tsdb__block *b, unsigned form, uint32_t count, const uint8_t **p, const uint8_t *end)
{
	uint64_t high;
	/* Field by field: clearing all of it takes a tenth of what decoding takes. */
	b->count = b->stored = count;
	b->near_count = b->far_count = b->raw_count = 0;
	b->start = b->start2 = 0;
	b->bitmap = NULL;
	if (!parse_counts(b, p, end) || !parse_start(b, form, p, end))
		return false;
	if (b->sparse) {
		if (!take(p, end, (count + 7) / 8, &b->bitmap))
			return false;
		b->stored = ones(b->bitmap, count);
	}
	if (!take(p, end, ((size_t)b->stored * b->width + 7) / 8, &b->packed) ||
		!take(p, end, b->near_count, &b->near) || !take(p, end, b->far_count, &b->far))
		return false;
	b->far_high = *p;
	for (unsigned i = 0; i < b->far_count; i++)
		if (!tsdb__varint_get(p, end, &high))
			return false;
	return take(p, end, (size_t)b->raw_count * 9, &b->raw);
}

/* Near patches: seven bits of position, and down or up. */
static bool patch(const struct tsdb__block *b, uint64_t *x)
{
	const uint8_t *p = b->far_high, *end = b->raw;
	uint64_t high, range = shifted(1, b->width);
	for (unsigned i = 0; i < b->near_count; i++) {
		unsigned at = b->near[i] & 127;
		if (at >= b->stored)
			return false;
		x[at] += b->near[i] & 128 ? 0 - range : range;
	}
	for (unsigned i = 0; i < b->far_count; i++) {
		if (b->far[i] >= b->stored || !tsdb__varint_get(&p, end, &high))
			return false;
		x[b->far[i]] += shifted(tsdb__unzigzag(high), b->width);
	}
	return true;
}

/* The packed differences of a sparse block go where the bitmap has ones. */
static void spread(const struct tsdb__block *b, const uint64_t *packed, uint64_t *x)
{
	for (uint32_t i = 0; i < b->count; i++) {
		uint64_t bit = b->bitmap[i / 8] >> i % 8 & 1;
		x[i] = (*packed + b->base) & (0 - bit);
		packed += bit;
	}
}

static void scale(const struct tsdb__column *c, uint64_t *x, size_t n)
{
	if (tsdb__map_of(c->encoding) == TSDB_MAP_DECIMAL)
		tsdb__kernels()->divide(x, n, c->scale);
	else if (tsdb__map_of(c->encoding) == TSDB_MAP_MULTIPLE)
		tsdb__kernels()->multiply(x, n, c->scale);
}

static bool is_within(uint64_t x, unsigned bits)
{
	return x + (UINT64_C(1) << bits) < UINT64_C(2) << bits;
}

/* Differences of doubles whose sums stay small, as most counters and gauges are. */
static bool is_bounded(const struct tsdb__block *b, const struct tsdb__column *c, unsigned width_max)
{
	unsigned map = tsdb__map_of(c->encoding);
	return tsdb__form_of(c->encoding) == TSDB_FORM_DELTA && map >= TSDB_MAP_INTEGER && map <= TSDB_MAP_DECIMAL &&
	       b->width <= width_max && b->far_count == 0 && is_within(b->base, width_max) &&
	       is_within(c->first + b->start, 50);
}

/* Integers of 64 bits, of any form. */
static bool decode_wide(const struct tsdb__block *b, const struct tsdb__column *c, size_t index, uint64_t *x)
{
	const struct tsdb__kernels *k = tsdb__kernels();
	uint64_t packed[TSDB_COLUMN_BLOCK + 1];
	uint64_t *unpacked = b->sparse ? packed : x, step = b->sparse ? 0 : b->base;
	k->unpack(b->packed, b->width, b->stored, unpacked);
	if (!patch(b, unpacked))
		return false;
	if (b->sparse)
		spread(b, packed, x);
	if (is_bounded(b, c, TSDB_WIDTH_MAX_51)) {
		k->sum_to_double(x, b->count, c->first + b->start, step);
		scale(c, x, b->count);
		return true;
	}
	switch (tsdb__form_of(c->encoding)) {
	case TSDB_FORM_FRAME:
		k->line(x, b->count, c->first + b->base + c->step * (index * TSDB_COLUMN_BLOCK), c->step);
		break;
	case TSDB_FORM_DELTA:
		k->sum(x, b->count, c->first + b->start, step);
		break;
	default:
		k->sum(x, b->count, b->start, b->base);
		k->sum(x, b->count, c->first + b->start2, 0);
		break;
	}
	tsdb__column_map(tsdb__map_of(c->encoding), c->scale, x, b->count);
	return true;
}

static bool patch32(const struct tsdb__block *b, uint32_t *x)
{
	uint32_t range = UINT32_C(1) << b->width;
	for (unsigned i = 0; i < b->near_count; i++) {
		unsigned at = b->near[i] & 127;
		if (at >= b->stored)
			return false;
		x[at] += b->near[i] & 128 ? 0 - range : range;
	}
	return true;
}

/* 32 bits hold the sums of a block; adding them to its start as doubles is exact. */
static bool decode_narrow(const struct tsdb__block *b, const struct tsdb__column *c, uint64_t *x)
{
	const struct tsdb__kernels *k = tsdb__kernels();
	uint32_t packed[TSDB_COLUMN_BLOCK + 8], all[TSDB_COLUMN_BLOCK], *differences = packed;
	uint32_t step = (uint32_t)b->base;
	k->unpack32(b->packed, b->width, b->stored, packed);
	if (!patch32(b, packed))
		return false;
	if (b->sparse) {
		k->spread32(packed, b->bitmap, b->count, step, all);
		differences = all;
		step = 0;
	}
	k->sum32(differences, b->count, (double)(int64_t)(c->first + b->start), step, x);
	scale(c, x, b->count);
	return true;
}

static bool put_raw(const struct tsdb__block *b, uint64_t *x)
{
	const uint8_t *bits = b->raw + b->raw_count;
	for (unsigned i = 0; i < b->raw_count; i++) {
		if (b->raw[i] >= b->count)
			return false;
		x[b->raw[i]] = tsdb__load_u64(bits + 8 * (size_t)i);
	}
	return true;
}

bool tsdb__block_decode(const struct tsdb__block *b, const struct tsdb__column *c, size_t index, uint64_t *x)
{
	bool narrow = is_bounded(b, c, TSDB_WIDTH_MAX_32);
	return (narrow ? decode_narrow(b, c, x) : decode_wide(b, c, index, x)) && put_raw(b, x);
}
