/* out.c - see out.h. */
#include "libtsdb/blocks/out.h"

#include "libtsdb/base/crc32c.h"
#include "libtsdb/base/fs.h"

enum { FLUSH_SIZE = 256 << 10 };

int prom__out_open(struct prom__out *o, int dirfd, const char *path, struct pm_error *err)
{
	*o = (struct prom__out){ .fd = -1 };
	return pm_fs_openat(dirfd, path, PM_FS_WRITE | PM_FS_CREATE | PM_FS_EXCL, &o->fd, err);
}

static int write_out(struct prom__out *o, struct pm_error *err)
{
	int rc = pm_buf_error(&o->buf);

	if (rc < 0)
		return pm_fail(err, rc, "out of memory");
	rc = pm_fs_pwrite(o->fd, o->buf.ptr, o->buf.len, o->written, err);
	o->written += o->buf.len;
	pm_buf_reset(&o->buf);
	return rc;
}

int prom__out_flush(struct prom__out *o, struct pm_error *err)
{
	return o->buf.len < FLUSH_SIZE && !pm_buf_error(&o->buf) ? 0 : write_out(o, err);
}

int prom__out_close(struct prom__out *o, struct pm_error *err)
{
	int rc = o->buf.len || pm_buf_error(&o->buf) ? write_out(o, err) : 0;

	if (rc == 0)
		rc = pm_fs_sync(o->fd, err);
	prom__out_abort(o);
	return rc;
}

void prom__out_abort(struct prom__out *o)
{
	if (o->fd >= 0)
		pm_fs_close(o->fd);
	pm_buf_release(&o->buf);
	*o = (struct prom__out){ .fd = -1 };
}

void prom__put_be32(struct pm_buf *b, uint32_t v)
{
	uint8_t bytes[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	pm_buf_add(b, bytes, sizeof bytes);
}

void prom__put_be64(struct pm_buf *b, uint64_t v)
{
	prom__put_be32(b, (uint32_t)(v >> 32));
	prom__put_be32(b, (uint32_t)v);
}

void prom__put_uvarint(struct pm_buf *b, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		pm_buf_char(b, (char)(v | 128));
	pm_buf_char(b, (char)v);
}

void prom__put_varint(struct pm_buf *b, int64_t v)
{
	prom__put_uvarint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

void prom__put_str(struct pm_buf *b, struct pm_str s)
{
	prom__put_uvarint(b, s.len);
	pm_buf_str(b, s);
}

void prom__put_crc(struct pm_buf *b, size_t from)
{
	if (!pm_buf_error(b))
		prom__put_be32(b, pm_crc32c(0, b->ptr + from, b->len - from));
}

void prom__put_padding(struct prom__out *o, size_t align)
{
	while (prom__out_at(o) % align)
		pm_buf_char(&o->buf, 0);
}
