/* bench_append.c - a million samples to known series in one transaction: as rows of layouts, and as loose samples.
 *
 * Rates are of CPU time, user and system, of the appends and the commit; what names the series and layouts at the
 * transaction's beginning is told beside. The best of a few transactions: others may use the machine. */
#include "bench/bench.h"

#include "bench/support.h"
#include "libtsdb/base/hash.h"

#include <stdlib.h>

struct size {
	uint32_t targets, series, rows; /* series of a target; rows of each target in one transaction */
	uint32_t txns;
};

struct work {
	struct size size;
	struct tsdb *db;
	tsdb_sid *sids; /* target by target */
	tsdb_layout *layouts;
	double *values; /* of one row */
	int64_t t_ms;   /* of the next row */
};

static void find_series(struct work *w, struct tsdb_txn *txn)
{
	for (uint32_t t = 0; t < w->size.targets; t++)
		bench_target_sids(txn, t, w->size.series, w->sids + (size_t)t * w->size.series);
}

static void find_layouts(struct work *w, struct tsdb_txn *txn)
{
	struct pm_error err = { 0 };
	for (uint32_t t = 0; t < w->size.targets; t++)
		bench_check(tsdb_txn_layout(
				    txn, w->sids + (size_t)t * w->size.series, w->size.series, &w->layouts[t], &err),
			&err);
}

static void append_rows(struct work *w, struct tsdb_txn *txn)
{
	struct pm_error err = { 0 };
	for (uint32_t r = 0; r < w->size.rows; r++) {
		for (uint32_t t = 0; t < w->size.targets; t++)
			bench_check(tsdb_txn_append_row(txn, w->layouts[t], w->t_ms, w->values, &err), &err);
		w->t_ms += 1000;
	}
}

/* Series by series: no two neighbours share a time. */
static void append_loose(struct work *w, struct tsdb_txn *txn)
{
	struct pm_error err = { 0 };
	for (uint32_t s = 0; s < w->size.targets * w->size.series; s++)
		for (uint32_t r = 0; r < w->size.rows; r++) {
			int64_t t_ms = w->t_ms + r * 1000;
			bench_check(tsdb_txn_append_sid(txn, w->sids[s], t_ms, w->values[0] + r, &err), &err);
		}
	w->t_ms += w->size.rows * 1000;
}

static void measure(struct work *w, const char *what, void (*append)(struct work *, struct tsdb_txn *))
{
	double samples = (double)w->size.targets * w->size.series * w->size.rows, best = 1e9, named = 1e9;
	struct pm_error err = { 0 };
	char line[64];
	for (uint32_t i = 0; i < w->size.txns; i++) {
		struct tsdb_txn *txn;
		double start = bench_cpu_s();
		bench_check(tsdb_txn_begin(w->db, &txn, &err), &err);
		find_series(w, txn);
		find_layouts(w, txn);
		double ready = bench_cpu_s();
		append(w, txn);
		bench_check(tsdb_txn_commit(txn, &err), &err);
		double end = bench_cpu_s();
		named = ready - start < named ? ready - start : named;
		best = end - ready < best ? end - ready : best;
	}
	bench_rate(what, samples / best / 1e6, "M samples/s");
	snprintf(line, sizeof line, "%s, series named anew", what);
	bench_rate(line, samples / (best + named) / 1e6, "M samples/s");
}

static uint64_t count_all(struct tsdb *db)
{
	struct tsdb_stats stats;
	struct pm_error err = { 0 };
	bench_check(tsdb_stats(db, &stats, &err), &err);
	return stats.sample_count;
}

int main(int argc, char **argv)
{
	struct work w = { .size = { 10, 1000, 100, 12 }, .t_ms = 1700000000000 };
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct bench_scratch dir;
	uint64_t seed = 42;
	if (bench_tiny(argc, argv))
		w.size = (struct size){ 2, 200, 3, 2 };
	w.sids = calloc((size_t)w.size.targets * w.size.series, sizeof *w.sids);
	w.layouts = calloc(w.size.targets, sizeof *w.layouts);
	w.values = calloc(w.size.series, sizeof *w.values);
	for (uint32_t i = 0; i < w.size.series; i++)
		w.values[i] = (double)(bench_random(&seed) % 1000000);
	bench_scratch_make(&dir, "bench-append");
	bench_check(tsdb_open(dir.path, &opts, &w.db, &err), &err);
	measure(&w, "rows of known layouts", append_rows);
	measure(&w, "loose samples", append_loose);
	uint64_t count = count_all(w.db);
	bench_hash(pm_hash(&count, sizeof count));
	tsdb_close(w.db);
	bench_scratch_remove(&dir);
	free(w.sids);
	free(w.layouts);
	free(w.values);
	return 0;
}
