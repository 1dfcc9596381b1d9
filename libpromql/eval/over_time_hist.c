/* over_time_hist.c - sum_over_time and avg_over_time of native histograms. */
#include "libpromql/eval/rollup.h"

/* What all additions of a window found, for one note each. */
struct found {
	unsigned bits;
	bool reset, no_reset;
};

static void see(struct found *f, const struct pm_histogram *h)
{
	f->reset = f->reset || h->reset_hint == PM_RESET_YES;
	f->no_reset = f->no_reset || h->reset_hint == PM_RESET_NO;
}

static void note(const struct promql__window *w, const struct found *f)
{
	if (f->reset && f->no_reset)
		promql__warn_collision(promql__wq(w), w->op->pos, "aggregation");
	if (f->bits & PROMQL__RECONCILED)
		promql__info_reconciled(promql__wq(w), w->op->pos, "aggregation");
}

/* 1, 0 with a warning, or an error. */
static int add(const struct promql__window *w, struct promql__hist *m, const struct pm_histogram *h, struct found *f)
{
	int rc = promql__hist_add(m, h, 1, &f->bits);

	if (rc < 0)
		return promql__nomem(promql__wq(w));
	if (rc > 0)
		promql__warn_schemas(promql__wq(w), w->op->pos, promql__name(w->labels));
	return rc == 0;
}

static int begin(const struct promql__window *w, struct promql__hist *m, struct found *f)
{
	if (promql__hist_load(m, promql__scratch(w), w->hv[0]) < 0)
		return promql__nomem(promql__wq(w));
	m->kahan = true;
	see(f, w->hv[0]);
	return 1;
}

int promql__sum_hists(const struct promql__window *w, struct promql__value *ret)
{
	struct promql__hist m = { 0 };
	struct found f = { 0 };
	int rc = begin(w, &m, &f);

	for (size_t i = 1; rc > 0 && i < w->hists; i++) {
		see(&f, w->hv[i]);
		rc = add(w, &m, w->hv[i], &f);
	}
	if (rc <= 0)
		return rc;
	note(w, &f);
	promql__hist_settle(&m);
	return promql__give_hist(w, &m, ret);
}

/* From where the sum would overflow: a running mean. `m` holds the sum of the first `i` samples. */
static int running_mean(const struct promql__window *w, struct promql__hist *m, size_t i, struct found *f)
{
	struct promql__hist part = { 0 };
	int rc = 1;

	promql__hist_div(m, (double)i);
	for (; rc > 0 && i < w->hists; i++) {
		double n = (double)(i + 1);
		const struct pm_histogram *h;

		see(f, w->hv[i]);
		if (promql__hist_load(&part, promql__scratch(w), w->hv[i]) < 0)
			return promql__nomem(promql__wq(w));
		promql__hist_div(&part, n);
		h = promql__hist_store(&part, promql__scratch(w));
		if (!h)
			return promql__nomem(promql__wq(w));
		promql__hist_mul(m, (n - 1) / n);
		rc = add(w, m, h, f);
	}
	return rc;
}

/* The sum again, up to `count` samples: what it was before it overflowed. */
static int sum_of(const struct promql__window *w, struct promql__hist *m, size_t count, struct found *f)
{
	int rc = begin(w, m, f);

	for (size_t i = 1; rc > 0 && i < count; i++)
		rc = add(w, m, w->hv[i], f);
	return rc;
}

int promql__avg_hists(const struct promql__window *w, struct promql__value *ret)
{
	struct promql__hist m = { 0 };
	struct found f = { 0 };
	bool running = false;
	int rc = begin(w, &m, &f);

	for (size_t i = 1; rc > 0 && !running && i < w->hists; i++) {
		see(&f, w->hv[i]);
		rc = add(w, &m, w->hv[i], &f);
		running = rc > 0 && promql__hist_overflows(&m);
		if (running)
			rc = sum_of(w, &m, i, &f);
		if (running && rc > 0)
			rc = running_mean(w, &m, i, &f);
	}
	if (rc <= 0)
		return rc;
	note(w, &f);
	if (!running)
		promql__hist_div(&m, (double)w->hists);
	promql__hist_settle(&m);
	return promql__give_hist(w, &m, ret);
}
