/* head.h - the mutable window of a store: its files, what a snapshot of them is, and the state of a writer.
 *
 * Who may touch what:
 *   struct tsdb__head   shared by the threads of a process; `mutex` guards tables, logs and last rows
 *   struct tsdb__snap   immutable once made; counted by `refs`
 *   struct tsdb__write  the thread that holds the writers' lock
 * The files are described in docs/format/head.md. */
#ifndef TSDB_HEAD_HEAD_H
#define TSDB_HEAD_HEAD_H

#include "libtsdb/head/file.h"
#include "libtsdb/head/slots.h"

enum { TSDB_LOG_FILES_MAX = 16384 }; /* that are live at once: 1 TiB of log */

struct tsdb__head {
	unsigned refs; /* atomic */
	int dirfd;
	bool writable;
	uint64_t generation;
	struct tsdb__file catalog, ids, layouts, postings;
	pthread_mutex_t mutex;
	struct tsdb__slots *tables[TSDB_TABLE_COUNT]; /* newest first */
	const uint8_t **logs;                         /* mapped log files, by tsdb__log_slot() */
	struct tsdb__slots_damage slots_damage;
	uint64_t **log_seen; /* and which of their records were found sound; NULL: not kept */
	uint64_t log_base;   /* no file has a smaller number */
	/* Position of the last row of each family, up to scanned_pos. Grows by replacement; what was replaced stays for
	 * the snapshots that use it. */
	uint64_t *last;
	uint32_t last_cap;
	uint64_t scanned_pos;
	struct tsdb__old {
		struct tsdb__old *next;
	} * old_last;
	struct tsdb__snap *snaps;
	uint64_t logs_mapped_from; /* files below were sealed and are unmapped */
};

struct tsdb__snap {
	unsigned refs;                   /* atomic */
	struct tsdb__snap *next, **back; /* all of the head, under its mutex */
	void *attached;                  /* what the snapshot holds beside the head, and how to let go of it */
	void (*detach)(void *attached);
	struct tsdb_record rec;
	struct tsdb__head *head;
	struct tsdb__bytes catalog, ids, layouts, postings;
	struct tsdb__slots *tables[TSDB_TABLE_COUNT];
	const uint64_t *last; /* by family; entries may already be newer than log_end: follow `previous` back */
};

/* ---- files (head.c) ---- */

/* What a store without a sample says. */
void tsdb__record_init(struct tsdb_record *rec, uint64_t generation);
/* Make the files of an empty head in a new folder "head.GENERATION" of `dirfd` and fill `rec` for publication. */
int tsdb__head_create(int dirfd, uint64_t generation, struct tsdb_record *rec, struct pm_error *err);
/* Without what follows from catalog and layouts: ids and postings. */
int tsdb__head_open_bare(int dirfd, uint64_t generation, bool writable, struct tsdb__head **ret, struct pm_error *err);
/* The name of its folder. */
void tsdb__head_name(char out[32], uint64_t generation);
int tsdb__head_open(int dirfd, uint64_t generation, bool writable, struct tsdb__head **ret, struct pm_error *err);
/* Counted: the store, its writer and each snapshot hold one. */
struct tsdb__head *tsdb__head_ref(struct tsdb__head *h);
void tsdb__head_unref(struct tsdb__head *h); /* NULL allowed */
/* Everything a record names, mapped. PM_ERR_STALE: a file is gone, take a newer record. */
int tsdb__snap_new(struct tsdb__head *h, const struct tsdb_record *rec, struct tsdb__snap **ret, struct pm_error *err);
void tsdb__snap_unref(struct tsdb__snap *s);
/* Places where damage was found in the files of a head, so far; and PM_ERR_CORRUPT, naming the last, when there are
 * more now than `before`: an answer that was made meanwhile may lack something. */
uint64_t tsdb__damage_count(const struct tsdb__head *h);
int tsdb__damage_since(const struct tsdb__head *h, uint64_t before, struct pm_error *err);
int tsdb__head_table(
	struct tsdb__head *h, enum tsdb_table table, uint32_t number, struct tsdb__slots **ret, struct pm_error *err);
void tsdb__table_name(char out[32], enum tsdb_table table, uint32_t number);

