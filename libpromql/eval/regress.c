/* regress.c - lines through samples: deriv, predict_linear, double_exponential_smoothing. Histograms are left out. */
#include "libpromql/eval/rollup.h"

#include <math.h>

/* False: too few floats. Histograms beside floats are worth a note. */
static bool enough(const struct promql__window *w)
{
	if (w->floats && w->hists)
		promql__info_ignored_range(promql__wq(w), w->op->pos, w->labels);
	return w->floats >= 2;
}

/* Least squares: the slope, and the line's value at `at_ms`. */
static void fit(const struct promql__window *w, int64_t at_ms, double *ret_slope, double *ret_intercept)
{
	double n = (double)w->floats, x_sum = 0, xc = 0, y_sum = 0, yc = 0, xy = 0, xyc = 0, x2 = 0, x2c = 0;
	bool constant = true;
	double cov, var;

	for (size_t i = 0; i < w->floats; i++) {
		double x = (double)(w->ft[i] - at_ms) / 1e3, y = w->fv[i];

		if (y != w->fv[0])
			constant = constant && i == 0;
		promql__kahan(x, &x_sum, &xc);
		promql__kahan(y, &y_sum, &yc);
		promql__kahan(x * y, &xy, &xyc);
		promql__kahan(x * x, &x2, &x2c);
	}
	*ret_slope = 0;
	*ret_intercept = w->fv[0];
	if (constant && isinf(w->fv[0]))
		*ret_slope = *ret_intercept = promql__nan();
	if (constant)
		return;
	x_sum += xc;
	y_sum += yc;
	xy += xyc;
	x2 += x2c;
	cov = xy - x_sum * y_sum / n;
	var = x2 - x_sum * x_sum / n;
	*ret_slope = cov / var;
	*ret_intercept = y_sum / n - *ret_slope * x_sum / n;
}

int promql__deriv(const struct promql__window *w, struct promql__value *ret)
{
	double slope, intercept;

	if (!enough(w))
		return 0;
	fit(w, w->ft[0], &slope, &intercept);
	return promql__give_float(ret, slope);
}

int promql__predict_linear(const struct promql__window *w, struct promql__value *ret)
{
	double slope, intercept;

	if (!enough(w))
		return 0;
	fit(w, w->at_ms, &slope, &intercept);
	return promql__give_float(ret, slope * w->arg[0] + intercept);
}

int promql__double_exp(const struct promql__window *w, struct promql__value *ret)
{
	struct promql__query *q = promql__wq(w);
	double sf = w->arg[0], tf = w->arg[1], before = 0, now, trend;

	if (sf <= 0 || sf >= 1)
		return pm_fail(q->err, PM_ERR_INVALID, "invalid smoothing factor. Expected: 0 < sf < 1, got: %f", sf);
	if (tf <= 0 || tf >= 1)
		return pm_fail(q->err, PM_ERR_INVALID, "invalid trend factor. Expected: 0 < tf < 1, got: %f", tf);
	if (!enough(w))
		return 0;
	now = w->fv[0];
	trend = w->fv[1] - w->fv[0];
	for (size_t i = 1; i < w->floats; i++) {
		double x = sf * w->fv[i], y;

		if (i > 1) {
			double slope = tf * (now - before);

			trend = slope + (1 - tf) * trend;
		}
		y = (1 - sf) * (now + trend);
		before = now;
		now = x + y;
	}
	return promql__give_float(ret, now);
}
