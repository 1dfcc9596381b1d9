/* binary.c - binary operators, how tightly they bind, and how they match vectors: bool, on, ignoring, group_left,
 * group_right, fill. */
#include "libpromql/parse/parser.h"

#include <assert.h>

enum { PREC_OR = 1, PREC_AND, PREC_COMPARE, PREC_ADD, PREC_MUL };

static const struct {
	unsigned char op, prec;
} ops[PROMQL_TOK_COUNT_] = {
	[PROMQL_TOK_OR] = { PROMQL_OP_OR, PREC_OR },
	[PROMQL_TOK_AND] = { PROMQL_OP_AND, PREC_AND },
	[PROMQL_TOK_UNLESS] = { PROMQL_OP_UNLESS, PREC_AND },
	[PROMQL_TOK_EQLC] = { PROMQL_OP_EQL, PREC_COMPARE },
	[PROMQL_TOK_NEQ] = { PROMQL_OP_NEQ, PREC_COMPARE },
	[PROMQL_TOK_GTR] = { PROMQL_OP_GTR, PREC_COMPARE },
	[PROMQL_TOK_LSS] = { PROMQL_OP_LSS, PREC_COMPARE },
	[PROMQL_TOK_GTE] = { PROMQL_OP_GTE, PREC_COMPARE },
	[PROMQL_TOK_LTE] = { PROMQL_OP_LTE, PREC_COMPARE },
	[PROMQL_TOK_TRIM_UPPER] = { PROMQL_OP_TRIM_UPPER, PREC_COMPARE },
	[PROMQL_TOK_TRIM_LOWER] = { PROMQL_OP_TRIM_LOWER, PREC_COMPARE },
	[PROMQL_TOK_ADD] = { PROMQL_OP_ADD, PREC_ADD },
	[PROMQL_TOK_SUB] = { PROMQL_OP_SUB, PREC_ADD },
	[PROMQL_TOK_MUL] = { PROMQL_OP_MUL, PREC_MUL },
	[PROMQL_TOK_DIV] = { PROMQL_OP_DIV, PREC_MUL },
	[PROMQL_TOK_MOD] = { PROMQL_OP_MOD, PREC_MUL },
	[PROMQL_TOK_ATAN2] = { PROMQL_OP_ATAN2, PREC_MUL },
	[PROMQL_TOK_POW] = { PROMQL_OP_POW, PROMQL_PREC_POW },
};

int promql__binary_prec(enum promql_tok tok)
{
	return ops[tok].prec;
}

/* ( number ), with at most one sign. */
static int parse_fill_value(struct promql_parser *p, double *ret)
{
	int rc = promql__expect(p, PROMQL_TOK_LPAREN), t;
	bool minus = false;

	if (rc < 0)
		return rc;
	t = promql__peek(p);
	if (t == PROMQL_TOK_ADD || t == PROMQL_TOK_SUB) {
		minus = promql__take(p).tok == PROMQL_TOK_SUB;
		t = promql__peek(p);
	}
	if (t != PROMQL_TOK_NUMBER && t != PROMQL_TOK_DURATION)
		return t < 0 ? t : promql__unexpected(p);
	if ((rc = promql__parse_number(p, ret, NULL, NULL)) < 0)
		return rc;
	if (minus)
		*ret = -*ret;
	return promql__expect(p, PROMQL_TOK_RPAREN);
}

/* fill(v), or fill_left(v) and fill_right(v) in any order. */
static int parse_fill(struct promql_parser *p, struct promql_matching *m)
{
	int t = promql__peek(p), rc;

	if (t < 0)
		return t;
	if (t == PROMQL_TOK_FILL) {
		promql__take(p);
		rc = parse_fill_value(p, &m->fill_left);
		m->fill_right = m->fill_left;
		m->fill_left_set = m->fill_right_set = true;
		return rc;
	}
	while ((t = promql__peek(p)) >= 0) {
		bool left = t == PROMQL_TOK_FILL_LEFT;

		if ((!left && t != PROMQL_TOK_FILL_RIGHT) || (left ? m->fill_left_set : m->fill_right_set))
			return 0;
		promql__take(p);
		if ((rc = parse_fill_value(p, left ? &m->fill_left : &m->fill_right)) < 0)
			return rc;
		if (left)
			m->fill_left_set = true;
		else
			m->fill_right_set = true;
	}
	return t;
}

/* group_left or group_right with labels or without; only behind on or ignoring. */
static int parse_group(struct promql_parser *p, struct promql_matching *m)
{
	int t = promql__peek(p);

	if (t != PROMQL_TOK_GROUP_LEFT && t != PROMQL_TOK_GROUP_RIGHT)
		return t < 0 ? t : 0;
	promql__take(p);
	m->card = t == PROMQL_TOK_GROUP_LEFT ? PROMQL_MANY_TO_ONE : PROMQL_ONE_TO_MANY;
	if ((t = promql__peek(p)) < 0)
		return t;
	if (t != PROMQL_TOK_LPAREN && promql__starts_expr((enum promql_tok)t))
		return 0; /* no labels: the right-hand side is next */
	return promql__parse_labels(p, &m->include, &m->include_count);
}

static int parse_matching(struct promql_parser *p, struct promql_node *n)
{
	struct promql_matching *m = &n->binary.matching;
	int t = promql__accept(p, PROMQL_TOK_BOOL), rc;

	if (t < 0)
		return t;
	n->binary.return_bool = t;
	if ((t = promql__peek(p)) < 0)
		return t;
	if (t == PROMQL_TOK_ON || t == PROMQL_TOK_IGNORING) {
		promql__take(p);
		m->present = true;
		m->on = t == PROMQL_TOK_ON;
		if ((rc = promql__parse_labels(p, &m->labels, &m->label_count)) < 0 || (rc = parse_group(p, m)) < 0)
			return rc;
	}
	return parse_fill(p, m);
}

int promql__parse_binary(struct promql_parser *p, struct promql_node **lhs)
{
	struct promql_item op = promql__take(p);
	struct promql_node *n = promql__node(p, PROMQL_NODE_BINARY, (*lhs)->start, 0);
	int prec = ops[op.tok].prec, rc;

	assert(prec > 0);
	if (!n)
		return promql__parse_nomem(p);
	n->binary.op = (enum promql_op)ops[op.tok].op;
	n->binary.lhs = *lhs;
	if ((rc = parse_matching(p, n)) < 0 ||
		(rc = promql__parse_expr(p, prec == PROMQL_PREC_POW ? prec : prec + 1, &n->binary.rhs)) < 0)
		return rc;
	n->end = n->binary.rhs->end;
	if ((rc = promql__adopt(p, n, *lhs)) < 0 || (rc = promql__adopt(p, n, n->binary.rhs)) < 0)
		return rc;
	*lhs = n;
	return 0;
}
