/* target_server.c - see the header. */
#include "tests/support/target_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, REQUEST_MAX = 8192 };

struct connection {
	struct target_server *server;
	pthread_t thread;
	int fd;
};

struct target_server {
	const struct target_reply *replies;
	int fd, port;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	struct connection connections[CONNECTIONS_MAX];
	unsigned count, requests;
	bool stop;
	char last[REQUEST_MAX];
};

static bool send_all(int fd, struct pm_str s)
{
	while (s.len) {
		ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		s.ptr += n;
		s.len -= (size_t)n;
	}
	return true;
}

/* Read until an empty line; false when the client went. */
static bool read_request(int fd, char *out)
{
	size_t len = 0;

	while (len < REQUEST_MAX - 1) {
		ssize_t n = recv(fd, out + len, REQUEST_MAX - 1 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		out[len] = '\0';
		if (strstr(out, "\r\n\r\n"))
			return true;
	}
	return false;
}

static const struct target_reply *reply_to(const struct target_server *s, const char *request)
{
	static const struct target_reply not_found = { "",
		PM_STR("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), TARGET_KEEP, { 0 } };

	for (const struct target_reply *r = s->replies; r->path; r++) {
		size_t n = strlen(r->path);

		if (strncmp(request, "GET ", 4) == 0 && strncmp(request + 4, r->path, n) == 0 && request[4 + n] == ' ')
			return r;
	}
	return &not_found;
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	struct target_server *s = c->server;
	char request[REQUEST_MAX], byte;

	while (read_request(c->fd, request)) {
		const struct target_reply *r = reply_to(s, request);

		pthread_mutex_lock(&s->lock);
		s->requests++;
		memcpy(s->last, request, sizeof request);
		pthread_mutex_unlock(&s->lock);
		if (!send_all(c->fd, r->bytes))
			break;
		while (r->then == TARGET_AGAIN && send_all(c->fd, r->again))
			;
		if (r->then == TARGET_HANG)
			while (recv(c->fd, &byte, 1, 0) > 0)
				;
		if (r->then != TARGET_KEEP)
			break;
	}
	shutdown(c->fd, SHUT_RDWR); /* closed when all is over, so that its number is not used again before */
	return NULL;
}

static void *accept_all(void *arg)
{
	struct target_server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		pthread_mutex_lock(&s->lock);
		assert(s->count < CONNECTIONS_MAX);
		if (s->stop) {
			close(fd);
		} else {
			struct connection *c = &s->connections[s->count++];

			*c = (struct connection){ .server = s, .fd = fd };
			assert(pthread_create(&c->thread, NULL, serve, c) == 0);
		}
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static int bind_any(int *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
	assert(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

struct target_server *target_server_new(const struct target_reply *replies)
{
	struct target_server *s = calloc(1, sizeof *s);

	assert(s);
	s->replies = replies;
	s->fd = bind_any(&s->port);
	pthread_mutex_init(&s->lock, NULL);
	assert(listen(s->fd, 128) == 0);
	assert(pthread_create(&s->thread, NULL, accept_all, s) == 0);
	return s;
}

void target_server_free(struct target_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_mutex_unlock(&s->lock);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	for (unsigned i = 0; i < s->count; i++) {
		shutdown(s->connections[i].fd, SHUT_RDWR);
		pthread_join(s->connections[i].thread, NULL);
		close(s->connections[i].fd);
	}
	close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int target_server_port(const struct target_server *s)
{
	return s->port;
}

unsigned target_server_connections(struct target_server *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->count;
	pthread_mutex_unlock(&s->lock);
	return n;
}

unsigned target_server_requests(struct target_server *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->requests;
	pthread_mutex_unlock(&s->lock);
	return n;
}

const char *target_server_last_request(struct target_server *s)
{
	return s->last;
}

int target_server_closed_port(void)
{
	int port, fd = bind_any(&port);

	close(fd);
	return port;
}
