/* pm.h - the types that all public headers of pm share: slices, labels, samples, time, errors.
 *
 * Conventions, good for every header of the project:
 *  - functions return 0 when done and a negative enum pm_err otherwise; iterators return 1 for an item,
 *    0 at the end, negative on error, so that loops read `while ((rc = next(it)) > 0)`;
 *  - out-parameters are called ret_x and are written only on success;
 *  - a trailing `struct pm_error *err` (NULL allowed) receives a message for people;
 *  - times are Unix milliseconds, int64_t, named x_ms; values are IEEE 754 doubles.
 */
#ifndef PM_H
#define PM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of pm and its libraries: the one place; the Makefile reads it from here. */
#define PM_VERSION "0.1.0"

/* ---- errors ------------------------------------------------------------------------------------- */

enum pm_err {
	PM_OK = 0,
	PM_ERR_NOMEM = -1,    /* out of memory, or over the memory limit of the work at hand */
	PM_ERR_IO = -2,       /* the system refused a read, write, map or sync */
	PM_ERR_NOSPACE = -3,  /* the disk or quota is full; goes away when there is room */
	PM_ERR_CORRUPT = -4,  /* bytes on disk are not what they must be */
	PM_ERR_NOTFOUND = -5, /* no such file, directory, series, ... */
	PM_ERR_EXISTS = -6,
	PM_ERR_READONLY = -7, /* a write to what was opened for reading */
	PM_ERR_VERSION = -8,  /* a format of another version of pm */
	PM_ERR_INVALID = -9,  /* input from a person or a peer that does not parse or is not allowed */
	PM_ERR_LIMIT = -10,   /* a configured limit, which the message names */
	PM_ERR_TIMEOUT = -11,
	PM_ERR_CANCELED = -12,
	PM_ERR_STALE = -13,       /* the snapshot's files are gone: take a new snapshot and start again */
	PM_ERR_UNSUPPORTED = -14, /* valid, but not implemented */
	PM_ERR_NETWORK = -15,     /* a peer is down, refused, or broke the protocol */
};

/* What went wrong, for people. `line` and `column` count from 1, in bytes, and are 0 where they mean nothing. */
struct pm_error {
	int code;
	int line, column;
	char file[256];
	char msg[1024];
};

/* Fill `err` (NULL: do nothing) and return `code`, so that callers write `return pm_fail(err, PM_ERR_X, ...)`.
 * The message has no newline at its end and is cut to fit. */
