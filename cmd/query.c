/* query.c - pm query: one expression, at one time or over a range. */
#include "cmd/api_json.h"
#include "cmd/cmd.h"
#include "cmd/query_out.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/num.h"

#include <unistd.h>

enum { EXPR_MAX = 1 << 20, STEPS_DEFAULT = 250, SECOND_MS = 1000 };

enum { OPT_START = PM_OPT_ID, OPT_END, OPT_STEP, OPT_TIMEOUT, OPT_MAX_SAMPLES, OPT_LOOKBACK };

static const struct pm_opt query_opts[] = {
	{ "time", 't', "TIME", "evaluate at this time: now, -1h, Unix seconds or RFC 3339 (now)" },
	{ "start", OPT_START, "TIME", "first step of a range query" },
	{ "end", OPT_END, "TIME", "last step of a range query (now)" },
	{ "step", OPT_STEP, "D", "distance of steps (a 250th of the range, one second at least)" },
	{ "output", 'o', "FORMAT", "table, json (the HTTP API's answer), csv or tsv (table)" },
	{ "empty", 'e', NULL, "exit 3 when the answer is empty" },
	{ "timeout", OPT_TIMEOUT, "D", "give up after so long (2m)" },
	{ "max-samples", OPT_MAX_SAMPLES, "N", "samples held in memory at once (50000000)" },
	{ "lookback-delta", OPT_LOOKBACK, "D", "how long a sample counts as current (5m)" },
	{ 0 },
};

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_TSV, FORMAT_COUNT };

struct query {
	struct promql_opts opts;
	struct promql_expr *expr;
	struct promql_result *result;
	int64_t now_ms, time_ms, start_ms, end_ms, step_ms, timeout_ms;
	bool time_given, start_given, end_given, step_given, empty_is_error;
	enum format format;
};

static int parse_format(const char *text, enum format *ret, struct pm_error *err)
{
	static const char *const names[FORMAT_COUNT] = { "table", "json", "csv", "tsv" };

	for (int i = 0; i < FORMAT_COUNT; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum format)i;
			return 0;
		}
	}
	return pm_fail(err, PM_ERR_INVALID, "unknown format \"%s\": want table, json, csv or tsv", text);
}

static int parse_count(const char *text, size_t *ret, struct pm_error *err)
{
	uint64_t n;

	if (pm_uint_parse(pm_str(text), &n) != 0 || n == 0 || n > SIZE_MAX)
		return pm_fail(err, PM_ERR_INVALID, "bad number of samples \"%s\"", text);
	*ret = (size_t)n;
	return 0;
}

static int set_option(struct query *q, int id, const char *value, struct pm_error *err)
{
	switch (id) {
	case 't':
		q->time_given = true;
		return pm_time_arg(value, q->now_ms, &q->time_ms, err);
	case OPT_START:
		q->start_given = true;
		return pm_time_arg(value, q->now_ms, &q->start_ms, err);
	case OPT_END:
		q->end_given = true;
		return pm_time_arg(value, q->now_ms, &q->end_ms, err);
	case OPT_STEP:
		q->step_given = true;
		return pm_duration_arg(value, &q->step_ms, err);
	case 'o':
		return parse_format(value, &q->format, err);
	case 'e':
		q->empty_is_error = true;
		return 0;
	case OPT_TIMEOUT:
		return pm_duration_arg(value, &q->timeout_ms, err);
	case OPT_MAX_SAMPLES:
		return parse_count(value, &q->opts.samples_max, err);
	default:
		return pm_duration_arg(value, &q->opts.lookback_ms, err);
	}
}

/* Times that belong together, and what was left out. */
static int settle_times(struct query *q, struct pm_error *err)
{
	if (!q->start_given) {
		if (q->end_given || q->step_given)
			return pm_fail(err, PM_ERR_INVALID, "--end and --step go with --start");
		q->opts.start_ms = q->opts.end_ms = q->time_ms;
		return 0;
	}
	if (q->time_given)
		return pm_fail(err, PM_ERR_INVALID, "-t asks for one time, --start for a range: give one of them");
	if (q->end_ms < q->start_ms)
		return pm_fail(err, PM_ERR_INVALID, "the end is before the start");
	if (!q->step_given) {
		q->step_ms = (q->end_ms - q->start_ms) / STEPS_DEFAULT / SECOND_MS * SECOND_MS;
		q->step_ms = q->step_ms < SECOND_MS ? SECOND_MS : q->step_ms;
	}
	if (q->step_ms <= 0)
		return pm_fail(err, PM_ERR_INVALID, "the step must be at least a millisecond");
	q->opts.start_ms = q->start_ms;
	q->opts.end_ms = q->end_ms;
	q->opts.step_ms = q->step_ms;
	return 0;
}

static int parse_options(struct pm_ctx *ctx, struct query *q)
{
	struct pm_error err = { 0 };
	const char *value;
	int id;

	while ((id = pm_opt_next(ctx, &value)) > 0) {
		if (set_option(q, id, value, &err) < 0)
			return pm_usage(ctx, "%s", err.msg);
	}
	if (id < 0)
		return PM_EXIT_USAGE;
	if (ctx->argc != 1)
		return pm_usage(ctx, "one expression, please: put it between quotes");
	if (settle_times(q, &err) < 0)
		return pm_usage(ctx, "%s", err.msg);
	return PM_EXIT_OK;
}

static int read_stdin(struct pm_buf *text, struct pm_error *err)
{
	char block[4096];
	size_t n;

	pm_buf_init(text, EXPR_MAX);
	while ((n = fread(block, 1, sizeof block, stdin)) > 0)
		pm_buf_add(text, block, n);
	if (ferror(stdin))
		return pm_fail(err, PM_ERR_IO, "standard input: can't be read");
	if (pm_buf_error(text))
		return pm_fail(err, pm_buf_error(text), "the expression is longer than %d bytes", EXPR_MAX);
	while (text->len && strchr(" \t\r\n", text->ptr[text->len - 1]))
		text->ptr[--text->len] = '\0';
	return 0;
}

