/* test_recover.c - recovery case by case: copies, copies of files of different ages, what lost transactions leave
 * behind the end, damage below the last sync, torn marks, failed syncs. Random histories: test_recover_crash.c. */
#include "tests/support/store_files.h"

#include "libtsdb/head/meta.h"
#include "libtsdb/tsdb.h"

#include <errno.h>

static char *dir, copy[4200], saved[4200];

static int set_up(void **state)
{
	dir = test_tmpdir();
	snprintf(copy, sizeof copy, "%s.copy", dir);
	snprintf(saved, sizeof saved, "%s.saved", dir);
	return 0;
}

static int tear_down(void **state)
{
	test_remove(copy);
	test_remove(saved);
	test_tmpdir_free(dir);
	return 0;
}

static const char *path_in(const char *store, const char *file)
{
	static char path[4300];
	snprintf(path, sizeof path, "%.4000s/%s", store, file);
	return path;
}

static struct tsdb *open_store(const char *where, unsigned flags)
{
	struct tsdb_opts opts = { .flags = flags, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db;
	assert_ok(tsdb_open(where, &opts, &db, &err), &err);
	return db;
}

/* One transaction: `count` series of `name`, at `t_ms`, value v. A row of one ad-hoc layout. */
static void append(struct tsdb *db, const char *name, int count, int64_t t_ms, double v)
{
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	assert_ok(tsdb_txn_begin(db, &txn, &err), &err);
	for (int s = 0; s < count; s++) {
		char text[16];
		snprintf(text, sizeof text, "%04d", s);
		struct pm_label l[] = { { PM_STR("__name__"), pm_str(name) }, { PM_STR("s"), pm_str(text) } };
		assert_ok(tsdb_txn_append(txn, (struct pm_labels){ l, 2 }, t_ms, v, NULL, &err), &err);
	}
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

/* Samples of a metric; the sum of their values in *ret_sum. */
static size_t count_in(struct tsdb *db, const char *name, double *ret_sum)
{
	struct pm_matcher m[] = { { PM_MATCH_EQ, PM_STR("__name__"), pm_str(name) } };
	struct pm_select sel = { .matchers = m, .matcher_count = 1, .min_ms = 0, .max_ms = 1000000 };
	struct pm_error err = { 0 };
	struct pm_series_set *set;
	struct pm_querier *q;
	struct pm_series s;
	size_t n = 0;
	double sum = 0;
	assert_ok(tsdb_querier(db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	while (set->next(set, &s, &err) > 0)
		for (size_t i = 0; i < s.samples.count; i++, n++)
			sum += s.samples.v[i];
	assert_ok(err.code, &err);
	set->free(set);
	q->free(q);
	if (ret_sum)
		*ret_sum = sum;
	return n;
}

static size_t count_at(const char *where, unsigned flags, const char *name)
{
	struct tsdb *db = open_store(where, flags);
	size_t n = count_in(db, name, NULL);
	tsdb_close(db);
	return n;
}

static void make(void)
{
	struct tsdb *db = open_store(dir, TSDB_WRITE | TSDB_CREATE);
	append(db, "a", 700, 1000, 1);
	append(db, "b", 3, 1000, 2);
	assert_ok(tsdb_sync(db, NULL), NULL);
	append(db, "a", 700, 2000, 3);
	append(db, "c", 5, 2000, 4);
	tsdb_close(db);
}

static void test_copy(void **state)
{
	char cmd[9000];
	make();
	store_copy(dir, copy);
	store_copy(copy, saved);
	assert_int_equal(count_at(copy, TSDB_READ, "a"), 1400);
	assert_int_equal(count_at(copy, TSDB_READ, "c"), 5);
	snprintf(cmd, sizeof cmd, "diff -r '%.4000s' '%.4000s'", copy, saved);
	assert_int_equal(system(cmd), 0); /* a reader writes nothing */
	struct tsdb *reader = open_store(copy, TSDB_READ), *db = open_store(copy, TSDB_WRITE);
	assert_int_equal(count_in(db, "a", NULL), 1400);
	append(db, "a", 700, 3000, 5);
	append(db, "d", 1, 3000, 5);
	assert_int_equal(count_in(reader, "a", NULL), 2100);
	assert_int_equal(count_in(reader, "d", NULL), 1);
	tsdb_close(reader);
	tsdb_close(db);
	assert_int_equal(count_at(copy, TSDB_READ, "a"), 2100);
	assert_int_equal(count_at(dir, TSDB_READ, "d"), 0);
}

/* The catalog was copied before the series of c were made, the log after: c is not there, what came before is. */
static void test_copy_of_different_ages(void **state)
{
	struct tsdb *db = open_store(dir, TSDB_WRITE | TSDB_CREATE);
	char cmd[9000];
	append(db, "a", 10, 1000, 1);
	store_copy(dir, saved);
	append(db, "c", 10, 2000, 1);
	assert_ok(tsdb_sync(db, NULL), NULL);
	tsdb_close(db);
	store_copy(dir, copy);
	snprintf(cmd, sizeof cmd, "cp '%.4000s/head.00000001/catalog' '%.4000s/head.00000001/catalog'", saved, copy);
	assert_int_equal(system(cmd), 0);
	for (unsigned write = 0; write < 2; write++) {
		assert_int_equal(count_at(copy, write ? TSDB_WRITE : TSDB_READ, "a"), 10);
		assert_int_equal(count_at(copy, write ? TSDB_WRITE : TSDB_READ, "c"), 0);
	}
}

/* The log's file may be shorter than it was made. */
static void test_short_log(void **state)
{
	struct tsdb_record r;
	make();
	store_read(path_in(dir, "meta"), &r, sizeof r, TSDB_META_MARK0);
	uint64_t seq;
	store_read(path_in(dir, "meta"), &seq, sizeof seq, offsetof(struct tsdb_meta_page, seq));
	store_read(path_in(dir, "meta"), &r, sizeof r, TSDB_META_SLOT0 + (seq & 1) * TSDB_META_SLOT_SIZE);
	for (int cut = 0; cut < 2; cut++) {
		store_copy(dir, copy);
		assert_int_equal(truncate(path_in(copy, "head.00000001/log.00000001"),
					 (off_t)(r.log_end & (TSDB_LOG_FILE_SIZE - 1)) - cut * 8),
			0);
		store_reboot(copy);
		assert_int_equal(count_at(copy, TSDB_READ, "c"), cut ? 0 : 5);
		assert_int_equal(count_at(copy, TSDB_WRITE, "c"), cut ? 0 : 5);
		assert_int_equal(count_at(copy, TSDB_READ, "a"), 1400);
	}
}

/* ---- what stands behind the end ---- */

static uint64_t log_end_of(const char *store)
{
	struct tsdb_record r;
	uint64_t seq;
	store_read(path_in(store, "meta"), &seq, sizeof seq, offsetof(struct tsdb_meta_page, seq));
	store_read(path_in(store, "meta"), &r, sizeof r, TSDB_META_SLOT0 + (seq & 1) * TSDB_META_SLOT_SIZE);
	return r.log_end;
}

/* A crash loses transaction B and keeps C, which stands right behind it. Recovery writes a commit (as long as 13
 * values) and a shorter B' is written, so that C stands right behind that: it must not come back at the next crash. */
static void test_lost_transaction_stays_lost(void **state)
{
	static const uint8_t zeros[64];
	struct tsdb *db = open_store(dir, TSDB_WRITE | TSDB_CREATE);
	append(db, "a", 40, 1000, 1);
	append(db, "b", 40 - 13, 1000, 1); /* both layouts are known */
	assert_ok(tsdb_sync(db, NULL), NULL);
	uint64_t end_a = log_end_of(dir);
	append(db, "a", 40, 2000, 1);
	uint64_t end_b = log_end_of(dir);
	append(db, "a", 40, 3000, 1);
	tsdb_close(db);
	store_write(path_in(dir, "head.00000001/log.00000001"), zeros, sizeof zeros, end_a & (TSDB_LOG_FILE_SIZE - 1));
	store_reboot(dir);
	db = open_store(dir, TSDB_WRITE);
	assert_int_equal(count_in(db, "a", NULL), 40);
	append(db, "b", 40 - 13, 2000, 1);
	tsdb_close(db);
	assert_int_equal(log_end_of(dir), end_b);
	store_reboot(dir);
	assert_int_equal(count_at(dir, TSDB_READ, "a"), 40);
	assert_int_equal(count_at(dir, TSDB_WRITE, "a"), 40);
}

/* Transactions that were written and never published stand behind the end; another one ends where the first of them
 * did, so that the second follows it with the number that is expected. */
static void test_unpublished_transactions_stay_out(void **state)
{
	struct tsdb *db = open_store(dir, TSDB_WRITE | TSDB_CREATE);
	uint8_t page[TSDB_META_SIZE];
	append(db, "a", 40, 1000, 1);
	append(db, "b", 40, 1000, 1);
	assert_ok(tsdb_sync(db, NULL), NULL);
	store_read(path_in(dir, "meta"), page, sizeof page, 0);
	append(db, "a", 40, 2000, 1);
	uint64_t end = log_end_of(dir);
	append(db, "a", 40, 3000, 1);
	tsdb_close(db);
	store_write(path_in(dir, "meta"), page, sizeof page, 0);
	db = open_store(dir, TSDB_WRITE);
	append(db, "b", 40, 2000, 7);
	tsdb_close(db);
	assert_int_equal(log_end_of(dir), end);
	store_reboot(dir);
	assert_int_equal(count_at(dir, TSDB_READ, "a"), 40);
	assert_int_equal(count_at(dir, TSDB_WRITE, "a"), 40);
	assert_int_equal(count_at(dir, TSDB_WRITE, "b"), 80);
}

/* The catalog keeps a symbol of a lost transaction, of the same length and with a good checksum, where the log says
 * that another one stood. */
static void test_catalog_of_another_transaction(void **state)
{
	struct tsdb *db = open_store(dir, TSDB_WRITE | TSDB_CREATE);
	char cmd[9000];
	append(db, "a", 1, 1000, 1);
	assert_ok(tsdb_sync(db, NULL), NULL);
	tsdb_close(db);
	store_copy(dir, copy);
	db = open_store(dir, TSDB_WRITE);
	append(db, "b", 1, 2000, 1);
	tsdb_close(db);
	store_settle(copy, NULL);
	db = open_store(copy, TSDB_WRITE);
	append(db, "c", 1, 2000, 1); /* records as long as those of b */
	tsdb_close(db);
	snprintf(cmd, sizeof cmd, "cp '%.4000s/head.00000001/catalog' '%.4000s/head.00000001/catalog'", copy, dir);
	assert_int_equal(system(cmd), 0);
	store_reboot(dir);
	struct tsdb *reader = open_store(dir, TSDB_READ);
	assert_int_equal(count_in(reader, "a", NULL), 1);
	assert_int_equal(count_in(reader, "b", NULL), 0);
	assert_int_equal(count_in(reader, "c", NULL), 0);
	tsdb_close(reader);
}

/* ---- damage ---- */

static void flip(const char *path, uint64_t at)
{
	uint8_t b;
	store_read(path, &b, 1, at);
	b ^= 0x10;
	store_write(path, &b, 1, at);
}

/* What was synced is not cut off as though it had been lost; and nothing is changed. */
static void test_damage_below_the_mark(void **state)
{
	static const char *const files[] = { "head.00000001/catalog", "head.00000001/layouts" };
	struct pm_error err = { 0 };
	struct tsdb *db;
	char cmd[9000];
	make();
	for (size_t i = 0; i < 4; i++) {
		store_copy(dir, copy);
		flip(path_in(copy, files[i % 2]), 100);
		if (i < 2)
			store_reboot(copy);
		store_copy(copy, saved);
		store_settle(saved, i < 2 ? "00000000-0000-0000-0000-000000000000" : NULL);
		for (unsigned flags = TSDB_READ; flags <= TSDB_WRITE; flags++) {
			struct tsdb_opts opts = { .flags = flags };
			assert_code(tsdb_open(copy, &opts, &db, &err), PM_ERR_CORRUPT, &err);
			assert_contains(err.msg, files[i % 2] + strlen("head.00000001/"));
			assert_contains(err.msg, "offset ");
		}
		snprintf(cmd, sizeof cmd, "diff -r '%.4000s/head.00000001' '%.4000s/head.00000001'", copy, saved);
		assert_int_equal(system(cmd), 0);
	}
}

/* The log of a copy is read from its beginning. */
static void test_damaged_log_of_a_copy(void **state)
{
	struct pm_error err = { 0 };
	struct tsdb *db;
	make();
	store_copy(dir, copy);
	flip(path_in(copy, "head.00000001/log.00000001"), 300);
	assert_code(tsdb_open(copy, NULL, &db, &err), PM_ERR_CORRUPT, &err);
	assert_contains(err.msg, "log: damaged at offset ");
}

static void test_torn_marks(void **state)
{
	struct pm_error err = { 0 };
	struct tsdb *db;
	make();
	for (unsigned torn = 1; torn < 4; torn++) {
		store_copy(dir, copy);
		for (unsigned m = 0; m < 2; m++)
			if (torn & 1u << m)
				flip(path_in(copy, "meta"), TSDB_META_MARK0 + m * TSDB_META_MARK_SIZE + 40);
		store_reboot(copy);
		if (torn < 3) {
			assert_int_equal(count_at(copy, TSDB_READ, "a"), 1400);
			assert_int_equal(count_at(copy, TSDB_WRITE, "c"), 5);
			continue;
		}
		assert_code(tsdb_open(copy, NULL, &db, &err), PM_ERR_CORRUPT, &err);
		assert_contains(err.msg, "no mark of a sync");
	}
}

/* ---- syncs ---- */

static void test_failed_sync_is_not_tried_again(void **state)
{
	struct tsdb *db = open_store(dir, TSDB_WRITE | TSDB_CREATE), *other = open_store(dir, TSDB_WRITE);
	struct pm_error err = { 0 };
	append(db, "a", 1, 1000, 1);
	pm_fs_fail_nth(PM_FS_OP_SYNC, 1, EIO);
	assert_code(tsdb_sync(db, &err), PM_ERR_IO, &err);
	pm_fs_fail_nth(PM_FS_OP_SYNC, 0, 0);
	assert_code(tsdb_sync(db, &err), PM_ERR_IO, &err);
	assert_contains(err.msg, "earlier sync failed");
	assert_code(tsdb_sync(other, &err), PM_ERR_IO, &err);
	append(other, "a", 1, 2000, 1); /* it goes on */
	tsdb_close(other);
	tsdb_close(db);
	store_reboot(dir);
	db = open_store(dir, TSDB_WRITE);
	assert_int_equal(count_in(db, "a", NULL), 2);
	assert_ok(tsdb_sync(db, &err), &err);
	tsdb_close(db);
}

static uint64_t synced(const char *store)
{
	uint64_t seq;
	store_read(path_in(store, "meta"), &seq, sizeof seq, offsetof(struct tsdb_meta_page, synced_seq));
	return seq;
}

static void test_when_it_is_synced(void **state)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = 3600000 };
	struct pm_error err = { 0 };
	struct tsdb *db;
	int64_t long_ago = 1;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	append(db, "a", 1, 1000, 1);
	assert_int_equal(synced(dir), 1);
	tsdb_close(db);
	assert_int_equal(synced(dir), 1); /* within the interval */
	store_write(path_in(dir, "meta"), &long_ago, sizeof long_ago, offsetof(struct tsdb_meta_page, synced_ms));
	assert_int_equal(count_at(dir, TSDB_READ, "a"), 1);
	assert_int_equal(synced(dir), 1);
	opts.flags = TSDB_WRITE;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err); /* what a killed one left */
	assert_int_equal(synced(dir), 2);
	tsdb_close(db);
	opts.fsync_ms = TSDB_FSYNC_ALWAYS;
	assert_ok(tsdb_open(dir, &opts, &db, &err), &err);
	append(db, "a", 1, 2000, 1);
	assert_int_equal(synced(dir), 3);
	tsdb_close(db);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

TEST_MAIN(CASE(test_copy), CASE(test_copy_of_different_ages), CASE(test_short_log),
	CASE(test_lost_transaction_stays_lost), CASE(test_unpublished_transactions_stay_out),
	CASE(test_catalog_of_another_transaction), CASE(test_damage_below_the_mark), CASE(test_damaged_log_of_a_copy),
	CASE(test_torn_marks), CASE(test_failed_sync_is_not_tried_again), CASE(test_when_it_is_synced))
