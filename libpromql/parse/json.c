/* json.c - the tree as /api/v1/parse_query gives it: an object a node, keys sorted, as upstream's translate_ast.go
 * through Go's encoder prints them. */
#include "libpromql/parse/print.h"

#include "libpromql/parse/func.h"
#include "libtsdb/base/json_out.h"
#include "libtsdb/base/num.h"

#include <math.h>

static void put_node(struct pm_json *j, const struct promql_node *n);

static void key(struct pm_json *j, const char *name)
{
	pm_json_key(j, pm_str(name));
}

static void put_text(struct pm_json *j, const char *name, const char *value)
{
	key(j, name);
	pm_json_cstr(j, value);
}

static void put_flag(struct pm_json *j, const char *name, bool v)
{
	key(j, name);
	pm_json_bool(j, v);
}

static void put_int(struct pm_json *j, const char *name, int64_t v)
{
	key(j, name);
	pm_json_int(j, v);
}

static void put_child(struct pm_json *j, const char *name, const struct promql_node *n)
{
	key(j, name);
	if (n)
		put_node(j, n);
	else
		pm_json_null(j);
}

static void put_strings(struct pm_json *j, const char *name, const struct pm_str *v, size_t count)
{
	key(j, name);
	pm_json_array(j);
	for (size_t i = 0; i < count; i++)
		pm_json_str(j, v[i]);
	pm_json_array_end(j);
}

/* Numbers are strings here, so that NaN and infinities have a form. */
static void put_number(struct pm_json *j, const char *name, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];

	key(j, name);
	pm_json_str(j, (struct pm_str){ text, pm_double_format_f(text, v) });
}

/* ---- durations, selectors ----------------------------------------------------------------------- */

static void put_dur(struct pm_json *j, const char *name, const struct promql_dur *d)
{
	bool negated;

	key(j, name);
	if (!d) {
		pm_json_null(j);
		return;
	}
	pm_json_object(j);
	if (d->op == PROMQL_DUR_NUMBER) {
		put_flag(j, "duration", d->is_duration);
		put_text(j, "type", "numberLiteral");
		put_number(j, "val", d->seconds);
		pm_json_object_end(j);
		return;
	}
	negated = d->op == PROMQL_DUR_NEG; /* upstream: an operator without left-hand side */
	put_dur(j, "lhs", negated ? NULL : d->a);
	put_text(j, "op", promql__dur_op_name(d->op));
	put_dur(j, "rhs", negated ? d->a : d->b);
	put_text(j, "type", "durationExpr");
	put_flag(j, "wrapped", d->wrapped);
	pm_json_object_end(j);
}

static void put_matchers(struct pm_json *j, const struct promql_selector *s)
{
	static const char *const types[] = { "=", "!=", "=~", "!~" };

	key(j, "matchers");
	pm_json_array(j);
	for (size_t i = 0; i < s->matcher_count; i++) {
		pm_json_object(j);
		key(j, "name");
		pm_json_str(j, s->matchers[i].name);
		put_text(j, "type", types[s->matchers[i].type]);
		key(j, "value");
		pm_json_str(j, s->matchers[i].value);
		pm_json_object_end(j);
	}
	pm_json_array_end(j);
}

static void put_offset(struct pm_json *j, const struct promql_modifiers *m)
{
	put_int(j, "offset", m->offset_ms);
	put_dur(j, "offsetExpr", m->offset_expr);
}

static void put_start_or_end(struct pm_json *j, const struct promql_modifiers *m)
{
	key(j, "startOrEnd");
	if (m->at == PROMQL_AT_START || m->at == PROMQL_AT_END)
		pm_json_cstr(j, m->at == PROMQL_AT_START ? "start" : "end");
	else
		pm_json_null(j);
}

static void put_timestamp(struct pm_json *j, const struct promql_modifiers *m)
{
	key(j, "timestamp");
	if (m->at == PROMQL_AT_TIME)
		pm_json_int(j, m->at_ms);
	else
		pm_json_null(j);
}

/* A selector, or with `matrix` the range around it. */
static void put_selector(struct pm_json *j, const struct promql_selector *s, const struct promql_node *matrix)
{
	put_flag(j, "anchored", s->anchored);
	put_matchers(j, s);
	key(j, "name");
	pm_json_str(j, s->name);
	put_offset(j, &s->mod);
	if (matrix) {
		put_int(j, "range", matrix->matrix.range_ms);
		put_dur(j, "rangeExpr", matrix->matrix.range_expr);
	}
	put_flag(j, "smoothed", s->smoothed);
	put_start_or_end(j, &s->mod);
	put_timestamp(j, &s->mod);
	put_text(j, "type", matrix ? "matrixSelector" : "vectorSelector");
}

