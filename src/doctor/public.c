#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "doctor/fetch.h"
#include "doctor/public.h"
#include "doctor/http.h"

#define URL_MAX ((size_t)8192)
#define HINT_MAX 400
#define OLD_MAX ((uint64_t)64 << 20) /* more is not read to try a URL out */

static bool
is_https(const char *url)
{

	return strncasecmp(url, "https://", 8) == 0;
}

static void
tell(struct doctor *d, const char *check, enum spaceferry_verdict verdict,
    const char *remedy, const char *seen)
{
	const struct doctor_finding f = { check, verdict, remedy };

	doctor_tell(d, &f, "%s", seen);
}

/* "https://host:port" of a URL: what browsers send as Origin. */
static const char *
origin_of(const char *url, char *out, size_t size)
{
	const char *host;

	if (url == NULL || (host = strstr(url, "://")) == NULL)
		return NULL;
	host += 3;
	snprintf(out, size, "%.*s", (int)(host - url + (long)strcspn(host,
	    "/?#")), url);
	return out;
}

/* What browsers do with http:// files in https:// pages. */
static void
judge_scheme(struct doctor *d, const char *url)
{
	static const char remedy[] = "serve the files over https and give that "
	    "URL";
	const char *app = d->job.options->app_url;

	if (strncasecmp(url, "http://", 7) != 0)
		return;
	if (app != NULL && is_https(app))
		tell(d, "public-scheme", SPACEFERRY_FAIL, remedy, "plain http: "
		    "browsers block it in the pages of an https site");
	else if (!doctor_http_is_local(url))
		tell(d, "public-scheme", SPACEFERRY_WARN, remedy, "plain http: "
		    "once the site has https, browsers block it");
}

static bool
is_png(const struct doctor_fetched *f)
{

	return f->status == 200 && f->size == doctor_store_png_size &&
	    memcmp(f->body.data, doctor_store_png, f->body.len) == 0;
}

/* Where else the probe could be, were TO another one: false if nowhere. */
static bool
find_elsewhere(const char *base, const struct doctor_store *target,
    char *out, size_t size)
{
	const char *place = strncasecmp(target->url, "s3://", 5) == 0 ?
	    target->url + 5 : "", *prefix = strchr(place, '/');
	char origin[1024];
	const struct { const char *base, *more; } tries[] = {
		{ base, prefix }, { base, place }, { origin, prefix },
		{ origin, place }, { origin, "" },
	};
	struct doctor_fetched f;
	struct err ignored;
	bool found = false;
	struct buf url;
	size_t i, len;

	if (origin_of(base, origin, sizeof(origin)) == NULL)
		return false;
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]) && !found; i++) {
		const char *more = tries[i].more;

		if (more == NULL)
			continue;
		more += *more == '/';
		snprintf(out, size, "%s", tries[i].base);
		len = strlen(out);
		snprintf(out + len, size - len, "%s%s", *more == '\0' ||
		    (len > 0 && out[len - 1] == '/') ? "" : "/", more);
		buf_init(&url, URL_MAX);
		if (strcmp(out, base) != 0 &&
		    doctor_fetch_join(&url, out, target->key)) {
			found = doctor_fetch(buf_str(&url), NULL, &f,
			    &ignored) && is_png(&f);
			doctor_fetch_free(&f);
		}
		buf_free(&url);
	}
	return found;
}

/* Nothing there: TO and the place do not belong together. */
static void
judge_missing(struct doctor *d, const char *base,
    const struct doctor_store *target)
{
	struct doctor_finding f = { "public-read", SPACEFERRY_FAIL, "" };
	char elsewhere[1024], remedy[HINT_MAX + 1024];

	if (find_elsewhere(base, target, elsewhere, sizeof(elsewhere)))
		snprintf(remedy, sizeof(remedy), "it is there under %s: give "
		    "that as the TO of --files-url", elsewhere);
	else
		snprintf(remedy, sizeof(remedy), "the TO of --files-url must "
		    "be the URL of %s, prefix included", target->shown);
	f.remedy = remedy;
	doctor_tell(d, &f, "404: what was just written to %s is not under %s",
	    target->shown, base);
}

