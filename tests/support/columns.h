/* columns.h - columns to test with, of every shape that matters: all kinds of values and times, regular and hostile.
 *
 * column_fill_values(kind, ...) and column_fill_times(kind, ...) are the same for the same random state. */
#ifndef PM_TEST_COLUMNS_H
#define PM_TEST_COLUMNS_H

#include "tests/support/test.h"

enum { COLUMN_VALUE_KINDS = 20, COLUMN_TIME_KINDS = 8 };

void column_fill_values(struct test_rng *r, unsigned kind, double *v, size_t n);
void column_fill_times(struct test_rng *r, unsigned kind, int64_t *t, size_t n);

#endif
