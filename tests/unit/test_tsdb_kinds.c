/* test_tsdb_kinds.c - samples that are more than floats: native histograms and start timestamps, by transactions and by
 * pages; exemplars and metadata. */
#include "tests/support/test.h"

#include "libtsdb/base/hist.h"
#include "libtsdb/head/file.h"
#include "libtsdb/tsdb.h"

#include <errno.h>
#include <math.h>

struct store {
	char *dir;
	struct tsdb *db;
};

static void store_open(struct store *s)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	if (!s->dir)
		s->dir = test_tmpdir();
	assert_ok(tsdb_open(s->dir, &opts, &s->db, &err), &err);
}

static void store_reopen(struct store *s)
{
	tsdb_close(s->db);
	store_open(s);
}

static void store_free(struct store *s)
{
	tsdb_close(s->db);
	test_tmpdir_free(s->dir);
}

static struct pm_labels named(struct pm_label *l, const char *name)
{
	l->name = PM_NAME_LABEL;
	l->value = pm_str(name);
	return (struct pm_labels){ l, 1 };
}

static struct tsdb_txn *begin(struct store *s)
{
	struct tsdb_txn *txn;
	struct pm_error err = { 0 };
	assert_ok(tsdb_txn_begin(s->db, &txn, &err), &err);
	return txn;
}

static tsdb_sid sid_of(struct tsdb_txn *txn, const char *name)
{
	struct pm_error err = { 0 };
	struct pm_label l;
	tsdb_sid sid;
	assert_ok(tsdb_txn_series(txn, named(&l, name), &sid, &err), &err);
	return sid;
}

static void put(struct tsdb_txn *txn, const char *name, const struct tsdb_sample *s)
{
	struct pm_error err = { 0 };
	assert_ok(tsdb_txn_append_sample(txn, sid_of(txn, name), s, &err), &err);
}

static void commit(struct tsdb_txn *txn)
{
	struct pm_error err = { 0 };
	assert_ok(tsdb_txn_commit(txn, &err), &err);
}

