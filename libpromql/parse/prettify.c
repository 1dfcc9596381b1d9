/* prettify.c - an expression over several lines: upstream's Prettify(). A node whose one-line text is longer than a
 * line is broken and its parts are indented by one more level. */
#include "libpromql/parse/print.h"

#include "libpromql/parse/func.h"

/* Deep nesting makes indentation outweigh the text many times: the output has a limit of its own. */
enum { LINE_MAX_CHARS = 100, INDENT = 2, OUTPUT_MAX = 64 << 20 };

static void pretty(struct pm_buf *b, const struct promql_node *n, unsigned level);
static void pretty_body(struct pm_buf *b, const struct promql_node *n, unsigned level);

static void indent(struct pm_buf *b, unsigned level)
{
	for (unsigned i = 0; i < level * INDENT; i++)
		pm_buf_char(b, ' ');
}

/* Append the node on one line when that fits. `b` may be NULL to only ask. A limit stops a long text early. */
static bool one_line(struct pm_buf *b, const struct promql_node *n)
{
	struct pm_buf line;
	bool fits;

	pm_buf_init(&line, LINE_MAX_CHARS);
	promql__print_node(&line, n);
	fits = pm_buf_error(&line) != PM_ERR_LIMIT;
	if (b && fits && pm_buf_error(&line))
		b->error = pm_buf_error(&line);
	else if (b && fits)
		pm_buf_str(b, pm_buf_view(&line));
	pm_buf_release(&line);
	return fits;
}

static void pretty_list(struct pm_buf *b, struct promql_node *const *v, size_t count, unsigned level)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			pm_buf_cstr(b, ",\n");
		pretty(b, v[i], level);
	}
}

static void close_parens(struct pm_buf *b, unsigned level)
{
	pm_buf_char(b, '\n');
	indent(b, level);
	pm_buf_char(b, ')');
}

static void pretty_aggregate(struct pm_buf *b, const struct promql_node *n, unsigned level)
{
	promql__print_aggregator(b, n);
	pm_buf_cstr(b, "(\n");
	if (n->agg.param) {
		pretty(b, n->agg.param, level + 1);
		pm_buf_cstr(b, ",\n");
	}
	pretty(b, n->agg.expr, level + 1);
	close_parens(b, level);
}

static void pretty_call(struct pm_buf *b, const struct promql_node *n, unsigned level)
{
	pm_buf_fmt(b, "%s(\n", n->call.func->name);
	pretty_list(b, n->call.args, n->call.arg_count, level + 1);
	close_parens(b, level);
}

static void pretty_paren(struct pm_buf *b, const struct promql_node *n, unsigned level)
{
	pm_buf_cstr(b, "(\n");
	pretty(b, n->paren, level + 1);
	close_parens(b, level);
}

static void pretty_binary(struct pm_buf *b, const struct promql_node *n, unsigned level)
{
	pretty_body(b, n->binary.lhs, level + 1);
	pm_buf_char(b, '\n');
	indent(b, level);
	promql__print_operator(b, n);
	pm_buf_char(b, '\n');
	pretty(b, n->binary.rhs, level + 1);
}

/* Without the indentation of the first line. */
static void pretty_body(struct pm_buf *b, const struct promql_node *n, unsigned level)
{
	if (n->kind == PROMQL_NODE_UNARY) {
		pm_buf_char(b, n->unary.minus ? '-' : '+');
		pretty_body(b, n->unary.expr, level);
		return;
	}
	if (one_line(b, n))
		return;
	switch (n->kind) {
	case PROMQL_NODE_AGGREGATE:
		pretty_aggregate(b, n, level);
		break;
	case PROMQL_NODE_CALL:
		pretty_call(b, n, level);
		break;
	case PROMQL_NODE_PAREN:
		pretty_paren(b, n, level);
		break;
	case PROMQL_NODE_BINARY:
		pretty_binary(b, n, level);
		break;
	case PROMQL_NODE_SUBQUERY:
		pretty_body(b, n->subquery.expr, level);
		promql__print_subquery_suffix(b, n);
		break;
	default: /* leaves stay whole however long they are */
		promql__print_node(b, n);
	}
}

/* How far the first line of a node is indented: a broken operator begins with its left-hand side, one level further in,
 * and a subquery that fits on its line is not indented (an oddity of upstream). */
static unsigned first_indent(const struct promql_node *n, unsigned level)
{
	for (;;) {
		if (n->kind == PROMQL_NODE_BINARY && !one_line(NULL, n)) {
			n = n->binary.lhs;
			level++;
		} else if (n->kind == PROMQL_NODE_SUBQUERY) {
			if (one_line(NULL, n))
				return 0;
			n = n->subquery.expr;
		} else {
			return level;
		}
	}
}

static void pretty(struct pm_buf *b, const struct promql_node *n, unsigned level)
{
	indent(b, first_indent(n, level));
	pretty_body(b, n, level);
}

char *promql_prettify(const struct promql_expr *e)
{
	struct pm_buf b;

	pm_buf_init(&b, OUTPUT_MAX);
	pretty(&b, e->root, 0);
	return promql__take_text(&b);
}
