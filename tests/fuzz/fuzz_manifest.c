/* fuzz_manifest.c - any bytes as a manifest whose checksums are right (they are put right first): no crash; and what is
 * read is written and read again as the same. */
#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/db/manifest.h"
#include "libtsdb/head/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) ((cond) ? (void)0 : abort())

enum { HEAD = sizeof(struct tsdb_file_head), SIZE_LIMIT = 1 << 16, NUMBER = 1, AGAIN = 2 };

static char dir[64];
static int dirfd = -1;

static void remove_dir(void)
{
	tsdb__manifest_unlink(dirfd, NUMBER);
	tsdb__manifest_unlink(dirfd, AGAIN);
	rmdir(dir);
}

static void make_dir(void)
{
	snprintf(dir, sizeof dir, "%s/pm-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	REQUIRE(mkdtemp(dir));
	REQUIRE(pm_fs_openat(AT_FDCWD, dir, PM_FS_DIRECTORY, &dirfd, NULL) == 0);
	atexit(remove_dir);
}

/* Behind the head: hash of the rest, number. */
static void fix(uint8_t *b, size_t size)
{
	struct tsdb_file_head head;
	uint64_t number = NUMBER;
	tsdb__file_head_fill(&head, TSDB_FILE_MANIFEST, 0, NUMBER);
	memcpy(b, &head, sizeof head);
	if (size < HEAD + 16)
		return;
	memcpy(b + HEAD + 8, &number, sizeof number);
	uint64_t sum = pm_hash_seed(b + HEAD + 8, size - HEAD - 8, NUMBER);
	memcpy(b + HEAD, &sum, sizeof sum);
}

static void write_file(const uint8_t *b, size_t size)
{
	char name[32];
	int fd;
	tsdb__manifest_name(name, NUMBER);
	REQUIRE(pm_fs_openat(dirfd, name, PM_FS_WRITE | PM_FS_CREATE, &fd, NULL) == 0);
	REQUIRE(ftruncate(fd, (off_t)size) == 0 && pm_fs_pwrite(fd, b, size, 0, NULL) == 0);
	pm_fs_close(fd);
}

static void same(const struct tsdb__manifest *a, const struct tsdb__manifest *b)
{
	REQUIRE(a->next_segment == b->next_segment && a->count == b->count && a->tombstone_count == b->tombstone_count);
	for (size_t i = 0; i < a->count; i++)
		REQUIRE(memcmp(&a->v[i].info, &b->v[i].info, sizeof a->v[i].info) == 0);
	for (size_t i = 0; i < a->tombstone_count; i++) {
		const struct tsdb__tombstone *x = &a->tombstones[i], *y = &b->tombstones[i];
		REQUIRE(x->min_ms == y->min_ms && x->max_ms == y->max_ms && x->before == y->before);
		REQUIRE(x->matcher_count == y->matcher_count);
		for (uint32_t k = 0; k < x->matcher_count; k++)
			REQUIRE(x->matchers[k].type == y->matchers[k].type &&
				pm_str_eq(x->matchers[k].name, y->matchers[k].name) &&
				pm_str_eq(x->matchers[k].value, y->matchers[k].value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copy[SIZE_LIMIT];
	struct tsdb__manifest *m, *again, *next;
	if (size < HEAD || size > SIZE_LIMIT)
		return 0;
	if (dirfd < 0)
		make_dir();
	memcpy(copy, data, size);
	fix(copy, size);
	write_file(copy, size);
	int rc = tsdb__manifest_load(dirfd, -1, NUMBER, NULL, &m, NULL);
	REQUIRE(rc == 0 || rc == PM_ERR_CORRUPT);
	if (rc < 0)
		return 0;
	REQUIRE(tsdb__manifest_copy(m, &next) == 0 && next->number == AGAIN);
	REQUIRE(tsdb__manifest_write(dirfd, next, NULL) == 0);
	REQUIRE(tsdb__manifest_load(dirfd, -1, AGAIN, m, &again, NULL) == 0);
	same(m, again);
	tsdb__manifest_unref(m);
	tsdb__manifest_unref(next);
	tsdb__manifest_unref(again);
	return 0;
}
