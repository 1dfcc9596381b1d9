/* kernels_avx512.c - eight elements at a time, where a machine moves single bytes between all lanes (VBMI: Ice Lake,
 * Zen 4 and later). tests/simd runs it on machines without, through a library that stands for the instructions. */
#include "libtsdb/column/kernels.h"

#ifdef TSDB_KERNELS_X86

#include <immintrin.h>
#include <string.h>

#ifndef AVX512
#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vbmi,popcnt")))
#endif

AVX512 static inline __m512i load(const void *x)
{
	return _mm512_loadu_si512(x);
}

AVX512 static inline void store(uint64_t *x, __m512i v)
{
	_mm512_storeu_si512(x, v);
}

/* Eight numbers of one width begin at a byte again: one load has them all. */
AVX512 static void unpack(const uint8_t *in, unsigned width, size_t n, uint64_t *x)
{
	if (width == 64) {
		memcpy(x, in, n * sizeof *x);
		return;
	}
	uint64_t bytes[8], bits[8];
	for (unsigned i = 0; i < 8; i++) {
		bytes[i] = UINT64_C(0x0706050403020100) + UINT64_C(0x0101010101010101) * (i * width / 8);
		bits[i] = i * width % 8;
	}
	const __m512i places = load(bytes), shift = load(bits);
	const __m512i mask = _mm512_set1_epi64((int64_t)((UINT64_C(1) << width) - 1));
	for (size_t i = 0; i < n; i += 8, in += width) {
		__m512i v = _mm512_srlv_epi64(_mm512_permutexvar_epi8(places, load(in)), shift);
		store(x + i, _mm512_and_si512(v, mask));
	}
}

/* first, first + step, first + 2 * step, ... */
AVX512 static inline __m512i ramp(uint64_t first, uint64_t step)
{
	uint64_t x[8];
	for (unsigned i = 0; i < 8; i++)
		x[i] = first + i * step;
	return load(x);
}

AVX512 static void line(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	const __m512i by = _mm512_set1_epi64((int64_t)(8 * step));
	__m512i at = ramp(first, step);
	for (size_t i = 0; i < n; i += 8, at = _mm512_add_epi64(at, by))
		store(x + i, _mm512_add_epi64(load(x + i), at));
}

/* Sums of one, two, ... eight lanes. */
AVX512 static inline __m512i sums(__m512i v)
{
	const __m512i zero = _mm512_setzero_si512();
	v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 7));
	v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 6));
	return _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 4));
}

AVX512 static void sum(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	const __m512i by = _mm512_set1_epi64((int64_t)(8 * step)), last = _mm512_set1_epi64(7);
	__m512i carry = ramp(first + step, step);
	for (size_t i = 0; i < n; i += 8) {
		__m512i v = sums(load(x + i));
		store(x + i, _mm512_add_epi64(v, carry));
		carry = _mm512_add_epi64(carry, _mm512_add_epi64(_mm512_permutexvar_epi64(last, v), by));
	}
}

AVX512 static void sum_to_double(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	const __m512i by = _mm512_set1_epi64((int64_t)(8 * step)), last = _mm512_set1_epi64(7);
	__m512i carry = ramp(first + step, step);
	for (size_t i = 0; i < n; i += 8) {
		__m512i v = sums(load(x + i));
		store(x + i, _mm512_castpd_si512(_mm512_cvtepi64_pd(_mm512_add_epi64(v, carry))));
		carry = _mm512_add_epi64(carry, _mm512_add_epi64(_mm512_permutexvar_epi64(last, v), by));
	}
}

AVX512 static inline __m512d load_doubles(const uint64_t *x)
{
	return _mm512_castsi512_pd(load(x));
}

AVX512 static inline void store_doubles(uint64_t *x, __m512d v)
{
	store(x, _mm512_castpd_si512(v));
}

AVX512 static void to_double(uint64_t *x, size_t n)
{
	for (size_t i = 0; i < n; i += 8)
		store_doubles(x + i, _mm512_cvtepi64_pd(load(x + i)));
}

AVX512 static void divide(uint64_t *x, size_t n, double by)
{
	const __m512d d = _mm512_set1_pd(by);
	for (size_t i = 0; i < n; i += 8)
		store_doubles(x + i, _mm512_div_pd(load_doubles(x + i), d));
}

AVX512 static void multiply(uint64_t *x, size_t n, double by)
{
	const __m512d d = _mm512_set1_pd(by);
	for (size_t i = 0; i < n; i += 8)
		store_doubles(x + i, _mm512_mul_pd(load_doubles(x + i), d));
}

AVX512 static void unrotate(uint64_t *x, size_t n)
{
	for (size_t i = 0; i < n; i += 8)
		store(x + i, _mm512_ror_epi64(load(x + i), 1));
}

AVX512 static inline __m256i load32(const void *x)
{
	return _mm256_loadu_si256((const __m256i *)x);
}

AVX512 static void unpack32(const uint8_t *in, unsigned width, size_t n, uint32_t *x)
{
	uint32_t bytes[8], bits[8];
	for (unsigned i = 0; i < 8; i++) {
		bytes[i] = UINT32_C(0x03020100) + UINT32_C(0x01010101) * (i * width / 8);
		bits[i] = i * width % 8;
	}
	const __m256i places = load32(bytes), shift = load32(bits), mask = _mm256_set1_epi32((1 << width) - 1);
	for (size_t i = 0; i < n; i += 8, in += width) {
		__m256i v = _mm256_srlv_epi32(_mm256_permutexvar_epi8(places, load32(in)), shift);
		_mm256_storeu_si256((__m256i *)(void *)(x + i), _mm256_and_si256(v, mask));
	}
}

AVX512 static void spread32(const uint32_t *packed, const uint8_t *bitmap, size_t n, uint32_t step, uint32_t *x)
{
	const __m256i by = _mm256_set1_epi32((int)step);
	for (size_t i = 0; i < n; i += 8) {
		__m256i v = _mm256_maskz_expand_epi32(bitmap[i / 8], _mm256_add_epi32(load32(packed), by));
		_mm256_storeu_si256((__m256i *)(void *)(x + i), v);
		packed += __builtin_popcount(bitmap[i / 8]);
	}
}

AVX512 static void sum32(const uint32_t *x, size_t n, double first, uint32_t step, uint64_t *out)
{
	const __m256i zero = _mm256_setzero_si256(), by = _mm256_set1_epi32((int)step), last = _mm256_set1_epi32(7);
	const __m512d start = _mm512_set1_pd(first);
	__m256i carry = zero;
	for (size_t i = 0; i < n; i += 8) {
		__m256i v = _mm256_add_epi32(load32(x + i), by);
		v = _mm256_add_epi32(v, _mm256_alignr_epi32(v, zero, 7));
		v = _mm256_add_epi32(v, _mm256_alignr_epi32(v, zero, 6));
		v = _mm256_add_epi32(v, _mm256_alignr_epi32(v, zero, 4));
		store_doubles(out + i, _mm512_add_pd(start, _mm512_cvtepi32_pd(_mm256_add_epi32(v, carry))));
		carry = _mm256_add_epi32(carry, _mm256_permutevar8x32_epi32(v, last));
	}
}

const struct tsdb__kernels tsdb__kernels_avx512 = {
	.name = "avx512",
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
