/* hist_rate.c - the increase of a native histogram over a window, before extrapolation. */
#include "libpromql/eval/rollup.h"

static bool is_reset(const struct promql__window *w, size_t i, const struct pm_histogram *prev)
{
	if (w->hst && promql__start_reset(w->hst[i - 1], w->ht[i - 1], w->hst[i], w->ht[i]))
		return true;
	return promql__hist_reset(w->hv[i], prev);
}

/* The samples between must be of the kind that the ends are of. Where they differ the window has no increase. */
static bool check_kinds(const struct promql__window *w, bool counter, bool custom, int32_t *schema)
{
	for (size_t i = 1; counter && i + 1 < w->hists; i++) {
		const struct pm_histogram *h = w->hv[i];

		if (h->reset_hint == PM_RESET_GAUGE)
			promql__warn_not_counter(promql__wq(w), w->op->pos, w->labels);
		if (h->schema < *schema)
			*schema = h->schema;
		if (promql__is_custom(h) != custom)
			return false;
	}
	return promql__is_custom(w->hv[w->hists - 1]) == custom;
}

static void note_hints(const struct promql__window *w, bool counter)
{
	const struct pm_histogram *first = w->hv[0], *last = w->hv[w->hists - 1];
	bool gauge = first->reset_hint == PM_RESET_GAUGE, last_gauge = last->reset_hint == PM_RESET_GAUGE;

	if (counter && (gauge || last_gauge))
		promql__warn_not_counter(promql__wq(w), w->op->pos, w->labels);
}

static void note_overlap(const struct promql__window *w)
{
	for (size_t i = 1; w->hst && i < w->hists; i++)
		if (w->hst[i] != 0 && w->hst[i] < w->ht[i - 1] && w->hst[i] != w->hst[i - 1]) {
			promql__warn(promql__wq(w), w->op->pos,
				"sample has start time that overlaps with previous sample timestamp "
				"for metric %s",
				promql__quote(promql__wq(w), promql__name(w->labels)));
			return;
		}
}

/* What was counted before each reset is added again. */
static int add_resets(const struct promql__window *w, const struct pm_histogram *first, struct promql__hist *m)
{
	const struct pm_histogram *prev = first;
	int rc = 1;

	note_overlap(w);
	for (size_t i = 1; rc > 0 && i < w->hists; i++) {
		if (is_reset(w, i, prev))
			rc = promql__add_noting(w, m, prev, 1);
		prev = w->hv[i];
	}
	return rc;
}

/* A first sample before a reset is not looked at: whatever its buckets, the increase is what came after. */
int promql__hist_increase(const struct promql__window *w, bool counter, struct promql__hist *m)
{
	const struct pm_histogram *first = w->hv[0], *last = w->hv[w->hists - 1];
	struct pm_histogram zero;
	int32_t schema;
	int rc;

	note_hints(w, counter);
	if (counter && is_reset(w, 1, first)) {
		zero = (struct pm_histogram){
			.schema = w->hv[1]->schema, .custom = w->hv[1]->custom, .custom_count = w->hv[1]->custom_count
		};
		first = &zero;
	}
	schema = first->schema < last->schema ? first->schema : last->schema;
	if (!check_kinds(w, counter, promql__is_custom(first), &schema)) {
		promql__warn_schemas(promql__wq(w), w->op->pos, promql__name(w->labels));
		return 0;
	}
	if (promql__hist_load(m, promql__scratch(w), last) < 0)
		return promql__nomem(promql__wq(w));
	if (schema != PM_SCHEMA_CUSTOM)
		promql__hist_reduce(m, schema);
	rc = promql__add_noting(w, m, first, -1);
	if (rc > 0 && counter)
		rc = add_resets(w, first, m);
	if (!counter && (w->hv[0]->reset_hint != PM_RESET_GAUGE || last->reset_hint != PM_RESET_GAUGE))
		promql__warn_not_gauge(promql__wq(w), w->op->pos, w->labels);
	m->reset_hint = PM_RESET_GAUGE;
	return rc;
}
