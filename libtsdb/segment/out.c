/* out.c - see out.h. */
#include "libtsdb/segment/out.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"

enum { OUT_BYTES = 1 << 20 };

uint32_t tsdb__block_checksum(uint64_t segment, uint64_t block, const void *p, size_t len)
{
	return (uint32_t)pm_hash_seed(p, len, segment * UINT64_C(0x9e3779b97f4a7c15) + block);
}

void tsdb__out_init(struct tsdb__out *o, int fd, uint64_t number)
{
	*o = (struct tsdb__out){ .fd = fd, .number = number };
}

void tsdb__out_release(struct tsdb__out *o)
{
	pm_buf_release(&o->buf);
	pm_buf_release(&o->sums);
}

/* The first `n` bytes of the buffer, in blocks; the last may be short when it is the file's last. */
static int write_blocks(struct tsdb__out *o, size_t n, struct pm_error *err)
{
	int rc;
	for (size_t at = 0; at < n; at += TSDB_SEGMENT_BLOCK) {
		size_t len = n - at < TSDB_SEGMENT_BLOCK ? n - at : TSDB_SEGMENT_BLOCK;
		uint32_t sum = tsdb__block_checksum(
			o->number, (o->flushed + at) / TSDB_SEGMENT_BLOCK, o->buf.ptr + at, len);
		pm_buf_add(&o->sums, &sum, sizeof sum);
	}
	if (pm_buf_error(&o->sums) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if ((rc = pm_fs_pwrite(o->fd, o->buf.ptr, n, o->flushed, err)) < 0)
		return rc;
	memmove(o->buf.ptr, o->buf.ptr + n, o->buf.len - n);
	o->buf.len -= n;
	o->flushed += n;
	return 0;
}

int tsdb__out_add(struct tsdb__out *o, const void *p, size_t n, struct pm_error *err)
{
	pm_buf_add(&o->buf, p, n);
	if (pm_buf_error(&o->buf) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	o->end += n;
	if (o->buf.len < OUT_BYTES)
		return 0;
	return write_blocks(o, o->buf.len / TSDB_SEGMENT_BLOCK * TSDB_SEGMENT_BLOCK, err);
}

int tsdb__out_pad8(struct tsdb__out *o, struct pm_error *err)
{
	static const uint8_t zeros[8];
	return tsdb__out_add(o, zeros, tsdb__pad8(o->end) - o->end, err);
}

int tsdb__out_flush(struct tsdb__out *o, struct pm_error *err)
{
	return o->buf.len ? write_blocks(o, o->buf.len, err) : 0;
}
