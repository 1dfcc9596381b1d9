/* merge_segments.h - several segments into one: chunks are copied as they are where that is good enough. */
#ifndef TSDB_DB_MERGE_SEGMENTS_H
#define TSDB_DB_MERGE_SEGMENTS_H

#include "libtsdb/segment/segment.h"

/* Called now and then with the samples so far; not 0 stops the work and is given back. */
typedef int tsdb__merge_step(void *arg, uint64_t samples, struct pm_error *err);

/* Merge `count` segments, in order of commitment, into `out`. Chunks that overlap no other and are long enough are
 * copied; what is left is decoded, merged and encoded anew. */
int tsdb__merge_segments(struct tsdb__segment *const *in, size_t count, struct tsdb__segment_writer *out,
	tsdb__merge_step *step, void *arg, struct pm_error *err);

#endif
