/* exemplars.h - exemplars for a dump as text. OpenMetrics has them behind samples of counters and of buckets: each goes
 * behind the first sample of its series that is not older. */
#ifndef PM_CMD_DUMP_EXEMPLARS_H
#define PM_CMD_DUMP_EXEMPLARS_H

#include "cmd/dump/source.h"

struct pm_dump_exemplars {
	struct tsdb_exemplars all;
	uint64_t left; /* that have found no sample yet */
};

int pm_dump_exemplars_load(
	struct pm_dump_exemplars *e, struct tsdb *db, const struct pm_dump_wanted *w, struct pm_error *err);
void pm_dump_exemplars_release(struct pm_dump_exemplars *e);
/* Those of a series, oldest first; their number. 0 for a series that OpenMetrics allows none. */
size_t pm_dump_exemplars_of(
	const struct pm_dump_exemplars *e, struct pm_labels series, const struct tsdb_exemplar **ret);

#endif