/* All samples of the series of this name, in place of a look at a set of one. */
static void with_series(struct store *s, const char *name, void (*check)(const struct pm_samples *))
{
	struct pm_matcher m = { PM_MATCH_EQ, PM_NAME_LABEL, pm_str(name) };
	struct pm_select sel = { .matchers = &m, .matcher_count = 1, .min_ms = 0, .max_ms = 1000000 };
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series_set *set;
	struct pm_series series;
	assert_ok(tsdb_querier(s->db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	assert_code(set->next(set, &series, &err), 1, &err);
	check(&series.samples);
	assert_code(set->next(set, &series, &err), 0, &err);
	set->free(set);
	q->free(q);
}

/* ---- histograms --------------------------------------------------------------------------------- */

static const struct pm_span spans[] = { { -2, 1 }, { 1, 2 } }, neg_spans[] = { { 0, 1 } },
			    custom_spans[] = { { 1, 2 } };
static const double small[] = { 1, 2, 300 }, large[] = { 1, 70000, 5 }, fractions[] = { 0.5, 1e300, 2 }, one[] = { 4 };
static const double bounds[] = { -1, 0.5, 2 }, two[] = { 7, 8 };

static const struct pm_histogram exponential = { .schema = 3,
	.reset_hint = PM_RESET_NO,
	.integer = true,
	.zero_threshold = 1e-9,
	.zero_count = 5,
	.count = 5 + 303 + 4,
	.sum = 17.25,
	.pos_spans = spans,
	.neg_spans = neg_spans,
	.pos = small,
	.neg = one,
	.pos_span_count = 2,
	.neg_span_count = 1,
	.pos_count = 3,
	.neg_count = 1 };
static const struct pm_histogram custom = { .schema = PM_SCHEMA_CUSTOM,
	.reset_hint = PM_RESET_GAUGE,
	.count = 15,
	.sum = -3,
	.pos_spans = custom_spans,
	.pos = two,
	.custom = bounds,
	.pos_span_count = 1,
	.pos_count = 2,
	.custom_count = 3 };

static struct pm_histogram with_counts(const double *pos, double count, bool integer)
{
	struct pm_histogram h = exponential;
	h.pos = pos;
	h.count = count;
	h.integer = integer;
	return h;
}

static void assert_array(const void *a, const void *b, size_t size)
{
	if (size)
		assert_memory_equal(a, b, size);
}

static void assert_hist(const struct pm_histogram *h, const struct pm_histogram *want)
{
	assert_non_null(h);
	assert_int_equal(h->schema, want->schema);
	assert_int_equal(h->reset_hint, want->reset_hint);
	assert_int_equal(h->integer, want->integer);
	assert_bits(h->zero_threshold, want->zero_threshold);
	assert_bits(h->zero_count, want->zero_count);
	assert_bits(h->count, want->count);
	assert_bits(h->sum, want->sum);
	assert_int_equal(h->pos_span_count, want->pos_span_count);
	assert_int_equal(h->neg_span_count, want->neg_span_count);
	assert_int_equal(h->pos_count, want->pos_count);
	assert_int_equal(h->neg_count, want->neg_count);
	assert_int_equal(h->custom_count, want->custom_count);
	assert_array(h->pos_spans, want->pos_spans, want->pos_span_count * sizeof *h->pos_spans);
	assert_array(h->neg_spans, want->neg_spans, want->neg_span_count * sizeof *h->neg_spans);
	assert_array(h->pos, want->pos, want->pos_count * sizeof *h->pos);
	assert_array(h->neg, want->neg, want->neg_count * sizeof *h->neg);
	assert_array(h->custom, want->custom, want->custom_count * sizeof *h->custom);
}

static void check_mixed(const struct pm_samples *s)
{
	static const int64_t t[] = { 500, 1000, 2000, 3000, 4000, 5000, 6000 };
	struct pm_histogram wide = with_counts(large, 5 + 70006 + 4, true),
			    parts = with_counts(fractions, 1e300, false);
	assert_int_equal(s->count, 7);
	assert_memory_equal(s->t_ms, t, sizeof t);
	assert_non_null(s->h);
	assert_hist(s->h[0], &custom);
	assert_hist(s->h[1], &exponential);
	assert_null(s->h[2]);
	assert_bits(s->v[2], 2.5);
	assert_hist(s->h[3], &wide);
	assert_hist(s->h[4], &parts);
	assert_null(s->h[5]); /* a stale histogram is a stale float */
	assert_true(pm_is_stale(s->v[5]));
	assert_hist(s->h[6], &custom);
	assert_non_null(s->st_ms);
	assert_int_equal(s->st_ms[0], 77);
	assert_int_equal(s->st_ms[1], 0);
}

static void test_histograms_and_floats(void **state)
{
	struct pm_histogram wide = with_counts(large, 5 + 70006 + 4, true),
			    parts = with_counts(fractions, 1e300, false);
	struct pm_histogram stale = exponential;
	struct store s = { 0 };
	store_open(&s);
	stale.sum = pm_stale_nan();
	struct tsdb_txn *txn = begin(&s);
	put(txn, "h", &(struct tsdb_sample){ .t_ms = 1000, .h = &exponential });
	put(txn, "h", &(struct tsdb_sample){ .t_ms = 2000, .v = 2.5 });
	put(txn, "other", &(struct tsdb_sample){ .t_ms = 2000, .h = &exponential });
	put(txn, "h", &(struct tsdb_sample){ .t_ms = 3000, .h = &wide });
	put(txn, "h", &(struct tsdb_sample){ .t_ms = 4000, .h = &parts });
	put(txn, "h", &(struct tsdb_sample){ .t_ms = 5000, .h = &stale });
	commit(txn);
	txn = begin(&s); /* what comes too late does not count, of whatever kind; earlier times are sorted in */
	put(txn, "h", &(struct tsdb_sample){ .t_ms = 2000, .h = &custom });
	put(txn, "h", &(struct tsdb_sample){ .t_ms = 3000, .v = 1 });
	put(txn, "h", &(struct tsdb_sample){ .t_ms = 6000, .h = &custom });
	put(txn, "h", &(struct tsdb_sample){ .t_ms = 500, .h = &custom, .st_ms = 77 });
	commit(txn);
	with_series(&s, "h", check_mixed);
	store_reopen(&s);
	with_series(&s, "h", check_mixed);
	store_free(&s);
}

static void check_row_hist(const struct pm_samples *s)
{
	assert_int_equal(s->count, 3);
	for (int i = 0; i < 3; i++)
		assert_hist(s->h[i], &exponential);
}

static void check_row_float(const struct pm_samples *s)
{
	assert_int_equal(s->count, 3);
	assert_null(s->h);
	assert_int_equal(s->st_ms[2], 2000);
	assert_bits(s->v[2], 37);
}

static void check_row_plain(const struct pm_samples *s)
{
	assert_int_equal(s->count, 3);
	assert_null(s->h);
	assert_null(s->st_ms);
	assert_bits(s->v[1], 26);
}

/* Enough series of one time to become rows. */
static void test_rows_of_all_kinds(void **state)
{
	struct store s = { 0 };
	store_open(&s);
	for (int round = 0; round < 3; round++) {
		struct tsdb_txn *txn = begin(&s);
		for (int i = 0; i < 20; i++) {
			char name[16];
			snprintf(name, sizeof name, "m%02d", i);
			struct tsdb_sample sample = { .t_ms = 1000 * round, .v = i + 10 * round };
			sample.h = i % 5 == 3 ? &exponential : NULL;
			sample.st_ms = i % 5 == 2 ? 1000 * round : 0;
			put(txn, name, &sample);
		}
		commit(txn);
	}
	with_series(&s, "m03", check_row_hist);
	with_series(&s, "m17", check_row_float);
	with_series(&s, "m16", check_row_plain);
	store_free(&s);
}

static void refused(struct pm_histogram h, const char *why)
{
	struct pm_error err = { 0 };
	assert_code(pm_histogram_check(&h, &err), PM_ERR_INVALID, &err);
	assert_contains(err.msg, why);
}

static void test_not_histograms(void **state)
{
	static const double negative[] = { 1, -2, 3 }, descending[] = { 1, 0, 2 }, infinite[] = { 1, 2, INFINITY };
	static const struct pm_span back[] = { { 0, 1 }, { -1, 2 } }, far[] = { { INT32_MAX, 3 } };
	struct pm_histogram h = exponential;
	assert_ok(pm_histogram_check(&exponential, NULL), NULL);
	assert_ok(pm_histogram_check(&custom, NULL), NULL);
	h.schema = 9;
	refused(h, "invalid schema");
	h = exponential, h.pos_count = 2;
	refused(h, "positive side: spans need 3 buckets, have 2 buckets");
	h = exponential, h.neg_span_count = 0;
	refused(h, "negative side");
	h = exponential, h.pos_spans = back;
	refused(h, "span number 2 with offset -1");
	h = exponential, h.pos_spans = far, h.pos_span_count = 1;
	refused(h, "out of range");
	h = exponential, h.pos = negative;
	refused(h, "bucket is negative");
	h = exponential, h.count = -1;
	refused(h, "observation count is negative");
	h = exponential, h.zero_count = -1;
	refused(h, "zero bucket is negative");
	h = exponential, h.count = 7;
	refused(h, "should equal");
	h = exponential, h.count = 1e6;
	refused(h, "should equal");
	h = exponential, h.count = 7, h.sum = NAN;
	refused(h, "should be at least");
	h = exponential, h.count = 1e6, h.sum = NAN;
	assert_ok(pm_histogram_check(&h, NULL), NULL);
	h = exponential, h.count = 7, h.integer = false; /* sums of floats are not compared */
	assert_ok(pm_histogram_check(&h, NULL), NULL);
	h = exponential, h.count = 312.5;
	refused(h, "integer");
	h = exponential, h.custom = bounds, h.custom_count = 1;
	refused(h, "custom bounds");
	h = exponential, h.reset_hint = 4;
	refused(h, "reset hint");
	h = custom, h.custom = descending;
	refused(h, "increasing");
	h = custom, h.custom = infinite;
	refused(h, "finite");
	h = custom, h.custom_count = 1;
	refused(h, "too few");
	h = custom, h.zero_count = 1;
	refused(h, "zero count");
	h = custom, h.zero_threshold = 1;
	refused(h, "zero threshold");
	h = custom, h.neg = one, h.neg_count = 1, h.neg_spans = neg_spans, h.neg_span_count = 1;
	refused(h, "negative spans");
}

static void test_refused_by_the_store(void **state)
{
	struct pm_histogram h = exponential;
	struct pm_error err = { 0 };
	struct store s = { 0 };
	store_open(&s);
	h.count = 1;
	struct tsdb_txn *txn = begin(&s);
	tsdb_sid sid = sid_of(txn, "h");
	assert_code(tsdb_txn_append_sample(txn, sid, &(struct tsdb_sample){ .t_ms = 1, .h = &h }, &err), PM_ERR_INVALID,
		&err);
	for (int i = 0; i < 3; i++) /* and the transaction goes on */
		put(txn, "h", &(struct tsdb_sample){ .t_ms = i, .h = &exponential });
	commit(txn);
	with_series(&s, "h", check_row_hist);
	store_free(&s);
}

enum { LARGE_COUNT = 1200, LARGE_BUCKETS = 8000 };

static void check_large(const struct pm_samples *s)
{
	assert_int_equal(s->count, LARGE_COUNT);
	for (int i = 0; i < LARGE_COUNT; i++) {
		assert_int_equal(s->t_ms[i], i);
		assert_int_equal(s->h[i]->pos_count, LARGE_BUCKETS);
		assert_bits(s->h[i]->sum, i);
		assert_bits(s->h[i]->pos[LARGE_BUCKETS - 1], i + 0.5);
	}
}

static void check_one(const struct pm_samples *s)
{
	assert_int_equal(s->count, 1);
	assert_bits(s->h[0]->sum, LARGE_COUNT - 1);
}

/* More than a transaction keeps in memory, and than a record and a file of the log hold. */
static void test_large_histograms(void **state)
{
	double *counts = calloc(LARGE_BUCKETS, sizeof *counts);
	struct pm_span span = { 0, LARGE_BUCKETS };
	struct pm_histogram h = { .pos_spans = &span, .pos_span_count = 1, .pos = counts, .pos_count = LARGE_BUCKETS };
	struct store s = { 0 };
	store_open(&s);
	struct tsdb_txn *txn = begin(&s);
	for (int i = 0; i < LARGE_COUNT; i++) {
		counts[LARGE_BUCKETS - 1] = i + 0.5;
		h.sum = i;
		put(txn, "h", &(struct tsdb_sample){ .t_ms = i, .h = &h });
	}
	commit(txn);
	with_series(&s, "h", check_large);
	txn = begin(&s);
	for (int i = 0; i < LARGE_COUNT; i++) { /* of one time: rows */
		char name[16];
		snprintf(name, sizeof name, "row%04d", i);
		put(txn, name, &(struct tsdb_sample){ .t_ms = 1, .h = &h });
	}
	commit(txn);
	with_series(&s, "row1199", check_one);
	store_free(&s);
	free(counts);
}

/* ---- exemplars ---------------------------------------------------------------------------------- */

static int put_exemplar(struct tsdb_txn *txn, const char *name, const char *trace, double v, int64_t t_ms)
{
	struct pm_error err = { 0 };
	struct pm_label l = { PM_STR("trace_id"), pm_str(trace) };
	struct tsdb_exemplar e = { { &l, 1 }, v, t_ms };
	return tsdb_txn_append_exemplar(txn, sid_of(txn, name), &e, &err);
}

/* All exemplars of metrics that match, as text: "name trace@time=value ..." line by line. */
static const char *exemplars_text(struct store *s, const char *re, int64_t min_ms, int64_t max_ms)
{
	static char out[4096];
	struct pm_matcher m = { PM_MATCH_RE, PM_NAME_LABEL, pm_str(re) };
	struct pm_select sel = { .matchers = &m, .matcher_count = 1, .min_ms = min_ms, .max_ms = max_ms };
	struct tsdb_exemplars e = { 0 };
	struct pm_error err = { 0 };
	size_t n = 0;
	out[0] = '\0';
	assert_ok(tsdb_exemplars(s->db, &sel, 1, &e, &err), &err);
	for (size_t i = 0; i < e.count; i++) {
		n += (size_t)snprintf(out + n, sizeof out - n, "%.*s", PM_STR_ARG(e.v[i].labels.v[0].value));
		for (size_t k = 0; k < e.v[i].count; k++)
			n += (size_t)snprintf(out + n, sizeof out - n, " %.*s@%d=%g",
				PM_STR_ARG(e.v[i].v[k].labels.v[0].value), (int)e.v[i].v[k].t_ms, e.v[i].v[k].v);
		n += (size_t)snprintf(out + n, sizeof out - n, "\n");
	}
	tsdb_exemplars_free(&e);
	return out;
}

static void test_exemplars(void **state)
{
	struct store s = { 0 };
	store_open(&s);
	assert_string_equal(exemplars_text(&s, ".*", 0, 10000), "");
	struct tsdb_txn *txn = begin(&s);
	assert_int_equal(put_exemplar(txn, "b", "b1", 1, 1000), 0);
	assert_int_equal(put_exemplar(txn, "a", "a1", 1, 1000), 0);
	assert_int_equal(put_exemplar(txn, "a", "a1", 1, 1000), 0); /* again: passed over */
	assert_int_equal(put_exemplar(txn, "a", "a2", 2, 1000), 0); /* one time, a larger bucket */
	assert_int_equal(put_exemplar(txn, "a", "a0", 1, 999), PM_ERR_INVALID);
	commit(txn);
	txn = begin(&s);
	assert_int_equal(put_exemplar(txn, "a", "a1", 1, 1000), PM_ERR_INVALID);
	assert_int_equal(put_exemplar(txn, "a", "a3", 3, 3000), 0);
	tsdb_txn_abort(txn);
	store_reopen(&s);
	txn = begin(&s);
	assert_int_equal(put_exemplar(txn, "a", "a2", 2, 1000), 0);
	assert_int_equal(
		put_exemplar(txn, "a", "a4", 4, 2000), 0); /* the one of the aborted transaction did not happen */
	assert_int_equal(put_exemplar(txn, "c", "", 5, -5), 0);
	commit(txn);
	assert_string_equal(
		exemplars_text(&s, ".*", -10, 10000), "a a1@1000=1 a2@1000=2 a4@2000=4\nb b1@1000=1\nc @-5=5\n");
	assert_string_equal(exemplars_text(&s, "a|c", 1001, 2000), "a a4@2000=4\n");
	assert_string_equal(exemplars_text(&s, "none", 0, 10000), "");
	store_free(&s);
}

static void test_exemplars_too_long(void **state)
{
	char text[400] = "";
	struct store s = { 0 };
	store_open(&s);
	for (int i = 0; i < 120; i++)
		memcpy(text + 2 * i, "\xc3\xa4", 2); /* with "trace_id", 128 characters of more bytes */
	struct tsdb_txn *txn = begin(&s);
	assert_int_equal(put_exemplar(txn, "a", text, 1, 1000), 0);
	text[240] = 'x';
	assert_int_equal(put_exemplar(txn, "b", text, 1, 1000), PM_ERR_INVALID);
	commit(txn);
	assert_contains(exemplars_text(&s, ".*", 0, 10000), "a \xc3");
	store_free(&s);
}

/* The newest stay: by reading alone, and across processes that each have their own memory of them. */
static void test_exemplars_are_bounded(void **state)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER, .exemplar_max = 5 };
	struct store s = { .dir = test_tmpdir() };
	struct pm_error err = { 0 };
	struct tsdb *other;
	assert_ok(tsdb_open(s.dir, &opts, &s.db, &err), &err);
	assert_ok(tsdb_open(s.dir, &opts, &other, &err), &err);
	for (int i = 0; i < 12; i++) {
		struct store by = { .db = i % 2 ? s.db : other };
		struct tsdb_txn *txn = begin(&by);
		char trace[8];
		snprintf(trace, sizeof trace, "t%02d", i);
		assert_int_equal(put_exemplar(txn, i % 3 ? "a" : "b", trace, i, i * 10), 0);
		assert_int_equal(put_exemplar(txn, "a", "old", -1, i % 3 ? i * 10 - 1 : -1),
			i % 3 || i > 1 ? PM_ERR_INVALID : 0);
		commit(txn);
	}
	assert_string_equal(
		exemplars_text(&s, ".*", 0, 1000), "a t07@70=7 t08@80=8 t10@100=10 t11@110=11\nb t09@90=9\n");
	tsdb_set_exemplar_max(s.db, 1);
	assert_string_equal(exemplars_text(&s, ".*", 0, 1000), "a t11@110=11\n");
	tsdb_set_exemplar_max(s.db, TSDB_EXEMPLARS_NONE);
	struct tsdb_txn *txn = begin(&s);
	assert_int_equal(put_exemplar(txn, "a", "none", 1, 999), 0);
	commit(txn);
	assert_string_equal(exemplars_text(&s, ".*", 0, 1000), "");
	tsdb_set_exemplar_max(s.db, 1);
	assert_string_equal(exemplars_text(&s, ".*", 0, 1000), "a t11@110=11\n");
	tsdb_close(other);
	store_free(&s);
}

