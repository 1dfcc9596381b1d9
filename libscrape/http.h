/* http.h - inside libscrape: GETs, many at a time, over one libcurl multi handle.
 *
 * A transfer belongs to one URL and is started again and again; connections and names stay known in between. All is
 * used on one thread, but for scrape__http_wake(). */
#ifndef SCRAPE_HTTP_H
#define SCRAPE_HTTP_H

#include "libscrape/scrape.h"
#include "libtsdb/base/buf.h"

struct scrape__http;
struct scrape__transfer;

/* `user_agent` NULL: "pm/VERSION". PM_ERR_UNSUPPORTED: libcurl can't be loaded. */
int scrape__http_new(const char *user_agent, struct scrape__http **ret, struct pm_error *err);
/* All transfers must be freed before. */
void scrape__http_free(struct scrape__http *h);
/* How many connections to keep. */
void scrape__http_keep(struct scrape__http *h, size_t connections);
/* Move all transfers on, and wait up to wait_ms for something to happen. */
int scrape__http_wait(struct scrape__http *h, int64_t wait_ms, struct pm_error *err);
/* End the wait at hand, or the next. Any thread, or a signal handler. */
void scrape__http_wake(struct scrape__http *h);
/* The owner of a transfer that has ended since, or NULL. */
void *scrape__http_ended(struct scrape__http *h);

/* What a transfer asks for. */
struct scrape__get {
	const char *url;
	const char *accept;  /* NULL: anything */
	int64_t timeout_ms;  /* for all of it, redirects too */
	size_t body_max;     /* bytes, unpacked */
	bool scrape_headers; /* tell the target the timeout */
	bool any_status;     /* otherwise any but 200 is an error */
};

/* `get` and its strings are borrowed for as long as the transfer lives. */
int scrape__transfer_new(struct scrape__http *h, const struct scrape__get *get, void *owner,
	struct scrape__transfer **ret, struct pm_error *err);
/* Gives up what is under way. */
void scrape__transfer_free(struct scrape__transfer *t);
int scrape__transfer_start(struct scrape__transfer *t, struct pm_error *err);
/* Give up what is under way, or give back the memory of what has ended. */
void scrape__transfer_reset(struct scrape__transfer *t);

/* Of a transfer that has ended, good until start or reset. error: NULL, or why there is no body. */
const char *scrape__transfer_error(const struct scrape__transfer *t);
struct pm_str scrape__transfer_body(const struct scrape__transfer *t);
const char *scrape__transfer_content_type(const struct scrape__transfer *t); /* "" when there was none */
int scrape__transfer_status(const struct scrape__transfer *t);

#endif
