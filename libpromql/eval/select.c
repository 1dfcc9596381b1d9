/* select.c - instant vector selectors: for each step the last sample in the lookback window (t - lookback, t], unless
 * it is a stale marker. One pass over a series answers all steps; series that share a column of times share the
 * choice of samples, too. */
#include "libpromql/eval/eval.h"

struct select_op {
	struct promql__op op;
	struct promql__when when;
	int what; /* PROMQL__VALUE, ... */
	struct pm_series_set *set;
	struct promql__col col;
	uint64_t time_id;        /* of the series that `pick` is good for; 0: none */
	uint32_t *pick;          /* for each step the sample, counted from 1; 0: none */
	bool stats;              /* histograms are read for their count and sum */
	struct pm_arena scratch; /* for that, of this series */
};

enum { PICK_MAX = UINT32_MAX - 1 };

static int open_set(struct select_op *op)
{
	const struct promql_selector *s = &op->op.node->selector;
	const struct promql__grid *g = op->op.grid;
	struct promql__query *q = op->op.q;
	struct pm_select sel = { .matchers = s->matchers, .matcher_count = s->matcher_count };

	sel.min_ms = promql__sub(promql__when_at(&op->when, g, 0), q->opts.lookback_ms - 1);
	sel.max_ms = promql__when_at(&op->when, g, g->count - 1);
	return q->querier->select(q->querier, &sel, &op->set, q->err);
}

static void pick_samples(struct select_op *op, const struct pm_samples *s)
{
	const struct promql__grid *g = op->op.grid;
	int64_t lookback = op->op.q->opts.lookback_ms;
	size_t j = 0;

	for (size_t i = 0; i < g->count; i++) {
		int64_t at = promql__when_at(&op->when, g, i);

		while (j < s->count && s->t_ms[j] <= at)
			j++;
		op->pick[i] = j > 0 && s->t_ms[j - 1] > promql__sub(at, lookback) ? (uint32_t)j : 0;
	}
	op->time_id = s->time_id;
}

static int put_floats(struct select_op *op, const struct pm_samples *s)
{
	struct promql__col *c = &op->col;

	for (size_t i = 0; i < op->op.grid->count; i++) {
		uint32_t j = op->pick[i];

		c->kind[i] = PROMQL__NONE;
		if (j && !pm_is_stale(s->v[j - 1]))
			promql__set_float(c, i, s->v[j - 1]);
	}
	return 0;
}

static int put_mixed(struct select_op *op, const struct pm_samples *s)
{
	struct promql__col *c = &op->col;

	if (promql__col_hists(op->op.q, op->op.grid, c) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < op->op.grid->count; i++) {
		uint32_t j = op->pick[i];

		c->kind[i] = PROMQL__NONE;
		if (j && s->h[j - 1]) {
			c->h[i] = s->h[j - 1];
			c->kind[i] = PROMQL__HIST;
		} else if (j && !pm_is_stale(s->v[j - 1])) {
			promql__set_float(c, i, s->v[j - 1]);
		}
	}
	return 0;
}

/* The sample's time, or its start timestamp, in its place. */
static int put_times(struct select_op *op, const struct pm_samples *s, struct pm_labels labels)
{
	struct promql__col *c = &op->col;
	struct promql__query *q = op->op.q;

	for (size_t i = 0; i < op->op.grid->count; i++) {
		uint32_t j = op->pick[i];
		bool hist = j && s->h && s->h[j - 1];

		c->kind[i] = PROMQL__NONE;
		if (!j || (!hist && pm_is_stale(s->v[j - 1])))
			continue;
		if (op->what == PROMQL__INFO_TIME && hist)
			return pm_fail(q->err, PM_ERR_INVALID, "this should be an info metric, with float samples: %s",
				promql__labels_print(q, labels));
		if (op->what == PROMQL__START_TIME)
			promql__set_float(c, i, s->st_ms ? (double)s->st_ms[j - 1] / 1000 : 0);
		else
			promql__set_float(c, i, (double)s->t_ms[j - 1] / (op->what == PROMQL__TIME ? 1000 : 1));
	}
	return 0;
}

static int select_next(struct promql__op *base, struct promql__col *ret)
{
	struct select_op *op = (struct select_op *)base;
	struct promql__query *q = base->q;
	struct pm_series s;
	int rc = op->set ? 0 : open_set(op);

	while (rc == 0 && (rc = op->set->next(op->set, &s, q->err)) > 0) {
		if (s.samples.count > PICK_MAX)
			return pm_fail(q->err, PM_ERR_LIMIT, "a series has too many samples for one query");
		if (s.samples.time_id == 0 || s.samples.time_id != op->time_id)
			pick_samples(op, &s.samples);
		if (op->stats && s.samples.h) {
			pm_arena_reset(&op->scratch);
			rc = promql__stats_hints(q, &op->scratch, &s.samples);
			if (rc < 0)
				return rc;
		}
		if (op->what != PROMQL__VALUE)
			rc = put_times(op, &s.samples, s.labels);
		else if (s.samples.h)
			rc = put_mixed(op, &s.samples);
		else
			rc = put_floats(op, &s.samples);
		if (rc < 0)
			return rc;
		op->col.labels = s.labels;
		rc = promql__op_give(base, &op->col);
		q->samples_total += op->col.floats + op->col.hists;
		*ret = op->col;
		if (rc < 0 || op->col.floats + op->col.hists)
			return rc;
		rc = 0;
	}
	return rc;
}

static void select_close(struct promql__op *base)
{
	struct select_op *op = (struct select_op *)base;

	if (op->set)
		op->set->free(op->set);
	op->set = NULL;
	pm_arena_release(&op->scratch);
}

int promql__build_selector(struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, int what,
	struct promql__op **ret)
{
	struct select_op *op;
	int rc;

	if (n->selector.smoothed)
		return promql__build_smooth(q, n, g, ret);
	op = promql__op_new(q, sizeof *op, n, g);
	if (!op || promql__col_init(q, g, &op->col) < 0)
		return PM_ERR_NOMEM;
	op->pick = promql__array(q, g->count, sizeof *op->pick);
	if (!op->pick)
		return PM_ERR_NOMEM;
	op->op.next = select_next;
	op->op.close = select_close;
	op->what = what;
	op->stats = promql__stats_only(q, n);
	pm_arena_init(&op->scratch, q->opts.bytes_max);
	rc = promql__when(q, &n->selector.mod, &op->when);
	*ret = &op->op;
	return rc;
}
