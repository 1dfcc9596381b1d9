/* parts.c - tsdb_parts(): the head and the segments, with what they hold and how much of the disk. */
#include "libtsdb/db/db.h"

#include <stdio.h>

static void add_sort(struct tsdb_part *p, const char *name, uint64_t bytes, uint64_t count)
{
	p->sorts[p->sort_count++] = (struct tsdb_sort){ .name = name, .bytes = bytes, .count = count };
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
	add_sort(p, "log", r->log_end - (r->log_first << TSDB_LOG_SHIFT), log_files);
	add_sort(p, "catalog", r->catalog_len, 1);
	add_sort(p, "ids", snap->ids.end, 1);
	add_sort(p, "layouts", r->layouts_len, 1);
	add_sort(p, "postings", r->postings_len, 1);
	add_sort(p, "tables", tables, TSDB_TABLE_COUNT);
}

uint64_t tsdb__snap_size(const struct tsdb__snap *snap)
{
	struct tsdb_part head;
	fill_head(&head, snap);
	return head.bytes;
}

int tsdb_parts(struct tsdb *db, tsdb_part_fn *fn, void *arg, struct pm_error *err)
{
	struct tsdb__snap *snap;
	struct tsdb_part part;
	int rc = tsdb__snap_get(db, &snap, err);
	if (rc < 0)
		return rc;
	fill_head(&part, snap);
	tsdb__snap_unref(snap);
	return fn(arg, &part);
}
