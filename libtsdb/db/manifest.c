/* manifest.c - see manifest.h; docs/format/segment.md says what the file is. */
#include "libtsdb/db/manifest.h"

#include "libtsdb/base/fs.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/head/file.h"

#include <stdio.h>

enum { MANIFEST_BYTES_MAX = 64 << 20 };

/* Behind the head of the file; then segments, then tombstones: numbers as varints, strings with their lengths. */
struct fixed {
	uint64_t checksum; /* of all behind it */
	uint64_t number, next_segment;
	uint32_t segment_count, tombstone_count;
};
struct entry {
	uint64_t number, order;
	uint32_t level, series_count;
	int64_t min_ms, max_ms;
	uint64_t size, sample_count, footer_checksum;
};
static_assert(sizeof(struct fixed) == 32, "manifest");
static_assert(sizeof(struct entry) == 64, "manifest entry");

void tsdb__manifest_name(char out[32], uint64_t number)
{
	snprintf(out, 32, "manifest.%08llx", (unsigned long long)number);
}

void tsdb__manifest_unlink(int dirfd, uint64_t number)
{
	char name[32];
	tsdb__manifest_name(name, number);
	if (number)
		pm_fs_unlinkat(dirfd, name, NULL);
}

int tsdb__manifest_new(int segments_dirfd, struct tsdb__manifest **ret)
{
	struct tsdb__manifest *m = pm_calloc(1, sizeof *m);
	if (!m)
		return PM_ERR_NOMEM;
	m->refs = 1;
	m->next_segment = 1;
	m->dirfd = segments_dirfd;
	pthread_mutex_init(&m->mutex, NULL);
	*ret = m;
	return 0;
}

struct tsdb__manifest *tsdb__manifest_ref(struct tsdb__manifest *m)
{
	__atomic_add_fetch(&m->refs, 1, __ATOMIC_ACQ_REL);
	return m;
}

void tsdb__manifest_unref(struct tsdb__manifest *m)
{
	if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (size_t i = 0; i < m->count; i++)
		tsdb__segment_unref(m->v[i].open);
	pm_free(m->v);
	pm_free(m->tombstones);
	pm_arena_release(&m->arena);
	pthread_mutex_destroy(&m->mutex);
	pm_free(m);
}

/* ---- changing one that nobody else has ---- */

