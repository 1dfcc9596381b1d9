/* rollup.c - functions of a range vector, one series at a time: the window slides over the samples from step to step,
 * its ends only ever move forward. Series that share a column of times share the ends, too. */
#include "libpromql/eval/rollup.h"

static promql__window_fn *window_fn(enum promql_fn id)
{
	static promql__window_fn *const fns[PROMQL_FN_COUNT_] = {
		[PROMQL_FN_RATE] = promql__rate,
		[PROMQL_FN_INCREASE] = promql__increase,
		[PROMQL_FN_DELTA] = promql__delta,
		[PROMQL_FN_IRATE] = promql__irate,
		[PROMQL_FN_IDELTA] = promql__idelta,
		[PROMQL_FN_CHANGES] = promql__changes,
		[PROMQL_FN_RESETS] = promql__resets,
		[PROMQL_FN_DERIV] = promql__deriv,
		[PROMQL_FN_PREDICT_LINEAR] = promql__predict_linear,
		[PROMQL_FN_DOUBLE_EXPONENTIAL_SMOOTHING] = promql__double_exp,
		[PROMQL_FN_AVG_OVER_TIME] = promql__avg_ot,
		[PROMQL_FN_SUM_OVER_TIME] = promql__sum_ot,
		[PROMQL_FN_MIN_OVER_TIME] = promql__min_ot,
		[PROMQL_FN_MAX_OVER_TIME] = promql__max_ot,
		[PROMQL_FN_COUNT_OVER_TIME] = promql__count_ot,
		[PROMQL_FN_PRESENT_OVER_TIME] = promql__present_ot,
		[PROMQL_FN_ABSENT_OVER_TIME] = promql__present_ot,
		[PROMQL_FN_FIRST_OVER_TIME] = promql__first_ot,
		[PROMQL_FN_LAST_OVER_TIME] = promql__last_ot,
		[PROMQL_FN_STDDEV_OVER_TIME] = promql__stddev_ot,
		[PROMQL_FN_STDVAR_OVER_TIME] = promql__stdvar_ot,
		[PROMQL_FN_QUANTILE_OVER_TIME] = promql__quantile_ot,
		[PROMQL_FN_MAD_OVER_TIME] = promql__mad_ot,
		[PROMQL_FN_TS_OF_FIRST_OVER_TIME] = promql__ts_first_ot,
		[PROMQL_FN_TS_OF_LAST_OVER_TIME] = promql__ts_last_ot,
		[PROMQL_FN_TS_OF_MIN_OVER_TIME] = promql__ts_min_ot,
		[PROMQL_FN_TS_OF_MAX_OVER_TIME] = promql__ts_max_ot,
	};

	return fns[id];
}

static promql__floats_fn *floats_fn(enum promql_fn id)
{
	static promql__floats_fn *const fns[PROMQL_FN_COUNT_] = {
		[PROMQL_FN_RATE] = promql__rate_floats,
		[PROMQL_FN_INCREASE] = promql__rate_floats,
		[PROMQL_FN_DELTA] = promql__rate_floats,
		[PROMQL_FN_CHANGES] = promql__count_floats,
		[PROMQL_FN_RESETS] = promql__count_floats,
		[PROMQL_FN_MIN_OVER_TIME] = promql__extreme_floats,
		[PROMQL_FN_MAX_OVER_TIME] = promql__extreme_floats,
		[PROMQL_FN_SUM_OVER_TIME] = promql__sum_floats,
		[PROMQL_FN_AVG_OVER_TIME] = promql__sum_floats,
		[PROMQL_FN_STDDEV_OVER_TIME] = promql__spread_floats,
		[PROMQL_FN_STDVAR_OVER_TIME] = promql__spread_floats,
		[PROMQL_FN_QUANTILE_OVER_TIME] = promql__quantile_floats,
	};

	return fns[id];
}

static bool keeps_name(enum promql_fn id)
{
	return id == PROMQL_FN_LAST_OVER_TIME || id == PROMQL_FN_FIRST_OVER_TIME;
}

/* What a few samples may stand in for. */
static enum pm_use use_of(enum promql_fn id)
{
	switch (id) {
	case PROMQL_FN_MIN_OVER_TIME:
		return PM_USE_MIN;
	case PROMQL_FN_MAX_OVER_TIME:
		return PM_USE_MAX;
	case PROMQL_FN_PRESENT_OVER_TIME:
	case PROMQL_FN_ABSENT_OVER_TIME:
		return PM_USE_PRESENT;
	default:
		return PM_USE_ALL;
	}
}

/* ---- windows ------------------------------------------------------------------------------------ */

static void window_ends(const struct promql__rollup_op *op, size_t i, int64_t *ret_from, int64_t *ret_to)
{
	const struct promql__source *s = op->source;
	int64_t lookback = op->op.q->opts.lookback_ms;

	*ret_to = promql__when_at(&s->when, op->op.grid, i);
	*ret_from = promql__sub(*ret_to, s->range_ms);
	if (s->anchored || s->smoothed)
		*ret_from = promql__sub(*ret_from, lookback);
	if (s->smoothed)
		*ret_to = promql__add(*ret_to, lookback);
}

