/* serve.h - what the parts of `pm serve` share: options, the store, the scraper, and the table of routes. */
#ifndef PM_SERVE_H
#define PM_SERVE_H

#include "cmd/cmd.h"
#include "cmd/serve/compactor.h"
#include "cmd/serve/listen.h"
#include "cmd/serve/request.h"

struct pm_sched;
struct pm_server;

/* Defaults are upstream's. */
struct pm_serve_opts {
	const char *config_file;       /* NULL: the built-in configuration */
	const char *listen;
	int64_t query_timeout_ms;
	int64_t lookback_ms;
	size_t samples_max;
	unsigned concurrency_max;
	unsigned connection_max;
	bool lifecycle;                /* POST /-/reload and /-/quit */
	bool admin;                    /* /api/v1/admin/... */
	struct pm_retention retention; /* of the flags; 0: not given */
	int64_t retention_old_ms;      /* of the deprecated flag, which counts when the other was not given */
	int64_t seal_ms;               /* how old the head may be */
	int64_t compact_every_ms;
};

/* One running server. Set up before the first request and constant from then on, but for what `sched` guards itself. */
struct pm_serve {
	struct pm_serve_opts opts;
	struct tsdb *db;
	const char *data_dir;
	int64_t fsync_ms;
	int64_t started_ms;
	struct pm_listen_addr addr;
	struct pm_server *server;
	struct pm_sched *sched;
	struct pm_compactor *compactor;
};

extern const struct pm_route pm_serve_routes[];

/* routes: handlers, by file. */
pm_handler_fn pm_api_query, pm_api_query_range, pm_api_format_query, pm_api_parse_query;       /* api_query.c */
pm_handler_fn pm_api_series, pm_api_labels, pm_api_label_values;                               /* api_meta.c */
pm_handler_fn pm_api_buildinfo, pm_api_runtimeinfo, pm_api_flags, pm_api_config, pm_api_targets, /* api_status.c */
	pm_api_scrape_pools, pm_api_empty_rules, pm_api_empty_alerts, pm_api_empty_alertmanagers;
pm_handler_fn pm_api_metadata, pm_api_targets_metadata, pm_api_query_exemplars;                /* api_notes.c */
pm_handler_fn pm_api_tsdb, pm_api_delete_series, pm_api_clean_tombstones, pm_api_snapshot;     /* api_tsdb.c */
pm_handler_fn pm_page_metrics, pm_page_metrics_host;                                           /* metrics.c */
pm_handler_fn pm_page_root, pm_page_healthy, pm_page_ready, pm_page_reload, pm_page_quit;      /* pages.c */

#endif
