/* The seam to the file system: what each operation does, how its errors read, and every injected fault. */
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A directory of its own for each test. */
struct dir {
	char *path;
	int fd;
};

static int setup(void **state)
{
	struct dir *d = calloc(1, sizeof *d);

	d->path = test_tmpdir();
	assert_ok(pm_fs_openat(AT_FDCWD, d->path, PM_FS_DIRECTORY, &d->fd, NULL), NULL);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct dir *d = *state;

	pm_fs_close(d->fd);
	test_tmpdir_free(d->path);
	free(d);
	return 0;
}

static int create(const struct dir *d, const char *name)
{
	struct pm_error err = { 0 };
	int fd = -1;

	assert_ok(pm_fs_openat(d->fd, name, PM_FS_WRITE | PM_FS_CREATE | PM_FS_EXCL, &fd, &err), &err);
	return fd;
}

static void test_write_and_read(void **state)
{
	struct pm_error err = { 0 };
	uint64_t size, dev, ino, ino2;
	char text[8] = "";
	int fd = create(*state, "f");

	assert_ok(pm_fs_pwrite(fd, "world", 5, 3, &err), &err);
	assert_ok(pm_fs_pwrite(fd, "abc", 3, 0, &err), &err);
	assert_ok(pm_fs_size(fd, &size, &err), &err);
	assert_int_equal(size, 8);
	assert_ok(pm_fs_pread(fd, text, 4, 2, &err), &err);
	assert_memory_equal(text, "cwor", 4);
	assert_code(pm_fs_pread(fd, text, 4, 5, &err), PM_ERR_CORRUPT, &err);
	assert_contains(err.msg, "/f: the file ends at 8, 1 bytes early");
	assert_ok(pm_fs_sync(fd, &err), &err);
	assert_ok(pm_fs_allocate(fd, 0, 100, &err), &err);
	assert_ok(pm_fs_size(fd, &size, &err), &err);
	assert_int_equal(size, 100);
	assert_ok(pm_fs_identity(fd, &dev, &ino, &err), &err);
	pm_fs_close(fd);
	fd = create(*state, "g");
	assert_ok(pm_fs_identity(fd, &dev, &ino2, &err), &err);
	assert_int_not_equal(ino, ino2);
	pm_fs_close(fd);
	pm_fs_close(-1);
}

static void test_open_errors(void **state)
{
	struct dir *d = *state;
	struct pm_error err = { 0 };
	int fd = create(d, "f");

	pm_fs_close(fd);
	fd = -7;
	assert_code(pm_fs_openat(d->fd, "none", PM_FS_READ, &fd, &err), PM_ERR_NOTFOUND, &err);
	assert_contains(err.msg, d->path);
	assert_contains(err.msg, "/none: open: No such file or directory");
	assert_code(pm_fs_openat(d->fd, "f", PM_FS_CREATE | PM_FS_EXCL | PM_FS_WRITE, &fd, &err), PM_ERR_EXISTS, &err);
	assert_code(pm_fs_openat(d->fd, "f", PM_FS_DIRECTORY, &fd, &err), PM_ERR_IO, &err);
	assert_code(pm_fs_openat(AT_FDCWD, "/none/here", PM_FS_READ, &fd, &err), PM_ERR_NOTFOUND, &err);
	assert_string_equal(err.msg, "/none/here: open: No such file or directory");
	assert_int_equal(fd, -7);
	assert_code(pm_fs_openat(d->fd, "none", PM_FS_READ, &fd, NULL), PM_ERR_NOTFOUND, NULL);
}

static void test_descriptors_close_on_exec(void **state)
{
	int fd = create(*state, "f");

	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	pm_fs_close(fd);
}

