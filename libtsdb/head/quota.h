/* quota.h - limits on series: of all in the head, and of each job (the value of the label "job").
 *
 * Only new series are refused; those that are there go on. Each process has limits of its own, and counts for itself
 * what all have written. Belongs to the holder of the writers' lock. */
#ifndef TSDB_HEAD_QUOTA_H
#define TSDB_HEAD_QUOTA_H

#include "libtsdb/head/head.h"

struct tsdb__quota;

/* 0 is no limit; *ret is NULL when there is neither, and NULL will do for all functions below. */
int tsdb__quota_new(uint64_t series_max, uint64_t job_series_max, struct tsdb__quota **ret);
void tsdb__quota_free(struct tsdb__quota *q);
/* A transaction begins from `rec`; or ends, and its series are forgotten. */
void tsdb__quota_begin(struct tsdb__quota *q, const struct tsdb_record *rec);
void tsdb__quota_abort(struct tsdb__quota *q);
/* May this series, which is not there, be made? PM_ERR_LIMIT, with a message that names who has how many. */
int tsdb__quota_check(struct tsdb__write *w, struct pm_labels labels, struct pm_error *err);
/* The last series that was asked for was refused by tsdb__quota_check(). */
bool tsdb__quota_refused(const struct tsdb__quota *q);

#endif
