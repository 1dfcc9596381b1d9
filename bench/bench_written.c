/* bench_written.c - bytes written to disk per sample at 10,000 samples a second, sealing and merging included.
 *
 *     bench_written [--tiny | HOURS [SERIES]]     simulated hours, and series of a target; 6 and 1000 by themselves
 *
 * 10 targets of 1000 series are appended every second, a transaction each; the clock is set, and every minute what is
 * due is done, as pm serve does it. The kernel's counters of the process tell what was written: pages made dirty, and
 * calls. A day is merged an hour after its end, which few series show in less time.
 *
 * Nothing is synced while hours fly by, so a page that takes the end of one second and the beginning of the next counts
 * once. What syncing every second makes of it is measured beside, over ten minutes. */
#include "bench/bench.h"

#include "bench/support.h"
#include "libtsdb/base/hash.h"

#include <math.h>
#include <stdlib.h>

enum { TARGETS = 10, HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000 };
static const int64_t start_ms = 1704067200000;

struct feed {
	uint32_t series; /* of a target */
	double *values;  /* of all targets */
	uint64_t random;
	int64_t t_ms;
	uint64_t samples;
};

/* Half counters, three gauges in ten, one constant, one of full-precision noise. */
static void step(struct feed *f)
{
	for (uint32_t i = 0; i < TARGETS * f->series; i++) {
		uint64_t r = bench_random(&f->random);
		switch (i % 10) {
		case 0: /* busy */
			f->values[i] += (double)(r % 20000 + 90000);
			break;
		case 1:
		case 2:
		case 3:
		case 4: /* counts of events, few a second */
			f->values[i] += (double)((r & 7) + (r >> 3 & 7) * (i & 1));
			break;
		case 5:
		case 6:
		case 7: /* decimals */
			f->values[i] = round(f->values[i] * 100 + (double)(r % 101) - 50) / 100;
			break;
		case 8:
			break;
		default:
			f->values[i] = (double)(r >> 11) * 0x1p-53;
		}
	}
	f->t_ms += 1000;
}

static void append_second(struct tsdb *db, struct feed *f)
{
	struct pm_error err = { 0 };
	struct pm_appender *app;
	bench_check(tsdb_appender(db, &app, &err), &err);
	step(f);
	for (uint32_t t = 0; t < TARGETS; t++) {
		struct pm_page page = { .t_ms = f->t_ms + t, .values = f->values + (size_t)t * f->series };
		const struct pm_layout *layout;
		char key[32];
		snprintf(key, sizeof key, "target%u", t);
		bench_check(app->layout(app, pm_str(key), &layout, &err), &err);
		bench_check(app->append_page(app, pm_str(key), layout, &page, NULL, &err), &err);
		app->layout_free(app, layout);
		f->samples += f->series;
	}
	app->free(app);
}

/* The targets' first pages, which name their series. */
static void first_pages(struct tsdb *db, struct feed *f)
{
	struct pm_page_entry *entries = calloc(f->series, sizeof *entries);
	struct pm_label(*labels)[6] = calloc(f->series, sizeof *labels);
	char(*text)[2][32] = calloc(f->series, sizeof *text);
	struct pm_error err = { 0 };
	struct pm_appender *app;
	bench_check(tsdb_appender(db, &app, &err), &err);
	for (uint32_t t = 0; t < TARGETS; t++) {
		char key[32];
		snprintf(key, sizeof key, "target%u", t);
		for (uint32_t i = 0; i < f->series; i++) {
			struct pm_labels l = bench_series(t, i);
			memcpy(labels[i], l.v, sizeof labels[i]);
			snprintf(text[i][0], sizeof text[i][0], "%.*s", (int)l.v[0].value.len, l.v[0].value.ptr);
			snprintf(text[i][1], sizeof text[i][1], "%.*s", (int)l.v[2].value.len, l.v[2].value.ptr);
			labels[i][0].value = pm_str(text[i][0]);
			labels[i][2].value = pm_str(text[i][1]);
			entries[i] = (struct pm_page_entry){ .e = { pm_hash(text[i], sizeof text[i]), 60, PM_REF_NEW },
				.labels = { labels[i], 6 },
				.t_ms = PM_NO_TIME };
		}
		struct pm_page page = { .t_ms = f->t_ms, .entries = entries, .entry_count = f->series };
		bench_check(app->append_page(app, pm_str(key), NULL, &page, NULL, &err), &err);
		f->samples += f->series;
	}
	app->free(app);
	free(entries);
	free(labels);
	free(text);
}

