/* format.h - the head's files as structs: docs/format/head.md in C. Little-endian, 8-byte aligned.
 *
 * Invariants, quoted by number in asserts:
 *  F1  Bytes below a length in a published record never change.
 *  F2  In place change only the meta page and empty hash slots, each by one atomic store.
 *  F3  Every record of an append-only file begins with struct tsdb_rec; its checksum is seeded with the file's kind,
 *      the generation and the record's offset, so that a stale or moved record does not verify.
 *  F4  Series ids are reserved in the meta page before use and never used again in their generation.
 *  F5  A record of the log never crosses the end of its file.
 *  F6  A commit record holds a running sum of the checksums of all records before it, in catalog, layouts and log; a
 *      recovery ends with one. What a lost transaction left behind the end never passes for a part of a later one.
 *  F7  A mark is written after all that it names was synced, and is synced itself before the other one is written, and
 *      before a file that it no longer names is unlinked.
 */
#ifndef TSDB_HEAD_FORMAT_H
#define TSDB_HEAD_FORMAT_H

#include <assert.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pm's files are little-endian and mapped as they are: a big-endian build needs byte swapping here"
#endif

#define TSDB_FORMAT_VERSION 1
#define TSDB_META_MAGIC UINT64_C(0x0065726f74736d70) /* "pmstore\0" */
#define TSDB_FILE_MAGIC UINT64_C(0x00656c6966646d70) /* "pmdfile\0" */

enum tsdb_file_kind {
	TSDB_FILE_CATALOG = 1,
	TSDB_FILE_IDS = 2,
	TSDB_FILE_LAYOUTS = 3,
	TSDB_FILE_POSTINGS = 4,
	TSDB_FILE_LOG = 5,
	TSDB_FILE_SLOTS = 6,
	TSDB_FILE_SEGMENT = 7,
	TSDB_FILE_MANIFEST = 8,
};

/* Every file but the meta page begins with this. */
struct tsdb_file_head {
	uint64_t magic;
	uint32_t version;
	uint32_t kind;       /* enum tsdb_file_kind */
	uint64_t generation; /* of the head */
	uint64_t number;     /* log: file number; slots: number of the table; else 0 */
	uint64_t slot_count; /* slots: a power of two; else 0 */
	uint64_t checksum;   /* of the bytes before it */
	uint64_t reserved[2];
};
static_assert(sizeof(struct tsdb_file_head) == 64, "file head");

/* ---- the meta page ---- */

enum tsdb_table { TSDB_TABLE_SYMBOLS, TSDB_TABLE_SERIES, TSDB_TABLE_FAMILIES, TSDB_TABLE_ALIASES, TSDB_TABLE_COUNT };

/* What a snapshot is. */
struct tsdb_record {
	uint64_t seq;
	uint64_t checksum;   /* of all that follows, seeded with seq */
	uint64_t generation; /* of the head: names its folder */
	uint64_t manifest;   /* number of the live manifest; 0: none */
	uint64_t catalog_len, layouts_len, postings_len;
	uint64_t runs_off;     /* postings: the live list of runs; 0: none */
	uint64_t chunks_len;   /* chunks file, for columns; 0 here */
	uint64_t log_first;    /* number of the first live log file */
	uint64_t log_end;      /* position behind the last record */
	uint64_t heads_pos;    /* the newest table of chain heads */
	uint32_t sid_end;      /* ids below are published (or holes) */
	uint32_t runs_sid_end; /* ids below are in runs of postings */
	uint32_t family_count;
	uint32_t series_count;
	uint32_t rows_since_heads;
	uint32_t table_number[TSDB_TABLE_COUNT];
	uint32_t table_used[TSDB_TABLE_COUNT]; /* slots filled, at least */
	uint32_t metadata;                     /* the newest record of metadata, offset / 8; 0: none */
	uint64_t sample_count, txn_count;
	int64_t min_ms, max_ms;
	uint64_t catalog_sum, layouts_sum, log_sum; /* F6, up to the lengths above */
	uint64_t era;                               /* recoveries so far */
	int64_t sealed_ms;                          /* Unix time when the head was last sealed, 0 for never */
	uint64_t reserved[27];
};
static_assert(sizeof(struct tsdb_record) == 96 + 56 + 32 + 256, "record");

