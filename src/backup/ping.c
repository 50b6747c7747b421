#include <string.h>
#include <time.h>

#include "backup/ping.h"
#include "net/http.h"

#define URL_LONGEST ((size_t)16 * 1024)
#define CONNECT_MS 5000
#define SILENCE_S 5
#define TRIES 3			/* of how it ended; a start is told once */

struct body {
	const char *text;
	size_t len, at;
};

static bool
read_body(void *arg, void *data, size_t size, size_t *got, struct err *err)
{
	struct body *b = arg;
	size_t n = b->len - b->at < size ? b->len - b->at : size;

	(void)err;
	memcpy(data, b->text + b->at, n);
	b->at += n;
	*got = n;
	return true;
}

static void
rewind_body(void *arg)
{
	struct body *b = arg;

	b->at = 0;
}

/* "https://h/uuid?rid=1" and "/fail": "https://h/uuid/fail?rid=1" */
static bool
make_url(const char *url, const char *suffix, struct buf *out)
{
	size_t len = strcspn(url, "?#"), path = len;

	while (path > 0 && url[path - 1] == '/' && suffix[0] != '\0')
		path--;
	return buf_append(out, url, path) && buf_append_str(out, suffix) &&
	    buf_append(out, url + len, strcspn(url + len, "#"));
}

static bool
send_once(struct http *h, const char *url, const char *text, struct err *err)
{
	static const struct http_header type = { "Content-Type",
	    "text/plain; charset=utf-8" };
	struct body body = { text, strlen(text), 0 };
	struct http_request request = {
		.method = "POST", .url = url, .headers = &type, .n_headers = 1,
		.read = read_body, .rewind = rewind_body, .read_arg = &body,
		.body_size = body.len,
	};
	struct http_response response;
	bool ok;

	http_response_init(&response);
	ok = http_perform(h, &request, &response, err);
	if (ok && (response.status < 200 || response.status > 299)) {
		ok = err_set(err, response.status >= 500 ||
		    response.status == 429 ? ERR_THROTTLED : ERR_REFUSED,
		    "the answer was status %ld", response.status);
		err_hint(err, "is the URL complete, and does it lead nowhere "
		    "else?");
	}
	http_response_free(&response);
	return ok;
}

/* Not cancel_sleep(): a stop is just what is to be told. */
static void
pause_s(void)
{
	struct timespec t = { 1, 0 };

	nanosleep(&t, NULL);
}

bool
ping_send(const char *url, enum ping_event event, const char *text,
    struct err *err)
{
	static const char *const suffixes[] = {
		[PING_START] = "/start", [PING_SUCCESS] = "",
		[PING_FAILURE] = "/fail",
	};
	struct http_options options = { .connect_timeout_ms = CONNECT_MS,
	    .low_speed_seconds = SILENCE_S, .despite_cancel = true };
	struct http *h = NULL;
	struct buf full;
	unsigned left = event == PING_START ? 1 : TRIES;
	bool ok = false;

	buf_init(&full, URL_LONGEST);
	if (!make_url(url, suffixes[event], &full) || buf_str(&full) == NULL)
		err_nomem(err, "ping");
	else if ((h = http_new(&options, err)) != NULL)
		while (!(ok = send_once(h, buf_str(&full), text, err)) &&
		    --left > 0 && err_retryable(err->kind))
			pause_s();
	http_free(h);
	buf_free_secret(&full);
	return ok || err_prefix(err, "--ping");
}
