/* cardinality.c - what series are made of: counted through a querier, so that it serves any source of series.
 *
 * A table of label pairs is filled series by series; the lists are cut out of it at the end. */
#include "libtsdb/tsdb.h"

#include "libtsdb/base/hash.h"
#include "libtsdb/base/mem.h"

#include <stdlib.h>

/* Pairs, open addressing; a name with an empty value stands for all its values. */
struct pairs {
	struct tsdb_count *v;
	size_t cap, count;
};

static uint64_t pair_hash(struct pm_str name, struct pm_str value)
{
	return pm_hash_strings((struct pm_str[]){ name, value }, 2);
}

static struct tsdb_count *slot_of(const struct pairs *p, struct pm_str name, struct pm_str value)
{
	size_t at = pair_hash(name, value) & (p->cap - 1);
	while (p->v[at].count && !(pm_str_eq(p->v[at].value, value) && pm_str_eq(p->v[at].name, name)))
		at = (at + 1) & (p->cap - 1);
	return &p->v[at];
}

static int pairs_grow(struct pairs *p)
{
	struct pairs wide = { .cap = p->cap ? p->cap * 2 : 1024, .count = p->count };
	if (!(wide.v = pm_calloc(wide.cap, sizeof *wide.v)))
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < p->cap; i++)
		if (p->v[i].count)
			*slot_of(&wide, p->v[i].name, p->v[i].value) = p->v[i];
	pm_free(p->v);
	*p = wide;
	return 0;
}

/* Returns 1 when the pair was not known. */
static int pairs_add(struct pairs *p, struct pm_str name, struct pm_str value, uint64_t n)
{
	if ((p->count + 1) * 2 > p->cap && pairs_grow(p) < 0)
		return PM_ERR_NOMEM;
	struct tsdb_count *c = slot_of(p, name, value);
	int is_new = c->count == 0;
	if (is_new)
		*c = (struct tsdb_count){ name, value, 0 };
	p->count += (size_t)is_new;
	c->count += n;
	return is_new;
}

struct counting {
	struct tsdb_cardinality *c;
	struct pairs pairs;  /* series by name and value */
	struct pairs values; /* values by name */
	struct pairs bytes;  /* bytes of values by name */
};

static int count_series(struct counting *k, struct pm_labels labels)
{
	static const struct pm_str none = { "", 0 };
	k->c->series_count++;
	for (size_t i = 0; i < labels.count; i++) {
		const struct pm_label *l = &labels.v[i];
		int is_new = pairs_add(&k->pairs, l->name, l->value, 1);
		if (is_new < 0 || (is_new && (pairs_add(&k->values, l->name, none, 1) < 0 ||
						     pairs_add(&k->bytes, l->name, none, l->value.len) < 0)))
			return PM_ERR_NOMEM;
	}
	return 0;
}

static int by_count(const void *a, const void *b)
{
	const struct tsdb_count *x = a, *y = b;
	int c;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (c = pm_str_cmp(x->name, y->name)) ? c : pm_str_cmp(x->value, y->value);
}

/* The first `top` of the pairs, of the metric names alone when `metrics`. */
static int take(const struct pairs *p, bool metrics, size_t top, struct tsdb_counts *ret)
{
	struct tsdb_count *v = pm_malloc((p->count + 1) * sizeof *v);
	size_t n = 0;
	if (!v)
		return PM_ERR_NOMEM;
	for (size_t i = 0; i < p->cap; i++)
		if (p->v[i].count && (!metrics || pm_str_eq(p->v[i].name, PM_NAME_LABEL)))
			v[n++] = p->v[i];
	qsort(v, n, sizeof *v, by_count);
	*ret = (struct tsdb_counts){ v, n < top ? n : top };
	return 0;
}

static int take_all(struct counting *k, size_t top)
{
	struct tsdb_cardinality *c = k->c;
	c->name_count = k->values.count;
	c->pair_count = k->pairs.count;
	if (take(&k->pairs, true, top, &c->metrics) < 0 || take(&k->values, false, top, &c->values) < 0 ||
		take(&k->pairs, false, top, &c->pairs) < 0 || take(&k->bytes, false, top, &c->bytes) < 0)
		return PM_ERR_NOMEM;
	return 0;
}

int tsdb_cardinality(struct pm_querier *q, const struct pm_select *sel, size_t top, struct tsdb_cardinality **ret,
	struct pm_error *err)
{
	struct counting k = { .c = pm_calloc(1, sizeof *k.c) };
	struct pm_select all = *sel;
	struct pm_series_set *set = NULL;
	struct pm_series series;
	int rc = PM_ERR_NOMEM;
	all.labels_only = true;
	all.limit = 0;
	if (!k.c || (rc = q->select(q, &all, &set, err)) < 0)
		goto done;
	while ((rc = set->next(set, &series, err)) > 0)
		if ((rc = count_series(&k, series.labels)) < 0)
			break;
	if (rc == 0)
		rc = take_all(&k, top);
done:
	if (rc == PM_ERR_NOMEM)
		pm_fail(err, rc, "out of memory");
	if (set)
		set->free(set);
	pm_free(k.pairs.v);
	pm_free(k.values.v);
	pm_free(k.bytes.v);
	if (rc < 0)
		tsdb_cardinality_free(k.c);
	else
		*ret = k.c;
	return rc;
}

void tsdb_cardinality_free(struct tsdb_cardinality *c)
{
	if (!c)
		return;
	pm_free(c->metrics.v);
	pm_free(c->values.v);
	pm_free(c->pairs.v);
	pm_free(c->bytes.v);
	pm_free(c);
}
