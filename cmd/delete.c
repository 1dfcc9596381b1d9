/* delete.c - pm delete: samples of some series, in a range of time or all of them. */
#include "cmd/cmd.h"

#include "libpromql/promql.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"

enum { OPT_START = PM_OPT_ID, OPT_END };

static const struct pm_opt delete_opts[] = {
	{ "start", OPT_START, "TIME", "from this time on (the first sample)" },
	{ "end", OPT_END, "TIME", "up to this time, included (the last sample)" },
	{ 0 },
};

struct range {
	int64_t min_ms, max_ms;
};

static int parse_options(struct pm_ctx *ctx, struct range *r)
{
	int64_t now_ms = pm_now_ms();
	struct pm_error err = { 0 };
	const char *value;
	int id;

	while ((id = pm_opt_next(ctx, &value)) > 0)
		if (pm_time_arg(value, now_ms, id == OPT_START ? &r->min_ms : &r->max_ms, &err) < 0)
			return pm_usage(ctx, "%s", err.msg);
	if (id == 0 && r->min_ms > r->max_ms)
		return pm_usage(ctx, "--end is before --start");
	return id < 0 ? PM_EXIT_USAGE : PM_EXIT_OK;
}

/* All selectors are read before the first one counts. */
static int delete_all(struct pm_ctx *ctx, const struct range *r, struct promql_matchers *v)
{
	struct pm_error err = { 0 };
	int count = 0, rc = 0;

	while (count < ctx->argc && (rc = promql_parse_matchers(pm_str(ctx->argv[count]), &v[count], &err)) == 0)
		count++;
	if (rc == 0 && (rc = pm_data_open(ctx, TSDB_WRITE, &err)) == 0)
		for (int i = 0; i < count && rc == 0; i++)
			rc = tsdb_delete(ctx->db, v[i].v, v[i].count, r->min_ms, r->max_ms, &err);
	while (count)
		promql_matchers_free(&v[--count]);
	return rc < 0 ? pm_report(ctx, &err) : PM_EXIT_OK;
}

static int delete_run(struct pm_ctx *ctx)
{
	struct range r = { PM_TIME_MIN, PM_TIME_MAX };
	struct promql_matchers *v;
	int code = parse_options(ctx, &r);

	if (code != PM_EXIT_OK)
		return code;
	v = pm_calloc((size_t)ctx->argc, sizeof *v);
	code = v ? delete_all(ctx, &r, v) : pm_report(ctx, &(struct pm_error){ .code = PM_ERR_NOMEM });
	pm_free(v);
	return code;
}

const struct pm_cmd pm_cmd_delete = {
	.name = "delete",
	.group = PM_GROUP_STORE,
	.flags = PM_CMD_DATA_NAMED,
	.args_min = 1,
	.summary = "delete samples of the series that a selector takes",
	.usage = "[--start TIME] [--end TIME] SELECTOR...",
	.opts = delete_opts,
	.help = "SELECTOR is a series selector of PromQL. Its samples are gone for queries at once; their bytes are\n"
		"given back when segments are merged the next time, which pm compact --force does now. Samples\n"
		"that are stored later are not touched.",
	.example = "pm delete 'up{job=\"test\"}'\n"
		   "pm delete --end -90d '{__name__=~\"debug_.*\"}' && pm compact --force",
	.run = delete_run,
};
