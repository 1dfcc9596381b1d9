/* immintrin.h - stands in for the compiler's: SIMDe computes what each instruction would, in plain C. What SIMDe lacks
 * is below, from the manual's description. */
#ifndef PM_STAND_IN_IMMINTRIN_H
#define PM_STAND_IN_IMMINTRIN_H

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

/* VALIGNQ, VALIGND: `a` above `b`, moved down by `by` lanes. */
static inline __m512i stand_in_alignr_epi64(__m512i a, __m512i b, int by)
{
	int64_t in[16], out[8];
	simde_mm512_storeu_si512(in, b);
	simde_mm512_storeu_si512(in + 8, a);
	for (int i = 0; i < 8; i++)
		out[i] = in[i + (by & 7)];
	return simde_mm512_loadu_si512(out);
}

static inline __m256i stand_in_alignr_epi32(__m256i a, __m256i b, int by)
{
	int32_t in[16], out[8];
	simde_mm256_storeu_si256((__m256i *)in, b);
	simde_mm256_storeu_si256((__m256i *)(in + 8), a);
	for (int i = 0; i < 8; i++)
		out[i] = in[i + (by & 7)];
	return simde_mm256_loadu_si256((const __m256i *)out);
}

/* VCVTQQ2PD, VCVTDQ2PD */
static inline __m512d stand_in_cvtepi64_pd(__m512i a)
{
	int64_t in[8];
	double out[8];
	simde_mm512_storeu_si512(in, a);
	for (int i = 0; i < 8; i++)
		out[i] = (double)in[i];
	return simde_mm512_loadu_pd(out);
}

static inline __m512d stand_in_cvtepi32_pd(__m256i a)
{
	int32_t in[8];
	double out[8];
	simde_mm256_storeu_si256((__m256i *)in, a);
	for (int i = 0; i < 8; i++)
		out[i] = in[i];
	return simde_mm512_loadu_pd(out);
}

#define _mm512_alignr_epi64(a, b, by) stand_in_alignr_epi64(a, b, by)
#define _mm256_alignr_epi32(a, b, by) stand_in_alignr_epi32(a, b, by)
#define _mm512_cvtepi64_pd(a) stand_in_cvtepi64_pd(a)
#define _mm512_cvtepi32_pd(a) stand_in_cvtepi32_pd(a)

#endif
