/* inspect_out.c - the answers of pm inspect as tables and as JSON. */
#include "cmd/inspect.h"
#include "cmd/query_out.h"
#include "cmd/table.h"

#include "libtsdb/base/json_out.h"
#include "libtsdb/base/utf8.h"

#include <inttypes.h>

/* ---- parts -------------------------------------------------------------------------------------- */

static void bytes_cell(struct pm_table *t, uint64_t bytes)
{
	char text[16];

	pm_table_cell(t, "%s", pm_bytes_text(text, bytes));
}

static void ratio_cell(struct pm_table *t, uint64_t bytes, uint64_t samples)
{
	if (samples)
		pm_table_cell(t, "%.2f", (double)bytes / (double)samples);
	else
		pm_table_cell(t, "-");
}

static void time_cell(struct pm_table *t, int64_t t_ms, bool empty)
{
	struct pm_buf text = { 0 };

	if (empty)
		pm_buf_char(&text, '-');
	else
		pm_text_local_time(&text, t_ms);
	pm_table_str(t, pm_buf_view(&text));
	pm_buf_release(&text);
}

static void part_row(struct pm_table *t, const struct tsdb_part *p, const char *name)
{
	bool empty = p->min_ms > p->max_ms;

	pm_table_cell(t, "%s", name);
	if (p->series_count == PM_SERIES_UNKNOWN)
		pm_table_cell(t, "-");
	else
		pm_table_cell(t, "%" PRIu64, p->series_count);
	pm_table_cell(t, "%" PRIu64, p->sample_count);
	bytes_cell(t, p->bytes);
	ratio_cell(t, p->bytes, p->sample_count);
	time_cell(t, p->min_ms, empty);
	time_cell(t, p->max_ms, empty);
}

static void header(struct pm_table *t, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pm_table_cell(t, "%s", names[i]);
}

static void parts_table(struct pm_buf *out, const struct pm_parts *p)
{
	static const char *const names[] = { "part", "series", "samples", "bytes", "bytes/sample", "from", "to" };
	static const char *const sort_names[] = { "what", "count", "bytes", "samples", "bytes/sample" };
	struct pm_table t = { .align = "lrrrrll" }, sorts = { .align = "lrrrr" };

	header(&t, names, 7);
	for (size_t i = 0; i < p->count; i++)
		part_row(&t, &p->v[i], p->v[i].name);
	if (p->count > 1)
		part_row(&t, &p->total, "total");
	pm_table_finish(&t, out);
	pm_buf_char(out, '\n');
	header(&sorts, sort_names, 5);
	for (size_t i = 0; i < p->total.sort_count; i++) {
		const struct tsdb_sort *s = &p->total.sorts[i];

		pm_table_cell(&sorts, "%s", s->name);
		pm_table_cell(&sorts, "%" PRIu64, s->count);
		bytes_cell(&sorts, s->bytes);
		pm_table_cell(&sorts, s->samples ? "%" PRIu64 : "-", s->samples);
		ratio_cell(&sorts, s->bytes, s->samples);
	}
	pm_table_finish(&sorts, out);
}

static void json_uint(struct pm_json *j, const char *key, uint64_t v)
{
	pm_json_key(j, pm_str(key));
	pm_json_uint(j, v);
}

static void part_json(struct pm_json *j, const struct tsdb_part *p)
{
	pm_json_object(j);
	if (p->name[0]) {
		pm_json_key(j, PM_STR("name"));
		pm_json_cstr(j, p->name);
	}
	if (p->series_count != PM_SERIES_UNKNOWN)
		json_uint(j, "series", p->series_count);
	json_uint(j, "samples", p->sample_count);
	json_uint(j, "bytes", p->bytes);
	if (p->min_ms <= p->max_ms) {
		pm_json_key(j, PM_STR("minTimeMs"));
		pm_json_int(j, p->min_ms);
		pm_json_key(j, PM_STR("maxTimeMs"));
		pm_json_int(j, p->max_ms);
	}
	pm_json_key(j, PM_STR("sorts"));
	pm_json_array(j);
	for (size_t i = 0; i < p->sort_count; i++) {
		pm_json_object(j);
		pm_json_key(j, PM_STR("name"));
		pm_json_cstr(j, p->sorts[i].name);
		json_uint(j, "count", p->sorts[i].count);
		json_uint(j, "bytes", p->sorts[i].bytes);
		json_uint(j, "samples", p->sorts[i].samples);
		pm_json_object_end(j);
	}
	pm_json_array_end(j);
	pm_json_object_end(j);
}

