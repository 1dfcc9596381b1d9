/* label.c - choosing, dropping and setting labels. Label sets are sorted and immutable: a change makes a new array,
 * whose strings are borrowed from the old one, which lives as long as the query. */
#include "libpromql/eval/eval.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/utf8.h"

struct pm_str promql__name(struct pm_labels l)
{
	return pm_labels_get(l, PM_NAME_LABEL);
}

/* ---- projections -------------------------------------------------------------------------------- */

/* Sorted insertion without doubles: the lists are what a person writes. */
static size_t insert_name(struct pm_str *v, size_t count, struct pm_str name)
{
	size_t i = count;

	for (size_t k = 0; k < count; k++)
		if (pm_str_eq(v[k], name))
			return count;
	for (; i > 0 && pm_str_cmp(v[i - 1], name) > 0; i--)
		v[i] = v[i - 1];
	v[i] = name;
	return count + 1;
}

int promql__proj_init(struct promql__query *q, const struct pm_str *names, size_t count, bool without, bool with_name,
	struct promql__proj *ret)
{
	struct pm_str *v = promql__array(q, count + 1, sizeof *v);
	size_t n = 0;

	if (!v)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		n = insert_name(v, n, names[i]);
	if (with_name)
		n = insert_name(v, n, PM_NAME_LABEL);
	*ret = (struct promql__proj){ v, n, without };
	return 0;
}

/* The next label at or behind *i that is chosen, or NULL. `*k` walks the names beside it. */
static const struct pm_label *next_chosen(const struct promql__proj *p, struct pm_labels l, size_t *i, size_t *k)
{
	for (; *i < l.count; (*i)++) {
		const struct pm_label *label = &l.v[*i];
		int c = -1;

		while (*k < p->count && (c = pm_str_cmp(p->names[*k], label->name)) < 0)
			(*k)++;
		if ((*k < p->count && c == 0) != p->without) {
			(*i)++;
			return label;
		}
	}
	return NULL;
}

uint64_t promql__proj_hash(const struct promql__proj *p, struct pm_labels l)
{
	const struct pm_label *label;
	uint64_t h = 1;

	for (size_t i = 0, k = 0; (label = next_chosen(p, l, &i, &k));) {
		h = pm_hash_seed(label->name.ptr, label->name.len, h);
		h = pm_hash_seed(label->value.ptr, label->value.len, h);
	}
	return h;
}

bool promql__proj_eq(const struct promql__proj *p, struct pm_labels a, struct pm_labels b)
{
	for (size_t i = 0, k = 0, j = 0, m = 0;;) {
		const struct pm_label *x = next_chosen(p, a, &i, &k), *y = next_chosen(p, b, &j, &m);

		if (!x || !y)
			return !x && !y;
		if (!pm_str_eq(x->name, y->name) || !pm_str_eq(x->value, y->value))
			return false;
	}
}

int promql__proj_make(struct promql__query *q, const struct promql__proj *p, struct pm_labels l, struct pm_labels *ret)
{
	struct pm_label *v = promql__array(q, l.count, sizeof *v);
	const struct pm_label *label;
	size_t n = 0;

	if (!v)
		return PM_ERR_NOMEM;
	for (size_t i = 0, k = 0; (label = next_chosen(p, l, &i, &k));)
		v[n++] = *label;
	*ret = (struct pm_labels){ v, n };
	return 0;
}

/* ---- changes ------------------------------------------------------------------------------------ */

static bool is_meta(struct pm_str name)
{
	return pm_str_eq(name, PM_NAME_LABEL) || pm_str_eq(name, PM_STR("__type__")) ||
	       pm_str_eq(name, PM_STR("__unit__"));
}

int promql__drop_meta(struct promql__query *q, struct pm_labels l, struct pm_labels *ret)
{
	struct pm_label *v;
	size_t drop = 0, n = 0;

	for (size_t i = 0; i < l.count; i++)
		drop += is_meta(l.v[i].name);
	if (drop == 0) {
		*ret = l;
		return 0;
	}
	if (drop == 1 && is_meta(l.v[0].name)) {
		*ret = (struct pm_labels){ l.v + 1, l.count - 1 };
		return 0;
	}
	v = promql__array(q, l.count - drop, sizeof *v);
	if (!v)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < l.count; i++)
		if (!is_meta(l.v[i].name))
			v[n++] = l.v[i];
	*ret = (struct pm_labels){ v, n };
	return 0;
}

int promql__label_set(
	struct promql__query *q, struct pm_labels l, struct pm_str name, struct pm_str value, struct pm_labels *ret)
{
	struct pm_label *v = promql__array(q, l.count + 1, sizeof *v);
	size_t n = 0, i = 0;

	if (!v)
		return PM_ERR_NOMEM;
	for (; i < l.count && pm_str_cmp(l.v[i].name, name) < 0; i++)
		v[n++] = l.v[i];
	if (value.len)
		v[n++] = (struct pm_label){ name, value };
	if (i < l.count && pm_str_eq(l.v[i].name, name))
		i++;
	for (; i < l.count; i++)
		v[n++] = l.v[i];
	*ret = (struct pm_labels){ v, n };
	return 0;
}

/* ---- names -------------------------------------------------------------------------------------- */

bool promql__label_name_valid(struct pm_str name)
{
	return name.len > 0 && pm_utf8_valid(name);
}

static bool is_legacy(struct pm_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return s.len > 0;
}

const char *promql__labels_print(struct promql__query *q, struct pm_labels l)
{
	struct pm_buf b = { 0 };
	const char *copy;

	pm_buf_char(&b, '{');
	for (size_t i = 0; i < l.count; i++) {
		if (i)
			pm_buf_cstr(&b, ", ");
		if (is_legacy(l.v[i].name))
			pm_buf_str(&b, l.v[i].name);
		else
			pm_quote(&b, l.v[i].name);
		pm_buf_char(&b, '=');
		pm_quote(&b, l.v[i].value);
	}
	pm_buf_char(&b, '}');
	copy = pm_buf_error(&b) ? NULL : pm_arena_str(&q->arena, pm_buf_view(&b)).ptr;
	pm_buf_release(&b);
	return copy ? copy : "{}";
}
