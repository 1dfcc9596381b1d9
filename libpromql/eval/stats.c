/* stats.c - counter resets of native histograms that are only read for their count and sum.
 *
 * Below histogram_count(), histogram_sum() and histogram_avg() upstream reads histograms without their buckets, and
 * then finds resets as it reads, from sample to sample: more hints are known than the store gives, and what adds
 * histograms up may see that they disagree. */
#include "libpromql/eval/hist.h"

static bool reads_stats(const struct promql_node *n, bool above)
{
	switch (n->call.func->id) {
	case PROMQL_FN_HISTOGRAM_COUNT:
	case PROMQL_FN_HISTOGRAM_SUM:
	case PROMQL_FN_HISTOGRAM_AVG:
		return true;
	case PROMQL_FN_HISTOGRAM_QUANTILE:
	case PROMQL_FN_HISTOGRAM_QUANTILES:
	case PROMQL_FN_HISTOGRAM_FRACTION:
		return false;
	default:
		return above;
	}
}

static int find(struct promql__query *q, const struct promql_node *n, bool stats);

static int find_in_args(struct promql__query *q, const struct promql_node *n, bool stats)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n->call.arg_count; i++)
		rc = find(q, n->call.args[i], reads_stats(n, stats));
	return rc;
}

static int find(struct promql__query *q, const struct promql_node *n, bool stats)
{
	int rc;

	switch (n->kind) {
	case PROMQL_NODE_SELECTOR:
		if (!stats)
			return 0;
		rc = promql__grow(q, &q->stats, &q->stats_cap, q->stats_count + 1);
		if (rc == 0)
			q->stats[q->stats_count++] = n;
		return rc;
	case PROMQL_NODE_MATRIX:
		return find(q, n->matrix.selector, stats);
	case PROMQL_NODE_SUBQUERY:
		return find(q, n->subquery.expr, false);
	case PROMQL_NODE_CALL:
		return find_in_args(q, n, stats);
	case PROMQL_NODE_AGGREGATE:
		return find(q, n->agg.expr, stats);
	case PROMQL_NODE_BINARY:
		rc = find(q, n->binary.lhs, stats);
		return rc < 0 ? rc : find(q, n->binary.rhs, stats);
	case PROMQL_NODE_UNARY:
		return find(q, n->unary.expr, stats);
	case PROMQL_NODE_PAREN:
		return find(q, n->paren, stats);
	default:
		return 0;
	}
}

int promql__stats_find(struct promql__query *q)
{
	return find(q, q->expr->root, false);
}

bool promql__stats_only(const struct promql__query *q, const struct promql_node *selector)
{
	for (size_t i = 0; i < q->stats_count; i++)
		if (q->stats[i] == selector)
			return true;
	return false;
}

/* The first sample, and the first one after a float, say what the store says. */
int promql__stats_hints(struct promql__query *q, struct pm_arena *a, struct pm_samples *s)
{
	const struct pm_histogram **h = pm_arena_array(a, s->count, sizeof *h);
	struct pm_histogram *hinted = pm_arena_array(a, s->count, sizeof *hinted);

	if (!h || !hinted)
		return promql__nomem(q);
	for (size_t i = 0; i < s->count; i++) {
		h[i] = s->h[i];
		if (!h[i] || h[i]->reset_hint != PM_RESET_UNKNOWN || i == 0 || !s->h[i - 1])
			continue;
		hinted[i] = *h[i];
		hinted[i].reset_hint = promql__hist_reset(h[i], s->h[i - 1]) ? PM_RESET_YES : PM_RESET_NO;
		h[i] = &hinted[i];
	}
	s->h = h;
	return 0;
}
