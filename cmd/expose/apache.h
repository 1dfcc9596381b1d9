/* apache.h - Apache's status page (mod_status, ?auto) as metrics, with the names of apache_exporter. */
#ifndef PM_EXPOSE_APACHE_H
#define PM_EXPOSE_APACHE_H

#include "cmd/expose/emit.h"
#include "libtsdb/pm.h"

#define PM_APACHE_URL "http://127.0.0.1/server-status?auto"

struct pm_apache_opts {
	const char *url; /* NULL: PM_APACHE_URL */
	int64_t timeout_ms;
	/* Called when the page could not be had or read, the reason in `err`; may be NULL. */
	void (*failed)(void *arg, const char *what, const struct pm_error *err);
	void *arg;
};

/* Append one page. A server that does not answer, or with something else, is told by apache_up 0, not by an error.
 * PM_ERR_NOMEM, PM_ERR_LIMIT. */
int pm_apache_page(const struct pm_apache_opts *opts, struct pm_buf *out, struct pm_error *err);
/* The status page's text as samples. PM_ERR_INVALID: a number that is none; samples before it stay. */
int pm_apache_parse(struct pm_emit *e, struct pm_str status, struct pm_error *err);

#endif
