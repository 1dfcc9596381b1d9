/* segments.h - segments as tsdb_parts(), tsdb_verify() and tsdb_files_text() see them. */
#ifndef TSDB_INSPECT_SEGMENTS_H
#define TSDB_INSPECT_SEGMENTS_H

#include "libtsdb/segment/segment.h"
#include "libtsdb/tsdb.h"

/* Add to a sort of the part, by name. */
void tsdb__part_add(struct tsdb_part *p, const char *name, uint64_t bytes, uint64_t count, uint64_t samples);
/* What the bytes of a segment are: by section, and values by encoding, for which all of them are read. */
int tsdb__segment_sorts(const struct tsdb__segment *s, struct tsdb_part *ret, struct pm_error *err);

/* All series and samples, in order and as many as the footer says. PM_ERR_CORRUPT, with what is wrong in `err`. */
int tsdb__segment_walk(struct tsdb__segment *s, struct pm_error *err);

#endif
