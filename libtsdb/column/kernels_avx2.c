/* kernels_avx2.c - four elements at a time. Compiled on every x86-64, run where the machine has AVX2. */
#include "libtsdb/column/kernels.h"

#ifdef TSDB_KERNELS_X86

#include <immintrin.h>
#include <string.h>

#ifndef AVX2
#define AVX2 __attribute__((target("avx2,popcnt")))
#endif

AVX2 static inline __m256i load(const uint64_t *x)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

AVX2 static inline void store(uint64_t *x, __m256i v)
{
	_mm256_storeu_si256((__m256i *)(void *)x, v);
}

/* Eight numbers of one width begin at a byte again. Of two neighbours each, 16 bytes are loaded from the first one's
 * byte on; a shuffle brings the bytes of each into a lane of its own, and a shift the bits to the bottom. */
struct lanes {
	__m256i shuffle, shift;
};

/* For the numbers i, i + 1, i + 2, i + 3 of the eight; i is even. */
AVX2 static inline struct lanes lanes_of(unsigned width, int64_t i)
{
	const __m256i each = _mm256_setr_epi64x(i, i + 1, i + 2, i + 3), pair = _mm256_setr_epi64x(i, i, i + 2, i + 2);
	const __m256i spread = _mm256_setr_epi64x(0, 0x0808080808080808, 0, 0x0808080808080808);
	__m256i w = _mm256_set1_epi64x(width), bit = _mm256_mul_epu32(each, w), at = _mm256_mul_epu32(pair, w);
	__m256i byte = _mm256_sub_epi64(_mm256_srli_epi64(bit, 3), _mm256_srli_epi64(at, 3));
	return (struct lanes){
		.shuffle = _mm256_add_epi8(_mm256_shuffle_epi8(byte, spread), _mm256_set1_epi64x(0x0706050403020100)),
		.shift = _mm256_and_si256(bit, _mm256_set1_epi64x(7)),
	};
}

AVX2 static inline __m256i load_pairs(const uint8_t *lo, const uint8_t *hi)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)lo)),
		_mm_loadu_si128((const __m128i *)(const void *)hi), 1);
}

AVX2 static void unpack(const uint8_t *in, unsigned width, size_t n, uint64_t *x)
{
	if (width == 64) {
		memcpy(x, in, n * sizeof *x);
		return;
	}
	const struct lanes la = lanes_of(width, 0), lb = lanes_of(width, 4);
	const size_t at2 = 2 * width / 8, at4 = 4 * width / 8, at6 = 6 * width / 8;
	const __m256i mask = _mm256_set1_epi64x((int64_t)((UINT64_C(1) << width) - 1));
	for (size_t i = 0; i < n; i += 8, in += width) {
		__m256i a = load_pairs(in, in + at2), b = load_pairs(in + at4, in + at6);
		a = _mm256_srlv_epi64(_mm256_shuffle_epi8(a, la.shuffle), la.shift);
		b = _mm256_srlv_epi64(_mm256_shuffle_epi8(b, lb.shuffle), lb.shift);
		store(x + i, _mm256_and_si256(a, mask));
		store(x + i + 4, _mm256_and_si256(b, mask));
	}
}

/* first, first + step, first + 2 * step, first + 3 * step */
AVX2 static inline __m256i ramp(uint64_t first, uint64_t step)
{
	return _mm256_setr_epi64x(
		(int64_t)first, (int64_t)(first + step), (int64_t)(first + 2 * step), (int64_t)(first + 3 * step));
}

AVX2 static void line(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	__m256i at = _mm256_setr_epi64x(
		(int64_t)first, (int64_t)(first + step), (int64_t)(first + 2 * step), (int64_t)(first + 3 * step));
	__m256i by = _mm256_set1_epi64x((int64_t)(4 * step));
	for (size_t i = 0; i < n; i += 4, at = _mm256_add_epi64(at, by))
		store(x + i, _mm256_add_epi64(load(x + i), at));
}

/* The sums up to each lane, on top of `carry`. The chain from one vector to the next is a single addition: `carry` has
 * the sum so far in each lane, and what steps add in this vector; `by` is what they add from one vector to the next. */
