/* file.h - append-only files: mapped for reading, extended by pwrite behind the published length (F1).
 *
 * Who may touch what:
 *   struct tsdb__file   any thread; map() takes its mutex only to map more
 *   struct tsdb__tail   the one writer, inside a transaction
 * A mapping, once handed out, stays until the file is closed, so that views into it need no reference count.
 *
 * A record's checksum is compared when the process first looks at it, and a bit kept for that. One that does not match
 * is as good as not there, and counted: who asks may take its absence for an answer, as with a hash table's slot that a
 * dead writer left, so that a query compares the count before and after (tsdb__snap_damage). */
#ifndef TSDB_HEAD_FILE_H
#define TSDB_HEAD_FILE_H

#include "libtsdb/base/buf.h"
#include "libtsdb/head/format.h"
#include "libtsdb/pm.h"

#include <pthread.h>

enum { TSDB_FILE_MAPS_MAX = 48 };

struct tsdb__file {
	int fd;
	enum tsdb_file_kind kind;
	uint64_t generation;
	char name[32];
	pthread_mutex_t mutex;
	uint64_t size; /* of the file when last asked; it only grows */
	uint8_t *map;  /* the largest; maps[map_count - 1] */
	size_t map_len;
	struct {
		void *ptr;
		size_t len;
		void *seen;
	} maps[TSDB_FILE_MAPS_MAX];
	unsigned map_count;
	uint64_t *seen;        /* a bit for every 16 bytes: the record that begins there is sound */
	uint64_t damage_count; /* atomic: records that were looked at and are not sound */
	uint64_t damage_off;   /* atomic: the last of them */
};

/* A zeroed struct with fd -1 may be closed. `create` makes the file anew with its head. */
int tsdb__file_open(struct tsdb__file *f, int dirfd, const char *name, enum tsdb_file_kind kind, uint64_t generation,
	bool writable, bool create, struct pm_error *err);
void tsdb__file_close(struct tsdb__file *f);
/* Memory of `len` bytes to stand for a file that is not written. */
int tsdb__file_in_memory(struct tsdb__file *f, const char *name, enum tsdb_file_kind kind, uint64_t generation,
	uint64_t len, struct pm_error *err);
struct tsdb__bytes;
/* The file as a reader sees it when `len` bytes are published. */
int tsdb__file_bytes(struct tsdb__file *f, uint64_t len, struct tsdb__bytes *ret, struct pm_error *err);
/* The file's bytes from its start; at least `len` of them may be read once that many are published. */
int tsdb__file_map(struct tsdb__file *f, uint64_t len, const uint8_t **ret, struct pm_error *err);

void tsdb__file_head_fill(struct tsdb_file_head *h, enum tsdb_file_kind kind, uint64_t generation, uint64_t number);
/* PM_ERR_CORRUPT or PM_ERR_VERSION, naming the file. */
int tsdb__file_head_check(const struct tsdb_file_head *h, const char *name, enum tsdb_file_kind kind,
	uint64_t generation, struct pm_error *err);

/* A file as one reader or writer sees it: bytes below map_end from the mapping, behind it from the writer's buffer. */
struct tsdb__bytes {
	const uint8_t *map;
	uint64_t map_end;
	const uint8_t *buf;
	uint64_t end;
	struct tsdb__file *file; /* NULL: checksums are not compared */
	uint64_t *seen;
};

/* The bytes at `off`, or NULL when [off, off + size) is not all inside one part. */
static inline const void *tsdb__bytes_at(const struct tsdb__bytes *b, uint64_t off, uint64_t size)
{
	if (off < b->map_end)
		return size <= b->map_end - off ? b->map + off : NULL;
	return off <= b->end && size <= b->end - off ? b->buf + (off - b->map_end) : NULL;
}

/* Bits that say which records were found sound, for `len` bytes. */
static inline size_t tsdb__seen_size(uint64_t len)
{
	return (size_t)(len / 128 + 8);
}
static inline bool tsdb__seen(const uint64_t *seen, uint64_t off)
{
	return __atomic_load_n(&seen[off / 1024], __ATOMIC_RELAXED) >> (off / 16 % 64) & 1;
}
static inline void tsdb__set_seen(uint64_t *seen, uint64_t off)
{
	__atomic_fetch_or(&seen[off / 1024], UINT64_C(1) << (off / 16 % 64), __ATOMIC_RELAXED);
}

/* The record at `off` if its head, its kind, its length (at least `size_min`) and its checksum are sound, else NULL. */
const void *tsdb__rec_at(const struct tsdb__bytes *b, uint64_t off, enum tsdb_rec_kind kind, size_t size_min);
/* Count a place that damage was found at. */
void tsdb__bytes_damaged(const struct tsdb__bytes *b, uint64_t off);
/* A record was sought and not found where something points at: a dead writer's slot, or damage? Looks at every record
 * of the file, and counts what is not sound. */
void tsdb__bytes_suspect(const struct tsdb__bytes *b);
uint64_t tsdb__rec_checksum(const struct tsdb_rec *rec, enum tsdb_file_kind kind, uint64_t generation, uint64_t off);
/* The running sum of checksums (F6): it depends on all of them and on their order. */
static inline uint64_t tsdb__sum(uint64_t sum, uint64_t checksum)
{
	sum = (sum ^ checksum) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ sum >> 32;
}

/* The place for a breakpoint: all that finds damage comes through here. */
int tsdb__corrupt(struct pm_error *err, const char *file, uint64_t off, const char *what);

/* The writer's end of a file. Bytes are buffered and reach the file by flush(); nobody sees them before a record with
 * the new length is published. */
struct tsdb__tail {
	struct tsdb__file *file;
	struct tsdb__bytes bytes; /* for reading back; map_end is how far the file was written */
	struct pm_buf buf;
	uint64_t sum; /* of the records below bytes.end that are sealed */
	int error;    /* why the last add() gave NULL */
};

int tsdb__tail_begin(struct tsdb__tail *t, struct tsdb__file *file, uint64_t len, struct pm_error *err);
/* Room for `size` bytes, zeroed, at the end; good until the next add or flush. NULL: t->error and `err` say why. */
void *tsdb__tail_add(struct tsdb__tail *t, size_t size, uint64_t *ret_off, struct pm_error *err);
/* Complete the record at `rec` that was added at `off`: length, kind, checksum. Records are sealed in the order in
 * which they were added. */
void tsdb__tail_seal(struct tsdb__tail *t, struct tsdb_rec *rec, uint64_t off, size_t size, enum tsdb_rec_kind kind);
int tsdb__tail_flush(struct tsdb__tail *t, struct pm_error *err);
void tsdb__tail_release(struct tsdb__tail *t);

#endif
