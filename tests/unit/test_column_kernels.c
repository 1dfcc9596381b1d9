/* test_column_kernels.c - each vector variant that this machine runs gives the bits of the scalar reference: for every
 * width, every count, random numbers and hostile ones. */
#include "tests/support/columns.h"

#include "libtsdb/column/column.h"
#include "libtsdb/column/kernels.h"

enum { N = 128, ROUNDS = 40 };

static const struct tsdb__kernels *variants[4];
static size_t variant_count;
static const struct tsdb__kernels *const scalar = &tsdb__kernels_scalar;

static int list_variants(void **state)
{
	variant_count = tsdb__kernels_list(variants);
	for (size_t i = 0; i < variant_count; i++)
		print_message("variant %s\n", variants[i]->name);
	if (variant_count == 1)
		print_message("skip: this machine has no vector variant\n");
	return 0;
}

static uint64_t any_u64(struct test_rng *r)
{
	static const uint64_t edges[] = { 0, 1, ~UINT64_C(0), UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1,
		UINT64_C(1) << 52, UINT64_C(1) << 53, (UINT64_C(1) << 53) + 1, 0 - (UINT64_C(1) << 53) - 1,
		(UINT64_C(1) << 54) + 3, UINT64_C(0x7fffffffffffffff), UINT64_C(0xffffffff),
		UINT64_C(0x8000000000000400), UINT64_C(0x7ffffffffffffdff), UINT64_C(0x7ffffffffffffe00),
		UINT64_C(0x0000ffffffffffff) };
	if (test_below(r, 3) == 0)
		return edges[test_below(r, sizeof edges / sizeof *edges)];
	return test_u64(r) >> test_below(r, 64);
}

static void fill(struct test_rng *r, uint64_t *x)
{
	for (size_t i = 0; i < N; i++)
		x[i] = any_u64(r);
}

#define same(got, want, n) test_same_((got), (want), (n) * sizeof *(got), variants[v]->name, __FILE__, __LINE__)

static void test_same_(const void *got, const void *want, size_t bytes, const char *name, const char *file, int line)
{
	if (memcmp(got, want, bytes) == 0)
		return;
	print_error("%s differs from scalar\n", name);
	_fail(file, line);
}

/* Packed bytes end where the last number does; the slack behind them is another for each call, and must not matter. */
static uint8_t *packed_bytes(struct test_rng *r, size_t bytes, uint8_t slack)
{
	uint8_t *p = malloc(bytes + TSDB_COLUMN_SLACK);
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)test_u64(r);
	memset(p + bytes, slack, TSDB_COLUMN_SLACK);
	return p;
}

static void test_unpack(void **state)
{
	struct test_rng r = test_rng(1);
	uint64_t got[N], want[N];
	for (size_t v = 1; v < variant_count; v++)
		for (unsigned width = 0; width <= 64; width += width == TSDB_WIDTH_MAX ? 7 : 1)
			for (size_t n = 1; n <= N; n++) {
				uint8_t *p = packed_bytes(&r, (n * width + 7) / 8, (uint8_t)test_u64(&r));
				variants[v]->unpack(p, width, n, got);
				scalar->unpack(p, width, n, want);
				same(got, want, n);
				free(p);
			}
}

static void test_unpack32(void **state)
{
	struct test_rng r = test_rng(2);
	uint32_t got[N], want[N];
	for (size_t v = 1; v < variant_count; v++)
		for (unsigned width = 0; width <= TSDB_WIDTH_MAX_32; width++)
			for (size_t n = 1; n <= N; n++) {
				uint8_t *p = packed_bytes(&r, (n * width + 7) / 8, (uint8_t)test_u64(&r));
				variants[v]->unpack32(p, width, n, got);
				scalar->unpack32(p, width, n, want);
				same(got, want, n);
				free(p);
			}
}

/* The reference itself, against the plainest reading: bit by bit. */
static void test_reference(void **state)
{
	struct test_rng r = test_rng(3);
	for (unsigned width = 0; width <= 64; width += width == TSDB_WIDTH_MAX ? 7 : 1) {
		uint8_t *p = packed_bytes(&r, (N * width + 7) / 8, 0xff);
		uint64_t got[N];
		uint32_t got32[N];
		scalar->unpack(p, width, N, got);
		if (width <= TSDB_WIDTH_MAX_32)
			scalar->unpack32(p, width, N, got32);
		for (size_t i = 0, bit = 0; i < N; i++) {
			uint64_t want = 0;
			for (unsigned k = 0; k < width; k++, bit++)
				want |= (uint64_t)(p[bit / 8] >> bit % 8 & 1) << k;
			assert_int_equal(got[i], want);
			if (width <= TSDB_WIDTH_MAX_32)
				assert_int_equal(got32[i], want);
		}
		free(p);
	}
}

