/* api_notes.c - /api/v1/metadata, targets/metadata, query_exemplars. */
#include "cmd/serve/api.h"
#include "cmd/serve/sched.h"
#include "cmd/serve/serve.h"
#include "libpromql/promql.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/re.h"

#include <stdlib.h>

/* ---- metadata ----------------------------------------------------------------------------------- */

/* A limit as these two know it: absent or negative is none, 0 is an empty answer. */
static int read_limit(struct pm_request *r, const char *name, int64_t *ret)
{
	struct pm_str text = pm_request_param(r, name);
	*ret = -1;
	if (text.len && pm_int_parse(text, ret))
		return pm_api_bad(r, "%s must be a number", name);
	return 0;
}

static void put(struct pm_json *j, const char *key, struct pm_str value)
{
	pm_json_key(j, pm_str(key));
	pm_json_str(j, value);
}

static void put_said(struct pm_json *j, const struct tsdb_metadata *m)
{
	put(j, "type", m->type.len ? m->type : PM_STR("unknown"));
	put(j, "help", m->help);
	put(j, "unit", m->unit);
}

void pm_api_metadata(struct pm_request *r)
{
	struct tsdb_metadata_list l = { 0 };
	struct pm_error err = { 0 };
	int64_t limit, per_metric;
	struct pm_json j;
	if (read_limit(r, "limit", &limit) || read_limit(r, "limit_per_metric", &per_metric))
		return;
	int rc = tsdb_metadata(r->serve->db, pm_request_param(r, "metric"), 0, &l, &err);
	if (rc) {
		pm_api_failed(r, rc, &err);
		return;
	}
	pm_api_begin(r, &j);
	pm_json_object(&j);
	for (size_t i = 0; i < l.count && (limit < 0 || (int64_t)i < limit); i++) {
		pm_json_key(&j, l.v[i].metric);
		pm_json_array(&j);
		pm_json_object(&j);
		put_said(&j, &l.v[i]);
		pm_json_object_end(&j);
		pm_json_array_end(&j);
	}
	pm_json_object_end(&j);
	pm_api_end(&j, NULL);
	tsdb_metadata_free(&l);
}

/* ---- metadata by target -------------------------------------------------------------------------- */

struct targets {
	struct pm_request *r;
	struct promql_matchers match;
	struct pm_labels *v; /* labels of the targets, in the request's arena */
	size_t count;
	int rc;
	/* what is written */
	struct tsdb_metadata_list said;
	struct pm_str metric; /* empty: all */
	int64_t limit;
	int64_t written;
	struct pm_json j;
};

static int matches(const struct pm_matcher *m, struct pm_labels labels, bool *ret)
{
	struct pm_str value = pm_labels_get(labels, m->name);
	struct pm_re *re;
	if (m->type == PM_MATCH_EQ || m->type == PM_MATCH_NE) {
		*ret = pm_str_eq(value, m->value) == (m->type == PM_MATCH_EQ);
		return 0;
	}
	int rc = pm_re_new(m->value, &re, NULL);
	if (rc)
		return rc;
	*ret = pm_re_match(re, value) == (m->type == PM_MATCH_RE);
	pm_re_free(re);
	return 0;
}

/* Targets may go with the next reload, so their labels are copied. */
static void collect(void *arg, const struct pm_config *config, const struct pm_target_state *states,
	const struct pm_sched_totals *totals)
{
	struct targets *t = arg;
	t->v = pm_arena_array(&t->r->arena, config->target_count + 1, sizeof *t->v);
	t->rc = t->v ? 0 : PM_ERR_NOMEM;
	for (size_t i = 0; i < config->target_count && t->rc == 0; i++) {
		struct pm_labels labels = states[i].target->scrape.labels;
		bool ok = true;
		for (size_t m = 0; m < t->match.count && ok && t->rc == 0; m++)
			t->rc = matches(&t->match.v[m], labels, &ok);
		if (ok && t->rc == 0)
			t->rc = pm_arena_labels(&t->r->arena, labels, &t->v[t->count++]);
	}
}

/* The names of the series that a target has. */
static int names_of(struct pm_querier *q, struct pm_labels target, struct pm_arena *arena, struct pm_strings *ret,
	struct pm_error *err)
{
	struct pm_matcher *m = pm_arena_array(arena, target.count + 1, sizeof *m);
	if (!m)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < target.count; i++)
		m[i] = (struct pm_matcher){ PM_MATCH_EQ, target.v[i].name, target.v[i].value };
	struct pm_select sel = {
		.matchers = m, .matcher_count = target.count, .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX
	};
	return q->label_values(q, PM_NAME_LABEL, &sel, ret, err);
}

static int by_bytes(const void *a, const void *b)
{
	return pm_str_cmp(*(const struct pm_str *)a, *(const struct pm_str *)b);
}

/* Whether one of the series' names is of this family. */
static bool has_family(const struct pm_strings *names, struct pm_str family)
{
	static const char *const suffixes[] = { "", "_total", "_count", "_sum", "_bucket", "_created", "_info" };
	char text[512];
	if (family.len > sizeof text - 16)
		return false;
	memcpy(text, family.ptr, family.len);
	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		struct pm_str name = { text, family.len + strlen(suffixes[i]) };
		memcpy(text + family.len, suffixes[i], strlen(suffixes[i]));
		if (bsearch(&name, names->v, names->count, sizeof name, by_bytes))
			return true;
	}
	return false;
}

