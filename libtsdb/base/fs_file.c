/* fs_file.c - what is made of several operations of fs.c: whole files, listings, and what /proc and statfs tell. */
#include "libtsdb/base/fs.h"

#include "libtsdb/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- listings ----------------------------------------------------------------------------------- */

struct names {
	char *bytes; /* names one after the other, each with its NUL */
	size_t len, cap, count;
};

static int add_name(struct names *n, const char *name)
{
	size_t size = strlen(name) + 1;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (pm_grow(&n->bytes, &n->cap, n->len + size) < 0)
		return PM_ERR_NOMEM;
	memcpy(n->bytes + n->len, name, size);
	n->len += size;
	n->count++;
	return 0;
}

static int by_bytes(const void *a, const void *b)
{
	return pm_str_cmp(*(const struct pm_str *)a, *(const struct pm_str *)b);
}

/* One block, the array of slices and then the bytes, so that pm_strings_free has one thing to free. */
static int pack_names(const struct names *n, struct pm_strings *ret)
{
	size_t head = n->count * sizeof(struct pm_str);
	struct pm_str *v = pm_malloc(head + n->len);
	char *at;

	if (!v)
		return PM_ERR_NOMEM;
	at = (char *)v + head;
	if (n->len)
		memcpy(at, n->bytes, n->len);
	for (size_t i = 0; i < n->count; i++) {
		v[i] = pm_str(at);
		at += v[i].len + 1;
	}
	qsort(v, n->count, sizeof *v, by_bytes);
	*ret = (struct pm_strings){ v, n->count, v };
	return 0;
}

int pm_fs_list(int dirfd, struct pm_strings *ret, struct pm_error *err)
{
	struct names names = { 0 };
	struct dirent *e;
	DIR *dir = NULL;
	int fd, rc;

	/* A descriptor of its own: reading moves the position, and closedir closes. */
	rc = pm_fs_openat(dirfd, ".", PM_FS_DIRECTORY, &fd, err);
	if (rc < 0)
		return rc;
	dir = fdopendir(fd);
	if (!dir) {
		pm_fs_close(fd);
		return pm_fail(err, PM_ERR_NOMEM, "list directory: %s", strerror(errno));
	}
	errno = 0;
	while (rc == 0 && (e = readdir(dir))) {
		rc = add_name(&names, e->d_name);
		errno = 0;
	}
	if (rc == 0 && errno)
		rc = pm_fail(err, PM_ERR_IO, "list directory: %s", strerror(errno));
	if (rc == 0)
		rc = pack_names(&names, ret);
	if (rc == PM_ERR_NOMEM)
		pm_fail(err, rc, "list directory: %s", pm_strerror(rc));
	closedir(dir);
	pm_free(names.bytes);
	return rc;
}

/* ---- whole files -------------------------------------------------------------------------------- */

/* Reads until the end or one byte past `max`, which proves that the file is too long. */
static int read_all(int fd, const char *path, size_t max, char **p, size_t *ret_len, struct pm_error *err)
{
	size_t len = 0, cap = 0, done;
	int rc;

	do {
		if (pm_grow(p, &cap, len + 4096) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "%s: %s", path, pm_strerror(PM_ERR_NOMEM));
		rc = pm_fs_read(fd, *p + len, cap - len - 1, &done, err);
		if (rc < 0)
			return rc;
		len += done;
		if (len > max)
			return pm_fail(err, PM_ERR_LIMIT, "%s: longer than %zu bytes", path, max);
	} while (done > 0);
	(*p)[len] = '\0';
	*ret_len = len;
	return 0;
}

int pm_fs_read_file(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct pm_error *err)
{
	char *p = NULL;
	int fd, rc;

	rc = pm_fs_openat(dirfd, path, PM_FS_READ, &fd, err);
	if (rc < 0)
		return rc;
	rc = read_all(fd, path, max, &p, ret_len, err);
	pm_fs_close(fd);
	if (rc < 0)
		pm_free(p);
	else
		*ret = p;
	return rc;
}

