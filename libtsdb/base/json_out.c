/* json_out.c - the JSON writer. Strings are copied in runs that need no escape, found by a table of bytes. */
#include "libtsdb/base/json_out.h"

#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <assert.h>
#include <math.h>

enum {
	ESC_ALWAYS = 1, /* control characters, quote, backslash */
	ESC_PLAIN = 2,  /* only in plain strings: HTML, and what is not ASCII */
};

static const unsigned char escapes[256] = {
	[0x00 ... 0x1f] = ESC_ALWAYS,
	['"'] = ESC_ALWAYS,
	['\\'] = ESC_ALWAYS,
	['<'] = ESC_PLAIN,
	['>'] = ESC_PLAIN,
	['&'] = ESC_PLAIN,
	[0x80 ... 0xff] = ESC_PLAIN,
};

void pm_json_init(struct pm_json *j, struct pm_buf *buf)
{
	*j = (struct pm_json){ .buf = buf };
}

/* Before a value: the comma that it may need, and the note that the next one needs it. */
static void begin_value(struct pm_json *j)
{
	if (j->comma)
		pm_buf_char(j->buf, ',');
	j->comma = true;
}

static void open_with(struct pm_json *j, char bracket)
{
	begin_value(j);
	pm_buf_char(j->buf, bracket);
	j->comma = false;
}

static void close_with(struct pm_json *j, char bracket)
{
	pm_buf_char(j->buf, bracket);
	j->comma = true;
}

void pm_json_object(struct pm_json *j)
{
	open_with(j, '{');
}

void pm_json_object_end(struct pm_json *j)
{
	close_with(j, '}');
}

void pm_json_array(struct pm_json *j)
{
	open_with(j, '[');
}

void pm_json_array_end(struct pm_json *j)
{
	close_with(j, ']');
}

/* ---- strings ------------------------------------------------------------------------------------ */

static void put_ascii_escape(struct pm_buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '"':
	case '\\':
		text[1] = (char)c;
		break;
	case '\n':
		text[1] = 'n';
		break;
	case '\r':
		text[1] = 'r';
		break;
	case '\t':
		text[1] = 't';
		break;
	default:
		pm_buf_add(b, text, 6);
		return;
	}
	pm_buf_add(b, text, 2);
}

/* One character beyond ASCII of a plain string; returns the bytes it took. */
static size_t put_rune(struct pm_buf *b, struct pm_str s)
{
	size_t len;
	uint32_t rune = pm_utf8_decode(s, &len);

	if (rune == PM_RUNE_ERROR && len == 1)
		pm_buf_cstr(b, "\\ufffd");
	else if (rune == 0x2028 || rune == 0x2029)
		pm_buf_cstr(b, rune == 0x2028 ? "\\u2028" : "\\u2029");
	else
		pm_buf_add(b, s.ptr, len);
	return len;
}

static void put_string(struct pm_buf *b, struct pm_str s, unsigned char which)
{
	const char *p = s.len ? s.ptr : "", *end = p + s.len, *run;

	pm_buf_char(b, '"');
	while (p < end) {
		for (run = p; p < end && !(escapes[(unsigned char)*p] & which); p++)
			;
		pm_buf_add(b, run, (size_t)(p - run));
		if (p == end)
			break;
		if ((unsigned char)*p < 0x80)
			put_ascii_escape(b, (unsigned char)*p++);
		else
			p += put_rune(b, (struct pm_str){ p, (size_t)(end - p) });
	}
	pm_buf_char(b, '"');
}

void pm_json_key(struct pm_json *j, struct pm_str key)
{
	pm_json_str(j, key);
	pm_buf_char(j->buf, ':');
	j->comma = false;
}

void pm_json_str(struct pm_json *j, struct pm_str s)
{
	begin_value(j);
	put_string(j->buf, s, ESC_ALWAYS | ESC_PLAIN);
}

void pm_json_cstr(struct pm_json *j, const char *s)
{
	pm_json_str(j, pm_str(s));
}

void pm_json_labels(struct pm_json *j, struct pm_labels l)
{
	pm_json_object(j);
	for (size_t i = 0; i < l.count; i++) {
		begin_value(j);
		put_string(j->buf, l.v[i].name, ESC_ALWAYS);
		pm_buf_char(j->buf, ':');
		put_string(j->buf, l.v[i].value, ESC_ALWAYS);
	}
	pm_json_object_end(j);
}

/* ---- numbers and the rest ----------------------------------------------------------------------- */

void pm_json_raw(struct pm_json *j, struct pm_str json)
{
	begin_value(j);
	pm_buf_str(j->buf, json);
}

void pm_json_bool(struct pm_json *j, bool v)
{
	pm_json_raw(j, v ? PM_STR("true") : PM_STR("false"));
}

void pm_json_null(struct pm_json *j)
{
	pm_json_raw(j, PM_STR("null"));
}

static void put_decimal(struct pm_json *j, uint64_t v, bool neg)
{
	char text[24], *p = text + sizeof text;

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	if (neg)
		*--p = '-';
	pm_json_raw(j, (struct pm_str){ p, (size_t)(text + sizeof text - p) });
}

void pm_json_int(struct pm_json *j, int64_t v)
{
	put_decimal(j, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

void pm_json_uint(struct pm_json *j, uint64_t v)
{
	put_decimal(j, v, false);
}

/* Numbers of JSON have an exponent when they are tiny or huge, as in JavaScript. */
static size_t format_number(char *out, double v)
{
	double abs = fabs(v);
	bool exponent = abs != 0 && (abs < 1e-6 || abs >= 1e21);

	return exponent ? pm_double_format_e(out, v) : pm_double_format_f(out, v);
}

void pm_json_double(struct pm_json *j, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];
	size_t len;

	assert(isfinite(v));
	len = format_number(text, v);
	if (len > 4 && memcmp(text + len - 4, "e-0", 3) == 0) { /* e-09 becomes e-9, as encoding/json has it */
		text[len - 2] = text[len - 1];
		len--;
	}
	pm_json_raw(j, (struct pm_str){ text, len });
}

/* Not shortened like pm_json_double: upstream formats samples by another path. */
void pm_json_sample_value(struct pm_json *j, double v)
{
	char text[PM_DOUBLE_TEXT_MAX + 2] = "\"";
	size_t len = 1 + (isfinite(v) ? format_number(text + 1, v) : pm_double_format_f(text + 1, v));

	text[len++] = '"';
	pm_json_raw(j, (struct pm_str){ text, len });
}

void pm_json_time(struct pm_json *j, int64_t t_ms)
{
	char text[32];

	pm_json_raw(j, (struct pm_str){ text, pm_time_format(text, t_ms) });
}
