/* compactor.h - the thread of `pm serve` that compacts: seals the head, merges segments, applies retention. */
#ifndef PM_SERVE_COMPACTOR_H
#define PM_SERVE_COMPACTOR_H

#include "libtsdb/tsdb.h"

struct pm_compactor;

/* What is kept; 0 for no limit. */
struct pm_retention {
	int64_t ms;
	uint64_t bytes;
	double percentage; /* of the file system's size */
};

/* What `flags` and the configuration (its values count first) come to; without any limit, upstream's 15 days. */
struct pm_retention pm_retention_of(const struct pm_retention *flags, const struct pm_retention *config);
/* "15d or 512MiB", as upstream's runtimeinfo has it. */
char *pm_retention_text(char out[192], const struct pm_retention *r);

/* Asked before each turn, so that a reload counts. */
typedef void pm_retention_fn(void *arg, struct pm_retention *ret);

struct pm_compactor_opts {
	struct tsdb *db;
	const char *data_dir;      /* whose file system a percentage is of */
	int64_t every_ms;          /* from the end of a turn to the next one */
	int64_t seal_ms;           /* see tsdb_compact_opts */
	pm_retention_fn *retention;
	void *arg;
};

/* Since the start; of this process alone. */
struct pm_compactor_stats {
	uint64_t turns, failed;
	uint64_t seals, merges;                     /* ... that were published */
	uint64_t time_retentions, size_retentions;  /* turns that deleted something for that reason */
	uint64_t written_bytes, deleted_segments;
	double seconds;                             /* of turns that wrote or deleted */
};

int pm_compactor_new(const struct pm_compactor_opts *opts, struct pm_compactor **ret, struct pm_error *err);
/* Start the thread; its first turn comes after every_ms. */
int pm_compactor_start(struct pm_compactor *c, struct pm_error *err);
/* End the thread: a turn under way stops at once, with nothing half-done. Turns of others are canceled, too. */
void pm_compactor_stop(struct pm_compactor *c);
void pm_compactor_free(struct pm_compactor *c); /* stops; NULL allowed */

/* What the thread does again and again. Trouble is told on standard error, once. */
void pm_compactor_turn(struct pm_compactor *c);
/* Seal and merge all that can be, on the caller's thread, after what others are at. `canceled` is asked now and
 * then. */
int pm_compactor_force(struct pm_compactor *c, bool (*canceled)(void *arg), void *arg, struct pm_error *err);

/* Any thread. */
void pm_compactor_stats(struct pm_compactor *c, struct pm_compactor_stats *ret);
struct pm_retention pm_compactor_retention(struct pm_compactor *c);

#endif
