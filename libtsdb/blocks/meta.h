/* meta.h - meta.json of a block. Private to libtsdb/blocks. */
#ifndef TSDB_BLOCKS_META_H
#define TSDB_BLOCKS_META_H

#include "libtsdb/base/buf.h"
#include "libtsdb/blocks.h"

/* What else meta.json says: ULIDs of the blocks that this one replaced, and where it came from. */
struct prom__parents {
	char (*v)[TSDB_ULID_SIZE];
	size_t count, cap;
	bool out_of_order; /* the last block that was read is of samples that came late */
};

/* Read `dir`/meta.json. `ret->path` is left alone; parents are appended (NULL: not wanted). PM_ERR_NOTFOUND. */
int prom__meta_read(const char *dir, struct tsdb_block_info *ret, struct prom__parents *parents, struct pm_error *err);

bool prom__ulid_valid(struct pm_str s);
/* A new one: the time and `random`, 80 bits of it. */
void prom__ulid_make(char out[TSDB_ULID_SIZE], int64_t now_ms, const uint8_t random[10]);

#endif
