/* http.h - an exporter behind HTTP: /metrics makes a page anew for every request. */
#ifndef PM_EXPOSE_HTTP_H
#define PM_EXPOSE_HTTP_H

#include "cmd/expose/linux.h"
#include "libtsdb/pm.h"

/* Serve pages made with `opts` (borrowed) on `addr` ("HOST:PORT", ":PORT") until SIGINT or SIGTERM. Call it before any
 * thread was started. PM_ERR_INVALID: not an address, or not a collector; PM_ERR_NETWORK: can't listen there;
 * PM_ERR_UNSUPPORTED: no libmicrohttpd on this host. */
int pm_expose_serve(const char *addr, const struct pm_linux_opts *opts, struct pm_error *err);

#endif
