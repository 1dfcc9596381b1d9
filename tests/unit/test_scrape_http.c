/* Targets over HTTP: good ones, and all the ways of being bad; the loop that asks them. */
#include "tests/support/test.h"

#include "libscrape/scrape.h"
#include "libscrape/target/negotiate.h"
#include "libscrape/target/times.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/base/clock.h"
#include "tests/support/fake_appender.h"
#include "tests/support/target_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <zlib.h>

#define TEXT "Content-Type: text/plain; version=0.0.4\r\n"
#define PAGE "a 1\nb 2\n"

static const struct target_reply replies[] = {
	{ "/good", PM_STR("HTTP/1.1 200 OK\r\n" TEXT "Content-Length: 8\r\n\r\n" PAGE), TARGET_KEEP, { 0 } },
	{ "/plain-close", PM_STR("HTTP/1.0 200 OK\r\n\r\n" PAGE), TARGET_CLOSE, { 0 } },
	{ "/chunked",
		PM_STR("HTTP/1.1 200 OK\r\n" TEXT
		       "Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n4\r\nb 2\n\r\n0\r\n\r\n"),
		TARGET_KEEP, { 0 } },
	{ "/om",
		PM_STR("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; "
		       "version=1.0.0\r\nContent-Length: 14\r\n\r\na 1\nb 2\n# EOF\n"),
		TARGET_KEEP, { 0 } },
	{ "/om-cut",
		PM_STR("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text\r\nContent-Length: "
		       "8\r\n\r\n" PAGE),
		TARGET_KEEP, { 0 } },
	{ "/hop", PM_STR("HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 3\r\n\r\nxyz"), TARGET_KEEP, { 0 } },
	{ "/loop", PM_STR("HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n"), TARGET_KEEP, { 0 } },
	{ "/to-file", PM_STR("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
		TARGET_KEEP, { 0 } },
	{ "/slow", PM_STR("HTTP/1.1 200 OK\r\n" TEXT "Content-Length: 8\r\n\r\na 1\n"), TARGET_HANG, { 0 } },
	{ "/silent", PM_STR(""), TARGET_HANG, { 0 } },
	{ "/nothing", PM_STR(""), TARGET_CLOSE, { 0 } },
	{ "/endless", PM_STR("HTTP/1.1 200 OK\r\n" TEXT "\r\n"), TARGET_AGAIN,
		PM_STR("a 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\n") },
	{ "/endless-headers", PM_STR("HTTP/1.1 200 OK\r\n"), TARGET_AGAIN,
		PM_STR("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n") },
	{ "/half", PM_STR("HTTP/1.1 200 OK\r\n" TEXT "Content-Length: 1000\r\n\r\n" PAGE), TARGET_CLOSE, { 0 } },
	{ "/half-chunk", PM_STR("HTTP/1.1 200 OK\r\n" TEXT "Transfer-Encoding: chunked\r\n\r\n8\r\na 1\n"),
		TARGET_CLOSE, { 0 } },
	{ "/garbage", PM_STR("SSH-2.0-OpenSSH_9.2\r\n"), TARGET_CLOSE, { 0 } },
	{ "/garbage-page", PM_STR("HTTP/1.1 200 OK\r\n" TEXT "Content-Length: 9\r\n\r\na 1\n\x80\x81 x\n"), TARGET_KEEP,
		{ 0 } },
	{ "/teapot", PM_STR("HTTP/1.1 418 I'm a teapot\r\nContent-Length: 5\r\n\r\nshort"), TARGET_CLOSE, { 0 } },
	{ "/empty-500", PM_STR("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"), TARGET_KEEP, { 0 } },
	{ "/html", PM_STR("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 8\r\n\r\n" PAGE), TARGET_KEEP,
		{ 0 } },
	{ "/fake-gzip", PM_STR("HTTP/1.1 200 OK\r\n" TEXT "Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\n" PAGE),
		TARGET_KEEP, { 0 } },
	{ 0 },
};

struct fixture {
	struct fake_appender *fake;
	struct target_server *server;
	struct scrape_loop *loop;
	char url[128];
	struct scrape_report report;
	atomic_uint scrapes, failed;
	unsigned stop_after;
	int store_rc;
	int64_t times[64];
};

static const struct pm_label labels[] = { { PM_STR("job"), PM_STR("j") } };

static void on_done(void *arg, const struct scrape_target *target, const struct scrape_report *report, int store_rc,
	const struct pm_error *err)
{
	struct fixture *x = arg;
	unsigned n;

	x->report = *report;
	x->store_rc = store_rc;
	x->failed += !report->up;
	n = atomic_fetch_add(&x->scrapes, 1);
	if (n < 64)
		x->times[n] = report->t_ms;
	if (n + 1 == x->stop_after)
		scrape_loop_stop(x->loop);
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);

	x->fake = fake_appender_new();
	x->server = target_server_new(replies);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	scrape_loop_free(x->loop);
	target_server_free(x->server);
	fake_appender_free(x->fake);
	free(x);
	return 0;
}

