#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/file.h"
#include "store/key.h"
#include "store/s3.h"
#include "store/xml.h"

/* A page has at most 1000 keys of at most 1024 bytes, three times that when
 * encoded; most pages are a twentieth of this. */
#define PAGE_MAX ((size_t)4 << 20)
#define TOKEN_SIZE 4096

/* One object on a page; followed there by its ETag and its key, each with a
 * NUL. */
struct item {
	uint64_t size;
	int64_t mtime_ns;
	size_t etag_len, key_len;
};

struct page {
	struct s3_session *ss;
	const struct store_list_ops *ops;
	void *arg;
	const char *prefix;	/* that is asked for */
	struct xml *xml;
	struct item item;	/* being read */
	char etag[STORE_ETAG_MAX]; /* its ETag */
	struct buf key;		/* its key */
	struct buf items;	/* those read */
	bool encoded;		/* keys are URL-encoded */
	bool truncated;		/* more pages follow */
	char token[TOKEN_SIZE];	/* that brings the next page */
	bool whole;		/* a ListBucketResult was read to its end */
};

/* "2009-10-12T17:50:30.000Z" as nanoseconds since 1970, 0 if it is not that. */
static int64_t
parse_time(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ns = 0, unit = 100000000;

	if (rest == NULL)
		return 0;
	if (*rest == '.') {
		for (rest++; *rest >= '0' && *rest <= '9'; rest++) {
			ns += (*rest - '0') * unit;
			unit /= 10;
		}
	}
	if (strcmp(rest, "Z") != 0)
		return 0;
	return (int64_t)timegm(&tm) * 1000000000 + ns;
}

static bool
parse_size(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0';
}

static bool
keep_item(struct page *p, struct err *err)
{
	struct item *i = &p->item;

	i->etag_len = strlen(p->etag);
	i->key_len = p->key.len;
	if (!buf_append(&p->items, i, sizeof(*i)) ||
	    !buf_append(&p->items, p->etag, i->etag_len + 1) ||
	    !buf_append(&p->items, p->key.data, p->key.len) ||
	    !buf_append_byte(&p->items, 0))
		return err_set(err, ERR_NOMEM, "a page of the listing is "
		    "larger than %zu bytes", p->items.max);
	memset(i, 0, sizeof(*i));
	p->etag[0] = '\0';
	buf_reset(&p->key);
	return true;
}

static bool
on_content(struct page *p, const char *name, const char *text,
    struct err *err)
{

	if (strcmp(name, "Key") == 0) {
		buf_reset(&p->key);
		if (!buf_append_str(&p->key, text))
			return err_set(err, ERR_DAMAGED, "a key in the "
			    "listing is too long");
	} else if (strcmp(name, "Size") == 0) {
		if (!parse_size(text, &p->item.size))
			return err_set(err, ERR_DAMAGED, "a size in the "
			    "listing is no number");
	} else if (strcmp(name, "LastModified") == 0) {
		p->item.mtime_ns = parse_time(text);
	} else if (strcmp(name, "ETag") == 0 && strlen(text) < STORE_ETAG_MAX) {
		memcpy(p->etag, text, strlen(text) + 1);
	}
	return true;
}

static bool
on_element(void *arg, const char *parent, const char *name, const char *text,
    struct err *err)
{
	struct page *p = arg;

	if (strcmp(parent, "Contents") == 0)
		return on_content(p, name, text, err);
	if (*parent == '\0')
		p->whole = strcmp(name, "ListBucketResult") == 0;
	if (strcmp(parent, "ListBucketResult") != 0)
		return true;
	if (strcmp(name, "Contents") == 0)
		return keep_item(p, err);
	if (strcmp(name, "IsTruncated") == 0) {
		p->truncated = strcmp(text, "true") == 0;
	} else if (strcmp(name, "EncodingType") == 0) {
		p->encoded = strcmp(text, "url") == 0;
	} else if (strcmp(name, "NextContinuationToken") == 0) {
		if (strlen(text) >= sizeof(p->token))
			return err_set(err, ERR_DAMAGED, "a continuation "
			    "token in the listing is too long");
		memcpy(p->token, text, strlen(text) + 1);
	}
	return true;
}

static bool
on_body(void *arg, const void *data, size_t len, struct err *err)
{
	struct page *p = arg;

	return xml_feed(p->xml, data, len, err);
}

/* The byte that "XX" stands for; 0 (which no key holds) if it is not that. */
static uint8_t
hex_byte(const char *text)
{
	const char hex[3] = { text[0], text[0] == '\0' ? '\0' : text[1], '\0' };
	uint8_t byte = 0;

	return hash_unhex(hex, &byte, 1) ? byte : 0;
}

/* Undoes the encoding in place: '+' is a space, %XX a byte.  False, and key as
 * it was, for what cannot be undone. */
static bool
decode(char *key)
{
	char *out = key;
	const char *p;

	for (p = strchr(key, '%'); p != NULL; p = strchr(p + 1, '%')) {
		if (hex_byte(p + 1) == 0)
			return false;
	}
	for (p = key; *p != '\0'; p++) {
		if (*p == '%') {
			*out++ = (char)hex_byte(p + 1);
			p += 2;
		} else {
			*out++ = *p == '+' ? ' ' : *p;
		}
	}
	*out = '\0';
	return true;
}

