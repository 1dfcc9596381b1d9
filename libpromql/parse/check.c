/* check.c - types of a parsed tree and the rules that go beyond grammar, in upstream's order, since the first error is
 * the one that is shown (checkAST of promql/parser/parse.go). Recursion is bounded by the tree's height, which the
 * parser limits. */
#include "libpromql/parse/func.h"
#include "libpromql/parse/parser.h"
#include "libtsdb/base/utf8.h"

struct check {
	struct pm_str text;
	struct pm_error *err;
};

#define FAIL(c, pos, ...) promql__parse_error((c)->err, PM_ERR_INVALID, (c)->text, (pos), __VA_ARGS__)

static int check_node(struct check *c, struct promql_node *n);

/* Types as the documentation calls them. */
static const char *type_words(enum promql_type t)
{
	return t == PROMQL_VECTOR ? "instant vector" : t == PROMQL_MATRIX ? "range vector" : promql_type_name(t);
}

static bool is_scalar_or_vector(const struct promql_node *n)
{
	return n->type == PROMQL_SCALAR || n->type == PROMQL_VECTOR;
}

/* ---- aggregations ------------------------------------------------------------------------------- */

static int expect_type(struct check *c, struct promql_node *n, enum promql_type want, const char *where)
{
	int rc = check_node(c, n);

	if (rc < 0 || n->type == want)
		return rc;
	return FAIL(c, n->start, "expected type %s in %s, got %s", type_words(want), where, type_words(n->type));
}

static int check_aggregate(struct check *c, struct promql_node *n)
{
	enum promql_type want = n->agg.op == PROMQL_AGG_COUNT_VALUES ? PROMQL_STRING : PROMQL_SCALAR;
	int rc;

	n->type = PROMQL_VECTOR;
	if ((rc = expect_type(c, n->agg.expr, PROMQL_VECTOR, "aggregation expression")) < 0 || !n->agg.param)
		return rc;
	return expect_type(c, n->agg.param, want, "aggregation parameter");
}

/* ---- calls -------------------------------------------------------------------------------------- */

static int check_arg_count(struct check *c, const struct promql_node *n)
{
	const struct promql_func *f = n->call.func;
	size_t got = n->call.arg_count, least = f->arg_count - (f->variadic != 0), most;

	if (f->variadic == 0 && got != f->arg_count)
		return FAIL(c, n->start, "expected %zu argument(s) in call to \"%s\", got %zu", f->arg_count, f->name,
			got);
	if (got < least)
		return FAIL(c, n->start, "expected at least %zu argument(s) in call to \"%s\", got %zu", least, f->name,
			got);
	most = f->variadic > 0 ? least + (size_t)f->variadic : got;
	if (got > most)
		return FAIL(c, n->start, "expected at most %zu argument(s) in call to \"%s\", got %zu", most, f->name,
			got);
	return 0;
}

/* What upstream's Type() says of a node that was not checked yet, as info() asks of its second argument. */
static enum promql_type raw_type(const struct promql_node *n)
{
	while (n->kind == PROMQL_NODE_PAREN || n->kind == PROMQL_NODE_UNARY)
		n = n->kind == PROMQL_NODE_PAREN ? n->paren : n->unary.expr;
	switch (n->kind) {
	case PROMQL_NODE_NUMBER:
		return PROMQL_SCALAR;
	case PROMQL_NODE_STRING:
		return PROMQL_STRING;
	case PROMQL_NODE_MATRIX:
	case PROMQL_NODE_SUBQUERY:
		return PROMQL_MATRIX;
	case PROMQL_NODE_CALL:
		return n->call.func->ret;
	case PROMQL_NODE_BINARY:
		return raw_type(n->binary.lhs) == PROMQL_SCALAR && raw_type(n->binary.rhs) == PROMQL_SCALAR
			       ? PROMQL_SCALAR
			       : PROMQL_VECTOR;
	default:
		return PROMQL_VECTOR;
	}
}

