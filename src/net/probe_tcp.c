#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cancel.h"
#include "net/probe.h"

#define SLICE_MS 100

/* One address of one host that is being connected to. */
struct try {
	struct probe_way *way;
	int fd;			/* -1: it ended */
};

struct tries {
	struct try *v;
	struct pollfd *polled;
	size_t n;
};

/* Which of two outcomes says more: open, then refused, silent, unreachable. */
static void
settle(struct probe_way *way, int error)
{
	enum probe_tcp tcp = error == 0 ? PROBE_TCP_OPEN :
	    error == ECONNREFUSED ? PROBE_TCP_REFUSED :
	    error == ETIMEDOUT ? PROBE_TCP_SILENT : PROBE_TCP_UNREACHABLE;

	if (tcp >= way->tcp)
		return;
	way->tcp = tcp;
	way->error = error == ETIMEDOUT ? 0 : error;
}

static void
end(struct try *t, int error)
{

	settle(t->way, error);
	close(t->fd);
	t->fd = -1;
}

static bool
begin(struct tries *tries, struct probe_way *way, const struct addrinfo *a)
{
	struct try *v;
	struct pollfd *polled;
	int fd, flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

	v = realloc(tries->v, (tries->n + 1) * sizeof(*v));
	if (v != NULL)
		tries->v = v;
	polled = realloc(tries->polled, (tries->n + 1) * sizeof(*polled));
	if (polled != NULL)
		tries->polled = polled;
	if (v == NULL || polled == NULL)
		return false;
	if ((fd = socket(a->ai_family, flags, 0)) < 0) {
		settle(way, ENETUNREACH);	/* no IPv6 here, say */
		return true;
	}
	v[tries->n].way = way;
	v[tries->n].fd = fd;
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		end(&v[tries->n], 0);
	else if (errno != EINPROGRESS)
		end(&v[tries->n], errno);
	tries->n++;
	return true;
}

static bool
begin_all(struct tries *tries, struct probe_way *way)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;
	char port[16];
	bool ok = true;

	way->tcp = PROBE_TCP_NO_ADDRESS;
	way->error = 0;
	snprintf(port, sizeof(port), "%u", way->host.port);
	if (getaddrinfo(way->host.name, port, &hints, &list) != 0)
		return true;
	for (a = list; ok && a != NULL; a = a->ai_next)
		ok = begin(tries, way, a);
	freeaddrinfo(list);
	return ok;
}

/* False when nothing is left to wait for: a host that one address answered for
 * needs no other. */
static bool
look(struct tries *tries, int wait_ms)
{
	size_t i, n = 0;

	for (i = 0; i < tries->n; i++) {
		struct try *t = &tries->v[i];

		if (t->fd >= 0 && t->way->tcp == PROBE_TCP_OPEN)
			end(t, 0);
		tries->polled[i].fd = t->fd;
		tries->polled[i].events = POLLOUT;
		tries->polled[i].revents = 0;
		n += t->fd >= 0;
	}
	if (n == 0)
		return false;
	if (poll(tries->polled, (nfds_t)tries->n, wait_ms) <= 0)
		return true;
	for (i = 0; i < tries->n; i++) {
		socklen_t len = sizeof(int);
		int error = 0;

		if (tries->v[i].fd < 0 || tries->polled[i].revents == 0)
			continue;
		if (getsockopt(tries->v[i].fd, SOL_SOCKET, SO_ERROR, &error,
		    &len) != 0)
			error = errno;
		end(&tries->v[i], error);
	}
	return true;
}

bool
probe_connect(struct probe_way *ways, size_t n, unsigned timeout_ms,
    struct err *err)
{
	struct tries tries = { NULL, NULL, 0 };
	uint64_t until;
	bool ok = true;
	size_t i;

	for (i = 0; ok && i < n; i++)
		ok = begin_all(&tries, &ways[i]) ||
		    err_nomem(err, "connections");
	until = cancel_now() + (uint64_t)timeout_ms * 1000000;
	while (ok && cancel_now() < until && look(&tries, SLICE_MS)) {
		if (cancel_requested())
			ok = cancel_err(err);
	}
	for (i = 0; i < tries.n; i++) {
		if (tries.v[i].fd >= 0)
			end(&tries.v[i], ETIMEDOUT);
	}
	free(tries.v);
	free(tries.polled);
	return ok;
}
