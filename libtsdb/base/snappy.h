/* snappy.h - snappy's block format, the only includer of the library. */
#ifndef PM_BASE_SNAPPY_H
#define PM_BASE_SNAPPY_H

#include "libtsdb/base/buf.h"

/* Append what `in` holds to `out`. PM_ERR_CORRUPT: not snappy; PM_ERR_LIMIT: more than `max` bytes; PM_ERR_NOMEM. */
int pm_snappy_decode(struct pm_str in, size_t max, struct pm_buf *out);

#endif
