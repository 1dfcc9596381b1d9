/* eval.h - the inside of the executor, shared by the files of eval/.
 *
 * plan.c turns an expression into a tree of operators. An operator answers one series a call: next() fills a column,
 * a value for each step of the operator's grid. Where a whole step is needed at once (topk, matching, ...) the operator
 * gathers its child's columns into a table first; all others hold one column, so that memory grows with the groups of
 * an aggregation and not with the series below it. Series come in the order of the selector, which is sorted by labels:
 * sums are folded in that order, whatever the threads.
 *
 *     query.c   set up, run, tear down        plan.c dur.c     tree -> operators; invariant parts; durations
 *     select.c  a sample for each step        source.c         samples of a range, of a selector or a subquery
 *     rollup.c  windows over those, with      rate.c irate.c extended.c over_time.c regress.c changes.c
 *     fold.c    sum, avg, ... by group        aggr_k.c aggr_values.c   topk & co; quantile, count_values
 *     binop.c match.c setop.c                 func_*.c, hist*.c, info.c
 *
 * Everything lives in the query's arena or in an operator's own scratch arena; nothing is freed one by one. */
#ifndef PROMQL_EVAL_H
#define PROMQL_EVAL_H

#include "libpromql/parse/ast.h"
#include "libpromql/parse/func.h"
#include "libpromql/promql.h"
#include "libtsdb/base/arena.h"
#include "libtsdb/base/buf.h"

/* ---- the query ---------------------------------------------------------------------------------- */

struct promql__op;

/* The steps an operator answers for: start, start + step, ... (`count` of them, at least one). */
struct promql__grid {
	int64_t start_ms, step_ms;
	size_t count;
};

static inline int64_t promql__at(const struct promql__grid *g, size_t i)
{
	return g->start_ms + (int64_t)i * g->step_ms;
}

/* Annotations: a set by text; where a text stands twice the position met first counts. */
struct promql__note {
	char *text;
	size_t pos;                    /* byte offset in the expression */
	bool warning;                  /* else info */
	struct promql__forced *forced; /* monotonicity: details gathered over samples, NULL for all others */
};

struct promql__forced {
	int64_t min_ms, max_ms;
	double min_bucket, max_bucket, max_diff;
	size_t count;
};

struct promql__query {
	const struct promql_expr *expr;
	struct pm_querier *querier;
	struct promql_opts opts; /* defaults filled in */
	struct pm_error *err;
	struct pm_arena arena;  /* for the query; what the result keeps is copied out */
	struct pm_arena text;   /* words of one message, forgotten when it is noted */
	struct promql__op *ops; /* all operators, to be closed */
	struct promql__note *notes;
	size_t note_count, note_cap;
	const struct promql_node **stats; /* selectors below histogram_count() and the like */
	size_t stats_count, stats_cap;
	size_t samples_now, samples_peak, samples_total; /* as upstream counts them: see limits.c */
	unsigned ticks; /* work since promql__check() looked at the clock: series, and long columns by their samples */
};

enum { PROMQL__SAMPLES_PER_TICK = 1024 };

/* limits.c */
int promql__nomem(struct promql__query *q);
/* Called for each series or so: deadline, cancellation, memory. */
int promql__check(struct promql__query *q);
int promql__hold(struct promql__query *q, size_t samples);
void promql__release(struct promql__query *q, size_t samples);
size_t promql__hist_samples(const struct pm_histogram *h);
/* From the query's arena; on failure the query's error is set. */
void *promql__alloc(struct promql__query *q, size_t size);
void *promql__zalloc(struct promql__query *q, size_t size);
void *promql__array(struct promql__query *q, size_t count, size_t elem_size);
/* Grow an array that lives in the arena: `*cap` at least doubles. */
int promql__grow_(struct promql__query *q, void **p, size_t *cap, size_t want, size_t elem_size);
#define promql__grow(q, p, cap, want) promql__grow_(q, (void **)(p), cap, want, sizeof **(p))

