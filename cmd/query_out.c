/* query_out.c - tables for people, rows for programs. See query_out.h. */
#include "cmd/query_out.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"

#include <stdlib.h>
#include <time.h>

/* Columns that a terminal needs for text that pm_text_series wrote: one a code point. */
static size_t display_width(struct pm_str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

void pm_text_local_time(struct pm_buf *out, int64_t t_ms)
{
	int64_t ms = ((t_ms % 1000) + 1000) % 1000;
	time_t seconds = (time_t)((t_ms - ms) / 1000);
	char date[64], zone[16];
	struct tm tm;

	if (!localtime_r(&seconds, &tm)) {
		pm_buf_fmt(out, "@%lld.%03d", (long long)seconds, (int)ms);
		return;
	}
	strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof zone, "%z", &tm);
	pm_buf_cstr(out, date);
	if (ms)
		pm_buf_fmt(out, ".%03d", (int)ms);
	pm_buf_fmt(out, " %s", zone);
}

static void point_text(struct pm_buf *out, const struct promql_point *p)
{
	if (p->h)
		pm_text_histogram(out, p->h);
	else
		pm_text_value(out, p->v);
}

/* Two columns, the second flush right, so that numbers of one size stand below each other. */
struct table {
	struct pm_buf left, right; /* cells one after the other, each ended by a NUL */
	size_t left_width, right_width, rows;
};

static void end_cell(struct pm_buf *cells, size_t start, size_t *width)
{
	size_t w = display_width((struct pm_str){ cells->ptr + start, cells->len - start });

	*width = w > *width ? w : *width;
	pm_buf_char(cells, '\0');
}

static void pad(struct pm_buf *out, size_t n)
{
	while (n--)
		pm_buf_char(out, ' ');
}

static void table_print(struct pm_buf *out, const struct table *t, size_t indent)
{
	const char *left = t->left.ptr, *right = t->right.ptr;

	for (size_t i = 0; i < t->rows; i++) {
		pad(out, indent);
		pm_buf_cstr(out, left);
		pad(out, t->left_width - display_width(pm_str(left)) + 2);
		pad(out, t->right_width - display_width(pm_str(right)));
		pm_buf_cstr(out, right);
		pm_buf_char(out, '\n');
		left += strlen(left) + 1;
		right += strlen(right) + 1;
	}
}

/* Print when no cell was lost to lack of memory; that sticks in `out`. */
static void table_finish(struct pm_buf *out, struct table *t, size_t indent)
{
	int rc = pm_buf_error(&t->left) ? pm_buf_error(&t->left) : pm_buf_error(&t->right);

	if (rc == 0 && t->rows)
		table_print(out, t, indent);
	else if (rc != 0)
		out->error = rc;
	pm_buf_release(&t->left);
	pm_buf_release(&t->right);
}

static void vector_table(struct pm_buf *out, const struct promql_result *r)
{
	struct table t = { 0 };

	for (size_t i = 0; i < r->series_count; i++) {
		size_t left = t.left.len, right = t.right.len;

		pm_text_series(&t.left, r->series[i].labels);
		end_cell(&t.left, left, &t.left_width);
		point_text(&t.right, &r->series[i].points[0]);
		end_cell(&t.right, right, &t.right_width);
		t.rows++;
	}
	table_finish(out, &t, 0);
}

static void series_table(struct pm_buf *out, const struct promql_series *s)
{
	struct table t = { 0 };

	pm_text_series(out, s->labels);
	pm_buf_char(out, '\n');
	for (size_t i = 0; i < s->point_count; i++) {
		size_t left = t.left.len, right = t.right.len;

		pm_text_local_time(&t.left, s->points[i].t_ms);
		end_cell(&t.left, left, &t.left_width);
		point_text(&t.right, &s->points[i]);
		end_cell(&t.right, right, &t.right_width);
		t.rows++;
	}
	table_finish(out, &t, 2);
}

void pm_query_table(struct pm_buf *out, const struct promql_result *r)
{
	switch (r->type) {
	case PROMQL_SCALAR:
		pm_text_value(out, r->series[0].points[0].v);
		pm_buf_char(out, '\n');
		break;
	case PROMQL_STRING:
		pm_buf_str(out, r->string);
		pm_buf_char(out, '\n');
		break;
	case PROMQL_VECTOR:
		vector_table(out, r);
		break;
	default:
		for (size_t i = 0; i < r->series_count; i++)
			series_table(out, &r->series[i]);
	}
}

