/* varint.h - numbers of one to ten bytes: seven bits a byte, low ones first, the top bit set on all but the last.
 *
 * Signed numbers are folded first (0, -1, 1, -2, ...), so that small ones of either sign are short. */
#ifndef TSDB_COLUMN_VARINT_H
#define TSDB_COLUMN_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TSDB_VARINT_MAX = 10 };

static inline uint64_t tsdb__zigzag(uint64_t x)
{
	return x << 1 ^ (0 - (x >> 63));
}

static inline uint64_t tsdb__unzigzag(uint64_t z)
{
	return z >> 1 ^ (0 - (z & 1));
}

static inline size_t tsdb__varint_size(uint64_t x)
{
	return x < 128 ? 1 : (70 - (size_t)__builtin_clzll(x)) / 7;
}

/* Writes to p, which has room for TSDB_VARINT_MAX, and returns where it ends. */
static inline uint8_t *tsdb__varint_put(uint8_t *p, uint64_t x)
{
	for (; x >= 128; x >>= 7)
		*p++ = (uint8_t)(x | 128);
	*p++ = (uint8_t)x;
	return p;
}

/* False when the bytes before `end` hold no number of at most 64 bits; `*p` is then anywhere up to end. */
static inline bool tsdb__varint_get(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	uint64_t x = 0;
	if (*p < end && **p < 128) { /* most are so short */
		*ret = *(*p)++;
		return true;
	}
	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t byte = *(*p)++;
		if (shift == 63 && byte > 1)
			return false;
		x |= (uint64_t)(byte & 127) << shift;
		if (byte < 128) {
			*ret = x;
			return true;
		}
	}
	return false;
}

static inline uint64_t tsdb__load_u64(const uint8_t *p)
{
	uint64_t x;
	memcpy(&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}

static inline uint8_t *tsdb__store_u64(uint8_t *p, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	memcpy(p, &x, sizeof x);
	return p + sizeof x;
}

#endif
