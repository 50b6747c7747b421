/*
 * An HTTP server that answers what the test wrote down, byte for byte, and
 * remembers what it was asked: one thread, one connection at a time, on a free
 * port of 127.0.0.1.  Header-only, because each unit test is one source file.
 *
 * Order: fake_server_start(), requests, fake_server_stop(), then look at what
 * was asked (n_requests, n_connections, requests[]).
 */
#ifndef UNIT_FAKE_SERVER_H
#define UNIT_FAKE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKE_MAX_REQUESTS 64
#define FAKE_HEAD_MAX 16384
#define FAKE_BODY_MAX 4096

enum fake_after {
	FAKE_KEEP,		/* the connection goes on */
	FAKE_CLOSE,
	FAKE_RESET,		/* closed with a TCP reset */
	FAKE_STALL		/* silent until the test ends */
};

struct fake_reply {
	const char *text;	/* sent as it is */
	enum fake_after after;
	bool early;		/* answer before reading the request's body, and
				 * read what still comes until the client ends */
};

struct fake_request {
	char head[FAKE_HEAD_MAX]; /* request line and headers */
	char body[FAKE_BODY_MAX]; /* its beginning */
	size_t body_len;	/* as received, however long */
};

struct fake_server {
	int fd, stop[2];
	unsigned port;
	pthread_t thread;
	const struct fake_reply *replies;
	size_t n_replies;
	size_t n_requests, n_connections;
	struct fake_request requests[FAKE_MAX_REQUESTS];
};

/* Waits until fd can be read; false when the test wants to end. */
static inline bool
fake_wait(struct fake_server *s, int fd)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = s->stop[0], .events = POLLIN },
	};

	return poll(p, 2, 20000) > 0 && p[1].revents == 0;
}

static inline bool
fake_read_head(struct fake_server *s, int fd, struct fake_request *r)
{
	size_t len = 0;

	while (len < sizeof(r->head) - 1) {
		if (!fake_wait(s, fd) || read(fd, r->head + len, 1) != 1)
			return false;
		r->head[++len] = '\0';
		if (len >= 4 && strcmp(r->head + len - 4, "\r\n\r\n") == 0)
			return true;
	}
	return false;
}

static inline bool
fake_read_body(struct fake_server *s, int fd, struct fake_request *r)
{
	const char *line = strcasestr(r->head, "\r\nContent-Length:");
	size_t left = line == NULL ? 0 : strtoul(line + 17, NULL, 10);
	char data[4096];

	while (left > 0) {
		size_t want = left < sizeof(data) ? left : sizeof(data), i;
		ssize_t n;

		if (!fake_wait(s, fd) || (n = read(fd, data, want)) <= 0)
			return false;
		for (i = 0; i < (size_t)n; i++) {
			if (r->body_len + i < sizeof(r->body))
				r->body[r->body_len + i] = data[i];
		}
		r->body_len += (size_t)n;
		left -= (size_t)n;
	}
	return true;
}

/* Serves one request; false when the connection ends. */
static inline bool
fake_serve_one(struct fake_server *s, int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct fake_request *r = &s->requests[s->n_requests];
	const struct fake_reply *reply;

	if (s->n_requests == s->n_replies || !fake_read_head(s, fd, r))
		return false;
	reply = &s->replies[s->n_requests];
	if (!reply->early && !fake_read_body(s, fd, r))
		return false;
	s->n_requests++;
	if (send(fd, reply->text, strlen(reply->text), MSG_NOSIGNAL) < 0)
		return false;
	if (reply->early) {
		shutdown(fd, SHUT_WR);
		fake_read_body(s, fd, r);
		return false;
	}
	if (reply->after == FAKE_STALL) {
		fake_wait(s, s->stop[0]);
		return false;
	}
	if (reply->after == FAKE_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return reply->after == FAKE_KEEP;
}

static inline void *
fake_run(void *arg)
{
	struct fake_server *s = arg;

	while (fake_wait(s, s->fd)) {
		int fd = accept(s->fd, NULL, NULL);

		if (fd < 0)
			break;
		s->n_connections++;
		while (fake_serve_one(s, fd))
			;
		close(fd);
	}
	return NULL;
}

static inline struct fake_server *
fake_server_start(const struct fake_reply *replies, size_t n_replies)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct fake_server *s = calloc(1, sizeof(*s));

	if (s == NULL || n_replies > FAKE_MAX_REQUESTS || pipe(s->stop) != 0)
		abort();
	s->replies = replies;
	s->n_replies = n_replies;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (struct sockaddr *)&address, len) != 0 ||
	    listen(s->fd, 16) != 0 ||
	    getsockname(s->fd, (struct sockaddr *)&address, &len) != 0)
		abort();
	s->port = ntohs(address.sin_port);
	if (pthread_create(&s->thread, NULL, fake_run, s) != 0)
		abort();
	return s;
}

/* Ends the thread; s stays readable until fake_server_free(). */
static inline void
fake_server_stop(struct fake_server *s)
{

	if (write(s->stop[1], "x", 1) != 1)
		abort();
	pthread_join(s->thread, NULL);
	close(s->fd);
	close(s->stop[0]);
	close(s->stop[1]);
}

static inline void
fake_server_free(struct fake_server *s)
{

	free(s);
}

#endif
