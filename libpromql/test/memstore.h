/* memstore.h - series held in memory, as tests need them: see memstore.c. */
#ifndef PROMQL_TEST_MEMSTORE_H
#define PROMQL_TEST_MEMSTORE_H

#include "libtsdb/base/arena.h"

struct promql__mem_series {
	struct pm_labels labels;
	int64_t *t_ms, *st_ms;
	double *v;
	const struct pm_histogram **h;
	size_t count, cap;
	bool any_hist, any_start;
};

struct promql__mem {
	struct pm_querier querier; /* good as long as the store is; shows all that was appended so far */
	struct pm_arena arena;
	struct promql__mem_series *series; /* sorted by labels */
	size_t count, cap;
};

/* One sample: a histogram when `h` is not NULL. */
struct promql__mem_sample {
	int64_t t_ms, st_ms; /* st_ms 0: none */
	double v;
	const struct pm_histogram *h;
};

void promql__mem_init(struct promql__mem *m);
void promql__mem_release(struct promql__mem *m);
/* Everything is copied. PM_ERR_INVALID when the series has a sample at this time or later already. */
int promql__mem_append(
	struct promql__mem *m, struct pm_labels labels, const struct promql__mem_sample *s, struct pm_error *err);

#endif