AVX2 static inline __m256i sums(__m256i v, __m256i *carry, __m256i by)
{
	v = _mm256_add_epi64(v, _mm256_slli_si256(v, 8));
	/* Each half has its own sums; `all` is that of each, in both of its lanes. */
	__m256i all = _mm256_unpackhi_epi64(v, v), low_to_high = _mm256_permute2x128_si256(all, all, 0x08);
	v = _mm256_add_epi64(v, _mm256_add_epi64(low_to_high, *carry));
	all = _mm256_add_epi64(all, _mm256_permute2x128_si256(all, all, 0x01));
	*carry = _mm256_add_epi64(*carry, _mm256_add_epi64(all, by));
	return v;
}

AVX2 static void sum(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	const __m256i by = _mm256_set1_epi64x((int64_t)(4 * step));
	__m256i carry = ramp(first + step, step);
	for (size_t i = 0; i < n; i += 4)
		store(x + i, sums(load(x + i), &carry, by));
}

/* An integer within 2^51, added to the bits of this, gives those of the sum as doubles. */
#define MAGIC 0x1.8p52

AVX2 static void sum_to_double(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	const __m256i by = _mm256_set1_epi64x((int64_t)(4 * step));
	const __m256d magic = _mm256_set1_pd(MAGIC);
	__m256i carry = _mm256_add_epi64(ramp(first + step, step), _mm256_castpd_si256(magic));
	for (size_t i = 0; i < n; i += 4) {
		__m256d at = _mm256_castsi256_pd(sums(load(x + i), &carry, by));
		store(x + i, _mm256_castpd_si256(_mm256_sub_pd(at, magic)));
	}
}

/* The upper 16 bits become a multiple of 2^48 and the lower 48 an integer, each in the digits of a large power of two,
 * which is then taken away. Only the last addition rounds, as the conversion of one integer would. */
AVX2 static inline __m256d doubles(__m256i x)
{
	const __m256d high_of = _mm256_set1_pd(0x3p67), low_of = _mm256_set1_pd(0x1p52),
		      both = _mm256_set1_pd(0x3p67 + 0x1p52);
	__m256i high = _mm256_blend_epi16(_mm256_srai_epi32(x, 16), _mm256_setzero_si256(), 0x33);
	high = _mm256_add_epi64(high, _mm256_castpd_si256(high_of));
	__m256i low = _mm256_blend_epi16(x, _mm256_castpd_si256(low_of), 0x88);
	return _mm256_add_pd(_mm256_sub_pd(_mm256_castsi256_pd(high), both), _mm256_castsi256_pd(low));
}

AVX2 static void to_double(uint64_t *x, size_t n)
{
	for (size_t i = 0; i < n; i += 4)
		store(x + i, _mm256_castpd_si256(doubles(load(x + i))));
}

AVX2 static void divide(uint64_t *x, size_t n, double by)
{
	const __m256d d = _mm256_set1_pd(by);
	for (size_t i = 0; i < n; i += 4)
		store(x + i, _mm256_castpd_si256(_mm256_div_pd(_mm256_castsi256_pd(load(x + i)), d)));
}

AVX2 static void multiply(uint64_t *x, size_t n, double by)
{
	const __m256d d = _mm256_set1_pd(by);
	for (size_t i = 0; i < n; i += 4)
		store(x + i, _mm256_castpd_si256(_mm256_mul_pd(_mm256_castsi256_pd(load(x + i)), d)));
}

AVX2 static void unrotate(uint64_t *x, size_t n)
{
	for (size_t i = 0; i < n; i += 4) {
		__m256i v = load(x + i);
		store(x + i, _mm256_or_si256(_mm256_srli_epi64(v, 1), _mm256_slli_epi64(v, 63)));
	}
}

AVX2 static inline __m256i load32(const uint32_t *x)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

AVX2 static inline void store32(uint32_t *x, __m256i v)
{
	_mm256_storeu_si256((__m256i *)(void *)x, v);
}