/* The line of the expression that the error is in, and a caret below the place. Tabs stay tabs, so that the caret
 * stands right whatever their width. */
static void show_caret(struct pm_str text, const struct pm_error *err)
{
	const char *line = text.ptr, *end = text.ptr + text.len;

	for (int i = 1; i < err->line; i++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		if (!newline)
			return;
		line = newline + 1;
	}
	const char *stop = memchr(line, '\n', (size_t)(end - line));
	size_t len = (size_t)((stop ? stop : end) - line);
	bool colour = pm_colour(stderr);

	fprintf(stderr, "  %.*s\n  ", (int)len, line);
	for (size_t i = 0; i + 1 < (size_t)err->column && i < len; i++) {
		if (((unsigned char)line[i] & 0xc0) != 0x80)
			fputc(line[i] == '\t' ? '\t' : ' ', stderr);
	}
	fprintf(stderr, "%s^%s\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "");
}

static int parse_expr(const struct pm_ctx *ctx, struct query *q)
{
	struct pm_error err = { 0 };
	struct pm_buf typed = { 0 };
	struct pm_str text = pm_str(ctx->argv[0]);
	int code = PM_EXIT_OK, rc = 0;

	if (strcmp(ctx->argv[0], "-") == 0) {
		rc = read_stdin(&typed, &err);
		text = pm_buf_view(&typed);
	}
	if (rc == 0)
		rc = promql_parse(text, NULL, &q->expr, &err);
	if (rc < 0) {
		code = pm_report(ctx, &err);
		if (err.line > 0 && err.column > 0)
			show_caret(text, &err);
	}
	pm_buf_release(&typed);
	return code;
}

static int evaluate(struct pm_querier *querier, void *arg, struct pm_error *err)
{
	struct query *q = arg;

	return promql_query(q->expr, querier, &q->opts, &q->result, err);
}

/* A limit that was met can be raised: say how. */
static int report_query(const struct pm_ctx *ctx, const struct pm_error *err)
{
	int code = pm_report(ctx, err);

	if (err->code == PM_ERR_LIMIT)
		fprintf(stderr, "pm query: --max-samples N raises the limit\n");
	else if (err->code == PM_ERR_TIMEOUT)
		fprintf(stderr, "pm query: --timeout D gives it more time\n");
	return code;
}

static bool is_empty(const struct promql_result *r)
{
	return r->series_count == 0 && r->type != PROMQL_STRING;
}

static void tell(const char *const *annotations, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "pm query: %s\n", annotations[i]);
}

static int print_result(const struct pm_ctx *ctx, const struct query *q)
{
	const struct promql_result *r = q->result;
	struct pm_buf out = { 0 };
	int code = PM_EXIT_OK;

	if (q->format != FORMAT_JSON) {
		tell(r->warnings, r->warning_count);
		tell(r->infos, r->info_count);
	}
	if (q->format == FORMAT_TABLE) {
		if (is_empty(r) && isatty(STDOUT_FILENO))
			fprintf(stderr, "pm query: the answer is empty\n");
		pm_query_table(&out, r);
	} else if (q->format == FORMAT_JSON) {
		pm_api_result(&out, r);
		pm_buf_char(&out, '\n');
	} else {
		pm_query_rows(&out, r, q->format == FORMAT_CSV ? ',' : '\t');
	}
	if (pm_buf_error(&out)) {
		struct pm_error err = { .code = pm_buf_error(&out) };

		code = pm_report(ctx, &err);
	} else {
		pm_print(pm_buf_view(&out));
	}
	pm_buf_release(&out);
	return code;
}

static int query_run(struct pm_ctx *ctx)
{
	struct pm_error err = { 0 };
	struct query q = { .now_ms = pm_now_ms(), .timeout_ms = 2 * 60 * SECOND_MS };

	q.time_ms = q.end_ms = q.now_ms;
	int code = parse_options(ctx, &q);

	if (code == PM_EXIT_OK)
		code = parse_expr(ctx, &q);
	if (code == PM_EXIT_OK) {
		if (q.timeout_ms > 0 && q.timeout_ms < INT64_MAX / 2000000)
			q.opts.deadline_ns = pm_monotonic_ns() + q.timeout_ms * 1000000;
		if (pm_with_querier(ctx->db, evaluate, &q, &err) < 0)
			code = report_query(ctx, &err);
		else
			code = print_result(ctx, &q);
	}
	if (code == PM_EXIT_OK && q.empty_is_error && is_empty(q.result))
		code = PM_EXIT_EMPTY;
	if (q.result)
		promql_result_free(q.result);
	promql_expr_free(q.expr);
	return code;
}

const struct pm_cmd pm_cmd_query = {
	.name = "query",
	.group = PM_GROUP_QUERY,
	.flags = PM_CMD_DATA_READ,
	.args_min = 1,
	.summary = "evaluate a PromQL expression, now or over a range",
	.usage = "[-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D] [--max-samples N] "
		 "[--lookback-delta D] EXPR|-",
	.opts = query_opts,
	.help = "EXPR is one argument: put it between quotes. \"-\" reads it from standard input. An expression that\n"
		"begins with a minus follows \"--\". Warnings go to standard error.",
	.example = "pm query up\n"
		   "pm query -o csv --start -1h --step 1m 'sum by (mode) (rate(node_cpu_seconds_total[5m]))'\n"
		   "pm query -t 2026-08-01T12:00:00Z -- '-node_load1'",
	.run = query_run,
};
