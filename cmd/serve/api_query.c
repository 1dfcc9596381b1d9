/* api_query.c - /api/v1/query, query_range, format_query, parse_query.
 *
 * Each query takes its own snapshot of the store and gives it back with the answer; it ends early when its time is
 * over, when the client hung up, or when the server stops. */
#include "cmd/api_json.h"
#include "cmd/serve/api.h"
#include "cmd/serve/serve.h"
#include "libpromql/promql.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"

enum { POINTS_MAX = 11000 }; /* of a range query's series: a week by minutes, a year by hours */

struct evaluation {
	struct promql_expr *expr;
	struct promql_opts opts;
	struct promql_result *result;
};

static int evaluate(struct pm_querier *q, void *arg, struct pm_error *err)
{
	struct evaluation *e = arg;
	return promql_query(e->expr, q, &e->opts, &e->result, err);
}

/* timeout and lookback_delta, with the server's options as their bounds. */
static int read_opts(struct pm_request *r, struct promql_opts *opts)
{
	const struct pm_serve_opts *so = &r->serve->opts;
	int64_t timeout_ms = so->query_timeout_ms;
	int rc = pm_api_duration(r, "timeout", &timeout_ms);
	if (rc)
		return rc;
	if (timeout_ms > so->query_timeout_ms)
		timeout_ms = so->query_timeout_ms;
	opts->deadline_ns = r->arrived_ns + timeout_ms * 1000000;
	opts->lookback_ms = so->lookback_ms;
	opts->samples_max = so->samples_max;
	opts->canceled = pm_request_canceled;
	opts->canceled_arg = r;

	char why[320];
	struct pm_str lookback = pm_request_param(r, "lookback_delta");
	if (lookback.len && pm_api_parse_duration(lookback, &opts->lookback_ms, why, sizeof why))
		return pm_api_bad(r, "error parsing lookback delta duration: %s", why);
	return 0;
}

static int parse_query(struct pm_request *r, struct promql_expr **ret)
{
	struct pm_error err = { 0 };
	int rc = promql_parse(pm_request_param(r, "query"), NULL, ret, &err);
	if (rc == PM_ERR_INVALID || rc == PM_ERR_LIMIT)
		return pm_api_bad_param(r, "query", err.msg);
	return rc ? pm_api_failed(r, rc, &err) : 0;
}

/* The first `limit` series, with a warning when there were more. */
static void write_result(struct pm_request *r, const struct promql_result *res, size_t limit)
{
	struct promql_result cut = *res;
	if (limit && (res->type == PROMQL_VECTOR || res->type == PROMQL_MATRIX) && res->series_count > limit) {
		const char **warnings = pm_arena_array(&r->arena, res->warning_count + 1, sizeof *warnings);
		if (!warnings) {
			pm_api_failed(r, PM_ERR_NOMEM, &(struct pm_error){ 0 });
			return;
		}
		if (res->warning_count)
			memcpy(warnings, res->warnings, res->warning_count * sizeof *warnings);
		warnings[cut.warning_count++] = PM_API_TRUNCATED;
		cut.warnings = warnings;
		cut.series_count = limit;
	}
	r->content_type = "application/json";
	pm_api_result(&r->out, &cut);
}

static void run(struct pm_request *r, struct evaluation *e, size_t limit)
{
	struct pm_error err = { 0 };
	int rc = parse_query(r, &e->expr);
	if (rc)
		return;
	if (e->opts.deadline_ns <= pm_monotonic_ns())
		rc = pm_fail(&err, PM_ERR_TIMEOUT, "query timed out in query queue");
	else
		rc = pm_with_querier(r->serve->db, evaluate, e, &err);
	if (rc)
		pm_api_failed(r, rc, &err);
	else
		write_result(r, e->result, limit);
	promql_result_free(e->result);
	promql_expr_free(e->expr);
}

void pm_api_query(struct pm_request *r)
{
	struct evaluation e = { 0 };
	size_t limit = 0;
	if (pm_api_limit(r, &limit) || pm_api_time(r, "time", pm_now_ms(), &e.opts.start_ms) || read_opts(r, &e.opts))
		return;
	e.opts.end_ms = e.opts.start_ms;
	run(r, &e, limit);
}

static int read_range(struct pm_request *r, struct promql_opts *opts)
{
	int rc = pm_api_time_required(r, "start", &opts->start_ms);
	if (rc == 0)
		rc = pm_api_time_required(r, "end", &opts->end_ms);
	if (rc)
		return rc;
	if (opts->end_ms < opts->start_ms)
		return pm_api_bad_param(r, "end", "end timestamp must not be before start time");

	char why[320];
	if (pm_api_parse_duration(pm_request_param(r, "step"), &opts->step_ms, why, sizeof why))
		return pm_api_bad_param(r, "step", why);
	if (opts->step_ms <= 0)
		return pm_api_bad_param(r, "step",
			"zero or negative query resolution step widths are not accepted. Try a positive integer");
	if (((uint64_t)opts->end_ms - (uint64_t)opts->start_ms) / (uint64_t)opts->step_ms > POINTS_MAX)
		return pm_api_bad(r, "exceeded maximum resolution of 11,000 points per timeseries. "
			"Try decreasing the query resolution (?step=XX)");
	return 0;
}

void pm_api_query_range(struct pm_request *r)
{
	struct evaluation e = { 0 };
	size_t limit = 0;
	if (pm_api_limit(r, &limit) || read_range(r, &e.opts) || read_opts(r, &e.opts))
		return;
	run(r, &e, limit);
}

/* An expression as text or tree: `print` gives it, or NULL when memory ran out. */
static void reply_expr(struct pm_request *r, char *(*print)(const struct promql_expr *), bool is_json)
{
	struct promql_expr *expr = NULL;
	struct pm_json j;
	if (parse_query(r, &expr))
		return;
	char *text = print(expr);
	if (text) {
		pm_api_begin(r, &j);
		if (is_json)
			pm_json_raw(&j, pm_str(text));
		else
			pm_json_cstr(&j, text);
		pm_api_end(&j, NULL);
	} else {
		pm_api_failed(r, PM_ERR_NOMEM, &(struct pm_error){ 0 });
	}
	pm_free(text);
	promql_expr_free(expr);
}

void pm_api_format_query(struct pm_request *r)
{
	reply_expr(r, promql_prettify, false);
}

void pm_api_parse_query(struct pm_request *r)
{
	reply_expr(r, promql_ast_json, true);
}
