/* http.c - the only includer of libcurl, which is loaded on first use: a short command must not pay for what it doesn't
 * need.
 *
 * One multi handle keeps connections and names for all transfers; each transfer keeps its easy handle. Bodies live in
 * buffers that transfers take from a pool while they have one, so that memory goes with what is under way, not with the
 * number of targets. gzip is undone here and not by libcurl, which does not notice a stream that is cut off. Errors are
 * worded as upstream's, where it has words for them. */
#include "libscrape/http.h"

#include "libscrape/gzip.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>

enum {
	RECEIVE_BUFFER = 512 * 1024, /* libcurl's maximum */
	HEADERS_MAX = 256 * 1024,    /* bytes of headers of one transfer, redirects too */
	REQUESTS_MAX = 10,           /* with redirects, as Go's client */
	POOL_MAX = 16,               /* idle body buffers */
	POOLED_SIZE_MAX = 32 << 20,  /* a larger one is not kept */
	WAIT_MAX_MS = 60000,
};

/* ---- libcurl ------------------------------------------------------------------------------------ */

/* clang-format off */
#define CURL_FUNCTIONS(X) \
	X(global_init) X(slist_append) X(slist_free_all) \
	X(easy_init) X(easy_cleanup) X(easy_setopt) X(easy_getinfo) X(easy_strerror) \
	X(multi_init) X(multi_cleanup) X(multi_setopt) X(multi_add_handle) X(multi_remove_handle) X(multi_perform) \
	X(multi_poll) X(multi_wakeup) X(multi_info_read) X(multi_strerror)
/* clang-format on */

static struct {
#define X(name) __typeof__(curl_##name) *name;
	CURL_FUNCTIONS(X)
#undef X
	bool loaded;
	char why[256];
} curl;

static void load_curl(void)
{
	void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	const char *missing = NULL;

#define X(name)                                                                                                        \
	if (lib && !(curl.name = (__typeof__(curl_##name) *)dlsym(lib, "curl_" #name)))                                \
		missing = "curl_" #name;
	CURL_FUNCTIONS(X)
#undef X
	if (!lib)
		snprintf(curl.why, sizeof curl.why, "%s", dlerror());
	else if (missing)
		snprintf(curl.why, sizeof curl.why, "libcurl.so.4 lacks %s", missing);
	else if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		snprintf(curl.why, sizeof curl.why, "libcurl does not start");
	else
		curl.loaded = true;
}

/* ---- the client --------------------------------------------------------------------------------- */

struct scrape__http {
	CURLM *multi;
	char user_agent[128];
	struct pm_buf pool[POOL_MAX];
	size_t pool_count;
	struct scrape__transfer *ended; /* list */
};

struct scrape__transfer {
	struct scrape__http *http;
	struct scrape__get get;
	void *owner;
	CURL *easy;
	struct curl_slist *headers;
	struct scrape__gunzip *gunzip;
	bool running;

	/* the answer */
	struct pm_buf body;
	size_t header_bytes;
	bool gzip;
	char status[64]; /* "404 Not Found" */
	char content_type[256];
	char error[512];
	struct scrape__transfer *next_ended;
};

int scrape__http_new(const char *user_agent, struct scrape__http **ret, struct pm_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct scrape__http *h;

	pthread_once(&once, load_curl);
	if (!curl.loaded)
		return pm_fail(err, PM_ERR_UNSUPPORTED, "can't load libcurl: %s", curl.why);
	h = pm_calloc(1, sizeof *h);
	if (!h)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	h->multi = curl.multi_init();
	if (!h->multi) {
		pm_free(h);
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	}
	snprintf(h->user_agent, sizeof h->user_agent, "%s", user_agent ? user_agent : "pm/" PM_VERSION);
	*ret = h;
	return 0;
}

void scrape__http_free(struct scrape__http *h)
{
	if (!h)
		return;
	curl.multi_cleanup(h->multi);
	while (h->pool_count)
		pm_buf_release(&h->pool[--h->pool_count]);
	pm_free(h);
}

void scrape__http_keep(struct scrape__http *h, size_t connections)
{
	curl.multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)connections);
}

void scrape__http_wake(struct scrape__http *h)
{
	curl.multi_wakeup(h->multi);
}

/* ---- bodies ------------------------------------------------------------------------------------- */

static void take_buffer(struct scrape__transfer *t)
{
	struct scrape__http *h = t->http;

	if (t->body.ptr)
		return;
	if (h->pool_count)
		t->body = h->pool[--h->pool_count];
	pm_buf_reset(&t->body);
	t->body.max = t->get.body_max;
}

static void give_buffer(struct scrape__transfer *t)
{
	struct scrape__http *h = t->http;

	if (t->body.ptr && t->body.cap <= POOLED_SIZE_MAX && h->pool_count < POOL_MAX)
		h->pool[h->pool_count++] = t->body;
	else
		pm_buf_release(&t->body);
	t->body = (struct pm_buf){ 0 };
}

static size_t refuse(struct scrape__transfer *t, const char *why)
{
	snprintf(t->error, sizeof t->error, "%s", why);
	return 0; /* not what libcurl gave: it stops */
}

static bool status_is_error(const struct scrape__transfer *t)
{
	return !t->get.any_status && strncmp(t->status, "200", 3) != 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct scrape__transfer *t = arg;
	int rc;

	if (status_is_error(t))
		return refuse(t, "");
	take_buffer(t);
	if (t->gzip) {
		if (!t->gunzip && scrape__gunzip_new(&t->gunzip))
			return refuse(t, "out of memory");
		rc = scrape__gunzip_add(t->gunzip, p, size * n, &t->body);
	} else {
		pm_buf_add(&t->body, p, size * n);
		rc = pm_buf_error(&t->body);
	}
	if (rc == PM_ERR_LIMIT)
		return refuse(t, "body size limit exceeded");
	if (rc)
		return refuse(t, rc == PM_ERR_NOMEM ? "out of memory" : "gzip: invalid data");
	return size * n;
}

/* ---- headers ------------------------------------------------------------------------------------ */

/* The value of a header line, when it is that header. */
static bool header_value(struct pm_str line, const char *name, struct pm_str *ret)
{
	size_t n = strlen(name);

	if (line.len <= n || line.ptr[n] != ':' || strncasecmp(line.ptr, name, n) != 0)
		return false;
	for (n++; n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t');)
		n++;
	*ret = (struct pm_str){ line.ptr + n, line.len - n };
	while (ret->len && isspace((unsigned char)ret->ptr[ret->len - 1]))
		ret->len--;
	return true;
}

/* Reason phrases for HTTP/2, which has none. */
static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} known[] = {
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].status == status)
			return known[i].reason;
	return "";
}

