/* main.c - the commands. Each is a struct beside its code; cmd/dispatch.c finds and runs them. */
#include "cmd/cmd.h"

extern const struct pm_cmd pm_cmd_scrape, pm_cmd_import, pm_cmd_expose, pm_cmd_query, pm_cmd_test, pm_cmd_serve,
	pm_cmd_inspect, pm_cmd_snapshot, pm_cmd_dump, pm_cmd_compact, pm_cmd_delete;

const struct pm_cmd *const pm_cmds[] = {
	&pm_cmd_scrape,
	&pm_cmd_expose,
	&pm_cmd_query,
	&pm_cmd_test,
	&pm_cmd_import,
	&pm_cmd_dump,
	&pm_cmd_compact,
	&pm_cmd_delete,
	&pm_cmd_inspect,
	&pm_cmd_snapshot,
	&pm_cmd_serve,
	NULL,
};

int main(int argc, char **argv)
{
	return pm_dispatch(argc, argv);
}
