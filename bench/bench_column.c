/* bench_column.c - columns: how fast they decode, beside a memcpy of the same output, and how small they are.
 *
 *     bench_column [--tiny]             decoding and sizes of made-up columns
 *     bench_column --text N FILE...     sizes of series in files of OpenMetrics text, in columns of N samples
 *                                       (0: one a series), by metric and by encoding
 */
#include "bench/bench.h"

#include "bench/series.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/column/column.h"
#include "libtsdb/column/kernels.h"

#include <math.h>
#include <stdlib.h>

enum { N = 5760, KINDS = 8 };

static const char *const kinds[KINDS] = { "counter", "counter, slow", "gauge, 3 digits", "gauge, seldom new", "noise",
	"pages of memory", "times, +-5 ms", "times, a grid" };

static double bell(uint64_t *r)
{
	uint64_t x = bench_random(r);
	double v = (double)((x & 65535) + (x >> 16 & 65535) + (x >> 32 & 65535) + (x >> 48)) / 65536;
	return (v - 2) * 1.7320508;
}

static void fill(int kind, double *v, int64_t *t)
{
	uint64_t r = 88172645463325252u;
	double x = 12345678, rate = 200000;
	for (size_t i = 0; i < N; i++) {
		double noise = bell(&r);
		switch (kind) {
		case 0:
			v[i] = x += floor(rate * (1 + 0.25 * noise));
			break;
		case 1:
			v[i] = x += floor(fabs(noise) * 2);
			break;
		case 2:
			v[i] = (x += floor(noise * 700)) / 1000;
			break;
		case 3:
			v[i] = (x += bench_random(&r) & 3 ? 0 : floor(noise * 30)) / 100;
			break;
		case 4:
			v[i] = rate * (1 + 0.3 * noise) * (0.5 + (double)(bench_random(&r) >> 11) * 0x1p-53);
			break;
		case 5:
			v[i] = (x += floor(noise * 50)) * 4096;
			break;
		case 6:
			t[i] = 1700000000000 + (int64_t)i * 15000 + (int64_t)(bench_random(&r) % 11) - 5;
			break;
		default:
			t[i] = 1700000000000 + (int64_t)i * 15000;
			break;
		}
	}
}

static void check(bool ok)
{
	if (!ok) {
		fprintf(stderr, "bench_column: a column did not come back\n");
		exit(1);
	}
}

/* G elements a second that `rounds` of decoding the column give. */
static double decode_rate(const struct tsdb__column *c, bool times, void *out, size_t rounds)
{
	size_t first;
	double start = bench_now_s();
	for (size_t i = 0; i < rounds; i++)
		check((times ? tsdb__column_times(c, 0, N, out, &first) : tsdb__column_values(c, 0, N, out, &first)) ==
			0);
	return N * (double)rounds / (bench_now_s() - start) / 1e9;
}

static double copy_rate(const void *in, void *out, size_t rounds)
{
	double start = bench_now_s();
	for (size_t i = 0; i < rounds; i++) {
		memcpy(out, in, N * 8);
		__asm__ volatile("" : : "r"(out) : "memory");
	}
	return N * (double)rounds / (bench_now_s() - start) / 1e9;
}

static double encode_rate(struct pm_buf *b, const double *v, const int64_t *t, size_t rounds)
{
	double start = bench_now_s();
	for (size_t i = 0; i < rounds; i++) {
		pm_buf_reset(b);
		check((t ? tsdb__column_put_times(b, t, N) : tsdb__column_put_values(b, v, N)) == 0);
	}
	return N * (double)rounds / (bench_now_s() - start) / 1e6;
}

static uint64_t bench_kind(int kind, size_t rounds)
{
	static double v[N], out[N + TSDB_COLUMN_BLOCK];
	static int64_t t[N];
	const struct tsdb__kernels *variants[4];
	size_t variant_count = tsdb__kernels_list(variants);
	struct pm_buf b = { 0 };
	struct tsdb__column c;
	bool times = kind >= 6;
	fill(kind, v, t);
	double encode = encode_rate(&b, v, times ? t : NULL, rounds / 20 + 1);
	check(pm_buf_reserve(&b, TSDB_COLUMN_SLACK) == 0 && tsdb__column_open(&c, (uint8_t *)b.ptr, b.len, NULL) == 0);
	printf("%-18s %-11s %6.3f bytes, written %4.0f M/s, read", kinds[kind], tsdb__column_encoding(&c),
		b.len / (double)N, encode);
	double copy = copy_rate(times ? (void *)t : v, out, rounds);
	for (size_t i = 0; i < variant_count; i++) {
		tsdb__kernels_force(variants[i]);
		memset(out, 0, sizeof out);
		double rate = decode_rate(&c, times, out, rounds);
		check(memcmp(out, times ? (void *)t : v, N * 8) == 0);
		printf(" %s %.2f G/s (%.2f of memcpy)", variants[i]->name, rate, rate / copy);
	}
	printf("\n");
	tsdb__kernels_force(NULL);
	uint64_t hash = pm_hash(b.ptr, b.len);
	pm_buf_release(&b);
	return hash;
}

int main(int argc, char **argv)
{
	uint64_t hash = 0;
	if (argc > 3 && strcmp(argv[1], "--text") == 0)
		return bench_series_sizes(strtoul(argv[2], NULL, 10), argv + 3);
	for (int kind = 0; kind < KINDS; kind++)
		hash = hash * 31 + bench_kind(kind, bench_tiny(argc, argv) ? 2 : 10000);
	bench_hash(hash);
	return 0;
}
