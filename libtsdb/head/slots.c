/* slots.c - hash tables in files; see slots.h. */
#include "libtsdb/head/slots.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/file.h"

#include <stdio.h>

/* A probe this long means a crowded table; with the load that grow() keeps it does not happen by chance. */
enum { PROBE_MAX = 1024 };

static size_t file_size(uint64_t count)
{
	return sizeof(struct tsdb_file_head) + (size_t)count * (sizeof(uint64_t) + 1);
}

static void set_parts(struct tsdb__slots *s)
{
	s->words = (uint64_t *)((uint8_t *)s->map + sizeof(struct tsdb_file_head));
	s->checks = (uint8_t *)(s->words + s->count);
}

static uint8_t check_of(uint64_t word)
{
	word ^= word >> 32;
	word ^= word >> 16;
	return (uint8_t)(word ^ word >> 8);
}

static bool slot_sound(const struct tsdb__slots *s, uint64_t at, uint64_t word)
{
	if (!s->checks || s->checks[at] == check_of(word))
		return true;
	if (s->damage) {
		__atomic_store_n(&s->damage->slots, s, __ATOMIC_RELAXED);
		__atomic_store_n(&s->damage->off, sizeof(struct tsdb_file_head) + at * sizeof word, __ATOMIC_RELAXED);
		__atomic_fetch_add(&s->damage->count, 1, __ATOMIC_RELEASE);
	}
	return false;
}

static int slots_map(
	int fd, uint64_t count, bool writable, uint32_t number, struct tsdb__slots **ret, struct pm_error *err)
{
	struct tsdb__slots *s = pm_calloc(1, sizeof *s);
	if (!s)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	s->map_len = file_size(count);
	int rc = pm_fs_map(fd, s->map_len, writable, &s->map, err);
	if (rc < 0) {
		pm_free(s);
		return rc;
	}
	s->count = count;
	s->number = number;
	s->writable = writable;
	set_parts(s);
	*ret = s;
	return 0;
}

static int slots_file(int dirfd, const char *name, uint64_t generation, uint32_t number, uint64_t count, int *ret_fd,
	struct pm_error *err)
{
	struct tsdb_file_head head;
	int fd = -1, rc;
	assert(count >= TSDB_SLOTS_MIN && (count & (count - 1)) == 0);
	/* A writer that died while it grew the table may have left one of this number. */
	rc = pm_fs_unlinkat(dirfd, name, err);
	if (rc < 0 && rc != PM_ERR_NOTFOUND)
		return rc;
	if ((rc = pm_fs_openat(dirfd, name, PM_FS_WRITE | PM_FS_CREATE | PM_FS_EXCL, &fd, err)) < 0)
		return rc;
	tsdb__file_head_fill(&head, TSDB_FILE_SLOTS, generation, number);
	head.slot_count = count;
	rc = pm_fs_allocate(fd, 0, file_size(count), err);
	if (rc == 0)
		rc = pm_fs_pwrite(fd, &head, sizeof head, 0, err);
	if (rc == 0) {
		*ret_fd = fd;
		return 0;
	}
	pm_fs_close(fd);
	pm_fs_unlinkat(dirfd, name, NULL);
	return rc;
}

int tsdb__slots_create(int dirfd, const char *name, uint64_t generation, uint32_t number, uint64_t count,
	struct tsdb__slots **ret, struct pm_error *err)
{
	int fd, rc = slots_file(dirfd, name, generation, number, count, &fd, err);
	if (rc < 0)
		return rc;
	if ((rc = slots_map(fd, count, true, number, ret, err)) == 0)
		snprintf((*ret)->name, sizeof(*ret)->name, "%s", name);
	pm_fs_close(fd);
	if (rc < 0)
		pm_fs_unlinkat(dirfd, name, NULL);
	return rc;
}

int tsdb__slots_in_memory(uint32_t number, uint64_t count, struct tsdb__slots **ret, struct pm_error *err)
{
	struct tsdb__slots *s = pm_calloc(1, sizeof *s);
	if (!s)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	*s = (struct tsdb__slots){ .count = count, .number = number, .writable = true };
	s->map_len = file_size(count);
	int rc = pm_fs_map_memory(s->map_len, &s->map, err);
	if (rc < 0) {
		pm_free(s);
		return rc;
	}
	set_parts(s);
	*ret = s;
	return 0;
}

