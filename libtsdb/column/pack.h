/* pack.h - writing one block. */
#ifndef TSDB_COLUMN_PACK_H
#define TSDB_COLUMN_PACK_H

#include "libtsdb/column/form.h"

/* Elements that the integers do not give back, kept as their bits. */
struct tsdb__raw {
	unsigned count;
	uint8_t at[TSDB_COLUMN_BLOCK];
	uint64_t bits[TSDB_COLUMN_BLOCK];
};

/* Write the n (1..128) integers x, relative to the column's reference, as a block at p, which has room for
 * TSDB_BLOCK_BYTES_MAX. Returns where it ends. */
uint8_t *tsdb__block_put(uint8_t *p, unsigned form, const uint64_t *x, size_t n, const struct tsdb__raw *raw);

/* About how many bits it would take, a constant number for each element left out: good for comparing forms, and cheap.
 */
size_t tsdb__block_guess(unsigned form, const uint64_t *x, size_t n);

#endif
