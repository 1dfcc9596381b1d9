/* api_status.c - /api/v1/status/..., targets, scrape_pools, and answers of parts that have nothing to tell yet. */
#include "cmd/serve/api.h"
#include "cmd/serve/sched.h"
#include "cmd/serve/serve.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/num.h"

#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

/* The version of Prometheus whose API this is; clients such as Grafana decide by it what they may ask. */
#define COMPATIBLE_VERSION "3.14.0"

static void put_str(struct pm_json *j, const char *key, const char *value)
{
	pm_json_key(j, pm_str(key));
	pm_json_cstr(j, value);
}

static void put_int(struct pm_json *j, const char *key, int64_t value)
{
	pm_json_key(j, pm_str(key));
	pm_json_int(j, value);
}

static void put_time(struct pm_json *j, const char *key, int64_t t_ms)
{
	char text[40];
	if (t_ms == PM_NO_TIME) {
		put_str(j, key, "0001-01-01T00:00:00Z"); /* Go's zero time */
		return;
	}
	pm_time_rfc3339(text, t_ms);
	put_str(j, key, text);
}

static void put_duration(struct pm_json *j, const char *key, int64_t ms)
{
	char text[64];
	size_t n = pm_duration_format(text, ms);
	pm_json_key(j, pm_str(key));
	pm_json_str(j, (struct pm_str){ text, n });
}

/* No "features": a map of these makes Grafana take the server for Mimir. */
void pm_api_buildinfo(struct pm_request *r)
{
	struct pm_json j;
	pm_api_begin(r, &j);
	pm_json_object(&j);
	put_str(&j, "version", COMPATIBLE_VERSION);
	put_str(&j, "revision", "pm-" PM_VERSION);
	put_str(&j, "branch", "");
	put_str(&j, "buildUser", "");
	put_str(&j, "buildDate", "");
	put_str(&j, "goVersion", "");
	pm_json_object_end(&j);
	pm_api_end(&j, NULL);
}

/* ---- runtime ------------------------------------------------------------------------------------ */

static int64_t thread_count(void)
{
	struct pm_strings tasks;
	int fd;
	if (pm_fs_openat(AT_FDCWD, "/proc/self/task", PM_FS_READ | PM_FS_DIRECTORY, &fd, NULL))
		return 0;
	int64_t n = 0;
	if (pm_fs_list(fd, &tasks, NULL) == 0) {
		n = (int64_t)tasks.count;
		pm_strings_free(&tasks);
	}
	pm_fs_close(fd);
	return n;
}

static void put_config_state(void *arg, const struct pm_config *config, const struct pm_target_state *states,
	const struct pm_sched_totals *totals)
{
	struct pm_json *j = arg;
	pm_json_key(j, PM_STR("reloadConfigSuccess"));
	pm_json_bool(j, totals->config_ok);
	put_time(j, "lastConfigTime", totals->config_ms);
}

void pm_api_runtimeinfo(struct pm_request *r)
{
	struct pm_json j;
	char dir[4096], host[256] = "", text[192];
	struct pm_retention retention = pm_compactor_retention(r->serve->compactor);
	gethostname(host, sizeof host - 1);
	pm_api_begin(r, &j);
	pm_json_object(&j);
	put_time(&j, "startTime", r->serve->started_ms);
	put_str(&j, "CWD", getcwd(dir, sizeof dir) ? dir : "<error retrieving current working directory>");
	put_str(&j, "hostname", host);
	put_time(&j, "serverTime", pm_now_ms());
	pm_sched_look(r->serve->sched, put_config_state, &j);
	put_int(&j, "corruptionCount", pm_data_damages());
	put_int(&j, "goroutineCount", thread_count());
	put_int(&j, "GOMAXPROCS", sysconf(_SC_NPROCESSORS_ONLN));
	put_int(&j, "GOMEMLIMIT", INT64_MAX);
	put_str(&j, "GOGC", "");
	put_str(&j, "GODEBUG", "");
	put_str(&j, "storageRetention", pm_retention_text(text, &retention));
	pm_json_object_end(&j);
	pm_api_end(&j, NULL);
}

void pm_api_flags(struct pm_request *r)
{
	const struct pm_serve *s = r->serve;
	struct pm_json j;
	char number[32], size[64];
	pm_api_begin(r, &j);
	pm_json_object(&j);
	put_str(&j, "config.file", s->opts.config_file ? s->opts.config_file : "");
	put_duration(&j, "query.lookback-delta", s->opts.lookback_ms);
	snprintf(number, sizeof number, "%u", s->opts.concurrency_max);
	put_str(&j, "query.max-concurrency", number);
	snprintf(number, sizeof number, "%zu", s->opts.samples_max);
	put_str(&j, "query.max-samples", number);
	put_duration(&j, "query.timeout", s->opts.query_timeout_ms);
	put_duration(&j, "storage.tsdb.block-reload-interval", s->opts.compact_every_ms);
	put_duration(&j, "storage.tsdb.min-block-duration", s->opts.seal_ms);
	put_str(&j, "storage.tsdb.path", s->data_dir);
	put_duration(&j, "storage.tsdb.retention", s->opts.retention_old_ms);
	put_str(&j, "storage.tsdb.retention.size", pm_size_format(size, s->opts.retention.bytes));
	put_duration(&j, "storage.tsdb.retention.time", s->opts.retention.ms);
	put_str(&j, "web.enable-admin-api", s->opts.admin ? "true" : "false");
	put_str(&j, "web.enable-lifecycle", s->opts.lifecycle ? "true" : "false");
	put_str(&j, "web.listen-address", s->addr.text);
	snprintf(number, sizeof number, "%u", s->opts.connection_max);
	put_str(&j, "web.max-connections", number);
	pm_json_object_end(&j);
	pm_api_end(&j, NULL);
}

