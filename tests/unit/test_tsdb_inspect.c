/* test_tsdb_inspect.c - digests that follow the content alone, cardinality, parts, files as text, and verification that
 * finds every changed byte that carries a checksum. */
#include "tests/support/test.h"

#include "libtsdb/head/file.h"
#include "libtsdb/tsdb.h"

#include <dirent.h>
#include <fcntl.h>

enum { LONG = 70000 };

static struct tsdb *open_store(const char *dir)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	return db;
}

struct sample {
	const char *name, *value; /* of the label s */
	int64_t t_ms;
	double v;
};

/* Append samples [from, to) in one transaction. */
static void append(struct tsdb *db, const struct sample *s, size_t from, size_t to)
{
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	for (size_t i = from; i < to; i++) {
		struct pm_label l[] = { { PM_STR("__name__"), pm_str(s[i].name) },
			{ PM_STR("s"), pm_str(s[i].value) } };
		assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, s[i].t_ms, s[i].v, NULL, &err), &err);
	}
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

static struct tsdb_digest digest_of(struct tsdb *db)
{
	struct pm_error err = { 0 };
	struct tsdb_digest d = { 1, 1, 1 };
	assert_ok(tsdb_digest(db, &d, &err), &err);
	return d;
}

/* The digest of samples that come as `count` transactions, in the order given or from the last to the first. */
static struct tsdb_digest digest_in(const struct sample *s, size_t count, size_t each, bool backwards)
{
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	struct tsdb_digest d;
	for (size_t i = 0; i < count; i += each) {
		size_t from = backwards ? count - i - each : i;
		append(db, s, from, from + each);
	}
	d = digest_of(db);
	tsdb_close(db);
	test_tmpdir_free(dir);
	return d;
}

/* ---- digest ------------------------------------------------------------------------------------- */

static const struct sample few[] = { { "m", "a", 1000, 1 }, { "m", "b", 1000, 2 }, { "m", "a", 2000, 3 },
	{ "n", "b", 1000, 1 }, { "m", "b", 3000, 2 }, { "m", "c", 5000, -0.0 } };
enum { FEW = sizeof few / sizeof few[0] };

static void test_digest_is_of_content(void **state)
{
	struct tsdb_digest one = digest_in(few, FEW, FEW, false);
	assert_int_equal(one.series_count, 4);
	assert_int_equal(one.sample_count, FEW);
	for (size_t each = 1; each <= 3; each++) {
		struct tsdb_digest same = digest_in(few, FEW, each, each != 2);
		assert_true(same.hash == one.hash && same.series_count == 4 && same.sample_count == FEW);
	}
}

static void test_digest_sees_each_change(void **state)
{
	uint64_t seen[16] = { digest_in(few, FEW, FEW, false).hash };
	size_t n = 1;
	struct sample s[FEW];
	const struct sample changes[] = { { "n", "a", 1000, 1 }, { "m", "x", 1000, 1 }, { "m", "a", 1001, 1 },
		{ "m", "a", 1000, 1.5 }, { "m", "b", 2000, 1 } };
	for (size_t c = 0; c < sizeof changes / sizeof changes[0]; c++) {
		memcpy(s, few, sizeof s);
		s[0] = changes[c];
		seen[n++] = digest_in(s, FEW, FEW, false).hash;
	}
	memcpy(s, few, sizeof s);
	s[FEW - 1].v = 0.0; /* the sign of zero */
	seen[n++] = digest_in(s, FEW, FEW, false).hash;
	s[0].v = 3, s[2].v = 1; /* two values change places */
	seen[n++] = digest_in(s, FEW, FEW, false).hash;
	seen[n++] = digest_in(few, FEW - 1, FEW - 1, false).hash;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			assert_true(seen[i] != seen[k]);
}

