/* token.c - keywords, the names that messages give to tokens, and where in a text a byte stands. */
#include "libpromql/parse/lex.h"
#include "libtsdb/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

/* Sorted, for the search below. */
static const struct {
	const char *word;
	enum promql_tok tok;
} keywords[] = {
	{ "anchored", PROMQL_TOK_ANCHORED },
	{ "and", PROMQL_TOK_AND },
	{ "atan2", PROMQL_TOK_ATAN2 },
	{ "avg", PROMQL_TOK_AVG },
	{ "bool", PROMQL_TOK_BOOL },
	{ "bottomk", PROMQL_TOK_BOTTOMK },
	{ "by", PROMQL_TOK_BY },
	{ "count", PROMQL_TOK_COUNT },
	{ "count_values", PROMQL_TOK_COUNT_VALUES },
	{ "end", PROMQL_TOK_END },
	{ "fill", PROMQL_TOK_FILL },
	{ "fill_left", PROMQL_TOK_FILL_LEFT },
	{ "fill_right", PROMQL_TOK_FILL_RIGHT },
	{ "group", PROMQL_TOK_GROUP },
	{ "group_left", PROMQL_TOK_GROUP_LEFT },
	{ "group_right", PROMQL_TOK_GROUP_RIGHT },
	{ "ignoring", PROMQL_TOK_IGNORING },
	{ "inf", PROMQL_TOK_NUMBER },
	{ "limit_ratio", PROMQL_TOK_LIMIT_RATIO },
	{ "limitk", PROMQL_TOK_LIMITK },
	{ "max", PROMQL_TOK_MAX },
	{ "max_of", PROMQL_TOK_MAX_OF },
	{ "min", PROMQL_TOK_MIN },
	{ "min_of", PROMQL_TOK_MIN_OF },
	{ "nan", PROMQL_TOK_NUMBER },
	{ "offset", PROMQL_TOK_OFFSET },
	{ "on", PROMQL_TOK_ON },
	{ "or", PROMQL_TOK_OR },
	{ "quantile", PROMQL_TOK_QUANTILE },
	{ "range", PROMQL_TOK_RANGE },
	{ "smoothed", PROMQL_TOK_SMOOTHED },
	{ "start", PROMQL_TOK_START },
	{ "stddev", PROMQL_TOK_STDDEV },
	{ "stdvar", PROMQL_TOK_STDVAR },
	{ "step", PROMQL_TOK_STEP },
	{ "sum", PROMQL_TOK_SUM },
	{ "topk", PROMQL_TOK_TOPK },
	{ "unless", PROMQL_TOK_UNLESS },
	{ "without", PROMQL_TOK_WITHOUT },
};

/* Order of `word`, letters taken as lower case, against a keyword. */
static int cmp_lower(struct pm_str word, const char *key)
{
	for (size_t i = 0; i < word.len; i++) {
		unsigned char c = (unsigned char)word.ptr[i];

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c | 0x20);
		if (c != (unsigned char)key[i])
			return c < (unsigned char)key[i] ? -1 : 1;
	}
	return key[word.len] ? -1 : 0;
}

enum promql_tok promql__keyword(struct pm_str word)
{
	size_t lo = 0, hi = sizeof keywords / sizeof keywords[0];

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = cmp_lower(word, keywords[mid].word);

		if (c == 0)
			return keywords[mid].tok;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return PROMQL_TOK_EOF;
}

static const char *const op_names[] = {
	[PROMQL_OP_ADD] = "+",
	[PROMQL_OP_SUB] = "-",
	[PROMQL_OP_MUL] = "*",
	[PROMQL_OP_DIV] = "/",
	[PROMQL_OP_MOD] = "%",
	[PROMQL_OP_POW] = "^",
	[PROMQL_OP_ATAN2] = "atan2",
	[PROMQL_OP_EQL] = "==",
	[PROMQL_OP_NEQ] = "!=",
	[PROMQL_OP_GTR] = ">",
	[PROMQL_OP_LSS] = "<",
	[PROMQL_OP_GTE] = ">=",
	[PROMQL_OP_LTE] = "<=",
	[PROMQL_OP_AND] = "and",
	[PROMQL_OP_OR] = "or",
	[PROMQL_OP_UNLESS] = "unless",
	[PROMQL_OP_TRIM_UPPER] = "</",
	[PROMQL_OP_TRIM_LOWER] = ">/",
};

