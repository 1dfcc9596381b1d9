/* scrape.c - pm scrape: each target once, or a page from standard input, with up, the scrape_* series, stale markers.
 *
 * Each run is a process of its own; what the target's last scrape had is in the store, under the target's labels. */
#include "cmd/cmd.h"
#include "cmd/target_arg.h"

#include "libscrape/scrape.h"
#include "libtsdb/base/arena.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/base/clock.h"

enum { OPT_JOB = PM_OPT_ID, OPT_LABEL, OPT_TIMEOUT, TIMEOUT_DEFAULT_MS = 10000, PAGE_MAX = 256 << 20 };

static const struct pm_opt scrape_opts[] = {
	{ "job", OPT_JOB, "NAME", "label job of the targets (scrape)" },
	{ "label", OPT_LABEL, "NAME=VALUE", "another label of the targets; may be given many times" },
	{ "timeout", OPT_TIMEOUT, "D", "give up a target after so long (10s)" },
	{ "verbose", 'v', NULL, "print a table of how it went" },
	{ 0 },
};

struct scrape {
	struct pm_ctx *ctx;
	struct pm_arena arena;
	struct pm_label_args labels; /* --job and --label */
	int64_t timeout_ms;
	bool verbose;
	int failed;
	struct scrape_target *targets;
	size_t target_count;
};

static int parse_options(struct pm_ctx *ctx, struct scrape *s)
{
	struct pm_error err = { 0 };
	const char *value;
	int id, rc = 0;

	while ((id = pm_opt_next(ctx, &value)) > 0) {
		if (id == OPT_JOB)
			rc = pm_label_arg_set(&s->labels, PM_STR("job"), pm_str(value), &err);
		else if (id == OPT_LABEL)
			rc = pm_label_arg(&s->labels, value, &err);
		else if (id == OPT_TIMEOUT)
			rc = pm_duration_arg(value, &s->timeout_ms, &err);
		else
			s->verbose = true;
		if (rc < 0)
			return pm_usage(ctx, "%s", err.msg);
	}
	return id < 0 ? PM_EXIT_USAGE : PM_EXIT_OK;
}

/* ---- how it went -------------------------------------------------------------------------------- */

static void table_head(void)
{
	printf("%-40s %-4s %9s %9s %9s %9s\n", "TARGET", "UP", "SAMPLES", "NEW", "STALE", "SECONDS");
}

static void done(void *arg, const struct scrape_target *t, const struct scrape_report *r, int store_rc,
	const struct pm_error *err)
{
	struct scrape *s = arg;

	if (store_rc < 0)
		fprintf(stderr, "pm scrape: %s: not stored: %s\n", t->url, err->msg);
	else if (r->error[0])
		fprintf(stderr, "pm scrape: %s: %s\n", t->url, r->error);
	s->failed += store_rc < 0 || r->error[0];
	if (s->verbose && store_rc == 0)
		printf("%-40s %-4s %9zu %9zu %9zu %9.3f\n", t->url, r->up ? "yes" : "no", r->samples_scraped,
			r->series_added, r->stored.stale, r->duration_s);
}

/* ---- targets ------------------------------------------------------------------------------------ */

/* Two targets with the same labels would be one to the store, and each would make the other's series stale. */
static int check_distinct(const struct scrape *s, const struct pm_ctx *ctx)
{
	for (size_t i = 0; i < s->target_count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (pm_labels_eq(s->targets[i].labels, s->targets[k].labels))
				return pm_usage(ctx,
					"%s and %s have the same labels: scrape them apart, with --job or --label",
					s->targets[k].url, s->targets[i].url);
		}
	}
	return PM_EXIT_OK;
}

static int make_targets(struct scrape *s, struct pm_ctx *ctx)
{
	struct pm_error err = { 0 };

	s->targets = pm_arena_zalloc(&s->arena, (size_t)ctx->argc * sizeof *s->targets);
	if (!s->targets)
		return pm_report(ctx, &(struct pm_error){ .code = PM_ERR_NOMEM });
	for (int i = 0; i < ctx->argc; i++) {
		struct scrape_target *t = &s->targets[s->target_count++];

		if (strcmp(ctx->argv[i], "-") == 0 && ctx->argc > 1)
			return pm_usage(ctx, "\"-\" stands alone: standard input is one target");
		if (pm_target_arg(&s->arena, ctx->argv[i], &s->labels, t, &err) < 0)
			return pm_usage(ctx, "%s", err.msg);
		t->interval_ms = t->timeout_ms = s->timeout_ms;
		t->body_size_max = PAGE_MAX;
		t->honor_timestamps = true;
	}
	return check_distinct(s, ctx);
}

