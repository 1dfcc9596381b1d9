/* sums.c - sum, avg, stddev and stdvar over time, eight windows at once.
 *
 * Each window is added up from its first sample on, as the answer must have the same bits as upstream's. One such chain
 * of additions leaves the processor waiting for itself; eight side by side do not. Where a window has more samples than
 * the shortest of the eight the rest follows one by one. */
#include "libpromql/eval/rollup.h"

#include <math.h>

enum { LANES = 2, GROUPS = 4, WINDOWS = LANES * GROUPS };

typedef double promql__v2 __attribute__((vector_size(16)));
typedef int64_t promql__m2 __attribute__((vector_size(16)));

static inline promql__v2 either(promql__m2 mask, promql__v2 a, promql__v2 b)
{
	return (promql__v2)((mask & (promql__m2)a) | (~mask & (promql__m2)b));
}

static inline promql__v2 absolute(promql__v2 a)
{
	const promql__m2 mask = { INT64_MAX, INT64_MAX };

	return (promql__v2)((promql__m2)a & mask);
}

/* promql__kahan() for both lanes. */
static inline void kahan(promql__v2 inc, promql__v2 *sum, promql__v2 *c)
{
	const promql__v2 inf = { INFINITY, INFINITY };
	promql__v2 t = *sum + inc;
	promql__m2 big = absolute(*sum) >= absolute(inc), over = absolute(t) == inf;

	*c += either(big, (*sum - t) + inc, (inc - t) + *sum);
	*c = (promql__v2)(~over & (promql__m2)*c);
	*sum = t;
}

static inline promql__v2 samples(const double *v, const uint32_t *lo, size_t group, uint32_t k)
{
	return (promql__v2){ v[lo[group * LANES] + k], v[lo[group * LANES + 1] + k] };
}

static uint32_t shortest(const uint32_t *lo, const uint32_t *hi)
{
	uint32_t n = hi[0] - lo[0];

	for (size_t i = 1; i < WINDOWS; i++)
		n = hi[i] - lo[i] < n ? hi[i] - lo[i] : n;
	return n;
}

/* ---- sums --------------------------------------------------------------------------------------- */

struct sum {
	double sum, c;
};

/* What one window adds behind `from`. */
static void add_rest(struct sum *s, const double *v, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		promql__kahan(v[i], &s->sum, &s->c);
}

/* Eight windows; with `skip` sums start at the first sample, as those of averages do. */
static void add_windows(const double *v, const uint32_t *lo, const uint32_t *hi, bool skip, struct sum *ret)
{
	promql__v2 sum[GROUPS] = { 0 }, c[GROUPS] = { 0 };
	uint32_t n = shortest(lo, hi), k = 0;

	if (skip && n > 0) {
		for (size_t g = 0; g < GROUPS; g++)
			sum[g] = samples(v, lo, g, 0);
		k = 1;
	}
	for (; k < n; k++)
#pragma GCC unroll 4
		for (size_t g = 0; g < GROUPS; g++)
			kahan(samples(v, lo, g, k), &sum[g], &c[g]);
	for (size_t i = 0; i < WINDOWS; i++) {
		uint32_t from = lo[i] + n;

		ret[i] = (struct sum){ sum[i / LANES][i % LANES], c[i / LANES][i % LANES] };
		if (skip && n == 0 && from < hi[i])
			ret[i].sum = v[from++];
		add_rest(&ret[i], v, from, hi[i]);
	}
}

static void add_window(const double *v, uint32_t lo, uint32_t hi, bool skip, struct sum *ret)
{
	*ret = (struct sum){ 0 };
	if (skip && lo < hi)
		ret->sum = v[lo++];
	add_rest(ret, v, lo, hi);
}

static void give_sum(
	bool avg, const double *v, uint32_t count, const struct sum *s, struct promql__col *ret, size_t step)
{
	double n = (double)count;

	if (count == 0)
		return;
	if (!avg)
		promql__set_float(ret, step, isinf(s->sum) ? s->sum : s->sum + s->c);
	else if (isfinite(s->sum))
		promql__set_float(ret, step, s->sum / n + s->c / n);
	else
		promql__set_float(ret, step, promql__average(v, count));
}

int promql__sum_floats(struct promql__rollup_op *op, const struct promql__raw *r, const uint32_t *lo,
	const uint32_t *hi, struct promql__col *ret)
{
	bool avg = op->id == PROMQL_FN_AVG_OVER_TIME;
	size_t i = 0, count = op->op.grid->count;
	struct sum s[WINDOWS];

	for (; i + WINDOWS <= count; i += WINDOWS) {
		add_windows(r->fv, lo + i, hi + i, avg, s);
		for (size_t k = 0; k < WINDOWS; k++)
			give_sum(avg, r->fv + lo[i + k], hi[i + k] - lo[i + k], &s[k], ret, i + k);
	}
	for (; i < count; i++) {
		add_window(r->fv, lo[i], hi[i], avg, s);
		give_sum(avg, r->fv + lo[i], hi[i] - lo[i], s, ret, i);
	}
	return 0;
}

/* ---- spread ------------------------------------------------------------------------------------- */

struct spread {
	double mean, cm, aux, ca;
};

static void spread_rest(struct spread *s, const double *v, uint32_t lo, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		double delta = v[i] - (s->mean + s->cm);

		promql__kahan(delta / (double)(i - lo + 1), &s->mean, &s->cm);
		promql__kahan(delta * (v[i] - (s->mean + s->cm)), &s->aux, &s->ca);
	}
}

static void spread_windows(const double *v, const uint32_t *lo, const uint32_t *hi, struct spread *ret)
{
	promql__v2 mean[GROUPS] = { 0 }, cm[GROUPS] = { 0 }, aux[GROUPS] = { 0 }, ca[GROUPS] = { 0 };
	uint32_t n = shortest(lo, hi);

	for (uint32_t k = 0; k < n; k++) {
		promql__v2 nth = { (double)(k + 1), (double)(k + 1) };

#pragma GCC unroll 4
		for (size_t g = 0; g < GROUPS; g++) {
			promql__v2 x = samples(v, lo, g, k), delta = x - (mean[g] + cm[g]);

			kahan(delta / nth, &mean[g], &cm[g]);
			kahan(delta * (x - (mean[g] + cm[g])), &aux[g], &ca[g]);
		}
	}
	for (size_t i = 0; i < WINDOWS; i++) {
		size_t g = i / LANES, k = i % LANES;

		ret[i] = (struct spread){ mean[g][k], cm[g][k], aux[g][k], ca[g][k] };
		spread_rest(&ret[i], v, lo[i], lo[i] + n, hi[i]);
	}
}

int promql__spread_floats(struct promql__rollup_op *op, const struct promql__raw *r, const uint32_t *lo,
	const uint32_t *hi, struct promql__col *ret)
{
	size_t count = op->op.grid->count;
	struct spread s[WINDOWS];

	for (size_t i = 0; i < count; i += WINDOWS) {
		size_t n = count - i < WINDOWS ? count - i : WINDOWS;

		if (n == WINDOWS)
			spread_windows(r->fv, lo + i, hi + i, s);
		for (size_t k = 0; k < n; k++) {
			uint32_t a = lo[i + k], b = hi[i + k];
			double var;

			if (n < WINDOWS) {
				s[k] = (struct spread){ 0 };
				spread_rest(&s[k], r->fv, a, a, b);
			}
			var = (s[k].aux + s[k].ca) / (double)(b - a);
			if (a < b)
				promql__set_float(ret, i + k, op->id == PROMQL_FN_STDVAR_OVER_TIME ? var : sqrt(var));
		}
	}
	return 0;
}
