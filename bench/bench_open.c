/* bench_open.c - from opening a store to the first correct answer, each time in a new process.
 *
 *     kill -9    a writer with a million series in the head is killed while it is in a transaction
 *     a year     a year of segments, sealed and merged as the time went by
 *
 * The files are in memory, as they are after writing. Medians of some processes, and the best. */
#include "bench/bench.h"

#include "bench/support.h"
#include "libtsdb/base/hash.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 15, TARGET = 3, DAY_MS = 86400 * 1000 };
static const int64_t start_ms = 1704067200000;

struct size {
	uint32_t head_targets, head_series;
	uint32_t year_days, year_targets, year_series;
	int64_t step_ms, seal_ms; /* of the year */
};

static const struct tsdb_opts write_opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };

static double value_of(uint32_t series, int64_t t_ms)
{
	return series * 1000.0 + (double)(t_ms - start_ms) / 1000;
}

/* One row of each target at t_ms. */
static void append_round(struct tsdb *db, uint32_t targets, uint32_t series, int64_t t_ms, bool commit)
{
	tsdb_sid *sids = calloc(series, sizeof *sids);
	double *values = calloc(series, sizeof *values);
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	tsdb_layout layout;
	bench_check(tsdb_txn_begin(db, &txn, &err), &err);
	for (uint32_t i = 0; i < series; i++)
		values[i] = value_of(i, t_ms);
	for (uint32_t t = 0; t < targets; t++) {
		bench_target_sids(txn, t, series, sids);
		bench_check(tsdb_txn_layout(txn, sids, series, &layout, &err), &err);
		bench_check(tsdb_txn_append_row(txn, layout, t_ms, values, &err), &err);
	}
	if (!commit)
		kill(getpid(), SIGKILL);
	bench_check(tsdb_txn_commit(txn, &err), &err);
	free(sids);
	free(values);
}

/* In a child, which dies in its second transaction. */
static void fill_head(const char *dir, const struct size *size)
{
	struct pm_error err = { 0 };
	struct tsdb *db;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		bench_check(tsdb_open(dir, &write_opts, &db, &err), &err);
		append_round(db, size->head_targets, size->head_series, start_ms, true);
		append_round(db, size->head_targets, size->head_series, start_ms + 15000, false);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		fprintf(stderr, "bench_open: the writer did not die as it should\n");
		exit(1);
	}
}

/* The samples of a span in one transaction, then what is due at its end. */
static void fill_span(struct tsdb *db, const struct size *size, int64_t from_ms, int64_t to_ms, double *values)
{
	tsdb_sid *sids = calloc(size->year_series, sizeof *sids);
	struct pm_error err = { 0 };
	struct tsdb_txn *txn;
	tsdb_layout layout;
	bench_check(tsdb_txn_begin(db, &txn, &err), &err);
	for (uint32_t target = 0; target < size->year_targets; target++) {
		bench_target_sids(txn, target, size->year_series, sids);
		bench_check(tsdb_txn_layout(txn, sids, size->year_series, &layout, &err), &err);
		for (int64_t t = from_ms; t < to_ms; t += size->step_ms) {
			for (uint32_t i = 0; i < size->year_series; i++)
				values[i] = value_of(i, t);
			bench_check(tsdb_txn_append_row(txn, layout, t, values, &err), &err);
		}
	}
	bench_check(tsdb_txn_commit(txn, &err), &err);
	pm_clock_advance(to_ms - from_ms);
	bench_check(tsdb_compact(db, NULL, NULL, &err), &err);
	free(sids);
}

static void fill_year(const char *dir, const struct size *size)
{
	double *values = calloc(size->year_series, sizeof *values);
	struct tsdb_stats stats;
	struct pm_error err = { 0 };
	struct tsdb *db;
	int64_t end_ms = start_ms + size->year_days * (int64_t)DAY_MS;
	pm_clock_freeze(start_ms);
	bench_check(tsdb_open(dir, &write_opts, &db, &err), &err);
	for (int64_t t = start_ms; t < end_ms; t += size->seal_ms)
		fill_span(db, size, t, t + size->seal_ms, values);
	bench_check(tsdb_stats(db, &stats, &err), &err);
	printf("%-40s %12llu segments, %.1f M samples, %.1f MB\n", "a year", (unsigned long long)stats.segment_count,
		(double)stats.segment_samples / 1e6, (double)stats.segment_bytes / 1e6);
	tsdb_close(db);
	pm_clock_real();
	free(values);
}

