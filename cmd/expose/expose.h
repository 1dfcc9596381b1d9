/* expose.h - exporters: what this host's kernel tells, as a page in Prometheus's text format.
 *
 * Names, labels, types and units are those of node_exporter, so that its dashboards and rules work unchanged. */
#ifndef PM_EXPOSE_H
#define PM_EXPOSE_H

#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

/* Append one page of this host to `out`: the collectors that are on by default, from the real /proc and /sys.
 * A collector that fails is told by node_scrape_collector_success 0, not by an error. Errors: PM_ERR_NOMEM,
 * PM_ERR_LIMIT when the page is larger than out->max; `out` is then incomplete. Thread-safe; costs some
 * milliseconds of system calls. */
int pm_expose_linux(struct pm_buf *out, struct pm_error *err);

#endif
