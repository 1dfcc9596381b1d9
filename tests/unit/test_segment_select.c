/* test_segment_select.c - matchers, names and values of labels on a segment, against a model that looks at every
 * series. */
#include "tests/support/series.h"

#include "libtsdb/base/re.h"
#include "libtsdb/db/source.h"
#include "libtsdb/segment/bitmap.h"

enum { ROUNDS = 1500, MATCHERS_MAX = 3 };

struct fixture {
	char *dir;
	int dirfd;
	struct test_series x;
	struct tsdb__segment *segment;
	struct pm_error err;
};

static void make(struct fixture *f, uint64_t salt, size_t count)
{
	struct test_rng r = test_rng(salt);
	struct tsdb__segment_info info;
	*f = (struct fixture){ .dir = test_tmpdir() };
	f->dirfd = test_dirfd(f->dir);
	test_series_make(&f->x, &r, count, 3, 0);
	test_segment_write(f->dirfd, 1, f->x.v, count, &info);
	assert_ok(tsdb__segment_open(f->dirfd, 1, &info, &f->segment, &f->err), &f->err);
}

static void unmake(struct fixture *f)
{
	tsdb__segment_unref(f->segment);
	test_series_free(&f->x);
	pm_fs_close(f->dirfd);
	test_tmpdir_free(f->dir);
}

/* ---- the model ---- */

static bool matches(const struct pm_matcher *m, struct pm_labels labels)
{
	struct pm_str v = pm_labels_get(labels, m->name);
	struct pm_error err = { 0 };
	struct pm_re *re;
	if (m->type == PM_MATCH_EQ || m->type == PM_MATCH_NE)
		return pm_str_eq(v, m->value) == (m->type == PM_MATCH_EQ);
	assert_ok(pm_re_new(m->value, &re, &err), &err);
	bool is = pm_re_match(re, v);
	pm_re_free(re);
	return is == (m->type == PM_MATCH_RE);
}

static bool *model(const struct fixture *f, const struct pm_matcher *m, size_t count)
{
	bool *in = malloc(f->x.count + 1);
	for (size_t i = 0; i < f->x.count; i++) {
		in[i] = true;
		for (size_t k = 0; k < count && in[i]; k++)
			in[i] = matches(&m[k], f->x.v[i].labels);
	}
	return in;
}

static struct pm_matcher random_matcher(struct test_rng *r)
{
	static const char *const names[] = { "__name__", "__name__", "zone", "zone", "code", "n", "other n", "ß", "absent", "" };
	static const char *const values[] = { "", "up", "http", "eu", "eu-west", "名前", "200", "17", "nothing", "größe.bytes" };
	static const char *const res[] = { "", ".*", ".+", "up", "up|http", "eu.*", "eu(-west)?", "|us", "2..", "20[0-2]",
		"名前|z", "[a-z]+", "1|2|3|5", "nothing|nowhere", "(?i)EU", "\\d{2}", "a|b|absent", "gr.+" };
	struct pm_matcher m = { .type = (enum pm_match_type)test_below(r, 4),
		.name = pm_str(names[test_below(r, 10)]) };
	bool is_re = m.type == PM_MATCH_RE || m.type == PM_MATCH_NRE;
	m.value = is_re ? pm_str(res[test_below(r, sizeof res / sizeof *res)]) : pm_str(values[test_below(r, 10)]);
	return m;
}

/* ---- tests ---- */

static void describe(const struct pm_matcher *m, size_t count)
{
	static const char *const ops[] = { [PM_MATCH_EQ] = "=", [PM_MATCH_NE] = "!=", [PM_MATCH_RE] = "=~", [PM_MATCH_NRE] = "!~" };
	for (size_t i = 0; i < count; i++)
		print_error("%.*s%s\"%.*s\" ", PM_STR_ARG(m[i].name), ops[m[i].type], PM_STR_ARG(m[i].value));
	print_error("\n");
}

