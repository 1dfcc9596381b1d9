/* serve.c - pm serve: scrape, store, answer HTTP.
 *
 * It owns nothing that a file of the store does not hold, so that kill -9 costs nothing and other processes may scrape,
 * query and import beside it. The main thread waits for signals; docs/design/serve.md tells of the other threads. */
#include "cmd/serve/serve.h"

#include "cmd/serve/sched.h"
#include "cmd/serve/server.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/num.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum {
	OPT_CONFIG = 'c',
	OPT_DATA = 'd',
	OPT_LISTEN = PM_OPT_ID,
	OPT_TIMEOUT,
	OPT_SAMPLES,
	OPT_LOOKBACK,
	OPT_CONCURRENCY,
	OPT_CONNECTIONS,
	OPT_LIFECYCLE,
	OPT_ADMIN,
	OPT_RETENTION,
	OPT_RETENTION_OLD,
	OPT_RETENTION_SIZE,
	OPT_SEAL,
	OPT_COMPACT_EVERY,
};

enum {
	QUERY_TIMEOUT_MS = 120000,
	LOOKBACK_MS = 300000,
	SAMPLES_MAX = 50000000,
	CONCURRENCY_MAX = 20,
	CONNECTIONS_MAX = 512,
	SEAL_MS = 2 * 3600 * 1000,
	COMPACT_EVERY_MS = 60 * 1000,
	BODY_BYTES_MAX = 10 << 20, /* of a form, as Go's */
};

static const struct pm_opt serve_opts[] = {
	{ "config", OPT_CONFIG, "FILE", "prometheus.yml; without it pm scrapes itself and this host" },
	{ "config.file", OPT_CONFIG, "FILE", "the same, as Prometheus spells it" },
	{ "listen", OPT_LISTEN, "HOST:PORT", "where to answer HTTP (127.0.0.1:9090; port 0 takes a free one)" },
	{ "web.listen-address", OPT_LISTEN, "HOST:PORT", "the same, as Prometheus spells it" },
	{ "storage.tsdb.path", OPT_DATA, "DIR", "--data, as Prometheus spells it" },
	{ "query.timeout", OPT_TIMEOUT, "DURATION", "a query may take so long (2m)" },
	{ "query.max-samples", OPT_SAMPLES, "N", "a query may hold so many samples at once (50000000)" },
	{ "query.lookback-delta", OPT_LOOKBACK, "DURATION", "how far back a sample counts as current (5m)" },
	{ "query.max-concurrency", OPT_CONCURRENCY, "N", "so many queries run at once, the others wait (20)" },
	{ "web.max-connections", OPT_CONNECTIONS, "N", "open connections (512)" },
	{ "web.enable-lifecycle", OPT_LIFECYCLE, NULL, "allow POST /-/reload and /-/quit" },
	{ "web.enable-admin-api", OPT_ADMIN, NULL, "allow deletion and snapshots over HTTP" },
	{ "storage.tsdb.retention.time", OPT_RETENTION, "DURATION", "keep samples so long (15d, or a size alone)" },
	{ "storage.tsdb.retention.size", OPT_RETENTION_SIZE, "SIZE", "keep at most so many bytes, as in 20GB" },
	{ "storage.tsdb.retention", OPT_RETENTION_OLD, "DURATION", "the old name of storage.tsdb.retention.time" },
	{ "storage.tsdb.min-block-duration", OPT_SEAL, "DURATION", "seal the log when it is so old (2h)" },
	{ "storage.tsdb.block-reload-interval", OPT_COMPACT_EVERY, "DURATION", "look so often for what is due (1m)" },
	{ 0 },
};

static int bad_value(struct pm_ctx *ctx, const char *option, const char *value, const char *want)
{
	pm_usage(ctx, "--%s: \"%s\" is not %s", option, value, want);
	return PM_ERR_INVALID;
}

static int read_duration(struct pm_ctx *ctx, const char *option, const char *value, int64_t *ret_ms)
{
	static const int64_t max_ms = INT64_C(366) * 86400 * 1000;
	if (pm_duration_parse(pm_str(value), ret_ms) || *ret_ms <= 0 || *ret_ms > max_ms)
		return bad_value(ctx, option, value, "a duration between 1ms and 366d");
	return 0;
}

/* 0 is no limit, as upstream. */
static int read_retention(struct pm_ctx *ctx, const char *option, const char *value, int64_t *ret_ms)
{
	if (pm_duration_parse(pm_str(value), ret_ms) || *ret_ms < 0)
		return bad_value(ctx, option, value, "a duration such as 15d");
	return 0;
}

