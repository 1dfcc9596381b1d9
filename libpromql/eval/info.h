/* info.h - the parts of info(): see info.c. */
#ifndef PROMQL_EVAL_INFO_H
#define PROMQL_EVAL_INFO_H

#include "libpromql/eval/funcs.h"

struct pm_re;

/* Info series with the same metric name, instance and job: at most one counts at a step, the one with the newest
 * sample. `best`: its index in the table of info series, from 1. */
struct promql__info_group {
	uint32_t name; /* index of the metric name */
	uint32_t first;
	uint32_t *best;
};

struct promql__info_op {
	struct promql__table_op t;
	struct promql__op *child;
	const struct promql_node *selector; /* second argument; NULL: none */
	struct promql__proj id;             /* instance, job */
	struct pm_re **res;                 /* regular expressions of the selector's matchers, where they are such */
	size_t re_count;
	struct promql__table base, info;
	struct pm_str *names; /* info metrics met */
	size_t name_count, name_cap;
	struct promql__info_group *groups;
	size_t group_count, group_cap;
	struct promql__map map; /* of groups, by instance and job */
	bool only_named;        /* the selector names the labels that are wanted */
	bool must_match;        /* a series that nothing is known about is left out */
};

/* info_select.c */
int promql__info_matchers(struct promql__info_op *op);                      /* reads the second argument */
bool promql__is_info(const struct promql__info_op *op, struct pm_labels l); /* passes as it is */
bool promql__info_wanted(const struct promql__info_op *op, struct pm_str label);
int promql__info_select(struct promql__info_op *op); /* op->info for op->base */

#endif