static void new_loop(struct fixture *x)
{
	struct scrape_loop_opts opts = { .done = on_done, .arg = x };
	struct pm_error err = { 0 };

	scrape_loop_free(x->loop);
	x->loop = NULL;
	assert_ok(scrape_loop_new(&x->fake->app, &opts, &x->loop, &err), &err);
}

static struct scrape_target target_of(struct fixture *x, const char *path)
{
	snprintf(x->url, sizeof x->url, "http://127.0.0.1:%d%s", target_server_port(x->server), path);
	return (struct scrape_target){
		.url = x->url, .labels = { labels, 1 }, .interval_ms = 60000, .timeout_ms = 20000
	};
}

/* One scrape; returns its error. */
static const char *scrape(struct fixture *x, struct scrape_target *t)
{
	struct pm_error err = { 0 };

	new_loop(x);
	assert_ok(scrape_loop_add(x->loop, t, &err), &err);
	assert_ok(scrape_loop_once(x->loop, &err), &err);
	assert_int_equal(x->store_rc, 0);
	assert_int_equal(x->report.up, x->report.error[0] == '\0');
	return x->report.error;
}

static const char *scrape_path(struct fixture *x, const char *path)
{
	struct scrape_target t = target_of(x, path);

	return scrape(x, &t);
}

/* ---- good targets ------------------------------------------------------------------------------- */

static void test_good(void **state)
{
	static const char *const paths[] = { "/good", "/plain-close", "/chunked", "/om", "/hop" };
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		assert_string_equal(scrape_path(x, paths[i]), "");
		assert_int_equal(x->report.samples_scraped, 2);
		assert_int_equal(x->report.body_bytes, strcmp(paths[i], "/om") ? 8 : 14);
		assert_contains(x->fake->last.ptr, "{__name__=\"b\",job=\"j\"} 2\n");
	}
}

static void test_request_headers(void **state)
{
	struct fixture *x = *state;
	struct scrape_target t = target_of(x, "/good");
	const char *request;

	t.timeout_ms = 2500;
	assert_string_equal(scrape(x, &t), "");
	request = target_server_last_request(x->server);
	assert_contains(request, "GET /good HTTP/1.1\r\n");
	assert_contains(request, "\r\nUser-Agent: pm/" PM_VERSION "\r\n");
	assert_contains(request, "\r\nAccept-Encoding: gzip\r\n");
	assert_contains(request, "\r\nX-Prometheus-Scrape-Timeout-Seconds: 2.5\r\n");
	assert_contains(request,
		"\r\nAccept: text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,");
	assert_contains(request, ",*/*;q=0.1\r\n");
}