static void check_select(struct fixture *f, const struct pm_matcher *m, size_t count)
{
	bool *want = model(f, m, count);
	struct tsdb__bitmap *got;
	assert_ok(tsdb__segment_select(f->segment, m, count, &got, &f->err), &f->err);
	for (uint32_t i = 0; i < f->x.count; i++)
		if (tsdb__bitmap_contains(got, i) != want[i]) {
			describe(m, count);
			fail_msg("series %u: %d", i, want[i]);
		}
	size_t sum = 0;
	for (size_t i = 0; i < f->x.count; i++)
		sum += want[i];
	assert_int_equal(tsdb__bitmap_count(got), sum);
	tsdb__bitmap_free(got);
	free(want);
}

static void check_set(struct fixture *f, const struct pm_matcher *m, size_t count, bool labels_only)
{
	struct pm_select sel = { .matchers = m,
		.matcher_count = count,
		.min_ms = PM_TIME_MIN,
		.max_ms = PM_TIME_MAX,
		.labels_only = labels_only };
	bool *want = model(f, m, count);
	struct pm_arena labels = { 0 };
	struct pm_series_set *set;
	struct pm_series s;
	size_t at = 0;
	int rc;
	assert_ok(tsdb__segment_set(f->segment, &sel, &labels, &set, &f->err), &f->err);
	while ((rc = set->next(set, &s, &f->err)) > 0) {
		while (at < f->x.count && !want[at])
			at++;
		assert_true(at < f->x.count && pm_labels_eq(s.labels, f->x.v[at].labels));
		if (labels_only)
			assert_int_equal(s.samples.count, 0);
		else
			test_samples_same(&s.samples, &f->x.v[at].samples, 0, f->x.v[at].samples.count);
		at++;
	}
	assert_ok(rc, &f->err);
	while (at < f->x.count)
		assert_false(want[at++]);
	set->free(set);
	pm_arena_release(&labels);
	free(want);
}

/* The names (name NULL) or values of series that match, by the model. */
static void model_strings(
	const struct fixture *f, const struct pm_str *name, const bool *in, struct pm_strings *ret)
{
	struct tsdb__strings all = { 0 };
	for (size_t i = 0; i < f->x.count; i++) {
		struct pm_labels l = f->x.v[i].labels;
		for (size_t k = 0; in[i] && k < l.count; k++)
			if (!name || pm_str_eq(*name, l.v[k].name))
				assert_int_equal(tsdb__strings_add(&all, name ? l.v[k].value : l.v[k].name), 0);
	}
	assert_int_equal(tsdb__strings_done(&all, 0, ret), 0);
}

static void check_strings(struct fixture *f, const struct pm_str *name, const struct pm_matcher *m, size_t count)
{
	struct pm_select sel = { .matchers = m, .matcher_count = count, .min_ms = PM_TIME_MIN, .max_ms = PM_TIME_MAX };
	bool *in = model(f, m, count);
	struct tsdb__strings found = { 0 };
	struct pm_strings want, got;
	model_strings(f, name, in, &want);
	assert_ok(tsdb__segment_strings(f->segment, name, &sel, &found, &f->err), &f->err);
	assert_int_equal(tsdb__strings_done(&found, 0, &got), 0);
	if (want.count != got.count)
		describe(m, count);
	assert_int_equal(got.count, want.count);
	for (size_t i = 0; i < got.count; i++)
		assert_true(pm_str_eq(got.v[i], want.v[i]));
	pm_strings_free(&want);
	pm_strings_free(&got);
	free(in);
}

static void test_select(void **state)
{
	struct fixture f;
	make(&f, 1, 700);
	struct test_rng r = test_rng(2);
	for (int round = 0; round < ROUNDS; round++) {
		struct pm_matcher m[MATCHERS_MAX];
		size_t count = test_below(&r, MATCHERS_MAX + 1);
		for (size_t i = 0; i < count; i++)
			m[i] = random_matcher(&r);
		check_select(&f, m, count);
		if (round % 10 == 0)
			check_set(&f, m, count, round % 20 == 0);
	}
	unmake(&f);
}

