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

static void sum_to_double(uint64_t *x, size_t n, uint64_t first, uint64_t step)
{
	sum(x, n, first, step);
	to_double(x, n);
}

static void divide(uint64_t *x, size_t n, double by)
{
	for (size_t i = 0; i < n; i++)
		x[i] = pm_double_bits(pm_bits_double(x[i]) / by);
}

static void multiply(uint64_t *x, size_t n, double by)
{
	for (size_t i = 0; i < n; i++)
		x[i] = pm_double_bits(pm_bits_double(x[i]) * by);
}

static void unrotate(uint64_t *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = x[i] >> 1 | x[i] << 63;
}

static void unpack32(const uint8_t *in, unsigned width, size_t n, uint32_t *x)
{
	uint32_t mask = (UINT32_C(1) << width) - 1;
	for (size_t i = 0; i < n; i++) {
		size_t bit = i * width;
		x[i] = (uint32_t)(tsdb__load_u64(in + bit / 8) >> bit % 8) & mask;
	}
}

/* No branches: which bits are set is random. */
static void spread32(const uint32_t *packed, const uint8_t *bitmap, size_t n, uint32_t step, uint32_t *x)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bit = bitmap[i / 8] >> i % 8 & 1;
		x[i] = (*packed + step) & (0 - bit);
		packed += bit;
	}
}

static void sum32(const uint32_t *x, size_t n, double first, uint32_t step, uint64_t *out)
{
	uint32_t sum_of = 0;
	for (size_t i = 0; i < n; i++) {
		sum_of += x[i] + step;
		out[i] = pm_double_bits(first + (int32_t)sum_of);
	}
}

const struct tsdb__kernels tsdb__kernels_scalar = {
	.name = "scalar",
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
