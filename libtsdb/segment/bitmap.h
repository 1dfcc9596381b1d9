/* bitmap.h - sets of series numbers: the only includer of CRoaring, in its portable format.
 *
 * What comes from a file is checked here before the library sees it. Sets grow with what they hold; memory is the
 * library's. NULL from a function that makes a set: out of memory (or damage, where it reads). */
#ifndef TSDB_SEGMENT_BITMAP_H
#define TSDB_SEGMENT_BITMAP_H

#include "libtsdb/base/buf.h"

struct tsdb__bitmap;

/* Append the set of `n` ascending numbers. */
int tsdb__bitmap_put(struct pm_buf *out, const uint32_t *v, size_t n);
/* `ptr[0..len)` as put() wrote it, with all numbers below `end`. 0, PM_ERR_CORRUPT, PM_ERR_NOMEM. */
int tsdb__bitmap_get(const uint8_t *ptr, size_t len, uint32_t end, struct tsdb__bitmap **ret);
struct tsdb__bitmap *tsdb__bitmap_new(void);
struct tsdb__bitmap *tsdb__bitmap_range(uint32_t from, uint32_t to); /* [from, to) */
void tsdb__bitmap_free(struct tsdb__bitmap *b);
void tsdb__bitmap_add(struct tsdb__bitmap *b, uint32_t v);
void tsdb__bitmap_or(struct tsdb__bitmap *to, const struct tsdb__bitmap *from);
void tsdb__bitmap_and(struct tsdb__bitmap *to, const struct tsdb__bitmap *from);
void tsdb__bitmap_andnot(struct tsdb__bitmap *to, const struct tsdb__bitmap *from);
bool tsdb__bitmap_intersects(const struct tsdb__bitmap *a, const struct tsdb__bitmap *b);
bool tsdb__bitmap_contains(const struct tsdb__bitmap *a, uint32_t v);
size_t tsdb__bitmap_count(const struct tsdb__bitmap *b);
/* All numbers, ascending, into out[0..count). */
void tsdb__bitmap_numbers(const struct tsdb__bitmap *b, uint32_t *out);

#endif
