/* expose.c - the command `pm expose`: an exporter's page on stdout, or over HTTP with --listen. */
#include "cmd/expose/expose.h"

#include "cmd/cmd.h"
#include "cmd/expose/apache.h"
#include "cmd/expose/http.h"
#include "cmd/expose/linux.h"
#include "cmd/expose/narrow.h"

enum { OPT_LISTEN = PM_OPT_ID, OPT_COLLECTOR, OPT_NO_COLLECTOR, OPT_PROCFS, OPT_SYSFS, OPT_ROOTFS, OPT_URL };

enum { NAMES_MAX = 64, APACHE_TIMEOUT_MS = 5000 };

static const struct pm_opt opts[] = {
	{ "listen", OPT_LISTEN, "ADDR", "serve /metrics on this address until interrupted, e.g. 127.0.0.1:9100" },
	{ "collector", OPT_COLLECTOR, "NAME", "only this collector; may be given several times" },
	{ "no-collector", OPT_NO_COLLECTOR, "NAME", "without this collector; may be given several times" },
	{ "procfs", OPT_PROCFS, "DIR", "where proc is mounted (/proc)" },
	{ "sysfs", OPT_SYSFS, "DIR", "where sysfs is mounted (/sys)" },
	{ "rootfs", OPT_ROOTFS, "DIR", "the root of the host, when it is not ours (/)" },
	{ "url", OPT_URL, "URL", "apache: its status page (" PM_APACHE_URL ")" },
	{ 0 },
};

struct settings {
	struct pm_linux_opts linux_opts;
	struct pm_apache_opts apache_opts;
	const char *listen;
	const char *only[NAMES_MAX], *without[NAMES_MAX];
};

/* Only in the foreground: a server's log would repeat it at every scrape. */
static void warn_failed(void *arg, const char *collector, const struct pm_error *err)
{
	(void)arg;
	if (err->code != PM_ERR_NOTFOUND)
		pm_warn("%s: %s", collector, err->msg);
}

static int add_name(struct pm_ctx *ctx, const char *names[NAMES_MAX], size_t *count, const char *name)
{
	if (*count == NAMES_MAX)
		return pm_usage(ctx, "more than %d collectors named", NAMES_MAX);
	names[(*count)++] = name;
	return PM_EXIT_OK;
}

static int read_options(struct pm_ctx *ctx, struct settings *s)
{
	const char *value;
	int id, rc = PM_EXIT_OK;
	while (rc == PM_EXIT_OK && (id = pm_opt_next(ctx, &value)) != 0) {
		if (id < 0)
			return PM_EXIT_USAGE;
		switch (id) {
		case OPT_LISTEN:
			s->listen = value;
			break;
		case OPT_COLLECTOR:
			rc = add_name(ctx, s->only, &s->linux_opts.only_count, value);
			break;
		case OPT_NO_COLLECTOR:
			rc = add_name(ctx, s->without, &s->linux_opts.without_count, value);
			break;
		case OPT_PROCFS:
			s->linux_opts.procfs = value;
			break;
		case OPT_SYSFS:
			s->linux_opts.sysfs = value;
			break;
		case OPT_ROOTFS:
			s->linux_opts.rootfs = value;
			break;
		case OPT_URL:
			s->apache_opts.url = value;
			break;
		}
	}
	s->linux_opts.only = s->only;
	s->linux_opts.without = s->without;
	return rc;
}

static int apache_page(const void *arg, const struct pm_params *params, struct pm_buf *out, struct pm_error *err)
{
	(void)params;
	return pm_apache_page(arg, out, err);
}

/* On stdout, or over HTTP. */
static int expose(const struct settings *s, pm_page_fn *make, const void *arg, struct pm_error *err)
{
	struct pm_params none = { 0 };
	struct pm_buf page = { 0 };
	if (s->listen)
		return pm_expose_serve(s->listen, make, arg, err);
	int rc = make(arg, &none, &page, err);
	if (rc == 0)
		fwrite(page.ptr, 1, page.len, stdout);
	pm_buf_release(&page);
	return rc;
}

static int expose_linux(struct settings *s, struct pm_error *err)
{
	int rc = pm_linux_check(&s->linux_opts, err);
	if (rc == 0 && s->listen && pm_linux_memory_new(&s->linux_opts.memory) != 0)
		rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (!s->listen)
		s->linux_opts.failed = warn_failed;
	if (rc == 0)
		rc = expose(s, pm_linux_narrow, &s->linux_opts, err);
	pm_linux_memory_free(s->linux_opts.memory);
	return rc;
}

static int expose_apache(struct settings *s, struct pm_error *err)
{
	s->apache_opts.timeout_ms = APACHE_TIMEOUT_MS;
	s->apache_opts.failed = s->listen ? NULL : warn_failed;
	return expose(s, apache_page, &s->apache_opts, err);
}

static int expose_run(struct pm_ctx *ctx)
{
	struct settings s = { 0 };
	struct pm_error err = { 0 };
	int rc = read_options(ctx, &s);
	if (rc != PM_EXIT_OK)
		return rc;
	if (ctx->argc != 1)
		return pm_usage(ctx, "name one exporter: linux or apache");
	if (strcmp(ctx->argv[0], "linux") == 0)
		rc = expose_linux(&s, &err);
	else if (strcmp(ctx->argv[0], "apache") == 0)
		rc = expose_apache(&s, &err);
	else
		return pm_usage(ctx, "no exporter is called \"%s\"; there are: linux apache", ctx->argv[0]);
	if (rc == PM_ERR_INVALID)
		return pm_usage(ctx, "%s", err.msg);
	return rc ? pm_report(ctx, &err) : PM_EXIT_OK;
}

const struct pm_cmd pm_cmd_expose = {
	.name = "expose",
	.group = PM_GROUP_COLLECT,
	.args_min = 1,
	.summary = "print what this host tells as metrics, or serve it",
	.usage = "linux|apache [--listen ADDR] [--collector NAME]... [--no-collector NAME]... [--url URL]",
	.help = "linux: CPU, memory, disks, file systems, network and more from /proc and /sys, with the names\n"
		"and meanings of node_exporter's metrics. A collector that fails does not fail the page:\n"
		"node_scrape_collector_success tells.\n"
		"\n"
		"apache: Apache's status page (mod_status), with the names of apache_exporter's metrics.\n"
		"\n"
		"Without --listen the page goes to stdout once. Over HTTP, collect[]=NAME and exclude[]=NAME in\n"
		"the query narrow the Linux page down.",
	.example = "pm expose linux --collector cpu --collector meminfo\n"
		   "pm expose linux --listen 127.0.0.1:9100",
	.opts = opts,
	.run = expose_run,
};