/* ---- rows --------------------------------------------------------------------------------------- */

static void csv_field(struct pm_buf *out, struct pm_str s)
{
	bool quote = false;

	for (size_t i = 0; i < s.len; i++)
		quote = quote || strchr(",\"\r\n", s.ptr[i]);
	if (!quote) {
		pm_buf_str(out, s);
		return;
	}
	pm_buf_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"')
			pm_buf_char(out, '"');
		pm_buf_char(out, s.ptr[i]);
	}
	pm_buf_char(out, '"');
}

static void tsv_field(struct pm_buf *out, struct pm_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.ptr[i]) {
		case '\t':
			pm_buf_cstr(out, "\\t");
			break;
		case '\n':
			pm_buf_cstr(out, "\\n");
			break;
		case '\r':
			pm_buf_cstr(out, "\\r");
			break;
		case '\\':
			pm_buf_cstr(out, "\\\\");
			break;
		default:
			pm_buf_char(out, s.ptr[i]);
		}
	}
}

static void field(struct pm_buf *out, struct pm_str s, char separator)
{
	if (separator == ',')
		csv_field(out, s);
	else
		tsv_field(out, s);
}

static int compare_names(const void *a, const void *b)
{
	return pm_str_cmp(*(const struct pm_str *)a, *(const struct pm_str *)b);
}

/* Sort and keep one of each. */
static size_t unique_names(struct pm_str *v, size_t count)
{
	size_t kept = 0;

	if (count == 0)
		return 0;
	qsort(v, count, sizeof *v, compare_names);
	for (size_t i = 1; i < count; i++) {
		if (!pm_str_eq(v[i], v[kept]))
			v[++kept] = v[i];
	}
	return kept + 1;
}

/* Names of all labels of a result, sorted. The set is squeezed whenever the array is full, so it stays near the number
 * of different names, however many series there are. */
static int label_columns(const struct promql_result *r, struct pm_str **ret, size_t *ret_count)
{
	struct pm_str *v = NULL;
	size_t cap = 0, count = 0;

	for (size_t i = 0; i < r->series_count; i++) {
		struct pm_labels l = r->series[i].labels;

		if (count + l.count > cap)
			count = unique_names(v, count);
		if (pm_grow(&v, &cap, count + l.count) != 0) {
			pm_free(v);
			return PM_ERR_NOMEM;
		}
		for (size_t k = 0; k < l.count; k++)
			v[count++] = l.v[k].name;
	}
	*ret_count = unique_names(v, count);
	*ret = v;
	return 0;
}

static void sample_cells(struct pm_buf *out, const struct promql_point *p, char separator)
{
	char time[40];
	struct pm_buf text = { 0 };

	pm_buf_add(out, time, (size_t)pm_time_rfc3339(time, p->t_ms));
	pm_buf_char(out, separator);
	point_text(&text, p);
	field(out, pm_buf_view(&text), separator);
	pm_buf_release(&text);
}

static void label_cells(struct pm_buf *out, struct pm_labels l, const struct pm_str *columns, size_t count,
	char separator)
{
	for (size_t i = 0; i < count; i++) {
		pm_buf_char(out, separator);
		field(out, pm_labels_get(l, columns[i]), separator);
	}
	pm_buf_char(out, '\n');
}

static void string_row(struct pm_buf *out, const struct promql_result *r, char separator)
{
	char time[40];

	pm_buf_add(out, time, (size_t)pm_time_rfc3339(time, r->t_ms));
	pm_buf_char(out, separator);
	field(out, r->string, separator);
	pm_buf_char(out, '\n');
}

void pm_query_rows(struct pm_buf *out, const struct promql_result *r, char separator)
{
	struct pm_str *columns = NULL;
	size_t count = 0;

	if (label_columns(r, &columns, &count) != 0) {
		out->error = PM_ERR_NOMEM;
		return;
	}
	pm_buf_fmt(out, "timestamp%cvalue", separator);
	for (size_t i = 0; i < count; i++) {
		pm_buf_char(out, separator);
		field(out, columns[i], separator);
	}
	pm_buf_char(out, '\n');
	if (r->type == PROMQL_STRING)
		string_row(out, r, separator);
	for (size_t i = 0; i < r->series_count; i++) {
		for (size_t k = 0; k < r->series[i].point_count; k++) {
			sample_cells(out, &r->series[i].points[k], separator);
			label_cells(out, r->series[i].labels, columns, count, separator);
		}
	}
	pm_free(columns);
}
