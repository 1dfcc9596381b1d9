/* labels.c - label lists: finding their parts, and making label sets of them.
 *
 * The two formats differ in where blanks may stand, whether a comma must, and whether a value may hold a line break;
 * one inlined function with constant rules serves both. */
#include "libscrape/expo/lex.h"
#include "libscrape/expo/parser.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/utf8.h"

#include <stdlib.h>

enum list_rules {
	RULE_BLANKS = 1,     /* blanks may stand around everything */
	RULE_NO_COMMA = 2,   /* the comma between labels may be missing */
	RULE_MULTI_LINE = 4, /* values may hold line breaks */
	RULE_NUL = 8,        /* ... and NULs */
	RULE_NAME = 16,      /* a quoted string alone is the metric name */
};

void scrape__list_begin(struct scrape_parser *p, struct pm_str name)
{
	p->labels.count = 1;
	p->labels.escaped = false;
	p->labels.v[0] = (struct pm_label){ PM_NAME_LABEL, name };
}

/* ---- finding ------------------------------------------------------------------------------------ */

static int list_full(struct scrape_parser *p, struct scrape__label_list *list, const char *at)
{
	if (list->count >= SCRAPE__LABELS_MAX)
		return scrape__bad(p, at, "more than %d labels", SCRAPE__LABELS_MAX);
	if (pm_grow(&list->v, &list->cap, list->count + 1))
		return pm_fail(p->err, PM_ERR_NOMEM, "out of memory");
	return 0;
}

/* A value that holds more than printable ASCII. */
static int odd_value(struct scrape_parser *p, struct pm_str v, unsigned rules)
{
	if (memchr(v.ptr, '\n', v.len)) {
		if (!(rules & RULE_MULTI_LINE))
			return scrape__bad(p, v.ptr - 1, "a label value that does not end in its line");
		p->multi_line = true;
	}
	if (!(rules & RULE_NUL) && memchr(v.ptr, '\0', v.len))
		return scrape__bad(p, v.ptr - 1, "a NUL byte in a label value");
	if (!pm_utf8_valid(v))
		return scrape__bad(p, v.ptr - 1, "a label value is not valid UTF-8");
	return 0;
}

/* A label's name at `s`; *ret_quoted tells which kind. Returns where it ends, NULL when refused. */
static inline __attribute__((always_inline)) const char *list_name(
	struct scrape_parser *p, const char *s, struct scrape__label_list *list, struct pm_str *ret, bool *ret_quoted)
{
	const char *start = s;

	if (s == p->end) {
		scrape__expected(p, s, "a label name or '}'");
		return NULL;
	}
	*ret_quoted = *s == '"';
	if (*ret_quoted) {
		if (scrape__quoted_name(p, &s, ret))
			return NULL;
		list->escaped |= memchr(ret->ptr, '\\', ret->len) != NULL;
		return s;
	}
	if (scrape__class[(unsigned char)*s] != CHAR_LETTER) {
		scrape__expected(p, s, "a label name or '}'");
		return NULL;
	}
	s = name_end(s + 1, p->end, CHAR_LETTER | CHAR_DIGIT);
	*ret = (struct pm_str){ start, (size_t)(s - start) };
	return s;
}

/* A label's value from its opening quote on. Returns where it ends, NULL when refused. */
static inline __attribute__((always_inline)) const char *list_value(
	struct scrape_parser *p, const char *s, struct scrape__label_list *list, unsigned rules, struct pm_str *ret)
{
	const char *close;
	unsigned seen = 0;

	if (s == p->end || *s != '"') {
		scrape__expected(p, s, "a label value in double quotes");
		return NULL;
	}
	close = quote_end(s + 1, p->end, &seen);
	if (!close) {
		scrape__bad(p, s, "a label value that does not end");
		return NULL;
	}
	*ret = (struct pm_str){ s + 1, (size_t)(close - s - 1) };
	list->escaped |= (seen & SEEN_ESCAPE) != 0;
	if (__builtin_expect(seen & SEEN_ODD, 0) && odd_value(p, *ret, rules))
		return NULL;
	return close + 1;
}

static inline __attribute__((always_inline)) const char *blanks(const char *s, const char *end, unsigned rules)
{
	return rules & RULE_BLANKS ? skip_blanks(s, end) : s;
}

static inline __attribute__((always_inline)) int label_list(
	struct scrape_parser *p, const char **ps, struct scrape__label_list *list, unsigned rules)
{
	const char *s = *ps, *end = p->end;
	struct pm_label l;
	bool quoted;

	for (;;) {
		s = blanks(s, end, rules);
		if (s < end && *s == '}')
			break;
		s = list_name(p, s, list, &l.name, &quoted);
		if (!s)
			return PM_ERR_INVALID;
		s = blanks(s, end, rules);
		if ((rules & RULE_NAME) && quoted && s < end && (*s == ',' || *s == '}')) {
			if (list->v[0].value.ptr)
				return scrape__bad(p, l.name.ptr - 1, "a second metric name");
			list->v[0].value = l.name;
			s += *s == ',';
			continue;
		}
		if (s == end || *s != '=')
			return scrape__expected(p, s, "'=' after a label name");
		s = list_value(p, blanks(s + 1, end, rules), list, rules, &l.value);
		if (!s)
			return PM_ERR_INVALID;
		if (list->count >= list->cap || list->count >= SCRAPE__LABELS_MAX) {
			int rc = list_full(p, list, l.name.ptr);

			if (rc)
				return rc;
		}
		list->v[list->count++] = l;
		s = blanks(s, end, rules);
		if (s < end && *s == ',')
			s++;
		else if (!(rules & RULE_NO_COMMA) && (s == end || *s != '}'))
			return scrape__expected(p, s, "',' or '}' after a label");
	}
	*ps = s + 1;
	return 0;
}

