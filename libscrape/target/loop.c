/* loop.c - when which target is asked: one thread, one multi handle, a heap of due times.
 *
 * Every target has its own moment within the interval, taken from a hash of what it is, so that they spread and keep
 * their places over restarts. Due times lie on that grid of wall time; waiting goes by the monotonic clock, so that a
 * clock set back does not stop the loop. A scrape that starts within two milliseconds of its due time bears the due
 * time, which makes times compress; what was missed is left out and never caught up on. */
#include "libscrape/http.h"
#include "libscrape/target/negotiate.h"
#include "libscrape/target/target.h"
#include "libscrape/target/times.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"

#include <stdatomic.h>

enum {
	INTERVAL_DEFAULT_MS = 60000,
	TIMEOUT_DEFAULT_MS = 10000,
	IDLE_WAIT_MS = 60000,
};
#define BODY_MAX_DEFAULT ((size_t)256 << 20)

struct job {
	const struct scrape_target *target;
	struct scrape__transfer *transfer;
	int64_t interval_ms, offset_ms;
	int64_t due_ms; /* wall time of the next scrape */
	int64_t due_ns; /* the same by the monotonic clock */
	int64_t t_ms;   /* of the scrape under way */
	int64_t start_ns;
	bool running;
};

struct scrape_loop {
	struct pm_appender *app;
	struct scrape_loop_opts opts;
	struct scrape__http *http;
	struct scrape__pager *pager;
	struct job **jobs;
	size_t job_count, job_cap;
	struct job **heap; /* those that wait, the first due on top */
	size_t heap_count, heap_cap;
	size_t running;
	atomic_bool stop;
};

/* ---- the heap ----------------------------------------------------------------------------------- */

static void heap_push(struct scrape_loop *l, struct job *j)
{
	size_t i = l->heap_count++;

	for (; i > 0 && j->due_ns < l->heap[(i - 1) / 2]->due_ns; i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = j;
}

static struct job *heap_pop(struct scrape_loop *l)
{
	struct job *top = l->heap[0], *last = l->heap[--l->heap_count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < l->heap_count) {
		child += child + 1 < l->heap_count && l->heap[child + 1]->due_ns < l->heap[child]->due_ns;
		if (last->due_ns <= l->heap[child]->due_ns)
			break;
		l->heap[i] = l->heap[child];
		i = child;
	}
	l->heap[i] = last;
	return top;
}

/* ---- targets ------------------------------------------------------------------------------------ */

int scrape_loop_new(
	struct pm_appender *app, const struct scrape_loop_opts *opts, struct scrape_loop **ret, struct pm_error *err)
{
	struct scrape_loop *l = pm_calloc(1, sizeof *l);
	int rc;

	if (!l)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	l->app = app;
	l->opts = *opts;
	rc = scrape__http_new(opts->user_agent, &l->http, err);
	if (!rc && scrape__pager_new(&l->pager))
		rc = pm_fail(err, PM_ERR_NOMEM, "out of memory");
	if (rc)
		scrape_loop_free(l);
	else
		*ret = l;
	return rc;
}

void scrape_loop_free(struct scrape_loop *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->job_count; i++) {
		scrape__transfer_free(l->jobs[i]->transfer);
		pm_free(l->jobs[i]);
	}
	scrape__http_free(l->http);
	scrape__pager_free(l->pager);
	pm_free(l->jobs);
	pm_free(l->heap);
	pm_free(l);
}

int scrape_loop_add(struct scrape_loop *l, const struct scrape_target *target, struct pm_error *err)
{
	struct scrape__get get = {
		.url = target->url,
		.accept = scrape__accept,
		.timeout_ms = target->timeout_ms > 0 ? target->timeout_ms : TIMEOUT_DEFAULT_MS,
		.body_max = target->body_size_max ? target->body_size_max : BODY_MAX_DEFAULT,
		.scrape_headers = true,
	};
	struct job *j;
	int rc;

	if (pm_grow(&l->jobs, &l->job_cap, l->job_count + 1) || pm_grow(&l->heap, &l->heap_cap, l->job_count + 1))
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	j = pm_calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	j->target = target;
	j->interval_ms = target->interval_ms > 0 ? target->interval_ms : INTERVAL_DEFAULT_MS;
	j->offset_ms = scrape__offset(target, j->interval_ms);
	rc = scrape__transfer_new(l->http, &get, j, &j->transfer, err);
	if (rc) {
		pm_free(j);
		return rc;
	}
	l->jobs[l->job_count++] = j;
	scrape__http_keep(l->http, l->job_count + 16);
	return 0;
}