static int read_number(struct pm_ctx *ctx, const char *option, const char *value, uint64_t max, uint64_t *ret)
{
	if (pm_uint_parse(pm_str(value), ret) || *ret < 1 || *ret > max)
		return bad_value(ctx, option, value, "a number in range");
	return 0;
}

static int read_option(struct pm_ctx *ctx, int id, const char *value, struct pm_serve_opts *o)
{
	uint64_t n = 0;
	int rc = 0;
	switch (id) {
	case OPT_CONFIG:
		o->config_file = value;
		break;
	case OPT_LISTEN:
		o->listen = value;
		break;
	case OPT_TIMEOUT:
		rc = read_duration(ctx, "query.timeout", value, &o->query_timeout_ms);
		break;
	case OPT_LOOKBACK:
		rc = read_duration(ctx, "query.lookback-delta", value, &o->lookback_ms);
		break;
	case OPT_SAMPLES:
		rc = read_number(ctx, "query.max-samples", value, SIZE_MAX / 64, &n);
		o->samples_max = n;
		break;
	case OPT_CONCURRENCY:
		rc = read_number(ctx, "query.max-concurrency", value, 1000, &n);
		o->concurrency_max = (unsigned)n;
		break;
	case OPT_CONNECTIONS:
		rc = read_number(ctx, "web.max-connections", value, 100000, &n);
		o->connection_max = n < 16 ? 16 : (unsigned)n;
		break;
	case OPT_LIFECYCLE:
		o->lifecycle = true;
		break;
	case OPT_ADMIN:
		o->admin = true;
		break;
	case OPT_RETENTION:
		rc = read_retention(ctx, "storage.tsdb.retention.time", value, &o->retention.ms);
		break;
	case OPT_RETENTION_OLD:
		rc = read_retention(ctx, "storage.tsdb.retention", value, &o->retention_old_ms);
		break;
	case OPT_RETENTION_SIZE:
		if (pm_size_parse(pm_str(value), &o->retention.bytes))
			rc = bad_value(ctx, "storage.tsdb.retention.size", value, "a size such as 512MB");
		break;
	case OPT_SEAL:
		rc = read_duration(ctx, "storage.tsdb.min-block-duration", value, &o->seal_ms);
		break;
	case OPT_COMPACT_EVERY:
		rc = read_duration(ctx, "storage.tsdb.block-reload-interval", value, &o->compact_every_ms);
		break;
	}
	return rc;
}

static int read_options(struct pm_ctx *ctx, struct pm_serve_opts *o)
{
	const char *value;
	int id;
	while ((id = pm_opt_next(ctx, &value)) > 0)
		if (read_option(ctx, id, value, o))
			return PM_ERR_INVALID;
	if (id == 0 && ctx->argc > 0) {
		pm_usage(ctx, "unexpected argument \"%s\"", ctx->argv[0]);
		return PM_ERR_INVALID;
	}
	if (o->retention_old_ms)
		pm_warn("--storage.tsdb.retention is deprecated; use --storage.tsdb.retention.time instead");
	if (o->retention.ms == 0)
		o->retention.ms = o->retention_old_ms;
	return id;
}

static void look_at_retention(void *arg, const struct pm_config *config, const struct pm_target_state *states,
	const struct pm_sched_totals *totals)
{
	*(struct pm_retention *)arg = config->retention;
}

static void retention_now(void *arg, struct pm_retention *ret)
{
	const struct pm_serve *s = arg;
	struct pm_retention config;
	pm_sched_look(s->sched, look_at_retention, &config);
	*ret = pm_retention_of(&s->opts.retention, &config);
}

static int load_config(void *arg, struct pm_config **ret, struct pm_error *err)
{
	const struct pm_serve *s = arg;
	return s->opts.config_file ? pm_config_load(s->opts.config_file, ret, err)
				   : pm_config_builtin(s->addr.local, ret, err);
}

/* ---- signals ------------------------------------------------------------------------------------ */

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void reload(struct pm_serve *s)
{
	struct pm_error err = { 0 };
	if (pm_sched_reload(s->sched, &err) == 0)
		fprintf(stderr, "pm serve: the configuration was read again\n");
	else if (err.line)
		pm_warn("the configuration stays as it was: %s:%d: %s", err.file, err.line, err.msg);
	else
		pm_warn("the configuration stays as it was: %s", err.msg);
}

/* Commits sync what is old enough; this is for the last ones before a pause. A sync that failed stays failed: told
 * once. */
static void sync_now(struct pm_serve *s, bool *told)
{
	struct pm_error err = { 0 };
	if (pm_sched_take_dirty(s->sched) && tsdb_sync(s->db, &err) && !*told) {
		pm_warn("what was stored could not be synced to disk: %s", err.msg);
		*told = true;
	}
}

