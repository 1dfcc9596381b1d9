/* compactor.c - see compactor.h. One mutex guards `stopping`, the statistics and what was told; it is never held while
 * the store works. */
#include "cmd/serve/compactor.h"

#include "cmd/cmd.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"
#include "libtsdb/base/num.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>

enum { DAY_MS = 86400 * 1000, RETENTION_DAYS = 15, QUEUE_MS = 50 };

struct pm_compactor {
	struct pm_compactor_opts opts;
	bool running;
	pthread_t thread;
	atomic_bool stopping;
	pthread_mutex_t lock;
	pthread_cond_t wake; /* `stopping` was set */
	struct pm_compactor_stats stats;
	struct pm_error told; /* what the last turn failed with */
};

/* ---- retention ---------------------------------------------------------------------------------- */

struct pm_retention pm_retention_of(const struct pm_retention *flags, const struct pm_retention *config)
{
	struct pm_retention r = *flags;
	if (config->ms)
		r.ms = config->ms;
	if (config->bytes)
		r.bytes = config->bytes;
	if (config->percentage > 0)
		r.percentage = config->percentage;
	if (r.ms == 0 && r.bytes == 0 && !(r.percentage > 0))
		r.ms = (int64_t)RETENTION_DAYS * DAY_MS;
	return r;
}

char *pm_retention_text(char out[192], const struct pm_retention *r)
{
	char time[64] = "", size[64] = "", share[48] = "";
	const char *sep = "";
	if (r->ms)
		pm_duration_format(time, r->ms);
	if (r->bytes)
		pm_size_format(size, r->bytes);
	if (r->percentage > 0)
		snprintf(share, sizeof share, "%g%%", r->percentage);
	const char *const parts[] = { time, size, share };
	size_t n = 0;
	out[0] = '\0';
	for (size_t i = 0; i < 3; i++)
		if (parts[i][0]) {
			n += (size_t)snprintf(out + n, 192 - n, "%s%s", sep, parts[i]);
			sep = " or ";
		}
	return out;
}

/* The limit in bytes: the smaller one when there are two. */
static uint64_t bytes_of(const struct pm_compactor *c, const struct pm_retention *r)
{
	struct statvfs fs;
	uint64_t share = 0;
	if (r->percentage > 0 && statvfs(c->opts.data_dir, &fs) == 0)
		share = (uint64_t)((double)fs.f_blocks * (double)fs.f_frsize * r->percentage / 100) + 1;
	return share && (r->bytes == 0 || share < r->bytes) ? share : r->bytes;
}

struct pm_retention pm_compactor_retention(struct pm_compactor *c)
{
	struct pm_retention r;
	c->opts.retention(c->opts.arg, &r);
	return r;
}

/* ---- a turn ------------------------------------------------------------------------------------- */

static bool is_stopping(void *arg, const char *what, uint64_t done, uint64_t all)
{
	const struct pm_compactor *c = arg;
	return atomic_load(&c->stopping);
}

static struct tsdb_compact_opts options(struct pm_compactor *c)
{
	struct pm_retention r = pm_compactor_retention(c);
	return (struct tsdb_compact_opts){ .retention_ms = r.ms,
		.retention_bytes = bytes_of(c, &r),
		.seal_ms = c->opts.seal_ms,
		.progress = is_stopping,
		.progress_arg = c };
}

static void count(struct pm_compactor *c, const struct tsdb_compact_stats *s, int rc, double seconds)
{
	pthread_mutex_lock(&c->lock);
	struct pm_compactor_stats *t = &c->stats;
	t->turns++;
	t->failed += rc < 0 && rc != PM_ERR_EXISTS && rc != PM_ERR_CANCELED;
	t->seals += s->sealed_segments != 0;
	t->merges += s->merged_into;
	t->time_retentions += s->deleted_segments > s->deleted_for_bytes;
	t->size_retentions += s->deleted_for_bytes != 0;
	t->written_bytes += s->bytes_written;
	t->deleted_segments += s->deleted_segments;
	if (s->bytes_written || s->deleted_segments)
		t->seconds += seconds;
	pthread_mutex_unlock(&c->lock);
}

