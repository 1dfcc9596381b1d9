/* operand.c - expressions and their operands: numbers, strings, signs, parentheses, and words, which may be anything.
 */
#include "libpromql/parse/parser.h"

bool promql__starts_expr(enum promql_tok tok)
{
	switch (tok) {
	case PROMQL_TOK_NUMBER:
	case PROMQL_TOK_DURATION:
	case PROMQL_TOK_STRING:
	case PROMQL_TOK_LPAREN:
	case PROMQL_TOK_LBRACE:
	case PROMQL_TOK_ADD:
	case PROMQL_TOK_SUB:
		return true;
	default:
		return promql__is_metric_name(tok);
	}
}

static int parse_parens(struct promql_parser *p, struct promql_node **ret)
{
	struct promql_item open = promql__take(p);
	struct promql_node *inner, *n;
	int rc;

	if ((rc = promql__parse_expr(p, 0, &inner)) < 0 || (rc = promql__expect(p, PROMQL_TOK_RPAREN)) < 0)
		return rc;
	n = promql__node(p, PROMQL_NODE_PAREN, open.start, p->last_end);
	if (!n)
		return promql__parse_nomem(p);
	n->paren = inner;
	*ret = n;
	return promql__adopt(p, n, inner);
}

static int parse_number_node(struct promql_parser *p, struct promql_node **ret)
{
	struct promql_node *n;
	struct promql_item it;
	double v;
	bool is_duration;
	int rc = promql__parse_number(p, &v, &is_duration, &it);

	if (rc < 0)
		return rc;
	n = promql__node(p, PROMQL_NODE_NUMBER, it.start, p->last_end);
	if (!n)
		return promql__parse_nomem(p);
	n->number.v = v;
	n->number.is_duration = is_duration;
	*ret = n;
	return 0;
}

static int parse_string_node(struct promql_parser *p, struct promql_node **ret)
{
	struct promql_item it = promql__take(p);
	struct promql_node *n = promql__node(p, PROMQL_NODE_STRING, it.start, p->last_end);

	if (!n)
		return promql__parse_nomem(p);
	*ret = n;
	return promql__unquote(p, it.text, &n->string);
}

/* A sign: folded into a number. It binds like multiplication, so that -2^2 is -(2^2). */
static int parse_unary(struct promql_parser *p, struct promql_node **ret)
{
	struct promql_item sign = promql__take(p);
	bool minus = sign.tok == PROMQL_TOK_SUB;
	struct promql_node *inner, *n;
	int rc = promql__parse_expr(p, PROMQL_PREC_POW, &inner);

	if (rc < 0)
		return rc;
	if (inner->kind == PROMQL_NODE_NUMBER) {
		if (minus)
			inner->number.v = -inner->number.v;
		inner->start = sign.start;
		*ret = inner;
		return 0;
	}
	n = promql__node(p, PROMQL_NODE_UNARY, sign.start, inner->end);
	if (!n)
		return promql__parse_nomem(p);
	n->unary.expr = inner;
	n->unary.minus = minus;
	*ret = n;
	return promql__adopt(p, n, inner);
}

/* A word: aggregation or call when the next token says so, otherwise the name of a metric. */
static int parse_word(struct promql_parser *p, struct promql_node **ret)
{
	struct promql_item word = promql__take(p);
	int t = promql__peek(p);

	if (t < 0)
		return t;
	if (promql__is_agg(word.tok) && (t == PROMQL_TOK_LPAREN || t == PROMQL_TOK_BY || t == PROMQL_TOK_WITHOUT))
		return promql__parse_aggregate(p, word, ret);
	if (t == PROMQL_TOK_LPAREN && (word.tok == PROMQL_TOK_IDENT || word.tok >= PROMQL_TOK_START))
		return promql__parse_call(p, word, ret);
	return promql__parse_selector(p, &word, ret);
}

static int parse_operand(struct promql_parser *p, struct promql_node **ret)
{
	int t = promql__peek(p), rc;

	switch (t) {
	case PROMQL_TOK_ADD:
	case PROMQL_TOK_SUB:
		return parse_unary(p, ret); /* modifiers behind it belong to its operand */
	case PROMQL_TOK_NUMBER:
	case PROMQL_TOK_DURATION:
		rc = parse_number_node(p, ret);
		break;
	case PROMQL_TOK_STRING:
		rc = parse_string_node(p, ret);
		break;
	case PROMQL_TOK_LPAREN:
		rc = parse_parens(p, ret);
		break;
	case PROMQL_TOK_LBRACE:
		rc = promql__parse_selector(p, NULL, ret);
		break;
	default:
		if (t < 0)
			return t;
		rc = promql__is_metric_name((enum promql_tok)t) ? parse_word(p, ret) : promql__unexpected(p);
	}
	return rc < 0 ? rc : promql__parse_postfix(p, ret);
}

int promql__parse_expr(struct promql_parser *p, int prec, struct promql_node **ret)
{
	struct promql_node *lhs = NULL;
	int t, rc, found;

	if (p->depth >= p->depth_max)
		return promql__too_deep(p);
	p->depth++;
	if ((rc = parse_operand(p, &lhs)) < 0)
		return rc;
	while ((t = promql__peek(p)) >= 0 && (found = promql__binary_prec((enum promql_tok)t)) > 0 && found >= prec) {
		if ((rc = promql__parse_binary(p, &lhs)) < 0)
			return rc;
	}
	if (t < 0)
		return t;
	p->depth--;
	*ret = lhs;
	return 0;
}
