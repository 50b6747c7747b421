#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "mongo/uri.h"

#define SCHEME "mongodb://"
#define SCHEME_SRV "mongodb+srv://"
#define APP_NAME "spaceferry"

/* How long one search for a usable member may last: callers try again within
 * their patience, and look at the cancel flag in between. */
#define SELECTION_MS 2500
#define CONNECT_MS 8000

/* How long a server may say nothing before it counts as gone: as long as the
 * patience, within bounds; counting a large collection takes its time. */
#define LEAST_SILENCE_MS 30000
#define MOST_SILENCE_MS 300000

#define HINT_ESCAPE "percent-encode it: @ is %%40, : is %%3A, / is %%2F, " \
    "? is %%3F, # is %%23, %% is %%25"

#define HIDDEN "***"

/* The parts of a connection string, as lengths into its text. */
struct parts {
	bool srv;
	const char *rest;	/* behind the scheme */
	size_t authority_len;	/* up to the first '/' or '?' */
	size_t user_len;	/* up to the last '@' of the authority, or 0 */
	const char *hosts;
	size_t hosts_len;
	const char *tail;	/* from that '/' or '?' on */
};

static bool
split(const char *text, struct parts *p)
{
	size_t i;

	if (strncmp(text, SCHEME, sizeof(SCHEME) - 1) == 0) {
		p->srv = false;
		p->rest = text + sizeof(SCHEME) - 1;
	} else if (strncmp(text, SCHEME_SRV, sizeof(SCHEME_SRV) - 1) == 0) {
		p->srv = true;
		p->rest = text + sizeof(SCHEME_SRV) - 1;
	} else
		return false;
	p->authority_len = strcspn(p->rest, "/?");
	p->tail = p->rest + p->authority_len;
	p->user_len = 0;
	p->hosts = p->rest;
	for (i = 0; i < p->authority_len; i++) {
		if (p->rest[i] == '@') {
			p->user_len = i;
			p->hosts = p->rest + i + 1;
		}
	}
	p->hosts_len = (size_t)(p->tail - p->hosts);
	return true;
}

static bool
unescaped(char c, struct err *err)
{

	err_set(err, ERR_URI, "the user or password in the URI holds a '%c' "
	    "that is not escaped", c);
	return err_hint(err, HINT_ESCAPE);
}

static bool
has(const char *s, size_t len, char c)
{

	return memchr(s, c, len) != NULL;
}

/* Looks for '%' without two hex digits behind it. */
static bool
bad_escape(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == '%' && (i + 2 >= len ||
		    !isxdigit((unsigned char)s[i + 1]) ||
		    !isxdigit((unsigned char)s[i + 2])))
			return true;
	}
	return false;
}

/* <password>, <db_password>, as consoles show it. */
static bool
is_placeholder(const char *s, size_t len)
{

	return len > 2 && s[0] == '<' && s[len - 1] == '>';
}

static bool
placeholder(const char *what, struct err *err)
{

	err_set(err, ERR_URI, "the URI still has a placeholder where the %s "
	    "belongs", what);
	return err_hint(err, "put the %s there, without < and >", what);
}

static bool
check_user(const struct parts *p, struct err *err)
{
	const char *colon, *password;
	size_t len;

	/* "user:pa/ss@host" ends the authority early: an '@' comes later, in
	 * what should be the database.  One in the options may be meant. */
	len = strcspn(p->tail, "?");
	if (has(p->tail, len, '@'))
		return unescaped('/', err);
	if (*p->tail == '?' && strchr(p->tail, '@') != NULL)
		return unescaped('?', err);
	if (p->hosts == p->rest)
		return true;
	if (has(p->rest, p->user_len, '@'))
		return unescaped('@', err);
	if (bad_escape(p->rest, p->user_len))
		return unescaped('%', err);
	if ((colon = memchr(p->rest, ':', p->user_len)) == NULL)
		return true;
	password = colon + 1;
	len = p->user_len - (size_t)(password - p->rest);
	if (has(password, len, ':'))
		return unescaped(':', err);
	return (!is_placeholder(p->rest, (size_t)(colon - p->rest)) ||
	    placeholder("user", err)) && (!is_placeholder(password, len) ||
	    placeholder("password", err));
}