/* An answer that is not the file. */
static void
judge_status(struct doctor *d, const struct doctor_fetched *g,
    const char *base, const struct doctor_store *target)
{
	struct doctor_finding f = { "public-read", SPACEFERRY_FAIL, "look at "
	    "the log of the server that this URL leads to" };

	switch (g->status) {
	case 404:
	case 410:
		judge_missing(d, base, target);
		return;
	case 400:
	case 401:
	case 403:
		f.remedy = "it is private: let everybody read it (a bucket "
		    "policy, the provider's public URL, a domain of your own), "
		    "or serve the files through the app and leave --files-url "
		    "out";
		break;
	default:
		break;
	}
	doctor_tell(d, &f, "%ld: %s gives the file to nobody without keys",
	    g->status, base);
}

/* The file's URL leads to another one first. */
static void
judge_redirect(struct doctor *d, const struct doctor_fetched *g)
{
	struct doctor_finding f = { "public-redirect", SPACEFERRY_PASS, "" };
	char origin[1024];
	bool forever = g->redirect == 301 || g->redirect == 308;

	if (g->redirect == 0)
		return;
	if (forever) {
		f.verdict = SPACEFERRY_WARN;
		f.remedy = "give the URL that it leads to as the TO of "
		    "--files-url: every file costs two requests like this";
	}
	doctor_tell(d, &f, "a redirect (%ld) leads to %s", g->redirect,
	    forever ? g->url : origin_of(g->url, origin, sizeof(origin)));
}

static void
judge_type(struct doctor *d, const struct doctor_fetched *g)
{
	struct doctor_finding f = { "public-type", SPACEFERRY_WARN, "let the "
	    "server pass on the Content-Type that the store has, or decide by "
	    "the file's name; browsers take most other files for downloads" };
	size_t len = strcspn(g->type, "; ");

	if (len == strlen(DOCTOR_PNG_TYPE) &&
	    strncasecmp(g->type, DOCTOR_PNG_TYPE, len) == 0)
		doctor_pass(d, f.name, "%s, as it was stored", g->type);
	else
		doctor_tell(d, &f, "a picture that was stored as %s is served "
		    "as %s", DOCTOR_PNG_TYPE, g->type[0] != '\0' ? g->type :
		    "nothing in particular");
}

/* <img>, <video> and links need no CORS, so that is never a fault. */
static void
judge_cors(struct doctor *d, const struct doctor_fetched *g,
    const char *origin)
{

	if (origin == NULL)
		return;
	if (strcmp(g->cors, "*") == 0 || strcasecmp(g->cors, origin) == 0)
		doctor_pass(d, "public-cors", "scripts of %s may read it",
		    origin);
	else
		doctor_pass(d, "public-cors", "pictures and links work; "
		    "fetch() and canvas would need a CORS rule for the app's "
		    "origin");
}

static void
judge_answer(struct doctor *d, const struct doctor_fetched *g,
    const char *base, const struct doctor_store *target, const char *origin)
{
	struct doctor_finding f = { "public-read", SPACEFERRY_FAIL, "the URL "
	    "leads to a page of some site (an app that answers every path, a "
	    "login), not to the store: mend the TO of --files-url" };

	if (g->status != 200) {
		judge_status(d, g, base, target);
		return;
	}
	if (!is_png(g)) {
		doctor_tell(d, &f, "200, but other bytes than were written: "
		    "%llu of %s instead of %zu of %s%s%s",
		    (unsigned long long)g->size,
		    g->type[0] != '\0' ? g->type : "no type",
		    doctor_store_png_size, DOCTOR_PNG_TYPE,
		    g->redirect != 0 ? ", after a redirect to " : "",
		    g->redirect != 0 ? g->url : "");
		return;
	}
	doctor_pass(d, f.name, "everybody can read it under %s", base);
	judge_redirect(d, g);
	judge_type(d, g);
	judge_cors(d, g, origin);
}

