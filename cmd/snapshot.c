/* snapshot.c - pm snapshot: a copy of the data directory as it is at one moment. */
#include "cmd/cmd.h"
#include "cmd/table.h"

#include <inttypes.h>

/* Opening for writing makes a store whole that a machine crash left; who may not write takes it as it is. */
static int open_store(struct pm_ctx *ctx, struct pm_error *err)
{
	int rc = pm_data_open(ctx, TSDB_WRITE, err);

	return rc == PM_ERR_READONLY ? pm_data_open(ctx, TSDB_READ, err) : rc;
}

static int snapshot_run(struct pm_ctx *ctx)
{
	struct tsdb_snapshot_stats stats;
	struct pm_error err = { 0 };
	char linked[16], copied[16];
	const char *value;

	if (pm_opt_next(ctx, &value) < 0)
		return PM_EXIT_USAGE;
	if (ctx->argc != 1)
		return pm_usage(ctx, "one directory at a time");
	if (open_store(ctx, &err) < 0 || tsdb_snapshot(ctx->db, ctx->argv[0], &stats, &err) < 0)
		return pm_report(ctx, &err);
	printf("%s: %s copied, %s linked\n", ctx->argv[0], pm_bytes_text(copied, stats.copied_bytes),
		pm_bytes_text(linked, stats.linked_bytes));
	return PM_EXIT_OK;
}

const struct pm_cmd pm_cmd_snapshot = {
	.name = "snapshot",
	.group = PM_GROUP_STORE,
	.flags = PM_CMD_DATA_NAMED,
	.args_min = 1,
	.summary = "copy a data directory, as it is at one moment",
	.usage = "DIR",
	.help = "DIR is made, or must be empty. Others may go on writing. Files that never change are hard links where "
		"DIR is\n"
		"on the same file system; the rest is copied, by reference where the file system can. DIR is a data "
		"directory\n"
		"of its own, and is there whole or not at all.",
	.example = "pm snapshot /backup/pm-$(date +%F)\n"
		   "pm -d /backup/pm-2026-01-01 query up",
	.run = snapshot_run,
};
