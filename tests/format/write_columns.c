/* write_columns.c - columns for the reader that was written from the document: into DIR/values and DIR/times one behind
 * the other, and what they hold into DIR/values.want and DIR/times.want, a line each. Every map and form is there. */
#include "libtsdb/column/column.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 1300, SHAPES = 14 };

static uint64_t state = 7;

static uint64_t random_u64(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* [-1, 1), most near 0. */
static double any(void)
{
	double a = (double)(int64_t)random_u64() * 0x1p-63, b = (double)(int64_t)random_u64() * 0x1p-63;
	return a * b;
}

/* Elements that follow on `x`; the times of a shape are its integers. */
static double next(int shape, size_t i, double *x)
{
	switch (shape) {
	case 0:
		return *x += floor(1e5 * (1 + any()));
	case 1:
		return *x += floor(3 * fabs(any()));
	case 2:
		return *x += random_u64() % 6 ? 0 : floor(1e4 * any());
	case 3:
		return (*x += floor(900 * any())) / 1000;
	case 4:
		return (*x += floor(20 * any())) * 4096;
	case 5:
		return fabs(any()) * 1e-3;
	case 6:
		return any();
	case 7:
		return floor(1e12 + (double)(i * i) * 7);
	case 8:
		return floor(1e6 * any()) + 15000 * (double)i;
	case 9:
		return 2.5 * (double)(i + 1);
	case 10:
		return 1e-3;
	case 11:
		return i % 50 ? *x += 10 : pm_bits_double(random_u64() | UINT64_C(0x7ff) << 52);
	case 12:
		return floor(any() * 9e15);
	default:
		return pm_bits_double(random_u64());
	}
}

static FILE *create(const char *dir, const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

static void put(const struct pm_buf *b, FILE *bytes, const uint64_t *elements, size_t n, FILE *want)
{
	struct tsdb__column c;
	if (pm_buf_error(b) || tsdb__column_open(&c, (const uint8_t *)b->ptr, b->len, NULL) < 0)
		exit(1);
	fprintf(stderr, "%s of %zu\n", tsdb__column_encoding(&c), n);
	fwrite(b->ptr, 1, b->len, bytes);
	for (size_t i = 0; i < n; i++)
		fprintf(want, "%s%016llx", i ? " " : "", (unsigned long long)elements[i]);
	fputc('\n', want);
}

int main(int argc, char **argv)
{
	static const size_t lengths[] = { 1, 2, 9, 60, 129, N };
	static union {
		double v[N];
		int64_t t[N];
		uint64_t bits[N];
	} c;
	const char *dir = argc > 1 ? argv[1] : ".";
	FILE *values = create(dir, "values"), *values_want = create(dir, "values.want");
	FILE *times = create(dir, "times"), *times_want = create(dir, "times.want");
	for (size_t k = 0; k < SHAPES * sizeof lengths / sizeof *lengths; k++) {
		struct pm_buf b = { 0 };
		double x = 1000;
		size_t n = lengths[k / SHAPES];
		for (size_t i = 0; i < n; i++)
			c.v[i] = next((int)(k % SHAPES), i, &x);
		tsdb__column_put_values(&b, c.v, n);
		put(&b, values, c.bits, n, values_want);
		for (size_t i = 0; i < n; i++)
			c.t[i] = fabs(c.v[i]) < 0x1p62 ? (int64_t)c.v[i] : (int64_t)random_u64();
		pm_buf_reset(&b);
		tsdb__column_put_times(&b, c.t, n);
		put(&b, times, c.bits, n, times_want);
		pm_buf_release(&b);
	}
	return fclose(values) | fclose(values_want) | fclose(times) | fclose(times_want) ? 1 : 0;
}
