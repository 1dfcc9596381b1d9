/* lex.c - the text of a query cut into tokens.
 *
 * Three states, as upstream: plain text; inside of { }, where words are labels; and behind [, where a duration is
 * awaited (there the first number leads back to plain text, with the bracket still open). Errors stand where the token
 * at hand began. */
#include "libpromql/parse/lex.h"
#include "libtsdb/base/utf8.h"

#include <stdio.h>

enum { END = -1 };

#define FAIL(l, ...) promql__parse_error((l)->err, PM_ERR_INVALID, (l)->in, (l)->start, __VA_ARGS__)

static struct pm_str rest(const struct promql_lexer *l)
{
	return (struct pm_str){ l->in.ptr + l->pos, l->in.len - l->pos };
}

/* The byte at the position, which is all that the grammar outside of strings needs; END behind the last. */
static int peek(const struct promql_lexer *l)
{
	return l->pos < l->in.len ? (unsigned char)l->in.ptr[l->pos] : END;
}

static int32_t next_rune(struct promql_lexer *l)
{
	size_t n;
	uint32_t r;

	if (l->pos >= l->in.len)
		return END;
	r = pm_utf8_decode(rest(l), &n);
	l->pos += n;
	return (int32_t)r;
}

static bool one_of(int c, const char *set)
{
	return c > 0 && strchr(set, c);
}

static bool accept(struct promql_lexer *l, const char *set)
{
	if (!one_of(peek(l), set))
		return false;
	l->pos++;
	return true;
}

static int emit(struct promql_lexer *l, struct promql_item *ret, enum promql_tok tok)
{
	*ret = (struct promql_item){ tok, l->start, { l->in.ptr + l->start, l->pos - l->start } };
	l->start = l->pos;
	return 1;
}

static int skip_space(struct promql_lexer *l)
{
	while (promql__is_space(peek(l)))
		l->pos++;
	l->start = l->pos;
	return 0;
}

static int skip_comment(struct promql_lexer *l)
{
	while (peek(l) != END && peek(l) != '\n' && peek(l) != '\r')
		l->pos++;
	l->start = l->pos;
	return 0;
}

/* ---- strings ------------------------------------------------------------------------------------ */

static int bad_escape(struct promql_lexer *l, int32_t r, const char *before, const char *after)
{
	char utf8[8] = " '";
	size_t n;

	if (r == END)
		return FAIL(l, "escape sequence not terminated");
	if (!pm_rune_printable((uint32_t)r))
		return FAIL(l, "%sU+%04X%s", before, (unsigned)r, after);
	n = pm_utf8_encode(utf8 + 2, (uint32_t)r);
	utf8[2 + n] = '\'';
	utf8[3 + n] = '\0';
	return FAIL(l, "%sU+%04X%s%s", before, (unsigned)r, utf8, after);
}

static uint32_t digit_value(int32_t r)
{
	if (r >= '0' && r <= '9')
		return (uint32_t)(r - '0');
	if (r >= 'a' && r <= 'f')
		return (uint32_t)(r - 'a' + 10);
	if (r >= 'A' && r <= 'F')
		return (uint32_t)(r - 'A' + 10);
	return 16;
}

/* Behind a backslash: one of Go's escapes. */
static int lex_escape(struct promql_lexer *l, int32_t quote)
{
	int32_t r = next_rune(l);
	uint32_t base = 16, max = 0x10ffff, v = 0;
	int digits;

	if (r == quote || (r < 0x80 && one_of((int)r, "abfnrtv\\")))
		return 0;
	if (r >= '0' && r <= '7') {
		l->pos--;
		digits = 3;
		base = 8;
		max = 255;
	} else if (r == 'x') {
		digits = 2;
		max = 255;
	} else if (r == 'u') {
		digits = 4;
	} else if (r == 'U') {
		digits = 8;
	} else {
		return bad_escape(l, r, "unknown escape sequence ", "");
	}
	for (; digits > 0; digits--) {
		r = next_rune(l);
		if (digit_value(r) >= base)
			return bad_escape(l, r, "illegal character ", " in escape sequence");
		v = v * base + digit_value(r);
	}
	if (v > max || (v >= 0xd800 && v < 0xe000))
		return FAIL(l, "escape sequence is an invalid Unicode code point");
	return 0;
}

