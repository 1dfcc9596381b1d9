/* arena.c - chunks in a list, the newest first, each twice as large as the one before up to CHUNK_MAX.
 *
 *	head -> [ chunk | used ......... | free ] -> [ chunk | used ....... ] -> NULL
 *
 * An allocation that does not fit the head's rest starts a new chunk; the rest stays unused. Under
 * AddressSanitizer the free part is poisoned, so that a write past an allocation at the end is found. */
#include "libtsdb/base/arena.h"

#include "libtsdb/base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 16, CHUNK_MIN = 4096, CHUNK_MAX = 1 << 20 };

struct pm_arena_chunk {
	struct pm_arena_chunk *next;
	size_t size, used; /* bytes in `bytes` */
	_Alignas(ALIGN) char bytes[];
};

void pm_arena_init(struct pm_arena *a, size_t max)
{
	*a = (struct pm_arena){ .max = max };
}

static int add_chunk(struct pm_arena *a, size_t need)
{
	size_t size = a->head ? a->head->size : CHUNK_MIN / 2, total;
	struct pm_arena_chunk *c;

	size = size < CHUNK_MAX ? size * 2 : CHUNK_MAX;
	if (size < need)
		size = need;
	if (__builtin_add_overflow(size, sizeof *c, &total))
		return PM_ERR_NOMEM;
	c = pm_malloc(total);
	if (!c)
		return PM_ERR_NOMEM;
	c->next = a->head;
	c->size = size;
	c->used = 0;
	a->head = c;
	POISON(c->bytes, c->size);
	return 0;
}

void *pm_arena_alloc(struct pm_arena *a, size_t size)
{
	size_t need = size ? size : 1;
	void *p;

	if (__builtin_add_overflow(need, ALIGN - 1, &need))
		return NULL;
	need &= ~(size_t)(ALIGN - 1);
	if (a->max && (need > a->max || a->used > a->max - need)) {
		a->over_cap = true;
		return NULL;
	}
	if ((!a->head || a->head->size - a->head->used < need) && add_chunk(a, need) < 0)
		return NULL;
	p = a->head->bytes + a->head->used;
	a->head->used += need;
	a->used += need;
	UNPOISON(p, size);
	return p;
}

void *pm_arena_zalloc(struct pm_arena *a, size_t size)
{
	void *p = pm_arena_alloc(a, size);

	return p ? memset(p, 0, size) : NULL;
}

void *pm_arena_array(struct pm_arena *a, size_t count, size_t elem_size)
{
	size_t size;

	return __builtin_mul_overflow(count, elem_size, &size) ? NULL : pm_arena_alloc(a, size);
}

struct pm_str pm_arena_str(struct pm_arena *a, struct pm_str s)
{
	char *p = s.len < SIZE_MAX ? pm_arena_alloc(a, s.len + 1) : NULL;

	if (!p)
		return (struct pm_str){ NULL, 0 };
	if (s.len)
		memcpy(p, s.ptr, s.len);
	p[s.len] = '\0';
	return (struct pm_str){ p, s.len };
}

char *pm_arena_printf(struct pm_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		p = pm_arena_alloc(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

static struct pm_str copy_to(char **p, struct pm_str s)
{
	struct pm_str copy = { *p, s.len };

	if (s.len)
		*p = mempcpy(*p, s.ptr, s.len);
	return copy;
}

/* One block: the array, then the bytes of all strings. */
int pm_arena_labels(struct pm_arena *a, struct pm_labels l, struct pm_labels *ret)
{
	struct pm_label *v;
	size_t size;
	char *p;

	if (__builtin_mul_overflow(l.count, sizeof *v, &size))
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < l.count; i++)
		size += l.v[i].name.len + l.v[i].value.len;
	v = pm_arena_alloc(a, size);
	if (!v)
		return PM_ERR_NOMEM;
	p = (char *)(v + l.count);
	for (size_t i = 0; i < l.count; i++) {
		v[i].name = copy_to(&p, l.v[i].name);
		v[i].value = copy_to(&p, l.v[i].value);
	}
	*ret = (struct pm_labels){ v, l.count };
	return 0;
}

void pm_arena_reset(struct pm_arena *a)
{
	struct pm_arena_chunk *keep = a->head, *c, *next;

	for (c = a->head; c; c = c->next)
		if (c->size > keep->size)
			keep = c;
	for (c = a->head; c; c = next) {
		next = c->next;
		if (c != keep)
			pm_free(c);
	}
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
		POISON(keep->bytes, keep->size);
	}
	a->head = keep;
	a->used = 0;
	a->over_cap = false;
}

void pm_arena_release(struct pm_arena *a)
{
	struct pm_arena_chunk *next;

	for (struct pm_arena_chunk *c = a->head; c; c = next) {
		next = c->next;
		pm_free(c);
	}
	*a = (struct pm_arena){ .max = a->max };
}
