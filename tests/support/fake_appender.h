/* fake_appender.h - a store for tests of scraping: keeps layouts and the last row of each target in memory, and does
 * with pages what struct pm_appender promises. */
#ifndef FAKE_APPENDER_H
#define FAKE_APPENDER_H

#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

struct fake_appender {
	struct pm_appender app;
	struct fake_layout *layouts; /* by key */
	size_t layout_count, layout_cap;
	char **series; /* `{name="value",...}`; the ref is the index */
	size_t series_count, series_cap;
	size_t pages, warm_pages, layouts_lent;
	const char *drop;   /* series whose text holds this are stored as dropped by relabelling */
	int stale_next;     /* so many appends are refused with PM_ERR_STALE */
	int refuse;         /* not 0: this error for every append */
	struct pm_buf last; /* the last page stored: `{labels} value[ @time]` a line in order, then `stale {labels}` */
	/* its exemplars, `{labels} {exemplar} value[ @time]`, then metadata, `metric|type|help|unit` */
	struct pm_buf notes;
};

struct fake_appender *fake_appender_new(void);
void fake_appender_free(struct fake_appender *f);

#endif
