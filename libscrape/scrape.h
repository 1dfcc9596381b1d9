/* scrape.h - scraping: the text formats, fetching pages, one round of targets, the loop.
 *
 * libscrape sees the store only as a struct pm_appender (libtsdb/pm.h), so that a test or another program can stand
 * behind it. Nothing here prints or exits. */
#ifndef SCRAPE_H
#define SCRAPE_H

#include "libtsdb/pm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- expositions -------------------------------------------------------------------------------- */

enum scrape_format {
	SCRAPE_FORMAT_TEXT,        /* Prometheus text 0.0.4 and 1.0.0 */
	SCRAPE_FORMAT_OPENMETRICS, /* OpenMetrics 1.0 text; here timestamps are seconds and `# EOF` must end the page */
	SCRAPE_FORMAT_OPENMETRICS_PART, /* the same, a window into a longer page (pm import): `# EOF` may be missing */
};

enum scrape_item {
	SCRAPE_ITEM_SAMPLE,
	SCRAPE_ITEM_HELP,
	SCRAPE_ITEM_TYPE,
	SCRAPE_ITEM_UNIT,
	SCRAPE_ITEM_COMMENT,
	SCRAPE_ITEM_EOF
};

/* One line of a page. Slices point into the page or into the parser's own memory and are good until the next call. */
struct scrape_line {
	enum scrape_item item;
	int line;           /* 1-based */
	struct pm_str text; /* what names the line: for samples the bytes of name and labels as written, without the
			       blanks before the value; for others the whole line without the newline */
	struct pm_labels labels;   /* samples: sorted, __name__ included, values unescaped, empty values removed */
	struct pm_str name;        /* HELP, TYPE, UNIT: the metric family */
	struct pm_str value;       /* HELP text unescaped, TYPE word, UNIT word */
	double v;                  /* samples */
	int64_t t_ms;              /* samples: explicit timestamp or PM_NO_TIME */
	struct pm_labels exemplar; /* samples of OpenMetrics; exemplar_v, exemplar_t_ms go with it when has_exemplar */
	bool has_exemplar;
	double exemplar_v;
	int64_t exemplar_t_ms;
};

struct scrape_parser; /* one page at a time; reusable; holds scratch memory bounded by the longest line */

int scrape_parser_new(struct scrape_parser **ret);
void scrape_parser_free(struct scrape_parser *p);
/* Start on a page, borrowed until the last next(). */
void scrape_parser_begin(struct scrape_parser *p, enum scrape_format format, struct pm_str page);
/* 1: `*ret`; 0: end of the page; PM_ERR_INVALID with err->line, err->column and the reason for a malformed line. Never
 * reads past the page. Cost: linear in the page. */
int scrape_parser_next(struct scrape_parser *p, struct scrape_line *ret, struct pm_error *err);
/* For readers that know most lines already (pm import): as scrape_parser_next, but labels, exemplar and what is escaped
 * in other lines are left as they are; scrape_parser_labels builds the labels of the sample that was read last, good
 * until the next call. Two samples of one format with equal text hash and text length have equal labels. */
int scrape_parser_next_text(struct scrape_parser *p, struct scrape_line *ret, struct pm_error *err);
uint64_t scrape_parser_text_hash(const struct scrape_parser *p, struct pm_str text);
int scrape_parser_labels(struct scrape_parser *p, struct pm_labels *ret, struct pm_error *err);
/* Likewise the labels of the exemplar of the sample that was read last, and name and value of the HELP, TYPE or UNIT
 * line that was: unescaped. */
int scrape_parser_exemplar(struct scrape_parser *p, struct pm_labels *ret, struct pm_error *err);
int scrape_parser_comment(struct scrape_parser *p, struct scrape_line *line, struct pm_error *err);
/* 1: the next line is a sample whose text has this length and hash; it was read without a look at its labels, which
 * can't be asked for. 0: it is anything else, and still to be read. The text must not have a line break in it. */
int scrape_parser_next_known(struct scrape_parser *p, uint64_t text_hash, size_t text_len, struct scrape_line *ret);
/* Go on with the next window of the same page: the last TYPE line still holds. Lines are counted from 1 again. */
void scrape_parser_continue(struct scrape_parser *p, struct pm_str window);