static void test_content_types(void **state)
{
	static const struct {
		const char *type;
		int format; /* -1: refused */
	} cases[] = {
		{ "text/plain", SCRAPE_FORMAT_TEXT },
		{ "Text/Plain; version=1.0.0; escaping=allow-utf-8", SCRAPE_FORMAT_TEXT },
		{ "", SCRAPE_FORMAT_TEXT },
		{ "  ", SCRAPE_FORMAT_TEXT },
		{ "application/openmetrics-text;version=1.0.0", SCRAPE_FORMAT_OPENMETRICS },
		{ "text/html", -1 },
		{ "application/json", -1 },
		{ "text/plainer", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum scrape_format format = SCRAPE_FORMAT_OPENMETRICS_PART;
		int rc = scrape__format_of(cases[i].type, &format, NULL);

		assert_int_equal(rc, cases[i].format < 0 ? PM_ERR_UNSUPPORTED : 0);
		if (!rc)
			assert_int_equal(format, cases[i].format);
	}
}

/* ---- bad ones ----------------------------------------------------------------------------------- */

static void test_bad_answers(void **state)
{
	static const struct {
		const char *path, *why;
	} cases[] = {
		{ "/missing", "server returned HTTP status 404 Not Found" },
		{ "/teapot", "server returned HTTP status 418 I'm a teapot" },
		{ "/empty-500", "server returned HTTP status 500 Internal Server Error" },
		{ "/loop", "stopped after 10 redirects" },
		{ "/to-file", "unsupported protocol scheme" },
		{ "/half", "unexpected EOF" },
		{ "/half-chunk", "unexpected EOF" },
		{ "/nothing", "/nothing\": EOF" },
		{ "/garbage-page", "line 2, column 1: expected a metric name, '{' or '#', got byte 0x80" },
		{ "/om-cut", "line 3, column 1: data does not end with # EOF" },
		{ "/html", "received unsupported Content-Type \"text/html\"" },
		{ "/fake-gzip", "gzip: invalid data" },
		{ "/endless-headers", "the answer's headers are too long" },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_contains(scrape_path(x, cases[i].path), cases[i].why);
		assert_contains(x->fake->last.ptr, "{__name__=\"up\",job=\"j\"} 0\n");
		assert_null(strchr(x->report.error, '\n'));
	}
	assert_int_equal(x->scrapes, sizeof cases / sizeof *cases);
}

static void test_redirects_end(void **state)
{
	struct fixture *x = *state;

	assert_contains(scrape_path(x, "/loop"), "stopped after 10 redirects");
	assert_int_equal(target_server_requests(x->server), 10);
}

static void test_garbage_protocol(void **state)
{
	struct fixture *x = *state;

	assert_contains(scrape_path(x, "/garbage"), "Get \"http://127.0.0.1:");
	assert_false(x->report.up);
}

static void test_down(void **state)
{
	struct fixture *x = *state;
	struct scrape_target t = target_of(x, "/good");
	char want[256];
	int port = target_server_closed_port();

	snprintf(x->url, sizeof x->url, "http://127.0.0.1:%d/metrics", port);
	snprintf(want, sizeof want,
		"Get \"http://127.0.0.1:%d/metrics\": dial tcp 127.0.0.1:%d: connect: connection refused", port, port);
	assert_string_equal(scrape(x, &t), want);
	assert_true(x->report.duration_s < 10);
}

static void test_bad_urls(void **state)
{
	static const char *const urls[] = { "file:///etc/passwd", "gopher://127.0.0.1/", "http://",
		"http://127.0.0.1:99999999/", "" };
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		struct scrape_target t = target_of(x, "/good");

		t.url = urls[i];
		assert_contains(scrape(x, &t), "Get \"");
		assert_false(x->report.up);
	}
}

/* Timeouts end exactly when they must: not before, and long before anything else would end the wait. */
static void test_timeouts(void **state)
{
	static const char *const paths[] = { "/slow", "/silent", "/endless" };
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct scrape_target t = target_of(x, paths[i]);

		t.timeout_ms = 100;
		assert_contains(scrape(x, &t), "context deadline exceeded");
		assert_true(x->report.duration_s >= 0.099);
		assert_true(x->report.duration_s < 10);
	}
}

