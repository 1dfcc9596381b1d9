/* text.c - the grammar of the Prometheus text format, 0.0.4 and 1.0.0 (one parser reads both).
 *
 *     [# HELP name text] [# TYPE name word] [# anything]
 *     name [{label="value", ...}] value [timestamp in ms]
 *     {"any name", "any label"="value", ...} value [timestamp in ms]
 *
 * Blanks and tabs may stand between all parts and in front. What upstream's lexer takes beside that is taken too:
 * commas between labels may be missing, label values may hold line breaks, a value may follow its name without a blank,
 * and text after `#` that is neither HELP nor TYPE followed by a blank is a comment. One thing is not: a NUL at the
 * start of a line, which there ends the page without a word. */
#include "libscrape/expo/lex.h"
#include "libscrape/expo/number.h"
#include "libscrape/expo/parser.h"
#include "libtsdb/base/utf8.h"

static int family_type(struct scrape_parser *p, struct pm_str word)
{
	if (pm_str_eq(word, PM_STR("histogram")))
		p->type = SCRAPE__TYPE_HISTOGRAM;
	else if (pm_str_eq(word, PM_STR("summary")))
		p->type = SCRAPE__TYPE_SUMMARY;
	else if (pm_str_eq(word, PM_STR("counter")) || pm_str_eq(word, PM_STR("gauge")) ||
		 pm_str_eq(word, PM_STR("untyped")))
		p->type = SCRAPE__TYPE_OTHER;
	else
		return scrape__bad(
			p, word.ptr, "invalid metric type \"%.*s\"", (int)(word.len < 80 ? word.len : 80), word.ptr);
	return 0;
}

/* HELP or TYPE, from behind the word and its blanks on. One byte between name and text is the separator; blanks that
 * nothing follows are none. */
static int metadata(struct scrape_parser *p, const char *s, struct scrape_line *ret)
{
	const char *start = s, *end, *text;

	if (s < p->end && *s == '"') {
		int rc = scrape__quoted_name(p, &s, &ret->name);

		if (rc)
			return rc;
	} else {
		if (s == p->end || !(scrape__class[(unsigned char)*s] & (CHAR_LETTER | CHAR_COLON)))
			return scrape__expected(p, s,
				ret->item == SCRAPE_ITEM_HELP ? "a metric name after HELP"
							      : "a metric name after TYPE");
		s = name_end(s, p->end, CHAR_LETTER | CHAR_COLON | CHAR_DIGIT);
		ret->name = (struct pm_str){ start, (size_t)(s - start) };
	}
	end = line_end(s, p->end);
	text = skip_blanks(s, end) == end ? end : s + 1;
	ret->value = (struct pm_str){ text, (size_t)(end - text) };
	ret->text.len = (size_t)(end - ret->text.ptr);
	p->pos = end < p->end ? end + 1 : end;
	if (ret->item == SCRAPE_ITEM_TYPE)
		return family_type(p, ret->value);
	if (!pm_utf8_valid(ret->value))
		return scrape__bad(p, text, "the help text is not valid UTF-8");
	return 0;
}

/* A line that begins with '#', at `s`. */
static int comment(struct scrape_parser *p, const char *s, struct scrape_line *ret)
{
	const char *word = skip_blanks(s + 1, p->end);
	const char *end;

	ret->text.ptr = s;
	if (word > s + 1 && p->end - word > 4 && is_blank(word[4])) {
		if (memcmp(word, "HELP", 4) == 0 || memcmp(word, "TYPE", 4) == 0) {
			ret->item = *word == 'H' ? SCRAPE_ITEM_HELP : SCRAPE_ITEM_TYPE;
			return metadata(p, skip_blanks(word + 4, p->end), ret);
		}
	}
	end = line_end(s, p->end);
	ret->item = SCRAPE_ITEM_COMMENT;
	ret->text.len = (size_t)(end - s);
	p->pos = end < p->end ? end + 1 : end;
	return 0;
}

/* A timestamp and the end of the line, from behind the value on. */
static int timestamp(struct scrape_parser *p, const char *s, struct scrape_line *ret)
{
	const char *start = s = skip_blanks(s, p->end);
	struct pm_str word;

	while (s < p->end && scrape__class[(unsigned char)*s] == CHAR_DIGIT)
		s++;
	word = (struct pm_str){ start, (size_t)(s - start) };
	if (word.len && pm_int_parse(word, &ret->t_ms))
		return scrape__bad(p, start, "timestamp out of range");
	s = skip_blanks(s, p->end);
	if (s < p->end && *s != '\n')
		return scrape__expected(p, s,
			word.len ? "the end of the line after the timestamp" : "a timestamp or the end of the line");
	p->pos = s < p->end ? s + 1 : s;
	return 0;
}

int scrape__text_suffix(struct scrape_parser *p, const char *s, struct scrape_line *ret)
{
	const char *end = p->end, *start = s = skip_blanks(s, end);
	int rc;

	ret->item = SCRAPE_ITEM_SAMPLE;
	ret->t_ms = PM_NO_TIME;
	s = fast_number(start, end, &ret->v);
	if (s && s < end && *s == '\n') {
		p->pos = s + 1;
		return 0;
	}
	if (!s || (s < end && !is_blank(*s))) {
		for (s = start; s < end && !is_blank(*s) && *s != '\n' && *s != '{' && *s != '\0';)
			s++;
		if (s == start)
			return scrape__expected(p, s, "a value");
		rc = scrape__value(p, (struct pm_str){ start, (size_t)(s - start) }, &ret->v);
		if (rc)
			return rc;
	}
	return timestamp(p, s, ret);
}

/* Name and labels at `s`, then the rest. */
static int sample(struct scrape_parser *p, const char *s, struct scrape_line *ret)
{
	const char *start = s, *brace;
	struct pm_str name = { NULL, 0 };
	int rc;

	if (*s != '{') {
		s = name_end(s + 1, p->end, CHAR_LETTER | CHAR_COLON | CHAR_DIGIT);
		name = (struct pm_str){ start, (size_t)(s - start) };
	}
	scrape__list_begin(p, name);
	brace = skip_blanks(s, p->end);
	if (brace < p->end && *brace == '{') {
		s = brace + 1;
		rc = scrape__text_labels(p, &s);
		if (rc)
			return rc;
		if (!p->labels.v[0].value.ptr)
			return scrape__bad(p, start, "no metric name");
	}
	ret->text = (struct pm_str){ start, (size_t)(s - start) };
	return scrape__text_suffix(p, s, ret);
}

int scrape__text_lex(struct scrape_parser *p, struct scrape_line *ret)
{
	const char *s;
	int rc;

	for (;; p->pos = s + 1, p->line++) {
		s = skip_blanks(p->pos, p->end);
		if (s == p->end)
			return 0;
		if (*s != '\n')
			break;
	}
	p->item = s;
	if (*s == '#')
		rc = comment(p, s, ret);
	else if (*s == '{' || (scrape__class[(unsigned char)*s] & (CHAR_LETTER | CHAR_COLON)))
		rc = sample(p, s, ret);
	else
		rc = scrape__expected(p, s, "a metric name, '{' or '#'");
	return rc ? rc : 1;
}
