/* api_json.c - the result of a query as the HTTP API's JSON. See api_json.h.
 *
 * Upstream writes times in two ways: points of series with three digits after the point or none (1.010), the times of
 * scalars and strings as any other float (1.01), because those two types have encoders of their own. So do we. */
#include "cmd/api_json.h"

#include "libtsdb/base/hist.h"
#include "libtsdb/base/num.h"

static int boundary_kind(const struct pm_bucket *b)
{
	if (b->lower_inclusive)
		return b->upper_inclusive ? 3 : 1;
	return b->upper_inclusive ? 0 : 2;
}

void pm_api_histogram(struct pm_json *j, const struct pm_histogram *h)
{
	struct pm_bucket_iter it;
	struct pm_bucket b;
	bool any = false;

	pm_json_object(j);
	pm_json_key(j, PM_STR("count"));
	pm_json_sample_value(j, h->count);
	pm_json_key(j, PM_STR("sum"));
	pm_json_sample_value(j, h->sum);
	for (pm_bucket_begin(&it, h); pm_bucket_next(&it, &b);) {
		if (b.count == 0)
			continue;
		if (!any) {
			pm_json_key(j, PM_STR("buckets"));
			pm_json_array(j);
		}
		any = true;
		pm_json_array(j);
		pm_json_int(j, boundary_kind(&b));
		pm_json_sample_value(j, b.lower);
		pm_json_sample_value(j, b.upper);
		pm_json_sample_value(j, b.count);
		pm_json_array_end(j);
	}
	if (any)
		pm_json_array_end(j);
	pm_json_object_end(j);
}

static void point(struct pm_json *j, const struct promql_point *p)
{
	pm_json_array(j);
	pm_json_time(j, p->t_ms);
	if (p->h)
		pm_api_histogram(j, p->h);
	else
		pm_json_sample_value(j, p->v);
	pm_json_array_end(j);
}

/* The points of one kind, floats or histograms, under `key`; nothing when there are none. */
static void points(struct pm_json *j, const char *key, const struct promql_series *s, bool histograms)
{
	bool any = false;

	for (size_t i = 0; i < s->point_count; i++) {
		if ((s->points[i].h != NULL) != histograms)
			continue;
		if (!any) {
			pm_json_key(j, pm_str(key));
			pm_json_array(j);
		}
		any = true;
		point(j, &s->points[i]);
	}
	if (any)
		pm_json_array_end(j);
}

static void vector_element(struct pm_json *j, const struct promql_series *s)
{
	pm_json_object(j);
	pm_json_key(j, PM_STR("metric"));
	pm_json_labels(j, s->labels);
	pm_json_key(j, s->points[0].h ? PM_STR("histogram") : PM_STR("value"));
	point(j, &s->points[0]);
	pm_json_object_end(j);
}

static void matrix_element(struct pm_json *j, const struct promql_series *s)
{
	pm_json_object(j);
	pm_json_key(j, PM_STR("metric"));
	pm_json_labels(j, s->labels);
	points(j, "values", s, false);
	points(j, "histograms", s, true);
	pm_json_object_end(j);
}

static void scalar(struct pm_json *j, const struct promql_result *r)
{
	char text[PM_DOUBLE_TEXT_MAX];
	size_t len = pm_double_format_f(text, r->series[0].points[0].v);

	pm_json_array(j);
	pm_json_double(j, (double)r->t_ms / 1000);
	pm_json_str(j, (struct pm_str){ text, len });
	pm_json_array_end(j);
}

static void result(struct pm_json *j, const struct promql_result *r)
{
	if (r->type == PROMQL_SCALAR) {
		scalar(j, r);
		return;
	}
	pm_json_array(j);
	if (r->type == PROMQL_STRING) {
		pm_json_double(j, (double)r->t_ms / 1000);
		pm_json_str(j, r->string);
	}
	for (size_t i = 0; i < r->series_count; i++) {
		if (r->type == PROMQL_VECTOR)
			vector_element(j, &r->series[i]);
		else
			matrix_element(j, &r->series[i]);
	}
	pm_json_array_end(j);
}

static void annotations(struct pm_json *j, const char *key, const char *const *v, size_t count)
{
	if (count == 0)
		return;
	pm_json_key(j, pm_str(key));
	pm_json_array(j);
	for (size_t i = 0; i < count; i++)
		pm_json_cstr(j, v[i]);
	pm_json_array_end(j);
}

void pm_api_result(struct pm_buf *out, const struct promql_result *r)
{
	struct pm_json j;

	pm_json_init(&j, out);
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("status"));
	pm_json_str(&j, PM_STR("success"));
	pm_json_key(&j, PM_STR("data"));
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("resultType"));
	pm_json_cstr(&j, promql_type_name(r->type));
	pm_json_key(&j, PM_STR("result"));
	result(&j, r);
	pm_json_object_end(&j);
	annotations(&j, "warnings", r->warnings, r->warning_count);
	annotations(&j, "infos", r->infos, r->info_count);
	pm_json_object_end(&j);
}

void pm_api_error(struct pm_buf *out, const char *error_type, const char *msg)
{
	struct pm_json j;

	pm_json_init(&j, out);
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("status"));
	pm_json_str(&j, PM_STR("error"));
	pm_json_key(&j, PM_STR("errorType"));
	pm_json_cstr(&j, error_type);
	pm_json_key(&j, PM_STR("error"));
	pm_json_cstr(&j, msg);
	pm_json_object_end(&j);
}

const char *pm_api_error_type(int code)
{
	switch (code) {
	case PM_ERR_INVALID:
	case PM_ERR_LIMIT:
	case PM_ERR_NOMEM:
	case PM_ERR_UNSUPPORTED:
		return "execution";
	case PM_ERR_TIMEOUT:
		return "timeout";
	case PM_ERR_CANCELED:
		return "canceled";
	default:
		return "internal";
	}
}

int pm_api_error_status(int code)
{
	const char *type = pm_api_error_type(code);

	switch (type[0]) {
	case 'e':
		return 422;
	case 't':
		return 503;
	case 'c':
		return 499;
	default:
		return 500;
	}
}
