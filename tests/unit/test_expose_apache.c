/* test_expose_apache.c - Apache's status page, whole, in part, and broken. */
#include "cmd/expose/apache.h"
#include "libscrape/scrape.h"
#include "tests/support/test.h"

static const char status[] = "localhost\n"
			     "ServerVersion: Apache/2.4.57 (Debian)\n"
			     "ServerMPM: event\n"
			     "ServerUptime: 1 hour 57 minutes 36 seconds\n"
			     "ParentServerConfigGeneration: 3\n"
			     "Load15: 0.03\n"
			     "Total Accesses: 131\n"
			     "Total kBytes: 138\n"
			     "CPUUser: .25\n"
			     "CPUSystem: .15\n"
			     "CPUChildrenUser: 1.5\n"
			     "CPUChildrenSystem: 0\n"
			     "CPULoad: .00568\n"
			     "Uptime: 7056\n"
			     "BusyWorkers: 1\n"
			     "ConnsAsyncKeepAlive: 4\n"
			     "Scoreboard: _W__R..!\n";

static int parse(struct pm_str text, struct pm_buf *out, struct pm_error *err)
{
	struct pm_emit e;
	pm_emit_init(&e);
	int rc = pm_apache_parse(&e, text, err);
	pm_buf_reset(out);
	if (pm_emit_write(&e, out) != 0)
		rc = PM_ERR_NOMEM;
	pm_emit_release(&e);
	return rc;
}

static void test_status_page(void **state)
{
	static const char *const want[] = { "\napache_accesses_total 131\n", "# TYPE apache_accesses_total counter\n",
		"\napache_connections{state=\"keepalive\"} 4\n", "\napache_cpu_time_ms_total{type=\"user\"} 1750\n",
		"\napache_cpu_time_ms_total{type=\"system\"} 150\n", "\napache_cpuload 0.00568\n",
		"\napache_generation{type=\"config\"} 3\n",
		"\napache_info{mpm=\"event\",version=\"Apache/2.4.57 (Debian)\"} 1\n",
		"\napache_load{interval=\"15min\"} 0.03\n", "\napache_scoreboard{state=\"idle\"} 3\n",
		"\napache_scoreboard{state=\"reply\"} 1\n", "\napache_scoreboard{state=\"dns\"} 0\n",
		"\napache_scoreboard{state=\"open_slot\"} 2\n", "\napache_sent_kilobytes_total 138\n",
		"\napache_uptime_seconds_total 7056\n", "\napache_version 2.04057\n",
		"\napache_workers{state=\"busy\"} 1\n" };
	struct pm_buf out = { 0 };
	struct pm_error err = { 0 };
	assert_ok(parse(pm_str(status), &out, &err), &err);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		assert_contains(out.ptr, want[i]);
	pm_buf_release(&out);
}

static void test_old_and_odd_servers(void **state)
{
	struct pm_buf out = { 0 };
	struct pm_error err = { 0 };
	assert_ok(parse(PM_STR("BusyWorkers: 2\r\nScoreboard: \r\n"), &out, &err), &err);
	assert_contains(out.ptr, "apache_workers{state=\"busy\"} 2\n");
	assert_contains(out.ptr, "apache_info{mpm=\"UNKNOWN\",version=\"UNKNOWN\"} 1\n");
	assert_null(strstr(out.ptr, "apache_cpu_time"));
	assert_null(strstr(out.ptr, "apache_version"));
	assert_ok(parse(PM_STR("ServerVersion: Apache/2.4\nBusyWorkers: 2\n"), &out, &err), &err);
	assert_null(strstr(out.ptr, "apache_version"));
	pm_buf_release(&out);
}

static void test_what_is_no_status_page(void **state)
{
	static const char *const bad[] = { "", "<html>\n<p>Total: 3</p>\n", "BusyWorkers: two\n",
		"BusyWorkers:\nScoreboard: _\n", "Scoreboard: _\nTotal Accesses: 1e999\n",
		"Scoreboard: _\nCPUUser: x\n", "Scoreboard: _\nCPULoad: .x\n" };
	struct pm_buf out = { 0 };
	struct pm_error err = { 0 };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_code(parse(pm_str(bad[i]), &out, &err), PM_ERR_INVALID, &err);
	pm_buf_release(&out);
}

/* Any part and any damage: what comes out is text that the parser takes. */
static void test_any_bytes(void **state)
{
	struct test_rng rng = test_rng(3);
	struct pm_buf out = { 0 };
	struct scrape_parser *p;
	struct scrape_line line;
	struct pm_error err = { 0 };
	char text[sizeof status];
	assert_ok(scrape_parser_new(&p), NULL);
	for (int i = 0; i < 2000; i++) {
		int rc;
		memcpy(text, status, sizeof status);
		for (int k = 0; k < 4; k++)
			text[test_below(&rng, sizeof text)] = (char)test_u64(&rng);
		parse((struct pm_str){ text, test_below(&rng, sizeof text) }, &out, &err);
		scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, pm_buf_view(&out));
		while ((rc = scrape_parser_next(p, &line, &err)) > 0)
			;
		assert_int_equal(rc, 0);
	}
	scrape_parser_free(p);
	pm_buf_release(&out);
}

/* apache_up is 0 when nobody answers, and the page is a page. */
static void failed(void *arg, const char *what, const struct pm_error *err)
{
	(void)what;
	*(struct pm_error *)arg = *err;
}

static void test_nobody_there(void **state)
{
	struct pm_buf out = { 0 };
	struct pm_error err = { 0 }, why = { 0 };
	struct pm_apache_opts opts = {
		.url = "http://127.0.0.1:1/", .timeout_ms = 2000, .failed = failed, .arg = &why
	};
	assert_ok(pm_apache_page(&opts, &out, &err), &err);
	assert_contains(out.ptr, "\napache_up 0\n");
	assert_true(why.code < 0 && why.msg[0]);
	pm_buf_release(&out);
}

TEST_MAIN(TEST(test_status_page), TEST(test_old_and_odd_servers), TEST(test_what_is_no_status_page),
	TEST(test_any_bytes), TEST(test_nobody_there))
