/* config.h - prometheus.yml: what to scrape, how often, and the targets that follow from it.
 *
 * Every key of upstream's format is known: those that pm does not act on yet are told as warnings with file and line,
 * and what is no key at all is refused. */
#ifndef PM_SERVE_CONFIG_H
#define PM_SERVE_CONFIG_H

#include "cmd/serve/compactor.h"
#include "libscrape/scrape.h"
#include "libtsdb/base/arena.h"
#include "libtsdb/pm.h"

struct pm_yaml;

/* One target of one job, ready for the scrape loop. */
struct pm_config_target {
	struct scrape_target scrape;   /* labels: what its samples get */
	struct pm_labels discovered;   /* labels before those that begin with "__" were removed */
	struct pm_str job;
	size_t index;                  /* of the target in its configuration */
	uint64_t hash;                 /* of URL and labels, to find doubles */
	struct pm_config_target *next;
};

struct pm_config_warning {
	int line;
	const char *text;
	struct pm_config_warning *next;
};

/* All it points to lives as long as it does. */
struct pm_config {
	struct pm_arena arena;
	struct pm_yaml *yaml;          /* strings point into it */
	const char *file;              /* for messages; "built-in" */
	struct pm_str text;            /* as read */
	int64_t scrape_interval_ms, scrape_timeout_ms;
	struct pm_labels external_labels;
	struct pm_retention retention;     /* what it says; zeroes where it says nothing */
	size_t exemplar_max;               /* 0: not said */
	struct pm_config_target *targets;  /* in the order of the file */
	size_t target_count, job_count;
	struct pm_str *jobs;           /* names, in the order of the file */
	struct pm_config_warning *warnings;
};

/* PM_ERR_INVALID with file, line and reason; PM_ERR_NOTFOUND and others of reading the file. */
int pm_config_load(const char *file, struct pm_config **ret, struct pm_error *err);
/* The same from memory; `name` stands for the file in messages. */
int pm_config_parse(const char *name, struct pm_str text, struct pm_config **ret, struct pm_error *err);
/* What `pm serve` does without -c: scrape itself and this host, both at `address` ("127.0.0.1:9090"). */
int pm_config_builtin(const char *address, struct pm_config **ret, struct pm_error *err);
void pm_config_free(struct pm_config *c); /* NULL allowed */

#endif
