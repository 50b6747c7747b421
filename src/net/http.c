#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/cancel.h"
#include "net/http_response.h"

#define CURL_BUFFER (128L << 10)

struct http {
	CURL *easy;
	struct http_options options;
	char message[CURL_ERROR_SIZE];
	char host[256];		/* of the last request, for messages */
	char reached[256];	/* the host that answered last */
	/* The request that is being performed. */
	const struct http_request *request;
	struct http_response *response;
	struct err *err;
	bool failed;		/* a callback set *err */
	bool stalled;
	uint64_t left;		/* of the request's body */
	uint64_t moved_at;	/* cancel_now() when bytes last moved */
	curl_off_t moved;
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_rc;

static void
global_init(void)
{

	global_rc = curl_global_init(CURL_GLOBAL_ALL);
}

bool
http_global_init(struct err *err)
{

	pthread_once(&global_once, global_init);
	if (global_rc != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "libcurl: %s",
		    curl_easy_strerror(global_rc));
	return true;
}

struct http *
http_new(const struct http_options *options, struct err *err)
{
	struct http *h;

	if (!http_global_init(err))
		return NULL;
	if ((h = calloc(1, sizeof(*h))) == NULL) {
		err_nomem(err, "http");
		return NULL;
	}
	if ((h->easy = curl_easy_init()) == NULL) {
		err_nomem(err, "libcurl");
		free(h);
		return NULL;
	}
	h->options = *options;
	return h;
}

void
http_free(struct http *h)
{

	if (h == NULL)
		return;
	curl_easy_cleanup(h->easy);
	free(h);
}

static void
moved(struct http *h)
{

	h->moved_at = cancel_now();
}

static size_t
on_read(char *data, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	size_t got = 0, room = size * n;

	if (room > h->left)
		room = (size_t)h->left;
	if (room == 0)
		return 0;
	if (!h->request->read(h->request->read_arg, data, room, &got, h->err)) {
		h->failed = true;
		return CURL_READFUNC_ABORT;
	}
	if (got == 0 || got > room) {
		err_set(h->err, ERR_INTERNAL, "%s: the request's body is not "
		    "as long as it was said to be", h->host);
		h->failed = true;
		return CURL_READFUNC_ABORT;
	}
	h->left -= got;
	moved(h);
	return got;
}

static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	struct http *h = arg;

	if (origin != SEEK_SET || offset != 0 || h->request->rewind == NULL)
		return CURL_SEEKFUNC_CANTSEEK;
	h->request->rewind(h->request->read_arg);
	h->left = h->request->body_size;
	return CURL_SEEKFUNC_OK;
}

static bool
is_success(long status)
{

	return status >= 200 && status < 300;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	struct buf *body = &h->response->body;
	bool success = is_success(h->response->status), ok = true;
	size_t len = size * n, keep = len;

	if (success && h->request->write != NULL) {
		ok = h->request->write(h->request->write_arg, data, len,
		    h->err);
	} else {
		if (keep > body->max - body->len) {
			keep = body->max - body->len;
			ok = !success || err_set(h->err, ERR_DAMAGED,
			    "%s: the answer is longer than %zu bytes",
			    h->host, body->max);
		}
		if (ok && !buf_append(body, data, keep))
			ok = err_nomem(h->err, "answer");
	}
	moved(h);
	if (ok)
		return len;
	h->failed = true;
	return len + 1;
}

/* The status of a line "HTTP/1.1 200 OK"; libcurl has checked its form. */
static long
status_of(const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	long status = 0;

	if (space == NULL)
		return 0;
	for (space++; space < line + len && *space >= '0' && *space <= '9' &&
	    status < 1000; space++)
		status = status * 10 + (*space - '0');
	return status;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	size_t len = size * n;

	if (len > 5 && strncmp(data, "HTTP/", 5) == 0) {
		/* A new answer: what came before was 1xx. */
		buf_reset(&h->response->headers);
		h->response->status = status_of(data, len);
	} else {
		http_response_keep(h->response, data, len);
	}
	moved(h);
	return len;
}

static int
on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
    curl_off_t ulnow)
{
	struct http *h = arg;
	uint64_t limit = h->options.low_speed_seconds * 1000000000ULL;

	(void)dltotal;
	(void)ultotal;
	if (cancel_requested() && !h->options.despite_cancel) {
		cancel_err(h->err);
		h->failed = true;
		return 1;
	}
	if (dlnow + ulnow != h->moved) {
		h->moved = dlnow + ulnow;
		moved(h);
	} else if (limit > 0 && cancel_now() - h->moved_at > limit) {
		h->stalled = true;
		return 1;
	}
	return 0;
}

static bool
add_header(struct curl_slist **list, const char *name, const char *value,
    struct err *err)
{
	struct curl_slist *longer;
	char line[HTTP_HEADER_LINE_MAX];
	int n;

	if (strpbrk(name, "\r\n:") != NULL || strpbrk(value, "\r\n") != NULL)
		return err_set(err, ERR_CONFIG,
		    "the header %s would hold a line break", name);
	/* libcurl's way to send an empty header is a semicolon. */
	n = *value == '\0' ? snprintf(line, sizeof(line), "%s;", name) :
	    snprintf(line, sizeof(line), "%s: %s", name, value);
	if (n < 0 || (size_t)n >= sizeof(line))
		return err_set(err, ERR_TOO_LARGE, "the header %s is longer "
		    "than %zu bytes", name, sizeof(line));
	if ((longer = curl_slist_append(*list, line)) == NULL)
		return err_nomem(err, "headers");
	*list = longer;
	return true;
}