/* "HTTP/1.1 404 Not Found": a new answer begins, and what the one before said is void. */
static void status_line(struct scrape__transfer *t, struct pm_str line)
{
	const char *s = memchr(line.ptr, ' ', line.len);
	struct pm_str rest = { s ? s + 1 : "", s ? line.len - (size_t)(s + 1 - line.ptr) : 0 };

	while (rest.len && isspace((unsigned char)rest.ptr[rest.len - 1]))
		rest.len--;
	snprintf(t->status, sizeof t->status, "%.*s", PM_STR_ARG(rest));
	if (rest.len == 3)
		snprintf(t->status + 3, sizeof t->status - 3, " %s", reason_of((int)strtol(t->status, NULL, 10)));
	t->gzip = false;
	t->content_type[0] = '\0';
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct scrape__transfer *t = arg;
	struct pm_str line = { p, size * n }, value;

	t->header_bytes += line.len;
	if (t->header_bytes > HEADERS_MAX)
		return refuse(t, "the answer's headers are too long");
	if (line.len > 5 && memcmp(p, "HTTP/", 5) == 0)
		status_line(t, line);
	else if (header_value(line, "Content-Encoding", &value))
		t->gzip = value.len == 4 && strncasecmp(value.ptr, "gzip", 4) == 0;
	else if (header_value(line, "Content-Type", &value))
		snprintf(t->content_type, sizeof t->content_type, "%.*s", PM_STR_ARG(value));
	return line.len;
}

/* ---- transfers ---------------------------------------------------------------------------------- */

static bool add_header(struct scrape__transfer *t, const char *text)
{
	struct curl_slist *list = curl.slist_append(t->headers, text);

	if (list)
		t->headers = list;
	return list != NULL;
}

static bool add_headers(struct scrape__transfer *t)
{
	char line[128], seconds[PM_DOUBLE_TEXT_MAX];
	char accept[512];
	size_t n;

	snprintf(accept, sizeof accept, "Accept: %s", t->get.accept ? t->get.accept : "*/*");
	if (!add_header(t, accept) || !add_header(t, "Accept-Encoding: gzip"))
		return false;
	if (!t->get.scrape_headers)
		return true;
	n = pm_double_format_f(seconds, (double)t->get.timeout_ms / 1000);
	snprintf(line, sizeof line, "X-Prometheus-Scrape-Timeout-Seconds: %.*s", (int)n, seconds);
	return add_header(t, line);
}

/* What stays the same each time. An environment's proxy is not ours to use; other protocols are closed, to redirects
 * too. */
