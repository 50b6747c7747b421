#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/span.h"
#include "doctor/app.h"
#include "net/http.h"

#define BODY_MAX ((size_t)256 << 10)
#define SYNTHETIC "doctor-check.hf.space"

static const char *const paths[] = { "/", "/home", "/api/health" };

#define N_PATHS (sizeof(paths) / sizeof(paths[0]))

struct answer {
	long status;
	uint64_t bytes;
	char title[120];
	char location[300];	/* with the host asked for as "HOST" */
};

struct replay {
	struct doctor_app *a;
	struct http *http;
	struct http_response response;
	struct buf body;	/* the beginning */
	uint64_t bytes;		/* of all of it */
	struct app_list cookies;
	struct app_list frames;
	struct app_list others;	/* where the new name makes a difference */
};

/* The host of a URL, with its port if it has one, without user and password. */
static void
authority(const char *url, char *out, size_t size)
{
	const char *p = strstr(url, "://"), *at;
	size_t len;

	*out = '\0';
	if (p == NULL)
		return;
	p += 3;
	len = strcspn(p, "/?#");
	at = memrchr(p, '@', len);
	if (at != NULL) {
		len -= (size_t)(at + 1 - p);
		p = at + 1;
	}
	span_copy((struct span){ p, len }, out, size);
}

static bool
is_space_host(const char *host)
{

	return span_ends(span_of(host), ".hf.space");
}

/* The new host by a rule: that of the rule for the app's own address, else any
 * that leads to a Space. */
static void
new_host_by_rule(struct doctor_app *a)
{
	const struct spaceferry_options *o = a->d->job.options;
	char from[256], to[256];
	size_t i;

	for (i = 0; i < o->n_rewrite; i++) {
		authority(o->rewrite[i].from, from, sizeof(from));
		authority(o->rewrite[i].to, to, sizeof(to));
		if (*to == '\0' || strchr(to, '$') != NULL)
			continue;
		if (a->old_host[0] != '\0' &&
		    strcasecmp(from, a->old_host) == 0) {
			snprintf(a->new_host, sizeof(a->new_host), "%s", to);
			return;
		}
		if (a->new_host[0] == '\0' && is_space_host(to))
			snprintf(a->new_host, sizeof(a->new_host), "%s", to);
	}
}

void
doctor_app_hosts(struct doctor_app *a)
{
	const struct spaceferry_options *o = a->d->job.options;

	if (o->app_url != NULL)
		authority(o->app_url, a->old_host, sizeof(a->old_host));
	if (is_space_host(a->old_host)) {
		/* It has moved already. */
		memcpy(a->new_host, a->old_host, sizeof(a->new_host));
		a->old_host[0] = '\0';
	} else {
		new_host_by_rule(a);
	}
	a->new_host_known = a->new_host[0] != '\0';
	if (!a->new_host_known)
		snprintf(a->new_host, sizeof(a->new_host), "%s", SYNTHETIC);
}

static bool
on_body(void *arg, const void *data, size_t len, struct err *err)
{
	struct replay *r = arg;
	size_t keep = r->body.max - r->body.len;

	r->bytes += len;
	if (keep > len)
		keep = len;
	return keep == 0 || buf_append(&r->body, data, keep) ||
	    err_nomem(err, "answer");
}

static void
read_title(const struct buf *body, char *out, size_t size)
{
	struct span s = { (char *)body->data, body->len };
	const char *at = body->len == 0 ? NULL : span_find_fold(s, "<title");
	const char *end;

	*out = '\0';
	if (at == NULL || (at = memchr(at, '>', span_from(s, at).len)) == NULL)
		return;
	s = span_from(s, at + 1);
	end = s.len > 0 ? memchr(s.p, '<', s.len) : NULL;
	if (end != NULL)
		s.len = (size_t)(end - s.p);
	span_copy(span_trim(s), out, size);
}

/* Where an answer leads, without the host that was asked. */
static void
read_location(struct replay *r, const char *host, char *out, size_t size)
{
	char text[600], *at;

	*out = '\0';
	if (!http_response_header(&r->response, "location", text, sizeof(text)))
		return;
	at = strstr(text, host);
	if (at == NULL)
		span_copy(span_of(text), out, size);
	else
		snprintf(out, size, "%.*sHOST%s", (int)(at - text), text,
		    at + strlen(host));
	/* Which scheme is the proxy's affair. */
	if (strncmp(out, "http://HOST", 11) == 0 ||
	    strncmp(out, "https://HOST", 12) == 0)
		memmove(out, strstr(out, "HOST"),
		    strlen(strstr(out, "HOST")) + 1);
	if (*out == '/' && out[1] != '/' && strlen(out) + 5 < size) {
		memmove(out + 4, out, strlen(out) + 1);
		memcpy(out, "HOST", 4);
	}
}

