/* fuzz_column.c - any bytes as a column: no crash, nothing read or written outside; a part decodes as it does within
 * the whole; every variant of the kernels gives the same. And values that come from the bytes come back to the last
 * bit. */
#include "libtsdb/column/column.h"
#include "libtsdb/column/kernels.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) ((cond) ? (void)0 : abort())

enum { ROOM = TSDB_COLUMN_MAX + TSDB_COLUMN_BLOCK };

static int decode(const struct tsdb__column *c, size_t from, size_t to, double *out, size_t *ret_first)
{
	int rc = tsdb__column_values(c, from, to, out, ret_first);
	if (rc < 0)
		rc = tsdb__column_times(c, from, to, (int64_t *)(void *)out, ret_first);
	REQUIRE(rc == 0 || rc == PM_ERR_CORRUPT);
	return rc;
}

static void read_any(const uint8_t *bytes, size_t size)
{
	static double whole[ROOM], part[ROOM];
	const struct tsdb__kernels *variants[4];
	size_t variant_count = tsdb__kernels_list(variants), len, first;
	struct tsdb__column c;
	int rc = tsdb__column_open(&c, bytes, size, &len);
	REQUIRE(rc == 0 || rc == PM_ERR_CORRUPT);
	if (rc < 0)
		return;
	REQUIRE(len > 0 && len <= size && c.count > 0 && c.count <= TSDB_COLUMN_MAX && tsdb__column_encoding(&c));
	tsdb__kernels_force(variants[0]);
	rc = decode(&c, 0, c.count, whole, &first);
	for (size_t v = 0; v < variant_count; v++) {
		size_t from = c.count / 3, to = c.count - c.count / 5;
		tsdb__kernels_force(variants[v]);
		if (decode(&c, from, to, part, &first) == 0 && rc == 0)
			REQUIRE(memcmp(part + first, whole + from, (to - from) * sizeof *part) == 0);
		REQUIRE(rc < 0 || decode(&c, 0, c.count, part, &first) == 0);
		REQUIRE(rc < 0 || memcmp(part, whole, c.count * sizeof *part) == 0);
	}
	tsdb__kernels_force(NULL);
}

static void write_any(const uint8_t *data, size_t size)
{
	static double v[1000 + TSDB_COLUMN_BLOCK], back[1000 + TSDB_COLUMN_BLOCK];
	size_t n = size / sizeof *v < 1000 ? size / sizeof *v : 1000, first;
	struct pm_buf b = { 0 };
	struct tsdb__column c;
	if (n == 0)
		return;
	memcpy(v, data, n * sizeof *v);
	REQUIRE(tsdb__column_put_values(&b, v, n) == 0 && pm_buf_reserve(&b, TSDB_COLUMN_SLACK) == 0);
	REQUIRE(tsdb__column_open(&c, (const uint8_t *)b.ptr, b.len, NULL) == 0);
	REQUIRE(tsdb__column_values(&c, 0, n, back, &first) == 0 && memcmp(v, back, n * sizeof *v) == 0);
	pm_buf_reset(&b);
	REQUIRE(tsdb__column_put_times(&b, (const int64_t *)(const void *)v, n) == 0);
	REQUIRE(pm_buf_reserve(&b, TSDB_COLUMN_SLACK) == 0);
	REQUIRE(tsdb__column_open(&c, (const uint8_t *)b.ptr, b.len, NULL) == 0);
	REQUIRE(tsdb__column_times(&c, 0, n, (int64_t *)(void *)back, &first) == 0);
	REQUIRE(memcmp(v, back, n * sizeof *v) == 0);
	pm_buf_release(&b);
}

/* The bytes in memory of exactly their size and the slack, for the sanitizer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + TSDB_COLUMN_SLACK);
	REQUIRE(bytes);
	if (size)
		memcpy(bytes, data, size);
	memset(bytes + size, 0x5a, TSDB_COLUMN_SLACK);
	read_any(bytes, size);
	write_any(data, size);
	free(bytes);
	return 0;
}
