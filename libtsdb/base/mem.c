/* mem.c - the allocator behind one door, with a fault injector for tests.
 *
 * Off, the injector costs one relaxed load and a branch that always falls the same way. On, every allocation
 * counts itself in `made`; the one whose number is `fail_at` fails. */
#include "libtsdb/base/mem.h"

#include "libtsdb/pm.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_size_t fail_at; /* 0: off */
static atomic_size_t made;

static bool injected(void)
{
	size_t n = atomic_load_explicit(&fail_at, memory_order_relaxed);

	return __builtin_expect(n != 0, 0) && atomic_fetch_add(&made, 1) + 1 == n;
}

size_t pm_mem_fail_nth(size_t n)
{
	size_t before;

	atomic_store(&fail_at, 0);
	before = atomic_exchange(&made, 0);
	atomic_store(&fail_at, n);
	return before;
}

void *pm_malloc(size_t size)
{
	return injected() ? NULL : malloc(size ? size : 1);
}

void *pm_calloc(size_t count, size_t size)
{
	return injected() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *pm_realloc(void *p, size_t size)
{
	return injected() ? NULL : realloc(p, size ? size : 1);
}

void pm_free(void *p)
{
	free(p);
}

char *pm_strndup(const char *s, size_t len)
{
	char *copy = len < SIZE_MAX ? pm_malloc(len + 1) : NULL;

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

int pm_grow_(void **p, size_t *cap, size_t want, size_t elem_size)
{
	size_t more = *cap, bytes;
	void *grown;

	if (want <= *cap)
		return 0;
	if (__builtin_add_overflow(more, more, &more) || more < want)
		more = want;
	if (more < 8)
		more = 8;
	if (__builtin_mul_overflow(more, elem_size, &bytes))
		return PM_ERR_NOMEM;
	grown = pm_realloc(*p, bytes);
	if (!grown)
		return PM_ERR_NOMEM;
	*p = grown;
	*cap = more;
	return 0;
}
