/* hist_literal.c - native histograms in test scripts: {{schema:0 count:4 sum:7 z_bucket:1 buckets:[1 2]}}. */
#include "libpromql/test/notation.h"

#include "libtsdb/base/num.h"

#include <math.h>
#include <strings.h>

enum { NUMBERS_MAX = 100000 };

static const char *const hint_names[] = { "unknown", "reset", "not_reset", "gauge" };

/* ---- the cursor --------------------------------------------------------------------------------- */

void promql__cursor_blanks(struct promql__cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

bool promql__cursor_take(struct promql__cursor *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return false;
	c->p += n;
	return true;
}

static bool is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

/* Where the number at `p` ends. */
static const char *number_end(const char *p, const char *end)
{
	if (p < end && (*p == '+' || *p == '-'))
		p++;
	if (end - p >= 3 && (strncasecmp(p, "inf", 3) == 0 || strncasecmp(p, "nan", 3) == 0))
		return p + 3;
	while (p < end && (is_digit(*p) || *p == '.'))
		p++;
	if (p < end && (*p == 'e' || *p == 'E')) {
		const char *q = p + 1;

		if (q < end && (*q == '+' || *q == '-'))
			q++;
		if (q < end && is_digit(*q))
			for (p = q; p < end && is_digit(*p);)
				p++;
	}
	return p;
}

int promql__cursor_number(struct promql__cursor *c, double *ret)
{
	const char *end = number_end(c->p, c->end);
	struct pm_str s = { c->p, (size_t)(end - c->p) };
	double sign = 1;

	if (s.len && (*s.ptr == '+' || *s.ptr == '-')) {
		sign = *s.ptr == '-' ? -1 : 1;
		s.ptr++;
		s.len--;
	}
	if (s.len == 0 || *s.ptr == '+' || *s.ptr == '-' || pm_double_parse(s, ret) < 0)
		return pm_fail(c->err, PM_ERR_INVALID, "a number is expected at \"%.*s\"", (int)(c->end - c->p), c->p);
	*ret = isnan(*ret) ? promql__nan() : *ret * sign;
	c->p = end;
	return 0;
}

/* ---- parsing ------------------------------------------------------------------------------------ */

struct literal {
	struct pm_histogram h;
	double *pos, *neg, *custom;
	int32_t pos_offset, neg_offset;
	bool hinted;
	unsigned seen; /* which keys came */
};

static int parse_list(struct promql__cursor *c, double **ret, uint32_t *ret_count)
{
	double *v = NULL, *bigger;
	uint32_t n = 0, cap = 0;

	if (!promql__cursor_take(c, "["))
		return pm_fail(c->err, PM_ERR_INVALID, "a list of numbers in brackets is expected");
	for (promql__cursor_blanks(c); !promql__cursor_take(c, "]"); promql__cursor_blanks(c)) {
		if (n == NUMBERS_MAX)
			return pm_fail(c->err, PM_ERR_LIMIT, "a list of more than %d numbers", NUMBERS_MAX);
		if (n == cap) {
			cap = cap ? cap * 2 : 8;
			bigger = pm_arena_array(c->arena, cap, sizeof *v);
			if (!bigger)
				return pm_fail(c->err, PM_ERR_NOMEM, "out of memory");
			if (n)
				memcpy(bigger, v, n * sizeof *v);
			v = bigger;
		}
		if (promql__cursor_number(c, &v[n++]) < 0)
			return PM_ERR_INVALID;
	}
	*ret = v;
	*ret_count = n;
	return 0;
}

static int parse_int(struct promql__cursor *c, int32_t *ret)
{
	double v;
	int rc = promql__cursor_number(c, &v);

	if (rc < 0)
		return rc;
	if (v != floor(v) || fabs(v) > INT32_MAX)
		return pm_fail(c->err, PM_ERR_INVALID, "a whole number is expected");
	*ret = (int32_t)v;
	return 0;
}

static int parse_hint(struct promql__cursor *c, struct literal *l)
{
	const char *p = c->p;
	size_t n;

	while (c->p < c->end && ((*c->p >= 'a' && *c->p <= 'z') || *c->p == '_'))
		c->p++;
	n = (size_t)(c->p - p);
	for (uint8_t i = 0; i < 4; i++)
		if (pm_str_eq((struct pm_str){ p, n }, pm_str(hint_names[i]))) {
			l->h.reset_hint = i;
			l->hinted = true;
			return 0;
		}
	return pm_fail(c->err, PM_ERR_INVALID, "bad counter_reset_hint \"%.*s\"", (int)n, p);
}

enum key { SCHEMA, COUNT, SUM, Z_BUCKET, Z_WIDTH, BUCKETS, OFFSET, N_BUCKETS, N_OFFSET, CUSTOM, HINT, KEY_COUNT };

static const char *const keys[KEY_COUNT] = { "schema:", "count:", "sum:", "z_bucket:", "z_bucket_w:", "buckets:",
	"offset:", "n_buckets:", "n_offset:", "custom_values:", "counter_reset_hint:" };

static int parse_value(struct promql__cursor *c, enum key key, struct literal *l)
{
	switch (key) {
	case SCHEMA:
		return parse_int(c, &l->h.schema);
	case COUNT:
		return promql__cursor_number(c, &l->h.count);
	case SUM:
		return promql__cursor_number(c, &l->h.sum);
	case Z_BUCKET:
		return promql__cursor_number(c, &l->h.zero_count);
	case Z_WIDTH:
		return promql__cursor_number(c, &l->h.zero_threshold);
	case BUCKETS:
		return parse_list(c, &l->pos, &l->h.pos_count);
	case OFFSET:
		return parse_int(c, &l->pos_offset);
	case N_BUCKETS:
		return parse_list(c, &l->neg, &l->h.neg_count);
	case N_OFFSET:
		return parse_int(c, &l->neg_offset);
	case CUSTOM:
		return parse_list(c, &l->custom, &l->h.custom_count);
	default:
		return parse_hint(c, l);
	}
}

static int parse_key(struct promql__cursor *c, struct literal *l)
{
	for (unsigned i = 0; i < KEY_COUNT; i++) {
		if (!promql__cursor_take(c, keys[i]))
			continue;
		if (l->seen & 1u << i)
			return pm_fail(c->err, PM_ERR_INVALID, "\"%s\" stands twice", keys[i]);
		l->seen |= 1u << i;
		return parse_value(c, i, l);
	}
	return pm_fail(c->err, PM_ERR_INVALID, "a histogram has no \"%.*s\"", (int)(c->end - c->p), c->p);
}

static int add_span(
	struct promql__cursor *c, int32_t offset, uint32_t length, const struct pm_span **ret, uint32_t *ret_count)
{
	struct pm_span *s;

	if (length == 0)
		return 0;
	s = pm_arena_alloc(c->arena, sizeof *s);
	if (!s)
		return pm_fail(c->err, PM_ERR_NOMEM, "out of memory");
	*s = (struct pm_span){ offset, length };
	*ret = s;
	*ret_count = 1;
	return 0;
}

static int check(struct promql__cursor *c, const struct literal *l)
{
	bool custom = l->h.schema == PM_SCHEMA_CUSTOM;

	if (!custom && (l->h.schema < -4 || l->h.schema > 8))
		return pm_fail(c->err, PM_ERR_INVALID, "schema %d is none", (int)l->h.schema);
	if (custom != (l->h.custom_count > 0) && !custom)
		return pm_fail(c->err, PM_ERR_INVALID, "custom_values go with schema %d", PM_SCHEMA_CUSTOM);
	if (custom && l->h.neg_count)
		return pm_fail(c->err, PM_ERR_INVALID, "custom buckets have no negative side");
	return 0;
}

int promql__hist_literal(struct promql__cursor *c, const struct pm_histogram **ret, bool *ret_hinted)
{
	struct literal l = { 0 };
	struct pm_histogram *h = pm_arena_alloc(c->arena, sizeof *h);
	int rc = h ? 0 : pm_fail(c->err, PM_ERR_NOMEM, "out of memory");

	for (promql__cursor_blanks(c); rc == 0 && !promql__cursor_take(c, "}}"); promql__cursor_blanks(c)) {
		if (c->p == c->end)
			return pm_fail(c->err, PM_ERR_INVALID, "a histogram is not closed");
		rc = parse_key(c, &l);
	}
	if (rc == 0)
		rc = check(c, &l);
	if (rc == 0)
		rc = add_span(c, l.pos_offset, l.h.pos_count, &l.h.pos_spans, &l.h.pos_span_count);
	if (rc == 0)
		rc = add_span(c, l.neg_offset, l.h.neg_count, &l.h.neg_spans, &l.h.neg_span_count);
	if (rc < 0)
		return rc;
	l.h.pos = l.pos;
	l.h.neg = l.neg;
	l.h.custom = l.custom;
	*h = l.h;
	*ret = h;
	*ret_hinted = l.hinted;
	return 0;
}

/* ---- printing ----------------------------------------------------------------------------------- */

static void print_number(struct pm_buf *out, const char *key, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];

	pm_buf_cstr(out, key);
	pm_buf_add(out, text, pm_double_format_g(text, v));
}

