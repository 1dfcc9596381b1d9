/* json_out.h - JSON out, streamed into a buffer, byte for byte as Prometheus's HTTP API prints it: no blanks, control
 * characters \u00xx (lower case) except \n \r \t. Commas are put by the writer.
 *
 * Two kinds of strings, as upstream has them (jsoniter, compatible with encoding/json): plain ones (pm_json_str, _cstr,
 * _key: errors, names, lists of values) escape < > & as \u003c \u003e \u0026, U+2028 and U+2029 as \u2028 \u2029, and
 * invalid UTF-8 as \ufffd; names and values of label sets (pm_json_labels) leave all of these as they are. */
#ifndef PM_BASE_JSON_OUT_H
#define PM_BASE_JSON_OUT_H

#include "libtsdb/base/buf.h"

struct pm_json {
	struct pm_buf *buf;
	bool comma; /* the next value needs one before it */
};

void pm_json_init(struct pm_json *j, struct pm_buf *buf);
void pm_json_object(struct pm_json *j); /* { */
void pm_json_object_end(struct pm_json *j);
void pm_json_array(struct pm_json *j); /* [ */
void pm_json_array_end(struct pm_json *j);
void pm_json_key(struct pm_json *j, struct pm_str key);
void pm_json_str(struct pm_json *j, struct pm_str s);
void pm_json_cstr(struct pm_json *j, const char *s);
void pm_json_int(struct pm_json *j, int64_t v);
void pm_json_uint(struct pm_json *j, uint64_t v);
void pm_json_bool(struct pm_json *j, bool v);
void pm_json_null(struct pm_json *j);
/* A number, shortest, as encoding/json prints it ("1e-9"); not for NaN and infinities. */
void pm_json_double(struct pm_json *j, double v);
/* The sample of a vector or matrix, a string: "12.5", "1e-09", "NaN", "+Inf". A scalar of the API never has an
 * exponent: that is pm_double_format_f in quotes. */
void pm_json_sample_value(struct pm_json *j, double v);
void pm_json_time(struct pm_json *j, int64_t t_ms); /* 1435781430.781 */
/* {"a":"b"}; strings not HTML-escaped, see above. */
void pm_json_labels(struct pm_json *j, struct pm_labels l);
void pm_json_raw(struct pm_json *j, struct pm_str json); /* trusted JSON text, as one value */

#endif
