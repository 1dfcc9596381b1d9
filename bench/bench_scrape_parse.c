/* bench_scrape_parse.c - how fast pages are read: cold (every label found, unescaped, sorted), cold into a page for the
 * store, and warm (the layout of the last page beside it).
 *
 * The page is like cAdvisor's: 20 series a container, ten labels each, counters, buckets, gauges with decimals and
 * floats of full precision. Its values change before each round. */
#include "bench/bench.h"

#include "libscrape/target/target.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"

#include <stdlib.h>

static const struct {
	const char *name, *type;
	char kind; /* c counter, b buckets, g gauge, k constant, f float of full precision */
} families[] = {
	{ "container_cpu_usage_microseconds_total", "counter", 'c' },
	{ "container_cpu_cfs_periods_total", "counter", 'c' },
	{ "container_network_receive_bytes_total", "counter", 'c' },
	{ "container_network_transmit_bytes_total", "counter", 'c' },
	{ "container_network_receive_packets_total", "counter", 'c' },
	{ "container_fs_reads_total", "counter", 'c' },
	{ "container_fs_writes_bytes_total", "counter", 'c' },
	{ "container_memory_failures_total", "counter", 'c' },
	{ "container_request_duration_seconds", "histogram", 'b' },
	{ "container_memory_working_set_megabytes", "gauge", 'g' },
	{ "container_cpu_load_average_10s", "gauge", 'g' },
	{ "container_fs_usage_percent", "gauge", 'g' },
	{ "container_threads_avg", "gauge", 'g' },
	{ "container_spec_memory_limit_bytes", "gauge", 'k' },
	{ "container_queue_latency_seconds", "gauge", 'f' },
};
static const char *const bounds[] = { "0.01", "0.05", "0.1", "0.5", "1", "+Inf" };

static void put_value(struct pm_buf *out, char kind, uint64_t *rng)
{
	unsigned long long r = bench_random(rng);

	if (kind == 'c' || kind == 'b')
		pm_buf_fmt(out, "%012llu\n", 100000000000ULL + r % 1000000000);
	else if (kind == 'g')
		pm_buf_fmt(out, "%llu.%03llu\n", 100 + r % 900, r / 1000 % 1000);
	else if (kind == 'k')
		pm_buf_cstr(out, "536870912\n");
	else
		pm_buf_fmt(out, "0.%017llu\n", r % 100000000000000000ULL);
}

static void make_page(struct pm_buf *out, int containers, uint64_t *rng)
{
	pm_buf_reset(out);
	for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
		bool buckets = families[f].kind == 'b';

		pm_buf_fmt(out, "# HELP %s What this benchmark counts.\n# TYPE %s %s\n", families[f].name,
			families[f].name, families[f].type);
		for (int c = 0; c < containers; c++) {
			for (int l = 0; l < (buckets ? 6 : 1); l++) {
				unsigned h = (unsigned)c * 2654435761u;

				pm_buf_fmt(out,
					"%s%s{container=\"app-%d\",id=\"/kubepods/burstable/pod%08x/"
					"%08x\",image=\"registry.local/team/app-%d:v1.%d\","
					"name=\"k8s_app-%d_%08x\",namespace=\"ns-%d\",node=\"node-1\",pod=\"app-%d-%"
					"08x\",region=\"eu-west-1\",",
					families[f].name, buckets ? "_bucket" : "", c % 50, h, h * 31, c % 50, c % 7,
					c % 50, h * 17, c % 20, c % 50, h);
				if (buckets)
					pm_buf_fmt(out, "le=\"%s\"} ", bounds[l]);
				else
					pm_buf_fmt(out, "team=\"t%d\"} ", c % 12);
				put_value(out, families[f].kind, rng);
			}
		}
	}
}

/* ---- a store that keeps one layout -------------------------------------------------------------- */

struct sink {
	struct pm_appender app;
	struct pm_layout layout;
	struct pm_layout_block block;
	bool forget;   /* act as if every page were the first */
	uint64_t hash; /* of all values but the report's */
	size_t warm;
};

static int sink_layout(struct pm_appender *a, struct pm_str key, const struct pm_layout **ret, struct pm_error *err)
{
	struct sink *s = (struct sink *)a;

	*ret = s->layout.entry_count && !s->forget ? &s->layout : NULL;
	return 0;
}

static void sink_layout_free(struct pm_appender *a, const struct pm_layout *l)
{
}

