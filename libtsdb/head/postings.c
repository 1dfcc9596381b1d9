/* postings.c - which series carry a label: immutable runs over ranges of ids, merged as they pile up (O'Neil et al.,
 * The Log-Structured Merge-Tree, 1996). A run's lists are ascending, and runs cover ascending ranges, so that merging
 * two neighbours is appending lists. Series that are in no run yet (fewer than a thousand) are scanned by readers. */
#include "libtsdb/head/head.h"

#include "libtsdb/base/mem.h"

#include <stdlib.h>

/* ---- reading ---- */

const struct tsdb_runs *tsdb__runs(const struct tsdb__bytes *postings, uint64_t off)
{
	const struct tsdb_runs *r = tsdb__rec_at(postings, off, TSDB_REC_RUNS, sizeof *r);
	if (!r || r->run_count > TSDB_RUNS_MAX || r->run_count > (r->rec.len - sizeof *r) / sizeof r->off[0])
		return NULL;
	return r;
}

const struct tsdb_run *tsdb__run(const struct tsdb__bytes *postings, uint64_t off)
{
	const struct tsdb_run *r = tsdb__rec_at(postings, off, TSDB_REC_RUN, sizeof *r);
	if (!r || r->sid_from > r->sid_to ||
		r->pair_count * sizeof r->pairs[0] + r->sid_count * sizeof(uint32_t) > r->rec.len - sizeof *r)
		return NULL;
	return r;
}

/* Index of the first pair not below (name, value). */
static uint32_t lower_bound(const struct tsdb_run *run, uint64_t key)
{
	uint32_t lo = 0, hi = run->pair_count;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (((uint64_t)run->pairs[mid].name << 32 | run->pairs[mid].value) < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct tsdb_run_pair *tsdb__run_pairs(const struct tsdb_run *run, uint32_t name, uint32_t *ret_count)
{
	uint32_t from = lower_bound(run, (uint64_t)name << 32);
	uint32_t to = lower_bound(run, ((uint64_t)name + 1) << 32);
	*ret_count = to > from ? to - from : 0;
	return run->pairs + from;
}

const struct tsdb_run_pair *tsdb__run_pair(const struct tsdb_run *run, uint32_t name, uint32_t value)
{
	uint32_t at = lower_bound(run, (uint64_t)name << 32 | value);
	if (at == run->pair_count || run->pairs[at].name != name || run->pairs[at].value != value)
		return NULL;
	return &run->pairs[at];
}

const uint32_t *tsdb__run_sids(const struct tsdb_run *run, const struct tsdb_run_pair *pair, uint32_t *ret_count)
{
	const uint32_t *sids = (const void *)(run->pairs + run->pair_count);
	bool sound = pair->off <= run->sid_count && pair->count <= run->sid_count - pair->off;
	*ret_count = sound ? pair->count : 0;
	return sids + (sound ? pair->off : 0);
}

/* ---- writing ---- */

struct triple {
	uint64_t key; /* name << 32 | value */
	uint32_t sid;
};

static int by_key(const void *a, const void *b)
{
	const struct triple *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->sid > y->sid) - (x->sid < y->sid);
}

static int collect(struct tsdb__write *w, uint32_t from, uint32_t to, struct triple **ret, size_t *ret_count)
{
	struct triple *t = NULL;
	size_t count = 0, cap = 0;
	for (uint32_t sid = from; sid < to; sid++) {
		const struct tsdb_series_rec *s = tsdb__series(&w->catalog.bytes, &w->ids.bytes, sid);
		if (!s)
			continue;
		if (pm_grow(&t, &cap, count + s->rec.small) < 0) {
			pm_free(t);
			return PM_ERR_NOMEM;
		}
		for (uint32_t i = 0; i < s->rec.small; i++)
			t[count++] = (struct triple){ (uint64_t)s->labels[i].name << 32 | s->labels[i].value, sid };
	}
	if (count)
		qsort(t, count, sizeof *t, by_key);
	*ret = t;
	*ret_count = count;
	return 0;
}

static struct tsdb_run *run_new(struct tsdb__write *w, uint32_t from, uint32_t to, uint32_t pairs, uint32_t sids,
	uint64_t *ret_off, size_t *ret_size, struct pm_error *err)
{
	*ret_size = tsdb__pad8(
		sizeof(struct tsdb_run) + (uint64_t)pairs * sizeof(struct tsdb_run_pair) + (uint64_t)sids * 4);
	if (*ret_size > UINT32_MAX - 8) {
		pm_fail(err, PM_ERR_LIMIT, "a run of postings of more than 4 GiB");
		return NULL;
	}
	struct tsdb_run *run = tsdb__tail_add(&w->postings, *ret_size, ret_off, err);
	if (run) {
		run->sid_from = from;
		run->sid_to = to;
		run->pair_count = pairs;
		run->sid_count = sids;
	}
	return run;
}

static int run_build(struct tsdb__write *w, uint32_t from, uint32_t to, uint64_t *ret_off, struct pm_error *err)
{
	struct triple *t = NULL;
	size_t count = 0, size;
	uint32_t pairs = 0;
	int rc = collect(w, from, to, &t, &count);
	if (rc < 0)
		return pm_fail(err, rc, "out of memory");
	for (size_t i = 0; i < count; i++)
		pairs += i == 0 || t[i].key != t[i - 1].key;
	struct tsdb_run *run = run_new(w, from, to, pairs, (uint32_t)count, ret_off, &size, err);
	if (!run) {
		pm_free(t);
		return w->postings.error;
	}
	uint32_t *sids = (uint32_t *)(run->pairs + pairs);
	struct tsdb_run_pair *pair = run->pairs - 1;
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || t[i].key != t[i - 1].key)
			*++pair = (struct tsdb_run_pair){ (uint32_t)(t[i].key >> 32), (uint32_t)t[i].key, (uint32_t)i,
				0 };
		sids[i] = t[i].sid;
		pair->count++;
	}
	tsdb__tail_seal(&w->postings, &run->rec, *ret_off, size, TSDB_REC_RUN);
	pm_free(t);
	return 0;
}

