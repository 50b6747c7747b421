#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "net/http.h"

#include "fake_server.h"

#define OK_HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct upload {
	uint64_t size, at;
	unsigned rewinds;
	uint64_t fail_at;	/* 0: never */
};

struct download {
	struct buf got;
	const struct http_response *response;
	long status;		/* seen at the first call */
	bool fail;
};

static bool
upload_read(void *arg, void *data, size_t size, size_t *got, struct err *err)
{
	struct upload *u = arg;
	size_t i, n = size < 1000 ? size : 1000;

	if (n > u->size - u->at)
		n = (size_t)(u->size - u->at);
	if (u->fail_at > 0 && u->at >= u->fail_at)
		return err_set(err, ERR_CHANGED, "the file moved away");
	for (i = 0; i < n; i++)
		((char *)data)[i] = (char)('a' + (u->at + i) % 26);
	u->at += n;
	*got = n;
	return true;
}

static void
upload_rewind(void *arg)
{
	struct upload *u = arg;

	u->at = 0;
	u->rewinds++;
}

static bool
download_write(void *arg, const void *data, size_t len, struct err *err)
{
	struct download *d = arg;

	if (d->got.len == 0)
		d->status = d->response->status;
	if (d->fail)
		return err_set(err, ERR_DISK, "no room");
	return buf_append(&d->got, data, len);
}

static struct http *
client(uint64_t low_speed_seconds)
{
	const struct http_options options = {
		.low_speed_seconds = low_speed_seconds,
		.connect_timeout_ms = 5000,
	};
	struct err err;
	struct http *h = http_new(&options, &err);

	assert_non_null(h);
	return h;
}

static const char *
url(const struct fake_server *s, const char *path)
{
	static char text[512];

	snprintf(text, sizeof(text), "http://127.0.0.1:%u%s", s->port, path);
	return text;
}

/* A request without headers or body. */
static bool
ask(struct http *h, const char *method, const char *where,
    struct http_response *r, struct err *err)
{
	const struct http_request request = { .method = method, .url = where };

	return http_perform(h, &request, r, err);
}

static void
answers_are_read(void **state)
{
	static const struct fake_reply replies[] = {
		{ "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
		  "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nETag: \"x\"\r\n"
		  "X-Empty:\r\nX-Space: \t a  b \t\r\nETAG: second\r\n\r\nhello",
		  .after = FAKE_KEEP },
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
		  .after = FAKE_KEEP },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
		  .after = FAKE_KEEP },
	};
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct http *h = client(10);
	struct http_response r;
	char value[16];
	struct err err;

	(void)state;
	http_response_init(&r);
	assert_true(ask(h, "GET", url(s, "/a"), &r, &err));
	assert_int_equal(r.status, 200);
	assert_string_equal(buf_str(&r.body), "hello");
	assert_true(http_response_header(&r, "etag", value, sizeof(value)));
	assert_string_equal(value, "\"x\"");
	assert_true(http_response_header(&r, "X-Space", value, sizeof(value)));
	assert_string_equal(value, "a  b");
	assert_true(http_response_header(&r, "X-Empty", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_false(http_response_header(&r, "X-Early", value, sizeof(value)));
	assert_false(http_response_header(&r, "ETa", value, sizeof(value)));
	assert_false(http_response_header(&r, "X-Space", value, 4));
	assert_true(ask(h, "DELETE", url(s, "/b"), &r, &err));
	assert_int_equal(r.status, 404);
	assert_string_equal(buf_str(&r.body), "gone");
	assert_false(http_response_header(&r, "etag", value, sizeof(value)));
	/* The length in the answer to HEAD is of a body that does not come. */
	assert_true(ask(h, "HEAD", url(s, "/c"), &r, &err));
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.len, 0);
	fake_server_stop(s);
	assert_int_equal(s->n_connections, 1);
	assert_memory_equal(s->requests[0].head, "GET /a HTTP/1.1\r\n", 17);
	assert_memory_equal(s->requests[1].head, "DELETE /b HTTP/1.1\r\n", 20);
	assert_memory_equal(s->requests[2].head, "HEAD /c HTTP/1.1\r\n", 18);
	assert_non_null(strstr(s->requests[0].head, "\r\nUser-Agent: spaceferry/"));
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
}

