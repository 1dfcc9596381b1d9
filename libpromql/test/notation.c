/* notation.c - series with their values, as test scripts write them. */
#include "libpromql/test/notation.h"

#include "libtsdb/base/num.h"

#include <math.h>

struct items {
	struct promql__cursor c;
	struct promql__line *line;
	size_t cap;
};

int promql__number_parse(struct pm_str text, double *ret)
{
	double v = 0;

	if (pm_double_parse(text, ret) == 0)
		return 0;
	if (text.len < 3 || text.len > 12 || text.ptr[0] != '0' || (text.ptr[1] | 32) != 'x')
		return PM_ERR_INVALID;
	for (size_t i = 2; i < text.len; i++) {
		char ch = text.ptr[i], low = (char)(ch | 32);

		if (!(ch >= '0' && ch <= '9') && !(low >= 'a' && low <= 'f'))
			return PM_ERR_INVALID;
		v = v * 16 + (ch <= '9' ? ch - '0' : low - 'a' + 10);
	}
	*ret = v;
	return 0;
}

/* ---- the series --------------------------------------------------------------------------------- */

static bool is_name_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' ||
	       ch == ':';
}

/* The end of the braces at `p`, strings inside are stepped over. NULL: there is none. */
static const char *braces_end(const char *p, const char *end)
{
	char quote = 0;

	for (; p < end; p++) {
		if (quote && *p == '\\' && quote != '`')
			p++;
		else if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'' || *p == '`')
			quote = *p;
		else if (*p == '}')
			return p + 1;
	}
	return NULL;
}

static int add_matchers(struct promql__cursor *c, const struct promql_matchers *m, struct pm_label *v, size_t *count)
{
	for (size_t i = 0; i < m->count; i++) {
		struct pm_label *l = &v[*count];

		if (m->v[i].type != PM_MATCH_EQ)
			return pm_fail(c->err, PM_ERR_INVALID, "labels of a series are given with =");
		l->name = pm_arena_str(c->arena, m->v[i].name);
		l->value = pm_arena_str(c->arena, m->v[i].value);
		if (!l->name.ptr || !l->value.ptr)
			return pm_fail(c->err, PM_ERR_NOMEM, "out of memory");
		(*count)++;
	}
	return 0;
}

static int parse_labels(struct promql__cursor *c, struct pm_str name, struct pm_str braces, struct pm_labels *ret)
{
	struct promql_matchers m = { 0 };
	struct pm_label *v;
	size_t count = 0;
	int rc = braces.len ? promql_parse_matchers(braces, &m, c->err) : 0;

	if (rc < 0)
		return rc;
	v = pm_arena_array(c->arena, m.count + 1, sizeof *v);
	if (!v)
		rc = pm_fail(c->err, PM_ERR_NOMEM, "out of memory");
	if (rc == 0 && name.len)
		v[count++] = (struct pm_label){ PM_NAME_LABEL, pm_arena_str(c->arena, name) };
	if (rc == 0)
		rc = add_matchers(c, &m, v, &count);
	if (rc == 0)
		rc = pm_labels_normalize(v, &count, c->err);
	*ret = (struct pm_labels){ v, count };
	promql_matchers_free(&m);
	return rc;
}

static int parse_series(struct promql__cursor *c, struct promql__line *ret)
{
	const char *start = c->p, *name_end, *braces;
	struct pm_str name, inside = { 0 };

	while (c->p < c->end && is_name_char(*c->p))
		c->p++;
	name_end = c->p;
	name = (struct pm_str){ start, (size_t)(name_end - start) };
	promql__cursor_blanks(c);
	if (c->p < c->end && *c->p == '{' && (c->end - c->p < 2 || c->p[1] != '{')) {
		braces = c->p;
		c->p = braces_end(braces + 1, c->end);
		if (!c->p)
			return pm_fail(c->err, PM_ERR_INVALID, "the braces of the series are not closed");
		inside = (struct pm_str){ braces, (size_t)(c->p - braces) };
	} else {
		c->p = name_end;
	}
	ret->bare = name.len + inside.len == 0;
	ret->start_times = promql__cursor_take(c, "@st");
	if (ret->bare && !ret->start_times)
		return pm_fail(c->err, PM_ERR_INVALID, "a series is expected");
	if (name.len && *name.ptr >= '0' && *name.ptr <= '9')
		return pm_fail(c->err, PM_ERR_INVALID, "a metric name does not begin with a digit");
	return parse_labels(c, name, inside, &ret->labels);
}

/* ---- the values --------------------------------------------------------------------------------- */

static int add_item(struct items *p, struct promql__item item)
{
	struct promql__line *l = p->line;
	struct promql__item *bigger;

	if (l->count == PROMQL__ITEMS_MAX)
		return pm_fail(p->c.err, PM_ERR_LIMIT, "more than %d values in a line", PROMQL__ITEMS_MAX);
	if (l->count == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		bigger = pm_arena_array(p->c.arena, p->cap, sizeof *bigger);
		if (!bigger)
			return pm_fail(p->c.err, PM_ERR_NOMEM, "out of memory");
		if (l->count)
			memcpy(bigger, l->v, l->count * sizeof *bigger);
		l->v = bigger;
	}
	l->v[l->count++] = item;
	return 0;
}

/* "x12" when it stands here; otherwise once. `extra`: xN of values means one more than N. */
static int parse_times(struct items *p, size_t extra, size_t *ret)
{
	const char *start;
	uint64_t n;

	*ret = 1;
	if (!promql__cursor_take(&p->c, "x"))
		return 0;
	start = p->c.p;
	while (p->c.p < p->c.end && *p->c.p >= '0' && *p->c.p <= '9')
		p->c.p++;
	if (pm_uint_parse((struct pm_str){ start, (size_t)(p->c.p - start) }, &n) < 0 || n > PROMQL__ITEMS_MAX)
		return pm_fail(p->c.err, PM_ERR_INVALID, "x wants a count of at most %d", PROMQL__ITEMS_MAX);
	*ret = (size_t)n + extra;
	return 0;
}