static void test_body_limit(void **state)
{
	struct fixture *x = *state;
	struct scrape_target t = target_of(x, "/endless");

	t.body_size_max = 100000;
	assert_string_equal(scrape(x, &t), "body size limit exceeded");
	t = target_of(x, "/good");
	t.body_size_max = 8;
	assert_string_equal(scrape(x, &t), "");
	t.body_size_max = 7;
	assert_string_equal(scrape(x, &t), "body size limit exceeded");
}

/* ---- gzip --------------------------------------------------------------------------------------- */

static void put_gzip(struct pm_buf *out, struct pm_str body)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
	pm_buf_reserve(out, deflateBound(&z, body.len) + 64);
	z.next_in = (Bytef *)(uintptr_t)body.ptr;
	z.avail_in = (uInt)body.len;
	z.next_out = (Bytef *)out->ptr + out->len;
	z.avail_out = (uInt)(out->cap - out->len - 1);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

/* Serve these packed bytes and scrape them. */
static const char *scrape_packed(struct fixture *x, struct pm_str packed, size_t body_max)
{
	struct target_reply r[2] = { { "/z", { 0 }, TARGET_CLOSE, { 0 } } };
	struct scrape_target t;
	struct pm_buf answer = { 0 };
	const char *why;

	pm_buf_fmt(&answer, "HTTP/1.1 200 OK\r\n" TEXT "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
		packed.len);
	pm_buf_str(&answer, packed);
	r[0].bytes = pm_buf_view(&answer);
	target_server_free(x->server);
	x->server = target_server_new(r);
	t = target_of(x, "/z");
	t.body_size_max = body_max;
	why = scrape(x, &t);
	target_server_free(x->server); /* its replies end here */
	x->server = target_server_new(replies);
	pm_buf_release(&answer);
	return why;
}

static void test_gzip(void **state)
{
	struct fixture *x = *state;
	struct pm_buf packed = { 0 };

	put_gzip(&packed, PM_STR(PAGE));
	assert_string_equal(scrape_packed(x, pm_buf_view(&packed), 0), "");
	assert_int_equal(x->report.samples_scraped, 2);
	assert_int_equal(x->report.body_bytes, 8);
	assert_string_equal(scrape_packed(x, pm_buf_view(&packed), 8), "");
	assert_string_equal(scrape_packed(x, pm_buf_view(&packed), 7), "body size limit exceeded");
	for (size_t cut = 1; cut < packed.len; cut++)
		assert_string_equal(
			scrape_packed(x, (struct pm_str){ packed.ptr, packed.len - cut }, 0), "unexpected EOF");
	put_gzip(&packed, PM_STR("c 3\n")); /* a second member goes on where the first ended */
	assert_string_equal(scrape_packed(x, pm_buf_view(&packed), 0), "");
	assert_int_equal(x->report.samples_scraped, 3);
	pm_buf_cstr(&packed, "trailing");
	assert_string_equal(scrape_packed(x, pm_buf_view(&packed), 0), "gzip: invalid data");
	pm_buf_release(&packed);
}

/* 64 MiB in 64 KiB: given up at the limit. */
static void test_gzip_bomb(void **state)
{
	struct fixture *x = *state;
	struct pm_buf packed = { 0 };
	size_t size = (size_t)64 << 20;
	char *zeros = calloc(1, size);

	put_gzip(&packed, (struct pm_str){ zeros, size });
	free(zeros);
	assert_true(packed.len < 100000);
	assert_string_equal(scrape_packed(x, pm_buf_view(&packed), 1 << 20), "body size limit exceeded");
	assert_true(x->report.duration_s < 10);
	pm_buf_release(&packed);
}

/* ---- the loop ----------------------------------------------------------------------------------- */

