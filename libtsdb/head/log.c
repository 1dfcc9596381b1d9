/* log.c - the log as readers see it: a sequence of files of one size, addressed by positions that never repeat.
 *
 *   position = file number * 64 MiB + offset
 *
 *   | head | HEADS | ROW | ROW | ROW | ... | PAD |    | head | HEADS | ROW ...
 *                     ^______previous____|                      |
 *             ^_____________________________________previous___|
 *
 * Rows of one family are chained from the newest back. Where chains begin stands in a table of heads, written at the
 * start of each file and now and then between; rows behind the newest table are walked once by each process. */
#include "libtsdb/head/head.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"

#include <stdio.h>

void tsdb__log_name(char out[32], uint64_t number)
{
	snprintf(out, 32, "log.%08llx", (unsigned long long)number);
}

int tsdb__log_create(int dirfd, uint64_t generation, uint64_t number, int *ret_fd, struct pm_error *err)
{
	struct tsdb_file_head head;
	uint64_t end = 0;
	char name[32];
	int fd, rc;
	tsdb__log_name(name, number);
	if ((rc = pm_fs_openat(dirfd, name, PM_FS_WRITE | PM_FS_CREATE, &fd, err)) < 0)
		return rc;
	tsdb__file_head_fill(&head, TSDB_FILE_LOG, generation, number);
	/* Its last word gives the file its size, so that no place in it is past its end for those who map it. */
	rc = pm_fs_pwrite(fd, &end, sizeof end, TSDB_LOG_FILE_SIZE - sizeof end, err);
	if (rc < 0 || (rc = pm_fs_pwrite(fd, &head, sizeof head, 0, err)) < 0)
		pm_fs_close(fd);
	else
		*ret_fd = fd;
	return rc;
}

/* Called with the mutex held. */
int tsdb__log_map(struct tsdb__head *h, uint64_t number, struct pm_error *err)
{
	uint64_t size;
	char name[32];
	void *p, *seen;
	int fd, rc;
	const uint8_t **slot = tsdb__log_slot(h, number);
	if (!slot)
		return tsdb__corrupt(err, "log", number << TSDB_LOG_SHIFT, "a file before the first");
	if (__atomic_load_n(slot, __ATOMIC_ACQUIRE))
		return 0;
	tsdb__log_name(name, number);
	if ((rc = pm_fs_openat(h->dirfd, name, PM_FS_READ, &fd, err)) < 0)
		return rc == PM_ERR_NOTFOUND ? PM_ERR_STALE : rc;
	if ((rc = pm_fs_size(fd, &size, err)) == 0 && size < TSDB_LOG_FILE_SIZE)
		rc = tsdb__corrupt(err, name, size, "the file ends early");
	if (rc == 0)
		rc = pm_fs_map(fd, TSDB_LOG_FILE_SIZE, false, &p, err);
	if (rc == 0 && ((rc = tsdb__file_head_check(p, name, TSDB_FILE_LOG, h->generation, err)) < 0 ||
			       (rc = pm_fs_map_memory(tsdb__seen_size(TSDB_LOG_FILE_SIZE), &seen, err)) < 0))
		pm_fs_unmap(p, TSDB_LOG_FILE_SIZE);
	if (rc == 0) {
		h->log_seen[slot - h->logs] = seen;
		__atomic_store_n(slot, (const uint8_t *)p, __ATOMIC_RELEASE);
	}
	pm_fs_close(fd);
	return rc;
}

void tsdb__log_forget(struct tsdb__head *h)
{
	uint64_t needed = UINT64_MAX;
	for (const struct tsdb__snap *s = h->snaps; s; s = s->next)
		needed = s->rec.log_first < needed ? s->rec.log_first : needed;
	if (needed == UINT64_MAX)
		return;
	if (h->logs_mapped_from < h->log_base)
		h->logs_mapped_from = h->log_base;
	for (; h->logs_mapped_from < needed; h->logs_mapped_from++) {
		const uint8_t **slot = tsdb__log_slot(h, h->logs_mapped_from);
		if (*slot)
			pm_fs_unmap((void *)(uintptr_t)*slot, TSDB_LOG_FILE_SIZE);
		pm_fs_unmap(h->log_seen[slot - h->logs], tsdb__seen_size(TSDB_LOG_FILE_SIZE));
		h->log_seen[slot - h->logs] = NULL;
		__atomic_store_n(slot, NULL, __ATOMIC_RELEASE);
	}
}

