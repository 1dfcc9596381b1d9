/* api_meta.c - /api/v1/series, labels, label/NAME/values.
 *
 * Several match[] are several sets of series whose union is asked for: each is asked on its own, and the sorted answers
 * are put together. With a limit each is asked for one more, so that a cut is noticed and told. */
#include "cmd/serve/api.h"
#include "cmd/serve/serve.h"
#include "libpromql/promql.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/re.h"
#include "libtsdb/base/utf8.h"

#include <stdlib.h>

enum { SETS_MAX = 1000, CANCEL_EVERY = 1024 };

struct meta {
	struct pm_request *r;
	struct promql_matchers *sets;
	size_t set_count;
	int64_t min_ms, max_ms;
	size_t limit;            /* 0: none */
	struct pm_str label;     /* for values */
	bool values;
};

static void meta_release(struct meta *m)
{
	for (size_t i = 0; i < m->set_count; i++)
		promql_matchers_free(&m->sets[i]);
	m->set_count = 0;
}

/* Whether the matcher lets the empty string, so an absent label, through. */
static int matches_empty(const struct pm_matcher *m, bool *ret, struct pm_error *err)
{
	if (m->type == PM_MATCH_EQ || m->type == PM_MATCH_NE) {
		*ret = (m->value.len == 0) == (m->type == PM_MATCH_EQ);
		return 0;
	}
	struct pm_re *re;
	int rc = pm_re_new(m->value, &re, err);
	if (rc)
		return rc;
	*ret = pm_re_match(re, PM_STR("")) == (m->type == PM_MATCH_RE);
	pm_re_free(re);
	return 0;
}

/* A selector that all series pass would be the whole store. */
static int check_set(const struct promql_matchers *set, struct pm_error *err)
{
	for (size_t i = 0; i < set->count; i++) {
		bool empty;
		int rc = matches_empty(&set->v[i], &empty, err);
		if (rc || !empty)
			return rc;
	}
	return pm_fail(err, PM_ERR_INVALID, "match[] must contain at least one non-empty matcher");
}

