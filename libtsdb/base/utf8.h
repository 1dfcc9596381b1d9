/* utf8.h - UTF-8 as Go reads it, and Go's quoting of strings (strconv.Quote), which PromQL's printer and many messages
 * use. */
#ifndef PM_BASE_UTF8_H
#define PM_BASE_UTF8_H

#include "libtsdb/pm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PM_RUNE_ERROR 0xfffd

/* The first rune of `s`, which is not empty, and how many bytes it takes. What is not UTF-8 (overlong forms, surrogates
 * and values past U+10FFFF included) gives PM_RUNE_ERROR and one byte. */
uint32_t pm_utf8_decode(struct pm_str s, size_t *ret_len);
/* Write `rune` to `out` (room for 4) and return its length. What is no code point becomes PM_RUNE_ERROR. */
size_t pm_utf8_encode(char *out, uint32_t rune);
bool pm_utf8_valid(struct pm_str s);

/* Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the blank. */
bool pm_rune_printable(uint32_t rune);

struct pm_buf;
/* Append `s` in double quotes, escaped as Go's strconv.Quote does it. */
void pm_quote(struct pm_buf *b, struct pm_str s);
/* The same into `out` of `size` bytes, cut to fit and closed by a NUL; returns `out`. For messages. */
char *pm_quote_fixed(char *out, size_t size, struct pm_str s);
/* As strconv.QuoteRune: 'x' in single quotes; `out` has room for 16. */
char *pm_quote_rune(char *out, uint32_t rune);

#ifdef __cplusplus
}
#endif
#endif
