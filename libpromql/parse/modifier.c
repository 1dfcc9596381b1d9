/* modifier.c - what follows an operand: [range], [range:step], offset, @, anchored, smoothed. */
#include "libpromql/parse/parser.h"

#include <math.h>

/* The modifiers of what can have some: a selector, the selector of a range, a subquery. */
static struct promql_modifiers *modifiers_of(struct promql_node *n)
{
	switch (n->kind) {
	case PROMQL_NODE_SELECTOR:
		return &n->selector.mod;
	case PROMQL_NODE_MATRIX:
		return &n->matrix.selector->selector.mod;
	case PROMQL_NODE_SUBQUERY:
		return &n->subquery.mod;
	default:
		return NULL;
	}
}

static const char only_after[] =
	"must be preceded by an instant vector selector or range vector selector or a subquery";

/* ---- offset and @ ------------------------------------------------------------------------------- */

static int parse_offset(struct promql_parser *p, struct promql_node *n)
{
	struct promql_context outer = p->context;
	struct promql_modifiers *mod = modifiers_of(n);
	const struct promql_dur *expr;
	int64_t ms;
	int rc;

	promql__take(p);
	p->context = (struct promql_context){ "offset", "number, duration, step(), or range()" };
	rc = promql__parse_offset_duration(p, &ms, &expr);
	p->context = outer;
	if (rc < 0)
		return rc;
	if (!mod)
		return promql__fail_at(p, n->start, "offset modifier %s", only_after);
	if (mod->offset_ms || mod->offset_expr)
		return promql__fail_at(p, n->start, "offset may not be set multiple times");
	mod->offset_ms = ms;
	mod->offset_expr = expr;
	n->end = p->last_end;
	return 0;
}

/* Go's rounding of seconds to milliseconds; far values stay at the ends. */
static int64_t timestamp_ms(double seconds)
{
	double ms = round(seconds * 1000);

	if (ms >= 0x1p63)
		return INT64_MAX;
	return ms < -0x1p63 ? INT64_MIN : (int64_t)ms;
}

static int timestamp_out_of_bounds(struct promql_parser *p, const struct promql_node *n, double seconds)
{
	static const char what[] = "timestamp out of bounds for @ modifier:";

	if (isfinite(seconds))
		return promql__fail_at(p, n->start, "%s %f", what, seconds);
	return promql__fail_at(p, n->start, "%s %s", what, isnan(seconds) ? "NaN" : seconds > 0 ? "+Inf" : "-Inf");
}

/* start(), end(), or a number with at most one sign. */
static int parse_at_value(struct promql_parser *p, enum promql_at *ret, double *ret_seconds)
{
	int t = promql__peek(p), sign = 0, rc;

	if (t == PROMQL_TOK_START || t == PROMQL_TOK_END) {
		promql__take(p);
		*ret = t == PROMQL_TOK_START ? PROMQL_AT_START : PROMQL_AT_END;
		if ((rc = promql__expect(p, PROMQL_TOK_LPAREN)) < 0)
			return rc;
		return promql__expect(p, PROMQL_TOK_RPAREN);
	}
	if (t == PROMQL_TOK_ADD || t == PROMQL_TOK_SUB) {
		sign = t;
		promql__take(p);
		t = promql__peek(p);
	}
	if (t < 0)
		return t;
	if (t != PROMQL_TOK_NUMBER && t != PROMQL_TOK_DURATION)
		return promql__unexpected(p);
	*ret = PROMQL_AT_TIME;
	if ((rc = promql__parse_number(p, ret_seconds, NULL, NULL)) < 0)
		return rc;
	if (sign == PROMQL_TOK_SUB)
		*ret_seconds = -*ret_seconds;
	return 0;
}

static int parse_at(struct promql_parser *p, struct promql_node *n)
{
	struct promql_context outer = p->context;
	struct promql_modifiers *mod = modifiers_of(n);
	enum promql_at at = PROMQL_AT_NONE;
	double seconds = 0;
	int rc;

	promql__take(p);
	p->context = (struct promql_context){ "@", "timestamp" };
	rc = parse_at_value(p, &at, &seconds);
	p->context = outer;
	if (rc < 0)
		return rc;
	if (at == PROMQL_AT_TIME && !(seconds > -0x1p63 && seconds < 0x1p63))
		return timestamp_out_of_bounds(p, n, seconds);
	if (!mod)
		return promql__fail_at(p, n->start, "@ modifier %s", only_after);
	if (mod->at != PROMQL_AT_NONE)
		return promql__fail_at(p, n->start, "@ <timestamp> may not be set multiple times");
	mod->at = at;
	if (at == PROMQL_AT_TIME)
		mod->at_ms = timestamp_ms(seconds);
	n->end = p->last_end;
	return 0;
}

/* ---- anchored and smoothed ---------------------------------------------------------------------- */

