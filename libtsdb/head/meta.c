/* meta.c - publication: two slots, a sequence number, one release store.
 *
 *   writer                                   reader
 *   fill slot[(seq + 1) & 1]                 s = seq (acquire)
 *   seq = seq + 1 (release)                  copy slot[s & 1]
 *                                            seq still s? done : again
 *
 * The slot a reader copies is only filled again after the next publication, which changes seq. A writer that dies
 * half-way through a slot has published nothing. The words of a slot are read and written atomically one by one, so
 * that a copy which will be thrown away is no data race either. */
#include "libtsdb/head/meta.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/head/file.h"

#include <unistd.h>

static uint64_t record_checksum(const struct tsdb_record *rec)
{
	size_t from = offsetof(struct tsdb_record, generation);
	return pm_hash_seed((const uint8_t *)rec + from, sizeof *rec - from, rec->seq);
}

void tsdb__meta_settle(struct tsdb_meta_page *m, int fd)
{
	char boot[sizeof m->boot_id] = { 0 };
	pm_fs_boot_id(boot, NULL);
	pm_fs_identity(fd, &m->dev, &m->ino, NULL);
	m->born_ns = pm_fs_born_ns(fd);
	memcpy(m->boot_id, boot, sizeof boot);
}

enum tsdb__meta_place tsdb__meta_place(const struct tsdb_meta_page *m, int fd)
{
	char boot[sizeof m->boot_id] = { 0 };
	uint64_t dev = 0, ino = 0;
	if (pm_fs_identity(fd, &dev, &ino, NULL) < 0 || ino != m->ino || pm_fs_born_ns(fd) != m->born_ns)
		return TSDB_META_COPIED;
	pm_fs_boot_id(boot, NULL);
	if (memcmp(boot, m->boot_id, sizeof boot) != 0)
		return TSDB_META_CRASHED; /* devices may have other numbers then */
	return dev == m->dev ? TSDB_META_HERE : TSDB_META_COPIED;
}

int tsdb__meta_create(int dirfd, const struct tsdb_record *rec, struct pm_error *err)
{
	static const char tmp[] = "meta.tmp";
	struct tsdb_meta_page m = {
		.magic = TSDB_META_MAGIC, .version = TSDB_FORMAT_VERSION, .page_size = TSDB_META_SIZE
	};
	int fd = -1, rc;
	m.created_ms = pm_now_ms();
	m.synced_ms = m.created_ms;
	uint64_t mix[3] = { (uint64_t)pm_now_ns(), (uint64_t)getpid(), (uint64_t)(uintptr_t)&m };
	m.store_id = pm_hash(mix, sizeof mix);
	m.head_checksum = pm_hash(&m, offsetof(struct tsdb_meta_page, head_checksum));
	m.seq = 1;
	m.slot[1].record = *rec;
	m.slot[1].record.seq = 1;
	m.slot[1].record.checksum = record_checksum(&m.slot[1].record);
	m.mark[1].record = m.slot[1].record; /* the head's files were synced when they were made */
	m.synced_seq = 1;
	if ((rc = pm_fs_openat(dirfd, tmp, PM_FS_WRITE | PM_FS_CREATE, &fd, err)) < 0)
		return rc;
	tsdb__meta_settle(&m, fd);
	if ((rc = pm_fs_allocate(fd, 0, sizeof m, err)) == 0 && (rc = pm_fs_pwrite(fd, &m, sizeof m, 0, err)) == 0 &&
		(rc = pm_fs_sync(fd, err)) == 0 && (rc = pm_fs_renameat(dirfd, tmp, "meta", err)) == 0)
		rc = pm_fs_sync_dir(dirfd, err);
	pm_fs_close(fd);
	return rc;
}

static int check(const struct tsdb_meta_page *m, struct pm_error *err)
{
	if (m->magic != TSDB_META_MAGIC)
		return tsdb__corrupt(err, "meta", 0, "not a store of pm");
	if (m->version != TSDB_FORMAT_VERSION)
		return pm_fail(err, PM_ERR_VERSION, "the store has format version %u, this pm reads %d", m->version,
			TSDB_FORMAT_VERSION);
	if (m->head_checksum != pm_hash(m, offsetof(struct tsdb_meta_page, head_checksum)))
		return tsdb__corrupt(err, "meta", offsetof(struct tsdb_meta_page, head_checksum), "checksum");
	return 0;
}