int tsdb__slots_save(
	const struct tsdb__slots *s, int dirfd, const char *name, uint64_t generation, struct pm_error *err)
{
	int fd, rc = slots_file(dirfd, name, generation, s->number, s->count, &fd, err);
	if (rc < 0)
		return rc;
	rc = pm_fs_pwrite(
		fd, s->words, file_size(s->count) - sizeof(struct tsdb_file_head), sizeof(struct tsdb_file_head), err);
	pm_fs_close(fd);
	return rc;
}

int tsdb__slots_open(int dirfd, const char *name, uint64_t generation, uint32_t number, bool writable,
	struct tsdb__slots **ret, struct pm_error *err)
{
	struct tsdb_file_head head;
	uint64_t size;
	int fd = -1;
	int rc = pm_fs_openat(dirfd, name, writable ? PM_FS_WRITE : PM_FS_READ, &fd, err);
	if (rc < 0)
		return rc;
	if ((rc = pm_fs_pread(fd, &head, sizeof head, 0, err)) < 0 || (rc = pm_fs_size(fd, &size, err)) < 0)
		goto done;
	uint64_t count = head.slot_count;
	head.slot_count = 0; /* the checksum is over the head as file_head_fill made it */
	if ((rc = tsdb__file_head_check(&head, name, TSDB_FILE_SLOTS, generation, err)) < 0)
		goto done;
	if (count < TSDB_SLOTS_MIN || (count & (count - 1)) || count > (size - sizeof head) / (sizeof(uint64_t) + 1)) {
		rc = tsdb__corrupt(
			err, name, offsetof(struct tsdb_file_head, slot_count), "impossible number of slots");
		goto done;
	}
	if ((rc = slots_map(fd, count, writable, number, ret, err)) == 0)
		snprintf((*ret)->name, sizeof(*ret)->name, "%s", name);
done:
	pm_fs_close(fd);
	return rc;
}

void tsdb__slots_free(struct tsdb__slots *s)
{
	while (s) {
		struct tsdb__slots *next = s->next;
		pm_fs_unmap(s->map, s->map_len);
		pm_free(s);
		s = next;
	}
}

bool tsdb__slots_sound(const struct tsdb__slots *s, uint64_t at)
{
	uint64_t word = __atomic_load_n(&s->words[at], __ATOMIC_ACQUIRE);
	return word == 0 || slot_sound(s, at, word);
}

/* Nothing (more) was found under this tag: are the slots that were passed over what was written? */
static void look_back(const struct tsdb__slots *s, uint32_t tag, uint64_t passed)
{
	for (uint64_t i = 0; i < passed; i++) {
		uint64_t at = (tag + i) & (s->count - 1);
		if (!slot_sound(s, at, __atomic_load_n(&s->words[at], __ATOMIC_ACQUIRE)))
			return;
	}
}

int tsdb__slots_next(const struct tsdb__slots *s, uint32_t tag, uint64_t *cursor, uint32_t *ret)
{
	uint64_t mask = s->count - 1;
	while (*cursor < s->count && *cursor <= PROBE_MAX) {
		uint64_t word = __atomic_load_n(&s->words[(tag + *cursor) & mask], __ATOMIC_ACQUIRE);
		if (word == 0)
			break;
		++*cursor;
		if (word >> 32 == tag && (uint32_t)word != 0) {
			*ret = (uint32_t)word - 1;
			return 1;
		}
	}
	look_back(s, tag, *cursor);
	return 0;
}

int tsdb__slots_put(struct tsdb__slots *s, uint32_t tag, uint32_t value)
{
	uint64_t mask = s->count - 1;
	assert(s->writable && value < UINT32_MAX);
	for (uint64_t i = 0; i < s->count && i < PROBE_MAX; i++) {
		uint64_t *word = &s->words[(tag + i) & mask];
		if (__atomic_load_n(word, __ATOMIC_RELAXED) == 0) {
			uint64_t filled = (uint64_t)tag << 32 | (value + 1);
			s->checks[(tag + i) & mask] = check_of(filled);
			__atomic_store_n(word, filled, __ATOMIC_RELEASE);
			return 0;
		}
	}
	return PM_ERR_LIMIT;
}

int64_t tsdb__slots_copy(struct tsdb__slots *to, const struct tsdb__slots *from, uint32_t value_end)
{
	int64_t copied = 0;
	for (uint64_t i = 0; i < from->count; i++) {
		uint64_t word = from->words[i];
		if (word && !slot_sound(from, i, word))
			return PM_ERR_CORRUPT;
		if (word == 0 || (uint32_t)word == 0 || (uint32_t)word - 1 >= value_end)
			continue;
		if (tsdb__slots_put(to, (uint32_t)(word >> 32), (uint32_t)word - 1) < 0)
			return PM_ERR_LIMIT;
		copied++;
	}
	return copied;
}