static int repeat(struct items *p, struct promql__item item, size_t extra)
{
	size_t n;
	int rc = parse_times(p, extra, &n);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_item(p, item);
	return rc;
}

static bool at_sign(const struct items *p)
{
	return p->c.p < p->c.end && (*p->c.p == '+' || *p->c.p == '-');
}

static int parse_offset(struct promql__cursor *c, double *ret)
{
	const char *start;
	int64_t ms;
	bool minus = promql__cursor_take(c, "-");

	if (!minus)
		promql__cursor_take(c, "+");
	start = c->p;
	while (c->p < c->end && ((*c->p >= '0' && *c->p <= '9') || (*c->p && strchr("ywdhms", *c->p))))
		c->p++;
	if (pm_duration_parse((struct pm_str){ start, (size_t)(c->p - start) }, &ms) < 0)
		return pm_fail(
			c->err, PM_ERR_INVALID, "a duration is expected at \"%.*s\"", (int)(c->end - start), start);
	*ret = (double)(minus ? -ms : ms);
	return 0;
}

/* A number or an offset, with an increment or without. */
static int parse_progression(struct items *p, int (*parse)(struct promql__cursor *c, double *ret))
{
	double v, inc;
	size_t n;
	int rc = parse(&p->c, &v);

	if (rc < 0)
		return rc;
	if (!at_sign(p))
		return repeat(p, (struct promql__item){ .v = v }, 1);
	rc = parse(&p->c, &inc);
	if (rc == 0 && (p->c.p == p->c.end || *p->c.p != 'x'))
		return pm_fail(p->c.err, PM_ERR_INVALID, "x and a count are expected behind the increment");
	if (rc == 0)
		rc = parse_times(p, 1, &n);
	for (size_t i = 0; rc == 0 && i < n; i++, v += inc)
		rc = add_item(p, (struct promql__item){ .v = v });
	return rc;
}

static int add_hists(struct items *p, const struct pm_histogram *h, const struct pm_histogram *inc, double sign,
	size_t n, bool hinted)
{
	unsigned found = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct promql__hist m = { 0 };

		rc = add_item(p, (struct promql__item){ .h = h, .hinted = hinted });
		if (rc < 0 || promql__hist_load(&m, p->c.arena, h) < 0)
			return rc < 0 ? rc : pm_fail(p->c.err, PM_ERR_NOMEM, "out of memory");
		rc = promql__hist_add(&m, inc, sign, &found);
		if (rc > 0)
			return pm_fail(p->c.err, PM_ERR_INVALID, "exponential and custom buckets do not add up");
		if (rc < 0 || !(h = promql__hist_store(&m, p->c.arena)))
			return pm_fail(p->c.err, PM_ERR_NOMEM, "out of memory");
	}
	return rc;
}

static int parse_hists(struct items *p)
{
	const struct pm_histogram *h, *inc;
	bool hinted, inc_hinted, minus;
	size_t n;
	int rc = promql__hist_literal(&p->c, &h, &hinted);

	if (rc < 0)
		return rc;
	if (!at_sign(p))
		return repeat(p, (struct promql__item){ .h = h, .hinted = hinted }, 1);
	minus = *p->c.p++ == '-';
	if (!promql__cursor_take(&p->c, "{{"))
		return pm_fail(p->c.err, PM_ERR_INVALID, "a histogram is expected as increment");
	rc = promql__hist_literal(&p->c, &inc, &inc_hinted);
	if (rc == 0 && (p->c.p == p->c.end || *p->c.p != 'x'))
		return pm_fail(p->c.err, PM_ERR_INVALID, "x and a count are expected behind the increment");
	if (rc == 0)
		rc = parse_times(p, 1, &n);
	return rc < 0 ? rc : add_hists(p, h, inc, minus ? -1 : 1, n, hinted);
}

static int parse_item(struct items *p)
{
	if (promql__cursor_take(&p->c, "_"))
		return repeat(p, (struct promql__item){ .omitted = true }, 0);
	if (p->line->start_times && promql__cursor_take(&p->c, "*"))
		return repeat(p, (struct promql__item){ .is_default = true }, 0);
	if (p->line->start_times)
		return parse_progression(p, parse_offset);
	if (promql__cursor_take(&p->c, "stale"))
		return repeat(p, (struct promql__item){ .v = pm_stale_nan() }, 1);
	if (promql__cursor_take(&p->c, "{{"))
		return parse_hists(p);
	return parse_progression(p, promql__cursor_number);
}

int promql__line_parse(struct pm_arena *a, struct pm_str text, struct promql__line *ret, struct pm_error *err)
{
	struct items p = { .c = { a, text.ptr, text.ptr + text.len, err }, .line = ret };
	int rc;

	*ret = (struct promql__line){ 0 };
	rc = parse_series(&p.c, ret);
	if (rc < 0)
		return rc;
	while (p.c.p < p.c.end) {
		if (*p.c.p != ' ' && *p.c.p != '\t')
			return pm_fail(err, PM_ERR_INVALID, "a blank is expected before \"%.*s\"",
				(int)(p.c.end - p.c.p), p.c.p);
		promql__cursor_blanks(&p.c);
		if (p.c.p == p.c.end)
			break;
		rc = parse_item(&p);
		if (rc < 0)
			return rc;
	}
	return 0;
}
