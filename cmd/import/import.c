/* import.c - pm import: text with timestamps, or Prometheus's blocks, into the store, in transactions of about a
 * million samples.
 *
 * A transaction is never held while a pipe may keep us waiting: other writers queue behind it. What stops an import
 * stops it between transactions; the message says up to where samples are stored. */
#include "cmd/import/import.h"

#include "libtsdb/base/fs.h"

#include <fcntl.h>
#include <signal.h>

enum { OPT_FORMAT = PM_OPT_ID };

static const struct pm_opt import_opts[] = {
	{ "format", OPT_FORMAT, "FORMAT", "openmetrics (times in seconds) or text (in milliseconds) (openmetrics)" },
	{ 0 },
};

/* ---- signals ------------------------------------------------------------------------------------ */

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	stopped = signal_number;
}

/* The first signal stops the import where it may stop, and it says how far it came; the second one ends the process, as
 * a pipe may keep us waiting. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = (int)SA_RESETHAND };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int pm_import_go_on(struct pm_error *err)
{
	return stopped ? pm_fail(err, PM_ERR_CANCELED, "stopped by signal %d", (int)stopped) : 0;
}

/* ---- for the readers ---------------------------------------------------------------------------- */

const char *pm_import_name(const struct pm_import *im)
{
	return strcmp(im->path, "-") == 0 ? "standard input" : im->path;
}

int pm_import_begin(struct pm_import *im, struct pm_error *err)
{
	if (im->txn)
		return 0;
	im->txn_number++;
	im->pending = 0;
	return tsdb_txn_begin(im->ctx->db, &im->txn, err);
}

int pm_import_commit(struct pm_import *im, struct pm_error *err)
{
	struct tsdb_txn *txn = im->txn;
	int rc;

	if (!txn)
		return 0;
	im->txn = NULL;
	rc = tsdb_txn_commit(txn, err);
	if (rc == 0) {
		im->committed += im->pending;
		pm_data_compact(im->ctx);
	}
	im->pending = 0;
	return rc;
}

void pm_import_abort(struct pm_import *im)
{
	tsdb_txn_abort(im->txn);
	im->txn = NULL;
	im->pending = 0;
}

int pm_import_sample(struct pm_import *im, tsdb_sid sid, const struct tsdb_sample *s, struct pm_error *err)
{
	int rc = s->h || s->st_ms ? tsdb_txn_append_sample(im->txn, sid, s, err)
				  : tsdb_txn_append_sid(im->txn, sid, s->t_ms, s->v, err);

	im->pending += rc == 0;
	return rc;
}

/* ---- the command -------------------------------------------------------------------------------- */

static bool is_directory(const char *path)
{
	int fd;

	if (strcmp(path, "-") == 0 || pm_fs_openat(AT_FDCWD, path, PM_FS_READ | PM_FS_DIRECTORY, &fd, NULL) < 0)
		return false;
	pm_fs_close(fd);
	return true;
}

static int import_path(struct pm_import *im, const char *path)
{
	int code;

	im->path = path;
	im->committed = 0;
	code = is_directory(path) ? pm_import_dir(im) : pm_import_text(im);
	pm_import_abort(im);
	return code;
}

static int parse_options(struct pm_ctx *ctx, struct pm_import *im)
{
	const char *value;
	int id;

	while ((id = pm_opt_next(ctx, &value)) > 0) {
		if (strcmp(value, "openmetrics") == 0)
			im->format = SCRAPE_FORMAT_OPENMETRICS_PART;
		else if (strcmp(value, "text") == 0)
			im->format = SCRAPE_FORMAT_TEXT;
		else
			return pm_usage(ctx, "unknown format \"%s\": want openmetrics or text", value);
	}
	return id < 0 ? PM_EXIT_USAGE : PM_EXIT_OK;
}

static int import_run(struct pm_ctx *ctx)
{
	struct pm_import im = { .ctx = ctx, .format = SCRAPE_FORMAT_OPENMETRICS_PART };
	int code = parse_options(ctx, &im);

	pm_progress_init(&im.progress);
	catch_signals();
	for (int i = 0; i < ctx->argc && code == PM_EXIT_OK; i++)
		code = import_path(&im, ctx->argv[i]);
	return code;
}

const struct pm_cmd pm_cmd_import = {
	.name = "import",
	.group = PM_GROUP_STORE,
	.flags = PM_CMD_DATA_WRITE | PM_CMD_QUOTAS,
	.args_min = 1,
	.summary = "load samples from OpenMetrics text or from Prometheus's files",
	.usage = "[--format FORMAT] [--fsync WHEN] FILE|DIR|-...",
	.opts = import_opts,
	.help = "FILE is text in which every sample has a timestamp; OpenMetrics must end with \"# EOF\". \"-\" is\n"
		"standard input. DIR is a block of Prometheus or a data directory of one that does not run.\n"
		"Samples are stored in transactions of about a million; when something is refused the import\n"
		"stops, and says up to where samples are stored. Of two samples of a series with the same time the\n"
		"first counts, so the same may be imported again.",
	.example = "pm import history.om\n"
		   "pm import /var/lib/prometheus/metrics2\n"
		   "zstdcat history.om.zst | pm -d /var/lib/pm import -\n"
		   "pm import --format text dump.prom",
	.run = import_run,
};