/* The buckets from the first to the last, gaps filled with zeros. */
static void print_side(struct pm_buf *out, const char *key, const char *offset_key, const struct pm_span *spans,
	uint32_t span_count, const double *v, uint32_t count)
{
	uint32_t k = 0;

	if (count == 0)
		return;
	if (spans[0].offset)
		pm_buf_fmt(out, " %s%d", offset_key, (int)spans[0].offset);
	pm_buf_fmt(out, " %s[", key);
	for (uint32_t s = 0; s < span_count; s++) {
		for (int32_t gap = 0; s > 0 && gap < spans[s].offset && gap < 1000; gap++)
			pm_buf_cstr(out, " 0");
		for (uint32_t i = 0; i < spans[s].length && k < count; i++)
			print_number(out, k == 0 ? "" : " ", v[k]), k++;
	}
	pm_buf_char(out, ']');
}

void promql__hist_literal_print(struct pm_buf *out, const struct pm_histogram *h)
{
	pm_buf_fmt(out, "{{schema:%d", (int)h->schema);
	print_number(out, " count:", h->count);
	print_number(out, " sum:", h->sum);
	if (h->zero_count != 0)
		print_number(out, " z_bucket:", h->zero_count);
	if (h->zero_threshold != 0)
		print_number(out, " z_bucket_w:", h->zero_threshold);
	print_side(out, "buckets:", "offset:", h->pos_spans, h->pos_span_count, h->pos, h->pos_count);
	print_side(out, "n_buckets:", "n_offset:", h->neg_spans, h->neg_span_count, h->neg, h->neg_count);
	for (uint32_t i = 0; i < h->custom_count; i++)
		print_number(out, i == 0 ? " custom_values:[" : " ", h->custom[i]);
	pm_buf_cstr(out, h->custom_count ? "]" : "");
	if (h->reset_hint != PM_RESET_UNKNOWN)
		pm_buf_fmt(out, " counter_reset_hint:%s", hint_names[h->reset_hint & 3]);
	pm_buf_cstr(out, "}}");
}
