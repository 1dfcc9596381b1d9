/* api_tsdb.c - the store over HTTP: /api/v1/status/tsdb, and what --web.enable-admin-api allows: delete_series,
 * clean_tombstones, snapshot. */
#include "cmd/serve/api.h"
#include "cmd/serve/serve.h"
#include "libpromql/promql.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* ---- status ------------------------------------------------------------------------------------- */

/* The head of upstream has the last two to three hours; so the series of that time are counted here, in whatever files
 * they are. */
enum { TOP_DEFAULT = 10, TOP_MAX = 10000, HEAD_MS = 3 * 3600 * 1000 };

struct status {
	struct pm_request *r;
	size_t top;
};

/* "name=value" for pairs, which have both. */
static void put_counts(
	struct pm_json *j, const char *key, const struct tsdb_counts *l, bool by_value, struct pm_arena *a)
{
	pm_json_key(j, pm_str(key));
	pm_json_array(j);
	for (size_t i = 0; i < l->count; i++) {
		const struct tsdb_count *c = &l->v[i];
		const char *pair = pm_arena_printf(a, "%.*s=%.*s", PM_STR_ARG(c->name), PM_STR_ARG(c->value));
		pm_json_object(j);
		pm_json_key(j, PM_STR("name"));
		pm_json_str(j, by_value ? c->value : c->value.len ? pm_str(pair ? pair : "") : c->name);
		pm_json_key(j, PM_STR("value"));
		pm_json_uint(j, c->count);
		pm_json_object_end(j);
	}
	pm_json_array_end(j);
}

static void put_status(struct status *s, const struct tsdb_stats *st, const struct tsdb_cardinality *c)
{
	struct pm_json j;
	pm_api_begin(s->r, &j);
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("headStats"));
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("numSeries"));
	pm_json_uint(&j, c->series_count);
	pm_json_key(&j, PM_STR("numLabelPairs"));
	pm_json_uint(&j, c->pair_count);
	pm_json_key(&j, PM_STR("chunkCount")); /* the head is rows, not chunks */
	pm_json_int(&j, 0);
	pm_json_key(&j, PM_STR("minTime"));
	pm_json_int(&j, st->min_ms);
	pm_json_key(&j, PM_STR("maxTime"));
	pm_json_int(&j, st->max_ms);
	pm_json_object_end(&j);
	put_counts(&j, "seriesCountByMetricName", &c->metrics, true, &s->r->arena);
	put_counts(&j, "labelValueCountByLabelName", &c->values, false, &s->r->arena);
	put_counts(&j, "memoryInBytesByLabelName", &c->bytes, false, &s->r->arena);
	put_counts(&j, "seriesCountByLabelValuePair", &c->pairs, false, &s->r->arena);
	pm_json_object_end(&j);
	pm_api_end(&j, NULL);
}

static int status(struct pm_querier *q, void *arg, struct pm_error *err)
{
	struct status *s = arg;
	struct tsdb_cardinality *c = NULL;
	struct tsdb_stats st;
	int rc = tsdb_stats(s->r->serve->db, &st, err);
	if (rc)
		return rc;
	struct pm_select sel = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX, .labels_only = true };
	if (st.min_ms < st.max_ms - HEAD_MS)
		st.min_ms = sel.min_ms = st.max_ms - HEAD_MS;
	rc = tsdb_cardinality(q, &sel, s->top, &c, err);
	if (rc == 0)
		put_status(s, &st, c);
	tsdb_cardinality_free(c);
	return rc;
}

void pm_api_tsdb(struct pm_request *r)
{
	struct pm_str text = pm_request_param(r, "limit");
	struct pm_error err = { 0 };
	int64_t limit = TOP_DEFAULT;
	if (text.len && (pm_int_parse(text, &limit) || limit < 1)) {
		pm_api_bad(r, "limit must be a positive number");
		return;
	}
	struct status s = { r, limit > TOP_MAX ? TOP_MAX : (size_t)limit };
	int rc = pm_with_querier(r->serve->db, status, &s, &err);
	if (rc)
		pm_api_failed(r, rc, &err);
}

/* ---- admin -------------------------------------------------------------------------------------- */

static bool admin_allowed(struct pm_request *r)
{
	if (!r->serve->opts.admin)
		pm_api_error_reply(r, 500, "unavailable", "admin APIs disabled");
	return r->serve->opts.admin;
}

static void done(struct pm_request *r, int rc, const struct pm_error *err)
{
	pm_buf_reset(&r->out);
	if (rc == 0)
		r->status = 204;
	else
		pm_api_error_reply(r, 500, "internal", err->msg);
}

