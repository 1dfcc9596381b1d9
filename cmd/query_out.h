/* query_out.h - the answers of pm query in the formats that are not the HTTP API's. */
#ifndef PM_CMD_QUERY_OUT_H
#define PM_CMD_QUERY_OUT_H

#include "libpromql/promql.h"
#include "libtsdb/base/buf.h"

/* For people: aligned, local time. An empty vector or matrix gives nothing. */
void pm_query_table(struct pm_buf *out, const struct promql_result *r);
/* For programs, one row a sample: a header, then timestamp (RFC 3339), value, and one column a label name, sorted.
 * `separator` is ',' (quoted as RFC 4180 says) or a tab (backslash escapes for tab, newline, backslash). */
void pm_query_rows(struct pm_buf *out, const struct promql_result *r, char separator);

/* Pieces, for others too: `name{a="b"}` with Go's quoting, a value as the API prints it, a histogram as one word
 * ({count:3, sum:4, (1,2]:3}). */
void pm_text_series(struct pm_buf *out, struct pm_labels labels);
void pm_text_value(struct pm_buf *out, double v);
void pm_text_histogram(struct pm_buf *out, const struct pm_histogram *h);
/* "2026-08-01 14:34:56.789 +0200", the fraction only when there is one. */
void pm_text_local_time(struct pm_buf *out, int64_t t_ms);

#endif