/* The node's end stays where it was, as upstream. */
static int parse_extended(struct promql_parser *p, struct promql_node *n)
{
	bool anchored = promql__take(p).tok == PROMQL_TOK_ANCHORED;
	struct promql_selector *sel = n->kind == PROMQL_NODE_SELECTOR ? &n->selector
		: n->kind == PROMQL_NODE_MATRIX                       ? &n->matrix.selector->selector
								      : NULL;

	if (!sel)
		return promql__fail_at(p, n->start, "%s modifier %s", anchored ? "anchored" : "smoothed",
			n->kind == PROMQL_NODE_SUBQUERY ? "is not supported for subqueries" : "not implemented");
	if (anchored)
		sel->anchored = true;
	else
		sel->smoothed = true;
	if (sel->anchored && sel->smoothed)
		return promql__fail_at(p, n->start, "anchored and smoothed modifiers cannot be used together");
	return 0;
}

/* ---- ranges and subqueries ---------------------------------------------------------------------- */

static int make_range(
	struct promql_parser *p, size_t bracket, int64_t ms, const struct promql_dur *expr, struct promql_node **n)
{
	struct promql_node *sel = *n, *m;
	const char *why = NULL;
	int rc;

	if (sel->kind != PROMQL_NODE_SELECTOR)
		why = "ranges only allowed for vector selectors";
	else if (sel->selector.mod.offset_ms)
		why = "no offset modifiers allowed before range";
	else if (sel->selector.mod.at == PROMQL_AT_TIME)
		why = "no @ modifiers allowed before range";
	if (why)
		return promql__fail_at(p, bracket, "%s", why);
	m = promql__node(p, PROMQL_NODE_MATRIX, sel->start, p->last_end);
	if (!m)
		return promql__parse_nomem(p);
	if ((rc = promql__adopt(p, m, sel)) < 0)
		return rc;
	m->matrix.selector = sel;
	m->matrix.range_ms = ms;
	m->matrix.range_expr = expr;
	*n = m;
	return 0;
}

/* Behind the colon. */
static int parse_subquery(struct promql_parser *p, int64_t ms, const struct promql_dur *expr, struct promql_node **n)
{
	const struct promql_dur *step_expr = NULL;
	struct promql_node *sub;
	int64_t step_ms = 0;
	int t, rc;

	p->context = (struct promql_context){ "subquery selector", "number, duration, step(), range(), or \"]\"" };
	if ((t = promql__peek(p)) < 0)
		return t;
	if (t != PROMQL_TOK_RBRACKET) {
		if ((rc = promql__parse_range_duration(p, &step_ms, &step_expr)) < 0)
			return rc;
		p->context.expected = "\"]\"";
	}
	if ((rc = promql__expect(p, PROMQL_TOK_RBRACKET)) < 0)
		return rc;
	sub = promql__node(p, PROMQL_NODE_SUBQUERY, (*n)->start, p->last_end);
	if (!sub)
		return promql__parse_nomem(p);
	if ((rc = promql__adopt(p, sub, *n)) < 0)
		return rc;
	sub->subquery.expr = *n;
	sub->subquery.range_ms = ms;
	sub->subquery.range_expr = expr;
	sub->subquery.step_ms = step_ms;
	sub->subquery.step_expr = step_expr;
	*n = sub;
	return 0;
}

static int parse_bracket(struct promql_parser *p, struct promql_node **n)
{
	struct promql_context outer = p->context;
	struct promql_item bracket = promql__take(p);
	const struct promql_dur *expr;
	int64_t ms;
	int t, rc;

	p->context = (struct promql_context){ "subquery or range selector", "number, duration, step(), or range()" };
	if ((rc = promql__parse_range_duration(p, &ms, &expr)) < 0)
		return rc;
	p->context = (struct promql_context){ "subquery or range", "\":\" or \"]\"" };
	if ((t = promql__accept(p, PROMQL_TOK_COLON)) < 0)
		return t;
	if (t)
		rc = parse_subquery(p, ms, expr, n);
	else if ((rc = promql__expect(p, PROMQL_TOK_RBRACKET)) == 0)
		rc = make_range(p, bracket.start, ms, expr, n);
	p->context = outer;
	return rc;
}

int promql__parse_postfix(struct promql_parser *p, struct promql_node **n)
{
	int t, rc = 0;

	while (rc == 0 && (t = promql__peek(p)) >= 0) {
		switch (t) {
		case PROMQL_TOK_LBRACKET:
			rc = parse_bracket(p, n);
			break;
		case PROMQL_TOK_OFFSET:
			rc = parse_offset(p, *n);
			break;
		case PROMQL_TOK_AT:
			rc = parse_at(p, *n);
			break;
		case PROMQL_TOK_ANCHORED:
		case PROMQL_TOK_SMOOTHED:
			rc = parse_extended(p, *n);
			break;
		default:
			return 0;
		}
	}
	return rc < 0 ? rc : t;
}
