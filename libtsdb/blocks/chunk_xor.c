/* chunk_xor.c - chunks of floats: times as differences of differences, values as differences of bits.
 *
 *     count u16 | t0 varint, v0 64 | t1-t0 uvarint, xor v1 | difference of differences, xor v | ...
 */
#include "libtsdb/blocks/bits.h"
#include "libtsdb/blocks/chunk.h"

enum { HEADER_SIZE = 2, CLASSES = 4 };

/* Widths of a difference of differences behind 0..4 leading ones. */
static const uint8_t widths[CLASSES + 1] = { 0, 14, 17, 20, 64 };

static int64_t get_change(struct prom__bits *b)
{
	unsigned width = widths[prom__bits_ones(b, CLASSES)];

	if (width == 0)
		return 0;
	return width == 64 ? (int64_t)prom__bits_get_wide(b, 64) : prom__bits_signed(b, width);
}

int prom__xor_read(const uint8_t *data, size_t len, struct prom__samples *out, const char **ret_why)
{
	size_t count = (size_t)data[0] << 8 | data[1];
	struct prom__xor x = { 0 };
	struct prom__bits b;
	uint64_t delta = 0;
	int64_t t = 0;

	prom__bits_init(&b, data + HEADER_SIZE, len - HEADER_SIZE);
	for (size_t i = 0; i < count; i++) {
		int64_t before = t;
		bool sound = true;

		if (i == 0) {
			t = prom__bits_varint(&b);
			x.bits = prom__bits_get_wide(&b, 64);
		} else {
			delta = i == 1 ? prom__bits_uvarint(&b) : delta + (uint64_t)get_change(&b);
			t = (int64_t)((uint64_t)t + delta);
			sound = prom__xor_get(&b, &x);
		}
		*ret_why = "the chunk's samples do not fit its length";
		if (b.over || !sound)
			return PM_ERR_CORRUPT;
		*ret_why = "times in the chunk do not ascend";
		if (i && t <= before)
			return PM_ERR_CORRUPT;
		prom__samples_add(out, t, pm_bits_double(x.bits), NULL, 0);
	}
	return 0;
}

static void put_change(struct prom__bits_out *b, int64_t change)
{
	unsigned class = 1;

	if (change == 0) {
		prom__bits_put(b, 0, 1);
		return;
	}
	while (class < CLASSES && !prom__bits_fit(change, widths[class]))
		class++;
	if (class == CLASSES)
		prom__bits_put(b, 15, 4);
	else
		prom__bits_put(b, (1u << (class + 1)) - 2, class + 1);
	prom__bits_put(b, (uint64_t)change, widths[class]);
}

size_t prom__xor_write(const struct pm_samples *s, size_t max, struct pm_buf *out)
{
	struct prom__bits_out b = { .buf = out };
	struct prom__xor x = { .leading = 0xff };
	uint64_t delta = 0;
	size_t count = 0;

	while (count < max && count < s->count && !(s->h && s->h[count]))
		count++;
	prom__bits_put(&b, count, 16);
	for (size_t i = 0; i < count; i++) {
		uint64_t step = i ? (uint64_t)s->t_ms[i] - (uint64_t)s->t_ms[i - 1] : 0;

		if (i == 0) {
			prom__bits_put_varint(&b, s->t_ms[0]);
			x.bits = pm_double_bits(s->v[0]);
			prom__bits_put(&b, x.bits, 64);
			continue;
		}
		if (i == 1)
			prom__bits_put_uvarint(&b, step);
		else
			put_change(&b, (int64_t)(step - delta));
		delta = step;
		prom__xor_put(&b, &x, s->v[i]);
	}
	prom__bits_flush(&b);
	return count;
}
