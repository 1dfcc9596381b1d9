/* intern.c - see intern.h. Open addressing, at most half full. */
#include "libtsdb/blocks/intern.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"

enum { SIZE_MIN = 64 };

typedef uint64_t hash_fn(const void *owner, uint32_t number);

/* Room for one more. */
static int make_room(struct prom__table *t, hash_fn *hash, const void *owner)
{
	size_t size = t->size ? t->size * 2 : SIZE_MIN;
	uint32_t *slots;

	if ((t->count + 1) * 2 <= t->size)
		return 0;
	slots = pm_calloc(size, sizeof *slots);
	if (!slots)
		return PM_ERR_NOMEM;
	for (uint32_t number = 0; number < t->count; number++) {
		size_t at = hash(owner, number) & (size - 1);

		while (slots[at])
			at = (at + 1) & (size - 1);
		slots[at] = number + 1;
	}
	pm_free(t->slots);
	t->slots = slots;
	t->size = size;
	return 0;
}

static uint64_t hash_string(const void *owner, uint32_t number)
{
	const struct prom__strings *t = owner;

	return pm_hash(t->v[number].ptr, t->v[number].len);
}

int prom__intern(struct prom__strings *t, struct pm_str s, uint32_t *ret)
{
	struct pm_str copy;
	size_t at;

	if (make_room(&t->table, hash_string, t) < 0 || pm_grow(&t->v, &t->cap, t->table.count + 1) < 0)
		return PM_ERR_NOMEM;
	at = pm_hash(s.ptr, s.len) & (t->table.size - 1);
	for (; t->table.slots[at]; at = (at + 1) & (t->table.size - 1)) {
		*ret = t->table.slots[at] - 1;
		if (pm_str_eq(t->v[*ret], s))
			return 0;
	}
	copy = pm_arena_str(&t->arena, s);
	if (!copy.ptr)
		return PM_ERR_NOMEM;
	*ret = (uint32_t)t->table.count++;
	t->v[*ret] = copy;
	t->table.slots[at] = *ret + 1;
	return 0;
}

static uint64_t hash_numbers(uint32_t name, uint32_t value)
{
	uint32_t both[2] = { name, value };

	return pm_hash(both, sizeof both);
}

static uint64_t hash_pair(const void *owner, uint32_t number)
{
	const struct prom__pairs *t = owner;

	return hash_numbers(t->v[number].name, t->v[number].value);
}

int prom__intern_pair(struct prom__pairs *t, uint32_t name, uint32_t value, uint32_t *ret)
{
	size_t at;

	if (make_room(&t->table, hash_pair, t) < 0 || pm_grow(&t->v, &t->cap, t->table.count + 1) < 0)
		return PM_ERR_NOMEM;
	at = hash_numbers(name, value) & (t->table.size - 1);
	for (; t->table.slots[at]; at = (at + 1) & (t->table.size - 1)) {
		*ret = t->table.slots[at] - 1;
		if (t->v[*ret].name == name && t->v[*ret].value == value)
			return 0;
	}
	*ret = (uint32_t)t->table.count++;
	t->v[*ret] = (struct prom__pair){ name, value, 0 };
	t->table.slots[at] = *ret + 1;
	return 0;
}

void prom__strings_release(struct prom__strings *t)
{
	pm_free(t->table.slots);
	pm_free(t->v);
	pm_arena_release(&t->arena);
}

void prom__pairs_release(struct prom__pairs *t)
{
	pm_free(t->table.slots);
	pm_free(t->v);
}