void pm_inspect_parts(struct pm_buf *out, const struct pm_parts *p, bool json)
{
	struct pm_json j;

	if (!json) {
		parts_table(out, p);
		return;
	}
	pm_json_init(&j, out);
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("parts"));
	pm_json_array(&j);
	for (size_t i = 0; i < p->count; i++)
		part_json(&j, &p->v[i]);
	pm_json_array_end(&j);
	pm_json_key(&j, PM_STR("total"));
	part_json(&j, &p->total);
	pm_json_object_end(&j);
	pm_buf_char(out, '\n');
}

/* ---- cardinality -------------------------------------------------------------------------------- */

enum shown { SHOW_NAME = 1, SHOW_VALUE = 2 };

static const struct {
	const char *count, *what, *key;
	enum shown show;
} lists[] = {
	{ "series", "metric", "seriesByMetric", SHOW_VALUE },
	{ "values", "label", "valuesByLabel", SHOW_NAME },
	{ "series", "label and value", "seriesByLabelPair", SHOW_NAME | SHOW_VALUE },
	{ "bytes of values", "label", "bytesByLabel", SHOW_NAME },
};

static const struct tsdb_counts *list_of(const struct tsdb_cardinality *c, size_t i)
{
	return (const struct tsdb_counts *const[]){ &c->metrics, &c->values, &c->pairs, &c->bytes }[i];
}

/* As matchers are written; a name alone is bare unless it is a strange one. */
static void what_cell(struct pm_table *t, const struct tsdb_count *c, enum shown show)
{
	struct pm_label metric = { PM_NAME_LABEL, show == SHOW_VALUE ? c->value : c->name };
	struct pm_buf text = { 0 };

	pm_text_series(&text, (struct pm_labels){ &metric, 1 });
	if (show == (SHOW_NAME | SHOW_VALUE)) {
		pm_buf_char(&text, '=');
		pm_quote(&text, c->value);
	}
	pm_table_str(t, pm_buf_view(&text));
	pm_buf_release(&text);
}

static void cardinality_table(struct pm_buf *out, const struct tsdb_cardinality *c)
{
	pm_buf_fmt(out, "%" PRIu64 " series, %" PRIu64 " label names, %" PRIu64 " labels with value\n", c->series_count,
		c->name_count, c->pair_count);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		const struct tsdb_counts *l = list_of(c, i);
		struct pm_table t = { .align = "rl" };

		pm_buf_char(out, '\n');
		pm_table_cell(&t, "%s", lists[i].count);
		pm_table_cell(&t, "%s", lists[i].what);
		for (size_t k = 0; k < l->count; k++) {
			pm_table_cell(&t, "%" PRIu64, l->v[k].count);
			what_cell(&t, &l->v[k], lists[i].show);
		}
		pm_table_finish(&t, out);
	}
}

static void counts_json(struct pm_json *j, const struct tsdb_counts *l, enum shown show)
{
	pm_json_array(j);
	for (size_t k = 0; k < l->count; k++) {
		pm_json_object(j);
		if (show & SHOW_NAME) {
			pm_json_key(j, PM_STR("name"));
			pm_json_str(j, l->v[k].name);
		}
		if (show & SHOW_VALUE) {
			pm_json_key(j, PM_STR("value"));
			pm_json_str(j, l->v[k].value);
		}
		json_uint(j, "count", l->v[k].count);
		pm_json_object_end(j);
	}
	pm_json_array_end(j);
}

void pm_inspect_cardinality(struct pm_buf *out, const struct tsdb_cardinality *c, bool json)
{
	struct pm_json j;

	if (!json) {
		cardinality_table(out, c);
		return;
	}
	pm_json_init(&j, out);
	pm_json_object(&j);
	json_uint(&j, "series", c->series_count);
	json_uint(&j, "labelNames", c->name_count);
	json_uint(&j, "labelPairs", c->pair_count);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		pm_json_key(&j, pm_str(lists[i].key));
		counts_json(&j, list_of(c, i), lists[i].show);
	}
	pm_json_object_end(&j);
	pm_buf_char(out, '\n');
}

/* ---- digest ------------------------------------------------------------------------------------- */

void pm_inspect_digest(struct pm_buf *out, const struct tsdb_digest *d, bool json)
{
	char hash[17];
	struct pm_json j;

	snprintf(hash, sizeof hash, "%016" PRIx64, d->hash);
	if (!json) {
		pm_buf_fmt(out, "%s  %" PRIu64 " series, %" PRIu64 " sample%s\n", hash, d->series_count,
			d->sample_count, d->sample_count == 1 ? "" : "s");
		return;
	}
	pm_json_init(&j, out);
	pm_json_object(&j);
	pm_json_key(&j, PM_STR("digest"));
	pm_json_cstr(&j, hash);
	json_uint(&j, "series", d->series_count);
	json_uint(&j, "samples", d->sample_count);
	pm_json_object_end(&j);
	pm_buf_char(out, '\n');
}
