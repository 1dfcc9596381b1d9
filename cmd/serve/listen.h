/* listen.h - a listening TCP socket from an address as people write it. */
#ifndef PM_SERVE_LISTEN_H
#define PM_SERVE_LISTEN_H

#include "libtsdb/pm.h"

/* Where a socket listens, as in a URL: "127.0.0.1:9090", "[::1]:9090"; for all addresses "0.0.0.0:9090" or
 * "[::]:9090". */
struct pm_listen_addr {
	char text[128];
	char local[128]; /* the same for clients on this host: a loopback address where it listens on all */
	int port;
};

/* `addr`: "HOST:PORT", "[IPV6]:PORT" or ":PORT" (all addresses); port 0 takes a free one. The descriptor is the
 * caller's, O_CLOEXEC, not blocking. PM_ERR_INVALID: not an address; PM_ERR_NETWORK: the system refused, with its
 * reason. */
int pm_listen(const char *addr, int *ret_fd, struct pm_listen_addr *ret_bound, struct pm_error *err);

#endif
