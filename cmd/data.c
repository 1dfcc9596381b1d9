/* data.c - opening the data directory, with errors that a person can act on, and asking and tidying it. */
#include "cmd/cmd.h"

#include <stdatomic.h>

enum { QUERIER_TRIES_MAX = 1000 };

static atomic_uint damages;

static void damaged(void *arg, const struct pm_error *what)
{
	atomic_fetch_add(&damages, 1);
	pm_warn("%s; it is set aside, the rest is served", what->msg);
}

unsigned pm_data_damages(void)
{
	return atomic_load(&damages);
}

int pm_data_open(struct pm_ctx *ctx, unsigned flags, struct pm_error *err)
{
	struct tsdb_opts opts = { .flags = flags,
		.fsync_ms = ctx->fsync_ms,
		.series_max = ctx->series_max,
		.job_series_max = ctx->job_series_max,
		.bytes_max = ctx->bytes_max,
		.damaged = damaged };
	int rc = tsdb_open(ctx->data_dir, &opts, &ctx->db, err);

	if (rc == PM_ERR_NOTFOUND && !(flags & TSDB_CREATE))
		return pm_fail(err, rc,
			"%s: no data here; pm scrape, pm import or pm serve make it, -d DIR names another",
			ctx->data_dir);
	return rc;
}

/* Snapshots go stale when the files behind them are gone: a matter of moments, so a query that meets that so many times
 * in a row has met something else. */
int pm_with_querier(struct tsdb *db, pm_querier_fn *fn, void *arg, struct pm_error *err)
{
	for (int i = 0; i < QUERIER_TRIES_MAX; i++) {
		struct pm_querier *q;
		int rc = tsdb_querier(db, &q, err);

		if (rc < 0)
			return rc;
		rc = fn(q, arg, err);
		q->free(q);
		if (rc != PM_ERR_STALE)
			return rc;
	}
	return pm_fail(err, PM_ERR_STALE, "the data changed under the query %d times", QUERIER_TRIES_MAX);
}

/* One merge at most: a command that ends soon does not make up for what others left. */
void pm_data_compact(struct pm_ctx *ctx)
{
	const struct tsdb_compact_opts opts = { .once = true };
	struct pm_error err = { 0 };

	if (!tsdb_compact_due(ctx->db, &opts))
		return;
	int rc = tsdb_compact(ctx->db, &opts, NULL, &err);

	if (rc < 0 && rc != PM_ERR_EXISTS)
		pm_warn("stored, but the log could not be sealed: %s", err.msg);
}
