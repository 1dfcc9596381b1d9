/* log.c - the log of a data directory: checkpoint, segments, and the log of late samples, as one stream of items.
 *
 * It is read twice. The first time finds what was deleted: a tombstone stands behind the samples that it takes away.
 * The second time keeps the labels of each series that the log names; they stay in memory. */
#include "libtsdb/blocks.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"
#include "libtsdb/blocks/record.h"
#include "libtsdb/blocks/tombstones.h"
#include "libtsdb/blocks/wal.h"

#include <fcntl.h>
#include <stdio.h>

enum part { CHECKPOINT, SEGMENTS, LATE, PART_COUNT };
enum { SLOTS_MIN = 1024 };
#define CHECKPOINT_PREFIX "checkpoint."

struct series {
	uint64_t ref;
	struct pm_labels labels;
};

struct tsdb_log {
	char *paths[PART_COUNT]; /* NULL: there is none */
	uint64_t segments_from;
	int64_t min_ms;
	enum part part;
	struct prom__wal wal; /* of the part at hand */
	struct prom__record record;
	bool in_record;
	struct pm_arena item_arena, series_arena;
	struct prom__tombstones tombstones;
	struct series *series;
	uint32_t *slots; /* 1 + index of a series, by hash of its reference */
	size_t series_count, series_cap, slot_count;
	uint64_t lost;
};

/* ---- series ------------------------------------------------------------------------------------- */

static size_t slot_of(const struct tsdb_log *l, uint64_t ref)
{
	size_t at = pm_hash(&ref, sizeof ref) & (l->slot_count - 1);

	while (l->slots[at] && l->series[l->slots[at] - 1].ref != ref)
		at = (at + 1) & (l->slot_count - 1);
	return at;
}

static int grow_slots(struct tsdb_log *l)
{
	size_t count = l->slot_count ? l->slot_count * 2 : SLOTS_MIN;
	uint32_t *slots;

	if ((l->series_count + 1) * 2 <= l->slot_count)
		return 0;
	slots = pm_calloc(count, sizeof *slots);
	if (!slots)
		return PM_ERR_NOMEM;
	pm_free(l->slots);
	l->slots = slots;
	l->slot_count = count;
	for (uint32_t i = 0; i < l->series_count; i++)
		l->slots[slot_of(l, l->series[i].ref)] = i + 1;
	return 0;
}

/* A series that was named before keeps its number. */
static int name_series(struct tsdb_log *l, uint64_t ref, struct pm_labels labels)
{
	struct series s = { .ref = ref };
	size_t at;

	if (grow_slots(l) < 0 || pm_grow(&l->series, &l->series_cap, l->series_count + 1) < 0)
		return PM_ERR_NOMEM;
	at = slot_of(l, ref);
	if (l->slots[at] && pm_labels_eq(l->series[l->slots[at] - 1].labels, labels))
		return 0;
	if (pm_arena_labels(&l->series_arena, labels, &s.labels) < 0)
		return PM_ERR_NOMEM;
	l->series[l->series_count++] = s;
	l->slots[at] = (uint32_t)l->series_count;
	return 0;
}

static bool find_series(const struct tsdb_log *l, uint64_t ref, uint32_t *ret)
{
	size_t at = l->slot_count ? slot_of(l, ref) : 0;

	if (!l->slot_count || !l->slots[at])
		return false;
	*ret = l->slots[at] - 1;
	return true;
}

/* ---- parts -------------------------------------------------------------------------------------- */

/* The checkpoint with the highest number stands for all segments up to that one. */
static void find_checkpoint(const struct pm_strings *names, struct pm_str *ret, uint64_t *ret_number)
{
	struct pm_str prefix = PM_STR(CHECKPOINT_PREFIX);

	for (size_t i = 0; i < names->count; i++) {
		struct pm_str name = names->v[i];
		uint64_t number;

		if (name.len <= prefix.len || memcmp(name.ptr, prefix.ptr, prefix.len) != 0)
			continue;
		name.ptr += prefix.len;
		name.len -= prefix.len;
		if (pm_uint_parse(name, &number) < 0 || (ret->len && number < *ret_number))
			continue;
		*ret = names->v[i];
		*ret_number = number;
	}
}

