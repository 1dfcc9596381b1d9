/* query_text.c - series, values and histograms as text. Label values come from anywhere: what would move a terminal's
 * cursor is escaped, as Go's strconv.Quote does. */
#include "cmd/query_out.h"

#include "libtsdb/base/hist.h"
#include "libtsdb/base/num.h"

#include <math.h>

void pm_text_value(struct pm_buf *out, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];
	double abs = fabs(v);
	bool plain = abs == 0 || (abs >= 1e-6 && abs < 1e21) || isnan(v) || isinf(v);

	pm_buf_add(out, text, plain ? pm_double_format_f(text, v) : pm_double_format_e(text, v));
}

static void value_g(struct pm_buf *out, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];

	pm_buf_add(out, text, pm_double_format_g(text, v));
}

void pm_text_histogram(struct pm_buf *out, const struct pm_histogram *h)
{
	struct pm_bucket_iter it;
	struct pm_bucket b;

	pm_buf_cstr(out, "{count:");
	value_g(out, h->count);
	pm_buf_cstr(out, ", sum:");
	value_g(out, h->sum);
	for (pm_bucket_begin(&it, h); pm_bucket_next(&it, &b);) {
		if (b.count == 0)
			continue;
		pm_buf_cstr(out, b.lower_inclusive ? ", [" : ", (");
		value_g(out, b.lower);
		pm_buf_char(out, ',');
		value_g(out, b.upper);
		pm_buf_cstr(out, b.upper_inclusive ? "]:" : "):");
		value_g(out, b.count);
	}
	pm_buf_char(out, '}');
}

/* Length of the valid UTF-8 sequence at `s`, its code point in `*ret`; 0 when there is none. */
static size_t decode(struct pm_str s, uint32_t *ret)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)s.ptr[0];
	size_t len = c < 0x80 ? 1 : (c & 0xe0) == 0xc0 ? 2 : (c & 0xf0) == 0xe0 ? 3 : (c & 0xf8) == 0xf0 ? 4 : 0;

	if (len == 0 || len > s.len)
		return 0;
	uint32_t cp = len == 1 ? c : c & (0x7fu >> len);

	for (size_t i = 1; i < len; i++) {
		unsigned char next = (unsigned char)s.ptr[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (next & 0x3f);
	}
	if (len > 1 && (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000)))
		return 0;
	*ret = cp;
	return len;
}

/* C1 controls, line and paragraph separators, and marks that turn the direction of what follows. */
static bool unprintable(uint32_t cp)
{
	return (cp >= 0x7f && cp < 0xa1) || cp == 0xad || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff;
}

static void escape_byte(struct pm_buf *out, unsigned char c)
{
	static const char names[] = { [7] = 'a', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [11] = 'v', ['\f'] = 'f',
		['\r'] = 'r' };

	if (c < sizeof names && names[c])
		pm_buf_fmt(out, "\\%c", names[c]);
	else
		pm_buf_fmt(out, "\\x%02x", c);
}

static void quoted(struct pm_buf *out, struct pm_str s)
{
	uint32_t cp = 0;

	pm_buf_char(out, '"');
	while (s.len) {
		size_t n = decode(s, &cp);

		if (n == 0 || (n == 1 && (cp < 0x20 || cp == 0x7f)))
			escape_byte(out, (unsigned char)s.ptr[0]);
		else if (n == 1 && (cp == '"' || cp == '\\'))
			pm_buf_fmt(out, "\\%c", (int)cp);
		else if (unprintable(cp))
			pm_buf_fmt(out, "\\u%04x", cp);
		else
			pm_buf_add(out, s.ptr, n);
		n += n == 0;
		s = (struct pm_str){ s.ptr + n, s.len - n };
	}
	pm_buf_char(out, '"');
}

static bool is_plain_name(struct pm_str s, bool metric)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (metric && c == ':');

		if (!letter && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return s.len > 0;
}

void pm_text_series(struct pm_buf *out, struct pm_labels labels)
{
	struct pm_str name = pm_labels_get(labels, PM_NAME_LABEL);
	bool outside = is_plain_name(name, true), any = false;

	if (outside) {
		pm_buf_str(out, name);
		if (labels.count == 1)
			return;
	}
	pm_buf_char(out, '{');
	if (name.len && !outside) {
		quoted(out, name);
		any = true;
	}
	for (size_t i = 0; i < labels.count; i++) {
		if (pm_str_eq(labels.v[i].name, PM_NAME_LABEL))
			continue;
		if (any)
			pm_buf_cstr(out, ", ");
		any = true;
		if (is_plain_name(labels.v[i].name, false))
			pm_buf_str(out, labels.v[i].name);
		else
			quoted(out, labels.v[i].name);
		pm_buf_char(out, '=');
		quoted(out, labels.v[i].value);
	}
	pm_buf_char(out, '}');
}
