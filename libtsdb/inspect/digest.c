/* digest.c - one hash over what a store holds, the same for the same content in whatever files.
 *
 * Each sample gives a number that depends on its series, its time and its bits; the hash is their sum, so that neither
 * the order nor the pieces in which samples come matter. Long histories are read in windows of time: memory is bounded
 * by what a window holds of the series that are read at once. */
#include "libtsdb/tsdb.h"

#include "libtsdb/base/buf.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"

enum { WINDOW_SAMPLES = 1 << 15, WINDOWS_MAX = 4096, TRIES_MAX = 100 };

struct work {
	struct tsdb_digest *ret;
	struct pm_buf bytes; /* of a histogram */
	uint64_t *seen;      /* hashes of series that were counted, open addressing; 0 is empty */
	size_t seen_cap;
};

/* The finalizer of splitmix64: every bit of the sum depends on every bit of the sample. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* ---- histograms: buckets by index, so that spans cut otherwise are the same ---- */

static void add_u64(struct pm_buf *b, uint64_t v)
{
	pm_buf_add(b, &v, sizeof v);
}

static void add_buckets(
	struct pm_buf *b, const struct pm_span *spans, uint32_t span_count, const double *counts, uint32_t bucket_count)
{
	int64_t index = 0;
	uint32_t at = 0;
	for (uint32_t s = 0; s < span_count; s++) {
		index += spans[s].offset;
		for (uint32_t i = 0; i < spans[s].length && at < bucket_count; i++, index++, at++) {
			if (counts[at] == 0)
				continue;
			add_u64(b, (uint64_t)index);
			add_u64(b, pm_double_bits(counts[at]));
		}
	}
	add_u64(b, UINT64_MAX);
}

static uint64_t histogram_bits(struct work *k, const struct pm_histogram *h)
{
	struct pm_buf *b = &k->bytes;
	pm_buf_reset(b);
	add_u64(b, (uint64_t)h->schema << 1 | h->integer);
	add_u64(b, pm_double_bits(h->zero_threshold));
	add_u64(b, pm_double_bits(h->zero_count));
	add_u64(b, pm_double_bits(h->count));
	add_u64(b, pm_double_bits(h->sum));
	add_buckets(b, h->pos_spans, h->pos_span_count, h->pos, h->pos_count);
	add_buckets(b, h->neg_spans, h->neg_span_count, h->neg, h->neg_count);
	for (uint32_t i = 0; i < h->custom_count; i++)
		add_u64(b, pm_double_bits(h->custom[i]));
	return pm_hash(b->ptr, b->len);
}

/* ---- series ---- */

static uint64_t samples_sum(struct work *k, uint64_t series, const struct pm_samples *s)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct pm_histogram *h = s->h ? s->h[i] : NULL;
		uint64_t bits = h ? ~histogram_bits(k, h) : pm_double_bits(s->v[i]);
		uint64_t at = mix((uint64_t)s->t_ms[i] + series);
		sum += mix(at ^ bits);
		if (s->st_ms && s->st_ms[i])
			sum += mix(at + mix((uint64_t)s->st_ms[i]));
	}
	return sum;
}

static int seen_grow(struct work *k)
{
	size_t cap = k->seen_cap ? k->seen_cap * 2 : 1024;
	uint64_t *wide = pm_calloc(cap, sizeof *wide);
	if (!wide)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < k->seen_cap; i++) {
		size_t at = k->seen[i] & (cap - 1);
		while (k->seen[i] && wide[at])
			at = (at + 1) & (cap - 1);
		if (k->seen[i])
			wide[at] = k->seen[i];
	}
	pm_free(k->seen);
	k->seen = wide;
	k->seen_cap = cap;
	return 0;
}

/* A series that an earlier window had counts once. Told apart by 64 bits of hash: two of a million series that share
 * them are not to be expected. */
static int count_series(struct work *k, uint64_t series)
{
	uint64_t key = series ? series : 1;
	if ((k->ret->series_count + 1) * 2 > k->seen_cap && seen_grow(k) < 0)
		return PM_ERR_NOMEM;
	size_t at = key & (k->seen_cap - 1);
	while (k->seen[at] && k->seen[at] != key)
		at = (at + 1) & (k->seen_cap - 1);
	k->ret->series_count += k->seen[at] == 0;
	k->seen[at] = key;
	return 0;
}

static int digest_window(struct work *k, struct pm_querier *q, int64_t min_ms, int64_t max_ms, struct pm_error *err)
{
	struct pm_select all = { .min_ms = min_ms, .max_ms = max_ms };
	struct pm_series_set *set;
	struct pm_series s;
	int rc = q->select(q, &all, &set, err);
	if (rc < 0)
		return rc;
	while ((rc = set->next(set, &s, err)) > 0) {
		uint64_t series = pm_labels_hash(s.labels);
		k->ret->hash += samples_sum(k, series, &s.samples);
		k->ret->sample_count += s.samples.count;
		if (count_series(k, series) < 0 || pm_buf_error(&k->bytes)) {
			rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
			break;
		}
	}
	set->free(set);
	return rc;
}

/* Windows of equal length, closed at both ends. */
static int digest_all(struct work *k, struct pm_querier *q, const struct tsdb_stats *st, struct pm_error *err)
{
	uint64_t span = (uint64_t)st->max_ms - (uint64_t)st->min_ms;
	uint64_t windows = 1 + st->sample_count / (st->series_count + 1) / WINDOW_SAMPLES;
	windows = windows < WINDOWS_MAX ? windows : WINDOWS_MAX;
	uint64_t step = windows > 1 ? span / windows + 1 : span;
	int rc = 0;
	for (uint64_t from = 0; rc == 0; from += step) {
		uint64_t left = span - from;
		int64_t min_ms = (int64_t)((uint64_t)st->min_ms + from);
		rc = digest_window(
			k, q, min_ms, left <= step ? st->max_ms : (int64_t)((uint64_t)min_ms + step - 1), err);
		if (left <= step)
			break;
	}
	return rc;
}

int tsdb_digest(struct tsdb *db, struct tsdb_digest *ret, struct pm_error *err)
{
	int rc = PM_ERR_STALE;
	for (int tries = 0; tries < TRIES_MAX && rc == PM_ERR_STALE; tries++) {
		struct tsdb_digest sum = { 0 };
		struct work k = { .ret = &sum };
		struct tsdb_stats st;
		struct pm_querier *q;
		if ((rc = tsdb_querier(db, &q, err)) < 0)
			continue;
		/* Taken after the querier, so that its range holds all that the querier shows. */
		if ((rc = tsdb_stats(db, &st, err)) == 0 && st.min_ms <= st.max_ms)
			rc = digest_all(&k, q, &st, err);
		q->free(q);
		pm_buf_release(&k.bytes);
		pm_free(k.seen);
		if (rc == 0)
			*ret = sum;
	}
	return rc;
}