static int lex_string(struct promql_lexer *l, struct promql_item *ret)
{
	int32_t quote = (unsigned char)l->in.ptr[l->pos++], r;
	int rc;

	while ((r = next_rune(l)) != quote) {
		if (r == PM_RUNE_ERROR)
			return FAIL(l, "invalid UTF-8 rune");
		if (quote == '`') {
			if (r == END)
				return FAIL(l, "unterminated raw string");
		} else if (r == END || r == '\n') {
			return FAIL(l, "unterminated quoted string");
		} else if (r == '\\' && (rc = lex_escape(l, quote)) < 0) {
			return rc;
		}
	}
	return emit(l, ret, PROMQL_TOK_STRING);
}

/* ---- numbers and words -------------------------------------------------------------------------- */

/* Take what may be a number; whether it is one, literal.c says. False: it is none, perhaps a duration. Takes the same
 * bytes as upstream also when it fails, since the message shows them. */
static bool scan_number(struct promql_lexer *l)
{
	const char *digits = "0123456789";
	bool hex = false, dot = false, exponent = false;
	size_t first = l->pos;

	if (accept(l, "0") && accept(l, "xX")) {
		accept(l, "_");
		digits = "0123456789abcdefABCDEF";
		hex = true;
	}
	accept(l, ".");
	accept(l, digits);
	while (one_of(peek(l), digits) || one_of(peek(l), "._eE")) {
		if (one_of(peek(l), "eE")) { /* also where a hexadecimal digit was meant */
			l->pos++;
			if (exponent)
				return false;
			exponent = true;
			accept(l, "+-");
			if (accept(l, "._eE") || peek(l) == END)
				return false;
		} else if (accept(l, ".")) {
			if (dot || accept(l, "_.") || hex)
				return false;
			dot = true;
		} else if (accept(l, "_")) {
			if (accept(l, "._eE") || peek(l) == END)
				return false;
		} else {
			while (accept(l, digits))
				;
		}
	}
	return l->pos != first && !promql__is_alnum(peek(l));
}

/* Behind the first number of a duration: its unit, and more pairs. Units are judged later. */
static bool scan_duration(struct promql_lexer *l)
{
	if (!accept(l, "smhdwy"))
		return false;
	accept(l, "s");
	while (accept(l, "0123456789")) {
		while (accept(l, "0123456789"))
			;
		if (!accept(l, "smhdw"))
			return false;
		accept(l, "s");
	}
	if (!promql__is_alnum(peek(l)))
		return true;
	l->pos++;
	return false;
}

static int lex_number(struct promql_lexer *l, struct promql_item *ret)
{
	char quoted[PROMQL_QUOTED_MAX];

	if (scan_number(l))
		return emit(l, ret, PROMQL_TOK_NUMBER);
	if (scan_duration(l))
		return emit(l, ret, PROMQL_TOK_DURATION);
	return FAIL(l, "bad number or duration syntax: %s",
		pm_quote_fixed(quoted, sizeof quoted, (struct pm_str){ l->in.ptr + l->start, l->pos - l->start }));
}

static bool starts_number(const struct promql_lexer *l)
{
	int c = peek(l);

	return promql__is_digit(c) || (c == '.' && l->pos + 1 < l->in.len && promql__is_digit(l->in.ptr[l->pos + 1]));
}

/* fill and its kin are names of metrics but before a parenthesis. */
static bool paren_follows(const struct promql_lexer *l)
{
	for (size_t i = l->pos; i < l->in.len; i++) {
		if (!promql__is_space(l->in.ptr[i]))
			return l->in.ptr[i] == '(';
	}
	return false;
}

static int lex_word(struct promql_lexer *l, struct promql_item *ret)
{
	bool colon = false;
	enum promql_tok tok;

	while (promql__is_alnum(peek(l)) || peek(l) == ':') {
		if (peek(l) == ':')
			colon = true;
		l->pos++;
	}
	tok = promql__keyword((struct pm_str){ l->in.ptr + l->start, l->pos - l->start });
	if (tok == PROMQL_TOK_EOF)
		tok = colon ? PROMQL_TOK_METRIC : PROMQL_TOK_IDENT;
	else if (tok >= PROMQL_TOK_FILL && tok <= PROMQL_TOK_FILL_RIGHT && !paren_follows(l))
		tok = PROMQL_TOK_IDENT;
	return emit(l, ret, tok);
}

/* Inside of brackets words are step, range, min_of and max_of only. 0: another word. */
static int lex_duration_word(struct promql_lexer *l, struct promql_item *ret)
{
	enum promql_tok tok;

	if (!one_of(peek(l), "sSrRmM"))
		return 0;
	while (promql__is_alpha(peek(l)))
		l->pos++;
	tok = promql__keyword((struct pm_str){ l->in.ptr + l->start, l->pos - l->start });
	return tok >= PROMQL_TOK_STEP && tok <= PROMQL_TOK_MIN_OF ? emit(l, ret, tok) : 0;
}

