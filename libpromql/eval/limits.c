/* limits.c - what stops a query: samples held at once, memory, its deadline, its caller.
 *
 * Samples are counted as upstream counts --query.max-samples: a node's result adds to the total as it is made, and what
 * it was made from is given back when the node is done. Results that only pass through here are counted as if they
 * were held, so that the same limit stops the same query, although less is in memory. */
#include "libpromql/eval/eval.h"

#include "libtsdb/base/clock.h"

/* Looks at the clock and the caller are this many series apart, or fewer long ones: promql__op_give() counts samples
 * too. */
enum { TICKS_PER_CLOCK = 64 }; /* how far looks at the clock and the caller are apart */

int promql__nomem(struct promql__query *q)
{
	if (q->arena.over_cap)
		return pm_fail(q->err, PM_ERR_LIMIT,
			"query processing would use more than %zu bytes of memory "
			"(the limit of memory for one query)",
			q->opts.bytes_max);
	return pm_fail(q->err, PM_ERR_NOMEM, "out of memory in query execution");
}

int promql__check(struct promql__query *q)
{
	if (q->ticks && q->ticks < TICKS_PER_CLOCK) {
		q->ticks++;
		return 0;
	}
	q->ticks = 1;
	if (q->opts.canceled && q->opts.canceled(q->opts.canceled_arg))
		return pm_fail(q->err, PM_ERR_CANCELED, "query was canceled in expression evaluation");
	if (q->opts.deadline_ns && pm_monotonic_ns() > q->opts.deadline_ns)
		return pm_fail(q->err, PM_ERR_TIMEOUT, "query timed out in expression evaluation");
	return 0;
}

int promql__hold(struct promql__query *q, size_t samples)
{
	q->samples_now += samples;
	if (q->samples_now > q->samples_peak)
		q->samples_peak = q->samples_now;
	if (q->samples_now > q->opts.samples_max)
		return pm_fail(q->err, PM_ERR_LIMIT,
			"query processing would load too many samples into memory in query "
			"execution");
	return 0;
}

void promql__release(struct promql__query *q, size_t samples)
{
	q->samples_now -= samples < q->samples_now ? samples : q->samples_now;
}

/* A histogram counts as many samples as its size is of a float's, upstream's size of it taken: 168 bytes and 8 an
 * element, with 8 for the time, in units of 16 bytes. */
size_t promql__hist_samples(const struct pm_histogram *h)
{
	size_t elements = (size_t)h->pos_span_count + h->neg_span_count + h->pos_count + h->neg_count + h->custom_count;

	return (168 + 8 * elements + 8) / 16;
}

void *promql__alloc(struct promql__query *q, size_t size)
{
	void *p = pm_arena_alloc(&q->arena, size);

	if (!p)
		promql__nomem(q);
	return p;
}

void *promql__zalloc(struct promql__query *q, size_t size)
{
	void *p = promql__alloc(q, size);

	return p ? memset(p, 0, size) : NULL;
}

void *promql__array(struct promql__query *q, size_t count, size_t elem_size)
{
	void *p = pm_arena_array(&q->arena, count, elem_size);

	if (!p)
		promql__nomem(q);
	return p;
}

/* The old array stays behind in the arena: at most as much again as the new one holds. */
int promql__grow_(struct promql__query *q, void **p, size_t *cap, size_t want, size_t elem_size)
{
	size_t n = *cap ? *cap * 2 : 8;
	void *grown;

	if (want <= *cap)
		return 0;
	if (n < want)
		n = want;
	grown = promql__array(q, n, elem_size);
	if (!grown)
		return PM_ERR_NOMEM;
	if (*cap)
		memcpy(grown, *p, *cap * elem_size);
	*p = grown;
	*cap = n;
	return 0;
}
