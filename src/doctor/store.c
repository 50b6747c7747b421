#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "doctor/http.h"
#include "doctor/room.h"
#include "doctor/store.h"

#define PATIENCE_MS ((uint64_t)3000)
#define STALL_SECONDS 10

#define OF_ROLE(role) { \
	[DOCTOR_PLACE] = role, \
	[DOCTOR_DNS] = role "-dns", \
	[DOCTOR_TCP] = role "-tcp", \
	[DOCTOR_TLS] = role "-tls", \
	[DOCTOR_ENDPOINT] = role "-endpoint", \
	[DOCTOR_CLOCK] = role "-clock", \
	[DOCTOR_KEYS] = role "-keys", \
	[DOCTOR_REGION] = role "-region", \
	[DOCTOR_BUCKET] = role "-bucket", \
	[DOCTOR_LIST] = role "-list", \
	[DOCTOR_WRITE] = role "-write", \
	[DOCTOR_READ] = role "-read", \
	[DOCTOR_PARTS] = role "-parts", \
	[DOCTOR_CONDITIONS] = role "-conditions", \
	[DOCTOR_DELETE] = role "-delete", \
	[DOCTOR_ROOM] = role "-room" }

const char *
doctor_store_check(enum doctor_role role, enum doctor_layer layer)
{
	static const char *const names[][DOCTOR_LAYERS] = {
		[DOCTOR_SOURCE] = OF_ROLE("source"),
		[DOCTOR_TARGET] = OF_ROLE("target"),
		[DOCTOR_STATE] = OF_ROLE("state"),
	};

	return names[role][layer];
}

bool
doctor_store_stops(const struct err *err)
{

	return err->kind == ERR_CANCELLED || err->kind == ERR_NOMEM ||
	    err->kind == ERR_INTERNAL;
}

static const char *
check(const struct doctor_store *s, enum doctor_layer layer)
{

	return doctor_store_check(s->role, layer);
}

static void
skip(struct doctor *d, const struct doctor_store *s, enum doctor_layer layer,
    const char *why)
{
	const struct doctor_finding f = { check(s, layer), SPACEFERRY_SKIPPED,
	    "" };

	doctor_tell(d, &f, "%s", why);
}

/* A folder that is not there: a run makes those that it writes to. */
static bool
look_for_parent(struct doctor *d, struct doctor_store *s, struct err *err)
{
	const char *path = s->url;

	if (s->role == DOCTOR_SOURCE || err->kind != ERR_NOT_FOUND ||
	    err->code != ENOENT) {
		doctor_err(d, check(s, DOCTOR_PLACE), err);
		return true;
	}
	if (strncasecmp(path, "file://", 7) == 0)
		path += 7;
	return doctor_room_writable(d, check(s, DOCTOR_PLACE), path,
	    &s->missing, err);
}

static bool
open_store(struct doctor *d, struct doctor_store *s, struct err *err)
{
	const struct store_options options = {
		.patience_ms = d->job.patience_ms < PATIENCE_MS ?
		    d->job.patience_ms : PATIENCE_MS,
		.stall_seconds = STALL_SECONDS, .quiet = true,
		.despite_cancel = s->role != DOCTOR_SOURCE,
	};

	if ((s->store = store_open(s->url, &options, err)) == NULL)
		return !doctor_store_stops(err) && look_for_parent(d, s, err);
	if ((s->session = store_session_new(s->store, err)) == NULL)
		return false;
	if (store_endpoint(s->store) != NULL)
		doctor_pass(d, check(s, DOCTOR_PLACE), "%s at %s",
		    store_name(s->store), store_endpoint(s->store));
	return true;
}