/* ---- log, reading (log.c) ---- */

/* Where the mapping of a log file stands; NULL for a number below all. */
static inline const uint8_t **tsdb__log_slot(const struct tsdb__head *h, uint64_t number)
{
	return number < h->log_base ? NULL : &h->logs[(number - h->log_base) % TSDB_LOG_FILES_MAX];
}

void tsdb__log_name(char out[32], uint64_t number);
/* Unmap files that no snapshot needs. Called with the mutex held. */
void tsdb__log_forget(struct tsdb__head *h);
int tsdb__log_create(int dirfd, uint64_t generation, uint64_t number, int *ret_fd, struct pm_error *err);
int tsdb__log_map(struct tsdb__head *h, uint64_t number, struct pm_error *err);
/* The record at a position below `end`, its length checked; NULL when there is none that is sound. */
const struct tsdb_rec *tsdb__log_at(const struct tsdb__head *h, uint64_t pos, uint64_t end);
/* The row (or batch) at `pos`; its head is sound, its body as long as its numbers say. NULL: damaged. */
const struct tsdb_row *tsdb__row_at(const struct tsdb__head *h, uint64_t pos, uint64_t end);
/* What the row's body holds is what was written: looked at once by each process. */
bool tsdb__row_sound(const struct tsdb__head *h, const struct tsdb_row *row, uint64_t pos);
uint32_t tsdb__row_head_sum(const struct tsdb_row *row);
/* Bring h->last up to the record. Called with the mutex held. */
int tsdb__log_scan(struct tsdb__head *h, const struct tsdb_record *rec, struct pm_error *err);
/* The last row of `family` below the snapshot's end, 0 for none. */
uint64_t tsdb__snap_last(const struct tsdb__snap *s, uint32_t family);

/* Views into a row's body; NULL where the flags say there is none. */
struct tsdb__row_view {
	const uint64_t *present; /* bitmap */
	const int64_t *times, *starts;
	const uint64_t *hists; /* bitmap of values that are offsets of histograms */
	const double *values;
};
struct tsdb__row_view tsdb__row_view(const struct tsdb_row *row);
/* The index into values (and times) of `position`, or -1 when it is absent. */
int64_t tsdb__row_index(const struct tsdb__row_view *v, uint32_t position);

struct tsdb__batch_view {
	const uint32_t *sids, *first;
	const int64_t *times, *starts;
	const uint64_t *hists;
	const double *values;
};
struct tsdb__batch_view tsdb__batch_view(const struct tsdb_row *row);

static inline bool tsdb__bit(const uint64_t *bitmap, uint64_t i)
{
	return bitmap && bitmap[i / 64] >> (i % 64) & 1;
}

/* ---- histograms in rows and batches (histogram.c) ---- */

/* The part of a record that histograms stand in, while it is built. */
struct tsdb__hists {
	struct pm_buf buf;
	uint64_t *offs; /* of the histograms */
	size_t count, cap;
	uint64_t shapes[64]; /* by hash: offset + 1 of the shape seen last */
};
void tsdb__hists_reset(struct tsdb__hists *s);
void tsdb__hists_release(struct tsdb__hists *s);
int tsdb__hists_put(struct tsdb__hists *s, const struct pm_histogram *h); /* 0 or PM_ERR_NOMEM */
/* At least the bytes that putting it takes. */
size_t tsdb__hist_size_max(const struct pm_histogram *h);
struct pm_arena;
int tsdb__hist_dup(struct pm_arena *a, const struct pm_histogram *h, const struct pm_histogram **ret);
/* The histogram that `value` of a row or batch stands for; spans and bounds stay in the record. PM_ERR_CORRUPT without
 * a message, or PM_ERR_NOMEM. */
int tsdb__hist_get(const struct tsdb_row *row, double value, struct pm_arena *a, const struct pm_histogram **ret);

/* ---- catalog, reading (catalog.c) ---- */

