/* api.c - see api.h. Wordings are upstream's, since clients and people's habits depend on them. */
#include "cmd/serve/api.h"

#include "cmd/api_json.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const char json_type[] = "application/json";

int pm_api_error_reply(struct pm_request *r, int status, const char *type, const char *msg)
{
	pm_buf_reset(&r->out);
	r->status = status;
	r->content_type = json_type;
	pm_api_error(&r->out, type, msg);
	return PM_ERR_INVALID;
}

int pm_api_bad(struct pm_request *r, const char *fmt, ...)
{
	struct pm_buf msg = { 0 };
	va_list ap;
	va_start(ap, fmt);
	pm_buf_vfmt(&msg, fmt, ap);
	va_end(ap);
	pm_api_error_reply(r, 400, "bad_data", pm_buf_error(&msg) ? "out of memory" : msg.ptr);
	pm_buf_release(&msg);
	return PM_ERR_INVALID;
}

int pm_api_bad_param(struct pm_request *r, const char *name, const char *why)
{
	return pm_api_bad(r, "invalid parameter \"%s\": %s", name, why);
}

int pm_api_failed(struct pm_request *r, int code, const struct pm_error *err)
{
	const char *msg = err->msg[0] ? err->msg : pm_strerror(code);
	return pm_api_error_reply(r, pm_api_error_status(code), pm_api_error_type(code), msg);
}

void pm_api_begin(struct pm_request *r, struct pm_json *j)
{
	pm_buf_reset(&r->out);
	r->content_type = json_type;
	pm_json_init(j, &r->out);
	pm_json_object(j);
	pm_json_key(j, PM_STR("status"));
	pm_json_str(j, PM_STR("success"));
	pm_json_key(j, PM_STR("data"));
}

void pm_api_end(struct pm_json *j, const char *warning)
{
	if (warning) {
		pm_json_key(j, PM_STR("warnings"));
		pm_json_array(j);
		pm_json_cstr(j, warning);
		pm_json_array_end(j);
	}
	pm_json_object_end(j);
}

/* ---- parameters --------------------------------------------------------------------------------- */

enum { QUOTED_MAX = 256 };

int pm_api_time_required(struct pm_request *r, const char *name, int64_t *ret_ms)
{
	char quoted[QUOTED_MAX];
	struct pm_str text = pm_request_param(r, name);
	if (pm_time_parse(text, ret_ms) == 0)
		return 0;
	return pm_api_bad(r, "invalid parameter \"%s\": cannot parse %s to a valid timestamp", name,
		pm_quote_fixed(quoted, sizeof quoted, text));
}

int pm_api_time(struct pm_request *r, const char *name, int64_t absent_ms, int64_t *ret_ms)
{
	char quoted[QUOTED_MAX];
	struct pm_str text = pm_request_param(r, name);
	if (text.len == 0)
		*ret_ms = absent_ms;
	else if (pm_time_parse(text, ret_ms))
		return pm_api_bad(r,
			"invalid parameter \"%s\": invalid time value for '%s': cannot parse %s to a valid timestamp",
			name, name, pm_quote_fixed(quoted, sizeof quoted, text));
	return 0;
}

int pm_api_parse_duration(struct pm_str text, int64_t *ret_ms, char *why, size_t why_size)
{
	char quoted[QUOTED_MAX];
	double seconds;
	pm_quote_fixed(quoted, sizeof quoted, text);
	int rc = pm_double_parse(text, &seconds);
	if (rc == 0 || rc == PM_ERR_LIMIT) {
		/* int64 nanoseconds are upstream's range; NaN falls through the comparison as it does there */
		if (fabs(seconds) * 1e9 > (double)INT64_MAX) {
			snprintf(why, why_size, "cannot parse %s to a valid duration. It overflows int64", quoted);
			return PM_ERR_INVALID;
		}
		*ret_ms = isnan(seconds) ? 0 : (int64_t)(seconds * 1000);
		return 0;
	}
	if (pm_duration_parse(text, ret_ms) == 0)
		return 0;
	snprintf(why, why_size, "cannot parse %s to a valid duration", quoted);
	return PM_ERR_INVALID;
}

int pm_api_duration(struct pm_request *r, const char *name, int64_t *ret_ms)
{
	char why[QUOTED_MAX + 64];
	struct pm_str text = pm_request_param(r, name);
	if (text.len == 0)
		return 0;
	if (pm_api_parse_duration(text, ret_ms, why, sizeof why))
		return pm_api_bad_param(r, name, why);
	return 0;
}

int pm_api_limit(struct pm_request *r, size_t *ret)
{
	char quoted[QUOTED_MAX];
	struct pm_str text = pm_request_param(r, "limit");
	int64_t limit;
	if (text.len == 0)
		return 0;
	int rc = pm_int_parse(text, &limit);
	if (rc)
		return pm_api_bad(r, "invalid parameter \"limit\": strconv.Atoi: parsing %s: %s",
			pm_quote_fixed(quoted, sizeof quoted, text),
			rc == PM_ERR_LIMIT ? "value out of range" : "invalid syntax");
	if (limit < 0)
		return pm_api_bad_param(r, "limit", "limit must be non-negative");
	*ret = (size_t)limit;
	return 0;
}