static void test_in_place(void **state)
{
	struct test_rng r = test_rng(4);
	uint64_t in[N], small[N], got[N], want[N];
	for (size_t v = 1; v < variant_count; v++)
		for (size_t round = 0; round < ROUNDS * N; round++) {
			const struct tsdb__kernels *k = variants[v];
			size_t n = 1 + round % N;
			uint64_t first = any_u64(&r), step = any_u64(&r);
			double by = pm_bits_double(any_u64(&r));
			fill(&r, in);
#define BOTH(call_got, call_want) BOTH_OF(in, call_got, call_want)
#define BOTH_OF(in, call_got, call_want)                                                                               \
	memcpy(got, in, sizeof in);                                                                                    \
	memcpy(want, in, sizeof in);                                                                                   \
	call_got;                                                                                                      \
	call_want;                                                                                                     \
	same(got, want, n)
			BOTH(k->line(got, n, first, step), scalar->line(want, n, first, step));
			BOTH(k->sum(got, n, first, step), scalar->sum(want, n, first, step));
			BOTH(k->to_double(got, n), scalar->to_double(want, n));
			for (size_t i = 0; i < N; i++) /* sums of numbers of 43 bits stay within 2^51 */
				small[i] = (uint64_t)((int64_t)in[i] >> 21);
			BOTH_OF(small, k->sum_to_double(got, n, small[0] << 7, small[1]),
				scalar->sum_to_double(want, n, small[0] << 7, small[1]));
			BOTH(k->unrotate(got, n), scalar->unrotate(want, n));
			if (by == by) { /* which NaN comes of two is the machine's choice, and the writer looks */
				scalar->to_double(in, n);
				BOTH(k->divide(got, n, by), scalar->divide(want, n, by));
				BOTH(k->multiply(got, n, by), scalar->multiply(want, n, by));
			}
		}
}

static void test_narrow(void **state)
{
	struct test_rng r = test_rng(5);
	uint32_t in[N + 8], got[N], want[N];
	uint64_t got64[N], want64[N];
	uint8_t bitmap[N / 8];
	for (size_t v = 1; v < variant_count; v++)
		for (size_t round = 0; round < ROUNDS * N; round++) {
			size_t n = 1 + round % N;
			uint32_t step = (uint32_t)any_u64(&r);
			double first = (double)((int64_t)any_u64(&r) >> 11);
			for (size_t i = 0; i < N + 8; i++)
				in[i] = (uint32_t)any_u64(&r);
			for (size_t i = 0; i < N / 8; i++)
				bitmap[i] = (uint8_t)any_u64(&r);
			variants[v]->spread32(in, bitmap, n, step, got);
			scalar->spread32(in, bitmap, n, step, want);
			same(got, want, n);
			variants[v]->sum32(in, n, first, step, got64);
			scalar->sum32(in, n, first, step, want64);
			same(got64, want64, n);
		}
}

/* Whole columns, the odd ones too. */
static void test_columns(void **state)
{
	enum { LEN = 700 };
	static double in[LEN], got[LEN + N];
	size_t first;
	for (size_t v = 0; v < variant_count; v++)
		for (unsigned kind = 0; kind < COLUMN_VALUE_KINDS * 4; kind++) {
			struct test_rng r = test_rng(kind);
			struct pm_buf b = { 0 };
			struct tsdb__column c;
			column_fill_values(&r, kind % COLUMN_VALUE_KINDS, in, LEN);
			tsdb__kernels_force(scalar);
			assert_int_equal(tsdb__column_put_values(&b, in, LEN), 0);
			assert_int_equal(pm_buf_reserve(&b, TSDB_COLUMN_SLACK), 0);
			tsdb__kernels_force(variants[v]);
			assert_int_equal(tsdb__column_open(&c, (uint8_t *)b.ptr, b.len, NULL), 0);
			assert_int_equal(tsdb__column_values(&c, 0, LEN, got, &first), 0);
			same(got, in, LEN);
			pm_buf_release(&b);
		}
	tsdb__kernels_force(NULL);
}

/* PM_SIMD names a variant; a name that is none changes nothing. */
static void test_choice(void **state)
{
	for (size_t v = 0; v < variant_count; v++) {
		setenv("PM_SIMD", variants[v]->name, 1);
		tsdb__kernels_force(NULL);
		assert_ptr_equal(tsdb__kernels(), variants[v]);
	}
	setenv("PM_SIMD", "abacus", 1);
	tsdb__kernels_force(NULL);
	assert_ptr_equal(tsdb__kernels(), variants[variant_count - 1]);
	unsetenv("PM_SIMD");
	tsdb__kernels_force(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_reference), TEST(test_unpack), TEST(test_unpack32),
		TEST(test_in_place), TEST(test_narrow), TEST(test_columns), TEST(test_choice) };
	return test_end_(cmocka_run_group_tests(tests, list_variants, NULL));
}
