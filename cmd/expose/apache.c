/* apache.c - see apache.h. The page is lines of "Key: value"; which of them there are depends on Apache's version and
 * its ExtendedStatus setting, so each is optional. */
#include "cmd/expose/apache.h"

#include "cmd/expose/procfile.h"
#include "libscrape/scrape.h"

#include <stdio.h>

enum { STATUS_BYTES_MAX = 4 << 20 };

#define LABELLED(key_text, m, label_text, value_text)                                                                  \
	{                                                                                                              \
		key_text, m, PM_LABEL(label_text, PM_STR(value_text))                                                  \
	}
#define PLAIN(key_text, m)                                                                                             \
	{                                                                                                              \
		key_text, m,                                                                                           \
		{                                                                                                      \
			{ "", 0 },                                                                                     \
			{                                                                                              \
				"", 0                                                                                  \
			}                                                                                              \
		}                                                                                                      \
	}
#define CONNECTIONS PM_GAUGE("apache_connections", "Connections, by state.")
#define GENERATION PM_GAUGE("apache_generation", "How often the server was restarted, by kind.")
#define LOAD PM_GAUGE("apache_load", "Load average of the server's host.")
#define PROCESSES PM_GAUGE("apache_processes", "Processes, by state.")
#define WORKERS PM_GAUGE("apache_workers", "Workers, by state.")

static const struct {
	const char *key;
	struct pm_metric metric;
	struct pm_label label; /* no name: none */
} numbers[] = {
	PLAIN("Total Accesses", PM_COUNTER("apache_accesses_total", "Requests served.")),
	PLAIN("Total kBytes", PM_COUNTER("apache_sent_kilobytes_total", "Kilobytes sent.")),
	PLAIN("Total Duration",
		PM_COUNTER("apache_duration_ms_total", "Time all requests took together, in milliseconds.")),
	PLAIN("CPULoad", PM_GAUGE("apache_cpuload", "CPU used by all workers together, in percent.")),
	PLAIN("Uptime", PM_COUNTER("apache_uptime_seconds_total", "Seconds since the start.")),
	LABELLED("BusyWorkers", WORKERS, "state", "busy"),
	LABELLED("IdleWorkers", WORKERS, "state", "idle"),
	LABELLED("Processes", PROCESSES, "state", "all"),
	LABELLED("Stopping", PROCESSES, "state", "stopping"),
	LABELLED("ConnsTotal", CONNECTIONS, "state", "total"),
	LABELLED("ConnsAsyncWriting", CONNECTIONS, "state", "writing"),
	LABELLED("ConnsAsyncKeepAlive", CONNECTIONS, "state", "keepalive"),
	LABELLED("ConnsAsyncClosing", CONNECTIONS, "state", "closing"),
	LABELLED("ParentServerConfigGeneration", GENERATION, "type", "config"),
	LABELLED("ParentServerMPMGeneration", GENERATION, "type", "mpm"),
	LABELLED("Load1", LOAD, "interval", "1min"),
	LABELLED("Load5", LOAD, "interval", "5min"),
	LABELLED("Load15", LOAD, "interval", "15min"),
};

/* A letter of the scoreboard is what one worker does. */
static const struct {
	char letter;
	const char *state;
} slots[] = { { '_', "idle" }, { 'S', "startup" }, { 'R', "read" }, { 'W', "reply" }, { 'K', "keepalive" },
	{ 'D', "dns" }, { 'C', "closing" }, { 'L', "logging" }, { 'G', "graceful_stop" }, { 'I', "idle_cleanup" },
	{ '.', "open_slot" } };

static const struct pm_metric up = PM_GAUGE("apache_up", "1 when the server gave its status.");
static const struct pm_metric info = PM_GAUGE("apache_info", "Version and kind of the server; always 1.");
static const struct pm_metric version = PM_GAUGE("apache_version", "Version as a number: 2.4.57 is 2.04057.");
static const struct pm_metric cpu_time = PM_COUNTER("apache_cpu_time_ms_total", "CPU time used, in milliseconds.");
static const struct pm_metric scoreboard = PM_GAUGE("apache_scoreboard", "Workers, by what they do.");

enum { SLOTS = sizeof slots / sizeof slots[0], NUMBERS = sizeof numbers / sizeof numbers[0] };

struct page {
	struct pm_emit *emit;
	struct pm_str version, mpm;
	double user_s, system_s;
	bool has_cpu;
};

/* Apache writes ".0123": no digit before the point. */
static int status_number(struct pm_str s, double *ret, struct pm_error *err)
{
	char text[64];
	if (s.len == 0 || s.ptr[0] != '.')
		return pm_proc_number(s, ret, err);
	int n = snprintf(text, sizeof text, "0%.*s", s.len > 60 ? 60 : (int)s.len, s.ptr);
	return pm_proc_number((struct pm_str){ text, (size_t)n }, ret, err);
}

static int number_line(struct page *p, struct pm_str key, struct pm_str value, struct pm_error *err)
{
	double v;
	for (size_t i = 0; i < NUMBERS; i++) {
		if (!pm_str_eq(key, pm_str(numbers[i].key)))
			continue;
		int rc = status_number(value, &v, err);
		if (rc == 0)
			pm_emit_labels(
				p->emit, &numbers[i].metric, v, &numbers[i].label, numbers[i].label.name.len != 0);
		return rc;
	}
	return 0;
}

