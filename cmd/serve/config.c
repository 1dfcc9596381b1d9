/* config.c - see config.h. Each section is a table of its keys and their readers (reader.h), and of keys that are known
 * and not acted on yet. */
#include "cmd/serve/config.h"

#include "cmd/serve/reader.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"
#include "libtsdb/tsdb.h"

#include <fcntl.h>

enum { FILE_BYTES_MAX = 64 << 20, DEFAULT_INTERVAL_MS = 60000, DEFAULT_TIMEOUT_MS = 10000 };

static int global_interval(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_duration(r, n, &r->c->scrape_interval_ms);
}

static int global_timeout(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_duration(r, n, &r->c->scrape_timeout_ms);
}

static int global_labels(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_labels(r, n, &r->c->external_labels);
}

static int global_body_size(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_size(r, n, &r->body_size_max);
}

static int global_samples(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_count(r, n, &r->sample_max);
}

static const struct pm_section section_global = {
	.name = "global",
	.keys = (const struct pm_key[]){ { "scrape_interval", global_interval }, { "scrape_timeout", global_timeout },
		{ "external_labels", global_labels }, { "body_size_limit", global_body_size },
		{ "sample_limit", global_samples }, { "evaluation_interval", NULL }, { "rule_query_offset", NULL },
		{ "metric_name_validation_scheme", NULL }, { "keep_dropped_targets", NULL }, { 0 } },
	.later = (const char *const[]){ "scrape_protocols", "query_log_file", "scrape_failure_log_file", "target_limit",
		"label_limit", "label_name_length_limit", "label_value_length_limit", "metric_name_escaping_scheme",
		"scrape_native_histograms", "convert_classic_histograms_to_nhcb", "always_scrape_classic_histograms",
		"extra_scrape_metrics", NULL },
};

static int read_global(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_map(r, &section_global, n);
}

static int retention_time(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_duration(r, n, &r->c->retention.ms);
}

static int retention_size(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_size(r, n, &r->c->retention.bytes);
}

static int retention_percentage(struct pm_reader *r, const struct pm_yaml_node *n)
{
	double *v = &r->c->retention.percentage;
	struct pm_str text;
	int rc = pm_yaml_str(n, &text, r->err);
	if (rc || n->kind == PM_YAML_NULL)
		return rc;
	if (pm_double_parse(text, v) || !(*v >= 0 && *v <= 100))
		return pm_yaml_fail(n, r->err, "'storage.tsdb.retention.percentage' must be in the range [0, 100]");
	return 0;
}

static const struct pm_section section_retention = {
	.name = "retention",
	.keys = (const struct pm_key[]){ { "time", retention_time }, { "size", retention_size },
		{ "percentage", retention_percentage }, { 0 } },
};

static int storage_retention(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_map(r, &section_retention, n);
}

/* Which encoding of chunks: pm takes what is smallest. */
static int encoding_floats(struct pm_reader *r, const struct pm_yaml_node *n)
{
	struct pm_str text;
	int rc = pm_yaml_str(n, &text, r->err);
	if (rc || n->kind == PM_YAML_NULL || pm_str_eq(text, PM_STR("xor")) || pm_str_eq(text, PM_STR("xor2")))
		return rc;
	return pm_yaml_fail(n, r->err, "unknown chunk encoding \"%.*s\": want xor or xor2", PM_STR_ARG(text));
}

static const struct pm_section section_encoding = {
	.name = "chunk_encoding",
	.keys = (const struct pm_key[]){ { "floats", encoding_floats }, { 0 } },
};

static int tsdb_encoding(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_map(r, &section_encoding, n);
}

/* Samples out of order are always taken, so a window for them limits nothing. */
static const struct pm_section section_tsdb = {
	.name = "tsdb",
	.keys = (const struct pm_key[]){ { "retention", storage_retention },
		{ "out_of_order_time_window", NULL }, { "chunk_encoding", tsdb_encoding }, { 0 } },
	.later = (const char *const[]){ "stale_series_compaction_threshold", NULL },
};

static int storage_tsdb(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_map(r, &section_tsdb, n);
}

/* 0 keeps none. */
static int exemplars_max(struct pm_reader *r, const struct pm_yaml_node *n)
{
	size_t max = 0;
	int rc = pm_read_count(r, n, &max);
	r->c->exemplar_max = max ? max : TSDB_EXEMPLARS_NONE;
	return rc;
}

static const struct pm_section section_exemplars = {
	.name = "exemplars",
	.keys = (const struct pm_key[]){ { "max_exemplars", exemplars_max }, { 0 } },
};

