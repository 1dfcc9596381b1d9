/* select.c - from matchers to series ids.
 *
 * Matchers that name values (=, and alternations of literals) take lists from the postings and intersect them; what is
 * left filters series one by one, testing each distinct value once. Each run of postings is done by itself, so that
 * memory stays with the answer; series that are in no run yet are filtered alone. */
#include "libtsdb/db/db.h"

#include "libtsdb/base/match.h"
#include "libtsdb/base/mem.h"

struct verdicts { /* value symbol -> does it match; open addressing */
	uint32_t *syms;
	uint8_t *ok;
	size_t cap, count;
};

struct match {
	const struct pm_matcher *m;
	struct pm_re *re;
	bool matches_empty;
	bool named;    /* some series has a label of this name */
	bool by_value; /* `values` are all that can match */
	uint32_t name;
	uint32_t *values;
	size_t value_count;
	struct verdicts seen;
};

struct sids {
	uint32_t *v;
	size_t count, cap;
};

struct select {
	const struct tsdb__snap *snap;
	struct match *match;
	size_t match_count;
	struct sids out, cur, tmp;
	uint64_t *bits;
	size_t bits_cap;
};

/* ---- matchers ---- */

static int match_values(struct select *s, struct match *mt)
{
	const struct pm_str *lits = &mt->m->value;
	size_t n = mt->m->type == PM_MATCH_EQ ? 1 : mt->m->type == PM_MATCH_RE ? pm_re_literals(mt->re, &lits) : 0;
	if (n == 0 || mt->matches_empty)
		return 0;
	mt->by_value = true;
	if (!(mt->values = pm_malloc(n * sizeof *mt->values)))
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		if (tsdb__symbol_find(&s->snap->catalog, s->snap->tables[TSDB_TABLE_SYMBOLS], lits[i],
			    &mt->values[mt->value_count]))
			mt->value_count++;
	return 0;
}

static int match_prepare(struct select *s, struct match *mt, const struct pm_matcher *m, struct pm_error *err)
{
	int rc;
	mt->m = m;
	if ((rc = pm_match_re(m, &mt->re, err)) < 0)
		return rc;
	mt->matches_empty = pm_match_value(mt->m, mt->re, PM_STR(""));
	mt->named = tsdb__symbol_find(&s->snap->catalog, s->snap->tables[TSDB_TABLE_SYMBOLS], m->name, &mt->name);
	return match_values(s, mt) < 0 ? pm_fail(err, PM_ERR_NOMEM, "out of memory") : 0;
}

static int verdicts_grow(struct verdicts *vs)
{
	size_t cap = vs->cap ? vs->cap * 2 : 64;
	uint32_t *syms = pm_calloc(cap, sizeof *syms);
	uint8_t *ok = pm_calloc(cap, 1);
	if (!syms || !ok) {
		pm_free(syms);
		pm_free(ok);
		return PM_ERR_NOMEM;
	}
	for (size_t i = 0; i < vs->cap; i++) {
		if (!vs->syms[i])
			continue;
		size_t at = vs->syms[i] * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (cap - 1);
		while (syms[at])
			at = (at + 1) & (cap - 1);
		syms[at] = vs->syms[i];
		ok[at] = vs->ok[i];
	}
	pm_free(vs->syms);
	pm_free(vs->ok);
	vs->syms = syms;
	vs->ok = ok;
	vs->cap = cap;
	return 0;
}

/* 1, 0, or PM_ERR_NOMEM. Symbols are never 0: a catalog begins with its head. */
static int symbol_matches(struct select *s, struct match *mt, uint32_t sym)
{
	struct verdicts *vs = &mt->seen;
	if ((vs->count + 1) * 2 > vs->cap && verdicts_grow(vs) < 0)
		return PM_ERR_NOMEM;
	size_t at = sym * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (vs->cap - 1);
	for (; vs->syms[at]; at = (at + 1) & (vs->cap - 1))
		if (vs->syms[at] == sym)
			return vs->ok[at];
	struct pm_str value = tsdb__symbol(&s->snap->catalog, sym);
	vs->syms[at] = sym;
	vs->count++;
	return vs->ok[at] = value.ptr && pm_match_value(mt->m, mt->re, value);
}

