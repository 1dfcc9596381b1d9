/* text_map.h - which series a line of text names, within one transaction: a hash table from the text's hash and length. */
#ifndef PM_CMD_TEXT_MAP_H
#define PM_CMD_TEXT_MAP_H

#include "libtsdb/tsdb.h"

struct pm_text_slot {
	uint64_t hash;
	uint32_t len; /* 0: empty */
	tsdb_sid sid;
};

/* A zeroed map is valid and empty. */
struct pm_text_map {
	struct pm_text_slot *slots;
	size_t cap, count; /* cap: a power of two */
};

/* The slot of this text; an empty one (`len` 0) when it is new, which the caller fills and then counts with
 * pm_text_map_added. NULL: out of memory. Good until the next call. O(1). */
struct pm_text_slot *pm_text_map_at(struct pm_text_map *m, uint64_t hash, size_t len);
void pm_text_map_added(struct pm_text_map *m);
void pm_text_map_reset(struct pm_text_map *m); /* empty, memory kept */
void pm_text_map_release(struct pm_text_map *m);

#endif