static int sink_append(struct pm_appender *a, struct pm_str key, const struct pm_layout *l, const struct pm_page *page,
	struct pm_append_stats *ret_stats, struct pm_error *err)
{
	struct sink *s = (struct sink *)a;
	struct pm_layout_entry *e;

	*ret_stats = (struct pm_append_stats){ 0 };
	if (page->values) {
		s->warm++;
		s->hash = pm_hash_seed(page->values, (s->layout.series_count - 5) * sizeof *page->values, s->hash);
		return 0;
	}
	for (size_t i = 0; i + 5 < page->entry_count; i++)
		if (page->entries[i].e.ref != PM_REF_COMMENT)
			s->hash = pm_hash_seed(&page->entries[i].v, sizeof page->entries[i].v, s->hash);
	if (s->layout.entry_count)
		return 0;
	e = pm_calloc(page->entry_count, sizeof *e);
	for (size_t i = 0; i < page->entry_count; i++) {
		e[i] = page->entries[i].e;
		if (e[i].ref == PM_REF_NEW)
			e[i].ref = s->layout.series_count++;
	}
	s->block = (struct pm_layout_block){ e, (uint32_t)page->entry_count };
	s->layout.blocks = &s->block;
	s->layout.block_count = 1;
	s->layout.entry_count = (uint32_t)page->entry_count;
	return 0;
}

/* ---- rounds ------------------------------------------------------------------------------------- */

static uint64_t parse(struct scrape_parser *p, struct pm_str page)
{
	struct scrape_line l;
	uint64_t hash = 0;

	scrape_parser_begin(p, SCRAPE_FORMAT_TEXT, page);
	while (scrape_parser_next(p, &l, NULL) > 0)
		hash = hash * 31 + (l.item == SCRAPE_ITEM_SAMPLE ? pm_double_bits(l.v) + l.labels.count : 1);
	return hash;
}

static void store(struct scrape__pager *g, struct sink *s, const struct scrape_target *t, struct pm_str page)
{
	struct scrape__fetched f = { .format = SCRAPE_FORMAT_TEXT, .page = page, .t_ms = 1 };
	struct scrape_report r;

	if (scrape__store(g, &s->app, t, &f, &r, NULL) || !r.up) {
		fprintf(stderr, "refused: %s\n", r.error);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	bool tiny = bench_tiny(argc, argv);
	int rounds = tiny ? 2 : 40, pages = tiny ? 2 : 8;
	struct pm_label labels[] = { { PM_STR("instance"), PM_STR("127.0.0.1:1") },
		{ PM_STR("job"), PM_STR("bench") } };
	struct scrape_target target = { .labels = { labels, 2 }, .honor_timestamps = true };
	struct sink sink = { .app = { sink_layout, sink_layout_free, sink_append, NULL } };
	struct pm_buf page[8] = { 0 };
	struct scrape__pager *pager;
	struct scrape_parser *p;
	uint64_t rng = 88172645463325252u, hash = 0;
	double bytes = 0, took[3] = { 0 }, t;

	for (int i = 0; i < pages; i++)
		make_page(&page[i], tiny ? 5 : 500, &rng);
	if (scrape_parser_new(&p) || scrape__pager_new(&pager))
		return 1;
	store(pager, &sink, &target, pm_buf_view(&page[0]));
	for (int i = 0; i < rounds; i++) {
		struct pm_str text = pm_buf_view(&page[i % pages]);

		bytes += (double)text.len;
		t = bench_now_s();
		hash = hash * 31 + parse(p, text);
		took[0] += bench_now_s() - t;
		sink.forget = true;
		t = bench_now_s();
		store(pager, &sink, &target, text);
		took[1] += bench_now_s() - t;
		sink.forget = false;
		t = bench_now_s();
		store(pager, &sink, &target, text);
		took[2] += bench_now_s() - t;
	}
	printf("a page: %zu bytes, %u series\n", page[0].len, sink.layout.series_count - 5);
	bench_rate("lines with their labels", bytes / took[0] / 1e6, "MB/s");
	bench_rate("a page for the store, cold", bytes / took[1] / 1e6, "MB/s");
	bench_rate("a page for the store, warm", bytes / took[2] / 1e6, "MB/s");
	bench_hash(hash ^ sink.hash ^ sink.warm);
	scrape_parser_free(p);
	scrape__pager_free(pager);
	for (int i = 0; i < pages; i++)
		pm_buf_release(&page[i]);
	pm_free((void *)(uintptr_t)sink.block.entries);
	return sink.warm == (size_t)rounds ? 0 : 1;
}
