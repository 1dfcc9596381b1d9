/* zstd.c - see zstd.h. Streamed, since a frame need not say how much it holds. */
#include "libtsdb/base/zstd.h"

#include <zstd.h>

enum { STEP = 64 << 10 };

static int decode(ZSTD_DCtx *ctx, struct pm_str in, size_t max, struct pm_buf *out)
{
	ZSTD_inBuffer from = { in.ptr, in.len, 0 };
	size_t begin = out->len, left = 1;

	while (left || from.pos < from.size) {
		ZSTD_outBuffer to = { NULL, STEP, 0 };

		if (pm_buf_reserve(out, STEP) < 0)
			return out->error;
		to.dst = out->ptr + out->len;
		left = ZSTD_decompressStream(ctx, &to, &from);
		if (ZSTD_isError(left))
			return PM_ERR_CORRUPT;
		out->len += to.pos;
		if (out->len - begin > max)
			return PM_ERR_LIMIT;
		if (left && to.pos < to.size && from.pos == from.size)
			return PM_ERR_CORRUPT;
	}
	return 0;
}

int pm_zstd_decode(struct pm_str in, size_t max, struct pm_buf *out)
{
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	int rc = ctx ? decode(ctx, in, max, out) : PM_ERR_NOMEM;

	ZSTD_freeDCtx(ctx);
	return rc;
}