/* ---- states ------------------------------------------------------------------------------------- */

static int unexpected_rune(struct promql_lexer *l, const char *what)
{
	char quoted[16];
	int32_t r = next_rune(l);

	return FAIL(l, "%s %s", what, pm_quote_rune(quoted, r == END ? PM_RUNE_ERROR : (uint32_t)r));
}

static int lex_paren(struct promql_lexer *l, struct promql_item *ret)
{
	if (l->in.ptr[l->pos++] == '(') {
		l->paren_depth++;
		return emit(l, ret, PROMQL_TOK_LPAREN);
	}
	emit(l, ret, PROMQL_TOK_RPAREN);
	if (l->paren_depth == 0)
		return FAIL(l, "unexpected right parenthesis ')'");
	l->paren_depth--;
	return 1;
}

/* A token of one character, or of two when the second is `second`. */
static int lex_pair(struct promql_lexer *l, struct promql_item *ret, enum promql_tok one, int second,
	enum promql_tok two)
{
	l->pos++;
	if (peek(l) != second)
		return emit(l, ret, one);
	l->pos++;
	return emit(l, ret, two);
}

static int lex_equal(struct promql_lexer *l, struct promql_item *ret)
{
	if (l->pos + 1 < l->in.len && l->in.ptr[l->pos + 1] == '~')
		return FAIL(l, "unexpected character after '=': '~'");
	return lex_pair(l, ret, PROMQL_TOK_EQL, '=', PROMQL_TOK_EQLC);
}

static int lex_bang(struct promql_lexer *l, struct promql_item *ret)
{
	l->pos++;
	if (peek(l) != '=')
		return unexpected_rune(l, "unexpected character after '!':");
	l->pos++;
	return emit(l, ret, PROMQL_TOK_NEQ);
}

static int lex_less(struct promql_lexer *l, struct promql_item *ret, enum promql_tok plain, enum promql_tok equal,
	enum promql_tok trim)
{
	if (l->pos + 1 < l->in.len && l->in.ptr[l->pos + 1] == '/')
		return lex_pair(l, ret, plain, '/', trim);
	return lex_pair(l, ret, plain, '=', equal);
}

static int lex_bracket(struct promql_lexer *l, struct promql_item *ret)
{
	if (l->in.ptr[l->pos++] == ']') {
		if (!l->bracket_open)
			return FAIL(l, "unexpected right bracket ']'");
		l->bracket_open = l->in_duration = false;
		return emit(l, ret, PROMQL_TOK_RBRACKET);
	}
	if (l->bracket_open)
		return FAIL(l, "unexpected left bracket '['");
	l->bracket_open = l->in_duration = true;
	l->got_colon = false;
	return emit(l, ret, PROMQL_TOK_LBRACKET);
}

/* Behind the first number in brackets. */
static int lex_in_bracket(struct promql_lexer *l, struct promql_item *ret)
{
	char quoted[16], c = l->in.ptr[l->pos];
	int rc;

	if (c == ':') {
		if (l->got_colon)
			return FAIL(l, "unexpected colon ':'");
		l->got_colon = true;
		l->pos++;
		return emit(l, ret, PROMQL_TOK_COLON);
	}
	rc = lex_duration_word(l, ret);
	return rc ? rc : FAIL(l, "unexpected character: %s, expected ':'", pm_quote_rune(quoted, (unsigned char)c));
}

static int lex_end(struct promql_lexer *l, struct promql_item *ret)
{
	if (l->paren_depth)
		return FAIL(l, "unclosed left parenthesis");
	if (l->bracket_open)
		return FAIL(l, "unclosed left bracket");
	return emit(l, ret, PROMQL_TOK_EOF);
}

static int lex_single(struct promql_lexer *l, struct promql_item *ret)
{
	static const char chars[] = ",*/%+-^@";
	static const enum promql_tok toks[] = { PROMQL_TOK_COMMA, PROMQL_TOK_MUL, PROMQL_TOK_DIV, PROMQL_TOK_MOD,
		PROMQL_TOK_ADD, PROMQL_TOK_SUB, PROMQL_TOK_POW, PROMQL_TOK_AT };
	const char *at = peek(l) > 0 ? strchr(chars, peek(l)) : NULL;

	if (!at)
		return unexpected_rune(l, "unexpected character:");
	l->pos++;
	return emit(l, ret, toks[at - chars]);
}

