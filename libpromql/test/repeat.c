/* repeat.c - runs an evaluation. An instant query is run in more ways than one, all of which must agree: as written;
 * with its time in an @ on every selector, at other times; each of these also as the middle step of a range query. */
#include "libpromql/test/runner.h"

#include "libtsdb/base/mem.h"

enum { SAMPLES_MAX = 10000, MINUTE_MS = 60000 };

struct run {
	struct promql__script *s;
	const struct promql__want *w;
	struct pm_buf *out;
	struct pm_str expr; /* as it is run now */
};

static void say_which(struct run *r, const struct promql_opts *o)
{
	if (o->step_ms && !r->w->range)
		pm_buf_fmt(r->out, "  repeated from %lld to %lld ms: %.*s\n", (long long)o->start_ms,
			(long long)o->end_ms, PM_STR_ARG(r->expr));
	else if (!pm_str_eq(r->expr, r->w->expr))
		pm_buf_fmt(r->out, "  repeated at %lld ms: %.*s\n", (long long)o->start_ms, PM_STR_ARG(r->expr));
}

/* 0 and a result, or an error, which is in *err. */
static int query(struct run *r, struct promql_opts *o, struct promql_result **ret, struct pm_error *err)
{
	struct promql_expr *e;
	int rc = promql_parse(r->expr, NULL, &e, err);

	if (rc < 0)
		return rc;
	o->samples_max = SAMPLES_MAX;
	o->delayed_name_removal = true;
	o->use_start_timestamps = true;
	rc = promql_query(e, &r->s->mem.querier, o, ret, err);
	promql_expr_free(e);
	return rc;
}

static bool run_and_check(struct run *r, struct promql_opts o)
{
	struct promql_result *res = NULL;
	struct pm_error err = { 0 };
	size_t before = r->out->len;
	bool ok;

	if (query(r, &o, &res, &err) < 0) {
		ok = promql__check_error(r->w, err.msg, r->out);
	} else if (promql__wants(r->w, PROMQL__FAIL)) {
		pm_buf_cstr(r->out, "    expected an error, got none\n");
		ok = false;
	} else {
		ok = promql__check_notes(r->w, res, r->out);
		ok &= promql__check_result(r->w, res, r->out);
	}
	promql_result_free(res);
	if (!ok && before == 0)
		say_which(r, &o);
	return ok;
}

/* ---- as the middle of a range query ------------------------------------------------------------- */

/* The points at `t_ms` as the vector or scalar that an instant query gives. */
static bool check_middle(struct run *r, const struct promql_result *res, int64_t t_ms)
{
	struct promql_result at = { .type = PROMQL_VECTOR };
	struct promql_series *v = pm_calloc(res->series_count + 1, sizeof *v);
	bool ok;

	if (!v)
		return false;
	for (size_t i = 0; i < res->series_count; i++) {
		const struct promql_series *s = &res->series[i];

		for (size_t k = 0; k < s->point_count; k++)
			if (s->points[k].t_ms == t_ms)
				v[at.series_count++] = (struct promql_series){ s->labels, &s->points[k], 1 };
	}
	at.series = v;
	if (r->w->scalar && at.series_count == 1)
		at.type = PROMQL_SCALAR;
	ok = promql__check_result(r->w, &at, r->out);
	pm_free(v);
	return ok;
}

static bool run_as_range(struct run *r, int64_t t_ms)
{
	struct promql_opts o = { .start_ms = t_ms - MINUTE_MS, .end_ms = t_ms + MINUTE_MS, .step_ms = MINUTE_MS };
	struct promql_result *res = NULL;
	struct pm_error err = { 0 };
	bool ok = true;

	if (query(r, &o, &res, &err) < 0) {
		pm_buf_fmt(r->out, "    got error %s\n", err.msg);
		ok = false;
	} else if (!promql__wants(r->w, PROMQL__ORDERED)) {
		ok = check_middle(r, res, t_ms);
	}
	promql_result_free(res);
	if (!ok)
		say_which(r, &o);
	return ok;
}

static bool contains(struct pm_str s, const char *word)
{
	return memmem(s.ptr, s.len, word, strlen(word)) != NULL;
}