/* Which layer an error of the first request is of. */
static enum doctor_layer
layer_of(const struct doctor_store *s, const struct err *err)
{
	const char *reason = store_reason(s->session);

	if (strcmp(reason, "RequestTimeTooSkewed") == 0 ||
	    strcmp(reason, "RequestExpired") == 0)
		return DOCTOR_CLOCK;
	switch (err->kind) {
	case ERR_DNS:
	case ERR_NETWORK:
	case ERR_THROTTLED:
	case ERR_UNSUPPORTED:
	case ERR_URI:
		return DOCTOR_ENDPOINT;
	case ERR_AUTH:
		return DOCTOR_KEYS;
	case ERR_CONFIG:
		return DOCTOR_REGION;
	case ERR_DENIED:
		/* Without an answer: a certificate that does not hold. */
		return err->code == 0 ? DOCTOR_ENDPOINT : DOCTOR_LIST;
	default:
		return DOCTOR_BUCKET;
	}
}

static void
give_up(struct doctor *d, struct doctor_store *s)
{

	skip(d, s, DOCTOR_BUCKET, "cannot be looked at");
	store_session_free(s->session);
	s->session = NULL;
}

/* What the first request says of a bucket. */
static void
judge_bucket(struct doctor *d, struct doctor_store *s, bool ok,
    const struct err *err)
{
	enum doctor_layer layer = DOCTOR_LAYERS;

	if (!ok)
		layer = layer_of(s, err);
	if (layer < DOCTOR_BUCKET) {
		doctor_err(d, check(s, layer), err);
		give_up(d, s);
		return;
	}
	doctor_pass(d, check(s, DOCTOR_KEYS), "the key is known, its signature "
	    "holds");
	if (layer == DOCTOR_BUCKET) {
		doctor_err(d, check(s, DOCTOR_BUCKET), err);
		store_session_free(s->session);
		s->session = NULL;
	} else if (layer == DOCTOR_LIST) {
		doctor_err(d, check(s, DOCTOR_LIST), err);
	} else {
		s->listable = true;
		doctor_pass(d, check(s, DOCTOR_BUCKET), "it is there and can "
		    "be listed");
	}
}

static void
judge_folder(struct doctor *d, struct doctor_store *s, bool ok,
    const struct err *err)
{

	if (ok) {
		s->listable = true;
		doctor_pass(d, check(s, DOCTOR_PLACE), "%s is there and can be "
		    "listed", store_name(s->store));
		return;
	}
	doctor_err(d, check(s, DOCTOR_PLACE), err);
	store_session_free(s->session);
	s->session = NULL;
}

/* The way to a bucket's server, told once for all stores behind it.
 * *reached: it is worth asking. */
static bool
reach(struct doctor *d, const struct doctor_store *s, bool *reached,
    struct err *err)
{
	const struct doctor_http names = {
		.dns = check(s, DOCTOR_DNS), .tcp = check(s, DOCTOR_TCP),
		.tls = check(s, DOCTOR_TLS),
	};

	const char *endpoint = store_endpoint(s->store);

	*reached = true;
	if (endpoint == NULL || strcmp(d->reached, endpoint) == 0)
		return true;
	if (!doctor_http(d, &names, endpoint, reached, err))
		return false;
	if (*reached)
		snprintf(d->reached, sizeof(d->reached), "%s", endpoint);
	return true;
}

bool
doctor_store_open(struct doctor *d, struct doctor_store *s,
    enum doctor_role role, const char *url, struct err *err)
{
	bool ok, reached;

	memset(s, 0, sizeof(*s));
	s->role = role;
	s->url = url;
	store_redact(url, s->shown, sizeof(s->shown));
	if (!open_store(d, s, err))
		return false;
	if (s->session == NULL)
		return true;
	if (!reach(d, s, &reached, err))
		return false;
	if (!reached) {
		give_up(d, s);
		return true;
	}
	ok = store_probe(s->session, false, err);
	if (!ok && doctor_store_stops(err))
		return false;
	if (store_endpoint(s->store) != NULL)
		judge_bucket(d, s, ok, err);
	else
		judge_folder(d, s, ok, err);
	return true;
}

void
doctor_store_close(struct doctor_store *s)
{

	store_session_free(s->session);
	store_free(s->store);
	s->session = NULL;
	s->store = NULL;
}