/* A long series is read in several windows of time, and still is one series. */
static void test_digest_of_a_long_series(void **state)
{
	struct sample *s = calloc(LONG, sizeof *s);
	assert_non_null(s);
	for (size_t i = 0; i < LONG; i++)
		s[i] = (struct sample){ "m", "a", (int64_t)i * 1000 - 5000, (double)i };
	struct tsdb_digest d = digest_in(s, LONG, LONG, false), back = digest_in(s, LONG, LONG / 7, true);
	assert_int_equal(d.series_count, 1);
	assert_int_equal(d.sample_count, LONG);
	assert_true(d.hash == back.hash && back.sample_count == LONG && back.series_count == 1);
	free(s);
}

static void test_digest_of_nothing(void **state)
{
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	struct tsdb_digest d = digest_of(db);
	assert_true(d.hash == 0 && d.series_count == 0 && d.sample_count == 0);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* Ends of time, where windows must not overflow. */
static void test_digest_at_the_ends_of_time(void **state)
{
	static const struct sample s[] = { { "m", "a", INT64_MIN + 1, 1 }, { "m", "a", 0, 2 },
		{ "m", "b", INT64_MAX - 1, 3 } };
	struct tsdb_digest d = digest_in(s, 3, 3, false);
	assert_int_equal(d.sample_count, 3);
	assert_int_equal(d.series_count, 2);
}

/* ---- cardinality and parts ---------------------------------------------------------------------- */

static void assert_count(const struct tsdb_counts *l, size_t i, const char *name, const char *value, uint64_t count)
{
	assert_true(i < l->count);
	assert_str(l->v[i].name, name);
	assert_str(l->v[i].value, value);
	assert_int_equal(l->v[i].count, count);
}

static void test_cardinality(void **state)
{
	struct pm_matcher m = { PM_MATCH_EQ, PM_STR("s"), PM_STR("b") };
	struct pm_select all = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX }, some = all;
	struct pm_error err = { 0 };
	struct tsdb_cardinality *c;
	struct pm_querier *q;
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	append(db, few, 0, FEW);
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(tsdb_cardinality(q, &all, 2, &c, &err), &err);
	assert_int_equal(c->series_count, 4);
	assert_int_equal(c->name_count, 2);
	assert_int_equal(c->pair_count, 5);
	assert_int_equal(c->pairs.count, 2); /* the top */
	assert_count(&c->metrics, 0, "__name__", "m", 3);
	assert_count(&c->metrics, 1, "__name__", "n", 1);
	assert_count(&c->values, 0, "s", "", 3);
	assert_count(&c->values, 1, "__name__", "", 2);
	assert_count(&c->pairs, 0, "__name__", "m", 3);
	assert_count(&c->pairs, 1, "s", "b", 2);
	assert_count(&c->bytes, 0, "s", "", 3);
	tsdb_cardinality_free(c);
	some.matchers = &m;
	some.matcher_count = 1;
	assert_ok(tsdb_cardinality(q, &some, 10, &c, &err), &err);
	assert_int_equal(c->series_count, 2);
	tsdb_cardinality_free(c);
	q->free(q);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

static int keep_part(void *arg, const struct tsdb_part *p)
{
	*(struct tsdb_part *)arg = *p;
	return 0;
}

static int stop_at_part(void *arg, const struct tsdb_part *p)
{
	return 7;
}

static void test_parts(void **state)
{
	struct pm_error err = { 0 };
	struct tsdb_part p = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	uint64_t bytes = 0;
	append(db, few, 0, FEW);
	assert_ok(tsdb_parts(db, true, keep_part, &p, &err), &err);
	assert_string_equal(p.name, "head.00000001");
	assert_int_equal(p.series_count, 4);
	assert_int_equal(p.sample_count, FEW);
	assert_int_equal(p.min_ms, 1000);
	assert_int_equal(p.max_ms, 5000);
	for (size_t i = 0; i < p.sort_count; i++)
		bytes += p.sorts[i].bytes;
	assert_true(bytes == p.bytes && bytes > 0);
	assert_int_equal(tsdb_parts(db, false, stop_at_part, NULL, &err), 7);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

/* ---- a store with some of everything ------------------------------------------------------------ */

static void append_page(struct tsdb *db, int row, size_t series)
{
	struct pm_page_entry e[64];
	struct pm_label l[64][2];
	char v[64][8];
	struct pm_error err = { 0 };
	struct pm_appender *app;
	for (size_t s = 0; s < series; s++) {
		snprintf(v[s], sizeof v[s], "%zu", s);
		l[s][0] = (struct pm_label){ PM_STR("__name__"), PM_STR("page") };
		l[s][1] = (struct pm_label){ PM_STR("s"), pm_str(v[s]) };
		e[s] = (struct pm_page_entry){
			.e = { s + 1, 5, PM_REF_NEW }, .labels = { l[s], 2 }, .v = (double)s, .t_ms = PM_NO_TIME
		};
	}
	struct pm_page page = { .t_ms = row * 1000, .entries = e, .entry_count = series };
	assert_ok(tsdb_appender(db, &app, &err), &err);
	assert_ok(app->append_page(app, PM_STR("key"), NULL, &page, NULL, &err), &err);
	app->free(app);
}

/* A histogram with a start timestamp, an exemplar and metadata. */
static void append_kinds(struct tsdb *db, double bucket)
{
	static const struct pm_span span = { 2, 3 };
	const double counts[] = { bucket, 2, 3 };
	const struct pm_histogram h = { .schema = 1,
		.count = bucket + 5,
		.sum = 7.5,
		.integer = true,
		.pos_spans = &span,
		.pos_span_count = 1,
		.pos = counts,
		.pos_count = 3 };
	const struct tsdb_sample sample = { .t_ms = 7000, .h = &h, .st_ms = 500 };
	struct pm_label l = { PM_NAME_LABEL, PM_STR("hist") }, trace = { PM_STR("trace"), PM_STR("abc") };
	const struct tsdb_exemplar e = { { &trace, 1 }, 0.5, 6999 };
	const struct tsdb_metadata m = { PM_STR("hist"), PM_STR("histogram"), PM_STR("Help."), PM_STR("s") };
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	tsdb_sid sid;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	assert_ok(tsdb_txn_series(txn, (struct pm_labels){ &l, 1 }, &sid, &err), &err);
	assert_ok(tsdb_txn_append_sample(txn, sid, &sample, &err), &err);
	assert_ok(tsdb_txn_append_exemplar(txn, sid, &e, &err), &err);
	assert_ok(tsdb_txn_append_metadata(txn, &m, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

static char *make_store(size_t loose)
{
	char *dir = test_tmpdir(), (*value)[24] = calloc(loose, sizeof *value);
	struct sample *s = calloc(loose, sizeof *s);
	struct tsdb *db = open_store(dir);
	assert_true(s && value);
	append(db, few, 0, FEW);
	for (size_t i = 0; i < loose; i++) {
		snprintf(value[i], sizeof value[i], "%zu", i);
		s[i] = (struct sample){ "loose", value[i], (int64_t)i, (double)i };
	}
	append(db, s, 0, loose);
	append_page(db, 1, 30);
	append_page(db, 2, 28);
	append_page(db, 3, 40);
	append_kinds(db, 1);
	tsdb_close(db);
	free(s);
	free(value);
	return dir;
}

/* ---- verify ------------------------------------------------------------------------------------- */

struct found {
	size_t count;
	char file[64]; /* of the first */
	uint64_t off;
	char what[128];
};

static int keep_damage(void *arg, const struct tsdb_damage *d)
{
	struct found *f = arg;
	if (f->count++ == 0) {
		snprintf(f->file, sizeof f->file, "%s", d->file);
		snprintf(f->what, sizeof f->what, "%s", d->what);
		f->off = d->off;
	}
	return 0;
}

static struct found verify(const char *dir)
{
	struct found f = { 0 };
	struct tsdb_verified v;
	struct pm_error err = { 0 };
	assert_ok(tsdb_verify(dir, keep_damage, &f, &v, &err), &err);
	assert_int_equal(v.damages, f.count);
	return f;
}

static void assert_sound(const char *dir)
{
	struct found f = verify(dir);
	if (f.count)
		fail_msg("%s at %" PRIu64 ": %s", f.file, f.off, f.what);
}

/* Small, and with postings in several runs and tables that grew. */
static void test_sound_stores(void **state)
{
	static const size_t sizes[] = { 1, 600, 5000 };
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		char *dir = make_store(sizes[i]);
		assert_sound(dir);
		test_tmpdir_free(dir);
	}
}

static void test_more_than_one_log_file(void **state)
{
	enum { SERIES = 100000, ROWS = 90 };
	struct pm_error err = { 0 };
	char *dir = test_tmpdir();
	struct tsdb *db = open_store(dir);
	tsdb_sid *sids = calloc(SERIES, sizeof *sids);
	struct tsdb_txn *txn;
	assert_non_null(sids);
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	for (int s = 0; s < SERIES; s++) {
		char v[16];
		snprintf(v, sizeof v, "%d", s);
		struct pm_label l[] = { { PM_STR("__name__"), PM_STR("m") }, { PM_STR("s"), pm_str(v) } };
		assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, 0, 0, &sids[s], &err), &err);
	}
	for (int r = 1; r < ROWS; r++)
		for (int s = 0; s < SERIES; s++)
			assert_ok(tsdb_txn_append_sid(txn, sids[s], r, s, &err), &err);
	assert_ok(tsdb_txn_commit(txn, &err), &err);
	tsdb_close(db);
	assert_sound(dir);
	free(sids);
	test_tmpdir_free(dir);
}

static void with_file(char out[4600], const char *dir, const char *name)
{
	snprintf(out, 4600, "%.4200s/head.00000001/%.200s", dir, name);
}

static uint64_t published_end(const char *dir, const char *name)
{
	struct pm_error err = { 0 };
	struct tsdb_part p;
	struct tsdb *db;
	uint64_t end = 0;
	assert_ok(tsdb_open(dir, NULL, &db, &err), &err);
	assert_ok(tsdb_parts(db, true, keep_part, &p, &err), &err);
	for (size_t i = 0; i < p.sort_count; i++)
		if (strncmp(p.sorts[i].name, name, strlen(p.sorts[i].name)) == 0)
			end = p.sorts[i].bytes;
	tsdb_close(db);
	assert_true(end > 64);
	return end;
}

/* Every bit of a record counts, and every changed byte is told with the file and the record that it is in. */
static void test_flipped_bytes(void **state)
{
	static const char *const files[] = { "catalog", "layouts", "postings", "log.00000001" };
	char *dir = make_store(600), path[4600];
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		uint64_t end = published_end(dir, files[i]), step = end / 300 | 1;
		with_file(path, dir, files[i]);
		int fd = open(path, O_RDWR);
		assert_true(fd >= 0);
		for (uint64_t at = 0; at < end; at += at < 300 ? 1 : step) {
			if (at >= 48 && at < 64)
				continue; /* reserved */
			unsigned char b, c;
			assert_int_equal(pread(fd, &b, 1, (off_t)at), 1);
			c = b ^ (unsigned char)(1u << at % 8);
			assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
			struct found f = verify(dir);
			if (!f.count)
				fail_msg("%s: byte %" PRIu64 " changed, and nothing is said", files[i], at);
			if (strstr(f.file, files[i]) && f.off > at)
				fail_msg(
					"%s: byte %" PRIu64 " changed, but %" PRIu64 " is blamed", files[i], at, f.off);
			assert_int_equal(pwrite(fd, &b, 1, (off_t)at), 1);
		}
		close(fd);
	}
	assert_sound(dir);
	test_tmpdir_free(dir);
}

static void assert_damage(const char *dir, const char *file, const char *what)
{
	struct found f = verify(dir);
	assert_true(f.count > 0);
	assert_contains(f.file, file);
	assert_contains(f.what, what);
}

static void overwrite(const char *path, uint64_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, (off_t)at), n);
	close(fd);
}

