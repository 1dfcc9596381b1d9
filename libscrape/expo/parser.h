/* parser.h - inside libscrape: what the grammars, the layout walk and the public parser share.
 *
 * Parsing has two halves. Lexing finds where a line's parts begin and end and reads its numbers; labels are built
 * only for lines that nobody knows yet (unescaped, sorted, checked). A page of known lines never builds a label. */
#ifndef SCRAPE_EXPO_PARSER_H
#define SCRAPE_EXPO_PARSER_H

#include "libscrape/scrape.h"
#include "libtsdb/base/num.h"

#define SCRAPE__LABELS_MAX 65535 /* labels of one sample: what a line may make us hold */

/* The family types that change how a label value reads: `le` and `quantile` are normalised as numbers. */
enum scrape__type { SCRAPE__TYPE_OTHER, SCRAPE__TYPE_SUMMARY, SCRAPE__TYPE_HISTOGRAM };

struct scrape__label_list {
	struct pm_label *v;
	size_t count, cap;
	bool escaped; /* a backslash stands in a name or a value */
};

struct scrape_parser {
	enum scrape_format format;
	const char *begin, *end;                    /* the page */
	const char *pos;                            /* the next line */
	int line;                                   /* its number */
	const char *item;                           /* where the line at hand begins, leading blanks skipped */
	bool multi_line;                            /* a quoted string of it holds line breaks */
	bool ended;                                 /* OpenMetrics: `# EOF` was seen */
	enum scrape__type type;                     /* of the last TYPE line */
	struct pm_error *err;                       /* of the call at hand */
	struct scrape__label_list labels, exemplar; /* as they stand in the text; labels.v[0] is the name */
	char *scratch;                              /* unescaped strings of the line at hand */
	size_t scratch_len, scratch_cap;
	char number[PM_DOUBLE_TEXT_MAX + 2]; /* a normalised `le` or `quantile` */
};

/* Lex one line: everything of `ret` but labels, name, value and exemplar labels is final. Same results as
 * scrape_parser_next(). */
int scrape__lex(struct scrape_parser *p, struct scrape_line *ret, struct pm_error *err);

/* Labels of the sample that was lexed last: unescaped, sorted, checked. `keep_empty`: leave labels with empty values
 * in, which honor_labels must see. Good until the next call. */
int scrape__labels(struct scrape_parser *p, bool keep_empty, struct pm_labels *ret, struct pm_error *err);

/* Likewise of its exemplar. */
int scrape__exemplar_labels(struct scrape_parser *p, struct pm_labels *ret, struct pm_error *err);

/* What follows name and labels, from `at` to the end of the line: value, timestamp, exemplar. Moves on to the next
 * line. */
int scrape__lex_suffix(struct scrape_parser *p, const char *at, struct scrape_line *ret, struct pm_error *err);

/* The grammars (text.c, openmetrics.c): p->pos is at the start of a line. */
int scrape__text_lex(struct scrape_parser *p, struct scrape_line *ret);
int scrape__text_suffix(struct scrape_parser *p, const char *s, struct scrape_line *ret);
int scrape__om_lex(struct scrape_parser *p, struct scrape_line *ret);
int scrape__om_suffix(struct scrape_parser *p, const char *s, struct scrape_line *ret);

/* Label lists (labels.c): `*s` is behind the `{` and moves behind the `}`. In p->labels the first is __name__, its
 * value's ptr NULL as long as no name was seen. */
int scrape__text_labels(struct scrape_parser *p, const char **s);
int scrape__om_labels(struct scrape_parser *p, const char **s);
int scrape__om_exemplar_labels(struct scrape_parser *p, const char **s);
void scrape__list_begin(struct scrape_parser *p, struct pm_str name);

/* A number as both formats have it: Go's ParseFloat without hexadecimal; NaN in its one canonical form. */
int scrape__value(struct scrape_parser *p, struct pm_str text, double *ret);

/* The quoted name of a HELP, TYPE or UNIT line: from the opening quote at *s to behind the closing one. */
int scrape__quoted_name(struct scrape_parser *p, const char **s, struct pm_str *ret);

/* Undo backslash escapes into scratch memory; `quotes`: \" too. Borrowed from the page when there is none. */
int scrape__unescape(struct scrape_parser *p, struct pm_str s, bool quotes, struct pm_str *ret);

/* Refuse the line: `what` was expected at `at`. Returns PM_ERR_INVALID. */
int scrape__expected(struct scrape_parser *p, const char *at, const char *what);
int scrape__bad(struct scrape_parser *p, const char *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
