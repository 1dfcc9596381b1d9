/* head.c - the files of a head: made, opened, and mapped as far as one published record says. */
#include "libtsdb/head/head.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"

#include <stdio.h>

static const char *const table_names[TSDB_TABLE_COUNT] = { "symbols", "series", "families", "aliases" };

void tsdb__table_name(char out[32], enum tsdb_table table, uint32_t number)
{
	snprintf(out, 32, "%s.%08x", table_names[table], number);
}

void tsdb__head_name(char out[32], uint64_t generation)
{
	snprintf(out, 32, "head.%08llx", (unsigned long long)generation);
}

/* ---- making ---- */

static int create_files(int dirfd, uint64_t generation, struct pm_error *err)
{
	static const struct {
		const char *name;
		enum tsdb_file_kind kind;
	} files[] = { { "catalog", TSDB_FILE_CATALOG }, { "ids", TSDB_FILE_IDS }, { "layouts", TSDB_FILE_LAYOUTS },
		{ "postings", TSDB_FILE_POSTINGS } };
	struct tsdb__file f;
	int rc = 0;
	for (size_t i = 0; i < sizeof files / sizeof files[0] && rc == 0; i++)
		if ((rc = tsdb__file_open(&f, dirfd, files[i].name, files[i].kind, generation, true, true, err)) == 0) {
			rc = pm_fs_sync(f.fd, err);
			tsdb__file_close(&f);
		}
	for (int t = 0; t < TSDB_TABLE_COUNT && rc == 0; t++) {
		struct tsdb__slots *s = NULL;
		char name[32];
		tsdb__table_name(name, t, 1);
		rc = tsdb__slots_create(dirfd, name, generation, 1, TSDB_SLOTS_MIN, &s, err);
		tsdb__slots_free(s);
	}
	return rc;
}

/* The first log file, with an empty table of heads, so that readers know no special case. */
static int create_log(int dirfd, uint64_t generation, struct tsdb_record *rec, struct pm_error *err)
{
	struct tsdb_heads heads = { .rec = { .len = sizeof heads + 8, .kind = TSDB_REC_HEADS }, .family_count = 1 };
	uint8_t bytes[sizeof heads + 8] = { 0 };
	uint64_t first = UINT64_C(1) << TSDB_LOG_SHIFT, pos = first + sizeof(struct tsdb_file_head);
	int fd, rc;
	memcpy(bytes, &heads, sizeof heads);
	heads.rec.checksum = tsdb__rec_checksum((void *)bytes, TSDB_FILE_LOG, generation, pos);
	memcpy(bytes, &heads, sizeof heads);
	if ((rc = tsdb__log_create(dirfd, generation, 1, &fd, err)) < 0)
		return rc;
	if ((rc = pm_fs_pwrite(fd, bytes, sizeof bytes, sizeof(struct tsdb_file_head), err)) == 0)
		rc = pm_fs_sync(fd, err);
	pm_fs_close(fd);
	rec->log_first = 1;
	rec->heads_pos = pos;
	rec->log_end = pos + sizeof bytes;
	rec->log_sum = tsdb__sum(0, heads.rec.checksum);
	return rc;
}

void tsdb__record_init(struct tsdb_record *rec, uint64_t generation)
{
	memset(rec, 0, sizeof *rec);
	rec->generation = generation;
	rec->catalog_len = rec->layouts_len = rec->postings_len = sizeof(struct tsdb_file_head);
	rec->family_count = 1; /* 0 is for loose samples */
	for (int t = 0; t < TSDB_TABLE_COUNT; t++)
		rec->table_number[t] = 1;
	rec->min_ms = PM_TIME_MAX;
	rec->max_ms = PM_TIME_MIN;
}

int tsdb__head_create(int dirfd, uint64_t generation, struct tsdb_record *rec, struct pm_error *err)
{
	char name[32];
	int fd = -1, rc;
	tsdb__head_name(name, generation);
	if ((rc = pm_fs_mkdirat(dirfd, name, err)) < 0 ||
		(rc = pm_fs_openat(dirfd, name, PM_FS_DIRECTORY, &fd, err)) < 0)
		return rc;
	tsdb__record_init(rec, generation);
	if ((rc = create_files(fd, generation, err)) == 0 && (rc = create_log(fd, generation, rec, err)) == 0)
		rc = pm_fs_sync_dir(fd, err);
	pm_fs_close(fd);
	return rc < 0 ? rc : pm_fs_sync_dir(dirfd, err); /* a meta page that names the folder comes after it */
}