/* A redirect that cannot be followed. */
static void
judge_lost(struct doctor *d, const struct err *err)
{

	tell(d, "public-redirect", SPACEFERRY_FAIL, "let the server send "
	    "browsers to an https URL that ends at the file, or give its final "
	    "URL as the TO of --files-url", err->message);
}

bool
doctor_public_new(struct doctor *d, const struct spaceferry_files *what,
    const struct doctor_store *target, struct err *err)
{
	static const struct doctor_http names = { .dns = "public-dns",
	    .tcp = "public-tcp", .tls = "public-tls", .plain_ok = true };
	const char *base = what->url.to, *origin;
	struct doctor_fetched f;
	bool ok = true, reached;
	char origin_text[1024];
	struct buf url;

	if (base == NULL)
		return true;
	buf_init(&url, URL_MAX);
	origin = origin_of(d->job.options->app_url, origin_text,
	    sizeof(origin_text));
	if (!doctor_fetch_join(&url, base, target->key[0] != '\0' ?
	    target->key : "x")) {
		tell(d, "public-read", SPACEFERRY_SKIPPED, "", "the new URL is "
		    "a path, or names no host: the app must serve the files");
		goto out;
	}
	judge_scheme(d, buf_str(&url));
	ok = doctor_http(d, &names, buf_str(&url), &reached, err);
	if (!ok || !reached)
		goto out;
	if (target->key[0] == '\0') {
		tell(d, "public-read", SPACEFERRY_SKIPPED, "", "nothing could "
		    "be written that it should lead to");
		goto out;
	}
	if (doctor_fetch(buf_str(&url), origin, &f, err))
		judge_answer(d, &f, base, target, origin);
	else if (doctor_store_stops(err))
		ok = false;
	else if (err->kind == ERR_UNSUPPORTED)
		judge_lost(d, err);
	else
		doctor_err(d, "public-read", err);
	doctor_fetch_free(&f);
out:
	buf_free(&url);
	return ok;
}

bool
doctor_public_old(struct doctor *d, const struct spaceferry_files *what,
    const char *key, uint64_t size, struct err *err)
{
	struct doctor_finding f = { "old-url", SPACEFERRY_WARN, "the FROM of "
	    "--files-url must be the URL of exactly that place, else links are "
	    "rewritten to files that are not there" };
	const char *from = what->url.from;
	char origin[1024], whole[2048];
	struct doctor_fetched g;
	struct buf url;
	bool ok = true;

	if (from == NULL || key[0] == '\0' || size > OLD_MAX)
		return true;
	if (from[0] == '/' && from[1] != '/' && origin_of(
	    d->job.options->app_url, origin, sizeof(origin)) != NULL) {
		snprintf(whole, sizeof(whole), "%s%s", origin, from);
		from = whole;
	}
	buf_init(&url, URL_MAX);
	if (!doctor_fetch_join(&url, from, key)) {
		buf_free(&url);
		return true;
	}
	if (!doctor_fetch(buf_str(&url), NULL, &g, err)) {
		ok = !doctor_store_stops(err);
		tell(d, f.name, SPACEFERRY_SKIPPED, "", err->message);
	} else if (g.status == 200 && g.size == size) {
		doctor_pass(d, f.name, "%s leads to the files that are moved",
		    from);
	} else if (g.status == 200 || g.status == 404 || g.status == 410) {
		doctor_tell(d, &f, "%s does not lead to the source's file of "
		    "%llu bytes: %ld, %llu bytes", buf_str(&url),
		    (unsigned long long)size, g.status,
		    (unsigned long long)g.size);
	} else {
		f.verdict = SPACEFERRY_SKIPPED;
		f.remedy = "";
		doctor_tell(d, &f, "%s answers %ld", from, g.status);
	}
	doctor_fetch_free(&g);
	buf_free(&url);
	return ok;
}