static int series_matches(struct select *s, struct match *mt, const struct tsdb_series_rec *rec)
{
	for (uint32_t i = 0; mt->named && i < rec->rec.small; i++) {
		if (rec->labels[i].name != mt->name)
			continue;
		if (!mt->by_value)
			return symbol_matches(s, mt, rec->labels[i].value);
		for (size_t v = 0; v < mt->value_count; v++)
			if (mt->values[v] == rec->labels[i].value)
				return 1;
		return 0;
	}
	return mt->matches_empty;
}

/* ---- sets of ids ---- */

static int push(struct sids *to, uint32_t sid)
{
	if (pm_grow(&to->v, &to->cap, to->count + 1) < 0)
		return PM_ERR_NOMEM;
	to->v[to->count++] = sid;
	return 0;
}

static int push_many(struct sids *to, const uint32_t *sids, size_t n)
{
	if (n && pm_grow(&to->v, &to->cap, to->count + n) < 0)
		return PM_ERR_NOMEM;
	if (n)
		memcpy(to->v + to->count, sids, n * sizeof *sids);
	to->count += n;
	return 0;
}

/* Keep of `cur` what is in `b` too; both ascending. Steps in `b` double, so that a short list costs little beside a
 * long one. */
static void intersect(struct sids *cur, const uint32_t *b, size_t n)
{
	size_t kept = 0, at = 0;
	for (size_t i = 0; i < cur->count && at < n; i++) {
		size_t step = 1;
		while (at + step < n && b[at + step] < cur->v[i])
			step *= 2;
		size_t lo = at + step / 2, hi = at + step < n ? at + step + 1 : n;
		if (b[at] < cur->v[i])
			at = lo + tsdb__lower_bound(b + lo, hi - lo, cur->v[i]);
		if (at < n && b[at] == cur->v[i])
			cur->v[kept++] = cur->v[i];
	}
	cur->count = kept;
}

static int bits_clear(struct select *s, const struct tsdb_run *run)
{
	size_t words = ((size_t)run->sid_to - run->sid_from + 63) / 64;
	if (pm_grow(&s->bits, &s->bits_cap, words) < 0)
		return PM_ERR_NOMEM;
	memset(s->bits, 0, words * 8);
	return 0;
}

static void bits_add(struct select *s, const struct tsdb_run *run, const struct tsdb_run_pair *pair)
{
	uint32_t n;
	const uint32_t *sids = tsdb__run_sids(run, pair, &n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t bit = sids[i] - run->sid_from;
		if (bit < run->sid_to - run->sid_from)
			s->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
	}
}

static int bits_take(struct select *s, const struct tsdb_run *run, struct sids *to)
{
	size_t words = ((size_t)run->sid_to - run->sid_from + 63) / 64;
	to->count = 0;
	for (size_t w = 0; w < words; w++)
		for (uint64_t b = s->bits[w]; b; b &= b - 1)
			if (push(to, run->sid_from + (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(b)) < 0)
				return PM_ERR_NOMEM;
	return 0;
}

/* ---- one run ---- */

/* s->tmp = the run's series with one of mt->values. */
static int list_by_value(struct select *s, struct match *mt, const struct tsdb_run *run)
{
	uint32_t n;
	s->tmp.count = 0;
	if (mt->value_count == 1) {
		const struct tsdb_run_pair *pair = tsdb__run_pair(run, mt->name, mt->values[0]);
		const uint32_t *sids = pair ? tsdb__run_sids(run, pair, &n) : NULL;
		return pair ? push_many(&s->tmp, sids, n) : 0;
	}
	if (bits_clear(s, run) < 0)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < mt->value_count; i++) {
		const struct tsdb_run_pair *pair = tsdb__run_pair(run, mt->name, mt->values[i]);
		if (pair)
			bits_add(s, run, pair);
	}
	return bits_take(s, run, &s->tmp);
}

/* s->cur = the run's series whose value, which is there, matches. */
static int list_by_test(struct select *s, struct match *mt, const struct tsdb_run *run)
{
	uint32_t n;
	const struct tsdb_run_pair *pairs = tsdb__run_pairs(run, mt->name, &n);
	if (bits_clear(s, run) < 0)
		return PM_ERR_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		int rc = symbol_matches(s, mt, pairs[i].value);
		if (rc < 0)
			return rc;
		if (rc)
			bits_add(s, run, &pairs[i]);
	}
	return bits_take(s, run, &s->cur);
}

