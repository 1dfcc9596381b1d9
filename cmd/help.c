/* help.c - help made from the commands' structs: pm --help, pm help CMD, pm CMD --help. */
#include "cmd/cmd.h"

#include <stdio.h>

enum { HELP_COLUMN = 26, HELP_WIDTH = 96 };

static const char *const groups[PM_GROUP_COUNT] = {
	[PM_GROUP_COLLECT] = "Collect",
	[PM_GROUP_QUERY] = "Ask",
	[PM_GROUP_STORE] = "Store",
	[PM_GROUP_SERVE] = "Serve",
};

static bool group_used(enum pm_cmd_group g)
{
	for (size_t i = 0; pm_cmds[i]; i++) {
		if (pm_cmds[i]->group == g)
			return true;
	}
	return false;
}

void pm_help_all(FILE *out)
{
	fprintf(out, "pm %s: Prometheus as a Unix toolchain\n\n", PM_VERSION);
	fprintf(out, "usage: pm [-d DIR] COMMAND [OPTIONS] [ARGS]\n");
	for (int g = 0; g < PM_GROUP_COUNT; g++) {
		if (!group_used(g))
			continue;
		fprintf(out, "\n%s\n", groups[g]);
		for (size_t i = 0; pm_cmds[i]; i++) {
			if (pm_cmds[i]->group == (enum pm_cmd_group)g)
				fprintf(out, "  %-10s%s\n", pm_cmds[i]->name, pm_cmds[i]->summary);
		}
	}
	fprintf(out,
		"\n  -d, --data DIR    data directory, before or after the command (environment PM_DATA, else ./data)\n"
		"      --help        this text; pm help COMMAND or pm COMMAND --help for one command\n"
		"      --version     print the version\n\n"
		"pm FOO runs pm-FOO from PATH when FOO is none of these.\n"
		"Exit status: 0 done, 1 failed, 2 wrong usage, 3 an empty answer (pm query -e).\n");
}

/* The end of the next part of a usage: a word, or all of a bracket. */
static size_t usage_part(const char *s)
{
	size_t n = 0;

	for (int depth = 0; s[n] && (depth > 0 || s[n] != ' '); n++)
		depth += (s[n] == '[') - (s[n] == ']');
	return n;
}

void pm_help_usage(FILE *out, const struct pm_cmd *cmd)
{
	int indent = fprintf(out, "usage: pm %s", cmd->name), column = indent;

	for (const char *s = cmd->usage; *s;) {
		size_t n = usage_part(s);

		if (column > indent && column + 1 + (int)n > HELP_WIDTH)
			column = fprintf(out, "\n%*s", indent, "") - 1;
		column += fprintf(out, " %.*s", (int)n, s);
		s += n + (s[n] == ' ');
	}
	fputc('\n', out);
}

/* `text` from column HELP_COLUMN on, broken at blanks. The cursor is at `column`. */
static void wrapped(FILE *out, const char *text, int column)
{
	if (column >= HELP_COLUMN) {
		fputc('\n', out);
		column = 0;
	}
	fprintf(out, "%*s", HELP_COLUMN - column, "");
	column = HELP_COLUMN;
	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + (int)n > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		}
		if (column > HELP_COLUMN)
			column += fprintf(out, " ");
		column += fprintf(out, "%.*s", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

/* `alias`: another spelling of the option before, which had the letter. */
static void option(FILE *out, const struct pm_opt *o, bool alias)
{
	int column;

	if (o->id < PM_OPT_ID && !alias)
		column = fprintf(out, "  -%c, --%s%s%s", o->id, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	else
		column = fprintf(out, "      --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	wrapped(out, o->help, column);
}

static void indented(FILE *out, const char *title, const char *text)
{
	fprintf(out, "\n%s\n", title);
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		fprintf(out, "  %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

void pm_help_cmd(FILE *out, const struct pm_cmd *cmd)
{
	fprintf(out, "pm %s: %s\n\n", cmd->name, cmd->summary);
	pm_help_usage(out, cmd);
	fputc('\n', out);
	for (const struct pm_opt *o = cmd->opts; o && o->name; o++)
		option(out, o, o > cmd->opts && o[-1].id == o->id);
	for (size_t i = 0; pm_opt_common(cmd, i); i++)
		option(out, pm_opt_common(cmd, i), false);
	if (cmd->help) {
		size_t n = strlen(cmd->help);

		fprintf(out, "\n%s%s", cmd->help, n && cmd->help[n - 1] == '\n' ? "" : "\n");
	}
	indented(out, "Examples", cmd->example);
}

int pm_help_run(struct pm_ctx *ctx)
{
	if (ctx->argc < 2) {
		pm_help_all(stdout);
		return PM_EXIT_OK;
	}
	if (strcmp(ctx->argv[1], "--completion") == 0) {
		if (ctx->argc == 3 && strcmp(ctx->argv[2], "bash") == 0)
			return pm_completion_bash();
		return pm_usage(NULL, "help: completion is there for bash: pm help --completion bash");
	}
	const struct pm_cmd *cmd = pm_cmd_find(ctx->argv[1]);

	if (!cmd)
		return pm_usage(NULL, "help: no command \"%s\"; pm --help lists them", ctx->argv[1]);
	pm_help_cmd(stdout, cmd);
	return PM_EXIT_OK;
}
