/* lex.h - inside libscrape: scanning bytes. Nothing here reads at or behind `end`. */
#ifndef SCRAPE_EXPO_LEX_H
#define SCRAPE_EXPO_LEX_H

#include "libtsdb/pm.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { CHAR_LETTER = 1, CHAR_COLON = 2, CHAR_DIGIT = 4 };
extern const uint8_t scrape__class[256]; /* CHAR_LETTER: A-Z a-z _ */

/* What a quoted string holds besides printable ASCII. */
enum { SEEN_ESCAPE = 1, SEEN_ODD = 2 /* a control byte or one above 0x7f */ };

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && is_blank(*s))
		s++;
	return s;
}

/* The end of a name whose first byte was checked. `kinds`: which classes go on. */
static inline const char *name_end(const char *s, const char *end, unsigned kinds)
{
	while (s < end && (scrape__class[(unsigned char)*s] & kinds))
		s++;
	return s;
}

/* As pm_str_cmp(): the first byte mostly decides among names. */
static inline int name_cmp(struct pm_str a, struct pm_str b)
{
	if (a.len && b.len && *a.ptr != *b.ptr)
		return (unsigned char)*a.ptr < (unsigned char)*b.ptr ? -1 : 1;
	return pm_str_cmp(a, b);
}

static inline const char *line_end(const char *s, const char *end)
{
	const char *nl = memchr(s, '\n', (size_t)(end - s));

	return nl ? nl : end;
}

/* The next quote or backslash, or `end`. Sets SEEN_ODD in *seen for what it passes over. */
static inline const char *quote_or_backslash(const char *s, const char *end, unsigned *seen)
{
#ifdef __SSE2__
	while (end - s >= 16) {
		__m128i b = _mm_loadu_si128((const __m128i *)(const void *)s);
		__m128i stop =
			_mm_or_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8('"')), _mm_cmpeq_epi8(b, _mm_set1_epi8('\\')));
		unsigned stops = (unsigned)_mm_movemask_epi8(stop);
		/* signed: bytes above 0x7f are below the blank too */
		unsigned odd = (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(b, _mm_set1_epi8(' ')));
		unsigned before = stops ? (stops & -stops) - 1 : 0xffff;

		if (odd & before)
			*seen |= SEEN_ODD;
		if (stops)
			return s + __builtin_ctz(stops);
		s += 16;
	}
#endif
	for (; s < end && *s != '"' && *s != '\\'; s++)
		if ((signed char)*s < ' ')
			*seen |= SEEN_ODD;
	return s;
}

/* The closing quote of a string whose inside begins at `s`, or NULL: no end, or a backslash before a line break. NULs
 * between a backslash and the byte that it escapes are passed over, as upstream's lexer does. */
static inline const char *quote_end(const char *s, const char *end, unsigned *seen)
{
	for (;;) {
		s = quote_or_backslash(s, end, seen);
		if (s == end)
			return NULL;
		if (*s == '"')
			return s;
		*seen |= SEEN_ESCAPE;
		for (s++; s < end && *s == '\0'; s++)
			*seen |= SEEN_ODD;
		if (s == end || *s == '\n')
			return NULL;
		if ((signed char)*s < ' ')
			*seen |= SEEN_ODD;
		s++;
	}
}

#endif
