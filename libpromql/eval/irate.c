/* irate.c - irate and idelta: the last two samples of the window. */
#include "libpromql/eval/rollup.h"

struct sample {
	int64_t t_ms, st_ms;
	double v;
	const struct pm_histogram *h;
};

static struct sample float_at(const struct promql__window *w, size_t i)
{
	return (struct sample){ w->ft[i], w->fst ? w->fst[i] : 0, w->fv[i], NULL };
}

static struct sample hist_at(const struct promql__window *w, size_t i)
{
	return (struct sample){ w->ht[i], w->hst ? w->hst[i] : 0, 0, w->hv[i] };
}

/* The newest sample of both kinds, and those before it left out: *f and *h count what is left. */
static struct sample take_last(const struct promql__window *w, size_t *f, size_t *h)
{
	if (*h == 0 || (*f > 0 && w->ft[*f - 1] > w->ht[*h - 1]))
		return float_at(w, --*f);
	return hist_at(w, --*h);
}

static int difference(const struct promql__window *w, const struct sample *a, const struct sample *b, bool counter,
	struct promql__value *ret)
{
	struct promql__query *q = promql__wq(w);
	bool gauges = a->h->reset_hint == PM_RESET_GAUGE && b->h->reset_hint == PM_RESET_GAUGE;
	bool any_gauge = a->h->reset_hint == PM_RESET_GAUGE || b->h->reset_hint == PM_RESET_GAUGE;
	struct promql__hist m = { 0 };
	int rc = 1;

	if (counter && any_gauge)
		promql__warn_not_counter(q, w->op->pos, w->labels);
	if (!counter && !gauges)
		promql__warn_not_gauge(q, w->op->pos, w->labels);
	if (promql__hist_load(&m, &((struct promql__rollup_op *)w->op)->scratch, b->h) < 0)
		return promql__nomem(q);
	if (!counter || (!promql__start_reset(a->st_ms, a->t_ms, b->st_ms, b->t_ms) && !promql__hist_reset(b->h, a->h)))
		rc = promql__add_noting(w, &m, a->h, -1);
	if (rc <= 0)
		return rc;
	m.reset_hint = PM_RESET_GAUGE;
	if (counter)
		promql__hist_div(&m, (double)(b->t_ms - a->t_ms) / 1000);
	return promql__give_hist(w, &m, ret);
}

static int instant(const struct promql__window *w, bool counter, struct promql__value *ret)
{
	size_t f = w->floats, h = w->hists;
	struct sample a, b;
	double v;

	if (f + h < 2)
		return 0;
	b = take_last(w, &f, &h);
	a = take_last(w, &f, &h);
	if (a.t_ms == b.t_ms)
		return 0;
	if (!a.h != !b.h) {
		promql__warn_mixed(promql__wq(w), w->op->pos, w->labels);
		return 0;
	}
	if (a.h)
		return difference(w, &a, &b, counter, ret);
	v = b.v - a.v;
	if (counter && (b.v < a.v || promql__start_reset(a.st_ms, a.t_ms, b.st_ms, b.t_ms)))
		v = b.v;
	return promql__give_float(ret, counter ? v / ((double)(b.t_ms - a.t_ms) / 1000) : v);
}

int promql__irate(const struct promql__window *w, struct promql__value *ret)
{
	return instant(w, true, ret);
}

int promql__idelta(const struct promql__window *w, struct promql__value *ret)
{
	return instant(w, false, ret);
}
