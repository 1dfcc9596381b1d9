/* Blocks as files: what the writer makes the reader gives back, a block of a few series survives no damage unseen, and
 * nothing is left of a block that could not be finished. */
#include "libtsdb/blocks.h"
#include "libtsdb/base/crc32c.h"
#include "libtsdb/blocks/out.h"
#include "libtsdb/blocks/tombstones.h"

#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>

enum { SERIES_COUNT = 9, SAMPLE_COUNT = 300, STEP_MS = 15000, START_MS = 1700000000 };

/* ---- a block ------------------------------------------------------------------------------------ */

static double pos[2] = { 3, 5 };
static const struct pm_span spans[1] = { { 2, 2 } };
static const struct pm_histogram integers = { .schema = 3, .integer = true, .count = 8, .sum = 2.5, .pos_spans = spans,
	.pos = pos, .pos_span_count = 1, .pos_count = 2, .zero_threshold = 0x1p-128 };
static const struct pm_histogram floats = { .schema = 3, .count = 8, .sum = 2.5, .pos_spans = spans, .pos = pos,
	.pos_span_count = 1, .pos_count = 2, .zero_threshold = 0.3 };

static int64_t times[SAMPLE_COUNT];
static double values[SERIES_COUNT][SAMPLE_COUNT];
static const struct pm_histogram *hists[SAMPLE_COUNT];
static struct pm_label labels[SERIES_COUNT][3];
static char texts[SERIES_COUNT][16];

/* Series i: m{i="..."}; the one before the last is of histograms, the last of both kinds of histograms and floats. */
static struct pm_series series_of(size_t i, size_t samples)
{
	struct pm_series s = { .labels = { labels[i], 2 } };

	snprintf(texts[i], sizeof texts[i], "value-%02zu", i);
	labels[i][0] = (struct pm_label){ PM_NAME_LABEL, PM_STR("metric") };
	labels[i][1] = (struct pm_label){ PM_STR("label"), pm_str(texts[i]) };
	for (size_t k = 0; k < samples; k++) {
		times[k] = START_MS + (int64_t)k * STEP_MS;
		values[i][k] = i < 3 ? (double)(i * k) : (double)k / 7;
		hists[k] = k % 40 < 20 ? &integers : k % 40 < 39 ? &floats : NULL;
	}
	s.samples = (struct pm_samples){ .count = samples, .t_ms = times, .v = values[i] };
	if (i == SERIES_COUNT - 1)
		s.samples.h = hists;
	return s;
}

static int write_block(
	const char *dir, size_t series, size_t samples, struct tsdb_block_info *ret, struct pm_error *err)
{
	struct tsdb_block_writer *w;
	int rc = tsdb_block_writer_new(dir, &w, err);

	for (size_t i = SERIES_COUNT - series; i < SERIES_COUNT && rc == 0; i++) {
		struct pm_series s = series_of(i, samples);

		rc = tsdb_block_writer_add(w, &s, err);
		if (rc < 0)
			tsdb_block_writer_free(w);
	}
	return rc < 0 ? rc : tsdb_block_writer_finish(w, ret, err);
}

static bool same_sample(const struct pm_samples *a, size_t i, const struct pm_samples *b, size_t k)
{
	const struct pm_histogram *x = a->h ? a->h[i] : NULL, *y = b->h ? b->h[k] : NULL;

	if (a->t_ms[i] != b->t_ms[k] || !x != !y)
		return false;
	if (!x)
		return pm_double_bits(a->v[i]) == pm_double_bits(b->v[k]);
	return x->integer == y->integer && x->count == y->count && x->sum == y->sum && x->pos_count == y->pos_count &&
	       memcmp(x->pos, y->pos, x->pos_count * sizeof *x->pos) == 0 && x->zero_threshold == y->zero_threshold;
}

/* Read all of a block. What comes without an error must be what was written; `*ret_count` are the samples. */
static int read_block(const char *path, size_t series, size_t samples, size_t *ret_count, struct pm_error *err)
{
	struct tsdb_block *b;
	struct pm_series got, want = { 0 };
	size_t i = SERIES_COUNT - series - 1, k = 0;
	int rc = tsdb_block_open(path, &b, err);

	*ret_count = 0;
	if (rc < 0)
		return rc;
	while ((rc = tsdb_block_next(b, &got, err)) > 0) {
		if (*ret_count == 0 || !pm_labels_eq(got.labels, want.labels)) {
			assert_true(++i < SERIES_COUNT);
			want = series_of(i, samples);
			k = 0;
		}
		assert_true(pm_labels_eq(got.labels, want.labels));
		for (size_t n = 0; n < got.samples.count; n++, k++)
			assert_true(same_sample(&got.samples, n, &want.samples, k));
		*ret_count += got.samples.count;
	}
	tsdb_block_free(b);
	return rc;
}

