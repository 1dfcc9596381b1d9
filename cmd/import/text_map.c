/* text_map.c - see text_map.h. Open addressing over an array of entries, at most half full. */
#include "cmd/import/text_map.h"

#include "libtsdb/base/mem.h"

enum { SLOTS_FIRST = 4096 };

static uint32_t *probe(const struct pm_text_map *m, uint64_t hash, size_t len)
{
	for (size_t i = hash & (m->slot_cap - 1);; i = (i + 1) & (m->slot_cap - 1)) {
		const struct pm_text_entry *e = &m->entries[m->slots[i] - 1];

		if (m->slots[i] == 0 || (e->hash == hash && e->len == len))
			return &m->slots[i];
	}
}

uint32_t pm_text_map_find(const struct pm_text_map *m, uint64_t hash, size_t len)
{
	uint32_t slot = m->count ? *probe(m, hash, len) : 0;

	return slot ? slot - 1 : PM_TEXT_NONE;
}

static int grow_slots(struct pm_text_map *m)
{
	size_t cap = m->slot_cap ? 2 * m->slot_cap : SLOTS_FIRST;
	uint32_t *slots = pm_calloc(cap, sizeof *slots);

	if (!slots)
		return PM_ERR_NOMEM;
	pm_free(m->slots);
	m->slots = slots;
	m->slot_cap = cap;
	for (size_t i = 0; i < m->count; i++)
		*probe(m, m->entries[i].hash, m->entries[i].len) = (uint32_t)i + 1;
	return 0;
}

int pm_text_map_add(struct pm_text_map *m, uint64_t hash, size_t len, tsdb_sid sid, uint32_t *ret_index)
{
	if (m->count >= PM_TEXT_NONE - 1 || len > UINT32_MAX)
		return PM_ERR_NOMEM;
	if (pm_grow(&m->entries, &m->entry_cap, m->count + 1) < 0)
		return PM_ERR_NOMEM;
	if (2 * (m->count + 1) > m->slot_cap && grow_slots(m) < 0)
		return PM_ERR_NOMEM;
	*probe(m, hash, len) = (uint32_t)m->count + 1;
	m->entries[m->count] = (struct pm_text_entry){ hash, (uint32_t)len, sid, PM_TEXT_NONE };
	*ret_index = (uint32_t)m->count++;
	return 0;
}

void pm_text_map_reset(struct pm_text_map *m)
{
	if (m->count)
		memset(m->slots, 0, m->slot_cap * sizeof *m->slots);
	m->count = 0;
}

void pm_text_map_release(struct pm_text_map *m)
{
	pm_free(m->entries);
	pm_free(m->slots);
	*m = (struct pm_text_map){ 0 };
}
