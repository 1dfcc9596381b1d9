/* metrics.c - /metrics and /metrics/host: pm about itself, under Prometheus's names where the meaning is the same, and
 * about the host it runs on. */
#include "cmd/expose/expose.h"
#include "cmd/serve/api.h"
#include "cmd/serve/sched.h"
#include "cmd/serve/serve.h"
#include "cmd/serve/server.h"
#include "cmd/serve/stats.h"
#include "libtsdb/base/fs.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const char text_format[] = "text/plain; version=0.0.4; charset=utf-8";

static void family(struct pm_buf *out, const char *name, const char *type, const char *help)
{
	scrape_write_family(out, pm_str(name), type, pm_str(help));
}

/* A metric of one sample without labels. */
static void one(struct pm_buf *out, const char *name, const char *type, const char *help, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];
	size_t n = pm_double_format_g(text, v);
	family(out, name, type, help);
	pm_buf_cstr(out, name);
	pm_buf_char(out, ' ');
	pm_buf_add(out, text, n);
	pm_buf_char(out, '\n');
}

/* ---- the process -------------------------------------------------------------------------------- */

static size_t open_files(void)
{
	struct pm_strings names;
	size_t n = 0;
	int fd;
	if (pm_fs_openat(AT_FDCWD, "/proc/self/fd", PM_FS_READ | PM_FS_DIRECTORY, &fd, NULL))
		return 0;
	if (pm_fs_list(fd, &names, NULL) == 0) {
		n = names.count - 1; /* without the one that lists */
		pm_strings_free(&names);
	}
	pm_fs_close(fd);
	return n;
}

/* Fields of /proc/self/statm: pages in all, resident, shared. */
static void write_memory(struct pm_buf *out)
{
	char *text;
	size_t len;
	unsigned long total, resident, shared;
	double page = (double)sysconf(_SC_PAGESIZE);
	if (pm_fs_read_file(AT_FDCWD, "/proc/self/statm", 4096, &text, &len, NULL))
		return;
	if (sscanf(text, "%lu %lu %lu", &total, &resident, &shared) == 3) {
		one(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.",
			(double)total * page);
		one(out, "process_resident_memory_bytes", "gauge",
			"Resident memory size in bytes, mapped files of the store included.", (double)resident * page);
		one(out, "pm_process_private_memory_bytes", "gauge", "Resident memory that no file is behind.",
			(double)(resident - shared) * page);
	}
	pm_free(text);
}

