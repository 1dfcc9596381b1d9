/* format.h - a segment file as structs: docs/format/segment.md in C. Little-endian.
 *
 * Invariants, quoted by number in asserts:
 *  S1  A segment is written once, synced, and renamed into place; it never changes.
 *  S2  Series stand in the order of their labels; the samples of a series in the order of their times, no time twice.
 *  S3  Each block of 4096 bytes has a checksum, which is verified before the first use of any of its bytes.
 *  S4  Times are stored once: chunks with equal times name the same time column.
 */
#ifndef TSDB_SEGMENT_FORMAT_H
#define TSDB_SEGMENT_FORMAT_H

#include "libtsdb/head/format.h"

#define TSDB_SEGMENT_MAGIC UINT64_C(0x00746e656d676573) /* "segment\0" */

enum tsdb_section {
	TSDB_SECTION_DATA,      /* chunks and time columns */
	TSDB_SECTION_TIMES,     /* struct tsdb_time_column, by number */
	TSDB_SECTION_SYMBOLS,   /* uint32_t count + 1 offsets into the bytes behind them; sorted */
	TSDB_SECTION_SERIES,    /* blocks of 16 series */
	TSDB_SECTION_BLOCKS,    /* uint64_t: where each block of series begins, in the file; one more for the end */
	TSDB_SECTION_LISTS,     /* postings: Roaring bitmaps, portable format */
	TSDB_SECTION_PAIRS,     /* struct tsdb_posting, sorted by name and value */
	TSDB_SECTION_CHECKSUMS, /* uint32_t per block of the file before this section */
	TSDB_SECTION_COUNT
};

enum {
	TSDB_SEGMENT_BLOCK = 4096,   /* bytes under one checksum */
	TSDB_SERIES_BLOCK = 16,      /* series a block */
	TSDB_CHUNK_SAMPLES = 2048,   /* aimed at, in a long series */
	TSDB_CHUNK_MAX = 4096,       /* samples of a chunk */
	TSDB_CHUNK_STATS_MIN = 64,   /* shorter chunks have no statistics */
};

struct tsdb_time_column {
	uint64_t off;
	uint32_t len, count;
	int64_t min_ms, max_ms; /* first and last */
};
static_assert(sizeof(struct tsdb_time_column) == 32, "time column");

/* The series with one pair of name and value. */
struct tsdb_posting {
	uint32_t name, value; /* symbols */
	uint64_t off;         /* of the bitmap, in the file; when count is 1: the series itself */
	uint32_t len, count;
};
static_assert(sizeof(struct tsdb_posting) == 24, "posting");

enum tsdb_chunk_flags {
	TSDB_CHUNK_HISTOGRAM = 1,
	TSDB_CHUNK_STATS = 2,  /* smallest and largest value follow: no NaN, no stale marker is among them */
	TSDB_CHUNK_STARTS = 4, /* the number of a column of start timestamps follows */
};

struct tsdb_segment_footer {
	uint64_t magic;
	uint32_t version, block_size;
	uint64_t number, order; /* order of commitment: of equal times the segment with the smaller one counts */
	int64_t min_ms, max_ms;
	uint64_t sample_count, file_size;
	uint32_t series_count, level;
	uint64_t histogram_count;
	struct {
		uint64_t off, len;
	} section[TSDB_SECTION_COUNT];
	uint64_t checksums_hash; /* of the section of checksums */
	uint32_t symbol_count, pad;
	uint64_t reserved[3];
	uint64_t checksum; /* of all before it */
};
static_assert(sizeof(struct tsdb_segment_footer) == 256, "footer");

#endif
