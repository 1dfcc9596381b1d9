/* merge.c - see merge.h: a heap of sources by the labels that they stand at. */
#include "libtsdb/db/merge.h"

#include "libtsdb/base/mem.h"

struct source {
	struct pm_series_set *set;
	struct pm_series at;
};

struct merge {
	struct pm_series_set base;
	struct source *sources; /* in order of commitment */
	size_t count;
	size_t limit, given; /* limit 0: none */
	uint32_t *heap;      /* sources that have a series, smallest labels (then earliest source) first */
	size_t heap_count;
	uint32_t *taken; /* sources that `next` gave out last: they go on at the next call */
	size_t taken_count;
	struct pm_samples *parts;
	struct tsdb__merge_samples *samples;
};

static bool before(const struct merge *m, uint32_t a, uint32_t b)
{
	int c = pm_labels_cmp(m->sources[a].at.labels, m->sources[b].at.labels);
	return c ? c < 0 : a < b;
}

static void sift_down(struct merge *m, size_t i)
{
	for (;;) {
		size_t least = i, left = 2 * i + 1;
		for (size_t k = left; k < left + 2 && k < m->heap_count; k++)
			if (before(m, m->heap[k], m->heap[least]))
				least = k;
		if (least == i)
			return;
		uint32_t swap = m->heap[i];
		m->heap[i] = m->heap[least];
		m->heap[least] = swap;
		i = least;
	}
}

static void push(struct merge *m, uint32_t source)
{
	size_t i = m->heap_count++;
	m->heap[i] = source;
	while (i && before(m, m->heap[i], m->heap[(i - 1) / 2])) {
		uint32_t swap = m->heap[i];
		m->heap[i] = m->heap[(i - 1) / 2];
		m->heap[(i - 1) / 2] = swap;
		i = (i - 1) / 2;
	}
}

static uint32_t pop(struct merge *m)
{
	uint32_t top = m->heap[0];
	m->heap[0] = m->heap[--m->heap_count];
	sift_down(m, 0);
	return top;
}

/* Each source numbers its columns of times from 1: tell them apart. */
static void mark_times(struct pm_samples *s, uint32_t source)
{
	if (s->time_id)
		s->time_id |= (uint64_t)(source + 1) << 40;
}

static int advance(struct merge *m, struct pm_error *err)
{
	int rc = 0;
	for (size_t i = 0; i < m->taken_count && rc >= 0; i++) {
		struct source *s = &m->sources[m->taken[i]];
		if ((rc = s->set->next(s->set, &s->at, err)) <= 0)
			continue;
		mark_times(&s->at.samples, m->taken[i]);
		push(m, m->taken[i]);
	}
	m->taken_count = 0;
	return rc < 0 ? rc : 0;
}

static int next(struct pm_series_set *base, struct pm_series *ret, struct pm_error *err)
{
	struct merge *m = (struct merge *)base;
	size_t parts = 0;
	int rc = advance(m, err);
	if (rc < 0)
		return rc;
	if (m->heap_count == 0 || (m->limit && m->given == m->limit))
		return 0;
	do {
		uint32_t top = pop(m);
		m->taken[m->taken_count++] = top;
		if (m->sources[top].at.samples.count)
			m->parts[parts++] = m->sources[top].at.samples;
	} while (m->heap_count && pm_labels_eq(m->sources[m->heap[0]].at.labels, m->sources[m->taken[0]].at.labels));
	memset(ret, 0, sizeof *ret);
	ret->labels = m->sources[m->taken[0]].at.labels;
	if (parts && tsdb__merge_samples(m->samples, m->parts, parts, &ret->samples) < 0)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	m->given++;
	return 1;
}

static void merge_free(struct pm_series_set *base)
{
	struct merge *m = (struct merge *)base;
	for (size_t i = 0; i < m->count; i++)
		m->sources[i].set->free(m->sources[i].set);
	tsdb__merge_samples_free(m->samples);
	pm_free(m->sources);
	pm_free(m->heap);
	pm_free(m->taken);
	pm_free(m->parts);
	pm_free(m);
}

int tsdb__merge_sets(struct pm_series_set **sets, size_t count, size_t limit, struct pm_series_set **ret)
{
	struct merge *m = pm_calloc(1, sizeof *m);
	if (!m || !(m->sources = pm_calloc(count + 1, sizeof *m->sources)))
		goto fail;
	m->base = (struct pm_series_set){ next, merge_free };
	m->limit = limit;
	m->heap = pm_malloc((count + 1) * sizeof *m->heap);
	m->taken = pm_malloc((count + 1) * sizeof *m->taken);
	m->parts = pm_malloc((count + 1) * sizeof *m->parts);
	if (!m->heap || !m->taken || !m->parts || tsdb__merge_samples_new(&m->samples) < 0)
		goto fail;
	for (size_t i = 0; i < count; i++) {
		m->sources[i].set = sets[i];
		m->taken[i] = (uint32_t)i;
	}
	m->count = m->taken_count = count;
	*ret = &m->base;
	return 0;
fail:
	for (size_t i = 0; i < count; i++)
		sets[i]->free(sets[i]);
	if (m)
		merge_free(&m->base);
	return PM_ERR_NOMEM;
}