/* ---- times -------------------------------------------------------------------------------------- */

/* Wait for the first moment of the target's grid behind `after_ms`. */
static void wait_for_due(struct scrape_loop *l, struct job *j, int64_t after_ms)
{
	int64_t now_ms = pm_now_ms(), now_ns = pm_monotonic_ns();

	j->due_ms = scrape__due_after(after_ms, j->interval_ms, j->offset_ms);
	j->due_ns = now_ns + (j->due_ms - now_ms) * 1000000;
	heap_push(l, j);
}

static void wait_for_next(struct scrape_loop *l, struct job *j)
{
	wait_for_due(l, j, scrape__go_on_from(j->due_ms, pm_now_ms(), j->interval_ms));
}

/* ---- scrapes ------------------------------------------------------------------------------------ */

/* Store what came, or that nothing did, and tell. */
static void store(struct scrape_loop *l, struct job *j, const char *why)
{
	struct scrape__fetched f = {
		.t_ms = j->t_ms,
		.seconds = (double)(pm_monotonic_ns() - j->start_ns) / 1e9,
		.error = why ? why : scrape__transfer_error(j->transfer),
	};
	struct scrape_report report = { .t_ms = j->t_ms };
	struct pm_error err = { 0 }, odd = { 0 };
	int rc;

	if (!f.error && scrape__format_of(scrape__transfer_content_type(j->transfer), &f.format, &odd))
		f.error = odd.msg;
	if (!f.error)
		f.page = scrape__transfer_body(j->transfer);
	rc = scrape__store(l->pager, l->app, j->target, &f, &report, &err);
	scrape__transfer_reset(j->transfer);
	j->running = false;
	if (l->opts.done)
		l->opts.done(l->opts.arg, j->target, &report, rc, rc ? &err : NULL);
}

static bool start(struct scrape_loop *l, struct job *j, int64_t t_ms)
{
	struct pm_error err = { 0 };

	j->t_ms = t_ms;
	j->start_ns = pm_monotonic_ns();
	j->running = scrape__transfer_start(j->transfer, &err) == 0;
	if (!j->running)
		store(l, j, err.msg);
	l->running += j->running;
	return j->running;
}

/* Wait, and store all that has come. `again`: they are asked again later. */
static int wait_and_store(struct scrape_loop *l, int64_t wait_ms, bool again, struct pm_error *err)
{
	int rc = scrape__http_wait(l->http, wait_ms, err);
	struct job *j;

	while (!rc && !atomic_load(&l->stop) && (j = scrape__http_ended(l->http))) {
		l->running--;
		store(l, j, NULL);
		if (again)
			wait_for_next(l, j);
	}
	return rc;
}

static void give_up(struct scrape_loop *l)
{
	for (size_t i = 0; i < l->job_count; i++) {
		scrape__transfer_reset(l->jobs[i]->transfer);
		l->jobs[i]->running = false;
	}
	l->running = l->heap_count = 0;
}

int scrape_loop_once(struct scrape_loop *l, struct pm_error *err)
{
	int64_t t_ms = pm_now_ms();
	int rc = 0;

	for (size_t i = 0; i < l->job_count && !atomic_load(&l->stop); i++)
		start(l, l->jobs[i], t_ms);
	while (!rc && l->running && !atomic_load(&l->stop))
		rc = wait_and_store(l, IDLE_WAIT_MS, false, err);
	give_up(l);
	return rc;
}

/* Milliseconds until the next target is due, rounded up. */
static int64_t wait_of(const struct scrape_loop *l)
{
	int64_t ns = l->heap_count ? l->heap[0]->due_ns - pm_monotonic_ns() : (int64_t)IDLE_WAIT_MS * 1000000;

	return ns <= 0 ? 0 : (ns + 999999) / 1000000;
}

int scrape_loop_run(struct scrape_loop *l, struct pm_error *err)
{
	int64_t now_ms = pm_now_ms();
	int rc = 0;

	for (size_t i = 0; i < l->job_count; i++)
		wait_for_due(l, l->jobs[i], now_ms);
	while (!rc && !atomic_load(&l->stop)) {
		while (l->heap_count && l->heap[0]->due_ns <= pm_monotonic_ns()) {
			struct job *j = heap_pop(l);

			if (!start(l, j, scrape__timestamp(j->due_ms, pm_now_ms(), j->interval_ms)))
				wait_for_next(l, j);
		}
		rc = wait_and_store(l, wait_of(l), true, err);
	}
	give_up(l);
	return rc;
}

void scrape_loop_stop(struct scrape_loop *l)
{
	atomic_store(&l->stop, true);
	scrape__http_wake(l->http);
}
