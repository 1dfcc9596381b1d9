/* http.c - see http.h. */
#include "cmd/expose/http.h"

#include "cmd/serve/listen.h"
#include "cmd/serve/server.h"

#include <signal.h>
#include <stdio.h>

enum { CONNECTION_MAX = 64, WORKER_MAX = 4, BODY_MAX = 1 << 16 };

/* The server hands its `serve` to handlers without looking into it; to us it is this. */
struct exporter {
	pm_page_fn *page;
	const void *arg;
};

static void metrics(struct pm_request *r)
{
	const struct exporter *x = (const struct exporter *)(const void *)r->serve;
	struct pm_error err = { 0 };
	int rc = x->page(x->arg, &r->params, &r->out, &err);
	if (rc != 0) {
		pm_buf_reset(&r->out);
		pm_reply_text(r, rc == PM_ERR_INVALID ? 400 : 500, err.msg);
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

int pm_expose_serve(const char *addr, pm_page_fn *page, const void *arg, struct pm_error *err)
{
	struct exporter x = { page, arg };
	struct pm_server_opts so = { .routes = routes,
		.serve = (struct pm_serve *)(void *)&x,
		.connection_max = CONNECTION_MAX,
		.worker_max = WORKER_MAX,
		.body_max = BODY_MAX };
	struct pm_listen_addr bound;
	struct pm_server *server = NULL;
	sigset_t stop;
	int signo;
	int rc = pm_listen(addr, &so.listen_fd, &bound, err);
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
