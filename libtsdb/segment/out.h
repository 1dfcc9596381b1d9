/* out.h - a segment on its way to the disk: bytes from front to back, a checksum for each block. */
#ifndef TSDB_SEGMENT_OUT_H
#define TSDB_SEGMENT_OUT_H

#include "libtsdb/base/buf.h"
#include "libtsdb/segment/format.h"

struct tsdb__out {
	int fd;
	uint64_t number;     /* of the segment: seeds the checksums */
	uint64_t end;        /* bytes so far */
	uint64_t flushed;    /* of them in the file; a multiple of the block */
	struct pm_buf buf;   /* the rest */
	struct pm_buf sums;  /* uint32_t per whole block */
};

uint32_t tsdb__block_checksum(uint64_t segment, uint64_t block, const void *p, size_t len);
void tsdb__out_init(struct tsdb__out *o, int fd, uint64_t number);
void tsdb__out_release(struct tsdb__out *o);
int tsdb__out_add(struct tsdb__out *o, const void *p, size_t n, struct pm_error *err);
int tsdb__out_pad8(struct tsdb__out *o, struct pm_error *err);
/* Everything to the file, and the checksum of the last, shorter block. */
int tsdb__out_flush(struct tsdb__out *o, struct pm_error *err);

#endif
