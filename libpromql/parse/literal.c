/* literal.c - the values of numbers, durations and strings. */
#include "libpromql/parse/parser.h"

#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"


/* ---- numbers ------------------------------------------------------------------------------------ */

/* Underscores stand between digits, or behind 0x: Go's rule for literals. */
static bool underscores_fit(struct pm_str s, bool hex)
{
	bool digit = hex, underscore = false;

	for (size_t i = hex ? 2 : 0; i < s.len; i++) {
		int c = (unsigned char)s.ptr[i];

		if (c == '_' ? !digit : underscore && !(hex ? promql__is_alnum(c) : promql__is_digit(c)))
			return false;
		underscore = c == '_';
		digit = hex ? promql__is_alnum(c) && !underscore : promql__is_digit(c);
	}
	return !underscore;
}

/* Go's strconv.ParseInt(s, 0, 64) without a sign: 0x is hexadecimal and a leading 0 octal. False: no such integer. */
static bool parse_integer(struct pm_str s, double *ret)
{
	unsigned base = 10;
	size_t prefix = 0;
	uint64_t v = 0;

	if (s.len > 2 && s.ptr[0] == '0' && (s.ptr[1] | 0x20) == 'x') {
		base = 16;
		prefix = 2;
	} else if (s.len > 1 && s.ptr[0] == '0') {
		base = 8;
		prefix = 1;
	}
	if (!underscores_fit(s, base == 16))
		return false;
	for (size_t i = prefix; i < s.len; i++) {
		int c = (unsigned char)s.ptr[i];
		unsigned digit;

		if (c == '_')
			continue;
		digit = promql__is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
		if (!promql__is_alnum(c) || digit >= base || v > ((uint64_t)INT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
	}
	*ret = (double)v;
	return s.len > 0;
}

/* Go's strconv.ParseFloat: pm_double_parse, but underscores may stand between digits. */
static int parse_decimal(struct promql_parser *p, struct pm_str s, double *ret)
{
	char *plain;
	size_t len = 0;

	if (!memchr(s.ptr, '_', s.len))
		return pm_double_parse(s, ret);
	if (!underscores_fit(s, false))
		return PM_ERR_INVALID;
	plain = pm_arena_alloc(p->arena, s.len);
	if (!plain)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] != '_')
			plain[len++] = s.ptr[i];
	}
	return pm_double_parse((struct pm_str){ plain, len }, ret);
}

static int parse_float(struct promql_parser *p, const struct promql_item *it, double *ret)
{
	char quoted[PROMQL_QUOTED_MAX];
	int rc;

	if (parse_integer(it->text, ret))
		return 0;
	rc = parse_decimal(p, it->text, ret);
	if (rc == 0 || rc == PM_ERR_NOMEM)
		return rc == 0 ? 0 : promql__parse_nomem(p);
	return promql__fail_at(p, it->start, "error parsing number: strconv.ParseFloat: parsing %s: %s",
		pm_quote_fixed(quoted, sizeof quoted, it->text),
		rc == PM_ERR_LIMIT ? "value out of range" : "invalid syntax");
}

/* ---- durations ---------------------------------------------------------------------------------- */

struct unit {
	char name[3];
	uint64_t ns;
};

static const struct unit *find_unit(struct pm_str s, size_t *ret_rank)
{
	static const struct unit units[] = {
		{ "y", UINT64_C(31536000000000000) },
		{ "w", UINT64_C(604800000000000) },
		{ "d", UINT64_C(86400000000000) },
		{ "h", UINT64_C(3600000000000) },
		{ "m", UINT64_C(60000000000) },
		{ "s", 1000000000 },
		{ "ms", 1000000 },
	};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (pm_str_eq(s, pm_str(units[i].name))) {
			*ret_rank = i + 1;
			return &units[i];
		}
	}
	return NULL;
}

