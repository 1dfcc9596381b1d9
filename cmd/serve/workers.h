/* workers.h - threads for requests that may take long, and the memory of which ones don't.
 *
 * A connection's thread serves many connections, so that a query of a minute on it would hold up all of them. Such
 * requests go to a pool whose size is --query.max-concurrency. The hop costs some microseconds, which a query of 50
 * microseconds should not pay: pm_quick remembers requests that were quick the last time, and those stay where they
 * are. */
#ifndef PM_SERVE_WORKERS_H
#define PM_SERVE_WORKERS_H

#include "libtsdb/pm.h"

struct pm_workers;

struct pm_work {
	struct pm_work *next; /* of the queue */
	void (*run)(struct pm_work *w);
};

/* Threads are started when there is work for them, at most `thread_max`; `queue_max` pieces of work may wait. */
int pm_workers_new(unsigned thread_max, unsigned queue_max, struct pm_workers **ret, struct pm_error *err);
/* Run what was submitted, then end the threads. From now on nothing more is taken. NULL allowed. */
void pm_workers_stop(struct pm_workers *w);
/* Stops, and frees. Nobody may submit any more. NULL allowed. */
void pm_workers_free(struct pm_workers *w);
/* `work` belongs to the pool until its run() is called. PM_ERR_LIMIT: too much is waiting; PM_ERR_CANCELED:
 * stopped; PM_ERR_NOMEM: no thread could be started. Any thread. */
int pm_workers_submit(struct pm_workers *w, struct pm_work *work);
/* How many pieces of work are running and waiting now. */
void pm_workers_load(struct pm_workers *w, unsigned *ret_running, unsigned *ret_waiting);

enum { PM_QUICK_SLOTS = 4096, PM_QUICK_NS = 2000000 };

/* Hashes of requests that took less than PM_QUICK_NS; a later one may push out an earlier one. Any thread; zeroed:
 * empty. */
struct pm_quick {
	_Atomic(uint64_t) slot[PM_QUICK_SLOTS];
};

bool pm_quick_has(struct pm_quick *q, uint64_t key);
void pm_quick_note(struct pm_quick *q, uint64_t key, int64_t took_ns);

#endif