/* Files without checksums of their own are found by what they should lead to. */
static void test_ids_and_tables(void **state)
{
	static const char zeros[8192];
	char *dir = make_store(10), path[4600];
	uint32_t other = 8;
	with_file(path, dir, "ids");
	overwrite(path, 64 + 4, &other, sizeof other);
	assert_damage(dir, "catalog", "ids does not point to");
	test_tmpdir_free(dir);

	dir = make_store(10);
	with_file(path, dir, "ids");
	overwrite(path, 64, zeros, 4);
	assert_true(verify(dir).count >= 2);
	test_tmpdir_free(dir);

	static const char *const tables[][3] = { { "symbols.00000001", "catalog", "symbol that its table" },
		{ "series.00000001", "catalog", "series that its table" },
		{ "families.00000001", "layouts", "family that its" } };
	for (size_t i = 0; i < 3; i++) {
		dir = make_store(10);
		with_file(path, dir, tables[i][0]);
		overwrite(path, 64, zeros, sizeof zeros);
		assert_damage(dir, tables[i][1], tables[i][2]);
		test_tmpdir_free(dir);
	}
}

static void test_flipped_slots(void **state)
{
	static const char *const tables[] = { "symbols.00000001", "series.00000001", "families.00000001" };
	char *dir = make_store(10), path[4600];
	for (size_t i = 0; i < 3; i++) {
		with_file(path, dir, tables[i]);
		int fd = open(path, O_RDWR), found = 0;
		assert_true(fd >= 0);
		for (off_t at = 64; at < 64 + 1024 * 8; at += 8) {
			uint64_t word, changed;
			assert_int_equal(pread(fd, &word, 8, at), 8);
			if (!word)
				continue;
			changed = word ^ UINT64_C(1) << at / 8 % 64;
			assert_int_equal(pwrite(fd, &changed, 8, at), 8);
			found++;
			if (verify(dir).count == 0)
				fail_msg("%s: the slot at %" PRIu64 " changed, and nothing is said", tables[i],
					(uint64_t)at);
			assert_int_equal(pwrite(fd, &word, 8, at), 8);
		}
		assert_true(found > 0);
		close(fd);
	}
	assert_sound(dir);
	test_tmpdir_free(dir);
}