static void test_names_and_values(void **state)
{
	static const char *const names[] = { "__name__", "zone", "code", "n", "other n", "ß", "absent", "" };
	struct fixture f;
	make(&f, 3, 400);
	struct test_rng r = test_rng(4);
	for (int round = 0; round < ROUNDS; round++) {
		struct pm_matcher m[MATCHERS_MAX];
		struct pm_str name = pm_str(names[test_below(&r, 8)]);
		size_t count = test_below(&r, MATCHERS_MAX + 1);
		for (size_t i = 0; i < count; i++)
			m[i] = random_matcher(&r);
		check_strings(&f, round % 4 ? &name : NULL, m, count);
	}
	unmake(&f);
}

static void test_one_series(void **state)
{
	struct fixture f;
	make(&f, 5, 1);
	struct test_rng r = test_rng(6);
	for (int round = 0; round < 200; round++) {
		struct pm_matcher m = random_matcher(&r);
		check_select(&f, &m, 1);
		check_set(&f, &m, 1, false);
	}
	unmake(&f);
}

static void test_bad_expression(void **state)
{
	struct pm_matcher m[] = { { PM_MATCH_EQ, PM_NAME_LABEL, PM_STR("up") }, { PM_MATCH_RE, PM_STR("zone"), PM_STR("(") } };
	struct tsdb__bitmap *found;
	struct fixture f;
	make(&f, 7, 20);
	assert_code(tsdb__segment_select(f.segment, m, 2, &found, &f.err), PM_ERR_INVALID, &f.err);
	unmake(&f);
}

/* ---- sets of numbers: every form of container ---- */

static void check_bitmap(const uint32_t *v, size_t n, uint32_t end)
{
	struct pm_buf b = { 0 };
	struct tsdb__bitmap *m = NULL;
	uint32_t *out = malloc((n + 1) * sizeof *out);
	pm_buf_str(&b, PM_STR("before")); /* appended */
	assert_int_equal(tsdb__bitmap_put(&b, v, n), 0);
	assert_int_equal(tsdb__bitmap_get((uint8_t *)b.ptr + 6, b.len - 6, end, &m), 0);
	assert_int_equal(tsdb__bitmap_count(m), n);
	tsdb__bitmap_numbers(m, out);
	assert_memory_equal(out, v, n * sizeof *v);
	tsdb__bitmap_free(m);
	/* numbers that are too large, bytes that are missing or too many */
	assert_int_equal(tsdb__bitmap_get((uint8_t *)b.ptr + 6, b.len - 6, v[n - 1], &m), PM_ERR_CORRUPT);
	for (size_t len = 0; len < b.len - 6; len += 1 + len / 64)
		assert_int_equal(tsdb__bitmap_get((uint8_t *)b.ptr + 6, len, end, &m), PM_ERR_CORRUPT);
	pm_buf_char(&b, 0);
	assert_int_equal(tsdb__bitmap_get((uint8_t *)b.ptr + 6, b.len - 6, end, &m), PM_ERR_CORRUPT);
	free(out);
	pm_buf_release(&b);
}

static void test_bitmaps(void **state)
{
	enum { MANY = 300000 };
	uint32_t *v = malloc(MANY * sizeof *v);
	for (uint32_t kind = 0; kind < 8; kind++) {
		struct test_rng r = test_rng(kind + 100);
		size_t n = kind < 2 ? 1 + kind : kind < 4 ? 3000 : MANY;
		uint32_t at = kind == 1 ? 70000 : 0;
		for (size_t i = 0; i < n; i++) {
			v[i] = at;
			/* runs, arrays, bitsets, and some of each */
			at += kind % 4 == 0 ? 1 : kind % 4 == 1 ? 1 + (uint32_t)test_below(&r, 100)
					      : kind % 4 == 2 ? 1 + (uint32_t)test_below(&r, 3)
					      : i % 70000 < 20000 ? 1
								  : 1 + (uint32_t)test_below(&r, 30);
		}
		check_bitmap(v, n, v[n - 1] + 1);
	}
	free(v);
}

TEST_MAIN(TEST(test_select), TEST(test_names_and_values), TEST(test_one_series), TEST(test_bad_expression),
	TEST(test_bitmaps))
