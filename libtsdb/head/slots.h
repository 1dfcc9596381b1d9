/* slots.h - hash tables in files: from a 32-bit tag to 32-bit values.
 *
 * A slot is one 64-bit word, tag << 32 | value + 1, and goes from empty (0) to filled once, by one store (F2); readers
 * probe while a writer fills. Equal tags may stand in many slots: whoever looks up compares what a value stands for,
 * and ignores values that its snapshot does not know, which a transaction that failed may have left. Growing means a
 * new file. Blocks are allocated when a table is made, so that a full disk can't strike at a store to the mapping.
 *
 * Behind the slots stands a byte for each, the exclusive or of its word's bytes, stored before the word. It is looked
 * at when a value was not found: a slot that was damaged may be the one that was sought. */
#ifndef TSDB_HEAD_SLOTS_H
#define TSDB_HEAD_SLOTS_H

#include "libtsdb/head/format.h"
#include "libtsdb/pm.h"

struct tsdb__slots;
/* Damage that look-ups came upon; all atomic. */
struct tsdb__slots_damage {
	uint64_t count;
	uint64_t off; /* in the file */
	const struct tsdb__slots *slots;
};

struct tsdb__slots {
	uint64_t *words; /* behind the file head */
	uint8_t *checks; /* behind the words; NULL: not looked at */
	uint64_t count;  /* of slots, a power of two */
	uint32_t number;
	char name[32];
	struct tsdb__slots_damage *damage; /* where it is counted, or NULL */
	void *map;
	size_t map_len;
	bool writable;
	struct tsdb__slots *next; /* older tables, kept until the store is closed */
};

enum { TSDB_SLOTS_MIN = 1024 };

int tsdb__slots_create(int dirfd, const char *name, uint64_t generation, uint32_t number, uint64_t count,
	struct tsdb__slots **ret, struct pm_error *err);
/* One in memory, and that one as a file. */
int tsdb__slots_in_memory(uint32_t number, uint64_t count, struct tsdb__slots **ret, struct pm_error *err);
int tsdb__slots_save(
	const struct tsdb__slots *s, int dirfd, const char *name, uint64_t generation, struct pm_error *err);
/* PM_ERR_NOTFOUND: a newer table took its place; the caller takes a new snapshot. */
int tsdb__slots_open(int dirfd, const char *name, uint64_t generation, uint32_t number, bool writable,
	struct tsdb__slots **ret, struct pm_error *err);
void tsdb__slots_free(struct tsdb__slots *s); /* and all that hang on `next` */

/* Walk the values under a tag: start with *cursor = 0; 1 and *ret, or 0 at the end. */
int tsdb__slots_next(const struct tsdb__slots *s, uint32_t tag, uint64_t *cursor, uint32_t *ret);
/* Slot `at` is empty, or what was written. Damage is counted. */
bool tsdb__slots_sound(const struct tsdb__slots *s, uint64_t at);
/* Fill an empty slot. PM_ERR_LIMIT: too crowded, grow first. */
int tsdb__slots_put(struct tsdb__slots *s, uint32_t tag, uint32_t value);
/* Put all slots of `from` whose value is below `value_end` into `to`. Returns how many, PM_ERR_LIMIT, or PM_ERR_CORRUPT
 * (counted). */
int64_t tsdb__slots_copy(struct tsdb__slots *to, const struct tsdb__slots *from, uint32_t value_end);

#endif