/* ---- the two ways ------------------------------------------------------------------------------- */

static int scrape_urls(struct scrape *s, struct pm_appender *app, struct pm_error *err)
{
	struct scrape_loop_opts opts = { .done = done, .arg = s };
	struct scrape_loop *loop;
	int rc = scrape_loop_new(app, &opts, &loop, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s->target_count && rc == 0; i++)
		rc = scrape_loop_add(loop, &s->targets[i], err);
	if (rc == 0)
		rc = scrape_loop_once(loop, err);
	scrape_loop_free(loop);
	return rc;
}

static const char *read_page(struct pm_buf *page)
{
	char block[64 << 10];
	size_t n;

	pm_buf_init(page, PAGE_MAX);
	while ((n = fread(block, 1, sizeof block, stdin)) > 0 && !pm_buf_error(page))
		pm_buf_add(page, block, n);
	if (ferror(stdin))
		return "standard input can't be read";
	if (pm_buf_error(page) == PM_ERR_LIMIT)
		return "body size limit exceeded";
	return pm_buf_error(page) ? "out of memory" : NULL;
}

/* Nobody tells the type of a page that comes through a pipe; OpenMetrics shows itself by its last line. */
static enum scrape_format guess_format(struct pm_str page)
{
	static const char mark[] = "# EOF";
	size_t len = page.len, n = sizeof mark - 1;

	len -= len && page.ptr[len - 1] == '\n';
	if (len < n || memcmp(page.ptr + len - n, mark, n) != 0 || (len > n && page.ptr[len - n - 1] != '\n'))
		return SCRAPE_FORMAT_TEXT;
	return SCRAPE_FORMAT_OPENMETRICS;
}

static int scrape_stdin(struct scrape *s, struct pm_appender *app, struct pm_error *err)
{
	struct scrape_report report = { 0 };
	struct pm_buf page;
	int64_t t_ms = pm_now_ms(), start_ns = pm_monotonic_ns();
	const char *failure = read_page(&page);
	double seconds = (double)(pm_monotonic_ns() - start_ns) / 1e9;
	int rc = scrape_store_page(app, &s->targets[0], guess_format(pm_buf_view(&page)), pm_buf_view(&page), t_ms,
		seconds, failure, &report, err);

	done(s, &s->targets[0], &report, rc, err);
	pm_buf_release(&page);
	return 0;
}

static int run_targets(struct scrape *s, struct pm_ctx *ctx)
{
	struct pm_error err = { 0 };
	struct pm_appender *app;
	int rc = tsdb_appender(ctx->db, &app, &err);

	if (rc < 0)
		return pm_report(ctx, &err);
	if (s->verbose)
		table_head();
	rc = strcmp(ctx->argv[0], "-") == 0 ? scrape_stdin(s, app, &err) : scrape_urls(s, app, &err);
	app->free(app);
	if (rc < 0)
		return pm_report(ctx, &err);
	return s->failed ? PM_EXIT_FAIL : PM_EXIT_OK;
}

static int scrape_run(struct pm_ctx *ctx)
{
	struct scrape s = { .ctx = ctx, .timeout_ms = TIMEOUT_DEFAULT_MS };
	int code;

	pm_label_arg_set(&s.labels, PM_STR("job"), PM_STR("scrape"), NULL);
	code = parse_options(ctx, &s);
	if (code == PM_EXIT_OK)
		code = make_targets(&s, ctx);
	if (code == PM_EXIT_OK) {
		code = run_targets(&s, ctx);
		pm_data_compact(ctx);
	}
	pm_arena_release(&s.arena);
	return code;
}

const struct pm_cmd pm_cmd_scrape = {
	.name = "scrape",
	.group = PM_GROUP_COLLECT,
	.flags = PM_CMD_DATA_WRITE | PM_CMD_QUOTAS,
	.args_min = 1,
	.summary = "scrape each target once and store its samples",
	.usage = "[--job NAME] [--label NAME=VALUE]... [--timeout D] [-v] [--fsync WHEN] URL...|-",
	.opts = scrape_opts,
	.help = "HOST:PORT stands for http://HOST:PORT/metrics. \"-\" reads one page from standard input; its\n"
		"instance is \"localhost\" unless --label says otherwise. Besides the page's samples, up and the\n"
		"scrape_* series are stored, and stale markers for series that the target's last scrape had and this\n"
		"one lacks. A target that is down or sends garbage has up 0, a line on standard error, and exit\n"
		"status 1.",
	.example = "pm scrape localhost:9100\n"
		   "pm scrape --job node --label dc=a http://10.0.0.7:9100/metrics\n"
		   "pm expose linux | pm scrape --job host -",
	.run = scrape_run,
};
