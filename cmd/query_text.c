/* query_text.c - series, values and histograms as text. Label values come from anywhere: what would move a terminal's
 * cursor is escaped, as Go quotes strings. */
#include "cmd/query_out.h"

#include "libtsdb/base/hist.h"
#include "libtsdb/base/num.h"
#include "libtsdb/base/utf8.h"

#include <math.h>

void pm_text_value(struct pm_buf *out, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];
	double abs = fabs(v);
	bool plain = abs == 0 || (abs >= 1e-6 && abs < 1e21) || isnan(v) || isinf(v);

	pm_buf_add(out, text, plain ? pm_double_format_f(text, v) : pm_double_format_e(text, v));
}

static void value_g(struct pm_buf *out, double v)
{
	char text[PM_DOUBLE_TEXT_MAX];

	pm_buf_add(out, text, pm_double_format_g(text, v));
}

void pm_text_histogram(struct pm_buf *out, const struct pm_histogram *h)
{
	struct pm_bucket_iter it;
	struct pm_bucket b;

	pm_buf_cstr(out, "{count:");
	value_g(out, h->count);
	pm_buf_cstr(out, ", sum:");
	value_g(out, h->sum);
	for (pm_bucket_begin(&it, h); pm_bucket_next(&it, &b);) {
		if (b.count == 0)
			continue;
		pm_buf_cstr(out, b.lower_inclusive ? ", [" : ", (");
		value_g(out, b.lower);
		pm_buf_char(out, ',');
		value_g(out, b.upper);
		pm_buf_cstr(out, b.upper_inclusive ? "]:" : "):");
		value_g(out, b.count);
	}
	pm_buf_char(out, '}');
}

static bool is_plain_name(struct pm_str s, bool metric)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (metric && c == ':');

		if (!letter && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return s.len > 0;
}

void pm_text_series(struct pm_buf *out, struct pm_labels labels)
{
	struct pm_str name = pm_labels_get(labels, PM_NAME_LABEL);
	bool outside = is_plain_name(name, true), any = false;

	if (outside) {
		pm_buf_str(out, name);
		if (labels.count == 1)
			return;
	}
	pm_buf_char(out, '{');
	if (name.len && !outside) {
		pm_quote(out, name);
		any = true;
	}
	for (size_t i = 0; i < labels.count; i++) {
		if (pm_str_eq(labels.v[i].name, PM_NAME_LABEL))
			continue;
		if (any)
			pm_buf_cstr(out, ", ");
		any = true;
		if (is_plain_name(labels.v[i].name, false))
			pm_buf_str(out, labels.v[i].name);
		else
			pm_quote(out, labels.v[i].name);
		pm_buf_char(out, '=');
		pm_quote(out, labels.v[i].value);
	}
	pm_buf_char(out, '}');
}
