/* crash_disk.c - a shadow of what is on the disk; see crash_disk.h. Every file and directory is a node, known by its
 * inode number; a descriptor keeps it when its last name is gone. */
#include "tests/support/crash_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SECTOR = 512, NODES_MAX = 4096, NAMES_MAX = 256 };

struct name {
	char text[64];
	int node;
};

struct node {
	ino_t ino;
	int fd;
	bool is_dir;
	int shadow;         /* of a file: what is on the disk */
	struct name *names; /* of a directory: what is on the disk */
	int name_count;
};

struct crash_disk {
	struct test_rng rng;
	struct node nodes[NODES_MAX];
	int node_count;
	size_t ops, crash_at;
	void (*on_crash)(void *arg);
	void *arg;
	unsigned writeback; /* of 100 operations, after how many the system writes something back */
};

static void must(bool ok, const char *what)
{
	if (!ok)
		fail_msg("crash_disk: %s: %s", what, strerror(errno));
}

static off_t size_of(int fd)
{
	struct stat st;
	must(fstat(fd, &st) == 0, "stat");
	return st.st_size;
}

/* ---- files ---- */

static const uint8_t *map(int fd, off_t size)
{
	void *p = size ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
	must(p != MAP_FAILED, "map");
	return p;
}

static void unmap(const uint8_t *p, off_t size)
{
	if (p)
		munmap((void *)(uintptr_t)p, (size_t)size);
}

/* Bring sectors of `from` that differ into `to`, below `end`, `percent` of them. Holes are passed over. */
static void merge(struct test_rng *rng, int to, int from, off_t end, unsigned percent)
{
	off_t to_size = size_of(to), from_size = size_of(from);
	if (end > from_size)
		end = from_size;
	const uint8_t *a = map(to, to_size), *b = map(from, from_size);
	for (off_t at = 0; at < end;) {
		off_t data = lseek(from, at, SEEK_DATA), hole;
		if (data < 0 || data >= end)
			break;
		hole = lseek(from, data, SEEK_HOLE);
		for (at = data & ~(off_t)(SECTOR - 1); at < hole && at < end; at += SECTOR) {
			size_t n = (size_t)(end - at < SECTOR ? end - at : SECTOR);
			if (at + (off_t)n <= to_size && memcmp(a + at, b + at, n) == 0)
				continue;
			if (test_below(rng, 100) < percent)
				must(pwrite(to, b + at, n, at) == (ssize_t)n, "write");
		}
	}
	unmap(a, to_size);
	unmap(b, from_size);
}

static int temporary(void)
{
	int fd = memfd_create("shadow", MFD_CLOEXEC);
	must(fd >= 0, "memfd_create");
	return fd;
}

/* All of the file is on the disk. */
static void file_synced(struct crash_disk *d, struct node *n)
{
	off_t size = size_of(n->fd);
	must(ftruncate(n->shadow, size) == 0, "truncate");
	merge(&d->rng, n->shadow, n->fd, size, 100);
}

/* ---- nodes ---- */

static int node_of(struct crash_disk *d, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	for (int i = 0; i < d->node_count; i++)
		if (d->nodes[i].ino == st.st_ino)
			return i;
	return -1;
}

static int node_at(struct crash_disk *d, int dirfd, const char *path)
{
	struct stat st;
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC), known;
	must(fd >= 0, path);
	if ((known = node_of(d, fd)) >= 0) {
		close(fd);
		return known;
	}
	must(d->node_count < NODES_MAX && fstat(fd, &st) == 0, "too many files");
	struct node *n = &d->nodes[d->node_count];
	*n = (struct node){ .ino = st.st_ino, .fd = fd, .is_dir = S_ISDIR(st.st_mode), .shadow = -1 };
	if (n->is_dir)
		n->names = calloc(NAMES_MAX, sizeof *n->names);
	else
		n->shadow = temporary();
	return d->node_count++;
}

