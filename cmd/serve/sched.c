/* sched.c - see sched.h.
 *
 * Two locks: `reload` serializes those who start, stop and reload; `lock` guards what handlers look at: config, states
 * and totals. The scrape thread takes only `lock`, and only for the moments in which it notes how a scrape went, so
 * that a reload may wait for the thread while it holds `reload`. */
#include "cmd/serve/sched.h"

#include "cmd/cmd.h"
#include "libtsdb/base/clock.h"
#include "libtsdb/base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

struct pm_sched {
	struct tsdb *db;
	pm_sched_load_fn *load;
	void *arg;

	pthread_mutex_t reload;
	bool running;
	pthread_t thread;
	struct scrape_loop *loop;
	struct pm_appender *appender;

	pthread_mutex_t lock;
	struct pm_config *config;
	struct pm_target_state *states; /* one a target, in the order of the configuration */
	struct pm_sched_totals totals;

	atomic_bool dirty;
};

/* ---- how a scrape went -------------------------------------------------------------------------- */

/* Each change is told once, so that a target that is down for a week does not fill the log. */
static void tell_change(const struct pm_target_state *was, const struct pm_target_state *now)
{
	const char *url = now->target->scrape.url;
	if (now->health == PM_HEALTH_DOWN &&
		(was->health != PM_HEALTH_DOWN || strcmp(was->last_error, now->last_error) != 0))
		pm_warn("%s (job %.*s) is down: %s", url, PM_STR_ARG(now->target->job), now->last_error);
	if (now->health == PM_HEALTH_UP && was->health == PM_HEALTH_DOWN)
		pm_warn("%s (job %.*s) is up again", url, PM_STR_ARG(now->target->job));
	if (now->health == PM_HEALTH_UP && now->last_error[0] && (was->health != PM_HEALTH_UP || !was->last_error[0]))
		pm_warn("%s (job %.*s): %s", url, PM_STR_ARG(now->target->job), now->last_error);
}

static void tell_store(const struct pm_target_state *was, const struct pm_target_state *now, const struct pm_error *err)
{
	if (now->last_store_rc && now->last_store_rc != was->last_store_rc)
		pm_warn("samples of %s are not stored: %s", now->target->scrape.url,
			err && err->msg[0] ? err->msg : pm_strerror(now->last_store_rc));
	if (!now->last_store_rc && was->last_store_rc)
		pm_warn("samples of %s are stored again", now->target->scrape.url);
}

static void count(struct pm_sched_totals *t, const struct scrape_report *report, int store_rc)
{
	t->scrapes++;
	t->failed += !report->up;
	t->store_failed += store_rc != 0;
	t->samples += report->stored.samples;
}

static void on_done(void *arg, const struct scrape_target *target, const struct scrape_report *report, int store_rc,
	const struct pm_error *err)
{
	struct pm_sched *s = arg;
	const struct pm_config_target *ct =
		(const void *)((const char *)target - offsetof(struct pm_config_target, scrape));
	pthread_mutex_lock(&s->lock);
	struct pm_target_state *state = &s->states[ct->index], was = *state;
	state->health = report->up ? PM_HEALTH_UP : PM_HEALTH_DOWN;
	state->last_scrape_ms = report->t_ms;
	state->last_duration_s = report->duration_s;
	state->last_samples = report->samples_scraped;
	state->last_store_rc = store_rc;
	snprintf(state->last_error, sizeof state->last_error, "%s", report->error);
	struct pm_target_state now = *state;
	count(&s->totals, report, store_rc);
	pthread_mutex_unlock(&s->lock);

	if (store_rc == 0)
		atomic_store(&s->dirty, true);
	tell_change(&was, &now);
	tell_store(&was, &now, err);
}

/* ---- the thread --------------------------------------------------------------------------------- */

static void *scrape_thread(void *arg)
{
	struct pm_sched *s = arg;
	struct pm_error err = { 0 };
	if (scrape_loop_run(s->loop, &err) < 0)
		pm_warn("scraping has stopped: %s", err.msg);
	return NULL;
}

/* The caller holds `reload`. */
static void stop(struct pm_sched *s)
{
	if (s->running) {
		scrape_loop_stop(s->loop);
		pthread_join(s->thread, NULL);
		s->running = false;
	}
	scrape_loop_free(s->loop);
	s->loop = NULL;
	if (s->appender)
		s->appender->free(s->appender);
	s->appender = NULL;
}

