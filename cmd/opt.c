/* opt.c - the options of a command over getopt_long, with what all commands share: -d/--data, --fsync, --help.
 *
 * getopt keeps its state in globals, so one command line is read at a time; the dispatcher reads it once to see that it
 * is well-formed, the command a second time for its values. */
#include "cmd/cmd.h"

#include "libtsdb/base/num.h"

#include <assert.h>
#include <getopt.h>

enum { OPT_HELP = 1000, OPT_FSYNC, OPT_SERIES, OPT_JOB_SERIES, OPT_BYTES, OPTIONS_MAX = 64 };
enum { DATA_ANY = PM_CMD_DATA_READ | PM_CMD_DATA_WRITE | PM_CMD_DATA_NAMED };

static const struct pm_opt opt_data = { "data", 'd', "DIR", "data directory (environment PM_DATA, else ./data)" };
static const struct pm_opt opt_fsync = { "fsync", OPT_FSYNC, "WHEN",
	"sync to disk: always, never, or at most so much later (1s)" };
static const struct pm_opt opt_quotas[] = {
	{ "max-series", OPT_SERIES, "N", "refuse new series beyond so many (no limit)" },
	{ "max-series-per-job", OPT_JOB_SERIES, "N", "refuse new series of a job beyond so many (no limit)" },
	{ "max-bytes", OPT_BYTES, "SIZE", "take no samples while the store is so large, such as 20GB (no limit)" },
};
static const struct pm_opt opt_help = { "help", OPT_HELP, NULL, "this text" };

const struct pm_opt *pm_opt_common(const struct pm_cmd *cmd, size_t i)
{
	const struct pm_opt *list[6];
	size_t n = 0;

	if (cmd->flags & DATA_ANY)
		list[n++] = &opt_data;
	if (cmd->flags & PM_CMD_DATA_WRITE)
		list[n++] = &opt_fsync;
	for (size_t q = 0; q < 3 && (cmd->flags & PM_CMD_QUOTAS); q++)
		list[n++] = &opt_quotas[q];
	list[n++] = &opt_help;
	return i < n ? list[i] : NULL;
}

/* getopt's tables of one command. */
struct table {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 2];
	size_t count, short_len;
};

static bool has_short(const struct pm_opt *o)
{
	return o->id < PM_OPT_ID;
}

static void add(struct table *t, const struct pm_opt *o)
{
	assert(t->count < OPTIONS_MAX);
	t->longs[t->count++] = (struct option){ o->name, o->arg ? required_argument : no_argument, NULL, o->id };
	if (!has_short(o))
		return;
	t->shorts[t->short_len++] = (char)o->id;
	if (o->arg)
		t->shorts[t->short_len++] = ':';
}

/* -d is taken by every command, also by those that do not need it: a script may put it everywhere. */
static void build(struct table *t, const struct pm_cmd *cmd)
{
	*t = (struct table){ .shorts = ":", .short_len = 1 };
	for (const struct pm_opt *o = cmd->opts; o && o->name; o++)
		add(t, o);
	if (!(cmd->flags & DATA_ANY))
		add(t, &opt_data);
	for (size_t i = 0; pm_opt_common(cmd, i); i++)
		add(t, pm_opt_common(cmd, i));
}

static int bad_option(const struct pm_ctx *ctx, const struct table *t, int got)
{
	const char *word = ctx->argv[optind - 1];

	if (got == ':')
		return pm_usage(ctx, "option %s needs a value", word);
	for (size_t i = 0; i < t->count && optopt; i++) {
		if (t->longs[i].val == optopt)
			return pm_usage(ctx, "option --%s takes no value", t->longs[i].name);
	}
	if (optopt)
		return pm_usage(ctx, "unknown option -%c", optopt);
	return pm_usage(ctx, "unknown option %s", word);
}

static int fsync_value(struct pm_ctx *ctx, const char *text)
{
	if (strcmp(text, "always") == 0) {
		ctx->fsync_ms = TSDB_FSYNC_ALWAYS;
	} else if (strcmp(text, "never") == 0) {
		ctx->fsync_ms = TSDB_FSYNC_NEVER;
	} else if (pm_duration_parse(pm_str(text), &ctx->fsync_ms) != 0 || ctx->fsync_ms < 0) {
		pm_usage(ctx, "bad value of --fsync: \"%s\" is neither always, never nor a duration", text);
		return PM_ERR_INVALID;
	}
	return 0;
}

static int quota_value(struct pm_ctx *ctx, int id, const char *text)
{
	uint64_t *to = id == OPT_SERIES ? &ctx->series_max : &ctx->job_series_max;
	struct pm_error err = { 0 };

	if (id == OPT_BYTES && pm_size_arg(text, &ctx->bytes_max, &err) < 0) {
		pm_usage(ctx, "--max-bytes: %s", err.msg);
		return PM_ERR_INVALID;
	}
	if (id != OPT_BYTES && pm_uint_parse(pm_str(text), to) != 0) {
		pm_usage(ctx, "--%s: \"%s\" is not a number", opt_quotas[id - OPT_SERIES].name, text);
		return PM_ERR_INVALID;
	}
	return 0;
}

/* Prometheus's names have dots ("--config.file"), and people write them with one dash too: "-config.file=x" is not -c
 * with the value "onfig.file=x". */
static int next_option(const struct pm_ctx *ctx, const struct table *t)
{
	int at = optind ? optind : 1;
	const char *word = at < ctx->argc ? ctx->argv[at] : "";
	size_t name_len = strcspn(word, "=");

	if (word[0] == '-' && word[1] != '-' && memchr(word, '.', name_len))
		return getopt_long_only(ctx->argc, ctx->argv, t->shorts, t->longs, NULL);
	return getopt_long(ctx->argc, ctx->argv, t->shorts, t->longs, NULL);
}

int pm_opt_next(struct pm_ctx *ctx, const char **ret_value)
{
	static struct table t;
	int got;

	if (!ctx->opt_begun) {
		build(&t, ctx->cmd);
		optind = 0; /* glibc: forget the last command line */
		opterr = 0;
		ctx->opt_begun = true;
	}
	while ((got = next_option(ctx, &t)) != -1) {
		if (got == '?' || got == ':') {
			bad_option(ctx, &t, got);
			return PM_ERR_INVALID;
		}
		if (got == OPT_HELP) {
			ctx->help = true;
		} else if (got == OPT_FSYNC) {
			if (fsync_value(ctx, optarg) < 0)
				return PM_ERR_INVALID;
		} else if (got >= OPT_SERIES && got <= OPT_BYTES) {
			if (quota_value(ctx, got, optarg) < 0)
				return PM_ERR_INVALID;
		} else if (got == opt_data.id) {
			ctx->data_dir = optarg;
		} else {
			*ret_value = optarg;
			return got;
		}
	}
	ctx->argc -= optind;
	ctx->argv += optind;
	return 0;
}