int pm_fail(struct pm_error *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A short English phrase for an enum pm_err, never NULL. */
const char *pm_strerror(int code);

/* ---- slices ------------------------------------------------------------------------------------- */

/* Borrowed bytes, not terminated by a NUL. Whoever hands one out says how long it stays good. */
struct pm_str {
	const char *ptr;
	size_t len;
};

#define PM_STR(literal) ((struct pm_str){ (literal), sizeof(literal) - 1 })

static inline struct pm_str pm_str(const char *s)
{
	return (struct pm_str){ s, s ? strlen(s) : 0 };
}

static inline bool pm_str_eq(struct pm_str a, struct pm_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Bytewise order, as Go compares strings: <0, 0, >0. */
static inline int pm_str_cmp(struct pm_str a, struct pm_str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* For printf: printf("%.*s", PM_STR_ARG(s)). */
#define PM_STR_ARG(s) (int)(s).len, (s).ptr

/* ---- labels ------------------------------------------------------------------------------------- */

struct pm_label {
	struct pm_str name, value;
};

/* A label set: sorted by name (bytewise), no name twice, no empty value. The metric name is the label
 * "__name__". Borrowed unless a function says otherwise. */
struct pm_labels {
	const struct pm_label *v;
	size_t count;
};

#define PM_NAME_LABEL PM_STR("__name__")

/* Order of label sets as upstream sorts series: label by label, name then value, shorter first. */
int pm_labels_cmp(struct pm_labels a, struct pm_labels b);
bool pm_labels_eq(struct pm_labels a, struct pm_labels b);

/* The value of `name`, or an empty slice. O(count). */
struct pm_str pm_labels_get(struct pm_labels l, struct pm_str name);

/* 64-bit hash over names and values, stable for ever (it is part of the store's format). */
uint64_t pm_labels_hash(struct pm_labels l);

/* Sort `v` by name in place. PM_ERR_INVALID, naming the label, when a name stands twice. Labels with empty
 * values are removed; `*count` is updated. */
int pm_labels_normalize(struct pm_label *v, size_t *count, struct pm_error *err);

enum pm_match_type { PM_MATCH_EQ, PM_MATCH_NE, PM_MATCH_RE, PM_MATCH_NRE };

/* One matcher of a selector. An absent label has the empty value. Regular expressions are RE2's, anchored at
 * both ends, `.` matches newline. Borrowed strings. */
struct pm_matcher {
	enum pm_match_type type;
	struct pm_str name, value;
};

/* ---- samples ------------------------------------------------------------------------------------ */

#define PM_TIME_MIN INT64_MIN
#define PM_TIME_MAX INT64_MAX
#define PM_NO_TIME INT64_MIN

#define PM_STALE_NAN_BITS UINT64_C(0x7ff0000000000002)  /* upstream's value.StaleNaN */
#define PM_NORMAL_NAN_BITS UINT64_C(0x7ff8000000000001) /* upstream's value.NormalNaN */

static inline uint64_t pm_double_bits(double v)
{
	uint64_t u;
	memcpy(&u, &v, sizeof u);
	return u;
}

static inline double pm_bits_double(uint64_t u)
{
	double v;
	memcpy(&v, &u, sizeof v);
	return v;
}

static inline bool pm_is_stale(double v)
{
	return pm_double_bits(v) == PM_STALE_NAN_BITS;
}

static inline double pm_stale_nan(void)
{
	return pm_bits_double(PM_STALE_NAN_BITS);
}

enum pm_reset_hint { PM_RESET_UNKNOWN, PM_RESET_YES, PM_RESET_NO, PM_RESET_GAUGE };

#define PM_SCHEMA_CUSTOM (-53) /* custom bucket boundaries, upstream's CustomBucketsSchema */

struct pm_span {
	int32_t offset;  /* gap to the span before, in buckets; for the first, its index */
	uint32_t length; /* buckets in this span */
};

/* A native histogram with float counts (integer ones are converted on reading, losslessly below 2^53), as
 * upstream's FloatHistogram: bucket counts are absolute, not deltas. Arrays are borrowed. With schema
 * PM_SCHEMA_CUSTOM only the positive side is used and `custom` holds the upper bounds without +Inf. */
struct pm_histogram {
	int32_t schema;     /* -4..8 exponential: base 2^(2^-schema) */
	uint8_t reset_hint; /* enum pm_reset_hint */
	bool integer;       /* its counts came as integers: queries do not care, the way out to other formats does */
	double zero_threshold, zero_count, count, sum;
	const struct pm_span *pos_spans, *neg_spans;
	const double *pos, *neg;
	const double *custom;
	uint32_t pos_span_count, neg_span_count;
	uint32_t pos_count, neg_count; /* buckets */
	uint32_t custom_count;
};

/* The samples of one series in a range, oldest first, times strictly ascending, stale markers included
 * (a stale histogram is a stale float). Index i of every array is the same sample. Arrays that are NULL hold
 * nothing: no histograms, no start timestamps. */
struct pm_samples {
	size_t count;
	const int64_t *t_ms;
	const double *v;
	const struct pm_histogram *const *h; /* NULL, or per sample NULL (a float) or the histogram */
	const int64_t *st_ms;                /* NULL, or per sample the start timestamp, 0 for none */
	uint64_t time_id; /* not 0: the column t_ms is equal for all series of this querier with this id */
};

struct pm_series {
	struct pm_labels labels;
	struct pm_samples samples;
};

/* ---- queriers ----------------------------------------------------------------------------------- */

/* What samples are wanted for, where a few of them may stand for many. */
enum pm_use {
	PM_USE_ALL,     /* each one */
	PM_USE_MIN,     /* the smallest value of each window */
	PM_USE_MAX,     /* the largest */
	PM_USE_PRESENT, /* whether a window has a sample that is not stale */
};

/* Windows (t - range_ms, t] for t = start_ms, start_ms + step_ms, ..., `count` of them. A store that knows the extremes
 * of a stretch of float samples none of which is in a window without the others may give one sample in their place, at
 * the time of any of them, with the value that counts. */
struct pm_windows {
	enum pm_use use; /* PM_USE_ALL: the rest means nothing */
	int64_t start_ms, step_ms, range_ms;
	size_t count;
};

/* What a selector asks of the store. The range is closed: [min_ms, max_ms]. */
struct pm_select {
	const struct pm_matcher *matchers;
	size_t matcher_count;
	int64_t min_ms, max_ms;
	bool labels_only; /* samples are not wanted: `samples` stays empty; series without samples may appear */
	size_t limit;     /* 0: none; otherwise stop after so many series */
	struct pm_windows windows;
};

/* Series that matched, sorted by labels. next(): 1 and `*ret`, 0 at the end, or an error. All that `*ret` points
 * to is good until the next call of next() or free(), except labels, which stay good until free() of the querier. */
struct pm_series_set {
	int (*next)(struct pm_series_set *set, struct pm_series *ret, struct pm_error *err);
	void (*free)(struct pm_series_set *set);
};

/* Sorted strings, good until free(). */
struct pm_strings {
	struct pm_str *v;
	size_t count;
	void *owner; /* internal: what pm_strings_free releases */
};
void pm_strings_free(struct pm_strings *s);

/* A source of samples: the store, test data, a remote server. It shows one moment: what is written after it
 * was made is not seen. Several threads may select at once; one series set belongs to one thread. */
struct pm_querier {
	/* PM_ERR_INVALID for a bad regular expression; PM_ERR_STALE: make a new querier and ask again. */
	int (*select)(
		struct pm_querier *q, const struct pm_select *sel, struct pm_series_set **ret, struct pm_error *err);
	/* Names of labels, and values of one label, of series that match all of sel->matchers (none: all series)
	 * and may have samples in the range. Sorted bytewise, no doubles. */
	int (*label_names)(
		struct pm_querier *q, const struct pm_select *sel, struct pm_strings *ret, struct pm_error *err);
	int (*label_values)(struct pm_querier *q, struct pm_str name, const struct pm_select *sel,
		struct pm_strings *ret, struct pm_error *err);
	void (*free)(struct pm_querier *q);
};

/* ---- appenders: pages of targets ---------------------------------------------------------------- */

/* What one line of an exposition was last time: the parser's memory. `text_len` and `text_hash` (XXH3, 64 bits,
 * of the bytes before the value: name and labels as they stand in the text, without trailing blanks) name it. */
struct pm_layout_entry {
	uint64_t text_hash;
	uint32_t text_len;
	uint32_t ref; /* a series, or one of PM_REF_*; opaque to all but the store */
};

enum {
	PM_REF_COMMENT = 0xfffffffe, /* a line that carries no sample: text_len and text_hash cover the whole line */
	PM_REF_DROPPED = 0xfffffffd, /* a sample that relabelling removed */
	PM_REF_TYPE = 0xfffffffb,    /* a comment that is a TYPE line: what follows is read by it */
	PM_REF_DOUBLE = 0xfffffffc,  /* a sample whose series stands before it on the page */
	PM_REF_NEW = 0xffffffff,     /* in a page: a series that the layout does not know; `labels` names it */
	PM_REF_MAX = 0xfffffff0,     /* series refs are below */
};

static inline bool pm_ref_is_comment(uint32_t ref)
{
	return ref == PM_REF_COMMENT || ref == PM_REF_TYPE;
}

struct pm_layout_block {
	const struct pm_layout_entry *entries;
	uint32_t entry_count;
};

/* The layout of a target as a snapshot shows it. Immutable; good until layout_free(). */
struct pm_layout {
	const struct pm_layout_block *blocks;
	uint32_t block_count;
	uint32_t entry_count;
	uint32_t series_count; /* entries that are series: the width of a row */
};

/* One line of a new page. */
struct pm_page_entry {
	struct pm_layout_entry e; /* e.ref from the layout when known, else PM_REF_NEW */
	struct pm_labels labels;  /* for PM_REF_NEW, target labels and relabelling applied, normalized */
	double v;
	int64_t t_ms;                 /* explicit timestamp of the line, or PM_NO_TIME */
	const struct pm_histogram *h; /* NULL: the float v */
	int64_t st_ms;                /* start timestamp, 0 for none */
};

/* An exemplar of a page's series. */
struct pm_page_exemplar {
	size_t at; /* warm: index of its series' value; cold: of its entry */
	struct pm_labels labels;
	double v;
	int64_t t_ms; /* PM_NO_TIME: that of its sample */
};

/* What a page says of a metric. Slices whose ptr is NULL were not said: what is known stays. */
struct pm_page_metadata {
	struct pm_str metric, type, help, unit;
};

/* A scrape, ready to be stored. Two forms:
 *  - warm: `values` is set, one value per series entry of the layout, in order; nothing else changed;
 *  - cold: `entries` has every line of the body in order, comments and dropped lines too.
 * Series that the target's last row had and this page lacks get a stale marker at t_ms. When several entries name one
 * series, each counts that has a time of its own; of those with the same time the first. Exemplars that the store does
 * not take, for their order or length, are passed over. */
struct pm_page {
	int64_t t_ms;
	const double *values;                /* warm form, or NULL */
	const struct pm_page_entry *entries; /* cold form */
	size_t entry_count;
	bool honor_staleness_of_timestamps; /* write stale markers also for series that had explicit times */
	const struct pm_page_exemplar *exemplars;
	size_t exemplar_count;
	const struct pm_page_metadata *metadata; /* of lines that the layout did not know, at least */
	size_t metadata_count;
};

struct pm_append_stats {
	size_t samples;        /* committed, stale markers not counted */
	size_t stale;          /* stale markers written */
	size_t series_new;     /* series the target's last row did not have */
	size_t series_refused; /* new ones over a quota, which `err` then names: left out, all else was stored */
};

/* Where scrapes go: the store, or a fake in tests. One thread at a time per appender. */
struct pm_appender {
	/* The layout that `key` had last, or NULL in *ret when there is none. Takes no lock. `key` is any bytes:
	 * target labels, relabelling rules and parse options, so that a change of these starts anew. */
	int (*layout)(struct pm_appender *a, struct pm_str key, const struct pm_layout **ret, struct pm_error *err);
	void (*layout_free)(struct pm_appender *a, const struct pm_layout *l);
	/* Store one page in one transaction: all or nothing. `l` is what layout() gave for `key` (or NULL); when
	 * another process changed that layout since, a warm page is refused with PM_ERR_STALE: ask for the layout and
	 * parse again. PM_ERR_NOSPACE, PM_ERR_LIMIT: nothing was stored. */
	int (*append_page)(struct pm_appender *a, struct pm_str key, const struct pm_layout *l,
		const struct pm_page *page, struct pm_append_stats *ret_stats, struct pm_error *err);
	void (*free)(struct pm_appender *a);
};

#ifdef __cplusplus
}
#endif
#endif