enum {
	TSDB_META_SIZE = 4096,
	TSDB_META_SLOT0 = 1024,
	TSDB_META_SLOT_SIZE = 1024,
	TSDB_META_MARK0 = 3072,
	TSDB_META_MARK_SIZE = 512
};

struct tsdb_meta_page {
	uint64_t magic;
	uint32_t version;
	uint32_t page_size;
	uint64_t store_id; /* random, made once */
	int64_t created_ms;
	uint64_t head_checksum; /* of the fields above */
	uint64_t dev, ino;      /* of this file when the store was last opened for writing: a copy differs */
	char boot_id[40];       /* of the machine's boot at that time */
	uint64_t seq;           /* atomic: the published record is slot[seq & 1] */
	uint64_t next_sid;      /* atomic: ids below are reserved (F4) */
	uint64_t synced_seq;    /* atomic: all up to this record is on the disk */
	int64_t synced_ms;      /* atomic: wall time of that sync */
	uint64_t dirty;         /* atomic: a writer died inside a transaction when 1 at lock time */
	uint64_t sync_failed; /* atomic: not 0 once a sync failed: what was written since may be lost with the power */
	uint64_t born_ns;     /* with dev and ino: when this file was made, 0 where that is not known */
	uint8_t reserved[1024 - 152];
	union {
		struct tsdb_record record;
		uint8_t bytes[TSDB_META_SLOT_SIZE];
	} slot[2];
	/* F7: what a scan after a machine crash starts from, each in a sector of its own. */
	union {
		struct tsdb_record record;
		uint8_t bytes[TSDB_META_MARK_SIZE];
	} mark[2];
};
static_assert(sizeof(struct tsdb_meta_page) == TSDB_META_SIZE, "meta page");

/* ---- records ---- */

/* The beginning of every record in catalog, layouts, postings and log. */
struct tsdb_rec {
	uint64_t checksum; /* of the record's bytes from `len` on, F3 */
	uint32_t len;      /* bytes of the whole record, a multiple of 8 */
	uint8_t kind;
	uint8_t flags;
	uint16_t small; /* by kind */
};
static_assert(sizeof(struct tsdb_rec) == 16, "record head");

enum tsdb_rec_kind {
	/* catalog */
	TSDB_REC_SYMBOL = 1,
	TSDB_REC_SERIES = 2,
	TSDB_REC_METADATA = 3, /* type, help and unit of a metric */
	/* layouts */
	TSDB_REC_FAMILY = 16,
	TSDB_REC_BLOCK = 17,
	TSDB_REC_VERSION = 18,
	/* postings */
	TSDB_REC_RUN = 32,
	TSDB_REC_RUNS = 33,
	/* log */
	TSDB_REC_ROW = 48,       /* one value per position of a layout */
	TSDB_REC_BATCH = 49,     /* loose samples sorted by id and time */
	TSDB_REC_HEADS = 50,     /* the last row of each family */
	TSDB_REC_PAD = 51,       /* nothing, to the end of the file */
	TSDB_REC_EXEMPLARS = 53, /* a row of the family of exemplars */
	TSDB_REC_TOMBSTONE = 55, /* reserved */
	TSDB_REC_COMMIT = 56,    /* the end of a transaction: what a scan after a machine crash goes by */
};

struct tsdb_symbol {
	struct tsdb_rec rec;
	uint32_t size; /* bytes of text */
	uint32_t pad;
	char text[]; /* zeros to a multiple of 8 */
};
static_assert(sizeof(struct tsdb_symbol) == 24, "symbol");

