/* list.c - which blocks are in a directory. */
#include "libtsdb/blocks.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/blocks/file.h"
#include "libtsdb/blocks/meta.h"

#include <fcntl.h>
#include <stdlib.h>

struct list {
	struct tsdb_block_info *v;
	size_t count, cap;
	int64_t max_ms;
	struct prom__parents parents;
};

static void release(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		pm_free((char *)(uintptr_t)l->v[i].path);
	pm_free(l->v);
	pm_free(l->parents.v);
}

/* Takes `path`. A directory without meta.json is one that Prometheus has not finished, or is about to delete. */
static int add(struct list *l, char *path, struct pm_error *err)
{
	struct tsdb_block_info info = { .path = path };
	int rc = path ? prom__meta_read(path, &info, &l->parents, err) : PM_ERR_NOMEM;

	if (rc == 0 && pm_grow(&l->v, &l->cap, l->count + 1) < 0)
		rc = PM_ERR_NOMEM;
	if (rc == 0)
		l->v[l->count++] = info;
	else
		pm_free(path);
	if (rc == 0 && !l->parents.out_of_order && info.max_ms > l->max_ms)
		l->max_ms = info.max_ms;
	if (rc == PM_ERR_NOMEM)
		return pm_fail(err, rc, "out of memory");
	return rc == PM_ERR_NOTFOUND ? 0 : rc;
}

static bool is_parent(const struct list *l, const char *ulid)
{
	for (size_t i = 0; i < l->parents.count; i++)
		if (strcmp(l->parents.v[i], ulid) == 0)
			return true;
	return false;
}

static void drop_parents(struct list *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (is_parent(l, l->v[i].ulid))
			pm_free((char *)(uintptr_t)l->v[i].path);
		else
			l->v[kept++] = l->v[i];
	}
	l->count = kept;
}

static int by_time(const void *a, const void *b)
{
	const struct tsdb_block_info *x = a, *y = b;

	if (x->min_ms != y->min_ms)
		return x->min_ms < y->min_ms ? -1 : 1;
	return strcmp(x->ulid, y->ulid);
}

static int add_names(struct list *l, const char *dir, const struct pm_strings *names, bool *ret_has_log,
	struct pm_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < names->count && rc == 0; i++) {
		struct pm_str name = names->v[i];

		if (prom__ulid_valid(name))
			rc = add(l, prom__path(dir, name.ptr), err);
		else if (pm_str_eq(name, PM_STR("wal")) || pm_str_eq(name, PM_STR("wbl")))
			*ret_has_log = true;
	}
	return rc;
}

static int list_names(const char *dir, struct pm_strings *ret, struct pm_error *err)
{
	int fd, rc = pm_fs_openat(AT_FDCWD, dir, PM_FS_READ | PM_FS_DIRECTORY, &fd, err);

	if (rc < 0)
		return rc;
	rc = pm_fs_list(fd, ret, err);
	pm_fs_close(fd);
	return rc;
}

static bool holds(const struct pm_strings *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (pm_str_eq(names->v[i], pm_str(name)))
			return true;
	return false;
}

int tsdb_block_list(const char *dir, struct tsdb_block_list *ret, struct pm_error *err)
{
	struct pm_strings names = { 0 };
	struct list l = { .max_ms = PM_TIME_MIN };
	bool has_log = false;
	int rc = list_names(dir, &names, err);

	if (rc < 0)
		return rc;
	if (holds(&names, "meta.json"))
		rc = add(&l, pm_strndup(dir, strlen(dir)), err);
	else
		rc = add_names(&l, dir, &names, &has_log, err);
	pm_strings_free(&names);
	if (rc == 0 && l.count == 0 && !has_log)
		rc = pm_fail(err, PM_ERR_NOTFOUND, "%s: no Prometheus blocks and no wal directory here", dir);
	if (rc < 0) {
		release(&l);
		return rc;
	}
	drop_parents(&l);
	if (l.count)
		qsort(l.v, l.count, sizeof *l.v, by_time);
	pm_free(l.parents.v);
	*ret = (struct tsdb_block_list){ .v = l.v, .count = l.count, .has_log = has_log, .max_ms = l.max_ms };
	return 0;
}

void tsdb_block_list_free(struct tsdb_block_list *l)
{
	struct list all = { .v = l->v, .count = l->count };

	release(&all);
	*l = (struct tsdb_block_list){ 0 };
}