/* A new file beside `path` under a name nobody else uses. A leftover of a crash may hold the name: the next is
 * tried then. */
static int create_beside(int dirfd, const char *path, char *tmp, size_t tmp_size, int *ret_fd, struct pm_error *err)
{
	static atomic_uint serial;
	int rc = PM_ERR_EXISTS;

	for (int tries = 0; rc == PM_ERR_EXISTS && tries < 100; tries++) {
		int n = snprintf(tmp, tmp_size, "%s.%d-%u.tmp", path, (int)getpid(), atomic_fetch_add(&serial, 1));

		if (n < 0 || (size_t)n >= tmp_size)
			return pm_fail(err, PM_ERR_INVALID, "%s: the path is too long", path);
		rc = pm_fs_openat(dirfd, tmp, PM_FS_WRITE | PM_FS_CREATE | PM_FS_EXCL, ret_fd, err);
	}
	return rc;
}

int pm_fs_sync_parent(int dirfd, const char *path, struct pm_error *err)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX] = ".";
	int fd, rc;

	if (slash)
		snprintf(parent, sizeof parent, "%.*s", (int)(slash > path ? slash - path : 1), path);
	rc = pm_fs_openat(dirfd, parent, PM_FS_DIRECTORY, &fd, err);
	if (rc < 0)
		return rc;
	rc = pm_fs_sync_dir(fd, err);
	pm_fs_close(fd);
	return rc;
}

int pm_fs_write_file(int dirfd, const char *path, const void *p, size_t n, struct pm_error *err)
{
	char tmp[PATH_MAX];
	int fd, rc;

	rc = create_beside(dirfd, path, tmp, sizeof tmp, &fd, err);
	if (rc < 0)
		return rc;
	rc = pm_fs_pwrite(fd, p, n, 0, err);
	if (rc == 0)
		rc = pm_fs_sync(fd, err);
	pm_fs_close(fd);
	if (rc == 0)
		rc = pm_fs_renameat(dirfd, tmp, path, err);
	if (rc < 0) {
		pm_fs_unlinkat(dirfd, tmp, NULL);
		return rc;
	}
	return pm_fs_sync_parent(dirfd, path, err);
}

/* ---- the system --------------------------------------------------------------------------------- */

/* FUSE counts, as its shared mappings are coherent only with themselves on this host, and not when a server behind it
 * changes the file. What linux/magic.h lacks is named here. */
bool pm_fs_is_network(int fd)
{
	enum {
		CIFS_MAGIC = (int)0xff534d42,
		GPFS_MAGIC = 0x47504653,
		LUSTRE_MAGIC = 0x0bd00bd0,
		VBOX_MAGIC = 0x786f4256,
	};
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return false;
	switch ((int)st.f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case (int)SMB2_SUPER_MAGIC:
	case CIFS_MAGIC:
	case V9FS_MAGIC:
	case FUSE_SUPER_MAGIC:
	case CEPH_SUPER_MAGIC:
	case CODA_SUPER_MAGIC:
	case AFS_SUPER_MAGIC:
	case AFS_FS_MAGIC:
	case OCFS2_SUPER_MAGIC:
	case NCP_SUPER_MAGIC:
	case GPFS_MAGIC:
	case LUSTRE_MAGIC:
	case VBOX_MAGIC:
		return true;
	}
	return false;
}

int pm_fs_boot_id(char out[37], struct pm_error *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	char *text;
	size_t len;
	int rc = pm_fs_read_file(AT_FDCWD, path, 4096, &text, &len, err);

	if (rc < 0)
		return rc;
	if (len < 36) {
		rc = pm_fail(err, PM_ERR_IO, "%s: too short", path);
	} else {
		memcpy(out, text, 36);
		out[36] = '\0';
	}
	pm_free(text);
	return rc;
}
