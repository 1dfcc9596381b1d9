/* gzip.c - see gzip.h. */
#include "cmd/serve/gzip.h"

#include <limits.h>
#include <strings.h>
#include <zlib.h>

enum { GZIP_LEVEL = 1, GZIP_WINDOW_BITS = 15 + 16 /* 16: with a gzip header */, GZIP_MEM_LEVEL = 8 };

int pm_gzip(struct pm_buf *out, struct pm_str in)
{
	if (in.len > UINT_MAX / 2)
		return PM_ERR_LIMIT;
	z_stream s = { 0 };
	if (deflateInit2(&s, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return PM_ERR_NOMEM;
	size_t bound = deflateBound(&s, in.len);
	int rc = pm_buf_reserve(out, bound);
	if (rc == 0) {
		s.next_in = (Bytef *)(uintptr_t)in.ptr;
		s.avail_in = (uInt)in.len;
		s.next_out = (Bytef *)out->ptr + out->len;
		s.avail_out = (uInt)bound;
		if (deflate(&s, Z_FINISH) == Z_STREAM_END)
			out->len += bound - s.avail_out;
		else
			rc = PM_ERR_NOMEM;
	}
	deflateEnd(&s);
	return rc;
}

bool pm_gzip_accepted(const char *accept_encoding)
{
	for (const char *p = accept_encoding; p && *p;) {
		p += strspn(p, " \t,");
		size_t len = strcspn(p, ",");
		size_t word = strcspn(p, ",; \t");
		if (word == 4 && strncasecmp(p, "gzip", 4) == 0)
			return !memmem(p, len, "q=0", 3) || memmem(p, len, "q=0.", 4);
		p += len;
	}
	return false;
}
