/* merge.h - one series set out of several, each sorted by labels: segments in order of commitment, the head last.
 *
 * A series that several sources have gets the samples of all; of equal times the earlier source's counts. */
#ifndef TSDB_DB_MERGE_H
#define TSDB_DB_MERGE_H

#include "libtsdb/pm.h"

/* Takes over `sets` (freed with the result, or here on error). */
int tsdb__merge_sets(struct pm_series_set **sets, size_t count, size_t limit, struct pm_series_set **ret);

/* Samples of one series out of several parts; equal times: the first part that has one. What it gives out is good until
 * the next call. */
struct tsdb__merge_samples;
int tsdb__merge_samples_new(struct tsdb__merge_samples **ret);
void tsdb__merge_samples_free(struct tsdb__merge_samples *m);
/* `parts[i].time_id` of different i must differ where the times do. */
int tsdb__merge_samples(
	struct tsdb__merge_samples *m, const struct pm_samples *parts, size_t count, struct pm_samples *ret);

#endif
