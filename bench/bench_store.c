/* bench_store.c - the store's head alone: new series, warm rows, memory, opening, reading (appending is in
 * bench_append.c).
 *
 * The figures are of one core; memory is what the writer holds privately (anonymous pages), file pages beside it. */
#include "bench/bench.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/tsdb.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct size {
	uint32_t targets, series; /* per target */
	uint32_t rounds;
};

static void die(const struct pm_error *err)
{
	fprintf(stderr, "bench_store: %s\n", err->msg);
	exit(1);
}

static void rss(long *ret_anon_kb, long *ret_file_kb)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	*ret_anon_kb = *ret_file_kb = 0;
	while (f && fgets(line, sizeof line, f)) {
		if (strncmp(line, "RssAnon:", 8) == 0)
			*ret_anon_kb = strtol(line + 8, NULL, 10);
		if (strncmp(line, "RssFile:", 8) == 0)
			*ret_file_kb = strtol(line + 8, NULL, 10);
		if (strncmp(line, "RssShmem:", 9) == 0)
			*ret_file_kb += strtol(line + 9, NULL, 10);
	}
	if (f)
		fclose(f);
}

struct page {
	struct pm_page_entry *e;
	struct pm_label (*l)[6];
	char (*text)[3][24];
};

/* What a target shows: series of six labels. */
static void make_page(struct page *p, uint32_t target, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		snprintf(p->text[i][0], 24, "metric_%u_total", i / 50);
		snprintf(p->text[i][1], 24, "10.0.%u.%u:9100", target / 250, target % 250);
		snprintf(p->text[i][2], 24, "device%u", i % 50);
		p->l[i][0] = (struct pm_label){ PM_STR("__name__"), pm_str(p->text[i][0]) };
		p->l[i][1] = (struct pm_label){ PM_STR("cluster"), PM_STR("eu-west-1a") };
		p->l[i][2] = (struct pm_label){ PM_STR("device"), pm_str(p->text[i][2]) };
		p->l[i][3] = (struct pm_label){ PM_STR("env"), PM_STR("prod") };
		p->l[i][4] = (struct pm_label){ PM_STR("instance"), pm_str(p->text[i][1]) };
		p->l[i][5] = (struct pm_label){ PM_STR("job"), PM_STR("node") };
		p->e[i] = (struct pm_page_entry){ .e = { pm_hash(p->text[i], sizeof p->text[i]), 60, PM_REF_NEW },
			.labels = { p->l[i], 6 },
			.v = i,
			.t_ms = PM_NO_TIME };
	}
}

static void create(struct tsdb *db, const struct size *size)
{
	struct page p = { calloc(size->series, sizeof *p.e), calloc(size->series, sizeof *p.l),
		calloc(size->series, sizeof *p.text) };
	struct pm_appender *app;
	struct pm_error err = { 0 };
	double start = bench_now_s();
	if (tsdb_appender(db, &app, &err) < 0)
		die(&err);
	for (uint32_t t = 0; t < size->targets; t++) {
		char key[32];
		make_page(&p, t, size->series);
		snprintf(key, sizeof key, "target%u", t);
		struct pm_page page = { .t_ms = 1000, .entries = p.e, .entry_count = size->series };
		if (app->append_page(app, pm_str(key), NULL, &page, NULL, &err) < 0)
			die(&err);
	}
	bench_rate("new series", size->targets * (double)size->series / (bench_now_s() - start) / 1e6, "M/s");
	app->free(app);
	free(p.e);
	free(p.l);
	free(p.text);
}

static void warm(struct tsdb *db, const struct size *size)
{
	double *values = calloc(size->series, sizeof *values);
	struct pm_appender *app;
	struct pm_error err = { 0 };
	double start;
	if (tsdb_appender(db, &app, &err) < 0)
		die(&err);
	start = bench_now_s();
	for (uint32_t r = 1; r <= size->rounds; r++)
		for (uint32_t t = 0; t < size->targets; t++) {
			const struct pm_layout *l;
			char key[32];
			snprintf(key, sizeof key, "target%u", t);
			struct pm_page page = { .t_ms = 1000 + r * 1000, .values = values };
			for (uint32_t i = 0; i < size->series; i++)
				values[i] = r * (double)i;
			if (app->layout(app, pm_str(key), &l, &err) < 0 ||
				app->append_page(app, pm_str(key), l, &page, NULL, &err) < 0)
				die(&err);
			app->layout_free(app, l);
		}
	bench_rate("warm rows, one transaction each",
		size->rounds * (double)size->targets * size->series / (bench_now_s() - start) / 1e6, "M samples/s");
	app->free(app);
	free(values);
}

/* One target of 1000 series over 600 scrapes, for reading long ranges. */
static void lengthen(struct tsdb *db, const struct size *size, uint32_t rounds)
{
	double *values = calloc(size->series, sizeof *values);
	struct pm_appender *app;
	struct pm_error err = { 0 };
	if (tsdb_appender(db, &app, &err) < 0)
		die(&err);
	for (uint32_t r = size->rounds + 1; r <= rounds; r++) {
		const struct pm_layout *l;
		struct pm_page page = { .t_ms = 1000 + r * 1000, .values = values };
		for (uint32_t i = 0; i < size->series; i++)
			values[i] = r * (double)i;
		if (app->layout(app, PM_STR("target3"), &l, &err) < 0 ||
			app->append_page(app, PM_STR("target3"), l, &page, NULL, &err) < 0)
			die(&err);
		app->layout_free(app, l);
	}
	app->free(app);
	free(values);
}