static uint64_t pair_key(const struct tsdb_run *run, uint32_t at)
{
	return at < run->pair_count ? (uint64_t)run->pairs[at].name << 32 | run->pairs[at].value : UINT64_MAX;
}

/* Step all inputs over their smallest common key; `visit` what has it. */
static uint32_t merged_pairs(const struct tsdb_run *const *in, unsigned count)
{
	uint32_t at[TSDB_RUN_FANOUT] = { 0 }, pairs = 0;
	for (;; pairs++) {
		uint64_t key = UINT64_MAX;
		for (unsigned i = 0; i < count; i++)
			key = pair_key(in[i], at[i]) < key ? pair_key(in[i], at[i]) : key;
		if (key == UINT64_MAX)
			return pairs;
		for (unsigned i = 0; i < count; i++)
			at[i] += pair_key(in[i], at[i]) == key;
	}
}

static void merge_into(struct tsdb_run *out, const struct tsdb_run *const *in, unsigned count)
{
	uint32_t at[TSDB_RUN_FANOUT] = { 0 }, n, off = 0;
	uint32_t *sids = (uint32_t *)(out->pairs + out->pair_count);
	for (uint32_t p = 0; p < out->pair_count; p++) {
		uint64_t key = UINT64_MAX;
		for (unsigned i = 0; i < count; i++)
			key = pair_key(in[i], at[i]) < key ? pair_key(in[i], at[i]) : key;
		out->pairs[p] = (struct tsdb_run_pair){ (uint32_t)(key >> 32), (uint32_t)key, off, 0 };
		for (unsigned i = 0; i < count; i++) {
			if (pair_key(in[i], at[i]) != key)
				continue;
			const uint32_t *from = tsdb__run_sids(in[i], &in[i]->pairs[at[i]++], &n);
			memcpy(sids + off, from, n * sizeof *sids);
			off += n;
		}
		out->pairs[p].count = off - out->pairs[p].off;
	}
}

