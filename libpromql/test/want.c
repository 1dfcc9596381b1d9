/* want.c - reads an `eval` command and what is expected of it. */
#include "libpromql/test/runner.h"

#include "libtsdb/base/re.h"

static bool is(struct pm_str s, const char *word)
{
	return pm_str_eq(s, pm_str(word));
}

/* *text begins with `word`, which is taken. */
static bool take(struct pm_str *text, const char *word)
{
	struct pm_str rest = *text;

	if (!is(promql__word(&rest), word))
		return false;
	*text = rest;
	return true;
}

static void *more(struct promql__script *s, void *v, size_t count, size_t size)
{
	void *bigger;

	if (count & (count - 1))
		return v; /* there is room up to the next power of two */
	bigger = pm_arena_array(&s->arena, count ? count * 2 : 1, size);
	if (bigger && count)
		memcpy(bigger, v, count * size);
	return bigger;
}

/* ---- the command -------------------------------------------------------------------------------- */

static int add_expect(struct promql__script *s, struct promql__want *w, struct promql__expect e)
{
	w->expects = more(s, w->expects, w->expect_count, sizeof *w->expects);
	if (!w->expects) {
		w->expect_count = 0;
		pm_re_free(e.re);
		return pm_fail(s->err, PM_ERR_NOMEM, "out of memory");
	}
	w->expects[w->expect_count++] = e;
	return 0;
}

bool promql__wants(const struct promql__want *w, enum promql__expect_kind kind)
{
	for (size_t i = 0; i < w->expect_count; i++)
		if (w->expects[i].kind == kind)
			return true;
	return false;
}

static int read_kind(struct promql__script *s, struct promql__want *w, struct pm_str word)
{
	if (is(word, "eval"))
		return 0;
	if (is(word, "eval_fail"))
		return add_expect(s, w, (struct promql__expect){ .kind = PROMQL__FAIL });
	if (is(word, "eval_ordered"))
		return add_expect(s, w, (struct promql__expect){ .kind = PROMQL__ORDERED });
	w->any_warn = is(word, "eval_warn");
	w->any_info = is(word, "eval_info");
	if (w->any_warn || w->any_info)
		return 0;
	return pm_fail(s->err, PM_ERR_INVALID, "unknown command \"%.*s\"", PM_STR_ARG(word));
}

/* "from A to B step S" */
static int read_range(struct promql__script *s, struct promql__want *w, struct pm_str *text)
{
	int rc = PM_ERR_INVALID;

	if (take(text, "from"))
		rc = promql__script_duration(s, promql__word(text), "start", &w->start_ms);
	if (rc == 0)
		rc = take(text, "to") ? promql__script_duration(s, promql__word(text), "end", &w->end_ms)
				      : PM_ERR_INVALID;
	if (rc == 0)
		rc = take(text, "step") ? promql__script_duration(s, promql__word(text), "step", &w->step_ms)
					: PM_ERR_INVALID;
	if (rc < 0)
		return pm_fail(s->err, rc, "\"from START to END step STEP\" is expected");
	if (w->end_ms < w->start_ms || w->step_ms == 0)
		return pm_fail(s->err, PM_ERR_INVALID, "the range ends before its start, or its step is 0");
	return 0;
}

static int read_command(struct promql__script *s, struct promql__want *w)
{
	struct pm_str text = s->lines[s->at];
	int rc = read_kind(s, w, promql__word(&text));

	if (rc < 0)
		return rc;
	w->line = s->at + 1;
	w->range = take(&text, "range");
	if (w->range)
		rc = read_range(s, w, &text);
	else if (take(&text, "instant") && take(&text, "at"))
		rc = promql__script_duration(s, promql__word(&text), "time", &w->at_ms);
	else
		return pm_fail(
			s->err, PM_ERR_INVALID, "\"eval instant at TIME\" or \"eval range from ...\" is expected");
	if (rc == 0 && text.len == 0)
		return pm_fail(s->err, PM_ERR_INVALID, "an expression is expected");
	if (w->range && promql__wants(w, PROMQL__ORDERED))
		return pm_fail(s->err, PM_ERR_INVALID, "a range query has no order");
	w->expr = text;
	return rc;
}

/* ---- expectations ------------------------------------------------------------------------------- */

/* The expression may stand anywhere in the text. */
static int search_re(struct promql__script *s, struct pm_str text, struct promql__expect *e)
{
	char *pattern = pm_arena_printf(&s->arena, "(?s:.*)(?:%.*s)(?s:.*)", PM_STR_ARG(text));

	if (!pattern)
		return pm_fail(s->err, PM_ERR_NOMEM, "out of memory");
	return pm_re_new(pm_str(pattern), &e->re, s->err);
}

static int read_text(struct promql__script *s, struct pm_str text, struct promql__expect *e)
{
	struct pm_str rest = { text.ptr + 4, text.len - 4 };

	if (text.len >= 4 && memcmp(text.ptr, "msg:", 4) == 0) {
		e->msg = promql__trim(rest);
		return 0;
	}
	if (text.len >= 6 && memcmp(text.ptr, "regex:", 6) == 0) {
		rest = promql__trim((struct pm_str){ text.ptr + 6, text.len - 6 });
		return search_re(s, rest, e);
	}
	return pm_fail(s->err, PM_ERR_INVALID, "\"msg: TEXT\" or \"regex: TEXT\" is expected");
}

