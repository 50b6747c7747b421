#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cancel.h"
#include "net/http.h"
#include "net/probe.h"

/* --- DNS messages --- */

/* A question and two answers; the names of the answers point back to that of
 * the question (c00c), the targets to its end (c018: "b.net"). */
#define HEAD(rcode, answers) 0, 1, 0x81, 0x80 | (rcode), 0, 1, 0, (answers), \
    0, 0, 0, 0
#define QUESTION(type) 8, '_', 'm', 'o', 'n', 'g', 'o', 'd', 'b', 1, 'c', \
    1, 'b', 3, 'n', 'e', 't', 0, 0, (type), 0, 1
#define RECORD(type, len) 0xc0, 12, 0, (type), 0, 1, 0, 0, 0, 60, 0, (len)

static void
reads_srv(void **state)
{
	static const uint8_t message[] = {
		HEAD(0, 2), QUESTION(33),
		RECORD(33, 11), 0, 0, 0, 0, 0x69, 0x89, 2, 'n', '0', 0xc0, 23,
		RECORD(33, 11), 0, 0, 0, 0, 0x69, 0x8a, 2, 'n', '1', 0xc0, 23,
	};
	struct probe_hosts hosts = { NULL, 0 };
	size_t len;

	(void)state;
	assert_int_equal(probe_read_srv(message, sizeof(message), &hosts),
	    PROBE_FOUND);
	assert_int_equal(hosts.n, 2);
	assert_string_equal(hosts.v[0].name, "n0.b.net");
	assert_int_equal(hosts.v[0].port, 27017);
	assert_string_equal(hosts.v[1].name, "n1.b.net");
	assert_int_equal(hosts.v[1].port, 27018);
	probe_hosts_free(&hosts);
	for (len = 0; len < sizeof(message); len++) {
		uint8_t *cut = malloc(len + 1);

		memcpy(cut, message, len);
		assert_int_equal(probe_read_srv(cut, len, &hosts),
		    PROBE_NO_ANSWER);
		probe_hosts_free(&hosts);
		free(cut);
	}
}

static void
reads_refusals(void **state)
{
	static const struct {
		uint8_t rcode;
		enum probe_answer answer;
	} cases[] = {
		{ 0, PROBE_NO_RECORD }, { 3, PROBE_NO_NAME },
		{ 2, PROBE_NO_ANSWER }, { 5, PROBE_NO_ANSWER },
	};
	struct probe_hosts hosts = { NULL, 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t message[] = {
			HEAD(cases[i].rcode, 0), QUESTION(33),
		};

		assert_int_equal(probe_read_srv(message, sizeof(message),
		    &hosts), cases[i].answer);
		assert_int_equal(hosts.n, 0);
	}
}

static void
reads_txt(void **state)
{
	static const uint8_t message[] = {
		HEAD(0, 1), QUESTION(16), RECORD(16, 9), 3, 'a', '=', 'b',
		4, '&', 'c', '=', 'd',
	};
	static const uint8_t too_long[] = {
		HEAD(0, 1), QUESTION(16), RECORD(16, 3), 9, 'a', '=',
	};
	struct strings texts = { NULL, 0 };

	(void)state;
	assert_int_equal(probe_read_txt(message, sizeof(message), &texts),
	    PROBE_FOUND);
	assert_int_equal(texts.n, 1);
	assert_string_equal(texts.v[0], "a=b&c=d");
	strings_free(&texts);
	assert_int_equal(probe_read_txt(too_long, sizeof(too_long), &texts),
	    PROBE_NO_ANSWER);
	strings_free(&texts);
	/* An SRV record is none. */
	assert_int_equal(probe_read_srv(message, sizeof(message),
	    &(struct probe_hosts){ NULL, 0 }), PROBE_NO_RECORD);
}

/* --- a server that answers any connection with the same bytes --- */

struct answering {
	int fd;
	unsigned port;
	const char *bytes;	/* NULL: says nothing and keeps it open */
	size_t len;
	pthread_t thread;
	int stop[2];
};

static bool
wait_for(struct answering *a, int fd)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = a->stop[0], .events = POLLIN },
	};

	return poll(p, 2, 20000) > 0 && p[1].revents == 0;
}

static void *
answer(void *arg)
{
	struct answering *a = arg;
	char hello[4096];

	while (wait_for(a, a->fd)) {
		int fd = accept(a->fd, NULL, NULL);

		if (a->bytes == NULL)
			wait_for(a, a->stop[0]);
		else if (wait_for(a, fd) && read(fd, hello, sizeof(hello)) > 0 &&
		    a->len > 0 && send(fd, a->bytes, a->len,
		    MSG_NOSIGNAL) != (ssize_t)a->len)
			abort();
		close(fd);
	}
	return NULL;
}

static int
listen_at(unsigned *port, int backlog)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&address, len) != 0 ||
	    listen(fd, backlog) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		abort();
	*port = ntohs(address.sin_port);
	return fd;
}

