/* zstd.h - zstd frames, the only includer of the library. */
#ifndef PM_BASE_ZSTD_H
#define PM_BASE_ZSTD_H

#include "libtsdb/base/buf.h"

/* Append what the frames of `in` hold to `out`. PM_ERR_CORRUPT: not zstd, or cut short; PM_ERR_LIMIT: more than `max`
 * bytes; PM_ERR_NOMEM. */
int pm_zstd_decode(struct pm_str in, size_t max, struct pm_buf *out);

#endif
