/* quote.c - strings in double quotes as Go's strconv.Quote writes them. */
#include "libtsdb/base/buf.h"
#include "libtsdb/base/utf8.h"

#include <stdio.h>

bool pm_rune_printable(uint32_t r)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
#include "libtsdb/base/printable.inc"
	};
	size_t lo = 0, hi = sizeof ranges / sizeof ranges[0];

	if (r < 0x7f)
		return r >= ' ';
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r < ranges[mid].first)
			hi = mid;
		else if (r > ranges[mid].last)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

enum { ESCAPED_MAX = 12 };

static size_t escape(char *out, uint32_t r, char quote)
{
	static const char plain[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
	const char *at;

	if (r == (unsigned char)quote || r == '\\')
		return (size_t)snprintf(out, ESCAPED_MAX, "\\%c", (int)r);
	if (pm_rune_printable(r))
		return pm_utf8_encode(out, r);
	if (r && r < ' ' && (at = strchr(plain, (int)r)))
		return (size_t)snprintf(out, ESCAPED_MAX, "\\%c", letters[at - plain]);
	if (r < ' ' || r == 0x7f)
		return (size_t)snprintf(out, ESCAPED_MAX, "\\x%02x", r);
	if (r < 0x10000)
		return (size_t)snprintf(out, ESCAPED_MAX, "\\u%04x", r);
	return (size_t)snprintf(out, ESCAPED_MAX, "\\U%08x", r);
}

/* Escape the first rune of `*s` into `out` and step over it. Bytes that are no UTF-8 stay bytes: \xff. */
static size_t escape_next(struct pm_str *s, char *out)
{
	size_t n;
	uint32_t r = pm_utf8_decode(*s, &n);
	unsigned char first = (unsigned char)s->ptr[0];

	s->ptr += n;
	s->len -= n;
	if (r == PM_RUNE_ERROR && n == 1)
		return (size_t)snprintf(out, ESCAPED_MAX, "\\x%02x", first);
	return escape(out, r, '"');
}

void pm_quote(struct pm_buf *b, struct pm_str s)
{
	char tmp[ESCAPED_MAX];

	pm_buf_char(b, '"');
	while (s.len) {
		size_t n = escape_next(&s, tmp);

		pm_buf_add(b, tmp, n);
	}
	pm_buf_char(b, '"');
}

char *pm_quote_fixed(char *out, size_t size, struct pm_str s)
{
	char tmp[ESCAPED_MAX];
	size_t len = 0;

	if (size < 3) {
		if (size)
			out[0] = '\0';
		return out;
	}
	out[len++] = '"';
	while (s.len) {
		size_t n = escape_next(&s, tmp);

		if (n > size - 2 - len)
			break;
		memcpy(out + len, tmp, n);
		len += n;
	}
	out[len++] = '"';
	out[len] = '\0';
	return out;
}

char *pm_quote_rune(char *out, uint32_t r)
{
	size_t n;

	if (r > 0x10ffff || (r >= 0xd800 && r < 0xe000))
		r = PM_RUNE_ERROR;
	out[0] = '\'';
	n = 1 + escape(out + 1, r, '\'');
	out[n] = '\'';
	out[n + 1] = '\0';
	return out;
}