static void test_cut_and_missing(void **state)
{
	static const char *const files[] = { "catalog", "ids", "layouts", "log.00000001" };
	char path[4600];
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		for (off_t len = 0; len <= 100; len += 50) {
			char *dir = make_store(600);
			with_file(path, dir, files[i]);
			assert_int_equal(truncate(path, len), 0);
			assert_damage(dir, files[i], len < 64 ? "ends within its head" : "ends early");
			test_tmpdir_free(dir);
		}
		char *dir = make_store(1);
		with_file(path, dir, files[i]);
		assert_int_equal(unlink(path), 0);
		assert_damage(dir, files[i], "missing");
		test_tmpdir_free(dir);
	}
}

static void test_meta_page(void **state)
{
	struct tsdb_verified v;
	struct pm_error err = { 0 };
	char *dir = make_store(1), path[4600];
	snprintf(path, sizeof path, "%s/meta", dir);
	overwrite(path, 2, "x", 1);
	assert_damage(dir, "meta", "not a store of pm");
	assert_int_equal(unlink(path), 0);
	assert_code(tsdb_verify(dir, NULL, NULL, &v, &err), PM_ERR_NOTFOUND, &err);
	test_tmpdir_free(dir);
}

static int stop_at_damage(void *arg, const struct tsdb_damage *d)
{
	++*(int *)arg;
	return 9;
}