/* As unpack(), with four numbers in each 16 bytes. */
AVX2 static void unpack32(const uint8_t *in, unsigned width, size_t n, uint32_t *x)
{
	const size_t at4 = 4 * width / 8;
	const int rest = (int)(4 * width % 8);
	const __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3), w = _mm256_set1_epi32((int)width);
	const __m256i bit =
		_mm256_add_epi32(_mm256_mullo_epi32(number, w), _mm256_setr_epi32(0, 0, 0, 0, rest, rest, rest, rest));
	const __m256i byte = _mm256_mullo_epi32(_mm256_srli_epi32(bit, 3), _mm256_set1_epi32(0x01010101));
	const __m256i shuffle = _mm256_add_epi32(byte, _mm256_set1_epi32(0x03020100));
	const __m256i shift = _mm256_and_si256(bit, _mm256_set1_epi32(7)), mask = _mm256_set1_epi32((1 << width) - 1);
	for (size_t i = 0; i < n; i += 8, in += width) {
		__m256i v = _mm256_shuffle_epi8(load_pairs(in, in + at4), shuffle);
		store32(x + i, _mm256_and_si256(_mm256_srlv_epi32(v, shift), mask));
	}
}

/* For each byte of a bitmap: which of the packed numbers goes into lane 0, 1, ... */
#define RANK(b, k) (__builtin_popcount((b) & ((1 << (k)) - 1)))
#define ROW(b)                                                                                                         \
	{                                                                                                              \
		RANK(b, 0), RANK(b, 1), RANK(b, 2), RANK(b, 3), RANK(b, 4), RANK(b, 5), RANK(b, 6), RANK(b, 7)         \
	}
#define ROWS4(b) ROW(b), ROW((b) + 1), ROW((b) + 2), ROW((b) + 3)
#define ROWS16(b) ROWS4(b), ROWS4((b) + 4), ROWS4((b) + 8), ROWS4((b) + 12)
#define ROWS64(b) ROWS16(b), ROWS16((b) + 16), ROWS16((b) + 32), ROWS16((b) + 48)
static const uint8_t ranks[256][8] = { ROWS64(0), ROWS64(64), ROWS64(128), ROWS64(192) };

AVX2 static void spread32(const uint32_t *packed, const uint8_t *bitmap, size_t n, uint32_t step, uint32_t *x)
{
	const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128), by = _mm256_set1_epi32((int)step);
	for (size_t i = 0; i < n; i += 8) {
		unsigned byte = bitmap[i / 8];
		__m256i rank = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)ranks[byte]));
		__m256i v = _mm256_add_epi32(_mm256_permutevar8x32_epi32(load32(packed), rank), by);
		__m256i set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)byte), bit), bit);
		store32(x + i, _mm256_and_si256(v, set));
		packed += __builtin_popcount(byte);
	}
}

AVX2 static void sum32(const uint32_t *x, size_t n, double first, uint32_t step, uint64_t *out)
{
	const __m256i by = _mm256_set1_epi32((int)step);
	const __m256d start = _mm256_set1_pd(first);
	__m256i carry = _mm256_setzero_si256();
	for (size_t i = 0; i < n; i += 8) {
		__m256i v = _mm256_add_epi32(load32(x + i), by);
		v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
		v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
		/* Each half has its own sums; `all` is that of each, in all of its lanes. */
		__m256i all = _mm256_shuffle_epi32(v, 0xff);
		__m256i low_to_high = _mm256_permute2x128_si256(all, all, 0x08);
		__m256i at = _mm256_add_epi32(v, _mm256_add_epi32(low_to_high, carry));
		all = _mm256_add_epi32(all, _mm256_permute2x128_si256(all, all, 0x01));
		carry = _mm256_add_epi32(carry, all);
		__m256d a = _mm256_cvtepi32_pd(_mm256_castsi256_si128(at)),
			b = _mm256_cvtepi32_pd(_mm256_extracti128_si256(at, 1));
		store(out + i, _mm256_castpd_si256(_mm256_add_pd(start, a)));
		store(out + i + 4, _mm256_castpd_si256(_mm256_add_pd(start, b)));
	}
}

const struct tsdb__kernels tsdb__kernels_avx2 = {
	.name = "avx2",
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
