/* bench_kinds.c - native histograms, exemplars and metadata: into the log and back. */
#include "bench/bench.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/tsdb.h"

#include <stdlib.h>
#include <unistd.h>

enum { BUCKETS = 24 };

struct size {
	uint32_t series, rounds, exemplars;
};

static void die(const struct pm_error *err)
{
	fprintf(stderr, "bench_kinds: %s\n", err->msg);
	exit(1);
}

static struct pm_labels labels_of(struct pm_label l[2], char text[16], uint32_t i)
{
	l[0] = (struct pm_label){ PM_NAME_LABEL, PM_STR("request_duration_seconds") };
	l[1] = (struct pm_label){ PM_STR("path"), { text, (size_t)snprintf(text, 16, "/p%u", i) } };
	return (struct pm_labels){ l, 2 };
}

static struct tsdb_txn *begin(struct tsdb *db)
{
	struct tsdb_txn *txn = NULL;
	struct pm_error err = { 0 };
	if (tsdb_txn_begin(db, &txn, &err) < 0)
		die(&err);
	return txn;
}

/* Histograms of one shape a series, whose counts grow; a transaction a round, as scrapes and remote writes come. */
static void write_histograms(struct tsdb *db, const struct size *size)
{
	uint64_t random = 1;
	double(*counts)[BUCKETS] = calloc(size->series, sizeof *counts);
	struct pm_error err = { 0 };
	double start = bench_now_s();
	for (uint32_t r = 0; r < size->rounds; r++) {
		struct tsdb_txn *txn = begin(db);
		for (uint32_t i = 0; i < size->series; i++) {
			struct pm_span span = { (int32_t)(i % 7) - 3, BUCKETS };
			struct pm_histogram h = { .schema = 3,
				.integer = true,
				.zero_threshold = 1e-128,
				.sum = r,
				.pos = counts[i],
				.pos_spans = &span,
				.pos_span_count = 1,
				.pos_count = BUCKETS };
			struct tsdb_sample s = { .t_ms = r * INT64_C(15000), .h = &h, .st_ms = 1 };
			struct pm_label l[2];
			char text[16];
			tsdb_sid sid;
			for (int b = 0; b < BUCKETS; b++) {
				counts[i][b] += (double)(bench_random(&random) % 9);
				h.count += counts[i][b];
			}
			if (tsdb_txn_series(txn, labels_of(l, text, i), &sid, &err) < 0 ||
				tsdb_txn_append_sample(txn, sid, &s, &err) < 0)
				die(&err);
		}
		if (tsdb_txn_commit(txn, &err) < 0)
			die(&err);
	}
	bench_rate("histograms of 24 buckets written",
		size->series * (double)size->rounds / (bench_now_s() - start) / 1e6, "M/s");
	free(counts);
}

static uint64_t read_histograms(struct tsdb *db)
{
	struct pm_select sel = { .min_ms = 0, .max_ms = INT64_MAX };
	struct pm_error err = { 0 };
	struct pm_series_set *set = NULL;
	struct pm_querier *q;
	struct pm_series s;
	uint64_t count = 0, hash = 0;
	double start = bench_now_s();
	int rc;
	if (tsdb_querier(db, &q, &err) < 0 || q->select(q, &sel, &set, &err) < 0)
		die(&err);
	while ((rc = set->next(set, &s, &err)) > 0)
		for (size_t i = 0; i < s.samples.count; i++, count++)
			hash = hash * 31 + pm_double_bits(s.samples.h[i]->pos[BUCKETS - 1]);
	if (rc < 0)
		die(&err);
	set->free(set);
	q->free(q);
	bench_rate("histograms read", (double)count / (bench_now_s() - start) / 1e6, "M/s");
	return hash;
}

static uint64_t exemplars(struct tsdb *db, const struct size *size)
{
	struct pm_select sel = { .min_ms = 0, .max_ms = INT64_MAX };
	struct tsdb_exemplars found = { 0 };
	struct pm_error err = { 0 };
	double start = bench_now_s();
	uint64_t hash = 0;
	for (uint32_t n = 0; n < size->exemplars;) {
		struct tsdb_txn *txn = begin(db);
		for (uint32_t i = 0; i < 100 && n < size->exemplars; i++, n++) {
			char text[16], trace[40];
			struct pm_label l[2],
				id = { PM_STR("trace_id"), { trace, (size_t)snprintf(trace, 40, "%032x", n) } };
			struct tsdb_exemplar e = { { &id, 1 }, n, n };
			tsdb_sid sid;
			if (tsdb_txn_series(txn, labels_of(l, text, i), &sid, &err) < 0 ||
				tsdb_txn_append_exemplar(txn, sid, &e, &err) < 0)
				die(&err);
		}
		if (tsdb_txn_commit(txn, &err) < 0)
			die(&err);
	}
	bench_rate("exemplars written, 100 a transaction", size->exemplars / (bench_now_s() - start) / 1e6, "M/s");
	start = bench_now_s();
	if (tsdb_exemplars(db, &sel, 1, &found, &err) < 0)
		die(&err);
	for (size_t i = 0; i < found.count; i++)
		hash = hash * 31 + found.v[i].count;
	bench_rate("all exemplars read", (bench_now_s() - start) * 1e3, "ms");
	tsdb_exemplars_free(&found);
	return hash;
}

int main(int argc, char **argv)
{
	struct size size = bench_tiny(argc, argv) ? (struct size){ 50, 10, 1000 } : (struct size){ 1000, 500, 200000 };
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	char dir[] = "/tmp/bench_kinds.XXXXXX", cmd[64];
	struct pm_error err = { 0 };
	struct tsdb_stats stats;
	struct tsdb *db = NULL;
	if (!mkdtemp(dir) || tsdb_open(dir, &opts, &db, &err) < 0)
		die(&err);
	write_histograms(db, &size);
	if (tsdb_stats(db, &stats, &err) < 0)
		die(&err);
	bench_rate(
		"bytes of the log a histogram", (double)stats.log_bytes / (size.series * (double)size.rounds), "bytes");
	uint64_t hash = read_histograms(db);
	hash ^= exemplars(db, &size);
	tsdb_close(db);
	bench_hash(hash);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd) != 0;
}
