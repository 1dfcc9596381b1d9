/* write_kinds.c - a store of samples of all kinds for the documents' readers: write_kinds DATA makes it and prints what
 * a querier reads from it, in the form that read_head.py prints; write_kinds DATA print does only that. */
#include "libtsdb/tsdb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SERIES = 20, ROUNDS = 12 };

static uint64_t seed = 1;

static uint32_t random_below(uint32_t bound)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % bound;
}

static void die(const struct pm_error *err)
{
	fprintf(stderr, "write_kinds: %s\n", err->msg);
	exit(1);
}

/* ---- writing ------------------------------------------------------------------------------------ */

struct shape {
	struct pm_histogram h;
	struct pm_span spans[2];
	double counts[8], bounds[4];
};

static void random_histogram(struct shape *s)
{
	static const double scales[] = { 1, 100, 1e4, 0.37 };
	double scale = scales[random_below(4)];
	uint32_t n = 1 + random_below(3);
	bool custom = random_below(3) == 0;
	*s = (struct shape){ .spans = { { (int32_t)random_below(4), n }, { 1, 2 } }, .bounds = { -1, 0.5, 7, 8 } };
	for (uint32_t i = 0; i < 8; i++)
		s->counts[i] = random_below(1000) * scale;
	s->h = (struct pm_histogram){ .schema = custom ? PM_SCHEMA_CUSTOM : (int32_t)random_below(13) - 4,
		.reset_hint = (uint8_t)random_below(4),
		.count = 1e6,
		.sum = random_below(1000) / 3.0,
		.pos_spans = s->spans,
		.pos = s->counts,
		.pos_span_count = 1,
		.pos_count = n };
	if (custom) {
		s->spans[0].offset = 0;
		s->h.custom = s->bounds;
		s->h.custom_count = 4;
		return;
	}
	s->h.zero_threshold = 1e-3;
	s->h.zero_count = random_below(50);
	s->h.neg_spans = s->spans;
	s->h.neg = s->counts + 3;
	s->h.neg_span_count = 2;
	s->h.neg_count = n + 2;
}

static int put(struct tsdb_txn *txn, int series, int64_t t_ms, struct pm_error *err)
{
	char name[16];
	struct pm_label l = { PM_NAME_LABEL, { name, (size_t)snprintf(name, sizeof name, "m%02d", series) } };
	struct tsdb_sample s = { .t_ms = t_ms, .v = random_below(1000) / 7.0 };
	struct shape shape;
	tsdb_sid sid;
	if (random_below(2)) {
		random_histogram(&shape);
		s.h = &shape.h;
	}
	if (random_below(3) == 0)
		s.st_ms = 1 + random_below(1000);
	int rc = tsdb_txn_series(txn, (struct pm_labels){ &l, 1 }, &sid, err);
	return rc < 0 ? rc : tsdb_txn_append_sample(txn, sid, &s, err);
}

/* Rounds of all series become rows, few samples a batch. */
static void write_all(struct tsdb *db)
{
	struct pm_error err = { 0 };
	for (int round = 0; round < ROUNDS; round++) {
		struct tsdb_txn *txn;
		int rc = tsdb_txn_begin(db, &txn, &err);
		for (int i = 0; i < SERIES && rc == 0; i++)
			if (round % 3 || i % 4 == 0)
				rc = put(txn, i, (int64_t)random_below(2) * 500 + round * 1000, &err);
		if (rc < 0 || tsdb_txn_commit(txn, &err) < 0)
			die(&err);
	}
}

/* ---- reading ------------------------------------------------------------------------------------ */

static void print_bits(double v)
{
	printf(" %016" PRIx64, pm_double_bits(v));
}

static void print_histogram(const struct pm_histogram *h)
{
	printf(" histogram %d %d %d", h->schema, h->reset_hint, h->integer);
	for (uint32_t i = 0; i < h->pos_span_count; i++)
		printf(" %d+%u", h->pos_spans[i].offset, h->pos_spans[i].length);
	for (uint32_t i = 0; i < h->neg_span_count; i++)
		printf(" %d+%u", h->neg_spans[i].offset, h->neg_spans[i].length);
	print_bits(h->zero_threshold);
	print_bits(h->zero_count);
	print_bits(h->count);
	print_bits(h->sum);
	for (uint32_t i = 0; i < h->custom_count; i++)
		print_bits(h->custom[i]);
	for (uint32_t i = 0; i < h->pos_count; i++)
		print_bits(h->pos[i]);
	for (uint32_t i = 0; i < h->neg_count; i++)
		print_bits(h->neg[i]);
}

static void print_all(struct tsdb *db)
{
	struct pm_select sel = { .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	struct pm_error err = { 0 };
	struct pm_querier *q;
	struct pm_series_set *set = NULL;
	struct pm_series s;
	int rc;
	if (tsdb_querier(db, &q, &err) < 0 || q->select(q, &sel, &set, &err) < 0)
		die(&err);
	while ((rc = set->next(set, &s, &err)) > 0)
		for (size_t i = 0; i < s.samples.count; i++) {
			for (size_t k = 0; k < s.labels.count; k++)
				printf("%s[\"%.*s\", \"%.*s\"]", k ? ", " : "[", PM_STR_ARG(s.labels.v[k].name),
					PM_STR_ARG(s.labels.v[k].value));
			printf("] %" PRId64, s.samples.t_ms[i]);
			if (s.samples.h && s.samples.h[i])
				print_histogram(s.samples.h[i]);
			else
				print_bits(s.samples.v[i]);
			if (s.samples.st_ms && s.samples.st_ms[i])
				printf(" start %" PRId64, s.samples.st_ms[i]);
			putchar('\n');
		}
	if (rc < 0)
		die(&err);
	set->free(set);
	q->free(q);
}

int main(int argc, char **argv)
{
	struct tsdb_opts opts = { .flags = TSDB_WRITE | TSDB_CREATE, .fsync_ms = TSDB_FSYNC_NEVER };
	struct pm_error err = { 0 };
	struct tsdb *db = NULL;
	if (argc < 2 || tsdb_open(argv[1], &opts, &db, &err) < 0)
		die(&err);
	if (argc == 2)
		write_all(db);
	print_all(db);
	tsdb_close(db);
	return 0;
}
