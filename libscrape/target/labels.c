/* labels.c - what a target does to the labels of its samples.
 *
 * The labels of the target win: an exposed label of the same name moves to `exported_NAME`, or further when that is
 * taken. With honor_labels the exposed one wins instead, and an exposed empty value means that the label is not to be
 * there at all. Labels of the target that begin with `__` are its own business and reach no sample. */
#include "libscrape/target/target.h"

#include "libscrape/expo/lex.h"

#include <stdlib.h>

static bool is_private(struct pm_str name)
{
	return name.len >= 2 && name.ptr[0] == '_' && name.ptr[1] == '_';
}

/* ---- merging ------------------------------------------------------------------------------------ */

/* Both lists are sorted: one pass. *ret_conflicts: labels of the sample that lost to the target's, kept at the end of
 * the array. */
static size_t merge(
	const struct scrape_target *t, struct pm_labels l, struct pm_label *out, size_t room, size_t *ret_conflicts)
{
	size_t i = 0, j = 0, n = 0, conflicts = 0;

	while (i < l.count || j < t->labels.count) {
		const struct pm_label *ours = j < t->labels.count ? &t->labels.v[j] : NULL;
		const struct pm_label *theirs = i < l.count ? &l.v[i] : NULL;
		int c = !ours ? -1 : !theirs ? 1 : name_cmp(theirs->name, ours->name);

		if (ours && (is_private(ours->name) || (c == 0 && t->honor_labels))) {
			j++;
			continue;
		}
		if (c == 0 && theirs->value.len)
			out[room - ++conflicts] = *theirs;
		if (c < 0 ? theirs->value.len : ours->value.len)
			out[n++] = c < 0 ? *theirs : *ours;
		i += c <= 0;
		j += c >= 0;
	}
	*ret_conflicts = conflicts;
	return n;
}

static int by_length(const void *a, const void *b)
{
	const struct pm_label *x = a, *y = b;

	if (x->name.len != y->name.len)
		return x->name.len < y->name.len ? -1 : 1;
	return pm_str_cmp(x->name, y->name);
}

/* Give the losers new names, shorter ones first, as upstream does. */
static int export_conflicts(struct pm_label *v, size_t *count, struct pm_label *losers, size_t n, struct pm_arena *a)
{
	qsort(losers, n, sizeof *losers, by_length);
	for (size_t i = 0; i < n; i++) {
		struct pm_label l = losers[i];

		do {
			l.name.ptr = pm_arena_printf(a, "exported_%.*s", PM_STR_ARG(l.name));
			if (!l.name.ptr)
				return PM_ERR_NOMEM;
			l.name.len += strlen("exported_");
		} while (pm_labels_get((struct pm_labels){ v, *count }, l.name).len);
		v[*count] = l;
		(*count)++;
		pm_labels_normalize(v, count, NULL);
	}
	return 0;
}

int scrape__target_labels(const struct scrape_target *t, struct pm_labels l, struct pm_arena *a, struct pm_labels *ret)
{
	size_t room = l.count + t->labels.count, count, conflicts;
	struct pm_label *v = pm_arena_array(a, room, sizeof *v);
	struct pm_label *losers;

	if (!v)
		return PM_ERR_NOMEM;
	count = merge(t, l, v, room, &conflicts);
	if (conflicts) {
		losers = pm_arena_array(a, conflicts, sizeof *losers);
		if (!losers)
			return PM_ERR_NOMEM;
		memcpy(losers, v + room - conflicts, conflicts * sizeof *losers);
		if (export_conflicts(v, &count, losers, conflicts, a))
			return PM_ERR_NOMEM;
	}
	*ret = (struct pm_labels){ v, count };
	return 0;
}

int scrape__report_labels(const struct scrape_target *t, struct pm_str name, struct pm_arena *a, struct pm_labels *ret)
{
	struct pm_label l = { PM_NAME_LABEL, name };

	return scrape__target_labels(t, (struct pm_labels){ &l, 1 }, a, ret);
}

/* ---- limits ------------------------------------------------------------------------------------- */

static int cut(size_t len)
{
	return (int)(len < 50 ? len : 50);
}

int scrape__check_limits(const struct scrape_target *t, struct pm_labels l, struct pm_error *err)
{
	struct pm_str metric = pm_labels_get(l, PM_NAME_LABEL);

	if (t->label_max && l.count > t->label_max)
		return pm_fail(err, PM_ERR_LIMIT,
			"label_limit exceeded (metric: %.*s, number of labels: %zu, limit: %zu)", cut(metric.len),
			metric.ptr, l.count, t->label_max);
	for (size_t i = 0; i < l.count && (t->label_name_bytes_max || t->label_value_bytes_max); i++) {
		struct pm_str name = l.v[i].name, value = l.v[i].value;

		if (t->label_name_bytes_max && name.len > t->label_name_bytes_max)
			return pm_fail(err, PM_ERR_LIMIT,
				"label_name_length_limit exceeded (metric: %.*s, label name: %.*s, length: %zu, limit: "
				"%zu)",
				cut(metric.len), metric.ptr, cut(name.len), name.ptr, name.len,
				t->label_name_bytes_max);
		if (t->label_value_bytes_max && value.len > t->label_value_bytes_max)
			return pm_fail(err, PM_ERR_LIMIT,
				"label_value_length_limit exceeded (metric: %.*s, label name: %.*s, value: %.*s, "
				"length: %zu, limit: %zu)",
				cut(metric.len), metric.ptr, cut(name.len), name.ptr, cut(value.len), value.ptr,
				value.len, t->label_value_bytes_max);
	}
	return 0;
}

/* ---- the key ------------------------------------------------------------------------------------ */

static void put_number(struct pm_buf *out, uint64_t v)
{
	pm_buf_add(out, &v, sizeof v);
}

static void put_string(struct pm_buf *out, struct pm_str s)
{
	put_number(out, s.len);
	pm_buf_str(out, s);
}

/* Limits are part of it, as a line that is known is not checked again. */
void scrape__layout_key(const struct scrape_target *t, struct pm_buf *out)
{
	pm_buf_cstr(out, "scrape/1");
	put_number(out, t->honor_labels);
	put_number(out, t->label_max);
	put_number(out, t->label_name_bytes_max);
	put_number(out, t->label_value_bytes_max);
	for (size_t i = 0; i < t->labels.count; i++) {
		if (is_private(t->labels.v[i].name))
			continue;
		put_string(out, t->labels.v[i].name);
		put_string(out, t->labels.v[i].value);
	}
}