static bool
make_headers(const struct http_request *request, struct curl_slist **list,
    struct err *err)
{
	struct curl_slist *longer;
	size_t i;

	*list = NULL;
	for (i = 0; i < request->n_headers; i++) {
		if (!add_header(list, request->headers[i].name,
		    request->headers[i].value, err))
			goto fail;
	}
	/* No round trip before the body. */
	if ((longer = curl_slist_append(*list, "Expect:")) == NULL) {
		err_nomem(err, "headers");
		goto fail;
	}
	*list = longer;
	return true;

fail:
	curl_slist_free_all(*list);
	*list = NULL;
	return false;
}

/* What is the same for every request. */
static void
set_constant_options(struct http *h)
{
	CURL *c = h->easy;
	const struct http_options *o = &h->options;

	/* None of these can fail in the libcurl we require, except the two
	 * that copy a string: checked. */
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, CURL_BUFFER);
	curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, CURL_BUFFER);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->message);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
	    o->connect_timeout_ms == 0 ? 30000L : (long)o->connect_timeout_ms);
	curl_easy_setopt(c, CURLOPT_MAX_SEND_SPEED_LARGE,
	    (curl_off_t)o->bytes_per_second);
	curl_easy_setopt(c, CURLOPT_MAX_RECV_SPEED_LARGE,
	    (curl_off_t)o->bytes_per_second);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(c, CURLOPT_READDATA, h);
	curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(c, CURLOPT_SEEKDATA, h);
}

static CURLcode
set_request_options(struct http *h, struct curl_slist *headers)
{
	const struct http_request *r = h->request;
	bool sends = r->read != NULL || strcmp(r->method, "PUT") == 0 ||
	    strcmp(r->method, "POST") == 0;
	const char *authorities = getenv("SSL_CERT_FILE");
	CURL *c = h->easy;
	CURLcode rc;

	curl_easy_reset(c);
	set_constant_options(h);
	/* libcurl alone does not look at it, unlike its command. */
	if (authorities != NULL && *authorities != '\0' &&
	    (rc = curl_easy_setopt(c, CURLOPT_CAINFO, authorities)) != CURLE_OK)
		return rc;
	if ((rc = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https")) !=
	    CURLE_OK ||
	    (rc = curl_easy_setopt(c, CURLOPT_USERAGENT,
	    "spaceferry/" SF_VERSION)) != CURLE_OK ||
	    (rc = curl_easy_setopt(c, CURLOPT_URL, r->url)) != CURLE_OK)
		return rc;
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	if (sends) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE,
		    (curl_off_t)h->left);
	} else if (strcmp(r->method, "HEAD") == 0) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
		return CURLE_OK;
	} else {
		curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	}
	return curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
}

static enum err_kind
kind_of(const struct http *h, CURLcode rc)
{

	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		/* It has a name if it has answered before. */
		return strcmp(h->host, h->reached) == 0 ? ERR_NETWORK : ERR_DNS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		return ERR_DENIED;
	case CURLE_URL_MALFORMAT:
		return ERR_URI;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_BAD_FUNCTION_ARGUMENT:
		return ERR_UNSUPPORTED;
	case CURLE_OUT_OF_MEMORY:
		return ERR_NOMEM;
	default:
		return ERR_NETWORK;
	}
}

static bool
explain(struct http *h, CURLcode rc)
{
	enum err_kind kind = kind_of(h, rc);
	const char *message = h->message[0] != '\0' ? h->message :
	    curl_easy_strerror(rc);

	if (h->stalled) {
		err_set(h->err, ERR_NETWORK,
		    "%s: nothing moved for %llu seconds", h->host,
		    (unsigned long long)h->options.low_speed_seconds);
		return false;
	}
	err_set(h->err, kind, "%s: %s", h->host, message);
	if (h->err != NULL)
		h->err->code = (int)rc;
	if (kind == ERR_DNS)
		err_hint(h->err, "check the host name and this machine's DNS");
	else if (kind == ERR_DENIED)
		err_hint(h->err, "the host's certificate was not accepted: "
		    "check the name, the clock, and the ca-certificates "
		    "package (SSL_CERT_FILE for an authority of your own)");
	else if (rc == CURLE_SSL_CONNECT_ERROR)
		err_hint(h->err, "is it really https that answers there?");
	else if (rc == CURLE_COULDNT_CONNECT)
		err_hint(h->err, "check host and port, and that a firewall "
		    "lets this machine out");
	return false;
}

bool
http_perform(struct http *h, const struct http_request *request,
    struct http_response *response, struct err *err)
{
	struct curl_slist *headers;
	CURLcode rc;

	http_response_reset(response);
	http_host_of(request->url, h->host, sizeof(h->host));
	if (cancel_requested() && !h->options.despite_cancel)
		return cancel_err(err);
	if (!make_headers(request, &headers, err))
		return false;
	h->request = request;
	h->response = response;
	h->err = err;
	h->failed = h->stalled = false;
	h->left = request->read != NULL ? request->body_size : 0;
	h->moved = 0;
	h->message[0] = '\0';
	moved(h);
	if ((rc = set_request_options(h, headers)) == CURLE_OK)
		rc = curl_easy_perform(h->easy);
	/* The list must not outlive its use by the handle. */
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	if (h->failed)
		return false;
	if (rc != CURLE_OK && (response->status < 400 || h->stalled))
		return explain(h, rc);
	if (response->status == 0)
		return err_set(err, ERR_NETWORK, "%s: no answer", h->host);
	memcpy(h->reached, h->host, sizeof(h->reached));
	http_response_retry_after(response);
	return true;
}