/* The caller holds `reload`. On error nothing runs. */
static int start(struct pm_sched *s, struct pm_error *err)
{
	struct scrape_loop_opts opts = { .done = on_done, .arg = s };
	int rc = tsdb_appender(s->db, &s->appender, err);
	if (rc == 0)
		rc = scrape_loop_new(s->appender, &opts, &s->loop, err);
	for (struct pm_config_target *t = s->config->targets; t && rc == 0; t = t->next)
		rc = scrape_loop_add(s->loop, &t->scrape, err);
	if (rc == 0 && pthread_create(&s->thread, NULL, scrape_thread, s))
		rc = pm_fail(err, PM_ERR_NOMEM, "cannot start the scrape thread");
	if (rc == 0)
		s->running = true;
	else
		stop(s);
	return rc;
}

/* ---- configuration ------------------------------------------------------------------------------ */

static int make_states(const struct pm_config *c, struct pm_target_state **ret, struct pm_error *err)
{
	struct pm_target_state *states = pm_calloc(c->target_count + 1, sizeof *states);
	if (!states)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	for (const struct pm_config_target *t = c->targets; t; t = t->next)
		states[t->index] = (struct pm_target_state){ .target = t, .last_scrape_ms = PM_NO_TIME };
	*ret = states;
	return 0;
}

static void tell_warnings(const struct pm_config *c)
{
	for (const struct pm_config_warning *w = c->warnings; w; w = w->next)
		pm_warn("%s:%d: %s", c->file, w->line, w->text);
}

/* Read the configuration; on success it is the current one. Nothing runs meanwhile. */
static int load(struct pm_sched *s, struct pm_config *config, struct pm_error *err)
{
	struct pm_target_state *states = NULL;
	int rc = make_states(config, &states, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	struct pm_config *old = s->config;
	pm_free(s->states);
	s->config = config;
	s->states = states;
	s->totals.config_ms = pm_now_ms();
	s->totals.config_ok = true;
	pthread_mutex_unlock(&s->lock);
	pm_config_free(old);
	tsdb_set_exemplar_max(s->db, config->exemplar_max);
	return 0;
}

int pm_sched_new(struct tsdb *db, pm_sched_load_fn *load_fn, void *arg, struct pm_sched **ret, struct pm_error *err)
{
	struct pm_config *config = NULL;
	struct pm_sched *s = pm_calloc(1, sizeof *s);
	if (!s)
		return pm_fail(err, PM_ERR_NOMEM, "out of memory");
	s->db = db;
	s->load = load_fn;
	s->arg = arg;
	pthread_mutex_init(&s->reload, NULL);
	pthread_mutex_init(&s->lock, NULL);
	int rc = load_fn(arg, &config, err);
	if (rc == 0)
		rc = load(s, config, err);
	if (rc) {
		pm_config_free(config);
		pm_sched_free(s);
		return rc;
	}
	tell_warnings(config);
	*ret = s;
	return 0;
}

int pm_sched_start(struct pm_sched *s, struct pm_error *err)
{
	pthread_mutex_lock(&s->reload);
	int rc = start(s, err);
	pthread_mutex_unlock(&s->reload);
	return rc;
}

int pm_sched_reload(struct pm_sched *s, struct pm_error *err)
{
	struct pm_config *config = NULL;
	pthread_mutex_lock(&s->reload);
	int rc = s->load(s->arg, &config, err);
	if (rc == 0) {
		tell_warnings(config);
		bool was_running = s->running;
		stop(s);
		rc = load(s, config, err);
		if (rc)
			pm_config_free(config);
		if (was_running) {
			int started = start(s, rc ? NULL : err);
			rc = rc ? rc : started;
		}
	}
	pthread_mutex_lock(&s->lock);
	s->totals.reloads++;
	s->totals.reloads_failed += rc != 0;
	s->totals.config_ok = rc == 0;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->reload);
	return rc;
}

void pm_sched_stop(struct pm_sched *s)
{
	pthread_mutex_lock(&s->reload);
	stop(s);
	pthread_mutex_unlock(&s->reload);
}

void pm_sched_free(struct pm_sched *s)
{
	if (!s)
		return;
	pm_sched_stop(s);
	pm_config_free(s->config);
	pm_free(s->states);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->reload);
	pm_free(s);
}

void pm_sched_look(struct pm_sched *s, pm_sched_look_fn *look, void *arg)
{
	pthread_mutex_lock(&s->lock);
	look(arg, s->config, s->states, &s->totals);
	pthread_mutex_unlock(&s->lock);
}

bool pm_sched_take_dirty(struct pm_sched *s)
{
	return atomic_exchange(&s->dirty, false);
}