static bool
check_hosts(const struct parts *p, struct err *err)
{
	size_t i, dots = 0;

	if (p->hosts_len == 0) {
		err_set(err, ERR_URI, "the URI names no host");
		return err_hint(err, "mongodb://USER:PASSWORD@HOST:27017/DB");
	}
	if (has(p->hosts, p->hosts_len, '<') || has(p->hosts, p->hosts_len, '>'))
		return placeholder("host", err);
	if (!p->srv)
		return true;
	if (has(p->hosts, p->hosts_len, ',')) {
		err_set(err, ERR_URI, "a mongodb+srv URI names one host only");
		return err_hint(err, "with several hosts it is mongodb://");
	}
	if (has(p->hosts, p->hosts_len, ':')) {
		err_set(err, ERR_URI, "a mongodb+srv URI has no port");
		return err_hint(err, "leave :%.*s out, or use mongodb://",
		    (int)strcspn(strchr(p->hosts, ':') + 1, "/?"),
		    strchr(p->hosts, ':') + 1);
	}
	for (i = 0; i < p->hosts_len; i++)
		dots += p->hosts[i] == '.' && i > 0 && i + 1 < p->hosts_len;
	if (dots >= 2)
		return true;
	err_set(err, ERR_URI, "the host of a mongodb+srv URI needs three "
	    "labels, as in cluster0.abcde.mongodb.net");
	return err_hint(err, "for a single server use mongodb://");
}

bool
uri_check(const char *text, struct err *err)
{
	struct parts p;

	if (!split(text, &p)) {
		err_set(err, ERR_URI, "not a MongoDB URI");
		return err_hint(err, "it starts with " SCHEME " or "
		    SCHEME_SRV);
	}
	return check_user(&p, err) && check_hosts(&p, err);
}

/* libmongoc quotes parts of the URI in some messages. */
static bool
parse_error(const char *text, const bson_error_t *e, struct err *err)
{
	bool secret = strchr(text, '@') != NULL;

	if (secret && strpbrk(e->message, "\"'") != NULL)
		err_set(err, ERR_URI, "malformed URI");
	else
		err_set(err, ERR_URI, "malformed URI: %s", e->message);
	return err_hint(err, "mongodb://USER:PASSWORD@HOST:27017/DB?authSource"
	    "=admin, each part percent-encoded");
}

/* Lower case and without a port, as far as it matters here. */
static bool
is_this_machine(const char *host)
{
	char name[256];
	size_t len = strlen(host);

	if (host[0] == '/' || strcasecmp(host, "localhost") == 0 ||
	    strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0)
		return true;
	if (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0)
		return true;
	return gethostname(name, sizeof(name)) == 0 &&
	    strncasecmp(host, name, sizeof(name)) == 0;
}

bool
uri_is_local(const mongoc_uri_t *uri)
{
	const mongoc_host_list_t *h;

	if (mongoc_uri_get_srv_hostname(uri) != NULL)
		return false;
	for (h = mongoc_uri_get_hosts(uri); h != NULL; h = h->next) {
		if (is_this_machine(h->host))
			return true;
	}
	return false;
}

static void
set_compression(mongoc_uri_t *uri)
{
	char names[32] = "";
	size_t used = 0;

#ifdef MONGOC_ENABLE_COMPRESSION_ZSTD
	if (MONGOC_ENABLE_COMPRESSION_ZSTD)
		used += (size_t)snprintf(names, sizeof(names), "zstd,");
#endif
#ifdef MONGOC_ENABLE_COMPRESSION_SNAPPY
	if (MONGOC_ENABLE_COMPRESSION_SNAPPY)
		used += (size_t)snprintf(names + used, sizeof(names) - used,
		    "snappy,");
#endif
#ifdef MONGOC_ENABLE_COMPRESSION_ZLIB
	if (MONGOC_ENABLE_COMPRESSION_ZLIB)
		used += (size_t)snprintf(names + used, sizeof(names) - used,
		    "zlib,");
#endif
	if (used == 0)
		return;
	names[used - 1] = '\0';
	mongoc_uri_set_compressors(uri, names);
}

static void
set_default_ms(mongoc_uri_t *uri, const char *option, int32_t ms)
{

	if (!mongoc_uri_has_option(uri, option))
		mongoc_uri_set_option_as_int32(uri, option, ms);
}

static void
set_silence(mongoc_uri_t *uri, uint64_t patience_ms)
{
	int32_t ms = MOST_SILENCE_MS;

	if (patience_ms < MOST_SILENCE_MS)
		ms = patience_ms > LEAST_SILENCE_MS ? (int32_t)patience_ms :
		    LEAST_SILENCE_MS;
	set_default_ms(uri, MONGOC_URI_SOCKETTIMEOUTMS, ms);
}

static void
set_primary(mongoc_uri_t *uri)
{
	mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);

	mongoc_uri_set_read_prefs_t(uri, primary);
	mongoc_read_prefs_destroy(primary);
}

/* Every write must be acknowledged: otherwise nothing is known of it. */
static void
set_write_concern(mongoc_uri_t *uri, mongoc_write_concern_t *fresh)
{
	const mongoc_write_concern_t *wc = mongoc_uri_get_write_concern(uri);

	if (wc == NULL || mongoc_write_concern_is_acknowledged(wc))
		return;
	log_warning("w=0 in the URI is not followed: w=majority is used");
	mongoc_write_concern_set_w(fresh, MONGOC_WRITE_CONCERN_W_MAJORITY);
	mongoc_uri_set_write_concern(uri, fresh);
}

