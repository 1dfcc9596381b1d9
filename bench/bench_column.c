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

/* One column, decoded, copied or written `rounds` times in a row; of `TRIES` such runs the quickest counts, as others
 * may be at work on the machine. */
enum { TRIES = 40 };

struct work {
	const struct tsdb__column *c;
	const double *v;
	const int64_t *t; /* NULL: values */
	void *out;
	struct pm_buf *buf;
};

static void decode(const struct work *w)
{
	size_t first;
	check((w->t ? tsdb__column_times(w->c, 0, N, w->out, &first)
		    : tsdb__column_values(w->c, 0, N, w->out, &first)) == 0);
}

static void copy(const struct work *w)
{
	memcpy(w->out, w->t ? (const void *)w->t : w->v, N * 8);
	__asm__ volatile("" : : "r"(w->out) : "memory");
}

static void encode(const struct work *w)
{
	pm_buf_reset(w->buf);
	check((w->t ? tsdb__column_put_times(w->buf, w->t, N) : tsdb__column_put_values(w->buf, w->v, N)) == 0);
}

/* Elements a second. */
static double rate(void (*fn)(const struct work *), const struct work *w, size_t rounds)
{
	double best = 0;
	for (size_t i = 0; i < TRIES; i++) {
		double start = bench_now_s();
		for (size_t k = 0; k < rounds; k++)
			fn(w);
		double rate = N * (double)rounds / (bench_now_s() - start);
		best = rate > best ? rate : best;
	}
	return best;
}

static uint64_t bench_kind(int kind, size_t rounds)
{
	static double v[N], out[N + TSDB_COLUMN_BLOCK];
	static int64_t t[N];
	const struct tsdb__kernels *variants[4];
	size_t variant_count = tsdb__kernels_list(variants);
	struct pm_buf b = { 0 };
	struct tsdb__column c;
	struct work w = { .c = &c, .v = v, .t = kind >= 6 ? t : NULL, .out = out, .buf = &b };
	fill(kind, v, t);
	double written = rate(encode, &w, rounds / 20 + 1) / 1e6, copied = rate(copy, &w, rounds);
	check(pm_buf_reserve(&b, TSDB_COLUMN_SLACK) == 0 && tsdb__column_open(&c, (uint8_t *)b.ptr, b.len, NULL) == 0);
	printf("%-18s %-11s %6.3f bytes, written %4.0f M/s, read", kinds[kind], tsdb__column_encoding(&c),
		(double)b.len / N, written);
	for (size_t i = 0; i < variant_count; i++) {
		tsdb__kernels_force(variants[i]);
		memset(out, 0, sizeof out);
		double decoded = rate(decode, &w, rounds);
		check(memcmp(out, w.t ? (void *)t : v, N * 8) == 0);
		printf(" %s %.2f G/s (%.2f of memcpy)", variants[i]->name, decoded / 1e9, decoded / copied);
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
		hash = hash * 31 + bench_kind(kind, bench_tiny(argc, argv) ? 1 : 100);
	bench_hash(hash);
	return 0;
}