/* Each match[] on its own, after all of them were read. */
static int delete_all(struct pm_request *r, struct promql_matchers *v, int64_t min_ms, int64_t max_ms)
{
	const struct pm_params *params = &r->params;
	struct pm_error err = { 0 };
	size_t count = 0;
	int rc = 0;
	for (size_t i = 0; i < params->count && rc == 0; i++) {
		if (!pm_str_eq(params->v[i].name, PM_STR("match[]")))
			continue;
		rc = promql_parse_matchers(params->v[i].value, &v[count], &err);
		count += rc == 0;
	}
	if (rc)
		pm_api_bad_param(r, "match[]", err.msg);
	for (size_t i = 0; i < count && rc == 0 && min_ms <= max_ms; i++)
		if ((rc = tsdb_delete(r->serve->db, v[i].v, v[i].count, min_ms, max_ms, &err)))
			done(r, rc, &err);
	while (count)
		promql_matchers_free(&v[--count]);
	return rc;
}

void pm_api_delete_series(struct pm_request *r)
{
	int64_t min_ms, max_ms;
	if (!admin_allowed(r))
		return;
	if (r->params.error[0]) {
		pm_api_bad(r, "error parsing form values: %s", r->params.error);
		return;
	}
	if (!pm_request_param(r, "match[]").ptr) {
		pm_api_bad(r, "no match[] parameter provided");
		return;
	}
	if (pm_api_time(r, "start", PM_TIME_MIN, &min_ms) || pm_api_time(r, "end", PM_TIME_MAX, &max_ms))
		return;
	struct promql_matchers *v = pm_arena_array(&r->arena, r->params.count, sizeof *v);
	if (!v)
		pm_api_failed(r, PM_ERR_NOMEM, &(struct pm_error){ 0 });
	else if (delete_all(r, v, min_ms, max_ms) == 0)
		done(r, 0, NULL);
}

void pm_api_clean_tombstones(struct pm_request *r)
{
	struct pm_error err = { 0 };
	if (admin_allowed(r))
		done(r, pm_compactor_force(r->serve->compactor, pm_request_canceled, r, &err), &err);
}

/* As Go's ParseBool. */
static bool is_bool(struct pm_str s)
{
	static const char *const words[] = { "1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE",
		"False" };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (pm_str_eq(s, pm_str(words[i])))
			return true;
	return false;
}

/* "20260801T123456Z-0123456789abcdef": the time, and a number that no other snapshot has. */
static void snapshot_name(char out[40])
{
	int64_t now_ns = pm_now_ns(), seconds = now_ns / 1000000000;
	uint64_t seed[3] = { (uint64_t)now_ns, (uint64_t)pm_monotonic_ns(), (uint64_t)getpid() };
	struct tm tm;
	gmtime_r(&(time_t){ seconds }, &tm);
	size_t n = strftime(out, 40, "%Y%m%dT%H%M%SZ", &tm);
	snprintf(out + n, 40 - n, "-%016llx", (unsigned long long)pm_hash(seed, sizeof seed));
}

/* skip_head changes nothing: a head is small, and a snapshot of it costs nothing to open. */
void pm_api_snapshot(struct pm_request *r)
{
	struct pm_str skip = pm_request_param(r, "skip_head");
	struct pm_error err = { 0 };
	struct pm_json j;
	char name[40], quoted[128];
	if (!admin_allowed(r))
		return;
	if (skip.len && !is_bool(skip)) {
		pm_api_bad(r,
			"invalid parameter \"skip_head\": unable to parse boolean: strconv.ParseBool: parsing %s: "
			"invalid syntax",
			pm_quote_fixed(quoted, sizeof quoted, skip));
		return;
	}
	snapshot_name(name);
	const char *folder = pm_arena_printf(&r->arena, "%s/snapshots", r->serve->data_dir);
	const char *to = pm_arena_printf(&r->arena, "%s/snapshots/%s", r->serve->data_dir, name);
	int rc = folder && to ? 0 : pm_fail(&err, PM_ERR_NOMEM, "out of memory");
	if (rc == 0 && (rc = pm_fs_mkdirat(AT_FDCWD, folder, &err)) == 0)
		rc = tsdb_snapshot(r->serve->db, to, NULL, &err);
	if (rc) {
		pm_api_error_reply(r, 500, "internal", err.msg);
		return;
	}
	pm_api_begin(r, &j);
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("name"));
	pm_json_cstr(&j, name);
	pm_json_object_end(&j);
	pm_api_end(&j, NULL);
}