static void wait_for_end(struct pm_serve *s, const sigset_t *set)
{
	int64_t every_ms = s->fsync_ms > 0 ? s->fsync_ms : 1000;
	struct timespec every = { .tv_sec = every_ms / 1000, .tv_nsec = every_ms % 1000 * 1000000 };
	bool told = false;
	for (;;) {
		int sig = sigtimedwait(set, NULL, &every);
		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGHUP)
			reload(s);
		else if (sig < 0 && errno == EAGAIN && s->fsync_ms > 0)
			sync_now(s, &told);
	}
}

/* ---- start and stop ----------------------------------------------------------------------------- */

static void greet(const struct pm_serve *s)
{
	fprintf(stderr, "pm serve: listening on http://%s, data in %s\n", s->addr.local, s->data_dir);
	if (!s->opts.config_file)
		fprintf(stderr, "pm serve: scraping itself and this host; in some seconds, in another shell:\n"
				"    pm -d %s query 'sum by (mode) (rate(node_cpu_seconds_total[1m]))'\n"
				"    curl 'http://%s/api/v1/query?query=up'\n", s->data_dir, s->addr.local);
	fflush(stderr);
}

static int start(struct pm_serve *s, struct pm_error *err)
{
	int fd;
	int rc = pm_listen(s->opts.listen, &fd, &s->addr, err);
	if (rc)
		return rc;
	struct pm_server_opts so = {
		.listen_fd = fd,
		.routes = pm_serve_routes,
		.serve = s,
		.connection_max = s->opts.connection_max,
		.worker_max = s->opts.concurrency_max,
		.body_max = BODY_BYTES_MAX,
	};
	rc = pm_server_new(&so, &s->server, err);
	if (rc == 0)
		rc = pm_sched_new(s->db, load_config, s, &s->sched, err);
	struct pm_compactor_opts co = {
		.db = s->db,
		.data_dir = s->data_dir,
		.every_ms = s->opts.compact_every_ms,
		.seal_ms = s->opts.seal_ms,
		.retention = retention_now,
		.arg = s,
	};
	if (rc == 0)
		rc = pm_compactor_new(&co, &s->compactor, err);
	if (rc == 0)
		rc = pm_server_start(s->server, err);
	if (rc == 0)
		rc = pm_sched_start(s->sched, err);
	if (rc == 0)
		rc = pm_compactor_start(s->compactor, err);
	return rc;
}

static void stop(struct pm_serve *s)
{
	if (s->sched)
		pm_sched_stop(s->sched);
	pm_compactor_stop(s->compactor);
	pm_server_free(s->server);
	pm_compactor_free(s->compactor);
	pm_sched_free(s->sched);
}

static int serve_run(struct pm_ctx *ctx)
{
	struct pm_serve s = {
		.opts = { .listen = "127.0.0.1:9090",
			.query_timeout_ms = QUERY_TIMEOUT_MS,
			.lookback_ms = LOOKBACK_MS,
			.samples_max = SAMPLES_MAX,
			.concurrency_max = CONCURRENCY_MAX,
			.connection_max = CONNECTIONS_MAX,
			.seal_ms = SEAL_MS,
			.compact_every_ms = COMPACT_EVERY_MS },
		.db = ctx->db,
		.fsync_ms = ctx->fsync_ms,
		.started_ms = pm_now_ms(),
	};
	struct pm_error err = { 0 };
	sigset_t signals;
	if (read_options(ctx, &s.opts) < 0)
		return PM_EXIT_USAGE;
	s.data_dir = ctx->data_dir;
	block_signals(&signals);
	int code = PM_EXIT_OK;
	if (start(&s, &err)) {
		code = pm_report(ctx, &err);
	} else {
		greet(&s);
		wait_for_end(&s, &signals);
	}
	stop(&s);
	if (s.fsync_ms != TSDB_FSYNC_NEVER && tsdb_sync(s.db, &err))
		code = pm_report(ctx, &err);
	return code;
}

const struct pm_cmd pm_cmd_serve = {
	.name = "serve",
	.group = PM_GROUP_SERVE,
	.flags = PM_CMD_DATA_WRITE | PM_CMD_QUOTAS,
	.summary = "scrape targets, store their samples, answer HTTP",
	.usage = "[-c FILE] [--listen HOST:PORT]",
	.help = "Answers Prometheus's HTTP API under /api/v1, its own metrics at /metrics and those of this host at\n"
		"/metrics/host. SIGHUP reads the configuration again; SIGTERM and SIGINT end it. kill -9 loses "
		"nothing,\n"
		"and other pm commands may use the data directory at the same time.\n",
	.example = "pm serve -c prometheus.yml --listen :9090\n",
	.opts = serve_opts,
	.run = serve_run,
};
