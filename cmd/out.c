/* out.c - what every command says in the same words: errors, usage, warnings, and the state of stdout at the end. */
#include "cmd/cmd.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static char command[64] = "pm";

void pm_set_command(const char *name)
{
	if (name)
		snprintf(command, sizeof command, "pm %s", name);
	else
		snprintf(command, sizeof command, "pm");
}

bool pm_colour(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(f)) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

int pm_report(const struct pm_ctx *ctx, const struct pm_error *err)
{
	const char *msg = err->msg[0] ? err->msg : pm_strerror(err->code);

	(void)ctx;
	if (err->file[0] && err->line > 0 && err->column > 0)
		fprintf(stderr, "%s: %s:%d:%d: %s\n", command, err->file, err->line, err->column, msg);
	else if (err->file[0] && err->line > 0)
		fprintf(stderr, "%s: %s:%d: %s\n", command, err->file, err->line, msg);
	else if (err->file[0])
		fprintf(stderr, "%s: %s: %s\n", command, err->file, msg);
	else
		fprintf(stderr, "%s: %s\n", command, msg);
	return PM_EXIT_FAIL;
}

/* Did getopt take this argument, an expression, for options? Not a word such as -z, nor a time behind an option. */
static bool looks_like_expr(const struct pm_ctx *ctx, int i)
{
	const char *a = ctx->argv[i];
	int64_t t_ms;

	if (a[0] != '-' || a[1] == '\0' || a[1] == '-' || (isalpha((unsigned char)a[1]) && a[2] == '\0'))
		return false;
	return i == 0 || ctx->argv[i - 1][0] != '-' || pm_time_arg(a, 0, &t_ms, NULL) < 0;
}

/* Show the way out. The usage line tells which commands take expressions. */
static void hint_minus(const struct pm_ctx *ctx)
{
	if (!strstr(ctx->cmd->usage, "EXPR"))
		return;
	for (int i = 0; i < ctx->argc; i++) {
		if (!looks_like_expr(ctx, i))
			continue;
		fprintf(stderr, "an expression that begins with a minus follows --: pm %s -- '%s'\n", ctx->cmd->name,
			ctx->argv[i]);
		return;
	}
}

int pm_usage(const struct pm_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (!ctx || !ctx->cmd)
		return PM_EXIT_USAGE;
	hint_minus(ctx);
	pm_help_usage(stderr, ctx->cmd);
	return PM_EXIT_USAGE;
}

void pm_warn(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: warning: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int pm_print(struct pm_str text)
{
	if (text.len)
		fwrite(text.ptr, 1, text.len, stdout);
	return PM_EXIT_OK;
}

int pm_flush_stdout(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return PM_EXIT_OK;
	if (errno == EPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	fprintf(stderr, "%s: standard output: %s\n", command, errno ? strerror(errno) : "write failed");
	return PM_EXIT_FAIL;
}
