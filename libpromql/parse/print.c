/* print.c - an expression as canonical text: upstream's String(). What it prints parses to the same tree.
 *
 * It differs from upstream on purpose where upstream's text would read back as something else or not at all:
 *  - the negative base of a power in a duration, and a duration behind `offset` that has operators, get parentheses;
 *  - milliseconds are not cut (1s1ms to 1s);
 *  - an infinite base of a power has no sign;
 *  - the empty selector that info() allows is {}. */
#include "libpromql/parse/print.h"

#include "libpromql/parse/func.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <math.h>
#include <stdlib.h>

static void print_ms(struct pm_buf *b, int64_t ms)
{
	char text[64];

	if (ms < 0) {
		pm_buf_char(b, '-');
		ms = -ms; /* a duration is within 2^63 nanoseconds */
	}
	pm_buf_add(b, text, pm_duration_format(text, ms));
}

static void print_double(struct pm_buf *b, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];

	pm_buf_add(b, text, pm_double_format_f(text, v));
}

static void print_number(struct pm_buf *b, double v, bool is_duration)
{
	if (!is_duration) {
		print_double(b, v);
		return;
	}
	print_ms(b, llround(v * 1e3));
}

/* ---- durations ---------------------------------------------------------------------------------- */

static void print_dur(struct pm_buf *b, const struct promql_dur *d);

/* -5m ^ 2 would be read as -(5m ^ 2). */
static bool is_negative_base(const struct promql_dur *d)
{
	return d->op == PROMQL_DUR_POW && d->a->op == PROMQL_DUR_NUMBER && d->a->seconds < 0;
}

static void print_dur_infix(struct pm_buf *b, const struct promql_dur *d, const char *op)
{
	bool parens = is_negative_base(d);

	if (parens)
		pm_buf_char(b, '(');
	print_dur(b, d->a);
	if (parens)
		pm_buf_char(b, ')');
	pm_buf_fmt(b, " %s ", op);
	print_dur(b, d->b);
}

static void print_dur_of(struct pm_buf *b, const struct promql_dur *d, const char *name)
{
	pm_buf_fmt(b, "%s(", name);
	print_dur(b, d->a);
	pm_buf_cstr(b, ", ");
	print_dur(b, d->b);
	pm_buf_char(b, ')');
}

static void print_dur_bare(struct pm_buf *b, const struct promql_dur *d)
{
	const char *op = promql__dur_op_name(d->op);

	switch (d->op) {
	case PROMQL_DUR_NUMBER:
		print_number(b, d->seconds, d->is_duration);
		break;
	case PROMQL_DUR_NEG:
		pm_buf_char(b, '-');
		print_dur(b, d->a);
		break;
	case PROMQL_DUR_STEP:
	case PROMQL_DUR_RANGE:
		pm_buf_fmt(b, "%s()", op);
		break;
	case PROMQL_DUR_MIN_OF:
	case PROMQL_DUR_MAX_OF:
		print_dur_of(b, d, op);
		break;
	default:
		print_dur_infix(b, d, op);
	}
}

static void print_dur(struct pm_buf *b, const struct promql_dur *d)
{
	if (d->wrapped)
		pm_buf_char(b, '(');
	print_dur_bare(b, d);
	if (d->wrapped)
		pm_buf_char(b, ')');
}

const char *promql__dur_op_name(enum promql_dur_op op)
{
	static const char *const names[] = {
		[PROMQL_DUR_NUMBER] = "", [PROMQL_DUR_ADD] = "+", [PROMQL_DUR_SUB] = "-", [PROMQL_DUR_MUL] = "*",
		[PROMQL_DUR_DIV] = "/", [PROMQL_DUR_MOD] = "%", [PROMQL_DUR_POW] = "^", [PROMQL_DUR_NEG] = "-",
		[PROMQL_DUR_STEP] = "step", [PROMQL_DUR_RANGE] = "range", [PROMQL_DUR_MIN_OF] = "min_of",
		[PROMQL_DUR_MAX_OF] = "max_of",
	};

	return names[op];
}

/* Behind `offset` operators belong to the duration only when it begins with a parenthesis or two signs. */
static bool needs_parens(const struct promql_dur *d)
{
	bool infix = false;

	while (d->op >= PROMQL_DUR_ADD && d->op <= PROMQL_DUR_POW && !d->wrapped) {
		if (is_negative_base(d))
			return false;
		infix = true;
		d = d->a;
	}
	return infix && !d->wrapped && !(d->op == PROMQL_DUR_NEG && d->a->op == PROMQL_DUR_NEG);
}

/* ---- selectors ---------------------------------------------------------------------------------- */

static void print_at(struct pm_buf *b, const struct promql_modifiers *m)
{
	if (m->at == PROMQL_AT_TIME)
		pm_buf_fmt(b, " @ %.3f", (double)m->at_ms / 1000.0);
	else if (m->at != PROMQL_AT_NONE)
		pm_buf_fmt(b, " @ %s()", m->at == PROMQL_AT_START ? "start" : "end");
}