static const char *const agg_names[] = {
	[PROMQL_AGG_SUM] = "sum", [PROMQL_AGG_AVG] = "avg", [PROMQL_AGG_MIN] = "min", [PROMQL_AGG_MAX] = "max",
	[PROMQL_AGG_COUNT] = "count", [PROMQL_AGG_GROUP] = "group", [PROMQL_AGG_STDDEV] = "stddev",
	[PROMQL_AGG_STDVAR] = "stdvar", [PROMQL_AGG_TOPK] = "topk", [PROMQL_AGG_BOTTOMK] = "bottomk",
	[PROMQL_AGG_QUANTILE] = "quantile", [PROMQL_AGG_COUNT_VALUES] = "count_values", [PROMQL_AGG_LIMITK] = "limitk",
	[PROMQL_AGG_LIMIT_RATIO] = "limit_ratio",
};

const char *promql__op_name(enum promql_op op)
{
	return op_names[op];
}

const char *promql__agg_name(enum promql_agg op)
{
	return agg_names[op];
}

const char *promql_type_name(enum promql_type t)
{
	static const char *const names[] = { "none", "scalar", "vector", "matrix", "string" };

	return (unsigned)t < sizeof names / sizeof names[0] ? names[t] : "none";
}

/* Quoted, cut to ten runes when longer than ten bytes. */
static char *quote_short(char *out, size_t size, const char *before, struct pm_str s)
{
	char quoted[64];
	struct pm_str cut = { s.ptr, 0 };
	size_t n;

	if (s.len <= 10) {
		snprintf(out, size, "%s%s", before, pm_quote_fixed(quoted, sizeof quoted, s));
		return out;
	}
	for (int runes = 0; runes < 10 && cut.len < s.len; runes++) {
		pm_utf8_decode((struct pm_str){ s.ptr + cut.len, s.len - cut.len }, &n);
		cut.len += n;
	}
	snprintf(out, size, "%s%s...", before, pm_quote_fixed(quoted, sizeof quoted, cut));
	return out;
}

char *promql__describe(char *out, size_t size, const struct promql_item *it)
{
	char quoted[PROMQL_QUOTED_MAX];

	switch (it->tok) {
	case PROMQL_TOK_EOF:
		snprintf(out, size, "end of input");
		return out;
	case PROMQL_TOK_IDENT:
		snprintf(out, size, "identifier %s", pm_quote_fixed(quoted, sizeof quoted, it->text));
		return out;
	case PROMQL_TOK_METRIC:
		snprintf(out, size, "metric identifier %s", pm_quote_fixed(quoted, sizeof quoted, it->text));
		return out;
	case PROMQL_TOK_NUMBER:
		return quote_short(out, size, "number ", it->text);
	case PROMQL_TOK_DURATION:
		return quote_short(out, size, "duration ", it->text);
	case PROMQL_TOK_STRING:
		return quote_short(out, size, "string ", it->text);
	default:
		break;
	}
	if (!promql__is_op(it->tok) && !promql__is_agg(it->tok) && !promql__is_keyword(it->tok))
		return quote_short(out, size, "", it->text);
	snprintf(out, size, "<%s%.*s>", promql__is_op(it->tok) ? "op:" : promql__is_agg(it->tok) ? "aggr:" : "",
		PM_STR_ARG(it->text));
	return out;
}

void promql__position(struct pm_str text, size_t offset, int *ret_line, int *ret_column)
{
	size_t line = 1, line_start = 0;

	if (offset > text.len)
		offset = text.len;
	for (size_t i = 0; i < offset; i++) {
		if (text.ptr[i] == '\n') {
			line++;
			line_start = i + 1;
		}
	}
	*ret_line = (int)line;
	*ret_column = (int)(offset - line_start + 1);
}

int promql__parse_error(struct pm_error *err, int code, struct pm_str text, size_t pos, const char *fmt, ...)
{
	char msg[sizeof err->msg - 64];
	int line, column;
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	if (text.len == 0)
		return pm_fail(err, code, "unknown position: parse error: %s", msg);
	promql__position(text, pos, &line, &column);
	pm_fail(err, code, "%d:%d: parse error: %s", line, column, msg);
	err->line = line;
	err->column = column;
	return code;
}
