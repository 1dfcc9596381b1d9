/* Chunks of Prometheus's blocks: what is written is read back, known bytes mean what they must, and damaged ones are an
 * error or samples, never a step outside of the bytes. */
#include "libtsdb/blocks/bits.h"
#include "libtsdb/blocks/chunk.h"

#include "tests/support/test.h"

#include <math.h>

enum { SAMPLES_MAX = 200, BUCKETS_MAX = 20, ROUNDS = 400 };

/* ---- making samples ----------------------------------------------------------------------------- */

static int64_t next_time(struct test_rng *r, int64_t t)
{
	static const int64_t steps[] = { 15000, 15001, 14999, 60000, 1, 8193, 1 << 20, INT64_C(1) << 40 };
	size_t n = test_below(r, 4) ? 1 : sizeof steps / sizeof *steps;

	return t + steps[test_below(r, n)];
}

static double next_value(struct test_rng *r, double v)
{
	static const double odd[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, 5e-324, 1.7976931348623157e308, -1 };

	switch (test_below(r, 8)) {
	case 0:
		return odd[test_below(r, sizeof odd / sizeof *odd)];
	case 1:
		return pm_stale_nan();
	case 2:
		return pm_bits_double(test_u64(r));
	case 3:
		return v;
	default:
		return v + (double)test_below(r, 1000);
	}
}

struct samples {
	int64_t t[SAMPLES_MAX];
	double v[SAMPLES_MAX];
	struct pm_histogram h[SAMPLES_MAX];
	const struct pm_histogram *refs[SAMPLES_MAX];
	double pos[SAMPLES_MAX][BUCKETS_MAX], neg[SAMPLES_MAX][BUCKETS_MAX];
	struct pm_samples view;
};

static struct samples *make_floats(struct test_rng *r, size_t count)
{
	struct samples *s = calloc(1, sizeof *s);

	assert_non_null(s);
	for (size_t i = 0; i < count; i++) {
		s->t[i] = i ? next_time(r, s->t[i - 1]) : (int64_t)test_below(r, INT64_C(2000000000000)) - 1000000000;
		s->v[i] = next_value(r, i ? s->v[i - 1] : 1);
	}
	s->view = (struct pm_samples){ .count = count, .t_ms = s->t, .v = s->v };
	return s;
}

static const struct pm_span pos_spans[] = { { -3, 2 }, { 4, 3 } }, neg_spans[] = { { 100, 4 } };
static const struct pm_span custom_spans[] = { { 1, 3 }, { 1, 1 } };
static const double bounds[] = { 0.005, 0.1, 1, 2.5, 33554.43, 1e9, 1e9 + 1.0 / 3 };

static void make_layout(struct test_rng *r, struct pm_histogram *h)
{
	bool custom = test_below(r, 3) == 0;

	*h = (struct pm_histogram){
		.schema = custom ? PM_SCHEMA_CUSTOM : (int32_t)test_below(r, 13) - 4,
		.zero_threshold = custom ? 0 : test_below(r, 2) ? 0x1p-128 : 0.001,
		.pos_spans = custom ? custom_spans : pos_spans,
		.pos_span_count = 2,
		.pos_count = custom ? 4 : 5,
	};
	if (custom) {
		h->custom = bounds;
		h->custom_count = sizeof bounds / sizeof *bounds;
	} else if (test_below(r, 2)) {
		h->neg_spans = neg_spans;
		h->neg_span_count = 1;
		h->neg_count = 4;
	}
}

static double count_up(struct test_rng *r, double v, bool integer)
{
	return v + (integer ? (double)test_below(r, 3000) : test_unit(r) * 10);
}

/* Layouts change, counters are reset, and stale markers stand in between. */
static struct samples *make_histograms(struct test_rng *r, size_t count, bool integer)
{
	struct samples *s = make_floats(r, count);
	uint8_t hint = (uint8_t)(test_below(r, 3) ? PM_RESET_UNKNOWN : PM_RESET_GAUGE);

