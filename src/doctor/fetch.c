#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "doctor/fetch.h"
#include "net/http.h"
#include "store/sigv4.h"

#define URL_MAX ((size_t)8192)
#define HOPS_MAX 5
#define SECONDS 10

static bool
keep(void *arg, const void *data, size_t len, struct err *err)
{
	struct doctor_fetched *f = arg;
	size_t room = DOCTOR_FETCH_KEPT - f->body.len;

	f->size += len;
	return buf_append(&f->body, data, len < room ? len : room) ||
	    err_nomem(err, "an answer");
}

static time_t
date_of(struct http_response *r)
{
	struct tm tm = { 0 };
	char value[64];

	if (!http_response_header(r, "date", value, sizeof(value)) ||
	    strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
		return 0;
	return timegm(&tm);
}

/* One answer.  *next gets where it leads to, and is empty if nowhere. */
static bool
ask(struct http *h, const char *url, const char *origin,
    struct doctor_fetched *f, struct buf *next, struct err *err)
{
	const struct http_header headers[] = { { "Origin", origin } };
	const struct http_request request = { .method = "GET", .url = url,
		.headers = headers, .n_headers = origin != NULL,
		.write = keep, .write_arg = f };
	struct http_response r;
	char location[4096];
	bool ok;

	buf_reset(next);
	buf_reset(&f->body);
	f->size = 0;
	http_response_init(&r);
	ok = http_perform(h, &request, &r, err);
	f->status = r.status;
	f->date = date_of(&r);
	if (ok && f->size == 0 && r.body.len > 0)
		ok = keep(f, r.body.data, r.body.len, err);
	if (!http_response_header(&r, "content-type", f->type,
	    sizeof(f->type)))
		f->type[0] = '\0';
	if (!http_response_header(&r, "access-control-allow-origin", f->cors,
	    sizeof(f->cors)))
		f->cors[0] = '\0';
	if (ok && r.status >= 301 && r.status <= 308 && r.status != 304 &&
	    http_response_header(&r, "location", location, sizeof(location)))
		ok = http_redirect(url, location, next, err);
	http_response_free(&r);
	return ok;
}

bool
doctor_fetch(const char *url, const char *origin, struct doctor_fetched *f,
    struct err *err)
{
	const struct http_options options = { .low_speed_seconds = SECONDS,
		.connect_timeout_ms = SECONDS * 1000 };
	struct http *h = NULL;
	struct buf next;
	unsigned hop;
	bool ok = false;

	memset(f, 0, sizeof(*f));
	buf_init(&f->body, DOCTOR_FETCH_KEPT);
	buf_init(&next, URL_MAX);
	if (!http_global_init(err) || (h = http_new(&options, err)) == NULL)
		goto out;
	for (hop = 0;; hop++) {
		if (snprintf(f->url, sizeof(f->url), "%s", url) >=
		    (int)sizeof(f->url)) {
			err_set(err, ERR_UNSUPPORTED, "too long a URL");
			goto out;
		}
		if (!ask(h, f->url, origin, f, &next, err))
			goto out;
		if (next.len == 0)
			break;
		if (hop == 0)
			f->redirect = f->status;
		if (hop == HOPS_MAX) {
			err_set(err, ERR_UNSUPPORTED, "more than %d redirects",
			    HOPS_MAX);
			goto out;
		}
		url = buf_str(&next);
	}
	ok = true;
out:
	http_free(h);
	buf_free(&next);
	return ok;
}

void
doctor_fetch_free(struct doctor_fetched *f)
{

	buf_free(&f->body);
}

bool
doctor_fetch_join(struct buf *out, const char *base, const char *key)
{
	size_t len = strlen(base);

	if (strncmp(base, "//", 2) == 0) {
		if (!buf_append_str(out, "https:"))
			return false;
	} else if (strncasecmp(base, "http://", 7) != 0 &&
	    strncasecmp(base, "https://", 8) != 0) {
		return false;
	}
	if (strchr(base, '$') != NULL || strchr(base, '*') != NULL)
		return false;
	return buf_append_str(out, base) &&
	    (strchr("/?=#", base[len - 1]) != NULL ||
	    buf_append_byte(out, '/')) && sigv4_encode(out, key, true) &&
	    buf_str(out) != NULL;
}
