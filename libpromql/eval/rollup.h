/* rollup.h - functions of a range: see rollup.c. */
#ifndef PROMQL_EVAL_ROLLUP_H
#define PROMQL_EVAL_ROLLUP_H

#include "libpromql/eval/hist.h"
#include "libpromql/eval/source.h"

/* What a function sees at one step: the samples of the window, oldest first. At least one of floats and hists is not 0.
 */
struct promql__window {
	const int64_t *ft, *fst; /* fst, hst: start timestamps, or NULL */
	const double *fv;
	size_t floats;
	const int64_t *ht, *hst;
	const struct pm_histogram *const *hv;
	size_t hists;
	int64_t at_ms;            /* of the step */
	int64_t start_ms, end_ms; /* the window, (start, end] */
	double arg[2];            /* scalar arguments at this step */
	struct pm_labels labels;  /* of the series, with its name */
	const struct promql__rollup_op *op;
};

struct promql__value {
	double v;
	const struct pm_histogram *h; /* NULL: a float */
};

/* 1 and a value, 0 for none, or an error. */
typedef int promql__window_fn(const struct promql__window *w, struct promql__value *ret);

/* All steps of a series without histograms in one pass. `lo` and `hi`: for each step its samples are [lo, hi). */
struct promql__rollup_op;
typedef int promql__floats_fn(struct promql__rollup_op *op, const struct promql__raw *r, const uint32_t *lo,
	const uint32_t *hi, struct promql__col *ret);

struct promql__rollup_op {
	struct promql__op op;
	struct promql__source *source;
	promql__window_fn *fn;
	promql__floats_fn *floats; /* NULL: there is no such shortcut */
	enum promql_fn id;
	size_t pos;            /* of the range argument, for annotations */
	const double *args[2]; /* scalar arguments, all steps */
	struct promql__col col;
	uint32_t *lo, *hi, *hlo, *hhi;
	uint64_t time_id; /* of the column of times that lo and hi are good for */
	size_t time_count;
	struct pm_arena scratch; /* histograms given out; emptied for each series */
	uint32_t *work;          /* for the shortcuts: room for `work_cap` numbers */
	size_t work_cap;
	double *sorted; /* for quantiles */
	size_t sorted_cap;
};

static inline struct promql__query *promql__wq(const struct promql__window *w)
{
	return w->op->op.q;
}

/* What is given out lives until the next series. */
static inline struct pm_arena *promql__scratch(const struct promql__window *w)
{
	return &((struct promql__rollup_op *)w->op)->scratch;
}

/* The length of the range in seconds, as Go divides it. */
static inline double promql__range_s(const struct promql__rollup_op *op)
{
	int64_t ms = op->source->range_ms;

	return (double)(ms / 1000) + (double)(ms % 1000 * 1000000) / 1e9;
}

static inline struct promql__site promql__site(const struct promql__window *w)
{
	return (struct promql__site){ promql__wq(w), w->op->pos, promql__name(w->labels), promql__scratch(w) };
}

/* m = m +- h with the warnings this deserves. */
static inline int promql__add_noting(
	const struct promql__window *w, struct promql__hist *m, const struct pm_histogram *h, double sign)
{
	struct promql__site site = promql__site(w);

	return promql__hist_add_noting(&site, m, h, sign);
}

static inline int promql__give_float(struct promql__value *ret, double v)
{
	*ret = (struct promql__value){ .v = v };
	return 1;
}

/* Stores `m` for the answer. */
int promql__give_hist(const struct promql__window *w, const struct promql__hist *m, struct promql__value *ret);
/* Where an operator's functions get room; grows. */
double *promql__sort_room(const struct promql__window *w, size_t count);

/* rate.c */
promql__window_fn promql__rate, promql__increase, promql__delta;
promql__floats_fn promql__rate_floats;
/* Whether start timestamps say that a counter began anew between two samples. */
bool promql__start_reset(int64_t prev_st, int64_t prev_t, int64_t st, int64_t t);
/* extended.c: the same for anchored and smoothed ranges */
int promql__extended(const struct promql__window *w, bool counter, bool per_second, struct promql__value *ret);
/* hist_rate.c: 1 and `m`, 0 when there is no rate */
int promql__hist_increase(const struct promql__window *w, bool counter, struct promql__hist *m);
/* irate.c */
promql__window_fn promql__irate, promql__idelta;
/* changes.c */
promql__window_fn promql__changes, promql__resets;
/* regress.c */
promql__window_fn promql__deriv, promql__predict_linear, promql__double_exp;
/* over_time.c */
promql__window_fn promql__avg_ot, promql__sum_ot, promql__min_ot, promql__max_ot, promql__count_ot, promql__present_ot,
	promql__first_ot, promql__last_ot, promql__stddev_ot, promql__stdvar_ot, promql__quantile_ot, promql__mad_ot,
	promql__ts_first_ot, promql__ts_last_ot, promql__ts_min_ot, promql__ts_max_ot;
double promql__average(const double *v, size_t count);
/* All steps of a series of floats at once: extremes.c, sums.c, sliding.c */
promql__floats_fn promql__extreme_floats, promql__sum_floats, promql__spread_floats, promql__count_floats,
	promql__quantile_floats;
/* over_time_hist.c */
int promql__sum_hists(const struct promql__window *w, struct promql__value *ret);
int promql__avg_hists(const struct promql__window *w, struct promql__value *ret);

#endif
