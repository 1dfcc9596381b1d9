/* file.c - append-only files and their writer's end; see file.h. */
#include "libtsdb/head/file.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/walk.h"

#include <inttypes.h>
#include <stdio.h>

enum { TAIL_BUFFER = 1 << 20, MAP_MIN = 1 << 20 };

int tsdb__corrupt(struct pm_error *err, const char *file, uint64_t off, const char *what)
{
	return pm_fail(err, PM_ERR_CORRUPT, "%s: damaged at offset %" PRIu64 ": %s", file, off, what);
}

void tsdb__file_head_fill(struct tsdb_file_head *h, enum tsdb_file_kind kind, uint64_t generation, uint64_t number)
{
	memset(h, 0, sizeof *h);
	h->magic = TSDB_FILE_MAGIC;
	h->version = TSDB_FORMAT_VERSION;
	h->kind = kind;
	h->generation = generation;
	h->number = number;
	h->checksum = pm_hash(h, offsetof(struct tsdb_file_head, checksum));
}

int tsdb__file_head_check(const struct tsdb_file_head *h, const char *name, enum tsdb_file_kind kind,
	uint64_t generation, struct pm_error *err)
{
	if (h->magic != TSDB_FILE_MAGIC || h->checksum != pm_hash(h, offsetof(struct tsdb_file_head, checksum)))
		return tsdb__corrupt(err, name, 0, "bad file head");
	if (h->version != TSDB_FORMAT_VERSION)
		return pm_fail(err, PM_ERR_VERSION, "%s: format version %u, this pm reads %d", name, h->version,
			TSDB_FORMAT_VERSION);
	if (h->kind != (uint32_t)kind || h->generation != generation)
		return tsdb__corrupt(err, name, 0, "head of another file");
	return 0;
}

static int file_create(struct tsdb__file *f, struct pm_error *err)
{
	struct tsdb_file_head head;
	tsdb__file_head_fill(&head, f->kind, f->generation, 0);
	return pm_fs_pwrite(f->fd, &head, sizeof head, 0, err);
}

static int file_check(struct tsdb__file *f, struct pm_error *err)
{
	struct tsdb_file_head head;
	int rc = pm_fs_pread(f->fd, &head, sizeof head, 0, err);
	return rc < 0 ? rc : tsdb__file_head_check(&head, f->name, f->kind, f->generation, err);
}

int tsdb__file_open(struct tsdb__file *f, int dirfd, const char *name, enum tsdb_file_kind kind, uint64_t generation,
	bool writable, bool create, struct pm_error *err)
{
	memset(f, 0, sizeof *f);
	f->kind = kind;
	f->generation = generation;
	snprintf(f->name, sizeof f->name, "%s", name);
	pthread_mutex_init(&f->mutex, NULL);
	int flags = create ? PM_FS_WRITE | PM_FS_CREATE : writable ? PM_FS_WRITE : PM_FS_READ;
	int rc = pm_fs_openat(dirfd, name, flags, &f->fd, err);
	if (rc < 0) {
		f->fd = -1;
		return rc;
	}
	rc = create ? file_create(f, err) : file_check(f, err);
	if (rc < 0)
		tsdb__file_close(f);
	return rc;
}

int tsdb__file_in_memory(struct tsdb__file *f, const char *name, enum tsdb_file_kind kind, uint64_t generation,
	uint64_t len, struct pm_error *err)
{
	void *p;
	int rc = pm_fs_map_memory(len, &p, err);
	if (rc < 0)
		return rc;
	memset(f, 0, sizeof *f);
	f->fd = -1;
	f->kind = kind;
	f->generation = generation;
	snprintf(f->name, sizeof f->name, "%s", name);
	pthread_mutex_init(&f->mutex, NULL);
	f->maps[f->map_count].ptr = f->map = p;
	f->maps[f->map_count++].len = f->map_len = f->size = len;
	tsdb__file_head_fill(p, kind, generation, 0);
	return 0;
}

void tsdb__file_close(struct tsdb__file *f)
{
	for (unsigned i = 0; i < f->map_count; i++) {
		pm_fs_unmap(f->maps[i].ptr, f->maps[i].len);
		pm_fs_unmap(f->maps[i].seen, tsdb__seen_size(f->maps[i].len));
	}
	f->map_count = 0;
	f->map = NULL;
	f->map_len = 0;
	if (f->fd >= 0)
		pm_fs_close(f->fd);
	f->fd = -1;
}

/* Lengths at least double, so that a file has few mappings, and 48 are enough for any. */
static int map_more(struct tsdb__file *f, uint64_t len, struct pm_error *err)
{
	size_t want = f->map_len ? f->map_len * 2 : MAP_MIN;
	void *p, *seen;
	int rc;
	while (want < len)
		want *= 2;
	assert(f->map_count < TSDB_FILE_MAPS_MAX);
	if ((rc = pm_fs_map(f->fd, want, false, &p, err)) < 0)
		return rc;
	if ((rc = pm_fs_map_memory(tsdb__seen_size(want), &seen, err)) < 0) {
		pm_fs_unmap(p, want);
		return rc;
	}
	f->maps[f->map_count].ptr = p;
	f->maps[f->map_count].seen = seen;
	__atomic_store_n(&f->seen, (uint64_t *)seen, __ATOMIC_RELEASE);
	f->maps[f->map_count++].len = want;
	f->map = p;
	f->map_len = want;
	return 0;
}

/* Reading a mapping past the end of its file is fatal, so a file must be as long as it is said to be. */
static int check_size(struct tsdb__file *f, uint64_t len, struct pm_error *err)
{
	int rc = len > f->size ? pm_fs_size(f->fd, &f->size, err) : 0;
	return rc == 0 && len > f->size ? tsdb__corrupt(err, f->name, f->size, "the file ends early") : rc;
}

