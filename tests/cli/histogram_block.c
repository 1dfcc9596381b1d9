/* Write a block of Prometheus with native histograms into a directory, for the tests that read them from the shell:
 *
 *     histogram_block DIR [START_MS]
 *
 * 240 samples, 15 s apart, of five series: counters of integers and of floats, a gauge that goes up and down, custom
 * buckets, and one that turns from floats to histograms, goes stale and comes back after a reset. Counters
 * start high: how rates extrapolate towards zero is not the same in all versions of Prometheus. */
#include "libtsdb/blocks.h"

#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 240, STEP_MS = 15000, BUCKETS = 6 };

static const struct pm_span spans[] = { { -2, 3 }, { 2, 3 } }, custom_spans[] = { { 0, 6 } };
static const double bounds[] = { 0.005, 0.01, 0.1, 1, 10 };
static int64_t times[COUNT];
static double values[COUNT], buckets[COUNT][BUCKETS];
static struct pm_histogram hists[COUNT];
static const struct pm_histogram *refs[COUNT];

static void fill(int i, bool integer, int kind)
{
	struct pm_histogram *h = &hists[i];
	int reset = 1000 + (kind == 4 ? i % 100 : i);

	*h = (struct pm_histogram){ .integer = integer, .sum = reset * 1.25 };
	h->schema = kind == 3 ? PM_SCHEMA_CUSTOM : 2;
	for (int b = 0; b < BUCKETS; b++) {
		buckets[i][b] = kind == 2 ? (i * 7 + b * 3) % 11 : reset * (b + 1);
		if (!integer)
			buckets[i][b] += 0.5 * b;
		h->count += buckets[i][b];
	}
	h->pos = buckets[i];
	h->pos_count = BUCKETS;
	h->pos_spans = kind == 3 ? custom_spans : spans;
	h->pos_span_count = kind == 3 ? 1 : 2;
	if (kind == 3) {
		h->custom = bounds;
		h->custom_count = BUCKETS - 1;
	} else {
		h->zero_threshold = 0x1p-128;
		h->zero_count = integer ? i : i + 0.25;
		h->count += h->zero_count;
	}
	h->reset_hint = kind == 2 ? PM_RESET_GAUGE : PM_RESET_UNKNOWN;
	refs[i] = h;
	values[i] = 0;
	if (kind == 4 && (i < 20 || i == 100)) {
		refs[i] = NULL;
		values[i] = i < 20 ? i : pm_stale_nan();
	}
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "hist_integer", "hist_float", "hist_gauge", "hist_custom", "hist_mixed" };
	static const int order[] = { 3, 1, 2, 0, 4 }; /* sorted */
	int64_t start_ms = argc > 2 ? strtoll(argv[2], NULL, 10) : INT64_C(1700006400000);
	struct tsdb_block_writer *w;
	struct pm_error err = { 0 };
	int rc = argc < 2 ? PM_ERR_INVALID : tsdb_block_writer_new(argv[1], &w, &err);

	for (int s = 0; s < 5 && rc == 0; s++) {
		struct pm_label label = { PM_NAME_LABEL, pm_str(names[order[s]]) };
		struct pm_series series = { { &label, 1 }, { .count = COUNT, .t_ms = times, .v = values, .h = refs } };

		for (int i = 0; i < COUNT; i++) {
			times[i] = start_ms + (int64_t)i * STEP_MS;
			fill(i, order[s] != 1, order[s]);
		}
		rc = tsdb_block_writer_add(w, &series, &err);
	}
	if (rc == 0)
		rc = tsdb_block_writer_finish(w, NULL, &err);
	if (rc < 0)
		fprintf(stderr, "histogram_block: %s\n", err.msg);
	return rc < 0;
}
