/* script.h - PromQL scripts that test themselves, in the language of Prometheus' promqltest: `load`, `clear`, `eval`
 * with what is expected below it. Each script has a store of its own in memory. */
#ifndef PROMQL_TEST_SCRIPT_H
#define PROMQL_TEST_SCRIPT_H

#include "libtsdb/pm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Evaluations, each counted once however often it is repeated in other ways (see script.c). */
struct promql_test_counts {
	size_t passed, failed;
};

/* Gets the report of each evaluation that failed: some lines, with file, line, what was expected and what came. */
typedef void promql_test_print(void *arg, struct pm_str text);

/* Run a script; `name` stands in reports and errors. 0 also when evaluations failed: see `*ret`. A script that cannot
 * be read ends with PM_ERR_INVALID or PM_ERR_LIMIT, the place in err->file and err->line; `*ret` then has what came
 * before. */
int promql_test_run(struct pm_str name, struct pm_str text, promql_test_print *print, void *arg,
	struct promql_test_counts *ret, struct pm_error *err);

#ifdef __cplusplus
}
#endif
#endif
