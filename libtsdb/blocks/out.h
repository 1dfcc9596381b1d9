/* out.h - a file of Prometheus's, written front to back. Private to libtsdb/blocks. */
#ifndef TSDB_BLOCKS_OUT_H
#define TSDB_BLOCKS_OUT_H

#include "libtsdb/base/buf.h"

struct prom__out {
	int fd;
	struct pm_buf buf; /* append here; its errors stick */
	uint64_t written;  /* before `buf` */
};

int prom__out_open(struct prom__out *o, int dirfd, const char *path, struct pm_error *err);
/* Write what has gathered once it is much; or all of it, and sync. */
int prom__out_flush(struct prom__out *o, struct pm_error *err);
int prom__out_close(struct prom__out *o, struct pm_error *err);
void prom__out_abort(struct prom__out *o); /* a zeroed one with fd -1 is fine */

static inline uint64_t prom__out_at(const struct prom__out *o)
{
	return o->written + o->buf.len;
}

void prom__put_be32(struct pm_buf *b, uint32_t v);
void prom__put_be64(struct pm_buf *b, uint64_t v);
void prom__put_uvarint(struct pm_buf *b, uint64_t v);
void prom__put_varint(struct pm_buf *b, int64_t v);
void prom__put_str(struct pm_buf *b, struct pm_str s);    /* its length in front */
void prom__put_crc(struct pm_buf *b, size_t from);        /* of all from there on */
void prom__put_padding(struct prom__out *o, size_t align); /* zeros up to a multiple of it in the file */

#endif