static void test_verify_stops_when_told(void **state)
{
	struct tsdb_verified v;
	char *dir = make_store(10), path[4600];
	int told = 0;
	with_file(path, dir, "catalog");
	for (int at = 80; at < 400; at += 40)
		overwrite(path, (uint64_t)at, "xyz", 3);
	assert_int_equal(tsdb_verify(dir, stop_at_damage, &told, &v, NULL), 9);
	assert_int_equal(told, 1);
	test_tmpdir_free(dir);
}

/* ---- damage under sound checksums --------------------------------------------------------------- */

static int swallow(void *arg, struct pm_str text)
{
	*(size_t *)arg += text.len;
	return 0;
}

/* Whatever the bytes say, looking at them ends, and reads nothing that is not there. */
static void look_at_all(const char *dir)
{
	struct tsdb_verified v;
	struct tsdb_digest d;
	struct found f = { 0 };
	struct tsdb *db;
	size_t len = 0;
	(void)!tsdb_verify(dir, keep_damage, &f, &v, NULL);
	(void)!tsdb_files_text(dir, NULL, swallow, &len, NULL);
	if (tsdb_open(dir, NULL, &db, NULL) < 0)
		return;
	(void)!tsdb_digest(db, &d, NULL);
	tsdb_close(db);
}