/* The names in a directory as it is now. */
static int list(struct crash_disk *d, int node, struct name names[NAMES_MAX])
{
	int fd = openat(d->nodes[node].fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
	DIR *dir = fdopendir(fd);
	must(dir != NULL, "list");
	for (struct dirent *e; (e = readdir(dir));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		must(count < NAMES_MAX, "too many names");
		snprintf(names[count].text, sizeof names[count].text, "%.63s", e->d_name);
		names[count++].node = node_at(d, fd, e->d_name);
	}
	closedir(dir);
	return count;
}

static void all_synced(struct crash_disk *d, int node)
{
	struct node *n = &d->nodes[node];
	if (!n->is_dir) {
		file_synced(d, n);
		return;
	}
	n->name_count = list(d, node, n->names);
	for (int i = 0; i < n->name_count; i++)
		all_synced(d, n->names[i].node);
}

/* ---- listening ---- */

static void heard(void *arg, enum pm_fs_op op, int fd, const char *path)
{
	struct crash_disk *d = arg;
	int node = fd < 0 ? -1 : node_of(d, fd);
	if (node < 0)
		return; /* outside of the root */
	if (op == PM_FS_OP_OPEN)
		node_at(d, fd, path);
	if (op == PM_FS_OP_SYNC && d->nodes[node].is_dir)
		d->nodes[node].name_count = list(d, node, d->nodes[node].names);
	else if (op == PM_FS_OP_SYNC)
		file_synced(d, &d->nodes[node]);
	if (test_below(&d->rng, 100) < d->writeback) {
		struct node *n = &d->nodes[test_below(&d->rng, (uint64_t)d->node_count)];
		if (!n->is_dir)
			merge(&d->rng, n->shadow, n->fd, size_of(n->fd), 50);
	}
	if (++d->ops == d->crash_at)
		d->on_crash(d->arg);
}

struct crash_disk *crash_disk_start(
	const char *root, uint64_t seed, size_t crash_at, void (*on_crash)(void *arg), void *arg)
{
	struct crash_disk *d = calloc(1, sizeof *d);
	d->rng = test_rng(seed);
	d->crash_at = crash_at;
	d->on_crash = on_crash;
	d->arg = arg;
	d->writeback = (unsigned)test_below(&d->rng, 3) * 20;
	all_synced(d, node_at(d, AT_FDCWD, root));
	pm_fs_watch(heard, d);
	return d;
}

void crash_disk_free(struct crash_disk *d)
{
	pm_fs_watch(NULL, NULL);
	for (int i = 0; i < d->node_count; i++) {
		close(d->nodes[i].fd);
		if (d->nodes[i].shadow >= 0)
			close(d->nodes[i].shadow);
		free(d->nodes[i].names);
	}
	free(d);
}

/* ---- the crash ---- */

static const struct name *find(const struct name *names, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i].text, text) == 0)
			return &names[i];
	return NULL;
}

static void take_file(struct crash_disk *d, const struct node *n, int to, unsigned percent)
{
	off_t old = size_of(n->shadow), new = size_of(n->fd), end = old;
	if (new > old && test_below(&d->rng, 100) < percent)
		end = test_below(&d->rng, 2) ? new : old + (off_t)test_below(&d->rng, (uint64_t)(new - old) + 1);
	must(ftruncate(to, end) == 0, "truncate");
	merge(&d->rng, to, n->shadow, old, 100);
	merge(&d->rng, to, n->fd, end, percent);
}

static void take(struct crash_disk *d, int node, const char *out, unsigned percent)
{
	struct name now[NAMES_MAX];
	struct node *n = &d->nodes[node];
	char path[4096];
	if (!n->is_dir) {
		int fd = open(out, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		must(fd >= 0, out);
		take_file(d, n, fd, percent);
		close(fd);
		return;
	}
	int count = list(d, node, now);
	must(mkdir(out, 0777) == 0, out);
	for (int i = 0; i < n->name_count; i++) { /* on the disk, and perhaps gone or another file since */
		const struct name *is = find(now, count, n->names[i].text);
		bool keep = (is && is->node == n->names[i].node) || test_below(&d->rng, 100) >= percent;
		snprintf(path, sizeof path, "%.4000s/%.63s", out, n->names[i].text);
		if (keep)
			take(d, n->names[i].node, path, percent);
		else if (is)
			take(d, is->node, path, percent);
	}
	for (int i = 0; i < count; i++) /* new */
		if (!find(n->names, n->name_count, now[i].text) && test_below(&d->rng, 100) < percent) {
			snprintf(path, sizeof path, "%.4000s/%.63s", out, now[i].text);
			take(d, now[i].node, path, percent);
		}
}

void crash_disk_take(struct crash_disk *d, const char *out)
{
	static const unsigned kept[] = { 0, 10, 50, 90, 100 };
	take(d, 0, out, kept[test_below(&d->rng, sizeof kept / sizeof kept[0])]);
}
