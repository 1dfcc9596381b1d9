/* form.h - what the bytes of a column mean, for those who write and read them (docs/format/column.md is the long form).
 *
 * A column is 64-bit integers behind a map. The map says how an integer becomes the element, the form how the integers
 * follow from each other. Both stand in the first byte. All arithmetic is modulo 2^64, so that nothing overflows. */
#ifndef TSDB_COLUMN_FORM_H
#define TSDB_COLUMN_FORM_H

#include "libtsdb/column/column.h"

enum tsdb__column_map {
	TSDB_MAP_TIME,     /* the integer is the time */
	TSDB_MAP_INTEGER,  /* (double)x */
	TSDB_MAP_MULTIPLE, /* (double)x * factor */
	TSDB_MAP_DECIMAL,  /* (double)x / 10^exponent */
	TSDB_MAP_BITS,     /* the bits of the double */
	TSDB_MAP_ROTATED,  /* its bits, the sign as the lowest one */
	TSDB_MAP_COUNT
};

enum tsdb__column_form {
	TSDB_FORM_CONSTANT,
	TSDB_FORM_PROGRESSION,
	TSDB_FORM_FRAME,  /* reference + index * slope + packed */
	TSDB_FORM_DELTA,  /* running sum of packed */
	TSDB_FORM_DELTA2, /* running sum of the running sum */
	TSDB_FORM_COUNT
};

enum {
	TSDB_GROUP = 8,          /* blocks for each entry of the directory */
	TSDB_DIR_ENTRY = 2,      /* bytes: the size of a group */
	TSDB_EXPONENT_MAX = 18,  /* powers of ten are exact doubles up to 22 */
	TSDB_WIDTH_CODE_64 = 58, /* of a block's width */
	TSDB_BLOCK_BYTES_MAX = 4096,
	TSDB_HEAD_BYTES_MAX = 48, /* of a column, without its directory */
};

#define TSDB_MULTIPLE_MAX (INT64_C(1) << 53)

/* First byte of a block. */
enum {
	TSDB_BLOCK_WIDTH = 0x3f,
	TSDB_BLOCK_SPARSE = 0x40, /* differences that are 0 are left out; a bitmap shows the others */
	TSDB_BLOCK_PATCHED = 0x80,
};

static inline unsigned tsdb__form_of(uint8_t encoding)
{
	return encoding & 15;
}

static inline unsigned tsdb__map_of(uint8_t encoding)
{
	return encoding >> 4;
}

/* A block's base is a multiple of a sixteenth of the range that its width spans: it fits a byte then. */
static inline unsigned tsdb__base_shift(unsigned width)
{
	return width > 4 ? width - 4 : 0;
}

extern const double tsdb__power_of_ten[TSDB_EXPONENT_MAX + 1];

/* Integers to elements (bits of doubles, or times), in place; n is rounded up to a multiple of 8. `scale` is the factor
 * or the power of ten. */
void tsdb__column_map(unsigned map, double scale, uint64_t *x, size_t n);

#endif
