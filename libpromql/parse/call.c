/* call.c - what stands in parentheses behind a word: arguments of calls and aggregations, labels of by, on and their
 * kin. */
#include "libpromql/parse/parser.h"

#include "libpromql/parse/func.h"
#include "libtsdb/base/utf8.h"

/* ---- lists -------------------------------------------------------------------------------------- */

struct list {
	struct promql_node **v;
	size_t count, cap;
};

/* ( a, b, ... ) */
static int parse_args(struct promql_parser *p, struct list *l)
{
	int t, rc = promql__expect(p, PROMQL_TOK_LPAREN);

	if (rc < 0)
		return rc;
	if ((t = promql__accept(p, PROMQL_TOK_RPAREN)) != 0)
		return t < 0 ? t : 0;
	for (;;) {
		struct promql_node **v = promql__room(p, l->v, l->count, &l->cap, sizeof *v);
		size_t comma;

		if (!v)
			return promql__parse_nomem(p);
		l->v = v;
		if ((rc = promql__parse_expr(p, 0, &l->v[l->count])) < 0)
			return rc;
		l->count++;
		if ((t = promql__accept(p, PROMQL_TOK_COMMA)) < 0)
			return t;
		if (t == 0)
			return promql__expect(p, PROMQL_TOK_RPAREN);
		comma = p->last_end - 1;
		if ((t = promql__peek(p)) < 0)
			return t;
		if (!promql__starts_expr((enum promql_tok)t))
			return promql__fail_at(p, comma, "trailing commas not allowed in function call args");
	}
}

/* Keywords can be labels, all but `without`: upstream's grammar. */
static bool is_label_token(int t)
{
	if (t == PROMQL_TOK_WITHOUT)
		return false;
	return promql__is_metric_name((enum promql_tok)t) || t == PROMQL_TOK_BOOL || t == PROMQL_TOK_ON ||
	       t == PROMQL_TOK_IGNORING || t == PROMQL_TOK_GROUP_LEFT || t == PROMQL_TOK_GROUP_RIGHT ||
	       t == PROMQL_TOK_ATAN2;
}

static int parse_label(struct promql_parser *p, struct pm_str *ret)
{
	char quoted[PROMQL_QUOTED_MAX];
	int t = promql__peek(p), rc;

	if (t < 0)
		return t;
	if (t != PROMQL_TOK_STRING && !is_label_token(t))
		return promql__unexpected(p);
	*ret = promql__take(p).text;
	if (t == PROMQL_TOK_STRING && (rc = promql__unquote(p, *ret, ret)) < 0)
		return rc;
	if (ret->len == 0 || !pm_utf8_valid(*ret))
		return promql__fail_at(p, p->item.start, "invalid label name for grouping: %s",
			pm_quote_fixed(quoted, sizeof quoted, *ret));
	return 0;
}

int promql__parse_labels(struct promql_parser *p, const struct pm_str **ret, size_t *ret_count)
{
	struct promql_context outer = p->context;
	struct pm_str *v = NULL;
	size_t count = 0, cap = 0;
	int t, rc;

	p->context = (struct promql_context){ "grouping opts", "\"(\"" };
	if ((rc = promql__expect(p, PROMQL_TOK_LPAREN)) < 0)
		return rc;
	for (t = 1; t > 0;) {
		p->context.expected = "label";
		if ((t = promql__peek(p)) < 0)
			return t;
		if (t == PROMQL_TOK_RPAREN)
			break;
		if (!(v = promql__room(p, v, count, &cap, sizeof *v)))
			return promql__parse_nomem(p);
		if ((rc = parse_label(p, &v[count])) < 0)
			return rc;
		count++;
		p->context.expected = "\",\" or \")\"";
		if ((t = promql__accept(p, PROMQL_TOK_COMMA)) < 0)
			return t;
	}
	if ((rc = promql__expect(p, PROMQL_TOK_RPAREN)) < 0)
		return rc;
	p->context = outer;
	*ret = v;
	*ret_count = count;
	return 0;
}

/* ---- calls and aggregations --------------------------------------------------------------------- */

static int adopt_all(struct promql_parser *p, struct promql_node *n, const struct list *l)
{
	int rc = 0;

	for (size_t i = 0; i < l->count && rc == 0; i++)
		rc = promql__adopt(p, n, l->v[i]);
	return rc;
}

int promql__parse_call(struct promql_parser *p, struct promql_item name, struct promql_node **ret)
{
	const struct promql_func *f = promql__func_find(name.text);
	struct list args = { 0 };
	struct promql_node *n;
	char quoted[PROMQL_QUOTED_MAX];
	int rc = parse_args(p, &args);

	if (rc < 0)
		return rc;
	if (!f)
		return promql__fail_at(p, name.start, "unknown function with name %s",
			pm_quote_fixed(quoted, sizeof quoted, name.text));
	n = promql__node(p, PROMQL_NODE_CALL, name.start, p->last_end);
	if (!n)
		return promql__parse_nomem(p);
	n->call.func = f;
	n->call.args = args.v;
	n->call.arg_count = args.count;
	*ret = n;
	return adopt_all(p, n, &args);
}

static bool has_param(enum promql_agg op)
{
	return op >= PROMQL_AGG_TOPK;
}

/* by (...) or without (...): 1 when there was one. */
static int parse_grouping(struct promql_parser *p, struct promql_node *n)
{
	int t = promql__peek(p), rc;

	if (t != PROMQL_TOK_BY && t != PROMQL_TOK_WITHOUT)
		return t < 0 ? t : 0;
	promql__take(p);
	n->agg.without = t == PROMQL_TOK_WITHOUT;
	rc = promql__parse_labels(p, &n->agg.grouping, &n->agg.grouping_count);
	return rc < 0 ? rc : 1;
}

static int take_args(struct promql_parser *p, struct promql_node *n, const struct list *args)
{
	size_t want = has_param(n->agg.op) ? 2 : 1;

	if (args->count == 0)
		return promql__fail_at(p, n->start, "no arguments for aggregate expression provided");
	if (args->count != want)
		return promql__fail_at(p, n->start,
			"wrong number of arguments for aggregate expression provided, expected %zu, got %zu", want,
			args->count);
	n->agg.expr = args->v[want - 1];
	if (want == 2)
		n->agg.param = args->v[0];
	return adopt_all(p, n, args);
}

int promql__parse_aggregate(struct promql_parser *p, struct promql_item op, struct promql_node **ret)
{
	struct promql_context outer = p->context;
	struct promql_node *n = promql__node(p, PROMQL_NODE_AGGREGATE, op.start, 0);
	struct list args = { 0 };
	int grouped, rc;

	if (!n)
		return promql__parse_nomem(p);
	n->agg.op = (enum promql_agg)(op.tok - PROMQL_TOK_SUM);
	p->context = (struct promql_context){ "aggregation", NULL };
	if ((grouped = parse_grouping(p, n)) < 0)
		return grouped;
	if ((rc = parse_args(p, &args)) < 0)
		return rc;
	if (!grouped && (rc = parse_grouping(p, n)) < 0)
		return rc;
	p->context = outer;
	n->end = p->last_end;
	*ret = n;
	return take_args(p, n, &args);
}
