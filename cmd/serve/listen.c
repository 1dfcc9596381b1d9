/* listen.c - see listen.h. ":PORT" listens on IPv6 and IPv4 by one socket where the host has IPv6, as Go does. */
#include "cmd/serve/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static int split(const char *addr, char *host, size_t host_size, char *port, size_t port_size, struct pm_error *err)
{
	const char *colon = strrchr(addr, ':');
	if (!colon || !colon[1] || strlen(colon + 1) >= port_size)
		return pm_fail(err, PM_ERR_INVALID, "listen address '%s': HOST:PORT was expected", addr);
	const char *begin = addr, *end = colon;
	if (*begin == '[' && end > begin && end[-1] == ']') {
		begin++;
		end--;
	} else if (memchr(begin, ':', (size_t)(end - begin))) {
		return pm_fail(err, PM_ERR_INVALID, "listen address '%s': put the IPv6 address in brackets", addr);
	}
	if ((size_t)(end - begin) >= host_size)
		return pm_fail(err, PM_ERR_INVALID, "listen address '%s': the host is too long", addr);
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	snprintf(port, port_size, "%s", colon + 1);
	return 0;
}

static int open_socket(const struct addrinfo *ai)
{
	int one = 1, zero = 0;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int bound_address(int fd, struct pm_listen_addr *ret, struct pm_error *err)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	char host[80], port[8];
	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0 ||
		getnameinfo((struct sockaddr *)&ss, len, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return pm_fail(err, PM_ERR_NETWORK, "the address of the listening socket is not known");
	bool v6 = ss.ss_family == AF_INET6;
	bool any = strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
	snprintf(ret->text, sizeof ret->text, v6 ? "[%s]:%s" : "%s:%s", host, port);
	if (any)
		snprintf(ret->local, sizeof ret->local, "127.0.0.1:%s", port);
	else
		snprintf(ret->local, sizeof ret->local, "%s", ret->text);
	ret->port = 0;
	for (const char *p = port; *p; p++)
		ret->port = ret->port * 10 + (*p - '0');
	return 0;
}

int pm_listen(const char *addr, int *ret_fd, struct pm_listen_addr *ret_bound, struct pm_error *err)
{
	char host[80], port[16];
	int rc = split(addr, host, sizeof host, port, sizeof port, err);
	if (rc)
		return rc;

	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list = NULL;
	int gai = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
	if (gai != 0)
		return pm_fail(err, PM_ERR_INVALID, "listen address '%s': %s", addr, gai_strerror(gai));

	int fd = -1, families[] = { AF_INET6, AF_INET };
	for (int i = 0; i < 2 && fd < 0; i++)
		for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
			if (ai->ai_family == families[i])
				fd = open_socket(ai);
	int saved = errno;
	freeaddrinfo(list);
	if (fd < 0)
		return pm_fail(err, PM_ERR_NETWORK, "cannot listen on %s: %s", addr, strerror(saved));
	rc = bound_address(fd, ret_bound, err);
	if (rc) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}