static int read_sets(struct meta *m, struct pm_error *err)
{
	const struct pm_params *params = &m->r->params;
	size_t count = 0;
	for (size_t i = 0; i < params->count; i++)
		count += pm_str_eq(params->v[i].name, PM_STR("match[]"));
	if (count > SETS_MAX)
		return pm_fail(err, PM_ERR_INVALID, "more than %d match[] parameters", SETS_MAX);
	m->sets = pm_arena_array(&m->r->arena, count + 1, sizeof *m->sets);
	if (!m->sets)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < params->count; i++) {
		if (!pm_str_eq(params->v[i].name, PM_STR("match[]")))
			continue;
		int rc = promql_parse_matchers(params->v[i].value, &m->sets[m->set_count], err);
		if (rc)
			return rc;
		m->set_count++;
	}
	for (size_t i = 0; i < m->set_count; i++) {
		int rc = check_set(&m->sets[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The parameters that all three have. `wrap`: upstream says which parameter was wrong only for series. */
static int meta_begin(struct meta *m, struct pm_request *r, bool wrap)
{
	struct pm_error err = { 0 };
	m->r = r;
	if (pm_api_limit(r, &m->limit) || pm_api_time(r, "start", PM_TIME_MIN, &m->min_ms) ||
	    pm_api_time(r, "end", PM_TIME_MAX, &m->max_ms))
		return PM_ERR_INVALID;
	int rc = read_sets(m, &err);
	if (rc == 0)
		return 0;
	meta_release(m);
	if (rc != PM_ERR_INVALID && rc != PM_ERR_LIMIT)
		return pm_api_failed(r, rc, &err);
	return wrap ? pm_api_bad_param(r, "match[]", err.msg) : pm_api_bad(r, "%s", err.msg);
}

static struct pm_select select_of(const struct meta *m, size_t set)
{
	struct pm_select sel = { .min_ms = m->min_ms, .max_ms = m->max_ms, .labels_only = true };
	if (set < m->set_count) {
		sel.matchers = m->sets[set].v;
		sel.matcher_count = m->sets[set].count;
	}
	sel.limit = m->limit ? m->limit + 1 : 0;
	return sel;
}

/* ---- series ------------------------------------------------------------------------------------- */

struct label_sets {
	struct pm_labels *v;
	size_t count, cap;
};

static int collect_series(
	struct pm_querier *q, struct meta *m, size_t set, struct label_sets *out, struct pm_error *err)
{
	struct pm_select sel = select_of(m, set);
	struct pm_series_set *series;
	struct pm_series s;
	int rc = q->select(q, &sel, &series, err);
	if (rc)
		return rc;
	while ((rc = series->next(series, &s, err)) > 0) {
		rc = pm_grow(&out->v, &out->cap, out->count + 1);
		if (rc) {
			pm_fail(err, rc, "out of memory");
			break;
		}
		out->v[out->count++] = s.labels;
		if (out->count % CANCEL_EVERY == 0 && pm_request_canceled(m->r)) {
			rc = pm_fail(err, PM_ERR_CANCELED, "the request was canceled");
			break;
		}
	}
	series->free(series);
	return rc;
}

static int by_labels(const void *a, const void *b)
{
	return pm_labels_cmp(*(const struct pm_labels *)a, *(const struct pm_labels *)b);
}

static void unite_series(struct label_sets *s)
{
	size_t n = 0;
	qsort(s->v, s->count, sizeof *s->v, by_labels);
	for (size_t i = 0; i < s->count; i++)
		if (n == 0 || !pm_labels_eq(s->v[n - 1], s->v[i]))
			s->v[n++] = s->v[i];
	s->count = n;
}

static int series(struct pm_querier *q, void *arg, struct pm_error *err)
{
	struct meta *m = arg;
	struct label_sets found = { 0 };
	struct pm_json j;
	int rc = 0;
	for (size_t i = 0; i < m->set_count && rc == 0; i++)
		rc = collect_series(q, m, i, &found, err);
	if (rc)
		goto out;
	if (m->set_count > 1 && found.count)
		unite_series(&found);

	bool cut = m->limit && found.count > m->limit;
	pm_api_begin(m->r, &j);
	pm_json_array(&j);
	for (size_t i = 0; i < (cut ? m->limit : found.count); i++)
		pm_json_labels(&j, found.v[i]);
	pm_json_array_end(&j);
	pm_api_end(&j, cut ? PM_API_TRUNCATED : NULL);
out:
	pm_free(found.v);
	return rc;
}

static void answer(struct meta *m, pm_querier_fn *fn)
{
	struct pm_error err = { 0 };
	int rc = pm_with_querier(m->r->serve->db, fn, m, &err);
	if (rc)
		pm_api_failed(m->r, rc, &err);
	meta_release(m);
}

void pm_api_series(struct pm_request *r)
{
	struct meta m = { 0 };
	if (r->params.error[0]) {
		pm_api_bad(r, "error parsing form values: %s", r->params.error);
		return;
	}
	if (!pm_request_param(r, "match[]").ptr) {
		pm_api_bad(r, "no match[] parameter provided");
		return;
	}
	if (meta_begin(&m, r, true) == 0)
		answer(&m, series);
}

/* ---- names and values of labels ----------------------------------------------------------------- */

static int ask_strings(struct pm_querier *q, struct meta *m, size_t set, struct pm_strings *ret, struct pm_error *err)
{
	struct pm_select sel = select_of(m, set);
	return m->values ? q->label_values(q, m->label, &sel, ret, err) : q->label_names(q, &sel, ret, err);
}

static int by_bytes(const void *a, const void *b)
{
	return pm_str_cmp(*(const struct pm_str *)a, *(const struct pm_str *)b);
}

/* Sorted, without doubles, in the request's arena. */
static int unite_strings(struct meta *m, const struct pm_strings *sets, size_t set_count, struct pm_strings *ret)
{
	size_t total = 0, n = 0;
	for (size_t i = 0; i < set_count; i++)
		total += sets[i].count;
	struct pm_str *v = pm_arena_array(&m->r->arena, total + 1, sizeof *v);
	if (!v)
		return PM_ERR_NOMEM;
	total = 0;
	for (size_t i = 0; i < set_count; i++)
		for (size_t k = 0; k < sets[i].count; k++)
			v[total++] = sets[i].v[k];
	qsort(v, total, sizeof *v, by_bytes);
	for (size_t i = 0; i < total; i++)
		if (n == 0 || !pm_str_eq(v[n - 1], v[i]))
			v[n++] = v[i];
	*ret = (struct pm_strings){ .v = v, .count = n };
	return 0;
}

static void write_strings(struct meta *m, const struct pm_strings *s)
{
	struct pm_json j;
	bool cut = m->limit && s->count > m->limit;
	pm_api_begin(m->r, &j);
	pm_json_array(&j);
	for (size_t i = 0; i < (cut ? m->limit : s->count); i++)
		pm_json_str(&j, s->v[i]);
	pm_json_array_end(&j);
	pm_api_end(&j, cut ? PM_API_TRUNCATED : NULL);
}

static int strings(struct pm_querier *q, void *arg, struct pm_error *err)
{
	struct meta *m = arg;
	size_t want = m->set_count ? m->set_count : 1, got = 0;
	struct pm_strings all = { 0 };
	struct pm_strings *sets = pm_arena_array(&m->r->arena, want, sizeof *sets);
	int rc = sets ? 0 : pm_fail(err, PM_ERR_NOMEM, "out of memory");
	while (rc == 0 && got < want) {
		rc = ask_strings(q, m, got, &sets[got], err);
		got += rc == 0;
	}
	if (rc == 0 && got > 1)
		rc = unite_strings(m, sets, got, &all);
	if (rc == 0)
		write_strings(m, got > 1 ? &all : &sets[0]);
	for (size_t i = 0; i < got; i++)
		pm_strings_free(&sets[i]);
	return rc;
}

void pm_api_labels(struct pm_request *r)
{
	struct meta m = { 0 };
	if (r->params.error[0]) {
		pm_api_bad(r, "error parsing form values: %s", r->params.error);
		return;
	}
	if (meta_begin(&m, r, false) == 0)
		answer(&m, strings);
}

/* Names that no URL carries are sent escaped: "U__", then letters, digits and ':' as they are, "__" for "_", and
 * "_HEX_" for any other character. False: not an escape of that kind; the name means itself. */
static bool unescape_name(struct pm_buf *out, struct pm_str s)
{
	if (s.len < 3 || memcmp(s.ptr, "U__", 3) != 0)
		return false;
	for (size_t i = 3; i < s.len; i++) {
		if (s.ptr[i] != '_') {
			pm_buf_char(out, s.ptr[i]);
			continue;
		}
		if (i + 1 < s.len && s.ptr[i + 1] == '_') {
			pm_buf_char(out, '_');
			i++;
			continue;
		}
		uint32_t rune = 0;
		size_t digits = 0;
		for (i++; i < s.len && s.ptr[i] != '_'; i++, digits++) {
			const char *hex = "0123456789abcdef0123456789ABCDEF", *at = memchr(hex, s.ptr[i], 32);
			if (!at || digits == 6)
				return false;
			rune = rune << 4 | (uint32_t)((at - hex) & 15);
		}
		char bytes[4];
		if (i == s.len || digits == 0)
			return false;
		pm_buf_add(out, bytes, pm_utf8_encode(bytes, rune));
	}
	return true;
}

void pm_api_label_values(struct pm_request *r)
{
	struct meta m = { .values = true, .label = r->arg };
	struct pm_buf name = { 0 };
	char quoted[256];
	if (unescape_name(&name, r->arg) && !pm_buf_error(&name))
		m.label = pm_buf_view(&name);
	if (m.label.len == 0 || !pm_utf8_valid(m.label))
		pm_api_bad(r, "invalid label name: %s", pm_quote_fixed(quoted, sizeof quoted, m.label));
	else if (meta_begin(&m, r, false) == 0)
		answer(&m, strings);
	pm_buf_release(&name);
}
