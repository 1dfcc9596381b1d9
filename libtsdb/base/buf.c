/* buf.c - the growing string. Every append goes through pm_buf_reserve, the only place that can fail. */
#include "libtsdb/base/buf.h"

#include "libtsdb/base/mem.h"

#include <stdio.h>

void pm_buf_init(struct pm_buf *b, size_t max)
{
	*b = (struct pm_buf){ .max = max };
}

void pm_buf_release(struct pm_buf *b)
{
	pm_free(b->ptr);
	pm_buf_init(b, b->max);
}

void pm_buf_reset(struct pm_buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->ptr)
		b->ptr[0] = '\0';
}

int pm_buf_reserve(struct pm_buf *b, size_t more)
{
	size_t want;

	if (b->error)
		return b->error;
	if (b->max && (more > b->max || b->len > b->max - more))
		return b->error = PM_ERR_LIMIT;
	if (__builtin_add_overflow(b->len, more, &want) || __builtin_add_overflow(want, 1, &want))
		return b->error = PM_ERR_NOMEM;
	if (want <= b->cap)
		return 0;
	if (want < 64)
		want = 64;
	b->error = pm_grow(&b->ptr, &b->cap, want);
	if (!b->error)
		b->ptr[b->len] = '\0';
	return b->error;
}

void pm_buf_add(struct pm_buf *b, const void *p, size_t n)
{
	if (pm_buf_reserve(b, n) < 0)
		return;
	if (n)
		memcpy(b->ptr + b->len, p, n);
	b->len += n;
	b->ptr[b->len] = '\0';
}

void pm_buf_str(struct pm_buf *b, struct pm_str s)
{
	pm_buf_add(b, s.ptr, s.len);
}

void pm_buf_cstr(struct pm_buf *b, const char *s)
{
	pm_buf_add(b, s, strlen(s));
}

void pm_buf_char(struct pm_buf *b, char c)
{
	pm_buf_add(b, &c, 1);
}

void pm_buf_fmt(struct pm_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pm_buf_vfmt(b, fmt, ap);
	va_end(ap);
}

void pm_buf_vfmt(struct pm_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && pm_buf_reserve(b, (size_t)n) == 0) {
		vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

int pm_buf_error(const struct pm_buf *b)
{
	return b->error;
}

struct pm_str pm_buf_view(const struct pm_buf *b)
{
	return (struct pm_str){ b->ptr ? b->ptr : "", b->len };
}

char *pm_buf_take(struct pm_buf *b, size_t *ret_len)
{
	char *p;

	if (pm_buf_reserve(b, 0) < 0)
		return NULL;
	p = b->ptr;
	if (ret_len)
		*ret_len = b->len;
	pm_buf_init(b, b->max);
	return p;
}