/* A symbol is named by its record's offset / 8, so a catalog ends at 32 GiB. In `ids`, an id that was reserved and
 * never used has TSDB_NO_SERIES; 0 would be damage. */
#define TSDB_NO_SERIES UINT32_C(0xffffffff)

struct tsdb_pair {
	uint32_t name, value;
};

struct tsdb_series_rec {
	struct tsdb_rec rec; /* small: number of labels */
	uint32_t sid;
	uint32_t home; /* the family whose rows it first came in; other families are in the table of aliases */
	struct tsdb_pair labels[]; /* sorted by name */
};
static_assert(sizeof(struct tsdb_series_rec) == 24, "series");

/* Metadata of a metric: of several records the last one holds. Strings are symbols, 0 for an empty one. */
struct tsdb_metadata_rec {
	struct tsdb_rec rec;
	uint32_t metric, type, help, unit;
	uint32_t previous; /* record of metadata before this one, offset / 8; 0: none */
	uint32_t pad;
};
static_assert(sizeof(struct tsdb_metadata_rec) == 40, "metadata");

struct tsdb_family {
	struct tsdb_rec rec;
	uint32_t id; /* 0 is for loose samples and has no record */
	uint32_t key_size;
	char key[];
};
static_assert(sizeof(struct tsdb_family) == 24, "family");

enum { TSDB_BLOCK_ENTRIES_MAX = 512, TSDB_BLOCK_TEXT = 1 };

/* Up to 512 lines of an exposition. Flag TSDB_BLOCK_TEXT: entries are struct pm_layout_entry, else just series ids.
 * Then series_count ids, ascending, then their positions among the block's series (u16), zeros to 8. */
struct tsdb_block {
	struct tsdb_rec rec;
	uint32_t entry_count, series_count;
	uint32_t sid_min, sid_max; /* of the series; min > max when there is none */
	uint8_t body[];
};
static_assert(sizeof(struct tsdb_block) == 32, "block");

struct tsdb_block_ref {
	uint64_t off;        /* of the block in the layouts file */
	uint32_t entry_base; /* entries and series in the blocks before */
	uint32_t series_base;
};

struct tsdb_version {
	struct tsdb_rec rec;
	uint32_t family, block_count;
	uint32_t entry_count, series_count;
	uint64_t previous; /* the version before, 0 for the first */
	struct tsdb_block_ref blocks[];
};
static_assert(sizeof(struct tsdb_version) == 40, "version");

/* ---- postings ---- */

/* rec.len is 32 bits: a run is at most 4 GiB. Pairs are sorted by name and value (as symbol numbers); a pair's series
 * are sids[off .. off + count), ascending. */
struct tsdb_run_pair {
	uint32_t name, value, off, count;
};

struct tsdb_run {
	struct tsdb_rec rec;
	uint32_t sid_from, sid_to; /* [from, to) */
	uint32_t pair_count, sid_count;
	struct tsdb_run_pair pairs[];
	/* uint32_t sids[sid_count] */
};
static_assert(sizeof(struct tsdb_run) == 32, "run");

struct tsdb_runs {
	struct tsdb_rec rec;
	uint32_t run_count, pad;
	uint64_t off[]; /* ascending in series ids */
};
static_assert(sizeof(struct tsdb_runs) == 24, "runs");

/* ---- the log ---- */

enum { TSDB_LOG_SHIFT = 26 };
#define TSDB_LOG_FILE_SIZE (UINT64_C(1) << TSDB_LOG_SHIFT)

enum tsdb_row_flags {
	TSDB_ROW_ABSENT = 1,     /* a bitmap of positions that are there (bit i of word i/64) comes first */
	TSDB_ROW_TIMES = 2,      /* then a time for each present position */
	TSDB_ROW_STARTS = 4,     /* then a start timestamp for each, 0 for none; in batches too */
	TSDB_ROW_HISTOGRAMS = 8, /* then a bitmap of values that are histograms; in batches too */
	TSDB_ROW_CARRIED =
		16, /* a copy of a row whose file was sealed: its samples are in a segment, its layout lives */
};

