/* over_time.c - the *_over_time functions. */
#include "libpromql/eval/rollup.h"

#include <math.h>

/* Functions of floats alone: without any there is no answer, and histograms beside them are worth a note. */
static bool floats_only(const struct promql__window *w)
{
	if (w->floats && w->hists)
		promql__info_ignored_range(promql__wq(w), w->op->pos, w->labels);
	return w->floats > 0;
}

static bool mixed(const struct promql__window *w)
{
	if (w->floats && w->hists)
		promql__warn_mixed(promql__wq(w), w->op->pos, w->labels);
	return w->floats && w->hists;
}

/* The sum while it stays finite; then a running mean takes over. */
double promql__average(const double *v, size_t count)
{
	double sum = v[0], c = 0, mean = 0;
	bool running = false;

	for (size_t i = 1; i < count; i++) {
		double n = (double)(i + 1), part = (n - 1) / n;

		if (!running) {
			double s = sum, sc = c;

			promql__kahan(v[i], &s, &sc);
			if (!isinf(s)) {
				sum = s;
				c = sc;
				continue;
			}
			running = true;
			mean = sum / (n - 1);
			c /= n - 1;
		}
		mean *= part;
		c *= part;
		promql__kahan(v[i] / n, &mean, &c);
	}
	return running ? mean + c : sum / (double)count + c / (double)count;
}

int promql__avg_ot(const struct promql__window *w, struct promql__value *ret)
{
	if (mixed(w))
		return 0;
	return w->hists ? promql__avg_hists(w, ret) : promql__give_float(ret, promql__average(w->fv, w->floats));
}

int promql__sum_ot(const struct promql__window *w, struct promql__value *ret)
{
	double sum = 0, c = 0;

	if (mixed(w))
		return 0;
	if (w->hists)
		return promql__sum_hists(w, ret);
	for (size_t i = 0; i < w->floats; i++)
		promql__kahan(w->fv[i], &sum, &c);
	return promql__give_float(ret, isinf(sum) ? sum : sum + c);
}

int promql__count_ot(const struct promql__window *w, struct promql__value *ret)
{
	return promql__give_float(ret, (double)(w->floats + w->hists));
}

int promql__present_ot(const struct promql__window *w, struct promql__value *ret)
{
	return promql__give_float(ret, 1);
}

/* ---- the first and the last --------------------------------------------------------------------- */

int promql__first_ot(const struct promql__window *w, struct promql__value *ret)
{
	if (w->hists == 0 || (w->floats && w->ft[0] < w->ht[0]))
		return promql__give_float(ret, w->fv[0]);
	*ret = (struct promql__value){ .h = w->hv[0] };
	return 1;
}

int promql__last_ot(const struct promql__window *w, struct promql__value *ret)
{
	if (w->hists == 0 || (w->floats && w->ht[w->hists - 1] < w->ft[w->floats - 1]))
		return promql__give_float(ret, w->fv[w->floats - 1]);
	*ret = (struct promql__value){ .h = w->hv[w->hists - 1] };
	return 1;
}

int promql__ts_first_ot(const struct promql__window *w, struct promql__value *ret)
{
	int64_t t = w->floats ? w->ft[0] : INT64_MAX;

	if (w->hists && w->ht[0] < t)
		t = w->ht[0];
	return promql__give_float(ret, (double)t / 1000);
}

int promql__ts_last_ot(const struct promql__window *w, struct promql__value *ret)
{
	int64_t t = w->floats ? w->ft[w->floats - 1] : INT64_MIN;

	if (w->hists && w->ht[w->hists - 1] > t)
		t = w->ht[w->hists - 1];
	return promql__give_float(ret, (double)t / 1000);
}

/* ---- extremes ----------------------------------------------------------------------------------- */

int promql__min_ot(const struct promql__window *w, struct promql__value *ret)
{
	double v;

	if (!floats_only(w))
		return 0;
	v = w->fv[0];
	for (size_t i = 1; i < w->floats; i++)
		if (w->fv[i] < v || isnan(v))
			v = w->fv[i];
	return promql__give_float(ret, v);
}

int promql__max_ot(const struct promql__window *w, struct promql__value *ret)
{
	double v;

	if (!floats_only(w))
		return 0;
	v = w->fv[0];
	for (size_t i = 1; i < w->floats; i++)
		if (w->fv[i] > v || isnan(v))
			v = w->fv[i];
	return promql__give_float(ret, v);
}

/* Of equal values the last one's time. */
int promql__ts_min_ot(const struct promql__window *w, struct promql__value *ret)
{
	size_t at = 0;

	if (!floats_only(w))
		return 0;
	for (size_t i = 1; i < w->floats; i++)
		if (w->fv[i] <= w->fv[at] || isnan(w->fv[at]))
			at = i;
	return promql__give_float(ret, (double)w->ft[at] / 1000);
}

int promql__ts_max_ot(const struct promql__window *w, struct promql__value *ret)
{
	size_t at = 0;

	if (!floats_only(w))
		return 0;
	for (size_t i = 1; i < w->floats; i++)
		if (w->fv[i] >= w->fv[at] || isnan(w->fv[at]))
			at = i;
	return promql__give_float(ret, (double)w->ft[at] / 1000);
}

/* ---- spread ------------------------------------------------------------------------------------- */

/* Welford's method, with compensated sums. */
static double variance(const struct promql__window *w)
{
	double mean = 0, cm = 0, aux = 0, ca = 0;

	for (size_t i = 0; i < w->floats; i++) {
		double delta = w->fv[i] - (mean + cm);

		promql__kahan(delta / (double)(i + 1), &mean, &cm);
		promql__kahan(delta * (w->fv[i] - (mean + cm)), &aux, &ca);
	}
	return (aux + ca) / (double)w->floats;
}

int promql__stdvar_ot(const struct promql__window *w, struct promql__value *ret)
{
	return floats_only(w) ? promql__give_float(ret, variance(w)) : 0;
}

int promql__stddev_ot(const struct promql__window *w, struct promql__value *ret)
{
	return floats_only(w) ? promql__give_float(ret, sqrt(variance(w))) : 0;
}

int promql__quantile_ot(const struct promql__window *w, struct promql__value *ret)
{
	double phi = w->arg[0], *v;

	if (w->floats == 0)
		return 0;
	if (isnan(phi) || phi < 0 || phi > 1)
		promql__warn_quantile(promql__wq(w), w->op->op.node->call.args[0]->start, phi);
	floats_only(w);
	v = promql__sort_room(w, w->floats);
	if (!v)
		return PM_ERR_NOMEM;
	memcpy(v, w->fv, w->floats * sizeof *v);
	return promql__give_float(ret, promql__quantile(phi, v, w->floats));
}

/* Median absolute deviation. */
int promql__mad_ot(const struct promql__window *w, struct promql__value *ret)
{
	double median, *v;

	if (!floats_only(w))
		return 0;
	v = promql__sort_room(w, w->floats);
	if (!v)
		return PM_ERR_NOMEM;
	memcpy(v, w->fv, w->floats * sizeof *v);
	median = promql__quantile(0.5, v, w->floats);
	for (size_t i = 0; i < w->floats; i++)
		v[i] = fabs(w->fv[i] - median);
	return promql__give_float(ret, promql__quantile(0.5, v, w->floats));
}
