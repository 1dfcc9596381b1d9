/* cmd.h - what a subcommand is. One struct beside the code of each; main.c lists pointers and nothing else.
 * Help, completion and the synopsis of the man page come from the struct. */
#ifndef PM_CMD_H
#define PM_CMD_H

#include "libtsdb/pm.h"
#include "libtsdb/tsdb.h"

#include <stdio.h>

enum pm_exit { PM_EXIT_OK = 0, PM_EXIT_FAIL = 1, PM_EXIT_USAGE = 2, PM_EXIT_LINT = 3, PM_EXIT_EMPTY = 3 };

enum pm_cmd_group { PM_GROUP_COLLECT, PM_GROUP_QUERY, PM_GROUP_STORE, PM_GROUP_SERVE };

enum pm_cmd_flags {
	PM_CMD_DATA_READ = 1,  /* the dispatcher opens the data directory for reading before run() */
	PM_CMD_DATA_WRITE = 2, /* ... for writing, made when missing */
};

/* One option. `arg`: the name of its value in help ("FILE"), NULL for a flag. `id`: what opt_next returns; a letter
 * when there is a short form. The last entry is zeroed. */
struct pm_opt {
	const char *name;
	int id;
	const char *arg;
	const char *help;
};

/* What a command runs with. */
struct pm_ctx {
	const struct pm_cmd *cmd;
	const char *data_dir;  /* -d, PM_DATA or ./data */
	struct tsdb *db;       /* when PM_CMD_DATA_* */
	int argc;              /* without "pm" and global options; argv[0] is the command's name */
	char **argv;
};

struct pm_cmd {
	const char *name;
	enum pm_cmd_group group;
	unsigned flags;
	const char *summary;   /* one line, lower case, no full stop */
	const char *usage;     /* "[--retention D] [--watch]" */
	const char *help;      /* paragraphs below the options; NULL for none */
	const char *example;   /* at least one, as typed in a shell */
	const struct pm_opt *opts;
	int (*run)(struct pm_ctx *ctx); /* enum pm_exit */
};

extern const struct pm_cmd *const pm_cmds[]; /* ends with NULL */

/* opt.c: options over getopt_long. Global -d/--data and --help are handled inside.
 *     while ((id = pm_opt_next(ctx, &value)) > 0) switch (id) { ... }
 *     if (id < 0) return PM_EXIT_USAGE;
 * After it, ctx->argc/argv are what was left, argv[0] the first argument. */
int pm_opt_next(struct pm_ctx *ctx, const char **ret_value);

/* out.c: errors on stderr, as `pm CMD: message`, with file:line:column when known. Returns PM_EXIT_FAIL. */
int pm_report(const struct pm_ctx *ctx, const struct pm_error *err);
int pm_usage(const struct pm_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* PM_EXIT_USAGE */
void pm_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
