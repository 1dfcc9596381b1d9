/* memstore.c - series held in memory, behind the interface that the store has. Reset hints of histograms come out as
 * the store gives them: a counter that goes on from the sample before says so, the first one after anything else says
 * nothing. */
#include "libpromql/test/memstore.h"

#include "libpromql/eval/hist.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/re.h"

#include <stdlib.h>

/* ---- appending ---------------------------------------------------------------------------------- */

static size_t find(const struct promql__mem *m, struct pm_labels labels, bool *ret_found)
{
	size_t lo = 0, hi = m->count;

	*ret_found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = pm_labels_cmp(m->series[mid].labels, labels);

		*ret_found |= c == 0;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int series_of(struct promql__mem *m, struct pm_labels labels, struct promql__mem_series **ret)
{
	struct pm_labels copy;
	bool found;
	size_t i = find(m, labels, &found);

	if (!found) {
		if (pm_grow(&m->series, &m->cap, m->count + 1) < 0 || pm_arena_labels(&m->arena, labels, &copy) < 0)
			return PM_ERR_NOMEM;
		memmove(&m->series[i + 1], &m->series[i], (m->count - i) * sizeof *m->series);
		m->series[i] = (struct promql__mem_series){ .labels = copy };
		m->count++;
	}
	*ret = &m->series[i];
	return 0;
}

static int reserve(struct promql__mem_series *s)
{
	size_t caps[4] = { s->cap, s->cap, s->cap, s->cap }, want = s->count + 1;

	if (want <= s->cap)
		return 0;
	if (pm_grow(&s->t_ms, &caps[0], want) < 0 || pm_grow(&s->st_ms, &caps[1], want) < 0 ||
		pm_grow(&s->v, &caps[2], want) < 0 || pm_grow(&s->h, &caps[3], want) < 0)
		return PM_ERR_NOMEM;
	s->cap = caps[0];
	return 0;
}

static bool same_layout(const struct pm_histogram *a, const struct pm_histogram *b)
{
	if (a->schema != b->schema || a->zero_threshold != b->zero_threshold || a->custom_count != b->custom_count)
		return false;
	for (uint32_t i = 0; i < a->custom_count; i++)
		if (a->custom[i] != b->custom[i])
			return false;
	return true;
}

static uint8_t stored_hint(const struct pm_histogram *h, const struct pm_histogram *prev)
{
	struct pm_histogram cur = *h;

	if (h->reset_hint == PM_RESET_GAUGE)
		return PM_RESET_GAUGE;
	if (!prev || prev->reset_hint == PM_RESET_GAUGE || h->reset_hint == PM_RESET_YES || !same_layout(h, prev))
		return PM_RESET_UNKNOWN;
	cur.reset_hint = PM_RESET_UNKNOWN;
	return promql__hist_reset(&cur, prev) ? PM_RESET_UNKNOWN : PM_RESET_NO;
}

static int put_hist(struct promql__mem *m, struct promql__mem_series *s, const struct pm_histogram *h)
{
	const struct pm_histogram *prev = s->count ? s->h[s->count - 1] : NULL;
	struct pm_histogram hinted = *h;

	hinted.reset_hint = stored_hint(h, prev);
	s->h[s->count] = promql__hist_copy(&m->arena, &hinted);
	s->v[s->count] = 0;
	s->any_hist = true;
	return s->h[s->count] ? 0 : PM_ERR_NOMEM;
}

int promql__mem_append(
	struct promql__mem *m, struct pm_labels labels, const struct promql__mem_sample *sample, struct pm_error *err)
{
	struct promql__mem_series *s;
	int rc = series_of(m, labels, &s);

	if (rc == 0)
		rc = reserve(s);
	if (rc < 0)
		return pm_fail(err, rc, "out of memory");
	if (s->count && s->t_ms[s->count - 1] >= sample->t_ms)
		return pm_fail(err, PM_ERR_INVALID, "the series has samples at this time or later already");
	s->t_ms[s->count] = sample->t_ms;
	s->st_ms[s->count] = sample->st_ms;
	s->any_start |= sample->st_ms != 0;
	s->v[s->count] = sample->v;
	s->h[s->count] = NULL;
	if (sample->h && put_hist(m, s, sample->h) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	s->count++;
	return 0;
}

/* ---- selecting ---------------------------------------------------------------------------------- */

struct mem_set {
	struct pm_series_set set;
	const struct promql__mem *m;
	struct pm_select sel;
	struct pm_re **res; /* of the matchers, where they are regular expressions */
	size_t at, given;
};

static bool matches(const struct mem_set *s, struct pm_labels l)
{
	for (size_t i = 0; i < s->sel.matcher_count; i++) {
		const struct pm_matcher *m = &s->sel.matchers[i];
		struct pm_str v = pm_labels_get(l, m->name);
		bool same = s->res[i] ? pm_re_match(s->res[i], v) : pm_str_eq(m->value, v);

		if (same != (m->type == PM_MATCH_EQ || m->type == PM_MATCH_RE))
			return false;
	}
	return true;
}

static void cut(const struct promql__mem_series *s, int64_t min_ms, int64_t max_ms, struct pm_samples *ret)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi && s->t_ms[lo] < min_ms)
		lo++;
	while (lo < hi && s->t_ms[hi - 1] > max_ms)
		hi--;
	*ret = (struct pm_samples){ .count = hi - lo, .t_ms = s->t_ms + lo, .v = s->v + lo };
	if (s->any_hist)
		ret->h = s->h + lo;
	if (s->any_start)
		ret->st_ms = s->st_ms + lo;
}

