/* openmetrics.c - the grammar of OpenMetrics 1.0 text, as upstream's parser takes it.
 *
 *     # HELP name text      # TYPE name word      # UNIT name word      # EOF
 *     name[{label="value",...}] value [timestamp in s] [# {label="value",...} value [timestamp in s]]
 *
 * One blank stands where one is shown and nowhere else; every line ends with a line break and `# EOF` ends the page.
 * Rules that span lines (which suffixes a type has, order, uniqueness) are not looked at here: a stricter reader sits
 * on top, as it sees every item in order with its parts. A SCRAPE_FORMAT_OPENMETRICS_PART may end where any line does.
 */
#include "libscrape/expo/lex.h"
#include "libscrape/expo/number.h"
#include "libscrape/expo/parser.h"
#include "libtsdb/base/utf8.h"

#include <math.h>

static int no_eof(struct scrape_parser *p)
{
	return scrape__bad(p, p->end, "data does not end with # EOF");
}

/* ---- metadata ----------------------------------------------------------------------------------- */

static int family_type(struct scrape_parser *p, struct pm_str word)
{
	static const char *const others[] = { "counter", "gauge", "gaugehistogram", "info", "stateset", "unknown" };

	p->type = SCRAPE__TYPE_OTHER;
	if (pm_str_eq(word, PM_STR("histogram")))
		p->type = SCRAPE__TYPE_HISTOGRAM;
	else if (pm_str_eq(word, PM_STR("summary")))
		p->type = SCRAPE__TYPE_SUMMARY;
	if (p->type != SCRAPE__TYPE_OTHER)
		return 0;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (pm_str_eq(word, pm_str(others[i])))
			return 0;
	return scrape__bad(p, word.ptr, "invalid metric type \"%.*s\"", (int)(word.len < 80 ? word.len : 80), word.ptr);
}

static int check_unit(struct scrape_parser *p, struct pm_str name, struct pm_str unit)
{
	if (!unit.len)
		return 0;
	if (name.len > unit.len && name.ptr[name.len - unit.len - 1] == '_' &&
		memcmp(name.ptr + name.len - unit.len, unit.ptr, unit.len) == 0)
		return 0;
	return scrape__bad(p, unit.ptr, "unit \"%.*s\" is not a suffix of metric \"%.*s\"",
		(int)(unit.len < 80 ? unit.len : 80), unit.ptr, (int)(name.len < 80 ? name.len : 80), name.ptr);
}

/* From behind `# WORD ` on. */
static int metadata(struct scrape_parser *p, const char *s, struct scrape_line *ret)
{
	const char *start = s, *end;

	if (s < p->end && *s == '"') {
		int rc = scrape__quoted_name(p, &s, &ret->name);

		if (rc)
			return rc;
	} else {
		if (s == p->end || !(scrape__class[(unsigned char)*s] & (CHAR_LETTER | CHAR_COLON)))
			return scrape__expected(p, s, "a metric name");
		s = name_end(s, p->end, CHAR_LETTER | CHAR_COLON | CHAR_DIGIT);
		ret->name = (struct pm_str){ start, (size_t)(s - start) };
	}
	if (s == p->end || *s != ' ')
		return scrape__expected(p, s, "a blank and text after the metric name");
	end = line_end(++s, p->end);
	if (end == p->end)
		return no_eof(p);
	ret->value = (struct pm_str){ s, (size_t)(end - s) };
	ret->text.len = (size_t)(end - ret->text.ptr);
	p->pos = end + 1;
	if (ret->item == SCRAPE_ITEM_TYPE)
		return family_type(p, ret->value);
	if (ret->item == SCRAPE_ITEM_UNIT)
		return check_unit(p, ret->name, ret->value);
	if (!pm_utf8_valid(ret->value))
		return scrape__bad(p, s, "the help text is not valid UTF-8");
	return 0;
}

static int comment(struct scrape_parser *p, const char *s, struct scrape_line *ret)
{
	static const struct {
		const char *word;
		enum scrape_item item;
	} words[] = {
		{ "# HELP ", SCRAPE_ITEM_HELP },
		{ "# TYPE ", SCRAPE_ITEM_TYPE },
		{ "# UNIT ", SCRAPE_ITEM_UNIT },
	};
	size_t left = (size_t)(p->end - s);

	ret->text.ptr = s;
	for (size_t i = 0; left >= 7 && i < sizeof words / sizeof *words; i++) {
		if (memcmp(s, words[i].word, 7) == 0) {
			ret->item = words[i].item;
			return metadata(p, s + 7, ret);
		}
	}
	if (left < 5 || memcmp(s, "# EOF", 5) != 0)
		return scrape__bad(p, s, "expected HELP, TYPE, UNIT or EOF after '# '");
	ret->item = SCRAPE_ITEM_EOF;
	ret->text.len = 5;
	p->pos = s + 5 + (left > 5 && s[5] == '\n');
	if (p->pos != p->end)
		return scrape__bad(p, p->pos, "unexpected data after # EOF");
	p->ended = true;
	return 0;
}

