#include <magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "job/media_type.h"

struct media_type {
	magic_t cookie;
};

/* Types that libmagic tells and browsers show without running anything. */
static const char *const safe_types[] = {
	"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif",
	"image/heic", "image/heif", "image/bmp", "image/tiff", "image/x-icon",
	"image/vnd.microsoft.icon", "image/jxl", "video/mp4", "video/webm",
	"video/quicktime", "video/ogg", "video/mpeg", "video/x-m4v",
	"audio/mpeg", "audio/mp4", "audio/ogg", "audio/flac", "audio/x-wav",
	"audio/wav", "audio/webm", "audio/aac", "audio/x-m4a", "font/woff",
	"font/woff2", "font/ttf", "font/otf", "font/sfnt",
	"application/vnd.ms-fontobject", "application/pdf", "text/plain",
	"text/csv", "text/markdown", "text/css", "text/javascript",
	"application/json", "application/manifest+json", "text/vtt",
	"text/calendar",
};

/* What plain text is called by its extension: libmagic cannot tell these
 * apart.  None of them becomes more dangerous by its new name. */
static const struct {
	const char *extension;
	const char *type;
} text_types[] = {
	{ "css", "text/css" }, { "js", "text/javascript" },
	{ "mjs", "text/javascript" }, { "json", "application/json" },
	{ "map", "application/json" }, { "csv", "text/csv" },
	{ "md", "text/markdown" }, { "vtt", "text/vtt" },
	{ "ics", "text/calendar" },
	{ "webmanifest", "application/manifest+json" },
	/* Text that a browser would run as markup keeps its dangerous name, and
	 * so becomes an attachment. */
	{ "html", "text/html" }, { "htm", "text/html" },
	{ "xhtml", "application/xhtml+xml" }, { "svg", "image/svg+xml" },
	{ "xml", "text/xml" },
};

struct media_type *
media_type_new(struct err *err)
{
	struct media_type *m;

	if ((m = calloc(1, sizeof(*m))) == NULL) {
		err_nomem(err, "media types");
		goto fail;
	}
	m->cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS |
	    MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_ELF);
	if (m->cookie == NULL) {
		err_nomem(err, "libmagic");
		goto fail_m;
	}
	if (magic_load(m->cookie, NULL) != 0) {
		err_set(err, ERR_NOT_FOUND, "libmagic: %s",
		    magic_error(m->cookie));
		err_hint(err, "install libmagic's database (libmagic-mgc)");
		goto fail_cookie;
	}
	return m;

fail_cookie:
	magic_close(m->cookie);
fail_m:
	free(m);
fail:
	return NULL;
}

void
media_type_free(struct media_type *m)
{

	if (m == NULL)
		return;
	magic_close(m->cookie);
	free(m);
}

static const char *
by_extension(const char *key)
{
	const char *slash = strrchr(key, '/');
	const char *dot = strrchr(slash != NULL ? slash : key, '.');
	size_t i;

	if (dot == NULL)
		return NULL;
	for (i = 0; i < sizeof(text_types) / sizeof(text_types[0]); i++) {
		if (strcasecmp(dot + 1, text_types[i].extension) == 0)
			return text_types[i].type;
	}
	return NULL;
}

/* Types that libmagic calls by what the text seems to be written in. */
static bool
is_plain_text(const char *type)
{

	if (strcmp(type, "text/html") == 0 || strcmp(type, "text/xml") == 0)
		return false;
	return strncmp(type, "text/", 5) == 0 ||
	    strcmp(type, "application/json") == 0 ||
	    strcmp(type, "application/javascript") == 0 ||
	    strcmp(type, "application/x-ndjson") == 0;
}

static bool
is_safe(const char *type)
{
	size_t i;

	for (i = 0; i < sizeof(safe_types) / sizeof(safe_types[0]); i++) {
		if (strcmp(type, safe_types[i]) == 0)
			return true;
	}
	return false;
}

/* Printable text in UTF-8 (a sample may end inside a character). */
static bool
is_utf8(const unsigned char *s, size_t len)
{
	size_t i = 0, more;

	while (i < len) {
		if (s[i] < 0x80)
			more = 0;
		else if (s[i] >= 0xc2 && s[i] <= 0xdf)
			more = 1;
		else if (s[i] >= 0xe0 && s[i] <= 0xef)
			more = 2;
		else if (s[i] >= 0xf0 && s[i] <= 0xf4)
			more = 3;
		else
			return false;
		for (i++; more > 0 && i < len; more--, i++) {
			if ((s[i] & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

void
media_type_of(struct media_type *m, const char *key, const void *sample,
    size_t len, struct media *out)
{
	const char *found = NULL, *type;
	bool is_text;

	if (len > 0)
		found = magic_buffer(m->cookie, sample, len);
	type = found;
	if (len == 0)
		type = "text/plain";
	if (type == NULL || strchr(type, '/') == NULL)
		type = "application/octet-stream";
	if (is_plain_text(type) && is_utf8(sample, len)) {
		type = by_extension(key) != NULL ? by_extension(key) :
		    strcmp(type, "application/json") == 0 ? type :
		    "text/plain";
	}
	out->safe = is_safe(type);
	is_text = strncmp(type, "text/", 5) == 0;
	snprintf(out->content_type, sizeof(out->content_type), "%s%s", type,
	    is_text && is_utf8(sample, len) ? "; charset=utf-8" : "");
}

const char *
media_type_disposition(const struct media *m, const char *policy)
{

	if (policy == NULL || strcmp(policy, "auto") == 0)
		return m->safe ? NULL : "attachment";
	return policy;
}