static void test_times(void **state)
{
	struct scrape_target a = { .url = "http://a/", .labels = { labels, 1 } },
			     b = { .url = "http://b/", .labels = { labels, 1 } };
	bool differ = false;

	(void)state;
	for (int64_t interval = 1000; interval < 20000; interval += 777) {
		assert_in_range(scrape__offset(&a, interval), 0, interval - 1);
		assert_int_equal(scrape__offset(&a, interval), scrape__offset(&a, interval));
		differ |= scrape__offset(&a, interval) != scrape__offset(&b, interval);
	}
	assert_true(differ);
	assert_int_equal(scrape__due_after(1000, 100, 30), 1030);
	assert_int_equal(scrape__due_after(1029, 100, 30), 1030);
	assert_int_equal(scrape__due_after(1030, 100, 30), 1130);
	assert_int_equal(scrape__due_after(1031, 100, 30), 1130);
	assert_int_equal(scrape__due_after(-7, 100, 30), 30);
	assert_int_equal(scrape__due_after(0, 100, 0), 100);
	/* early, late, much too late, and after the clock was set back or forth */
	assert_int_equal(scrape__go_on_from(1030, 1029, 100), 1030);
	assert_int_equal(scrape__go_on_from(1030, 1040, 100), 1040);
	assert_int_equal(scrape__go_on_from(1030, 1500, 100), 1500);
	assert_int_equal(scrape__go_on_from(1030, 100, 100), 100);
	assert_int_equal(scrape__go_on_from(1030, 99999, 100), 99999);
	for (int64_t late = -3; late <= 3; late++) {
		bool met = late >= -2 && late <= 2;

		assert_int_equal(scrape__timestamp(10000, 10000 + late, 15000), met ? 10000 : 10000 + late);
		assert_int_equal(scrape__timestamp(10000, 10000 + late, 99), 10000 + late);
	}
}

/* All at once: the slow one delays nobody. */
static void test_once_asks_all(void **state)
{
	struct fixture *x = *state;
	struct scrape_target t[20];
	char urls[20][128];
	struct pm_error err = { 0 };

	new_loop(x);
	for (int i = 0; i < 20; i++) {
		t[i] = target_of(x, i == 0 ? "/silent" : "/good");
		memcpy(urls[i], x->url, sizeof urls[i]);
		t[i].url = urls[i];
		t[i].timeout_ms = i == 0 ? 300 : 20000;
		assert_ok(scrape_loop_add(x->loop, &t[i], &err), &err);
	}
	assert_ok(scrape_loop_once(x->loop, &err), &err);
	assert_int_equal(x->scrapes, 20);
	assert_int_equal(x->failed, 1); /* the silent one */
	assert_ok(scrape_loop_once(x->loop, &err), &err);
	assert_int_equal(x->scrapes, 40);
	assert_int_equal(x->failed, 2);
}

/* Each interval, at the target's own place in it, over one connection. */
static void test_run(void **state)
{
	struct fixture *x = *state;
	struct scrape_target t = target_of(x, "/good");
	struct pm_error err = { 0 };
	unsigned on_time = 0;

	t.interval_ms = 200;
	new_loop(x);
	x->stop_after = 6;
	assert_ok(scrape_loop_add(x->loop, &t, &err), &err);
	assert_ok(scrape_loop_run(x->loop, &err), &err);
	assert_int_equal(x->scrapes, 6);
	assert_int_equal(target_server_requests(x->server), 6);
	assert_int_equal(target_server_connections(x->server), 1);
	for (unsigned i = 1; i < 6; i++) {
		assert_true(x->times[i] > x->times[i - 1]);
		on_time += (x->times[i] - x->times[0]) % t.interval_ms == 0;
	}
	print_message("%u of 5 scrapes bear the time they were due\n", on_time);
	assert_int_equal(x->fake->warm_pages, 5);
}

/* A scrape that takes longer than its interval leaves out what it missed. */
static void test_run_does_not_catch_up(void **state)
{
	struct fixture *x = *state;
	struct scrape_target t = target_of(x, "/silent");
	struct pm_error err = { 0 };

	t.interval_ms = 20;
	t.timeout_ms = 90;
	new_loop(x);
	x->stop_after = 3;
	assert_ok(scrape_loop_add(x->loop, &t, &err), &err);
	assert_ok(scrape_loop_run(x->loop, &err), &err);
	assert_true(x->times[1] - x->times[0] >= 80);
	assert_true(x->times[2] - x->times[1] >= 80);
	assert_int_equal(target_server_requests(x->server), 3);
}

