/* info_select.c - which info series info() needs: those of its second argument's matchers that have an instance and a
 * job of the series it is given, at the times that the first argument's first selector looks at. */
#include "libpromql/eval/info.h"

#include "libtsdb/base/match.h"

/* ---- the selector's matchers -------------------------------------------------------------------- */

static bool is_name_matcher(const struct pm_matcher *m)
{
	return pm_str_eq(m->name, PM_NAME_LABEL);
}

static bool matches(const struct promql__info_op *op, size_t i, struct pm_str value)
{
	return pm_match_value(&op->selector->selector.matchers[i], op->res[i], value);
}

int promql__info_matchers(struct promql__info_op *op)
{
	const struct promql_selector *s = &op->selector->selector;
	struct promql__query *q = op->t.op.q;
	int rc = 0;

	op->res = promql__zalloc(q, (s->matcher_count + 1) * sizeof *op->res);
	if (!op->res)
		return PM_ERR_NOMEM;
	op->re_count = s->matcher_count;
	for (size_t i = 0; rc == 0 && i < s->matcher_count; i++) {
		const struct pm_matcher *m = &s->matchers[i];

		rc = pm_match_re(m, &op->res[i], q->err);
		if (rc < 0 || is_name_matcher(m))
			continue;
		op->only_named = true;
		op->must_match |= !matches(op, i, PM_STR(""));
	}
	return rc;
}

/* What is asked of the metric name beside the selector's own matchers: with only negated ones any info metric is meant,
 * without any the usual one. False: nothing. */
static bool implied_name(const struct promql__info_op *op, struct pm_matcher *ret)
{
	const struct promql_selector *s = op->selector ? &op->selector->selector : NULL;
	bool negated = false;

	for (size_t i = 0; s && i < s->matcher_count; i++) {
		if (!is_name_matcher(&s->matchers[i]))
			continue;
		if (s->matchers[i].type == PM_MATCH_EQ || s->matchers[i].type == PM_MATCH_RE)
			return false;
		negated = true;
	}
	*ret = negated ? (struct pm_matcher){ PM_MATCH_RE, PM_NAME_LABEL, PM_STR(".+_info") }
		       : (struct pm_matcher){ PM_MATCH_EQ, PM_NAME_LABEL, PM_STR("target_info") };
	return true;
}

static bool is_some_info(struct pm_str name)
{
	return name.len > 5 && memcmp(name.ptr + name.len - 5, "_info", 5) == 0;
}

/* Info metrics themselves pass as they are. */
bool promql__is_info(const struct promql__info_op *op, struct pm_labels l)
{
	const struct promql_selector *s = op->selector ? &op->selector->selector : NULL;
	struct pm_str name = promql__name(l);
	struct pm_matcher implied;

	for (size_t i = 0; s && i < s->matcher_count; i++)
		if (is_name_matcher(&s->matchers[i]) && !matches(op, i, name))
			return false;
	if (!implied_name(op, &implied))
		return true;
	return implied.type == PM_MATCH_EQ ? pm_str_eq(name, implied.value) : is_some_info(name);
}

bool promql__info_wanted(const struct promql__info_op *op, struct pm_str label)
{
	if (pm_str_eq(label, PM_NAME_LABEL) || !op->only_named)
		return !pm_str_eq(label, PM_NAME_LABEL);
	for (size_t i = 0; i < op->selector->selector.matcher_count; i++)
		if (pm_str_eq(op->selector->selector.matchers[i].name, label))
			return true;
	return false;
}

/* ---- selecting info series ---------------------------------------------------------------------- */

static void add_quoted(struct pm_buf *b, struct pm_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] && strchr("\\.+*?()|[]{}^$", s.ptr[i]))
			pm_buf_char(b, '\\');
		pm_buf_char(b, s.ptr[i]);
	}
}

/* A matcher for the values that `label` has in the base series, if any has it. */
static int id_matcher(struct promql__info_op *op, struct pm_str label, struct pm_matcher *ret, bool *ret_any)
{
	struct promql__query *q = op->t.op.q;
	struct promql__map seen = { 0 };
	struct pm_buf b = { .max = 64 << 20 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < op->base.count; i++) {
		struct pm_labels l = op->base.v[i].labels;
		struct pm_str v = pm_labels_get(l, label);
		struct pm_label one = { label, v };
		uint64_t hash = pm_labels_hash((struct pm_labels){ &one, 1 });
		size_t pos = PROMQL__MAP_START;
		uint32_t k;

		if (v.len == 0 || promql__is_info(op, l))
			continue;
		while ((k = promql__map_next(&seen, hash, &pos)) != PROMQL__NOT_FOUND)
			if (pm_str_eq(pm_labels_get(op->base.v[k].labels, label), v))
				break;
		if (k != PROMQL__NOT_FOUND)
			continue;
		rc = promql__map_add(q, &seen, hash, (uint32_t)i);
		if (b.len)
			pm_buf_char(&b, '|');
		add_quoted(&b, v);
	}
	*ret_any = b.len > 0;
	*ret = (struct pm_matcher){ PM_MATCH_RE, label, pm_arena_str(&q->arena, pm_buf_view(&b)) };
	if (rc == 0 && (pm_buf_error(&b) || !ret->value.ptr))
		rc = promql__nomem(q);
	pm_buf_release(&b);
	return rc;
}

