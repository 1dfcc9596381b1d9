/* import.h - what the readers of pm import share: the transaction at hand, and what was committed. */
#ifndef PM_CMD_IMPORT_H
#define PM_CMD_IMPORT_H

#include "cmd/cmd.h"
#include "cmd/progress.h"

#include "libscrape/scrape.h"

#include <inttypes.h>

enum { PM_IMPORT_TXN_SAMPLES = 1000000 };

struct pm_import {
	struct pm_ctx *ctx;
	enum scrape_format format;
	struct pm_progress progress;
	const char *path; /* "-": standard input */

	struct tsdb_txn *txn; /* NULL: none is open */
	uint64_t pending;     /* samples in it */
	uint64_t committed;   /* of this path */
	uint64_t txn_number;  /* of the transaction at hand, so that ids of series of older ones are known as such */
};

const char *pm_import_name(const struct pm_import *im);
/* Begin a transaction unless one is open. */
int pm_import_begin(struct pm_import *im, struct pm_error *err);
/* PM_ERR_CANCELED once SIGINT or SIGTERM came: asked now and then, and between transactions. */
int pm_import_go_on(struct pm_error *err);
/* Commit what is open. After an error nothing of the transaction is stored. */
int pm_import_commit(struct pm_import *im, struct pm_error *err);
void pm_import_abort(struct pm_import *im);
/* One sample for a series of the open transaction; `h` NULL for a float. */
int pm_import_sample(struct pm_import *im, tsdb_sid sid, const struct tsdb_sample *s, struct pm_error *err);

/* Each stores all of im->path and says on standard output what was stored, or on standard error why not and up to
 * where. enum pm_exit. */
int pm_import_text(struct pm_import *im);
int pm_import_dir(struct pm_import *im);

/* The log of the data directory im->path, for pm_import_dir(): samples from min_ms on. `*ret_lost`: samples of series
 * that nothing in it names. */
int pm_import_log(struct pm_import *im, int64_t min_ms, uint64_t *ret_lost, struct pm_error *err);

#endif
