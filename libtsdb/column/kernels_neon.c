/* kernels_neon.c - two elements at a time, on every 64-bit ARM. tests/simd runs it elsewhere, in an emulator. */
#include "libtsdb/column/kernels.h"

#ifdef TSDB_KERNELS_NEON

#include <arm_neon.h>
#include <string.h>

/* Eight numbers of one width begin at a byte again. 16 bytes are loaded for each `count` neighbours, from the first
 * one's byte on; a table look-up brings the bytes of each into a lane of its own, and a shift the bits to the bottom.
 */
struct lanes {
	uint8x16_t shuffle;
	int64x2_t shift; /* to the left: negative. For lanes of 32 bits, too. */
	size_t at;
};

static inline struct lanes lanes_of(unsigned width, unsigned first, unsigned count)
{
	unsigned size = 16 / count;
	uint8_t shuffle[16];
	int64_t shift[2] = { 0 };
	size_t at = first * width / 8;
	for (unsigned i = 0; i < count; i++) {
		unsigned bit = (first + i) * width, left = bit % 8;
		for (unsigned k = 0; k < size; k++)
			shuffle[i * size + k] = (uint8_t)(bit / 8 - at + k);
		if (size == 8)
			shift[i] = -(int64_t)left;
		else
			shift[i / 2] |= (int64_t)(uint64_t)(uint32_t) - (int32_t)left << (i % 2 * 32);
	}
	return (struct lanes){ vld1q_u8(shuffle), vld1q_s64(shift), at };
}

static inline uint64x2_t take2(const uint8_t *in, const struct lanes *l)
{
	return vshlq_u64(vreinterpretq_u64_u8(vqtbl1q_u8(vld1q_u8(in + l->at), l->shuffle)), l->shift);
}

static void unpack(const uint8_t *in, unsigned width, size_t n, uint64_t *x)
{
	if (width == 64) {
		memcpy(x, in, n * sizeof *x);
		return;
	}
	const struct lanes l0 = lanes_of(width, 0, 2), l2 = lanes_of(width, 2, 2);
	const struct lanes l4 = lanes_of(width, 4, 2), l6 = lanes_of(width, 6, 2);
	const uint64x2_t mask = vdupq_n_u64((UINT64_C(1) << width) - 1);
	for (size_t i = 0; i < n; i += 8, in += width) {
		vst1q_u64(x + i, vandq_u64(take2(in, &l0), mask));
		vst1q_u64(x + i + 2, vandq_u64(take2(in, &l2), mask));
		vst1q_u64(x + i + 4, vandq_u64(take2(in, &l4), mask));
		vst1q_u64(x + i + 6, vandq_u64(take2(in, &l6), mask));
	}
}

static void line(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	uint64x2_t at = vcombine_u64(vcreate_u64(first), vcreate_u64(first + step)), by = vdupq_n_u64(2 * step);
	for (size_t i = 0; i < n; i += 2, at = vaddq_u64(at, by))
		vst1q_u64(x + i, vaddq_u64(vld1q_u64(x + i), at));
}

static void sum(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	const uint64x2_t zero = vdupq_n_u64(0), by = vdupq_n_u64(2 * step);
	uint64x2_t carry = vcombine_u64(vcreate_u64(first + step), vcreate_u64(first + 2 * step));
	for (size_t i = 0; i < n; i += 2) {
		uint64x2_t v = vld1q_u64(x + i);
		v = vaddq_u64(v, vextq_u64(zero, v, 1));
		vst1q_u64(x + i, vaddq_u64(v, carry));
		carry = vaddq_u64(carry, vaddq_u64(vdupq_laneq_u64(v, 1), by));
	}
}

static inline float64x2_t load_doubles(const uint64_t *x)
{
	return vreinterpretq_f64_u64(vld1q_u64(x));
}

static inline void store_doubles(uint64_t *x, float64x2_t v)
{
	vst1q_u64(x, vreinterpretq_u64_f64(v));
}

static void sum_to_double(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	const uint64x2_t zero = vdupq_n_u64(0), by = vdupq_n_u64(2 * step);
	uint64x2_t carry = vcombine_u64(vcreate_u64(first + step), vcreate_u64(first + 2 * step));
	for (size_t i = 0; i < n; i += 2) {
		uint64x2_t v = vld1q_u64(x + i);
		v = vaddq_u64(v, vextq_u64(zero, v, 1));
		store_doubles(x + i, vcvtq_f64_s64(vreinterpretq_s64_u64(vaddq_u64(v, carry))));
		carry = vaddq_u64(carry, vaddq_u64(vdupq_laneq_u64(v, 1), by));
	}
}

static void to_double(uint64_t *x, size_t n)
{
	for (size_t i = 0; i < n; i += 2)
		store_doubles(x + i, vcvtq_f64_s64(vreinterpretq_s64_u64(vld1q_u64(x + i))));
}

