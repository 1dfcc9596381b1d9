/* buf.h - a growing, owned string of bytes with a maximum.
 *
 * Errors stick: after one failure every append does nothing, so that callers check once at the end
 * (`pm_buf_error`). The bytes are always followed by a NUL that is not counted. */
#ifndef PM_BASE_BUF_H
#define PM_BASE_BUF_H

#include "libtsdb/pm.h"

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pm_buf {
	char *ptr;
	size_t len, cap;
	size_t max; /* bytes; 0: no maximum */
	int error;  /* 0, PM_ERR_NOMEM, or PM_ERR_LIMIT when over max */
};

/* A zeroed buffer is valid, empty and has no maximum. */
void pm_buf_init(struct pm_buf *b, size_t max);
void pm_buf_release(struct pm_buf *b);
void pm_buf_reset(struct pm_buf *b); /* empty, memory kept, error forgotten */
int pm_buf_reserve(struct pm_buf *b, size_t more); /* room for `more` bytes behind len, for writing in place */
void pm_buf_add(struct pm_buf *b, const void *p, size_t n);
void pm_buf_str(struct pm_buf *b, struct pm_str s);
void pm_buf_cstr(struct pm_buf *b, const char *s);
void pm_buf_char(struct pm_buf *b, char c);
void pm_buf_fmt(struct pm_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pm_buf_vfmt(struct pm_buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
int pm_buf_error(const struct pm_buf *b);
struct pm_str pm_buf_view(const struct pm_buf *b); /* good until the next change */
char *pm_buf_take(struct pm_buf *b, size_t *ret_len); /* the caller frees with pm_free; the buffer is empty again */

#ifdef __cplusplus
}
#endif
#endif
