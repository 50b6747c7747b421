#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/key.h"
#include "store/s3_config.h"

#define URL_MAX 1024

/* The first of two variables that is set to something. */
static const char *
env(const char *first, const char *second)
{
	const char *value = getenv(first);

	if ((value == NULL || *value == '\0') && second != NULL)
		value = getenv(second);
	return value == NULL || *value == '\0' ? NULL : value;
}

static bool
copy(char **out, const char *value, size_t len, struct err *err)
{

	if ((*out = strndup(value, len)) == NULL)
		return err_nomem(err, "S3 store");
	return true;
}

static bool
read_key(char **out, const char *name, bool needed, struct err *err)
{
	const char *value = env(name, NULL), *p;

	if (value == NULL) {
		if (!needed)
			return true;
		err_set(err, ERR_CONFIG, "%s is not set", name);
		return err_hint(err, "S3 stores need AWS_ACCESS_KEY_ID and "
		    "AWS_SECRET_ACCESS_KEY in the environment");
	}
	for (p = value; *p != '\0'; p++) {
		if (!isgraph((unsigned char)*p)) {
			err_set(err, ERR_CONFIG, "%s holds white space or a "
			    "character that no key has", name);
			return err_hint(err, "copy it again, without the line "
			    "break");
		}
	}
	return copy(out, value, strlen(value), err);
}

static bool
read_region(struct s3 *s, struct err *err)
{
	const char *region = env("AWS_REGION", "AWS_DEFAULT_REGION"), *p;

	if (region == NULL)
		region = "us-east-1";
	for (p = region; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			return err_set(err, ERR_CONFIG,
			    "AWS_REGION is no name of a region");
	}
	return copy(&s->region, region, strlen(region), err);
}

static bool
bad_endpoint(const char *why, struct err *err)
{

	err_set(err, ERR_CONFIG, "the S3 endpoint in AWS_ENDPOINT_URL_S3 (or "
	    "AWS_ENDPOINT_URL) %s", why);
	return err_hint(err, "it looks like https://host or "
	    "https://host:port/path");
}

/* Host in lower case, without the scheme's default port. */
static bool
read_host(struct s3 *s, const char *host, size_t len, struct err *err)
{
	const char *end = host + len, *port, *p;
	unsigned long number;
	char *rest;

	for (p = host; p < end; p++) {
		if (!isalnum((unsigned char)*p) && strchr(".-_:[]", *p) == NULL)
			return bad_endpoint("has a host name that is none",
			    err);
	}
	port = memrchr(host, ':', len);
	if (port != NULL && memchr(port, ']', (size_t)(end - port)) != NULL)
		port = NULL;
	if (port != NULL) {
		number = strtoul(port + 1, &rest, 10);
		if (rest != end || rest == port + 1 ||
		    !isdigit((unsigned char)port[1]) || number == 0 ||
		    number > 65535)
			return bad_endpoint("has a port that is none", err);
		len = (size_t)(port - host);
		if (number != (strcmp(s->scheme, "https") == 0 ? 443 : 80))
			len = (size_t)(end - host);
	}
	if (len == 0 || *host == ':')
		return bad_endpoint("has no host", err);
	if (!copy(&s->host, host, len, err))
		return false;
	for (rest = s->host; *rest != '\0'; rest++)
		*rest = (char)tolower((unsigned char)*rest);
	return true;
}

/* The path is decoded and encoded again, so that it is written as it will be
 * signed. */
static bool
read_path(struct s3 *s, const char *path, struct err *err)
{
	char plain[URL_MAX];
	struct buf out;
	size_t n = 0, len;

	while (*path != '\0') {
		unsigned c = (unsigned char)*path++;

		if (c == '%') {
			if (sscanf(path, "%2x", &c) != 1 || c == 0 ||
			    !isxdigit((unsigned char)path[0]) ||
			    !isxdigit((unsigned char)path[1]))
				return bad_endpoint("has a broken %XX", err);
			path += 2;
		}
		plain[n++] = (char)c;
	}
	while (n > 0 && plain[n - 1] == '/')
		n--;
	plain[n] = '\0';
	if (n > 0 && key_fault(plain + 1) != NULL)
		return bad_endpoint("has a path that is none", err);
	buf_init(&out, 3 * URL_MAX);
	if (!sigv4_encode(&out, plain, true) || buf_str(&out) == NULL) {
		buf_free(&out);
		return err_nomem(err, "S3 endpoint");
	}
	s->path = (char *)buf_steal(&out, &len);
	return true;
}

