/* sched.h - the scraper of `pm serve`: one thread that runs the scrape loop, and what is known of each target. */
#ifndef PM_SERVE_SCHED_H
#define PM_SERVE_SCHED_H

#include "cmd/serve/config.h"
#include "libtsdb/tsdb.h"

struct pm_sched;

enum pm_health { PM_HEALTH_UNKNOWN, PM_HEALTH_UP, PM_HEALTH_DOWN };

/* A target as its last scrape left it. */
struct pm_target_state {
	const struct pm_config_target *target;
	enum pm_health health;
	int64_t last_scrape_ms;       /* PM_NO_TIME: never yet */
	double last_duration_s;
	size_t last_samples;
	char last_error[512];         /* empty when up */
	int last_store_rc;
};

struct pm_sched_totals {
	uint64_t scrapes, failed, store_failed, samples, reloads, reloads_failed;
	int64_t config_ms; /* when the configuration was last loaded; bool below: whether the last try was fine */
	bool config_ok;
};

/* `load`: makes the configuration, now and at each reload. */
typedef int pm_sched_load_fn(void *arg, struct pm_config **ret, struct pm_error *err);

/* Reads the configuration and starts nothing. Errors are those of `load`. */
int pm_sched_new(struct tsdb *db, pm_sched_load_fn *load, void *arg, struct pm_sched **ret, struct pm_error *err);
/* Start scraping. */
int pm_sched_start(struct pm_sched *s, struct pm_error *err);
/* Read the configuration again and go on with it; when it can't be read, go on as before. Any thread. */
int pm_sched_reload(struct pm_sched *s, struct pm_error *err);
/* Stop scraping: scrapes under way are given up, a transaction under way is finished. */
void pm_sched_stop(struct pm_sched *s);
void pm_sched_free(struct pm_sched *s); /* stops; NULL allowed */

/* Look at configuration, states and totals, all of one moment. `look` must not call back into the scheduler. Any
 * thread. */
typedef void pm_sched_look_fn(void *arg, const struct pm_config *config, const struct pm_target_state *states,
	const struct pm_sched_totals *totals);
void pm_sched_look(struct pm_sched *s, pm_sched_look_fn *look, void *arg);

/* Whether something was stored since the last call. */
bool pm_sched_take_dirty(struct pm_sched *s);

#endif
