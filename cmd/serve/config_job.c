/* config_job.c - the section scrape_configs of a configuration. */
#include "cmd/serve/reader.h"

#include "libtsdb/base/utf8.h"

/* ---- static_configs ----------------------------------------------------------------------------- */

static int group_targets(struct pm_reader *r, const struct pm_yaml_node *n)
{
	if (n->kind == PM_YAML_NULL)
		return 0;
	if (n->kind != PM_YAML_SEQ)
		return pm_yaml_fail(n, r->err, "targets must be a list");
	struct pm_str *targets = pm_arena_array(&r->c->arena, n->count + 1, sizeof *targets);
	int *lines = pm_arena_array(&r->c->arena, n->count + 1, sizeof *lines);
	if (!targets || !lines)
		return pm_fail(r->err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n->count; i++) {
		int rc = pm_yaml_str(n->items[i], &targets[i], r->err);
		if (rc)
			return rc;
		lines[i] = n->items[i]->line;
	}
	r->group->targets = targets;
	r->group->lines = lines;
	r->group->target_count = n->count;
	return 0;
}

static int group_labels(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_labels(r, n, &r->group->labels);
}

static const struct pm_section section_group = {
	.name = "static_configs",
	.keys = (const struct pm_key[]){ { "targets", group_targets }, { "labels", group_labels }, { 0 } },
};

static int job_static(struct pm_reader *r, const struct pm_yaml_node *n)
{
	if (n->kind == PM_YAML_NULL)
		return 0;
	if (n->kind != PM_YAML_SEQ)
		return pm_yaml_fail(n, r->err, "static_configs must be a list");
	struct pm_job_group *groups = pm_arena_zalloc(&r->c->arena, (n->count + 1) * sizeof *groups);
	if (!groups)
		return pm_fail(r->err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n->count; i++) {
		if (n->items[i]->kind == PM_YAML_NULL)
			return pm_yaml_fail(n->items[i], r->err, "empty or null section in static_configs");
		r->group = &groups[i];
		int rc = pm_read_map(r, &section_group, n->items[i]);
		if (rc)
			return rc;
	}
	r->job->groups = groups;
	r->job->group_count = n->count;
	return 0;
}

/* ---- scrape_configs ----------------------------------------------------------------------------- */

static int job_name(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_yaml_str(n, &r->job->name, r->err);
}

static int job_interval(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_duration(r, n, &r->job->interval_ms);
}

static int job_timeout(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_duration(r, n, &r->job->timeout_ms);
}

static int job_path(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_yaml_str(n, &r->job->metrics_path, r->err);
}

static int job_scheme(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_yaml_str(n, &r->job->scheme, r->err);
}

static int job_honor_labels(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_yaml_bool(n, &r->job->honor_labels, r->err);
}

static int job_honor_timestamps(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_yaml_bool(n, &r->job->honor_timestamps, r->err);
}

static int job_body_size(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_size(r, n, &r->job->body_size_max);
}

static int job_samples(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_count(r, n, &r->job->sample_max);
}

/* The values of one name; `params` has room for all. */
static int read_values(struct pm_reader *r, const struct pm_yaml_pair *p, struct pm_job_param *params, size_t *count)
{
	if (p->value->kind != PM_YAML_SEQ)
		return pm_yaml_fail(
			p->value, r->err, "values of the parameter %.*s must be a list", PM_STR_ARG(p->key));
	for (size_t k = 0; k < p->value->count; k++) {
		struct pm_job_param param = { .name = p->key };
		int rc = pm_yaml_str(p->value->items[k], &param.value, r->err);
		if (rc)
			return rc;
		size_t at = (*count)++; /* sorted by name, as upstream's URLs are; values of a name keep their order */
		for (; at > 0 && pm_str_cmp(params[at - 1].name, param.name) > 0; at--)
			params[at] = params[at - 1];
		params[at] = param;
	}
	return 0;
}

static int job_params(struct pm_reader *r, const struct pm_yaml_node *n)
{
	size_t total = 0, count = 0;
	if (n->kind == PM_YAML_NULL)
		return 0;
	if (n->kind != PM_YAML_MAP)
		return pm_yaml_fail(n, r->err, "params must be a mapping of names to lists");
	for (size_t i = 0; i < n->count; i++)
		total += n->pairs[i].value->count;
	struct pm_job_param *params = pm_arena_array(&r->c->arena, total + 1, sizeof *params);
	if (!params)
		return pm_fail(r->err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n->count; i++) {
		int rc = read_values(r, &n->pairs[i], params, &count);
		if (rc)
			return rc;
	}
	r->job->params = params;
	r->job->param_count = count;
	return 0;
}

