/* index.h - what a segment's writer gathers beside the chunks: strings, pairs of name and value, series.
 *
 * Strings and pairs get numbers as they come; in the file symbols are sorted, so that all is written at the end. */
#ifndef TSDB_SEGMENT_INDEX_H
#define TSDB_SEGMENT_INDEX_H

#include "libtsdb/base/arena.h"
#include "libtsdb/segment/out.h"

/* Numbers for things by their hash; open addressing, slots hold number + 1. */
struct tsdb__numbers {
	uint32_t *slots;
	uint64_t *hashes; /* by number */
	size_t slot_count, count, cap;
};

struct tsdb__index {
	struct pm_arena arena; /* bytes of strings */
	struct tsdb__numbers string_numbers, pair_numbers;
	struct pm_str *strings; /* by number */
	size_t string_cap;
	struct tsdb_pair *pairs; /* by number; of strings' numbers */
	size_t pair_cap;
	uint32_t *series_pairs; /* of all series, one after the other */
	size_t series_pair_count, series_pair_cap;
	uint64_t *series_chunks; /* where the list of chunks of each series ends, in `chunks` */
	uint32_t *series_ends;   /* the same for series_pairs */
	size_t series_count, chunks_cap, ends_cap;
	struct pm_buf chunks;
};

void tsdb__index_release(struct tsdb__index *x);
/* A series with the list of chunks `chunks`. PM_ERR_CORRUPT: its labels are not above those of the one before (S2), as
 * may come from damaged segments that are merged; PM_ERR_NOMEM, PM_ERR_LIMIT. */
int tsdb__index_add(struct tsdb__index *x, struct pm_labels labels, const struct pm_buf *chunks);
/* Sections SYMBOLS to PAIRS. Frees the list of chunks and the like as it goes. */
int tsdb__index_write(
	struct tsdb__index *x, struct tsdb__out *out, struct tsdb_segment_footer *footer, struct pm_error *err);

#endif