static void
bodies_are_sent(void **state)
{
	static const struct fake_reply replies[] = {
		{ OK_HI, .after = FAKE_KEEP }, { OK_HI, .after = FAKE_KEEP },
		{ OK_HI, .after = FAKE_KEEP },
	};
	static const struct http_header headers[] = {
		{ "Host", "elsewhere.example:81" }, { "X-Empty", "" },
		{ "Content-Type", "text/plain; charset=utf-8" },
	};
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct upload u = { .size = 100000 };
	struct http_request request = {
		.method = "PUT", .url = url(s, "/a/../b/./%2e?x=%2F&y="),
		.headers = headers, .n_headers = COUNT(headers),
		.read = upload_read, .rewind = upload_rewind, .read_arg = &u,
		.body_size = 100000,
	};
	struct http *h = client(10);
	struct http_response r;
	struct err err;
	const char *head;

	(void)state;
	http_response_init(&r);
	assert_true(http_perform(h, &request, &r, &err));
	request.read = NULL;
	request.method = "POST";
	request.n_headers = 0;
	assert_true(http_perform(h, &request, &r, &err));
	assert_true(ask(h, "PUT", url(s, "/empty"), &r, &err));
	fake_server_stop(s);
	head = s->requests[0].head;
	assert_memory_equal(head,
	    "PUT /a/../b/./%2e?x=%2F&y= HTTP/1.1\r\n", 37);
	assert_non_null(strstr(head, "\r\nHost: elsewhere.example:81\r\n"));
	assert_non_null(strstr(head, "\r\nX-Empty:\r\n"));
	assert_non_null(strstr(head,
	    "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	assert_non_null(strstr(head, "\r\nContent-Length: 100000\r\n"));
	assert_null(strcasestr(head, "\r\nExpect"));
	assert_null(strcasestr(head, "\r\nTransfer-Encoding"));
	assert_int_equal(s->requests[0].body_len, 100000);
	assert_memory_equal(s->requests[0].body, "abcdefghijklmnopqrstuvwxyzab",
	    28);
	assert_memory_equal(s->requests[1].head, "POST ", 5);
	assert_non_null(strstr(s->requests[1].head, "\r\nContent-Length: 0\r\n"));
	assert_non_null(strstr(s->requests[2].head, "\r\nContent-Length: 0\r\n"));
	assert_null(strcasestr(s->requests[1].head, "\r\nContent-Type"));
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
}

static void
only_successful_bodies_go_to_write(void **state)
{
	static const struct fake_reply replies[] = {
		{ "HTTP/1.1 206 Partial\r\nContent-Length: 4\r\n\r\npart",
		  .after = FAKE_KEEP },
		{ "HTTP/1.1 503 Slow\r\nContent-Length: 4\r\n\r\nslow",
		  .after = FAKE_KEEP },
		{ OK_HI, .after = FAKE_KEEP },
	};
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct http *h = client(10);
	struct http_response r;
	struct download d = { .response = &r };
	const struct http_request request = { .method = "GET",
		.url = url(s, "/"), .write = download_write, .write_arg = &d };
	struct err err;

	(void)state;
	buf_init(&d.got, 100);
	http_response_init(&r);
	assert_true(http_perform(h, &request, &r, &err));
	assert_string_equal(buf_str(&d.got), "part");
	assert_int_equal(d.status, 206);
	assert_int_equal(r.body.len, 0);
	assert_true(http_perform(h, &request, &r, &err));
	assert_string_equal(buf_str(&d.got), "part");
	assert_string_equal(buf_str(&r.body), "slow");
	d.fail = true;
	assert_false(http_perform(h, &request, &r, &err));
	assert_int_equal(err.kind, ERR_DISK);
	assert_string_equal(err.message, "no room");
	fake_server_stop(s);
	fake_server_free(s);
	buf_free(&d.got);
	http_response_free(&r);
	http_free(h);
}

/* A server that closes kept connections is met with a new connection, and the
 * body starts again. */
static void
dead_connections_are_replaced(void **state)
{
	static const struct fake_reply replies[] = {
		{ OK_HI, .after = FAKE_CLOSE }, { OK_HI, .after = FAKE_CLOSE },
		{ OK_HI, .after = FAKE_RESET }, { OK_HI, .after = FAKE_CLOSE },
	};
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct http *h = client(10);
	struct http_response r;
	struct err err;
	int i;

	(void)state;
	http_response_init(&r);
	for (i = 0; i < 4; i++) {
		struct upload u = { .size = 3000 };
		const struct http_request request = { .method = "PUT",
			.url = url(s, "/"), .read = upload_read,
			.rewind = upload_rewind, .read_arg = &u,
			.body_size = u.size };

		if (!http_perform(h, &request, &r, &err))
			fail_msg("%s", err.message);
		assert_int_equal(r.status, 200);
	}
	fake_server_stop(s);
	assert_int_equal(s->n_requests, 4);
	assert_int_equal(s->requests[3].body_len, 3000);
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
}

static void
a_failing_body_aborts(void **state)
{
	static const struct fake_reply replies[] = {
		{ OK_HI, .after = FAKE_CLOSE }, { OK_HI, .after = FAKE_CLOSE },
	};
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct upload u = { .size = 5000, .fail_at = 2000 };
	struct http_request request = { .method = "PUT", .url = url(s, "/"),
		.read = upload_read, .read_arg = &u, .body_size = 5000 };
	struct http *h = client(10);
	struct http_response r;
	struct err err;

	(void)state;
	http_response_init(&r);
	assert_false(http_perform(h, &request, &r, &err));
	assert_int_equal(err.kind, ERR_CHANGED);
	assert_string_equal(err.message, "the file moved away");
	u = (struct upload){ .size = 3000 };
	assert_false(http_perform(h, &request, &r, &err));
	assert_int_equal(err.kind, ERR_INTERNAL);
	fake_server_stop(s);
	assert_int_equal(s->n_requests, 0);
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
}

static void
retry_after_in_both_forms(void **state)
{
	char dated[256], date[64];
	time_t then = time(NULL) + 100;
	struct fake_reply replies[] = {
		{ "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n"
		  "Content-Length: 0\r\n\r\n", .after = FAKE_KEEP },
		{ dated, .after = FAKE_KEEP },
		{ "HTTP/1.1 503 Busy\r\nRetry-After: 99999999999999999999\r\n"
		  "Content-Length: 0\r\n\r\n", .after = FAKE_KEEP },
		{ "HTTP/1.1 503 Busy\r\nRetry-After: soon\r\n"
		  "Content-Length: 0\r\n\r\n", .after = FAKE_KEEP },
	};
	struct fake_server *s;
	struct http *h = client(10);
	struct http_response r;
	struct err err;

	(void)state;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT",
	    gmtime(&then));
	snprintf(dated, sizeof(dated), "HTTP/1.1 429 Busy\r\nRetry-After: %s"
	    "\r\nContent-Length: 0\r\n\r\n", date);
	s = fake_server_start(replies, COUNT(replies));
	http_response_init(&r);
	assert_true(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(r.retry_after_ms, 7000);
	assert_true(ask(h, "GET", url(s, "/"), &r, &err));
	assert_in_range(r.retry_after_ms, 90000, 100000);
	assert_true(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(r.retry_after_ms, 86400000);
	assert_true(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(r.retry_after_ms, 0);
	fake_server_stop(s);
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
}

static void
cut_answers(void **state)
{
	static const struct fake_reply replies[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
		  .after = FAKE_CLOSE },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
		  .after = FAKE_RESET },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "4\r\nhalf\r\n", .after = FAKE_CLOSE },
		{ "", .after = FAKE_CLOSE },
		{ "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nhalf",
		  .after = FAKE_CLOSE },
		{ "SSH-2.0-OpenSSH_9\r\n", .after = FAKE_CLOSE },
	};
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct http *h = client(10);
	struct http_response r;
	struct err err;
	int i;

	(void)state;
	http_response_init(&r);
	for (i = 0; i < 4; i++) {
		assert_false(ask(h, "GET", url(s, "/?secret"), &r, &err));
		assert_int_equal(err.kind, ERR_NETWORK);
		assert_memory_equal(err.message, "127.0.0.1:", 10);
		assert_null(strstr(err.message, "secret"));
	}
	/* What the status says is enough to act upon. */
	assert_true(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(r.status, 403);
	assert_string_equal(buf_str(&r.body), "half");
	assert_false(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	fake_server_stop(s);
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
}

static void
unreachable_hosts(void **state)
{
	struct fake_server *s = fake_server_start(NULL, 0);
	struct http *h = client(10);
	struct http_response r;
	struct err err;
	char where[64];

	(void)state;
	snprintf(where, sizeof(where), "%s", url(s, "/"));
	fake_server_stop(s);
	fake_server_free(s);
	http_response_init(&r);
	assert_false(ask(h, "GET", where, &r, &err));
	assert_int_equal(err.kind, ERR_NETWORK);
	assert_true(err.hint[0] != '\0');
	assert_false(ask(h, "GET", "http://u:pw@no-host.invalid/x", &r, &err));
	assert_int_equal(err.kind, ERR_DNS);
	assert_non_null(strstr(err.message, "no-host.invalid"));
	assert_null(strstr(err.message, "pw"));
	assert_false(ask(h, "GET", "ftp://127.0.0.1/", &r, &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	assert_false(ask(h, "GET", "http://127.0.0.1:99999/", &r, &err));
	assert_int_equal(err.kind, ERR_URI);
	http_response_free(&r);
	http_free(h);
}

static void
silence_is_noticed(void **state)
{
	static const struct fake_reply replies[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
		  .after = FAKE_STALL },
	};
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct http *h = client(1);
	struct http_response r;
	uint64_t start = cancel_now();
	struct err err;

	(void)state;
	http_response_init(&r);
	assert_false(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(err.kind, ERR_NETWORK);
	assert_non_null(strstr(err.message, "nothing moved for 1 seconds"));
	assert_in_range((cancel_now() - start) / 1000000, 1000, 5000);
	fake_server_stop(s);
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
}

static void *
cancel_soon(void *arg)
{

	(void)arg;
	cancel_sleep(200);
	cancel_request();
	return NULL;
}

static void
a_stop_ends_the_wait(void **state)
{
	static const struct fake_reply replies[] = { { "", .after = FAKE_STALL } };
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct http *h = client(60);
	struct http_response r;
	uint64_t start = cancel_now();
	pthread_t thread;
	struct err err;

	(void)state;
	http_response_init(&r);
	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
	assert_false(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(err.kind, ERR_CANCELLED);
	assert_true(cancel_now() - start < 3000000000U);
	pthread_join(thread, NULL);
	assert_false(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(err.kind, ERR_CANCELLED);
	cancel_reset();
	fake_server_stop(s);
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
}

static void
long_answers_are_bounded(void **state)
{
	size_t len = ((size_t)1 << 20) + 1, head;
	char *text = calloc(1, len + 200);
	struct fake_reply replies[2] = { { text, .after = FAKE_KEEP } };
	struct fake_server *s;
	struct http *h = client(10);
	struct http_response r;
	struct err err;

	(void)state;
	assert_non_null(text);
	head = (size_t)sprintf(text, "HTTP/1.1 500 No\r\nContent-Length: %zu"
	    "\r\n\r\n", len);
	memset(text + head, 'x', len);
	replies[1] = replies[0];
	http_response_init(&r);
	s = fake_server_start(replies, 2);
	assert_true(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(r.body.len, (size_t)1 << 20);
	memcpy(text + 9, "200", 3);
	assert_false(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	fake_server_stop(s);
	fake_server_free(s);
	free(text);
	http_response_free(&r);
	http_free(h);
}

static void
headers_cannot_be_smuggled(void **state)
{
	static const char *const bad[][2] = {
		{ "X-A", "one\r\nX-B: two" }, { "X-A", "one\ntwo" },
		{ "X-A\r\nX-B", "one" }, { "X-A: one", "two" },
	};
	struct fake_server *s = fake_server_start(NULL, 0);
	struct http *h = client(10);
	struct http_response r;
	struct err err;
	size_t i;

	(void)state;
	http_response_init(&r);
	for (i = 0; i < COUNT(bad); i++) {
		const struct http_header header = { bad[i][0], bad[i][1] };
		const struct http_request request = { .method = "GET",
			.url = url(s, "/"), .headers = &header,
			.n_headers = 1 };

		assert_false(http_perform(h, &request, &r, &err));
		assert_int_equal(err.kind, ERR_CONFIG);
	}
	fake_server_stop(s);
	assert_int_equal(s->n_connections, 0);
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
}

static void
redirects_are_joined_not_followed(void **state)
{
	static const struct fake_reply replies[] = {
		{ "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
		  "Content-Length: 0\r\n\r\n", .after = FAKE_KEEP },
		{ OK_HI, .after = FAKE_KEEP },
	};
	static const struct {
		const char *base, *location, *want;
	} cases[] = {
		{ "http://a.example:81/x/y?q", "/z", "http://a.example:81/z" },
		{ "http://a.example/x/y?q", "z", "http://a.example/x/z" },
		{ "https://a.example/x", "//b.example/%2f?a=%2B&b",
		  "https://b.example/%2f?a=%2B&b" },
		{ "http://a.example/x", "https://b.example/a/../c",
		  "https://b.example/a/../c" },
		{ "https://a.example/x", "http://b.example/", NULL },
		{ "HTTPS://a.example/x", "http://b.example/", NULL },
		{ "http://a.example/x", "file:///etc/passwd", NULL },
		{ "http://a.example/x", "ftp://b.example/", NULL },
		{ "http://a.example/x", "http://:99/", NULL },
	};
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct http *h = client(10);
	struct http_response r;
	struct err err;
	size_t i;

	(void)state;
	http_response_init(&r);
	assert_true(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(r.status, 302);
	fake_server_stop(s);
	assert_int_equal(s->n_requests, 1);
	fake_server_free(s);
	http_response_free(&r);
	http_free(h);
	for (i = 0; i < COUNT(cases); i++) {
		struct buf out;

		buf_init(&out, 200);
		if (cases[i].want == NULL) {
			assert_false(http_redirect(cases[i].base,
			    cases[i].location, &out, &err));
			assert_int_equal(err.kind, ERR_UNSUPPORTED);
		} else {
			assert_true(http_redirect(cases[i].base,
			    cases[i].location, &out, &err));
			assert_string_equal(buf_str(&out), cases[i].want);
		}
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(bodies_are_sent),
		cmocka_unit_test(only_successful_bodies_go_to_write),
		cmocka_unit_test(dead_connections_are_replaced),
		cmocka_unit_test(a_failing_body_aborts),
		cmocka_unit_test(retry_after_in_both_forms),
		cmocka_unit_test(cut_answers),
		cmocka_unit_test(unreachable_hosts),
		cmocka_unit_test(silence_is_noticed),
		cmocka_unit_test(a_stop_ends_the_wait),
		cmocka_unit_test(long_answers_are_bounded),
		cmocka_unit_test(headers_cannot_be_smuggled),
		cmocka_unit_test(redirects_are_joined_not_followed),
	};

	setenv("no_proxy", "*", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