static bool knows_its_range(struct pm_str expr)
{
	return contains(expr, "range()") || contains(expr, "start()") || contains(expr, "end()") ||
	       contains(expr, "step()");
}

static bool run_instant(struct run *r, int64_t t_ms)
{
	struct promql_opts o = { .start_ms = t_ms, .end_ms = t_ms };

	if (!run_and_check(r, o))
		return false;
	if (r->w->as_is || promql__wants(r->w, PROMQL__FAIL) || knows_its_range(r->expr))
		return true;
	return run_as_range(r, t_ms);
}

/* ---- with @ ------------------------------------------------------------------------------------- */

static void pin_modifiers(struct promql_modifiers *m, int64_t t_ms)
{
	if (m->at != PROMQL_AT_TIME)
		m->at_ms = t_ms;
	m->at = PROMQL_AT_TIME;
}

static bool is_query_number(enum promql_fn id)
{
	return id == PROMQL_FN_START || id == PROMQL_FN_END || id == PROMQL_FN_RANGE || id == PROMQL_FN_STEP;
}

/* Put @ on all selectors and subqueries that have none. False: the expression tells the time in another way. */
static bool pin(struct promql_node *n, int64_t t_ms)
{
	switch (n->kind) {
	case PROMQL_NODE_SELECTOR:
		pin_modifiers(&n->selector.mod, t_ms);
		return true;
	case PROMQL_NODE_MATRIX:
		return pin(n->matrix.selector, t_ms);
	case PROMQL_NODE_SUBQUERY:
		pin_modifiers(&n->subquery.mod, t_ms);
		return true; /* what is inside is pinned by it */
	case PROMQL_NODE_AGGREGATE:
		return pin(n->agg.expr, t_ms) && (!n->agg.param || pin(n->agg.param, t_ms));
	case PROMQL_NODE_BINARY:
		return pin(n->binary.lhs, t_ms) && pin(n->binary.rhs, t_ms);
	case PROMQL_NODE_UNARY:
		return pin(n->unary.expr, t_ms);
	case PROMQL_NODE_PAREN:
		return pin(n->paren, t_ms);
	case PROMQL_NODE_CALL:
		for (size_t i = 0; i < n->call.arg_count; i++)
			if (!pin(n->call.args[i], t_ms))
				return false;
		return !promql__depends_on_time(n->call.func->id) && !is_query_number(n->call.func->id);
	default:
		return true;
	}
}

static bool run_pinned(struct run *r, char *pinned)
{
	int64_t t = r->w->at_ms;
	int64_t times[] = { -10 * t, 0, t / 5, t, 10 * t };
	bool ok = true;

	if (t == 0) {
		times[0] = -1000;
		times[3] = 1000;
	}
	r->expr = pm_str(pinned);
	for (size_t i = 0; ok && i < 5; i++)
		ok = run_instant(r, times[i]);
	return ok;
}

static bool run_with_at(struct run *r)
{
	struct promql_expr *e;
	char *text = NULL;
	bool ok = true;

	if (promql_parse(r->w->expr, NULL, &e, NULL) < 0)
		return true; /* that was expected */
	if (pin(e->root, r->w->at_ms)) {
		text = promql_print(e);
		ok = text && run_pinned(r, text);
	}
	promql_expr_free(e);
	pm_free(text);
	return ok;
}

/* ---- all ---------------------------------------------------------------------------------------- */

bool promql__want_run(struct promql__script *s, const struct promql__want *w, struct pm_buf *out)
{
	struct run r = { s, w, out, w->expr };
	struct pm_buf what = { .max = 16 << 20 };
	bool ok;

	r.out = &what;
	if (w->range)
		ok = run_and_check(&r,
			(struct promql_opts){ .start_ms = w->start_ms, .end_ms = w->end_ms, .step_ms = w->step_ms });
	else
		ok = run_instant(&r, w->at_ms) && run_with_at(&r);
	if (!ok) {
		pm_buf_fmt(out, "%.*s:%zu: %.*s\n", PM_STR_ARG(s->name), w->line, PM_STR_ARG(w->expr));
		pm_buf_str(out, pm_buf_view(&what));
	}
	pm_buf_release(&what);
	return ok;
}
