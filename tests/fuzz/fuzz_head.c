/* fuzz_head.c - a store's head with some of its bytes changed and the checksums over them put right, so that what
 * follows from the bytes is reached: verification, listings, recovery and queries end without a crash, whatever they
 * say.
 *
 * An input is a list of changes, 6 bytes each: file, place (2), how, value (2). Its first byte tells whether the store
 * was left by another boot of the machine, which makes readers recover it. */
#include "libtsdb/base/hash.h"
#include "libtsdb/head/head.h"
#include "libtsdb/tsdb.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) ((cond) ? (void)0 : abort())

enum { FILES = 9, CHANGES_MAX = 64, BYTES_MAX = 1 << 18, SERIES = 24, LOOSE = 600 };

static struct file {
	const char *name;
	enum tsdb_file_kind kind;
	size_t len; /* that are published, or all */
	bool changed;
	_Alignas(8) uint8_t pristine[BYTES_MAX];
	_Alignas(8) uint8_t bytes[BYTES_MAX];
} files[FILES] = {
	{ .name = "catalog", .kind = TSDB_FILE_CATALOG },
	{ .name = "ids", .kind = TSDB_FILE_IDS },
	{ .name = "layouts", .kind = TSDB_FILE_LAYOUTS },
	{ .name = "postings", .kind = TSDB_FILE_POSTINGS },
	{ .name = "log.00000001", .kind = TSDB_FILE_LOG },
	{ .name = "symbols.%08x", .kind = TSDB_FILE_SLOTS },
	{ .name = "series.%08x", .kind = TSDB_FILE_SLOTS },
	{ .name = "families.%08x", .kind = TSDB_FILE_SLOTS },
	{ .name = "aliases.%08x", .kind = TSDB_FILE_SLOTS },
};
static char dir[64];
static struct tsdb_digest want;

/* ---- the store ---------------------------------------------------------------------------------- */

static void append_page(struct tsdb *db, int t, int n)
{
	struct pm_page_entry e[SERIES] = { 0 };
	struct pm_label l[SERIES][2];
	char value[SERIES][16];
	struct pm_appender *app;
	for (int i = 0; i < n; i++) {
		snprintf(value[i], sizeof value[i], "%d", i);
		l[i][0] = (struct pm_label){ PM_NAME_LABEL, PM_STR("page") };
		l[i][1] = (struct pm_label){ PM_STR("s"), pm_str(value[i]) };
		e[i] = (struct pm_page_entry){ .e = { (uint64_t)i + 1, 5, PM_REF_NEW },
			.labels = { l[i], 2 },
			.v = i,
			.t_ms = i % 5 ? PM_NO_TIME : t - 1 };
	}
	struct pm_page page = { .t_ms = t, .entries = e, .entry_count = (size_t)n };
	REQUIRE(tsdb_appender(db, &app, NULL) == 0);
	REQUIRE(app->append_page(app, PM_STR("key"), NULL, &page, NULL, NULL) == 0);
	app->free(app);
}

static void append_loose(struct tsdb *db)
{
	static const struct pm_span span = { 1, 2 };
	static const double counts[] = { 1, 2 };
	const struct pm_histogram h = {
		.count = 3, .sum = 4, .pos_spans = &span, .pos_span_count = 1, .pos = counts, .pos_count = 2
	};
	const struct tsdb_sample sample = { .t_ms = 9000, .h = &h, .st_ms = 100 };
	struct pm_label trace = { PM_STR("trace"), PM_STR("abc") };
	const struct tsdb_exemplar e = { { &trace, 1 }, 1, 8000 };
	const struct tsdb_metadata m = { PM_STR("loose"), PM_STR("gauge"), PM_STR("help"), PM_STR("") };
	struct tsdb_txn *txn;
	tsdb_sid sid = 0;
	REQUIRE(tsdb_txn_begin(db, &txn, NULL) == 0);
	for (int i = 0; i < LOOSE; i++) {
		char value[16];
		snprintf(value, sizeof value, "%d", i);
		struct pm_label l[] = { { PM_NAME_LABEL, PM_STR("loose") }, { PM_STR("s"), pm_str(value) } };
		REQUIRE(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, i, i, &sid, NULL) == 0);
	}
	REQUIRE(tsdb_txn_append_sample(txn, sid, &sample, NULL) == 0);
	REQUIRE(tsdb_txn_append_exemplar(txn, sid, &e, NULL) == 0);
	REQUIRE(tsdb_txn_append_metadata(txn, &m, NULL) == 0);
	REQUIRE(tsdb_txn_commit(txn, NULL) == 0);
}