static int lex_plain(struct promql_lexer *l, struct promql_item *ret)
{
	int c = peek(l);

	if (starts_number(l))
		return lex_number(l, ret);
	if (promql__is_alpha(c) || c == ':')
		return l->bracket_open ? lex_in_bracket(l, ret) : lex_word(l, ret);
	switch (c) {
	case END:
		return lex_end(l, ret);
	case '#':
		return skip_comment(l);
	case ' ': case '\t': case '\n': case '\r':
		return skip_space(l);
	case '"': case '\'': case '`':
		return lex_string(l, ret);
	case '(': case ')':
		return lex_paren(l, ret);
	case '[': case ']':
		return lex_bracket(l, ret);
	case '{':
		l->brace_open = true;
		l->pos++;
		return emit(l, ret, PROMQL_TOK_LBRACE);
	case '=':
		return lex_equal(l, ret);
	case '!':
		return lex_bang(l, ret);
	case '<':
		return lex_less(l, ret, PROMQL_TOK_LSS, PROMQL_TOK_LTE, PROMQL_TOK_TRIM_UPPER);
	case '>':
		return lex_less(l, ret, PROMQL_TOK_GTR, PROMQL_TOK_GTE, PROMQL_TOK_TRIM_LOWER);
	default:
		return lex_single(l, ret);
	}
}

static int lex_braces(struct promql_lexer *l, struct promql_item *ret)
{
	int c = peek(l);

	if (promql__is_alpha(c)) {
		while (promql__is_alnum(peek(l)))
			l->pos++;
		return emit(l, ret, PROMQL_TOK_IDENT);
	}
	switch (c) {
	case END:
		return FAIL(l, "unexpected end of input inside braces");
	case '#':
		return skip_comment(l);
	case ' ': case '\t': case '\n': case '\r':
		return skip_space(l);
	case '"': case '\'': case '`':
		return lex_string(l, ret);
	case ',':
		l->pos++;
		return emit(l, ret, PROMQL_TOK_COMMA);
	case '=':
		return lex_pair(l, ret, PROMQL_TOK_EQL, '~', PROMQL_TOK_EQL_REGEX);
	case '!':
		l->pos++;
		if (peek(l) != '~' && peek(l) != '=')
			return unexpected_rune(l, "unexpected character after '!' inside braces:");
		l->pos++;
		return emit(l, ret, l->in.ptr[l->pos - 1] == '~' ? PROMQL_TOK_NEQ_REGEX : PROMQL_TOK_NEQ);
	case '{':
		return FAIL(l, "unexpected left brace '{'");
	case '}':
		l->brace_open = false;
		l->pos++;
		return emit(l, ret, PROMQL_TOK_RBRACE);
	default:
		return unexpected_rune(l, "unexpected character inside braces:");
	}
}

static int lex_colon(struct promql_lexer *l, struct promql_item *ret)
{
	l->pos++;
	emit(l, ret, PROMQL_TOK_COLON);
	if (!l->got_duration)
		return FAIL(l, "unexpected colon before duration in duration expression");
	if (l->got_colon)
		return FAIL(l, "unexpected repeated colon in duration expression");
	l->got_colon = true;
	return 1;
}

/* Behind '[': what may stand before the first number. */
static int lex_duration(struct promql_lexer *l, struct promql_item *ret)
{
	static const char what[] = "unexpected character in duration expression:";
	char quoted[16];
	int c = peek(l), rc;

	if (starts_number(l)) {
		l->got_duration = true;
		l->in_duration = false;
		return lex_number(l, ret);
	}
	switch (c) {
	case END:
		return FAIL(l, "unexpected end of input in duration expression");
	case ' ': case '\t': case '\n': case '\r':
		return skip_space(l);
	case ']':
		l->got_colon = false;
		return lex_bracket(l, ret);
	case ':':
		return lex_colon(l, ret);
	case '(': case ')':
		return lex_paren(l, ret);
	case '+': case '-': case '*': case '/': case '%': case '^': case ',':
		return lex_single(l, ret);
	default:
		break;
	}
	if (!promql__is_alpha(c))
		return unexpected_rune(l, what);
	rc = lex_duration_word(l, ret);
	return rc ? rc : FAIL(l, "%s %s", what, pm_quote_rune(quoted, (uint32_t)c));
}

int promql__lex(struct promql_lexer *l, struct promql_item *ret)
{
	int rc;

	do {
		rc = l->brace_open ? lex_braces(l, ret) : l->in_duration ? lex_duration(l, ret) : lex_plain(l, ret);
	} while (rc == 0);
	return rc < 0 ? rc : 0;
}