static int find_parts(struct tsdb_log *l, const char *dir, struct pm_error *err)
{
	struct pm_strings names = { 0 };
	struct pm_str checkpoint = { 0 };
	uint64_t number = 0;
	int fd, rc;

	l->paths[SEGMENTS] = prom__path(dir, "wal");
	l->paths[LATE] = prom__path(dir, "wbl");
	if (!l->paths[SEGMENTS] || !l->paths[LATE])
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	rc = pm_fs_openat(AT_FDCWD, l->paths[SEGMENTS], PM_FS_READ | PM_FS_DIRECTORY, &fd, err);
	if (rc == PM_ERR_NOTFOUND)
		return 0;
	if (rc < 0)
		return rc;
	rc = pm_fs_list(fd, &names, err);
	pm_fs_close(fd);
	if (rc < 0)
		return rc;
	find_checkpoint(&names, &checkpoint, &number);
	if (checkpoint.len) {
		l->paths[CHECKPOINT] = prom__path(l->paths[SEGMENTS], checkpoint.ptr);
		l->segments_from = number + 1;
		rc = l->paths[CHECKPOINT] ? 0 : pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	pm_strings_free(&names);
	return rc;
}

static int open_part(struct tsdb_log *l, struct pm_error *err)
{
	const char *path = l->paths[l->part];

	prom__wal_close(&l->wal);
	return path ? prom__wal_open(&l->wal, path, l->part == SEGMENTS ? l->segments_from : 0, err) : 0;
}

static int rewind_log(struct tsdb_log *l, struct pm_error *err)
{
	l->part = 0;
	l->in_record = false;
	return open_part(l, err);
}

/* ---- records ------------------------------------------------------------------------------------ */

static int next_record(struct tsdb_log *l, struct pm_error *err)
{
	struct pm_str bytes;
	int rc;

	while ((rc = l->wal.dir ? prom__wal_next(&l->wal, &bytes, err) : 0) == 0) {
		if (++l->part == PART_COUNT)
			return 0;
		rc = open_part(l, err);
		if (rc < 0)
			return rc;
	}
	if (rc > 0)
		prom__record_begin(&l->record, bytes, &l->item_arena);
	return rc;
}

/* The next item of any kind, of the record at hand or a later one. */
static int next_item(struct tsdb_log *l, struct tsdb_log_item *item, struct pm_error *err)
{
	int rc;

	for (;;) {
		if (!l->in_record) {
			rc = next_record(l, err);
			if (rc <= 0)
				return rc;
			l->in_record = true;
		}
		rc = prom__record_next(&l->record, item);
		if (rc > 0)
			return rc;
		l->in_record = false;
		if (rc == PM_ERR_NOMEM)
			return pm_fail(err, rc, "out of memory");
		if (rc < 0)
			return prom__file_damaged(&l->wal.file, l->wal.record_at, l->record.why, err);
	}
}

static int read_tombstones(struct tsdb_log *l, struct pm_error *err)
{
	struct tsdb_log_item item;
	int rc = rewind_log(l, err);

	if (rc < 0)
		return rc;
	while ((rc = next_item(l, &item, err)) > 0) {
		if (l->record.type != PROM__RECORD_TOMBSTONES) {
			l->in_record = false; /* nothing else of it matters now */
			continue;
		}
		if (prom__tombstones_add(&l->tombstones, l->record.ref, item.t_ms, item.st_ms) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	prom__tombstones_sort(&l->tombstones);
	return rc;
}

static bool is_deleted(const struct tsdb_log *l, uint64_t ref, int64_t t_ms)
{
	const struct prom__tombstone *stones;
	size_t count = prom__tombstones_of(&l->tombstones, ref, &stones);

	for (size_t i = 0; i < count; i++)
		if (t_ms >= stones[i].min_ms && t_ms <= stones[i].max_ms)
			return true;
	return false;
}

/* Whether the item is one for the caller. */
static bool is_wanted(struct tsdb_log *l, struct tsdb_log_item *item)
{
	bool sample = item->kind == TSDB_LOG_SAMPLE;

	if (sample && l->part != LATE && item->t_ms < l->min_ms)
		return false;
	if (!find_series(l, l->record.ref, &item->series)) {
		l->lost += sample;
		return false;
	}
	item->labels = l->series[item->series].labels;
	return !sample || !is_deleted(l, l->record.ref, item->t_ms);
}

int tsdb_log_next(struct tsdb_log *l, struct tsdb_log_item *ret, struct pm_error *err)
{
	int rc;

	while ((rc = next_item(l, ret, err)) > 0) {
		if (l->record.type == PROM__RECORD_SERIES) {
			if (name_series(l, l->record.ref, ret->labels) < 0)
				return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		} else if (l->record.type != PROM__RECORD_TOMBSTONES && is_wanted(l, ret)) {
			return 1;
		}
	}
	return rc;
}

uint64_t tsdb_log_lost(const struct tsdb_log *l)
{
	return l->lost;
}

int tsdb_log_open(const char *dir, int64_t min_ms, struct tsdb_log **ret, struct pm_error *err)
{
	struct tsdb_log *l = pm_calloc(1, sizeof *l);
	int rc;

	if (!l)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	l->min_ms = min_ms;
	rc = find_parts(l, dir, err);
	if (rc == 0)
		rc = read_tombstones(l, err);
	if (rc == 0)
		rc = rewind_log(l, err);
	if (rc < 0)
		tsdb_log_free(l);
	else
		*ret = l;
	return rc;
}

void tsdb_log_free(struct tsdb_log *l)
{
	if (!l)
		return;
	for (int i = 0; i < PART_COUNT; i++)
		pm_free(l->paths[i]);
	prom__wal_close(&l->wal);
	prom__tombstones_release(&l->tombstones);
	pm_arena_release(&l->item_arena);
	pm_arena_release(&l->series_arena);
	pm_free(l->series);
	pm_free(l->slots);
	pm_free(l);
}