static void put_yaml(void *arg, const struct pm_config *config, const struct pm_target_state *states,
	const struct pm_sched_totals *totals)
{
	struct pm_json *j = arg;
	pm_json_key(j, PM_STR("yaml"));
	pm_json_str(j, config->text);
}

void pm_api_config(struct pm_request *r)
{
	struct pm_json j;
	pm_api_begin(r, &j);
	pm_json_object(&j);
	pm_sched_look(r->serve->sched, put_yaml, &j);
	pm_json_object_end(&j);
	pm_api_end(&j, NULL);
}

/* ---- targets ------------------------------------------------------------------------------------ */

struct targets {
	struct pm_json *j;
	struct pm_str pool; /* empty: all */
	bool active;
};

static void put_labels(struct pm_json *j, const char *key, struct pm_labels labels)
{
	pm_json_key(j, pm_str(key));
	pm_json_labels(j, labels);
}

static void put_target(struct pm_json *j, const struct pm_target_state *s)
{
	static const char *const health[] = { "unknown", "up", "down" };
	const struct pm_config_target *t = s->target;
	pm_json_object(j);
	put_labels(j, "discoveredLabels", t->discovered);
	put_labels(j, "labels", t->scrape.labels);
	pm_json_key(j, PM_STR("scrapePool"));
	pm_json_str(j, t->job);
	put_str(j, "scrapeUrl", t->scrape.url);
	put_str(j, "globalUrl", t->scrape.url);
	put_str(j, "lastError", s->last_error);
	put_time(j, "lastScrape", s->last_scrape_ms);
	pm_json_key(j, PM_STR("lastScrapeDuration"));
	pm_json_double(j, s->last_duration_s);
	put_str(j, "health", health[s->health]);
	put_duration(j, "scrapeInterval", t->scrape.interval_ms);
	put_duration(j, "scrapeTimeout", t->scrape.timeout_ms);
	pm_json_object_end(j);
}

static void put_targets(void *arg, const struct pm_config *config, const struct pm_target_state *states,
	const struct pm_sched_totals *totals)
{
	struct targets *t = arg;
	pm_json_key(t->j, PM_STR("activeTargets"));
	pm_json_array(t->j);
	for (size_t i = 0; i < config->target_count && t->active; i++)
		if (!t->pool.len || pm_str_eq(states[i].target->job, t->pool))
			put_target(t->j, &states[i]);
	pm_json_array_end(t->j);
	pm_json_key(t->j, PM_STR("droppedTargets"));
	pm_json_array(t->j);
	pm_json_array_end(t->j);
	pm_json_key(t->j, PM_STR("droppedTargetCounts"));
	pm_json_object(t->j);
	for (size_t i = 0; i < config->job_count; i++)
		if (!t->pool.len || pm_str_eq(config->jobs[i], t->pool)) {
			pm_json_key(t->j, config->jobs[i]);
			pm_json_int(t->j, 0);
		}
	pm_json_object_end(t->j);
}

void pm_api_targets(struct pm_request *r)
{
	struct pm_json j;
	struct pm_str state = pm_request_param(r, "state");
	bool active = state.len == 0 || (state.len == 3 && strncasecmp(state.ptr, "any", 3) == 0) ||
		(state.len == 6 && strncasecmp(state.ptr, "active", 6) == 0);
	struct targets t = { .j = &j, .pool = pm_request_param(r, "scrapePool"), .active = active };
	pm_api_begin(r, &j);
	pm_json_object(&j);
	pm_sched_look(r->serve->sched, put_targets, &t);
	pm_json_object_end(&j);
	pm_api_end(&j, NULL);
}

static void put_pools(void *arg, const struct pm_config *config, const struct pm_target_state *states,
	const struct pm_sched_totals *totals)
{
	struct pm_json *j = arg;
	for (size_t i = 0; i < config->job_count; i++)
		pm_json_str(j, config->jobs[i]);
}

void pm_api_scrape_pools(struct pm_request *r)
{
	struct pm_json j;
	pm_api_begin(r, &j);
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("scrapePools"));
	pm_json_array(&j);
	pm_sched_look(r->serve->sched, put_pools, &j);
	pm_json_array_end(&j);
	pm_json_object_end(&j);
	pm_api_end(&j, NULL);
}

/* ---- nothing to tell ---------------------------------------------------------------------------- */

static void reply_raw(struct pm_request *r, struct pm_str data)
{
	struct pm_json j;
	pm_api_begin(r, &j);
	pm_json_raw(&j, data);
	pm_api_end(&j, NULL);
}

void pm_api_empty_rules(struct pm_request *r)
{
	reply_raw(r, PM_STR("{\"groups\":[]}"));
}

void pm_api_empty_alerts(struct pm_request *r)
{
	reply_raw(r, PM_STR("{\"alerts\":[]}"));
}

void pm_api_empty_alertmanagers(struct pm_request *r)
{
	reply_raw(r, PM_STR("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}"));
}