static enum probe_tls
handshake_with(const char *bytes, size_t len, char text[PROBE_TEXT_SIZE])
{
	struct probe_tls_options options = { .timeout_ms = 500 };
	struct answering a = { .bytes = bytes, .len = len };
	struct probe_host host = { .name = "127.0.0.1" };
	enum probe_tls tls;

	a.fd = listen_at(&a.port, 8);
	if (pipe(a.stop) != 0 ||
	    pthread_create(&a.thread, NULL, answer, &a) != 0)
		abort();
	host.port = a.port;
	tls = probe_tls(&host, &options, text);
	if (write(a.stop[1], "x", 1) != 1)
		abort();
	pthread_join(a.thread, NULL);
	close(a.fd);
	close(a.stop[0]);
	close(a.stop[1]);
	return tls;
}

static void
tells_handshakes_apart(void **state)
{
	static const char alert[] = { 21, 3, 3, 0, 2, 2, 80 };
	static const char http[] = "HTTP/1.0 400 Bad Request\r\n\r\n";
	char text[PROBE_TEXT_SIZE];

	(void)state;
	assert_int_equal(handshake_with(alert, sizeof(alert), text),
	    PROBE_TLS_INTERNAL);
	assert_non_null(strstr(text, "alert internal error"));
	assert_int_equal(handshake_with("", 0, text), PROBE_TLS_CLOSED);
	assert_int_equal(handshake_with(http, sizeof(http) - 1, text),
	    PROBE_TLS_NOT_TLS);
	assert_int_equal(handshake_with(NULL, 0, text), PROBE_TLS_SILENT);
}

static void
tells_files_of_ours(void **state)
{
	struct probe_tls_options options = {
		.timeout_ms = 500, .ca_file = "/nowhere/ca.pem",
	};
	struct probe_host host = { .name = "127.0.0.1" };
	char text[PROBE_TEXT_SIZE];
	int fd = listen_at(&host.port, 8);

	(void)state;
	assert_int_equal(probe_tls(&host, &options, text), PROBE_TLS_FILE);
	close(fd);
}

/* --- TCP --- */

/* A port whose queue is full: the kernel drops what more comes. */
static int
fill(unsigned port, int fds[4])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	int i;

	for (i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[i], (struct sockaddr *)&address,
		    sizeof(address)) != 0 && errno != EINPROGRESS)
			abort();
	}
	return i;
}

static void
tells_ports_apart(void **state)
{
	struct probe_way ways[4] = {
		{ .host = { .name = "127.0.0.1" } },
		{ .host = { .name = "127.0.0.1" } },
		{ .host = { .name = "127.0.0.1" } },
		{ .host = { .name = "nohost.invalid", .port = 1 } },
	};
	int open_fd = listen_at(&ways[0].host.port, 8);
	int refused = listen_at(&ways[1].host.port, 8);
	int full = listen_at(&ways[2].host.port, 0), fds[4], i;
	uint64_t begin = cancel_now();
	struct err err;

	(void)state;
	close(refused);
	fill(ways[2].host.port, fds);
	assert_true(probe_connect(ways, 4, 300, &err));
	assert_int_equal(ways[0].tcp, PROBE_TCP_OPEN);
	assert_int_equal(ways[1].tcp, PROBE_TCP_REFUSED);
	assert_int_equal(ways[1].error, ECONNREFUSED);
	assert_int_equal(ways[2].tcp, PROBE_TCP_SILENT);
	assert_int_equal(ways[3].tcp, PROBE_TCP_NO_ADDRESS);
	assert_true(cancel_now() - begin > 200000000);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(open_fd);
	close(full);
}

static void
stops_when_asked(void **state)
{
	struct probe_way way = { .host = { .name = "127.0.0.1" } };
	int full = listen_at(&way.host.port, 0), fds[4], i;
	struct err err;

	(void)state;
	fill(way.host.port, fds);
	cancel_request();
	assert_false(probe_connect(&way, 1, 60000, &err));
	assert_int_equal(err.kind, ERR_CANCELLED);
	cancel_reset();
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(full);
}

static void
finds_addresses(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(probe_address("127.0.0.1", text), PROBE_FOUND);
	assert_string_equal(text, "127.0.0.1");
	assert_int_equal(probe_address("::1", text), PROBE_FOUND);
	assert_string_equal(text, "::1");
	assert_int_not_equal(probe_address("nohost.invalid", NULL),
	    PROBE_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_srv),
		cmocka_unit_test(reads_refusals),
		cmocka_unit_test(reads_txt),
		cmocka_unit_test(tells_handshakes_apart),
		cmocka_unit_test(tells_files_of_ours),
		cmocka_unit_test(tells_ports_apart),
		cmocka_unit_test(stops_when_asked),
		cmocka_unit_test(finds_addresses),
	};
	struct err err;

	if (!http_global_init(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
