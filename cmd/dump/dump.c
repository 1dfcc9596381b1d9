/* dump.c - pm dump: the way out again, as text or as Prometheus's blocks. */
#include "cmd/dump/dump.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"

#include <inttypes.h>

enum { OPT_OUTPUT = PM_OPT_ID, OPT_START, OPT_END };

static const struct pm_opt dump_opts[] = {
	{ "format", 'o', "FORMAT", "openmetrics, or blocks: a data directory of Prometheus (openmetrics)" },
	{ "output", OPT_OUTPUT, "PATH", "write to this file, or for blocks this directory" },
	{ "start", OPT_START, "TIME", "no samples before it: now, -1h, Unix seconds or RFC 3339" },
	{ "end", OPT_END, "TIME", "none after it" },
	{ 0 },
};

static int set_option(struct pm_dump *d, int id, const char *value, struct pm_error *err)
{
	switch (id) {
	case 'o':
		d->blocks = strcmp(value, "blocks") == 0;
		if (d->blocks || strcmp(value, "openmetrics") == 0)
			return 0;
		return pm_fail(err, PM_ERR_INVALID, "unknown format \"%s\": want openmetrics or blocks", value);
	case OPT_OUTPUT:
		d->output = value;
		return 0;
	case OPT_START:
		return pm_time_arg(value, pm_now_ms(), &d->wanted.min_ms, err);
	default:
		return pm_time_arg(value, pm_now_ms(), &d->wanted.max_ms, err);
	}
}

static int parse_options(struct pm_ctx *ctx, struct pm_dump *d)
{
	struct pm_error err = { 0 };
	const char *value;
	int id;

	while ((id = pm_opt_next(ctx, &value)) > 0) {
		if (set_option(d, id, value, &err) < 0)
			return pm_usage(ctx, "%s", err.msg);
	}
	if (id < 0)
		return PM_EXIT_USAGE;
	if (d->wanted.max_ms < d->wanted.min_ms)
		return pm_usage(ctx, "the end is before the start");
	if (d->blocks && !d->output)
		return pm_usage(ctx, "blocks need --output DIR");
	return PM_EXIT_OK;
}

static int parse_selectors(struct pm_ctx *ctx, struct promql_matchers *v, size_t *ret_count)
{
	for (int i = 0; i < ctx->argc; i++) {
		struct pm_error err = { 0 };

		if (promql_parse_matchers(pm_str(ctx->argv[i]), &v[i], &err) < 0)
			return pm_usage(ctx, "bad selector '%s': %s", ctx->argv[i], err.msg);
		*ret_count = (size_t)i + 1;
	}
	return PM_EXIT_OK;
}

/* What the form has no place for. Samples left out are a failure: who deletes the data after a dump must know. */
static int tell_losses(const struct pm_dump *d)
{
	if (d->starts)
		pm_warn("start timestamps left out, which blocks have no place for: %" PRIu64, d->starts);
	if (d->exemplars.left)
		pm_warn("exemplars left out, as no sample of a counter or bucket has room for them: %" PRIu64,
			d->exemplars.left);
	if (d->stale)
		pm_warn("stale markers left out, which OpenMetrics has no form for: %" PRIu64, d->stale);
	if (!d->histograms)
		return PM_EXIT_OK;
	fprintf(stderr, "pm dump: native histograms left out, which OpenMetrics has no form for: %" PRIu64 " samples\n",
		d->histograms);
	return PM_EXIT_FAIL;
}

static int write_dump(struct pm_dump *d)
{
	struct pm_error err = { 0 };
	struct tsdb_stats stats;
	int rc;

	pm_progress_init(&d->progress);
	if (tsdb_stats(d->ctx->db, &stats, NULL) == 0)
		d->total = stats.sample_count;
	rc = d->blocks ? pm_dump_blocks(d, &err) : pm_dump_text(d, &err);
	pm_progress_clear(&d->progress);
	return rc < 0 ? pm_report(d->ctx, &err) : tell_losses(d);
}

static int dump_run(struct pm_ctx *ctx)
{
	struct pm_dump d = { .ctx = ctx, .wanted = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX } };
	struct promql_matchers *selectors;
	int code = parse_options(ctx, &d);

	if (code != PM_EXIT_OK)
		return code;
	selectors = pm_calloc((size_t)ctx->argc + 1, sizeof *selectors);
	if (!selectors)
		return pm_report(ctx, &(struct pm_error){ .code = PM_ERR_NOMEM });
	d.wanted.selectors = selectors;
	code = parse_selectors(ctx, selectors, &d.wanted.selector_count);
	if (code == PM_EXIT_OK)
		code = write_dump(&d);
	pm_dump_exemplars_release(&d.exemplars);
	for (size_t i = 0; i < d.wanted.selector_count; i++)
		promql_matchers_free(&selectors[i]);
	pm_free(selectors);
	return code;
}

const struct pm_cmd pm_cmd_dump = {
	.name = "dump",
	.group = PM_GROUP_STORE,
	.flags = PM_CMD_DATA_READ,
	.summary = "write samples as OpenMetrics text or as Prometheus's blocks",
	.usage = "[-o FORMAT] [--output PATH] [--start TIME] [--end TIME] [SELECTOR...]",
	.opts = dump_opts,
	.help = "Series that match any SELECTOR, such as up or '{job=\"node\"}'; without one, all. The text has\n"
		"timestamps and is sorted by metric; pm import, promtool and Prometheus read it. Stale markers and\n"
		"native histograms have no form in it: they are left out and counted on standard error, and for\n"
		"histograms the status is 1. Blocks have all but start timestamps; DIR must be empty or not there,\n"
		"and Prometheus starts on it.",
	.example = "pm dump | zstd >history.om.zst\n"
		   "pm dump --start -1d --output day.om '{job=\"node\"}'\n"
		   "pm dump -o blocks --output prometheus-data",
	.run = dump_run,
};
