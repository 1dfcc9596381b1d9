/* selectors.c - the vector selectors of an expression, wherever they stand. */
#include "libpromql/parse/ast.h"

/* Recursion is bounded: the parser bounds the height of trees. */
static int walk(const struct promql_node *n, promql_selector_fn *fn, void *arg)
{
	int rc = 0;

	switch (n->kind) {
	case PROMQL_NODE_NUMBER:
	case PROMQL_NODE_STRING:
		return 0;
	case PROMQL_NODE_SELECTOR:
		return fn(arg, n->selector.matchers, n->selector.matcher_count);
	case PROMQL_NODE_MATRIX:
		return walk(n->matrix.selector, fn, arg);
	case PROMQL_NODE_SUBQUERY:
		return walk(n->subquery.expr, fn, arg);
	case PROMQL_NODE_CALL:
		for (size_t i = 0; i < n->call.arg_count && rc == 0; i++)
			rc = walk(n->call.args[i], fn, arg);
		return rc;
	case PROMQL_NODE_AGGREGATE:
		rc = n->agg.param ? walk(n->agg.param, fn, arg) : 0;
		return rc ? rc : walk(n->agg.expr, fn, arg);
	case PROMQL_NODE_BINARY:
		rc = walk(n->binary.lhs, fn, arg);
		return rc ? rc : walk(n->binary.rhs, fn, arg);
	case PROMQL_NODE_UNARY:
		return walk(n->unary.expr, fn, arg);
	case PROMQL_NODE_PAREN:
		return walk(n->paren, fn, arg);
	}
	return 0;
}

int promql_selectors(const struct promql_expr *e, promql_selector_fn *fn, void *arg)
{
	return walk(e->root, fn, arg);
}
