/* source.c - see source.h. */
#include "cmd/dump/source.h"

#include "libtsdb/base/mem.h"

#include <stdlib.h>

struct dump {
	const struct pm_dump_wanted *wanted;
	pm_dump_fn *fn;
	void *arg;
	struct pm_arena arena;  /* of `last` */
	struct pm_labels last;  /* the series that was taken last */
	bool any;               /* one was taken */
	bool by_name;           /* label sets are not in the order of families */
};

/* ---- order -------------------------------------------------------------------------------------- */

static int compare_names(const struct pm_families *f, struct pm_str a, struct pm_str b)
{
	int c = pm_str_cmp(pm_family_of(f, a), pm_family_of(f, b));

	return c ? c : pm_str_cmp(a, b);
}

static int compare(const struct dump *d, struct pm_labels a, struct pm_labels b)
{
	struct pm_str x = pm_labels_get(a, PM_NAME_LABEL), y = pm_labels_get(b, PM_NAME_LABEL);
	int c = d->by_name ? compare_names(d->wanted->families, x, y) : 0;

	return c ? c : pm_labels_cmp(a, b);
}

static int take(struct dump *d, const struct pm_series *series, struct pm_error *err)
{
	int rc;

	if (series->samples.count == 0 || (d->any && compare(d, series->labels, d->last) <= 0))
		return 0;
	rc = d->fn(d->arg, series, err);
	if (rc < 0)
		return rc;
	pm_arena_reset(&d->arena);
	d->any = true;
	rc = pm_arena_labels(&d->arena, series->labels, &d->last);
	return rc < 0 ? pm_fail(err, rc, "out of memory") : 0;
}

/* ---- several selectors -------------------------------------------------------------------------- */

/* What one selector gives, and its series at hand. */
struct input {
	struct pm_series_set *set;
	struct pm_series series;
	bool at_end;
};

static int advance(struct input *in, struct pm_error *err)
{
	int rc = in->set->next(in->set, &in->series, err);

	in->at_end = rc == 0;
	return rc < 0 ? rc : 0;
}

/* Of the inputs, whose series are sorted, the one whose series comes first; NULL at the end of all. */
static struct input *first_of(struct input *in, size_t count)
{
	struct input *first = NULL;

	for (size_t i = 0; i < count; i++)
		if (!in[i].at_end && (!first || pm_labels_cmp(in[i].series.labels, first->series.labels) < 0))
			first = &in[i];
	return first;
}

/* A series that several selectors give is taken once, as what was taken before is left out. */
static int merge(struct dump *d, struct input *in, size_t count, struct pm_error *err)
{
	struct input *first;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = advance(&in[i], err);
	while (rc == 0 && (first = first_of(in, count))) {
		rc = take(d, &first->series, err);
		if (rc == 0)
			rc = advance(first, err);
	}
	return rc;
}

static int select_one(struct pm_querier *q, const struct dump *d, const struct promql_matchers *selector,
	const struct pm_matcher *extra, struct pm_series_set **ret, struct pm_error *err)
{
	size_t own = selector ? selector->count : 0, count = own + (extra != NULL);
	struct pm_matcher *v = pm_calloc(count + 1, sizeof *v);
	struct pm_select select = { .matchers = v, .matcher_count = count, .min_ms = d->wanted->min_ms,
		.max_ms = d->wanted->max_ms };
	int rc;

	if (!v)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (own)
		memcpy(v, selector->v, own * sizeof *v);
	if (extra)
		v[own] = *extra;
	rc = q->select(q, &select, ret, err);
	pm_free(v);
	return rc;
}

/* All that the selectors give; of one metric when `name` says so. */
static int take_selected(struct pm_querier *q, struct dump *d, const struct pm_matcher *name, struct pm_error *err)
{
	size_t count = d->wanted->selector_count ? d->wanted->selector_count : 1;
	struct input *in = pm_calloc(count, sizeof *in);
	int rc = in ? 0 : pm_fail(err, PM_ERR_NOMEM, "out of memory");

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = select_one(q, d, d->wanted->selector_count ? &d->wanted->selectors[i] : NULL, name, &in[i].set,
			err);
	if (rc == 0)
		rc = merge(d, in, count, err);
	for (size_t i = 0; in && i < count; i++)
		if (in[i].set)
			in[i].set->free(in[i].set);
	pm_free(in);
	return rc;
}

/* ---- families ----------------------------------------------------------------------------------- */

static int by_family(const void *a, const void *b, void *families)
{
	return compare_names(families, *(const struct pm_str *)a, *(const struct pm_str *)b);
}

/* A label that sorts before the name puts series of one family apart. */
static int find_early_label(struct pm_querier *q, struct dump *d, const struct pm_select *all, struct pm_error *err)
{
	struct pm_strings labels;
	int rc = q->label_names(q, all, &labels, err);

	if (rc < 0)
		return rc;
	d->by_name |= labels.count && pm_str_cmp(labels.v[0], PM_NAME_LABEL) < 0;
	pm_strings_free(&labels);
	return 0;
}

/* The names of all metrics, sorted by family; d->by_name when label sets are not sorted so. */
static int find_order(struct pm_querier *q, struct dump *d, struct pm_strings *ret, struct pm_error *err)
{
	struct pm_select all = { .min_ms = d->wanted->min_ms, .max_ms = d->wanted->max_ms, .labels_only = true };
	const struct pm_families *f = d->wanted->families;
	int rc = find_early_label(q, d, &all, err);

	if (rc == 0)
		rc = q->label_values(q, PM_NAME_LABEL, &all, ret, err);
	if (rc < 0)
		return rc;
	for (size_t i = 1; i < ret->count; i++)
		d->by_name |= compare_names(f, ret->v[i - 1], ret->v[i]) > 0;
	if (d->by_name && ret->count)
		qsort_r(ret->v, ret->count, sizeof *ret->v, by_family, (void *)(uintptr_t)f);
	return 0;
}

static int take_by_name(struct pm_querier *q, struct dump *d, const struct pm_strings *names, struct pm_error *err)
{
	struct pm_matcher name = { .type = PM_MATCH_EQ, .name = PM_NAME_LABEL };
	int rc = take_selected(q, d, &name, err); /* series without a name */

	for (size_t i = 0; i < names->count && rc == 0; i++) {
		name.value = names->v[i];
		rc = take_selected(q, d, &name, err);
	}
	return rc;
}

static int dump_once(struct pm_querier *q, void *arg, struct pm_error *err)
{
	struct dump *d = arg;
	struct pm_strings names = { 0 };
	int rc = d->wanted->families ? find_order(q, d, &names, err) : 0;

	if (rc == 0)
		rc = d->by_name ? take_by_name(q, d, &names, err) : take_selected(q, d, NULL, err);
	pm_strings_free(&names);
	return rc;
}

int pm_dump_each(struct tsdb *db, const struct pm_dump_wanted *w, pm_dump_fn *fn, void *arg, struct pm_error *err)
{
	struct dump d = { .wanted = w, .fn = fn, .arg = arg };
	int rc = pm_with_querier(db, dump_once, &d, err);

	pm_arena_release(&d.arena);
	return rc;
}