/* Numbers and units in turn, units descending: upstream's model.ParseDuration, to the wording of its errors. */
static int parse_duration(struct promql_parser *p, const struct promql_item *it, double *ret)
{
	struct pm_str s = it->text;
	char quoted[PROMQL_QUOTED_MAX], unit_quoted[64];
	size_t last_rank = 0, rank = 0, i = 0;
	uint64_t total = 0;

	pm_quote_fixed(quoted, sizeof quoted, s);
	while (i < s.len) {
		struct pm_str name;
		const struct unit *unit;
		size_t first = i;
		uint64_t v = 0;
		bool over = false;

		for (; i < s.len && promql__is_digit(s.ptr[i]); i++) {
			over |= v > (UINT64_MAX - 9) / 10;
			v = v * 10 + (uint64_t)(s.ptr[i] - '0');
		}
		if (over || i == first)
			return promql__fail_at(p, it->start, "not a valid duration string: %s", quoted);
		name = (struct pm_str){ s.ptr + i, 0 };
		for (; i < s.len && !promql__is_digit(s.ptr[i]); i++)
			name.len++;
		unit = find_unit(name, &rank);
		if (!unit)
			return promql__fail_at(p, it->start, "unknown unit %s in duration %s",
				pm_quote_fixed(unit_quoted, sizeof unit_quoted, name), quoted);
		if (rank <= last_rank)
			return promql__fail_at(p, it->start, "not a valid duration string: %s", quoted);
		last_rank = rank;
		if (v > (UINT64_C(1) << 63) / unit->ns || (total += v * unit->ns) > INT64_MAX)
			return promql__fail_at(p, it->start, "duration out of range");
	}
	*ret = (double)(total / 1000000000) + (double)(total % 1000000000) / 1e9;
	return 0;
}

int promql__parse_number(struct promql_parser *p, double *ret, bool *ret_is_duration, struct promql_item *ret_item)
{
	struct promql_item it = promql__take(p);
	int rc = it.tok == PROMQL_TOK_DURATION ? parse_duration(p, &it, ret) : parse_float(p, &it, ret);

	if (rc < 0)
		return rc;
	if (ret_is_duration)
		*ret_is_duration = it.tok == PROMQL_TOK_DURATION;
	if (ret_item)
		*ret_item = it;
	return 0;
}

/* ---- strings ------------------------------------------------------------------------------------ */

static uint32_t read_digits(const char **in, int count, unsigned base)
{
	uint32_t v = 0;

	for (; count > 0; count--) {
		char c = *(*in)++;

		v = v * base + (uint32_t)(promql__is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

/* Write what the escape behind a backslash means and step over it. The lexer has checked it. */
static size_t unescape(const char **in, char *out)
{
	static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
	char c = *(*in)++;
	const char *at;

	switch (c) {
	case 'x':
		out[0] = (char)read_digits(in, 2, 16); /* a byte, perhaps no UTF-8 */
		return 1;
	case 'u':
		return pm_utf8_encode(out, read_digits(in, 4, 16));
	case 'U':
		return pm_utf8_encode(out, read_digits(in, 8, 16));
	default:
		break;
	}
	if (promql__is_digit(c)) {
		(*in)--;
		out[0] = (char)read_digits(in, 3, 8);
		return 1;
	}
	at = strchr(letters, c);
	out[0] = at ? values[at - letters] : c;
	return 1;
}

int promql__unquote(struct promql_parser *p, struct pm_str quoted, struct pm_str *ret)
{
	struct pm_str s = { quoted.ptr + 1, quoted.len - 2 };
	const char *in = s.ptr, *end = s.ptr + s.len;
	char *out;
	size_t len = 0;

	if (quoted.ptr[0] == '`' || s.len == 0 || !memchr(s.ptr, '\\', s.len)) {
		*ret = s;
		return 0;
	}
	out = pm_arena_alloc(p->arena, s.len); /* an escape is never shorter than its meaning */
	if (!out)
		return promql__parse_nomem(p);
	while (in < end) {
		if (*in != '\\') {
			out[len++] = *in++;
			continue;
		}
		in++;
		len += unescape(&in, out + len);
	}
	*ret = (struct pm_str){ out, len };
	return 0;
}
