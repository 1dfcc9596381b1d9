/* write.c - the text format out: what pm exposes, pushes and dumps.
 *
 * Names that the legacy rules allow stand bare; any other is quoted inside the braces, as format 1.0.0 has it. */
#include "libscrape/expo/lex.h"
#include "libscrape/scrape.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/base/num.h"

static bool legacy_name(struct pm_str s, bool metric)
{
	unsigned first = CHAR_LETTER | (metric ? CHAR_COLON : 0);

	return s.len && (scrape__class[(unsigned char)*s.ptr] & first) &&
	       name_end(s.ptr, s.ptr + s.len, first | CHAR_DIGIT) == s.ptr + s.len;
}

/* `quotes`: escape \" too, as all but help texts need. */
static void escaped(struct pm_buf *out, struct pm_str s, bool quotes)
{
	size_t done = 0;

	for (size_t i = 0; i < s.len; i++) {
		const char *as = s.ptr[i] == '\\'            ? "\\\\"
				 : s.ptr[i] == '\n'          ? "\\n"
				 : s.ptr[i] == '"' && quotes ? "\\\""
							     : NULL;

		if (!as)
			continue;
		pm_buf_add(out, s.ptr + done, i - done);
		pm_buf_cstr(out, as);
		done = i + 1;
	}
	pm_buf_add(out, s.ptr + done, s.len - done);
}

static void quoted(struct pm_buf *out, struct pm_str s)
{
	pm_buf_char(out, '"');
	escaped(out, s, true);
	pm_buf_char(out, '"');
}

static void name(struct pm_buf *out, struct pm_str s, bool metric)
{
	if (legacy_name(s, metric))
		pm_buf_str(out, s);
	else
		quoted(out, s);
}

void scrape_write_sample(struct pm_buf *out, struct pm_labels labels, double v, int64_t t_ms)
{
	struct pm_str metric = pm_labels_get(labels, PM_NAME_LABEL);
	bool bare = legacy_name(metric, true);
	char number[PM_DOUBLE_TEXT_MAX];
	size_t written = 0;

	if (bare)
		pm_buf_str(out, metric);
	if (!bare) {
		pm_buf_char(out, '{');
		quoted(out, metric);
		written++;
	}
	for (size_t i = 0; i < labels.count; i++) {
		if (pm_str_eq(labels.v[i].name, PM_NAME_LABEL))
			continue;
		pm_buf_char(out, written++ ? ',' : '{');
		name(out, labels.v[i].name, false);
		pm_buf_char(out, '=');
		quoted(out, labels.v[i].value);
	}
	if (written)
		pm_buf_char(out, '}');
	pm_buf_char(out, ' ');
	pm_buf_add(out, number, pm_double_format_g(number, v));
	if (t_ms != PM_NO_TIME)
		pm_buf_fmt(out, " %lld", (long long)t_ms);
	pm_buf_char(out, '\n');
}

void scrape_write_family(struct pm_buf *out, struct pm_str family, const char *type, struct pm_str help)
{
	if (help.len) {
		pm_buf_cstr(out, "# HELP ");
		name(out, family, true);
		pm_buf_char(out, ' ');
		escaped(out, help, false);
		pm_buf_char(out, '\n');
	}
	pm_buf_cstr(out, "# TYPE ");
	name(out, family, true);
	pm_buf_fmt(out, " %s\n", type);
}