static void test_directories(void **state)
{
	struct dir *d = *state;
	struct pm_error err = { 0 };
	struct pm_strings names = { 0 };

	assert_ok(pm_fs_list(d->fd, &names, &err), &err);
	assert_int_equal(names.count, 0);
	pm_strings_free(&names);
	assert_ok(pm_fs_mkdirat(d->fd, "sub", &err), &err);
	assert_ok(pm_fs_mkdirat(d->fd, "sub", &err), &err);
	pm_fs_close(create(d, "b"));
	pm_fs_close(create(d, "a"));
	assert_code(pm_fs_mkdirat(d->fd, "a", &err), PM_ERR_IO, &err);
	assert_code(pm_fs_mkdirat(d->fd, "no/such", &err), PM_ERR_NOTFOUND, &err);
	assert_ok(pm_fs_linkat(d->fd, "a", d->fd, "sub/link", &err), &err);
	assert_code(pm_fs_linkat(d->fd, "a", d->fd, "b", &err), PM_ERR_EXISTS, &err);
	assert_ok(pm_fs_renameat(d->fd, "a", "c", &err), &err);
	assert_code(pm_fs_renameat(d->fd, "a", "d", &err), PM_ERR_NOTFOUND, &err);
	for (int twice = 0; twice < 2; twice++) { /* reading does not use up the caller's descriptor */
		assert_ok(pm_fs_list(d->fd, &names, &err), &err);
		assert_int_equal(names.count, 3);
		assert_str(names.v[0], "b");
		assert_str(names.v[1], "c");
		assert_str(names.v[2], "sub");
		pm_strings_free(&names);
	}
	assert_ok(pm_fs_unlinkat(d->fd, "c", &err), &err);
	assert_code(pm_fs_unlinkat(d->fd, "c", &err), PM_ERR_NOTFOUND, &err);
	assert_ok(pm_fs_sync_dir(d->fd, &err), &err);
}

static void test_list_is_sorted(void **state)
{
	struct dir *d = *state;
	struct test_rng rng = test_rng(1);
	struct pm_strings names = { 0 };
	char name[24];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "%" PRIx64, test_u64(&rng));
		pm_fs_close(create(d, name));
	}
	assert_ok(pm_fs_list(d->fd, &names, NULL), NULL);
	assert_int_equal(names.count, 200);
	for (size_t i = 1; i < names.count; i++)
		assert_true(pm_str_cmp(names.v[i - 1], names.v[i]) < 0);
	pm_strings_free(&names);
}

/* A limit on the size of files makes the kernel write less than it was told to; the rest is tried, behind it. */
static void test_short_write(void **state)
{
	struct rlimit before, six;
	struct pm_error err = { 0 };
	int fd = create(*state, "f");
	char text[8] = "";
	uint64_t size;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	six = (struct rlimit){ 6, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &six), 0);
	assert_code(pm_fs_pwrite(fd, "0123456789", 10, 0, &err), PM_ERR_IO, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_contains(err.msg, "/f: write: File too large");
	assert_ok(pm_fs_size(fd, &size, NULL), NULL);
	assert_int_equal(size, 6);
	assert_ok(pm_fs_pread(fd, text, 6, 0, NULL), NULL);
	assert_string_equal(text, "012345");
	pm_fs_close(fd);
}

static void test_map(void **state)
{
	struct pm_error err = { 0 };
	int fd = create(*state, "f");
	void *w, *r;

	assert_ok(pm_fs_allocate(fd, 0, 4096, &err), &err);
	assert_ok(pm_fs_map(fd, 8192, true, &w, &err), &err);
	assert_ok(pm_fs_map(fd, 4096, false, &r, &err), &err);
	memcpy(w, "hello", 6);
	assert_string_equal(r, "hello");
	pm_fs_unmap(w, 8192);
	pm_fs_unmap(r, 4096);
	pm_fs_unmap(NULL, 1);
	assert_code(pm_fs_map(fd, 0, true, &w, &err), PM_ERR_IO, &err);
	pm_fs_close(fd);
}

static void test_whole_files(void **state)
{
	struct dir *d = *state;
	struct pm_error err = { 0 };
	struct pm_strings names = { 0 };
	char *big = malloc(100000), *back = NULL;
	size_t len = 0;

	memset(big, 'x', 100000);
	assert_ok(pm_fs_write_file(d->fd, "f", "one", 3, &err), &err);
	assert_ok(pm_fs_write_file(d->fd, "f", big, 100000, &err), &err);
	assert_ok(pm_fs_read_file(d->fd, "f", 100000, &back, &len, &err), &err);
	assert_int_equal(len, 100000);
	assert_memory_equal(back, big, len);
	assert_int_equal(back[len], 0);
	pm_free(back);
	back = NULL;
	assert_code(pm_fs_read_file(d->fd, "f", 99999, &back, &len, &err), PM_ERR_LIMIT, &err);
	assert_code(pm_fs_read_file(d->fd, "none", 10, &back, &len, &err), PM_ERR_NOTFOUND, &err);
	assert_code(pm_fs_read_file(d->fd, ".", 10, &back, &len, &err), PM_ERR_IO, &err);
	assert_null(back);
	assert_ok(pm_fs_write_file(d->fd, "empty", "", 0, &err), &err);
	assert_ok(pm_fs_read_file(d->fd, "empty", 0, &back, &len, &err), &err);
	assert_int_equal(len, 0);
	assert_string_equal(back, "");
	pm_free(back);
	assert_code(pm_fs_write_file(d->fd, "no/such", "x", 1, &err), PM_ERR_NOTFOUND, &err);
	assert_ok(pm_fs_list(d->fd, &names, &err), &err);
	assert_int_equal(names.count, 2); /* no temporary file stays */
	pm_strings_free(&names);
	free(big);
}