/* ---- opening ---- */

int tsdb__head_open_bare(int dirfd, uint64_t generation, bool writable, struct tsdb__head **ret, struct pm_error *err)
{
	struct tsdb__head *h = pm_calloc(1, sizeof *h);
	char name[32];
	int rc;
	if (!h)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	h->dirfd = h->catalog.fd = h->ids.fd = h->layouts.fd = h->postings.fd = -1;
	h->refs = 1;
	h->generation = generation;
	h->writable = writable;
	h->log_base = 1;
	pthread_mutex_init(&h->mutex, NULL);
	tsdb__head_name(name, generation);
	rc = PM_ERR_NOMEM;
	if (!(h->logs = pm_calloc(TSDB_LOG_FILES_MAX, sizeof h->logs[0])) ||
		!(h->log_seen = pm_calloc(TSDB_LOG_FILES_MAX, sizeof h->log_seen[0])))
		pm_fail(err, rc, "out of memory");
	else if ((rc = pm_fs_openat(dirfd, name, PM_FS_DIRECTORY, &h->dirfd, err)) == 0 &&
		 (rc = tsdb__file_open(&h->catalog, h->dirfd, "catalog", TSDB_FILE_CATALOG, generation, writable, false,
			  err)) == 0)
		rc = tsdb__file_open(
			&h->layouts, h->dirfd, "layouts", TSDB_FILE_LAYOUTS, generation, writable, false, err);
	if (rc < 0)
		tsdb__head_unref(h);
	else
		*ret = h;
	return rc;
}

int tsdb__head_open(int dirfd, uint64_t generation, bool writable, struct tsdb__head **ret, struct pm_error *err)
{
	struct tsdb__head *h;
	int rc = tsdb__head_open_bare(dirfd, generation, writable, &h, err);
	if (rc < 0)
		return rc;
	if ((rc = tsdb__file_open(&h->ids, h->dirfd, "ids", TSDB_FILE_IDS, generation, writable, false, err)) == 0)
		rc = tsdb__file_open(
			&h->postings, h->dirfd, "postings", TSDB_FILE_POSTINGS, generation, writable, false, err);
	if (rc < 0)
		tsdb__head_unref(h);
	else
		*ret = h;
	return rc;
}

struct tsdb__head *tsdb__head_ref(struct tsdb__head *h)
{
	__atomic_add_fetch(&h->refs, 1, __ATOMIC_ACQ_REL);
	return h;
}

void tsdb__head_unref(struct tsdb__head *h)
{
	if (!h || __atomic_sub_fetch(&h->refs, 1, __ATOMIC_ACQ_REL))
		return;
	tsdb__file_close(&h->catalog);
	tsdb__file_close(&h->ids);
	tsdb__file_close(&h->layouts);
	tsdb__file_close(&h->postings);
	for (int t = 0; t < TSDB_TABLE_COUNT; t++)
		tsdb__slots_free(h->tables[t]);
	for (size_t i = 0; h->logs && i < TSDB_LOG_FILES_MAX; i++)
		if (h->logs[i])
			pm_fs_unmap((void *)(uintptr_t)h->logs[i], TSDB_LOG_FILE_SIZE);
	for (size_t i = 0; h->log_seen && i < TSDB_LOG_FILES_MAX; i++)
		pm_fs_unmap(h->log_seen[i], tsdb__seen_size(TSDB_LOG_FILE_SIZE));
	pm_free(h->logs);
	pm_free(h->log_seen);
	while (h->old_last) {
		struct tsdb__old *next = h->old_last->next;
		pm_free(h->old_last);
		h->old_last = next;
	}
	if (h->dirfd >= 0)
		pm_fs_close(h->dirfd);
	pthread_mutex_destroy(&h->mutex);
	pm_free(h);
}

