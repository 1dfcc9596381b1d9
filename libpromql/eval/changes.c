/* changes.c - changes and resets: what happened from one sample to the next, floats and histograms in one order. */
#include "libpromql/eval/rollup.h"

#include <math.h>

struct sample {
	int64_t t_ms, st_ms;
	double v;
	const struct pm_histogram *h;
};

/* The next sample by time, of either kind. */
static struct sample next_sample(const struct promql__window *w, size_t *f, size_t *h)
{
	struct sample s = { 0 };

	if (*h == w->hists || (*f < w->floats && w->ft[*f] < w->ht[*h])) {
		s = (struct sample){ w->ft[*f], w->fst ? w->fst[*f] : 0, w->fv[*f], NULL };
		*f += 1;
	} else {
		s = (struct sample){ w->ht[*h], w->hst ? w->hst[*h] : 0, 0, w->hv[*h] };
		*h += 1;
	}
	return s;
}

static size_t up_to(const int64_t *t, size_t count, int64_t at)
{
	size_t n = 0;

	while (n < count && t[n] <= at)
		n++;
	return n;
}

/* An anchored window begins with the last sample at or before its start, be it a float or a histogram. False: there is
 * nothing behind the start. */
static bool begin(const struct promql__window *w, size_t *f, size_t *h)
{
	size_t nf, nh;

	*f = *h = 0;
	if (!w->op->source->anchored)
		return true;
	nf = up_to(w->ft, w->floats, w->start_ms);
	nh = up_to(w->ht, w->hists, w->start_ms);
	if (nf == w->floats && nh == w->hists)
		return false;
	*f = nf;
	*h = nh;
	if (nf > 0 && (nh == 0 || w->ft[nf - 1] >= w->ht[nh - 1]))
		*f = nf - 1;
	else if (nh > 0)
		*h = nh - 1;
	return true;
}

static bool is_change(const struct sample *a, const struct sample *b)
{
	if (!a->h != !b->h)
		return true;
	if (a->h)
		return !promql__hist_equal(b->h, a->h);
	return a->v != b->v && !(isnan(a->v) && isnan(b->v));
}

static bool is_reset(const struct sample *a, const struct sample *b)
{
	if (!a->h != !b->h)
		return true;
	if (promql__start_reset(a->st_ms, a->t_ms, b->st_ms, b->t_ms))
		return true;
	return a->h ? promql__hist_reset(b->h, a->h) : b->v < a->v;
}

static int count_steps(const struct promql__window *w, bool (*counts)(const struct sample *, const struct sample *),
	struct promql__value *ret)
{
	size_t f, h, n = 0;
	struct sample prev;

	if (!begin(w, &f, &h))
		return 0;
	prev = next_sample(w, &f, &h);
	while (f < w->floats || h < w->hists) {
		struct sample cur = next_sample(w, &f, &h);

		n += counts(&prev, &cur);
		prev = cur;
	}
	return promql__give_float(ret, (double)n);
}

int promql__changes(const struct promql__window *w, struct promql__value *ret)
{
	return count_steps(w, is_change, ret);
}

int promql__resets(const struct promql__window *w, struct promql__value *ret)
{
	return count_steps(w, is_reset, ret);
}
