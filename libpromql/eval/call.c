/* call.c - which function is built where, and what functions of instant vectors share. */
#include "libpromql/eval/funcs.h"

#include <math.h>

const struct promql_node *promql__arg(const struct promql_node *n, size_t i)
{
	return i < n->call.arg_count ? promql__unparen(n->call.args[i]) : NULL;
}

int promql__forget_name(struct promql__query *q, struct promql__col *c)
{
	c->drop_name = true;
	return q->opts.delayed_name_removal ? 0 : promql__drop_meta(q, c->labels, &c->labels);
}

int promql__forgetting(
	struct promql__query *q, struct promql__op *op, const struct promql_node *child, struct promql__op **ret)
{
	*ret = op;
	if (q->opts.delayed_name_removal || !promql__names_vary(child))
		return 0;
	*ret = promql__merge_op(op);
	return *ret ? 0 : PM_ERR_NOMEM;
}

/* Numbers that the query itself gives: in seconds; the step of an instant query is 0. */
static int query_number(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	int64_t start = q->opts.start_ms, end = q->opts.end_ms;

	switch (n->call.func->id) {
	case PROMQL_FN_START:
		return promql__number(q, n, g, (double)start / 1000, ret);
	case PROMQL_FN_END:
		return promql__number(q, n, g, (double)end / 1000, ret);
	case PROMQL_FN_RANGE:
		return promql__number(q, n, g, (double)(end - start) / 1000, ret);
	default:
		return promql__number(q, n, g, start == end ? 0 : (double)q->opts.step_ms / 1000, ret);
	}
}

static int pi(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	return promql__number(q, n, g, M_PI, ret);
}

static bool takes_range(const struct promql_node *n)
{
	for (size_t i = 0; i < n->call.arg_count; i++)
		if (n->call.args[i]->type == PROMQL_MATRIX)
			return true;
	return false;
}

static promql__build_fn *build_fn(enum promql_fn id)
{
	static promql__build_fn *const fns[PROMQL_FN_COUNT_] = {
		[PROMQL_FN_START] = query_number,
		[PROMQL_FN_END] = query_number,
		[PROMQL_FN_RANGE] = query_number,
		[PROMQL_FN_STEP] = query_number,
		[PROMQL_FN_PI] = pi,
		[PROMQL_FN_TIME] = promql__time_op,
		[PROMQL_FN_MAX_OF] = promql__build_scalars,
		[PROMQL_FN_MIN_OF] = promql__build_scalars,
		[PROMQL_FN_TIMESTAMP] = promql__build_timestamp,
		[PROMQL_FN_START_TIMESTAMP] = promql__build_timestamp,
		[PROMQL_FN_ABSENT] = promql__build_absent,
		[PROMQL_FN_ABSENT_OVER_TIME] = promql__build_absent_over_time,
		[PROMQL_FN_SCALAR] = promql__build_scalar,
		[PROMQL_FN_VECTOR] = promql__build_vector,
		[PROMQL_FN_SORT] = promql__build_sort,
		[PROMQL_FN_SORT_DESC] = promql__build_sort,
		[PROMQL_FN_SORT_BY_LABEL] = promql__build_sort,
		[PROMQL_FN_SORT_BY_LABEL_DESC] = promql__build_sort,
		[PROMQL_FN_LABEL_REPLACE] = promql__build_label,
		[PROMQL_FN_LABEL_JOIN] = promql__build_label,
		[PROMQL_FN_HISTOGRAM_COUNT] = promql__build_hist_part,
		[PROMQL_FN_HISTOGRAM_SUM] = promql__build_hist_part,
		[PROMQL_FN_HISTOGRAM_AVG] = promql__build_hist_part,
		[PROMQL_FN_HISTOGRAM_STDDEV] = promql__build_hist_part,
		[PROMQL_FN_HISTOGRAM_STDVAR] = promql__build_hist_part,
		[PROMQL_FN_HISTOGRAM_QUANTILE] = promql__build_quantile,
		[PROMQL_FN_HISTOGRAM_QUANTILES] = promql__build_quantile,
		[PROMQL_FN_HISTOGRAM_FRACTION] = promql__build_quantile,
		[PROMQL_FN_INFO] = promql__build_info,
		[PROMQL_FN_DAYS_IN_MONTH] = promql__build_date,
		[PROMQL_FN_DAY_OF_MONTH] = promql__build_date,
		[PROMQL_FN_DAY_OF_WEEK] = promql__build_date,
		[PROMQL_FN_DAY_OF_YEAR] = promql__build_date,
		[PROMQL_FN_HOUR] = promql__build_date,
		[PROMQL_FN_MINUTE] = promql__build_date,
		[PROMQL_FN_MONTH] = promql__build_date,
		[PROMQL_FN_YEAR] = promql__build_date,
	};

	return fns[id];
}

int promql__build_call(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	promql__build_fn *fn = build_fn(n->call.func->id);

	if (!fn)
		fn = takes_range(n) ? promql__build_rollup : promql__build_math;
	return fn(q, n, g, ret);
}
