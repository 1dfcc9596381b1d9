/* text_map.h - which series a line of text names, within one transaction; and which line came after it last time.
 *
 * Pages come scrape after scrape in the same order, or series after series: so the line that followed the last time
 * follows again most of the time, and can be tried before anything else. */
#ifndef PM_CMD_TEXT_MAP_H
#define PM_CMD_TEXT_MAP_H

#include "libtsdb/tsdb.h"

enum { PM_TEXT_NONE = UINT32_MAX };

struct pm_text_entry {
	uint64_t hash;
	uint32_t len;
	tsdb_sid sid;
	uint32_t next; /* the entry that followed, PM_TEXT_NONE when nobody knows; the caller's to keep */
};

/* A zeroed map is valid and empty. */
struct pm_text_map {
	struct pm_text_entry *entries;
	size_t count, entry_cap;
	uint32_t *slots; /* 1 + index of an entry, 0: empty */
	size_t slot_cap; /* a power of two */
};

/* Index of the entry with this hash and length, or PM_TEXT_NONE. O(1). */
uint32_t pm_text_map_find(const struct pm_text_map *m, uint64_t hash, size_t len);
/* Add one that is not there. PM_ERR_NOMEM: nothing changed. Amortised O(1). */
int pm_text_map_add(struct pm_text_map *m, uint64_t hash, size_t len, tsdb_sid sid, uint32_t *ret_index);
void pm_text_map_reset(struct pm_text_map *m); /* empty, memory kept */
void pm_text_map_release(struct pm_text_map *m);

#endif
