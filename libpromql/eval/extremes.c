/* extremes.c - min_over_time and max_over_time in one pass.
 *
 * A queue of positions is kept whose values only get worse: what enters throws out all that it beats, what leaves the
 * window leaves at the front, and the front is the answer. Every sample enters and leaves once, however long the
 *window:
 *
 *	values  5 3 4 1 | 2        max over four: queue of positions with values 5 4 1 -> 4 2
 *
 * NaN is beaten by every number, and equal values stay behind the first of them, as a scan would have it. */
#include "libpromql/eval/rollup.h"

#include <math.h>

static inline bool beats(double a, double b, bool max)
{
	return (max ? a > b : a < b) || (isnan(b) && !isnan(a));
}

int promql__extreme_floats(struct promql__rollup_op *op, const struct promql__raw *r, const uint32_t *lo,
	const uint32_t *hi, struct promql__col *ret)
{
	bool max = op->id == PROMQL_FN_MAX_OVER_TIME;
	uint32_t front = 0, back = 0, next = 0; /* the queue is work[front, back) */

	if (promql__grow(op->op.q, &op->work, &op->work_cap, r->floats) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < op->op.grid->count; i++) {
		for (; next < hi[i]; next++) {
			while (back > front && beats(r->fv[next], r->fv[op->work[back - 1]], max))
				back--;
			op->work[back++] = next;
		}
		while (front < back && op->work[front] < lo[i])
			front++;
		if (lo[i] < hi[i])
			promql__set_float(ret, i, r->fv[op->work[front]]);
	}
	return 0;
}
