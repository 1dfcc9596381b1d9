/* text_map.c - see text_map.h. Open addressing, at most half full. */
#include "cmd/text_map.h"

#include "libtsdb/base/mem.h"

enum { CAP_FIRST = 4096 };

static struct pm_text_slot *probe(const struct pm_text_map *m, uint64_t hash, uint32_t len)
{
	size_t i = hash & (m->cap - 1);

	while (m->slots[i].len && (m->slots[i].hash != hash || m->slots[i].len != len))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static int grow(struct pm_text_map *m)
{
	struct pm_text_map bigger = { .cap = m->cap ? 2 * m->cap : CAP_FIRST, .count = m->count };

	bigger.slots = pm_calloc(bigger.cap, sizeof *bigger.slots);
	if (!bigger.slots)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < m->cap; i++) {
		if (m->slots[i].len)
			*probe(&bigger, m->slots[i].hash, m->slots[i].len) = m->slots[i];
	}
	pm_free(m->slots);
	*m = bigger;
	return 0;
}

struct pm_text_slot *pm_text_map_at(struct pm_text_map *m, uint64_t hash, size_t len)
{
	if (2 * (m->count + 1) > m->cap && grow(m) < 0)
		return NULL;
	return probe(m, hash, (uint32_t)len);
}

void pm_text_map_added(struct pm_text_map *m)
{
	m->count++;
}

void pm_text_map_reset(struct pm_text_map *m)
{
	if (m->count)
		memset(m->slots, 0, m->cap * sizeof *m->slots);
	m->count = 0;
}

void pm_text_map_release(struct pm_text_map *m)
{
	pm_free(m->slots);
	*m = (struct pm_text_map){ 0 };
}
