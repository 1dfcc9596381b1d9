/* fold_hist.c - sum and avg of native histograms, one series after the other. A group that sees both floats and
 * histograms at a step has no answer there, and neither has one whose histograms don't add up. */
#include "libpromql/eval/fold.h"

/* A histogram under work for a step; for a running mean, `sum` is the mean. */
static int begin(struct promql__fold_op *op, struct promql__fold *f, size_t i, const struct pm_histogram *h)
{
	struct promql__query *q = op->t.op.q;

	if (!f->h)
		f->h = promql__zalloc(q, op->t.op.grid->count * sizeof(struct promql__hist *));
	if (!f->h)
		return PM_ERR_NOMEM;
	f->h[i] = promql__zalloc(q, sizeof **f->h);
	if (!f->h[i])
		return PM_ERR_NOMEM;
	if (promql__hist_load(f->h[i], &q->arena, h) < 0)
		return promql__nomem(q);
	f->h[i]->kahan = true;
	return 0;
}

static void see_hint(struct promql__fold *f, size_t i, const struct pm_histogram *h)
{
	if (h->reset_hint == PM_RESET_YES)
		f->flags[i] |= FOLD_RESET;
	else if (h->reset_hint == PM_RESET_NO)
		f->flags[i] |= FOLD_NO_RESET;
}

static int add(struct promql__fold_op *op, struct promql__fold *f, size_t i, struct promql__hist *to,
	const struct pm_histogram *h, struct pm_labels labels)
{
	struct promql__query *q = op->t.op.q;
	unsigned found = 0;
	int rc = promql__hist_add(to, h, 1, &found);

	if (rc < 0)
		return promql__nomem(q);
	if (rc > 0) {
		promql__warn_schemas(q, op->pos, promql__name(labels));
		f->flags[i] |= FOLD_BAD;
	}
	if (found & PROMQL__RECONCILED)
		promql__info_reconciled(q, op->pos, "aggregation");
	return 0;
}

/* A copy of `m` with everything it holds. */
static int copy(struct promql__query *q, const struct promql__hist *m, struct promql__hist *ret)
{
	*ret = *m;
	ret->tmp = (struct promql__side){ 0 };
	ret->pos.v = pm_arena_array(&q->arena, m->pos.count, sizeof *m->pos.v);
	ret->neg.v = pm_arena_array(&q->arena, m->neg.count, sizeof *m->neg.v);
	if (!ret->pos.v || !ret->neg.v)
		return promql__nomem(q);
	ret->pos.cap = m->pos.count;
	ret->neg.cap = m->neg.count;
	if (m->pos.count)
		memcpy(ret->pos.v, m->pos.v, m->pos.count * sizeof *m->pos.v);
	if (m->neg.count)
		memcpy(ret->neg.v, m->neg.v, m->neg.count * sizeof *m->neg.v);
	return 0;
}

static int add_to_mean(struct promql__fold_op *op, struct promql__fold *f, size_t i, const struct pm_histogram *h,
	struct pm_labels labels)
{
	struct promql__query *q = op->t.op.q;
	struct promql__hist part = { 0 };
	double n = f->n[i];

	if (promql__hist_load(&part, &q->arena, h) < 0)
		return promql__nomem(q);
	promql__hist_div(&part, n);
	h = promql__hist_store(&part, &q->arena);
	if (!h)
		return promql__nomem(q);
	promql__hist_mul(f->h[i], (n - 1) / n);
	return add(op, f, i, f->h[i], h, labels);
}

/* Whether adding `h` may overflow: only then the sum as it is must be kept aside. */
static bool is_near_overflow(const struct promql__hist *m, const struct pm_histogram *h)
{
	const double far = 1e300;

	return !(m->count < far) || !(m->sum < far && m->sum > -far) || !(h->count < far) ||
	       !(h->sum < far && h->sum > -far);
}

static int add_avg(struct promql__fold_op *op, struct promql__fold *f, size_t i, const struct pm_histogram *h,
	struct pm_labels labels)
{
	struct promql__hist before;
	bool near = is_near_overflow(f->h[i], h);
	int rc;

	if (f->flags[i] & FOLD_RUNNING)
		return add_to_mean(op, f, i, h, labels);
	if (near && copy(op->t.op.q, f->h[i], &before) < 0)
		return PM_ERR_NOMEM;
	rc = add(op, f, i, f->h[i], h, labels);
	if (rc < 0 || !near || f->flags[i] & FOLD_BAD || !promql__hist_overflows(f->h[i]))
		return rc;
	*f->h[i] = before;
	f->flags[i] |= FOLD_RUNNING;
	promql__hist_div(f->h[i], f->n[i] - 1);
	return add_to_mean(op, f, i, h, labels);
}

int promql__fold_hist(struct promql__fold_op *op, struct promql__fold *f, size_t i, const struct promql__col *c)
{
	const struct pm_histogram *h = c->h[i];
	bool first = !(f->flags[i] & FOLD_SEEN);

	if (f->flags[i] & FOLD_BAD)
		return 0;
	f->flags[i] |= FOLD_SEEN | FOLD_HIST;
	if (f->n)
		f->n[i]++;
	if (first) {
		see_hint(f, i, h);
		return begin(op, f, i, h);
	}
	if (!f->h || !f->h[i])
		return 0; /* floats came before: there will be no answer */
	see_hint(f, i, h);
	if (op->agg == PROMQL_AGG_AVG)
		return add_avg(op, f, i, h, c->labels);
	return add(op, f, i, f->h[i], h, c->labels);
}

int promql__fold_hist_end(struct promql__fold_op *op, struct promql__fold *f, size_t i, const struct pm_histogram **ret)
{
	struct promql__query *q = op->t.op.q;
	struct promql__hist *m = f->h ? f->h[i] : NULL;

	if (f->flags[i] & FOLD_FLOAT) {
		promql__warn(q, op->pos, "encountered a mix of histograms and floats for aggregation");
		return 0;
	}
	if (f->flags[i] & FOLD_BAD || !m)
		return 0;
	if (op->agg == PROMQL_AGG_AVG && !(f->flags[i] & FOLD_RUNNING))
		promql__hist_div(m, f->n[i]);
	promql__hist_settle(m);
	if (f->flags[i] & FOLD_RESET && f->flags[i] & FOLD_NO_RESET)
		promql__warn_collision(q, op->pos, "aggregation");
	*ret = promql__hist_store(m, &q->arena);
	return *ret ? 1 : promql__nomem(q);
}
