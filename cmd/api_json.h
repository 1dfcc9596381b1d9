/* api_json.h - answers of the HTTP API as JSON, byte for byte as Prometheus 3.x encodes them.
 * `pm query -o json` prints the same text and a newline. */
#ifndef PM_CMD_API_JSON_H
#define PM_CMD_API_JSON_H

#include "libpromql/promql.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/base/json_out.h"

/* The whole answer to query and query_range: {"status":"success","data":{"resultType":...,"result":...}}, with warnings
 * and infos when there are any. No newline at the end. Lack of memory sticks in `out` (pm_buf_error). */
void pm_api_result(struct pm_buf *out, const struct promql_result *r);

/* The error envelope. `error_type`: upstream's word ("bad_data", "execution", "timeout", "canceled", "internal"). */
void pm_api_error(struct pm_buf *out, const char *error_type, const char *msg);

/* upstream's error type and HTTP status for what promql_query or a querier returned. */
const char *pm_api_error_type(int code);
int pm_api_error_status(int code);

/* One histogram: {"count":"..","sum":"..","buckets":[[3,"-0.25","0.25","3"],...]}; empty buckets are left out. */
void pm_api_histogram(struct pm_json *j, const struct pm_histogram *h);

#endif