/* ---- metadata ----------------------------------------------------------------------------------- */

static void put_metadata(struct tsdb_txn *txn, const char *metric, const char *type, const char *help, const char *unit)
{
	struct pm_error err = { 0 };
	struct tsdb_metadata m = { pm_str(metric), pm_str(type), pm_str(help), pm_str(unit) };
	assert_ok(tsdb_txn_append_metadata(txn, &m, &err), &err);
}

static const char *metadata_text(struct store *s, const char *metric, size_t limit)
{
	static char out[4096];
	struct tsdb_metadata_list l = { 0 };
	struct pm_error err = { 0 };
	size_t n = 0;
	out[0] = '\0';
	assert_ok(tsdb_metadata(s->db, pm_str(metric), limit, &l, &err), &err);
	for (size_t i = 0; i < l.count; i++)
		n += (size_t)snprintf(out + n, sizeof out - n, "%.*s|%.*s|%.*s|%.*s\n", PM_STR_ARG(l.v[i].metric),
			PM_STR_ARG(l.v[i].type), PM_STR_ARG(l.v[i].help), PM_STR_ARG(l.v[i].unit));
	tsdb_metadata_free(&l);
	return out;
}

static void test_metadata(void **state)
{
	struct tsdb_stats before, after;
	struct store s = { 0 };
	store_open(&s);
	assert_string_equal(metadata_text(&s, "", 0), "");
	struct tsdb_txn *txn = begin(&s);
	put_metadata(txn, "b_bytes", "gauge", "Room.", "bytes");
	put_metadata(txn, "a", "counter", "", "");
	put_metadata(txn, "a", "counter", "Things.", "");
	commit(txn);
	assert_string_equal(metadata_text(&s, "", 0), "a|counter|Things.|\nb_bytes|gauge|Room.|bytes\n");
	assert_string_equal(metadata_text(&s, "", 1), "a|counter|Things.|\n");
	assert_string_equal(metadata_text(&s, "b_bytes", 1), "b_bytes|gauge|Room.|bytes\n");
	assert_string_equal(metadata_text(&s, "c", 0), "");
	store_reopen(&s);
	assert_ok(tsdb_stats(s.db, &before, NULL), NULL);
	txn = begin(&s);
	put_metadata(txn, "a", "gauge", "Never.", "");
	tsdb_txn_abort(txn);
	txn = begin(&s); /* what holds already is not written again */
	put_metadata(txn, "a", "counter", "Things.", "");
	put_metadata(txn, "b_bytes", "gauge", "Room.", "bytes");
	commit(txn);
	assert_ok(tsdb_stats(s.db, &after, NULL), NULL);
	assert_int_equal(before.catalog_bytes, after.catalog_bytes);
	txn = begin(&s);
	put_metadata(txn, "a", "gauge", "Things.", "");
	commit(txn);
	assert_string_equal(metadata_text(&s, "a", 0), "a|gauge|Things.|\n");
	store_free(&s);
}

