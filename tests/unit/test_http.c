#include "http_fixture.h"

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

/* A server that closes kept connections is met with a new connection, at once
 * or by whoever tries again, and the body starts again. */
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

		/* Told in the middle of the body, it is an error like another,
		 * worth a second try. */
		if (!http_perform(h, &request, &r, &err)) {
			assert_int_equal(err.kind, ERR_NETWORK);
			u = (struct upload){ .size = 3000 };
			if (!http_perform(h, &request, &r, &err))
				fail_msg("%s", err.message);
		}
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

/* A server need not listen to the end before it refuses. */
static void
early_answers_count(void **state)
{
	static const struct fake_reply replies[] = {
		{ "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"
		  "Content-Length: 2\r\n\r\nno", .early = true },
	};
	struct fake_server *s = fake_server_start(replies, COUNT(replies));
	struct upload u = { .size = 50 << 20 };
	const struct http_request request = { .method = "PUT",
		.url = url(s, "/"), .read = upload_read,
		.rewind = upload_rewind, .read_arg = &u, .body_size = u.size };
	struct http *h = client(10);
	struct http_response r;
	struct err err;

	(void)state;
	http_response_init(&r);
	if (!http_perform(h, &request, &r, &err))
		fail_msg("%s", err.message);
	assert_int_equal(r.status, 403);
	assert_string_equal(buf_str(&r.body), "no");
	assert_true(u.at < u.size);
	fake_server_stop(s);
	fake_server_free(s);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(bodies_are_sent),
		cmocka_unit_test(only_successful_bodies_go_to_write),
		cmocka_unit_test(dead_connections_are_replaced),
		cmocka_unit_test(a_failing_body_aborts),
		cmocka_unit_test(early_answers_count),
		cmocka_unit_test(headers_cannot_be_smuggled),
	};

	setenv("no_proxy", "*", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