	for (size_t i = 0; i < count; i++) {
		struct pm_histogram *h = &s->h[i];
		bool fresh = i == 0 || !s->refs[i - 1] || test_below(r, 20) == 0;

		if (fresh)
			make_layout(r, h);
		else
			*h = s->h[i - 1];
		h->integer = integer;
		h->reset_hint = hint;
		for (uint32_t b = 0; b < h->pos_count; b++)
			s->pos[i][b] = count_up(r, fresh ? 0 : s->pos[i - 1][b], integer);
		for (uint32_t b = 0; b < h->neg_count; b++)
			s->neg[i][b] = count_up(r, fresh ? 0 : s->neg[i - 1][b], integer);
		h->pos = s->pos[i];
		h->neg = s->neg[i];
		h->count = count_up(r, h->count, integer);
		h->zero_count = count_up(r, h->zero_count, integer);
		h->sum = next_value(r, h->sum);
		if (pm_is_stale(h->sum))
			h->sum = 7;
		s->refs[i] = test_below(r, 30) ? h : NULL;
		if (!s->refs[i])
			s->v[i] = pm_stale_nan();
		else
			s->v[i] = 0;
	}
	s->view.h = s->refs;
	return s;
}

/* ---- comparing ---------------------------------------------------------------------------------- */

static void assert_same_histogram(const struct pm_histogram *a, const struct pm_histogram *b)
{
	assert_int_equal(a->schema, b->schema);
	assert_int_equal(a->integer, b->integer);
	assert_bits(a->zero_threshold, b->zero_threshold);
	assert_bits(a->zero_count, b->zero_count);
	assert_bits(a->count, b->count);
	assert_bits(a->sum, b->sum);
	assert_int_equal(a->pos_span_count, b->pos_span_count);
	assert_int_equal(a->neg_span_count, b->neg_span_count);
	assert_int_equal(a->pos_count, b->pos_count);
	assert_int_equal(a->neg_count, b->neg_count);
	assert_int_equal(a->custom_count, b->custom_count);
	for (uint32_t i = 0; i < a->pos_span_count; i++)
		assert_memory_equal(&a->pos_spans[i], &b->pos_spans[i], sizeof *a->pos_spans);
	for (uint32_t i = 0; i < a->pos_count; i++)
		assert_bits(a->pos[i], b->pos[i]);
	for (uint32_t i = 0; i < a->neg_count; i++)
		assert_bits(a->neg[i], b->neg[i]);
	for (uint32_t i = 0; i < a->custom_count; i++)
		assert_bits(a->custom[i], b->custom[i]);
}

static void assert_same(const struct prom__samples *got, const struct pm_samples *want)
{
	assert_int_equal(got->count, want->count);
	for (size_t i = 0; i < want->count; i++) {
		const struct pm_histogram *h = want->h ? want->h[i] : NULL;

		assert_int_equal(got->t[i], want->t_ms[i]);
		assert_int_equal(got->h[i] != NULL, h != NULL);
		if (h)
			assert_same_histogram(got->h[i], h);
		else
			assert_bits(got->v[i], want->v[i]);
	}
}

/* All of `s` as chunks of at most `max`, read back chunk by chunk. Returns how many chunks there were. */
static size_t round_trip(const struct pm_samples *s, size_t max)
{
	const struct pm_histogram *previous = NULL;
	struct prom__samples got;
	struct pm_buf buf = { 0 };
	size_t done = 0, chunks = 0;

	prom__samples_init(&got);
	while (done < s->count) {
		struct pm_samples rest = { .count = s->count - done, .t_ms = s->t_ms + done, .v = s->v + done,
			.h = s->h ? s->h + done : NULL };
		struct prom__chunk cut;
		const char *why;
		char *exact;

		pm_buf_reset(&buf);
		cut = prom__chunk_write(&rest, max, previous, &buf);
		assert_int_equal(pm_buf_error(&buf), 0);
		assert_in_range(cut.count, 1, max);
		exact = malloc(buf.len);
		memcpy(exact, buf.ptr, buf.len);
		assert_ok(prom__chunk_read(cut.encoding, (const uint8_t *)exact, buf.len, &got, &why), NULL);
		free(exact);
		previous = rest.h ? rest.h[cut.count - 1] : NULL;
		done += cut.count;
		chunks++;
	}
	assert_same(&got, s);
	pm_buf_release(&buf);
	prom__samples_release(&got);
	return chunks;
}

/* ---- tests -------------------------------------------------------------------------------------- */

static void test_floats(void **state)
{
	struct test_rng r = test_rng(1);

	for (int i = 0; i < ROUNDS; i++) {
		struct samples *s = make_floats(&r, 1 + test_below(&r, SAMPLES_MAX));

		round_trip(&s->view, 120);
		free(s);
	}
}