/* ---- pages -------------------------------------------------------------------------------------- */

static struct pm_page_entry entry(struct pm_label *l, const char *name, double v, int64_t t_ms)
{
	uint64_t hash = 0;
	memcpy(&hash, name, strlen(name));
	return (struct pm_page_entry){ .e = { hash, 1, PM_REF_NEW }, .labels = named(l, name), .v = v, .t_ms = t_ms };
}

/* A page with the refs that the layout gives; without entries, a warm one. */
static void append_page(
	struct store *s, struct pm_page *page, struct pm_page_entry *entries, struct pm_append_stats *stats)
{
	const struct pm_layout *l;
	struct pm_appender *app;
	struct pm_error err = { 0 };
	assert_ok(tsdb_appender(s->db, &app, &err), &err);
	assert_ok(app->layout(app, PM_STR("t"), &l, &err), &err);
	for (uint32_t b = 0; l && b < l->block_count; b++)
		for (uint32_t i = 0; i < l->blocks[b].entry_count; i++)
			for (size_t k = 0; entries && k < page->entry_count; k++)
				if (entries[k].e.text_hash == l->blocks[b].entries[i].text_hash &&
					l->blocks[b].entries[i].ref < PM_REF_MAX)
					entries[k].e.ref = l->blocks[b].entries[i].ref;
	page->entries = entries;
	assert_ok(app->append_page(app, PM_STR("t"), l, page, stats, &err), &err);
	app->layout_free(app, l);
	app->free(app);
}

