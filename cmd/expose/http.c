/* http.c - see http.h. Requests may narrow the page down as with node_exporter: ?collect[]=cpu&collect[]=meminfo, or
 * ?exclude[]=netclass. */
#include "cmd/expose/http.h"

#include "cmd/serve/listen.h"
#include "cmd/serve/server.h"

#include <signal.h>
#include <stdio.h>

enum { NAMES_MAX = 64, CONNECTION_MAX = 64, WORKER_MAX = 4 };

/* The server hands its `serve` to handlers without looking into it; to us it is the options. */
static const struct pm_linux_opts *opts_of(const struct pm_request *r)
{
	return (const struct pm_linux_opts *)(const void *)r->serve;
}

/* Values of all parameters called `name`, behind `base`, which stays in force. */
static int names_of(struct pm_request *r, const char *name, const char *const *base, size_t base_count,
	const char *names[NAMES_MAX], size_t *ret_count)
{
	size_t n = 0;
	for (; n < base_count && n < NAMES_MAX; n++)
		names[n] = base[n];
	for (size_t i = 0; i < r->params.count; i++) {
		if (!pm_str_eq(r->params.v[i].name, pm_str(name)))
			continue;
		if (n == NAMES_MAX)
			return PM_ERR_LIMIT;
		struct pm_str copy = pm_arena_str(&r->arena, r->params.v[i].value);
		if (!copy.ptr)
			return PM_ERR_NOMEM;
		names[n++] = copy.ptr;
	}
	*ret_count = n;
	return 0;
}

/* A request narrows down what the operator allowed, it adds nothing. */
static int check_allowed(const struct pm_linux_opts *base, const char *const *only, size_t count, struct pm_error *err)
{
	for (size_t i = 0; base->only_count && i < count; i++) {
		size_t k = 0;
		while (k < base->only_count && strcmp(base->only[k], only[i]) != 0)
			k++;
		if (k == base->only_count)
			return pm_fail(err, PM_ERR_INVALID, "collector \"%s\" is switched off", only[i]);
	}
	return 0;
}

static int page(struct pm_request *r, struct pm_error *err)
{
	const char *only[NAMES_MAX], *without[NAMES_MAX];
	struct pm_linux_opts opts = *opts_of(r);
	int rc = names_of(r, "collect[]", NULL, 0, only, &opts.only_count);
	if (rc == 0)
		rc = names_of(r, "exclude[]", opts.without, opts.without_count, without, &opts.without_count);
	if (rc != 0)
		return pm_fail(err, rc, "collect[], exclude[]: %s", pm_strerror(rc));
	if (opts.only_count == 0) {
		opts.only_count = opts_of(r)->only_count;
	} else {
		rc = check_allowed(opts_of(r), only, opts.only_count, err);
		opts.only = only;
	}
	opts.without = without;
	return rc ? rc : pm_linux_page(&opts, &r->out, err);
}

static void metrics(struct pm_request *r)
{
	struct pm_error err = { 0 };
	int rc = page(r, &err);
	if (rc != 0) {
		pm_buf_reset(&r->out);
		pm_reply_text(r, rc == PM_ERR_INVALID || rc == PM_ERR_LIMIT ? 400 : 500, err.msg);
		return;
	}
	r->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

static void landing(struct pm_request *r)
{
	pm_buf_cstr(&r->out,
		"<!DOCTYPE html>\n<title>pm expose</title>\n<h1>pm expose</h1>\n<p><a href=\"/metrics\">Metrics</a>\n");
	r->content_type = "text/html; charset=utf-8";
}

static const struct pm_route routes[] = {
	{ "/metrics", PM_METHOD_GET | PM_METHOD_HEAD, PM_ROUTE_SLOW, metrics },
	{ "/", PM_METHOD_GET | PM_METHOD_HEAD, 0, landing },
	{ 0 },
};

int pm_expose_serve(const char *addr, const struct pm_linux_opts *opts, struct pm_error *err)
{
	struct pm_server_opts so = { .routes = routes,
		.serve = (struct pm_serve *)(uintptr_t)opts,
		.connection_max = CONNECTION_MAX,
		.worker_max = WORKER_MAX,
		.body_max = 1 << 16 };
	struct pm_listen_addr bound;
	struct pm_server *server = NULL;
	sigset_t stop;
	int signo;
	int rc = pm_linux_check(opts, err);
	if (rc == 0)
		rc = pm_listen(addr, &so.listen_fd, &bound, err);
	if (rc != 0)
		return rc;
	/* Threads inherit the mask, so that only sigwait sees these two. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	rc = pm_server_new(&so, &server, err);
	if (rc == 0)
		rc = pm_server_start(server, err);
	if (rc == 0) {
		fprintf(stderr, "pm expose: http://%s/metrics\n", bound.text);
		sigwait(&stop, &signo);
	}
	pm_server_free(server);
	return rc;
}
