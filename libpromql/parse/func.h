/* func.h - the table of PromQL's functions: what the checker must know. How each is computed: eval/. */
#ifndef PROMQL_PARSE_FUNC_H
#define PROMQL_PARSE_FUNC_H

#include "libpromql/promql.h"

/* One per function of upstream's promql/parser/functions.go, alphabetical: PROMQL_FN_ABS ... PROMQL_FN_YEAR. */
enum promql_fn {
#define PROMQL_FN(id, name, ret, variadic, experimental, ...) PROMQL_FN_##id,
#include "libpromql/parse/func.inc"
#undef PROMQL_FN
	PROMQL_FN_COUNT_
};

enum { PROMQL_FUNC_ARGS_MAX = 6 };

struct promql_func {
	enum promql_fn id;
	const char *name;
	enum promql_type ret;
	int variadic;      /* 0: takes arg_count; n > 0: arg_count - 1 up to n more; -1: arg_count - 1 or more */
	bool experimental;
	size_t arg_count;
	enum promql_type args[PROMQL_FUNC_ARGS_MAX];
};

/* NULL when there is none of this name. */
const struct promql_func *promql__func_find(struct pm_str name);
const struct promql_func *promql__func_get(enum promql_fn id);

#endif
