/* store_files.h - what tests of recovery and damage do to the files of a store behind its back. */
#ifndef PM_TEST_STORE_FILES_H
#define PM_TEST_STORE_FILES_H

#include "tests/support/test.h"

#include "libtsdb/head/format.h"

#include <fcntl.h>
#include <sys/stat.h>

static inline void store_copy(const char *from, const char *to)
{
	char cmd[16000];
	snprintf(cmd, sizeof cmd, "rm -rf '%.5000s' && cp -a --sparse=always '%.5000s' '%.5000s'", to, from, to);
	assert_int_equal(system(cmd), 0);
}

static inline void store_read(const char *path, void *p, size_t n, uint64_t off)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, p, n, (off_t)off), n);
	close(fd);
}

static inline void store_write(const char *path, const void *p, size_t n, uint64_t off)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, (off_t)off), n);
	close(fd);
}

/* The meta page says that it is where it always was, on this boot or on another: no copy. */
static inline void store_settle(const char *dir, const char *boot_id)
{
	char path[4200], boot[40] = { 0 };
	struct stat st;
	snprintf(path, sizeof path, "%.4000s/meta", dir);
	assert_int_equal(stat(path, &st), 0);
	uint64_t id[2] = { (uint64_t)st.st_dev, (uint64_t)st.st_ino };
	store_write(path, id, sizeof id, offsetof(struct tsdb_meta_page, dev));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t born_ns = pm_fs_born_ns(fd);
	close(fd);
	store_write(path, &born_ns, sizeof born_ns, offsetof(struct tsdb_meta_page, born_ns));
	if (boot_id)
		snprintf(boot, sizeof boot, "%s", boot_id);
	else
		assert_int_equal(pm_fs_boot_id(boot, NULL), 0);
	store_write(path, boot, sizeof boot, offsetof(struct tsdb_meta_page, boot_id));
}

/* As after a machine crash. */
static inline void store_reboot(const char *dir)
{
	store_settle(dir, "00000000-0000-0000-0000-000000000000");
}

#endif