static void put_subquery(struct pm_json *j, const struct promql_node *n)
{
	put_child(j, "expr", n->subquery.expr);
	put_offset(j, &n->subquery.mod);
	put_int(j, "range", n->subquery.range_ms);
	put_dur(j, "rangeExpr", n->subquery.range_expr);
	put_start_or_end(j, &n->subquery.mod);
	put_int(j, "step", n->subquery.step_ms);
	put_dur(j, "stepExpr", n->subquery.step_expr);
	put_timestamp(j, &n->subquery.mod);
	put_text(j, "type", "subquery");
}

/* ---- operators, calls, aggregations ------------------------------------------------------------- */

static void put_fill(struct pm_json *j, const char *name, bool set, double v)
{
	key(j, name);
	if (set && isfinite(v))
		pm_json_double(j, v);
	else
		pm_json_null(j);
}

static void put_matching(struct pm_json *j, const struct promql_node *n)
{
	static const char *const cards[] = { "one-to-one", "many-to-one", "one-to-many", "many-to-many" };
	const struct promql_matching *m = &n->binary.matching;

	key(j, "matching");
	if (n->binary.lhs->type != PROMQL_VECTOR || n->binary.rhs->type != PROMQL_VECTOR) {
		pm_json_null(j);
		return;
	}
	pm_json_object(j);
	put_text(j, "card", cards[m->card]);
	key(j, "fillValues");
	pm_json_object(j);
	put_fill(j, "lhs", m->fill_left_set, m->fill_left);
	put_fill(j, "rhs", m->fill_right_set, m->fill_right);
	pm_json_object_end(j);
	put_strings(j, "include", m->include, m->include_count);
	put_strings(j, "labels", m->labels, m->label_count);
	put_flag(j, "on", m->on);
	pm_json_object_end(j);
}

static void put_binary(struct pm_json *j, const struct promql_node *n)
{
	put_flag(j, "bool", n->binary.return_bool);
	put_child(j, "lhs", n->binary.lhs);
	put_matching(j, n);
	put_text(j, "op", promql__op_name(n->binary.op));
	put_child(j, "rhs", n->binary.rhs);
	put_text(j, "type", "binaryExpr");
}

static void put_aggregate(struct pm_json *j, const struct promql_node *n)
{
	put_child(j, "expr", n->agg.expr);
	put_strings(j, "grouping", n->agg.grouping, n->agg.grouping_count);
	put_text(j, "op", promql__agg_name(n->agg.op));
	put_child(j, "param", n->agg.param);
	put_text(j, "type", "aggregation");
	put_flag(j, "without", n->agg.without);
}

static void put_call(struct pm_json *j, const struct promql_node *n)
{
	const struct promql_func *f = n->call.func;

	key(j, "args");
	pm_json_array(j);
	for (size_t i = 0; i < n->call.arg_count; i++)
		put_node(j, n->call.args[i]);
	pm_json_array_end(j);
	key(j, "func");
	pm_json_object(j);
	key(j, "argTypes");
	pm_json_array(j);
	for (size_t i = 0; i < f->arg_count; i++)
		pm_json_cstr(j, promql_type_name(f->args[i]));
	pm_json_array_end(j);
	put_text(j, "name", f->name);
	put_text(j, "returnType", promql_type_name(f->ret));
	put_int(j, "variadic", f->variadic);
	pm_json_object_end(j);
	put_text(j, "type", "call");
}

static void put_unary(struct pm_json *j, const struct promql_node *n)
{
	put_child(j, "expr", n->unary.expr);
	put_text(j, "op", n->unary.minus ? "-" : "+");
	put_text(j, "type", "unaryExpr");
}

static void put_node(struct pm_json *j, const struct promql_node *n)
{
	pm_json_object(j);
	switch (n->kind) {
	case PROMQL_NODE_NUMBER:
		put_text(j, "type", "numberLiteral");
		put_number(j, "val", n->number.v);
		break;
	case PROMQL_NODE_STRING:
		put_text(j, "type", "stringLiteral");
		key(j, "val");
		pm_json_str(j, n->string);
		break;
	case PROMQL_NODE_SELECTOR:
		put_selector(j, &n->selector, NULL);
		break;
	case PROMQL_NODE_MATRIX:
		put_selector(j, &n->matrix.selector->selector, n);
		break;
	case PROMQL_NODE_SUBQUERY:
		put_subquery(j, n);
		break;
	case PROMQL_NODE_CALL:
		put_call(j, n);
		break;
	case PROMQL_NODE_AGGREGATE:
		put_aggregate(j, n);
		break;
	case PROMQL_NODE_BINARY:
		put_binary(j, n);
		break;
	case PROMQL_NODE_UNARY:
		put_unary(j, n);
		break;
	case PROMQL_NODE_PAREN:
		put_child(j, "expr", n->paren);
		put_text(j, "type", "parenExpr");
	}
	pm_json_object_end(j);
}

char *promql_ast_json(const struct promql_expr *e)
{
	struct pm_buf b = { 0 };
	struct pm_json j;

	pm_json_init(&j, &b);
	put_node(&j, e->root);
	return promql__take_text(&b);
}
