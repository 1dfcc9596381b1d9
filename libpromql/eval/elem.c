/* elem.c - binary operators on values: floats by the column, histograms one by one. */
#include "libpromql/eval/binop.h"

#include <math.h>

#define EACH(expr)                                                                                                     \
	for (size_t i = 0; i < count; i++) {                                                                           \
		double x = a[i], y = b[i];                                                                             \
                                                                                                                       \
		ret[i] = (expr);                                                                                       \
	}                                                                                                              \
	return

void promql__arith(enum promql_op op, const double *a, const double *b, double *ret, size_t count)
{
	switch (op) {
	case PROMQL_OP_ADD:
		EACH(x + y);
	case PROMQL_OP_SUB:
		EACH(x - y);
	case PROMQL_OP_MUL:
		EACH(x * y);
	case PROMQL_OP_DIV:
		EACH(x / y);
	case PROMQL_OP_MOD:
		EACH(fmod(x, y));
	case PROMQL_OP_POW:
		EACH(pow(x, y));
	case PROMQL_OP_ATAN2:
		EACH(atan2(x, y));
	case PROMQL_OP_EQL:
		EACH(x == y);
	case PROMQL_OP_NEQ:
		EACH(x != y);
	case PROMQL_OP_GTR:
		EACH(x > y);
	case PROMQL_OP_LSS:
		EACH(x < y);
	case PROMQL_OP_GTE:
		EACH(x >= y);
	default:
		EACH(x <= y);
	}
}

/* ---- with histograms ---------------------------------------------------------------------------- */

static const char *kind_name(const struct promql__operand *x)
{
	return x->h ? "histogram" : "float";
}

static int incompatible(struct promql__query *q, enum promql_op op, const struct promql__operand *x,
	const struct promql__operand *y, size_t pos)
{
	const char *name = promql__op_name(op);

	promql__info(q, pos, "incompatible sample types encountered for binary operator \"%s\": %s %s %s", name,
		kind_name(x), name, kind_name(y));
	return 0;
}

static int store(struct promql__query *q, struct pm_arena *a, const struct promql__hist *m, struct promql__operand *ret)
{
	*ret = (struct promql__operand){ .h = promql__hist_store(m, a) };
	return ret->h ? 1 : promql__nomem(q);
}

static int scale(struct promql__query *q, struct pm_arena *a, const struct pm_histogram *h, enum promql_op op,
	double by, struct promql__operand *ret)
{
	struct promql__hist m = { 0 };

	if (promql__hist_load(&m, a, h) < 0)
		return promql__nomem(q);
	if (op == PROMQL_OP_MUL)
		promql__hist_mul(&m, by);
	else
		promql__hist_div(&m, by);
	return store(q, a, &m, ret);
}

static int add(struct promql__query *q, struct pm_arena *a, enum promql_op op, const struct pm_histogram *x,
	const struct pm_histogram *y, size_t pos, struct promql__operand *ret)
{
	bool sub = op == PROMQL_OP_SUB;
	struct promql__hist m = { 0 };
	unsigned found = 0;
	int rc;

	if (promql__hist_load(&m, a, x) < 0)
		return promql__nomem(q);
	rc = promql__hist_add(&m, y, sub ? -1 : 1, &found);
	if (rc < 0)
		return promql__nomem(q);
	if (rc > 0) {
		promql__warn(
			q, pos, "incompatible bucket layout encountered for binary operator %s", promql__op_name(op));
		return 0;
	}
	if (sub)
		m.reset_hint = PM_RESET_GAUGE;
	if (found & PROMQL__COLLISION)
		promql__warn_collision(q, pos, sub ? "subtraction" : "addition");
	if (found & PROMQL__RECONCILED)
		promql__info_reconciled(q, pos, sub ? "subtraction" : "addition");
	return store(q, a, &m, ret);
}

static int trim(struct promql__query *q, struct pm_arena *a, enum promql_op op, const struct pm_histogram *h, double v,
	struct promql__operand *ret)
{
	*ret = (struct promql__operand){ .h = promql__hist_trim(a, h, v, op == PROMQL_OP_TRIM_UPPER) };
	return ret->h ? 1 : promql__nomem(q);
}

int promql__elem(struct promql__query *q, struct pm_arena *a, enum promql_op op, struct promql__operand x,
	struct promql__operand y, size_t pos, struct promql__operand *ret, bool *failed)
{
	*failed = false;
	if (x.h && y.h) {
		if (op == PROMQL_OP_ADD || op == PROMQL_OP_SUB)
			return add(q, a, op, x.h, y.h, pos, ret);
		if (op != PROMQL_OP_EQL && op != PROMQL_OP_NEQ)
			return incompatible(q, op, &x, &y, pos);
		*ret = x;
		*failed = promql__hist_equal(x.h, y.h) != (op == PROMQL_OP_EQL);
		return !*failed;
	}
	if (x.h && (op == PROMQL_OP_MUL || op == PROMQL_OP_DIV))
		return scale(q, a, x.h, op, y.v, ret);
	if (y.h && op == PROMQL_OP_MUL)
		return scale(q, a, y.h, op, x.v, ret);
	if (x.h && (op == PROMQL_OP_TRIM_UPPER || op == PROMQL_OP_TRIM_LOWER))
		return trim(q, a, op, x.h, y.v, ret);
	return incompatible(q, op, &x, &y, pos);
}
