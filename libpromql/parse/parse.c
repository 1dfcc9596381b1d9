/* parse.c - expressions: operands, operators, calls and aggregations; and the library's entry point. */
#include "libpromql/parse/parser.h"

#include "libpromql/parse/func.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/utf8.h"

enum { DEPTH_MAX = 256, BYTES_MAX = 1 << 20, ARENA_BASE = 1 << 20, ARENA_PER_BYTE = 512 };

/* Height of the tree, in multiples of the nesting: a chain such as a + b + c + ... nests not at all, but its tree leans left. */
enum { HEIGHT_FACTOR = 4 };

/* ---- tokens ------------------------------------------------------------------------------------- */

void promql__parser_init(struct promql_parser *p, struct pm_arena *arena, struct pm_str text, struct pm_error *err)
{
	*p = (struct promql_parser){ .arena = arena, .err = err, .depth_max = DEPTH_MAX };
	p->lex.in = text;
	p->lex.err = err;
}

int promql__peek(struct promql_parser *p)
{
	if (p->failed)
		return p->failed;
	if (!p->ready) {
		p->failed = promql__lex(&p->lex, &p->item);
		if (p->failed)
			return p->failed;
		p->ready = true;
	}
	return (int)p->item.tok;
}

struct promql_item promql__take(struct promql_parser *p)
{
	p->ready = false;
	p->last_end = p->item.start + p->item.text.len;
	return p->item;
}

int promql__accept(struct promql_parser *p, enum promql_tok tok)
{
	int t = promql__peek(p);

	if (t != (int)tok)
		return t < 0 ? t : 0;
	promql__take(p);
	return 1;
}

int promql__expect(struct promql_parser *p, enum promql_tok tok)
{
	int rc = promql__accept(p, tok);

	return rc == 1 ? 0 : rc < 0 ? rc : promql__unexpected(p);
}

int promql__unexpected(struct promql_parser *p)
{
	const struct promql_context *c = &p->context;
	char what[PROMQL_QUOTED_MAX + 64];

	return promql__fail_at(p, p->item.start, "unexpected %s%s%s%s%s", promql__describe(what, sizeof what, &p->item),
		c->in ? " in " : "", c->in ? c->in : "", c->expected ? ", expected " : "", c->expected ? c->expected : "");
}

int promql__too_deep(struct promql_parser *p)
{
	return promql__parse_error(p->err, PM_ERR_LIMIT, p->lex.in, p->last_end, "nested more than %zu levels deep",
		p->depth_max);
}

int promql__parse_nomem(struct promql_parser *p)
{
	return pm_fail(p->err, PM_ERR_NOMEM, "out of memory while parsing a query");
}

/* ---- nodes -------------------------------------------------------------------------------------- */

struct promql_node *promql__node(struct promql_parser *p, enum promql_node_kind kind, size_t start, size_t end)
{
	struct promql_node *n = pm_arena_zalloc(p->arena, sizeof *n);

	if (n) {
		n->kind = kind;
		n->height = 1;
		n->start = start;
		n->end = end;
	}
	return n;
}

int promql__adopt(struct promql_parser *p, struct promql_node *n, const struct promql_node *child)
{
	if (child->height >= n->height)
		n->height = child->height + 1;
	if (n->height <= p->depth_max * HEIGHT_FACTOR)
		return 0;
	return promql__parse_error(p->err, PM_ERR_LIMIT, p->lex.in, p->last_end,
		"more than %zu operators and calls inside one another", p->depth_max * HEIGHT_FACTOR);
}

void *promql__room(struct promql_parser *p, void *v, size_t count, size_t *cap, size_t elem_size)
{
	size_t want = *cap ? *cap * 2 : 4;
	void *bigger;

	if (count < *cap)
		return v;
	bigger = pm_arena_array(p->arena, want, elem_size);
	if (!bigger)
		return NULL;
	if (count)
		memcpy(bigger, v, count * elem_size);
	*cap = want;
	return bigger;
}

/* ---- lists -------------------------------------------------------------------------------------- */

struct list {
	struct promql_node **v;
	size_t count, cap;
};

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
		t == PROMQL_TOK_IGNORING || t == PROMQL_TOK_GROUP_LEFT || t == PROMQL_TOK_GROUP_RIGHT || t == PROMQL_TOK_ATAN2;
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

/* The name has been taken and a parenthesis is at hand. */
static int parse_call(struct promql_parser *p, struct promql_item name, struct promql_node **ret)
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
			"wrong number of arguments for aggregate expression provided, expected %zu, got %zu", want, args->count);
	n->agg.expr = args->v[want - 1];
	if (want == 2)
		n->agg.param = args->v[0];
	return adopt_all(p, n, args);
}

/* The operator has been taken; by, without or a parenthesis is at hand. */
static int parse_aggregate(struct promql_parser *p, struct promql_item op, struct promql_node **ret)
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

/* ---- operands ----------------------------------------------------------------------------------- */

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
		return parse_aggregate(p, word, ret);
	if (t == PROMQL_TOK_LPAREN && (word.tok == PROMQL_TOK_IDENT || word.tok >= PROMQL_TOK_START))
		return parse_call(p, word, ret);
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

/* ---- the library's door ------------------------------------------------------------------------- */

static int parse_all(struct promql_parser *p, struct promql_node **ret)
{
	int t = promql__peek(p), rc;

	if (t < 0)
		return t;
	if (t == PROMQL_TOK_EOF)
		return promql__fail_at(p, 0, "no expression found in input");
	if ((rc = promql__parse_expr(p, 0, ret)) < 0)
		return rc;
	return promql__expect(p, PROMQL_TOK_EOF);
}

static int parse_into(struct promql_expr *e, size_t depth_max, struct pm_error *err)
{
	struct promql_parser p;
	int rc;

	promql__parser_init(&p, &e->arena, e->text, err);
	if (depth_max)
		p.depth_max = depth_max;
	if ((rc = parse_all(&p, &e->root)) < 0)
		return rc;
	return promql__check_tree(e->text, e->root, err);
}

int promql_parse(struct pm_str text, const struct promql_parse_opts *opts, struct promql_expr **ret, struct pm_error *err)
{
	size_t bytes_max = opts && opts->bytes_max ? opts->bytes_max : BYTES_MAX;
	struct promql_expr *e;
	int rc;

	if (text.len > bytes_max)
		return pm_fail(err, PM_ERR_LIMIT, "the query has %zu bytes, more than the limit of %zu", text.len, bytes_max);
	e = pm_calloc(1, sizeof *e);
	if (!e)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory while parsing a query");
	pm_arena_init(&e->arena, ARENA_BASE + text.len * ARENA_PER_BYTE);
	e->text = pm_arena_str(&e->arena, text);
	rc = e->text.ptr ? parse_into(e, opts ? opts->depth_max : 0, err)
			 : pm_fail(err, PM_ERR_NOMEM, "out of memory while parsing a query");
	if (rc < 0) {
		promql_expr_free(e);
		return rc;
	}
	*ret = e;
	return 0;
}

void promql_expr_free(struct promql_expr *e)
{
	if (!e)
		return;
	pm_arena_release(&e->arena);
	pm_free(e);
}

enum promql_type promql_expr_type(const struct promql_expr *e)
{
	return e->root->type;
}

struct pm_str promql_expr_text(const struct promql_expr *e)
{
	return e->text;
}
