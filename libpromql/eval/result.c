/* result.c - the answer of a query: deep copies in an arena of its own, which the caller frees at once. */
#include "libpromql/eval/result.h"

#include "libtsdb/base/mem.h"

#include <stdlib.h>

struct promql__answer *promql__answer_new(struct promql__query *q)
{
	struct promql__answer *a = pm_calloc(1, sizeof *a);

	if (!a) {
		promql__nomem(q);
		return NULL;
	}
	pm_arena_init(&a->arena, q->opts.bytes_max);
	a->r.owner = a;
	return a;
}

void promql_result_free(struct promql_result *r)
{
	struct promql__answer *a = r ? r->owner : NULL;

	if (!a)
		return;
	pm_arena_release(&a->arena);
	pm_free(a->series);
	pm_free(a);
}

static int no_room(struct promql__query *q, const struct promql__answer *a)
{
	q->arena.over_cap = q->arena.over_cap || a->arena.over_cap;
	return promql__nomem(q);
}

/* Room for a series of `count` points. */
static int add_series(struct promql__query *q, struct promql__answer *a, struct pm_labels labels, size_t count,
	struct promql_point **ret)
{
	struct promql_series s = { .point_count = count };
	struct promql_point *p = pm_arena_array(&a->arena, count, sizeof *p);

	if (!p || pm_arena_labels(&a->arena, labels, &s.labels) < 0)
		return no_room(q, a);
	if (pm_grow(&a->series, &a->series_cap, a->r.series_count + 1) < 0)
		return no_room(q, a);
	s.points = *ret = p;
	a->series[a->r.series_count++] = s;
	return 0;
}

static int put_hist(struct promql__query *q, struct promql__answer *a, struct promql_point *p, int64_t t_ms,
	const struct pm_histogram *h)
{
	*p = (struct promql_point){ .t_ms = t_ms, .h = promql__hist_copy(&a->arena, h) };
	return p->h ? 0 : no_room(q, a);
}

int promql__answer_col(
	struct promql__query *q, struct promql__answer *a, const struct promql__grid *g, const struct promql__col *c)
{
	struct promql_point *p;
	int rc = add_series(q, a, c->labels, c->floats + c->hists, &p);

	for (size_t i = 0; rc == 0 && i < g->count; i++) {
		if (c->kind[i] == PROMQL__FLOAT)
			*p++ = (struct promql_point){ .t_ms = promql__at(g, i), .v = c->v[i] };
		else if (c->kind[i] == PROMQL__HIST)
			rc = put_hist(q, a, p++, promql__at(g, i), c->h[i]);
	}
	return rc;
}

/* Floats and histograms of a series have arrays of their own: here they come together again, by time. */
int promql__answer_raw(struct promql__query *q, struct promql__answer *a, const struct promql__raw *r)
{
	size_t f = 0, h = 0;
	struct promql_point *p;
	int rc = add_series(q, a, r->labels, r->floats + r->hists, &p);

	while (rc == 0 && f + h < r->floats + r->hists) {
		if (h == r->hists || (f < r->floats && r->ft[f] <= r->ht[h])) {
			*p++ = (struct promql_point){ .t_ms = r->ft[f], .v = r->fv[f] };
			f++;
		} else {
			rc = put_hist(q, a, p++, r->ht[h], r->hv[h]);
			h++;
		}
	}
	return rc;
}

static int by_labels(const void *a, const void *b)
{
	return pm_labels_cmp(((const struct promql_series *)a)->labels, ((const struct promql_series *)b)->labels);
}

int promql__answer_finish(struct promql__query *q, struct promql__answer *a)
{
	if (a->r.type == PROMQL_MATRIX && a->r.series_count)
		qsort(a->series, a->r.series_count, sizeof *a->series, by_labels);
	a->r.series = a->series;
	a->r.samples_total = q->samples_total;
	a->r.samples_peak = q->samples_peak;
	return promql__notes_take(q, &a->arena, &a->r);
}