static int read_expect(struct promql__script *s, struct promql__want *w, struct pm_str text)
{
	static const char *const names[] = { "fail", "warn", "no_warn", "info", "no_info", "ordered" };
	struct pm_str word = promql__word(&text);
	struct promql__expect e = { 0 };
	size_t kind = 0;
	int rc = 0;

	while (kind < 6 && !is(word, names[kind]))
		kind++;
	if (kind == 6)
		return pm_fail(
			s->err, PM_ERR_INVALID, "nothing known is expected by \"expect %.*s\"", PM_STR_ARG(word));
	e.kind = (enum promql__expect_kind)kind;
	if (e.kind == PROMQL__ORDERED && w->range)
		return pm_fail(s->err, PM_ERR_INVALID, "a range query has no order");
	if (text.len)
		rc = read_text(s, text, &e);
	if (rc < 0)
		return rc;
	if (e.kind == PROMQL__FAIL && promql__wants(w, PROMQL__FAIL)) {
		pm_re_free(e.re);
		return pm_fail(s->err, PM_ERR_INVALID, "the evaluation fails only once");
	}
	rc = add_expect(s, w, e);
	if (rc == 0 && ((promql__wants(w, PROMQL__WARN) && promql__wants(w, PROMQL__NO_WARN)) ||
			       (promql__wants(w, PROMQL__INFO) && promql__wants(w, PROMQL__NO_INFO))))
		return pm_fail(s->err, PM_ERR_INVALID, "an annotation is expected and not expected");
	return rc;
}

static int read_expected_range(struct promql__script *s, struct promql__want *w, struct pm_str text)
{
	int rc;

	if (!take(&text, "vector"))
		return pm_fail(s->err, PM_ERR_INVALID, "\"expect range vector from ...\" is expected");
	rc = read_range(s, w, &text);
	if (rc == 0 && text.len)
		return pm_fail(s->err, PM_ERR_INVALID, "nothing is expected behind the step");
	w->at_ms = w->end_ms;
	w->as_is = true;
	return rc;
}

static int read_string(struct promql__script *s, struct promql__want *w, struct pm_str text)
{
	struct promql_expr *e;
	int rc = promql_parse(text, NULL, &e, s->err);

	if (rc < 0)
		return rc;
	if (e->root->kind != PROMQL_NODE_STRING)
		rc = pm_fail(s->err, PM_ERR_INVALID, "a quoted string is expected");
	else
		w->string = pm_arena_str(&s->arena, e->root->string);
	promql_expr_free(e);
	w->as_is = true;
	return rc;
}

static int read_series(struct promql__script *s, struct promql__want *w, struct pm_str text)
{
	struct promql__line line;
	int rc;

	if (promql__number_parse(text, &w->scalar_v) == 0) {
		w->scalar = true;
		return 0;
	}
	rc = promql__line_parse(&s->arena, text, &line, s->err);
	if (rc < 0)
		return rc;
	if (line.start_times || line.count == 0)
		return pm_fail(s->err, PM_ERR_INVALID, "values are expected");
	if (line.count > 1 && !w->range && w->step_ms == 0)
		return pm_fail(s->err, PM_ERR_INVALID,
			"an instant query has one value a series, unless a range vector is "
			"expected");
	for (size_t i = 0; i < w->series_count; i++)
		if (pm_labels_eq(w->series[i].labels, line.labels))
			return pm_fail(s->err, PM_ERR_INVALID, "the series is expected twice");
	w->series = more(s, w->series, w->series_count, sizeof *w->series);
	if (!w->series)
		return pm_fail(s->err, PM_ERR_NOMEM, "out of memory");
	w->series[w->series_count++] = line;
	return 0;
}

/* What eval_fail took before `expect fail` was there. */
static int read_old_fail(struct promql__script *s, struct promql__want *w, struct pm_str word, struct pm_str text)
{
	struct promql__expect *e = NULL;

	for (size_t i = 0; i < w->expect_count; i++)
		if (w->expects[i].kind == PROMQL__FAIL)
			e = &w->expects[i];
	if (!e)
		return pm_fail(s->err, PM_ERR_INVALID, "%.*s belongs to eval_fail", PM_STR_ARG(word));
	if (is(word, "expected_fail_regexp"))
		return search_re(s, text, e);
	e->msg = text;
	return 0;
}

int promql__want_read(struct promql__script *s, struct promql__want *ret)
{
	const struct pm_str *line;
	int rc = read_command(s, ret);

	while (rc == 0 && (line = promql__script_line(s))) {
		struct pm_str text = *line, word = promql__word(&text);

		if (is(word, "expected_fail_message") || is(word, "expected_fail_regexp"))
			rc = read_old_fail(s, ret, word, text);
		else if (!is(word, "expect"))
			rc = read_series(s, ret, *line);
		else if (take(&text, "range"))
			rc = read_expected_range(s, ret, text);
		else if (take(&text, "string"))
			rc = read_string(s, ret, text);
		else
			rc = read_expect(s, ret, text);
	}
	return rc;
}

void promql__want_release(struct promql__want *w)
{
	for (size_t i = 0; i < w->expect_count; i++)
		pm_re_free(w->expects[i].re);
	w->expect_count = 0;
}
