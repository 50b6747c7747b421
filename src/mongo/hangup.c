#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/wake.h"
#include "mongo/hangup.h"

#define LOOK_MS 200
#define GRACE_LOOKS 8		/* what ends by itself in 1.6 s may */
#define PORTS_MAX 64

struct hangup {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	in_port_t ports[PORTS_MAX];	/* network order */
	size_t n;
};

static void
learn_ports(struct hangup *h, mongoc_client_t *client)
{
	mongoc_server_description_t **members;
	size_t i, n;

	members = mongoc_client_get_server_descriptions(client, &n);
	for (i = 0; i < n && h->n < PORTS_MAX; i++)
		h->ports[h->n++] =
		    htons(mongoc_server_description_host(members[i])->port);
	mongoc_server_descriptions_destroy_all(members, n);
}

/* The port of fd's other end; 0 when it is no connection over TCP. */
static in_port_t
port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} peer;
	socklen_t len = sizeof(peer);

	if (getpeername(fd, &peer.any, &len) != 0)
		return 0;
	if (peer.any.sa_family == AF_INET)
		return peer.v4.sin_port;
	return peer.any.sa_family == AF_INET6 ? peer.v6.sin6_port : 0;
}

static bool
is_theirs(const struct hangup *h, in_port_t port)
{
	size_t i;

	for (i = 0; port != 0 && i < h->n; i++) {
		if (h->ports[i] == port)
			return true;
	}
	return false;
}

static void
hang_up(const struct hangup *h)
{
	struct dirent *entry;
	DIR *fds;
	int fd;

	if ((fds = opendir("/proc/self/fd")) == NULL)
		return;
	while ((entry = readdir(fds)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		fd = (int)strtol(entry->d_name, NULL, 10);
		if (is_theirs(h, port_of(fd)) && shutdown(fd, SHUT_RDWR) == 0)
			log_debug("a connection that does not answer is "
			    "shut down");
	}
	closedir(fds);
}

static void *
hangup_main(void *arg)
{
	struct hangup *h = arg;
	unsigned looks = 0;

	pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		wake_wait(&h->wake, &h->lock, LOOK_MS);
		if (!h->stop && cancel_requested() && ++looks > GRACE_LOOKS)
			hang_up(h);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

struct hangup *
hangup_new(mongoc_client_t *client, struct err *err)
{
	struct hangup *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		goto fail;
	learn_ports(h, client);
	if (pthread_mutex_init(&h->lock, NULL) != 0)
		goto fail_h;
	if (!wake_init(&h->wake))
		goto fail_lock;
	if (pthread_create(&h->thread, NULL, hangup_main, h) != 0)
		goto fail_wake;
	return h;

fail_wake:
	pthread_cond_destroy(&h->wake);
fail_lock:
	pthread_mutex_destroy(&h->lock);
fail_h:
	free(h);
fail:
	err_nomem(err, "thread");
	return NULL;
}

void
hangup_free(struct hangup *h)
{

	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
