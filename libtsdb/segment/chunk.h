/* chunk.h - the values of a chunk: one column of floats, or the columns of a histogram.
 *
 * A chunk of histograms begins with what its samples share (schema, zero threshold, spans, custom bounds); then follow
 * columns of count, count of zeros, sum, reset hints, and one for each bucket. */
#ifndef TSDB_SEGMENT_CHUNK_H
#define TSDB_SEGMENT_CHUNK_H

#include "libtsdb/base/arena.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

enum { TSDB_CHUNK_BUCKETS_MAX = 1 << 16 };

/* Samples [from, ret) go into one chunk, for the kinds and layouts of histograms: at most to `to`. */
size_t tsdb__chunk_run(const struct pm_samples *s, size_t from, size_t to);
/* Append the values of samples [from, to), which are one run. */
int tsdb__chunk_put(struct pm_buf *out, const struct pm_samples *s, size_t from, size_t to);
/* Values [from, to) of a chunk of floats of `count`. `out` as for tsdb__column_values. */
int tsdb__chunk_floats(
	const uint8_t *p, size_t len, size_t count, size_t from, size_t to, double *out, size_t *ret_first);
/* Histograms [from, to) into `out`, from the arena. PM_ERR_CORRUPT, PM_ERR_NOMEM. */
int tsdb__chunk_histograms(const uint8_t *p, size_t len, size_t count, size_t from, size_t to, struct pm_arena *arena,
	const struct pm_histogram **out);

#endif
