/* writer.h - making a segment: series by series in the order of their labels, from front to back.
 *
 *   tsdb__segment_writer_new(dirfd, &info, &w, err);
 *   tsdb__segment_writer_add(w, labels, &samples, err);      ...
 *   tsdb__segment_writer_finish(w, &info, err);              synced and in its place, or nothing
 *
 * Memory: about 100 bytes a series and what its symbols take; samples are never held. */
#ifndef TSDB_SEGMENT_WRITER_H
#define TSDB_SEGMENT_WRITER_H

#include "libtsdb/segment/format.h"
#include "libtsdb/pm.h"

/* What the manifest says of a segment. */
struct tsdb__segment_info {
	uint64_t number, order;
	uint32_t level, series_count;
	int64_t min_ms, max_ms;
	uint64_t size, sample_count;
	uint64_t footer_checksum;
};

void tsdb__segment_name(char out[32], uint64_t number);

/* A chunk of a series. */
struct tsdb__chunk_ref {
	uint8_t flags; /* enum tsdb_chunk_flags */
	uint32_t time, starts;
	const struct tsdb_time_column *column;
	uint64_t off;
	uint32_t len;
	double min, max; /* TSDB_CHUNK_STATS */
	uint64_t end;    /* internal: where the next one counts its place from */
};

struct tsdb__segment_writer;
/* `info`: number, order and level. `dirfd` is the folder of segments. */
int tsdb__segment_writer_new(
	int dirfd, const struct tsdb__segment_info *info, struct tsdb__segment_writer **ret, struct pm_error *err);
/* Labels above those of the call before; samples in time order (S2), at least one. */
int tsdb__segment_writer_add(
	struct tsdb__segment_writer *w, struct pm_labels labels, const struct pm_samples *s, struct pm_error *err);
/* The number of the time column with these times: for tsdb__segment_writer_copy. */
int tsdb__segment_writer_time(
	struct tsdb__segment_writer *w, const int64_t *t, size_t n, uint32_t *ret, struct pm_error *err);
/* A series whose chunks come from other segments as they are, in time order. Of a chunk its flags, time and starts
 * (numbers from tsdb__segment_writer_time), len and statistics are used; its values are values[i][0 .. len). */
int tsdb__segment_writer_copy(struct tsdb__segment_writer *w, struct pm_labels labels,
	const struct tsdb__chunk_ref *chunks, const void *const *values, size_t count, struct pm_error *err);
/* Frees the writer in every case. With no series there is no file, and series_count is 0. */
int tsdb__segment_writer_finish(struct tsdb__segment_writer *w, struct tsdb__segment_info *ret, struct pm_error *err);
void tsdb__segment_writer_abort(struct tsdb__segment_writer *w); /* NULL allowed */
/* Bytes written so far, for progress and write accounting. */
uint64_t tsdb__segment_writer_bytes(const struct tsdb__segment_writer *w);

#endif
