/* Prometheus's write-ahead log, made by hand from its description: records of every kind, over pages and segments,
 * after a checkpoint, compressed, cut and damaged. */
#include "libtsdb/base/crc32c.h"
#include "libtsdb/base/snappy.h"
#include "libtsdb/base/zstd.h"
#include "libtsdb/blocks.h"
#include "libtsdb/blocks/out.h"
#include "libtsdb/blocks/record.h"
#include "libtsdb/blocks/wal.h"

#include "tests/support/test.h"

enum { PAGE = 32 << 10, HEADER = 7, FULL = 1, FIRST = 2, MIDDLE = 3, LAST = 4, SNAPPY = 8, ZSTD = 16 };

/* ---- making logs -------------------------------------------------------------------------------- */

struct maker {
	char *dir;
	char path[4096];
	struct pm_buf segment, record;
};

static void put_fragment(struct pm_buf *b, int type, const char *p, size_t len)
{
	pm_buf_char(b, (char)type);
	pm_buf_char(b, (char)(len >> 8));
	pm_buf_char(b, (char)len);
	prom__put_be32(b, pm_crc32c(0, p, len));
	pm_buf_add(b, p, len);
}

/* End the record: its fragments go to the segment. */
static void put_record(struct maker *m, int flags)
{
	const char *p = m->record.ptr;
	size_t left = m->record.len;
	bool first = true;
	int type;

	do {
		size_t room = PAGE - m->segment.len % PAGE, part;

		for (; room <= HEADER && room < PAGE; room = PAGE - m->segment.len % PAGE)
			pm_buf_char(&m->segment, 0);
		part = left < room - HEADER ? left : room - HEADER;
		if (first)
			type = part == left ? FULL : FIRST;
		else
			type = part == left ? LAST : MIDDLE;
		put_fragment(&m->segment, flags | type, p, part);
		p += part;
		left -= part;
		first = false;
	} while (left);
	pm_buf_reset(&m->record);
}

