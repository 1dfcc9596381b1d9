/* map.c - a hash table from 64-bit hashes to indexes, open addressing with linear probing. Nothing is ever removed;
 * entries with equal hashes stand one after the other and the caller compares. */
#include "libpromql/eval/eval.h"

static size_t first_slot(const struct promql__map *m, uint64_t hash)
{
	return (size_t)(hash ^ hash >> 32) & (m->cap - 1);
}

uint32_t promql__map_next(const struct promql__map *m, uint64_t hash, size_t *pos)
{
	size_t i;

	if (m->cap == 0)
		return PROMQL__NOT_FOUND;
	i = *pos == PROMQL__MAP_START ? first_slot(m, hash) : (*pos + 1) & (m->cap - 1);
	for (; m->slots[i].index_plus_1; i = (i + 1) & (m->cap - 1))
		if (m->slots[i].hash == hash) {
			*pos = i;
			return m->slots[i].index_plus_1 - 1;
		}
	return PROMQL__NOT_FOUND;
}

static void put(struct promql__map *m, uint64_t hash, uint32_t index)
{
	size_t i = first_slot(m, hash);

	while (m->slots[i].index_plus_1)
		i = (i + 1) & (m->cap - 1);
	m->slots[i].hash = hash;
	m->slots[i].index_plus_1 = index + 1;
}

int promql__map_add(struct promql__query *q, struct promql__map *m, uint64_t hash, uint32_t index)
{
	if (m->used * 2 >= m->cap) {
		struct promql__map bigger = { .cap = m->cap ? m->cap * 2 : 16 };

		bigger.slots = promql__zalloc(q, bigger.cap * sizeof *bigger.slots);
		if (!bigger.slots)
			return PM_ERR_NOMEM;
		for (size_t i = 0; i < m->cap; i++)
			if (m->slots[i].index_plus_1)
				put(&bigger, m->slots[i].hash, m->slots[i].index_plus_1 - 1);
		bigger.used = m->used;
		*m = bigger;
	}
	put(m, hash, index);
	m->used++;
	return 0;
}
