/* exemplars.c - see exemplars.h. */
#include "cmd/dump/exemplars.h"

#include "libtsdb/base/mem.h"

int pm_dump_exemplars_load(
	struct pm_dump_exemplars *e, struct tsdb *db, const struct pm_dump_wanted *w, struct pm_error *err)
{
	size_t count = w->selector_count ? w->selector_count : 1;
	struct pm_select *selects = pm_calloc(count, sizeof *selects);
	int rc;

	*e = (struct pm_dump_exemplars){ 0 };
	if (!selects)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		selects[i] = (struct pm_select){ .min_ms = w->min_ms, .max_ms = w->max_ms };
		if (w->selector_count) {
			selects[i].matchers = w->selectors[i].v;
			selects[i].matcher_count = w->selectors[i].count;
		}
	}
	rc = tsdb_exemplars(db, selects, count, &e->all, err);
	pm_free(selects);
	for (size_t i = 0; rc == 0 && i < e->all.count; i++)
		e->left += e->all.v[i].count;
	return rc;
}

void pm_dump_exemplars_release(struct pm_dump_exemplars *e)
{
	tsdb_exemplars_free(&e->all);
	*e = (struct pm_dump_exemplars){ 0 };
}

static bool ends_with(struct pm_str s, struct pm_str end)
{
	return s.len > end.len && memcmp(s.ptr + s.len - end.len, end.ptr, end.len) == 0;
}

size_t pm_dump_exemplars_of(
	const struct pm_dump_exemplars *e, struct pm_labels series, const struct tsdb_exemplar **ret)
{
	struct pm_str name = pm_labels_get(series, PM_NAME_LABEL);
	size_t low = 0, high = e->all.count;

	if (high == 0 || !(ends_with(name, PM_STR("_total")) || ends_with(name, PM_STR("_bucket"))))
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = pm_labels_cmp(e->all.v[middle].labels, series);

		if (c == 0) {
			*ret = e->all.v[middle].v;
			return e->all.v[middle].count;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}