/* For each step the samples in (from, to]: [lo, hi). */
static void cut_windows(const struct promql__rollup_op *op, const int64_t *t, size_t count, uint32_t *lo, uint32_t *hi)
{
	uint32_t a = 0, b = 0, n = (uint32_t)count;

	for (size_t i = 0; i < op->op.grid->count; i++) {
		int64_t from, to;

		window_ends(op, i, &from, &to);
		while (b < n && t[b] <= to)
			b++;
		while (a < b && t[a] <= from)
			a++;
		lo[i] = a;
		hi[i] = b;
	}
}

static void cut_floats(struct promql__rollup_op *op, const struct promql__raw *r)
{
	if (r->time_id && r->time_id == op->time_id && r->floats == op->time_count)
		return;
	cut_windows(op, r->ft, r->floats, op->lo, op->hi);
	op->time_id = r->time_id;
	op->time_count = r->floats;
}

static int cut_hists(struct promql__rollup_op *op, const struct promql__raw *r)
{
	size_t n = op->op.grid->count;

	if (!op->hlo) {
		op->hlo = promql__array(op->op.q, n, sizeof *op->hlo);
		op->hhi = promql__array(op->op.q, n, sizeof *op->hhi);
		if (!op->hlo || !op->hhi)
			return PM_ERR_NOMEM;
	}
	cut_windows(op, r->ht, r->hists, op->hlo, op->hhi);
	return 0;
}

/* ---- one series --------------------------------------------------------------------------------- */

int promql__give_hist(const struct promql__window *w, const struct promql__hist *m, struct promql__value *ret)
{
	*ret = (struct promql__value){ .h = promql__hist_store(m, &((struct promql__rollup_op *)w->op)->scratch) };
	return ret->h ? 1 : promql__nomem(promql__wq(w));
}

double *promql__sort_room(const struct promql__window *w, size_t count)
{
	struct promql__rollup_op *op = (struct promql__rollup_op *)w->op;

	return promql__grow(op->op.q, &op->sorted, &op->sorted_cap, count) < 0 ? NULL : op->sorted;
}

static void set_window(
	const struct promql__rollup_op *op, const struct promql__raw *r, size_t i, struct promql__window *w)
{
	uint32_t a = op->lo[i], b = op->hi[i];

	if (r->floats) {
		w->ft = r->ft + a;
		w->fv = r->fv + a;
		w->fst = r->fst ? r->fst + a : NULL;
		w->floats = b - a;
	}
	if (r->hists) {
		a = op->hlo[i];
		b = op->hhi[i];
		w->ht = r->ht + a;
		w->hv = r->hv + a;
		w->hst = r->hst ? r->hst + a : NULL;
		w->hists = b - a;
	}
	w->at_ms = promql__at(op->op.grid, i);
	w->end_ms = promql__when_at(&op->source->when, op->op.grid, i);
	w->start_ms = promql__sub(w->end_ms, op->source->range_ms);
	for (size_t k = 0; k < 2; k++)
		w->arg[k] = op->args[k] ? op->args[k][i] : 0;
}

static int put_value(struct promql__rollup_op *op, size_t i, const struct promql__value *v)
{
	struct promql__col *c = &op->col;

	if (!v->h) {
		promql__set_float(c, i, v->v);
		return 0;
	}
	if (promql__col_hists(op->op.q, op->op.grid, c) < 0)
		return PM_ERR_NOMEM;
	c->h[i] = v->h;
	c->kind[i] = PROMQL__HIST;
	return 0;
}

static int by_window(struct promql__rollup_op *op, const struct promql__raw *r)
{
	struct promql__window w = { .op = op, .labels = r->labels };
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < op->op.grid->count; i++) {
		struct promql__value v;

		set_window(op, r, i, &w);
		rc = promql__check(op->op.q);
		if (rc < 0 || w.floats + w.hists == 0)
			continue;
		rc = op->fn(&w, &v);
		if (rc > 0)
			rc = put_value(op, i, &v);
	}
	return rc;
}

static bool has_suffix(struct pm_str s, struct pm_str suffix)
{
	return s.len >= suffix.len && memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0;
}

static void note_counter(const struct promql__rollup_op *op, struct pm_labels labels)
{
	struct promql__query *q = op->op.q;
	struct pm_str name = promql__name(labels), type;

	if (name.len == 0 || (op->id != PROMQL_FN_RATE && op->id != PROMQL_FN_INCREASE))
		return;
	if (q->opts.type_and_unit_labels) {
		type = pm_labels_get(labels, PM_STR("__type__"));
		if (!pm_str_eq(type, PM_STR("counter")) && !pm_str_eq(type, PM_STR("histogram")))
			promql__info(q, op->pos,
				"metric might not be a counter, __type__ label is not set to \"counter\" or "
				"\"histogram\", got %s: %s",
				promql__quote(q, type), promql__quote(q, name));
	} else if (!has_suffix(name, PM_STR("_total")) && !has_suffix(name, PM_STR("_sum")) &&
		   !has_suffix(name, PM_STR("_count")) && !has_suffix(name, PM_STR("_bucket"))) {
		promql__info(q, op->pos,
			"metric might not be a counter, name does not end in _total/_sum/_count/_bucket: %s",
			promql__quote(q, name));
	}
}

