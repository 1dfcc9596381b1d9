/* negotiate.h - inside libscrape: which formats are asked for, and what an answer is taken for. */
#ifndef SCRAPE_TARGET_NEGOTIATE_H
#define SCRAPE_TARGET_NEGOTIATE_H

#include "libscrape/scrape.h"

/* The Accept header: Prometheus text first, as its parser is the faster one and nothing else of OpenMetrics is kept
 * yet. */
extern const char scrape__accept[];

/* The format of a page with this Content-Type. PM_ERR_UNSUPPORTED with upstream's words when it is none of ours. A page
 * without one is taken for text, as if fallback_scrape_protocol were PrometheusText0.0.4. */
int scrape__format_of(const char *content_type, enum scrape_format *ret, struct pm_error *err);

#endif