static void print_offset(struct pm_buf *b, const struct promql_modifiers *m)
{
	bool parens = m->offset_expr && needs_parens(m->offset_expr);

	if (!m->offset_expr && m->offset_ms == 0)
		return;
	pm_buf_cstr(b, parens ? " offset (" : " offset ");
	if (m->offset_expr)
		print_dur(b, m->offset_expr);
	else
		print_ms(b, m->offset_ms);
	if (parens)
		pm_buf_char(b, ')');
}

static void print_extended(struct pm_buf *b, const struct promql_selector *s)
{
	if (s->anchored)
		pm_buf_cstr(b, " anchored");
	else if (s->smoothed)
		pm_buf_cstr(b, " smoothed");
}

static bool is_plain_name(struct pm_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c != '_' && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return s.len > 0;
}

static void print_name(struct pm_buf *b, struct pm_str name)
{
	if (is_plain_name(name))
		pm_buf_str(b, name);
	else
		pm_quote(b, name);
}

static void print_matcher(struct pm_buf *b, const struct pm_matcher *m)
{
	static const char *const ops[] = { "=", "!=", "=~", "!~" };

	print_name(b, m->name);
	pm_buf_cstr(b, ops[m->type]);
	pm_quote(b, m->value);
}

/* The name's own matcher, which the name before the braces shows. */
static bool is_shown(const struct promql_selector *s, const struct pm_matcher *m)
{
	return m->type != PM_MATCH_EQ || m->value.len == 0 || !pm_str_eq(m->value, s->name) ||
		!pm_str_eq(m->name, PM_NAME_LABEL);
}

/* Where a matcher's text stands in the buffer that holds them all. */
struct piece {
	const char *const *base; /* the buffer's bytes, which may still move */
	size_t at, len;
};

static int cmp_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return pm_str_cmp((struct pm_str){ *x->base + x->at, x->len }, (struct pm_str){ *y->base + y->at, y->len });
}

/* Matchers are sorted by their text, as upstream does. */
static int print_matchers(struct pm_buf *b, const struct promql_selector *s)
{
	struct piece *pieces = pm_calloc(s->matcher_count + 1, sizeof *pieces);
	struct pm_buf texts = { 0 };
	const char *const *base = (const char *const *)&texts.ptr;
	size_t count = 0;
	int rc = pieces ? 0 : PM_ERR_NOMEM;

	for (size_t i = 0; pieces && i < s->matcher_count; i++) {
		size_t at = texts.len;

		if (!is_shown(s, &s->matchers[i]))
			continue;
		print_matcher(&texts, &s->matchers[i]);
		pieces[count++] = (struct piece){ base, at, texts.len - at };
	}
	if (rc == 0)
		rc = pm_buf_error(&texts);
	if (rc == 0 && count) {
		qsort(pieces, count, sizeof *pieces, cmp_pieces);
		for (size_t i = 0; i < count; i++) {
			pm_buf_char(b, i ? ',' : '{');
			pm_buf_add(b, texts.ptr + pieces[i].at, pieces[i].len);
		}
		pm_buf_char(b, '}');
	} else if (rc == 0 && s->name.len == 0) {
		pm_buf_cstr(b, "{}");
	}
	pm_buf_release(&texts);
	pm_free(pieces);
	return rc;
}

static void print_selector(struct pm_buf *b, const struct promql_selector *s)
{
	int rc;

	pm_buf_str(b, s->name);
	if ((rc = print_matchers(b, s)) < 0)
		b->error = rc; /* sticks, as if the buffer itself had failed */
}

static void print_vector(struct pm_buf *b, const struct promql_selector *s)
{
	print_selector(b, s);
	print_at(b, &s->mod);
	print_extended(b, s);
	print_offset(b, &s->mod);
}

static void print_matrix(struct pm_buf *b, const struct promql_node *n)
{
	const struct promql_selector *s = &n->matrix.selector->selector;

	print_selector(b, s);
	pm_buf_char(b, '[');
	if (n->matrix.range_expr)
		print_dur(b, n->matrix.range_expr);
	else
		print_ms(b, n->matrix.range_ms);
	pm_buf_char(b, ']');
	print_extended(b, s);
	print_at(b, &s->mod);
	print_offset(b, &s->mod);
}

void promql__print_subquery_suffix(struct pm_buf *b, const struct promql_node *n)
{
	pm_buf_char(b, '[');
	if (n->subquery.range_expr)
		print_dur(b, n->subquery.range_expr);
	else
		print_ms(b, n->subquery.range_ms);
	pm_buf_char(b, ':');
	if (n->subquery.step_expr)
		print_dur(b, n->subquery.step_expr);
	else if (n->subquery.step_ms)
		print_ms(b, n->subquery.step_ms);
	pm_buf_char(b, ']');
	print_at(b, &n->subquery.mod);
	print_offset(b, &n->subquery.mod);
}

/* ---- operators, calls, aggregations ------------------------------------------------------------- */

static void print_labels(struct pm_buf *b, const struct pm_str *v, size_t count)
{
	pm_buf_char(b, '(');
	for (size_t i = 0; i < count; i++) {
		if (i)
			pm_buf_cstr(b, ", ");
		print_name(b, v[i]);
	}
	pm_buf_char(b, ')');
}

