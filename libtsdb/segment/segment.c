/* segment.c - opening a segment, and the checksums of its blocks. */
#include "libtsdb/segment/segment.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/column/column.h"
#include "libtsdb/head/file.h"
#include "libtsdb/segment/out.h"

int tsdb__segment_corrupt(const struct tsdb__segment *s, uint64_t off, const char *what, struct pm_error *err)
{
	return tsdb__corrupt(err, s->name, off, what);
}

/* ---- opening ---- */

/* All sections inside the file, one behind the other, and the checksums right behind what they are of. */
static int check_sections(const struct tsdb__segment *s, struct pm_error *err)
{
	const struct tsdb_segment_footer *f = s->footer;
	uint64_t at = sizeof(struct tsdb_file_head), end = s->size - sizeof *f;
	for (int i = 0; i < TSDB_SECTION_COUNT; i++) {
		if (f->section[i].off < at || f->section[i].off > end || f->section[i].len > end - f->section[i].off)
			return tsdb__segment_corrupt(s, end, "sections out of place", err);
		at = f->section[i].off + f->section[i].len;
		if (i != TSDB_SECTION_DATA && f->section[i].off % 8)
			return tsdb__segment_corrupt(s, end, "sections out of line", err);
	}
	uint64_t covered = f->section[TSDB_SECTION_PAIRS].off + f->section[TSDB_SECTION_PAIRS].len;
	uint64_t sums = (tsdb__pad8(covered) + TSDB_SEGMENT_BLOCK - 1) / TSDB_SEGMENT_BLOCK;
	uint64_t blocks = ((uint64_t)f->series_count + TSDB_SERIES_BLOCK - 1) / TSDB_SERIES_BLOCK;
	if (f->section[TSDB_SECTION_CHECKSUMS].off != tsdb__pad8(covered) ||
		f->section[TSDB_SECTION_CHECKSUMS].len != sums * sizeof(uint32_t) ||
		f->section[TSDB_SECTION_TIMES].len % sizeof(struct tsdb_time_column) ||
		f->section[TSDB_SECTION_PAIRS].len % sizeof(struct tsdb_posting) ||
		f->section[TSDB_SECTION_BLOCKS].len != (blocks + 1) * sizeof(uint64_t) ||
		f->section[TSDB_SECTION_SYMBOLS].len / sizeof(uint32_t) < f->symbol_count + UINT64_C(1))
		return tsdb__segment_corrupt(s, end, "sections of impossible lengths", err);
	return 0;
}

static int check_footer(struct tsdb__segment *s, const struct tsdb__segment_info *info, struct pm_error *err)
{
	const struct tsdb_segment_footer *f = s->footer;
	uint64_t off = s->size - sizeof *f;
	if (f->magic != TSDB_SEGMENT_MAGIC || f->checksum != pm_hash(f, offsetof(struct tsdb_segment_footer, checksum)))
		return tsdb__segment_corrupt(s, off, "no footer, or a damaged one", err);
	if (f->version != TSDB_FORMAT_VERSION || f->block_size != TSDB_SEGMENT_BLOCK)
		return pm_fail(err, PM_ERR_VERSION, "%s has format version %u, this pm reads %d", s->name, f->version,
			TSDB_FORMAT_VERSION);
	if (f->file_size != s->size || f->number != s->number || (info && info->footer_checksum != f->checksum))
		return tsdb__segment_corrupt(s, off, "not the segment that the manifest names", err);
	return check_sections(s, err);
}

static int check(struct tsdb__segment *s, const struct tsdb__segment_info *info, struct pm_error *err)
{
	const struct tsdb_segment_footer *f = (const void *)(s->map + s->size - sizeof *f);
	int rc;
	s->footer = f;
	if ((rc = check_footer(s, info, err)) < 0)
		return rc;
	s->sums = (const void *)(s->map + f->section[TSDB_SECTION_CHECKSUMS].off);
	s->sums_count = f->section[TSDB_SECTION_CHECKSUMS].len / sizeof *s->sums;
	s->pair_count = (uint32_t)(f->section[TSDB_SECTION_PAIRS].len / sizeof(struct tsdb_posting));
	s->time_count = (uint32_t)(f->section[TSDB_SECTION_TIMES].len / sizeof(struct tsdb_time_column));
	if (f->checksums_hash != pm_hash(s->sums, f->section[TSDB_SECTION_CHECKSUMS].len))
		return tsdb__segment_corrupt(s, f->section[TSDB_SECTION_CHECKSUMS].off, "checksum", err);
	return 0;
}

