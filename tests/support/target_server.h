/* target_server.h - scrape targets that do what a script says: a small HTTP server on 127.0.0.1, a thread a connection.
 */
#ifndef TARGET_SERVER_H
#define TARGET_SERVER_H

#include "libtsdb/pm.h"

enum target_then {
	TARGET_CLOSE, /* the connection */
	TARGET_KEEP,  /* it, for the next request */
	TARGET_HANG,  /* until the client goes */
	TARGET_AGAIN, /* send `again` without end */
};

/* What is answered to GET `path`: these bytes, status line and all. */
struct target_reply {
	const char *path;
	struct pm_str bytes;
	enum target_then then;
	struct pm_str again;
};

struct target_server;

/* `replies` end with a zeroed one and are borrowed. Other paths are answered 404. */
struct target_server *target_server_new(const struct target_reply *replies);
/* Closes all connections and waits for its threads. */
void target_server_free(struct target_server *s);
int target_server_port(const struct target_server *s);
/* How many connections and requests there were; the bytes of the last request (NUL-terminated, good until the next
 * one). */
unsigned target_server_connections(struct target_server *s);
unsigned target_server_requests(struct target_server *s);
const char *target_server_last_request(struct target_server *s);
/* A port of 127.0.0.1 that nothing listens on. */
int target_server_closed_port(void);

#endif
