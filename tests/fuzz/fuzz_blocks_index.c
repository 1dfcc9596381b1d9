/* fuzz_blocks_index.c - any bytes as the index of a block, with its checksums made right, so that the fuzzer gets
 * behind them: series in order or an error that says where. */
#include "libtsdb/base/crc32c.h"
#include "libtsdb/blocks/index.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_LIMIT = 1 << 16 };

static char dir[64];

static void make_dir(void)
{
	const char *base = getenv("TMPDIR");

	if (dir[0])
		return;
	snprintf(dir, sizeof dir, "/dev/shm/pm-fuzz-%d", (int)getpid());
	if (mkdir(dir, 0700) < 0) {
		snprintf(dir, sizeof dir, "%.40s/pm-fuzz-%d", base ? base : "/tmp", (int)getpid());
		if (mkdir(dir, 0700) < 0)
			abort();
	}
}

static void fix_crc(uint8_t *at, size_t len)
{
	uint32_t crc = pm_crc32c(0, at, len);

	for (int i = 0; i < 4; i++)
		at[len + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
}

/* Of the table of contents, the symbols, and whatever may be a series. */
static void fix_checksums(uint8_t *p, size_t size)
{
	struct prom__cursor c;
	uint64_t symbols, series;

	if (size < PROM__INDEX_HEADER_SIZE + PROM__INDEX_CONTENTS_SIZE)
		return;
	memcpy(p, "\xba\xaa\xd7\x00\x02", PROM__INDEX_HEADER_SIZE);
	fix_crc(p + size - PROM__INDEX_CONTENTS_SIZE, PROM__INDEX_CONTENTS_SIZE - PROM__CRC_SIZE);
	c = prom__cursor(p + size - PROM__INDEX_CONTENTS_SIZE, 16);
	symbols = prom__take_be64(&c);
	series = prom__take_be64(&c);
	if (symbols < size - 8) {
		uint64_t len = prom__be32(p + symbols);

		if (len + 8 <= size - symbols)
			fix_crc(p + symbols + 4, len);
	}
	for (uint64_t at = series; at < size; at = (at + 16) / 16 * 16) {
		uint64_t len;

		c = prom__cursor(p + at, size - at);
		len = prom__take_uvarint(&c);
		if (len && len < size && len + PROM__CRC_SIZE <= prom__left(&c)) {
			fix_crc((uint8_t *)(uintptr_t)c.at, len);
			at = (uint64_t)(c.at - p) + len + PROM__CRC_SIZE - 1;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;
	char path[128];
	struct prom__index x;
	struct pm_error err = { 0 };
	int fd, rc;

	if (size > SIZE_LIMIT)
		return 0;
	make_dir();
	copy = malloc(size + 1);
	memcpy(copy, data, size);
	fix_checksums(copy, size);
	snprintf(path, sizeof path, "%s/index", dir);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	if (fd < 0 || write(fd, copy, size) != (ssize_t)size)
		abort();
	close(fd);
	free(copy);
	rc = prom__index_open(&x, dir, &err);
	if (rc == 0) {
		while ((rc = prom__index_next(&x, &err)) > 0) {
			for (size_t i = 1; i < x.label_count; i++)
				if (pm_str_cmp(x.labels[i - 1].name, x.labels[i].name) >= 0)
					abort();
		}
		prom__index_close(&x);
	}
	if (rc < 0 && !err.msg[0])
		abort();
	unlink(path);
	return 0;
}
