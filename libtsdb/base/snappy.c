/* snappy.c - see snappy.h. */
#include "libtsdb/base/snappy.h"

#include <snappy-c.h>

int pm_snappy_decode(struct pm_str in, size_t max, struct pm_buf *out)
{
	size_t len;
	int rc;

	if (snappy_uncompressed_length(in.ptr, in.len, &len) != SNAPPY_OK)
		return PM_ERR_CORRUPT;
	if (len > max)
		return PM_ERR_LIMIT;
	rc = pm_buf_reserve(out, len);
	if (rc < 0)
		return rc;
	if (snappy_uncompress(in.ptr, in.len, out->ptr + out->len, &len) != SNAPPY_OK)
		return PM_ERR_CORRUPT;
	out->len += len;
	return 0;
}