static void test_read_pipe(void **state)
{
	char path[64], *back;
	size_t len;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "through a pipe", 14), 14);
	close(ends[1]);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	assert_ok(pm_fs_read_file(AT_FDCWD, path, 1000, &back, &len, NULL), NULL);
	assert_string_equal(back, "through a pipe");
	pm_free(back);
	close(ends[0]);
}

static void test_absolute_write(void **state)
{
	struct dir *d = *state;
	struct pm_error err = { 0 };
	char path[4200], *back;
	size_t len;

	snprintf(path, sizeof path, "%s/f", d->path);
	assert_ok(pm_fs_write_file(AT_FDCWD, path, "x", 1, &err), &err);
	assert_ok(pm_fs_read_file(AT_FDCWD, path, 10, &back, &len, &err), &err);
	assert_string_equal(back, "x");
	pm_free(back);
	memset(path, 'y', sizeof path);
	path[sizeof path - 1] = '\0';
	assert_code(pm_fs_write_file(d->fd, path, "x", 1, &err), PM_ERR_INVALID, &err);
}

/* ---- locks -------------------------------------------------------------------------------------- */

static void test_locks(void **state)
{
	struct dir *d = *state;
	struct pm_error err = { 0 };
	int a = create(d, "f"), b, c;

	assert_ok(pm_fs_openat(d->fd, "f", PM_FS_WRITE, &b, &err), &err);
	assert_ok(pm_fs_openat(d->fd, "f", PM_FS_WRITE, &c, &err), &err);
	assert_ok(pm_fs_lock(a, 0, true, false, &err), &err);
	assert_code(pm_fs_lock(b, 0, true, false, &err), PM_ERR_EXISTS, &err);
	assert_contains(err.msg, "/f: locked by another");
	assert_code(pm_fs_lock(b, 0, false, false, &err), PM_ERR_EXISTS, &err);
	assert_ok(pm_fs_lock(b, 1, true, false, &err), &err); /* another byte */
	assert_ok(pm_fs_unlock(a, 0), NULL);
	assert_ok(pm_fs_lock(b, 0, false, false, &err), &err);
	assert_ok(pm_fs_lock(c, 0, false, false, &err), &err);
	assert_code(pm_fs_lock(a, 0, true, false, &err), PM_ERR_EXISTS, &err);
	pm_fs_close(b); /* closing gives the lock back */
	pm_fs_close(c);
	assert_ok(pm_fs_lock(a, 0, true, false, &err), &err);
	pm_fs_close(a);
}

/* Another process waits, and not another thread: valgrind lets no thread run while one waits for such a lock. */
static void test_waiting_lock(void **state)
{
	struct dir *d = *state;
	int a = create(d, "f"), b, ends[2], status;
	char ready;
	pid_t child;

	assert_ok(pm_fs_lock(a, 0, true, false, NULL), NULL);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		if (pm_fs_openat(d->fd, "f", PM_FS_WRITE, &b, NULL) < 0 ||
			pm_fs_lock(b, 0, true, false, NULL) != PM_ERR_EXISTS || write(ends[1], "r", 1) != 1)
			_exit(2);
		_exit(pm_fs_lock(b, 0, true, true, NULL) == 0 ? 0 : 3);
	}
	assert_int_equal(read(ends[0], &ready, 1), 1);
	assert_ok(pm_fs_unlock(a, 0), NULL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	pm_fs_close(a);
	close(ends[0]);
	close(ends[1]);
}

