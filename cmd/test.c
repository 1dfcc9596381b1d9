/* test.c - pm test: PromQL scripts that check themselves. */
#include "cmd/cmd.h"

#include "libpromql/test/script.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"

#include <fcntl.h>

enum { FILE_MAX = 64 << 20 };

static void print_report(void *arg, struct pm_str text)
{
	(void)arg;
	pm_print(text);
}

static int run_file(const char *path, struct promql_test_counts *sum, struct pm_error *err)
{
	struct promql_test_counts counts = { 0 };
	size_t len;
	char *text;
	int rc = pm_fs_read_file(AT_FDCWD, path, FILE_MAX, &text, &len, err);

	if (rc < 0)
		return rc;
	rc = promql_test_run(pm_str(path), (struct pm_str){ text, len }, print_report, NULL, &counts, err);
	sum->passed += counts.passed;
	sum->failed += counts.failed;
	pm_free(text);
	return rc;
}

static int run(struct pm_ctx *ctx)
{
	struct promql_test_counts sum = { 0 };
	struct pm_error err = { 0 };
	const char *value;
	bool broken = false;
	int id;

	while ((id = pm_opt_next(ctx, &value)) > 0)
		; /* there are no options */
	if (id < 0)
		return PM_EXIT_USAGE;
	for (int i = 0; i < ctx->argc; i++)
		if (run_file(ctx->argv[i], &sum, &err) < 0) {
			pm_report(ctx, &err);
			broken = true;
		}
	printf("%zu passed, %zu failed\n", sum.passed, sum.failed);
	return broken || sum.failed ? PM_EXIT_FAIL : PM_EXIT_OK;
}

const struct pm_cmd pm_cmd_test = {
	.name = "test",
	.group = PM_GROUP_QUERY,
	.args_min = 1,
	.summary = "run PromQL test scripts",
	.usage = "FILE...",
	.help = "Scripts are in the language of Prometheus' promqltest: load, clear, eval instant|range, expect. Each "
		"runs\n"
		"with data of its own, in memory. Failed evaluations are printed; the last line counts them.",
	.example = "pm test rules.test",
	.run = run,
};
