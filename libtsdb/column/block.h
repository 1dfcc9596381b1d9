/* block.h - up to 128 packed integers of a column: finding the parts of one in untrusted bytes, and decoding it. */
#ifndef TSDB_COLUMN_BLOCK_H
#define TSDB_COLUMN_BLOCK_H

#include "libtsdb/column/form.h"

/* Where the parts of a block are. Numbers that do not fit `width` bits are packed cut, and patched: a near one by one
 * range of the width up or down, a far one by any number of them. Raw elements replace what was decoded. */
struct tsdb__block {
	uint32_t count;  /* elements */
	uint32_t stored; /* packed numbers: fewer than elements in a sparse block */
	uint8_t width;
	bool sparse;
	uint8_t near_count, far_count, raw_count;
	uint64_t base;
	uint64_t start, start2; /* what the first sum, and the sum over it, begin with */
	const uint8_t *bitmap, *packed, *near, *far, *far_high, *raw;
};

/* The block of `count` elements at *p, which moves behind it. False when it is none, or passes `end`. */
bool tsdb__block_parse(struct tsdb__block *b, unsigned form, uint32_t count, const uint8_t **p, const uint8_t *end);

/* All of its elements into x, which has room for 128. `index`: which block of `c` it is. False when it is damaged. */
bool tsdb__block_decode(const struct tsdb__block *b, const struct tsdb__column *c, size_t index, uint64_t *x);

#endif
