/* hist.h - arithmetic on native histograms: see hist_num.c, hist_add.c, hist_reset.c, hist_trim.c, hist_quantile.c. */
#ifndef PROMQL_EVAL_HIST_H
#define PROMQL_EVAL_HIST_H

#include "libpromql/eval/eval.h"

/* A populated bucket, and what Kahan summation owes it. */
struct promql__bucket {
	int32_t index;
	double n, c;
};

struct promql__side {
	struct promql__bucket *v; /* ascending by index */
	uint32_t count, cap;
};

/* A histogram under work. Memory comes from `arena` and grows; it is never given back before the arena is. */
struct promql__hist {
	struct pm_arena *arena;
	int32_t schema;
	uint8_t reset_hint;
	bool kahan; /* additions are compensated: `c` of all parts is in use */
	double zero_threshold;
	double zero_count, zero_c, count, count_c, sum, sum_c;
	struct promql__side pos, neg, tmp;
	const double *custom;
	uint32_t custom_count;
};

/* Where histograms are worked on: who hears of what goes wrong, of which series, and whence memory comes. */
struct promql__site {
	struct promql__query *q;
	size_t pos;
	struct pm_str name;
	struct pm_arena *arena;
};

/* What an addition found. */
enum { PROMQL__COLLISION = 1, PROMQL__RECONCILED = 2 };

static inline bool promql__is_custom(const struct pm_histogram *h)
{
	return h->schema == PM_SCHEMA_CUSTOM;
}

/* ---- hist_num.c --------------------------------------------------------------------------------- */

/* `m` zeroed or used before with the same arena. Negative: PM_ERR_NOMEM. `h`'s custom bounds are borrowed. */
int promql__hist_load(struct promql__hist *m, struct pm_arena *a, const struct pm_histogram *h);
/* Every compensation added to what it belongs to. */
void promql__hist_settle(struct promql__hist *m);
/* As a histogram in `a`, without empty buckets. NULL: out of memory. */
const struct pm_histogram *promql__hist_store(const struct promql__hist *m, struct pm_arena *a);
void promql__hist_mul(struct promql__hist *m, double factor);
void promql__hist_div(struct promql__hist *m, double by);
bool promql__hist_overflows(const struct promql__hist *m);
/* Merge buckets down to a lower resolution. */
void promql__hist_reduce(struct promql__hist *m, int32_t schema);
/* The buckets of one side of `h` at a resolution of `schema`, into `ret`. */
int promql__side_load(
	struct pm_arena *a, const struct pm_histogram *h, bool negative, int32_t schema, struct promql__side *ret);

/* ---- hist_add.c --------------------------------------------------------------------------------- */

/* m += sign * h. 0 and `*found` (bits of the enum above are set), 1: exponential and custom buckets do not add up
 * (m is as it was), negative: out of memory. */
int promql__hist_add(struct promql__hist *m, const struct pm_histogram *h, double sign, unsigned *found);

/* ---- hist_reset.c ------------------------------------------------------------------------------- */

/* Whether a counter was reset between `prev` and `cur`. */
bool promql__hist_reset(const struct pm_histogram *cur, const struct pm_histogram *prev);
bool promql__hist_equal(const struct pm_histogram *a, const struct pm_histogram *b);
/* The zero count if the threshold were `*threshold`, which is raised when it falls into a populated bucket. */
double promql__zero_count_at(const struct pm_histogram *h, double *threshold);

/* ---- hist_note.c -------------------------------------------------------------------------------- */

/* promql__hist_add() with the annotations it deserves. 1: done, 0: they do not add up, or an error. */
int promql__hist_add_noting(
	const struct promql__site *s, struct promql__hist *m, const struct pm_histogram *h, double sign);
/* `m` = what a series that was `a` at t1 and `b` at t2 is at t. 1, 0, or an error as above. */
int promql__hist_interpolate(const struct promql__site *s, const struct pm_histogram *a, int64_t t1,
	const struct pm_histogram *b, int64_t t2, int64_t t, bool counter, struct promql__hist *m);

/* ---- hist_trim.c -------------------------------------------------------------------------------- */

/* What of `h` is below (upper) or above `v`. NULL: out of memory. */
const struct pm_histogram *promql__hist_trim(struct pm_arena *a, const struct pm_histogram *h, double v, bool upper);

/* ---- hist_quantile.c ---------------------------------------------------------------------------- */

int promql__hist_quantile(
	struct promql__query *q, double phi, const struct pm_histogram *h, struct pm_str name, size_t pos, double *ret);
int promql__hist_fraction(struct promql__query *q, double lower, double upper, const struct pm_histogram *h,
	struct pm_str name, size_t pos, double *ret);
/* hist_print.c: {count:2, sum:3, (1,2]:2}, in the query's arena. */
struct pm_str promql__hist_print(struct promql__query *q, const struct pm_histogram *h);

#endif
