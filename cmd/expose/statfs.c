/* statfs.c - see statfs.h.
 *
 * A round is shared by the caller and its threads and freed by the last of them: a thread that hangs keeps its round
 * (and its copy of the paths) alive after the caller has gone. Threads take the next job from the round, so a few
 * hanging mounts do not hold up the others while one thread is free.
 *
 *     who                       touches                      under
 *     threads, caller           round's next, pending, refs  lock
 *     thread with the job       job's error, stat, before done nothing
 *     caller                    job's error, stat, after done nothing (done is read under lock)
 *     threads, callers          stuck[]                      lock */
#include "cmd/expose/statfs.h"

#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct job {
	char *path;
	bool running, done;
	int error; /* errno, 0 when `stat` is set */
	struct statvfs stat;
};

struct round {
	size_t refs, next, pending, count;
	pthread_cond_t progress; /* pending went down */
	struct job jobs[];
};

static int (*ask)(const char *path, struct statvfs *ret) = statvfs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct job *stuck[PM_STATFS_STUCK_MAX]; /* jobs whose caller gave up */

static void round_free(struct round *r)
{
	for (size_t i = 0; i < r->count; i++)
		pm_free(r->jobs[i].path);
	pthread_cond_destroy(&r->progress);
	pm_free(r);
}

static struct round *round_new(const struct pm_statfs *v, size_t count)
{
	pthread_condattr_t attr;
	struct round *r =
		count > SIZE_MAX / 2 / sizeof r->jobs[0] ? NULL : pm_calloc(1, sizeof *r + count * sizeof r->jobs[0]);
	if (!r)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->progress, &attr);
	pthread_condattr_destroy(&attr);
	r->refs = 1;
	for (; r->count < count; r->count++) {
		r->jobs[r->count].path = pm_strndup(v[r->count].path, strlen(v[r->count].path));
		if (!r->jobs[r->count].path) {
			round_free(r);
			return NULL;
		}
	}
	return r;
}

/* With the lock held. */
static const struct job **stuck_find(const char *path)
{
	for (size_t i = 0; i < PM_STATFS_STUCK_MAX; i++)
		if (path ? stuck[i] && strcmp(stuck[i]->path, path) == 0 : !stuck[i])
			return &stuck[i];
	return NULL;
}

/* With the lock held. */
static void job_done(struct round *r, struct job *j)
{
	for (size_t i = 0; i < PM_STATFS_STUCK_MAX; i++)
		if (stuck[i] == j)
			stuck[i] = NULL;
	j->done = true;
	r->pending--;
	pthread_cond_signal(&r->progress);
}

static void *work(void *arg)
{
	struct round *r = arg;
	pthread_mutex_lock(&lock);
	while (r->next < r->count) {
		struct job *j = &r->jobs[r->next++];
		if (j->done)
			continue;
		j->running = true;
		pthread_mutex_unlock(&lock);
		j->error = ask(j->path, &j->stat) == 0 ? 0 : errno;
		pthread_mutex_lock(&lock);
		job_done(r, j);
	}
	bool last = --r->refs == 0;
	pthread_mutex_unlock(&lock);
	if (last)
		round_free(r);
	return NULL;
}

/* With the lock held: what is not to be asked is done already. */
static void round_begin(struct round *r)
{
	r->pending = r->count;
	for (size_t i = 0; i < r->count; i++)
		if (stuck_find(r->jobs[i].path)) {
			r->jobs[i].error = ETIMEDOUT;
			job_done(r, &r->jobs[i]);
		}
}

/* With the lock held. No more threads than there are places to remember them when they hang. */
static void start_threads(struct round *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	size_t places = 0;
	for (size_t i = 0; i < PM_STATFS_STUCK_MAX; i++)
		places += stuck[i] == NULL;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (size_t i = 0; i < r->pending && i < PM_STATFS_THREADS && i < places; i++) {
		if (pthread_create(&thread, &attr, work, r) != 0)
			break;
		r->refs++;
	}
	pthread_attr_destroy(&attr);
}

/* With the lock held: the deadline has passed. Threads that wait their turn find nothing more to do. */
static void round_give_up(struct round *r)
{
	r->next = r->count;
	for (size_t i = 0; i < r->count; i++) {
		const struct job **place = stuck_find(NULL);
		if (r->jobs[i].running && !r->jobs[i].done && place)
			*place = &r->jobs[i];
	}
}

/* With the lock held. */
static const char *reason(const struct job *j)
{
	if (!j->done || j->error == ETIMEDOUT)
		return "mountpoint timeout";
	return j->error ? strerrordesc_np(j->error) : NULL;
}

int pm_statfs_all(struct pm_statfs *v, size_t count, int64_t timeout_ms)
{
	int64_t end_ns = pm_monotonic_ns() + timeout_ms * 1000000;
	struct timespec end = { .tv_sec = end_ns / 1000000000, .tv_nsec = end_ns % 1000000000 };
	struct round *r = round_new(v, count);
	if (!r)
		return PM_ERR_NOMEM;
	pthread_mutex_lock(&lock);
	round_begin(r);
	start_threads(r);
	while (r->pending && r->refs > 1 && pthread_cond_timedwait(&r->progress, &lock, &end) == 0)
		;
	round_give_up(r);
	for (size_t i = 0; i < count; i++) {
		v[i].reason = reason(&r->jobs[i]);
		v[i].stat = v[i].reason ? (struct statvfs){ 0 } : r->jobs[i].stat;
	}
	bool last = --r->refs == 0;
	pthread_mutex_unlock(&lock);
	if (last)
		round_free(r);
	return 0;
}

void pm_statfs_hook(int (*fn)(const char *path, struct statvfs *ret))
{
	ask = fn ? fn : statvfs;
}
