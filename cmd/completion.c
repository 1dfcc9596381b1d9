/* completion.c - completion for bash, made from the commands' structs: `pm help --completion bash`. */
#include "cmd/cmd.h"

static void words_of(const struct pm_cmd *cmd)
{
	for (const struct pm_opt *o = cmd->opts; o && o->name; o++)
		printf("--%s ", o->name);
	for (size_t i = 0; pm_opt_common(cmd, i); i++)
		printf("--%s ", pm_opt_common(cmd, i)->name);
}

/* Options whose value is no file: nothing is offered behind them. */
static void plain_values(const struct pm_cmd *cmd)
{
	for (const struct pm_opt *o = cmd->opts; o && o->name; o++) {
		if (o->arg && strcmp(o->arg, "FILE") != 0 && strcmp(o->arg, "DIR") != 0)
			printf("--%s|", o->name);
	}
	printf("--fsync");
}

int pm_completion_bash(void)
{
	printf("_pm()\n"
	       "{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= i\n"
	       "\tCOMPREPLY=()\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n"
	       "\t\t-d | --data) ((i++)) ;;\n"
	       "\t\t-*) ;;\n"
	       "\t\t*) cmd=${COMP_WORDS[i]}; break ;;\n"
	       "\t\tesac\n"
	       "\tdone\n"
	       "\tcase $prev in\n"
	       "\t-d | --data) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
	       "\tesac\n"
	       "\tlocal words= values=\n"
	       "\tcase $cmd in\n"
	       "\t'' | help) words='");
	for (size_t i = 0; pm_cmds[i]; i++)
		printf("%s ", pm_cmds[i]->name);
	printf("help --data --help --version' ;;\n");
	for (size_t i = 0; pm_cmds[i]; i++) {
		printf("\t%s) words='", pm_cmds[i]->name);
		words_of(pm_cmds[i]);
		printf("' values='");
		plain_values(pm_cmds[i]);
		printf("' ;;\n");
	}
	printf("\tesac\n"
	       "\t[[ -n $values && $prev =~ ^($values)$ ]] && return\n"
	       "\t[[ -n $cmd && $cmd != help && $cur != -* ]] && COMPREPLY=($(compgen -f -- \"$cur\")) && return\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "}\n"
	       "complete -o filenames -F _pm pm\n");
	return PM_EXIT_OK;
}
