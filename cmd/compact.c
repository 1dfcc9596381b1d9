/* compact.c - pm compact: seal the head, merge segments, apply retention; once, or every minute.
 *
 * SIGINT and SIGTERM are blocked and looked at where the store may stop: so no handler runs anywhere, and a wait can't
 * miss them. */
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "cmd/table.h"

#include "libtsdb/base/clock.h"

#include <inttypes.h>
#include <signal.h>
#include <time.h>

enum { OPT_RETENTION = PM_OPT_ID, OPT_RETENTION_SIZE, OPT_FORCE, OPT_WATCH };
enum { WATCH_MS = 60 * 1000, WAIT_MS = 100 };

static const struct pm_opt compact_opts[] = {
	{ "retention", OPT_RETENTION, "D", "delete segments whose samples are all older than this" },
	{ "retention.size", OPT_RETENTION_SIZE, "SIZE", "delete the oldest segments while the store is larger" },
	{ "force", OPT_FORCE, NULL, "seal and merge whatever can be, due or not; deleted samples go" },
	{ "full", OPT_FORCE, NULL, "the same" },
	{ "watch", OPT_WATCH, NULL, "again every minute, until SIGINT or SIGTERM" },
	{ 0 },
};

struct compact {
	struct pm_ctx *ctx;
	struct tsdb_compact_opts opts;
	struct pm_progress bar;
	sigset_t signals;
	bool watch, stopped;
	struct pm_error trouble; /* that was told last, with --watch */
};

static int parse_options(struct compact *c)
{
	struct pm_error err = { 0 };
	const char *value;
	int id, rc = 0;

	while ((id = pm_opt_next(c->ctx, &value)) > 0) {
		if (id == OPT_RETENTION)
			rc = pm_duration_arg(value, &c->opts.retention_ms, &err);
		else if (id == OPT_RETENTION_SIZE)
			rc = pm_size_arg(value, &c->opts.retention_bytes, &err);
		else if (id == OPT_FORCE)
			c->opts.force = true;
		else
			c->watch = true;
		if (rc < 0)
			return pm_usage(c->ctx, "%s", err.msg);
	}
	if (id == 0 && c->ctx->argc)
		return pm_usage(c->ctx, "unexpected argument \"%s\"", c->ctx->argv[0]);
	return id < 0 ? PM_EXIT_USAGE : PM_EXIT_OK;
}

/* ---- signals ------------------------------------------------------------------------------------ */

/* True when a signal came within that time, or before. */
static bool wait_ms(struct compact *c, int64_t ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	c->stopped = c->stopped || sigtimedwait(&c->signals, NULL, &t) > 0;
	return c->stopped;
}

static bool progress(void *arg, const char *what, uint64_t done, uint64_t all)
{
	struct compact *c = arg;

	pm_progress_show(&c->bar, what, done, all, done);
	return wait_ms(c, 0);
}

/* ---- what was done ------------------------------------------------------------------------------ */

static const char *s_of(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void print_stats(const struct compact *c, const struct tsdb_compact_stats *s)
{
	char now[40], size[16];

	pm_time_rfc3339(now, c->opts.now_ms ? c->opts.now_ms : pm_now_ms());
	const char *at = c->watch ? now : "", *gap = c->watch ? " " : "";

	if (s->deleted_segments)
		printf("%s%sdeleted  %" PRIu64 " segment%s\n", at, gap, s->deleted_segments, s_of(s->deleted_segments));
	if (s->sealed_segments)
		printf("%s%ssealed   %" PRIu64 " sample%s into %" PRIu64 " segment%s\n", at, gap, s->sealed_samples,
			s_of(s->sealed_samples), s->sealed_segments, s_of(s->sealed_segments));
	if (s->merged_segments)
		printf("%s%smerged   %" PRIu64 " sample%s of %" PRIu64 " segment%s into %" PRIu64 "\n", at, gap,
			s->merged_samples, s_of(s->merged_samples), s->merged_segments, s_of(s->merged_segments),
			s->merged_into);
	if (s->bytes_written)
		printf("%s%swritten  %s\n", at, gap, pm_bytes_text(size, s->bytes_written));
	else if (!s->deleted_segments && !c->watch)
		printf("nothing to do\n");
	fflush(stdout);
}

/* ---- work --------------------------------------------------------------------------------------- */

/* Another may be at it, here or in another process: its work is ours, too, but not with our options. */
static int take_turn(struct compact *c, struct tsdb_compact_stats *stats, struct pm_error *err)
{
	bool told = false;
	int rc;

	while ((rc = tsdb_compact(c->ctx->db, &c->opts, stats, err)) == PM_ERR_EXISTS) {
		if (!told)
			fprintf(stderr, "pm compact: waiting for another process that compacts this store\n");
		told = true;
		if (wait_ms(c, WAIT_MS))
			return pm_fail(err, PM_ERR_CANCELED, "stopped while waiting");
	}
	return rc;
}

static int once(struct compact *c)
{
	struct tsdb_compact_stats stats = { 0 };
	struct pm_error err = { 0 };
	int rc = take_turn(c, &stats, &err);

	pm_progress_clear(&c->bar);
	if (rc == 0 || stats.bytes_written || stats.deleted_segments)
		print_stats(c, &stats);
	if (rc < 0 && !c->watch)
		return pm_report(c->ctx, &err);
	if (rc < 0 && !c->stopped && strcmp(c->trouble.msg, err.msg) != 0)
		pm_warn("%s; it is tried again every minute", err.msg);
	c->trouble = err;
	return PM_EXIT_OK;
}

static int compact_run(struct pm_ctx *ctx)
{
	struct compact c = { .ctx = ctx };
	struct pm_error err = { 0 };
	int code = parse_options(&c);

	if (code != PM_EXIT_OK)
		return code;
	if (pm_data_open(ctx, TSDB_WRITE, &err) < 0)
		return pm_report(ctx, &err);
	sigemptyset(&c.signals);
	sigaddset(&c.signals, SIGINT);
	sigaddset(&c.signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &c.signals, NULL);
	pm_progress_init(&c.bar);
	c.opts.progress = progress;
	c.opts.progress_arg = &c;
	do {
		code = once(&c);
	} while (c.watch && !wait_ms(&c, WATCH_MS));
	return code;
}

const struct pm_cmd pm_cmd_compact = {
	.name = "compact",
	.group = PM_GROUP_STORE,
	.flags = PM_CMD_DATA_NAMED,
	.summary = "seal the log, merge segments, apply retention and deletions",
	.usage = "[--retention D] [--retention.size SIZE] [--force] [--watch]",
	.opts = compact_opts,
	.help = "Does what is due: the log of new samples becomes segments when it is two hours old or has 1 GiB,\n"
		"small segments become large ones. pm serve does so by itself; this is for where it does not run.\n"
		"Others may read and write meanwhile. Stopping it is safe at any time: the store is as before, or as\n"
		"after. While another process compacts, it waits.",
	.example = "pm compact\n"
		   "pm compact --retention 90d --retention.size 20GB\n"
		   "pm -d /var/lib/pm compact --force",
	.run = compact_run,
};
