/* segment_strings.c - names and values of labels, of a segment's series; and what several sources give together. */
#include "libtsdb/db/source.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/segment/bitmap.h"

#include <stdlib.h>

/* 1 when a series of the pair is among those wanted (NULL: all). */
static int pair_wanted(const struct tsdb__segment *s, const struct tsdb_posting *p, const struct tsdb__bitmap *wanted,
	struct pm_error *err)
{
	struct tsdb__bitmap *list;
	int rc;
	if (!wanted)
		return 1;
	if (p->count == 1 && p->len == 0)
		return tsdb__bitmap_contains(wanted, (uint32_t)p->off);
	if ((rc = tsdb__segment_posting(s, p, &list, err)) < 0)
		return rc;
	rc = tsdb__bitmap_intersects(wanted, list);
	tsdb__bitmap_free(list);
	return rc;
}

static int add_symbol(const struct tsdb__segment *s, uint32_t symbol, struct tsdb__strings *to, struct pm_error *err)
{
	struct pm_str str = tsdb__segment_symbol(s, symbol, err);
	if (!str.ptr)
		return PM_ERR_CORRUPT;
	return tsdb__strings_add(to, str) < 0 ? pm_fail(err, PM_ERR_NOMEM, "out of memory") : 0;
}

static int values(const struct tsdb__segment *s, struct pm_str name, const struct tsdb__bitmap *wanted,
	struct tsdb__strings *to, struct pm_error *err)
{
	const struct tsdb_posting *pairs;
	uint32_t symbol, n;
	int rc = tsdb__segment_symbol_find(s, name, &symbol, err);
	if (rc <= 0)
		return rc;
	pairs = tsdb__segment_pairs(s, symbol, &n, &rc, err);
	for (uint32_t i = 0; i < n && rc >= 0; i++)
		if ((rc = pair_wanted(s, &pairs[i], wanted, err)) > 0)
			rc = add_symbol(s, pairs[i].value, to, err);
	return rc < 0 ? rc : 0;
}

/* Names stand in the table of pairs one behind the other: the first wanted pair settles a name. */
static int names(const struct tsdb__segment *s, const struct tsdb__bitmap *wanted, struct tsdb__strings *to,
	struct pm_error *err)
{
	uint64_t off = s->footer->section[TSDB_SECTION_PAIRS].off;
	const struct tsdb_posting *pairs = tsdb__segment_at(s, off, s->footer->section[TSDB_SECTION_PAIRS].len, err);
	uint32_t settled = UINT32_MAX;
	int rc = pairs ? 0 : PM_ERR_CORRUPT;
	for (uint32_t i = 0; i < s->pair_count && rc >= 0; i++) {
		if (pairs[i].name == settled || (rc = pair_wanted(s, &pairs[i], wanted, err)) <= 0)
			continue;
		settled = pairs[i].name;
		rc = add_symbol(s, settled, to, err);
	}
	return rc < 0 ? rc : 0;
}

int tsdb__segment_strings(const struct tsdb__segment *s, const struct pm_str *name, const struct pm_select *sel,
	struct tsdb__strings *to, struct pm_error *err)
{
	struct tsdb__bitmap *wanted = NULL;
	int rc = 0;
	if (sel->matcher_count)
		rc = tsdb__segment_select(s, sel->matchers, sel->matcher_count, &wanted, err);
	if (rc == 0)
		rc = name ? values(s, *name, wanted, to, err) : names(s, wanted, to, err);
	tsdb__bitmap_free(wanted);
	return rc;
}

/* ---- strings of several sources ---- */

int tsdb__strings_add(struct tsdb__strings *s, struct pm_str str)
{
	if (pm_grow(&s->v, &s->cap, s->count + 1) < 0)
		return PM_ERR_NOMEM;
	s->v[s->count++] = str;
	return 0;
}

void tsdb__strings_release(struct tsdb__strings *s)
{
	pm_free(s->v);
	*s = (struct tsdb__strings){ 0 };
}

static int by_str(const void *a, const void *b)
{
	return pm_str_cmp(*(const struct pm_str *)a, *(const struct pm_str *)b);
}

int tsdb__strings_done(struct tsdb__strings *s, size_t limit, struct pm_strings *ret)
{
	size_t kept = 0, bytes = 0;
	if (s->count)
		qsort(s->v, s->count, sizeof *s->v, by_str);
	for (size_t i = 0; i < s->count && !(limit && kept == limit); i++) {
		if (kept && pm_str_eq(s->v[kept - 1], s->v[i]))
			continue;
		s->v[kept++] = s->v[i];
		bytes += s->v[i].len;
	}
	/* One block: the slices, then their bytes. */
	struct pm_str *out = pm_malloc(kept * sizeof *out + bytes + 1);
	if (out) {
		char *at = (char *)(out + kept);
		for (size_t i = 0; i < kept; at += s->v[i++].len) {
			if (s->v[i].len)
				memcpy(at, s->v[i].ptr, s->v[i].len);
			out[i] = (struct pm_str){ at, s->v[i].len };
		}
		*ret = (struct pm_strings){ out, kept, out };
	}
	tsdb__strings_release(s);
	return out ? 0 : PM_ERR_NOMEM;
}