static int by_order(const struct tsdb__segment_info *a, const struct tsdb__segment_info *b)
{
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

int tsdb__manifest_add(struct tsdb__manifest *m, const struct tsdb__segment_info *info)
{
	size_t i = m->count;
	if (pm_grow(&m->v, &m->cap, m->count + 1) < 0)
		return PM_ERR_NOMEM;
	for (; i > 0 && by_order(&m->v[i - 1].info, info) > 0; i--)
		m->v[i] = m->v[i - 1];
	m->v[i] = (struct tsdb__manifest_entry){ .info = *info };
	m->count++;
	return 0;
}

void tsdb__manifest_remove(struct tsdb__manifest *m, uint64_t segment)
{
	size_t kept = 0;
	for (size_t i = 0; i < m->count; i++) {
		if (m->v[i].info.number == segment)
			tsdb__segment_unref(m->v[i].open);
		else
			m->v[kept++] = m->v[i];
	}
	m->count = kept;
}

int tsdb__manifest_tombstone(struct tsdb__manifest *m, const struct tsdb__tombstone *t)
{
	struct pm_matcher *copy = pm_arena_array(&m->arena, t->matcher_count + 1u, sizeof *copy);
	if (!copy || pm_grow(&m->tombstones, &m->tombstone_cap, m->tombstone_count + 1) < 0)
		return PM_ERR_NOMEM;
	for (uint32_t i = 0; i < t->matcher_count; i++) {
		copy[i] = t->matchers[i];
		copy[i].name = pm_arena_str(&m->arena, copy[i].name);
		copy[i].value = pm_arena_str(&m->arena, copy[i].value);
		if (!copy[i].name.ptr || !copy[i].value.ptr)
			return PM_ERR_NOMEM;
	}
	m->tombstones[m->tombstone_count] = *t;
	m->tombstones[m->tombstone_count++].matchers = copy;
	return 0;
}

/* Segments that `old` has open are open in `m` too, and those that it set aside are set aside. */
static void inherit(struct tsdb__manifest *m, struct tsdb__manifest *old)
{
	pthread_mutex_lock(&old->mutex);
	for (size_t i = 0; i < m->count; i++)
		for (size_t k = 0; k < old->count; k++) {
			struct tsdb__manifest_entry *to = &m->v[i];
			const struct tsdb__manifest_entry *from = &old->v[k];
			if (from->info.number != to->info.number ||
				from->info.footer_checksum != to->info.footer_checksum)
				continue;
			if (from->open && !to->open)
				to->open = tsdb__segment_ref(from->open);
			to->bad = from->bad;
		}
	pthread_mutex_unlock(&old->mutex);
}

int tsdb__manifest_copy(struct tsdb__manifest *m, struct tsdb__manifest **ret)
{
	struct tsdb__manifest *copy;
	int rc = tsdb__manifest_new(m->dirfd, &copy);
	if (rc < 0)
		return rc;
	copy->number = m->number + 1;
	copy->next_segment = m->next_segment;
	for (size_t i = 0; i < m->count && rc == 0; i++)
		rc = tsdb__manifest_add(copy, &m->v[i].info);
	for (size_t i = 0; i < m->tombstone_count && rc == 0; i++)
		rc = tsdb__manifest_tombstone(copy, &m->tombstones[i]);
	if (rc == 0)
		inherit(copy, m);
	if (rc < 0)
		tsdb__manifest_unref(copy);
	else
		*ret = copy;
	return rc;
}

/* ---- the file ---- */

static void put_str(struct pm_buf *b, struct pm_str s)
{
	tsdb__put_varint(b, s.len);
	pm_buf_str(b, s);
}

static void put_tombstone(struct pm_buf *b, const struct tsdb__tombstone *t)
{
	tsdb__put_varint(b, tsdb__zigzag(t->min_ms));
	tsdb__put_varint(b, tsdb__zigzag(t->max_ms));
	tsdb__put_varint(b, t->before);
	tsdb__put_varint(b, t->matcher_count);
	for (uint32_t i = 0; i < t->matcher_count; i++) {
		tsdb__put_varint(b, t->matchers[i].type);
		put_str(b, t->matchers[i].name);
		put_str(b, t->matchers[i].value);
	}
}

int tsdb__manifest_write(int dirfd, const struct tsdb__manifest *m, struct pm_error *err)
{
	struct tsdb_file_head head;
	struct fixed fixed = { .number = m->number,
		.next_segment = m->next_segment,
		.segment_count = (uint32_t)m->count,
		.tombstone_count = (uint32_t)m->tombstone_count };
	struct pm_buf b = { 0 };
	char name[32];
	int rc;
	tsdb__file_head_fill(&head, TSDB_FILE_MANIFEST, 0, m->number);
	pm_buf_add(&b, &head, sizeof head);
	pm_buf_add(&b, &fixed, sizeof fixed);
	for (size_t i = 0; i < m->count; i++) {
		const struct tsdb__segment_info *s = &m->v[i].info;
		struct entry e = { s->number, s->order, s->level, s->series_count, s->min_ms, s->max_ms, s->size,
			s->sample_count, s->footer_checksum };
		pm_buf_add(&b, &e, sizeof e);
	}
	for (size_t i = 0; i < m->tombstone_count; i++)
		put_tombstone(&b, &m->tombstones[i]);
	if ((rc = pm_buf_error(&b)) < 0) {
		pm_fail(err, rc, "out of memory");
	} else if (b.len > MANIFEST_BYTES_MAX) {
		rc = pm_fail(err, PM_ERR_LIMIT, "more segments or deletions than a manifest of %d bytes can name",
			MANIFEST_BYTES_MAX);
	} else {
		size_t from = sizeof head + sizeof fixed.checksum;
		uint64_t sum = pm_hash_seed(b.ptr + from, b.len - from, m->number);
		memcpy(b.ptr + sizeof head, &sum, sizeof sum);
		tsdb__manifest_name(name, m->number);
		rc = pm_fs_write_file(dirfd, name, b.ptr, b.len, err);
	}
	pm_buf_release(&b);
	return rc;
}

static struct pm_str get_str(struct tsdb__cursor *c)
{
	size_t len = tsdb__get_below(c, (uint64_t)(c->end - c->ptr));
	struct pm_str s = { (const char *)c->ptr, len };
	if ((size_t)(c->end - c->ptr) < len) {
		c->bad = true;
		return (struct pm_str){ "", 0 };
	}
	c->ptr += len;
	return s;
}

static int get_tombstone(struct tsdb__manifest *m, struct tsdb__cursor *c)
{
	struct pm_matcher matchers[TSDB_TOMBSTONE_MATCHERS_MAX];
	struct tsdb__tombstone t = { .matchers = matchers };
	t.min_ms = tsdb__unzigzag(tsdb__get_varint(c));
	t.max_ms = tsdb__unzigzag(tsdb__get_varint(c));
	t.before = tsdb__get_varint(c);
	t.matcher_count = (uint32_t)tsdb__get_below(c, TSDB_TOMBSTONE_MATCHERS_MAX);
	for (uint32_t i = 0; i < t.matcher_count; i++) {
		matchers[i].type = (enum pm_match_type)tsdb__get_below(c, PM_MATCH_NRE);
		matchers[i].name = get_str(c);
		matchers[i].value = get_str(c);
	}
	return c->bad ? PM_ERR_CORRUPT : tsdb__manifest_tombstone(m, &t);
}

static int parse(struct tsdb__manifest *m, const char *name, const char *bytes, size_t len, struct pm_error *err)
{
	struct tsdb_file_head head;
	struct fixed fixed;
	size_t at = sizeof head + sizeof fixed;
	int rc;
	if (len < at)
		return tsdb__corrupt(err, name, len, "the file ends early");
	memcpy(&head, bytes, sizeof head);
	memcpy(&fixed, bytes + sizeof head, sizeof fixed);
	if ((rc = tsdb__file_head_check(&head, name, TSDB_FILE_MANIFEST, 0, err)) < 0)
		return rc;
	size_t from = sizeof head + sizeof fixed.checksum;
	if (fixed.number != m->number || fixed.checksum != pm_hash_seed(bytes + from, len - from, m->number))
		return tsdb__corrupt(err, name, sizeof head, "checksum");
	if (fixed.segment_count > (len - at) / sizeof(struct entry))
		return tsdb__corrupt(err, name, at, "the file ends early");
	m->next_segment = fixed.next_segment;
	for (uint32_t i = 0; i < fixed.segment_count; i++, at += sizeof(struct entry)) {
		struct entry e;
		memcpy(&e, bytes + at, sizeof e);
		struct tsdb__segment_info info = { e.number, e.order, e.level, e.series_count, e.min_ms, e.max_ms,
			e.size, e.sample_count, e.footer_checksum };
		if (tsdb__manifest_add(m, &info) < 0)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	struct tsdb__cursor c = { (const uint8_t *)bytes + at, (const uint8_t *)bytes + len, false };
	for (uint32_t i = 0; i < fixed.tombstone_count && rc == 0; i++)
		rc = get_tombstone(m, &c);
	if (rc == PM_ERR_CORRUPT)
		return tsdb__corrupt(err, name, at, "not a tombstone");
	return rc < 0 ? pm_fail(err, rc, "out of memory") : 0;
}

int tsdb__manifest_load(int dirfd, int segments_dirfd, uint64_t number, struct tsdb__manifest *old,
	struct tsdb__manifest **ret, struct pm_error *err)
{
	struct tsdb__manifest *m;
	char name[32], *bytes = NULL;
	size_t len;
	int rc = tsdb__manifest_new(segments_dirfd, &m);
	if (rc < 0)
		return pm_fail(err, rc, "out of memory");
	m->number = number;
	tsdb__manifest_name(name, number);
	if (number && (rc = pm_fs_read_file(dirfd, name, MANIFEST_BYTES_MAX, &bytes, &len, err)) == 0)
		rc = parse(m, name, bytes, len, err);
	if (rc == PM_ERR_NOTFOUND)
		rc = PM_ERR_STALE;
	pm_free(bytes);
	if (rc == 0 && old)
		inherit(m, old);
	if (rc < 0)
		tsdb__manifest_unref(m);
	else
		*ret = m;
	return rc;
}

int tsdb__manifest_segment(struct tsdb__manifest *m, size_t i, struct tsdb__segment **ret, struct pm_error *err)
{
	struct tsdb__manifest_entry *e = &m->v[i];
	int rc = 0;
	pthread_mutex_lock(&m->mutex);
	if (!e->open && (rc = tsdb__segment_open(m->dirfd, e->info.number, &e->info, &e->open, err)) == PM_ERR_NOTFOUND)
		rc = PM_ERR_STALE;
	if (rc == 0)
		*ret = tsdb__segment_ref(e->open);
	pthread_mutex_unlock(&m->mutex);
	return rc;
}

int tsdb__manifest_set_aside(struct tsdb__manifest *m, size_t i, int why)
{
	pthread_mutex_lock(&m->mutex);
	int was = m->v[i].bad;
	if (why)
		m->v[i].bad = why;
	pthread_mutex_unlock(&m->mutex);
	return was;
}