static void test_histograms(void **state)
{
	struct test_rng r = test_rng(2);

	for (int i = 0; i < ROUNDS; i++) {
		struct samples *s = make_histograms(&r, 1 + test_below(&r, SAMPLES_MAX), i % 2);

		round_trip(&s->view, 120);
		free(s);
	}
}

/* The chunk that upstream's documents describe, by hand: three samples, 15 s apart, 1, 1, 2. */
static void test_known_bytes(void **state)
{
	static const uint8_t bytes[] = {
		0, 3, 0xd0, 0x0f, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, /* 3; 1000 as zigzag varint; 1.0 */
		0x98, 0x75,                                     /* 15000 as varint */
		0x30, 0x97, 0xff, 0xc0, /* same; same step; 11: a window, 1 zero in front, 11 bits, all ones */
	};
	static const int64_t t[] = { 1000, 16000, 31000 };
	static const double v[] = { 1, 1, 2 };
	struct pm_samples want = { .count = 3, .t_ms = t, .v = v };
	struct prom__samples got;
	struct pm_buf buf = { 0 };
	const char *why;

	assert_int_equal(prom__xor_write(&want, 120, &buf), 3);
	assert_int_equal(buf.len, sizeof bytes);
	assert_memory_equal(buf.ptr, bytes, sizeof bytes);
	prom__samples_init(&got);
	assert_ok(prom__chunk_read(PROM__CHUNK_XOR, bytes, sizeof bytes, &got, &why), NULL);
	assert_same(&got, &want);
	prom__samples_release(&got);
	pm_buf_release(&buf);
}

/* XOR2 as newer Prometheus writes it, made by hand from the layout in chunk_xor2.c: a start timestamp from the first
 * sample on, a stale marker, a jump of the clock. */
static void test_xor2(void **state)
{
	struct pm_buf buf = { 0 };
	struct prom__bits_out b = { .buf = &buf };
	struct prom__samples got;
	const char *why;

	prom__bits_put(&b, 4, 16);
	prom__bits_put(&b, 0x80 | 3, 8); /* the first has a start, and each from the fourth on */
	prom__bits_put_varint(&b, 100000);
	prom__bits_put(&b, pm_double_bits(1), 64);
	prom__bits_put_varint(&b, 40000); /* it started at 60000 */
	prom__bits_put_uvarint(&b, 1000); /* 101000 */
	prom__bits_put(&b, 6, 3);         /* a new window: 1 to 2 differ in 11 bits behind one zero */
	prom__bits_put(&b, 1, 5);
	prom__bits_put(&b, 11, 6);
	prom__bits_put(&b, 0x7ff, 11);
	prom__bits_put(&b, 31, 5); /* 102000, stale */
	prom__bits_put(&b, 6, 3);  /* a step of 1000 - 5 */
	prom__bits_put(&b, (uint64_t)-5, 13);
	prom__bits_put(&b, 0, 1);       /* the value before the stale one */
	prom__bits_put_varbit(&b, 3000); /* started 3000 before the sample before: 99000 */
	prom__bits_flush(&b);
	prom__samples_init(&got);
	assert_ok(prom__chunk_read(PROM__CHUNK_XOR2, (uint8_t *)buf.ptr, buf.len, &got, &why), NULL);
	assert_int_equal(got.count, 4);
	assert_int_equal(got.t[3], 102995);
	assert_int_equal(got.t[2], 102000);
	assert_int_equal(got.st[0], 60000);
	assert_int_equal(got.st[2], 60000);
	assert_int_equal(got.st[3], 99000);
	assert_bits(got.v[1], 2);
	assert_true(pm_is_stale(got.v[2]));
	assert_bits(got.v[3], 2);
	prom__samples_release(&got);
	pm_buf_release(&buf);
}