static bool
read_endpoint(struct s3 *s, struct err *err)
{
	const char *url = env("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
	char aws[URL_MAX];
	size_t len;

	if (url == NULL) {
		snprintf(aws, sizeof(aws), "https://s3.%s.amazonaws.com%s",
		    s->region, strncmp(s->region, "cn-", 3) == 0 ? ".cn" : "");
		url = aws;
	}
	if (strlen(url) >= URL_MAX)
		return bad_endpoint("is too long", err);
	if (strncasecmp(url, "https://", 8) == 0)
		len = 8;
	else if (strncasecmp(url, "http://", 7) == 0)
		len = 7;
	else
		return bad_endpoint("does not begin with https:// or http://",
		    err);
	if (!copy(&s->scheme, len == 8 ? "https" : "http", len - 3, err))
		return false;
	url += len;
	len = strcspn(url, "/?#");
	if (memchr(url, '@', len) != NULL)
		return bad_endpoint("holds a user name", err);
	if (strpbrk(url, "?#") != NULL)
		return bad_endpoint("has a query or a fragment", err);
	return read_host(s, url, len, err) && read_path(s, url + len, err);
}

static bool
read_bucket(struct s3 *s, const char *rest, struct err *err)
{
	size_t len = strcspn(rest, "/"), i;
	const char *prefix = rest + len, *why;
	char url[1024], hidden[1024], shown[256];

	/* Cut, it could no longer be seen where somebody's keys end. */
	if (snprintf(url, sizeof(url), "s3://%s", rest) >= (int)sizeof(url))
		return err_set(err, ERR_URI, "s3://...: %zu bytes are too "
		    "many for a store", strlen(rest));
	store_redact(url, hidden, sizeof(hidden));
	key_printable(hidden, shown, sizeof(shown));
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)rest[i]) &&
		    strchr("-._", rest[i]) == NULL)
			break;
	}
	if (len == 0 || i < len || len > 255 || rest[0] == '.') {
		err_set(err, ERR_URI, "%s: no name of a bucket", shown);
		return err_hint(err, "it is written s3://bucket/prefix; the "
		    "endpoint goes into AWS_ENDPOINT_URL_S3");
	}
	if (!copy(&s->bucket, rest, len, err))
		return false;
	while (*prefix == '/')
		prefix++;
	len = strlen(prefix);
	while (len > 0 && prefix[len - 1] == '/')
		len--;
	if (asprintf(&s->prefix, "%.*s", (int)len, prefix) < 0) {
		s->prefix = NULL;
		return err_nomem(err, "S3 store");
	}
	if (len == 0)
		return true;
	if ((why = key_fault(s->prefix)) != NULL || len > S3_KEY_MAX / 2)
		return err_set(err, ERR_URI, "%s: the prefix cannot be used: "
		    "%s", shown, why != NULL ? why : "it is too long");
	free(s->prefix);
	if (asprintf(&s->prefix, "%.*s/", (int)len, prefix) < 0) {
		s->prefix = NULL;
		return err_nomem(err, "S3 store");
	}
	return true;
}

bool
s3_config_read(struct s3 *s, const char *rest, struct err *err)
{

	return read_bucket(s, rest, err) &&
	    read_key(&s->access_key, "AWS_ACCESS_KEY_ID", true, err) &&
	    read_key(&s->secret_key, "AWS_SECRET_ACCESS_KEY", true, err) &&
	    read_key(&s->token, "AWS_SESSION_TOKEN", false, err) &&
	    read_region(s, err) && read_endpoint(s, err);
}

static void
free_secret(char *s)
{

	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

void
s3_config_free(struct s3 *s)
{

	free(s->scheme);
	free(s->host);
	free(s->path);
	free(s->bucket);
	free(s->prefix);
	free(s->region);
	free_secret(s->access_key);
	free_secret(s->secret_key);
	free_secret(s->token);
}

bool
s3_config_is_loopback(const char *host)
{
	size_t len = strcspn(host, ":");

	return (len == 9 && strncmp(host, "localhost", 9) == 0) ||
	    strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0;
}
