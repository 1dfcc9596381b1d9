/* job.h - one scrape_config as read, and the targets that follow from it. Between config.c and job.c. */
#ifndef PM_SERVE_JOB_H
#define PM_SERVE_JOB_H

#include "cmd/serve/config.h"

/* One URL parameter of `params`, in the order of the file. */
struct pm_job_param {
	struct pm_str name, value;
};

/* One entry of static_configs. Labels are sorted. */
struct pm_job_group {
	const struct pm_str *targets;
	const int *lines;              /* of each target, for messages */
	size_t target_count;
	struct pm_labels labels;
};

struct pm_job {
	int line;
	struct pm_str name, metrics_path, scheme;
	int64_t interval_ms, timeout_ms;
	bool honor_labels, honor_timestamps;
	size_t body_size_max, sample_max;
	const struct pm_job_param *params;
	size_t param_count;
	const struct pm_job_group *groups;
	size_t group_count;
};

/* Append the targets of `job` to `c`, without doubles. PM_ERR_INVALID with file, line and reason. */
int pm_job_targets(struct pm_config *c, const struct pm_job *job, struct pm_error *err);

/* Fill `err` with the configuration's file and this line. Returns PM_ERR_INVALID. */
int pm_config_fail(const struct pm_config *c, int line, struct pm_error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