static char *block_path(const char *dir, const struct tsdb_block_info *info)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, info->ulid) > 0);
	return path;
}

static char *read_whole(const char *path, size_t *ret_len)
{
	struct pm_error err;
	char *text;

	assert_ok(pm_fs_read_file(AT_FDCWD, path, 1 << 20, &text, ret_len, &err), &err);
	return text;
}

static void write_whole(const char *path, const void *p, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* ---- tests -------------------------------------------------------------------------------------- */

static void test_round_trip(void **state)
{
	char *dir = test_tmpdir();
	struct tsdb_block_info info;
	struct tsdb_block_list list;
	struct pm_error err = { 0 };
	size_t count;

	assert_ok(write_block(dir, SERIES_COUNT, SAMPLE_COUNT, &info, &err), &err);
	assert_int_equal(info.series_count, SERIES_COUNT);
	assert_int_equal(info.sample_count, SERIES_COUNT * SAMPLE_COUNT);
	assert_int_equal(info.min_ms, START_MS);
	assert_int_equal(info.max_ms, times[SAMPLE_COUNT - 1] + 1);
	assert_ok(tsdb_block_list(dir, &list, &err), &err);
	assert_int_equal(list.count, 1);
	assert_false(list.has_log);
	assert_string_equal(list.v[0].ulid, info.ulid);
	assert_int_equal(list.v[0].sample_count, info.sample_count);
	assert_int_equal(list.v[0].max_ms, info.max_ms);
	assert_ok(read_block(list.v[0].path, SERIES_COUNT, SAMPLE_COUNT, &count, &err), &err);
	assert_int_equal(count, SERIES_COUNT * SAMPLE_COUNT);
	tsdb_block_list_free(&list);
	test_tmpdir_free(dir);
}

/* A series may come in parts; what is out of order is refused. */
static void test_order(void **state)
{
	char *dir = test_tmpdir(), *path;
	struct tsdb_block_writer *w;
	struct tsdb_block_info info;
	struct pm_error err = { 0 };
	struct pm_series s = series_of(1, 10), before = series_of(0, 10), part = s, rest = s;
	size_t count;

	part.samples.count = 4;
	rest.samples.count = 6;
	rest.samples.t_ms += 4;
	rest.samples.v += 4;
	assert_ok(tsdb_block_writer_new(dir, &w, &err), &err);
	assert_ok(tsdb_block_writer_add(w, &part, &err), &err);
	assert_ok(tsdb_block_writer_add(w, &rest, &err), &err);
	assert_code(tsdb_block_writer_add(w, &rest, &err), PM_ERR_INVALID, &err);
	assert_code(tsdb_block_writer_add(w, &before, &err), PM_ERR_INVALID, &err);
	assert_ok(tsdb_block_writer_finish(w, &info, &err), &err);
	assert_int_equal(info.series_count, 1);
	path = block_path(dir, &info);
	struct tsdb_block *b;
	struct pm_series got;
	assert_ok(tsdb_block_open(path, &b, &err), &err);
	assert_int_equal(tsdb_block_next(b, &got, &err), 1);
	count = got.samples.count;
	assert_int_equal(tsdb_block_next(b, &got, &err), 0);
	assert_int_equal(count, 10);
	tsdb_block_free(b);
	free(path);
	test_tmpdir_free(dir);
}

/* A block without samples is not made, and neither is one that was given up. */
static void test_nothing(void **state)
{
	char *dir = test_tmpdir();
	struct tsdb_block_writer *w;
	struct tsdb_block_info info;
	struct tsdb_block_list list;
	struct pm_error err = { 0 };
	struct pm_series s = series_of(1, 10);

	assert_ok(tsdb_block_writer_new(dir, &w, &err), &err);
	assert_ok(tsdb_block_writer_finish(w, &info, &err), &err);
	assert_int_equal(info.sample_count, 0);
	assert_ok(tsdb_block_writer_new(dir, &w, &err), &err);
	assert_ok(tsdb_block_writer_add(w, &s, &err), &err);
	tsdb_block_writer_free(w);
	assert_int_equal(rmdir(dir), 0); /* empty */
	assert_code(tsdb_block_list(dir, &list, &err), PM_ERR_NOTFOUND, &err);
	assert_code(tsdb_block_writer_new(dir, &w, &err), PM_ERR_NOTFOUND, &err);
	free(dir);
}

static void test_tombstones(void **state)
{
	char *dir = test_tmpdir(), *path, *file;
	struct tsdb_block_info info;
	struct tsdb_block *b;
	struct pm_series got;
	struct pm_error err = { 0 };
	struct pm_buf stones = { 0 };
	size_t count = 0;

	assert_ok(write_block(dir, 1, 100, &info, &err), &err);
	path = block_path(dir, &info);
	assert_true(asprintf(&file, "%s/tombstones", path) > 0);
	prom__tombstones_put_empty(&stones);
	stones.len -= 4;
	for (uint64_t series = 0; series < 1000; series++) { /* the only one has one of these numbers */
		prom__put_uvarint(&stones, series);
		prom__put_varint(&stones, START_MS + 10 * STEP_MS);
		prom__put_varint(&stones, START_MS + 20 * STEP_MS - 1);
		prom__put_uvarint(&stones, series);
		prom__put_varint(&stones, START_MS + 98 * STEP_MS);
		prom__put_varint(&stones, INT64_MAX);
	}
	prom__put_crc(&stones, 5);
	write_whole(file, stones.ptr, stones.len);
	assert_ok(tsdb_block_open(path, &b, &err), &err);
	while (tsdb_block_next(b, &got, &err) > 0) {
		count += got.samples.count;
		for (size_t i = 0; i < got.samples.count; i++)
			assert_true(got.samples.t_ms[i] < START_MS + 10 * STEP_MS ||
				    got.samples.t_ms[i] >= START_MS + 20 * STEP_MS);
	}
	assert_int_equal(count, 88);
	tsdb_block_free(b);
	pm_buf_release(&stones);
	free(file);
	free(path);
	test_tmpdir_free(dir);
}

static void put_meta(const char *dir, const char *ulid, const char *parents)
{
	char path[4096], text[512];

	snprintf(path, sizeof path, "%s/%s", dir, ulid);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/%s/meta.json", dir, ulid);
	snprintf(text, sizeof text,
		"{\"ulid\":\"%s\",\"minTime\":5,\"maxTime\":9,\"version\":1,\"compaction\":{\"parents\":[%s]}}", ulid,
		parents);
	write_whole(path, text, strlen(text));
}

/* Blocks that were replaced are left out, as is what is no block; logs are seen. */
static void test_list(void **state)
{
	static const char *const ulids[] = { "01AAAAAAAAAAAAAAAAAAAAAAA1", "01AAAAAAAAAAAAAAAAAAAAAAA2",
		"01AAAAAAAAAAAAAAAAAAAAAAA3" };
	char *dir = test_tmpdir(), path[4096];
	struct tsdb_block_list list;
	struct pm_error err = { 0 };

	put_meta(dir, ulids[0], "");
	put_meta(dir, ulids[1], "{\"ulid\":\"01AAAAAAAAAAAAAAAAAAAAAAA1\"},{\"ulid\":\"none\"},7");
	put_meta(dir, "01AAAAAAAAAAAAAAAAAAAAAAA4.tmp-for-creation", "");
	snprintf(path, sizeof path, "%s/%s", dir, ulids[2]);
	mkdir(path, 0777); /* without meta.json */
	snprintf(path, sizeof path, "%s/wal", dir);
	mkdir(path, 0777);
	assert_ok(tsdb_block_list(dir, &list, &err), &err);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.v[0].ulid, ulids[1]);
	assert_true(list.has_log);
	tsdb_block_list_free(&list);
	snprintf(path, sizeof path, "%s/%s/meta.json", dir, ulids[0]);
	for (int i = 0; i < 3; i++) {
		static const char *const bad[] = { "{\"version\":1,\"ulid\":7}", "{\"version\":1", "{\"version\":2}" };

		write_whole(path, bad[i], strlen(bad[i]));
		assert_code(tsdb_block_list(dir, &list, &err), i < 2 ? PM_ERR_CORRUPT : PM_ERR_UNSUPPORTED, &err);
		assert_contains(err.msg, "meta.json");
	}
	test_tmpdir_free(dir);
}

