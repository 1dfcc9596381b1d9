/* dur.c - times: what selectors and subqueries look at, and the durations that are computed per query. Additions
 * saturate, so that ranges and offsets of thousands of years mean "all there is". */
#include "libpromql/eval/eval.h"

#include <math.h>

enum { SUBQUERY_STEP_MS = 60000 }; /* upstream's default evaluation interval */

int64_t promql__add(int64_t a, int64_t b)
{
	int64_t r;

	if (__builtin_add_overflow(a, b, &r))
		return b > 0 ? PM_TIME_MAX : PM_TIME_MIN + 1;
	return r;
}

int64_t promql__sub(int64_t a, int64_t b)
{
	int64_t r;

	if (__builtin_sub_overflow(a, b, &r))
		return b < 0 ? PM_TIME_MAX : PM_TIME_MIN + 1;
	return r;
}

/* ---- duration expressions ----------------------------------------------------------------------- */

static int calc(struct promql__query *q, const struct promql_dur *d, double *ret);

static int calc_binary(struct promql__query *q, const struct promql_dur *d, double *ret)
{
	double a, b;
	int rc = calc(q, d->a, &a);

	if (rc == 0)
		rc = calc(q, d->b, &b);
	if (rc < 0)
		return rc;
	if ((d->op == PROMQL_DUR_DIV || d->op == PROMQL_DUR_MOD) && b == 0)
		return pm_fail(q->err, PM_ERR_INVALID, "%zu:%zu: %s by zero", d->start, d->end,
			d->op == PROMQL_DUR_DIV ? "division" : "modulo");
	switch (d->op) {
	case PROMQL_DUR_ADD:
		*ret = a + b;
		return 0;
	case PROMQL_DUR_SUB:
		*ret = a - b;
		return 0;
	case PROMQL_DUR_MUL:
		*ret = a * b;
		return 0;
	case PROMQL_DUR_DIV:
		*ret = a / b;
		return 0;
	case PROMQL_DUR_MOD:
		*ret = fmod(a, b);
		return 0;
	case PROMQL_DUR_POW:
		*ret = pow(a, b);
		return 0;
	case PROMQL_DUR_MIN_OF:
		*ret = promql__min(a, b);
		return 0;
	default:
		*ret = promql__max(a, b);
		return 0;
	}
}

static int calc(struct promql__query *q, const struct promql_dur *d, double *ret)
{
	int rc;

	switch (d->op) {
	case PROMQL_DUR_NUMBER:
		*ret = d->seconds;
		return 0;
	case PROMQL_DUR_STEP:
		*ret = (double)q->opts.step_ms / 1000;
		return 0;
	case PROMQL_DUR_RANGE:
		*ret = (double)(q->opts.end_ms - q->opts.start_ms) / 1000;
		return 0;
	case PROMQL_DUR_NEG:
		rc = calc(q, d->a ? d->a : d->b, ret);
		*ret = -*ret;
		return rc;
	default:
		return calc_binary(q, d, ret);
	}
}

static int calc_ms(struct promql__query *q, const struct promql_dur *d, bool negative, int64_t *ret)
{
	double s = 0;
	int rc = calc(q, d, &s);

	if (rc < 0)
		return rc;
	if (!(s > 0) && !negative)
		return pm_fail(q->err, PM_ERR_INVALID, "%zu:%zu: duration must be greater than 0", d->start, d->end);
	if (!(fabs(s) < 9223372036.0))
		return pm_fail(q->err, PM_ERR_INVALID, "%zu:%zu: duration is out of range", d->start, d->end);
	*ret = (int64_t)(s * 1000);
	return 0;
}

int promql__duration(struct promql__query *q, const struct promql_dur *e, int64_t ms, int64_t *ret)
{
	*ret = ms;
	return e ? calc_ms(q, e, false, ret) : 0;
}

/* ---- modifiers ---------------------------------------------------------------------------------- */

int promql__when(struct promql__query *q, const struct promql_modifiers *m, struct promql__when *ret)
{
	int64_t offset = m->offset_ms, at = m->at_ms;
	int rc = m->offset_expr ? calc_ms(q, m->offset_expr, true, &offset) : 0;

	if (rc < 0)
		return rc;
	if (m->at == PROMQL_AT_START)
		at = q->opts.start_ms;
	else if (m->at == PROMQL_AT_END)
		at = q->opts.end_ms;
	*ret = (struct promql__when){
		.fixed = m->at != PROMQL_AT_NONE, .at_ms = promql__sub(at, offset), .offset_ms = offset
	};
	return 0;
}

/* ---- grids -------------------------------------------------------------------------------------- */

int promql__grid_make(
	struct promql__query *q, int64_t start_ms, int64_t end_ms, int64_t step_ms, struct promql__grid *ret)
{
	uint64_t span = (uint64_t)end_ms - (uint64_t)start_ms;

	*ret = (struct promql__grid){ .start_ms = start_ms, .step_ms = step_ms };
	if (end_ms < start_ms)
		return 0;
	if (span / (uint64_t)step_ms >= q->opts.samples_max)
		return pm_fail(q->err, PM_ERR_LIMIT,
			"query processing would load too many samples into memory in query "
			"execution");
	ret->count = (size_t)(span / (uint64_t)step_ms) + 1;
	return 0;
}

int promql__subgrid(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g,
	struct promql__when *ret_when, int64_t *ret_range_ms, struct promql__grid *ret)
{
	int64_t step = 0, first, last, start;
	int rc = promql__when(q, &n->subquery.mod, ret_when);

	if (rc == 0)
		rc = promql__duration(q, n->subquery.range_expr, n->subquery.range_ms, ret_range_ms);
	if (rc == 0)
		rc = promql__duration(q, n->subquery.step_expr, n->subquery.step_ms, &step);
	if (rc < 0)
		return rc;
	if (step == 0)
		step = SUBQUERY_STEP_MS;
	first = promql__sub(promql__when_at(ret_when, g, 0), *ret_range_ms);
	last = promql__when_at(ret_when, g, g->count - 1);
	start = first / step * step; /* towards zero: with a negative time that is behind it already */
	if (start <= first)
		start = promql__add(start, step);
	return promql__grid_make(q, start, last, step, ret);
}
