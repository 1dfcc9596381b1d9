/* aggregate.c - which aggregation is built where, grouping, parameters. */
#include "libpromql/eval/aggr.h"

#include <math.h>

int promql__groups_init(struct promql__query *q, const struct promql_node *n, struct promql__groups *ret)
{
	*ret = (struct promql__groups){ 0 };
	return promql__proj_init(q, n->agg.grouping, n->agg.grouping_count, n->agg.without, n->agg.without, &ret->proj);
}

int promql__group_of(struct promql__query *q, struct promql__groups *g, struct pm_labels labels, uint32_t *ret)
{
	uint64_t hash = promql__proj_hash(&g->proj, labels);
	size_t pos = PROMQL__MAP_START;
	uint32_t i;
	int rc;

	while ((i = promql__map_next(&g->map, hash, &pos)) != PROMQL__NOT_FOUND)
		if (promql__proj_eq(&g->proj, g->labels[i], labels)) {
			*ret = i;
			return 0;
		}
	rc = promql__grow(q, &g->labels, &g->cap, g->count + 1);
	if (rc == 0)
		rc = promql__proj_make(q, &g->proj, labels, &g->labels[g->count]);
	if (rc == 0)
		rc = promql__map_add(q, &g->map, hash, (uint32_t)g->count);
	if (rc < 0)
		return rc;
	*ret = (uint32_t)g->count++;
	return 0;
}

int promql__param(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__param *ret)
{
	double *v;
	int rc = promql__scalar(q, promql__unparen(n), g, &v);

	if (rc < 0)
		return rc;
	*ret = (struct promql__param){ .v = v, .min = v[0], .max = v[0] };
	for (size_t i = 0; i < g->count; i++) {
		ret->any_nan = ret->any_nan || isnan(v[i]);
		ret->min = v[i] < ret->min ? v[i] : ret->min;
		ret->max = v[i] > ret->max ? v[i] : ret->max;
	}
	if (ret->any_nan)
		ret->min = ret->max = promql__nan();
	return 0;
}

int promql__build_aggregate(
	struct promql__query *q, const struct promql_node *n, const struct promql__grid *g, struct promql__op **ret)
{
	switch (n->agg.op) {
	case PROMQL_AGG_TOPK:
	case PROMQL_AGG_BOTTOMK:
	case PROMQL_AGG_LIMITK:
	case PROMQL_AGG_LIMIT_RATIO:
		return promql__build_k(q, n, g, ret);
	case PROMQL_AGG_QUANTILE:
		return promql__build_agg_quantile(q, n, g, ret);
	case PROMQL_AGG_COUNT_VALUES:
		return promql__build_count_values(q, n, g, ret);
	default:
		return promql__build_fold(q, n, g, ret);
	}
}