static int storage_exemplars(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_map(r, &section_exemplars, n);
}

static const struct pm_section section_storage = {
	.name = "storage",
	.keys = (const struct pm_key[]){ { "tsdb", storage_tsdb }, { "exemplars", storage_exemplars }, { 0 } },
};

static int read_storage(struct pm_reader *r, const struct pm_yaml_node *n)
{
	return pm_read_map(r, &section_storage, n);
}

static const struct pm_section section_root = {
	.name = "the configuration",
	/* global is read before everything else, and scrape_configs after it, wherever they stand */
	.keys = (const struct pm_key[]){ { "global", NULL }, { "scrape_configs", NULL }, { "runtime", NULL },
		{ "storage", read_storage }, { 0 } },
	.later = (const char *const[]){ "alerting", "rule_files", "scrape_config_files", "tracing",
		"remote_write", "remote_read", "otlp", NULL },
};

static int finish_global(struct pm_reader *r, const struct pm_yaml_node *n)
{
	struct pm_config *c = r->c;
	if (c->scrape_interval_ms == 0)
		c->scrape_interval_ms = DEFAULT_INTERVAL_MS;
	if (c->scrape_timeout_ms > c->scrape_interval_ms)
		return pm_yaml_fail(n, r->err, "global scrape timeout greater than scrape interval");
	if (c->scrape_timeout_ms == 0)
		c->scrape_timeout_ms =
			c->scrape_interval_ms < DEFAULT_TIMEOUT_MS ? c->scrape_interval_ms : DEFAULT_TIMEOUT_MS;
	return 0;
}

static int read_root(struct pm_reader *r, const struct pm_yaml_node *root)
{
	const struct pm_yaml_node *global = pm_yaml_get(root, "global"), *jobs = pm_yaml_get(root, "scrape_configs");
	int rc = pm_read_map(r, &section_root, root);
	if (rc == 0 && global)
		rc = read_global(r, global);
	if (rc == 0)
		rc = finish_global(r, global ? global : root);
	if (rc || !jobs)
		return rc;
	r->c->jobs = pm_arena_array(&r->c->arena, jobs->count + 1, sizeof *r->c->jobs);
	if (!r->c->jobs)
		return pm_fail(r->err, PM_ERR_NOMEM, "out of memory");
	return pm_read_seq(r, jobs, "scrape_configs", pm_read_job);
}

/* ---- whole files -------------------------------------------------------------------------------- */

int pm_config_parse(const char *name, struct pm_str text, struct pm_config **ret, struct pm_error *err)
{
	struct pm_config *c = pm_calloc(1, sizeof *c);
	if (!c)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	c->text = pm_arena_str(&c->arena, text);
	c->file = pm_arena_str(&c->arena, pm_str(name)).ptr;
	int rc = c->text.ptr && c->file ? pm_yaml_load(text, name, &c->yaml, err)
					: pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (rc == 0)
		rc = read_root(&(struct pm_reader){ .c = c, .err = err }, pm_yaml_root(c->yaml));
	if (rc) {
		pm_config_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

int pm_config_load(const char *file, struct pm_config **ret, struct pm_error *err)
{
	char *text;
	size_t len;
	int rc = pm_fs_read_file(AT_FDCWD, file, FILE_BYTES_MAX, &text, &len, err);
	if (rc)
		return rc;
	rc = pm_config_parse(file, (struct pm_str){ text, len }, ret, err);
	pm_free(text);
	return rc;
}

int pm_config_builtin(const char *address, struct pm_config **ret, struct pm_error *err)
{
	struct pm_buf text = { 0 };
	pm_buf_fmt(&text,
		"global:\n"
		"  scrape_interval: 5s\n"
		"scrape_configs:\n"
		"  - job_name: pm\n"
		"    static_configs:\n"
		"      - targets: ['%s']\n"
		"  - job_name: node\n"
		"    metrics_path: /metrics/host\n"
		"    static_configs:\n"
		"      - targets: ['%s']\n", address, address);
	int rc = pm_buf_error(&text) ? pm_fail(err, PM_ERR_NOMEM, "out of memory") :
				       pm_config_parse("built-in", pm_buf_view(&text), ret, err);
	pm_buf_release(&text);
	return rc;
}

void pm_config_free(struct pm_config *c)
{
	if (!c)
		return;
	pm_yaml_free(c->yaml);
	pm_arena_release(&c->arena);
	pm_free(c);
}
