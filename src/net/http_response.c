#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "net/http_response.h"

#define BODY_MAX ((size_t)1 << 20)
#define HEADERS_MAX ((size_t)64 << 10)
#define LONGEST_RETRY_AFTER_S 86400

void
http_response_init(struct http_response *r)
{

	r->status = 0;
	r->retry_after_ms = 0;
	buf_init(&r->body, BODY_MAX);
	buf_init(&r->headers, HEADERS_MAX);
}

void
http_response_free(struct http_response *r)
{

	buf_free(&r->body);
	buf_free(&r->headers);
}

void
http_response_reset(struct http_response *r)
{

	r->status = 0;
	r->retry_after_ms = 0;
	buf_reset(&r->body);
	buf_reset(&r->headers);
}

bool
http_response_header(struct http_response *r, const char *name, char *out,
    size_t out_size)
{
	const char *line = (const char *)r->headers.data, *next, *end;
	size_t name_len = strlen(name), len;

	if (line == NULL)
		return false;
	for (end = line + r->headers.len; line < end; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		len = (size_t)(next - line);
		if (len < name_len + 2 || line[name_len] != ':' ||
		    strncasecmp(line, name, name_len) != 0)
			continue;
		len -= name_len + 2;
		if (len >= out_size)
			return false;
		memcpy(out, line + name_len + 2, len);
		out[len] = '\0';
		return true;
	}
	return false;
}

void
http_response_keep(struct http_response *r, const char *data, size_t len)
{
	struct buf *headers = &r->headers;
	const char *colon = memchr(data, ':', len);
	size_t name_len, i, start = headers->len;

	if (colon == NULL || colon == data || len > HTTP_HEADER_LINE_MAX)
		return;
	name_len = (size_t)(colon - data);
	data = colon + 1;
	len -= name_len + 1;
	while (len > 0 && strchr(" \t\r\n", data[len - 1]) != NULL)
		len--;
	while (len > 0 && (*data == ' ' || *data == '\t')) {
		data++;
		len--;
	}
	/* Too many headers: the rest is not needed by anyone. */
	if (!buf_reserve(headers, name_len + 2 + len + 1))
		return;
	buf_append(headers, colon - name_len, name_len);
	buf_append(headers, ": ", 2);
	buf_append(headers, data, len);
	buf_append_byte(headers, '\n');
	for (i = start; i < start + name_len; i++) {
		if (headers->data[i] >= 'A' && headers->data[i] <= 'Z')
			headers->data[i] += 'a' - 'A';
	}
}

void
http_response_retry_after(struct http_response *r)
{
	char value[64], *end;
	unsigned long long seconds;
	time_t now, then;

	if (!http_response_header(r, "retry-after", value, sizeof(value)))
		return;
	if (*value >= '0' && *value <= '9') {
		seconds = strtoull(value, &end, 10);
	} else {
		now = time(NULL);
		then = curl_getdate(value, NULL);
		seconds = then > now ? (unsigned long long)(then - now) : 0;
	}
	if (seconds > LONGEST_RETRY_AFTER_S)
		seconds = LONGEST_RETRY_AFTER_S;
	r->retry_after_ms = seconds * 1000;
}

/* The host and port of url, without user and password. */
void
http_host_of(const char *url, char *out, size_t out_size)
{
	const char *start = strstr(url, "://"), *at;
	size_t len;

	start = start == NULL ? url : start + 3;
	len = strcspn(start, "/?#");
	if ((at = memrchr(start, '@', len)) != NULL) {
		len -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	if (len >= out_size)
		len = out_size - 1;
	memcpy(out, start, len);
	out[len] = '\0';
}

static CURLUcode
join(CURLU *u, const char *base, const char *location)
{
	CURLUcode rc;

	if ((rc = curl_url_set(u, CURLUPART_URL, base, CURLU_PATH_AS_IS)) !=
	    CURLUE_OK)
		return rc;
	return curl_url_set(u, CURLUPART_URL, location, CURLU_PATH_AS_IS);
}

bool
http_redirect(const char *base, const char *location, struct buf *out,
    struct err *err)
{
	char host[256], *scheme = NULL, *url = NULL;
	bool ok = false;
	CURLUcode rc;
	CURLU *u;

	http_host_of(base, host, sizeof(host));
	if ((u = curl_url()) == NULL)
		return err_nomem(err, "URL");
	if ((rc = join(u, base, location)) != CURLUE_OK ||
	    (rc = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0)) != CURLUE_OK ||
	    (rc = curl_url_get(u, CURLUPART_URL, &url, 0)) != CURLUE_OK) {
		err_set(err, ERR_UNSUPPORTED, "%s redirects to something that "
		    "is no URL: %s", host, curl_url_strerror(rc));
		goto out;
	}
	if (strcmp(scheme, "https") != 0 && (strcmp(scheme, "http") != 0 ||
	    strncasecmp(base, "https:", 6) == 0)) {
		err_set(err, ERR_UNSUPPORTED,
		    "%s redirects to %s:, which is not followed", host, scheme);
		goto out;
	}
	ok = buf_append_str(out, url) && buf_str(out) != NULL;
	if (!ok)
		err_nomem(err, "URL");
out:
	curl_free(url);
	curl_free(scheme);
	curl_url_cleanup(u);
	return ok;
}
