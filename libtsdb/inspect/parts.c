/* parts.c - tsdb_parts(): the head and the segments, with what they hold and how much of the disk. */
#include "libtsdb/db/db.h"
#include "libtsdb/db/manifest.h"
#include "libtsdb/inspect/segments.h"

#include "libtsdb/base/mem.h"

#include <stdio.h>

enum { TRIES_MAX = 100 };

static void add_file(struct tsdb_part *p, const char *name, uint64_t bytes, uint64_t count)
{
	tsdb__part_add(p, name, bytes, count, 0);
	p->bytes += bytes;
}

static void fill_head(struct tsdb_part *p, const struct tsdb__snap *snap)
{
	const struct tsdb_record *r = &snap->rec;
	uint64_t log_files = (r->log_end >> TSDB_LOG_SHIFT) - r->log_first + 1, tables = 0;
	*p = (struct tsdb_part){ .series_count = r->series_count,
		.sample_count = r->sample_count,
		.min_ms = r->min_ms,
		.max_ms = r->max_ms };
	snprintf(p->name, sizeof p->name, "head.%08llx", (unsigned long long)r->generation);
	for (int t = 0; t < TSDB_TABLE_COUNT; t++)
		tables += snap->tables[t]->map_len;
	add_file(p, "log", r->log_end - (r->log_first << TSDB_LOG_SHIFT), log_files);
	add_file(p, "catalog", r->catalog_len, 1);
	add_file(p, "ids", snap->ids.end, 1);
	add_file(p, "layouts", r->layouts_len, 1);
	add_file(p, "postings", r->postings_len, 1);
	add_file(p, "tables", tables, TSDB_TABLE_COUNT);
}

uint64_t tsdb__snap_size(const struct tsdb__snap *snap)
{
	const struct tsdb__manifest *m = snap->attached;
	struct tsdb_part head;
	fill_head(&head, snap);
	for (size_t i = 0; i < m->count; i++)
		head.bytes += m->v[i].info.size;
	return head.bytes;
}

/* A damaged segment is told with what the manifest knows of it. */
static int fill_segment(struct tsdb_part *p, struct tsdb__manifest *m, size_t i, bool columns, struct pm_error *err)
{
	const struct tsdb__segment_info *info = &m->v[i].info;
	struct tsdb__segment *s = NULL;
	int rc = 0;
	*p = (struct tsdb_part){ .series_count = info->series_count,
		.sample_count = info->sample_count,
		.bytes = info->size,
		.min_ms = info->min_ms,
		.max_ms = info->max_ms };
	tsdb__segment_name(p->name, info->number);
	if (columns && (rc = tsdb__manifest_segment(m, i, &s, err)) == 0)
		rc = tsdb__segment_sorts(s, p, err);
	tsdb__segment_unref(s);
	if (rc == PM_ERR_CORRUPT || rc == PM_ERR_VERSION || !columns) {
		p->sort_count = 0;
		tsdb__part_add(p, columns ? "damaged segments" : "segments", info->size, 1, info->sample_count);
		rc = 0;
	}
	return rc;
}

static int fill_parts(struct tsdb_part *parts, const struct tsdb__snap *snap, bool columns, struct pm_error *err)
{
	struct tsdb__manifest *m = snap->attached;
	int rc = 0;
	for (size_t i = 0; i < m->count && rc == 0; i++)
		rc = fill_segment(&parts[i], m, i, columns, err);
	fill_head(&parts[m->count], snap);
	return rc;
}

/* All parts of one snapshot, which stays good for names: a segment that is gone means that a newer one is there. */
static int take_parts(struct tsdb *db, bool columns, struct tsdb_part **ret, size_t *ret_count, struct pm_error *err)
{
	int rc = PM_ERR_STALE;
	for (int tries = 0; tries < TRIES_MAX && rc == PM_ERR_STALE; tries++) {
		struct tsdb__snap *snap;
		if ((rc = tsdb__snap_get(db, &snap, err)) < 0)
			continue;
		*ret_count = ((const struct tsdb__manifest *)snap->attached)->count + 1;
		*ret = pm_calloc(*ret_count, sizeof **ret);
		rc = *ret ? fill_parts(*ret, snap, columns, err) : pm_fail(err, PM_ERR_NOMEM, "out of memory");
		tsdb__snap_unref(snap);
		if (rc < 0)
			pm_free(*ret);
	}
	return rc;
}

int tsdb_parts(struct tsdb *db, bool columns, tsdb_part_fn *fn, void *arg, struct pm_error *err)
{
	struct tsdb_part *parts;
	size_t count;
	int rc = take_parts(db, columns, &parts, &count, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = fn(arg, &parts[i]);
	pm_free(parts);
	return rc;
}