/* The second argument of info() is no query but a list of matchers, which may be empty. */
static int check_info(struct check *c, const struct promql_node *n)
{
	const struct promql_node *sel = n->call.args[1];

	if (raw_type(sel) != PROMQL_VECTOR)
		return FAIL(c, n->start, "expected type instant vector in call to function \"info\", got %s",
			type_words(raw_type(sel)));
	if (sel->kind != PROMQL_NODE_SELECTOR)
		return FAIL(c, sel->start, "expected label selectors only");
	if (sel->selector.name.len)
		return FAIL(c, sel->start, "expected label selectors only, got vector selector instead");
	return 0;
}

static int check_call(struct check *c, struct promql_node *n)
{
	const struct promql_func *f = n->call.func;
	bool info = f->id == PROMQL_FN_INFO && n->call.arg_count > 1;
	int rc = check_arg_count(c, n);

	n->type = f->ret;
	if (rc < 0 || (info && (rc = check_info(c, n)) < 0))
		return rc;
	for (size_t i = 0; i < n->call.arg_count; i++) {
		enum promql_type want = f->args[i < f->arg_count ? i : f->arg_count - 1];
		struct promql_node *arg = n->call.args[i];

		if (info && i == 1)
			arg->type = PROMQL_VECTOR;
		else if ((rc = check_node(c, arg)) < 0)
			return rc;
		if (arg->type != want)
			return FAIL(c, arg->start, "expected type %s in call to function \"%s\", got %s",
				type_words(want), f->name, type_words(arg->type));
	}
	return 0;
}

/* ---- binary expressions ------------------------------------------------------------------------- */

static bool is_comparison(enum promql_op op)
{
	return op >= PROMQL_OP_EQL && op <= PROMQL_OP_LTE;
}

static bool is_set(enum promql_op op)
{
	return op >= PROMQL_OP_AND && op <= PROMQL_OP_UNLESS;
}

/* Where the operator stands: the first thing behind the left-hand side. */
static size_t op_start(const struct check *c, const struct promql_node *n)
{
	size_t pos = n->binary.lhs->end;

	while (pos < c->text.len && promql__is_space((unsigned char)c->text.ptr[pos]))
		pos++;
	return pos;
}

static int check_labels(struct check *c, const struct promql_node *n)
{
	const struct promql_matching *m = &n->binary.matching;
	char quoted[PROMQL_QUOTED_MAX];

	for (size_t i = 0; m->on && i < m->label_count; i++) {
		for (size_t j = 0; j < m->include_count; j++) {
			if (pm_str_eq(m->labels[i], m->include[j]))
				return FAIL(c, op_start(c, n), "label %s must not occur in ON and GROUP clause at once",
					pm_quote_fixed(quoted, sizeof quoted, m->labels[i]));
		}
	}
	return 0;
}

static int check_operands(struct check *c, struct promql_node *n)
{
	struct promql_node *lhs = n->binary.lhs, *rhs = n->binary.rhs;
	bool scalars = lhs->type == PROMQL_SCALAR && rhs->type == PROMQL_SCALAR;
	int rc;

	n->type = scalars ? PROMQL_SCALAR : PROMQL_VECTOR;
	if (n->binary.return_bool && !is_comparison(n->binary.op))
		return FAIL(c, op_start(c, n), "bool modifier can only be used on comparison operators");
	if (is_comparison(n->binary.op) && !n->binary.return_bool && scalars)
		return FAIL(c, op_start(c, n), "comparisons between scalars must use BOOL modifier");
	if ((rc = check_labels(c, n)) < 0)
		return rc;
	if (!is_scalar_or_vector(lhs))
		return FAIL(c, lhs->start, "binary expression must contain only scalar and instant vector types");
	if (!is_scalar_or_vector(rhs))
		return FAIL(c, rhs->start, "binary expression must contain only scalar and instant vector types");
	return 0;
}

/* What matching may say; none is left where one side is a scalar. */
static int check_matching(struct check *c, struct promql_node *n)
{
	struct promql_matching *m = &n->binary.matching;
	const char *op = promql__op_name(n->binary.op);
	bool filled = m->fill_left_set || m->fill_right_set;

	if (n->binary.lhs->type != PROMQL_VECTOR || n->binary.rhs->type != PROMQL_VECTOR) {
		if (m->label_count)
			return FAIL(c, n->start, "vector matching only allowed between instant vectors");
		if (filled)
			return FAIL(c, n->start, "filling in missing series only allowed between instant vectors");
		*m = (struct promql_matching){ 0 };
		if (is_set(n->binary.op))
			return FAIL(c, n->start, "set operator \"%s\" not allowed in binary scalar expression", op);
		return 0;
	}
	if (!is_set(n->binary.op))
		return 0;
	if (m->card != PROMQL_ONE_TO_ONE)
		return FAIL(c, n->start, "no grouping allowed for \"%s\" operation", op);
	if (filled)
		return FAIL(c, n->start, "filling in missing series not allowed for set operators");
	m->card = PROMQL_MANY_TO_MANY;
	return 0;
}

