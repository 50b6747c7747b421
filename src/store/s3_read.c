#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/s3.h"

#define WINDOW ((size_t)1 << 20)

static bool
response_number(struct s3_session *ss, const char *name, uint64_t *out)
{
	char value[32], *end;

	if (!http_response_header(&ss->response, name, value, sizeof(value)) ||
	    *value < '0' || *value > '9')
		return false;
	*out = strtoull(value, &end, 10);
	return *end == '\0';
}

/* "bytes 5-9/10": where the answer begins and how long the object is. */
static bool
response_range(struct s3_session *ss, uint64_t *first, uint64_t *total)
{
	char value[96];
	int used = 0;

	return http_response_header(&ss->response, "content-range", value,
	    sizeof(value)) && sscanf(value, "bytes %" SCNu64 "-%*[0-9]/%"
	    SCNu64 "%n", first, total, &used) == 2 && value[used] == '\0';
}

static int64_t
response_time(struct s3_session *ss, const char *name)
{
	char value[64];
	struct tm tm = { 0 };

	if (!http_response_header(&ss->response, name, value, sizeof(value)) ||
	    strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
		return 0;
	return (int64_t)timegm(&tm) * 1000000000;
}

enum store_found
s3_head(struct store_session *session, const char *key, struct store_object *o,
    struct err *err)
{
	struct s3_session *ss = (struct s3_session *)session;
	const struct s3_request request = { .method = "HEAD", .key = key,
		.what = "cannot look at" };

	if (!s3_send(ss, &request, err))
		return err->code == 404 ? STORE_ABSENT : STORE_FAILED;
	if (!response_number(ss, "content-length", &o->size)) {
		err_set(err, ERR_UNSUPPORTED, "%s: the answer does not say "
		    "how large %s is", session->store->name, key);
		return STORE_FAILED;
	}
	o->mtime_ns = response_time(ss, "last-modified");
	o->now_ns = response_time(ss, "date");
	s3_etag(ss, o->etag);
	return STORE_FOUND;
}

/* A GET that goes on where it was cut. */
struct get {
	struct s3_session *ss;
	struct store_object *o;
	store_write_fn *write;
	void *arg;
	uint64_t at, end;	/* bytes wanted: from at (moves) to end */
	bool known;		/* o is filled: end is within the object */
	bool begun;		/* this answer has been looked at */
	bool refused;		/* write failed: bytes cannot be taken back */
	uint64_t skip;		/* of an answer that ignores Range */
};

static bool
object_changed(const struct get *g, struct err *err)
{

	return err_set(err, ERR_CHANGED, "%s/%s changed while it was read",
	    g->ss->base.store->name, g->o->key);
}

/* Looks at the head of an answer: is it what was asked for, of the object that
 * was seen before? */
static bool
begin(struct get *g, struct err *err)
{
	struct s3_session *ss = g->ss;
	char etag[STORE_ETAG_MAX];
	uint64_t first = 0, total;
	bool sized;

	g->begun = true;
	if (ss->response.status == 206)
		sized = response_range(ss, &first, &total);
	else
		sized = response_number(ss, "content-length", &total);
	if (first > g->at || (ss->response.status == 206 && !sized))
		return err_set(err, ERR_UNSUPPORTED, "%s: the answer is not "
		    "the range that was asked for", ss->base.store->name);
	g->skip = g->at - first;
	s3_etag(ss, etag);
	if (!g->known) {
		g->known = sized;
		g->o->size = sized ? total : 0;
		g->end = sized ? total : UINT64_MAX;
		g->o->mtime_ns = response_time(ss, "last-modified");
		g->o->now_ns = response_time(ss, "date");
		memcpy(g->o->etag, etag, strlen(etag) + 1);
		return true;
	}
	if ((sized && total != g->o->size) ||
	    (etag[0] != '\0' && g->o->etag[0] != '\0' &&
	    strcmp(etag, g->o->etag) != 0))
		return object_changed(g, err);
	return true;
}

static bool
on_body(void *arg, const void *data, size_t len, struct err *err)
{
	struct get *g = arg;
	const uint8_t *p = data;

	if (!g->begun && !begin(g, err))
		return false;
	if (g->skip > 0) {
		size_t n = g->skip < len ? (size_t)g->skip : len;

		g->skip -= n;
		p += n;
		len -= n;
	}
	if (len > g->end - g->at)
		len = (size_t)(g->end - g->at);
	if (len == 0)
		return true;
	g->at += len;
	g->refused = !g->write(g->arg, p, len, err);
	return !g->refused;
}

/* Asks for what is still missing.  True when an answer came. */
static bool
ask(struct get *g, const struct s3_request *base, struct err *err)
{
	struct http_header headers[2];
	struct s3_request request = *base;
	char range[64];

	g->begun = false;
	g->skip = 0;
	request.headers = headers;
	if (g->at > 0 || (g->known && g->end < g->o->size)) {
		if (g->end == UINT64_MAX)
			snprintf(range, sizeof(range), "bytes=%" PRIu64 "-",
			    g->at);
		else
			snprintf(range, sizeof(range),
			    "bytes=%" PRIu64 "-%" PRIu64, g->at, g->end - 1);
		headers[request.n_headers++] =
		    (struct http_header){ "Range", range };
	}
	/* A weak one never matches. */
	if (g->o->etag[0] != '\0' && strncmp(g->o->etag, "W/", 2) != 0)
		headers[request.n_headers++] =
		    (struct http_header){ "If-Match", g->o->etag };
	if (!s3_send_once(g->ss, &request, err))
		return false;
	if (g->ss->response.status == 412 || g->ss->response.status == 416)
		return object_changed(g, err);
	if (g->ss->response.status != 200 && g->ss->response.status != 206)
		return s3_error(g->ss, &request, err);
	/* No body: nothing has looked yet. */
	return g->begun || begin(g, err);
}

static bool
run(struct get *g, struct err *err)
{
	const struct s3_request request = { .method = "GET", .key = g->o->key,
		.what = "cannot read", .write = on_body, .write_arg = g };
	struct retry retry;
	uint64_t before;

	s3_retry_init(g->ss, &retry);
	for (;;) {
		before = g->at;
		if (ask(g, &request, err)) {
			/* Without a length, the end of the answer is it. */
			if (g->end == UINT64_MAX)
				g->end = g->o->size = g->at;
			if (g->at == g->end) {
				retry_reset(&retry);
				return true;
			}
			err_set(err, ERR_NETWORK, "%s/%s: the answer ended "
			    "early", g->ss->base.store->name, g->o->key);
		}
		if (g->at > before)
			retry_reset(&retry);
		if (g->refused || !s3_retry(g->ss, &retry, err)) {
			retry_end(&retry);
			return false;
		}
	}
}

bool
s3_get(struct store_session *session, const char *key, struct store_object *o,
    store_write_fn *write, void *arg, struct err *err)
{
	struct get g = { .ss = (struct s3_session *)session, .o = o,
		.write = write, .arg = arg, .end = UINT64_MAX };

	(void)key;
	return run(&g, err);
}

/* Reads in parts: small reads in order are served from one window. */
struct s3_file {
	struct store_file base;
	char *key;
	struct store_object seen;	/* at open; its key is key */
	uint8_t *window;
	uint64_t start;			/* of the window's bytes */
	size_t len;
};

struct store_file *
s3_file_open(struct store_session *session, const char *key,
    struct store_object *o, struct err *err)
{
	struct s3_file *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(err, key);
		goto fail;
	}
	f->base.session = session;
	if ((f->key = strdup(key)) == NULL) {
		err_nomem(err, key);
		goto fail_f;
	}
	switch (s3_head(session, key, o, err)) {
	case STORE_ABSENT:
		err_set(err, ERR_NOT_FOUND, "%s/%s is not there",
		    session->store->name, key);
		goto fail_key;
	case STORE_FAILED:
		goto fail_key;
	case STORE_FOUND:
		break;
	}
	f->seen = *o;
	f->seen.key = f->key;
	return &f->base;

fail_key:
	free(f->key);
fail_f:
	free(f);
fail:
	return NULL;
}