/* Asks for path as if for host. */
static bool
ask(struct replay *r, const char *path, const char *host, struct answer *out,
    struct err *err)
{
	const char *base = r->a->d->job.options->app_url;
	const struct http_header headers[] = {
		{ "Host", host },
		{ "X-Forwarded-Host", host },
		{ "X-Forwarded-Proto", "https" },
		{ "Accept", "text/html,*/*" },
	};
	struct http_request request = { .method = "GET", .headers = headers,
	    .n_headers = 4, .write = on_body, .write_arg = r };
	size_t len = strlen(base);
	char url[2048];

	while (len > 0 && base[len - 1] == '/')
		len--;
	if (len > sizeof(url) - 64)
		return err_set(err, ERR_URI, "--app-url is too long");
	snprintf(url, sizeof(url), "%.*s%s", (int)len, base, path);
	request.url = url;
	buf_reset(&r->body);
	r->bytes = 0;
	if (!http_perform(r->http, &request, &r->response, err))
		return false;
	out->status = r->response.status;
	out->bytes = r->bytes;
	if (out->status < 200 || out->status >= 300) {
		read_title(&r->response.body, out->title, sizeof(out->title));
		out->bytes = r->response.body.len;
	} else {
		read_title(&r->body, out->title, sizeof(out->title));
	}
	read_location(r, host, out->location, sizeof(out->location));
	return true;
}

/* Cookies and frame settings of the last answer. */
static void
look_at_headers(struct replay *r, const char *path)
{
	struct span rest = { (char *)r->response.headers.data,
	    r->response.headers.len }, line;
	char name[80];

	while (span_line(&rest, &line)) {
		if (span_begins(line, "x-frame-options:"))
			doctor_app_list(&r->frames, "GET %s: X-Frame-Options",
			    path);
		if (span_begins(line, "content-security-policy:") &&
		    span_find(line, "frame-ancestors") != NULL &&
		    span_find(line, "huggingface.co") == NULL)
			doctor_app_list(&r->frames, "GET %s: frame-ancestors",
			    path);
		if (!span_begins(line, "set-cookie:"))
			continue;
		line = span_trim(span_from(line, line.p + 11));
		span_copy((struct span){ line.p, line.len }, name,
		    sizeof(name));
		name[strcspn(name, "=; ")] = '\0';
		if (span_find_fold(line, "; secure") == NULL)
			doctor_app_list(&r->cookies, "GET %s: cookie %s "
			    "without Secure", path, name);
		else if (span_find_fold(line, "samesite=none") == NULL)
			doctor_app_list(&r->cookies, "GET %s: cookie %s "
			    "without SameSite=None", path, name);
	}
}

static bool
sizes_differ(uint64_t x, uint64_t y)
{
	uint64_t more = x > y ? x : y, less = x > y ? y : x;

	return more - less > 512 && less < more / 2;
}

static void
compare(struct replay *r, const char *path, const struct answer *was,
    const struct answer *is)
{

	if (was->status != is->status)
		doctor_app_list(&r->others, "GET %s: status %ld instead of "
		    "%ld", path, is->status, was->status);
	else if (strcmp(was->location, is->location) != 0)
		doctor_app_list(&r->others, "GET %s: leads to %.80s instead "
		    "of %.80s", path, is->location, was->location);
	else if (strcmp(was->title, is->title) != 0)
		doctor_app_list(&r->others, "GET %s: the page \"%.60s\" "
		    "instead of \"%.60s\"", path, is->title, was->title);
	else if (sizes_differ(was->bytes, is->bytes))
		doctor_app_list(&r->others, "GET %s: %llu bytes instead of "
		    "%llu", path, (unsigned long long)is->bytes,
		    (unsigned long long)was->bytes);
}

/* One path under both names; what changes by itself is not compared. */
static bool
replay_path(struct replay *r, const char *path, struct answer *was,
    struct err *err)
{
	const struct doctor_app *a = r->a;
	struct answer is, again;