mongoc_uri_t *
uri_parse(const char *text, const struct mongo_options *options,
    struct err *err)
{
	mongoc_write_concern_t *fresh;
	mongoc_uri_t *uri;
	bson_error_t e;

	if ((uri = mongoc_uri_new_with_error(text, &e)) == NULL) {
		parse_error(text, &e, err);
		return NULL;
	}
	if (mongoc_uri_get_appname(uri) == NULL)
		mongoc_uri_set_appname(uri, APP_NAME);
	/* One more for what needs a connection of its own. */
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE,
	    (int32_t)options->max_sessions + 1);
	mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
	    SELECTION_MS);
	set_default_ms(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_MS);
	set_silence(uri, options->patience_ms);
	if (!uri_is_local(uri) && strcasestr(text, "compressors=") == NULL)
		set_compression(uri);
	if (options->primary)
		set_primary(uri);
	if ((fresh = mongoc_write_concern_new()) != NULL) {
		set_write_concern(uri, fresh);
		mongoc_write_concern_destroy(fresh);
	}
	return uri;
}

static int
by_name(const void *a, const void *b)
{

	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
lower_copy(const char *s)
{
	char *copy, *p;

	if ((copy = strdup(s)) == NULL)
		return NULL;
	for (p = copy; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static char *
join_hosts(char **names, size_t n)
{
	struct buf b;
	size_t i, len;
	bool ok = true;

	buf_init(&b, 64 * 1024);
	for (i = 0; i < n; i++)
		ok = ok && buf_printf(&b, "%s%s", i > 0 ? "," : "", names[i]);
	ok = ok && buf_append_byte(&b, 0);
	if (!ok) {
		buf_free(&b);
		return NULL;
	}
	return (char *)buf_steal(&b, &len);
}

char *
uri_hosts(const mongoc_uri_t *uri)
{
	const char *srv = mongoc_uri_get_srv_hostname(uri);
	const mongoc_host_list_t *h, *hosts = mongoc_uri_get_hosts(uri);
	char **names, *joined = NULL;
	char name[300];
	size_t i, n = 0;

	if (srv != NULL) {
		snprintf(name, sizeof(name), "srv:%s", srv);
		return lower_copy(name);
	}
	for (h = hosts; h != NULL; h = h->next)
		n++;
	if ((names = calloc(n + 1, sizeof(*names))) == NULL)
		return NULL;
	for (i = 0, h = hosts; h != NULL; h = h->next, i++) {
		if ((names[i] = lower_copy(h->host_and_port)) == NULL)
			goto out;
	}
	qsort(names, n, sizeof(*names), by_name);
	joined = join_hosts(names, n);
out:
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return joined;
}

/* Where text may be cut; len is what was written, as far as it fits. */
struct line {
	char *out;
	size_t size;
	size_t len;
};

static void
add(struct line *l, const char *s, size_t n)
{

	if (l->len + n >= l->size)
		n = l->size - 1 - l->len;
	memcpy(l->out + l->len, s, n);
	l->len += n;
	l->out[l->len] = '\0';
}

/* Options that hold secrets. */
static bool
is_secret_option(const char *name, size_t len)
{
	static const char *const words[] = {
		"password", "authmechanismproperties", "token", "secret",
	};
	char lower[64];
	size_t i;

	if (len >= sizeof(lower))
		return true;
	for (i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[len] = '\0';
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(lower, words[i]) != NULL)
			return true;
	}
	return false;
}

static void
add_options(struct line *l, const char *s)
{
	size_t name, whole;

	while (*s != '\0') {
		whole = strcspn(s, "&;");
		name = strcspn(s, "=&;");
		if (name < whole && is_secret_option(s, name)) {
			add(l, s, name + 1);
			add(l, HIDDEN, sizeof(HIDDEN) - 1);
		} else
			add(l, s, whole);
		s += whole;
		if (*s != '\0')
			add(l, s++, 1);
	}
}

/* The password is taken to reach up to the last '@' of the whole text: nobody
 * knows what an unescaped one was meant to be, and hiding too much is harmless. */
void
uri_redact(const char *text, char *out, size_t out_size)
{
	struct line l = { .out = out, .size = out_size };
	const char *rest, *at, *colon, *options;

	if (out_size == 0)
		return;
	out[0] = '\0';
	rest = strstr(text, "://");
	rest = rest == NULL ? text : rest + 3;
	add(&l, text, (size_t)(rest - text));
	at = strrchr(rest, '@');
	colon = at == NULL ? NULL : memchr(rest, ':', (size_t)(at - rest));
	if (colon != NULL) {
		add(&l, rest, (size_t)(colon - rest) + 1);
		add(&l, HIDDEN, sizeof(HIDDEN) - 1);
		rest = at;
	}
	options = rest + strcspn(rest, "?");
	add(&l, rest, (size_t)(options - rest));
	add_options(&l, options);
}