/* ---- damage ------------------------------------------------------------------------------------- */

static const char *const file_names[] = { "index", "chunks/000001", "tombstones" };

/* One file of the block with one byte changed, or cut. An error names the file, or all that is read is right. */
static void try_damaged(const char *path, const char *name, const char *text, size_t len, size_t *errors)
{
	struct pm_error err = { 0 };
	char file[4096];
	size_t count;
	int rc;

	snprintf(file, sizeof file, "%s/%s", path, name);
	write_whole(file, text, len);
	rc = read_block(path, 2, 5, &count, &err);
	if (rc < 0) {
		assert_contains(err.msg, path);
		assert_true(rc == PM_ERR_CORRUPT || rc == PM_ERR_UNSUPPORTED);
		++*errors;
	} else {
		assert_int_equal(count, 10);
	}
}

static void test_every_byte(void **state)
{
	char *dir = test_tmpdir(), *path;
	struct tsdb_block_info info;
	struct pm_error err = { 0 };

	assert_ok(write_block(dir, 2, 5, &info, &err), &err);
	path = block_path(dir, &info);
	for (size_t f = 0; f < sizeof file_names / sizeof *file_names; f++) {
		char file[4096], *text;
		size_t len, errors = 0;

		snprintf(file, sizeof file, "%s/%s", path, file_names[f]);
		text = read_whole(file, &len);
		for (size_t i = 0; i < len; i++) {
			for (unsigned mask = 1; mask < 256; mask <<= 1) {
				text[i] = (char)(text[i] ^ mask);
				try_damaged(path, file_names[f], text, len, &errors);
				text[i] = (char)(text[i] ^ mask);
			}
			try_damaged(path, file_names[f], text, i, &errors);
		}
		assert_true(errors >= len); /* cut files, at least */
		write_whole(file, text, len);
		pm_free(text);
	}
	free(path);
	test_tmpdir_free(dir);
}

