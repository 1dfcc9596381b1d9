/* intern.h - numbers for strings, and for pairs of numbers, each given once. Private to libtsdb/blocks. */
#ifndef TSDB_BLOCKS_INTERN_H
#define TSDB_BLOCKS_INTERN_H

#include "libtsdb/base/arena.h"
#include "libtsdb/pm.h"

/* A table of numbers by hash; what a number stands for is the caller's. */
struct prom__table {
	uint32_t *slots; /* 1 + number, 0: empty */
	size_t size;     /* a power of two */
	size_t count;
};

struct prom__strings {
	struct prom__table table;
	struct pm_str *v;
	size_t cap;
	struct pm_arena arena;
};

struct prom__pair {
	uint32_t name, value; /* numbers of strings */
	uint32_t uses;
};

struct prom__pairs {
	struct prom__table table;
	struct prom__pair *v;
	size_t cap;
};

/* The number of a string or pair, new or not. 0 or PM_ERR_NOMEM. */
int prom__intern(struct prom__strings *t, struct pm_str s, uint32_t *ret);
int prom__intern_pair(struct prom__pairs *t, uint32_t name, uint32_t value, uint32_t *ret);
void prom__strings_release(struct prom__strings *t);
void prom__pairs_release(struct prom__pairs *t);

#endif
