/* arith.c - numbers as upstream computes them. */
#include "libpromql/eval/eval.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

double promql__nan(void)
{
	return pm_bits_double(PM_NORMAL_NAN_BITS);
}

/* An infinity of the right sign wins over NaN, and +0 is above -0. */
double promql__max(double a, double b)
{
	if (a == INFINITY || b == INFINITY)
		return INFINITY;
	if (isnan(a) || isnan(b))
		return promql__nan();
	if (a == 0 && a == b)
		return signbit(a) ? b : a;
	return a > b ? a : b;
}

double promql__min(double a, double b)
{
	if (a == -INFINITY || b == -INFINITY)
		return -INFINITY;
	if (isnan(a) || isnan(b))
		return promql__nan();
	if (a == 0 && a == b)
		return signbit(a) ? a : b;
	return a < b ? a : b;
}

/* Relative difference; a stale marker equals itself alone. */
bool promql__almost_equal(double a, double b, double epsilon)
{
	double sum = fabs(a) + fabs(b), diff = fabs(a - b);

	if (pm_is_stale(a) || pm_is_stale(b))
		return pm_is_stale(a) && pm_is_stale(b);
	if (isnan(a) && isnan(b))
		return true;
	if (a == b)
		return true;
	if (a == 0 || b == 0 || sum < DBL_MIN)
		return diff < epsilon * DBL_MIN;
	return diff / (sum < DBL_MAX ? sum : DBL_MAX) < epsilon;
}

/* NaN before all numbers. */
int promql__cmp_double(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(b) - isnan(a);
	return (a > b) - (a < b);
}

static int by_value(const void *a, const void *b)
{
	return promql__cmp_double(*(const double *)a, *(const double *)b);
}

void promql__sort_doubles(double *v, size_t count)
{
	if (count)
		qsort(v, count, sizeof *v, by_value);
}

double promql__quantile_sorted(double phi, const double *v, size_t count)
{
	double rank, lower, upper, weight;

	if (count == 0 || isnan(phi))
		return promql__nan();
	if (phi < 0 || phi > 1)
		return phi < 0 ? -INFINITY : INFINITY;
	rank = phi * ((double)count - 1);
	lower = fmax(0, floor(rank));
	upper = fmin((double)count - 1, lower + 1);
	weight = rank - floor(rank);
	return v[(size_t)lower] * (1 - weight) + v[(size_t)upper] * weight;
}

double promql__quantile(double phi, double *v, size_t count)
{
	if (phi >= 0 && phi <= 1)
		promql__sort_doubles(v, count);
	return promql__quantile_sorted(phi, v, count);
}
