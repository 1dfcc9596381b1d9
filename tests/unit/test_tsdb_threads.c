/* test_tsdb_threads.c - writers and readers at once, on one handle and on handles of their own: a reader sees whole
 * transactions only, and never fewer than before. Meant to be run under ThreadSanitizer too. */
#include "tests/support/test.h"

#include "libtsdb/head/meta.h"
#include "libtsdb/tsdb.h"

#include <pthread.h>

enum { SERIES = 60, ROUNDS = 150, WRITERS = 2, READERS = 2 };

struct shared {
	struct tsdb *db;
	const char *dir;
	int writers_done;
};

struct writer {
	struct shared *shared;
	int id;
	bool own_handle;
	int rc;
	struct pm_error err;
};

static int write_round(struct tsdb *db, int id, int round, struct pm_error *err)
{
	struct tsdb_txn *txn;
	int rc = tsdb_txn_begin(db, &txn, err);
	char writer[8], value[8];
	if (rc < 0)
		return rc;
	snprintf(writer, sizeof writer, "w%d", id);
	/* More series as time goes on, so that tables grow and runs are built beside the readers. */
	for (int s = 0; s < SERIES + round * 3 && rc == 0; s++) {
		snprintf(value, sizeof value, "%d", s);
		struct pm_label l[] = { { PM_STR("__name__"), PM_STR("m") }, { PM_STR("s"), pm_str(value) },
			{ PM_STR("w"), pm_str(writer) } };
		rc = tsdb_txn_append(txn, (struct pm_labels){ l, 3 }, round, round, NULL, err);
	}
	if (rc < 0)
		tsdb_txn_abort(txn);
	return rc < 0 ? rc : tsdb_txn_commit(txn, err);
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct tsdb_opts opts = { .flags = TSDB_WRITE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct tsdb *db = w->shared->db;
	if (w->own_handle)
		w->rc = tsdb_open(w->shared->dir, &opts, &db, &w->err);
	for (int round = 0; round < ROUNDS && w->rc == 0; round++)
		w->rc = write_round(db, w->id, round, &w->err);
	if (w->own_handle)
		tsdb_close(db);
	__atomic_add_fetch(&w->shared->writers_done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Rounds of one writer that a querier shows; -1 with a reason when they are not whole. */
static int rounds_seen(struct pm_querier *q, int id, const char **ret_why, struct pm_error *err)
{
	char writer[8];
	snprintf(writer, sizeof writer, "w%d", id);
	struct pm_matcher m = { PM_MATCH_EQ, PM_STR("w"), pm_str(writer) };
	struct pm_select sel = { .matchers = &m, .matcher_count = 1, .min_ms = 0, .max_ms = ROUNDS };
	struct pm_series_set *set;
	struct pm_series s;
	int rc = q->select(q, &sel, &set, err), rounds = 0, series = 0, samples = 0;
	*ret_why = rc < 0 ? err->msg : NULL;
	if (rc < 0)
		return -1;
	while ((rc = set->next(set, &s, err)) > 0) {
		series++;
		samples += (int)s.samples.count;
		if ((int)s.samples.count > rounds)
			rounds = (int)s.samples.count;
		for (size_t i = 0; i < s.samples.count; i++)
			if (s.samples.v[i] != (double)s.samples.t_ms[i])
				*ret_why = "a value of another time";
	}
	set->free(set);
	int want = 0;
	for (int r = 0; r < rounds; r++)
		want += SERIES + r * 3;
	if (rc < 0)
		*ret_why = err->msg;
	else if (samples != want || series != (rounds ? SERIES + (rounds - 1) * 3 : 0))
		*ret_why = "half a transaction";
	return *ret_why ? -1 : rounds;
}

struct reader {
	struct shared *shared;
	const char *why;
	struct pm_error err;
	int answers;
};

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	int before[WRITERS] = { 0 };
	bool last = false;
	while (!r->why && !last) {
		struct pm_querier *q;
		last = __atomic_load_n(&r->shared->writers_done, __ATOMIC_ACQUIRE) == WRITERS;
		if (tsdb_querier(r->shared->db, &q, &r->err) < 0) {
			r->why = r->err.msg;
			break;
		}
		for (int id = 0; id < WRITERS && !r->why; id++) {
			int rounds = rounds_seen(q, id, &r->why, &r->err);
			if (!r->why && rounds < before[id])
				r->why = "fewer rounds than before";
			before[id] = rounds;
			if (last && !r->why && rounds != ROUNDS)
				r->why = "a committed round is missing";
		}
		q->free(q);
		r->answers++;
	}
	return NULL;
}

static void run(bool own_handles)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct shared shared = { .dir = test_tmpdir() };
	struct writer w[WRITERS] = { 0 };
	struct reader r[READERS] = { 0 };
	pthread_t wt[WRITERS], rt[READERS];
	struct pm_error err = { 0 };
	assert_ok(tsdb_open(shared.dir, &opts, &shared.db, &err), &err);
	for (int i = 0; i < READERS; i++) {
		r[i].shared = &shared;
		assert_int_equal(pthread_create(&rt[i], NULL, reader_main, &r[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .shared = &shared, .id = i, .own_handle = own_handles };
		assert_int_equal(pthread_create(&wt[i], NULL, writer_main, &w[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(wt[i], NULL);
	for (int i = 0; i < READERS; i++)
		pthread_join(rt[i], NULL);
	for (int i = 0; i < WRITERS; i++)
		assert_ok(w[i].rc, &w[i].err);
	for (int i = 0; i < READERS; i++) {
		if (r[i].why)
			fail_msg("a reader saw %s", r[i].why);
		assert_true(r[i].answers > 0);
	}
	tsdb_close(shared.db);
	test_tmpdir_free((char *)(uintptr_t)shared.dir);
}

static void test_one_handle(void **state)
{
	run(false);
}

static void test_handles_of_their_own(void **state)
{
	/* Valgrind runs one thread at a time and does not let go of one that waits for a file lock. */
	if (getenv("PM_VALGRIND"))
		skip();
	run(true);
}

/* ---- the meta page alone: nothing but publications, so that many fall into each copy ---- */

enum {
	PUBLICATIONS_MAX = 2000000,
	RECORDS_SEEN = 3000,
	LAST_WORD = sizeof(((struct tsdb_record *)0)->reserved) / sizeof(uint64_t) - 1
};

struct published {
	struct tsdb_meta_page page;
	bool enough;
};

static void *publisher_main(void *arg)
{
	struct published *p = arg;
	struct tsdb_record rec = { 0 };
	for (int i = 0; i < PUBLICATIONS_MAX && !__atomic_load_n(&p->enough, __ATOMIC_ACQUIRE); i++) {
		rec.txn_count = rec.reserved[LAST_WORD] = (uint64_t)i;
		tsdb__meta_publish(&p->page, &rec);
	}
	__atomic_store_n(&p->enough, true, __ATOMIC_RELEASE);
	return NULL;
}

static void test_records_are_read_whole(void **state)
{
	static struct published p;
	struct tsdb_record rec = { 0 };
	struct pm_error err = { 0 };
	uint64_t seq = 0;
	pthread_t thread;
	tsdb__meta_publish(&p.page, &rec);
	assert_int_equal(pthread_create(&thread, NULL, publisher_main, &p), 0);
	for (int seen = 0; seen < RECORDS_SEEN && !__atomic_load_n(&p.enough, __ATOMIC_ACQUIRE);) {
		assert_ok(tsdb__meta_read(&p.page, &rec, &err), &err);
		assert_int_equal(rec.txn_count, rec.reserved[LAST_WORD]);
		assert_true(rec.seq >= seq);
		seen += rec.seq > seq;
		seq = rec.seq;
	}
	__atomic_store_n(&p.enough, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

TEST_MAIN(TEST(test_one_handle), TEST(test_handles_of_their_own), TEST(test_records_are_read_whole))
