/* reader.h - reading a configuration from its YAML tree: sections by tables of keys, and values of the common kinds.
 * Between config.c and config_job.c. */
#ifndef PM_SERVE_READER_H
#define PM_SERVE_READER_H

#include "cmd/serve/config.h"
#include "cmd/serve/job.h"
#include "libtsdb/base/yaml.h"

/* What readers of values get: where to put the value is theirs to know. */
struct pm_reader {
	struct pm_config *c;
	struct pm_job *job;               /* the scrape_config at hand */
	struct pm_job_group *group;       /* the static_config at hand */
	size_t body_size_max, sample_max; /* of global, for jobs without their own */
	struct pm_error *err;
};

typedef int pm_read_fn(struct pm_reader *r, const struct pm_yaml_node *value);

struct pm_key {
	const char *name;
	pm_read_fn *read; /* NULL: nothing to do, and nothing lost by it */
};

struct pm_section {
	const char *name;
	const struct pm_key *keys;  /* ends with a NULL name */
	const char *const *later;   /* known, not acted on yet; ends with NULL */
};

/* Each key of `map` by the reader of its row; keys that are known and do nothing yet become warnings, others are
 * refused. */
int pm_read_map(struct pm_reader *r, const struct pm_section *s, const struct pm_yaml_node *map);
/* `item` for each item of a list; `name` is for the message when it is none. */
int pm_read_seq(struct pm_reader *r, const struct pm_yaml_node *seq, const char *name, pm_read_fn *item);

/* Values. A null leaves `*ret` as it is. */
int pm_read_duration(struct pm_reader *r, const struct pm_yaml_node *n, int64_t *ret_ms);
int pm_read_size(struct pm_reader *r, const struct pm_yaml_node *n, size_t *ret); /* "10MB", in powers of 1024 */
int pm_read_count(struct pm_reader *r, const struct pm_yaml_node *n, size_t *ret);
/* A mapping of names to strings, sorted, empty values left out. */
int pm_read_labels(struct pm_reader *r, const struct pm_yaml_node *map, struct pm_labels *ret);

/* One item of scrape_configs, and the targets that follow from it. */
int pm_read_job(struct pm_reader *r, const struct pm_yaml_node *n);

#endif