/* Called with the mutex held. */
int tsdb__head_table(
	struct tsdb__head *h, enum tsdb_table table, uint32_t number, struct tsdb__slots **ret, struct pm_error *err)
{
	struct tsdb__slots *s;
	char name[32];
	for (s = h->tables[table]; s; s = s->next)
		if (s->number == number) {
			*ret = s;
			return 0;
		}
	tsdb__table_name(name, table, number);
	int rc = tsdb__slots_open(h->dirfd, name, h->generation, number, h->writable, &s, err);
	if (rc < 0)
		return rc == PM_ERR_NOTFOUND ? PM_ERR_STALE : rc;
	s->damage = &h->slots_damage;
	s->next = h->tables[table];
	h->tables[table] = *ret = s;
	return 0;
}

/* ---- snapshots ---- */

static void snap_link(struct tsdb__head *h, struct tsdb__snap *s)
{
	s->next = h->snaps;
	s->back = &h->snaps;
	if (s->next)
		s->next->back = &s->next;
	h->snaps = s;
}

int tsdb__snap_new(struct tsdb__head *h, const struct tsdb_record *rec, struct tsdb__snap **ret, struct pm_error *err)
{
	struct tsdb__snap *s = pm_calloc(1, sizeof *s);
	int rc;
	if (!s)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	s->refs = 1;
	s->rec = *rec;
	s->head = tsdb__head_ref(h);
	uint64_t ids_len = sizeof(struct tsdb_file_head) + (uint64_t)rec->sid_end * sizeof(uint32_t);
	pthread_mutex_lock(&h->mutex);
	if ((rc = tsdb__file_bytes(&h->catalog, rec->catalog_len, &s->catalog, err)) == 0 &&
		(rc = tsdb__file_bytes(&h->ids, ids_len, &s->ids, err)) == 0 &&
		(rc = tsdb__file_bytes(&h->layouts, rec->layouts_len, &s->layouts, err)) == 0)
		rc = tsdb__file_bytes(&h->postings, rec->postings_len, &s->postings, err);
	for (int t = 0; t < TSDB_TABLE_COUNT && rc == 0; t++)
		rc = tsdb__head_table(h, t, rec->table_number[t], &s->tables[t], err);
	if (rc == 0)
		rc = tsdb__log_scan(h, rec, err);
	s->last = h->last;
	if (rc == 0)
		snap_link(h, s);
	pthread_mutex_unlock(&h->mutex);
	if (rc < 0) {
		tsdb__head_unref(h);
		pm_free(s);
	}
	else
		*ret = s;
	return rc;
}

static const struct tsdb__file *damaged_file(const struct tsdb__head *h, int i)
{
	const struct tsdb__file *const files[] = { &h->catalog, &h->ids, &h->layouts, &h->postings };
	return i < 4 ? files[i] : NULL;
}

uint64_t tsdb__damage_count(const struct tsdb__head *h)
{
	const struct tsdb__file *f;
	uint64_t n = __atomic_load_n(&h->slots_damage.count, __ATOMIC_ACQUIRE);
	for (int i = 0; (f = damaged_file(h, i)); i++)
		n += __atomic_load_n(&f->damage_count, __ATOMIC_ACQUIRE);
	return n;
}

int tsdb__damage_since(const struct tsdb__head *h, uint64_t before, struct pm_error *err)
{
	const struct tsdb__file *f;
	if (tsdb__damage_count(h) == before)
		return 0;
	for (int i = 0; (f = damaged_file(h, i)); i++)
		if (__atomic_load_n(&f->damage_count, __ATOMIC_ACQUIRE))
			return tsdb__corrupt(err, f->name, __atomic_load_n(&f->damage_off, __ATOMIC_RELAXED),
				"the record there is not what was written");
	return tsdb__corrupt(
		err, h->slots_damage.slots->name, h->slots_damage.off, "the slot there is not what was written");
}

void tsdb__snap_unref(struct tsdb__snap *s)
{
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_mutex_lock(&s->head->mutex);
	*s->back = s->next;
	if (s->next)
		s->next->back = s->back;
	tsdb__log_forget(s->head);
	pthread_mutex_unlock(&s->head->mutex);
	tsdb__head_unref(s->head);
	if (s->detach)
		s->detach(s->attached);
	pm_free(s);
}
