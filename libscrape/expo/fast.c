/* fast.c - the warm walk: a page and the layout of the last one, side by side.
 *
 * A line is known when the bytes that its entry names, by length and hash, stand there and end where a name must. The
 * bytes were parsed once, when the entry was made, so the labels are right; value and what follows it are new and are
 * read here when they are a plain number and a line break, by the grammar's own function when not. */
#include "libscrape/expo/fast.h"

#include "libscrape/expo/lex.h"
#include "libscrape/expo/number.h"
#include "libtsdb/base/hash.h"

uint64_t scrape__text_hash(const struct scrape_parser *p, const char *text, size_t len)
{
	return pm_hash(text, len) ^ (p->format == SCRAPE_FORMAT_TEXT ? 0 : UINT64_C(0x6f70656e6d657472));
}

static inline bool starts_with(const struct scrape_parser *p, const char *s, const struct pm_layout_entry *e)
{
	return (size_t)(p->end - s) >= e->text_len && scrape__text_hash(p, s, e->text_len) == e->text_hash;
}

/* A comment's bytes end at `s`: does the line? `# EOF` ends an OpenMetrics page or is an error, which the cold path
 * words. */
static const char *pass_comment(struct scrape_parser *p, const char *line, const char *s)
{
	const char *next = s < p->end ? s + 1 : s;

	if (s < p->end && *s != '\n')
		return NULL;
	if (p->format != SCRAPE_FORMAT_TEXT && s - line == 5 && memcmp(line, "# EOF", 5) == 0) {
		p->ended = next == p->end;
		return p->ended ? next : NULL;
	}
	return next;
}

/* Name and labels end at `s`: value and the rest of the line. NULL: not for the warm path. */
static inline const char *pass_value(struct scrape_parser *p, const char *s, bool ignore_times,
	const struct scrape__warm *w, bool stored, double *ret)
{
	bool text = p->format == SCRAPE_FORMAT_TEXT;
	const char *number, *stop;
	struct scrape_line line;

	if (s == p->end || (*s != ' ' && !(text && (s[-1] == '}' || *s == '\t'))))
		return NULL;
	number = text ? skip_blanks(s, p->end) : s + 1;
	stop = fast_number(number, p->end, ret);
	if (stop && stop < p->end && *stop == '\n')
		return stop + 1;
	if (scrape__lex_suffix(p, s, &line, NULL) || (line.t_ms != PM_NO_TIME && !ignore_times))
		return NULL;
	*ret = line.v;
	if (line.has_exemplar && stored && w->exemplar)
		w->exemplar(w->arg, w->value_count, &line);
	return p->pos;
}

/* Nothing but empty lines is left, and an OpenMetrics page said so itself. */
static bool at_end(const struct scrape_parser *p, const char *s)
{
	if (p->format != SCRAPE_FORMAT_TEXT)
		return p->ended;
	while (s < p->end && (*s == '\n' || is_blank(*s)))
		s++;
	return s == p->end;
}

bool scrape__warm_walk(struct scrape_parser *p, const struct pm_layout *l, bool ignore_times, struct scrape__warm *w)
{
	const char *s = p->pos, *next;
	double v;

	for (uint32_t b = 0; b < l->block_count; b++) {
		const struct pm_layout_entry *e = l->blocks[b].entries, *end = e + l->blocks[b].entry_count;

		for (; e < end; e++, w->entry_count++, s = next) {
			if (e->text_len == 0) {
				p->pos = s;
				return at_end(p, s);
			}
			while (s < p->end && *s == '\n' && p->format == SCRAPE_FORMAT_TEXT)
				s++;
			next = NULL;
			if (!starts_with(p, s, e))
				goto out;
			if (pm_ref_is_comment(e->ref)) {
				next = pass_comment(p, s, s + e->text_len);
				if (!next)
					goto out;
				if (e->ref == PM_REF_TYPE)
					w->type_line = s;
				continue;
			}
			next = pass_value(p, s + e->text_len, ignore_times, w, e->ref < PM_REF_MAX, &v);
			if (!next)
				goto out;
			w->samples++;
			if (e->ref < PM_REF_MAX)
				w->values[w->value_count++] = v;
			w->doubles += e->ref == PM_REF_DOUBLE;
		}
	}
out:
	p->pos = s;
	return false;
}
