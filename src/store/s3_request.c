#include <string.h>
#include <time.h>

#include "store/s3.h"

#define URL_MAX ((size_t)32 << 10)
#define AUTHORIZATION_MAX ((size_t)4 << 10)
#define HOPS_MAX 5

/* What one signed request needs while it is being sent. */
struct signed_request {
	struct buf path, query, url, authorization;
	char date[SIGV4_DATE_SIZE];
	char payload[2 * HASH_SHA256_SIZE + 1];
	struct http_header headers[SIGV4_HEADERS_MAX];
	size_t n_headers;
};

static void
signed_init(struct signed_request *q)
{

	memset(q, 0, sizeof(*q));
	buf_init(&q->path, URL_MAX);
	buf_init(&q->query, URL_MAX);
	buf_init(&q->url, 2 * URL_MAX);
	buf_init(&q->authorization, AUTHORIZATION_MAX);
}

static void
signed_free(struct signed_request *q)
{

	buf_free(&q->path);
	buf_free(&q->query);
	buf_free(&q->url);
	buf_free_secret(&q->authorization);
}

static bool
make_url(const struct s3 *s, const struct s3_request *r,
    struct signed_request *q)
{

	if (!buf_printf(&q->path, "%s/%s", s->path, s->bucket))
		return false;
	if (r->key != NULL && (!buf_append_byte(&q->path, '/') ||
	    !sigv4_encode(&q->path, s->prefix, true) ||
	    !sigv4_encode(&q->path, r->key, true)))
		return false;
	return sigv4_query(&q->query, r->params, r->n_params) &&
	    buf_str(&q->path) != NULL && buf_str(&q->query) != NULL &&
	    buf_printf(&q->url, "%s://%s%s%s%s", s->scheme, s->host,
	    (const char *)q->path.data, q->query.len > 0 ? "?" : "",
	    (const char *)q->query.data) && buf_str(&q->url) != NULL;
}

static void
add_header(struct signed_request *q, const char *name, const char *value)
{

	q->headers[q->n_headers].name = name;
	q->headers[q->n_headers++].value = value;
}

static bool
make_signed(const struct s3 *s, const struct s3_request *r,
    struct signed_request *q, struct err *err)
{
	const struct sigv4_scope scope = { .access_key = s->access_key,
		.secret_key = s->secret_key, .region = s->region,
		.service = "s3" };
	struct sigv4_request to_sign;
	uint8_t digest[HASH_SHA256_SIZE];
	size_t i;

	if (!make_url(s, r, q) ||
	    (r->sha256 == NULL && !hash_sha256("", 0, digest)))
		return err_nomem(err, "request");
	hash_hex(r->sha256 != NULL ? r->sha256 : digest, sizeof(digest),
	    q->payload);
	sigv4_date(time(NULL), q->date);
	add_header(q, "Host", s->host);
	add_header(q, "x-amz-content-sha256", q->payload);
	add_header(q, "x-amz-date", q->date);
	if (s->token != NULL)
		add_header(q, "x-amz-security-token", s->token);
	for (i = 0; i < r->n_headers; i++)
		add_header(q, r->headers[i].name, r->headers[i].value);
	to_sign = (struct sigv4_request){ .method = r->method,
		.path = (const char *)q->path.data,
		.query = (const char *)q->query.data, .date = q->date,
		.payload = q->payload, .headers = q->headers,
		.n_headers = q->n_headers };
	if (!sigv4_sign(&scope, &to_sign, &q->authorization, err))
		return false;
	if (buf_str(&q->authorization) == NULL)
		return err_nomem(err, "request");
	add_header(q, "Authorization", (const char *)q->authorization.data);
	return true;
}

/* S3's own way to say "another region" is an error, not a way to follow. */
static bool
is_redirect(const struct s3_session *ss)
{
	static const char elsewhere[] = "Redirect</Code>";
	long status = ss->response.status;

	return (status == 301 || status == 302 || status == 303 ||
	    status == 307 || status == 308) &&
	    (ss->response.body.len == 0 || memmem(ss->response.body.data,
	    ss->response.body.len, elsewhere, sizeof(elsewhere) - 1) == NULL);
}

static bool
may_follow(const struct s3_request *r)
{

	return r->key != NULL && (strcmp(r->method, "GET") == 0 ||
	    strcmp(r->method, "HEAD") == 0);
}

/* A gateway may send readers to a content network.  The signature, the token
 * and all else that is ours stay behind. */
static bool
follow(struct s3_session *ss, const struct s3_request *r, struct buf *url,
    struct err *err)
{
	struct http_request request = { .method = r->method,
		.write = r->write, .write_arg = r->write_arg };
	struct http_header range;
	char location[8192];
	struct buf next;
	size_t i;
	int hop;
	bool ok = true;

	for (i = 0; i < r->n_headers; i++) {
		if (strcmp(r->headers[i].name, "Range") == 0) {
			range = r->headers[i];
			request.headers = &range;
			request.n_headers = 1;
		}
	}
	buf_init(&next, URL_MAX);
	for (hop = 0; ok && is_redirect(ss); hop++) {
		if (!http_response_header(&ss->response, "location", location,
		    sizeof(location)))
			break;
		if (hop == 0)
			s3_etag(ss, ss->redirect_etag);
		ss->redirected = true;
		if (hop == HOPS_MAX) {
			ok = err_set(err, ERR_UNSUPPORTED, "more than %d "
			    "redirects", HOPS_MAX);
			break;
		}
		buf_reset(&next);
		ok = http_redirect((const char *)url->data, location, &next,
		    err);
		if (!ok)
			break;
		buf_reset(url);
		ok = buf_append(url, next.data, next.len) &&
		    buf_str(url) != NULL;
		if (!ok)
			err_nomem(err, "URL");
		request.url = (const char *)url->data;
		ok = ok && http_perform(ss->http, &request, &ss->response,
		    err);
	}
	buf_free(&next);
	return ok;
}

bool
s3_send_once(struct s3_session *ss, const struct s3_request *r,
    struct err *err)
{
	const struct s3 *s = (struct s3 *)ss->base.store;
	struct http_request request = {
		.method = r->method, .read = r->read, .rewind = r->rewind,
		.read_arg = r->read_arg, .body_size = r->body_size,
		.write = r->write, .write_arg = r->write_arg,
	};
	struct signed_request q;
	bool ok = false;

	ss->code[0] = '\0';
	ss->redirected = false;
	ss->response.retry_after_ms = 0;
	if (r->key != NULL &&
	    strlen(s->prefix) + strlen(r->key) > S3_KEY_MAX)
		return err_set(err, ERR_REFUSED, "%s: the key %s is longer "
		    "than %d bytes", s->base.name, r->key, S3_KEY_MAX);
	signed_init(&q);
	if (!make_signed(s, r, &q, err))
		goto out;
	request.url = (const char *)q.url.data;
	request.headers = q.headers;
	request.n_headers = q.n_headers;
	ok = http_perform(ss->http, &request, &ss->response, err) &&
	    (!may_follow(r) || follow(ss, r, &q.url, err));
	if (ok)
		goto out;
	if (err_retryable(err->kind) || err->kind == ERR_DNS ||
	    err->kind == ERR_UNSUPPORTED || err->kind == ERR_DENIED)
		err_prefix(err, "%s", s->base.name);
	err->code = 0;
out:
	signed_free(&q);
	return ok;
}
