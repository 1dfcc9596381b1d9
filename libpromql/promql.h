/* promql.h - PromQL as Prometheus 3.14 has it, over any source of samples.
 *
 *     struct promql_expr *expr;
 *     struct promql_result *res;
 *     if (promql_parse(text, NULL, &expr, &err) == 0 &&
 *         promql_query(expr, querier, &opts, &res, &err) == 0)
 *             ... walk res->series ...
 *     promql_result_free(res);
 *     promql_expr_free(expr);
 *
 * No global state; expressions are immutable once parsed and may be used by many threads at once; a result belongs
 * to its caller. Nothing here prints or exits.
 */
#ifndef PROMQL_H
#define PROMQL_H

#include "libtsdb/pm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- expressions -------------------------------------------------------------------------------- */

struct promql_expr; /* a parsed and checked expression; owns its text and tree */

enum promql_type { PROMQL_NONE, PROMQL_SCALAR, PROMQL_VECTOR, PROMQL_MATRIX, PROMQL_STRING };

struct promql_parse_opts {
	size_t depth_max; /* nesting, at most some thousands: recursion needs stack; 0: 256 */
	size_t bytes_max; /* of text; 0: 1 MiB */
};

/* Parse and check types. PM_ERR_INVALID: `err->msg` is upstream's text with the position in front, as the HTTP API
 * gives it
 * ("1:7: parse error: unexpected ..."), and `err->line` and `err->column` hold that position (1-based, bytes; 0 for an
 * empty text). PM_ERR_LIMIT: too long or nested too deep; PM_ERR_NOMEM. `text` is copied. `opts` may be NULL. */
int promql_parse(
	struct pm_str text, const struct promql_parse_opts *opts, struct promql_expr **ret, struct pm_error *err);
void promql_expr_free(struct promql_expr *e);
enum promql_type promql_expr_type(const struct promql_expr *e);
struct pm_str promql_expr_text(const struct promql_expr *e);

/* The canonical one-line text (upstream's Expr.String()), and the text over several lines (Prettify). The caller frees
 * with free(). NULL: out of memory, or more than 64 MiB over several lines. */
char *promql_print(const struct promql_expr *e);
char *promql_prettify(const struct promql_expr *e);
/* The tree as JSON, as /api/v1/parse_query gives it. */
char *promql_ast_json(const struct promql_expr *e);

/* Parse the matchers of a selector such as `up{job="x"}` (as match[] has it). The matchers and their strings live until
 * promql_matchers_free(). Errors as above. That all matchers accept an empty value, as in `{}`, is no error here. */
struct promql_matchers {
	struct pm_matcher *v;
	size_t count;
	void *owner;
};
int promql_parse_matchers(struct pm_str text, struct promql_matchers *ret, struct pm_error *err);
void promql_matchers_free(struct promql_matchers *m);

/* Call `fn` with the matchers of each vector selector of the expression, from left to right, which live as long as the
 * expression. What is not 0 ends the walk and is returned. */
typedef int promql_selector_fn(void *arg, const struct pm_matcher *matchers, size_t count);
int promql_selectors(const struct promql_expr *e, promql_selector_fn *fn, void *arg);

const char *promql_type_name(enum promql_type t); /* "scalar", "vector", "matrix", "string", "none" */

/* ---- queries ------------------------------------------------------------------------------------ */

struct promql_opts {
	int64_t start_ms, end_ms; /* closed; equal for an instant query */
	int64_t step_ms;          /* 0: instant query at start_ms */
	int64_t lookback_ms;      /* 0: five minutes */
	size_t samples_max;       /* held at once, as upstream counts --query.max-samples; 0: 50,000,000 */
	size_t bytes_max;         /* memory of this query; 0: no limit of its own */
	int64_t deadline_ns;      /* pm_monotonic_ns() after which it stops with PM_ERR_TIMEOUT; 0: none */
	bool (*canceled)(void *arg); /* asked now and then; NULL: never */
	void *canceled_arg;
	unsigned threads;         /* 0 or 1: the caller's thread only */
	bool delayed_name_removal;
	bool type_and_unit_labels;
	bool use_start_timestamps;
	bool experimental_off;    /* refuse what upstream keeps behind flags (default: everything is on) */
};

/* One value of a result: a float, or a histogram when `h` is not NULL. */
struct promql_point {
	int64_t t_ms;
	double v;
	const struct pm_histogram *h;
};

struct promql_series {
	struct pm_labels labels;
	const struct promql_point *points; /* vector: one; matrix: ascending in time */
	size_t point_count;
};

/* The answer. Scalars have one series with one point and no labels; a range query always gives a matrix. Order as
 * upstream's: a matrix is sorted by labels; a vector as evaluated (sort() and topk() order kept). */
struct promql_result {
	enum promql_type type;
	const struct promql_series *series;
	size_t series_count;
	struct pm_str string;        /* type PROMQL_STRING */
	int64_t t_ms;                /* of the scalar or string */
	const char *const *warnings; /* annotations, sorted, without doubles; texts as upstream, positions included */
	size_t warning_count;
	const char *const *infos;
	size_t info_count;
	size_t samples_total, samples_peak;
	void *owner;                 /* internal */
};

/* Evaluate. The result owns all it points to and outlives the querier.
 * PM_ERR_INVALID: execution error, worded as upstream; PM_ERR_LIMIT, PM_ERR_TIMEOUT, PM_ERR_CANCELED, PM_ERR_NOMEM:
 * stopped, the message says which limit and how to raise it; PM_ERR_STALE: make a new querier and ask again; errors of
 * the querier as they come. */
int promql_query(const struct promql_expr *e, struct pm_querier *q, const struct promql_opts *opts,
	struct promql_result **ret, struct pm_error *err);
void promql_result_free(struct promql_result *r);

#ifdef __cplusplus
}
#endif
#endif