/* The times that the first selector of `n` looks at, from those of the whole. 1, 0 when there is none, or an error. */
static int first_selector(struct promql__query *q, const struct promql_node *n, struct promql__when *w);

static int look_from(struct promql__query *q, const struct promql_modifiers *m, struct promql__when *w)
{
	struct promql__when own;
	int rc = promql__when(q, m, &own);

	if (rc < 0)
		return rc;
	if (own.fixed)
		*w = own;
	else if (w->fixed)
		w->at_ms = promql__sub(w->at_ms, own.offset_ms);
	else
		w->offset_ms = promql__add(w->offset_ms, own.offset_ms);
	return 1;
}

static int first_of_args(struct promql__query *q, const struct promql_node *n, struct promql__when *w)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n->call.arg_count; i++)
		rc = first_selector(q, n->call.args[i], w);
	return rc;
}

static int first_selector(struct promql__query *q, const struct promql_node *n, struct promql__when *w)
{
	int rc;

	switch (n->kind) {
	case PROMQL_NODE_SELECTOR:
		return look_from(q, &n->selector.mod, w);
	case PROMQL_NODE_MATRIX:
		return first_selector(q, n->matrix.selector, w);
	case PROMQL_NODE_SUBQUERY: {
		struct promql__when inside = *w;

		rc = look_from(q, &n->subquery.mod, &inside);
		if (rc > 0)
			rc = first_selector(q, n->subquery.expr, &inside);
		if (rc > 0)
			*w = inside;
		return rc;
	}
	case PROMQL_NODE_CALL:
		return first_of_args(q, n, w);
	case PROMQL_NODE_AGGREGATE:
		rc = first_selector(q, n->agg.expr, w);
		return rc == 0 && n->agg.param ? first_selector(q, n->agg.param, w) : rc;
	case PROMQL_NODE_BINARY:
		rc = first_selector(q, n->binary.lhs, w);
		return rc == 0 ? first_selector(q, n->binary.rhs, w) : rc;
	case PROMQL_NODE_UNARY:
		return first_selector(q, n->unary.expr, w);
	case PROMQL_NODE_PAREN:
		return first_selector(q, n->paren, w);
	default:
		return 0;
	}
}

/* `v` has room for the selector's matchers and three more. */
static int all_matchers(struct promql__info_op *op, struct pm_matcher *v, size_t *ret_count)
{
	const struct promql_selector *s = op->selector ? &op->selector->selector : NULL;
	size_t n = 0;
	bool any;
	int rc;

	for (size_t i = 0; i < op->id.count; i++) {
		rc = id_matcher(op, op->id.names[i], &v[n], &any);
		if (rc < 0)
			return rc;
		n += any;
	}
	*ret_count = 0;
	if (n == 0)
		return 0;
	for (size_t i = 0; s && i < s->matcher_count; i++)
		v[n++] = s->matchers[i];
	n += implied_name(op, &v[n]);
	*ret_count = n;
	return 0;
}

int promql__info_select(struct promql__info_op *op)
{
	struct promql__query *q = op->t.op.q;
	size_t more = op->selector ? op->selector->selector.matcher_count : 0, count;
	struct promql_node *n = promql__zalloc(q, sizeof *n);
	struct pm_matcher *v = promql__array(q, more + 3, sizeof *v);
	struct promql__when when = { 0 };
	struct promql__op *child;
	int rc = n && v ? all_matchers(op, v, &count) : PM_ERR_NOMEM;

	if (rc < 0 || count == 0)
		return rc;
	rc = first_selector(q, op->t.op.node->call.args[0], &when);
	if (rc < 0)
		return rc;
	n->kind = PROMQL_NODE_SELECTOR;
	n->type = PROMQL_VECTOR;
	n->start = op->t.op.node->start;
	n->selector = (struct promql_selector){ .matchers = v,
		.matcher_count = count,
		.mod = { .offset_ms = when.offset_ms,
			.at = when.fixed ? PROMQL_AT_TIME : PROMQL_AT_NONE,
			.at_ms = when.at_ms } };
	if (when.fixed)
		n->selector.mod.offset_ms = 0;
	rc = promql__build_selector(q, n, op->t.op.grid, PROMQL__INFO_TIME, &child);
	return rc < 0 ? rc : promql__gather(q, child, &op->info);
}
