/* column.c - columns, and tables of them. */
#include "libpromql/eval/eval.h"

int promql__col_init(struct promql__query *q, const struct promql__grid *g, struct promql__col *c)
{
	*c = (struct promql__col){ 0 };
	c->v = promql__zalloc(q, g->count * sizeof *c->v); /* operators compute all steps, whatever they hold */
	c->kind = promql__zalloc(q, g->count);
	return c->v && c->kind ? 0 : PM_ERR_NOMEM;
}

int promql__col_hists(struct promql__query *q, const struct promql__grid *g, struct promql__col *c)
{
	if (!c->h)
		c->h = promql__array(q, g->count, sizeof *c->h);
	return c->h ? 0 : PM_ERR_NOMEM;
}

void promql__col_clear(const struct promql__grid *g, struct promql__col *c)
{
	memset(c->kind, PROMQL__NONE, g->count);
	c->drop_name = false;
	c->floats = c->hists = 0;
}

void promql__col_count(const struct promql__grid *g, struct promql__col *c)
{
	size_t floats = 0, hists = 0;

	for (size_t i = 0; i < g->count; i++) {
		floats += c->kind[i] == PROMQL__FLOAT;
		hists += c->kind[i] == PROMQL__HIST;
	}
	c->floats = floats;
	c->hists = hists;
}

size_t promql__col_samples(const struct promql__grid *g, const struct promql__col *c)
{
	size_t n = c->floats;

	for (size_t i = 0; c->hists && i < g->count; i++)
		if (c->kind[i] == PROMQL__HIST)
			n += promql__hist_samples(c->h[i]);
	return n;
}

/* One block: the struct, its spans, its numbers. */
const struct pm_histogram *promql__hist_copy(struct pm_arena *a, const struct pm_histogram *h)
{
	size_t spans = (size_t)h->pos_span_count + h->neg_span_count;
	size_t numbers = (size_t)h->pos_count + h->neg_count + h->custom_count;
	struct pm_histogram *c =
		pm_arena_alloc(a, sizeof *c + spans * sizeof(struct pm_span) + numbers * sizeof(double));
	struct pm_span *s;
	double *n;

	if (!c)
		return NULL;
	n = (double *)(c + 1);
	s = (struct pm_span *)(n + numbers);
	*c = *h;
	c->pos = h->pos_count ? memcpy(n, h->pos, h->pos_count * sizeof *n) : NULL;
	n += h->pos_count;
	c->neg = h->neg_count ? memcpy(n, h->neg, h->neg_count * sizeof *n) : NULL;
	n += h->neg_count;
	c->custom = h->custom_count ? memcpy(n, h->custom, h->custom_count * sizeof *n) : NULL;
	c->pos_spans = h->pos_span_count ? memcpy(s, h->pos_spans, h->pos_span_count * sizeof *s) : NULL;
	s += h->pos_span_count;
	c->neg_spans = h->neg_span_count ? memcpy(s, h->neg_spans, h->neg_span_count * sizeof *s) : NULL;
	return c;
}

int promql__col_copy(
	struct promql__query *q, const struct promql__grid *g, const struct promql__col *from, struct promql__col *ret)
{
	int rc = promql__col_init(q, g, ret);

	if (rc < 0)
		return rc;
	ret->labels = from->labels;
	ret->drop_name = from->drop_name;
	ret->floats = from->floats;
	ret->hists = from->hists;
	memcpy(ret->kind, from->kind, g->count);
	memcpy(ret->v, from->v, g->count * sizeof *ret->v);
	if (from->hists == 0)
		return 0;
	rc = promql__col_hists(q, g, ret);
	for (size_t i = 0; rc == 0 && i < g->count; i++)
		if (from->kind[i] == PROMQL__HIST) {
			ret->h[i] = promql__hist_copy(&q->arena, from->h[i]);
			if (!ret->h[i])
				rc = promql__nomem(q);
		}
	return rc;
}

