/* server.c - HTTP by libmicrohttpd: a few threads with an epoll each, and workers for what may take long.
 *
 * Life of a request: on_uri() copies the request line, on_access() is called once for the head, once for each piece of
 * the body and once more at its end, where the reply must be queued (queued at the head it would close the connection).
 * There a quick request runs at once; a slow one is suspended, handed to a worker, resumed by it, and on_access() is
 * called a last time to queue what the worker wrote. on_completed() ends the request.
 *
 * Everything of a request lives in one `struct conn` that the connection keeps for its next request. The library hands
 * out each connection to one thread at a time, and a suspended one to nobody, so a conn needs no lock.
 *
 * The HTTP library brings TLS and more with it, 5 ms of loading that `pm query` must not pay: hence dlopen on first
 * use. */
#include "cmd/serve/server.h"

#include "cmd/api_json.h"
#include "cmd/serve/gzip.h"
#include "cmd/serve/stats.h"
#include "cmd/serve/workers.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"

#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	IDLE_SECONDS = 300,          /* a kept-alive connection without a request is closed after this */
	CONN_BYTES = 32 << 10,       /* memory of the library for one connection: request line and headers must fit */
	KEEP_BYTES = 256 << 10,      /* larger buffers are given back after a request */
	REPLY_BYTES_MAX = 1 << 30,
	GZIP_BYTES_MIN = 16 << 10,   /* smaller bodies travel as they are */
	QUEUE_MAX = 1024,            /* slow requests that may wait for a worker */
	PEEK_NS = 1000000,           /* look at a client's socket at most so often */
	DRAIN_SECONDS = 5,
};

/* clang-format off */
#define MHD_FUNCTIONS(X) \
	X(start_daemon) X(stop_daemon) X(quiesce_daemon) X(create_response_from_buffer) X(add_response_header) \
	X(queue_response) X(destroy_response) X(suspend_connection) X(resume_connection) X(lookup_connection_value) \
	X(get_connection_info)
/* clang-format on */

#define MHD_MEMBER(name) __typeof__(&MHD_##name) name;
static struct {
	MHD_FUNCTIONS(MHD_MEMBER)
} mhd;

struct pm_server {
	const struct pm_route *routes;
	struct pm_serve *serve;
	struct MHD_Daemon *daemon; /* NULL until started */
	int listen_fd;
	unsigned connection_max;
	struct pm_workers *workers;
	struct pm_stats stats;
	size_t body_max;
	_Atomic(unsigned) connections, in_flight;
	atomic_bool stopping;
	pthread_mutex_t drain_lock;
	pthread_cond_t drained; /* in_flight may have become 0 while stopping */
	struct pm_quick quick;
};

enum conn_state { CONN_HEAD, CONN_BODY, CONN_WORKING, CONN_DONE };

struct conn {
	struct pm_request req;
	struct pm_work work;
	struct pm_server *server;
	struct MHD_Connection *mhd;
	enum conn_state state;
	const struct pm_route *route;
	struct pm_buf uri, body, zipped;
	bool has_form, gzip_ok, compressed;
	uint64_t quick_key;
	int64_t peeked_ns;
};

#define conn_of(ptr, member) ((struct conn *)((char *)(ptr) - offsetof(struct conn, member)))

/* ---- loading ------------------------------------------------------------------------------------ */

static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static char load_error[256];

