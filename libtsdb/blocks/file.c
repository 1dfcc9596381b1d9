/* file.c - see file.h. */
#include "libtsdb/blocks/file.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"

#include <fcntl.h>
#include <stdio.h>

enum { VARINT_BYTES_MAX = 10 };

char *prom__path(const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path = pm_malloc(size);

	if (path)
		snprintf(path, size, "%s/%s", dir, name);
	return path;
}

int prom__file_open(struct prom__file *f, const char *dir, const char *name, struct pm_error *err)
{
	struct prom__file opened = { .path = prom__path(dir, name) };
	uint64_t size = 0;
	void *map = NULL;
	int fd = -1, rc;

	if (!opened.path)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	rc = pm_fs_openat(AT_FDCWD, opened.path, PM_FS_READ, &fd, err);
	if (rc == 0)
		rc = pm_fs_size(fd, &size, err);
	if (rc == 0 && size)
		rc = pm_fs_map(fd, size, false, &map, err);
	if (fd >= 0)
		pm_fs_close(fd);
	if (rc < 0) {
		pm_free(opened.path);
		return rc;
	}
	opened.ptr = map;
	opened.len = size;
	*f = opened;
	return 0;
}

void prom__file_close(struct prom__file *f)
{
	if (f->len)
		pm_fs_unmap((void *)(uintptr_t)f->ptr, f->len);
	pm_free(f->path);
	*f = (struct prom__file){ 0 };
}

int prom__file_damaged(const struct prom__file *f, uint64_t offset, const char *why, struct pm_error *err)
{
	return pm_fail(err, PM_ERR_CORRUPT, "%s: at %llu: %s", f->path, (unsigned long long)offset, why);
}

const uint8_t *prom__take(struct prom__cursor *c, size_t n)
{
	const uint8_t *p = c->at;

	if (n > prom__left(c)) {
		c->bad = true;
		c->at = c->end;
		return NULL;
	}
	c->at += n;
	return p;
}

uint8_t prom__take_u8(struct prom__cursor *c)
{
	const uint8_t *p = prom__take(c, 1);

	return p ? *p : 0;
}

uint32_t prom__take_be32(struct prom__cursor *c)
{
	const uint8_t *p = prom__take(c, 4);

	return p ? prom__be32(p) : 0;
}

uint64_t prom__take_be64(struct prom__cursor *c)
{
	const uint8_t *p = prom__take(c, 8);

	return p ? (uint64_t)prom__be32(p) << 32 | prom__be32(p + 4) : 0;
}

uint64_t prom__take_uvarint(struct prom__cursor *c)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
		uint64_t byte = prom__take_u8(c);

		v |= (byte & 127) << (7 * i);
		if (byte < 128)
			return v;
	}
	c->bad = true;
	return 0;
}

int64_t prom__take_varint(struct prom__cursor *c)
{
	uint64_t v = prom__take_uvarint(c);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

struct pm_str prom__take_str(struct prom__cursor *c)
{
	uint64_t len = prom__take_uvarint(c);
	const uint8_t *p = len <= prom__left(c) ? prom__take(c, len) : NULL;

	if (!p) {
		c->bad = true;
		return (struct pm_str){ 0 };
	}
	return (struct pm_str){ (const char *)p, len };
}
