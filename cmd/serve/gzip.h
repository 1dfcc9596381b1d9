/* gzip.h - compression of large replies; the only includer of zlib. */
#ifndef PM_SERVE_GZIP_H
#define PM_SERVE_GZIP_H

#include "libtsdb/base/buf.h"

/* Append `in` to `out` as a gzip stream, fast rather than small. PM_ERR_NOMEM; PM_ERR_LIMIT: over out->max.
 * Thread-safe. */
int pm_gzip(struct pm_buf *out, struct pm_str in);

/* Whether a header Accept-Encoding (NULL: none) takes gzip. */
bool pm_gzip_accepted(const char *accept_encoding);

#endif