static void test_lock_ends_with_its_process(void **state)
{
	struct dir *d = *state;
	int a = create(d, "f"), b, status;
	pid_t child = fork();

	if (child == 0) {
		int fd;

		if (pm_fs_openat(d->fd, "f", PM_FS_WRITE, &fd, NULL) < 0 || pm_fs_lock(fd, 0, true, false, NULL) < 0)
			_exit(2);
		_exit(pm_fs_lock(a, 0, true, false, NULL) == PM_ERR_EXISTS ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_ok(pm_fs_openat(d->fd, "f", PM_FS_WRITE, &b, NULL), NULL);
	assert_ok(pm_fs_lock(b, 0, true, false, NULL), NULL);
	pm_fs_close(a);
	pm_fs_close(b);
}

/* ---- faults ------------------------------------------------------------------------------------- */

static void test_fail_nth(void **state)
{
	struct pm_error err = { 0 };
	int fd = create(*state, "f");

	pm_fs_fail_nth(PM_FS_OP_WRITE, 2, ENOSPC);
	pm_fs_fail_nth(PM_FS_OP_ANY, 5, EIO);
	assert_ok(pm_fs_pwrite(fd, "a", 1, 0, &err), &err);                   /* any 1 */
	assert_ok(pm_fs_sync(fd, &err), &err);                                /* any 2 */
	assert_code(pm_fs_pwrite(fd, "a", 1, 0, &err), PM_ERR_NOSPACE, &err); /* any 3 */
	assert_contains(err.msg, "/f: write: No space left on device");
	assert_ok(pm_fs_pwrite(fd, "a", 1, 0, &err), &err); /* any 4 */
	assert_code(pm_fs_sync(fd, &err), PM_ERR_IO, &err); /* any 5 */
	assert_ok(pm_fs_sync(fd, &err), &err);
	assert_int_equal(pm_fs_fail_nth(PM_FS_OP_WRITE, 0, 0), 3);
	assert_int_equal(pm_fs_fail_nth(PM_FS_OP_ANY, SIZE_MAX, 0), 6);
	assert_ok(pm_fs_pwrite(fd, "a", 1, 0, &err), &err);
	assert_int_equal(pm_fs_fail_nth(PM_FS_OP_ANY, 0, 0), 1);
	assert_ok(pm_fs_pwrite(fd, "a", 1, 0, &err), &err);
	assert_int_equal(pm_fs_fail_nth(PM_FS_OP_ANY, 0, 0), 0);
	pm_fs_close(fd);
}

static void test_codes(void **state)
{
	static const struct {
		int errnum, code;
	} cases[] = { { ENOSPC, PM_ERR_NOSPACE }, { EDQUOT, PM_ERR_NOSPACE }, { ENOENT, PM_ERR_NOTFOUND },
		{ EROFS, PM_ERR_READONLY }, { EACCES, PM_ERR_READONLY }, { EPERM, PM_ERR_READONLY },
		{ EEXIST, PM_ERR_EXISTS }, { ENOMEM, PM_ERR_NOMEM }, { EIO, PM_ERR_IO }, { EINVAL, PM_ERR_IO } };
	int fd = create(*state, "f");

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		pm_fs_fail_nth(PM_FS_OP_SYNC, 1, cases[i].errnum);
		assert_code(pm_fs_sync(fd, NULL), cases[i].code, NULL);
		pm_fs_fail_nth(PM_FS_OP_SYNC, 0, 0);
	}
	pm_fs_close(fd);
}

/* Each operation once. */
static int use_all(void *arg)
{
	const struct dir *d = arg;
	struct pm_strings names = { 0 };
	struct pm_error err = { 0 };
	char c, *back = NULL;
	void *p = NULL;
	int fd = -1, rc;
	size_t len;

	pm_fs_unlinkat(d->fd, "all", NULL);
	pm_fs_unlinkat(d->fd, "link", NULL);
	rc = pm_fs_openat(d->fd, "all", PM_FS_WRITE | PM_FS_CREATE, &fd, &err);
	if (rc == 0 && !(rc = pm_fs_lock(fd, 0, true, false, &err)) && !(rc = pm_fs_allocate(fd, 0, 10, &err)) &&
		!(rc = pm_fs_pwrite(fd, "x", 1, 0, &err)) && !(rc = pm_fs_sync(fd, &err)) &&
		!(rc = pm_fs_pread(fd, &c, 1, 0, &err)) && !(rc = pm_fs_map(fd, 10, false, &p, &err)) &&
		!(rc = pm_fs_mkdirat(d->fd, "dir", &err)) && !(rc = pm_fs_linkat(d->fd, "all", d->fd, "link", &err)) &&
		!(rc = pm_fs_write_file(d->fd, "file", "y", 1, &err)) &&
		!(rc = pm_fs_read_file(d->fd, "file", 10, &back, &len, &err)))
		rc = pm_fs_list(d->fd, &names, &err);
	assert_true(rc == 0 || (rc == err.code && err.msg[0]));
	if (rc == 0)
		assert_int_equal(names.count, 4);
	pm_free(back);
	pm_strings_free(&names);
	pm_fs_unmap(p, 10);
	pm_fs_close(fd);
	return rc;
}

static void test_every_fault(void **state)
{
	static const size_t least[] = { [PM_FS_OP_OPEN] = 7,
		[PM_FS_OP_WRITE] = 3,
		[PM_FS_OP_READ] = 3,
		[PM_FS_OP_SYNC] = 4,
		[PM_FS_OP_ALLOCATE] = 2,
		[PM_FS_OP_MAP] = 2,
		[PM_FS_OP_RENAME] = 3,
		[PM_FS_OP_UNLINK] = 3,
		[PM_FS_OP_LOCK] = 2,
		[PM_FS_OP_ANY] = 20 };
	struct dir *d = *state;

	for (enum pm_fs_op op = 0; op <= PM_FS_OP_ANY; op++)
		assert_true(test_fs_faults(op, EIO, use_all, d) >= least[op]);
	assert_true(test_mem_faults(use_all, d) > 3);
}

/* The old content or the new one, whole, and no temporary file, whichever operation fails. */
static int replace_file(void *arg)
{
	const struct dir *d = arg;
	int rc = pm_fs_write_file(d->fd, "f", "new content", 11, NULL);
	struct pm_strings names = { 0 };
	char *back = NULL;
	size_t len;

	pm_fs_fail_nth(PM_FS_OP_ANY, SIZE_MAX, 0);
	assert_ok(pm_fs_read_file(d->fd, "f", 100, &back, &len, NULL), NULL);
	assert_true(strcmp(back, "new content") == 0 || (rc < 0 && strcmp(back, "old") == 0));
	assert_ok(pm_fs_list(d->fd, &names, NULL), NULL);
	assert_int_equal(names.count, 1);
	pm_free(back);
	pm_strings_free(&names);
	return rc;
}

static void test_write_file_is_atomic(void **state)
{
	struct dir *d = *state;

	for (size_t n = 1; n <= 7; n++) { /* create, write, sync, rename, open and sync the directory; then none */
		assert_ok(pm_fs_write_file(d->fd, "f", "old", 3, NULL), NULL);
		pm_fs_fail_nth(PM_FS_OP_ANY, n, EIO);
		assert_int_equal(replace_file(d), n < 7 ? PM_ERR_IO : 0);
		pm_fs_fail_nth(PM_FS_OP_ANY, 0, 0);
	}
}

/* ---- the system --------------------------------------------------------------------------------- */

static void test_system(void **state)
{
	struct dir *d = *state;
	char id[37] = "", again[37] = "";

	assert_ok(pm_fs_boot_id(id, NULL), NULL);
	assert_ok(pm_fs_boot_id(again, NULL), NULL);
	assert_int_equal(strlen(id), 36);
	assert_string_equal(id, again);
	pm_fs_is_network(d->fd); /* what it says depends on the machine */
	assert_false(pm_fs_is_network(-1));
}

#define FS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

TEST_MAIN(FS_TEST(test_write_and_read), FS_TEST(test_open_errors), FS_TEST(test_descriptors_close_on_exec),
	FS_TEST(test_directories), FS_TEST(test_list_is_sorted), FS_TEST(test_short_write), FS_TEST(test_map),
	FS_TEST(test_whole_files), FS_TEST(test_read_pipe), FS_TEST(test_absolute_write), FS_TEST(test_locks),
	FS_TEST(test_waiting_lock), FS_TEST(test_lock_ends_with_its_process), FS_TEST(test_fail_nth),
	FS_TEST(test_codes), FS_TEST(test_every_fault), FS_TEST(test_write_file_is_atomic), FS_TEST(test_system))
