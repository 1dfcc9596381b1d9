/* target.h - inside libscrape: from a page to what the store takes. */
#ifndef SCRAPE_TARGET_TARGET_H
#define SCRAPE_TARGET_TARGET_H

#include "libscrape/scrape.h"
#include "libtsdb/base/arena.h"
#include "libtsdb/base/buf.h"

/* Labels of a sample with those of its target (labels.c). `l` may hold labels with empty values. The result is
 * normalized and lives in `a`; its strings are those of `l` and the target. */
int scrape__target_labels(const struct scrape_target *t, struct pm_labels l, struct pm_arena *a, struct pm_labels *ret);
/* Labels of one of the scrape's own series. */
int scrape__report_labels(const struct scrape_target *t, struct pm_str name, struct pm_arena *a, struct pm_labels *ret);
/* PM_ERR_LIMIT, naming the limit that the labels are over. */
int scrape__check_limits(const struct scrape_target *t, struct pm_labels l, struct pm_error *err);
/* What the layouts of this target are kept under: all that turns a line's text into labels. */
void scrape__layout_key(const struct scrape_target *t, struct pm_buf *out);

/* The memory that storing pages needs, kept from one to the next. One thread. */
struct scrape__pager;
int scrape__pager_new(struct scrape__pager **ret);
void scrape__pager_free(struct scrape__pager *g);

/* A page that was fetched, or not. */
struct scrape__fetched {
	enum scrape_format format;
	struct pm_str page;
	int64_t t_ms;
	double seconds;
	const char *error; /* not NULL: there is no page, and this is why */
};

/* As scrape_store_page(). */
int scrape__store(struct scrape__pager *g, struct pm_appender *app, const struct scrape_target *t,
	const struct scrape__fetched *f, struct scrape_report *ret, struct pm_error *err);

#endif