static int name_series(struct promql__rollup_op *op, const struct promql__raw *r)
{
	struct promql__query *q = op->op.q;
	bool drop = r->drop_name || !keeps_name(op->id);

	op->col.labels = r->labels;
	op->col.drop_name = drop;
	if (q->opts.delayed_name_removal || !drop)
		return 0;
	return promql__drop_meta(q, r->labels, &op->col.labels);
}

static int rollup_series(struct promql__rollup_op *op, const struct promql__raw *r)
{
	int rc = 0;

	if (r->floats >= UINT32_MAX || r->hists >= UINT32_MAX)
		return pm_fail(op->op.q->err, PM_ERR_LIMIT, "a series has too many samples for one query");
	promql__col_clear(op->op.grid, &op->col);
	pm_arena_reset(&op->scratch);
	cut_floats(op, r);
	if (r->hists)
		rc = cut_hists(op, r);
	if (rc == 0)
		rc = !r->hists && op->floats ? op->floats(op, r, op->lo, op->hi, &op->col) : by_window(op, r);
	if (rc >= 0)
		rc = name_series(op, r);
	return rc;
}

static int rollup_next(struct promql__op *base, struct promql__col *ret)
{
	struct promql__rollup_op *op = (struct promql__rollup_op *)base;
	struct promql__raw r;
	int rc;

	while ((rc = op->source->op.next_raw(&op->source->op, &r)) > 0) {
		if (r.floats + r.hists == 0)
			continue;
		rc = rollup_series(op, &r);
		if (rc == 0)
			rc = promql__op_give(base, &op->col);
		if (rc < 0)
			return rc;
		if (op->col.floats)
			note_counter(op, r.labels);
		if (op->col.floats + op->col.hists) {
			*ret = op->col;
			return 1;
		}
	}
	return rc;
}

static void rollup_close(struct promql__op *base)
{
	pm_arena_release(&((struct promql__rollup_op *)base)->scratch);
}

/* ---- planning ----------------------------------------------------------------------------------- */

static int check_modifiers(struct promql__query *q, const struct promql__source *s, const struct promql_func *f)
{
	bool rates = f->id == PROMQL_FN_RATE || f->id == PROMQL_FN_INCREASE || f->id == PROMQL_FN_DELTA;

	if (s->smoothed && !rates)
		return pm_fail(q->err, PM_ERR_INVALID,
			"smoothed modifier can only be used with: delta, increase, rate - not with %s", f->name);
	if (s->anchored && !rates && f->id != PROMQL_FN_CHANGES && f->id != PROMQL_FN_RESETS)
		return pm_fail(q->err, PM_ERR_INVALID,
			"anchored modifier can only be used with: changes, delta, increase, rate, resets - not with %s",
			f->name);
	return 0;
}

/* Shortcuts see plain windows only. */
static void pick_shortcut(struct promql__rollup_op *op)
{
	const struct promql__source *s = op->source;

	if (s->anchored || s->smoothed)
		return;
	op->floats = floats_fn(op->id);
}

static int set_args(struct promql__query *q, const struct promql_node *n, struct promql__rollup_op *op,
	const struct promql_node **ret_range)
{
	size_t scalars = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n->call.arg_count; i++) {
		const struct promql_node *arg = promql__unparen(n->call.args[i]);
		double *v;

		if (arg->type == PROMQL_MATRIX) {
			*ret_range = arg;
			continue;
		}
		rc = promql__scalar(q, arg, op->op.grid, &v);
		if (rc == 0 && scalars < 2)
			op->args[scalars++] = v;
	}
	return rc;
}

int promql__build_rollup(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	struct promql__rollup_op *op = promql__op_new(q, sizeof *op, n, g);
	const struct promql_node *range = NULL;
	struct promql__op *source;
	int rc;

	if (!op || promql__col_init(q, g, &op->col) < 0)
		return PM_ERR_NOMEM;
	pm_arena_init(&op->scratch, q->opts.bytes_max);
	op->op.next = rollup_next;
	op->op.close = rollup_close;
	op->id = n->call.func->id;
	op->fn = window_fn(op->id);
	op->lo = promql__array(q, g->count, sizeof *op->lo);
	op->hi = promql__array(q, g->count, sizeof *op->hi);
	if (!op->lo || !op->hi)
		return PM_ERR_NOMEM;
	rc = set_args(q, n, op, &range);
	if (rc == 0)
		rc = promql__build_raw(q, range, g, &source);
	if (rc < 0)
		return rc;
	op->source = (struct promql__source *)source;
	op->source->use = use_of(op->id);
	op->pos = range->start;
	pick_shortcut(op);
	*ret = &op->op;
	rc = check_modifiers(q, op->source, n->call.func);
	if (rc == 0 && !q->opts.delayed_name_removal && !keeps_name(op->id) && promql__names_vary(range)) {
		*ret = promql__merge_op(&op->op);
		rc = *ret ? 0 : PM_ERR_NOMEM;
	}
	return rc;
}