/* Children's time is the server's too. */
static int cpu_line(struct page *p, struct pm_str key, struct pm_str value, struct pm_error *err)
{
	double v;
	struct pm_str rest;
	if (!pm_proc_prefix(key, "CPU", &rest))
		return 0;
	pm_proc_prefix(rest, "Children", &rest);
	double *sum = pm_str_eq(rest, PM_STR("User"))     ? &p->user_s
		      : pm_str_eq(rest, PM_STR("System")) ? &p->system_s
							  : NULL;
	int rc = sum ? status_number(value, &v, err) : 0;
	if (sum && rc == 0) {
		*sum += v;
		p->has_cpu = true;
	}
	return rc;
}

static void scoreboard_line(struct page *p, struct pm_str letters)
{
	size_t counts[SLOTS] = { 0 };
	for (size_t i = 0; i < letters.len; i++)
		for (size_t k = 0; k < SLOTS; k++)
			counts[k] += letters.ptr[i] == slots[k].letter;
	for (size_t k = 0; k < SLOTS; k++)
		pm_emit(p->emit, &scoreboard, (double)counts[k], PM_LABEL("state", pm_str(slots[k].state)));
}

/* "Apache/2.4.57 (Debian)" is 2.04057. */
static void emit_version(struct page *p)
{
	unsigned major, minor, patch;
	char text[128];
	double v;
	snprintf(text, sizeof text, "%.*s", p->version.len > 100 ? 100 : (int)p->version.len, p->version.ptr);
	const char *slash = strchr(text, '/');
	if (!slash || sscanf(slash, "/%4u.%4u.%4u", &major, &minor, &patch) != 3 || minor > 99 || patch > 999)
		return;
	snprintf(text, sizeof text, "%u.%02u%03u", major, minor, patch);
	if (pm_proc_number(pm_str(text), &v, NULL) == 0)
		pm_emit_value(p->emit, &version, v);
}

static int line(struct page *p, struct pm_str key, struct pm_str value, struct pm_error *err)
{
	if (pm_str_eq(key, PM_STR("ServerVersion")))
		p->version = value;
	else if (pm_str_eq(key, PM_STR("ServerMPM")))
		p->mpm = value;
	else if (pm_str_eq(key, PM_STR("Scoreboard")))
		scoreboard_line(p, value);
	int rc = number_line(p, key, value, err);
	return rc ? rc : cpu_line(p, key, value, err);
}

int pm_apache_parse(struct pm_emit *e, struct pm_str status, struct pm_error *err)
{
	struct page p = { .emit = e, .version = PM_STR("UNKNOWN"), .mpm = PM_STR("UNKNOWN") };
	struct pm_str text, key, value;
	bool any = false;
	int rc = 0;
	while (rc == 0 && pm_proc_line(&status, &text)) {
		if (!pm_proc_cut(text, ':', &key, &value))
			continue;
		any = any || pm_str_eq(key, PM_STR("Scoreboard")) || pm_str_eq(key, PM_STR("BusyWorkers"));
		rc = line(&p, pm_proc_trim(key), pm_proc_trim(value), err);
	}
	if (rc == 0 && !any)
		rc = pm_fail(err, PM_ERR_INVALID, "this is not a status page; does the URL end with ?auto");
	if (rc != 0)
		return rc;
	if (p.has_cpu) {
		pm_emit(e, &cpu_time, 1000 * p.user_s, PM_LABEL("type", PM_STR("user")));
		pm_emit(e, &cpu_time, 1000 * p.system_s, PM_LABEL("type", PM_STR("system")));
	}
	pm_emit(e, &info, 1, PM_LABEL("version", p.version), PM_LABEL("mpm", p.mpm));
	emit_version(&p);
	return 0;
}

static int fetch(const struct pm_apache_opts *opts, struct pm_buf *body, struct pm_error *err)
{
	int status = 0;
	int rc = scrape_http_get(opts->url ? opts->url : PM_APACHE_URL, opts->timeout_ms, body, &status, err);
	if (rc == 0 && status != 200)
		rc = pm_fail(err, PM_ERR_NETWORK, "the server answered with status %d", status);
	return rc;
}

int pm_apache_page(const struct pm_apache_opts *opts, struct pm_buf *out, struct pm_error *err)
{
	struct pm_emit emit;
	struct pm_buf body;
	struct pm_error why = { 0 };
	pm_buf_init(&body, STATUS_BYTES_MAX);
	pm_emit_init(&emit);
	int rc = fetch(opts, &body, &why);
	if (rc == 0)
		rc = pm_apache_parse(&emit, pm_buf_view(&body), &why);
	pm_emit_value(&emit, &up, rc == 0);
	if (rc != 0 && opts->failed)
		opts->failed(opts->arg, "apache", &why);
	rc = pm_emit_write(&emit, out);
	pm_emit_release(&emit);
	pm_buf_release(&body);
	return rc ? pm_fail(err, rc, "exposition: %s", pm_strerror(rc)) : 0;
}