static int set_options(struct scrape__transfer *t)
{
	CURL *e = t->easy;
	int rc = 0;

	rc |= curl.easy_setopt(e, CURLOPT_URL, t->get.url);
	rc |= curl.easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	rc |= curl.easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	rc |= curl.easy_setopt(e, CURLOPT_PROXY, "");
	rc |= curl.easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
	rc |= curl.easy_setopt(e, CURLOPT_MAXREDIRS, (long)REQUESTS_MAX - 1);
	rc |= curl.easy_setopt(e, CURLOPT_USERAGENT, t->http->user_agent);
	rc |= curl.easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	rc |= curl.easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	rc |= curl.easy_setopt(e, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	rc |= curl.easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)t->get.timeout_ms);
	rc |= curl.easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)t->get.timeout_ms);
	rc |= curl.easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	rc |= curl.easy_setopt(e, CURLOPT_WRITEDATA, t);
	rc |= curl.easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	rc |= curl.easy_setopt(e, CURLOPT_HEADERDATA, t);
	rc |= curl.easy_setopt(e, CURLOPT_PRIVATE, t);
	return rc;
}

int scrape__transfer_new(struct scrape__http *h, const struct scrape__get *get, void *owner,
	struct scrape__transfer **ret, struct pm_error *err)
{
	struct scrape__transfer *t = pm_calloc(1, sizeof *t);
	int rc = PM_ERR_NOMEM;

	if (!t)
		return pm_fail(err, rc, "out of memory");
	t->http = h;
	t->get = *get;
	t->owner = owner;
	t->easy = curl.easy_init();
	if (!t->easy || !add_headers(t))
		rc = pm_fail(err, rc, "out of memory");
	else if (set_options(t))
		rc = pm_fail(err, PM_ERR_UNSUPPORTED, "libcurl is too old: 7.85 is needed");
	else
		rc = 0;
	if (rc)
		scrape__transfer_free(t);
	else
		*ret = t;
	return rc;
}

void scrape__transfer_free(struct scrape__transfer *t)
{
	if (!t)
		return;
	scrape__transfer_reset(t);
	if (t->easy)
		curl.easy_cleanup(t->easy);
	curl.slist_free_all(t->headers);
	scrape__gunzip_free(t->gunzip);
	pm_free(t);
}

void scrape__transfer_reset(struct scrape__transfer *t)
{
	if (t->running)
		curl.multi_remove_handle(t->http->multi, t->easy);
	t->running = false;
	for (struct scrape__transfer **at = &t->http->ended; *at; at = &(*at)->next_ended) {
		if (*at == t) {
			*at = t->next_ended;
			break;
		}
	}
	give_buffer(t);
	t->header_bytes = 0;
	t->gzip = false;
	t->status[0] = t->content_type[0] = t->error[0] = '\0';
	if (t->gunzip)
		scrape__gunzip_reset(t->gunzip);
}

int scrape__transfer_start(struct scrape__transfer *t, struct pm_error *err)
{
	CURLMcode rc;

	scrape__transfer_reset(t);
	rc = curl.multi_add_handle(t->http->multi, t->easy);
	if (rc != CURLM_OK)
		return pm_fail(err, PM_ERR_NETWORK, "%s", curl.multi_strerror(rc));
	t->running = true;
	return 0;
}

const char *scrape__transfer_error(const struct scrape__transfer *t)
{
	return t->error[0] ? t->error : NULL;
}

struct pm_str scrape__transfer_body(const struct scrape__transfer *t)
{
	return pm_buf_view(&t->body);
}

const char *scrape__transfer_content_type(const struct scrape__transfer *t)
{
	return t->content_type;
}

int scrape__transfer_status(const struct scrape__transfer *t)
{
	return (int)strtol(t->status, NULL, 10);
}

/* ---- the end of a transfer ---------------------------------------------------------------------- */

/* "host:port" of the URL, as dial errors name it. */
static struct pm_str host_of(const char *url)
{
	const char *s = strstr(url, "://");

	s = s ? s + 3 : url;
	return (struct pm_str){ s, strcspn(s, "/?#") };
}

/* An error of the system in Go's spelling: lower case. */
static const char *system_error(int number, char *out, size_t size)
{
	char text[128];

	snprintf(out, size, "%s", strerror_r(number, text, sizeof text));
	out[0] = (char)tolower((unsigned char)out[0]);
	return out;
}

