#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/driver.h"
#include "store/key.h"

void
store_redact(const char *url, char *out, size_t out_size)
{
	const char *rest = strstr(url, "://"), *at, *colon;

	/* A secret may hold a '/': the last '@' ends it. */
	at = rest != NULL ? strrchr(rest, '@') : NULL;
	colon = at != NULL ? strchr(rest + 3, ':') : NULL;
	if (colon != NULL && colon < at)
		snprintf(out, out_size, "%.*s://***%s", (int)(rest - url), url,
		    at);
	else
		snprintf(out, out_size, "%s", url);
}

static int
hex_value(char c)
{

	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* The path of "file://[localhost]/path", percent-decoded; freed by the caller.
 * NULL with *err. */
static char *
path_of_url(const char *url, struct err *err)
{
	const char *in = url + strlen("file://");
	char *path, *out;

	if (strncasecmp(in, "localhost/", 10) == 0)
		in += 9;
	if (*in != '/') {
		err_set(err, ERR_URI, "%s: no absolute path after file://",
		    url);
		err_hint(err, "write file:///folder, with three slashes");
		return NULL;
	}
	if ((path = out = strdup(in)) == NULL) {
		err_nomem(err, url);
		return NULL;
	}
	for (; *in != '\0'; in++) {
		int high, low;

		if (*in != '%') {
			*out++ = *in;
			continue;
		}
		high = hex_value(in[1]);
		low = high < 0 ? -1 : hex_value(in[2]);
		if (low < 0 || high + low == 0) {
			err_set(err, ERR_URI, "%s: a %% that is not followed "
			    "by two hex digits (or %%00)", url);
			err_hint(err, "in file:// URLs a %% is written %%25");
			free(path);
			return NULL;
		}
		*out++ = (char)(high << 4 | low);
		in += 2;
	}
	*out = '\0';
	return path;
}

struct store *
store_open(const char *url, const struct store_options *options,
    struct err *err)
{
	const char *colon = strstr(url, "://");
	struct store *s;
	char *path;
	size_t i;

	if (strncasecmp(url, "s3://", 5) == 0)
		return s3_open(url + 5, options, err);
	if (strncasecmp(url, "file://", 7) == 0) {
		if ((path = path_of_url(url, err)) == NULL)
			return NULL;
		s = folder_open(path, options, err);
		free(path);
		return s;
	}
	for (i = 0; colon != NULL && url + i < colon; i++) {
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789+-.",
		    url[i] | 32) == NULL)
			colon = NULL;
	}
	if (colon != NULL && colon > url) {
		err_set(err, ERR_URI, "%.*s:// is no kind of store",
		    (int)(colon - url), url);
		err_hint(err, "a store is a folder's path, file:///path or "
		    "s3://bucket/prefix");
		return NULL;
	}
	if (strncasecmp(url, "s3:", 3) == 0) {
		err_set(err, ERR_URI, "%s: there is no // behind s3:", url);
		err_hint(err, "it is written s3://bucket/prefix; of a folder of "
		    "that name ./s3:");
		return NULL;
	}
	if (*url == '\0') {
		err_set(err, ERR_URI, "an empty name for a store");
		return NULL;
	}
	return folder_open(url, options, err);
}

void
store_free(struct store *s)
{
	char *name, *identity, *endpoint;

	if (s == NULL)
		return;
	name = s->name;
	identity = s->identity;
	endpoint = s->endpoint;
	s->driver->free(s);
	free(name);
	free(identity);
	free(endpoint);
}

const char *
store_name(const struct store *s)
{

	return s->name;
}

const char *
store_identity(const struct store *s)
{

	return s->identity;
}

bool
store_lies_in(const char *place, const char *store)
{
	size_t len = strlen(store);

	if (len > 0 && store[len - 1] == '/')
		len--;
	return strncmp(place, store, len) == 0 &&
	    (place[len] == '/' || place[len] == '\0');
}

const char *
store_endpoint(const struct store *s)
{

	return s->endpoint;
}

bool
store_is_local(const struct store *s)
{

	return s->local;
}

struct store_session *
store_session_new(struct store *s, struct err *err)
{

	return s->driver->session_new(s, err);
}

void
store_session_free(struct store_session *ss)
{

	if (ss != NULL)
		ss->store->driver->session_free(ss);
}

const char *
store_reason(const struct store_session *ss)
{
	const struct store_driver *driver = ss->store->driver;

	return driver->reason != NULL ? driver->reason(ss) : "";
}

bool
store_probe(struct store_session *ss, bool write, struct err *err)
{

	return ss->store->driver->probe(ss, write, err);
}

bool
store_list(struct store_session *ss, const struct store_list_ops *ops,
    void *arg, struct err *err)
{

	return ss->store->driver->list(ss, "", ops, arg, err);
}

static bool
check_key(const struct store_session *ss, const char *key, struct err *err)
{
	const char *why = key_fault(key);
	char shown[256];

	if (why == NULL)
		return true;
	key_printable(key, shown, sizeof(shown));
	err_set(err, ERR_REFUSED, "%s: the key \"%s\" cannot be used: %s",
	    ss->store->name, shown, why);
	return err_hint(err, "rename the file");
}

bool
store_list_under(struct store_session *ss, const char *folder,
    const struct store_list_ops *ops, void *arg, struct err *err)
{

	return check_key(ss, folder, err) &&
	    ss->store->driver->list(ss, folder, ops, arg, err);
}

bool
store_pass_over(void *arg, enum store_oddity kind, const char *name,
    const char *why, struct err *err)
{

	(void)arg;
	(void)kind;
	(void)name;
	(void)why;
	(void)err;
	return true;
}

static void
object_init(struct store_object *o, const char *key)
{

	memset(o, 0, sizeof(*o));
	o->key = key;
}

enum store_found
store_head(struct store_session *ss, const char *key, struct store_object *o,
    struct err *err)
{

	object_init(o, key);
	if (!check_key(ss, key, err))
		return STORE_FAILED;
	return ss->store->driver->head(ss, key, o, err);
}

bool
store_get(struct store_session *ss, const char *key, struct store_object *o,
    store_write_fn *write, void *arg, struct err *err)
{

	object_init(o, key);
	return check_key(ss, key, err) &&
	    ss->store->driver->get(ss, key, o, write, arg, err);
}

bool
store_put(struct store_session *ss, const struct store_put *put, char *etag,
    struct err *err)
{

	etag[0] = '\0';
	return check_key(ss, put->key, err) &&
	    ss->store->driver->put(ss, put, etag, err);
}

bool
store_delete(struct store_session *ss, const char *key, struct err *err)
{

	return check_key(ss, key, err) &&
	    ss->store->driver->delete(ss, key, err);
}

struct store_file *
store_file_open(struct store_session *ss, const char *key,
    struct store_object *o, struct err *err)
{

	object_init(o, key);
	if (!check_key(ss, key, err))
		return NULL;
	return ss->store->driver->file_open(ss, key, o, err);
}

bool
store_file_read(struct store_file *f, uint64_t offset, void *data, size_t len,
    struct err *err)
{

	return f->session->store->driver->file_read(f, offset, data, len, err);
}

bool
store_file_unchanged(struct store_file *f, struct err *err)
{

	return f->session->store->driver->file_unchanged(f, err);
}

void
store_file_close(struct store_file *f)
{

	if (f != NULL)
		f->session->store->driver->file_close(f);
}
