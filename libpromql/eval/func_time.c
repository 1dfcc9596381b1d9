/* func_time.c - dates of Unix times in UTC, and the times of samples. */
#include "libpromql/eval/funcs.h"

#include <math.h>

struct date_op {
	struct promql__op op;
	struct promql__op *child; /* NULL: of the step's own time */
	struct promql__col col;   /* for that */
	enum promql_fn id;
	bool given;
	bool of_sample; /* timestamp(): the child says the times itself */
};

/* ---- calendar ----------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

struct date {
	int64_t year;
	int month, day, year_day; /* from 1 */
};

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar. Years are taken to begin in March, so that the
 * leap day is the last of its year; 400 of them have 146097 days. */
static struct date date_of(int64_t days)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct date d = { .day = (int)(doy - (153 * mp + 2) / 5 + 1), .month = (int)(mp < 10 ? mp + 3 : mp - 9) };

	d.year = yoe + era * 400 + (d.month <= 2);
	d.year_day = before[d.month - 1] + d.day + (d.month > 2 && is_leap(d.year));
	return d;
}

static int month_days(const struct date *d)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[d->month - 1] + (d->month == 2 && is_leap(d->year));
}

/* Go converts what is no int64 to the smallest one. Dates that far away are as meaningless there. */
static int64_t to_seconds(double v)
{
	return v >= -9.2e18 && v <= 9.2e18 ? (int64_t)v : INT64_MIN;
}

static double part_of(enum promql_fn id, int64_t seconds)
{
	int64_t days = floor_div(seconds, 86400), of_day = (seconds % 86400 + 86400) % 86400;
	struct date d = date_of(days);

	switch (id) {
	case PROMQL_FN_MINUTE:
		return (double)(of_day / 60 % 60);
	case PROMQL_FN_HOUR:
		return (double)(of_day / 3600);
	case PROMQL_FN_DAY_OF_WEEK:
		return (double)(((days + 4) % 7 + 7) % 7);
	case PROMQL_FN_DAY_OF_MONTH:
		return d.day;
	case PROMQL_FN_DAY_OF_YEAR:
		return d.year_day;
	case PROMQL_FN_DAYS_IN_MONTH:
		return month_days(&d);
	case PROMQL_FN_MONTH:
		return d.month;
	default:
		return (double)d.year;
	}
}

/* ---- operators ---------------------------------------------------------------------------------- */

static int of_step(struct date_op *op, struct promql__col *ret)
{
	const struct promql__grid *g = op->op.grid;

	if (op->given)
		return 0;
	op->given = true;
	for (size_t i = 0; i < g->count; i++)
		promql__set_float(&op->col, i, part_of(op->id, promql__at(g, i) / 1000));
	*ret = op->col;
	return promql__op_give(&op->op, ret);
}

static int date_next(struct promql__op *base, struct promql__col *ret)
{
	struct date_op *op = (struct date_op *)base;
	int rc;

	if (!op->child)
		return of_step(op, ret);
	while ((rc = op->child->next(op->child, ret)) > 0) {
		for (size_t i = 0; i < base->grid->count; i++) {
			if (ret->kind[i] == PROMQL__FLOAT)
				ret->v[i] = part_of(op->id, to_seconds(ret->v[i]));
			else
				ret->kind[i] = PROMQL__NONE;
		}
		rc = promql__forget_name(base->q, ret);
		if (rc == 0)
			rc = promql__op_give(base, ret);
		if (rc < 0 || ret->floats)
			return rc;
	}
	promql__op_done(op->child);
	return rc;
}

int promql__build_date(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct date_op *op = promql__op_new(q, sizeof *op, n, g);
	const struct promql_node *arg = promql__arg(n, 0);
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->op.next = date_next;
	op->id = n->call.func->id;
	*ret = &op->op;
	if (!arg)
		return promql__col_init(q, g, &op->col);
	rc = promql__build(q, arg, g, &op->child);
	return rc < 0 ? rc : promql__forgetting(q, &op->op, arg, ret);
}

/* ---- times of samples --------------------------------------------------------------------------- */

static int timestamp_next(struct promql__op *base, struct promql__col *ret)
{
	struct date_op *op = (struct date_op *)base;
	int rc = op->child->next(op->child, ret);

	if (rc <= 0) {
		promql__op_done(op->child);
		return rc;
	}
	for (size_t i = 0; !op->of_sample && i < base->grid->count; i++)
		if (ret->kind[i] != PROMQL__NONE)
			promql__set_float(ret, i, (double)promql__at(base->grid, i) / 1000);
	rc = promql__forget_name(base->q, ret);
	return rc < 0 ? rc : promql__op_give(base, ret);
}

static int nothing_next(struct promql__op *base, struct promql__col *ret)
{
	struct promql__op *child = ((struct date_op *)base)->child;
	int rc;

	while ((rc = child->next(child, ret)) > 0)
		continue;
	promql__op_done(child);
	return rc;
}

/* A selector gives the times themselves; of other expressions timestamp() is the time of the step, and start timestamps
 * are lost. */
int promql__build_timestamp(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct date_op *op = promql__op_new(q, sizeof *op, n, g);
	const struct promql_node *arg = promql__arg(n, 0);
	bool start = n->call.func->id == PROMQL_FN_START_TIMESTAMP;
	bool selector = arg->kind == PROMQL_NODE_SELECTOR && !arg->selector.smoothed;
	int rc;

	if (!op)
		return PM_ERR_NOMEM;
	op->op.next = start && !(selector && q->opts.use_start_timestamps) ? nothing_next : timestamp_next;
	op->of_sample = selector;
	if (selector)
		rc = promql__build_selector(q, arg, g, start ? PROMQL__START_TIME : PROMQL__TIME, &op->child);
	else
		rc = promql__build(q, arg, g, &op->child);
	return rc < 0 ? rc : promql__forgetting(q, &op->op, arg, ret);
}
