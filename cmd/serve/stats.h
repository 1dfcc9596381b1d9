/* stats.h - counters of requests by route and status, and histograms of their durations. Any thread, no lock. */
#ifndef PM_SERVE_STATS_H
#define PM_SERVE_STATS_H

#include "cmd/serve/request.h"

struct pm_route_stats;

struct pm_stats {
	const struct pm_route *routes;
	size_t route_count;
	struct pm_route_stats *v; /* one a route, and one more for requests without a route */
};

int pm_stats_init(struct pm_stats *s, const struct pm_route *routes);
void pm_stats_release(struct pm_stats *s);
/* `route` NULL: no route was found. */
void pm_stats_count(struct pm_stats *s, const struct pm_route *route, int status, int64_t took_ns, size_t bytes);
/* As text of the exposition format, under Prometheus's names; what is zero is left out. */
void pm_stats_write(const struct pm_stats *s, struct pm_buf *out);

#endif
