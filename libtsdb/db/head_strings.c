/* head_strings.c - names and values of labels, of the head's series. */
#include "libtsdb/db/source.h"

#include "libtsdb/base/mem.h"

#include <stdlib.h>

struct symbols {
	uint32_t *v;
	size_t count, cap;
};

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Sort and drop doubles, so that collecting from a million series stays as small as the answer. */
static void symbols_compact(struct symbols *s)
{
	size_t kept = 0;
	if (s->count)
		qsort(s->v, s->count, sizeof *s->v, by_number);
	for (size_t i = 0; i < s->count; i++)
		if (kept == 0 || s->v[kept - 1] != s->v[i])
			s->v[kept++] = s->v[i];
	s->count = kept;
}

static int symbols_add(struct symbols *s, uint32_t sym)
{
	if (s->count && s->v[s->count - 1] == sym)
		return 0;
	if (s->count == s->cap && s->count) {
		symbols_compact(s);
		if (s->count < s->cap / 2)
			goto add;
	}
	if (pm_grow(&s->v, &s->cap, s->count + 1) < 0)
		return PM_ERR_NOMEM;
add:
	s->v[s->count++] = sym;
	return 0;
}

/* Names (want_name 0) or values of the name, of one series. */
static int collect_series(const struct tsdb__snap *snap, uint32_t sid, uint32_t want_name, struct symbols *to)
{
	const struct tsdb_series_rec *rec = tsdb__series(&snap->catalog, &snap->ids, sid);
	int rc = 0;
	for (uint32_t i = 0; rec && i < rec->rec.small && rc == 0; i++) {
		if (!want_name)
			rc = symbols_add(to, rec->labels[i].name);
		else if (rec->labels[i].name == want_name)
			rc = symbols_add(to, rec->labels[i].value);
	}
	return rc;
}

static int collect_all(const struct tsdb__snap *snap, uint32_t want_name, struct symbols *to, struct pm_error *err)
{
	const struct tsdb_runs *list = snap->rec.runs_off ? tsdb__runs(&snap->postings, snap->rec.runs_off) : NULL;
	int rc = 0;
	for (uint32_t r = 0; list && r < list->run_count && rc == 0; r++) {
		const struct tsdb_run *run = tsdb__run(&snap->postings, list->off[r]);
		uint32_t n = run ? run->pair_count : 0;
		if (!run)
			return tsdb__corrupt(err, "postings", list->off[r], "no run there");
		const struct tsdb_run_pair *pairs = want_name ? tsdb__run_pairs(run, want_name, &n) : run->pairs;
		for (uint32_t i = 0; i < n && rc == 0; i++)
			rc = symbols_add(to, want_name ? pairs[i].value : pairs[i].name);
	}
	for (uint32_t sid = snap->rec.runs_sid_end; sid < snap->rec.sid_end && rc == 0; sid++)
		rc = collect_series(snap, sid, want_name, to);
	return rc;
}

int tsdb__head_strings(const struct tsdb__snap *snap, const struct pm_str *name, const struct pm_select *sel,
	struct tsdb__strings *to, struct pm_error *err)
{
	struct symbols syms = { 0 };
	uint32_t *sids = NULL, want = 0;
	size_t count = 0;
	int rc = 0;
	if (!tsdb__head_in_range(snap, sel))
		return 0;
	uint64_t damage = tsdb__damage_count(snap->head);
	if (name && !tsdb__symbol_find(&snap->catalog, snap->tables[TSDB_TABLE_SYMBOLS], *name, &want))
		return tsdb__damage_since(snap->head, damage, err);
	if (sel->matcher_count == 0)
		rc = collect_all(snap, want, &syms, err);
	else if ((rc = tsdb__select_sids(snap, sel, &sids, &count, err)) == 0)
		for (size_t i = 0; i < count && rc == 0; i++)
			rc = collect_series(snap, sids[i], want, &syms);
	if (rc == 0)
		symbols_compact(&syms);
	for (size_t i = 0; i < syms.count && rc == 0; i++)
		rc = tsdb__strings_add(to, tsdb__symbol(&snap->catalog, syms.v[i]));
	pm_free(syms.v);
	pm_free(sids);
	if (rc == 0)
		rc = tsdb__damage_since(snap->head, damage, err);
	return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
}
