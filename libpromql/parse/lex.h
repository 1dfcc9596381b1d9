/* lex.h - PromQL's tokens. Private to parse/.
 *
 * The lexer is upstream's state machine (promql/parser/lex.go) by behaviour: what it refuses and where depends on the
 * parentheses, braces and brackets that are open, and error messages show it. */
#ifndef PROMQL_PARSE_LEX_H
#define PROMQL_PARSE_LEX_H

#include "libpromql/parse/ast.h"

/* Kinds of tokens, in ranges: operators, aggregators (in the order of enum promql_agg), keywords and the names of
 * functions that are tokens because durations and @ use them too. */
enum promql_tok {
	PROMQL_TOK_EOF,
	PROMQL_TOK_IDENT,
	PROMQL_TOK_METRIC, /* an identifier with a colon */
	PROMQL_TOK_NUMBER,
	PROMQL_TOK_DURATION,
	PROMQL_TOK_STRING,
	PROMQL_TOK_LPAREN, PROMQL_TOK_RPAREN,
	PROMQL_TOK_LBRACE, PROMQL_TOK_RBRACE,
	PROMQL_TOK_LBRACKET, PROMQL_TOK_RBRACKET,
	PROMQL_TOK_COMMA, PROMQL_TOK_COLON,
	PROMQL_TOK_EQL,        /* = */
	/* operators */
	PROMQL_TOK_ADD, PROMQL_TOK_SUB, PROMQL_TOK_MUL, PROMQL_TOK_DIV, PROMQL_TOK_MOD, PROMQL_TOK_POW,
	PROMQL_TOK_ATAN2,
	PROMQL_TOK_EQLC,       /* == */
	PROMQL_TOK_NEQ, PROMQL_TOK_GTR, PROMQL_TOK_LSS, PROMQL_TOK_GTE, PROMQL_TOK_LTE,
	PROMQL_TOK_AND, PROMQL_TOK_OR, PROMQL_TOK_UNLESS,
	PROMQL_TOK_TRIM_UPPER, PROMQL_TOK_TRIM_LOWER,
	PROMQL_TOK_EQL_REGEX, PROMQL_TOK_NEQ_REGEX, PROMQL_TOK_AT,
	/* aggregators */
	PROMQL_TOK_SUM, PROMQL_TOK_AVG, PROMQL_TOK_MIN, PROMQL_TOK_MAX, PROMQL_TOK_COUNT, PROMQL_TOK_GROUP,
	PROMQL_TOK_STDDEV, PROMQL_TOK_STDVAR, PROMQL_TOK_TOPK, PROMQL_TOK_BOTTOMK, PROMQL_TOK_QUANTILE,
	PROMQL_TOK_COUNT_VALUES, PROMQL_TOK_LIMITK, PROMQL_TOK_LIMIT_RATIO,
	/* keywords */
	PROMQL_TOK_OFFSET, PROMQL_TOK_SMOOTHED, PROMQL_TOK_ANCHORED, PROMQL_TOK_BY, PROMQL_TOK_WITHOUT, PROMQL_TOK_ON,
	PROMQL_TOK_IGNORING, PROMQL_TOK_GROUP_LEFT, PROMQL_TOK_GROUP_RIGHT, PROMQL_TOK_FILL, PROMQL_TOK_FILL_LEFT,
	PROMQL_TOK_FILL_RIGHT, PROMQL_TOK_BOOL,
	/* functions that are tokens */
	PROMQL_TOK_START, PROMQL_TOK_END, PROMQL_TOK_STEP, PROMQL_TOK_RANGE, PROMQL_TOK_MAX_OF, PROMQL_TOK_MIN_OF,

	PROMQL_TOK_COUNT_
};

struct promql_item {
	enum promql_tok tok;
	size_t start;
	struct pm_str text; /* a slice of the query, quotes included */
};

struct promql_lexer {
	struct pm_str in;
	size_t pos, start;   /* next byte; first byte of the token being read */
	size_t paren_depth;
	bool brace_open, bracket_open;
	bool got_colon;      /* a ':' since the bracket opened */
	bool got_duration;   /* a number inside of brackets, ever */
	bool in_duration;    /* behind '[', until the first number or ']' */
	struct pm_error *err;
};

/* Read the next token, comments left out. At the end gives PROMQL_TOK_EOF for ever. PM_ERR_INVALID: no token, `err`
 * is filled. */
int promql__lex(struct promql_lexer *l, struct promql_item *ret);

/* Fill `err` with upstream's "LINE:COLUMN: parse error: " and the message, and return `code`. */
int promql__parse_error(struct pm_error *err, int code, struct pm_str text, size_t pos, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* What a message quotes is cut to this. */
enum { PROMQL_QUOTED_MAX = 640 };

/* How an error message names a token: `identifier "foo"`, `<op:+>`, `end of input`. `out` has `size` bytes. */
char *promql__describe(char *out, size_t size, const struct promql_item *item);

/* The token of a keyword in any case, PROMQL_TOK_NUMBER for inf and nan; PROMQL_TOK_EOF: none. */
enum promql_tok promql__keyword(struct pm_str word);

static inline bool promql__is_op(enum promql_tok t)
{
	return t >= PROMQL_TOK_ADD && t <= PROMQL_TOK_AT;
}

static inline bool promql__is_agg(enum promql_tok t)
{
	return t >= PROMQL_TOK_SUM && t <= PROMQL_TOK_LIMIT_RATIO;
}

static inline bool promql__is_keyword(enum promql_tok t)
{
	return t >= PROMQL_TOK_OFFSET && t <= PROMQL_TOK_BOOL;
}

static inline bool promql__is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool promql__is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool promql__is_alpha(int c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool promql__is_alnum(int c)
{
	return promql__is_alpha(c) || promql__is_digit(c);
}

#endif