static int check_binary(struct check *c, struct promql_node *n)
{
	int rc;

	if ((rc = check_node(c, n->binary.lhs)) < 0 || (rc = check_node(c, n->binary.rhs)) < 0 ||
		(rc = check_operands(c, n)) < 0)
		return rc;
	return check_matching(c, n);
}

/* ---- the rest ----------------------------------------------------------------------------------- */

static int check_unary(struct check *c, struct promql_node *n)
{
	int rc = check_node(c, n->unary.expr);

	n->type = n->unary.expr->type;
	if (rc < 0 || is_scalar_or_vector(n))
		return rc;
	return FAIL(c, n->start,
		"unary expression only allowed on expressions of type scalar or instant vector, got \"%s\"",
		type_words(n->type));
}

static int check_subquery(struct check *c, struct promql_node *n)
{
	int rc = check_node(c, n->subquery.expr);

	n->type = PROMQL_MATRIX;
	if (rc < 0 || n->subquery.expr->type == PROMQL_VECTOR)
		return rc;
	return FAIL(c, n->start, "subquery is only allowed on instant vector, got %s instead",
		promql_type_name(n->subquery.expr->type));
}

static int check_name_once(struct check *c, const struct promql_node *n)
{
	const struct promql_selector *s = &n->selector;
	char name[PROMQL_QUOTED_MAX / 2], other[PROMQL_QUOTED_MAX / 2];

	for (size_t i = 0; i + 1 < s->matcher_count; i++) {
		if (pm_str_eq(s->matchers[i].name, PM_NAME_LABEL))
			return FAIL(c, n->start, "metric name must not be set twice: %s or %s",
				pm_quote_fixed(name, sizeof name, s->name),
				pm_quote_fixed(other, sizeof other, s->matchers[i].value));
	}
	return 0;
}

/* At least one matcher must refuse the empty value, lest a typo select everything. */
static int check_selector(struct check *c, struct promql_node *n)
{
	const struct promql_selector *s = &n->selector;

	n->type = PROMQL_VECTOR;
	if (s->name.len)
		return check_name_once(c, n);
	for (size_t i = 0; i < s->matcher_count; i++) {
		int rc = promql__matches_empty(&s->matchers[i]);

		if (rc < 0)
			return pm_fail(c->err, rc, "out of memory while parsing a query");
		if (rc == 0)
			return 0;
	}
	return FAIL(c, n->start, "vector selector must contain at least one non-empty matcher");
}

static int check_node(struct check *c, struct promql_node *n)
{
	int rc = 0;

	switch (n->kind) {
	case PROMQL_NODE_NUMBER:
		n->type = PROMQL_SCALAR;
		return 0;
	case PROMQL_NODE_STRING:
		n->type = PROMQL_STRING;
		return 0;
	case PROMQL_NODE_SELECTOR:
		return check_selector(c, n);
	case PROMQL_NODE_MATRIX:
		n->type = PROMQL_MATRIX;
		return check_selector(c, n->matrix.selector);
	case PROMQL_NODE_SUBQUERY:
		return check_subquery(c, n);
	case PROMQL_NODE_CALL:
		return check_call(c, n);
	case PROMQL_NODE_AGGREGATE:
		return check_aggregate(c, n);
	case PROMQL_NODE_BINARY:
		return check_binary(c, n);
	case PROMQL_NODE_UNARY:
		return check_unary(c, n);
	case PROMQL_NODE_PAREN:
		rc = check_node(c, n->paren);
		n->type = n->paren->type;
	}
	return rc;
}

int promql__check_tree(struct pm_str text, struct promql_node *root, struct pm_error *err)
{
	struct check c = { text, err };

	return check_node(&c, root);
}
