/* times.h - a segment's time columns on their way to the disk: each distinct one once (S4). */
#ifndef TSDB_SEGMENT_TIMES_H
#define TSDB_SEGMENT_TIMES_H

#include "libtsdb/segment/out.h"

struct tsdb__times {
	struct tsdb_time_column *columns; /* by number */
	uint64_t (*hashes)[2];            /* by number: 128 bits of what they hold */
	uint32_t *slots;                  /* open addressing by hash; number + 1 */
	size_t count, cap, hash_cap, slot_count;
	struct pm_buf buf;
};

void tsdb__times_release(struct tsdb__times *x);
/* The number of the column with these `n` times, written to `out` when it is the first of its kind. */
int tsdb__times_put(
	struct tsdb__times *x, struct tsdb__out *out, const int64_t *t, size_t n, uint32_t *ret, struct pm_error *err);

#endif