static void hints_of(struct samples *s, const uint8_t *want, size_t chunks)
{
	struct prom__samples got;
	struct pm_buf buf = { 0 };
	size_t done = 0;
	const char *why;

	prom__samples_init(&got);
	while (done < s->view.count) {
		struct pm_samples rest = { .count = s->view.count - done, .t_ms = s->t + done, .v = s->v + done,
			.h = s->refs + done };
		struct prom__chunk cut;

		pm_buf_reset(&buf);
		cut = prom__chunk_write(&rest, 120, done ? s->refs[done - 1] : NULL, &buf);
		assert_ok(prom__chunk_read(cut.encoding, (uint8_t *)buf.ptr, buf.len, &got, &why), NULL);
		done += cut.count;
		assert_true(chunks-- > 0);
	}
	assert_int_equal(chunks, 0);
	for (size_t i = 0; i < s->view.count; i++)
		assert_int_equal(got.h[i]->reset_hint, want[i]);
	prom__samples_release(&got);
	pm_buf_release(&buf);
}

/* A counter that goes down ends its chunk, and the next one says so; gauges go up and down in one. */
static void test_resets(void **state)
{
	static const uint8_t counter[] = { PM_RESET_UNKNOWN, PM_RESET_NO, PM_RESET_YES, PM_RESET_NO };
	static const uint8_t gauge[] = { PM_RESET_GAUGE, PM_RESET_GAUGE, PM_RESET_GAUGE, PM_RESET_GAUGE };
	struct test_rng r = test_rng(3);
	struct samples *s = make_floats(&r, 4);

	for (int i = 0; i < 4; i++) {
		struct test_rng same = test_rng(4);

		make_layout(&same, &s->h[i]);
		s->h[i].integer = true;
		for (uint32_t b = 0; b < s->h[i].pos_count; b++)
			s->pos[i][b] = i == 2 && b == 1 ? 1 : 5 + (i == 3);
		s->h[i].pos = s->pos[i];
		s->h[i].neg = s->neg[i];
		s->h[i].count = 100 + i;
		s->refs[i] = &s->h[i];
	}
	s->view.h = s->refs;
	hints_of(s, counter, 2);
	for (int i = 0; i < 4; i++)
		s->h[i].reset_hint = PM_RESET_GAUGE;
	hints_of(s, gauge, 1);
	free(s);
}

/* Counts that are no integers go to a chunk of floats, whatever the flag says. */
static void test_integer(void **state)
{
	double pos[] = { 1, 2.5 };
	struct pm_histogram h = { .integer = true, .count = 3, .pos = pos, .pos_count = 1 };

	assert_true(prom__hist_is_integer(&h));
	h.pos_count = 2;
	assert_false(prom__hist_is_integer(&h));
	pos[1] = 0x1p53;
	assert_false(prom__hist_is_integer(&h));
	pos[1] = -1;
	assert_false(prom__hist_is_integer(&h));
	pos[1] = 0x1p53 - 1;
	assert_true(prom__hist_is_integer(&h));
	h.integer = false;
	assert_false(prom__hist_is_integer(&h));
}

/* Cut at every byte, and with every bit flipped, and read from memory as long as the chunk. */
static void damage(const struct pm_samples *s)
{
	struct pm_buf buf = { 0 };
	struct prom__samples got;
	uint8_t encoding = prom__chunk_write(s, 120, NULL, &buf).encoding;
	const char *why;

	prom__samples_init(&got);
	for (size_t len = 0; len < buf.len; len++) {
		char *exact = malloc(len ? len : 1);

		memcpy(exact, buf.ptr, len);
		why = NULL;
		assert_code(prom__chunk_read(encoding, (uint8_t *)exact, len, &got, &why), PM_ERR_CORRUPT, NULL);
		assert_non_null(why);
		free(exact);
		prom__samples_reset(&got);
	}
	for (size_t bit = 0; bit < buf.len * 8; bit++) {
		char *exact = malloc(buf.len);
		int rc;

		memcpy(exact, buf.ptr, buf.len);
		exact[bit / 8] = (char)(exact[bit / 8] ^ 1 << bit % 8);
		rc = prom__chunk_read(encoding, (uint8_t *)exact, buf.len, &got, &why);
		if (rc < 0)
			assert_non_null(why);
		for (size_t i = 1; i + (rc < 0) < got.count; i++)
			assert_true(got.t[i] > got.t[i - 1]);
		free(exact);
		prom__samples_reset(&got);
	}
	prom__samples_release(&got);
	pm_buf_release(&buf);
}

static void test_damage(void **state)
{
	struct test_rng r = test_rng(5);

	for (int i = 0; i < 6; i++) {
		struct samples *s = i < 2 ? make_floats(&r, 40) : make_histograms(&r, 12, i % 2);

		if (i >= 2)
			s->refs[0] = &s->h[0];
		damage(&s->view);
		free(s);
	}
}

