/* selector.c - vector selectors: a metric's name, matchers in braces, or both. */
#include "libpromql/parse/parser.h"

struct matchers {
	struct pm_matcher *v;
	size_t count, cap;
};

bool promql__is_metric_name(enum promql_tok tok)
{
	switch (tok) {
	case PROMQL_TOK_IDENT:
	case PROMQL_TOK_METRIC:
	case PROMQL_TOK_AND:
	case PROMQL_TOK_OR:
	case PROMQL_TOK_UNLESS:
	case PROMQL_TOK_BY:
	case PROMQL_TOK_WITHOUT:
	case PROMQL_TOK_OFFSET:
	case PROMQL_TOK_ANCHORED:
	case PROMQL_TOK_SMOOTHED:
	case PROMQL_TOK_FILL:
	case PROMQL_TOK_FILL_LEFT:
	case PROMQL_TOK_FILL_RIGHT:
		return true;
	default:
		return promql__is_agg(tok) || (tok >= PROMQL_TOK_START && tok <= PROMQL_TOK_MIN_OF);
	}
}

static int add_matcher(struct promql_parser *p, struct matchers *ms, struct pm_matcher m)
{
	struct pm_matcher *v = promql__room(p, ms->v, ms->count, &ms->cap, sizeof *v);

	if (!v)
		return promql__parse_nomem(p);
	ms->v = v;
	ms->v[ms->count++] = m;
	return 0;
}

static int match_type(int tok)
{
	switch (tok) {
	case PROMQL_TOK_EQL:
		return PM_MATCH_EQ;
	case PROMQL_TOK_NEQ:
		return PM_MATCH_NE;
	case PROMQL_TOK_EQL_REGEX:
		return PM_MATCH_RE;
	case PROMQL_TOK_NEQ_REGEX:
		return PM_MATCH_NRE;
	default:
		return -1;
	}
}

/* Behind the name: operator and value. A string alone is the metric's name. */
static int parse_matcher_rest(struct promql_parser *p, struct matchers *ms, const struct promql_item *name)
{
	struct pm_matcher m = { .type = PM_MATCH_EQ, .name = name->text };
	bool quoted = name->tok == PROMQL_TOK_STRING;
	int t = promql__peek(p), type = match_type(t), rc;

	if (t < 0)
		return t;
	if (quoted && (rc = promql__unquote(p, name->text, &m.name)) < 0)
		return rc;
	if (type < 0) {
		if (!quoted) {
			p->context.expected = "label matching operator";
			return promql__unexpected(p);
		}
		m.value = m.name;
		m.name = PM_NAME_LABEL;
		return add_matcher(p, ms, m);
	}
	m.type = (enum pm_match_type)type;
	promql__take(p);
	p->context.expected = "string";
	if ((t = promql__peek(p)) != PROMQL_TOK_STRING)
		return t < 0 ? t : promql__unexpected(p);
	if ((rc = promql__unquote(p, promql__take(p).text, &m.value)) < 0 ||
		(rc = promql__check_regex(p, &m, name->start)) < 0)
		return rc;
	return add_matcher(p, ms, m);
}

/* The brace is at hand. */
static int parse_matchers(struct promql_parser *p, struct matchers *ms)
{
	struct promql_context outer = p->context;
	int t, rc;

	promql__take(p);
	for (;;) {
		struct promql_item name;

		p->context = (struct promql_context){ "label matching", "identifier or \"}\"" };
		t = promql__peek(p);
		if (t == PROMQL_TOK_RBRACE)
			break;
		if (t != PROMQL_TOK_IDENT && t != PROMQL_TOK_STRING)
			return t < 0 ? t : promql__unexpected(p);
		name = promql__take(p);
		if ((rc = parse_matcher_rest(p, ms, &name)) < 0)
			return rc;
		p->context.expected = "\",\" or \"}\"";
		if ((t = promql__accept(p, PROMQL_TOK_COMMA)) < 0)
			return t;
		if (t == 0)
			break;
	}
	rc = promql__expect(p, PROMQL_TOK_RBRACE);
	p->context = outer;
	return rc;
}

int promql__parse_selector(struct promql_parser *p, const struct promql_item *name, struct promql_node **ret)
{
	size_t start = name ? name->start : p->item.start;
	struct matchers ms = { 0 };
	struct promql_node *n;
	int t = promql__peek(p), rc;

	if (t != PROMQL_TOK_LBRACE && (t < 0 || !name))
		return t < 0 ? t : promql__unexpected(p);
	if (t == PROMQL_TOK_LBRACE && (rc = parse_matchers(p, &ms)) < 0)
		return rc;
	if (name) {
		struct pm_matcher m = { .type = PM_MATCH_EQ, .name = PM_NAME_LABEL, .value = name->text };

		if ((rc = add_matcher(p, &ms, m)) < 0)
			return rc;
	}
	n = promql__node(p, PROMQL_NODE_SELECTOR, start, p->last_end);
	if (!n)
		return promql__parse_nomem(p);
	n->selector.name = name ? name->text : (struct pm_str){ 0 };
	n->selector.matchers = ms.v;
	n->selector.matcher_count = ms.count;
	*ret = n;
	return 0;
}
