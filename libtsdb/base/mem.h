/* mem.h - the one door to the allocator, so that tests can fail the nth allocation.
 * All return NULL when out of memory; sizes of arrays are checked for overflow. */
#ifndef PM_BASE_MEM_H
#define PM_BASE_MEM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *pm_malloc(size_t size);
void *pm_calloc(size_t count, size_t size);
void *pm_realloc(void *p, size_t size);
void pm_free(void *p);
char *pm_strndup(const char *s, size_t len); /* NUL-terminated copy */

/* Grow an array so that it holds at least `want` elements; capacity at least doubles. `*p` and `*cap` change only
 * on success. Returns 0 or PM_ERR_NOMEM. */
int pm_grow_(void **p, size_t *cap, size_t want, size_t elem_size);
#define pm_grow(p, cap, want) pm_grow_((void **)(p), (cap), (want), sizeof **(p))

/* Tests: the nth allocation from now fails (1: the next; SIZE_MAX: count only; 0: off). Returns how many were made
 * since the last call, if that call switched counting on. Thread-safe; costs a load and a branch while off. */
size_t pm_mem_fail_nth(size_t n);

#ifdef __cplusplus
}
#endif
#endif