static void check_page_hist(const struct pm_samples *s)
{
	assert_int_equal(s->count, 4);
	assert_hist(s->h[0], &exponential);
	assert_int_equal(s->st_ms[0], 5);
	assert_hist(s->h[1], &custom);
	assert_null(s->h[2]);
	assert_true(pm_is_stale(s->v[2])); /* a page without it */
	assert_null(s->h[3]);
	assert_bits(s->v[3], 8); /* a warm page: a float */
}

static void check_page_float(const struct pm_samples *s)
{
	assert_int_equal(s->count, 4);
	assert_null(s->h);
	assert_bits(s->v[2], 3);
}

static void test_pages_with_histograms(void **state)
{
	struct pm_append_stats stats;
	struct pm_label l[2];
	struct store s = { 0 };
	store_open(&s);
	for (int round = 1; round <= 3; round++) {
		struct pm_page_entry e[] = { entry(&l[0], "f", round, PM_NO_TIME), entry(&l[1], "h", 0, PM_NO_TIME) };
		e[1].h = round == 1 ? &exponential : &custom;
		e[1].st_ms = round == 1 ? 5 : 0;
		struct pm_page page = { .t_ms = round * 1000, .entry_count = round == 3 ? 1 : 2 };
		append_page(&s, &page, e, &stats);
		assert_int_equal(stats.samples, page.entry_count);
		assert_int_equal(stats.stale, round == 3);
	}
	static const double values[] = { 4, 8 };
	struct pm_page warm = { .t_ms = 4000, .values = values };
	append_page(&s, &warm, NULL, &stats);
	with_series(&s, "h", check_page_hist);
	with_series(&s, "f", check_page_float);
	store_free(&s);
}

static void check_doubles(const struct pm_samples *s)
{
	static const int64_t t[] = { 1000, 2000, 3000, 4000 };
	static const double v[] = { 2, 3, 1, 7 };
	assert_int_equal(s->count, 4);
	assert_memory_equal(s->t_ms, t, sizeof t);
	assert_memory_equal(s->v, v, sizeof v);
}

/* A series given several times: each time counts once. */
static void test_doubles_of_a_page(void **state)
{
	struct pm_append_stats stats;
	struct pm_label l[6];
	struct store s = { 0 };
	store_open(&s);
	struct pm_page_entry e[] = { entry(&l[0], "a", 1, 3000), entry(&l[1], "a", 2, 1000), entry(&l[2], "a", 3, 2000),
		entry(&l[3], "a", 4, 3000), entry(&l[4], "a", 5, 2000), entry(&l[5], "b", 6, PM_NO_TIME) };
	struct pm_page page = { .t_ms = 9000, .entry_count = 6 };
	append_page(&s, &page, e, &stats);
	assert_int_equal(stats.samples, 5);
	struct pm_page_entry next[] = { entry(&l[0], "a", 7, 4000), entry(&l[1], "a", 8, 4000) };
	page = (struct pm_page){ .t_ms = 9500, .entry_count = 2 };
	append_page(&s, &page, next, &stats);
	assert_int_equal(stats.samples, 1);
	assert_int_equal(stats.stale, 1);
	with_series(&s, "a", check_doubles);
	store_free(&s);
}

static void test_notes_of_a_page(void **state)
{
	static const double values[] = { 4, 8 };
	struct pm_label l[4] = { [2] = { PM_STR("id"), PM_STR("x") }, [3] = { PM_STR("id"), PM_STR("y") } };
	struct pm_append_stats stats;
	struct store s = { 0 };
	store_open(&s);
	struct pm_page_entry e[] = { entry(&l[0], "a", 1, PM_NO_TIME), entry(&l[1], "b", 2, 500) };
	struct pm_page_exemplar ex[] = { { 1, { &l[2], 1 }, 1, PM_NO_TIME }, { 0, { &l[3], 1 }, 2, 800 } };
	struct pm_page_metadata m[] = { { PM_STR("a"), PM_STR("counter"), PM_STR("Help."), { 0 } } };
	struct pm_page page = {
		.t_ms = 1000, .entry_count = 2, .exemplars = ex, .exemplar_count = 2, .metadata = m, .metadata_count = 1
	};
	append_page(&s, &page, e, &stats);
	assert_string_equal(exemplars_text(&s, ".*", 0, 9999), "a y@800=2\nb x@500=1\n");
	assert_string_equal(metadata_text(&s, "", 0), "a|counter|Help.|\n");
	ex[1].t_ms = 700; /* too old, and so passed over */
	m[0] = (struct pm_page_metadata){ .metric = PM_STR("a"), .unit = PM_STR("things") };
	page = (struct pm_page){
		.t_ms = 2000, .values = values, .exemplars = ex, .exemplar_count = 2, .metadata = m, .metadata_count = 1
	};
	append_page(&s, &page, NULL, &stats);
	assert_string_equal(exemplars_text(&s, ".*", 0, 9999), "a y@800=2\nb x@500=1 x@2000=1\n");
	assert_string_equal(metadata_text(&s, "", 0), "a|counter|Help.|things\n");
	store_free(&s);
}

