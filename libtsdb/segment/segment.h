/* segment.h - reading a segment: mapped, opened in O(1), each block verified when it is first touched (S3).
 *
 * Series are numbered from 0 in the order of their labels. Who may touch what: an open segment belongs to all threads
 * (the map of verified blocks is atomic); a struct tsdb__series_cursor or tsdb__segment_reader to one. */
#ifndef TSDB_SEGMENT_SEGMENT_H
#define TSDB_SEGMENT_SEGMENT_H

#include "libtsdb/base/arena.h"
#include "libtsdb/segment/format.h"
#include "libtsdb/segment/varint.h"
#include "libtsdb/segment/writer.h"

struct tsdb__segment {
	unsigned refs; /* atomic */
	uint64_t number;
	char name[32];
	const uint8_t *map;
	uint64_t size;
	const struct tsdb_segment_footer *footer;
	const uint32_t *sums; /* of blocks */
	uint64_t sums_count;
	uint64_t *verified; /* a bit per block, atomic */
	uint32_t pair_count, time_count;
};

/* `info` from the manifest (NULL: whatever the file says of itself). PM_ERR_NOTFOUND; PM_ERR_CORRUPT with file and
 * offset; PM_ERR_VERSION. One reference is the caller's. */
int tsdb__segment_open(int dirfd, uint64_t number, const struct tsdb__segment_info *info, struct tsdb__segment **ret,
	struct pm_error *err);
struct tsdb__segment *tsdb__segment_ref(struct tsdb__segment *s);
void tsdb__segment_unref(struct tsdb__segment *s); /* NULL allowed */
void tsdb__segment_info_of(const struct tsdb__segment *s, struct tsdb__segment_info *ret);

/* Bytes [off, off + len), verified; NULL: outside, or damaged, as `err` says. */
const void *tsdb__segment_at(
	const struct tsdb__segment *s, uint64_t off, uint64_t len, struct pm_error *err);
/* Every block: calls `bad` for each damaged one and goes on. Returns how many. */
uint64_t tsdb__segment_verify(
	const struct tsdb__segment *s, void (*bad)(void *arg, uint64_t off, const char *what), void *arg);
/* The place for a breakpoint: damage below the checksums. */
int tsdb__segment_corrupt(const struct tsdb__segment *s, uint64_t off, const char *what, struct pm_error *err);

/* ---- symbols and postings (symbols.c) ---- */

/* ptr NULL: damaged. Good as long as the segment is open. */
struct pm_str tsdb__segment_symbol(const struct tsdb__segment *s, uint32_t symbol, struct pm_error *err);
/* 1 and the symbol, 0, or an error. */
int tsdb__segment_symbol_find(const struct tsdb__segment *s, struct pm_str str, uint32_t *ret, struct pm_error *err);
/* The pairs of one name: *ret_count of them. NULL with count 0 when there is none; errors in *ret_rc. */
const struct tsdb_posting *tsdb__segment_pairs(
	const struct tsdb__segment *s, uint32_t name, uint32_t *ret_count, int *ret_rc, struct pm_error *err);
struct tsdb__bitmap;
int tsdb__segment_posting(
	const struct tsdb__segment *s, const struct tsdb_posting *p, struct tsdb__bitmap **ret, struct pm_error *err);

/* ---- selecting (select.c) ---- */

/* The series that match, ascending. Regular expressions are tried once on each distinct value. */
int tsdb__segment_select(const struct tsdb__segment *s, const struct pm_matcher *m, size_t count,
	struct tsdb__bitmap **ret, struct pm_error *err);

/* ---- series (series.c) ---- */

enum { TSDB_SERIES_LABELS_MAX = 4096 };

/* Where a walk through the series stands. Zeroed, with segment set: before the first. */
struct tsdb__series_cursor {
	const struct tsdb__segment *segment;
	struct tsdb__cursor bytes;
	uint32_t next; /* the series that `bytes` begins with; 0 with bytes.ptr NULL: nowhere */
	struct tsdb_pair *pairs; /* of the series before `next` */
	size_t pair_count, pair_cap;
};
struct tsdb__series_view {
	const struct tsdb_pair *pairs; /* symbols; good until the next call */
	size_t pair_count;
	struct tsdb__cursor chunks; /* the list of chunks, for tsdb__chunk_next */
};
int tsdb__series_at(
	struct tsdb__series_cursor *c, uint32_t series, struct tsdb__series_view *ret, struct pm_error *err);
void tsdb__series_cursor_release(struct tsdb__series_cursor *c);
/* Labels of a view, from the arena; strings point into the segment. */
int tsdb__series_labels(const struct tsdb__segment *s, const struct tsdb__series_view *v, struct pm_arena *arena,
	struct pm_labels *ret, struct pm_error *err);

/* The next chunk of a series into *c, which is zeroed before the first. 1, 0 at the end, or an error. */
int tsdb__chunk_next(const struct tsdb__segment *s, struct tsdb__cursor *list, struct tsdb__chunk_ref *c,
	struct pm_error *err);

/* ---- samples (read.c) ---- */

struct tsdb__segment_reader;
int tsdb__segment_reader_new(
	struct tsdb__segment *s, int64_t min_ms, int64_t max_ms, struct tsdb__segment_reader **ret);
/* One sample may stand for a chunk, as pm_windows says. For sources that overlap no other. */
void tsdb__segment_reader_windows(struct tsdb__segment_reader *r, const struct pm_windows *w);
void tsdb__segment_reader_free(struct tsdb__segment_reader *r);
/* The labels (arena NULL: none wanted) and samples of a series in the range; count 0 when it has none there. Samples
 * stay good until the next call. Ascending series are fastest. */
int tsdb__segment_read(struct tsdb__segment_reader *r, uint32_t series, struct pm_arena *labels, struct pm_series *ret,
	struct pm_error *err);

/* ---- as a source of series (set.c) ---- */

/* A series set over the matching series. Labels come from `labels`, which outlives the set; NULL: they are good until
 * the next call only. */
int tsdb__segment_set(struct tsdb__segment *s, const struct pm_select *sel, struct pm_arena *labels,
	struct pm_series_set **ret, struct pm_error *err);

#endif
