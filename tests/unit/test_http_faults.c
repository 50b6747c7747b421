#include <time.h>

#include "http_fixture.h"

#include "base/cancel.h"

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
	char where[512];

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
	char *text = calloc(2, len + 200), *second = text + len + 200;
	const struct fake_reply replies[] = {
		{ text, .after = FAKE_KEEP }, { second, .after = FAKE_KEEP },
	};
	struct fake_server *s;
	struct http *h = client(10);
	struct http_response r;
	struct err err;

	(void)state;
	assert_non_null(text);
	head = (size_t)sprintf(text, "HTTP/1.1 500 No\r\nContent-Length: %zu"
	    "\r\n\r\n", len);
	memset(text + head, 'x', len);
	memcpy(second, text, head + len);
	memcpy(second + 9, "200", 3);
	http_response_init(&r);
	s = fake_server_start(replies, 2);
	assert_true(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(r.body.len, (size_t)1 << 20);
	assert_false(ask(h, "GET", url(s, "/"), &r, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	fake_server_stop(s);
	fake_server_free(s);
	free(text);
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
		cmocka_unit_test(retry_after_in_both_forms),
		cmocka_unit_test(cut_answers),
		cmocka_unit_test(unreachable_hosts),
		cmocka_unit_test(silence_is_noticed),
		cmocka_unit_test(a_stop_ends_the_wait),
		cmocka_unit_test(long_answers_are_bounded),
		cmocka_unit_test(redirects_are_joined_not_followed),
	};

	setenv("no_proxy", "*", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