struct window {
	uint8_t *out;
	size_t len;
};

static bool
fill_window(void *arg, const void *data, size_t len, struct err *err)
{
	struct window *w = arg;

	(void)err;
	memcpy(w->out + w->len, data, len);
	w->len += len;
	return true;
}

/* Reads exactly what is asked for, which lies within the object. */
static bool
read_range(struct s3_file *f, uint64_t offset, void *data, size_t len,
    struct err *err)
{
	struct store_object seen = f->seen;
	struct window w = { .out = data };
	struct get g = { .ss = (struct s3_session *)f->base.session,
		.o = &seen, .write = fill_window, .arg = &w, .at = offset,
		.end = offset + len, .known = true };

	return run(&g, err);
}

bool
s3_file_read(struct store_file *file, uint64_t offset, void *data, size_t len,
    struct err *err)
{
	struct s3_file *f = (struct s3_file *)file;
	uint8_t *out = data;
	uint64_t left;
	size_t n;

	if (offset > f->seen.size || len > f->seen.size - offset)
		return err_set(err, ERR_CHANGED, "%s/%s is shorter than it "
		    "was", file->session->store->name, f->key);
	if (f->window == NULL && (f->window = malloc(WINDOW)) == NULL)
		return err_nomem(err, f->key);
	while (len > 0) {
		if (offset < f->start || offset >= f->start + f->len) {
			left = f->seen.size - offset;
			n = left < WINDOW ? (size_t)left : WINDOW;
			f->len = 0;
			if (!read_range(f, offset, f->window, n, err))
				return false;
			f->start = offset;
			f->len = n;
		}
		n = f->len - (size_t)(offset - f->start);
		if (n > len)
			n = len;
		memcpy(out, f->window + (offset - f->start), n);
		out += n;
		offset += n;
		len -= n;
	}
	return true;
}

bool
s3_file_unchanged(struct store_file *file, struct err *err)
{
	struct s3_file *f = (struct s3_file *)file;
	struct store_object now = { .key = f->key };
	enum store_found found;

	found = s3_head(file->session, f->key, &now, err);
	if (found == STORE_FAILED)
		return false;
	if (found == STORE_ABSENT || now.size != f->seen.size ||
	    strcmp(now.etag, f->seen.etag) != 0)
		return err_set(err, ERR_CHANGED, "%s/%s changed while it was "
		    "read", file->session->store->name, f->key);
	return true;
}

void
s3_file_close(struct store_file *file)
{
	struct s3_file *f = (struct s3_file *)file;

	free(f->window);
	free(f->key);
	free(f);
}