static void write_process(const struct pm_serve *s, struct pm_buf *out)
{
	struct rusage ru;
	struct rlimit limit;
	if (getrusage(RUSAGE_SELF, &ru) == 0)
		one(out, "process_cpu_seconds_total", "counter", "User and system CPU time spent in seconds.",
			(double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
				(double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		one(out, "process_max_fds", "gauge", "Largest number of file descriptors.", (double)limit.rlim_cur);
	one(out, "process_open_fds", "gauge", "File descriptors that are open.", (double)open_files());
	one(out, "process_start_time_seconds", "gauge", "When the process started, in Unix seconds.",
		(double)s->started_ms / 1000);
	write_memory(out);
}

/* ---- the store ---------------------------------------------------------------------------------- */

static void write_sizes(const struct tsdb_stats *st, struct pm_buf *out)
{
	family(out, "pm_tsdb_head_bytes", "gauge", "Size of the head's files, by kind.");
	const struct {
		const char *kind;
		uint64_t bytes;
	} sizes[] = { { "log", st->log_bytes }, { "catalog", st->catalog_bytes }, { "layout", st->layout_bytes },
		{ "postings", st->postings_bytes } };
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		pm_buf_fmt(out, "pm_tsdb_head_bytes{kind=\"%s\"} %llu\n", sizes[i].kind,
			(unsigned long long)sizes[i].bytes);
}

static void write_store(const struct pm_serve *s, struct pm_buf *out)
{
	struct tsdb_stats st;
	if (tsdb_stats(s->db, &st, NULL))
		return;
	one(out, "prometheus_tsdb_head_series", "gauge", "Series in the head.", (double)st.series_count);
	if (st.min_ms <= st.max_ms) {
		one(out, "prometheus_tsdb_lowest_timestamp_seconds", "gauge", "Oldest sample, in Unix seconds.",
			(double)st.min_ms / 1000);
		one(out, "prometheus_tsdb_head_max_time_seconds", "gauge", "Newest sample, in Unix seconds.",
			(double)st.max_ms / 1000);
	}
	one(out, "prometheus_tsdb_blocks_loaded", "gauge", "Segments that are live.", (double)st.segment_count);
	one(out, "prometheus_tsdb_storage_blocks_bytes", "gauge", "Bytes of all segments.", (double)st.segment_bytes);
	one(out, "pm_tsdb_head_samples", "gauge", "Samples in the head's log, not sealed yet.",
		(double)st.sample_count);
	one(out, "pm_tsdb_segment_samples", "gauge", "Samples in segments.", (double)st.segment_samples);
	one(out, "pm_tsdb_transactions_total", "counter", "Transactions committed since the store was made.",
		(double)st.txn_count);
	one(out, "pm_tsdb_layouts", "gauge", "Targets and other sources of rows.", (double)st.layout_count);
	write_sizes(&st, out);
}

static void write_compactor(const struct pm_serve *s, struct pm_buf *out)
{
	struct pm_retention r = pm_compactor_retention(s->compactor);
	struct pm_compactor_stats c;
	pm_compactor_stats(s->compactor, &c);
	one(out, "prometheus_tsdb_compactions_triggered_total", "counter", "Looks for what is due.", (double)c.turns);
	one(out, "prometheus_tsdb_compactions_total", "counter", "Sealings of the head and merges of segments.",
		(double)(c.seals + c.merges));
	one(out, "prometheus_tsdb_compactions_failed_total", "counter", "Looks that ended with an error.",
		(double)c.failed);
	one(out, "prometheus_tsdb_head_truncations_total", "counter", "Sealings of the head.", (double)c.seals);
	one(out, "prometheus_tsdb_time_retentions_total", "counter", "Times that segments were deleted for their age.",
		(double)c.time_retentions);
	one(out, "prometheus_tsdb_size_retentions_total", "counter",
		"Times that segments were deleted for the size of the store.", (double)c.size_retentions);
	one(out, "prometheus_tsdb_retention_limit_bytes", "gauge", "How large the store may be; 0: no limit.",
		(double)r.bytes);
	one(out, "prometheus_tsdb_retention_limit_seconds", "gauge", "How long samples are kept; 0: no limit.",
		(double)r.ms / 1000);
	one(out, "pm_tsdb_compaction_written_bytes_total", "counter", "Bytes of segments written.",
		(double)c.written_bytes);
	one(out, "pm_tsdb_compaction_seconds_total", "counter", "Time spent on sealing, merging and retention.",
		c.seconds);
	one(out, "pm_tsdb_retention_segments_total", "counter", "Segments deleted by retention.",
		(double)c.deleted_segments);
}

/* ---- the scraper -------------------------------------------------------------------------------- */

static void write_label(struct pm_buf *out, struct pm_str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '\n')
			pm_buf_cstr(out, "\\n");
		else if (value.ptr[i] == '"' || value.ptr[i] == '\\')
			pm_buf_fmt(out, "\\%c", value.ptr[i]);
		else
			pm_buf_char(out, value.ptr[i]);
	}
}

static void write_pools(struct pm_buf *out, const struct pm_config *config)
{
	family(out, "prometheus_target_scrape_pool_targets", "gauge", "Targets of a scrape pool.");
	const struct pm_config_target *t = config->targets;
	for (size_t i = 0; i < config->job_count; i++) {
		size_t n = 0;
		for (; t && pm_str_eq(t->job, config->jobs[i]); t = t->next)
			n++;
		pm_buf_cstr(out, "prometheus_target_scrape_pool_targets{scrape_job=\"");
		write_label(out, config->jobs[i]);
		pm_buf_fmt(out, "\"} %zu\n", n);
	}
}

static void write_scraper(void *arg, const struct pm_config *config, const struct pm_target_state *states,
	const struct pm_sched_totals *t)
{
	struct pm_buf *out = arg;
	one(out, "prometheus_config_last_reload_successful", "gauge",
		"Whether the configuration was read the last time.", t->config_ok);
	one(out, "prometheus_config_last_reload_success_timestamp_seconds", "gauge",
		"When the configuration was last read.", (double)t->config_ms / 1000);
	one(out, "prometheus_target_scrape_pools_total", "counter", "Scrape pools made.", (double)config->job_count);
	write_pools(out, config);
	one(out, "prometheus_target_scrape_pool_reloads_total", "counter", "Reloads of the configuration.",
		(double)t->reloads);
	one(out, "prometheus_target_scrape_pool_reloads_failed_total", "counter", "Reloads that failed.",
		(double)t->reloads_failed);
	one(out, "pm_scrapes_total", "counter", "Scrapes done.", (double)t->scrapes);
	one(out, "pm_scrapes_failed_total", "counter", "Scrapes of targets that were down or sent no good page.",
		(double)t->failed);
	one(out, "pm_scrapes_not_stored_total", "counter", "Scrapes that the store refused.", (double)t->store_failed);
	one(out, "pm_scrape_samples_total", "counter", "Samples stored by scrapes.", (double)t->samples);
	family(out, "prometheus_tsdb_head_samples_appended_total", "counter", "Samples stored by this process.");
	pm_buf_fmt(out, "prometheus_tsdb_head_samples_appended_total{type=\"float\"} %llu\n",
		(unsigned long long)t->samples);
}

static void write_server(const struct pm_serve *s, struct pm_buf *out)
{
	struct pm_server_load load;
	pm_server_load(s->server, &load);
	one(out, "pm_http_connections", "gauge", "Connections that are open.", load.connections);
	one(out, "prometheus_engine_queries", "gauge", "Requests running on workers.", load.running);
	one(out, "pm_engine_queries_waiting", "gauge", "Requests waiting for a worker.", load.waiting);
	one(out, "prometheus_engine_queries_concurrent_max", "gauge", "Queries that may run at once.",
		s->opts.concurrency_max);
	pm_stats_write(pm_server_stats(s->server), out);
}

void pm_page_metrics(struct pm_request *r)
{
	struct pm_buf *out = &r->out;
	r->content_type = text_format;
	family(out, "pm_build_info", "gauge", "Always 1; the version is in the label.");
	pm_buf_cstr(out, "pm_build_info{version=\"" PM_VERSION "\"} 1\n");
	write_process(r->serve, out);
	write_store(r->serve, out);
	write_compactor(r->serve, out);
	pm_sched_look(r->serve->sched, write_scraper, out);
	write_server(r->serve, out);
}

void pm_page_metrics_host(struct pm_request *r)
{
	struct pm_error err = { 0 };
	r->content_type = text_format;
	if (pm_expose_linux(&r->out, &err))
		pm_reply_text(r, 500, err.msg[0] ? err.msg : "the collectors failed\n");
}