static const struct pm_section section_job = {
	.name = "scrape_configs",
	.keys = (const struct pm_key[]){ { "job_name", job_name }, { "scrape_interval", job_interval },
		{ "scrape_timeout", job_timeout }, { "metrics_path", job_path }, { "scheme", job_scheme },
		{ "params", job_params }, { "honor_labels", job_honor_labels },
		{ "honor_timestamps", job_honor_timestamps }, { "body_size_limit", job_body_size },
		{ "sample_limit", job_samples }, { "static_configs", job_static }, { "enable_http2", NULL },
		{ "metric_name_validation_scheme", NULL }, { "keep_dropped_targets", NULL }, { 0 } },
	.later = (const char *const[]){ "scrape_protocols", "fallback_scrape_protocol", "track_timestamps_staleness",
		"enable_compression", "target_limit", "label_limit", "label_name_length_limit",
		"label_value_length_limit", "native_histogram_bucket_limit", "native_histogram_min_bucket_factor",
		"scrape_native_histograms", "convert_classic_histograms_to_nhcb", "always_scrape_classic_histograms",
		"metric_name_escaping_scheme", "extra_scrape_metrics", "scrape_failure_log_file", "relabel_configs",
		"metric_relabel_configs",
		/* HTTP */
		"basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "follow_redirects",
		"tls_config", "proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers",
		/* service discovery */
		"file_sd_configs", "http_sd_configs", "dns_sd_configs", "consul_sd_configs", "kubernetes_sd_configs",
		"docker_sd_configs", "dockerswarm_sd_configs", "nomad_sd_configs", "eureka_sd_configs",
		"serverset_sd_configs", "nerve_sd_configs", "marathon_sd_configs", "puppetdb_sd_configs",
		"uyuni_sd_configs", "kuma_sd_configs", "aws_sd_configs", "ec2_sd_configs", "ecs_sd_configs",
		"elasticache_sd_configs", "lightsail_sd_configs", "msk_sd_configs", "rds_sd_configs",
		"azure_sd_configs", "digitalocean_sd_configs", "gce_sd_configs", "hetzner_sd_configs",
		"ionos_sd_configs", "linode_sd_configs", "oci_sd_configs", "openstack_sd_configs",
		"outscale_sd_configs", "ovhcloud_sd_configs", "scaleway_sd_configs", "stackit_sd_configs",
		"triton_sd_configs", "vultr_sd_configs", NULL },
};

/* Defaults come from global; a job's timeout that was not given follows a shorter interval. */
static int finish_job(struct pm_reader *r, const struct pm_yaml_node *n)
{
	struct pm_job *job = r->job;
	char quoted[128];
	pm_quote_fixed(quoted, sizeof quoted, job->name);
	if (job->name.len == 0)
		return pm_yaml_fail(n, r->err, "job_name is empty");
	for (size_t i = 0; i < r->c->job_count; i++)
		if (pm_str_eq(r->c->jobs[i], job->name))
			return pm_yaml_fail(n, r->err, "found multiple scrape configs with job name %s", quoted);
	if (job->interval_ms == 0)
		job->interval_ms = r->c->scrape_interval_ms;
	if (job->timeout_ms > job->interval_ms)
		return pm_yaml_fail(n, r->err,
			"scrape timeout greater than scrape interval for scrape config with job name %s", quoted);
	if (job->timeout_ms == 0)
		job->timeout_ms =
			r->c->scrape_timeout_ms < job->interval_ms ? r->c->scrape_timeout_ms : job->interval_ms;
	if (job->body_size_max == 0)
		job->body_size_max = r->body_size_max;
	if (job->sample_max == 0)
		job->sample_max = r->sample_max;
	return 0;
}

int pm_read_job(struct pm_reader *r, const struct pm_yaml_node *n)
{
	struct pm_job job = {
		.line = n->line,
		.metrics_path = PM_STR("/metrics"),
		.scheme = PM_STR("http"),
		.honor_timestamps = true,
	};
	if (n->kind == PM_YAML_NULL)
		return pm_yaml_fail(n, r->err, "empty or null scrape config section");
	r->job = &job;
	int rc = pm_read_map(r, &section_job, n);
	if (rc == 0)
		rc = finish_job(r, n);
	if (rc)
		return rc;
	r->c->jobs[r->c->job_count++] = job.name;
	return pm_job_targets(r->c, &job, r->err);
}