/* annot.c: texts are upstream's (util/annotations). `pos`: byte offset of what is to blame. */
void promql__warn(struct promql__query *q, size_t pos, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void promql__info(struct promql__query *q, size_t pos, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void promql__note_forced(
	struct promql__query *q, size_t pos, struct pm_str name, int64_t t_ms, const struct promql__forced *fix);
/* `name` quoted as Go quotes. This and the next two: good until the next note. */
const char *promql__quote(struct promql__query *q, struct pm_str s);
/* " for metric name \"x\"", or "" without a name. */
const char *promql__for_name(struct promql__query *q, struct pm_str name);
const char *promql__double(struct promql__query *q, double v); /* as Go's %g */
/* Move the notes into a result: sorted texts with positions. */
int promql__notes_take(struct promql__query *q, struct pm_arena *a, struct promql_result *r);
/* The messages that several files give. */
void promql__warn_mixed(struct promql__query *q, size_t pos, struct pm_labels series); /* floats and histograms */
void promql__warn_schemas(struct promql__query *q, size_t pos, struct pm_str name);    /* exponential and custom */
void promql__warn_not_counter(struct promql__query *q, size_t pos, struct pm_labels series);
void promql__warn_not_gauge(struct promql__query *q, size_t pos, struct pm_labels series);
void promql__info_reconciled(struct promql__query *q, size_t pos, const char *operation); /* "addition", ... */
void promql__warn_collision(struct promql__query *q, size_t pos, const char *operation);
void promql__info_ignored(struct promql__query *q, size_t pos, const char *aggregation);
void promql__info_ignored_range(struct promql__query *q, size_t pos, struct pm_labels series);
void promql__warn_quantile(struct promql__query *q, size_t pos, double phi);
int promql__duplicate(struct promql__query *q); /* "vector cannot contain metrics with the same labelset" */

/* ---- columns ------------------------------------------------------------------------------------ */

enum { PROMQL__NONE, PROMQL__FLOAT, PROMQL__HIST };

/* One series over the steps of a grid: kind[i] says whether v[i] or h[i] holds a value. `h` is NULL while there are no
 * histograms. */
struct promql__col {
	struct pm_labels labels;
	bool drop_name; /* the metric name is to go at the end (delayed name removal) */
	uint8_t *kind;
	double *v;
	const struct pm_histogram **h;
	size_t floats, hists; /* how many of each */
};

/* Columns gathered, in order. */
struct promql__table {
	struct promql__col *v;
	size_t count, cap;
};

/* column.c */
int promql__col_init(struct promql__query *q, const struct promql__grid *g, struct promql__col *c);  /* nothing set */
int promql__col_hists(struct promql__query *q, const struct promql__grid *g, struct promql__col *c); /* makes `h` */
void promql__col_clear(const struct promql__grid *g, struct promql__col *c);
void promql__col_count(const struct promql__grid *g, struct promql__col *c); /* floats and hists from kind */
size_t promql__col_samples(const struct promql__grid *g, const struct promql__col *c);
int promql__col_copy(
	struct promql__query *q, const struct promql__grid *g, const struct promql__col *from, struct promql__col *ret);
static inline void promql__set_float(struct promql__col *c, size_t i, double v)
{
	c->kind[i] = PROMQL__FLOAT;
	c->v[i] = v;
}
const struct pm_histogram *promql__hist_copy(struct pm_arena *a, const struct pm_histogram *h);
/* Run `op` to its end into a table; columns are copies. */
int promql__gather(struct promql__query *q, struct promql__op *op, struct promql__table *ret);
/* The column with these labels, made when there is none. Labels are borrowed. */
struct promql__out;
int promql__out_new(struct promql__query *q, const struct promql__grid *g, struct promql__out **ret);
int promql__out_col(struct promql__out *o, struct pm_labels labels, struct promql__col **ret);
/* Add a value; PM_ERR_INVALID when the step is taken: two series of one step with the same labels. */
int promql__out_float(struct promql__out *o, struct promql__col *c, size_t step, double v);
int promql__out_hist(struct promql__out *o, struct promql__col *c, size_t step, const struct pm_histogram *h);
/* Add all values of `c`: merges series of equal labels that share no step. `c` stays the caller's. */
int promql__out_merge(struct promql__out *o, const struct promql__col *c);
struct promql__table *promql__out_table(struct promql__out *o);

/* ---- labels ------------------------------------------------------------------------------------- */

/* A choice of labels: those named, or all but those. */
struct promql__proj {
	const struct pm_str *names; /* sorted, no doubles */
	size_t count;
	bool without;
};

/* label.c */
int promql__proj_init(struct promql__query *q, const struct pm_str *names, size_t count, bool without, bool with_name,
	struct promql__proj *ret); /* with_name: __name__ is one of the names */
uint64_t promql__proj_hash(const struct promql__proj *p, struct pm_labels l);
bool promql__proj_eq(const struct promql__proj *p, struct pm_labels a, struct pm_labels b);
int promql__proj_make(struct promql__query *q, const struct promql__proj *p, struct pm_labels l, struct pm_labels *ret);
/* Without __name__, __type__ and __unit__. */
int promql__drop_meta(struct promql__query *q, struct pm_labels l, struct pm_labels *ret);
/* `l` with one label set, or removed when `value` is empty. Strings are borrowed. */
int promql__label_set(
	struct promql__query *q, struct pm_labels l, struct pm_str name, struct pm_str value, struct pm_labels *ret);
bool promql__label_name_valid(struct pm_str name); /* not empty, UTF-8 */
/* {a="b", c="d"} as upstream prints label sets, all of them inside the braces. */
const char *promql__labels_print(struct promql__query *q, struct pm_labels l);
struct pm_str promql__name(struct pm_labels l);

/* A hash table of indexes; the caller keeps what they index, and compares. */
struct promql__map {
	struct {
		uint64_t hash;
		uint32_t index_plus_1;
	} * slots;
	size_t cap, used;
};
enum { PROMQL__NOT_FOUND = 0xffffffff };
/* Walk the entries of a hash: *pos from PROMQL__MAP_START. */
#define PROMQL__MAP_START SIZE_MAX
uint32_t promql__map_next(const struct promql__map *m, uint64_t hash, size_t *pos);
int promql__map_add(struct promql__query *q, struct promql__map *m, uint64_t hash, uint32_t index);

/* ---- operators ---------------------------------------------------------------------------------- */

/* Samples of one series in a range: what a range vector selector gives. Stale markers are gone; floats and histograms
 * each have their own arrays, as upstream's functions see them. Good until the next call. */
struct promql__raw {
	struct pm_labels labels;
	bool drop_name;
	const int64_t *ft, *fst; /* times and start timestamps of floats; fst is NULL when there are none */
	const double *fv;
	size_t floats;
	const int64_t *ht, *hst;
	const struct pm_histogram *const *hv;
	size_t hists;
	uint64_t time_id; /* not 0: ft is the same for all series of this id */
};

struct promql__op {
	/* 1 and a column, 0 at the end, or an error. The column is the operator's until the next call; its values may
	 * be overwritten by who reads it. */
	int (*next)(struct promql__op *op, struct promql__col *ret);
	/* Range vectors have this one instead. */
	int (*next_raw)(struct promql__op *op, struct promql__raw *ret);
	void (*close)(struct promql__op *op); /* releases what is not in the arena; NULL: nothing */
	struct promql__query *q;
	const struct promql__grid *grid;
	const struct promql_node *node;
	struct promql__op *link; /* list of all operators of the query */
	size_t held;             /* samples given out so far, counted against the limit */
};

/* Make an operator of `size` bytes, whose first member is a struct promql__op. Zeroed. */
void *promql__op_new(struct promql__query *q, size_t size, const struct promql_node *n, const struct promql__grid *g);
/* What a column's reader does at the end of its child: its samples are not held any more. */
void promql__op_done(struct promql__op *child);
/* Count a column that is given out; completes floats and hists. */
int promql__op_give(struct promql__op *op, struct promql__col *c);

/* Functions and operators over other operators; each in the file that its first comment names. */
int promql__build(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__op **ret); /* plan.c */
int promql__build_raw(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__op **ret); /* source.c */
/* All steps of a scalar expression. */
int promql__scalar(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, double **ret);
const struct promql_node *promql__unparen(const struct promql_node *n);
/* The function's answer changes with the time although its arguments do not. */
bool promql__depends_on_time(enum promql_fn fn);
/* Series of one step that differ may become equal when their names are dropped. */
bool promql__names_vary(const struct promql_node *n);
/* `child`, with series of equal labels merged; an error where both have a value. */
struct promql__op *promql__merge_op(struct promql__op *child); /* op.c */
/* -expr */
int promql__build_minus(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__op **ret); /* func_math.c */

int promql__build_selector(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, int what,
	struct promql__op **ret); /* select.c */
enum { PROMQL__VALUE, PROMQL__TIME, PROMQL__START_TIME, PROMQL__INFO_TIME };
/* experimental.c */
int promql__refuse_experimental(struct promql__query *q, const struct promql_node *n);
/* stats.c: which selectors are read for count and sum only, and the hints that these see. */
int promql__stats_find(struct promql__query *q);
bool promql__stats_only(const struct promql__query *q, const struct promql_node *selector);
int promql__stats_hints(struct promql__query *q, struct pm_arena *a, struct pm_samples *s);
int promql__build_smooth(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__op **ret); /* smooth.c */
int promql__build_rollup(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__op **ret); /* rollup_plan.c */
int promql__build_call(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__op **ret); /* call.c */
int promql__build_aggregate(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__op **ret); /* aggregate.c */
int promql__build_binary(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__op **ret); /* binop.c */

/* ---- times -------------------------------------------------------------------------------------- */

/* dur.c: what a selector or subquery looks at, its modifiers resolved. */
struct promql__when {
	bool fixed; /* @: `at_ms` is the one time, offset applied */
	int64_t at_ms;
	int64_t offset_ms; /* otherwise: subtract */
};
int promql__when(struct promql__query *q, const struct promql_modifiers *m, struct promql__when *ret);
/* A range or a step: `e` when not NULL, else `ms`. PM_ERR_INVALID when not positive. */
int promql__duration(struct promql__query *q, const struct promql_dur *e, int64_t ms, int64_t *ret);
int64_t promql__add(int64_t a, int64_t b); /* saturating */
int64_t promql__sub(int64_t a, int64_t b);
static inline int64_t promql__when_at(const struct promql__when *w, const struct promql__grid *g, size_t i)
{
	return w->fixed ? w->at_ms : promql__at(g, i) - w->offset_ms;
}
/* Steps of a subquery: multiples of its step in (first - range, last]. count 0: none. */
int promql__subgrid(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__when *ret_when, int64_t *ret_range_ms, struct promql__grid *ret);
int promql__grid_make(
	struct promql__query *q, int64_t start_ms, int64_t end_ms, int64_t step_ms, struct promql__grid *ret);

/* ---- arithmetic --------------------------------------------------------------------------------- */

/* Kahan-Babuska (Neumaier) summation, as upstream adds: every sum of the engine goes through it. */
static inline void promql__kahan(double inc, double *sum, double *c)
{
	double t = *sum + inc;

	if (__builtin_isinf(t))
		*c = 0;
	else if (__builtin_fabs(*sum) >= __builtin_fabs(inc))
		*c += (*sum - t) + inc;
	else
		*c += (inc - t) + *sum;
	*sum = t;
}

double promql__nan(void);               /* upstream's NaN */
double promql__max(double a, double b); /* Go's math.Max and Min */
double promql__min(double a, double b);
bool promql__almost_equal(double a, double b, double epsilon);
int promql__cmp_double(double a, double b); /* NaN before all numbers */
void promql__sort_doubles(double *v, size_t count);
double promql__quantile(double phi, double *v, size_t count); /* sorts v */
double promql__quantile_sorted(double phi, const double *v, size_t count);

#endif
