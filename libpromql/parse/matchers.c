/* matchers.c - selectors outside of expressions (match[] and the like), and the regular expressions of matchers. */
#include "libpromql/parse/parser.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/base/re.h"

#include <stdio.h>

/* Upstream's words for RE2's, which differ in most: Go's regexp/syntax has its own. */
static const struct {
	const char *re2, *go;
} reasons[] = {
	{ "no argument for repetition operator", "missing argument to repetition operator" },
	{ "invalid repetition size", "invalid repeat count" },
	{ "bad repetition operator", "invalid nested repetition operator" },
	{ "invalid perl operator", "invalid or unsupported Perl syntax" },
	{ "invalid named capture group", "invalid named capture" },
	{ "trailing \\", "trailing backslash at end of expression" },
	{ "missing )", "missing closing )" },
	{ "missing ]", "missing closing ]" },
	{ "unexpected )", "unexpected )" },
	{ "invalid character class range", "invalid character class range" },
	{ "invalid character class", "invalid character class" },
	{ "invalid escape sequence", "invalid escape sequence" },
	{ "invalid UTF-8", "invalid UTF-8" },
};

/* "missing ]: [a" as "missing closing ]: `[a`". */
static int bad_regex(struct promql_parser *p, const char *msg, size_t pos)
{
	static const char prefix[] = "invalid regular expression: ";

	if (strncmp(msg, prefix, sizeof prefix - 1) == 0)
		msg += sizeof prefix - 1;
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		const char *arg = msg + strlen(reasons[i].re2);

		if (strncmp(msg, reasons[i].re2, strlen(reasons[i].re2)) != 0)
			continue;
		arg = arg[0] == ':' && arg[1] == ' ' ? arg + 2 : "";
		return promql__fail_at(p, pos, "error parsing regexp: %s: `%s`", reasons[i].go, arg);
	}
	return promql__fail_at(p, pos, "error parsing regexp: %s", msg);
}

static bool is_regex(const struct pm_matcher *m)
{
	return m->type == PM_MATCH_RE || m->type == PM_MATCH_NRE;
}

int promql__check_regex(struct promql_parser *p, const struct pm_matcher *m, size_t pos)
{
	struct pm_error why = { 0 };
	struct pm_re *re = NULL;
	int rc;

	if (!is_regex(m))
		return 0;
	rc = pm_re_new(m->value, &re, &why);
	pm_re_free(re);
	if (rc == PM_ERR_NOMEM)
		return promql__parse_nomem(p);
	return rc < 0 ? bad_regex(p, why.msg, pos) : 0;
}

int promql__matches_empty(const struct pm_matcher *m)
{
	struct pm_re *re = NULL;
	bool match;
	int rc;

	if (!is_regex(m))
		return (m->value.len == 0) == (m->type == PM_MATCH_EQ);
	if ((rc = pm_re_new(m->value, &re, NULL)) < 0)
		return rc;
	match = pm_re_match(re, PM_STR(""));
	pm_re_free(re);
	return match == (m->type == PM_MATCH_RE);
}

/* ---- selectors alone ---------------------------------------------------------------------------- */

enum { TEXT_MAX = 1 << 20, ARENA_BASE = 1 << 20, ARENA_PER_BYTE = 256 };

static int parse_selector(struct promql_parser *p, struct promql_node **ret)
{
	int t = promql__peek(p), rc;
	bool named = t >= 0 && promql__is_metric_name((enum promql_tok)t);
	struct promql_item name;

	if (t < 0)
		return t;
	if (named)
		name = promql__take(p);
	if ((rc = promql__parse_selector(p, named ? &name : NULL, ret)) < 0)
		return rc;
	return promql__expect(p, PROMQL_TOK_EOF);
}

static int parse_into(struct pm_arena *arena, struct pm_str text, struct promql_matchers *ret, struct pm_error *err)
{
	struct promql_parser p;
	struct promql_node *n;
	int rc;

	text = pm_arena_str(arena, text);
	if (!text.ptr)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory while parsing a selector");
	promql__parser_init(&p, arena, text, err);
	if ((rc = parse_selector(&p, &n)) < 0)
		return rc;
	ret->v = (struct pm_matcher *)(uintptr_t)n->selector.matchers; /* the arena's, not const there */
	ret->count = n->selector.matcher_count;
	return 0;
}

int promql_parse_matchers(struct pm_str text, struct promql_matchers *ret, struct pm_error *err)
{
	struct promql_matchers m = { 0 };
	struct pm_arena *arena;
	int rc;

	if (text.len > TEXT_MAX)
		return pm_fail(
			err, PM_ERR_LIMIT, "the selector has %zu bytes, more than the limit of %d", text.len, TEXT_MAX);
	arena = pm_calloc(1, sizeof *arena);
	if (!arena)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory while parsing a selector");
	pm_arena_init(arena, ARENA_BASE + text.len * ARENA_PER_BYTE);
	m.owner = arena;
	if ((rc = parse_into(arena, text, &m, err)) < 0) {
		promql_matchers_free(&m);
		return rc;
	}
	*ret = m;
	return 0;
}

void promql_matchers_free(struct promql_matchers *m)
{
	if (!m || !m->owner)
		return;
	pm_arena_release(m->owner);
	pm_free(m->owner);
	*m = (struct promql_matchers){ 0 };
}
