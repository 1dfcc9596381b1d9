/* expose.c - the command `pm expose`: an exporter's page on stdout, or over HTTP with --listen. */
#include "cmd/expose/expose.h"

#include "cmd/cmd.h"
#include "cmd/expose/http.h"
#include "cmd/expose/linux.h"

enum { OPT_LISTEN = PM_OPT_ID, OPT_COLLECTOR, OPT_NO_COLLECTOR, OPT_PROCFS, OPT_SYSFS, OPT_ROOTFS, NAMES_MAX = 64 };

static const struct pm_opt opts[] = {
	{ "listen", OPT_LISTEN, "ADDR", "serve /metrics on this address until interrupted, e.g. 127.0.0.1:9100" },
	{ "collector", OPT_COLLECTOR, "NAME", "only this collector; may be given several times" },
	{ "no-collector", OPT_NO_COLLECTOR, "NAME", "without this collector; may be given several times" },
	{ "procfs", OPT_PROCFS, "DIR", "where proc is mounted (/proc)" },
	{ "sysfs", OPT_SYSFS, "DIR", "where sysfs is mounted (/sys)" },
	{ "rootfs", OPT_ROOTFS, "DIR", "the root of the host, when it is not ours (/)" },
	{ 0 },
};

struct settings {
	struct pm_linux_opts linux_opts;
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
		}
	}
	s->linux_opts.only = s->only;
	s->linux_opts.without = s->without;
	return rc;
}

static int expose_linux(struct pm_ctx *ctx, struct settings *s)
{
	struct pm_buf page = { 0 };
	struct pm_error err = { 0 };
	int rc;
	if (s->listen) {
		rc = pm_linux_memory_new(&s->linux_opts.memory);
		if (rc != 0)
			pm_fail(&err, rc, "out of memory");
		else
			rc = pm_expose_serve(s->listen, &s->linux_opts, &err);
		pm_linux_memory_free(s->linux_opts.memory);
	} else {
		s->linux_opts.failed = warn_failed;
		rc = pm_linux_page(&s->linux_opts, &page, &err);
		if (rc == 0)
			fwrite(page.ptr, 1, page.len, stdout);
	}
	pm_buf_release(&page);
	if (rc == PM_ERR_INVALID)
		return pm_usage(ctx, "%s", err.msg);
	return rc ? pm_report(ctx, &err) : PM_EXIT_OK;
}

static int expose_run(struct pm_ctx *ctx)
{
	struct settings s = { 0 };
	int rc = read_options(ctx, &s);
	if (rc != PM_EXIT_OK)
		return rc;
	if (ctx->argc != 1)
		return pm_usage(ctx, "name one exporter: linux");
	if (strcmp(ctx->argv[0], "linux") == 0)
		return expose_linux(ctx, &s);
	return pm_usage(ctx, "no exporter is called \"%s\"; there is: linux", ctx->argv[0]);
}

const struct pm_cmd pm_cmd_expose = {
	.name = "expose",
	.group = PM_GROUP_COLLECT,
	.args_min = 1,
	.summary = "print what this host tells as metrics, or serve it",
	.usage = "linux [--listen ADDR] [--collector NAME]... [--no-collector NAME]...",
	.help = "linux: CPU, memory, disks, file systems, network and more from /proc and /sys, with the names and "
		"meanings of\n"
		"node_exporter's metrics. Without --listen the page goes to stdout once.\n"
		"\n"
		"A collector that fails does not fail the page: node_scrape_collector_success tells. Over HTTP, "
		"collect[]=NAME and\n"
		"exclude[]=NAME in the query narrow a page down.",
	.example = "pm expose linux --collector cpu --collector meminfo\n"
		   "pm expose linux --listen 127.0.0.1:9100",
	.opts = opts,
	.run = expose_run,
};