int promql__gather(struct promql__query *q, struct promql__op *op, struct promql__table *ret)
{
	struct promql__table t = { 0 };
	struct promql__col c;
	int rc;

	while ((rc = op->next(op, &c)) > 0) {
		rc = promql__grow(q, &t.v, &t.cap, t.count + 1);
		if (rc == 0)
			rc = promql__col_copy(q, op->grid, &c, &t.v[t.count]);
		if (rc < 0)
			return rc;
		t.count++;
	}
	if (rc == 0)
		*ret = t;
	return rc;
}

/* ---- output by labels --------------------------------------------------------------------------- */

/* Columns are reached through pointers, so that they stay where they are when the list grows. */
struct promql__out {
	struct promql__query *q;
	const struct promql__grid *grid;
	struct promql__map map;
	struct promql__col **cols;
	size_t count, cap;
	struct promql__table table;
};

int promql__out_new(struct promql__query *q, const struct promql__grid *g, struct promql__out **ret)
{
	struct promql__out *o = promql__zalloc(q, sizeof *o);

	if (!o)
		return PM_ERR_NOMEM;
	o->q = q;
	o->grid = g;
	*ret = o;
	return 0;
}

int promql__out_col(struct promql__out *o, struct pm_labels labels, struct promql__col **ret)
{
	uint64_t hash = pm_labels_hash(labels);
	size_t pos = PROMQL__MAP_START;
	struct promql__col *c;
	uint32_t i;
	int rc;

	while ((i = promql__map_next(&o->map, hash, &pos)) != PROMQL__NOT_FOUND)
		if (pm_labels_eq(o->cols[i]->labels, labels)) {
			*ret = o->cols[i];
			return 0;
		}
	c = promql__alloc(o->q, sizeof *c);
	rc = c ? promql__grow(o->q, &o->cols, &o->cap, o->count + 1) : PM_ERR_NOMEM;
	if (rc == 0)
		rc = promql__col_init(o->q, o->grid, c);
	if (rc == 0)
		rc = promql__map_add(o->q, &o->map, hash, (uint32_t)o->count);
	if (rc < 0)
		return rc;
	c->labels = labels;
	o->cols[o->count++] = *ret = c;
	return 0;
}

int promql__out_float(struct promql__out *o, struct promql__col *c, size_t step, double v)
{
	if (c->kind[step] != PROMQL__NONE)
		return promql__duplicate(o->q);
	promql__set_float(c, step, v);
	c->floats++;
	return 0;
}

int promql__out_hist(struct promql__out *o, struct promql__col *c, size_t step, const struct pm_histogram *h)
{
	if (c->kind[step] != PROMQL__NONE)
		return promql__duplicate(o->q);
	if (promql__col_hists(o->q, o->grid, c) < 0)
		return PM_ERR_NOMEM;
	c->h[step] = promql__hist_copy(&o->q->arena, h);
	if (!c->h[step])
		return promql__nomem(o->q);
	c->kind[step] = PROMQL__HIST;
	c->hists++;
	return 0;
}

int promql__out_merge(struct promql__out *o, const struct promql__col *c)
{
	struct promql__col *to;
	int rc = promql__out_col(o, c->labels, &to);

	if (rc == 0 && to->floats + to->hists == 0)
		to->drop_name = c->drop_name;
	for (size_t i = 0; rc == 0 && i < o->grid->count; i++) {
		if (c->kind[i] == PROMQL__FLOAT)
			rc = promql__out_float(o, to, i, c->v[i]);
		else if (c->kind[i] == PROMQL__HIST)
			rc = promql__out_hist(o, to, i, c->h[i]);
	}
	return rc;
}

/* NULL: out of memory. */
struct promql__table *promql__out_table(struct promql__out *o)
{
	struct promql__table *t = &o->table;

	t->v = promql__array(o->q, o->count, sizeof *t->v);
	if (!t->v)
		return NULL;
	for (size_t i = 0; i < o->count; i++)
		t->v[i] = *o->cols[i];
	t->count = t->cap = o->count;
	return t;
}
