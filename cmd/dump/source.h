/* source.h - the series that a dump takes: those of any of several selectors, each once, family by family.
 *
 * A snapshot may go stale while it is read. A dump then goes on with a new one behind the last series that it took, so
 * that nothing stands in it twice. */
#ifndef PM_CMD_DUMP_SOURCE_H
#define PM_CMD_DUMP_SOURCE_H

#include "cmd/cmd.h"
#include "cmd/dump/family.h"
#include "libpromql/promql.h"
#include "libtsdb/base/arena.h"

/* What is asked for; `matchers` may be empty: everything. */
struct pm_dump_wanted {
	const struct promql_matchers *selectors;
	size_t selector_count;
	int64_t min_ms, max_ms; /* closed */
	const struct pm_families *families; /* in their order, not that of label sets, where these differ; NULL: no */
};

/* Take one series; an error ends the dump. */
typedef int pm_dump_fn(void *arg, const struct pm_series *series, struct pm_error *err);

/* Hand all series with samples to `fn`. */
int pm_dump_each(struct tsdb *db, const struct pm_dump_wanted *w, pm_dump_fn *fn, void *arg, struct pm_error *err);

#endif