static uint64_t read_back(struct tsdb *db, const char *what, struct pm_matcher m, bool labels_only)
{
	struct pm_select sel = {
		.matchers = &m, .matcher_count = 1, .min_ms = 0, .max_ms = INT64_MAX, .labels_only = labels_only
	};
	struct pm_series_set *set = NULL;
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series s;
	uint64_t samples = 0, series = 0, hash = 0;
	double start = bench_now_s(), took;
	int rc;
	if (tsdb_querier(db, &q, &err) < 0 || q->select(q, &sel, &set, &err) < 0)
		die(&err);
	while ((rc = set->next(set, &s, &err)) > 0) {
		series++;
		samples += s.samples.count;
		hash = pm_hash_seed(s.samples.v, s.samples.count * sizeof(double), hash ^ pm_labels_hash(s.labels));
	}
	if (rc < 0)
		die(&err);
	set->free(set);
	q->free(q);
	took = bench_now_s() - start;
	printf("%-40s %12.3f ms for %llu series, %llu samples\n", what, took * 1e3, (unsigned long long)series,
		(unsigned long long)samples);
	return hash;
}

/* The best of a few, so that the log is in memory. */
static uint64_t read_long(struct pm_querier *q)
{
	struct pm_matcher m = { PM_MATCH_EQ, PM_STR("instance"), PM_STR("10.0.0.3:9100") };
	struct pm_select sel = { .matchers = &m, .matcher_count = 1, .min_ms = 0, .max_ms = INT64_MAX };
	struct pm_error err = { 0 };
	double best = 1e9, start;
	uint64_t samples = 0, hash = 0;
	for (int i = 0; i < 9; i++) {
		struct pm_series_set *set;
		struct pm_series s;
		int rc;
		samples = hash = 0;
		start = bench_now_s();
		if (q->select(q, &sel, &set, &err) < 0)
			die(&err);
		while ((rc = set->next(set, &s, &err)) > 0) {
			samples += s.samples.count;
			hash = hash * 31 + (uint64_t)s.samples.v[s.samples.count - 1];
		}
		if (rc < 0)
			die(&err);
		set->free(set);
		best = bench_now_s() - start < best ? bench_now_s() - start : best;
	}
	bench_rate("a target over a long range", (double)samples / best / 1e6, "M samples/s");
	return hash;
}

static uint64_t long_range(struct tsdb *db)
{
	struct pm_error err = { 0 };
	struct pm_querier *q;
	if (tsdb_querier(db, &q, &err) < 0)
		die(&err);
	uint64_t hash = read_long(q);
	q->free(q);
	return hash;
}

int main(int argc, char **argv)
{
	struct size size = bench_tiny(argc, argv) ? (struct size){ 4, 600, 3 } : (struct size){ 1000, 1000, 20 };
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db = NULL;
	long anon, file;
	char dir[] = "/tmp/bench_store.XXXXXX", cmd[64];
	uint64_t hash = 0;
	if (!mkdtemp(dir) || tsdb_open(dir, &opts, &db, &err) < 0)
		die(&err);
	create(db, &size);
	warm(db, &size);
	rss(&anon, &file);
	printf("%-40s %12.1f bytes a series private, %.1f of files\n", "memory of the writer",
		anon * 1024.0 / (size.targets * size.series), file * 1024.0 / (size.targets * size.series));
	lengthen(db, &size, bench_tiny(argc, argv) ? 20 : 600);
	tsdb_close(db);
	double start = bench_now_s();
	if (tsdb_open(dir, NULL, &db, &err) < 0)
		die(&err);
	hash ^= read_back(db, "one series after opening",
		(struct pm_matcher){ PM_MATCH_EQ, PM_STR("__name__"), PM_STR("nothing_like_it") }, false);
	printf("%-40s %12.3f ms\n", "open to first answer", (bench_now_s() - start) * 1e3);
	hash ^= read_back(db, "a target: labels",
		(struct pm_matcher){ PM_MATCH_EQ, PM_STR("instance"), PM_STR("10.0.0.3:9100") }, true);
	hash ^= read_back(db, "a target: samples",
		(struct pm_matcher){ PM_MATCH_EQ, PM_STR("instance"), PM_STR("10.0.0.3:9100") }, false);
	hash ^= read_back(db, "a metric of all: samples",
		(struct pm_matcher){ PM_MATCH_EQ, PM_STR("__name__"), PM_STR("metric_3_total") }, false);
	hash ^= read_back(db, "a regular expression over instances",
		(struct pm_matcher){ PM_MATCH_RE, PM_STR("instance"), PM_STR("10.0.*.7:.*") }, false);
	hash ^= long_range(db);
	tsdb_close(db);
	bench_hash(hash);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd) != 0;
}