struct pm_str tsdb__symbol(const struct tsdb__bytes *catalog, uint32_t sym); /* ptr NULL: damaged */
/* 1 and *ret, or 0 when no series ever used the string. */
int tsdb__symbol_find(const struct tsdb__bytes *catalog, const struct tsdb__slots *t, struct pm_str s, uint32_t *ret);
/* NULL: the id was reserved and never used, or damage. */
const struct tsdb_series_rec *tsdb__series(
	const struct tsdb__bytes *catalog, const struct tsdb__bytes *ids, uint32_t sid);
int tsdb__series_find(const struct tsdb__bytes *catalog, const struct tsdb__bytes *ids, const struct tsdb__slots *t,
	struct pm_labels labels, uint32_t sid_end, uint32_t *ret);

/* Index of the first of `n` ascending ids that is not below `sid`. */
static inline size_t tsdb__lower_bound(const uint32_t *sids, size_t n, uint32_t sid)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (sids[mid] < sid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static inline uint32_t tsdb__tag(uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32);
}

static inline uint32_t tsdb__alias_tag(uint32_t sid)
{
	return tsdb__tag(sid * UINT64_C(0x9e3779b97f4a7c15));
}

/* ---- layouts, reading (layout.c) ---- */

struct tsdb__block_view {
	uint32_t entry_count, series_count;
	const struct pm_layout_entry *entries; /* with text */
	const uint32_t *entry_sids;            /* without */
	const uint32_t *sids;                  /* ascending */
	const uint16_t *positions;             /* of sids[i] among the block's series */
};
int tsdb__block(const struct tsdb__bytes *layouts, uint64_t off, struct tsdb__block_view *ret);
const struct tsdb_version *tsdb__version(const struct tsdb__bytes *layouts, uint64_t off);
/* Position of a series in the rows of a version, or -1. */
int64_t tsdb__version_position(const struct tsdb__bytes *layouts, const struct tsdb_version *v, uint32_t sid);
/* 1 and the family of this key, or 0. */
int tsdb__family_find(const struct tsdb__bytes *layouts, const struct tsdb__slots *t, struct pm_str key,
	uint32_t family_end, uint32_t *ret);

/* ---- writing ---- */

struct tsdb__last {
	uint64_t pos, version;
	int64_t chain_max_ms;
};

/* A transaction's working state: `rec` is what will be published. */
struct tsdb__write {
	struct tsdb__head *head;
	struct tsdb_meta_page *meta;
	struct tsdb_record rec;
	uint64_t damage; /* what was known when it began */
	struct tsdb__tail catalog, ids, layouts, postings;
	struct tsdb__slots *tables[TSDB_TABLE_COUNT];
	/* the log's end */
	int log_fd;
	uint64_t log_number;
	uint64_t log_flushed; /* position */
	struct pm_buf log_buf;
	int log_error; /* why there was no room */
	struct tsdb__hists hists;
	struct tsdb__quota *quota; /* quota.h; NULL: no limits on series */
	uint64_t exemplar_max;     /* as in tsdb_opts; atomic */
	/* rows of this transaction: what h->last will say once they are published */
	struct tsdb__last *last; /* by family, pos 0: as published */
	uint32_t last_cap;
	uint32_t *touched;
	size_t touched_count, touched_cap;
};

int tsdb__write_begin(struct tsdb__write *w, const struct tsdb_record *rec, struct pm_error *err);
/* Bring all that was appended to the files; afterwards `rec` may be published. */
int tsdb__write_flush(struct tsdb__write *w, struct pm_error *err);
/* End the transaction in the log: its commit record, and all to the file. */
int tsdb__log_commit(struct tsdb__write *w, struct pm_error *err);
void tsdb__write_abort(struct tsdb__write *w, const struct tsdb_record *published);
/* After publication: unlink what the record before named and this one does not. */
void tsdb__write_cleanup(struct tsdb__write *w, const struct tsdb_record *before);
void tsdb__write_release(struct tsdb__write *w);
/* Go on with another head; what belongs to the process (limits) stays. */
void tsdb__write_move(struct tsdb__write *w, struct tsdb__head *head);
int tsdb__table_put(struct tsdb__write *w, enum tsdb_table table, uint32_t tag, uint32_t value, uint32_t value_end,
	struct pm_error *err);