/* Words for what libcurl says, upstream's where it has them. Before the headers came, the request is named. */
static void describe(struct scrape__transfer *t, CURLcode code)
{
	char *out = t->error, text[128];
	size_t size = sizeof t->error;
	struct pm_str host = host_of(t->get.url);
	long number = 0;
	int n = t->status[0] ? 0 : snprintf(out, size, "Get \"%.300s\": ", t->get.url);

	out += n;
	size -= (size_t)n;
	curl.easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(out, size, "context deadline exceeded");
		break;
	case CURLE_COULDNT_CONNECT:
		snprintf(out, size, "dial tcp %.*s: connect: %s", (int)(host.len < 100 ? host.len : 100), host.ptr,
			number ? system_error((int)number, text, sizeof text) : "connection refused");
		break;
	case CURLE_COULDNT_RESOLVE_HOST:
		snprintf(out, size, "dial tcp: lookup %.*s: no such host", (int)(host.len < 100 ? host.len : 100),
			host.ptr);
		break;
	case CURLE_TOO_MANY_REDIRECTS:
		snprintf(t->error, sizeof t->error, "Get \"%.300s\": stopped after %d redirects", t->get.url,
			REQUESTS_MAX);
		break;
	case CURLE_PARTIAL_FILE:
		snprintf(out, size, "unexpected EOF");
		break;
	case CURLE_GOT_NOTHING:
		snprintf(out, size, "EOF");
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
		snprintf(out, size, "unsupported protocol scheme");
		break;
	case CURLE_WEIRD_SERVER_REPLY:
		snprintf(out, size, "malformed HTTP response");
		break;
	default:
		snprintf(out, size, "%s",
			number ? system_error((int)number, text, sizeof text) : curl.easy_strerror(code));
		break;
	}
}

static void finish(struct scrape__transfer *t, CURLcode code)
{
	curl.multi_remove_handle(t->http->multi, t->easy);
	t->running = false;
	if (t->error[0])
		; /* refused by one of our callbacks */
	else if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && status_is_error(t)))
		describe(t, code);
	else if (status_is_error(t))
		snprintf(t->error, sizeof t->error, "server returned HTTP status %s", t->status);
	else if (t->gzip && !(t->gunzip && scrape__gunzip_ended(t->gunzip)))
		snprintf(t->error, sizeof t->error, "unexpected EOF");
	t->next_ended = t->http->ended;
	t->http->ended = t;
}

static int perform(struct scrape__http *h, struct pm_error *err)
{
	CURLMcode rc;
	CURLMsg *msg;
	int left;

	rc = curl.multi_perform(h->multi, &left);
	if (rc != CURLM_OK)
		return pm_fail(err, PM_ERR_NETWORK, "libcurl: %s", curl.multi_strerror(rc));
	while ((msg = curl.multi_info_read(h->multi, &left))) {
		char *private = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl.easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
		finish((struct scrape__transfer *)(void *)private, msg->data.result);
	}
	return 0;
}

int scrape__http_wait(struct scrape__http *h, int64_t wait_ms, struct pm_error *err)
{
	CURLMcode code;
	int rc = perform(h, err);

	if (rc || h->ended)
		return rc;
	code = curl.multi_poll(h->multi, NULL, 0, wait_ms < WAIT_MAX_MS ? (int)wait_ms : WAIT_MAX_MS, NULL);
	if (code != CURLM_OK)
		return pm_fail(err, PM_ERR_NETWORK, "libcurl: %s", curl.multi_strerror(code));
	return perform(h, err);
}

void *scrape__http_ended(struct scrape__http *h)
{
	struct scrape__transfer *t = h->ended;

	if (!t)
		return NULL;
	h->ended = t->next_ended;
	t->next_ended = NULL;
	return t->owner;
}

int scrape_http_get(const char *url, int64_t timeout_ms, struct pm_buf *out, int *ret_status, struct pm_error *err)
{
	struct scrape__get get = { .url = url, .timeout_ms = timeout_ms, .body_max = out->max, .any_status = true };
	struct scrape__transfer *t = NULL;
	struct scrape__http *h = NULL;
	int rc = scrape__http_new(NULL, &h, err);

	if (!rc)
		rc = scrape__transfer_new(h, &get, h, &t, err);
	if (!rc)
		rc = scrape__transfer_start(t, err);
	while (!rc && !scrape__http_ended(h))
		rc = scrape__http_wait(h, timeout_ms, err);
	if (!rc && scrape__transfer_error(t))
		rc = pm_fail(err, PM_ERR_NETWORK, "%s", scrape__transfer_error(t));
	if (!rc) {
		pm_buf_str(out, scrape__transfer_body(t));
		rc = pm_buf_error(out) ? pm_fail(err, pm_buf_error(out), "out of memory") : 0;
	}
	if (!rc)
		*ret_status = scrape__transfer_status(t);
	scrape__transfer_free(t);
	scrape__http_free(h);
	return rc;
}