/* Then the values of present positions. With TSDB_ROW_HISTOGRAMS the body ends with a part that histograms stand in:
 * the value of one is the offset of its struct tsdb_hist there, as an integer. */
struct tsdb_row {
	struct tsdb_rec rec;
	uint32_t family;
	uint32_t width;         /* positions of the version; BATCH: number of series */
	int64_t t_ms;           /* the scrape's time; BATCH: the earliest */
	uint64_t version;       /* offset in the layouts file; BATCH: number of samples */
	uint64_t previous;      /* position of this family's row before, 0 for none */
	int64_t min_ms, max_ms; /* of this row's samples */
	int64_t chain_max_ms;   /* latest sample of this row and all before it in the chain */
	uint32_t present;       /* values in the row */
	uint32_t head_sum;      /* of bytes 8 to 75, so that a chain can be walked without reading what it links */
	uint8_t body[];
};
static_assert(sizeof(struct tsdb_row) == 80, "row");

/* BATCH body: uint32_t sid[width]; uint32_t first[width + 1] (pad to 8); int64_t t_ms[version]; starts and bitmap as in
 * a row; double v[version]; histograms. */

/* What histograms of one shape share; each shape stands once in a record. */
struct tsdb_hist_shape {
	int32_t schema;
	uint32_t pos_span_count, neg_span_count, custom_count;
	uint32_t pos_count, neg_count; /* buckets */
	double zero_threshold;
	uint8_t body[]; /* spans (struct pm_span), positive ones first; custom bounds */
};
static_assert(sizeof(struct tsdb_hist_shape) == 32, "shape of a histogram");

enum { TSDB_HIST_INTEGER = 1 };

struct tsdb_hist {
	uint32_t shape; /* offset of its shape, divided by 8 */
	uint8_t reset_hint, flags;
	uint8_t width; /* of a count: 1, 2 or 4 for integers of so many bytes, 8 for doubles */
	uint8_t pad;
	double count, zero_count, sum;
	uint8_t counts[]; /* of buckets, positive ones first; zeros to 8 */
};
static_assert(sizeof(struct tsdb_hist) == 32, "histogram");

/* EXEMPLARS: a struct tsdb_row whose `width` says how many of these are its body. */
struct tsdb_exemplar_rec {
	uint32_t sid;
	uint16_t label_count;
	uint16_t size; /* with its labels, a multiple of 8 */
	int64_t t_ms;
	double v;
	uint8_t labels[]; /* for each: lengths of name and value (u16, u16), name, value; zeros to 8 at the end */
};
static_assert(sizeof(struct tsdb_exemplar_rec) == 24, "exemplar");

struct tsdb_heads {
	struct tsdb_rec rec;
	uint32_t family_count, pad;
	uint64_t last[]; /* by family id: position of its last row, 0 for none */
};
static_assert(sizeof(struct tsdb_heads) == 24, "heads");

/* The last record of each transaction. The files hold at least so much when it was committed. */
struct tsdb_commit {
	struct tsdb_rec rec;
	uint64_t txn; /* number of the transaction, from 1 */
	uint64_t catalog_len, layouts_len;
	uint32_t sid_end, family_count;
	uint32_t series_count, era;
	uint64_t sample_count;
	int64_t min_ms, max_ms; /* of all samples so far */
	uint64_t catalog_sum, layouts_sum;
	uint64_t log_sum; /* of the records before this one */
};
static_assert(sizeof(struct tsdb_commit) == 104, "commit");

static inline uint64_t tsdb__pad8(uint64_t n)
{
	return (n + 7) & ~UINT64_C(7);
}

#endif
