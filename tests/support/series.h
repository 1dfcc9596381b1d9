/* series.h - series to test with: labels of many shapes, samples of all kinds; and segments made of them. */
#ifndef PM_TEST_SERIES_H
#define PM_TEST_SERIES_H

#include "tests/support/test.h"

#include "libtsdb/base/arena.h"
#include "libtsdb/segment/segment.h"

struct test_series {
	struct pm_arena arena;
	struct pm_series *v; /* sorted by labels, no doubles */
	size_t count;
};

enum {
	TEST_SERIES_HISTOGRAMS = 1, /* some have histograms, whose layouts change */
	TEST_SERIES_STARTS = 2,     /* some have start timestamps */
	TEST_SERIES_EXTREMES = 4,   /* times reach from INT64_MIN to INT64_MAX */
};

/* `samples_max`: of one series; most have fewer. */
void test_series_make(
	struct test_series *x, struct test_rng *r, size_t count, size_t samples_max, unsigned flags);
void test_series_free(struct test_series *x);
/* A histogram whose layout is one of `layouts`. */
const struct pm_histogram *test_histogram(struct pm_arena *a, struct test_rng *r, unsigned layouts);
void test_histogram_same(const struct pm_histogram *a, const struct pm_histogram *b);
/* Samples [from, to) of `want` are all of `got`. */
void test_samples_same(const struct pm_samples *got, const struct pm_samples *want, size_t from, size_t to);

/* Segment `number` of these series in the folder, and what the manifest would say of it. */
void test_segment_write(
	int dirfd, uint64_t number, const struct pm_series *v, size_t count, struct tsdb__segment_info *ret);
int test_dirfd(const char *dir);

#endif