/* ---- sealed, recovered -------------------------------------------------------------------------- */

static void seal(struct store *s)
{
	struct tsdb_compact_opts opts = { .force = true, .now_ms = 100000 };
	struct tsdb_compact_stats stats;
	struct pm_error err = { 0 };
	assert_ok(tsdb_compact(s->db, &opts, &stats, &err), &err);
	assert_true(stats.sealed_samples > 0);
}

/* Log files go away when they are sealed. What lives of them is copied to the log's end, again and again. */
static void test_notes_outlive_the_log(void **state)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER, .exemplar_max = 3 };
	struct store s = { .dir = test_tmpdir() };
	struct pm_error err = { 0 };
	assert_ok(tsdb_open(s.dir, &opts, &s.db, &err), &err);
	for (int i = 0; i < 6; i++) {
		struct pm_label l[2];
		struct pm_page_entry e[] = { entry(&l[0], "a", i, PM_NO_TIME), entry(&l[1], "b", i, PM_NO_TIME) };
		struct pm_page_metadata m = { .metric = PM_STR("a"), .type = PM_STR("gauge"), .help = PM_STR("Kept.") };
		char trace[8];
		struct pm_label id = { PM_STR("trace_id"), { trace, (size_t)snprintf(trace, sizeof trace, "t%d", i) } };
		struct pm_page_exemplar ex = { i % 2 ? 0 : 1, { &id, 1 }, i, i };
		struct pm_page page = { .t_ms = i, .entry_count = 2, .exemplars = &ex, .exemplar_count = 1 };
		struct pm_append_stats stats;
		page.metadata = &m;
		page.metadata_count = i == 0;
		append_page(&s, &page, e, &stats);
		if (i % 4 != 3)
			seal(&s);
		if (i == 3)
			assert_string_equal(exemplars_text(&s, ".*", 0, 99), "a t1@1=1 t3@3=3\nb t2@2=2\n");
	}
	assert_string_equal(exemplars_text(&s, ".*", 0, 99), "a t3@3=3 t5@5=5\nb t4@4=4\n");
	struct tsdb_txn *txn = begin(&s);
	assert_int_equal(put_exemplar(txn, "a", "old", 4, 4), PM_ERR_INVALID);
	tsdb_txn_abort(txn);
	store_reopen(&s);
	assert_string_equal(exemplars_text(&s, ".*", 0, 99), "a t3@3=3 t5@5=5\nb t4@4=4\n");
	assert_string_equal(metadata_text(&s, "", 0), "a|gauge|Kept.|\n");
	store_free(&s);
}

/* ---- faults ------------------------------------------------------------------------------------- */

/* Everything of a transaction is there or nothing, whatever failed, and so is it for pages. */
static int faulty_txn(struct tsdb *db, int64_t t_ms, struct pm_error *err)
{
	struct pm_label l[2] = { { PM_NAME_LABEL, PM_STR("h") }, { PM_STR("id"), PM_STR("x") } };
	struct tsdb_sample s = { .t_ms = t_ms, .h = &exponential, .st_ms = 1 };
	struct tsdb_exemplar e = { { &l[1], 1 }, 1, t_ms };
	struct tsdb_metadata m = { PM_STR("h"), t_ms % 2 ? PM_STR("histogram") : PM_STR("gauge"), PM_STR(""),
		PM_STR("") };
	struct tsdb_txn *txn;
	tsdb_sid sid;
	int rc = tsdb_txn_begin(db, &txn, err);
	if (rc < 0)
		return rc;
	if ((rc = tsdb_txn_series(txn, (struct pm_labels){ l, 1 }, &sid, err)) < 0 ||
		(rc = tsdb_txn_append_sample(txn, sid, &s, err)) < 0 ||
		(rc = tsdb_txn_append_exemplar(txn, sid, &e, err)) < 0 ||
		(rc = tsdb_txn_append_metadata(txn, &m, err)) < 0) {
		tsdb_txn_abort(txn);
		return rc;
	}
	return tsdb_txn_commit(txn, err);
}

struct faulty {
	char *dir;
	int committed;
};

static int faulty_run(void *arg)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct faulty *f = arg;
	struct pm_error err = { 0 };
	struct tsdb *db;
	test_remove(f->dir);
	f->committed = 0;
	int rc = tsdb_open(f->dir, &opts, &db, &err);
	if (rc < 0)
		return rc;
	for (int i = 1; i <= 3 && rc == 0; i++)
		if ((rc = faulty_txn(db, i, &err)) == 0)
			f->committed++;
	tsdb_close(db);
	return rc;
}

static int counted;

static void count_hists(const struct pm_samples *s)
{
	for (counted = 0; counted < (int)s->count; counted++)
		assert_hist(s->h[counted], &exponential);
}

static void check_faulty(const struct faulty *f)
{
	static const char *const texts[] = { "", "h x@1=1\n", "h x@1=1 x@2=1\n", "h x@1=1 x@2=1 x@3=1\n" };
	struct store s = { .dir = f->dir };
	store_open(&s);
	assert_string_equal(exemplars_text(&s, ".*", 0, 99), texts[f->committed]);
	assert_string_equal(metadata_text(&s, "", 0), f->committed == 0  ? ""
						      : f->committed % 2 ? "h|histogram||\n"
									 : "h|gauge||\n");
	if (f->committed) {
		with_series(&s, "h", count_hists);
		assert_int_equal(counted, f->committed);
	}
	tsdb_close(s.db);
}