static void path_of(const struct file *f, char out[256])
{
	char name[64];
	struct stat st;
	for (unsigned number = 1; number < 64; number++) {
		snprintf(name, sizeof name, "%s", f->name);
		if (f->kind == TSDB_FILE_SLOTS)
			tsdb__table_name(name, (enum tsdb_table)(f - files - 5), number);
		snprintf(out, 256, "%s/head.00000001/%s", dir, name);
		if (stat(out, &st) == 0)
			return;
	}
	abort();
}

static void load(struct file *f)
{
	char path[256];
	path_of(f, path);
	int fd = open(path, O_RDONLY);
	REQUIRE(fd >= 0);
	ssize_t n = read(fd, f->pristine, sizeof f->pristine);
	REQUIRE(n > 0);
	f->len = (size_t)n;
	close(fd);
	/* The log's size is fixed: behind the last record there are zeros. */
	while (f->kind == TSDB_FILE_LOG && f->len > 8 && f->pristine[f->len - 1] == 0)
		f->len--;
	memcpy(f->bytes, f->pristine, sizeof f->bytes);
}

static void remove_store(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	REQUIRE(system(command) == 0);
}

static void make_store(void)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_ALWAYS };
	struct tsdb *db;
	snprintf(dir, sizeof dir, "%s/pm-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	REQUIRE(mkdtemp(dir));
	atexit(remove_store);
	REQUIRE(tsdb_open(dir, &opts, &db, NULL) == 0);
	append_page(db, 1000, SERIES - 4);
	append_page(db, 2000, SERIES - 8);
	append_page(db, 3000, SERIES);
	append_loose(db);
	REQUIRE(tsdb_digest(db, &want, NULL) == 0);
	tsdb_close(db);
	for (int i = 0; i < FILES; i++)
		load(&files[i]);
}

/* ---- changes ------------------------------------------------------------------------------------ */

static uint64_t base_of(const struct file *f)
{
	return f->kind == TSDB_FILE_LOG ? TSDB_LOG_FILE_SIZE : 0;
}

/* Seal the record at `off` as a writer would. */
static void seal(struct file *f, size_t off)
{
	struct tsdb_rec *rec = (void *)(f->bytes + off);
	if (rec->len > f->len - off || rec->len < sizeof *rec)
		return; /* nothing but a length was wanted */
	if (f->kind == TSDB_FILE_LOG && rec->len >= sizeof(struct tsdb_row) &&
		(rec->kind == TSDB_REC_ROW || rec->kind == TSDB_REC_BATCH || rec->kind == TSDB_REC_EXEMPLARS))
		((struct tsdb_row *)(void *)rec)->head_sum = tsdb__row_head_sum((void *)rec);
	rec->checksum = tsdb__rec_checksum(rec, f->kind, 1, base_of(f) + off);
}

/* The record of the pristine file that has this byte. */
static size_t record_at(const struct file *f, size_t at)
{
	size_t off = sizeof(struct tsdb_file_head);
	while (off + sizeof(struct tsdb_rec) <= f->len) {
		const struct tsdb_rec *rec = (const void *)(f->pristine + off);
		if (rec->len < sizeof *rec || at < off + rec->len)
			break;
		off += rec->len;
	}
	return off;
}

