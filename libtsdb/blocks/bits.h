/* bits.h - streams of bits, most significant first, and the numbers of varying width that Prometheus's chunks keep in
 * them. A reader never leaves its bytes: past the end it gives zeros and remembers that it did (`over`), so that a
 * sample is read whole and checked once. */
#ifndef TSDB_BLOCKS_BITS_H
#define TSDB_BLOCKS_BITS_H

#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

struct prom__bits {
	const uint8_t *at, *end;
	uint64_t word; /* the low `have` bits of it are next */
	unsigned have;
	bool over;
};

static inline void prom__bits_init(struct prom__bits *b, const void *p, size_t len)
{
	*b = (struct prom__bits){ .at = p, .end = (const uint8_t *)p + len };
}

/* How many bits are left: what a count that stands in the stream is checked against. */
static inline uint64_t prom__bits_left(const struct prom__bits *b)
{
	return (uint64_t)(b->end - b->at) * 8 + b->have;
}

/* The next `n` bits, 1..56. */
static inline uint64_t prom__bits_get(struct prom__bits *b, unsigned n)
{
	while (b->have < n && b->at < b->end) {
		b->word = b->word << 8 | *b->at++;
		b->have += 8;
	}
	if (b->have < n) {
		b->over = true;
		return 0;
	}
	b->have -= n;
	return b->word >> b->have & ((UINT64_C(1) << n) - 1);
}

static inline bool prom__bits_bit(struct prom__bits *b)
{
	return prom__bits_get(b, 1) != 0;
}

/* 1..64 bits. */
static inline uint64_t prom__bits_get_wide(struct prom__bits *b, unsigned n)
{
	uint64_t high;

	if (n <= 56)
		return prom__bits_get(b, n);
	high = prom__bits_get(b, n - 32);
	return high << 32 | prom__bits_get(b, 32);
}

/* How many ones stand before the next zero, `max` at most; the zero is read, too. */
static inline unsigned prom__bits_ones(struct prom__bits *b, unsigned max)
{
	unsigned n = 0;

	while (n < max && prom__bits_bit(b))
		n++;
	return n;
}

/* A number of `n` < 64 bits of which a half and one are positive: 14 bits hold -8191..8192. */
static inline int64_t prom__bits_signed(struct prom__bits *b, unsigned n)
{
	uint64_t v = prom__bits_get(b, n);

	return v > UINT64_C(1) << (n - 1) ? (int64_t)(v - (UINT64_C(1) << n)) : (int64_t)v;
}

/* Go's varints, seven bits a byte, zigzag when signed. */
uint64_t prom__bits_uvarint(struct prom__bits *b);
int64_t prom__bits_varint(struct prom__bits *b);
/* Chunks' own: the number of leading ones says how wide. */
int64_t prom__bits_varbit(struct prom__bits *b);
uint64_t prom__bits_uvarbit(struct prom__bits *b);

/* A double as its difference to the last one. */
struct prom__xor {
	uint64_t bits;
	uint8_t leading, trailing; /* zeros around the difference of last time; leading 0xff: none was written yet */
};

/* The next value; false when the stream is damaged. */
bool prom__xor_get(struct prom__bits *b, struct prom__xor *x);
/* A new window of significant bits and the difference in it. */
bool prom__xor_get_window(struct prom__bits *b, struct prom__xor *x);
/* The difference in the window of last time. */
void prom__xor_get_same(struct prom__bits *b, struct prom__xor *x);

/* ---- writing ------------------------------------------------------------------------------------ */

struct prom__bits_out {
	struct pm_buf *buf; /* its errors stick */
	uint64_t word;
	unsigned have; /* bits of `word` not in buf yet, below 8 */
};

void prom__bits_put(struct prom__bits_out *b, uint64_t v, unsigned n); /* the low n bits, 1..64 */
void prom__bits_put_varint(struct prom__bits_out *b, int64_t v);
void prom__bits_put_uvarint(struct prom__bits_out *b, uint64_t v);
void prom__bits_put_varbit(struct prom__bits_out *b, int64_t v);
void prom__bits_put_uvarbit(struct prom__bits_out *b, uint64_t v);
void prom__bits_flush(struct prom__bits_out *b); /* zeros up to the next byte */
void prom__xor_put(struct prom__bits_out *b, struct prom__xor *x, double v);

/* Whether `v` fits the `n` bits of prom__bits_signed(). */
static inline bool prom__bits_fit(int64_t v, unsigned n)
{
	return -((INT64_C(1) << (n - 1)) - 1) <= v && v <= INT64_C(1) << (n - 1);
}

#endif
