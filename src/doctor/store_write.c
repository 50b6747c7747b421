#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doctor/store.h"

#define SEEN_MAX 4096

/* One grey point. */
const unsigned char doctor_store_png[] = {
	0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d,
	0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01,
	0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00,
	0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x68, 0x00, 0x00, 0x00,
	0x82, 0x00, 0x81, 0xda, 0x45, 0x08, 0x3b, 0x00, 0x00, 0x00, 0x00, 0x49,
	0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82
};
const size_t doctor_store_png_size = sizeof(doctor_store_png);

static const char *
check(const struct doctor_store *s, enum doctor_layer layer)
{

	return doctor_store_check(s->role, layer);
}

/* Tells how a trial came out.  False when doctor cannot go on. */
static bool
judge(struct doctor *d, const struct doctor_store *s, enum doctor_layer layer,
    bool ok, const struct err *err)
{
	static const char *const words[DOCTOR_LAYERS] = {
		[DOCTOR_WRITE] = "a file can be written",
		[DOCTOR_READ] = "it is read back as it was written",
		[DOCTOR_PARTS] = "files over 64 MiB can be sent in parts",
	};

	if (ok)
		doctor_pass(d, check(s, layer), "%s", words[layer]);
	else
		doctor_err(d, check(s, layer), err);
	return ok || !doctor_store_stops(err);
}

static bool
read_png(void *arg, uint64_t offset, void *data, size_t len, struct err *err)
{

	(void)arg;
	(void)err;
	memcpy(data, doctor_store_png + offset, len);
	return true;
}

static struct store_put
make_put(const struct doctor_store *s)
{

	return (struct store_put){
		.key = s->key,
		.body = { .size = sizeof(doctor_store_png), .read = read_png },
		.headers = { .content_type = DOCTOR_PNG_TYPE },
	};
}

static bool
take(void *arg, const void *data, size_t len, struct err *err)
{

	return buf_append(arg, data, len) || err_set(err, ERR_DIFFERS,
	    "what is read back is longer than what was written");
}

static bool
read_back(struct doctor_store *s, struct err *err)
{
	struct store_object o;
	struct buf seen;
	bool ok;

	buf_init(&seen, SEEN_MAX);
	ok = store_get(s->session, s->key, &o, take, &seen, err);
	if (ok && (seen.len != sizeof(doctor_store_png) ||
	    memcmp(seen.data, doctor_store_png, seen.len) != 0)) {
		ok = err_set(err, ERR_DIFFERS, "%s: %zu bytes were written, "
		    "others are read back", store_name(s->store),
		    sizeof(doctor_store_png));
		err_hint(err, "something between here and the store changes "
		    "files: a proxy or a gateway");
	}
	buf_free(&seen);
	return ok;
}

bool
doctor_store_read(struct doctor *d, struct doctor_store *s, const char *key,
    uint64_t size, struct err *err)
{
	struct store_object o;
	struct store_file *f;
	char data[SEEN_MAX];
	bool ok;

	f = store_file_open(s->session, key, &o, err);
	ok = f != NULL && store_file_read(f, 0, data,
	    size < sizeof(data) ? (size_t)size : sizeof(data), err);
	store_file_close(f);
	if (ok)
		doctor_pass(d, check(s, DOCTOR_READ), "its files can be read");
	else
		doctor_err(d, check(s, DOCTOR_READ), err);
	return ok || !doctor_store_stops(err);
}

static bool
try_parts(struct doctor *d, struct doctor_store *s, struct err *err)
{
	struct store_put put = make_put(s);
	char etag[STORE_ETAG_MAX];
	bool ok;

	put.in_parts = true;
	ok = store_put(s->session, &put, etag, err);
	if (!ok && err->hint[0] == '\0')
		err_hint(err, "files over 64 MiB go in parts: give the key the "
		    "right to multipart uploads");
	return judge(d, s, DOCTOR_PARTS, ok, err);
}

bool
doctor_store_write(struct doctor *d, struct doctor_store *s, bool parts,
    struct err *err)
{
	struct store_put put;
	char etag[STORE_ETAG_MAX];
	uint64_t random;
	bool ok;

	if (!hash_random(&random, sizeof(random)))
		return err_set(err, ERR_INTERNAL, "no random bytes");
	snprintf(s->key, sizeof(s->key), "spaceferry-doctor-%016" PRIx64 ".png",
	    random);
	put = make_put(s);
	ok = store_put(s->session, &put, etag, err);
	if (!judge(d, s, DOCTOR_WRITE, ok, err))
		return false;
	if (!ok) {
		/* Where no answer came it may be there all the same. */
		if (err->code == 0)
			store_delete(s->session, s->key, err);
		s->key[0] = '\0';
		return true;
	}
	ok = read_back(s, err);
	return judge(d, s, DOCTOR_READ, ok, err) &&
	    (!parts || try_parts(d, s, err));
}

bool
doctor_store_conditions(struct doctor *d, struct doctor_store *s,
    struct err *err)
{
	static const char no_etag[] = "\"00000000000000000000000000000000\"";
	struct doctor_finding f = { check(s, DOCTOR_CONDITIONS),
	    SPACEFERRY_WARN, "let no two runs begin within two seconds, or keep "
	    "the state in a folder" };
	struct store_put put = make_put(s);
	char etag[STORE_ETAG_MAX];
	bool creates, matches;

	put.create_only = true;
	creates = !store_put(s->session, &put, etag, err);
	if (creates && doctor_store_stops(err))
		return false;
	creates = creates && err->kind == ERR_CONFLICT;
	put.create_only = false;
	put.if_match = no_etag;
	matches = !store_put(s->session, &put, etag, err);
	if (matches && doctor_store_stops(err))
		return false;
	matches = matches && err->kind == ERR_CONFLICT;
	if (creates && matches)
		doctor_pass(d, f.name, "If-None-Match and If-Match are minded");
	else
		doctor_tell(d, &f, "the store does not mind %s%s%s: its lock "
		    "is weaker", creates ? "" : "If-None-Match",
		    creates || matches ? "" : " and ",
		    matches ? "" : "If-Match");
	return true;
}

/* Gone is what cannot be looked at any more; who may not look is believed. */
static bool
is_gone(struct doctor_store *s, struct err *err)
{
	struct store_object o;

	return store_head(s->session, s->key, &o, err) != STORE_FOUND ||
	    err_set(err, ERR_DENIED, "%s: what was removed is still there",
	    store_name(s->store));
}

void
doctor_store_remove(struct doctor *d, struct doctor_store *s, bool needed)
{
	struct doctor_finding f = { check(s, DOCTOR_DELETE), SPACEFERRY_WARN,
	    "" };
	struct err why;
	char remedy[400];

	if (s->session == NULL || s->key[0] == '\0')
		return;
	if (store_delete(s->session, s->key, &why) && is_gone(s, &why)) {
		doctor_pass(d, f.name, "what was written is removed again");
		s->key[0] = '\0';
		return;
	}
	snprintf(remedy, sizeof(remedy), "remove %s/%s by hand; %s",
	    store_name(s->store), s->key, needed ? "this command needs the "
	    "right to delete: give it to the key" : "give the key the right to "
	    "delete, so that uploads that fail can be cleared away");
	f.verdict = needed ? SPACEFERRY_FAIL : SPACEFERRY_WARN;
	f.remedy = remedy;
	doctor_tell(d, &f, "%s: what doctor wrote to try it out stays",
	    why.message);
	s->key[0] = '\0';
}
