/* re_simple.c - reading and matching simple patterns.
 *
 * Why the answers are RE2's: outside of what is read here a pattern has only literal characters, and an alternation
 * anchored at both ends matches exactly when one alternative does. "^" at the start of an alternative and "$" at its
 * end hold there anyway. Literals are valid UTF-8, so that a match of their bytes begins and ends between
 * characters, and in ".+" a byte is left over exactly when a character is. (Text that is not UTF-8 is matched by ".",
 * as in Go; RE2 in C++ would not.) */
#include "libtsdb/base/re_simple.h"

#include "libtsdb/base/mem.h"
#include "libtsdb/base/utf8.h"

#include <stdlib.h>

struct reader {
	const char *p, *end;
	char *out; /* where the next literal byte goes */
};

static bool starts_with(const struct reader *r, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(r->end - r->p) >= len && memcmp(r->p, text, len) == 0;
}

static enum pm_re_gap take_gap(struct reader *r)
{
	enum pm_re_gap gap = starts_with(r, ".*") ? PM_RE_ANY : starts_with(r, ".+") ? PM_RE_SOME : PM_RE_NONE;

	if (gap)
		r->p += 2;
	return gap;
}

static bool is_punct(char c)
{
	return c > ' ' && c < 0x7f && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '_';
}

/* Characters that stand for themselves, and escaped punctuation, up to anything else. */
static struct pm_str take_literal(struct reader *r)
{
	char *start = r->out;

	for (; r->p < r->end; r->p++) {
		if (*r->p == '\\' && r->end - r->p > 1 && is_punct(r->p[1]))
			r->p++;
		else if (memchr("\\.+*?()|[]{}^$", *r->p, 14))
			break;
		*r->out++ = *r->p;
	}
	return (struct pm_str){ start, (size_t)(r->out - start) };
}

/* After it, the reader stands at '|' or at the end, or the alternative is not simple. */
static bool take_alt(struct reader *r, struct pm_re_alt *alt)
{
	if (starts_with(r, "^"))
		r->p++;
	*alt = (struct pm_re_alt){ .before = take_gap(r) };
	alt->literal = take_literal(r);
	alt->after = take_gap(r);
	if (starts_with(r, "$"))
		r->p++;
	if (alt->before && alt->after && alt->literal.len == 0)
		return false;
	return r->p == r->end || *r->p == '|';
}

static size_t count_alts(struct pm_str s)
{
	size_t n = 1;

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == '|';
	return n;
}

/* The inside of "(...)" or "(?:...)" around all. That the parentheses belong together shows later: a simple
 * alternative has none. */
static struct pm_str strip_group(struct pm_str s, bool *ret_group)
{
	bool capture;

	if (s.len < 2 || s.ptr[0] != '(' || s.ptr[s.len - 1] != ')')
		return s;
	capture = s.ptr[1] != '?';
	if (!capture && (s.len < 4 || s.ptr[2] != ':'))
		return s;
	*ret_group = capture;
	return (struct pm_str){ s.ptr + (capture ? 1 : 3), s.len - (capture ? 2 : 4) };
}

static int by_bytes(const void *a, const void *b)
{
	return pm_str_cmp(*(const struct pm_str *)a, *(const struct pm_str *)b);
}

static int collect_literals(struct pm_re_simple *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->alt_count; i++)
		if (s->alts[i].before || s->alts[i].after)
			return 0;
	s->literals = pm_calloc(s->alt_count, sizeof *s->literals);
	if (!s->literals)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < s->alt_count; i++)
		s->literals[i] = s->alts[i].literal;
	qsort(s->literals, s->alt_count, sizeof *s->literals, by_bytes);
	for (size_t i = 0; i < s->alt_count; i++)
		if (n == 0 || !pm_str_eq(s->literals[n - 1], s->literals[i]))
			s->literals[n++] = s->literals[i];
	s->literal_count = n;
	return 0;
}

int pm_re_simple_read(struct pm_str pattern, struct pm_re_simple *ret)
{
	struct pm_re_simple s = { 0 };
	struct pm_str inner = strip_group(pattern.len ? pattern : PM_STR(""), &s.group);
	struct reader r = { inner.ptr, inner.ptr + inner.len, NULL };
	int rc = 0;

	if (!pm_utf8_valid(pattern))
		return 0;
	s.bytes = pm_malloc(inner.len + 1);
	s.alts = pm_calloc(count_alts(inner), sizeof *s.alts);
	if (!s.bytes || !s.alts) {
		rc = PM_ERR_NOMEM;
		goto done;
	}
	r.out = s.bytes;
	while (take_alt(&r, &s.alts[s.alt_count])) {
		s.alt_count++;
		if (r.p == r.end) {
			rc = collect_literals(&s) < 0 ? PM_ERR_NOMEM : 1;
			break;
		}
		r.p++;
	}
done:
	if (rc == 1)
		*ret = s;
	else
		pm_re_simple_release(&s);
	return rc;
}

void pm_re_simple_release(struct pm_re_simple *s)
{
	pm_free(s->alts);
	pm_free(s->literals);
	pm_free(s->bytes);
	*s = (struct pm_re_simple){ 0 };
}

/* The literal with room for the gaps: at the start, at the end, or anywhere between. */
static bool alt_matches(const struct pm_re_alt *a, struct pm_str t)
{
	size_t len = a->literal.len, front = a->before == PM_RE_SOME, back = a->after == PM_RE_SOME;

	if (t.len < len + front + back)
		return false;
	if (!a->before && !a->after)
		return pm_str_eq(a->literal, t);
	if (len == 0)
		return true;
	if (!a->before)
		return memcmp(t.ptr, a->literal.ptr, len) == 0;
	if (!a->after)
		return memcmp(t.ptr + t.len - len, a->literal.ptr, len) == 0;
	return memmem(t.ptr + front, t.len - front - back, a->literal.ptr, len) != NULL;
}

bool pm_re_simple_match(const struct pm_re_simple *s, struct pm_str text)
{
	if (s->literals)
		return bsearch(&text, s->literals, s->literal_count, sizeof *s->literals, by_bytes) != NULL;
	for (size_t i = 0; i < s->alt_count; i++)
		if (alt_matches(&s->alts[i], text))
			return true;
	return false;
}