static void test_faults(void **state)
{
	struct faulty f = { .dir = test_tmpdir() };
	for (size_t n = 1, done = 1; done + 1 >= n; n++) {
		pm_mem_fail_nth(n);
		faulty_run(&f);
		done = pm_mem_fail_nth(0);
		check_faulty(&f);
	}
	assert_int_equal(f.committed, 3);
	for (size_t n = 1, done = 1; done + 1 >= n; n++) {
		pm_fs_fail_nth(PM_FS_OP_WRITE, n, ENOSPC);
		faulty_run(&f);
		done = pm_fs_fail_nth(PM_FS_OP_WRITE, 0, 0);
		check_faulty(&f);
	}
	assert_int_equal(f.committed, 3);
	test_tmpdir_free(f.dir);
}

/* ---- damage ------------------------------------------------------------------------------------- */

/* Everything of the store, whatever comes back; what is read is looked at, so that a stray pointer is seen. */
static uint64_t read_anything(const char *dir)
{
	struct pm_select sel = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct tsdb_metadata_list said = { 0 };
	struct tsdb_exemplars e = { 0 };
	struct pm_querier *q;
	struct pm_series_set *set;
	struct pm_series series;
	struct tsdb *db;
	uint64_t sum = 0;
	if (tsdb_open(dir, NULL, &db, NULL) < 0)
		return 0;
	if (tsdb_exemplars(db, &sel, 1, &e, NULL) == 0)
		for (size_t i = 0; i < e.count; i++)
			for (size_t k = 0; k < e.v[i].count; k++)
				sum += pm_labels_hash(e.v[i].v[k].labels) + pm_labels_hash(e.v[i].labels);
	tsdb_exemplars_free(&e);
	if (tsdb_metadata(db, PM_STR(""), 0, &said, NULL) == 0)
		for (size_t i = 0; i < said.count; i++)
			sum += said.v[i].help.len ? (uint8_t)said.v[i].help.ptr[said.v[i].help.len - 1] : 0;
	tsdb_metadata_free(&said);
	if (tsdb_querier(db, &q, NULL) == 0) {
		if (q->select(q, &sel, &set, NULL) == 0) {
			while (set->next(set, &series, NULL) > 0)
				for (size_t i = 0; i < series.samples.count; i++) {
					const struct pm_histogram *h = series.samples.h ? series.samples.h[i] : NULL;
					struct pm_bucket_iter it;
					struct pm_bucket b;
					if (h)
						for (pm_bucket_begin(&it, h); pm_bucket_next(&it, &b);)
							sum += pm_double_bits(b.upper);
				}
			set->free(set);
		}
		q->free(q);
	}
	tsdb_close(db);
	return sum;
}

/* Bytes of a file that hold records, and where the last one ends. */
struct file_bytes {
	char path[300];
	uint8_t *b;
	size_t len, end;
	enum tsdb_file_kind kind;
	uint64_t base; /* what checksums count from */
};

static void load_file(struct file_bytes *f, const char *dir, const char *name, enum tsdb_file_kind kind, uint64_t base)
{
	snprintf(f->path, sizeof f->path, "%s/head.00000001/%s", dir, name);
	FILE *in = fopen(f->path, "rb");
	assert_non_null(in);
	f->b = malloc(1 << 16);
	f->len = fread(f->b, 1, 1 << 16, in);
	fclose(in);
	f->kind = kind;
	f->base = base;
	for (f->end = sizeof(struct tsdb_file_head); f->end + sizeof(struct tsdb_rec) <= f->len;) {
		const struct tsdb_rec *rec = (void *)(f->b + f->end);
		if (rec->len < sizeof *rec || rec->len > f->len - f->end)
			break;
		f->end += rec->len;
	}
}

static void write_at(const struct file_bytes *f, const void *p, size_t off, size_t len)
{
	FILE *out = fopen(f->path, "r+b");
	assert_non_null(out);
	assert_int_equal(fseek(out, (long)off, SEEK_SET), 0);
	assert_int_equal(fwrite(p, 1, len, out), len);
	fclose(out);
}

/* Change some bytes of one record's body, and its checksum with them. */
static void damage(const struct file_bytes *f, struct test_rng *r, const char *dir)
{
	size_t off = sizeof(struct tsdb_file_head);
	size_t target = off + test_below(r, f->end - off);
	struct tsdb_rec *rec = (void *)(f->b + off);
	while (off + rec->len <= target)
		rec = (void *)(f->b + (off += rec->len));
	size_t size = rec->len;
	uint8_t *copy = malloc(size);
	memcpy(copy, rec, size);
	for (int n = 1 + (int)test_below(r, 3); n > 0; n--) {
		size_t at = sizeof *rec + test_below(r, size - sizeof *rec + 1);
		if (at < size)
			copy[at] = test_below(r, 2) ? (uint8_t)test_u64(r) : (uint8_t)(copy[at] + 1);
		else
			copy[13] ^= (uint8_t)(1u << test_below(r, 5)); /* flags */
	}
	((struct tsdb_rec *)(void *)copy)->checksum = tsdb__rec_checksum((void *)copy, f->kind, 1, f->base + off);
	write_at(f, copy, off, size);
	read_anything(dir);
	write_at(f, f->b + off, off, size);
	free(copy);
}