static void load(void)
{
	void *lib = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		goto fail;
#define MHD_LOAD(name) \
	mhd.name = (__typeof__(mhd.name))dlsym(lib, "MHD_" #name); \
	if (!mhd.name) \
		goto fail;
	MHD_FUNCTIONS(MHD_LOAD)
	return;
fail:
	snprintf(load_error, sizeof load_error, "%s", dlerror());
}

/* ---- one request -------------------------------------------------------------------------------- */

bool pm_request_canceled(void *request)
{
	struct conn *c = conn_of(request, req);
	if (atomic_load_explicit(&c->server->stopping, memory_order_relaxed))
		return true;
	int64_t now = pm_monotonic_ns();
	if (now - c->peeked_ns < PEEK_NS)
		return false;
	c->peeked_ns = now;
	char byte;
	ssize_t n = recv(c->req.socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static void buf_recycle(struct pm_buf *b)
{
	if (b->cap > KEEP_BYTES) {
		size_t max = b->max;
		pm_buf_release(b);
		pm_buf_init(b, max);
	} else {
		pm_buf_reset(b);
	}
}

/* Ready for the next request of this connection. */
static void conn_reset(struct conn *c)
{
	buf_recycle(&c->uri);
	buf_recycle(&c->body);
	buf_recycle(&c->zipped);
	buf_recycle(&c->req.out);
	pm_params_reset(&c->req.params);
	if (c->req.arena.used > KEEP_BYTES)
		pm_arena_release(&c->req.arena);
	else
		pm_arena_reset(&c->req.arena);
	c->req.status = 200;
	c->req.content_type = c->req.allow = c->req.location = NULL;
	c->state = CONN_HEAD;
	c->route = NULL;
	c->has_form = c->gzip_ok = c->compressed = false;
}

static const char *header(struct conn *c, const char *name)
{
	return mhd.lookup_connection_value(c->mhd, MHD_HEADER_KIND, name);
}

/* The path of a request target, which may also be a whole URL. The query, if any, is put in `*ret_query`. */
static struct pm_str split_target(struct pm_buf *uri, char **ret_query, size_t *ret_query_len)
{
	struct pm_str path = pm_buf_view(uri);
	if (path.len > 7 && memcmp(path.ptr, "http://", 7) == 0) {
		const char *slash = memchr(path.ptr + 7, '/', path.len - 7);
		path.len = slash ? path.len - (size_t)(slash - path.ptr) : 0;
		path.ptr = slash ? slash : path.ptr;
	}
	const char *mark = memchr(path.ptr, '?', path.len);
	*ret_query = NULL;
	*ret_query_len = 0;
	if (mark) {
		*ret_query_len = path.len - (size_t)(mark - path.ptr) - 1;
		*ret_query = uri->ptr + (mark + 1 - uri->ptr);
		path.len = (size_t)(mark - path.ptr);
	}
	return path;
}

/* Body and query into req.params; a key for pm_quick. An instant query is as quick at any time of day, hence no
 * `time`. */
static int read_params(struct conn *c, char *query, size_t query_len)
{
	int rc = c->has_form ? pm_params_parse(&c->req.params, c->body.ptr, c->body.len) : 0;
	if (rc == 0 && query_len)
		rc = pm_params_parse(&c->req.params, query, query_len);
	uint64_t key = (uint64_t)(uintptr_t)c->route;
	for (size_t i = 0; i < c->req.params.count; i++) {
		const struct pm_param *p = &c->req.params.v[i];
		if (!pm_str_eq(p->name, PM_STR("time")) && !pm_str_eq(p->name, PM_STR("_")))
			key = pm_hash_seed(p->value.ptr, p->value.len, pm_hash_seed(p->name.ptr, p->name.len, key));
	}
	c->quick_key = pm_hash_seed(c->req.arg.ptr, c->req.arg.len, key) | 1;
	return rc;
}

static void compress(struct conn *c)
{
	if (!c->gzip_ok || c->req.out.len < GZIP_BYTES_MIN)
		return;
	c->compressed = pm_gzip(&c->zipped, pm_buf_view(&c->req.out)) == 0;
}

/* Run the handler and make its reply ready to be sent. */
static void run(struct conn *c)
{
	struct pm_request *r = &c->req;
	int64_t began_ns = pm_monotonic_ns();
	c->peeked_ns = began_ns;
	if (r->method == PM_METHOD_OPTIONS)
		r->status = 204;
	else
		c->route->handle(r);
	if (pm_buf_error(&r->out)) {
		int rc = pm_buf_error(&r->out);
		pm_buf_reset(&r->out);
		r->status = 500;
		r->content_type = "application/json";
		const char *why = rc == PM_ERR_LIMIT ? "the answer is larger than 1 GiB" : "out of memory";
		pm_api_error(&r->out, "internal", why);
	}
	compress(c);
	if (c->route->flags & PM_ROUTE_SLOW)
		pm_quick_note(&c->server->quick, c->quick_key, pm_monotonic_ns() - began_ns);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (value)
		mhd.add_response_header(response, name, value);
}

static void add_cors(struct conn *c, struct MHD_Response *response)
{
	if (!header(c, "Origin"))
		return;
	add_header(response, "Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin");
	add_header(response, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
	add_header(response, "Access-Control-Allow-Origin", "*");
	add_header(response, "Access-Control-Expose-Headers", "Date");
	add_header(response, "Vary", "Origin");
}

static enum MHD_Result send_reply(struct conn *c)
{
	struct pm_request *r = &c->req;
	const struct pm_buf *body = c->compressed ? &c->zipped : &r->out;
	struct MHD_Response *response =
		mhd.create_response_from_buffer(body->len, body->len ? body->ptr : (void *)"", MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	add_header(response, "Content-Type", r->content_type);
	add_header(response, "Content-Encoding", c->compressed ? "gzip" : NULL);
	add_header(response, "Allow", r->allow);
	add_header(response, "Location", r->location);
	if (r->status >= 400 && r->content_type && r->content_type[0] == 't')
		add_header(response, "X-Content-Type-Options", "nosniff");
	if (c->route && c->route->flags & PM_ROUTE_API)
		add_cors(c, response);
	enum MHD_Result ok = mhd.queue_response(c->mhd, (unsigned)r->status, response);
	mhd.destroy_response(response);
	pm_stats_count(&c->server->stats, c->route, r->status, pm_monotonic_ns() - r->arrived_ns, body->len);
	c->state = CONN_DONE;
	return ok;
}

static void work_run(struct pm_work *work)
{
	struct conn *c = conn_of(work, work);
	run(c);
	c->state = CONN_DONE;
	mhd.resume_connection(c->mhd); /* from here on `c` belongs to the connection's thread again */
}

static enum MHD_Result hand_to_worker(struct conn *c)
{
	c->state = CONN_WORKING;
	c->work.run = work_run;
	mhd.suspend_connection(c->mhd);
	if (pm_workers_submit(c->server->workers, &c->work)) {
		c->req.status = 503;
		c->req.content_type = "application/json";
		pm_api_error(&c->req.out, "unavailable",
			"too many requests are waiting (--query.max-concurrency run at once)");
		c->state = CONN_DONE;
		mhd.resume_connection(c->mhd);
	}
	return MHD_YES;
}

/* ---- what the library calls --------------------------------------------------------------------- */

/* The head is complete: find the route, decide about the body. */
static enum MHD_Result begin(struct conn *c, const char *method)
{
	struct pm_request *r = &c->req;
	c->state = CONN_BODY;
	r->method = pm_method_parse(method);
	r->arrived_ns = pm_monotonic_ns();
	const char *length = header(c, "Content-Length");
	uint64_t n;
	if (length && pm_uint_parse(pm_str(length), &n) == 0 && n > c->server->body_max) {
		pm_reply_text(r, 413, "the request's body is too large\n");
		return send_reply(c); /* closes the connection, so that the body is not read */
	}
	if (r->method == PM_METHOD_POST || r->method == PM_METHOD_PUT) {
		const char *type = header(c, "Content-Type");
		c->has_form = type && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0;
	}
	c->gzip_ok = pm_gzip_accepted(header(c, "Accept-Encoding"));
	return MHD_YES;
}

static enum MHD_Result take_body(struct conn *c, const char *data, size_t *size)
{
	if (*size > c->server->body_max - c->body.len)
		return MHD_NO;
	pm_buf_add(&c->body, data, *size);
	*size = 0;
	return pm_buf_error(&c->body) ? MHD_NO : MHD_YES;
}

/* The request is complete. */
static enum MHD_Result dispatch(struct conn *c)
{
	struct pm_request *r = &c->req;
	char *query, allow[64];
	size_t query_len;
	r->arrived_ns = pm_monotonic_ns();
	r->path = split_target(&c->uri, &query, &query_len);
	c->route = pm_route_find(c->server->routes, r->path, &r->arg);
	size_t arg_len = r->arg.len;
	if (!c->route || (arg_len && pm_url_decode((char *)(uintptr_t)r->arg.ptr, arg_len, false, &arg_len))) {
		pm_reply_text(r, 404, "404 page not found\n");
		return send_reply(c);
	}
	r->arg.len = arg_len;
	if (!(c->route->methods & r->method)) {
		pm_reply_text(r, 405, "Method Not Allowed\n");
		r->allow = pm_route_allow(c->route, allow);
		return send_reply(c);
	}
	if (read_params(c, query, query_len)) {
		pm_reply_text(r, 400, "too many parameters\n");
		return send_reply(c);
	}
	if ((c->route->flags & PM_ROUTE_SLOW) && !pm_quick_has(&c->server->quick, c->quick_key))
		return hand_to_worker(c);
	run(c);
	return send_reply(c);
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *upload_data, size_t *upload_data_size, void **con_cls)
{
	struct conn *c = *con_cls;
	if (!c)
		return MHD_NO;
	if (c->state == CONN_HEAD)
		return begin(c, method);
	if (*upload_data_size)
		return take_body(c, upload_data, upload_data_size);
	if (c->state == CONN_DONE)
		return send_reply(c);
	return dispatch(c);
}

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct pm_server *s = cls;
	const union MHD_ConnectionInfo *info = mhd.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *c = info ? info->socket_context : NULL;
	if (!c)
		return NULL;
	conn_reset(c);
	pm_buf_cstr(&c->uri, uri);
	atomic_fetch_add(&s->in_flight, 1);
	return c;
}

static void on_completed(
	void *cls, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode toe)
{
	struct pm_server *s = cls;
	if (!*con_cls)
		return;
	conn_reset(*con_cls);
	*con_cls = NULL;
	if (atomic_fetch_sub(&s->in_flight, 1) == 1 && atomic_load(&s->stopping)) {
		pthread_mutex_lock(&s->drain_lock);
		pthread_cond_signal(&s->drained);
		pthread_mutex_unlock(&s->drain_lock);
	}
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode toe)
{
	struct pm_server *s = cls;
	struct conn *c = *socket_context;
	if (toe == MHD_CONNECTION_NOTIFY_STARTED) {
		c = pm_calloc(1, sizeof *c);
		if (!c)
			return; /* on_uri and on_access refuse its requests */
		atomic_fetch_add(&s->connections, 1);
		c->server = s;
		c->mhd = connection;
		c->req.serve = s->serve;
		c->req.out.max = REPLY_BYTES_MAX;
		const union MHD_ConnectionInfo *info =
			mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		c->req.socket = info ? info->connect_fd : -1;
		*socket_context = c;
	} else if (c) {
		pm_buf_release(&c->uri);
		pm_buf_release(&c->body);
		pm_buf_release(&c->zipped);
		pm_buf_release(&c->req.out);
		pm_params_release(&c->req.params);
		pm_arena_release(&c->req.arena);
		pm_free(c);
		*socket_context = NULL;
		atomic_fetch_sub(&s->connections, 1);
	}
}

/* ---- start and stop ----------------------------------------------------------------------------- */

static unsigned thread_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 2 ? 2 : n > 8 ? 8 : (unsigned)n;
}

int pm_server_start(struct pm_server *s, struct pm_error *err)
{
	struct MHD_OptionItem options[] = {
		{ MHD_OPTION_LISTEN_SOCKET, s->listen_fd, NULL },
		{ MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)thread_count(), NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, (intptr_t)s->connection_max, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONN_BYTES, NULL },
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_uri, s },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, s },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, s },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO;
	s->daemon = mhd.start_daemon(flags, 0, NULL, NULL, on_access, s, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	return s->daemon ? 0 : pm_fail(err, PM_ERR_NETWORK, "cannot start the HTTP server: %s", strerror(errno));
}

int pm_server_new(const struct pm_server_opts *opts, struct pm_server **ret, struct pm_error *err)
{
	struct pm_server *s = NULL;
	int rc;
	pthread_once(&load_once, load);
	if (load_error[0]) {
		rc = pm_fail(err, PM_ERR_UNSUPPORTED, "cannot load the HTTP library (package libmicrohttpd12): %s",
			load_error);
		goto fail;
	}
	s = pm_calloc(1, sizeof *s);
	rc = s ? pm_stats_init(&s->stats, opts->routes) : PM_ERR_NOMEM;
	if (rc) {
		pm_fail(err, rc, "out of memory");
		goto fail;
	}
	s->routes = opts->routes;
	s->serve = opts->serve;
	s->body_max = opts->body_max;
	s->connection_max = opts->connection_max;
	s->listen_fd = opts->listen_fd;
	pthread_mutex_init(&s->drain_lock, NULL);
	pthread_cond_init(&s->drained, NULL);
	rc = pm_workers_new(opts->worker_max, QUEUE_MAX, &s->workers, err);
	if (rc)
		goto fail;
	*ret = s;
	return 0;
fail:
	if (s)
		pm_stats_release(&s->stats);
	pm_free(s);
	close(opts->listen_fd);
	return rc;
}

/* Wait until replies under way have left, so that a stop does not cut them short; a client that does not read gives up
 * its. */
static void drain(struct pm_server *s)
{
	struct timespec until = { .tv_sec = pm_now_ms() / 1000 + DRAIN_SECONDS };
	pthread_mutex_lock(&s->drain_lock);
	while (atomic_load(&s->in_flight) > 0)
		if (pthread_cond_timedwait(&s->drained, &s->drain_lock, &until))
			break;
	pthread_mutex_unlock(&s->drain_lock);
}

void pm_server_free(struct pm_server *s)
{
	if (!s)
		return;
	atomic_store(&s->stopping, true);
	if (s->daemon) {
		mhd.quiesce_daemon(s->daemon);
		pm_workers_stop(s->workers); /* resumes what is suspended, as stop_daemon() demands */
		drain(s);
		mhd.stop_daemon(s->daemon);
	}
	pm_workers_free(s->workers);
	close(s->listen_fd);
	pm_stats_release(&s->stats);
	pthread_cond_destroy(&s->drained);
	pthread_mutex_destroy(&s->drain_lock);
	pm_free(s);
}

void pm_server_load(struct pm_server *s, struct pm_server_load *ret)
{
	pm_workers_load(s->workers, &ret->running, &ret->waiting);
	ret->connections = atomic_load(&s->connections);
}

const struct pm_stats *pm_server_stats(const struct pm_server *s)
{
	return &s->stats;
}