/* Change one byte of a record at a time, and write the checksum that the changed record has. */
static void spoil_record(const char *dir, int fd, uint64_t off, enum tsdb_file_kind kind, uint64_t base)
{
	static uint8_t rec[1 << 16], changed[1 << 16];
	struct tsdb_rec head;
	assert_int_equal(pread(fd, &head, sizeof head, (off_t)off), sizeof head);
	if (head.len > sizeof rec || head.kind == TSDB_REC_PAD)
		return;
	assert_int_equal(pread(fd, rec, head.len, (off_t)off), head.len);
	for (uint32_t at = 12; at < head.len; at += at < 96 ? 3 : head.len / 40 + 1) {
		memcpy(changed, rec, head.len);
		changed[at] = at % 2 ? 0xff : (uint8_t)(rec[at] + 1);
		uint64_t sum = tsdb__rec_checksum((void *)changed, kind, 1, base + off);
		memcpy(changed, &sum, sizeof sum);
		assert_int_equal(pwrite(fd, changed, head.len, (off_t)off), head.len);
		look_at_all(dir);
	}
	assert_int_equal(pwrite(fd, rec, head.len, (off_t)off), head.len);
}

static void test_sound_checksums(void **state)
{
	static const struct {
		const char *name;
		enum tsdb_file_kind kind;
	} files[] = { { "catalog", TSDB_FILE_CATALOG }, { "layouts", TSDB_FILE_LAYOUTS },
		{ "postings", TSDB_FILE_POSTINGS }, { "log.00000001", TSDB_FILE_LOG } };
	char *dir = make_store(600), path[4600];
	for (size_t i = 0; i < 4; i++) {
		uint64_t end = published_end(dir, files[i].name), records = 0;
		uint64_t base = files[i].kind == TSDB_FILE_LOG ? TSDB_LOG_FILE_SIZE : 0;
		with_file(path, dir, files[i].name);
		int fd = open(path, O_RDWR);
		assert_true(fd >= 0);
		for (uint64_t off = 64; off < end; records++) {
			struct tsdb_rec head;
			assert_int_equal(pread(fd, &head, sizeof head, (off_t)off), sizeof head);
			/* Of the many symbols and series, some. */
			if (records < 12 || records % 97 == 0 || i > 0)
				spoil_record(dir, fd, off, files[i].kind, base);
			off += head.len;
		}
		close(fd);
	}
	assert_sound(dir);
	test_tmpdir_free(dir);
}

/* ---- segments ------------------------------------------------------------------------------------ */

static void seal(struct tsdb *db)
{
	struct tsdb_compact_opts opts = { .now_ms = 1, .force = true };
	struct pm_error err = { 0 };
	assert_ok(tsdb_compact(db, &opts, NULL, &err), &err);
}

/* A store whose samples are in a segment and in the head. */
static char *make_sealed(size_t loose)
{
	char *dir = make_store(loose);
	struct tsdb *db = open_store(dir);
	seal(db);
	append(db, few, 0, 2);
	tsdb_close(db);
	return dir;
}

static void test_digest_of_histograms(void **state)
{
	uint64_t hashes[3];
	for (int i = 0; i < 3; i++) {
		char *dir = test_tmpdir();
		struct tsdb *db = open_store(dir);
		append_kinds(db, i == 1 ? 4 : 1);
		if (i == 2)
			seal(db);
		struct tsdb_digest d = digest_of(db);
		assert_int_equal(d.sample_count, 1);
		hashes[i] = d.hash;
		tsdb_close(db);
		assert_sound(dir);
		test_tmpdir_free(dir);
	}
	assert_true(hashes[0] != hashes[1] && hashes[0] == hashes[2]);
}

