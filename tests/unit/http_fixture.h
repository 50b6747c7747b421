/*
 * What the tests of net/http share.  Header-only, because each unit test is one
 * source file.
 */
#ifndef UNIT_HTTP_FIXTURE_H
#define UNIT_HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http.h"

#include "fake_server.h"

#define OK_HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline struct http *
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

static inline const char *
url(const struct fake_server *s, const char *path)
{
	static char text[512];

	snprintf(text, sizeof(text), "http://127.0.0.1:%u%s", s->port, path);
	return text;
}

/* A request without headers or body. */
static inline bool
ask(struct http *h, const char *method, const char *where,
    struct http_response *r, struct err *err)
{
	const struct http_request request = { .method = method, .url = where };

	return http_perform(h, &request, r, err);
}

#endif