int tsdb__segment_open(int dirfd, uint64_t number, const struct tsdb__segment_info *info, struct tsdb__segment **ret,
	struct pm_error *err)
{
	struct tsdb__segment *s = pm_calloc(1, sizeof *s);
	void *map = NULL;
	int fd = -1, rc;
	if (!s)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	s->refs = 1;
	s->number = number;
	tsdb__segment_name(s->name, number);
	if ((rc = pm_fs_openat(dirfd, s->name, PM_FS_READ, &fd, err)) < 0 ||
		(rc = pm_fs_size(fd, &s->size, err)) < 0)
		goto done;
	if (s->size % 8 || s->size < sizeof(struct tsdb_file_head) + sizeof *s->footer)
		rc = tsdb__segment_corrupt(s, s->size, "too short", err);
	if (rc < 0 || (rc = pm_fs_map(fd, s->size, false, &map, err)) < 0)
		goto done;
	s->map = map;
	if ((rc = check(s, info, err)) < 0)
		goto done;
	if (!(s->verified = pm_calloc(s->sums_count / 64 + 1, sizeof *s->verified)))
		rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
done:
	if (fd >= 0)
		pm_fs_close(fd);
	if (rc < 0)
		tsdb__segment_unref(s);
	else
		*ret = s;
	return rc;
}

struct tsdb__segment *tsdb__segment_ref(struct tsdb__segment *s)
{
	__atomic_add_fetch(&s->refs, 1, __ATOMIC_ACQ_REL);
	return s;
}

void tsdb__segment_unref(struct tsdb__segment *s)
{
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (s->map)
		pm_fs_unmap((void *)(uintptr_t)s->map, s->size);
	pm_free(s->verified);
	pm_free(s);
}

void tsdb__segment_info_of(const struct tsdb__segment *s, struct tsdb__segment_info *ret)
{
	const struct tsdb_segment_footer *f = s->footer;
	*ret = (struct tsdb__segment_info){ .number = f->number,
		.order = f->order,
		.level = f->level,
		.series_count = f->series_count,
		.min_ms = f->min_ms,
		.max_ms = f->max_ms,
		.size = f->file_size,
		.sample_count = f->sample_count,
		.footer_checksum = f->checksum };
}

/* ---- blocks ---- */

static uint64_t covered(const struct tsdb__segment *s)
{
	return s->footer->section[TSDB_SECTION_CHECKSUMS].off;
}

static bool block_holds(const struct tsdb__segment *s, uint64_t block)
{
	uint64_t from = block * TSDB_SEGMENT_BLOCK, end = from + TSDB_SEGMENT_BLOCK;
	if (end > covered(s))
		end = covered(s);
	return tsdb__block_checksum(s->number, block, s->map + from, end - from) == s->sums[block];
}

const void *tsdb__segment_at(const struct tsdb__segment *s, uint64_t off, uint64_t len, struct pm_error *err)
{
	if (off > covered(s) || len > covered(s) - off) {
		tsdb__segment_corrupt(s, off, "points behind the file's end", err);
		return NULL;
	}
	for (uint64_t b = off / TSDB_SEGMENT_BLOCK; len && b <= (off + len - 1) / TSDB_SEGMENT_BLOCK; b++) {
		uint64_t bit = UINT64_C(1) << b % 64;
		if (__atomic_load_n(&s->verified[b / 64], __ATOMIC_RELAXED) & bit)
			continue;
		if (!block_holds(s, b)) {
			tsdb__segment_corrupt(s, b * TSDB_SEGMENT_BLOCK, "checksum", err);
			return NULL;
		}
		__atomic_fetch_or(&s->verified[b / 64], bit, __ATOMIC_RELAXED);
	}
	return s->map + off;
}

uint64_t tsdb__segment_verify(
	const struct tsdb__segment *s, void (*bad)(void *arg, uint64_t off, const char *what), void *arg)
{
	uint64_t damaged = 0;
	for (uint64_t b = 0; b < s->sums_count; b++)
		if (!block_holds(s, b)) {
			damaged++;
			bad(arg, b * TSDB_SEGMENT_BLOCK, "checksum");
		}
	return damaged;
}