/* ---- samples ------------------------------------------------------------------------------------ */

/* The token behind one blank at *s. */
static int token(struct scrape_parser *p, const char **s, const char *what, struct pm_str *ret)
{
	const char *start, *t;

	if (*s == p->end || **s != ' ')
		return scrape__expected(p, *s, what);
	for (start = t = *s + 1; t < p->end && *t != ' ' && *t != '\n' && *t != '\0';)
		t++;
	if (t == start)
		return scrape__expected(p, t, what);
	*ret = (struct pm_str){ start, (size_t)(t - start) };
	*s = t;
	return 0;
}

static int value(struct scrape_parser *p, const char **s, const char *what, double *ret)
{
	const char *fast = *s < p->end && **s == ' ' ? fast_number(*s + 1, p->end, ret) : NULL;
	struct pm_str word;
	int rc;

	if (fast && fast < p->end && (*fast == ' ' || *fast == '\n')) {
		*s = fast;
		return 0;
	}
	rc = token(p, s, what, &word);
	return rc ? rc : scrape__value(p, word, ret);
}

/* Seconds to milliseconds as upstream turns them: multiplied, then cut. */
static int timestamp(struct scrape_parser *p, const char **s, int64_t *ret)
{
	const char *at = *s + 1;
	double v;
	int rc = value(p, s, "a timestamp", &v);

	if (rc)
		return rc;
	if (isnan(v) || isinf(v))
		return scrape__bad(p, at, "a timestamp that is no finite number");
	v *= 1000;
	if (v < -9.2e18 || v > 9.2e18)
		return scrape__bad(p, at, "timestamp out of range");
	*ret = (int64_t)v;
	return 0;
}

static bool at_exemplar(const struct scrape_parser *p, const char *s)
{
	return p->end - s >= 4 && memcmp(s, " # {", 4) == 0;
}

static int exemplar(struct scrape_parser *p, const char **s, struct scrape_line *ret)
{
	int rc;

	*s += 4;
	rc = scrape__om_exemplar_labels(p, s);
	if (!rc)
		rc = value(p, s, "a value after the exemplar's labels", &ret->exemplar_v);
	if (rc)
		return rc;
	ret->has_exemplar = true;
	ret->exemplar_t_ms = PM_NO_TIME;
	return *s < p->end && **s == ' ' ? timestamp(p, s, &ret->exemplar_t_ms) : 0;
}

int scrape__om_suffix(struct scrape_parser *p, const char *s, struct scrape_line *ret)
{
	int rc;

	ret->item = SCRAPE_ITEM_SAMPLE;
	ret->t_ms = PM_NO_TIME;
	rc = value(p, &s, "a value after a blank", &ret->v);
	if (!rc && s < p->end && *s == ' ' && !at_exemplar(p, s))
		rc = timestamp(p, &s, &ret->t_ms);
	if (!rc && at_exemplar(p, s))
		rc = exemplar(p, &s, ret);
	if (rc)
		return rc;
	if (s == p->end)
		return no_eof(p);
	if (*s != '\n')
		return scrape__expected(p, s, "the end of the line");
	p->pos = s + 1;
	return 0;
}

static int sample(struct scrape_parser *p, const char *s, struct scrape_line *ret)
{
	const char *start = s;
	struct pm_str name = { NULL, 0 };

	if (*s != '{') {
		s = name_end(s + 1, p->end, CHAR_LETTER | CHAR_COLON | CHAR_DIGIT);
		name = (struct pm_str){ start, (size_t)(s - start) };
	}
	scrape__list_begin(p, name);
	if (s < p->end && *s == '{') {
		int rc;

		s++;
		rc = scrape__om_labels(p, &s);
		if (rc)
			return rc;
		if (!p->labels.v[0].value.ptr)
			return scrape__bad(p, start, "no metric name");
	}
	ret->text = (struct pm_str){ start, (size_t)(s - start) };
	return scrape__om_suffix(p, s, ret);
}

int scrape__om_lex(struct scrape_parser *p, struct scrape_line *ret)
{
	const char *s = p->item = p->pos;
	int rc;

	if (p->ended)
		return 0;
	if (s == p->end)
		return p->format == SCRAPE_FORMAT_OPENMETRICS_PART ? 0 : no_eof(p);
	if (*s == '#')
		rc = comment(p, s, ret);
	else if (*s == '{' || (scrape__class[(unsigned char)*s] & (CHAR_LETTER | CHAR_COLON)))
		rc = sample(p, s, ret);
	else
		rc = scrape__expected(p, s, "a metric name, '{' or '#'");
	return rc ? rc : 1;
}