const struct tsdb_rec *tsdb__log_at(const struct tsdb__head *h, uint64_t pos, uint64_t end)
{
	uint64_t number = pos >> TSDB_LOG_SHIFT, off = pos & (TSDB_LOG_FILE_SIZE - 1);
	const struct tsdb_rec *rec;
	const uint8_t *map;
	if (pos % 8 || pos >= end || end - pos < sizeof *rec || off < sizeof(struct tsdb_file_head) ||
		!tsdb__log_slot(h, number))
		return NULL;
	map = __atomic_load_n(tsdb__log_slot(h, number), __ATOMIC_ACQUIRE);
	if (!map || off > TSDB_LOG_FILE_SIZE - sizeof *rec)
		return NULL;
	rec = (const void *)(map + off);
	if (rec->len < sizeof *rec || rec->len % 8 || rec->len > TSDB_LOG_FILE_SIZE - off || rec->len > end - pos)
		return NULL;
	return rec;
}

/* Starts, histograms' bitmap and values of n samples. */
static uint64_t columns_size(const struct tsdb_row *row, uint64_t n)
{
	uint64_t starts = (row->rec.flags & TSDB_ROW_STARTS) ? n : 0;
	uint64_t words = (row->rec.flags & TSDB_ROW_HISTOGRAMS) ? (n + 63) / 64 : 0;
	return (starts + words + n) * 8;
}

static uint64_t row_body_size(const struct tsdb_row *row)
{
	uint64_t words = (row->rec.flags & TSDB_ROW_ABSENT) ? ((uint64_t)row->width + 63) / 64 : 0;
	uint64_t times = (row->rec.flags & TSDB_ROW_TIMES) ? row->present : 0;
	return (words + times) * 8 + columns_size(row, row->present);
}

static uint64_t batch_body_size(const struct tsdb_row *row)
{
	return row->version > TSDB_LOG_FILE_SIZE ? UINT64_MAX
						 : tsdb__pad8((2 * (uint64_t)row->width + 1) * 4) + row->version * 8 +
							   columns_size(row, row->version);
}

uint32_t tsdb__row_head_sum(const struct tsdb_row *row)
{
	size_t from = offsetof(struct tsdb_rec, len);
	return (uint32_t)pm_hash((const uint8_t *)row + from, offsetof(struct tsdb_row, head_sum) - from);
}

bool tsdb__row_sound(const struct tsdb__head *h, const struct tsdb_row *row, uint64_t pos)
{
	uint64_t off = pos & (TSDB_LOG_FILE_SIZE - 1);
	uint64_t *seen = h->log_seen ? h->log_seen[tsdb__log_slot(h, pos >> TSDB_LOG_SHIFT) - h->logs] : NULL;
	if (seen && tsdb__seen(seen, off))
		return true;
	if (row->rec.checksum != tsdb__rec_checksum(&row->rec, TSDB_FILE_LOG, h->generation, pos))
		return false;
	if (seen)
		tsdb__set_seen(seen, off);
	return true;
}

const struct tsdb_row *tsdb__row_at(const struct tsdb__head *h, uint64_t pos, uint64_t end)
{
	const struct tsdb_row *row = (const void *)tsdb__log_at(h, pos, end);
	if (!row || row->rec.len < sizeof *row || row->head_sum != tsdb__row_head_sum(row))
		return NULL;
	uint64_t have = row->rec.len - sizeof *row;
	if (row->rec.kind == TSDB_REC_ROW)
		return row->present <= row->width && row_body_size(row) <= have ? row : NULL;
	if (row->rec.kind == TSDB_REC_BATCH)
		return batch_body_size(row) <= have ? row : NULL;
	return row->rec.kind == TSDB_REC_EXEMPLARS ? row : NULL;
}

struct tsdb__row_view tsdb__row_view(const struct tsdb_row *row)
{
	struct tsdb__row_view v = { 0 };
	const uint64_t *p = (const void *)row->body;
	if (row->rec.flags & TSDB_ROW_ABSENT) {
		v.present = p;
		p += ((uint64_t)row->width + 63) / 64;
	}
	if (row->rec.flags & TSDB_ROW_TIMES) {
		v.times = (const void *)p;
		p += row->present;
	}
	if (row->rec.flags & TSDB_ROW_STARTS) {
		v.starts = (const void *)p;
		p += row->present;
	}
	if (row->rec.flags & TSDB_ROW_HISTOGRAMS) {
		v.hists = p;
		p += ((uint64_t)row->present + 63) / 64;
	}
	v.values = (const void *)p;
	return v;
}

int64_t tsdb__row_index(const struct tsdb__row_view *v, uint32_t position)
{
	int64_t rank = 0;
	if (!v->present)
		return position;
	if (!(v->present[position / 64] >> (position % 64) & 1))
		return -1;
	for (uint32_t i = 0; i < position / 64; i++)
		rank += __builtin_popcountll(v->present[i]);
	return rank + __builtin_popcountll(v->present[position / 64] & ((UINT64_C(1) << (position % 64)) - 1));
}