int tsdb__symbol_intern(struct tsdb__write *w, struct pm_str s, uint32_t *ret, struct pm_error *err);
/* Find or make a series. `home`: the family it is about to get rows in, 0 for loose samples. */
int tsdb__series_intern(struct tsdb__write *w, struct pm_labels labels, uint32_t home, uint32_t *ret_sid, bool *ret_new,
	struct pm_error *err);

int tsdb__family_intern(struct tsdb__write *w, struct pm_str key, uint32_t *ret, struct pm_error *err);
/* A version of `entries` (refs are series ids, PM_REF_COMMENT or PM_REF_DROPPED; no series twice); blocks of `previous`
 * (0: none) that did not change are used again. `text`: keep hashes and lengths. Aliases are written for series at home
 * elsewhere. */
int tsdb__version_add(struct tsdb__write *w, uint32_t family, uint64_t previous, const struct pm_layout_entry *entries,
	size_t count, bool text, uint64_t *ret_off, struct pm_error *err);

/* A row to be written; arrays have one element per present position. */
struct tsdb__row_in {
	uint32_t family;
	uint64_t version;
	uint32_t width;
	int64_t t_ms;
	const uint64_t *bitmap; /* NULL: all present */
	uint32_t present;
	const int64_t *times;  /* NULL: all t_ms */
	const int64_t *starts; /* NULL: none */
	const double *values;
	const struct pm_histogram *const *hists; /* NULL: none; else where not NULL it stands for the value */
	bool carried; /* its samples are in a segment: it is there for the layout's sake (TSDB_ROW_CARRIED) */
};
/* Begin a new log file, so that all before it can be sealed. */
int tsdb__log_roll(struct tsdb__write *w, struct pm_error *err);
/* Copy the last rows of families that stand before log file `first`: these rows are sealed, their layouts live on. */
int tsdb__log_carry(struct tsdb__write *w, uint64_t first, struct pm_error *err);
int tsdb__row_add(struct tsdb__write *w, const struct tsdb__row_in *in, struct pm_error *err);
struct tsdb__loose {
	uint32_t sid;
	uint32_t extra; /* its number + 1 among extras, 0: a plain float */
	int64_t t_ms;
	double v;
};
struct tsdb__extra {
	int64_t st_ms;
	const struct pm_histogram *h; /* or NULL */
};
/* Sort by id and time; of those with the same the first stays. Returns how many do. `scratch`: as large. */
size_t tsdb__loose_sort(struct tsdb__loose *s, size_t count, struct tsdb__loose *scratch);
/* Sorts `s`. */
int tsdb__batch_add(struct tsdb__write *w, struct tsdb__loose *s, size_t count, const struct tsdb__extra *extras,
	struct pm_error *err);
/* A record of exemplars in a family of their own (exemplars.h). */
struct tsdb__exemplars_out;
int tsdb__exemplars_add(struct tsdb__write *w, uint32_t family, const struct tsdb__exemplars_out *out, bool carried,
	struct pm_error *err);
/* What a family's next row follows on. */
struct tsdb__last tsdb__write_last(const struct tsdb__write *w, uint32_t family);

/* ---- postings (postings.c, select.c) ---- */

enum { TSDB_TAIL_SERIES = 512, TSDB_RUN_FANOUT = 8, TSDB_RUNS_MAX = 256 };
/* When enough series are in no run: make one, and merge runs of like size. */
int tsdb__postings_update(struct tsdb__write *w, struct pm_error *err);
const struct tsdb_runs *tsdb__runs(const struct tsdb__bytes *postings, uint64_t off); /* NULL: damaged */
const struct tsdb_run *tsdb__run(const struct tsdb__bytes *postings, uint64_t off);
/* Pairs of one label name: *ret_count of them from the returned one. */
const struct tsdb_run_pair *tsdb__run_pairs(const struct tsdb_run *run, uint32_t name, uint32_t *ret_count);
const struct tsdb_run_pair *tsdb__run_pair(const struct tsdb_run *run, uint32_t name, uint32_t value);
/* The series of a pair; count 0 when the pair points outside the run. */
const uint32_t *tsdb__run_sids(const struct tsdb_run *run, const struct tsdb_run_pair *pair, uint32_t *ret_count);

#endif
