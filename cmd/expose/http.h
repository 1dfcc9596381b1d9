/* http.h - an exporter behind HTTP: /metrics makes a page anew for every request. */
#ifndef PM_EXPOSE_HTTP_H
#define PM_EXPOSE_HTTP_H

#include "cmd/serve/params.h"
#include "libtsdb/base/buf.h"
#include "libtsdb/pm.h"

/* Append a page, for a request whose URL had these parameters. PM_ERR_INVALID: the request is at fault and gets a 400
 * with the message; other errors are ours, 500. Called on several threads at once. */
typedef int pm_page_fn(const void *arg, const struct pm_params *params, struct pm_buf *out, struct pm_error *err);

/* Serve on `addr` ("HOST:PORT", ":PORT") until SIGINT or SIGTERM. Call it before any thread was started.
 * PM_ERR_INVALID: not an address; PM_ERR_NETWORK: can't listen there; PM_ERR_UNSUPPORTED: no libmicrohttpd here. */
int pm_expose_serve(const char *addr, pm_page_fn *page, const void *arg, struct pm_error *err);

#endif