struct tsdb__batch_view tsdb__batch_view(const struct tsdb_row *row)
{
	const uint32_t *sids = (const void *)row->body;
	struct tsdb__batch_view v = { .sids = sids, .first = sids + row->width };
	const uint64_t *p = (const void *)(row->body + tsdb__pad8((2 * (uint64_t)row->width + 1) * 4));
	v.times = (const void *)p;
	p += row->version;
	if (row->rec.flags & TSDB_ROW_STARTS) {
		v.starts = (const void *)p;
		p += row->version;
	}
	if (row->rec.flags & TSDB_ROW_HISTOGRAMS) {
		v.hists = p;
		p += (row->version + 63) / 64;
	}
	v.values = (const void *)p;
	return v;
}

/* ---- last rows ---- */

static int last_reserve(struct tsdb__head *h, uint32_t family_count)
{
	uint32_t cap = h->last_cap ? h->last_cap : 64;
	if (family_count <= h->last_cap)
		return 0;
	while (cap < family_count)
		cap *= 2;
	struct tsdb__old *block = pm_calloc(1, sizeof *block + cap * sizeof(uint64_t));
	if (!block)
		return PM_ERR_NOMEM;
	uint64_t *last = (uint64_t *)(block + 1);
	for (uint32_t i = 0; i < h->last_cap; i++)
		last[i] = h->last[i];
	block->next = h->old_last;
	h->old_last = block;
	h->last = last;
	h->last_cap = cap;
	return 0;
}

static int load_heads(struct tsdb__head *h, const struct tsdb_record *rec, struct pm_error *err)
{
	const struct tsdb_heads *heads = (const void *)tsdb__log_at(h, rec->heads_pos, rec->log_end);
	if (!heads || heads->rec.kind != TSDB_REC_HEADS || heads->rec.len < sizeof *heads ||
		heads->rec.checksum != tsdb__rec_checksum(&heads->rec, TSDB_FILE_LOG, h->generation, rec->heads_pos) ||
		heads->family_count > (heads->rec.len - sizeof *heads) / sizeof heads->last[0])
		return tsdb__corrupt(err, "log", rec->heads_pos, "no table of heads there");
	for (uint32_t i = 0; i < heads->family_count && i < h->last_cap; i++)
		__atomic_store_n(&h->last[i], heads->last[i], __ATOMIC_RELEASE);
	h->scanned_pos = rec->heads_pos + heads->rec.len;
	return 0;
}

/* A record that is no row, whatever else it is: small, or one that a newer pm knows. */
static bool other_sound(const struct tsdb__head *h, const struct tsdb_rec *r, uint64_t pos)
{
	struct tsdb_rec pad = *r;
	if (r->kind == TSDB_REC_ROW || r->kind == TSDB_REC_BATCH || r->kind == TSDB_REC_EXEMPLARS)
		return false;
	if (r->kind == TSDB_REC_PAD && (pos + r->len) % TSDB_LOG_FILE_SIZE != 0)
		return false;
	pad.len = sizeof pad; /* the checksum of a pad is over its head alone */
	return r->checksum == tsdb__rec_checksum(r->kind == TSDB_REC_PAD ? &pad : r, TSDB_FILE_LOG, h->generation, pos);
}

int tsdb__log_scan(struct tsdb__head *h, const struct tsdb_record *rec, struct pm_error *err)
{
	int rc;
	for (uint64_t n = rec->log_first; n <= rec->log_end >> TSDB_LOG_SHIFT; n++)
		if ((n << TSDB_LOG_SHIFT) < rec->log_end && (rc = tsdb__log_map(h, n, err)) < 0)
			return rc;
	if (last_reserve(h, rec->family_count) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (h->scanned_pos < rec->heads_pos && (rc = load_heads(h, rec, err)) < 0)
		return rc;
	while (h->scanned_pos < rec->log_end) {
		const struct tsdb_rec *r = tsdb__log_at(h, h->scanned_pos, rec->log_end);
		if (!r)
			return tsdb__corrupt(err, "log", h->scanned_pos, "no record there");
		const struct tsdb_row *row = tsdb__row_at(h, h->scanned_pos, rec->log_end);
		if (!row && !other_sound(h, r, h->scanned_pos))
			return tsdb__corrupt(err, "log", h->scanned_pos, "the record there is not what was written");
		if (row && row->family < h->last_cap)
			__atomic_store_n(&h->last[row->family], h->scanned_pos, __ATOMIC_RELEASE);
		h->scanned_pos += r->len;
		if (h->scanned_pos % TSDB_LOG_FILE_SIZE == 0)
			h->scanned_pos += sizeof(struct tsdb_file_head);
	}
	return 0;
}

uint64_t tsdb__snap_last(const struct tsdb__snap *s, uint32_t family)
{
	uint64_t pos = family < s->rec.family_count ? __atomic_load_n(&s->last[family], __ATOMIC_ACQUIRE) : 0;
	while (pos >= s->rec.log_end) {
		const struct tsdb_row *row = tsdb__row_at(s->head, pos, UINT64_MAX);
		if (!row || row->previous >= pos)
			return 0;
		pos = row->previous;
	}
	return pos;
}
