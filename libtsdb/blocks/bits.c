/* bits.c - see bits.h. */
#include "libtsdb/blocks/bits.h"

enum { VARINT_BYTES_MAX = 10, VARBIT_CLASSES = 8, LEADING_NONE = 0xff, LEADING_MAX = 31 };

/* Widths of the numbers behind 1..8 leading ones; none is a zero. */
static const uint8_t varbit_widths[VARBIT_CLASSES + 1] = { 0, 3, 6, 9, 12, 18, 25, 56, 64 };

uint64_t prom__bits_uvarint(struct prom__bits *b)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
		uint64_t byte = prom__bits_get(b, 8);

		v |= (byte & 127) << (7 * i);
		if (byte < 128)
			return v;
	}
	b->over = true;
	return 0;
}

int64_t prom__bits_varint(struct prom__bits *b)
{
	uint64_t v = prom__bits_uvarint(b);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

int64_t prom__bits_varbit(struct prom__bits *b)
{
	unsigned width = varbit_widths[prom__bits_ones(b, VARBIT_CLASSES)];

	if (width == 0)
		return 0;
	return width == 64 ? (int64_t)prom__bits_get_wide(b, 64) : prom__bits_signed(b, width);
}

uint64_t prom__bits_uvarbit(struct prom__bits *b)
{
	unsigned width = varbit_widths[prom__bits_ones(b, VARBIT_CLASSES)];

	return width ? prom__bits_get_wide(b, width) : 0;
}

void prom__xor_get_same(struct prom__bits *b, struct prom__xor *x)
{
	x->bits ^= prom__bits_get_wide(b, 64u - x->leading - x->trailing) << x->trailing;
}

bool prom__xor_get_window(struct prom__bits *b, struct prom__xor *x)
{
	unsigned leading = (unsigned)prom__bits_get(b, 5), width = (unsigned)prom__bits_get(b, 6);

	width = width ? width : 64;
	if (leading + width > 64)
		return false;
	x->leading = (uint8_t)leading;
	x->trailing = (uint8_t)(64 - leading - width);
	prom__xor_get_same(b, x);
	return true;
}

bool prom__xor_get(struct prom__bits *b, struct prom__xor *x)
{
	if (!prom__bits_bit(b))
		return true;
	if (prom__bits_bit(b))
		return prom__xor_get_window(b, x);
	prom__xor_get_same(b, x);
	return true;
}

/* ---- writing ------------------------------------------------------------------------------------ */

void prom__bits_put(struct prom__bits_out *b, uint64_t v, unsigned n)
{
	if (n > 56) {
		prom__bits_put(b, v >> 32, n - 32);
		n = 32;
	}
	b->word = b->word << n | (v & ((UINT64_C(1) << n) - 1));
	b->have += n;
	while (b->have >= 8) {
		b->have -= 8;
		pm_buf_char(b->buf, (char)(b->word >> b->have));
	}
}

void prom__bits_flush(struct prom__bits_out *b)
{
	if (b->have)
		prom__bits_put(b, 0, 8 - b->have);
}

void prom__bits_put_uvarint(struct prom__bits_out *b, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		prom__bits_put(b, (v & 127) | 128, 8);
	prom__bits_put(b, v, 8);
}

void prom__bits_put_varint(struct prom__bits_out *b, int64_t v)
{
	prom__bits_put_uvarint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

/* `ones` ones, and a zero behind them unless there are as many as there can be. */
static void put_class(struct prom__bits_out *b, unsigned ones)
{
	if (ones == VARBIT_CLASSES)
		prom__bits_put(b, 0xff, VARBIT_CLASSES);
	else
		prom__bits_put(b, (1u << (ones + 1)) - 2, ones + 1);
}

void prom__bits_put_varbit(struct prom__bits_out *b, int64_t v)
{
	unsigned ones = 1;

	if (v == 0) {
		put_class(b, 0);
		return;
	}
	while (ones < VARBIT_CLASSES && !prom__bits_fit(v, varbit_widths[ones]))
		ones++;
	put_class(b, ones);
	prom__bits_put(b, (uint64_t)v, varbit_widths[ones]);
}

void prom__bits_put_uvarbit(struct prom__bits_out *b, uint64_t v)
{
	unsigned ones = 1;

	if (v == 0) {
		put_class(b, 0);
		return;
	}
	while (ones < VARBIT_CLASSES && v >> varbit_widths[ones])
		ones++;
	put_class(b, ones);
	prom__bits_put(b, v, varbit_widths[ones]);
}

void prom__xor_put(struct prom__bits_out *b, struct prom__xor *x, double v)
{
	uint64_t difference = pm_double_bits(v) ^ x->bits;
	unsigned leading, trailing, width;

	x->bits ^= difference;
	if (difference == 0) {
		prom__bits_put(b, 0, 1);
		return;
	}
	leading = (unsigned)__builtin_clzll(difference);
	leading = leading > LEADING_MAX ? LEADING_MAX : leading;
	trailing = (unsigned)__builtin_ctzll(difference);
	if (x->leading != LEADING_NONE && leading >= x->leading && trailing >= x->trailing) {
		prom__bits_put(b, 2, 2);
		prom__bits_put(b, difference >> x->trailing, 64u - x->leading - x->trailing);
		return;
	}
	width = 64 - leading - trailing;
	x->leading = (uint8_t)leading;
	x->trailing = (uint8_t)trailing;
	prom__bits_put(b, 3, 2);
	prom__bits_put(b, leading, 5);
	prom__bits_put(b, width & 63, 6);
	prom__bits_put(b, difference >> trailing, width);
}
