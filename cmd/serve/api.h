/* api.h - what the handlers of the HTTP API share: parameters as upstream reads them, the envelope, errors,
 * queriers. */
#ifndef PM_SERVE_API_H
#define PM_SERVE_API_H

#include "cmd/serve/request.h"
#include "libtsdb/base/json_out.h"

/* Replies. Each replaces what the handler wrote before and returns PM_ERR_INVALID, so that handlers can say
 * `return pm_api_bad(...)` where they give up. */
int pm_api_bad(struct pm_request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* bad_data, 400 */
int pm_api_bad_param(struct pm_request *r, const char *name, const char *why); /* invalid parameter "NAME": WHY */
/* What promql_query or a querier returned: execution, timeout, canceled or internal. */
int pm_api_failed(struct pm_request *r, int code, const struct pm_error *err);
/* Any other type of error. */
int pm_api_error_reply(struct pm_request *r, int status, const char *type, const char *msg);

/* {"status":"success","data": ... } with one value written between begin and end. `warning` may be NULL. */
void pm_api_begin(struct pm_request *r, struct pm_json *j);
void pm_api_end(struct pm_json *j, const char *warning);

#define PM_API_TRUNCATED "results truncated due to limit"

/* Parameters. 0, or PM_ERR_INVALID after a reply of 400. An absent time gives `absent_ms`; an absent duration or limit
 * leaves `*ret` as it is. */
int pm_api_time(struct pm_request *r, const char *name, int64_t absent_ms, int64_t *ret_ms);
int pm_api_time_required(struct pm_request *r, const char *name, int64_t *ret_ms);
int pm_api_duration(struct pm_request *r, const char *name, int64_t *ret_ms);
int pm_api_limit(struct pm_request *r, size_t *ret);

/* A duration as upstream's API takes it: a number of seconds, or "1h30m". The reason of a failure is written to
 * `why`. */
int pm_api_parse_duration(struct pm_str text, int64_t *ret_ms, char *why, size_t why_size);

#endif