static void *run_loop(void *arg)
{
	struct fixture *x = arg;

	return scrape_loop_run(x->loop, NULL) == 0 ? x : NULL;
}

/* Stop from another thread: at once, and what is under way is not stored. */
static void test_stop(void **state)
{
	struct fixture *x = *state;
	struct scrape_target t = target_of(x, "/silent");
	struct pm_error err = { 0 };
	int64_t start_ns = pm_monotonic_ns();
	pthread_t thread;
	void *ret;

	t.interval_ms = 10;
	new_loop(x);
	assert_ok(scrape_loop_add(x->loop, &t, &err), &err);
	assert_int_equal(pthread_create(&thread, NULL, run_loop, x), 0);
	while (!target_server_requests(x->server))
		sched_yield();
	scrape_loop_stop(x->loop);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_ptr_equal(ret, x);
	assert_int_equal(x->scrapes, 0);
	assert_int_equal(x->fake->pages, 0);
	assert_true(pm_monotonic_ns() - start_ns < t.timeout_ms * 1000000 / 2); /* it did not wait for the target */
}

/* A loop that waits for its next scrape, a minute away, is woken. */
static void test_stop_wakes(void **state)
{
	struct fixture *x = *state;
	struct scrape_target t = target_of(x, "/good");
	int64_t start_ns, wait_ms = t.interval_ms;
	struct pm_error err = { 0 };
	struct pm_label label = labels[0];
	char job[32];
	pthread_t thread;
	void *ret;

	t.labels = (struct pm_labels){ &label, 1 };
	for (int i = 0; wait_ms > 500; i++) { /* a target that is due soon */
		label.value = (struct pm_str){ job, (size_t)snprintf(job, sizeof job, "%d", i) };
		wait_ms =
			scrape__due_after(pm_now_ms(), t.interval_ms, scrape__offset(&t, t.interval_ms)) - pm_now_ms();
	}
	new_loop(x);
	assert_ok(scrape_loop_add(x->loop, &t, &err), &err);
	assert_int_equal(pthread_create(&thread, NULL, run_loop, x), 0);
	while (!x->scrapes)
		sched_yield();
	start_ns = pm_monotonic_ns();
	scrape_loop_stop(x->loop);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_ptr_equal(ret, x);
	assert_true(pm_monotonic_ns() - start_ns < INT64_C(20000000000));
}

static void test_get(void **state)
{
	struct fixture *x = *state;
	struct pm_buf out = { 0 };
	struct pm_error err = { 0 };
	int status = 0;

	target_of(x, "/teapot");
	assert_ok(scrape_http_get(x->url, 20000, &out, &status, &err), &err);
	assert_int_equal(status, 418);
	assert_string_equal(out.ptr, "short");
	pm_buf_reset(&out);
	out.max = 4;
	assert_code(scrape_http_get(x->url, 20000, &out, &status, &err), PM_ERR_NETWORK, &err);
	assert_string_equal(err.msg, "body size limit exceeded");
	target_of(x, "/silent");
	assert_code(scrape_http_get(x->url, 50, &out, &status, &err), PM_ERR_NETWORK, &err);
	assert_contains(err.msg, "context deadline exceeded");
	pm_buf_release(&out);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

TEST_MAIN(T(test_good), T(test_request_headers), T(test_content_types), T(test_bad_answers), T(test_redirects_end),
	T(test_garbage_protocol), T(test_down), T(test_bad_urls), T(test_timeouts), T(test_body_limit), T(test_gzip),
	T(test_gzip_bomb), T(test_times), T(test_once_asks_all), T(test_run), T(test_run_does_not_catch_up),
	T(test_stop), T(test_stop_wakes), T(test_get))
