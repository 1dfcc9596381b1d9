/* file.h - a file of Prometheus's, mapped for reading, and a cursor over its bytes. Private to libtsdb/blocks.
 *
 * Numbers are big-endian; varints are Go's. A cursor never leaves its bytes: past the end it gives zeros and is
 * `bad`. */
#ifndef TSDB_BLOCKS_FILE_H
#define TSDB_BLOCKS_FILE_H

#include "libtsdb/pm.h"

struct prom__file {
	char *path;
	const uint8_t *ptr;
	size_t len;
};

/* Map a file; `name` below `dir`. An empty one has no bytes. */
int prom__file_open(struct prom__file *f, const char *dir, const char *name, struct pm_error *err);
void prom__file_close(struct prom__file *f); /* a zeroed one is fine */
/* The one place that says a foreign file is damaged: "PATH: at 123: why". Returns PM_ERR_CORRUPT. */
int prom__file_damaged(const struct prom__file *f, uint64_t offset, const char *why, struct pm_error *err);
/* "a/b", NULL: out of memory; the caller frees with pm_free. */
char *prom__path(const char *dir, const char *name);

struct prom__cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct prom__cursor prom__cursor(const void *p, size_t len)
{
	return (struct prom__cursor){ .at = p, .end = (const uint8_t *)p + len };
}

static inline size_t prom__left(const struct prom__cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* `n` bytes, or NULL. */
const uint8_t *prom__take(struct prom__cursor *c, size_t n);
uint8_t prom__take_u8(struct prom__cursor *c);
uint32_t prom__take_be32(struct prom__cursor *c);
uint64_t prom__take_be64(struct prom__cursor *c);
uint64_t prom__take_uvarint(struct prom__cursor *c);
int64_t prom__take_varint(struct prom__cursor *c);
struct pm_str prom__take_str(struct prom__cursor *c); /* its length in front, as uvarint */

/* Big-endian, from where four bytes are known to be. */
static inline uint32_t prom__be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
