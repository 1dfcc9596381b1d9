/* server.h - the HTTP server. server.c is the only includer of libmicrohttpd, which it loads on first use. */
#ifndef PM_SERVE_SERVER_H
#define PM_SERVE_SERVER_H

#include "cmd/serve/request.h"

struct pm_server;
struct pm_stats;

struct pm_server_opts {
	int listen_fd;                  /* becomes the server's */
	const struct pm_route *routes;  /* ends with a NULL path; borrowed */
	struct pm_serve *serve;         /* handed to handlers */
	unsigned connection_max;
	unsigned worker_max;            /* slow requests at once */
	size_t body_max;                /* bytes of a request's body; more is 413 */
};

/* PM_ERR_UNSUPPORTED: libmicrohttpd can't be loaded. On error listen_fd is closed too. */
int pm_server_new(const struct pm_server_opts *opts, struct pm_server **ret, struct pm_error *err);
/* Start answering: from now on handlers are called, on many threads. */
int pm_server_start(struct pm_server *s, struct pm_error *err);
/* Stop taking connections, cancel slow requests, send what is ready for at most some seconds, end all threads. NULL
 * allowed. */
void pm_server_free(struct pm_server *s);

/* What goes on now, and what went on since the start, for /metrics. */
struct pm_server_load {
	unsigned connections, running, waiting; /* slow requests on workers, and those that wait for one */
};
void pm_server_load(struct pm_server *s, struct pm_server_load *ret);
const struct pm_stats *pm_server_stats(const struct pm_server *s);

#endif
