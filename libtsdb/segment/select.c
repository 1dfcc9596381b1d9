/* select.c - from matchers to the series of a segment.
 *
 * A matcher stands for the series whose value matches; when it matches the empty value too, for all series but those
 * whose value does not. Values of a name stand together in the table of pairs, each once. */
#include "libtsdb/base/match.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/segment/bitmap.h"
#include "libtsdb/segment/segment.h"

struct selection {
	const struct tsdb__segment *segment;
	struct tsdb__bitmap *all; /* what is left; NULL: every series */
	struct pm_error *err;
};

static int add_posting(struct selection *s, const struct tsdb_posting *p, struct tsdb__bitmap *to)
{
	struct tsdb__bitmap *list;
	int rc;
	if (p->count == 1 && p->len == 0 && p->off < s->segment->footer->series_count) {
		tsdb__bitmap_add(to, (uint32_t)p->off);
		return 0;
	}
	if ((rc = tsdb__segment_posting(s->segment, p, &list, s->err)) < 0)
		return rc;
	tsdb__bitmap_or(to, list);
	tsdb__bitmap_free(list);
	return 0;
}

/* The series of one value. */
static int add_value(struct selection *s, const struct tsdb_posting *pairs, uint32_t n, struct pm_str value,
	struct tsdb__bitmap *to)
{
	uint32_t symbol, lo = 0, hi = n;
	int rc = tsdb__segment_symbol_find(s->segment, value, &symbol, s->err);
	if (rc <= 0)
		return rc;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (pairs[mid].value < symbol)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && pairs[lo].value == symbol ? add_posting(s, &pairs[lo], to) : 0;
}

/* Series whose value of the name matches (or does not, when `want` is false). */
static int add_matching(struct selection *s, const struct tsdb_posting *pairs, uint32_t n, const struct pm_matcher *m,
	const struct pm_re *re, bool want, struct tsdb__bitmap *to)
{
	int rc = 0;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		struct pm_str value = tsdb__segment_symbol(s->segment, pairs[i].value, s->err);
		if (!value.ptr)
			return PM_ERR_CORRUPT;
		if (pm_match_value(m, re, value) == want)
			rc = add_posting(s, &pairs[i], to);
	}
	return rc;
}

static int intersect(struct selection *s, const struct tsdb__bitmap *with, bool without)
{
	if (!s->all && !(s->all = tsdb__bitmap_range(0, s->segment->footer->series_count)))
		return pm_fail(s->err, PM_ERR_NOMEM, "out of memory");
	if (without)
		tsdb__bitmap_andnot(s->all, with);
	else
		tsdb__bitmap_and(s->all, with);
	return 0;
}

static int narrow(struct selection *s, const struct pm_matcher *m, const struct pm_re *re)
{
	const struct tsdb_posting *pairs = NULL;
	const struct pm_str *literals = &m->value;
	uint32_t name, n = 0;
	bool empty = pm_match_value(m, re, PM_STR(""));
	size_t literal_count = m->type == PM_MATCH_EQ ? 1 : m->type == PM_MATCH_RE ? pm_re_literals(re, &literals) : 0;
	int rc = tsdb__segment_symbol_find(s->segment, m->name, &name, s->err);
	if (rc < 0)
		return rc;
	if (rc && !(pairs = tsdb__segment_pairs(s->segment, name, &n, &rc, s->err)) && rc < 0)
		return rc;
	struct tsdb__bitmap *found = tsdb__bitmap_new();
	if (!found)
		return pm_fail(s->err, PM_ERR_NOMEM, "out of memory");
	rc = 0;
	if (!empty && literal_count)
		for (size_t i = 0; i < literal_count && rc == 0; i++)
			rc = add_value(s, pairs, n, literals[i], found);
	else
		rc = add_matching(s, pairs, n, m, re, !empty, found);
	if (rc == 0)
		rc = intersect(s, found, empty);
	tsdb__bitmap_free(found);
	return rc;
}

int tsdb__segment_select(const struct tsdb__segment *segment, const struct pm_matcher *m, size_t count,
	struct tsdb__bitmap **ret, struct pm_error *err)
{
	struct selection s = { .segment = segment, .err = err };
	int rc = 0;
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct pm_re *re = NULL;
		if ((rc = pm_match_re(&m[i], &re, err)) == 0)
			rc = narrow(&s, &m[i], re);
		pm_re_free(re);
	}
	if (rc == 0 && !s.all && !(s.all = tsdb__bitmap_range(0, segment->footer->series_count)))
		rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (rc < 0)
		tsdb__bitmap_free(s.all);
	else
		*ret = s.all;
	return rc;
}
