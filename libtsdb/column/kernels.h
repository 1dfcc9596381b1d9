/* kernels.h - the inner loops of decoding, each as a scalar reference and as vector variants that give the same bits.
 *
 * All work on up to 128 elements of 64 bits, in place where they can. Every count is rounded up to a multiple of 8: `x`
 * has room for it, and what stands behind the count is not for reading. */
#ifndef TSDB_COLUMN_KERNELS_H
#define TSDB_COLUMN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum { TSDB_WIDTH_MAX = 57 }; /* bits of a packed number: with the 7 bits before it, it fits one load. Or 64. */

struct tsdb__kernels {
	const char *name;
	/* n (> 0) numbers of `width` bits (0..57, 64), one behind the other from the lowest bit on. Reads up to 63 bytes
	 * behind the last byte that holds one. */
	void (*unpack)(const uint8_t *in, unsigned width, size_t n, uint64_t *x);
	/* x[i] += first + i * step */
	void (*line)(uint64_t *x, size_t n, uint64_t first, uint64_t step);
	/* x[i] = sum of (x[k] + step), k <= i, beginning with `first` */
	void (*sum)(uint64_t *x, size_t n, uint64_t first, uint64_t step);
	/* Signed integers to doubles, to the nearest; divided by, or multiplied with, `by`. */
	void (*to_double)(uint64_t *x, size_t n);
	void (*to_quotient)(uint64_t *x, size_t n, double by);
	void (*to_product)(uint64_t *x, size_t n, double by);
	/* One bit to the right, round: the sign comes back from the lowest bit. */
	void (*unrotate)(uint64_t *x, size_t n);
};

/* The best this machine has; PM_SIMD=scalar|avx2|avx512|neon asks for another, which counts when the machine has it. */
const struct tsdb__kernels *tsdb__kernels(void);
/* The variants that run here, scalar first; returns how many. */
size_t tsdb__kernels_list(const struct tsdb__kernels *ret[4]);
/* Tests: these and no others until called with NULL. */
void tsdb__kernels_force(const struct tsdb__kernels *k);

extern const struct tsdb__kernels tsdb__kernels_scalar;

#endif