static int run_merge(
	struct tsdb__write *w, const uint64_t *offs, unsigned count, uint64_t *ret_off, struct pm_error *err)
{
	const struct tsdb_run *in[TSDB_RUN_FANOUT];
	uint64_t sids = 0;
	size_t size;
	int rc = tsdb__tail_flush(&w->postings, err); /* so that inputs stay where they are */
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < count; i++) {
		if (!(in[i] = tsdb__run(&w->postings.bytes, offs[i])))
			return tsdb__corrupt(err, "postings", offs[i], "no run there");
		sids += in[i]->sid_count;
	}
	struct tsdb_run *out = run_new(w, in[0]->sid_from, in[count - 1]->sid_to, merged_pairs(in, count),
		(uint32_t)sids, ret_off, &size, err);
	if (!out)
		return w->postings.error;
	merge_into(out, in, count);
	tsdb__tail_seal(&w->postings, &out->rec, *ret_off, size, TSDB_REC_RUN);
	return 0;
}

/* Runs of a level have up to FANOUT times the ids of the level below. */
static unsigned run_level(uint32_t span)
{
	unsigned level = 0;
	for (uint64_t n = TSDB_TAIL_SERIES * 2; span >= n; n *= TSDB_RUN_FANOUT)
		level++;
	return level;
}

/* While the last FANOUT runs are of one level, make them one of the next. */
static int merge_levels(struct tsdb__write *w, uint64_t *offs, uint32_t *count, struct pm_error *err)
{
	while (*count >= TSDB_RUN_FANOUT) {
		uint32_t first = *count - TSDB_RUN_FANOUT;
		unsigned level = 0;
		for (uint32_t i = first; i < *count; i++) {
			const struct tsdb_run *r = tsdb__run(&w->postings.bytes, offs[i]);
			if (!r)
				return tsdb__corrupt(err, "postings", offs[i], "no run there");
			unsigned l = run_level(r->sid_to - r->sid_from);
			if (i > first && l != level)
				return 0;
			level = l;
		}
		int rc = run_merge(w, offs + first, TSDB_RUN_FANOUT, &offs[first], err);
		if (rc < 0)
			return rc;
		*count = first + 1;
	}
	return 0;
}

static int write_list(struct tsdb__write *w, const uint64_t *offs, uint32_t count, struct pm_error *err)
{
	size_t size = sizeof(struct tsdb_runs) + count * sizeof offs[0];
	uint64_t off;
	struct tsdb_runs *list = tsdb__tail_add(&w->postings, size, &off, err);
	if (!list)
		return w->postings.error;
	list->run_count = count;
	memcpy(list->off, offs, count * sizeof offs[0]);
	tsdb__tail_seal(&w->postings, &list->rec, off, size, TSDB_REC_RUNS);
	w->rec.runs_off = off;
	return 0;
}

int tsdb__postings_update(struct tsdb__write *w, struct pm_error *err)
{
	uint64_t offs[TSDB_RUNS_MAX + 1];
	uint32_t count = 0;
	int rc = 0;
	if (w->rec.sid_end - w->rec.runs_sid_end < TSDB_TAIL_SERIES)
		return 0;
	if (w->rec.runs_off) {
		const struct tsdb_runs *list = tsdb__runs(&w->postings.bytes, w->rec.runs_off);
		if (!list)
			return tsdb__corrupt(err, "postings", w->rec.runs_off, "no list of runs there");
		count = list->run_count;
		memcpy(offs, list->off, count * sizeof offs[0]);
	}
	/* A transaction may bring a million series: runs of bounded size keep the sort in the cache. */
	while (rc == 0 && w->rec.runs_sid_end < w->rec.sid_end) {
		uint32_t from = w->rec.runs_sid_end, n = w->rec.sid_end - from;
		n = n > 4 * TSDB_TAIL_SERIES ? 2 * TSDB_TAIL_SERIES - 1 : n;
		rc = count >= TSDB_RUNS_MAX ? pm_fail(err, PM_ERR_LIMIT, "more than %d runs of postings", TSDB_RUNS_MAX)
					    : run_build(w, from, from + n, &offs[count], err);
		if (rc == 0) {
			count++;
			w->rec.runs_sid_end = from + n;
			rc = merge_levels(w, offs, &count, err);
		}
	}
	return rc < 0 ? rc : write_list(w, offs, count, err);
}
