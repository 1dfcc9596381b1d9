/* memory.c - CPU times that never go back.
 *
 * The kernel's idle and iowait sometimes fall by a few ticks, which rate() would take for a counter reset and answer
 * with a huge rate. So the largest value seen is kept. When idle falls by more than a few seconds the CPU was off and
 * on again: then all its times start anew. */
#include "cmd/expose/linux.h"

#include "libtsdb/base/mem.h"

#include <assert.h>
#include <pthread.h>

enum { CPUS_MAX = 4096, TIMES_MAX = 10 };

#define JUMP_TICKS 300 /* 3 seconds */

struct pm_linux_memory {
	pthread_mutex_t lock;
	double (*v)[TIMES_MAX];
	size_t cap; /* CPUs */
};

int pm_linux_memory_new(struct pm_linux_memory **ret)
{
	struct pm_linux_memory *m = pm_calloc(1, sizeof *m);
	if (!m)
		return PM_ERR_NOMEM;
	pthread_mutex_init(&m->lock, NULL);
	*ret = m;
	return 0;
}

void pm_linux_memory_free(struct pm_linux_memory *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	pm_free(m->v);
	pm_free(m);
}

/* With the lock held. Without memory nothing is remembered, which is no error. */
static double *times_of(struct pm_linux_memory *m, size_t cpu)
{
	size_t old = m->cap;
	if (cpu >= CPUS_MAX || (cpu >= m->cap && pm_grow(&m->v, &m->cap, cpu + 1) != 0))
		return NULL;
	if (m->cap > old)
		memset(m->v + old, 0, (m->cap - old) * sizeof *m->v);
	return m->v[cpu];
}

void pm_linux_memory_cpu(struct pm_linux_memory *m, size_t cpu, double *v, size_t count, size_t idle)
{
	assert(count <= TIMES_MAX && idle < count);
	pthread_mutex_lock(&m->lock);
	double *last = times_of(m, cpu);
	bool anew = last && last[idle] - v[idle] >= JUMP_TICKS;
	for (size_t i = 0; last && i < count; i++) {
		if (anew || v[i] > last[i])
			last[i] = v[i];
		v[i] = last[i];
	}
	pthread_mutex_unlock(&m->lock);
}