static void write_file(const char *path, const void *p, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Write the segment as `name` ("wal/00000000"). */
static void end_segment(struct maker *m, const char *name)
{
	char *slash;

	snprintf(m->path, sizeof m->path, "%s/%s", m->dir, name);
	for (slash = strchr(m->path + strlen(m->dir) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(m->path, 0777);
		*slash = '/';
	}
	write_file(m->path, m->segment.ptr, m->segment.len);
	pm_buf_reset(&m->segment);
}

static void free_maker(struct maker *m)
{
	pm_buf_release(&m->segment);
	pm_buf_release(&m->record);
	test_tmpdir_free(m->dir);
}

static void put_labels(struct pm_buf *b, const char *name, const char *value)
{
	prom__put_uvarint(b, 2);
	prom__put_str(b, PM_NAME_LABEL);
	prom__put_str(b, pm_str(name));
	prom__put_str(b, PM_STR("l"));
	prom__put_str(b, pm_str(value));
}

static void put_series(struct maker *m, uint64_t ref, const char *name, const char *value)
{
	if (m->record.len == 0)
		pm_buf_char(&m->record, PROM__RECORD_SERIES);
	prom__put_be64(&m->record, ref);
	put_labels(&m->record, name, value);
}

static void put_double(struct pm_buf *b, double v)
{
	prom__put_be64(b, pm_double_bits(v));
}

/* One sample; the first of the record sets what the others are differences to. */
static void put_sample(struct maker *m, uint64_t ref, int64_t t_ms, double v)
{
	static uint64_t first_ref;
	static int64_t first_t;

	if (m->record.len == 0) {
		first_ref = ref;
		first_t = t_ms;
		pm_buf_char(&m->record, PROM__RECORD_SAMPLES);
		prom__put_be64(&m->record, ref);
		prom__put_be64(&m->record, (uint64_t)t_ms);
	}
	prom__put_varint(&m->record, (int64_t)(ref - first_ref));
	prom__put_varint(&m->record, t_ms - first_t);
	put_double(&m->record, v);
}

static void put_tombstone(struct maker *m, uint64_t ref, int64_t min_ms, int64_t max_ms)
{
	pm_buf_char(&m->record, PROM__RECORD_TOMBSTONES);
	prom__put_be64(&m->record, ref);
	prom__put_varint(&m->record, min_ms);
	prom__put_varint(&m->record, max_ms);
	put_record(m, 0);
}

/* ---- reading logs ------------------------------------------------------------------------------- */

/* All items as text, one a line. */
static int read_log(const char *dir, int64_t min_ms, struct pm_buf *out, uint64_t *ret_lost, struct pm_error *err)
{
	struct tsdb_log *l;
	struct tsdb_log_item item;
	int rc = tsdb_log_open(dir, min_ms, &l, err);

	pm_buf_reset(out);
	if (rc < 0)
		return rc;
	while ((rc = tsdb_log_next(l, &item, err)) > 0) {
		struct pm_str name = pm_labels_get(item.labels, PM_NAME_LABEL);
		struct pm_str value = pm_labels_get(item.labels, PM_STR("l"));

		pm_buf_fmt(out, "%u %.*s{%.*s} ", item.series, PM_STR_ARG(name), PM_STR_ARG(value));
		if (item.kind == TSDB_LOG_METADATA)
			pm_buf_fmt(out, "%.*s %.*s %.*s\n", PM_STR_ARG(item.type), PM_STR_ARG(item.unit),
				PM_STR_ARG(item.help));
		else if (item.kind == TSDB_LOG_EXEMPLAR)
			pm_buf_fmt(out, "exemplar %.*s %g %lld\n", PM_STR_ARG(pm_labels_get(item.exemplar, PM_STR("trace"))),
				item.v, (long long)item.t_ms);
		else if (item.h)
			pm_buf_fmt(out, "%s %d %g %g %g %g %u %u %u st %lld @%lld\n", item.h->integer ? "integers" : "floats",
				item.h->schema, item.h->count, item.h->sum, item.h->pos[0], item.h->pos[1],
				item.h->pos_count, item.h->neg_count, item.h->custom_count, (long long)item.st_ms,
				(long long)item.t_ms);
		else if (pm_is_stale(item.v))
			pm_buf_fmt(out, "stale @%lld\n", (long long)item.t_ms);
		else
			pm_buf_fmt(out, "%g st %lld @%lld\n", item.v, (long long)item.st_ms, (long long)item.t_ms);
	}
	if (ret_lost)
		*ret_lost = tsdb_log_lost(l);
	tsdb_log_free(l);
	return rc;
}

static void assert_log(const char *dir, int64_t min_ms, const char *want)
{
	struct pm_error err = { 0 };
	struct pm_buf out = { 0 };

	assert_ok(read_log(dir, min_ms, &out, NULL, &err), &err);
	assert_str(pm_buf_view(&out), want);
	pm_buf_release(&out);
}

/* ---- tests -------------------------------------------------------------------------------------- */

/* A checkpoint stands for the segments up to its number; late samples come last, whatever their time; what a tombstone
 * says holds for what stands before it. */
static void test_parts(void **state)
{
	struct maker m = { .dir = test_tmpdir() };

	put_series(&m, 7, "old", "x");
	put_record(&m, 0);
	put_sample(&m, 7, 1500, 555);
	put_record(&m, 0);
	end_segment(&m, "wal/00000004"); /* before the checkpoint */
	put_sample(&m, 7, 1, 666);
	put_record(&m, 0);
	end_segment(&m, "wal/checkpoint.00000003/00000000"); /* an older one, not read */
	put_series(&m, 1, "a", "x");
	put_series(&m, 2, "b", "y");
	put_record(&m, 0);
	put_sample(&m, 1, 1000, 1);
	put_sample(&m, 2, 1001, 2);
	put_record(&m, 0);
	end_segment(&m, "wal/checkpoint.00000005/00000000");
	put_sample(&m, 1, 2000, 3);
	put_sample(&m, 2, 2001, 4);
	put_sample(&m, 9, 2001, 4); /* nobody knows it */
	put_record(&m, 0);
	put_tombstone(&m, 2, 2001, 2001);
	end_segment(&m, "wal/00000006");
	put_sample(&m, 1, 500, 5);
	put_record(&m, 0);
	end_segment(&m, "wbl/00000000");
	snprintf(m.path, sizeof m.path, "%s/wal/checkpoint.00000009.tmp", m.dir);
	mkdir(m.path, 0777);
	assert_log(m.dir, PM_TIME_MIN,
		"0 a{x} 1 st 0 @1000\n1 b{y} 2 st 0 @1001\n0 a{x} 3 st 0 @2000\n0 a{x} 5 st 0 @500\n");
	assert_log(m.dir, 1001, "1 b{y} 2 st 0 @1001\n0 a{x} 3 st 0 @2000\n0 a{x} 5 st 0 @500\n");

	struct pm_buf out = { 0 };
	uint64_t lost;

	assert_ok(read_log(m.dir, 0, &out, &lost, NULL), NULL);
	assert_int_equal(lost, 1);
	pm_buf_release(&out);
	free_maker(&m);
}

static void put_histogram(struct maker *m, bool integer, bool custom, bool stale)
{
	struct pm_buf *b = &m->record;

	pm_buf_char(b, PM_RESET_NO);
	prom__put_varint(b, custom ? -53 : 3);
	put_double(b, custom ? 0 : 0.5);
	if (integer) {
		prom__put_uvarint(b, 2);
		prom__put_uvarint(b, 20);
	} else {
		put_double(b, 2.5);
		put_double(b, 20.5);
	}
	put_double(b, stale ? pm_stale_nan() : 12.25);
	prom__put_uvarint(b, 1); /* one span of two buckets; none on the negative side */
	prom__put_varint(b, custom ? 0 : -4);
	prom__put_uvarint(b, 2);
	prom__put_uvarint(b, 0);
	prom__put_uvarint(b, 2);
	if (integer) {
		prom__put_varint(b, 10);
		prom__put_varint(b, -2);
	} else {
		put_double(b, 10.5);
		put_double(b, 7.5);
	}
	prom__put_uvarint(b, 0);
	if (custom) {
		prom__put_uvarint(b, 2);
		put_double(b, 0.5);
		put_double(b, 2);
	}
}

static void put_kinds(struct maker *m)
{
	static const uint8_t types[] = { PROM__RECORD_HISTOGRAMS, PROM__RECORD_FLOAT_HISTOGRAMS,
		PROM__RECORD_CUSTOM_HISTOGRAMS, PROM__RECORD_CUSTOM_FLOAT_HISTOGRAMS };
	struct pm_buf *b = &m->record;

	put_series(m, 5, "h", "x");
	put_record(m, 0);
	for (int i = 0; i < 4; i++) {
		pm_buf_char(b, (char)types[i]);
		prom__put_be64(b, 5);
		prom__put_be64(b, 1000);
		prom__put_varint(b, 0);
		prom__put_varint(b, i);
		put_histogram(m, i % 2 == 0, i >= 2, i == 3);
		put_record(m, 0);
	}
	pm_buf_char(b, PROM__RECORD_EXEMPLARS);
	prom__put_be64(b, 5);
	prom__put_be64(b, 1000);
	prom__put_varint(b, 0);
	prom__put_varint(b, 7);
	put_double(b, 0.5);
	prom__put_uvarint(b, 1);
	prom__put_str(b, PM_STR("trace"));
	prom__put_str(b, PM_STR("abc"));
	put_record(m, 0);
	pm_buf_char(b, PROM__RECORD_METADATA);
	prom__put_uvarint(b, 5);
	pm_buf_char(b, 3);
	prom__put_uvarint(b, 3);
	prom__put_str(b, PM_STR("UNIT"));
	prom__put_str(b, PM_STR("seconds"));
	prom__put_str(b, PM_STR("NEW"));
	prom__put_str(b, PM_STR("?"));
	prom__put_str(b, PM_STR("HELP"));
	prom__put_str(b, PM_STR("Time."));
	put_record(m, 0);
	pm_buf_char(b, PROM__RECORD_SAMPLES_V2); /* three: a start, the same, none; then one of their own */
	prom__put_varint(b, 5);
	prom__put_varint(b, 2000);
	prom__put_varint(b, 1500);
	put_double(b, 1);
	for (int i = 1; i < 4; i++) {
		prom__put_varint(b, 0);
		prom__put_varint(b, i);
		pm_buf_char(b, (char)(i == 1 ? 1 : i == 2 ? 0 : 2));
		if (i == 3)
			prom__put_varint(b, 100);
		put_double(b, 1 + i);
	}
	put_record(m, 0);
	pm_buf_char(b, PROM__RECORD_HISTOGRAMS_V2);
	prom__put_varint(b, 5);
	prom__put_varint(b, 3000);
	prom__put_varint(b, 2500);
	put_histogram(m, true, false, false);
	put_record(m, 0);
	pm_buf_char(b, PROM__RECORD_MMAP_MARKERS);
	pm_buf_cstr(b, "not looked at");
	put_record(m, 0);
}

#define KINDS                                                                                                          \
	"0 h{x} integers 3 20 12.25 10 8 2 0 0 st 0 @1000\n"                                                           \
	"0 h{x} floats 3 20.5 12.25 10.5 7.5 2 0 0 st 0 @1001\n"                                                       \
	"0 h{x} integers -53 20 12.25 10 8 2 0 2 st 0 @1002\n"                                                         \
	"0 h{x} stale @1003\n"                                                                                         \
	"0 h{x} exemplar abc 0.5 1007\n"                                                                               \
	"0 h{x} histogram seconds Time.\n"                                                                             \
	"0 h{x} 1 st 1500 @2000\n"                                                                                     \
	"0 h{x} 2 st 1500 @2001\n"                                                                                     \
	"0 h{x} 3 st 0 @2002\n"                                                                                        \
	"0 h{x} 4 st 1600 @2003\n"                                                                                     \
	"0 h{x} integers 3 20 12.25 10 8 2 0 0 st 2500 @3000\n"

static void test_kinds(void **state)
{
	struct maker m = { .dir = test_tmpdir() };

	put_kinds(&m);
	end_segment(&m, "wal/00000000");
	assert_log(m.dir, PM_TIME_MIN, KINDS);
	free_maker(&m);
}

/* Records that are longer than a page, and so many that they meet the end of pages in every way. */
static void test_pages(void **state)
{
	struct maker m = { .dir = test_tmpdir() };
	struct pm_error err = { 0 };
	struct pm_buf out = { 0 };
	size_t lines = 0;

	put_series(&m, 1, "a", "x");
	put_record(&m, 0);
	for (int i = 0; i < 3000; i++) {
		for (int k = 0; k <= i % 97 + (i % 1000 ? 0 : 9000); k++, lines++)
			put_sample(&m, 1, (int64_t)lines, 1);
		put_record(&m, 0);
		if (i == 1500)
			end_segment(&m, "wal/00000000");
	}
	end_segment(&m, "wal/00000001");
	assert_ok(read_log(m.dir, 0, &out, NULL, &err), &err);
	for (size_t i = 0; i < out.len; i++)
		lines -= out.ptr[i] == '\n';
	assert_int_equal(lines, 0);
	pm_buf_release(&out);
	free_maker(&m);
}

/* "aaaaaaaaaa" and one literal, by hand: snappy has its length in front, then a literal and a copy. */
static void test_compressed(void **state)
{
	static const char snappy[] = "\x0a\x00" "a" "\x15\x01", bad[] = "\x0a\x00" "a" "\x15\x09";
	/* of the zstd tool: the text "hello hello hello\n", without a checksum */
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x6d, 0x00, 0x00, 0x38, 0x68,
		0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x0a, 0x01, 0x00, 0x31, 0x4a, 0x11 };
	struct pm_str frame = { (const char *)zstd, sizeof zstd };
	struct pm_buf out = { 0 };

	assert_ok(pm_snappy_decode((struct pm_str){ snappy, sizeof snappy - 1 }, 100, &out), NULL);
	assert_str(pm_buf_view(&out), "aaaaaaaaaa");
	assert_code(pm_snappy_decode((struct pm_str){ snappy, sizeof snappy - 1 }, 9, &out), PM_ERR_LIMIT, NULL);
	assert_code(pm_snappy_decode((struct pm_str){ bad, sizeof bad - 1 }, 100, &out), PM_ERR_CORRUPT, NULL);
	assert_code(pm_snappy_decode(PM_STR(""), 100, &out), PM_ERR_CORRUPT, NULL);
	pm_buf_reset(&out);
	assert_ok(pm_zstd_decode(frame, 100, &out), NULL);
	assert_str(pm_buf_view(&out), "hello hello hello\n");
	assert_code(pm_zstd_decode(frame, 10, &out), PM_ERR_LIMIT, NULL);
	for (frame.len = 0; frame.len < sizeof zstd; frame.len++)
		assert_code(pm_zstd_decode(frame, 100, &out), PM_ERR_CORRUPT, NULL);
	pm_buf_release(&out);
}

/* A whole record as one snappy literal, as its encoder does with what has no repeats. */
static void test_snappy_records(void **state)
{
	struct maker m = { .dir = test_tmpdir() };
	struct pm_buf plain = { 0 };

	put_series(&m, 1, "a", "x");
	for (int i = 0; i < 2; i++) {
		pm_buf_reset(&plain);
		pm_buf_str(&plain, pm_buf_view(&m.record));
		pm_buf_reset(&m.record);
		prom__put_uvarint(&m.record, plain.len);
		pm_buf_char(&m.record, (char)((plain.len - 1) << 2));
		pm_buf_str(&m.record, pm_buf_view(&plain));
		put_record(&m, SNAPPY);
		put_sample(&m, 1, 5, 2);
	}
	pm_buf_reset(&m.record);
	end_segment(&m, "wal/00000000");
	assert_log(m.dir, 0, "0 a{x} 2 st 0 @5\n");
	pm_buf_release(&plain);
	free_maker(&m);
}

/* Cut anywhere, the last segment just ends there; another one is damaged. With a byte changed there is an error that
 * names file and place, or less comes, or it stood where nobody looks. */
static void test_damage(void **state)
{
	struct maker m = { .dir = test_tmpdir() };
	struct pm_buf out = { 0 }, whole = { 0 };
	struct pm_error err = { 0 };
	size_t errors = 0;

	put_kinds(&m);
	pm_buf_str(&whole, pm_buf_view(&m.segment));
	for (size_t len = 0; len < whole.len; len++) {
		pm_buf_reset(&m.segment);
		pm_buf_add(&m.segment, whole.ptr, len);
		end_segment(&m, "wal/00000000");
		assert_ok(read_log(m.dir, 0, &out, NULL, &err), &err);
		assert_memory_equal(out.ptr ? out.ptr : "", KINDS, out.len);
	}
	for (size_t i = 0; i < whole.len; i++) {
		pm_buf_reset(&m.segment);
		pm_buf_str(&m.segment, pm_buf_view(&whole));
		m.segment.ptr[i] = (char)(m.segment.ptr[i] ^ 0x21);
		end_segment(&m, "wal/00000000");
		int rc = read_log(m.dir, 0, &out, NULL, &err);

		if (rc < 0) {
			errors++;
			assert_int_equal(rc, PM_ERR_CORRUPT);
			assert_contains(err.msg, "wal/00000000: at ");
		}
	}
	assert_true(errors > whole.len * 9 / 10);
	pm_buf_reset(&m.segment);
	pm_buf_add(&m.segment, whole.ptr, whole.len - 1);
	end_segment(&m, "wal/00000000");
	end_segment(&m, "wal/00000001");
	assert_code(read_log(m.dir, 0, &out, NULL, &err), PM_ERR_CORRUPT, &err);
	pm_buf_release(&out);
	pm_buf_release(&whole);
	free_maker(&m);
}

/* Damage below a right checksum. */
static void test_bad_records(void **state)
{
	struct maker m = { .dir = test_tmpdir() };
	struct pm_error err = { 0 };
	struct pm_buf out = { 0 };
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} bad[] = {
		{ "\x63", 1, NULL }, /* a type alone has no items */
		{ "\x63z", 2, "not known" },
		{ "\x01\0\0\0\0\0\0\0\x01\x02", 10, "cut short" },
		{ "\x01\0\0\0\0\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 18, "cut short" },
		{ "\x02\0\0\0\0\0\0\0\x01", 9, "cut short" },
		{ "\x01\0\0\0\0\0\0\0\x01\x02\x01" "a\x01" "b\x01" "a\x01" "c", 18, "twice" },
		{ "\x06\x05\x03\xff\xff\xff\xff\x0f", 8, "cut short" },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		pm_buf_add(&m.record, bad[i].bytes, bad[i].len);
		put_record(&m, 0);
		end_segment(&m, "wal/00000000");
		assert_code(read_log(m.dir, 0, &out, NULL, &err), bad[i].why ? PM_ERR_CORRUPT : 0, &err);
		if (bad[i].why)
			assert_contains(err.msg, bad[i].why);
	}
	pm_buf_release(&out);
	free_maker(&m);
}

static int read_all(void *dir)
{
	struct tsdb_log *l;
	struct tsdb_log_item item;
	struct pm_error err = { 0 };
	int rc = tsdb_log_open(dir, 0, &l, &err);

	if (rc < 0) {
		assert_true(err.msg[0] != '\0');
		return rc;
	}
	while ((rc = tsdb_log_next(l, &item, &err)) > 0)
		;
	tsdb_log_free(l);
	return rc;
}

static void test_faults(void **state)
{
	struct maker m = { .dir = test_tmpdir() };

	put_kinds(&m);
	end_segment(&m, "wal/00000000");
	assert_true(test_mem_faults(read_all, m.dir) > 5);
	assert_true(test_fs_faults(PM_FS_OP_OPEN, 5, read_all, m.dir) > 3);
	assert_true(test_fs_faults(PM_FS_OP_MAP, 12, read_all, m.dir) > 1);
	free_maker(&m);
}

TEST_MAIN(TEST(test_parts), TEST(test_kinds), TEST(test_pages), TEST(test_compressed), TEST(test_snappy_records),
	TEST(test_damage), TEST(test_bad_records), TEST(test_faults))
