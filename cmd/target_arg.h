/* target_arg.h - targets and their labels as people type them: pm scrape's arguments. */
#ifndef PM_CMD_TARGET_ARG_H
#define PM_CMD_TARGET_ARG_H

#include "libscrape/scrape.h"
#include "libtsdb/base/arena.h"

enum { PM_LABEL_ARGS_MAX = 64 };

/* Labels by name, the last of a name wins; borrowed strings. */
struct pm_label_args {
	struct pm_label v[PM_LABEL_ARGS_MAX];
	size_t count;
};

/* "NAME=VALUE". PM_ERR_INVALID: no "=", an empty name, __name__, not UTF-8; PM_ERR_LIMIT: too many. */
int pm_label_arg(struct pm_label_args *args, const char *text, struct pm_error *err);
int pm_label_arg_set(struct pm_label_args *args, struct pm_str name, struct pm_str value, struct pm_error *err);

/* Fill url and labels of `t`. `text`: an http or https URL, HOST:PORT[/PATH] (http, /metrics when there is no path),
 * or "-" (standard input). The label instance is host and port, upstream's way, unless `args` has one. Everything
 * lives in `arena` or is borrowed from the arguments. PM_ERR_INVALID with the reason. */
int pm_target_arg(struct pm_arena *arena, const char *text, const struct pm_label_args *args, struct scrape_target *t,
	struct pm_error *err);

#endif
