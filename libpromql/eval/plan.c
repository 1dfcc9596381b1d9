/* plan.c - from the tree of an expression to a tree of operators.
 *
 * A part of the expression that says the same at every step (all its selectors have @) is planned for one step and
 * repeated. Which parts are such, and that functions of the time are none, follows upstream (PreprocessExpr), as it
 * shows in answers: info() and others look at their own times. */
#include "libpromql/eval/ops.h"

const struct promql_node *promql__unparen(const struct promql_node *n)
{
	while (n && n->kind == PROMQL_NODE_PAREN)
		n = n->paren;
	return n;
}

bool promql__depends_on_time(enum promql_fn fn)
{
	switch (fn) {
	case PROMQL_FN_DAYS_IN_MONTH:
	case PROMQL_FN_DAY_OF_MONTH:
	case PROMQL_FN_DAY_OF_WEEK:
	case PROMQL_FN_DAY_OF_YEAR:
	case PROMQL_FN_HOUR:
	case PROMQL_FN_MINUTE:
	case PROMQL_FN_MONTH:
	case PROMQL_FN_YEAR:
	case PROMQL_FN_PREDICT_LINEAR:
	case PROMQL_FN_TIME:
	case PROMQL_FN_TIMESTAMP:
	case PROMQL_FN_START_TIMESTAMP:
		return true;
	default:
		return false;
	}
}

static bool invariant(const struct promql_node *n)
{
	switch (n->kind) {
	case PROMQL_NODE_NUMBER:
	case PROMQL_NODE_STRING:
		return true;
	case PROMQL_NODE_SELECTOR:
		return n->selector.mod.at != PROMQL_AT_NONE;
	case PROMQL_NODE_MATRIX:
		return invariant(n->matrix.selector);
	case PROMQL_NODE_SUBQUERY:
		return n->subquery.mod.at != PROMQL_AT_NONE;
	case PROMQL_NODE_AGGREGATE:
		return invariant(n->agg.expr);
	case PROMQL_NODE_BINARY:
		return invariant(n->binary.lhs) && invariant(n->binary.rhs);
	case PROMQL_NODE_UNARY:
		return invariant(n->unary.expr);
	case PROMQL_NODE_PAREN:
		return invariant(n->paren);
	case PROMQL_NODE_CALL:
		for (size_t i = 0; i < n->call.arg_count; i++)
			if (!invariant(n->call.args[i]))
				return false;
		return !promql__depends_on_time(n->call.func->id);
	}
	return false;
}

static bool matrix_names_vary(const struct promql_node *n)
{
	n = promql__unparen(n);
	return n->kind == PROMQL_NODE_MATRIX ? promql__names_vary(n->matrix.selector)
					     : promql__names_vary(n->subquery.expr);
}

static bool call_names_vary(const struct promql_node *n)
{
	switch (n->call.func->id) {
	case PROMQL_FN_LABEL_REPLACE:
	case PROMQL_FN_LABEL_JOIN:
		return true;
	case PROMQL_FN_SORT:
	case PROMQL_FN_SORT_DESC:
	case PROMQL_FN_SORT_BY_LABEL:
	case PROMQL_FN_SORT_BY_LABEL_DESC:
	case PROMQL_FN_INFO:
		return promql__names_vary(n->call.args[0]);
	case PROMQL_FN_LAST_OVER_TIME:
	case PROMQL_FN_FIRST_OVER_TIME:
		return matrix_names_vary(n->call.args[0]);
	default:
		return false;
	}
}

bool promql__names_vary(const struct promql_node *n)
{
	n = promql__unparen(n);
	switch (n->kind) {
	case PROMQL_NODE_SELECTOR:
		for (size_t i = 0; i < n->selector.matcher_count; i++)
			if (n->selector.matchers[i].type == PM_MATCH_EQ &&
				pm_str_eq(n->selector.matchers[i].name, PM_NAME_LABEL))
				return false;
		return n->selector.name.len == 0;
	case PROMQL_NODE_MATRIX:
	case PROMQL_NODE_SUBQUERY:
		return matrix_names_vary(n);
	case PROMQL_NODE_CALL:
		return call_names_vary(n);
	case PROMQL_NODE_UNARY:
		return !n->unary.minus && promql__names_vary(n->unary.expr);
	case PROMQL_NODE_AGGREGATE:
		return promql__names_vary(n->agg.expr);
	case PROMQL_NODE_BINARY:
		return n->binary.op >= PROMQL_OP_EQL;
	default:
		return false;
	}
}

static int build(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	switch (n->kind) {
	case PROMQL_NODE_NUMBER:
		return promql__number(q, n, g, n->number.v, ret);
	case PROMQL_NODE_SELECTOR:
		return promql__build_selector(q, n, g, PROMQL__VALUE, ret);
	case PROMQL_NODE_CALL:
		return promql__build_call(q, n, g, ret);
	case PROMQL_NODE_AGGREGATE:
		return promql__build_aggregate(q, n, g, ret);
	case PROMQL_NODE_BINARY:
		return promql__build_binary(q, n, g, ret);
	case PROMQL_NODE_UNARY:
		return n->unary.minus ? promql__build_minus(q, n, g, ret) : promql__build(q, n->unary.expr, g, ret);
	case PROMQL_NODE_PAREN:
		return promql__build(q, n->paren, g, ret);
	default:
		return pm_fail(q->err, PM_ERR_INVALID, "unexpected %s in query execution", promql_type_name(n->type));
	}
}

int promql__build(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct promql__grid *one;
	struct promql__op *child;
	int rc = promql__check(q);

	if (rc < 0)
		return rc;
	q->ticks += (unsigned)(g->count / PROMQL__SAMPLES_PER_TICK); /* its columns are made and cleared here */
	if (g->count == 1 || n->kind == PROMQL_NODE_NUMBER || !invariant(n))
		return build(q, n, g, ret);
	one = promql__alloc(q, sizeof *one);
	if (!one)
		return PM_ERR_NOMEM;
	*one = *g;
	one->count = 1;
	rc = build(q, n, one, &child);
	return rc < 0 ? rc : promql__repeat(child, g, ret);
}
