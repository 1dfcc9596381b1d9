/* sliding.c - functions of ranges that keep what they know of a window when it moves on: changes and resets, which lie
 * between two samples and so can be counted once for all windows, and quantiles, whose samples stay sorted. */
#include "libpromql/eval/rollup.h"

#include <math.h>

/* ---- changes and resets ------------------------------------------------------------------------- */

static bool happens(enum promql_fn id, const struct promql__raw *r, size_t i)
{
	double a = r->fv[i - 1], b = r->fv[i];

	if (id == PROMQL_FN_CHANGES)
		return a != b && !(isnan(a) && isnan(b));
	return b < a || (r->fst && promql__start_reset(r->fst[i - 1], r->ft[i - 1], r->fst[i], r->ft[i]));
}

/* work[i]: how often it happened up to sample i. */
int promql__count_floats(struct promql__rollup_op *op, const struct promql__raw *r, const uint32_t *lo,
	const uint32_t *hi, struct promql__col *ret)
{
	uint32_t n = 0;

	if (promql__grow(op->op.q, &op->work, &op->work_cap, r->floats) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < r->floats; i++) {
		n += i > 0 && happens(op->id, r, i);
		op->work[i] = n;
	}
	for (size_t i = 0; i < op->op.grid->count; i++)
		if (lo[i] < hi[i])
			promql__set_float(ret, i, op->work[hi[i] - 1] - op->work[lo[i]]);
	return 0;
}

/* ---- quantiles ---------------------------------------------------------------------------------- */

/* The first that is not below `x`, or with `after` the first above it; NaN is below all numbers. */
static size_t place(const double *v, size_t count, double x, bool after)
{
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		int c = promql__cmp_double(v[mid], x);

		if (c < 0 || (after && c == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void put(double *v, size_t *count, double x)
{
	size_t i = place(v, *count, x, true);

	memmove(v + i + 1, v + i, (*count - i) * sizeof *v);
	v[i] = x;
	(*count)++;
}

/* Zeros of both signs are equal and stand in the order they came in: what leaves is the first with these bits. */
static void take(double *v, size_t *count, double x)
{
	size_t i = place(v, *count, x, false);

	while (i + 1 < *count && pm_double_bits(v[i]) != pm_double_bits(x))
		i++;
	memmove(v + i, v + i + 1, (*count - i - 1) * sizeof *v);
	(*count)--;
}

/* From window [*from, *to) to [lo, hi). Where little stays it is sorted anew. */
static void slide(
	double *v, size_t *count, const double *samples, uint32_t *from, uint32_t *to, uint32_t lo, uint32_t hi)
{
	if (lo >= *to || (lo - *from) + (hi - *to) > (hi - lo) / 2) {
		*count = hi - lo;
		memcpy(v, samples + lo, *count * sizeof *v);
		promql__sort_doubles(v, *count);
	} else {
		for (uint32_t i = *from; i < lo; i++)
			take(v, count, samples[i]);
		for (uint32_t i = *to; i < hi; i++)
			put(v, count, samples[i]);
	}
	*from = lo;
	*to = hi;
}

int promql__quantile_floats(struct promql__rollup_op *op, const struct promql__raw *r, const uint32_t *lo,
	const uint32_t *hi, struct promql__col *ret)
{
	struct promql__query *q = op->op.q;
	uint32_t from = 0, to = 0;
	size_t count = 0;
	int rc = promql__grow(q, &op->sorted, &op->sorted_cap, r->floats);

	for (size_t i = 0; rc == 0 && i < op->op.grid->count; i++) {
		double phi = op->args[0][i];

		rc = promql__check(q);
		if (rc < 0 || lo[i] == hi[i])
			continue;
		if (isnan(phi) || phi < 0 || phi > 1)
			promql__warn_quantile(q, op->op.node->call.args[0]->start, phi);
		slide(op->sorted, &count, r->fv, &from, &to, lo[i], hi[i]);
		promql__set_float(ret, i, promql__quantile_sorted(phi, op->sorted, count));
	}
	return rc;
}