static void divide(uint64_t *x, size_t n, double by)
{
	const float64x2_t d = vdupq_n_f64(by);
	for (size_t i = 0; i < n; i += 2)
		store_doubles(x + i, vdivq_f64(load_doubles(x + i), d));
}

static void multiply(uint64_t *x, size_t n, double by)
{
	const float64x2_t d = vdupq_n_f64(by);
	for (size_t i = 0; i < n; i += 2)
		store_doubles(x + i, vmulq_f64(load_doubles(x + i), d));
}

static void unrotate(uint64_t *x, size_t n)
{
	for (size_t i = 0; i < n; i += 2) {
		uint64x2_t v = vld1q_u64(x + i);
		vst1q_u64(x + i, vsriq_n_u64(vshlq_n_u64(v, 63), v, 1));
	}
}

static inline uint32x4_t take4(const uint8_t *in, const struct lanes *l)
{
	return vshlq_u32(
		vreinterpretq_u32_u8(vqtbl1q_u8(vld1q_u8(in + l->at), l->shuffle)), vreinterpretq_s32_s64(l->shift));
}

static void unpack32(const uint8_t *in, unsigned width, size_t n, uint32_t *x)
{
	const struct lanes l0 = lanes_of(width, 0, 4), l4 = lanes_of(width, 4, 4);
	const uint32x4_t mask = vdupq_n_u32((UINT32_C(1) << width) - 1);
	for (size_t i = 0; i < n; i += 8, in += width) {
		vst1q_u32(x + i, vandq_u32(take4(in, &l0), mask));
		vst1q_u32(x + i + 4, vandq_u32(take4(in, &l4), mask));
	}
}

/* For each half byte of a bitmap: which packed number's bytes go into lanes 0 to 3. 255 takes none and gives 0. */
#define LANE(b, k)                                                                                                     \
	((b) >> (k)&1 ? 4 * __builtin_popcount((b) & ((1 << (k)) - 1)) : 252),                                         \
		((b) >> (k)&1 ? 4 * __builtin_popcount((b) & ((1 << (k)) - 1)) + 1 : 253),                             \
		((b) >> (k)&1 ? 4 * __builtin_popcount((b) & ((1 << (k)) - 1)) + 2 : 254),                             \
		((b) >> (k)&1 ? 4 * __builtin_popcount((b) & ((1 << (k)) - 1)) + 3 : 255)
#define ROW(b)                                                                                                         \
	{                                                                                                              \
		LANE(b, 0), LANE(b, 1), LANE(b, 2), LANE(b, 3)                                                         \
	}
static const uint8_t places[16][16] = { ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7), ROW(8), ROW(9),
	ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15) };

static void spread32(const uint32_t *packed, const uint8_t *bitmap, size_t n, uint32_t step, uint32_t *x)
{
	const uint32x4_t by = vdupq_n_u32(step);
	for (size_t i = 0; i < n; i += 4) {
		unsigned half = bitmap[i / 8] >> i % 8 & 15;
		uint8x16_t v = vreinterpretq_u8_u32(vaddq_u32(vld1q_u32(packed), by));
		vst1q_u32(x + i, vreinterpretq_u32_u8(vqtbl1q_u8(v, vld1q_u8(places[half]))));
		packed += __builtin_popcount(half);
	}
}

static void sum32(const uint32_t *x, size_t n, double first, uint32_t step, uint64_t *out)
{
	const uint32x4_t zero = vdupq_n_u32(0), by = vdupq_n_u32(step);
	const float64x2_t start = vdupq_n_f64(first);
	uint32x4_t carry = zero;
	for (size_t i = 0; i < n; i += 4) {
		uint32x4_t v = vaddq_u32(vld1q_u32(x + i), by);
		v = vaddq_u32(v, vextq_u32(zero, v, 3));
		v = vaddq_u32(v, vextq_u32(zero, v, 2));
		int32x4_t at = vreinterpretq_s32_u32(vaddq_u32(v, carry));
		carry = vaddq_u32(carry, vdupq_laneq_u32(v, 3));
		store_doubles(out + i, vaddq_f64(start, vcvtq_f64_s64(vmovl_s32(vget_low_s32(at)))));
		store_doubles(out + i + 2, vaddq_f64(start, vcvtq_f64_s64(vmovl_high_s32(at))));
	}
}

const struct tsdb__kernels tsdb__kernels_neon = {
	.name = "neon",
	.unpack = unpack,
	.line = line,
	.sum = sum,
	.sum_to_double = sum_to_double,
	.to_double = to_double,
	.divide = divide,
	.multiply = multiply,
	.unrotate = unrotate,
	.unpack32 = unpack32,
	.spread32 = spread32,
	.sum32 = sum32,
};

#endif
