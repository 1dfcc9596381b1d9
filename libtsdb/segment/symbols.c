/* symbols.c - a segment's sorted strings, and which series have a pair of name and value. */
#include "libtsdb/segment/bitmap.h"
#include "libtsdb/segment/segment.h"

static uint32_t symbol_count(const struct tsdb__segment *s)
{
	return s->footer->symbol_count;
}

struct pm_str tsdb__segment_symbol(const struct tsdb__segment *s, uint32_t symbol, struct pm_error *err)
{
	uint64_t off = s->footer->section[TSDB_SECTION_SYMBOLS].off, len = s->footer->section[TSDB_SECTION_SYMBOLS].len;
	uint64_t bytes = off + (symbol_count(s) + UINT64_C(1)) * sizeof(uint32_t);
	const uint32_t *at;
	const char *str;
	if (symbol >= symbol_count(s)) {
		tsdb__segment_corrupt(s, off, "no such symbol", err);
		return (struct pm_str){ 0 };
	}
	if (!(at = tsdb__segment_at(s, off + symbol * UINT64_C(4), 2 * sizeof *at, err)))
		return (struct pm_str){ 0 };
	if (at[0] > at[1] || bytes + at[1] > off + len) {
		tsdb__segment_corrupt(s, off + symbol * UINT64_C(4), "a symbol of an impossible place", err);
		return (struct pm_str){ 0 };
	}
	str = tsdb__segment_at(s, bytes + at[0], at[1] - at[0], err);
	return (struct pm_str){ str, str ? at[1] - at[0] : 0 };
}

int tsdb__segment_symbol_find(const struct tsdb__segment *s, struct pm_str str, uint32_t *ret, struct pm_error *err)
{
	uint32_t lo = 0, hi = symbol_count(s);
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		struct pm_str at = tsdb__segment_symbol(s, mid, err);
		if (!at.ptr)
			return PM_ERR_CORRUPT;
		int c = pm_str_cmp(at, str);
		if (c == 0) {
			*ret = mid;
			return 1;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

static const struct tsdb_posting *pair_at(const struct tsdb__segment *s, uint32_t i, struct pm_error *err)
{
	return tsdb__segment_at(s, s->footer->section[TSDB_SECTION_PAIRS].off + i * sizeof(struct tsdb_posting),
		sizeof(struct tsdb_posting), err);
}

/* The first pair whose name is not below; pair_count when there is none. */
static int pair_bound(const struct tsdb__segment *s, uint64_t name, uint32_t *ret, struct pm_error *err)
{
	uint32_t lo = 0, hi = s->pair_count;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct tsdb_posting *p = pair_at(s, mid, err);
		if (!p)
			return PM_ERR_CORRUPT;
		if (p->name < name)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret = lo;
	return 0;
}

const struct tsdb_posting *tsdb__segment_pairs(
	const struct tsdb__segment *s, uint32_t name, uint32_t *ret_count, int *ret_rc, struct pm_error *err)
{
	uint32_t from, to;
	const struct tsdb_posting *p = NULL;
	*ret_count = 0;
	if ((*ret_rc = pair_bound(s, name, &from, err)) < 0 ||
		(*ret_rc = pair_bound(s, name + UINT64_C(1), &to, err)) < 0 || from >= to)
		return NULL;
	p = tsdb__segment_at(s, s->footer->section[TSDB_SECTION_PAIRS].off + from * sizeof *p,
		(to - from) * sizeof *p, err);
	if (p)
		*ret_count = to - from;
	else
		*ret_rc = PM_ERR_CORRUPT;
	return p;
}

int tsdb__segment_posting(
	const struct tsdb__segment *s, const struct tsdb_posting *p, struct tsdb__bitmap **ret, struct pm_error *err)
{
	const uint8_t *bytes;
	int rc;
	if (p->count == 1 && p->len == 0) {
		if (p->off >= s->footer->series_count)
			return tsdb__segment_corrupt(
				s, (uint64_t)((const uint8_t *)p - s->map), "a pair of no such series", err);
		*ret = tsdb__bitmap_range((uint32_t)p->off, (uint32_t)p->off + 1);
		return *ret ? 0 : pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	if (!(bytes = tsdb__segment_at(s, p->off, p->len, err)))
		return PM_ERR_CORRUPT;
	rc = tsdb__bitmap_get(bytes, p->len, s->footer->series_count, ret);
	if (rc == PM_ERR_CORRUPT)
		return tsdb__segment_corrupt(s, p->off, "not a list of series", err);
	return rc < 0 ? pm_fail(err, rc, "out of memory") : 0;
}