static void print_fill_value(struct pm_buf *b, const char *name, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];

	pm_buf_fmt(b, " %s (", name);
	pm_buf_add(b, text, pm_double_format_g(text, v));
	pm_buf_char(b, ')');
}

static void print_fill(struct pm_buf *b, const struct promql_matching *m)
{
	if (m->fill_left_set && m->fill_right_set && m->fill_left == m->fill_right) {
		print_fill_value(b, "fill", m->fill_left);
		return;
	}
	if (m->fill_left_set)
		print_fill_value(b, "fill_left", m->fill_left);
	if (m->fill_right_set)
		print_fill_value(b, "fill_right", m->fill_right);
}

void promql__print_operator(struct pm_buf *b, const struct promql_node *n)
{
	const struct promql_matching *m = &n->binary.matching;
	bool grouped = m->card == PROMQL_MANY_TO_ONE || m->card == PROMQL_ONE_TO_MANY;

	pm_buf_cstr(b, promql__op_name(n->binary.op));
	if (n->binary.return_bool)
		pm_buf_cstr(b, " bool");
	if (m->label_count || m->on || grouped) {
		pm_buf_cstr(b, m->on ? " on " : " ignoring ");
		print_labels(b, m->labels, m->label_count);
	}
	if (grouped) {
		pm_buf_cstr(b, m->card == PROMQL_MANY_TO_ONE ? " group_left " : " group_right ");
		print_labels(b, m->include, m->include_count);
	}
	print_fill(b, m);
}

void promql__print_aggregator(struct pm_buf *b, const struct promql_node *n)
{
	pm_buf_cstr(b, promql__agg_name(n->agg.op));
	if (!n->agg.without && n->agg.grouping_count == 0)
		return;
	pm_buf_cstr(b, n->agg.without ? " without " : " by ");
	print_labels(b, n->agg.grouping, n->agg.grouping_count);
	pm_buf_char(b, ' ');
}

static void print_aggregate(struct pm_buf *b, const struct promql_node *n)
{
	promql__print_aggregator(b, n);
	pm_buf_char(b, '(');
	if (n->agg.param) {
		promql__print_node(b, n->agg.param);
		pm_buf_cstr(b, ", ");
	}
	promql__print_node(b, n->agg.expr);
	pm_buf_char(b, ')');
}

static void print_call(struct pm_buf *b, const struct promql_node *n)
{
	pm_buf_fmt(b, "%s(", n->call.func->name);
	for (size_t i = 0; i < n->call.arg_count; i++) {
		if (i)
			pm_buf_cstr(b, ", ");
		promql__print_node(b, n->call.args[i]);
	}
	pm_buf_char(b, ')');
}

static void print_binary(struct pm_buf *b, const struct promql_node *n)
{
	const struct promql_node *lhs = n->binary.lhs;

	if (n->binary.op == PROMQL_OP_POW && lhs->kind == PROMQL_NODE_NUMBER && isinf(lhs->number.v))
		pm_buf_cstr(b, "Inf"); /* the sign of "+Inf" would be read as one before the power */
	else
		promql__print_node(b, lhs);
	pm_buf_char(b, ' ');
	promql__print_operator(b, n);
	pm_buf_char(b, ' ');
	promql__print_node(b, n->binary.rhs);
}

void promql__print_node(struct pm_buf *b, const struct promql_node *n)
{
	if (pm_buf_error(b)) /* full: nothing more would be taken */
		return;
	switch (n->kind) {
	case PROMQL_NODE_NUMBER:
		print_number(b, n->number.v, n->number.is_duration);
		break;
	case PROMQL_NODE_STRING:
		pm_quote(b, n->string);
		break;
	case PROMQL_NODE_SELECTOR:
		print_vector(b, &n->selector);
		break;
	case PROMQL_NODE_MATRIX:
		print_matrix(b, n);
		break;
	case PROMQL_NODE_SUBQUERY:
		promql__print_node(b, n->subquery.expr);
		promql__print_subquery_suffix(b, n);
		break;
	case PROMQL_NODE_CALL:
		print_call(b, n);
		break;
	case PROMQL_NODE_AGGREGATE:
		print_aggregate(b, n);
		break;
	case PROMQL_NODE_BINARY:
		print_binary(b, n);
		break;
	case PROMQL_NODE_UNARY:
		pm_buf_char(b, n->unary.minus ? '-' : '+');
		promql__print_node(b, n->unary.expr);
		break;
	case PROMQL_NODE_PAREN:
		pm_buf_char(b, '(');
		promql__print_node(b, n->paren);
		pm_buf_char(b, ')');
	}
}

/* ---- the library's door ------------------------------------------------------------------------- */

char *promql__take_text(struct pm_buf *b)
{
	char *text = pm_buf_error(b) ? NULL : pm_buf_take(b, NULL);

	pm_buf_release(b);
	return text;
}

char *promql_print(const struct promql_expr *e)
{
	struct pm_buf b = { 0 };

	promql__print_node(&b, e->root);
	return promql__take_text(&b);
}
