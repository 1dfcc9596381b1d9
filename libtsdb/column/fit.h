/* fit.h - for the numbers of a block, the width and base that take the fewest bytes. */
#ifndef TSDB_COLUMN_FIT_H
#define TSDB_COLUMN_FIT_H

#include <stddef.h>
#include <stdint.h>

/* Numbers in [base, base + 2^width) are packed; those within one more range on either side are near patches, others
 * far. */
struct tsdb__fit {
	uint64_t base;
	unsigned width;
	uint32_t near_count, far_count;
	size_t bytes; /* of base, packed numbers and patches */
};

/* `sorted`: as signed integers, ascending; n up to 128, 0 too. `extra`: numbers that will be packed besides and fit any
 * width. */
void tsdb__fit(struct tsdb__fit *f, const int64_t *sorted, size_t n, size_t extra);

#endif
