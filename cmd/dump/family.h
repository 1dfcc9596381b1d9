/* family.h - which metrics are one family of OpenMetrics, and what is said of it: x_bucket, x_count and x_sum are the
 * histogram x, x_total is the counter x. What was stored of a metric (tsdb_metadata) tells. */
#ifndef PM_CMD_DUMP_FAMILY_H
#define PM_CMD_DUMP_FAMILY_H

#include "libtsdb/base/buf.h"
#include "libtsdb/tsdb.h"

/* Zeroed: nothing is known, each metric is a family of unknown type. */
struct pm_families {
	struct tsdb_metadata_list known;
};

int pm_families_load(struct pm_families *f, struct tsdb *db, struct pm_error *err);
void pm_families_release(struct pm_families *f);
/* The family of a metric: `metric` without a suffix, or as it is. */
struct pm_str pm_family_of(const struct pm_families *f, struct pm_str metric);
/* # TYPE, # UNIT and # HELP of the family that `metric` is of, as far as they are known and OpenMetrics allows them. */
void pm_family_put(const struct pm_families *f, struct pm_str metric, struct pm_buf *out);

#endif