static int set_next(struct pm_series_set *set, struct pm_series *ret, struct pm_error *err)
{
	struct mem_set *s = (struct mem_set *)set;

	(void)err;
	while (s->at < s->m->count && (s->sel.limit == 0 || s->given < s->sel.limit)) {
		const struct promql__mem_series *series = &s->m->series[s->at++];

		if (!matches(s, series->labels))
			continue;
		*ret = (struct pm_series){ .labels = series->labels };
		if (!s->sel.labels_only && series->count)
			cut(series, s->sel.min_ms, s->sel.max_ms, &ret->samples);
		if (!s->sel.labels_only && ret->samples.count == 0)
			continue;
		s->given++;
		return 1;
	}
	return 0;
}

static void set_free(struct pm_series_set *set)
{
	struct mem_set *s = (struct mem_set *)set;

	for (size_t i = 0; s->res && i < s->sel.matcher_count; i++)
		pm_re_free(s->res[i]);
	pm_free(s->res);
	pm_free(s);
}

static int mem_select(
	struct pm_querier *q, const struct pm_select *sel, struct pm_series_set **ret, struct pm_error *err)
{
	struct mem_set *s = pm_calloc(1, sizeof *s);
	int rc = 0;

	if (!s)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	s->set = (struct pm_series_set){ set_next, set_free };
	s->m = (const struct promql__mem *)q;
	s->sel = *sel;
	s->res = pm_calloc(sel->matcher_count + 1, sizeof *s->res);
	if (!s->res)
		rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < sel->matcher_count; i++)
		if (sel->matchers[i].type >= PM_MATCH_RE)
			rc = pm_re_new(sel->matchers[i].value, &s->res[i], err);
	if (rc < 0)
		set_free(&s->set);
	else
		*ret = &s->set;
	return rc;
}

/* ---- names and values --------------------------------------------------------------------------- */

static int cmp_strings(const void *a, const void *b)
{
	return pm_str_cmp(*(const struct pm_str *)a, *(const struct pm_str *)b);
}

static int add_string(struct pm_strings *s, size_t *cap, struct pm_str v)
{
	int rc = v.len ? pm_grow(&s->v, cap, s->count + 1) : 0;

	if (rc == 0 && v.len)
		s->v[s->count++] = v;
	return rc;
}

/* The names of all labels, or the values of `name`. */
static int collect(struct pm_querier *q, const struct pm_str *name, const struct pm_select *sel, struct pm_strings *ret,
	struct pm_error *err)
{
	struct pm_strings s = { 0 };
	struct pm_series_set *set;
	struct pm_series one;
	size_t cap = 0, n = 0;
	int rc = mem_select(q, sel, &set, err);

	if (rc < 0)
		return rc;
	while (rc == 0 && set_next(set, &one, err) > 0) {
		if (name)
			rc = add_string(&s, &cap, pm_labels_get(one.labels, *name));
		for (size_t i = 0; !name && rc == 0 && i < one.labels.count; i++)
			rc = add_string(&s, &cap, one.labels.v[i].name);
	}
	set_free(set);
	if (rc < 0) {
		pm_free(s.v);
		return pm_fail(err, rc, "out of memory");
	}
	if (s.count)
		qsort(s.v, s.count, sizeof *s.v, cmp_strings);
	for (size_t i = 0; i < s.count; i++)
		if (n == 0 || !pm_str_eq(s.v[n - 1], s.v[i]))
			s.v[n++] = s.v[i];
	s.count = n;
	s.owner = s.v;
	*ret = s;
	return 0;
}

static int mem_names(struct pm_querier *q, const struct pm_select *sel, struct pm_strings *ret, struct pm_error *err)
{
	return collect(q, NULL, sel, ret, err);
}

static int mem_values(struct pm_querier *q, struct pm_str name, const struct pm_select *sel, struct pm_strings *ret,
	struct pm_error *err)
{
	return collect(q, &name, sel, ret, err);
}

/* ---- the store ---------------------------------------------------------------------------------- */

static void mem_free(struct pm_querier *q)
{
	(void)q; /* the store's owner releases it */
}

void promql__mem_init(struct promql__mem *m)
{
	*m = (struct promql__mem){ .querier = { mem_select, mem_names, mem_values, mem_free } };
}

void promql__mem_release(struct promql__mem *m)
{
	for (size_t i = 0; i < m->count; i++) {
		pm_free(m->series[i].t_ms);
		pm_free(m->series[i].st_ms);
		pm_free(m->series[i].v);
		pm_free(m->series[i].h);
	}
	pm_free(m->series);
	pm_arena_release(&m->arena);
	promql__mem_init(m);
}
