/* kernels.h - the inner loops of decoding, each as a scalar reference and as vector variants that give the same bits.
 *
 * They work on up to 128 elements. Every count is rounded up to a multiple of 8: arrays have room for it, and what
 * stands behind the count is not for reading. */
#ifndef TSDB_COLUMN_KERNELS_H
#define TSDB_COLUMN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define TSDB_KERNELS_X86 1
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TSDB_KERNELS_NEON 1
#endif

enum {
	TSDB_WIDTH_MAX = 57,    /* bits of a packed number: with the 7 bits before it, it fits one load. Or 64. */
	TSDB_WIDTH_MAX_51 = 41, /* 128 such numbers, patched near, and as many steps: a sum within 2^50 */
	TSDB_WIDTH_MAX_32 = 22, /* 128 such numbers, patched near, and as many steps of this size: a sum of 31 bits */
};

struct tsdb__kernels {
	const char *name;
	/* n (> 0) numbers of `width` bits (0..57, 64), one behind the other from the lowest bit on. Reads up to 63
	 * bytes behind the last byte that holds one. */
	void (*unpack)(const uint8_t *in, unsigned width, size_t n, uint64_t *x);
	/* x[i] += first + i * step */
	void (*line)(uint64_t *x, size_t n, uint64_t first, uint64_t step);
	/* x[i] = sum of (x[k] + step), k <= i, beginning with `first` */
	void (*sum)(uint64_t *x, size_t n, uint64_t first, uint64_t step);
	/* As sum(), the sums as doubles; they stay within 2^51 on both sides of 0. */
	void (*sum_to_double)(uint64_t *x, size_t n, uint64_t first, uint64_t step);
	/* Signed integers to doubles, to the nearest. */
	void (*to_double)(uint64_t *x, size_t n);
	/* Doubles divided by, or multiplied with, `by`. */
	void (*divide)(uint64_t *x, size_t n, double by);
	void (*multiply)(uint64_t *x, size_t n, double by);
	/* One bit to the right, round: the sign comes back from the lowest bit. */
	void (*unrotate)(uint64_t *x, size_t n);

	/* Small differences to doubles, in 32 bits as long as possible: unpacked (width 0..22), ... */
	void (*unpack32)(const uint8_t *in, unsigned width, size_t n, uint32_t *x);
	/* ... for a sparse block the next one plus `step` where the bitmap has ones, else 0 (reads up to 8 packed ones
	 * too many), ... */
	void (*spread32)(const uint32_t *packed, const uint8_t *bitmap, size_t n, uint32_t step, uint32_t *x);
	/* ... and out[i] = first + sum of (x[k] + step), k <= i, the sum as a signed integer. */
	void (*sum32)(const uint32_t *x, size_t n, double first, uint32_t step, uint64_t *out);
};

/* The best this machine has; PM_SIMD=scalar|avx2|avx512|neon asks for another, which counts when the machine has it. */
const struct tsdb__kernels *tsdb__kernels(void);
/* The variants that run here, scalar first; returns how many. */
size_t tsdb__kernels_list(const struct tsdb__kernels *ret[4]);
/* Tests: these and no others until called with NULL. */
void tsdb__kernels_force(const struct tsdb__kernels *k);

extern const struct tsdb__kernels tsdb__kernels_scalar;
extern const struct tsdb__kernels tsdb__kernels_avx2, tsdb__kernels_avx512; /* TSDB_KERNELS_X86 */
extern const struct tsdb__kernels tsdb__kernels_neon;                       /* TSDB_KERNELS_NEON */

#endif
