/* experimental.c - refuses what upstream keeps behind flags, with upstream's words, for those who want to stay with
 * what is stable. */
#include "libpromql/eval/eval.h"

#include <stdio.h>

static int refuse(struct promql__query *q, const struct promql_node *n, const char *what)
{
	int line, column;

	promql__position(q->expr->text, n->start, &line, &column);
	return pm_fail(q->err, PM_ERR_INVALID, "%d:%d: parse error: %s", line, column, what);
}

static int refuse_function(struct promql__query *q, const struct promql_node *n)
{
	char text[128];

	snprintf(text, sizeof text, "function \"%s\" is not enabled", n->call.func->name);
	return refuse(q, n, text);
}

static int check_selector(struct promql__query *q, const struct promql_node *n)
{
	if (n->selector.anchored || n->selector.smoothed)
		return refuse(q, n,
			n->selector.anchored ? "anchored modifier is experimental and not enabled"
					     : "smoothed modifier is experimental and not enabled");
	return n->selector.mod.offset_expr ? refuse(q, n, "experimental duration expression is not enabled") : 0;
}

static int check_durations(struct promql__query *q, const struct promql_node *n)
{
	bool computed = n->kind == PROMQL_NODE_MATRIX
				? n->matrix.range_expr != NULL
				: n->subquery.range_expr || n->subquery.step_expr || n->subquery.mod.offset_expr;

	return computed ? refuse(q, n, "experimental duration expression is not enabled") : 0;
}

static int check_aggregate(struct promql__query *q, const struct promql_node *n)
{
	char text[160];

	if (n->agg.op != PROMQL_AGG_LIMITK && n->agg.op != PROMQL_AGG_LIMIT_RATIO)
		return 0;
	snprintf(text, sizeof text,
		"%s() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
		promql__agg_name(n->agg.op));
	return refuse(q, n, text);
}

/* As deep as the parser lets an expression be. */
int promql__refuse_experimental(struct promql__query *q, const struct promql_node *n)
{
	int rc = 0;

	switch (n->kind) {
	case PROMQL_NODE_SELECTOR:
		return check_selector(q, n);
	case PROMQL_NODE_MATRIX:
		rc = check_durations(q, n);
		return rc < 0 ? rc : check_selector(q, n->matrix.selector);
	case PROMQL_NODE_SUBQUERY:
		rc = check_durations(q, n);
		return rc < 0 ? rc : promql__refuse_experimental(q, n->subquery.expr);
	case PROMQL_NODE_CALL:
		if (n->call.func->experimental)
			return refuse_function(q, n);
		for (size_t i = 0; rc == 0 && i < n->call.arg_count; i++)
			rc = promql__refuse_experimental(q, n->call.args[i]);
		return rc;
	case PROMQL_NODE_AGGREGATE:
		rc = check_aggregate(q, n);
		if (rc == 0 && n->agg.param)
			rc = promql__refuse_experimental(q, n->agg.param);
		return rc < 0 ? rc : promql__refuse_experimental(q, n->agg.expr);
	case PROMQL_NODE_BINARY:
		if (n->binary.matching.fill_left_set || n->binary.matching.fill_right_set)
			return refuse(q, n, "binop fill modifiers are experimental and not enabled");
		rc = promql__refuse_experimental(q, n->binary.lhs);
		return rc < 0 ? rc : promql__refuse_experimental(q, n->binary.rhs);
	case PROMQL_NODE_UNARY:
		return promql__refuse_experimental(q, n->unary.expr);
	case PROMQL_NODE_PAREN:
		return promql__refuse_experimental(q, n->paren);
	default:
		return 0;
	}
}