static void test_damage_under_a_sound_checksum(void **state)
{
	struct test_rng r = test_rng(3);
	struct store s = { 0 };
	struct file_bytes log, catalog;
	store_open(&s);
	for (int i = 1; i < 4; i++) {
		struct tsdb_txn *txn = begin(&s);
		for (int k = 0; k < 12; k++) {
			char name[8];
			snprintf(name, sizeof name, "m%d", k);
			put(txn, name,
				&(struct tsdb_sample){
					.t_ms = i, .v = k, .h = k % 2 ? &exponential : NULL, .st_ms = k % 3 });
		}
		put(txn, "loose", &(struct tsdb_sample){ .t_ms = 100 * i, .h = &custom, .st_ms = 1 });
		assert_int_equal(put_exemplar(txn, "m1", "trace", 1, i), 0);
		put_metadata(txn, "m1", "gauge", i % 2 ? "Help." : "More help.", "");
		commit(txn);
	}
	tsdb_close(s.db);
	uint64_t sound = read_anything(s.dir);
	load_file(&log, s.dir, "log.00000001", TSDB_FILE_LOG, UINT64_C(1) << TSDB_LOG_SHIFT);
	load_file(&catalog, s.dir, "catalog", TSDB_FILE_CATALOG, 0);
	for (int i = 0; i < 3000; i++)
		damage(i % 4 ? &log : &catalog, &r, s.dir);
	assert_true(sound && read_anything(s.dir) == sound);
	free(log.b);
	free(catalog.b);
	test_tmpdir_free(s.dir);
}

/* ---- a model ------------------------------------------------------------------------------------ */

enum { MODEL_SERIES = 24, MODEL_TIMES = 60 };

/* What the store should hold; v of a histogram is its number. */
struct model {
	struct {
		bool there, is_hist;
		double v;
		int64_t st_ms;
	} s[MODEL_SERIES][MODEL_TIMES];
};

/* Histograms that differ in shape and numbers, told apart by `sum`. */
static struct pm_histogram numbered(int n, double *counts, struct pm_span *span)
{
	*span = (struct pm_span){ n % 5, 1 + (uint32_t)n % 3 };
	for (uint32_t i = 0; i < span->length; i++)
		counts[i] = n * (i + 1) * (n % 2 ? 1 : 0.5);
	struct pm_histogram h = { .schema = n % 4,
		.count = 1e9,
		.sum = n,
		.pos_spans = span,
		.pos = counts,
		.pos_span_count = 1,
		.pos_count = span->length,
		.reset_hint = PM_RESET_GAUGE };
	return h;
}

static void model_txn(struct store *s, struct model *m, struct test_rng *r)
{
	struct tsdb_txn *txn = begin(s);
	int time = (int)test_below(r, MODEL_TIMES), step = test_below(r, 2) ? 1 : 5;
	bool plain = test_below(r, 3) == 0;
	for (int i = 0; i < MODEL_SERIES; i += step) {
		struct tsdb_sample sample = { .t_ms = time * 1000, .v = (double)test_below(r, 100) };
		double counts[3];
		struct pm_span span;
		struct pm_histogram h = numbered((int)test_below(r, 100), counts, &span);
		char name[16];
		if (!plain && test_below(r, 2))
			sample.h = &h;
		if (!plain && test_below(r, 3) == 0)
			sample.st_ms = 1 + (int64_t)test_below(r, 1000);
		snprintf(name, sizeof name, "m%02d", i);
		put(txn, name, &sample);
		if (m->s[i][time].there)
			continue;
		m->s[i][time].there = true;
		m->s[i][time].is_hist = sample.h;
		m->s[i][time].v = sample.h ? h.sum : sample.v;
		m->s[i][time].st_ms = sample.st_ms;
	}
	commit(txn);
}

static void model_check_series(const struct model *m, const struct pm_series *series)
{
	const char *name = series->labels.v[0].value.ptr;
	const struct pm_samples *s = &series->samples;
	int i = (name[1] - '0') * 10 + (name[2] - '0');
	size_t at = 0;
	for (int t = 0; t < MODEL_TIMES; t++) {
		if (!m->s[i][t].there)
			continue;
		assert_true(at < s->count);
		assert_int_equal(s->t_ms[at], t * 1000);
		assert_int_equal(s->st_ms ? s->st_ms[at] : 0, m->s[i][t].st_ms);
		const struct pm_histogram *h = s->h ? s->h[at] : NULL;
		assert_int_equal(h != NULL, m->s[i][t].is_hist);
		if (h) {
			double counts[3];
			struct pm_span span;
			struct pm_histogram want = numbered((int)m->s[i][t].v, counts, &span);
			assert_hist(h, &want);
		} else {
			assert_bits(s->v[at], m->s[i][t].v);
		}
		at++;
	}
	assert_int_equal(at, s->count);
}

static void model_check(struct store *s, const struct model *m)
{
	struct pm_select sel = { .min_ms = 0, .max_ms = MODEL_TIMES * 1000 };
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series_set *set;
	struct pm_series series;
	int rc;
	assert_ok(tsdb_querier(s->db, &q, &err), &err);
	assert_ok(q->select(q, &sel, &set, &err), &err);
	while ((rc = set->next(set, &series, &err)) > 0)
		model_check_series(m, &series);
	assert_ok(rc, &err);
	set->free(set);
	q->free(q);
}

static void run_model(uint64_t salt, bool sealed)
{
	static struct model m;
	struct test_rng r = test_rng(salt);
	struct store s = { 0 };
	store_open(&s);
	memset(&m, 0, sizeof m);
	for (int i = 0; i < 120; i++) {
		model_txn(&s, &m, &r);
		if (i % 5 == 0)
			model_check(&s, &m);
		if (sealed && i % 25 == 24) {
			seal(&s);
			model_check(&s, &m);
		}
	}
	store_reopen(&s);
	model_check(&s, &m);
	store_free(&s);
}

static void test_model(void **state)
{
	run_model(1, false);
}

static void test_model_sealed(void **state)
{
	run_model(2, true);
}

TEST_MAIN(TEST(test_histograms_and_floats), TEST(test_rows_of_all_kinds), TEST(test_not_histograms),
	TEST(test_refused_by_the_store), TEST(test_large_histograms), TEST(test_exemplars),
	TEST(test_exemplars_too_long), TEST(test_exemplars_are_bounded), TEST(test_metadata),
	TEST(test_pages_with_histograms), TEST(test_doubles_of_a_page), TEST(test_notes_of_a_page),
	TEST(test_notes_outlive_the_log), TEST(test_faults), TEST(test_damage_under_a_sound_checksum), TEST(test_model),
	TEST(test_model_sealed))
