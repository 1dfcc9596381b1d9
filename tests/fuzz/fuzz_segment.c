/* fuzz_segment.c - any bytes as a segment whose checksums are right (they are put right first), so that what is below
 * them is reached: opened, selected from, every series read whole and in part, merged with itself. No crash, nothing
 * outside the file; and what is read without an error is in order and does not depend on how it is read. */
#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/db/merge_segments.h"
#include "libtsdb/db/source.h"
#include "libtsdb/segment/bitmap.h"
#include "libtsdb/segment/out.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) ((cond) ? (void)0 : abort())

enum {
	SIZE_MIN = sizeof(struct tsdb_file_head) + sizeof(struct tsdb_segment_footer),
	SIZE_MAX_ = 1 << 16,
	SERIES_MAX = 500
};

static char dir[64];
static int dirfd = -1;

static void remove_dir(void)
{
	pm_fs_unlinkat(dirfd, "segment.00000001", NULL);
	pm_fs_unlinkat(dirfd, "segment.00000002.tmp", NULL);
	rmdir(dir);
}

static void make_dir(void)
{
	snprintf(dir, sizeof dir, "%s/pm-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	REQUIRE(mkdtemp(dir));
	REQUIRE(pm_fs_openat(AT_FDCWD, dir, PM_FS_DIRECTORY, &dirfd, NULL) == 0);
	atexit(remove_dir);
}

/* ---- checksums put right ---- */

static void fix_sums(uint8_t *b, size_t size, struct tsdb_segment_footer *f)
{
	uint64_t room = size - sizeof *f;
	uint64_t off = f->section[TSDB_SECTION_PAIRS].off, len = f->section[TSDB_SECTION_PAIRS].len;
	if (off > room || len > room - off)
		return;
	uint64_t end = tsdb__pad8(off + len), blocks = (end + TSDB_SEGMENT_BLOCK - 1) / TSDB_SEGMENT_BLOCK;
	if (end > room || blocks * sizeof(uint32_t) > room - end)
		return;
	f->section[TSDB_SECTION_CHECKSUMS].off = end;
	f->section[TSDB_SECTION_CHECKSUMS].len = blocks * sizeof(uint32_t);
	for (uint64_t i = 0; i < blocks; i++) {
		uint64_t from = i * TSDB_SEGMENT_BLOCK,
			 to = from + TSDB_SEGMENT_BLOCK < end ? from + TSDB_SEGMENT_BLOCK : end;
		uint32_t sum = tsdb__block_checksum(1, i, b + from, to - from);
		memcpy(b + end + i * sizeof sum, &sum, sizeof sum);
	}
	f->checksums_hash = pm_hash(b + end, blocks * sizeof(uint32_t));
}

static void fix(uint8_t *b, size_t size)
{
	struct tsdb_segment_footer f;
	uint8_t *at = b + size - sizeof f;
	memcpy(&f, at, sizeof f);
	f.magic = TSDB_SEGMENT_MAGIC;
	f.version = TSDB_FORMAT_VERSION;
	f.block_size = TSDB_SEGMENT_BLOCK;
	f.number = 1;
	f.file_size = size;
	fix_sums(b, size, &f);
	f.checksum = pm_hash(&f, offsetof(struct tsdb_segment_footer, checksum));
	memcpy(at, &f, sizeof f);
}

/* ---- reading ---- */

static bool failed(int rc)
{
	REQUIRE(rc >= 0 || rc == PM_ERR_CORRUPT || rc == PM_ERR_VERSION || rc == PM_ERR_NOMEM || rc == PM_ERR_LIMIT);
	return rc < 0;
}

static void check_part(struct tsdb__segment *s, uint32_t i, const struct pm_samples *whole)
{
	int64_t min_ms = whole->t_ms[whole->count / 3], max_ms = whole->t_ms[whole->count - 1 - whole->count / 4];
	struct tsdb__segment_reader *r;
	struct pm_series part;
	size_t from = whole->count / 3, n = whole->count - whole->count / 4 - from;
	if (min_ms > max_ms)
		return;
	REQUIRE(tsdb__segment_reader_new(s, min_ms, max_ms, &r) == 0);
	REQUIRE(!failed(tsdb__segment_read(r, i, NULL, &part, NULL)));
	REQUIRE(part.samples.count == n);
	REQUIRE(memcmp(part.samples.t_ms, whole->t_ms + from, n * sizeof *whole->t_ms) == 0);
	for (size_t k = 0; k < n; k++)
		REQUIRE((part.samples.h && part.samples.h[k]) ||
			pm_double_bits(part.samples.v[k]) == pm_double_bits(whole->v[from + k]));
	tsdb__segment_reader_free(r);
}

static void read_all(struct tsdb__segment *s)
{
	struct tsdb__segment_reader *r;
	struct pm_arena labels = { 0 };
	struct pm_series series;
	uint32_t count = s->footer->series_count < SERIES_MAX ? s->footer->series_count : SERIES_MAX;
	REQUIRE(tsdb__segment_reader_new(s, PM_TIME_MIN, PM_TIME_MAX, &r) == 0);
	for (uint32_t i = 0; i < count; i++) {
		pm_arena_reset(&labels);
		if (failed(tsdb__segment_read(r, i, &labels, &series, NULL)) || series.samples.count == 0)
			continue;
		for (size_t k = 1; k < series.samples.count; k++)
			REQUIRE(series.samples.t_ms[k - 1] < series.samples.t_ms[k]);
		if (i < 4)
			check_part(s, i, &series.samples);
	}
	tsdb__segment_reader_free(r);
	pm_arena_release(&labels);
}

static void select_some(struct tsdb__segment *s)
{
	const struct pm_matcher m[] = { { PM_MATCH_NE, PM_NAME_LABEL, PM_STR("") }, { PM_MATCH_RE, PM_STR("s"), PM_STR("1|2.*") },
		{ PM_MATCH_EQ, PM_NAME_LABEL, PM_STR("m") } };
	struct pm_select sel = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	for (size_t n = 0; n <= sizeof m / sizeof m[0]; n++) {
		struct tsdb__strings strings = { 0 };
		struct tsdb__bitmap *found;
		sel.matchers = m;
		sel.matcher_count = n;
		if (!failed(tsdb__segment_select(s, m, n, &found, NULL))) {
			REQUIRE(tsdb__bitmap_count(found) <= s->footer->series_count);
			tsdb__bitmap_free(found);
		}
		failed(tsdb__segment_strings(s, NULL, &sel, &strings, NULL));
		failed(tsdb__segment_strings(s, &PM_STR("s"), &sel, &strings, NULL));
		tsdb__strings_release(&strings);
	}
}

static int go_on(void *arg, uint64_t samples, struct pm_error *err)
{
	return samples > 10000000 ? PM_ERR_LIMIT : 0;
}

static void merge(struct tsdb__segment *s)
{
	struct tsdb__segment_info info = { .number = 2, .order = 1 };
	struct tsdb__segment *both[] = { s, s };
	struct tsdb__segment_writer *w;
	REQUIRE(tsdb__segment_writer_new(dirfd, &info, &w, NULL) == 0);
	failed(tsdb__merge_segments(both, 2, w, go_on, NULL, NULL));
	tsdb__segment_writer_abort(w);
}

static void no_damage(void *arg, uint64_t off, const char *what)
{
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copy[SIZE_MAX_];
	struct tsdb__segment *s;
	int fd;
	size -= size % 8;
	if (size < SIZE_MIN || size > SIZE_MAX_)
		return 0;
	if (dirfd < 0)
		make_dir();
	memcpy(copy, data, size);
	fix(copy, size);
	REQUIRE(pm_fs_openat(dirfd, "segment.00000001", PM_FS_WRITE | PM_FS_CREATE, &fd, NULL) == 0);
	REQUIRE(ftruncate(fd, (off_t)size) == 0 && pm_fs_pwrite(fd, copy, size, 0, NULL) == 0);
	pm_fs_close(fd);
	if (failed(tsdb__segment_open(dirfd, 1, NULL, &s, NULL)))
		return 0;
	REQUIRE(tsdb__segment_verify(s, no_damage, NULL) == 0);
	read_all(s);
	select_some(s);
	if (data[size - 1] % 4 == 0) /* of a checksum: it says nothing else */
		merge(s);
	tsdb__segment_unref(s);
	return 0;
}
