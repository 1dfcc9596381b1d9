/* tombstone.c - deletion: samples of matching series in a range are passed over, until a merge leaves them out. */
#include "libtsdb/db/source.h"

#include "libtsdb/base/match.h"
#include "libtsdb/base/mem.h"

struct range {
	int64_t min_ms, max_ms;
};

struct set {
	struct pm_series_set base;
	struct pm_series_set *inner;
	const struct tsdb__manifest *manifest;
	uint64_t segment;
	struct pm_re ***res; /* by tombstone and matcher; NULL where it is no regular expression */
	struct range *ranges;
	size_t range_count, range_cap;
	int64_t *t, *st;
	double *v;
	const struct pm_histogram **h;
	size_t t_cap, st_cap, v_cap, h_cap;
};

static void set_free(struct pm_series_set *base)
{
	struct set *s = (struct set *)base;
	if (s->inner)
		s->inner->free(s->inner);
	for (size_t i = 0; s->res && i < s->manifest->tombstone_count; i++) {
		for (uint32_t k = 0; s->res[i] && k < s->manifest->tombstones[i].matcher_count; k++)
			pm_re_free(s->res[i][k]);
		pm_free(s->res[i]);
	}
	pm_free(s->res);
	pm_free(s->ranges);
	pm_free(s->t);
	pm_free(s->st);
	pm_free(s->v);
	pm_free(s->h);
	pm_free(s);
}

/* The ranges that are deleted from a series. */
static int find_ranges(struct set *s, struct pm_labels labels)
{
	s->range_count = 0;
	for (size_t i = 0; i < s->manifest->tombstone_count; i++) {
		const struct tsdb__tombstone *t = &s->manifest->tombstones[i];
		bool all = s->segment < t->before;
		for (uint32_t k = 0; k < t->matcher_count && all; k++)
			all = pm_match_value(&t->matchers[k], s->res[i][k], pm_labels_get(labels, t->matchers[k].name));
		if (!all)
			continue;
		if (pm_grow(&s->ranges, &s->range_cap, s->range_count + 1) < 0)
			return PM_ERR_NOMEM;
		s->ranges[s->range_count++] = (struct range){ t->min_ms, t->max_ms };
	}
	return 0;
}

static bool deleted(const struct set *s, int64_t t_ms)
{
	for (size_t i = 0; i < s->range_count; i++)
		if (t_ms >= s->ranges[i].min_ms && t_ms <= s->ranges[i].max_ms)
			return true;
	return false;
}

static bool touched(const struct set *s, const struct pm_samples *in)
{
	for (size_t i = 0; i < s->range_count; i++)
		if (in->t_ms[0] <= s->ranges[i].max_ms && in->t_ms[in->count - 1] >= s->ranges[i].min_ms)
			return true;
	return false;
}

static int leave_out(struct set *s, struct pm_samples *io)
{
	const struct pm_samples in = *io;
	size_t n = 0;
	if (pm_grow(&s->t, &s->t_cap, in.count) < 0 || pm_grow(&s->v, &s->v_cap, in.count) < 0 ||
		pm_grow(&s->h, &s->h_cap, in.count) < 0 || pm_grow(&s->st, &s->st_cap, in.count) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < in.count; i++) {
		if (deleted(s, in.t_ms[i]))
			continue;
		s->t[n] = in.t_ms[i];
		s->v[n] = in.v[i];
		s->h[n] = in.h ? in.h[i] : NULL;
		s->st[n++] = in.st_ms ? in.st_ms[i] : 0;
	}
	*io = (struct pm_samples){
		.count = n, .t_ms = s->t, .v = s->v, .h = in.h ? s->h : NULL, .st_ms = in.st_ms ? s->st : NULL
	};
	return 0;
}

static int next(struct pm_series_set *base, struct pm_series *ret, struct pm_error *err)
{
	struct set *s = (struct set *)base;
	int rc;
	while ((rc = s->inner->next(s->inner, ret, err)) > 0) {
		if (find_ranges(s, ret->labels) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		if (!touched(s, &ret->samples))
			return 1;
		if (leave_out(s, &ret->samples) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		if (ret->samples.count)
			return 1;
	}
	return rc;
}

static int make_res(struct set *s, struct pm_error *err)
{
	const struct tsdb__manifest *m = s->manifest;
	if (!(s->res = pm_calloc(m->tombstone_count + 1, sizeof *s->res)))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < m->tombstone_count; i++) {
		const struct tsdb__tombstone *t = &m->tombstones[i];
		if (!(s->res[i] = pm_calloc(t->matcher_count + 1u, sizeof *s->res[i])))
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		for (uint32_t k = 0; k < t->matcher_count; k++) {
			int rc = pm_match_re(&t->matchers[k], &s->res[i][k], err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int tsdb__without_deleted(const struct tsdb__manifest *m, uint64_t segment, struct pm_series_set *inner,
	struct pm_series_set **ret, struct pm_error *err)
{
	struct set *s = pm_calloc(1, sizeof *s);
	int rc;
	if (!s) {
		inner->free(inner);
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	s->base = (struct pm_series_set){ next, set_free };
	s->inner = inner;
	s->manifest = m;
	s->segment = segment;
	if ((rc = make_res(s, err)) < 0)
		set_free(&s->base);
	else
		*ret = &s->base;
	return rc;
}
