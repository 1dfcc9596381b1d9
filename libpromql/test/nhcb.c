/* nhcb.c - load_with_nhcb: classic histograms (_bucket, _count, _sum) are loaded as native histograms with custom
 * buckets, too, under the name without its suffix. */
#include "libpromql/test/runner.h"

#include "libtsdb/base/num.h"

#include <math.h>
#include <stdlib.h>

enum part { BUCKET, COUNT, SUM };

/* One series of a classic histogram. */
struct member {
	enum part part;
	double le;
	const struct promql__line *line;
	struct pm_labels labels; /* of the histogram */
};

static bool has_suffix(struct pm_str s, struct pm_str suffix)
{
	return s.len > suffix.len && memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0;
}

static bool part_of(struct pm_str name, enum part *ret, size_t *ret_cut)
{
	static const struct pm_str suffixes[] = { { "_bucket", 7 }, { "_count", 6 }, { "_sum", 4 } };

	for (size_t i = 0; i < 3; i++)
		if (has_suffix(name, suffixes[i])) {
			*ret = (enum part)i;
			*ret_cut = suffixes[i].len;
			return true;
		}
	return false;
}

/* 1 and `m`, 0 when the series belongs to no classic histogram, or an error. */
static int member_of(struct promql__script *s, const struct promql__line *line, struct member *m)
{
	struct pm_str name = promql__name(line->labels), le = pm_labels_get(line->labels, PM_STR("le"));
	struct pm_label *v;
	size_t n = 0, cut;

	if (!part_of(name, &m->part, &cut))
		return 0;
	if (m->part == BUCKET && (pm_double_parse(le, &m->le) < 0 || isnan(m->le)))
		return 0;
	v = pm_arena_array(&s->arena, line->labels.count, sizeof *v);
	if (!v)
		return pm_fail(s->err, PM_ERR_NOMEM, "out of memory");
	name.len -= cut;
	for (size_t i = 0; i < line->labels.count; i++) {
		v[n] = line->labels.v[i];
		if (pm_str_eq(v[n].name, PM_NAME_LABEL))
			v[n].value = name;
		n += m->part != BUCKET || !pm_str_eq(v[n].name, PM_STR("le"));
	}
	m->labels = (struct pm_labels){ v, n };
	m->line = line;
	return 1;
}

static int cmp_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int c = pm_labels_cmp(x->labels, y->labels);

	if (c == 0)
		c = (int)x->part - (int)y->part;
	return c ? c : (x->le > y->le) - (x->le < y->le);
}

static bool value_at(const struct member *m, size_t i, double *ret)
{
	if (i >= m->line->count || m->line->v[i].omitted || m->line->v[i].h || pm_is_stale(m->line->v[i].v))
		return false;
	*ret = m->line->v[i].v;
	return true;
}

/* The members m[0..count) at one step. 1 and `h`, 0: they have no value here. */
static int convert(struct promql__script *s, const struct member *m, size_t count, size_t step, struct pm_histogram *h)
{
	double *custom = pm_arena_array(&s->arena, count, sizeof *custom);
	double *buckets = pm_arena_array(&s->arena, count + 1, sizeof *buckets);
	struct pm_span *span = pm_arena_alloc(&s->arena, sizeof *span);
	bool any = false, counted = false;
	double v, last = 0, inf = NAN;
	uint32_t n = 0;

	if (!custom || !buckets || !span)
		return pm_fail(s->err, PM_ERR_NOMEM, "out of memory");
	*h = (struct pm_histogram){ .schema = PM_SCHEMA_CUSTOM, .custom = custom, .pos = buckets, .pos_spans = span };
	for (size_t i = 0; i < count; i++) {
		if (!value_at(&m[i], step, &v))
			continue;
		any = true;
		if (m[i].part == BUCKET && v < last)
			return pm_fail(s->err, PM_ERR_INVALID, "buckets of a classic histogram do not count up");
		if (m[i].part == BUCKET && isinf(m[i].le)) {
			inf = last = v;
		} else if (m[i].part == BUCKET) {
			custom[n] = m[i].le;
			buckets[n++] = v - last;
			last = v;
		} else if (m[i].part == COUNT) {
			h->count = v;
			counted = true;
		} else {
			h->sum = v;
		}
	}
	if (!counted)
		h->count = last;
	if (isnan(inf))
		inf = h->count;
	h->custom_count = n;
	for (uint32_t i = 0; i < n; i++)
		inf -= buckets[i];
	buckets[n++] = inf;
	*span = (struct pm_span){ 0, n };
	h->pos_count = n;
	h->pos_span_count = 1;
	return any;
}

static int load_one(struct promql__script *s, const struct member *m, size_t count, int64_t step_ms)
{
	size_t steps = 0;
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		steps = m[i].line->count > steps ? m[i].line->count : steps;
	for (size_t i = 0; rc >= 0 && i < steps; i++) {
		struct pm_histogram h;
		struct promql__mem_sample sample = { .t_ms = (int64_t)i * step_ms, .h = &h };

		rc = convert(s, m, count, i, &h);
		if (rc > 0)
			rc = promql__mem_append(&s->mem, m[0].labels, &sample, s->err);
	}
	return rc < 0 ? rc : 0;
}

int promql__load_nhcb(struct promql__script *s, const struct promql__line *lines, size_t count, int64_t step_ms)
{
	struct member *m = pm_arena_array(&s->arena, count, sizeof *m);
	size_t n = 0;
	int rc = m || count == 0 ? 0 : pm_fail(s->err, PM_ERR_NOMEM, "out of memory");

	for (size_t i = 0; rc >= 0 && i < count; i++) {
		m[n] = (struct member){ 0 };
		rc = member_of(s, &lines[i], &m[n]);
		n += rc > 0;
	}
	if (rc >= 0 && n)
		qsort(m, n, sizeof *m, cmp_members);
	for (size_t i = 0, k; rc >= 0 && i < n; i = k) {
		for (k = i + 1; k < n && pm_labels_eq(m[i].labels, m[k].labels);)
			k++;
		rc = load_one(s, m + i, k - i, step_ms);
	}
	return rc < 0 ? rc : 0;
}