static struct tsdb *open_store(const char *dir, int64_t fsync_ms, struct feed *f, uint32_t series)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = fsync_ms };
	struct pm_error err = { 0 };
	struct tsdb *db;
	pm_clock_freeze(start_ms);
	*f = (struct feed){ .series = series, .random = 88172645463325252u, .t_ms = start_ms };
	f->values = calloc((size_t)TARGETS * series, sizeof *f->values);
	bench_check(tsdb_open(dir, &opts, &db, &err), &err);
	first_pages(db, f);
	return db;
}

static void close_store(struct tsdb *db, struct feed *f)
{
	tsdb_close(db);
	free(f->values);
	pm_clock_real();
}

/* Bytes per sample of appending alone, every second synced. */
static double synced(uint32_t series, uint32_t seconds)
{
	struct bench_scratch dir;
	struct feed f;
	bench_scratch_make(&dir, "bench-synced");
	struct tsdb *db = open_store(dir.path, 1000, &f, series);
	struct bench_io before = bench_io_now();
	uint64_t samples = f.samples;
	for (uint32_t i = 0; i < seconds; i++) {
		pm_clock_advance(1000);
		append_second(db, &f);
	}
	double bytes = (double)(bench_io_now().pages - before.pages) / (double)(f.samples - samples);
	close_store(db, &f);
	bench_scratch_remove(&dir);
	return bytes;
}

struct written {
	struct bench_io append, compact;
	struct tsdb_compact_stats done;
	double append_cpu_s, compact_cpu_s;
};

static void add_io(struct bench_io *sum, struct bench_io from, struct bench_io to)
{
	sum->calls += to.calls - from.calls;
	sum->pages += to.pages - from.pages;
}

static void minute(struct tsdb *db, struct feed *f, struct written *w)
{
	struct tsdb_compact_stats done;
	struct pm_error err = { 0 };
	struct bench_io start = bench_io_now(), appended, end;
	double cpu = bench_cpu_s(), between;
	for (int i = 0; i < 60; i++) {
		append_second(db, f);
		pm_clock_advance(1000);
	}
	appended = bench_io_now();
	between = bench_cpu_s();
	bench_check(tsdb_compact(db, NULL, &done, &err), &err);
	end = bench_io_now();
	w->compact_cpu_s += bench_cpu_s() - between;
	w->append_cpu_s += between - cpu;
	add_io(&w->append, start, appended);
	add_io(&w->compact, appended, end);
	w->done.sealed_samples += done.sealed_samples;
	w->done.merged_samples += done.merged_samples;
	w->done.bytes_written += done.bytes_written;
}

static void print_bytes(const char *what, double bytes, uint64_t samples)
{
	printf("%-40s %12.2f bytes a sample\n", what, bytes / (double)samples);
}

int main(int argc, char **argv)
{
	bool tiny = bench_tiny(argc, argv);
	long hours = tiny ? 3 : argc > 1 ? strtol(argv[1], NULL, 10) : 6;
	uint32_t series = tiny ? 10 : argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000;
	struct written w = { 0 };
	struct bench_scratch dir;
	struct feed f;
	double each_second = synced(series, tiny ? 3 : 600);
	bench_scratch_make(&dir, "bench-written");
	struct tsdb *db = open_store(dir.path, TSDB_FSYNC_NEVER, &f, series);
	for (long m = 0; m < hours * 60; m++)
		minute(db, &f, &w);
	printf("%-40s %12ld hours, %.0f M samples, %.0f M sealed, %.0f M merged\n", "simulated", hours,
		(double)f.samples / 1e6, (double)w.done.sealed_samples / 1e6, (double)w.done.merged_samples / 1e6);
	print_bytes("appended, pages", (double)w.append.pages, f.samples);
	print_bytes("appended, each second synced", each_second, 1);
	print_bytes("sealed and merged, pages", (double)w.compact.pages, f.samples);
	print_bytes("sealed and merged, files", (double)w.done.bytes_written, f.samples);
	print_bytes("calls of write", (double)(w.append.calls + w.compact.calls), f.samples);
	print_bytes("written in all, synced each second", each_second + (double)w.compact.pages / (double)f.samples, 1);
	bench_rate("appended", (double)f.samples / w.append_cpu_s / 1e6, "M samples/s of CPU time, with the feed");
	bench_rate("sealed and merged", (double)w.done.sealed_samples / w.compact_cpu_s / 1e6, "M samples/s of CPU");
	uint64_t hash = f.samples;
	bench_hash(pm_hash(&hash, sizeof hash));
	close_store(db, &f);
	bench_scratch_remove(&dir);
	return 0;
}