/* One series at one time, told by the value: 1 when it is right. */
static bool answer(const char *dir, int64_t t_ms)
{
	struct pm_matcher m[] = { { PM_MATCH_EQ, PM_STR("__name__"), PM_STR("metric_1_total") },
		{ PM_MATCH_EQ, PM_STR("instance"), PM_STR("10.0.0.3:9100") },
		{ PM_MATCH_EQ, PM_STR("device"), PM_STR("device7") } };
	struct pm_select sel = { .matchers = m, .matcher_count = 3, .min_ms = t_ms, .max_ms = t_ms };
	struct pm_series_set *set;
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series s;
	struct tsdb *db;
	bench_check(tsdb_open(dir, NULL, &db, &err), &err);
	bench_check(tsdb_querier(db, &q, &err), &err);
	bench_check(q->select(q, &sel, &set, &err), &err);
	int rc = set->next(set, &s, &err);
	bench_check(rc, &err);
	bool right = rc == 1 && s.samples.count == 1 && s.samples.v[0] == value_of(57, t_ms);
	set->free(set);
	q->free(q);
	tsdb_close(db);
	return right;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

struct took {
	double wall, cpu;
};

/* The time that `answer` takes in a process that did nothing before. */
static struct took time_answer(const char *dir, int64_t t_ms)
{
	struct took took = { 0 };
	int ends[2], status;
	if (pipe(ends) < 0)
		exit(1);
	pid_t pid = fork();
	if (pid == 0) {
		double start = bench_now_s(), cpu = bench_cpu_s();
		bool right = answer(dir, t_ms);
		took = (struct took){ bench_now_s() - start, bench_cpu_s() - cpu };
		_exit(!right || write(ends[1], &took, sizeof took) != sizeof took);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0 ||
		read(ends[0], &took, sizeof took) != sizeof took) {
		fprintf(stderr, "bench_open: a wrong answer\n");
		exit(1);
	}
	close(ends[0]);
	close(ends[1]);
	return took;
}

static void measure(const char *what, const char *dir, int64_t t_ms)
{
	struct took first = time_answer(dir, t_ms);
	double wall[RUNS], cpu[RUNS];
	for (int i = 0; i < RUNS; i++) {
		struct took took = time_answer(dir, t_ms);
		wall[i] = took.wall;
		cpu[i] = took.cpu;
	}
	qsort(wall, RUNS, sizeof *wall, by_size);
	qsort(cpu, RUNS, sizeof *cpu, by_size);
	printf("%-40s %12.3f ms, %.3f best, %.3f the first; CPU %.3f ms\n", what, wall[RUNS / 2] * 1e3, wall[0] * 1e3,
		first.wall * 1e3, cpu[RUNS / 2] * 1e3);
}

int main(int argc, char **argv)
{
	bool tiny = bench_tiny(argc, argv);
	const struct size size = tiny ? (struct size){ 4, 100, 3, 4, 100, 3600000, 7200000 }
				      : (struct size){ 1000, 1000, 365, 10, 100, 900000, DAY_MS };
	struct bench_scratch head, year;
	uint64_t hash = size.head_series;
	bench_scratch_make(&head, "bench-head");
	bench_scratch_make(&year, "bench-year");
	fill_head(head.path, &size);
	measure("open to answer after kill -9", head.path, start_ms);
	fill_year(year.path, &size);
	measure("open to answer, a year: oldest sample", year.path, start_ms);
	measure("open to answer, a year: newest sample",
		year.path, start_ms + size.year_days * (int64_t)DAY_MS - size.step_ms);
	bench_hash(pm_hash(&hash, sizeof hash));
	bench_scratch_remove(&head);
	bench_scratch_remove(&year);
	return 0;
}
