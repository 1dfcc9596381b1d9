/* dispatch.c - from a command line to a command: global options, the table, PATH, the data directory, the end.
 *
 * A command's options are checked before its data directory is opened, so that a wrong word never makes a directory,
 * and the directory is opened here, so that all commands fail alike. */
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPT_HELP = 1000, OPT_VERSION, NAME_MAX_LEN = 64, DISTANCE_MAX = 2 };

const struct pm_cmd *pm_cmd_find(const char *name)
{
	for (size_t i = 0; pm_cmds[i]; i++) {
		if (strcmp(pm_cmds[i]->name, name) == 0)
			return pm_cmds[i];
	}
	return NULL;
}

/* Levenshtein's distance, by rows; names are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1], la = strlen(a), lb = strlen(b);

	if (la > NAME_MAX_LEN || lb > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0]++;

		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[lb];
}

static int unknown_command(const char *name)
{
	const char *nearest = NULL;
	size_t best = DISTANCE_MAX + 1;

	for (size_t i = 0; pm_cmds[i]; i++) {
		size_t d = distance(name, pm_cmds[i]->name);

		if (d < best) {
			best = d;
			nearest = pm_cmds[i]->name;
		}
	}
	if (nearest)
		return pm_usage(NULL, "no command \"%s\"; did you mean \"%s\"?", name, nearest);
	return pm_usage(NULL, "no command \"%s\"; pm --help lists them", name);
}

/* `pm foo` is pm-foo from PATH, told the data directory by PM_DATA. Returns only when there is no such program. */
static int run_external(struct pm_ctx *ctx)
{
	char name[NAME_MAX_LEN + 4];
	int n = snprintf(name, sizeof name, "pm-%s", ctx->argv[0]);

	if (n >= (int)sizeof name || strchr(ctx->argv[0], '/'))
		return unknown_command(ctx->argv[0]);
	const char *typed = ctx->argv[0];

	setenv("PM_DATA", ctx->data_dir, 1);
	signal(SIGPIPE, SIG_DFL);
	ctx->argv[0] = name;
	execvp(name, ctx->argv);
	if (errno == ENOENT)
		return unknown_command(typed);
	fprintf(stderr, "pm: %s: %s\n", name, strerror(errno));
	return PM_EXIT_FAIL;
}

/* Read the whole command line once: options that are well-formed, arguments enough. Leaves argc and argv for run(). */
static int check_line(struct pm_ctx *ctx)
{
	struct pm_ctx probe = *ctx;
	const char *value;
	int id;

	while ((id = pm_opt_next(&probe, &value)) > 0)
		;
	if (id < 0)
		return PM_EXIT_USAGE;
	ctx->data_dir = probe.data_dir;
	ctx->fsync_ms = probe.fsync_ms;
	ctx->series_max = probe.series_max;
	ctx->job_series_max = probe.job_series_max;
	ctx->bytes_max = probe.bytes_max;
	ctx->help = probe.help;
	if (!ctx->help && probe.argc < ctx->cmd->args_min)
		return pm_usage(ctx, "an argument is missing");
	return PM_EXIT_OK;
}

static int open_data(struct pm_ctx *ctx)
{
	unsigned flags = ctx->cmd->flags;
	struct pm_error err = { 0 };
	int rc = 0;

	if (flags & PM_CMD_DATA_WRITE)
		rc = pm_data_open(ctx, TSDB_WRITE | TSDB_CREATE, &err);
	else if (flags & PM_CMD_DATA_READ)
		rc = pm_data_open(ctx, TSDB_READ, &err);
	return rc < 0 ? pm_report(ctx, &err) : PM_EXIT_OK;
}

static int run_command(struct pm_ctx *ctx)
{
	int code = check_line(ctx);

	if (code != PM_EXIT_OK)
		return code;
	if (ctx->help) {
		pm_help_cmd(stdout, ctx->cmd);
		return PM_EXIT_OK;
	}
	code = open_data(ctx);
	if (code == PM_EXIT_OK)
		code = ctx->cmd->run(ctx);
	if (ctx->db)
		tsdb_close(ctx->db);
	return code;
}

static int run_line(struct pm_ctx *ctx)
{
	if (strcmp(ctx->argv[0], "help") == 0)
		return pm_help_run(ctx);
	ctx->cmd = pm_cmd_find(ctx->argv[0]);
	if (!ctx->cmd)
		return run_external(ctx);
	pm_set_command(ctx->cmd->name);
	return run_command(ctx);
}

/* Options before the command. -1: go on with what is left in ctx. */
static int global_options(struct pm_ctx *ctx)
{
	static const struct option longs[] = {
		{ "data", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ 0 },
	};
	int got;

	opterr = 0;
	while ((got = getopt_long(ctx->argc, ctx->argv, "+:d:h", longs, NULL)) != -1) {
		switch (got) {
		case 'd':
			ctx->data_dir = optarg;
			break;
		case 'h':
		case OPT_HELP:
			pm_help_all(stdout);
			return PM_EXIT_OK;
		case OPT_VERSION:
			printf("pm %s\n", PM_VERSION);
			return PM_EXIT_OK;
		case ':':
			return pm_usage(NULL, "option %s needs a value", ctx->argv[optind - 1]);
		default:
			return pm_usage(NULL, "unknown option %s; pm --help lists them", ctx->argv[optind - 1]);
		}
	}
	ctx->argc -= optind;
	ctx->argv += optind;
	return -1;
}

int pm_dispatch(int argc, char **argv)
{
	const char *env = getenv("PM_DATA");
	struct pm_ctx ctx = { .data_dir = env && *env ? env : "./data", .argc = argc, .argv = argv,
		.fsync_ms = TSDB_FSYNC_DEFAULT_MS };

	signal(SIGPIPE, SIG_IGN); /* servers must not die of a peer; pm_flush_stdout minds the pipe */
	int code = global_options(&ctx);

	if (code < 0 && ctx.argc < 1) {
		pm_help_all(stderr);
		code = PM_EXIT_USAGE;
	} else if (code < 0) {
		code = run_line(&ctx);
	}
	int flushed = pm_flush_stdout();

	return code == PM_EXIT_OK ? flushed : code;
}