/* The same trouble every minute, such as a full disk, is told once. */
static void tell(struct pm_compactor *c, int rc, const struct pm_error *err)
{
	static const struct pm_error none;
	if (rc == PM_ERR_EXISTS || rc == PM_ERR_CANCELED)
		return;
	pthread_mutex_lock(&c->lock);
	bool changed = rc != c->told.code || (rc && strcmp(err->msg, c->told.msg) != 0);
	c->told = rc ? *err : none;
	c->told.code = rc;
	pthread_mutex_unlock(&c->lock);
	if (rc && changed)
		pm_warn("compaction: %s; it is tried again", err->msg);
	else if (changed)
		pm_warn("compaction works again");
}

static int compact(struct pm_compactor *c, const struct tsdb_compact_opts *opts, struct pm_error *err)
{
	struct tsdb_compact_stats stats = { 0 };
	int64_t start_ns = pm_monotonic_ns();
	int rc = tsdb_compact(c->opts.db, opts, &stats, err);
	count(c, &stats, rc, (double)(pm_monotonic_ns() - start_ns) / 1e9);
	if (stats.deleted_segments)
		fprintf(stderr, "pm serve: retention deleted %llu segment%s\n",
			(unsigned long long)stats.deleted_segments, stats.deleted_segments == 1 ? "" : "s");
	return rc;
}

/* Another process that is at it does what we would. */
void pm_compactor_turn(struct pm_compactor *c)
{
	struct tsdb_compact_opts opts = options(c);
	struct pm_error err = { 0 };
	tell(c, compact(c, &opts, &err), &err);
}

struct asked {
	struct pm_compactor *c;
	bool (*canceled)(void *arg);
	void *arg;
};

static bool is_canceled(void *arg, const char *what, uint64_t done, uint64_t all)
{
	struct asked *a = arg;
	return atomic_load(&a->c->stopping) || a->canceled(a->arg);
}

int pm_compactor_force(struct pm_compactor *c, bool (*canceled)(void *arg), void *arg, struct pm_error *err)
{
	static const struct timespec queue = { .tv_nsec = QUEUE_MS * 1000000 };
	struct asked asked = { c, canceled, arg };
	struct tsdb_compact_opts opts = options(c);
	int rc;
	opts.force = true;
	opts.progress = is_canceled;
	opts.progress_arg = &asked;
	while ((rc = compact(c, &opts, err)) == PM_ERR_EXISTS && !is_canceled(&asked, "", 0, 0))
		nanosleep(&queue, NULL);
	return rc == PM_ERR_EXISTS ? pm_fail(err, PM_ERR_CANCELED, "stopped while another compacts") : rc;
}

/* ---- the thread --------------------------------------------------------------------------------- */

static struct timespec deadline(int64_t in_ms)
{
	int64_t ns = pm_monotonic_ns() + in_ms * 1000000;
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

/* False: the end. */
static bool sleep_until_due(struct pm_compactor *c)
{
	struct timespec at = deadline(c->opts.every_ms);
	pthread_mutex_lock(&c->lock);
	while (!atomic_load(&c->stopping) && pthread_cond_timedwait(&c->wake, &c->lock, &at) == 0)
		;
	pthread_mutex_unlock(&c->lock);
	return !atomic_load(&c->stopping);
}

static void *compactor_thread(void *arg)
{
	while (sleep_until_due(arg))
		pm_compactor_turn(arg);
	return NULL;
}

int pm_compactor_new(const struct pm_compactor_opts *opts, struct pm_compactor **ret, struct pm_error *err)
{
	pthread_condattr_t attr;
	struct pm_compactor *c = pm_calloc(1, sizeof *c);
	if (!c)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	c->opts = *opts;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->wake, &attr);
	pthread_condattr_destroy(&attr);
	*ret = c;
	return 0;
}

int pm_compactor_start(struct pm_compactor *c, struct pm_error *err)
{
	if (pthread_create(&c->thread, NULL, compactor_thread, c))
		return pm_fail(err, PM_ERR_NOMEM, "cannot start the compacting thread");
	c->running = true;
	return 0;
}

void pm_compactor_stop(struct pm_compactor *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->stopping, true);
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->lock);
	if (c->running)
		pthread_join(c->thread, NULL);
	c->running = false;
}

void pm_compactor_free(struct pm_compactor *c)
{
	if (!c)
		return;
	pm_compactor_stop(c);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	pm_free(c);
}

void pm_compactor_stats(struct pm_compactor *c, struct pm_compactor_stats *ret)
{
	pthread_mutex_lock(&c->lock);
	*ret = c->stats;
	pthread_mutex_unlock(&c->lock);
}