int tsdb__file_map(struct tsdb__file *f, uint64_t len, const uint8_t **ret, struct pm_error *err)
{
	int rc;
	pthread_mutex_lock(&f->mutex);
	rc = check_size(f, len, err);
	if (rc == 0 && (len > f->map_len || !f->map))
		rc = map_more(f, len, err);
	if (rc == 0)
		*ret = f->map;
	pthread_mutex_unlock(&f->mutex);
	return rc;
}

int tsdb__file_bytes(struct tsdb__file *f, uint64_t len, struct tsdb__bytes *ret, struct pm_error *err)
{
	*ret = (struct tsdb__bytes){ .map_end = len, .end = len, .file = f };
	int rc = tsdb__file_map(f, len, &ret->map, err);
	ret->seen = __atomic_load_n(&f->seen, __ATOMIC_ACQUIRE);
	return rc;
}

void tsdb__bytes_damaged(const struct tsdb__bytes *b, uint64_t off)
{
	if (!b->file)
		return;
	__atomic_store_n(&b->file->damage_off, off, __ATOMIC_RELAXED);
	__atomic_fetch_add(&b->file->damage_count, 1, __ATOMIC_RELEASE);
}

void tsdb__bytes_suspect(const struct tsdb__bytes *b)
{
	const struct tsdb_rec *rec;
	struct tsdb__walk w;
	const char *what;
	int rc;
	if (!b->file)
		return;
	tsdb__walk_begin(&w, b->map, b->map_end, b->file->kind, b->file->generation, 0);
	while ((rc = tsdb__walk_next(&w, &rec, &what)) > 0)
		;
	if (rc < 0)
		tsdb__bytes_damaged(b, w.at);
}

static bool rec_sound(const struct tsdb__bytes *b, const struct tsdb_rec *rec, uint64_t off)
{
	if (!b->seen || off >= b->map_end || tsdb__seen(b->seen, off))
		return true;
	if (rec->checksum != tsdb__rec_checksum(rec, b->file->kind, b->file->generation, off)) {
		tsdb__bytes_damaged(b, off);
		return false;
	}
	tsdb__set_seen(b->seen, off);
	return true;
}

const void *tsdb__rec_at(const struct tsdb__bytes *b, uint64_t off, enum tsdb_rec_kind kind, size_t size_min)
{
	const struct tsdb_rec *rec = off % 8 ? NULL : tsdb__bytes_at(b, off, sizeof *rec);
	if (!rec || rec->kind != kind || rec->len < size_min || rec->len % 8 || !tsdb__bytes_at(b, off, rec->len))
		return NULL;
	return rec_sound(b, rec, off) ? rec : NULL;
}

uint64_t tsdb__rec_checksum(const struct tsdb_rec *rec, enum tsdb_file_kind kind, uint64_t generation, uint64_t off)
{
	uint64_t seed = (off ^ (uint64_t)kind << 56) + generation * UINT64_C(0x9e3779b97f4a7c15);
	size_t skip = offsetof(struct tsdb_rec, len);
	return pm_hash_seed((const uint8_t *)rec + skip, rec->len - skip, seed);
}

/* ---- the writer's end ---- */

static void tail_sync_view(struct tsdb__tail *t)
{
	t->bytes.buf = (const uint8_t *)t->buf.ptr;
	t->bytes.end = t->bytes.map_end + t->buf.len;
}

int tsdb__tail_begin(struct tsdb__tail *t, struct tsdb__file *file, uint64_t len, struct pm_error *err)
{
	assert(len >= sizeof(struct tsdb_file_head));
	int rc = tsdb__file_bytes(file, len, &t->bytes, err);
	t->file = file;
	pm_buf_reset(&t->buf);
	tail_sync_view(t);
	return rc;
}

int tsdb__tail_flush(struct tsdb__tail *t, struct pm_error *err)
{
	int rc;
	if (t->buf.len == 0)
		return 0;
	rc = pm_fs_pwrite(t->file->fd, t->buf.ptr, t->buf.len, t->bytes.map_end, err);
	if (rc == 0)
		rc = tsdb__file_map(t->file, t->bytes.end, &t->bytes.map, err);
	if (rc < 0)
		return rc;
	t->bytes.map_end = t->bytes.end;
	t->bytes.seen = __atomic_load_n(&t->file->seen, __ATOMIC_ACQUIRE); /* of the mapping, which may be a new one */
	pm_buf_reset(&t->buf);
	tail_sync_view(t);
	return 0;
}

void *tsdb__tail_add(struct tsdb__tail *t, size_t size, uint64_t *ret_off, struct pm_error *err)
{
	if (t->buf.len >= TAIL_BUFFER && (t->error = tsdb__tail_flush(t, err)) < 0)
		return NULL;
	if (pm_buf_reserve(&t->buf, size) < 0) {
		t->error = pm_fail(err, PM_ERR_NOMEM, "out of memory");
		return NULL;
	}
	void *p = t->buf.ptr + t->buf.len;
	*ret_off = t->bytes.end;
	memset(p, 0, size);
	t->buf.len += size;
	tail_sync_view(t);
	return p;
}

void tsdb__tail_seal(struct tsdb__tail *t, struct tsdb_rec *rec, uint64_t off, size_t size, enum tsdb_rec_kind kind)
{
	assert(size % 8 == 0 && size <= UINT32_MAX);
	rec->len = (uint32_t)size;
	rec->kind = (uint8_t)kind;
	rec->checksum = tsdb__rec_checksum(rec, t->file->kind, t->file->generation, off);
	t->sum = tsdb__sum(t->sum, rec->checksum);
}

void tsdb__tail_release(struct tsdb__tail *t)
{
	pm_buf_release(&t->buf);
}
