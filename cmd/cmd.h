/* cmd.h - what a subcommand is. One struct beside the code of each; main.c lists pointers and nothing else.
 * Help, completion and the synopsis of the man page come from the struct. */
#ifndef PM_CMD_H
#define PM_CMD_H

#include "libtsdb/pm.h"
#include "libtsdb/tsdb.h"

#include <stdio.h>

enum pm_exit { PM_EXIT_OK = 0, PM_EXIT_FAIL = 1, PM_EXIT_USAGE = 2, PM_EXIT_LINT = 3, PM_EXIT_EMPTY = 3 };

enum pm_cmd_group { PM_GROUP_COLLECT, PM_GROUP_QUERY, PM_GROUP_STORE, PM_GROUP_SERVE, PM_GROUP_COUNT };

enum pm_cmd_flags {
	PM_CMD_DATA_READ = 1,  /* the dispatcher opens the data directory for reading before run() */
	PM_CMD_DATA_WRITE = 2, /* ... for writing, made when missing; the command has --fsync */
	PM_CMD_DATA_NAMED = 4, /* the command opens it by itself, and has -d */
	PM_CMD_QUOTAS = 8,     /* it brings new series, and has --max-series and the like */
};

/* One option. `arg`: the name of its value in help ("FILE"), NULL for a flag. `id`: what opt_next returns; a letter
 * when there is a short form. The last entry is zeroed. */
struct pm_opt {
	const char *name;
	int id;
	const char *arg;
	const char *help;
};

enum { PM_OPT_ID = 256 }; /* ids of options without a short form start here */

/* What a command runs with. */
struct pm_ctx {
	const struct pm_cmd *cmd;
	const char *data_dir;  /* -d, PM_DATA or ./data */
	struct tsdb *db;       /* when PM_CMD_DATA_*; the dispatcher closes it */
	int argc;              /* without "pm" and global options; argv[0] is the command's name */
	char **argv;
	int64_t fsync_ms;      /* --fsync, for tsdb_opts; so are these: */
	uint64_t series_max, job_series_max, bytes_max;
	bool help;             /* --help was given */
	bool opt_begun;        /* internal to opt.c */
};

struct pm_cmd {
	const char *name;
	enum pm_cmd_group group;
	unsigned flags;
	int args_min;          /* fewer arguments than this are a usage error; there is no upper limit */
	const char *summary;   /* one line, lower case, no full stop */
	const char *usage;     /* "[--retention D] [--watch]" */
	const char *help;      /* paragraphs below the options; NULL for none */
	const char *example;   /* at least one, as typed in a shell; lines */
	const struct pm_opt *opts;
	int (*run)(struct pm_ctx *ctx); /* enum pm_exit */
};

extern const struct pm_cmd *const pm_cmds[]; /* ends with NULL */

/* dispatch.c: find the command, check its options, open the data directory as its flags say, run it, see that stdout
 * was written. Returns the exit code. */
int pm_dispatch(int argc, char **argv);
const struct pm_cmd *pm_cmd_find(const char *name); /* NULL when there is none */

/* opt.c: options over getopt_long. -d/--data, --fsync and --help are handled inside.
 *     while ((id = pm_opt_next(ctx, &value)) > 0) switch (id) { ... }
 *     if (id < 0) return PM_EXIT_USAGE;
 * After it, ctx->argc/argv are what was left, argv[0] the first argument. */
int pm_opt_next(struct pm_ctx *ctx, const char **ret_value);
/* Options that `cmd` has beside its own; NULL after the last. */
const struct pm_opt *pm_opt_common(const struct pm_cmd *cmd, size_t i);

/* help.c: of everything, of one command, and its usage line alone ("usage: pm NAME USAGE", folded when it is long). */
void pm_help_all(FILE *out);
void pm_help_cmd(FILE *out, const struct pm_cmd *cmd);
void pm_help_usage(FILE *out, const struct pm_cmd *cmd);
int pm_help_run(struct pm_ctx *ctx); /* pm help [CMD | --completion bash] */
int pm_completion_bash(void);        /* completion.c */

/* out.c: errors on stderr, as `pm CMD: message`, with file:line:column when known. Returns PM_EXIT_FAIL. */
int pm_report(const struct pm_ctx *ctx, const struct pm_error *err);
int pm_usage(const struct pm_ctx *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* PM_EXIT_USAGE */
void pm_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The name that messages begin with: "pm", or "pm CMD" once the command is known. NULL name: "pm". */
void pm_set_command(const char *name);
/* Escape sequences are welcome on this stream: a terminal, and neither NO_COLOR nor TERM=dumb says otherwise. */
bool pm_colour(FILE *f);
/* Write all of `text` to stdout. PM_EXIT_OK; a failure is told by pm_flush_stdout at the end. */
int pm_print(struct pm_str text);
/* Flush stdout; a full disk is PM_EXIT_FAIL with a message, a closed pipe ends the process as SIGPIPE does. */
int pm_flush_stdout(void);

/* data.c: open ctx->data_dir with enum tsdb_flags as ctx->db. The message names the directory and what to do. */
int pm_data_open(struct pm_ctx *ctx, unsigned flags, struct pm_error *err);
/* How many damaged segments were met since the start, and told on standard error. */
unsigned pm_data_damages(void);
/* Seal the head and merge segments when that is due, for commands that commit and end; it costs microseconds when it is
 * not. Trouble is a line on standard error: what was committed stays as it is. */
void pm_data_compact(struct pm_ctx *ctx);
/* Call `fn` with a querier on what is committed now; again with a new one while it returns PM_ERR_STALE. */
typedef int pm_querier_fn(struct pm_querier *q, void *arg, struct pm_error *err);
int pm_with_querier(struct tsdb *db, pm_querier_fn *fn, void *arg, struct pm_error *err);

/* timearg.c: values of options. A time is "now", relative to now ("-1h", "now-90m", "+5m"), Unix seconds or RFC 3339; a
 * duration is "1h30m" or a number of seconds, not negative. PM_ERR_INVALID with the reason. */
int pm_time_arg(const char *text, int64_t now_ms, int64_t *ret_ms, struct pm_error *err);
int pm_duration_arg(const char *text, int64_t *ret_ms, struct pm_error *err);

/* sizearg.c: a size is a number of bytes with or without a unit, "512MB", "1GiB"; units are powers of 1024. _parse:
 * PM_ERR_INVALID; _arg: with the reason. _format: as Go's units.Base2Bytes, "1GiB512MiB". */
int pm_size_parse(struct pm_str text, uint64_t *ret);
int pm_size_arg(const char *text, uint64_t *ret, struct pm_error *err);
char *pm_size_format(char out[64], uint64_t bytes);

#endif
