/* inspect.h - what pm inspect gathered of a store's parts, and how it is printed. */
#ifndef PM_CMD_INSPECT_H
#define PM_CMD_INSPECT_H

#include "libtsdb/base/buf.h"
#include "libtsdb/tsdb.h"

#define PM_SERIES_UNKNOWN UINT64_MAX

struct pm_parts {
	struct tsdb_part *v;
	size_t count, cap;
	struct tsdb_part total; /* sorts of one name are added up; series of all parts, or PM_SERIES_UNKNOWN */
};

void pm_inspect_parts(struct pm_buf *out, const struct pm_parts *p, bool json);
void pm_inspect_cardinality(struct pm_buf *out, const struct tsdb_cardinality *c, bool json);
void pm_inspect_digest(struct pm_buf *out, const struct tsdb_digest *d, bool json);

#endif