/* What the postings alone can say goes into s->cur; `*ret_done`: the matcher, not by value, that is satisfied by it. */
static int run_candidates(struct select *s, const struct tsdb_run *run, const struct match **ret_done)
{
	bool have = false;
	int rc = 0;
	*ret_done = NULL;
	s->cur.count = 0;
	for (size_t i = 0; i < s->match_count && rc == 0; i++) {
		struct match *mt = &s->match[i];
		if (!mt->by_value || (have && s->cur.count == 0))
			continue;
		if ((rc = list_by_value(s, mt, run)) < 0)
			break;
		if (have)
			intersect(&s->cur, s->tmp.v, s->tmp.count);
		else
			rc = push_many(&s->cur, s->tmp.v, s->tmp.count);
		have = true;
	}
	for (size_t i = 0; i < s->match_count && rc == 0 && !have; i++)
		if (!s->match[i].by_value && !s->match[i].matches_empty) {
			*ret_done = &s->match[i];
			rc = list_by_test(s, &s->match[i], run);
			have = true;
		}
	for (uint32_t sid = run->sid_from; !have && sid < run->sid_to && rc == 0; sid++)
		rc = push(&s->cur, sid);
	return rc;
}

static int keep_if(struct select *s, uint32_t sid, bool in_run, const struct match *done)
{
	const struct tsdb_series_rec *rec = tsdb__series(&s->snap->catalog, &s->snap->ids, sid);
	for (size_t i = 0; rec && i < s->match_count; i++) {
		struct match *mt = &s->match[i];
		if (in_run && (mt->by_value || mt == done))
			continue;
		int rc = series_matches(s, mt, rec);
		if (rc < 0)
			return rc;
		if (!rc)
			return 0;
	}
	return rec ? push(&s->out, sid) : 0;
}

static int select_runs(struct select *s, struct pm_error *err)
{
	const struct tsdb_record *rec = &s->snap->rec;
	const struct tsdb_runs *list = rec->runs_off ? tsdb__runs(&s->snap->postings, rec->runs_off) : NULL;
	const struct match *done;
	int rc = 0;
	if (rec->runs_off && !list)
		return tsdb__corrupt(err, "postings", rec->runs_off, "no list of runs there");
	for (uint32_t r = 0; list && r < list->run_count && rc == 0; r++) {
		const struct tsdb_run *run = tsdb__run(&s->snap->postings, list->off[r]);
		if (!run || run->sid_to > rec->sid_end)
			return tsdb__corrupt(err, "postings", list->off[r], "no run there");
		rc = run_candidates(s, run, &done);
		for (size_t i = 0; i < s->cur.count && rc == 0; i++)
			rc = keep_if(s, s->cur.v[i], true, done);
	}
	return rc;
}

static int select_all(struct select *s, struct pm_error *err)
{
	int rc;
	for (size_t i = 0; i < s->match_count; i++) {
		const struct match *mt = &s->match[i];
		if (!mt->matches_empty && (!mt->named || (mt->by_value && mt->value_count == 0)))
			return 0; /* nothing can have it */
	}
	rc = select_runs(s, err);
	for (uint32_t sid = s->snap->rec.runs_sid_end; sid < s->snap->rec.sid_end && rc == 0; sid++)
		rc = keep_if(s, sid, false, NULL);
	return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
}

static void select_release(struct select *s)
{
	for (size_t i = 0; s->match && i < s->match_count; i++) {
		pm_re_free(s->match[i].re);
		pm_free(s->match[i].values);
		pm_free(s->match[i].seen.syms);
		pm_free(s->match[i].seen.ok);
	}
	pm_free(s->match);
	pm_free(s->cur.v);
	pm_free(s->tmp.v);
	pm_free(s->bits);
	pm_free(s->out.v);
}

int tsdb__select_sids(const struct tsdb__snap *snap, const struct pm_select *sel, uint32_t **ret, size_t *ret_count,
	struct pm_error *err)
{
	struct select s = { .snap = snap, .match_count = sel->matcher_count };
	int rc = 0;
	if (sel->matcher_count && !(s.match = pm_calloc(sel->matcher_count, sizeof *s.match)))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < sel->matcher_count && rc == 0; i++)
		rc = match_prepare(&s, &s.match[i], &sel->matchers[i], err);
	if (rc == 0)
		rc = select_all(&s, err);
	if (rc == 0) {
		*ret = s.out.v;
		*ret_count = s.out.count;
		s.out.v = NULL;
	}
	select_release(&s);
	return rc;
}
