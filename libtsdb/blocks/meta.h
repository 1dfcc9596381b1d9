/* meta.h - meta.json of a block. Private to libtsdb/blocks. */
#ifndef TSDB_BLOCKS_META_H
#define TSDB_BLOCKS_META_H

#include "libtsdb/base/buf.h"
#include "libtsdb/blocks.h"

enum { PROM__META_PARENTS_MAX = 1024 };

/* ULIDs of the blocks that this one replaced. */
struct prom__parents {
	char (*v)[TSDB_ULID_SIZE];
	size_t count, cap;
};

/* Read `dir`/meta.json. `ret->path` is left alone; parents are appended (NULL: not wanted). PM_ERR_NOTFOUND. */
int prom__meta_read(const char *dir, struct tsdb_block_info *ret, struct prom__parents *parents, struct pm_error *err);

bool prom__ulid_valid(struct pm_str s);
/* A new one: the time and `random`, 80 bits of it. */
void prom__ulid_make(char out[TSDB_ULID_SIZE], int64_t now_ms, const uint8_t random[10]);

#endif
