/* varint.h - integers in as few bytes as they need: seven bits a byte, least first (LEB128), signed ones in zigzag. */
#ifndef TSDB_SEGMENT_VARINT_H
#define TSDB_SEGMENT_VARINT_H

#include "libtsdb/base/buf.h"

static inline void tsdb__put_varint(struct pm_buf *b, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;
	while (v > 0x7f) {
		bytes[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	bytes[n++] = (uint8_t)v;
	pm_buf_add(b, bytes, n);
}

static inline uint64_t tsdb__zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t tsdb__unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ -(v & 1));
}

/* What is left to read. Past its end every read gives 0 and `bad` stays set, so that callers check once. */
struct tsdb__cursor {
	const uint8_t *ptr, *end;
	bool bad;
};

static inline uint64_t tsdb__get_varint(struct tsdb__cursor *c)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64 && c->ptr < c->end; shift += 7) {
		uint8_t byte = *c->ptr++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

/* A number that must be at most `max`. */
static inline uint64_t tsdb__get_below(struct tsdb__cursor *c, uint64_t max)
{
	uint64_t v = tsdb__get_varint(c);
	if (v <= max)
		return v;
	c->bad = true;
	return 0;
}

static inline void tsdb__get_bytes(struct tsdb__cursor *c, void *to, size_t n)
{
	if (c->bad || (size_t)(c->end - c->ptr) < n) {
		c->bad = true;
		memset(to, 0, n);
		return;
	}
	memcpy(to, c->ptr, n);
	c->ptr += n;
}

#endif
