/* workers.c - a bounded pool of threads. See workers.h. One mutex guards all of it: work comes in pieces of
 * milliseconds. */
#include "cmd/serve/workers.h"

#include "libtsdb/base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

struct pm_workers {
	pthread_mutex_t lock;
	pthread_cond_t more; /* work was queued, or stopping was set */
	struct pm_work *head, **tail;
	unsigned waiting, queue_max;
	unsigned idle, running;
	unsigned thread_count, thread_max;
	bool stopping;
	pthread_t threads[];
};

int pm_workers_new(unsigned thread_max, unsigned queue_max, struct pm_workers **ret, struct pm_error *err)
{
	assert(thread_max > 0);
	struct pm_workers *w = pm_calloc(1, sizeof *w + thread_max * sizeof w->threads[0]);
	if (!w)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->tail = &w->head;
	w->thread_max = thread_max;
	w->queue_max = queue_max;
	*ret = w;
	return 0;
}

/* The next piece of work, or NULL when stopping and nothing is left. Called and left with the lock held. */
static struct pm_work *take(struct pm_workers *w)
{
	while (!w->head && !w->stopping) {
		w->idle++;
		pthread_cond_wait(&w->more, &w->lock);
		w->idle--;
	}
	struct pm_work *work = w->head;
	if (work) {
		w->head = work->next;
		if (!w->head)
			w->tail = &w->head;
		w->waiting--;
	}
	return work;
}

static void *worker(void *arg)
{
	struct pm_workers *w = arg;
	struct pm_work *work;
	pthread_mutex_lock(&w->lock);
	while ((work = take(w))) {
		w->running++;
		pthread_mutex_unlock(&w->lock);
		work->run(work);
		pthread_mutex_lock(&w->lock);
		w->running--;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int pm_workers_submit(struct pm_workers *w, struct pm_work *work)
{
	int rc = 0;
	pthread_mutex_lock(&w->lock);
	if (w->stopping || w->waiting >= w->queue_max) {
		rc = w->stopping ? PM_ERR_CANCELED : PM_ERR_LIMIT;
		goto out;
	}
	if (w->idle <= w->waiting && w->thread_count < w->thread_max) {
		if (pthread_create(&w->threads[w->thread_count], NULL, worker, w) == 0)
			w->thread_count++;
		else if (w->thread_count == 0) {
			rc = PM_ERR_NOMEM;
			goto out;
		}
	}
	work->next = NULL;
	*w->tail = work;
	w->tail = &work->next;
	w->waiting++;
	pthread_cond_signal(&w->more);
out:
	pthread_mutex_unlock(&w->lock);
	return rc;
}

void pm_workers_load(struct pm_workers *w, unsigned *ret_running, unsigned *ret_waiting)
{
	pthread_mutex_lock(&w->lock);
	*ret_running = w->running;
	*ret_waiting = w->waiting;
	pthread_mutex_unlock(&w->lock);
}

void pm_workers_stop(struct pm_workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->thread_count; i++)
		pthread_join(w->threads[i], NULL);
	w->thread_count = 0;
	assert(!w->head && w->running == 0);
}

void pm_workers_free(struct pm_workers *w)
{
	if (!w)
		return;
	pm_workers_stop(w);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	pm_free(w);
}

bool pm_quick_has(struct pm_quick *q, uint64_t key)
{
	return atomic_load_explicit(&q->slot[key % PM_QUICK_SLOTS], memory_order_relaxed) == key;
}

void pm_quick_note(struct pm_quick *q, uint64_t key, int64_t took_ns)
{
	_Atomic(uint64_t) *slot = &q->slot[key % PM_QUICK_SLOTS];
	uint64_t was = atomic_load_explicit(slot, memory_order_relaxed);
	if (took_ns < PM_QUICK_NS) {
		if (was != key)
			atomic_store_explicit(slot, key, memory_order_relaxed);
	} else if (was == key) {
		atomic_store_explicit(slot, 0, memory_order_relaxed);
	}
}
