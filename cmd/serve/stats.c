/* stats.c - see stats.h. Relaxed atomics: a scrape may see a request in one counter and not yet in another. */
#include "cmd/serve/stats.h"

#include "libscrape/scrape.h"
#include "libtsdb/base/mem.h"

#include <stdatomic.h>

static const int codes[] = { 200, 204, 302, 400, 403, 404, 405, 413, 422, 499, 500, 503, 0 /* all others */ };
enum { CODE_COUNT = sizeof codes / sizeof codes[0] };

static const double bounds_s[] = { 0.001, 0.01, 0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120 };
enum { BOUND_COUNT = sizeof bounds_s / sizeof bounds_s[0] };

struct pm_route_stats {
	_Atomic(uint64_t) by_code[CODE_COUNT];
	_Atomic(uint64_t) by_duration[BOUND_COUNT + 1]; /* not cumulative; the last is above all bounds */
	_Atomic(uint64_t) took_ns;
	_Atomic(uint64_t) bytes;
};

int pm_stats_init(struct pm_stats *s, const struct pm_route *routes)
{
	*s = (struct pm_stats){ .routes = routes };
	while (routes[s->route_count].path)
		s->route_count++;
	s->v = pm_calloc(s->route_count + 1, sizeof s->v[0]);
	return s->v ? 0 : PM_ERR_NOMEM;
}

void pm_stats_release(struct pm_stats *s)
{
	pm_free(s->v);
	*s = (struct pm_stats){ 0 };
}

static void add(_Atomic(uint64_t) *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t get(const _Atomic(uint64_t) *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void pm_stats_count(struct pm_stats *s, const struct pm_route *route, int status, int64_t took_ns, size_t bytes)
{
	struct pm_route_stats *r = &s->v[route ? (size_t)(route - s->routes) : s->route_count];
	size_t code = 0, bound = 0;
	while (code < CODE_COUNT - 1 && codes[code] != status)
		code++;
	while (bound < BOUND_COUNT && (double)took_ns > bounds_s[bound] * 1e9)
		bound++;
	add(&r->by_code[code], 1);
	add(&r->by_duration[bound], 1);
	add(&r->took_ns, (uint64_t)took_ns);
	add(&r->bytes, bytes);
}

static uint64_t total(const struct pm_route_stats *r)
{
	uint64_t n = 0;
	for (size_t i = 0; i <= BOUND_COUNT; i++)
		n += get(&r->by_duration[i]);
	return n;
}

static const char *name_of(const struct pm_stats *s, size_t i)
{
	return i < s->route_count ? s->routes[i].path : "/not_found";
}

static void family(struct pm_buf *out, const char *name, const char *type, const char *help)
{
	scrape_write_family(out, pm_str(name), type, pm_str(help));
}

static const char duration[] = "prometheus_http_request_duration_seconds";

static void write_codes(const struct pm_stats *s, struct pm_buf *out)
{
	family(out, "prometheus_http_requests_total", "counter", "Requests answered, by route and status.");
	for (size_t i = 0; i <= s->route_count; i++)
		for (size_t c = 0; c < CODE_COUNT; c++) {
			uint64_t n = get(&s->v[i].by_code[c]);
			if (n)
				pm_buf_fmt(out, "prometheus_http_requests_total{code=\"%d\",handler=\"%s\"} %llu\n",
					codes[c], name_of(s, i), (unsigned long long)n);
		}
}

static void write_histogram(const struct pm_route_stats *r, const char *name, struct pm_buf *out)
{
	uint64_t sum = 0;
	for (size_t b = 0; b < BOUND_COUNT; b++) {
		sum += get(&r->by_duration[b]);
		pm_buf_fmt(out, "%s_bucket{handler=\"%s\",le=\"%g\"} %llu\n", duration, name, bounds_s[b],
			(unsigned long long)sum);
	}
	sum += get(&r->by_duration[BOUND_COUNT]);
	pm_buf_fmt(out, "%s_bucket{handler=\"%s\",le=\"+Inf\"} %llu\n", duration, name, (unsigned long long)sum);
	pm_buf_fmt(out, "%s_sum{handler=\"%s\"} %.9g\n", duration, name, (double)get(&r->took_ns) / 1e9);
	pm_buf_fmt(out, "%s_count{handler=\"%s\"} %llu\n", duration, name, (unsigned long long)sum);
}

void pm_stats_write(const struct pm_stats *s, struct pm_buf *out)
{
	write_codes(s, out);
	family(out, duration, "histogram", "Time from a complete request to its reply.");
	for (size_t i = 0; i <= s->route_count; i++)
		if (total(&s->v[i]))
			write_histogram(&s->v[i], name_of(s, i), out);
	family(out, "prometheus_http_response_size_bytes_total", "counter", "Bytes of replies handed to the network.");
	for (size_t i = 0; i <= s->route_count; i++)
		if (total(&s->v[i]))
			pm_buf_fmt(out, "prometheus_http_response_size_bytes_total{handler=\"%s\"} %llu\n",
				name_of(s, i), (unsigned long long)get(&s->v[i].bytes));
}
