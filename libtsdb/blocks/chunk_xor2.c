/* chunk_xor2.c - chunks of floats as newer Prometheus writes them when start timestamps are stored; only read here.
 *
 * As chunk_xor.c, but from the third sample on one prefix says what changed in both time and value, a stale marker
 * costs no value, and start timestamps follow:
 *
 *     0 nothing | 10 the value | 110 time by 13 bits | 1110 by 20 | 11110 by 64, then the value | 11111 stale
 *
 * A byte behind the count says whether the first sample has a start timestamp, and from which sample on each has one,
 * as the difference to the time of the sample before. */
#include "libtsdb/blocks/bits.h"
#include "libtsdb/blocks/chunk.h"

enum { HEADER_SIZE = 3, FIRST_HAS_START = 0x80, START_FROM_MASK = 0x7f };

struct reader {
	struct prom__bits b;
	struct prom__xor x; /* of the last value that was no stale marker */
	bool stale, sound;
	int64_t t, st;
	uint64_t delta, start_delta;
};

/* 0 as before, 10 the window of last time, 110 a new one, 111 stale. */
static void get_value(struct reader *r)
{
	switch (prom__bits_ones(&r->b, 3)) {
	case 1:
		prom__xor_get_same(&r->b, &r->x);
		break;
	case 2:
		r->sound = prom__xor_get_window(&r->b, &r->x);
		break;
	case 3:
		r->stale = true;
		break;
	}
}

static void get_changed_value(struct reader *r)
{
	if (prom__bits_bit(&r->b))
		r->sound = prom__xor_get_window(&r->b, &r->x);
	else
		prom__xor_get_same(&r->b, &r->x);
}

/* Two's complement, unlike chunk_xor.c. */
static int64_t get_change(struct prom__bits *b, unsigned width)
{
	return (int64_t)(prom__bits_get_wide(b, width) << (64 - width)) >> (64 - width);
}

static void get_joint(struct reader *r)
{
	static const uint8_t widths[] = { 0, 0, 13, 20, 64, 0 };
	unsigned ones = prom__bits_ones(&r->b, 5);

	if (widths[ones])
		r->delta += (uint64_t)get_change(&r->b, widths[ones]);
	r->t = (int64_t)((uint64_t)r->t + r->delta);
	if (ones == 1)
		get_changed_value(r);
	else if (ones == 5)
		r->stale = true;
	else if (ones)
		get_value(r);
}

static void get_first(struct reader *r, bool has_start)
{
	r->t = prom__bits_varint(&r->b);
	r->x.bits = prom__bits_get_wide(&r->b, 64);
	if (r->x.bits == PM_STALE_NAN_BITS) {
		r->stale = true;
		r->x.bits = 0;
	}
	if (has_start)
		r->st = (int64_t)((uint64_t)r->t - (uint64_t)prom__bits_varint(&r->b));
}

static void get_sample(struct reader *r, size_t i, unsigned flags)
{
	size_t start_from = flags & START_FROM_MASK;
	int64_t before = r->t;

	r->stale = false;
	if (i == 0) {
		get_first(r, flags & FIRST_HAS_START);
		return;
	}
	if (i == 1) {
		r->delta = prom__bits_uvarint(&r->b);
		r->t = (int64_t)((uint64_t)r->t + r->delta);
		get_value(r);
	} else {
		get_joint(r);
	}
	if (start_from && i >= start_from) {
		r->start_delta += (uint64_t)prom__bits_varbit(&r->b);
		r->st = (int64_t)((uint64_t)before - r->start_delta);
	}
}

int prom__xor2_read(const uint8_t *data, size_t len, struct prom__samples *out, const char **ret_why)
{
	size_t count = (size_t)data[0] << 8 | data[1];
	struct reader r = { .sound = true };

	*ret_why = "the chunk is cut short";
	if (len < HEADER_SIZE)
		return PM_ERR_CORRUPT;
	prom__bits_init(&r.b, data + HEADER_SIZE, len - HEADER_SIZE);
	for (size_t i = 0; i < count; i++) {
		int64_t before = r.t;

		get_sample(&r, i, data[2]);
		*ret_why = "the chunk's samples do not fit its length";
		if (r.b.over || !r.sound)
			return PM_ERR_CORRUPT;
		*ret_why = "times in the chunk do not ascend";
		if (i && r.t <= before)
			return PM_ERR_CORRUPT;
		prom__samples_add(out, r.t, r.stale ? pm_stale_nan() : pm_bits_double(r.x.bits), NULL, r.st);
	}
	return 0;
}