/* Text out: one sample line as the text format has it, `name{a="b"} v [t]`, escaped. Appends to a struct pm_buf. */
struct pm_buf;
void scrape_write_sample(struct pm_buf *out, struct pm_labels labels, double v, int64_t t_ms);
/* # HELP and # TYPE lines; help may be empty (no line). */
void scrape_write_family(struct pm_buf *out, struct pm_str name, const char *type, struct pm_str help);

/* ---- one scrape --------------------------------------------------------------------------------- */

/* A target as it will be asked. All strings borrowed for as long as the target is used. */
struct scrape_target {
	const char *url;         /* http://host:port/path?query */
	struct pm_labels labels; /* target labels: job, instance, ...; normalized */
	int64_t interval_ms, timeout_ms;
	size_t body_size_max; /* bytes after decompression; 0: the default, 256 MiB */
	size_t sample_max;    /* 0: none */
	size_t label_max, label_name_bytes_max, label_value_bytes_max; /* 0: none; over one the scrape fails */
	bool honor_labels;
	bool honor_timestamps;
	bool track_timestamps_staleness; /* stale markers also for series with explicit timestamps */
};

/* How a scrape went. */
struct scrape_report {
	bool up;
	int64_t t_ms; /* timestamp of its samples */
	double duration_s;
	size_t samples_scraped, samples_post_relabel, series_added;
	size_t body_bytes; /* after decompression */
	/* The reason when not up, one line, as upstream words it where it has words; or, when up, which new series a
	 * quota of the store refused. */
	char error[512];
	struct pm_append_stats stored;
};

/* Parse a page that was already read and store it for `target` with up and the scrape_* series, `report->up` and
 * `error` telling of the page (a malformed page is stored as up 0 with stale markers; that is not an error of this
 * function). `t_ms`: timestamp of the scrape; `fetch_error` not NULL: there is no page, and this is why. Negative: the
 * store refused; nothing stored. */
int scrape_store_page(struct pm_appender *app, const struct scrape_target *target, enum scrape_format format,
	struct pm_str page, int64_t t_ms, double fetch_seconds, const char *fetch_error, struct scrape_report *ret,
	struct pm_error *err);

/* ---- rounds and the loop ------------------------------------------------------------------------ */

struct scrape_loop; /* a libcurl multi handle, connections kept alive, timers; one thread runs it */

/* Called after each scrape, on the loop's thread. `store_rc`, `err`: what scrape_store_page returned. */
typedef void scrape_done_fn(void *arg, const struct scrape_target *target, const struct scrape_report *report,
	int store_rc, const struct pm_error *err);

struct scrape_loop_opts {
	scrape_done_fn *done;
	void *arg;
	const char *user_agent; /* NULL: "pm/VERSION" */
};

/* `app` is used on the loop's thread only. PM_ERR_UNSUPPORTED when libcurl can't be loaded. */
int scrape_loop_new(
	struct pm_appender *app, const struct scrape_loop_opts *opts, struct scrape_loop **ret, struct pm_error *err);
void scrape_loop_free(struct scrape_loop *l);
/* Targets (and all they point to) are borrowed until free. */
int scrape_loop_add(struct scrape_loop *l, const struct scrape_target *target, struct pm_error *err);
/* Ask every target once, at the same time, and return when all answered or timed out. */
int scrape_loop_once(struct scrape_loop *l, struct pm_error *err);
/* Ask each target every interval, at its own offset, until scrape_loop_stop(). */
int scrape_loop_run(struct scrape_loop *l, struct pm_error *err);
/* From any thread or signal handler: run() returns soon; scrapes under way are given up and not stored. */
void scrape_loop_stop(struct scrape_loop *l);

/* ---- HTTP client (http.c, the only includer of libcurl, loaded on first use) -------------------- */

/* One GET, for pm query --url and tests. Body into `out` (a struct pm_buf, whose max bounds it). */
int scrape_http_get(const char *url, int64_t timeout_ms, struct pm_buf *out, int *ret_status, struct pm_error *err);

#ifdef __cplusplus
}
#endif
#endif