int tsdb__meta_open(int dirfd, bool writable, struct tsdb_meta_page **ret, int *ret_fd, struct pm_error *err)
{
	uint64_t size = 0;
	void *p = NULL;
	int fd = -1;
	int rc = pm_fs_openat(dirfd, "meta", writable ? PM_FS_WRITE : PM_FS_READ, &fd, err);
	if (rc < 0)
		return rc;
	if ((rc = pm_fs_size(fd, &size, err)) == 0 && size < TSDB_META_SIZE)
		rc = tsdb__corrupt(err, "meta", size, "too short");
	if (rc == 0)
		rc = pm_fs_map(fd, TSDB_META_SIZE, writable, &p, err);
	if (rc == 0 && (rc = check(p, err)) < 0)
		pm_fs_unmap(p, TSDB_META_SIZE);
	if (rc < 0) {
		pm_fs_close(fd);
		return rc;
	}
	*ret = p;
	*ret_fd = fd;
	return 0;
}

void tsdb__meta_close(struct tsdb_meta_page *m, int fd)
{
	if (m)
		pm_fs_unmap(m, TSDB_META_SIZE);
	if (fd >= 0)
		pm_fs_close(fd);
}

uint64_t tsdb__meta_seq(const struct tsdb_meta_page *m)
{
	return __atomic_load_n(&m->seq, __ATOMIC_ACQUIRE);
}

int tsdb__meta_read(const struct tsdb_meta_page *m, struct tsdb_record *ret, struct pm_error *err)
{
	enum { WORDS = sizeof(struct tsdb_record) / 8 };
	uint64_t copy[WORDS];
	/* Two publications must fall into each copy for it to fail, so this ends; the bound is for damaged pages. */
	for (int tries = 0; tries < 1 << 20; tries++) {
		uint64_t seq = tsdb__meta_seq(m);
		const uint64_t *slot = (const uint64_t *)(const void *)&m->slot[seq & 1];
		for (int i = 0; i < WORDS; i++)
			copy[i] = __atomic_load_n(&slot[i], __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&m->seq, __ATOMIC_RELAXED) != seq)
			continue;
		memcpy(ret, copy, sizeof *ret);
		if (ret->seq != seq || ret->checksum != record_checksum(ret))
			return tsdb__corrupt(
				err, "meta", TSDB_META_SLOT0 + (seq & 1) * TSDB_META_SLOT_SIZE, "checksum");
		return 0;
	}
	return tsdb__corrupt(err, "meta", offsetof(struct tsdb_meta_page, seq), "never settles");
}

void tsdb__meta_publish(struct tsdb_meta_page *m, struct tsdb_record *rec)
{
	uint64_t words[sizeof *rec / 8];
	uint64_t seq = tsdb__meta_seq(m) + 1;
	uint64_t *slot = (uint64_t *)(void *)&m->slot[seq & 1];
	rec->seq = seq;
	rec->checksum = record_checksum(rec);
	memcpy(words, rec, sizeof words);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		__atomic_store_n(&slot[i], words[i], __ATOMIC_RELEASE);
	__atomic_store_n(&m->seq, seq, __ATOMIC_RELEASE);
}

/* ---- marks ---- */

static bool record_sound(const struct tsdb_record *rec)
{
	return rec->seq != 0 && rec->checksum == record_checksum(rec);
}

int tsdb__meta_mark(const struct tsdb_meta_page *m, struct tsdb_record *ret, struct pm_error *err)
{
	struct tsdb_record a = m->mark[0].record, b = m->mark[1].record;
	bool sound_a = record_sound(&a), sound_b = record_sound(&b);
	if (!sound_a && !sound_b)
		return tsdb__corrupt(err, "meta", TSDB_META_MARK0, "no mark of a sync is sound");
	*ret = sound_a && (!sound_b || a.seq > b.seq) ? a : b;
	return 0;
}

void tsdb__meta_set_mark(struct tsdb_meta_page *m, const struct tsdb_record *rec)
{
	struct tsdb_record newest;
	int idle = 0;
	assert(record_sound(rec));
	if (tsdb__meta_mark(m, &newest, NULL) == 0)
		idle = m->mark[0].record.seq == newest.seq;
	memcpy(&m->mark[idle].record, rec, sizeof *rec);
}

uint64_t tsdb__meta_next_seq(const struct tsdb_meta_page *m)
{
	uint64_t seq = 0;
	for (int i = 0; i < 2; i++) {
		if (record_sound(&m->slot[i].record) && m->slot[i].record.seq > seq)
			seq = m->slot[i].record.seq;
		if (record_sound(&m->mark[i].record) && m->mark[i].record.seq > seq)
			seq = m->mark[i].record.seq;
	}
	return seq + 1;
}