/* Two spans whose lengths are 0 in 32 bits and together 0 in 64. */
static void test_long_spans(void **state)
{
	struct pm_buf buf = { 0 };
	struct prom__bits_out b = { .buf = &buf };
	struct prom__samples got;
	const char *why;

	prom__bits_put(&b, 1, 16);
	prom__bits_put(&b, 0, 16);
	prom__bits_put_varbit(&b, 0);
	prom__bits_put_uvarbit(&b, 2);
	for (int i = 0; i < 2; i++) {
		prom__bits_put_uvarbit(&b, UINT64_C(1) << 63);
		prom__bits_put_varbit(&b, 0);
	}
	for (int i = 0; i < 100; i++)
		prom__bits_put(&b, 0, 8);
	prom__samples_init(&got);
	assert_code(prom__chunk_read(PROM__CHUNK_HISTOGRAM, (uint8_t *)buf.ptr, buf.len, &got, &why), PM_ERR_CORRUPT,
		NULL);
	prom__samples_release(&got);
	pm_buf_release(&buf);
}

/* Counts of spans and buckets that the bytes can't hold are refused before memory is asked for. */
static void test_bad_layouts(void **state)
{
	struct prom__samples got;
	const char *why;

	prom__samples_init(&got);
	for (int kind = 0; kind < 4; kind++) {
		struct pm_buf buf = { 0 };
		struct prom__bits_out b = { .buf = &buf };

		prom__bits_put(&b, 1, 16);
		prom__bits_put(&b, 0, 16);                      /* no flags; a zero threshold of 0 */
		prom__bits_put_varbit(&b, kind == 3 ? 9 : 0);   /* the schema */
		prom__bits_put_uvarbit(&b, kind == 0 ? UINT32_MAX : 1);
		prom__bits_put_uvarbit(&b, kind == 1 ? UINT32_MAX : 1);
		prom__bits_put_varbit(&b, kind == 2 ? INT64_MAX : 0);
		for (int i = 0; i < 100; i++)
			prom__bits_put(&b, 0, 8);
		assert_code(prom__chunk_read(PROM__CHUNK_HISTOGRAM, (uint8_t *)buf.ptr, buf.len, &got, &why),
			PM_ERR_CORRUPT, NULL);
		if (kind == 3)
			assert_contains(why, "schema");
		prom__samples_reset(&got);
		pm_buf_release(&buf);
	}
	assert_code(prom__chunk_read(9, (const uint8_t *)"\0\0", 2, &got, &why), PM_ERR_UNSUPPORTED, NULL);
	prom__samples_release(&got);
}

static void test_varbits(void **state)
{
	static const int64_t edges[] = { 0, 1, -1, 4, 5, -3, -4, 32, 33, 256, 257, 2048, 2049, 131072, 131073, -131071,
		-131072, 16777216, 16777217, INT64_C(1) << 55, (INT64_C(1) << 55) + 1, INT64_MAX, INT64_MIN };
	size_t count = sizeof edges / sizeof *edges;
	struct pm_buf buf = { 0 };
	struct prom__bits_out out = { .buf = &buf };
	struct prom__bits in;

	for (size_t i = 0; i < count; i++) {
		prom__bits_put_varbit(&out, edges[i]);
		prom__bits_put_uvarbit(&out, (uint64_t)edges[i]);
		prom__bits_put_varint(&out, edges[i]);
	}
	prom__bits_flush(&out);
	prom__bits_init(&in, buf.ptr, buf.len);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(prom__bits_varbit(&in), edges[i]);
		assert_true(prom__bits_uvarbit(&in) == (uint64_t)edges[i]);
		assert_int_equal(prom__bits_varint(&in), edges[i]);
	}
	assert_false(in.over);
	assert_true(prom__bits_left(&in) < 8);
	prom__bits_get(&in, 8);
	assert_true(in.over);
	pm_buf_release(&buf);
}

TEST_MAIN(TEST(test_floats), TEST(test_histograms), TEST(test_known_bytes), TEST(test_xor2), TEST(test_resets),
	TEST(test_integer), TEST(test_damage), TEST(test_bad_layouts), TEST(test_long_spans), TEST(test_varbits))
