/* func_label.c - label_replace and label_join: the series stay, their labels change. */
#include "libpromql/eval/funcs.h"

#include "libtsdb/base/re.h"

struct label_op {
	struct promql__op op;
	struct promql__op *child;
	struct pm_re *re; /* label_replace */
};

static struct pm_str arg_string(const struct promql_node *n, size_t i)
{
	return promql__arg(n, i)->string;
}

/* What the label is to be: `b`. 1, or 0 when the series stays as it is. */
static int replacement(const struct label_op *op, struct pm_labels l, struct pm_buf *b)
{
	const struct promql_node *n = op->op.node;

	if (op->re)
		return pm_re_expand(op->re, pm_labels_get(l, arg_string(n, 3)), arg_string(n, 2), b);
	for (size_t i = 3; i < n->call.arg_count; i++) {
		if (i > 3)
			pm_buf_str(b, arg_string(n, 2));
		pm_buf_str(b, pm_labels_get(l, arg_string(n, i)));
	}
	return pm_buf_error(b) ? pm_buf_error(b) : 1;
}

static int relabel(struct label_op *op, struct promql__col *c)
{
	struct promql__query *q = op->op.q;
	struct pm_str name = arg_string(op->op.node, 1), value;
	struct pm_buf b = { 0 };
	int rc = replacement(op, c->labels, &b);

	if (rc > 0) {
		value = pm_arena_str(&q->arena, pm_buf_view(&b));
		rc = value.ptr ? promql__label_set(q, c->labels, name, value, &c->labels) : promql__nomem(q);
		if (pm_str_eq(name, PM_NAME_LABEL))
			c->drop_name = false;
	} else if (rc < 0) {
		promql__nomem(q);
	}
	pm_buf_release(&b);
	return rc;
}

static int label_next(struct promql__op *base, struct promql__col *ret)
{
	struct label_op *op = (struct label_op *)base;
	int rc = op->child->next(op->child, ret);

	if (rc <= 0) {
		promql__op_done(op->child);
		return rc;
	}
	rc = relabel(op, ret);
	return rc < 0 ? rc : promql__op_give(base, ret);
}

static void label_close(struct promql__op *base)
{
	struct label_op *op = (struct label_op *)base;

	if (op->re)
		pm_re_free(op->re);
	op->re = NULL;
}

static int check_name(struct promql__query *q, const char *what, const char *function, struct pm_str name)
{
	if (promql__label_name_valid(name))
		return 0;
	return pm_fail(q->err, PM_ERR_INVALID, "invalid %s label name in %s(): %.*s", what, function, PM_STR_ARG(name));
}

static int check_join(struct promql__query *q, const struct promql_node *n)
{
	int rc = 0;

	for (size_t i = 3; rc == 0 && i < n->call.arg_count; i++)
		rc = check_name(q, "source", "label_join", arg_string(n, i));
	return rc < 0 ? rc : check_name(q, "destination", "label_join", arg_string(n, 1));
}

int promql__build_label(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct label_op *op = promql__op_new(q, sizeof *op, n, g);
	bool replace = n->call.func->id == PROMQL_FN_LABEL_REPLACE;
	int rc = 0;

	if (!op)
		return PM_ERR_NOMEM;
	op->op.next = label_next;
	op->op.close = label_close;
	if (replace)
		rc = pm_re_new(arg_string(n, 4), &op->re, q->err);
	if (rc == PM_ERR_INVALID)
		return pm_fail(q->err, rc, "invalid regular expression in label_replace(): %.*s",
			PM_STR_ARG(arg_string(n, 4)));
	if (rc < 0)
		return rc;
	rc = replace ? check_name(q, "destination", "label_replace", arg_string(n, 1)) : check_join(q, n);
	if (rc == 0)
		rc = promql__build(q, promql__arg(n, 0), g, &op->child);
	if (rc < 0)
		return rc;
	*ret = promql__merge_op(&op->op);
	return *ret ? 0 : PM_ERR_NOMEM;
}