static void put_right(struct file *f, size_t at)
{
	struct tsdb_file_head *head = (void *)f->bytes;
	if (at < sizeof *head) {
		head->checksum = pm_hash(head, offsetof(struct tsdb_file_head, checksum));
	} else if (f->kind == TSDB_FILE_SLOTS) {
		size_t slot = (at - sizeof *head) / 8, count = (f->len - sizeof *head) / 9;
		uint8_t sum = 0;
		for (size_t i = 0; i < 8 && slot < count; i++)
			sum ^= f->bytes[sizeof *head + slot * 8 + i];
		if (slot < count)
			f->bytes[sizeof *head + count * 8 + slot] = sum;
	} else if (f->kind != TSDB_FILE_IDS && record_at(f, at) + sizeof(struct tsdb_rec) <= f->len) {
		seal(f, record_at(f, at));
	}
}

static void change(const uint8_t *c)
{
	struct file *f = &files[c[0] % FILES];
	size_t at = (size_t)(c[1] | c[2] << 8) * f->len / 65536;
	uint8_t *b = f->bytes + at;
	/* Of tables, slots that are filled are of interest. */
	for (size_t k = 0; f->kind == TSDB_FILE_SLOTS && k < 256 && *b == 0 && at + 1 < f->len; k++, at++)
		b++;
	switch (c[3] % 4) {
	case 0:
		*b = c[4];
		break;
	case 1:
		*b ^= (uint8_t)(1u << c[4] % 8);
		break;
	case 2:
		*b = (uint8_t)(*b + (int8_t)c[4]);
		break;
	default:
		for (size_t i = 0; i < 4 && (at & ~(size_t)3) + i < f->len; i++)
			f->bytes[(at & ~(size_t)3) + i] = i < 2 ? c[4 + i] : (uint8_t)(c[4 + i - 2] & 0x80 ? 0xff : 0);
	}
	f->changed = true;
	put_right(f, at);
}

static void write_changed(bool back)
{
	for (int i = 0; i < FILES; i++) {
		struct file *f = &files[i];
		char path[256];
		if (!f->changed)
			continue;
		if (back)
			memcpy(f->bytes, f->pristine, f->len);
		path_of(f, path);
		int fd = open(path, O_WRONLY);
		REQUIRE(fd >= 0 && pwrite(fd, f->bytes, f->len, 0) == (ssize_t)f->len);
		close(fd);
		f->changed = !back;
	}
}

/* The meta page names the boot that it was written on. */
static void other_boot(void)
{
	char path[256];
	uint8_t b;
	snprintf(path, sizeof path, "%s/meta", dir);
	int fd = open(path, O_RDWR);
	off_t at = offsetof(struct tsdb_meta_page, boot_id);
	REQUIRE(fd >= 0 && pread(fd, &b, 1, at) == 1);
	b ^= 1;
	REQUIRE(pwrite(fd, &b, 1, at) == 1);
	close(fd);
}

/* ---- looking at it ------------------------------------------------------------------------------ */

static int count_damage(void *arg, const struct tsdb_damage *d)
{
	(void)d;
	return ++*(size_t *)arg >= 1000;
}

static int swallow(void *arg, struct pm_str text)
{
	*(size_t *)arg += text.len;
	return 0;
}

static void look(bool changed)
{
	struct tsdb_digest d = { 0 };
	struct tsdb_verified v;
	struct tsdb *db;
	size_t damages = 0, len = 0;
	int rc = tsdb_verify(dir, count_damage, &damages, &v, NULL);
	REQUIRE(changed || (rc == 0 && damages == 0));
	REQUIRE(tsdb_files_text(dir, NULL, swallow, &len, NULL) <= 0);
	if (tsdb_open(dir, NULL, &db, NULL) < 0) {
		REQUIRE(changed);
		return;
	}
	rc = tsdb_digest(db, &d, NULL);
	REQUIRE(changed || (rc == 0 && d.hash == want.hash));
	tsdb_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool boot = size && data[0] & 1;
	if (!dir[0])
		make_store();
	for (size_t i = 1; i + 6 <= size && i < 6 * CHANGES_MAX; i += 6)
		change(data + i);
	write_changed(false);
	if (boot)
		other_boot();
	look(size > 6);
	if (boot)
		other_boot();
	write_changed(true);
	return 0;
}