	if (!ask(r, path, a->old_host, was, err))
		return false;
	look_at_headers(r, path);
	if (!ask(r, path, a->new_host, &is, err) ||
	    !ask(r, path, a->old_host, &again, err))
		return false;
	if (was->status != again.status)
		return true;
	if (strcmp(was->title, again.title) != 0 ||
	    sizes_differ(was->bytes, again.bytes)) {
		memcpy(is.title, was->title, sizeof(is.title));
		is.bytes = was->bytes;
	}
	compare(r, path, was, &is);
	return true;
}

static void
tell_answers(struct doctor_app *a, const struct answer *was)
{
	struct doctor_finding f = { "app-url", SPACEFERRY_FAIL,
	    "mend the app where it is before it moves" };
	const struct answer *health = &was[N_PATHS - 1];

	if (was[0].status >= 500) {
		doctor_tell(a->d, &f, "GET / answers %ld", was[0].status);
	} else if (was[0].status >= 400) {
		f.verdict = SPACEFERRY_WARN;
		f.remedy = "give --app-url the address that shows the app";
		doctor_tell(a->d, &f, "GET / answers %ld", was[0].status);
	} else {
		doctor_pass(a->d, f.name, "GET / answers %ld%s%.60s%s",
		    was[0].status, was[0].title[0] != '\0' ? " \"" : "",
		    was[0].title, was[0].title[0] != '\0' ? "\"" : "");
	}
	f.name = "app-health";
	if (health->status >= 500)
		doctor_tell(a->d, &f, "GET /api/health answers %ld",
		    health->status);
	else if (health->status >= 200 && health->status < 300)
		doctor_pass(a->d, f.name, "GET /api/health answers %ld, which "
		    "by itself proves nothing about the database",
		    health->status);
}

static void
tell_replay(struct replay *r)
{
	struct doctor_app *a = r->a;
	const struct doctor_finding host = { "new-host", SPACEFERRY_FAIL,
	    "the app takes the new name for a tenant or a stranger: let it know "
	    "the name; where a proxy stands before it, give --app-url the app's "
	    "own port" };
	const struct doctor_finding cookies = { "app-cookies", SPACEFERRY_WARN,
	    "SameSite=None; Secure: in the page of huggingface.co the app is a "
	    "frame" };
	const struct doctor_finding frames = { "app-frames", SPACEFERRY_WARN,
	    "frame-ancestors https://huggingface.co, or disable_embedding: true "
	    "in README.md" };

	if (r->others.n > 0)
		doctor_tell(a->d, &host, "as %.200s: %s", a->new_host,
		    doctor_app_listed(&r->others));
	else if (a->old_host[0] != '\0')
		doctor_pass(a->d, host.name, "the same answers as %.200s%s",
		    a->new_host, a->new_host_known ? "" :
		    " (a made-up name: no --rewrite says which it will be)");
	a->replayed = r->others.n == 0 && a->old_host[0] != '\0';
	doctor_app_verdict(a, &cookies, &r->cookies, "no cookie that a frame "
	    "would not get");
	doctor_app_verdict(a, &frames, &r->frames, "the app may be shown in a "
	    "frame");
}

/* False with *err when the app cannot be asked. */
static bool
replay_all(struct replay *r, struct err *err)
{
	struct answer was[N_PATHS];
	size_t i;

	for (i = 0; i < N_PATHS; i++) {
		if (r->a->old_host[0] != '\0') {
			if (!replay_path(r, paths[i], &was[i], err))
				return false;
		} else if (ask(r, paths[i], r->a->new_host, &was[i], err)) {
			look_at_headers(r, paths[i]);
		} else {
			return false;
		}
	}
	tell_answers(r->a, was);
	tell_replay(r);
	return true;
}

bool
doctor_app_replay(struct doctor_app *a, struct err *err)
{
	const struct http_options options = { .low_speed_seconds = 15,
	    .connect_timeout_ms = 5000 };
	const char *url = a->d->job.options->app_url;
	struct replay r = { .a = a };
	bool ok = false;

	http_response_init(&r.response);
	buf_init(&r.body, BODY_MAX);
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		(void)(err_set(err, ERR_URI, "--app-url is no http:// or "
		    "https:// URL") || err_hint(err, "https://HOST, as a "
		    "browser shows it"));
	else if ((r.http = http_new(&options, err)) != NULL)
		ok = replay_all(&r, err);
	http_free(r.http);
	buf_free(&r.body);
	http_response_free(&r.response);
	if (ok || err->kind == ERR_CANCELLED || err->kind == ERR_NOMEM)
		return ok;
	doctor_err(a->d, "app-url", err);
	return true;
}
