/* kernels_scalar.c - what the kernels mean, one element at a time: the reference that the vector variants are compared
 * with, and what a machine without them runs. */
#include "libtsdb/column/kernels.h"

#include "libtsdb/column/varint.h"
#include "libtsdb/pm.h"

static void unpack(const uint8_t *in, unsigned width, size_t n, uint64_t *x)
{
	uint64_t mask = width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
	for (size_t i = 0; i < n; i++) {
		size_t bit = i * width;
		x[i] = tsdb__load_u64(in + bit / 8) >> bit % 8 & mask;
	}
}

static void line(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	for (size_t i = 0; i < n; i++)
		x[i] += first + i * step;
}

static void sum(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	for (size_t i = 0; i < n; i++)
		x[i] = first += x[i] + step;
}

static void to_double(uint64_t *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = pm_double_bits((double)(int64_t)x[i]);
}

static void to_quotient(uint64_t *x, size_t n, double by)
{
	for (size_t i = 0; i < n; i++)
		x[i] = pm_double_bits((double)(int64_t)x[i] / by);
}

static void to_product(uint64_t *x, size_t n, double by)
{
	for (size_t i = 0; i < n; i++)
		x[i] = pm_double_bits((double)(int64_t)x[i] * by);
}

static void unrotate(uint64_t *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = x[i] >> 1 | x[i] << 63;
}

const struct tsdb__kernels tsdb__kernels_scalar = {
	.name = "scalar",
	.unpack = unpack,
	.line = line,
	.sum = sum,
	.to_double = to_double,
	.to_quotient = to_quotient,
	.to_product = to_product,
	.unrotate = unrotate,
};
