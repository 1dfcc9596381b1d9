/* parser.c - the public parser: one page, line by line, in either format.
 *
 * The grammars (text.c, openmetrics.c) find the parts of a line; here they become what scrape.h promises. Memory is
 * that of the longest line: its labels, and its strings when they had escapes. Positions are worked out only for
 * errors. */
#include "libscrape/expo/parser.h"

#include "libscrape/expo/lex.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

int scrape_parser_new(struct scrape_parser **ret)
{
	struct scrape_parser *p = pm_calloc(1, sizeof *p);

	if (!p)
		return PM_ERR_NOMEM;
	if (pm_grow(&p->labels.v, &p->labels.cap, 32)) { /* never empty: the metric name is put without asking */
		pm_free(p);
		return PM_ERR_NOMEM;
	}
	*ret = p;
	return 0;
}

void scrape_parser_free(struct scrape_parser *p)
{
	if (!p)
		return;
	pm_free(p->labels.v);
	pm_free(p->exemplar.v);
	pm_free(p->scratch);
	pm_free(p);
}

void scrape_parser_begin(struct scrape_parser *p, enum scrape_format format, struct pm_str page)
{
	p->format = format;
	p->begin = p->pos = p->item = page.ptr;
	p->end = page.ptr + page.len;
	p->line = 1;
	p->ended = false;
	p->type = SCRAPE__TYPE_OTHER;
}

/* ---- errors ------------------------------------------------------------------------------------- */

/* Line and column of `at`, counted from the start of the page: errors are rare, lines are not. */
static void locate(const struct scrape_parser *p, const char *at, struct pm_error *err)
{
	const char *start = p->begin, *nl;
	int line = 1;

	while ((nl = memchr(start, '\n', (size_t)(at - start)))) {
		start = nl + 1;
		line++;
	}
	err->line = line;
	err->column = (int)(at - start) + 1;
}

