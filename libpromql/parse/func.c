/* func.c - the table of functions that func.inc lists, and finding one by name. */
#include "libpromql/parse/func.h"

#define ARG_COUNT(...) (sizeof((const enum promql_type[]){ PROMQL_NONE, ##__VA_ARGS__ }) / sizeof(enum promql_type) - 1)

static const struct promql_func table[PROMQL_FN_COUNT_] = {
#define PROMQL_FN(id_, name_, ret_, variadic_, experimental_, ...) \
	[PROMQL_FN_##id_] = { \
		.id = PROMQL_FN_##id_, \
		.name = name_, \
		.ret = ret_, \
		.variadic = variadic_, \
		.experimental = experimental_, \
		.arg_count = ARG_COUNT(__VA_ARGS__), \
		.args = { __VA_ARGS__ }, \
	},
#include "libpromql/parse/func.inc"
#undef PROMQL_FN
};

const struct promql_func *promql__func_get(enum promql_fn id)
{
	return (unsigned)id < PROMQL_FN_COUNT_ ? &table[id] : NULL;
}

/* The table is sorted by name, bytewise. */
const struct promql_func *promql__func_find(struct pm_str name)
{
	size_t lo = 0, hi = PROMQL_FN_COUNT_;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = pm_str_cmp(name, pm_str(table[mid].name));

		if (c == 0)
			return &table[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}