static void put_target(struct targets *t, struct pm_labels target, const struct pm_strings *names)
{
	for (size_t i = 0; i < t->said.count; i++) {
		if (!has_family(names, t->said.v[i].metric))
			continue;
		pm_json_object(&t->j);
		pm_json_key(&t->j, PM_STR("target"));
		pm_json_labels(&t->j, target);
		if (!t->metric.len)
			put(&t->j, "metric", t->said.v[i].metric);
		put_said(&t->j, &t->said.v[i]);
		pm_json_object_end(&t->j);
		t->written++;
	}
}

/* As upstream, whose limit is looked at between targets. */
static int put_targets(struct pm_querier *q, void *arg, struct pm_error *err)
{
	struct targets *t = arg;
	int rc = 0;
	t->written = 0;
	pm_api_begin(t->r, &t->j);
	pm_json_array(&t->j);
	for (size_t i = 0; i < t->count && rc == 0 && (t->limit < 0 || t->written < t->limit); i++) {
		struct pm_strings names;
		if ((rc = names_of(q, t->v[i], &t->r->arena, &names, err)) == 0) {
			put_target(t, t->v[i], &names);
			pm_strings_free(&names);
		}
		if (rc == 0 && pm_request_canceled(t->r))
			rc = pm_fail(err, PM_ERR_CANCELED, "the request was canceled");
	}
	pm_json_array_end(&t->j);
	pm_api_end(&t->j, NULL);
	return rc;
}

void pm_api_targets_metadata(struct pm_request *r)
{
	struct targets t = { .r = r, .metric = pm_request_param(r, "metric") };
	struct pm_str match = pm_request_param(r, "match_target");
	struct pm_error err = { 0 };
	int rc;
	if (read_limit(r, "limit", &t.limit))
		return;
	if (match.len && promql_parse_matchers(match, &t.match, &err)) {
		pm_api_bad_param(r, "match_target", err.msg);
		return;
	}
	pm_sched_look(r->serve->sched, collect, &t);
	if (match.len)
		promql_matchers_free(&t.match);
	if ((rc = t.rc) == 0 && (rc = tsdb_metadata(r->serve->db, t.metric, 0, &t.said, &err)) == 0)
		rc = pm_with_querier(r->serve->db, put_targets, &t, &err);
	if (rc)
		pm_api_failed(r, rc, &err);
	tsdb_metadata_free(&t.said);
}

/* ---- exemplars ----------------------------------------------------------------------------------- */

struct selections {
	struct pm_select *v;
	size_t count, cap;
	int64_t min_ms, max_ms;
};

static int add_selection(void *arg, const struct pm_matcher *matchers, size_t count)
{
	struct selections *s = arg;
	if (pm_grow(&s->v, &s->cap, s->count + 1))
		return PM_ERR_NOMEM;
	s->v[s->count++] = (struct pm_select){
		.matchers = matchers, .matcher_count = count, .min_ms = s->min_ms, .max_ms = s->max_ms
	};
	return 0;
}

static void put_exemplars(struct pm_request *r, const struct tsdb_exemplars *found)
{
	struct pm_json j;
	pm_api_begin(r, &j);
	pm_json_array(&j);
	for (size_t i = 0; i < found->count; i++) {
		pm_json_object(&j);
		pm_json_key(&j, PM_STR("seriesLabels"));
		pm_json_labels(&j, found->v[i].labels);
		pm_json_key(&j, PM_STR("exemplars"));
		pm_json_array(&j);
		for (size_t k = 0; k < found->v[i].count; k++) {
			pm_json_object(&j);
			pm_json_key(&j, PM_STR("labels"));
			pm_json_labels(&j, found->v[i].v[k].labels);
			pm_json_key(&j, PM_STR("value"));
			pm_json_sample_value(&j, found->v[i].v[k].v);
			pm_json_key(&j, PM_STR("timestamp"));
			pm_json_time(&j, found->v[i].v[k].t_ms);
			pm_json_object_end(&j);
		}
		pm_json_array_end(&j);
		pm_json_object_end(&j);
	}
	pm_json_array_end(&j);
	pm_api_end(&j, NULL);
}

static void answer_exemplars(struct pm_request *r, const struct promql_expr *expr, struct selections *s)
{
	struct tsdb_exemplars found = { 0 };
	struct pm_error err = { 0 };
	struct pm_json j;
	int rc = promql_selectors(expr, add_selection, s);
	if (rc == 0 && s->count == 0) { /* upstream's answer to an expression without a selector */
		pm_api_begin(r, &j);
		pm_json_null(&j);
		pm_api_end(&j, NULL);
		return;
	}
	if (rc == 0)
		rc = tsdb_exemplars(r->serve->db, s->v, s->count, &found, &err);
	if (rc)
		pm_api_failed(r, rc, &err);
	else
		put_exemplars(r, &found);
	tsdb_exemplars_free(&found);
}

void pm_api_query_exemplars(struct pm_request *r)
{
	struct selections s = { 0 };
	struct promql_expr *expr;
	struct pm_error err = { 0 };
	if (pm_api_time(r, "start", PM_TIME_MIN, &s.min_ms) || pm_api_time(r, "end", PM_TIME_MAX, &s.max_ms))
		return;
	if (s.max_ms < s.min_ms) {
		pm_api_bad(r, "end timestamp must not be before start timestamp");
		return;
	}
	int rc = promql_parse(pm_request_param(r, "query"), NULL, &expr, &err);
	if (rc == PM_ERR_INVALID || rc == PM_ERR_LIMIT) {
		pm_api_bad(r, "%s", err.msg);
	} else if (rc) {
		pm_api_failed(r, rc, &err);
	} else {
		answer_exemplars(r, expr, &s);
		promql_expr_free(expr);
	}
	pm_free(s.v);
}