int scrape__bad(struct scrape_parser *p, const char *at, const char *fmt, ...)
{
	char msg[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	pm_fail(p->err, PM_ERR_INVALID, "%s", msg);
	if (p->err)
		locate(p, at, p->err);
	return PM_ERR_INVALID;
}

int scrape__expected(struct scrape_parser *p, const char *at, const char *what)
{
	if (at >= p->end)
		return scrape__bad(p, at, "expected %s, got the end of the page", what);
	if (*at == '\n')
		return scrape__bad(p, at, "expected %s, got the end of the line", what);
	if (*at < ' ' || *at > '~')
		return scrape__bad(p, at, "expected %s, got byte 0x%02x", what, (unsigned char)*at);
	return scrape__bad(p, at, "expected %s, got '%c'", what, *at);
}

/* ---- strings ------------------------------------------------------------------------------------ */

/* What is unescaped of one line never outgrows the line, so one reservation keeps all pointers good. */
static int scratch_reserve(struct scrape_parser *p)
{
	size_t line = (size_t)(p->end - p->item);

	if (p->pos > p->item)
		line = (size_t)(p->pos - p->item);
	if (p->scratch_len)
		return 0;
	return pm_grow(&p->scratch, &p->scratch_cap, line + 1);
}

int scrape__unescape(struct scrape_parser *p, struct pm_str s, bool quotes, struct pm_str *ret)
{
	const char *in = s.ptr, *end = s.ptr + s.len;
	char *out;

	if (!s.len || !memchr(s.ptr, '\\', s.len)) {
		*ret = s;
		return 0;
	}
	if (scratch_reserve(p))
		return PM_ERR_NOMEM;
	ret->ptr = out = p->scratch + p->scratch_len;
	for (; in < end; in++) {
		char next = in + 1 < end && *in == '\\' ? in[1] : 0;

		if (next == '\\' || next == 'n' || (next == '"' && quotes)) {
			*out++ = next == 'n' ? '\n' : next;
			in++;
		} else {
			*out++ = *in;
		}
	}
	ret->len = (size_t)(out - ret->ptr);
	p->scratch_len += ret->len;
	return 0;
}

int scrape__quoted_name(struct scrape_parser *p, const char **s, struct pm_str *ret)
{
	unsigned seen = 0;
	const char *start = *s + 1, *close = quote_end(start, p->end, &seen);

	if (!close)
		return scrape__bad(p, *s, "a quoted name that does not end");
	*ret = (struct pm_str){ start, (size_t)(close - start) };
	if ((seen & SEEN_ODD) && memchr(start, '\0', ret->len))
		return scrape__bad(p, *s, "a NUL byte in a quoted name");
	if ((seen & SEEN_ODD) && !pm_utf8_valid(*ret))
		return scrape__bad(p, *s, "a quoted name is not valid UTF-8");
	if ((seen & SEEN_ODD) && memchr(start, '\n', ret->len))
		p->multi_line = true;
	*s = close + 1;
	return 0;
}

int scrape__value(struct scrape_parser *p, struct pm_str text, double *ret)
{
	const char *why = "not a number";
	int rc = PM_ERR_INVALID;
	double v;

	if (!memchr(text.ptr, 'p', text.len) && !memchr(text.ptr, 'P', text.len) && !memchr(text.ptr, '_', text.len))
		rc = pm_double_parse(text, &v);
	if (rc == PM_ERR_LIMIT)
		why = "out of range for a double";
	if (rc)
		return scrape__bad(p, text.ptr, "\"%.*s\" is %s", (int)(text.len < 80 ? text.len : 80), text.ptr, why);
	*ret = v != v ? pm_bits_double(PM_NORMAL_NAN_BITS) : v;
	return 0;
}

/* ---- lines -------------------------------------------------------------------------------------- */

static void count_lines(struct scrape_parser *p, const char *from)
{
	const char *nl;

	if (!p->multi_line) {
		p->line++;
		return;
	}
	while ((nl = memchr(from, '\n', (size_t)(p->pos - from)))) {
		p->line++;
		from = nl + 1;
	}
}

int scrape__lex(struct scrape_parser *p, struct scrape_line *ret, struct pm_error *err)
{
	int rc;

	p->err = err;
	p->scratch_len = 0;
	p->multi_line = false;
	memset(ret, 0, sizeof *ret);
	rc = p->format == SCRAPE_FORMAT_TEXT ? scrape__text_lex(p, ret) : scrape__om_lex(p, ret);
	if (rc > 0) {
		ret->line = p->line;
		count_lines(p, p->item);
	}
	return rc;
}

int scrape__lex_suffix(struct scrape_parser *p, const char *at, struct scrape_line *ret, struct pm_error *err)
{
	p->err = err;
	p->scratch_len = 0;
	p->multi_line = false;
	p->item = at;
	memset(ret, 0, sizeof *ret);
	return p->format == SCRAPE_FORMAT_TEXT ? scrape__text_suffix(p, at, ret) : scrape__om_suffix(p, at, ret);
}

int scrape_parser_next(struct scrape_parser *p, struct scrape_line *ret, struct pm_error *err)
{
	struct scrape_line line;
	int rc = scrape__lex(p, &line, err);

	if (rc <= 0)
		return rc;
	rc = 0;
	if (line.item == SCRAPE_ITEM_SAMPLE)
		rc = scrape__labels(p, false, &line.labels, err);
	else
		rc = scrape_parser_comment(p, &line, err);
	if (!rc && line.has_exemplar)
		rc = scrape__exemplar_labels(p, &line.exemplar, err);
	if (rc)
		return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
	*ret = line;
	return 1;
}

int scrape_parser_comment(struct scrape_parser *p, struct scrape_line *line, struct pm_error *err)
{
	bool quotes = p->format != SCRAPE_FORMAT_TEXT;
	int rc = 0;

	if (line->item != SCRAPE_ITEM_COMMENT && line->item != SCRAPE_ITEM_EOF)
		rc = scrape__unescape(p, line->name, true, &line->name);
	if (!rc && line->item == SCRAPE_ITEM_HELP)
		rc = scrape__unescape(p, line->value, quotes, &line->value);
	return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
}

int scrape_parser_exemplar(struct scrape_parser *p, struct pm_labels *ret, struct pm_error *err)
{
	int rc = scrape__exemplar_labels(p, ret, err);

	return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
}

/* ---- readers that know their lines -------------------------------------------------------------- */

int scrape_parser_next_text(struct scrape_parser *p, struct scrape_line *ret, struct pm_error *err)
{
	struct scrape_line line;
	int rc = scrape__lex(p, &line, err);

	if (rc > 0)
		*ret = line;
	return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
}

/* The type of the family decides whether `le` and `quantile` are normalised, so it belongs to the text. */
uint64_t scrape_parser_text_hash(const struct scrape_parser *p, struct pm_str text)
{
	return pm_hash_seed(text.ptr, text.len, p->type);
}

/* Equal bytes before a blank need not be all of the name and labels (`a {b="c"} 1`): then what follows is no number,
 * and the line is left to the grammar. */
int scrape_parser_next_known(struct scrape_parser *p, uint64_t text_hash, size_t text_len, struct scrape_line *ret)
{
	struct pm_str text = { p->pos, text_len };
	struct scrape_line line;

	if (p->ended || (size_t)(p->end - p->pos) <= text_len || !is_blank(p->pos[text_len]) ||
		scrape_parser_text_hash(p, text) != text_hash)
		return 0;
	if (scrape__lex_suffix(p, text.ptr + text_len, &line, NULL) != 0) {
		p->pos = text.ptr;
		return 0;
	}
	line.item = SCRAPE_ITEM_SAMPLE;
	line.line = p->line;
	line.text = text;
	count_lines(p, text.ptr);
	*ret = line;
	return 1;
}

int scrape_parser_labels(struct scrape_parser *p, struct pm_labels *ret, struct pm_error *err)
{
	int rc = scrape__labels(p, false, ret, err);

	return rc == PM_ERR_NOMEM ? pm_fail(err, rc, "out of memory") : rc;
}

void scrape_parser_continue(struct scrape_parser *p, struct pm_str window)
{
	enum scrape__type type = p->type;

	scrape_parser_begin(p, p->format, window);
	p->type = type;
}