/* An index of version 1 is refused with a reason. */
static void test_version(void **state)
{
	char *dir = test_tmpdir(), *path, file[4096], *text;
	struct tsdb_block_info info;
	struct pm_error err = { 0 };
	size_t len, count;

	assert_ok(write_block(dir, 2, 5, &info, &err), &err);
	path = block_path(dir, &info);
	snprintf(file, sizeof file, "%s/index", path);
	text = read_whole(file, &len);
	text[4] = 1;
	write_whole(file, text, len);
	assert_code(read_block(path, 2, 5, &count, &err), PM_ERR_UNSUPPORTED, &err);
	assert_contains(err.msg, "version 1");
	pm_free(text);
	free(path);
	test_tmpdir_free(dir);
}

/* ---- faults ------------------------------------------------------------------------------------- */

struct fault {
	char *dir;
	struct tsdb_block_info info;
};

/* Nothing of a block is left after an error. */
static int write_faulty(void *arg)
{
	struct fault *f = arg;
	struct tsdb_block_list list;
	struct pm_error err = { 0 };
	int rc = write_block(f->dir, 3, 200, &f->info, &err);

	if (rc < 0) {
		assert_true(err.msg[0] != '\0');
		assert_code(tsdb_block_list(f->dir, &list, NULL), PM_ERR_NOTFOUND, NULL);
	}
	return rc;
}

static int read_faulty(void *arg)
{
	struct fault *f = arg;
	struct pm_error err = { 0 };
	struct tsdb_block_list list;
	size_t count;
	int rc = tsdb_block_list(f->dir, &list, &err);

	if (rc == 0) {
		rc = read_block(list.v[0].path, 3, 200, &count, &err);
		tsdb_block_list_free(&list);
		assert_true(rc < 0 || count == 600);
	}
	assert_true(rc == 0 || err.msg[0] != '\0');
	return rc;
}

static void test_faults(void **state)
{
	static const enum pm_fs_op ops[] = { PM_FS_OP_OPEN, PM_FS_OP_WRITE, PM_FS_OP_SYNC, PM_FS_OP_RENAME };
	struct fault f = { 0 };

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		f.dir = test_tmpdir();
		assert_true(test_fs_faults(ops[i], EIO, write_faulty, &f) > 1);
		test_tmpdir_free(f.dir);
	}
	f.dir = test_tmpdir();
	assert_ok(write_block(f.dir, 3, 200, &f.info, NULL), NULL);
	assert_true(test_mem_faults(read_faulty, &f) > 5);
	assert_true(test_fs_faults(PM_FS_OP_OPEN, EIO, read_faulty, &f) > 3);
	assert_true(test_fs_faults(PM_FS_OP_MAP, ENOMEM, read_faulty, &f) > 2);
	test_tmpdir_free(f.dir);
}

static int write_without_memory(void *arg)
{
	struct fault *f = arg;

	return write_block(f->dir, 3, 200, &f->info, NULL);
}

static void test_no_memory(void **state)
{
	struct fault f = { .dir = test_tmpdir() };

	assert_true(test_mem_faults(write_without_memory, &f) > 10);
	test_tmpdir_free(f.dir);
}

static void test_crc32c(void **state)
{
	struct test_rng r = test_rng(7);
	char bytes[100];

	assert_int_equal(pm_crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(pm_crc32c_scalar(0, "123456789", 9), 0xe3069283);
	assert_int_equal(pm_crc32c(pm_crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)test_u64(&r);
	for (size_t from = 0; from < 9; from++)
		for (size_t len = 0; from + len <= sizeof bytes; len++)
			assert_int_equal(pm_crc32c(5, bytes + from, len), pm_crc32c_scalar(5, bytes + from, len));
}

TEST_MAIN(TEST(test_round_trip), TEST(test_order), TEST(test_nothing), TEST(test_tombstones), TEST(test_list),
	TEST(test_every_byte), TEST(test_version), TEST(test_faults), TEST(test_no_memory), TEST(test_crc32c))
