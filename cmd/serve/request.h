/* request.h - a request as handlers see it, their reply, and the table of routes. Knows nothing of the HTTP library. */
#ifndef PM_SERVE_REQUEST_H
#define PM_SERVE_REQUEST_H

#include "cmd/serve/params.h"
#include "libtsdb/base/arena.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

enum pm_method {
	PM_METHOD_GET = 1,
	PM_METHOD_HEAD = 2,
	PM_METHOD_POST = 4,
	PM_METHOD_PUT = 8,
	PM_METHOD_DELETE = 16,
	PM_METHOD_OPTIONS = 32,
	PM_METHOD_OTHER = 64,
};

struct pm_serve;

/* All slices are good until the handler returned; `out` and what the reply's headers point to until the reply is
 * sent. */
struct pm_request {
	struct pm_serve *serve;
	enum pm_method method;
	struct pm_str path;        /* as sent */
	struct pm_str arg;         /* what stood where the route has ":name", decoded */
	struct pm_params params;   /* of a form body first, then of the URL, as Go's Request.Form */
	struct pm_arena arena;     /* scratch memory of the handler */
	int64_t arrived_ns;        /* pm_monotonic_ns() when the request was complete; deadlines count from here */
	int socket;                /* of the client, to see whether it is still there */

	int status;                /* the reply: 200 unless the handler says otherwise */
	const char *content_type;
	const char *allow;         /* header Allow, or NULL */
	const char *location;      /* header Location, or NULL */
	struct pm_buf out;
};

/* The first value of a parameter, or an empty slice. */
static inline struct pm_str pm_request_param(const struct pm_request *r, const char *name)
{
	return pm_params_get(&r->params, pm_str(name));
}

/* Whether the client hung up or the server is stopping. Looks at the socket without reading from it; meant to be asked
 * between pieces of work, at most some times a millisecond. Has the shape of promql_opts.canceled. */
bool pm_request_canceled(void *request);

enum pm_route_flags {
	PM_ROUTE_SLOW = 1, /* may take long: runs on a worker unless it was quick the last time */
	PM_ROUTE_API = 2,  /* part of the HTTP API: CORS headers when the request has an Origin */
};

typedef void pm_handler_fn(struct pm_request *r);

struct pm_route {
	const char *path;  /* literal; one segment may be ":name" and matches anything without a slash */
	unsigned methods;  /* of enum pm_method */
	unsigned flags;
	pm_handler_fn *handle;
};

/* The route of `path` (not decoded) in a table that ends with a NULL path; `*ret_arg` is what ":name" matched. NULL:
 * none. */
const struct pm_route *pm_route_find(const struct pm_route *table, struct pm_str path, struct pm_str *ret_arg);

/* "GET, OPTIONS, POST": the methods of a route, for the header Allow. */
const char *pm_route_allow(const struct pm_route *route, char out[64]);

enum pm_method pm_method_parse(const char *name);

/* Plain replies with upstream's words: 404, 405, and any other status with a line of text. */
void pm_reply_text(struct pm_request *r, int status, const char *text);

#endif
