/* routes.c - the table of routes. The busiest come first: it is walked from the top. */
#include "cmd/serve/serve.h"

enum {
	GET = PM_METHOD_GET | PM_METHOD_OPTIONS,
	GET_POST = GET | PM_METHOD_POST,
	PAGE = PM_METHOD_GET,
	PAGE_HEAD = PM_METHOD_GET | PM_METHOD_HEAD,
	ACTION = PM_METHOD_POST | PM_METHOD_PUT,
	SLOW = PM_ROUTE_API | PM_ROUTE_SLOW,
};

const struct pm_route pm_serve_routes[] = {
	{ "/api/v1/query", GET_POST, SLOW, pm_api_query },
	{ "/api/v1/query_range", GET_POST, SLOW, pm_api_query_range },
	{ "/api/v1/series", GET_POST, SLOW, pm_api_series },
	{ "/api/v1/labels", GET_POST, SLOW, pm_api_labels },
	{ "/api/v1/label/:name/values", GET, SLOW, pm_api_label_values },
	{ "/metrics", PAGE, 0, pm_page_metrics },
	{ "/metrics/host", PAGE, PM_ROUTE_SLOW, pm_page_metrics_host },
	{ "/api/v1/format_query", GET_POST, PM_ROUTE_API, pm_api_format_query },
	{ "/api/v1/parse_query", GET_POST, PM_ROUTE_API, pm_api_parse_query },
	{ "/api/v1/targets", GET, PM_ROUTE_API, pm_api_targets },
	{ "/api/v1/scrape_pools", GET, PM_ROUTE_API, pm_api_scrape_pools },
	{ "/api/v1/metadata", GET, SLOW, pm_api_metadata },
	{ "/api/v1/targets/metadata", GET, SLOW, pm_api_targets_metadata },
	{ "/api/v1/query_exemplars", GET_POST, SLOW, pm_api_query_exemplars },
	{ "/api/v1/rules", GET, PM_ROUTE_API, pm_api_empty_rules },
	{ "/api/v1/alerts", GET, PM_ROUTE_API, pm_api_empty_alerts },
	{ "/api/v1/alertmanagers", GET, PM_ROUTE_API, pm_api_empty_alertmanagers },
	{ "/api/v1/status/buildinfo", GET, PM_ROUTE_API, pm_api_buildinfo },
	{ "/api/v1/status/config", GET, PM_ROUTE_API, pm_api_config },
	{ "/api/v1/status/flags", GET, PM_ROUTE_API, pm_api_flags },
	{ "/api/v1/status/runtimeinfo", GET, PM_ROUTE_API, pm_api_runtimeinfo },
	{ "/-/healthy", PAGE_HEAD, 0, pm_page_healthy },
	{ "/-/ready", PAGE_HEAD, 0, pm_page_ready },
	{ "/-/reload", ACTION, PM_ROUTE_SLOW, pm_page_reload },
	{ "/-/quit", ACTION, 0, pm_page_quit },
	{ "/", PAGE_HEAD, 0, pm_page_root },
	{ 0 },
};
