/* arena.h - memory of one unit of work (a query, a scrape, a request), freed whole.
 *
 * The cap is the limit of the work: past it allocations return NULL like any other lack of memory, and
 * `over_cap` tells the two apart. Not thread-safe: one arena a thread. */
#ifndef PM_BASE_ARENA_H
#define PM_BASE_ARENA_H

#include "libtsdb/pm.h"

struct pm_arena_chunk;

struct pm_arena {
	struct pm_arena_chunk *head;
	size_t used;    /* bytes handed out, rounding included */
	size_t max;     /* cap in bytes; 0: none */
	bool over_cap;
};

/* A zeroed arena is valid and has no cap. Nothing is allocated until the first use. */
void pm_arena_init(struct pm_arena *a, size_t max);
/* Uninitialized (alloc) or zeroed (zalloc) bytes aligned to 16. NULL: out of memory or over the cap. */
void *pm_arena_alloc(struct pm_arena *a, size_t size);
void *pm_arena_zalloc(struct pm_arena *a, size_t size);
void *pm_arena_array(struct pm_arena *a, size_t count, size_t elem_size); /* overflow-checked, uninitialized */
/* Copy with a NUL behind the copy; ptr is NULL on failure. */
struct pm_str pm_arena_str(struct pm_arena *a, struct pm_str s);
char *pm_arena_printf(struct pm_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Deep copy: names and values too. 0 or PM_ERR_NOMEM. */
int pm_arena_labels(struct pm_arena *a, struct pm_labels l, struct pm_labels *ret);
/* Forget everything, keep the largest chunk. */
void pm_arena_reset(struct pm_arena *a);
void pm_arena_release(struct pm_arena *a);

#endif
