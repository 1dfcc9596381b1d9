/* wal.c - see wal.h. */
#include "libtsdb/blocks/wal.h"

#include "libtsdb/base/crc32c.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/snappy.h"
#include "libtsdb/base/zstd.h"

#include <fcntl.h>

enum { PAGE_SIZE = 32 << 10, HEADER_SIZE = 7, TYPE_MASK = 7, SNAPPY = 8, ZSTD = 16 };
enum fragment { PAGE_END, FULL, FIRST, MIDDLE, LAST };

static bool is_segment(struct pm_str name, uint64_t from)
{
	uint64_t number;

	return name.len && strspn(name.ptr, "0123456789") == name.len && pm_uint_parse(name, &number) == 0 &&
	       number >= from;
}

int prom__wal_open(struct prom__wal *w, const char *dir, uint64_t from, struct pm_error *err)
{
	size_t kept = 0;
	int fd, rc;

	*w = (struct prom__wal){ 0 };
	rc = pm_fs_openat(AT_FDCWD, dir, PM_FS_READ | PM_FS_DIRECTORY, &fd, err);
	if (rc == PM_ERR_NOTFOUND)
		return 0;
	if (rc < 0)
		return rc;
	rc = pm_fs_list(fd, &w->names, err);
	pm_fs_close(fd);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < w->names.count; i++)
		if (is_segment(w->names.v[i], from))
			w->names.v[kept++] = w->names.v[i];
	w->names.count = kept;
	pm_buf_init(&w->raw, PROM__RECORD_SIZE_MAX);
	w->dir = pm_strndup(dir, strlen(dir));
	if (w->dir)
		return 0;
	prom__wal_close(w);
	return pm_fail(err, PM_ERR_NOMEM, "out of memory");
}

void prom__wal_close(struct prom__wal *w)
{
	prom__file_close(&w->file);
	pm_strings_free(&w->names);
	pm_free(w->dir);
	pm_buf_release(&w->raw);
	pm_buf_release(&w->plain);
	*w = (struct prom__wal){ 0 };
}

static int next_segment(struct prom__wal *w, struct pm_error *err)
{
	int rc;

	prom__file_close(&w->file);
	w->at = 0;
	if (w->next >= w->names.count)
		return 0;
	rc = prom__file_open(&w->file, w->dir, w->names.v[w->next].ptr, err);
	w->next++;
	return rc < 0 ? rc : 1;
}

/* Whether the segment ends inside of a record: the last one may, where a machine stopped. */
static int cut_short(struct prom__wal *w, struct pm_error *err)
{
	if (w->next < w->names.count)
		return prom__file_damaged(&w->file, w->record_at, "a record reaches past the end of its segment", err);
	w->at = w->file.len;
	return 0;
}

/* Append the data of the next fragment to w->raw: 1 and its type, 0 at the end of the segment, or an error. */
static int next_fragment(struct prom__wal *w, unsigned *ret_type, struct pm_error *err)
{
	for (;;) {
		uint64_t left = w->file.len - w->at, in_page = PAGE_SIZE - w->at % PAGE_SIZE;
		const uint8_t *p = w->file.ptr + w->at;
		unsigned len;

		if (left == 0)
			return 0;
		if ((p[0] & TYPE_MASK) == PAGE_END) {
			w->at += in_page < left ? in_page : left;
			continue;
		}
		if (left < HEADER_SIZE)
			return cut_short(w, err);
		len = (unsigned)p[1] << 8 | p[2];
		if (HEADER_SIZE + len > in_page)
			return prom__file_damaged(&w->file, w->at, "a record reaches past the end of its page", err);
		if (HEADER_SIZE + len > left)
			return cut_short(w, err);
		if (pm_crc32c(0, p + HEADER_SIZE, len) != prom__be32(p + 3))
			return prom__file_damaged(&w->file, w->at, "the checksum of a record is wrong", err);
		pm_buf_add(&w->raw, p + HEADER_SIZE, len);
		if (pm_buf_error(&w->raw))
			return pm_fail(err, pm_buf_error(&w->raw), "%s: at %llu: a record is larger than 64 MiB",
				w->file.path, (unsigned long long)w->record_at);
		*ret_type = p[0];
		w->at += HEADER_SIZE + len;
		return 1;
	}
}

/* All fragments of a record: 1, 0 at the end of the segment, or an error. */
static int next_raw(struct prom__wal *w, unsigned *ret_flags, struct pm_error *err)
{
	bool inside = false;
	unsigned type = 0;
	int rc;

	pm_buf_reset(&w->raw);
	w->record_at = w->at;
	while ((rc = next_fragment(w, &type, err)) > 0) {
		enum fragment f = type & TYPE_MASK;
		bool begins = f == FULL || f == FIRST;

		if (f > LAST || begins == inside)
			return prom__file_damaged(&w->file, w->record_at, "fragments of records are out of order", err);
		*ret_flags = type;
		if (f == FULL || f == LAST)
			return 1;
		inside = true;
	}
	return rc == 0 && inside ? cut_short(w, err) : rc;
}

static int uncompress(struct prom__wal *w, unsigned flags, struct pm_str *ret, struct pm_error *err)
{
	struct pm_str raw = pm_buf_view(&w->raw);
	int rc;

	*ret = raw;
	if (!(flags & (SNAPPY | ZSTD)))
		return 1;
	pm_buf_reset(&w->plain);
	rc = flags & SNAPPY ? pm_snappy_decode(raw, PROM__RECORD_SIZE_MAX, &w->plain)
			    : pm_zstd_decode(raw, PROM__RECORD_SIZE_MAX, &w->plain);
	if (rc == PM_ERR_NOMEM)
		return pm_fail(err, rc, "out of memory");
	if (rc < 0)
		return prom__file_damaged(&w->file, w->record_at,
			rc == PM_ERR_LIMIT ? "a record is larger than 64 MiB" : "a record can't be uncompressed", err);
	*ret = pm_buf_view(&w->plain);
	return 1;
}

int prom__wal_next(struct prom__wal *w, struct pm_str *ret, struct pm_error *err)
{
	unsigned flags;
	int rc;

	for (;;) {
		rc = w->file.path ? next_raw(w, &flags, err) : 0;
		if (rc < 0)
			return rc;
		if (rc > 0)
			return uncompress(w, flags, ret, err);
		rc = next_segment(w, err);
		if (rc <= 0)
			return rc;
	}
}
