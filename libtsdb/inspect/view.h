/* view.h - all files that one published record names, mapped as they are: what verification, listings and snapshots of
 * a data directory go by. Nothing is checked beyond the meta page, so that a damaged store can be looked at.
 *
 * All files are opened before the first is read, and an open file stays whole when a writer unlinks it: the view is one
 * moment of a store that lives on. */
#ifndef TSDB_INSPECT_VIEW_H
#define TSDB_INSPECT_VIEW_H

#include "libtsdb/db/manifest.h"
#include "libtsdb/head/head.h"
#include "libtsdb/head/meta.h"
#include "libtsdb/tsdb.h"

struct tsdb__view_file {
	char name[64]; /* from the data directory: "head.00000001/catalog" */
	enum tsdb_file_kind kind;
	enum tsdb_table table; /* of TSDB_FILE_SLOTS */
	uint64_t number;       /* of a log file or table */
	uint64_t end;          /* bytes that are published; of a table, all */
	bool missing;
	int fd;
	uint64_t size; /* as the file system says: end is behind it when the file was cut */
	const uint8_t *map;
};

struct tsdb__view {
	int dirfd, meta_fd;
	struct tsdb_meta_page *meta;
	struct tsdb_record rec;
	bool recovered; /* `rec` is what the next writer will find, who makes ids, postings and tables anew */
	struct tsdb__manifest *manifest; /* NULL: it is missing or damaged */
	struct pm_error manifest_error;
	struct tsdb__view_file *files; /* catalog, ids, layouts, postings, the tables, the log, manifest, segments */
	size_t count, cap;
	size_t log_end; /* index behind the last log file; the manifest stands there when the record names one */
};

enum {
	TSDB_VIEW_CATALOG,
	TSDB_VIEW_IDS,
	TSDB_VIEW_LAYOUTS,
	TSDB_VIEW_POSTINGS,
	TSDB_VIEW_TABLES,
	TSDB_VIEW_LOG = TSDB_VIEW_TABLES + TSDB_TABLE_COUNT
};

/* `path` is from `dirfd`, which may be AT_FDCWD. `*v` may be released in every case. PM_ERR_NOTFOUND: no store there;
 * PM_ERR_CORRUPT: the meta page is damaged. */
int tsdb__view_open(struct tsdb__view *v, int dirfd, const char *path, struct pm_error *err);
void tsdb__view_release(struct tsdb__view *v);

/* How much of a file may be read of what is published. */
static inline uint64_t tsdb__view_readable(const struct tsdb__view_file *f)
{
	return f->size < f->end ? f->size : f->end;
}
/* A file's published bytes, for the functions that read records at offsets. */
static inline struct tsdb__bytes tsdb__view_bytes(const struct tsdb__view_file *f)
{
	uint64_t end = tsdb__view_readable(f);
	return (struct tsdb__bytes){ .map = f->map, .map_end = end, .end = end };
}

#endif