int scrape__text_labels(struct scrape_parser *p, const char **s)
{
	return label_list(p, s, &p->labels, RULE_BLANKS | RULE_NO_COMMA | RULE_MULTI_LINE | RULE_NUL | RULE_NAME);
}

int scrape__om_labels(struct scrape_parser *p, const char **s)
{
	return label_list(p, s, &p->labels, RULE_NUL | RULE_NAME);
}

int scrape__om_exemplar_labels(struct scrape_parser *p, const char **s)
{
	p->exemplar.count = 0;
	p->exemplar.escaped = false;
	return label_list(p, s, &p->exemplar, 0);
}

/* ---- label sets --------------------------------------------------------------------------------- */

static int unescape_all(struct scrape_parser *p, struct scrape__label_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		int rc = scrape__unescape(p, list->v[i].name, true, &list->v[i].name);

		if (!rc)
			rc = scrape__unescape(p, list->v[i].value, true, &list->v[i].value);
		if (rc)
			return pm_fail(p->err, rc, "out of memory");
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct pm_label *x = a, *y = b;

	return name_cmp(x->name, y->name);
}

/* Most lists are sorted but for the metric name: insertion moves little. Long ones may be anything. */
static void sort_labels(struct pm_label *v, size_t count)
{
	if (count > 64) {
		qsort(v, count, sizeof *v, by_name);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct pm_label l = v[i];
		size_t j = i;

		for (; j > 0 && name_cmp(l.name, v[j - 1].name) < 0; j--)
			v[j] = v[j - 1];
		v[j] = l;
	}
}

static int check_names(struct scrape_parser *p, const struct scrape__label_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->v[i].name.len == 0)
			return scrape__bad(p, p->item, "an empty label name");
		if (i && name_cmp(list->v[i].name, list->v[i - 1].name) == 0)
			return scrape__bad(p, p->item, "label name \"%.*s\" is not unique",
				(int)(list->v[i].name.len < 80 ? list->v[i].name.len : 80), list->v[i].name.ptr);
	}
	return 0;
}

/* Whether a number is written as normalize_number() would, decided for the common kind: 0.25, 10.0, +Inf. */
static bool is_normal(struct pm_str s)
{
	const char *end = s.ptr + s.len, *point = name_end(s.ptr, end, CHAR_DIGIT), *last;

	if (pm_str_eq(s, PM_STR("+Inf")))
		return true;
	if (s.len > 12 || point == s.ptr || point - s.ptr > 6 || (*s.ptr == '0' && point - s.ptr > 1))
		return false;
	if (end - point < 2 || *point != '.' || name_end(point + 1, end, CHAR_DIGIT) != end)
		return false;
	last = end - 1;
	if (*last == '0')
		return last == point + 1;                                                   /* 10.0, not 0.10 */
	return *s.ptr != '0' || memcmp(point, ".0000", 5 < s.len - 1 ? 5 : s.len - 1) != 0; /* 1e-05 */
}

/* `le` of histograms and `quantile` of summaries are numbers, written in one way only, so that "1" and "1.0" are one
 * series. */
static void normalize_number(struct scrape_parser *p, struct scrape__label_list *list)
{
	struct pm_str name = p->type == SCRAPE__TYPE_HISTOGRAM ? PM_STR("le") : PM_STR("quantile");
	size_t len;
	double v;

	for (size_t i = 0; i < list->count; i++) {
		struct pm_label *l = &list->v[i];

		if (!pm_str_eq(l->name, name) || is_normal(l->value) || pm_double_parse(l->value, &v))
			continue;
		len = pm_double_format_g(p->number, v == 0 ? 0.0 : v);
		if (v - v == 0 && !memchr(p->number, 'e', len) && !memchr(p->number, '.', len)) {
			p->number[len++] = '.';
			p->number[len++] = '0';
		}
		l->value = (struct pm_str){ p->number, len };
	}
}

static int label_set(struct scrape_parser *p, struct scrape__label_list *list, struct pm_labels *ret)
{
	int rc = list->escaped ? unescape_all(p, list) : 0;

	if (rc)
		return rc;
	sort_labels(list->v, list->count);
	rc = check_names(p, list);
	if (!rc)
		*ret = (struct pm_labels){ list->v, list->count };
	return rc;
}

int scrape__labels(struct scrape_parser *p, bool keep_empty, struct pm_labels *ret, struct pm_error *err)
{
	struct scrape__label_list *list = &p->labels;
	size_t kept = 0;
	int rc;

	p->err = err;
	if (list->v[0].value.len == 0)
		return scrape__bad(p, p->item, "an empty metric name");
	rc = label_set(p, list, ret);
	if (rc)
		return rc;
	if (p->type != SCRAPE__TYPE_OTHER)
		normalize_number(p, list);
	if (keep_empty)
		return 0;
	for (size_t i = 0; i < list->count; i++)
		if (list->v[i].value.len)
			list->v[kept++] = list->v[i];
	ret->count = list->count = kept;
	return 0;
}

int scrape__exemplar_labels(struct scrape_parser *p, struct pm_labels *ret, struct pm_error *err)
{
	p->err = err;
	return label_set(p, &p->exemplar, ret);
}
