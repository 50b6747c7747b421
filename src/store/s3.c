#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "store/s3.h"
#include "store/s3_config.h"

#define LOW_SPEED_SECONDS 60
#define CONNECT_TIMEOUT_MS 15000

static void
s3_free(struct store *store)
{
	struct s3 *s = (struct s3 *)store;

	s3_config_free(s);
	free(s);
}

static struct store_session *
s3_session_new(struct store *s, struct err *err)
{
	uint64_t stall = s->options.stall_seconds != 0 ?
	    s->options.stall_seconds : LOW_SPEED_SECONDS;
	const struct http_options options = {
		.low_speed_seconds = stall,
		.connect_timeout_ms = stall * 1000 < CONNECT_TIMEOUT_MS ?
		    stall * 1000 : CONNECT_TIMEOUT_MS,
		.bytes_per_second = s->options.bytes_per_second,
		.despite_cancel = s->options.despite_cancel,
	};
	struct s3_session *ss;

	if ((ss = calloc(1, sizeof(*ss))) == NULL) {
		err_nomem(err, s->name);
		return NULL;
	}
	if ((ss->http = http_new(&options, err)) == NULL) {
		free(ss);
		return NULL;
	}
	ss->base.store = s;
	http_response_init(&ss->response);
	return &ss->base;
}

static void
s3_session_free(struct store_session *session)
{
	struct s3_session *ss = (struct s3_session *)session;

	http_free(ss->http);
	http_response_free(&ss->response);
	free(ss);
}

static const char *
s3_reason(const struct store_session *session)
{

	return ((const struct s3_session *)session)->code;
}

void
s3_retry_init(const struct s3_session *ss, struct retry *r)
{

	retry_init(r, ss->base.store->options.patience_ms);
}

bool
s3_retry(struct s3_session *ss, struct retry *r, struct err *err)
{

	return retry_wait(r, ss->base.store->name,
	    ss->response.retry_after_ms, err);
}

void
s3_etag(struct s3_session *ss, char out[STORE_ETAG_MAX])
{

	if (ss->redirected)
		memcpy(out, ss->redirect_etag, STORE_ETAG_MAX);
	else if (!http_response_header(&ss->response, "etag", out,
	    STORE_ETAG_MAX))
		out[0] = '\0';
}

bool
s3_send(struct s3_session *ss, const struct s3_request *request,
    struct err *err)
{
	struct retry retry;

	s3_retry_init(ss, &retry);
	for (;;) {
		bool ok = s3_send_once(ss, request, err);

		if (ok && ss->response.status >= 200 &&
		    ss->response.status < 300) {
			retry_reset(&retry);
			return true;
		}
		if (ok)
			s3_error(ss, request, err);
		if (!s3_retry(ss, &retry, err))
			return false;
		if (request->rewind != NULL)
			request->rewind(request->read_arg);
	}
}

static bool
s3_delete(struct store_session *session, const char *key, struct err *err)
{
	struct s3_session *ss = (struct s3_session *)session;
	const struct s3_request request = { .method = "DELETE", .key = key,
		.what = "cannot remove" };

	return s3_send(ss, &request, err) ||
	    (err->code == 404 && strcmp(ss->code, "NoSuchBucket") != 0);
}

/* One key of the listing is enough to know that there is a bucket, and that
 * the keys are right. */
static bool
probe_read(struct s3_session *ss, struct err *err)
{
	static const char listing[] = "ListBucketResult";
	const struct s3 *s = (struct s3 *)ss->base.store;
	const struct sigv4_param params[] = {
		{ "list-type", "2" }, { "max-keys", "1" },
		{ "prefix", s->prefix },
	};
	const struct s3_request request = { .method = "GET",
		.what = "cannot list", .params = params, .n_params = 3 };

	if (!s3_send(ss, &request, err))
		return false;
	if (ss->response.body.len > 0 && memmem(ss->response.body.data,
	    ss->response.body.len, listing, sizeof(listing) - 1) != NULL)
		return true;
	err_set(err, ERR_UNSUPPORTED, "cannot list %s: the answer is no "
	    "listing", s->base.name);
	return err_hint(err, "is AWS_ENDPOINT_URL_S3 an S3 endpoint?");
}

static bool
no_body(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{

	(void)arg;
	(void)offset;
	memset(data, 0, len);
	(void)err;
	return true;
}

static bool
probe_write(struct s3_session *ss, struct err *err)
{
	char name[FILE_TEMP_NAME_SIZE], etag[STORE_ETAG_MAX];
	struct store_put put = { .key = name, .body = { .read = no_body } };
	struct err ignored;

	if (!file_temp_name(name, err) || !s3_put(&ss->base, &put, etag, err))
		return false;
	if (!s3_delete(&ss->base, name, &ignored))
		log_warning("%s: the test object %s could not be removed: %s",
		    ss->base.store->name, name, ignored.message);
	return true;
}

static bool
s3_probe(struct store_session *session, bool write, struct err *err)
{
	struct s3_session *ss = (struct s3_session *)session;

	return probe_read(ss, err) && (!write || probe_write(ss, err));
}

static const struct store_driver s3_driver = {
	.free = s3_free,
	.session_new = s3_session_new,
	.session_free = s3_session_free,
	.reason = s3_reason,
	.probe = s3_probe,
	.list = s3_list,
	.head = s3_head,
	.get = s3_get,
	.put = s3_put,
	.delete = s3_delete,
	.file_open = s3_file_open,
	.file_read = s3_file_read,
	.file_unchanged = s3_file_unchanged,
	.file_close = s3_file_close,
};

static bool
set_names(struct s3 *s, struct err *err)
{
	int name_len = (int)strlen(s->prefix);

	/* Without the prefix's last slash. */
	if (name_len > 0)
		name_len--;
	if (asprintf(&s->base.name, "s3://%s%s%.*s", s->bucket,
	    name_len > 0 ? "/" : "", name_len, s->prefix) < 0) {
		s->base.name = NULL;
		return err_nomem(err, "S3 store");
	}
	if (asprintf(&s->base.identity, "s3:%s%s/%s/%s", s->host, s->path,
	    s->bucket, s->prefix) < 0) {
		s->base.identity = NULL;
		return err_nomem(err, "S3 store");
	}
	if (asprintf(&s->base.endpoint, "%s://%s%s", s->scheme, s->host,
	    s->path) < 0) {
		s->base.endpoint = NULL;
		return err_nomem(err, "S3 store");
	}
	return true;
}

struct store *
s3_open(const char *rest, const struct store_options *options,
    struct err *err)
{
	struct s3 *s;

	if (!http_global_init(err))
		return NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_nomem(err, "S3 store");
		return NULL;
	}
	s->base.driver = &s3_driver;
	s->base.options = *options;
	if (!s3_config_read(s, rest, err) || !set_names(s, err)) {
		store_free(&s->base);
		return NULL;
	}
	if (!options->quiet && strcmp(s->scheme, "http") == 0 &&
	    !s3_config_is_loopback(s->host))
		log_warning("%s: the endpoint %s is plain http: files and "
		    "their names can be read on the way", s->base.name,
		    s->host);
	return &s->base;
}
