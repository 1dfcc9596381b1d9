/* hist_note.c - arithmetic on native histograms that tells the user what it met. */
#include "libpromql/eval/hist.h"

int promql__hist_add_noting(
	const struct promql__site *s, struct promql__hist *m, const struct pm_histogram *h, double sign)
{
	unsigned found = 0;
	int rc = promql__hist_add(m, h, sign, &found);

	if (rc < 0)
		return promql__nomem(s->q);
	if (rc > 0) {
		promql__warn_schemas(s->q, s->pos, s->name);
		return 0;
	}
	if (found & PROMQL__RECONCILED)
		promql__info_reconciled(s->q, s->pos, sign < 0 ? "subtraction" : "addition");
	return 1;
}

/* A counter that was reset between the two counts up from nothing. */
int promql__hist_interpolate(const struct promql__site *s, const struct pm_histogram *a, int64_t t1,
	const struct pm_histogram *b, int64_t t2, int64_t t, bool counter, struct promql__hist *m)
{
	double part = (double)(t - t1) / (double)(t2 - t1);
	int rc;

	if (promql__hist_load(m, s->arena, t == t1 ? a : b) < 0)
		return promql__nomem(s->q);
	if (t == t1 || t == t2)
		return 1;
	if (counter && promql__hist_reset(b, a)) {
		promql__hist_mul(m, part);
		return 1;
	}
	rc = promql__hist_add_noting(s, m, a, -1);
	if (rc <= 0)
		return rc;
	promql__hist_mul(m, part);
	return promql__hist_add_noting(s, m, a, 1);
}