static bool
odd(const struct page *p, const char *key, const char *why, struct err *err)
{
	char shown[4 * S3_KEY_MAX + 1];

	key_printable(key, shown, sizeof(shown));
	return p->ops->oddity(p->arg, STORE_BAD_NAME, shown, why, err);
}

/* i is the item of which the rest is at text. */
static bool
report(const struct page *p, const struct item *i, char *text,
    struct err *err)
{
	const struct s3 *s = (struct s3 *)p->ss->base.store;
	struct store_object o = { .size = i->size, .mtime_ns = i->mtime_ns };
	char *key = text + i->etag_len + 1;
	const char *last;
	size_t len;

	if (p->encoded && !decode(key))
		return odd(p, key, "its name holds a NUL or is not "
		    "encoded as it should be", err);
	if (strncmp(key, p->prefix, strlen(p->prefix)) != 0)
		return odd(p, key, "it does not begin with the prefix "
		    "that was asked for", err);
	key += strlen(s->prefix);
	len = strlen(key);
	if (len == 0 || key[len - 1] == '/') {
		if (i->size == 0)
			return true;
		return odd(p, key, "its key ends in / but it is not "
		    "empty", err);
	}
	last = strrchr(key, '/');
	if (file_is_temp_name(last == NULL ? key : last + 1))
		return true;
	if (key_fault(key) != NULL)
		return odd(p, key, key_fault(key), err);
	o.key = key;
	memcpy(o.etag, text, i->etag_len + 1);
	return p->ops->object(p->arg, &o, err);
}

static bool
report_page(const struct page *p, struct err *err)
{
	struct item i;
	size_t at;

	for (at = 0; at < p->items.len;
	    at += sizeof(i) + i.etag_len + 1 + i.key_len + 1) {
		memcpy(&i, p->items.data + at, sizeof(i));
		if (cancel_requested())
			return cancel_err(err);
		if (!report(p, &i, (char *)p->items.data + at + sizeof(i),
		    err))
			return false;
	}
	return true;
}

static void
page_reset(struct page *p)
{

	xml_free(p->xml);
	p->xml = NULL;
	memset(&p->item, 0, sizeof(p->item));
	p->etag[0] = '\0';
	buf_reset(&p->key);
	buf_reset(&p->items);
	p->encoded = p->truncated = p->whole = false;
	p->token[0] = '\0';
}

/* Asks once for the page after token. */
static bool
ask(struct page *p, const char *token, struct err *err)
{
	const struct s3 *s = (struct s3 *)p->ss->base.store;
	const struct sigv4_param params[] = {
		{ "list-type", "2" }, { "encoding-type", "url" },
		{ "max-keys", "1000" }, { "prefix", p->prefix },
		{ "continuation-token", token },
	};
	const struct s3_request request = { .method = "GET",
		.what = "cannot list", .params = params,
		.n_params = *token == '\0' ? 4 : 5, .write = on_body,
		.write_arg = p };

	page_reset(p);
	if ((p->xml = xml_new(on_element, p, err)) == NULL)
		return false;
	if (!s3_send_once(p->ss, &request, err))
		goto fail;
	if (p->ss->response.status != 200)
		return s3_error(p->ss, &request, err);
	if (!xml_finish(p->xml, err))
		goto fail;
	if (!p->whole)
		err_set(err, ERR_DAMAGED, "the answer is no listing");
	else if (p->truncated && p->token[0] == '\0')
		err_set(err, ERR_DAMAGED, "the listing does not say how it "
		    "goes on");
	else if (p->truncated && strcmp(p->token, token) == 0)
		err_set(err, ERR_DAMAGED, "the listing does not go on");
	else
		return true;
fail:
	if (err->kind == ERR_DAMAGED) {
		err->kind = ERR_UNSUPPORTED;
		err_prefix(err, "cannot list %s", s->base.name);
		err_hint(err, "is AWS_ENDPOINT_URL_S3 an S3 endpoint?");
	}
	return false;
}

static bool
read_page(struct page *p, const char *token, struct err *err)
{
	struct retry retry;

	s3_retry_init(p->ss, &retry);
	while (!ask(p, token, err)) {
		if (!s3_retry(p->ss, &retry, err))
			return false;
	}
	retry_reset(&retry);
	return true;
}

bool
s3_list(struct store_session *session, const char *under,
    const struct store_list_ops *ops, void *arg, struct err *err)
{
	char token[TOKEN_SIZE] = "", *prefix;
	struct page *p;
	bool ok;

	if (asprintf(&prefix, "%s%s%s", ((struct s3 *)session->store)->prefix,
	    under, *under == '\0' ? "" : "/") < 0)
		return err_nomem(err, session->store->name);
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		free(prefix);
		return err_nomem(err, session->store->name);
	}
	p->prefix = prefix;
	p->ss = (struct s3_session *)session;
	p->ops = ops;
	p->arg = arg;
	buf_init(&p->key, TOKEN_SIZE);
	buf_init(&p->items, PAGE_MAX);
	do {
		ok = read_page(p, token, err) && report_page(p, err);
		memcpy(token, p->token, strlen(p->token) + 1);
	} while (ok && p->truncated);
	page_reset(p);
	buf_free(&p->key);
	buf_free(&p->items);
	free(p);
	free(prefix);
	return ok;
}