static void test_digest_of_sealed(void **state)
{
	char *dir = make_store(600);
	struct tsdb *db = open_store(dir);
	struct tsdb_digest before = digest_of(db), after;
	seal(db);
	after = digest_of(db);
	assert_true(before.hash == after.hash && before.series_count == after.series_count &&
		    before.sample_count == after.sample_count);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

struct parts {
	struct tsdb_part v[8];
	size_t count;
};

static int keep_parts(void *arg, const struct tsdb_part *p)
{
	struct parts *to = arg;
	assert_true(to->count < 8);
	to->v[to->count++] = *p;
	return 0;
}

static void test_parts_of_sealed(void **state)
{
	struct parts full = { 0 }, quick = { 0 };
	struct pm_error err = { 0 };
	char *dir = make_sealed(600);
	struct tsdb *db = open_store(dir);
	uint64_t values = 0;
	assert_ok(tsdb_parts(db, true, keep_parts, &full, &err), &err);
	assert_ok(tsdb_parts(db, false, keep_parts, &quick, &err), &err);
	assert_true(full.count >= 2 && full.count == quick.count);
	for (size_t i = 0; i < full.count; i++) {
		uint64_t bytes = 0, samples = 0;
		for (size_t k = 0; k < full.v[i].sort_count; k++) {
			bytes += full.v[i].sorts[k].bytes;
			samples += full.v[i].sorts[k].samples;
		}
		/* Every byte is of some sort. */
		assert_int_equal(bytes, full.v[i].bytes);
		assert_int_equal(full.v[i].bytes, quick.v[i].bytes);
		if (i < full.count - 1)
			assert_int_equal(samples, full.v[i].sample_count);
		values += samples;
	}
	assert_contains(full.v[0].name, "segment.");
	assert_contains(full.v[full.count - 1].name, "head.");
	assert_true(values > 600);
	tsdb_close(db);
	test_tmpdir_free(dir);
}

static char *segment_path(const char *dir, char out[4600])
{
	DIR *d = opendir(dir);
	assert_non_null(d);
	out[0] = '\0';
	for (struct dirent *e; (e = readdir(d));)
		if (strncmp(e->d_name, "segment.", 8) == 0)
			snprintf(out, 4600, "%.4200s/%.200s", dir, e->d_name);
	closedir(d);
	assert_true(out[0]);
	return out;
}

static void test_flipped_bytes_of_a_segment(void **state)
{
	char *dir = make_sealed(600), path[4600];
	struct stat st;
	assert_sound(dir);
	assert_int_equal(stat(segment_path(dir, path), &st), 0);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	for (off_t at = 0; at < st.st_size; at += 1 + st.st_size / 400) {
		unsigned char b, c;
		assert_int_equal(pread(fd, &b, 1, at), 1);
		c = b ^ (unsigned char)(1u << at % 8);
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		struct found f = verify(dir);
		if (!f.count)
			fail_msg("byte %" PRIu64 " changed, and nothing is said", (uint64_t)at);
		assert_contains(f.file, "segment.");
		assert_int_equal(pwrite(fd, &b, 1, at), 1);
	}
	close(fd);
	assert_sound(dir);
	assert_int_equal(truncate(path, st.st_size - 8), 0);
	assert_damage(dir, "segment.", "");
	assert_int_equal(unlink(path), 0);
	assert_damage(dir, "segment.", "missing");
	test_tmpdir_free(dir);
}

static void test_damaged_manifest(void **state)
{
	char *dir = make_sealed(10), path[4600];
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (strncmp(e->d_name, "manifest.", 9) == 0)
			snprintf(path, sizeof path, "%.4200s/%.200s", dir, e->d_name);
	closedir(d);
	overwrite(path, 100, "xyz", 3);
	assert_damage(dir, "manifest.", "checksum");
	assert_int_equal(unlink(path), 0);
	assert_damage(dir, "manifest.", "missing");
	test_tmpdir_free(dir);
}

/* ---- files as text ------------------------------------------------------------------------------ */

static int gather(void *arg, struct pm_str text)
{
	struct pm_str *to = arg;
	assert_true(text.len && text.ptr[text.len - 1] == '\n');
	to->ptr = realloc((void *)(uintptr_t)to->ptr, to->len + text.len + 1);
	memcpy((char *)(uintptr_t)to->ptr + to->len, text.ptr, text.len);
	to->len += text.len;
	((char *)(uintptr_t)to->ptr)[to->len] = '\0';
	return 0;
}

static char *text_of(const char *dir, const char *file)
{
	struct pm_str text = { 0 };
	struct pm_error err = { 0 };
	assert_ok(tsdb_files_text(dir, file, gather, &text, &err), &err);
	return (char *)(uintptr_t)text.ptr;
}

static void test_files_as_text(void **state)
{
	static const char *const wanted[] = { "meta: version 1", "head.00000001/catalog: ", "symbol \"loose\"",
		"series 0, home 0 {\"__name__\"=\"m\", \"s\"=\"a\"}", "head.00000001/ids: ", "family 1 \"key\"",
		"block of 30 entries", "run of series 0 to", "\"s\"=\"17\"", "list of runs at", "tag ", "batch of ",
		" -0@5000", "row of family 1 at 1000", " stale",
		"commit 6: ", "metadata of \"hist\": type \"histogram\", help \"Help.\", unit \"s\"", "exemplars, 1",
		"0.5@6999 {\"trace\"=\"abc\"}", "histogram@" };
	char *dir = make_store(600), *text = text_of(dir, NULL), path[4600];
	struct pm_error err = { 0 };
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_contains(text, wanted[i]);
	free(text);
	text = text_of(dir, "head.00000001/layouts");
	assert_contains(text, "version of family 1");
	assert_null(strstr(text, "symbol"));
	free(text);
	assert_code(tsdb_files_text(dir, "nothing", gather, NULL, &err), PM_ERR_NOTFOUND, &err);
	with_file(path, dir, "catalog");
	overwrite(path, 88, "\xff", 1);
	text = text_of(dir, "head.00000001/catalog");
	assert_contains(text, "        64  DAMAGED: ");
	assert_contains(text, "symbol \"s\"");
	free(text);
	test_tmpdir_free(dir);
}

static void test_segments_as_text(void **state)
{
	static const char *const wanted[] = { "manifest.", "segments, the next is", "segment.", "symbols, ",
		"{\"__name__\"=\"loose\", \"s\"=\"17\"}", "chunk at ", "1 samples, constant" };
	char *dir = make_sealed(600), *text = text_of(dir, NULL), path[4600];
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_contains(text, wanted[i]);
	free(text);
	segment_path(dir, path);
	overwrite(path, 4096, "xyz", 3);
	text = text_of(dir, strrchr(path, '/') + 1);
	assert_contains(text, "DAMAGED");
	free(text);
	test_tmpdir_free(dir);
}

TEST_MAIN(TEST(test_digest_is_of_content), TEST(test_digest_sees_each_change), TEST(test_digest_of_a_long_series),
	TEST(test_digest_of_nothing), TEST(test_digest_at_the_ends_of_time), TEST(test_cardinality), TEST(test_parts),
	TEST(test_sound_stores), TEST(test_more_than_one_log_file), TEST(test_flipped_bytes), TEST(test_ids_and_tables),
	TEST(test_flipped_slots), TEST(test_sound_checksums), TEST(test_cut_and_missing), TEST(test_meta_page),
	TEST(test_verify_stops_when_told), TEST(test_digest_of_histograms), TEST(test_digest_of_sealed),
	TEST(test_parts_of_sealed), TEST(test_flipped_bytes_of_a_segment), TEST(test_damaged_manifest),
	TEST(test_files_as_text), TEST(test_segments_as_text))
