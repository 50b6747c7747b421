#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "store/sigv4.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define CANONICAL_MAX ((size_t)64 << 10)
#define HEX_SIZE (2 * HASH_SHA256_SIZE + 1)

void
sigv4_date(time_t when, char out[SIGV4_DATE_SIZE])
{
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(out, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm);
}

bool
sigv4_encode(struct buf *out, const char *text, bool path)
{
	const uint8_t *p;

	for (p = (const uint8_t *)text; *p != 0; p++) {
		bool plain = (*p >= 'A' && *p <= 'Z') ||
		    (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
		    *p == '-' || *p == '.' || *p == '_' || *p == '~' ||
		    (path && *p == '/');

		if (!(plain ? buf_append_byte(out, *p) :
		    buf_printf(out, "%%%02X", *p)))
			return false;
	}
	return true;
}

static int
by_bytes(const void *a, const void *b)
{

	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "name\1value", encoded: sorts by name, then by value ('=' would sort behind
 * digits, and encoded text holds no \1).  NULL when memory is out. */
static char *
encoded_pair(const struct sigv4_param *param)
{
	struct buf b;
	size_t len;

	buf_init(&b, CANONICAL_MAX);
	if (!sigv4_encode(&b, param->name, false) ||
	    !buf_append_byte(&b, 1) ||
	    !sigv4_encode(&b, param->value, false) ||
	    !buf_append_byte(&b, 0)) {
		buf_free(&b);
		return NULL;
	}
	return (char *)buf_steal(&b, &len);
}

bool
sigv4_query(struct buf *out, const struct sigv4_param *params, size_t n)
{
	char **pairs;
	size_t i, made;
	bool ok = false;

	if (n == 0)
		return true;
	if ((pairs = calloc(n, sizeof(*pairs))) == NULL)
		return false;
	for (made = 0; made < n; made++) {
		if ((pairs[made] = encoded_pair(&params[made])) == NULL)
			goto out;
	}
	qsort(pairs, n, sizeof(*pairs), by_bytes);
	for (i = 0; i < n; i++) {
		*strchr(pairs[i], 1) = '=';
		if ((i > 0 && !buf_append_byte(out, '&')) ||
		    !buf_append_str(out, pairs[i]))
			goto out;
	}
	ok = true;
out:
	while (made > 0)
		free(pairs[--made]);
	free(pairs);
	return ok;
}

/* By name without case; headers of the same name keep their order. */
static int
by_name(const void *a, const void *b)
{
	const struct http_header *const *x = a, *const *y = b;
	int c = strcasecmp((*x)->name, (*y)->name);

	return c != 0 ? c : (*x > *y) - (*x < *y);
}

/* Trimmed, runs of spaces as one. */
static bool
append_value(struct buf *out, const char *value)
{
	size_t start = out->len;
	bool space = false;

	for (; *value != '\0'; value++) {
		if (*value == ' ' || *value == '\t') {
			space = true;
			continue;
		}
		if (space && out->len > start && !buf_append_byte(out, ' '))
			return false;
		space = false;
		if (!buf_append_byte(out, (uint8_t)*value))
			return false;
	}
	return true;
}

static bool
append_lower(struct buf *out, const char *name)
{

	for (; *name != '\0'; name++) {
		bool upper = *name >= 'A' && *name <= 'Z';

		if (!buf_append_byte(out, (uint8_t)(upper ? *name | 32 : *name)))
			return false;
	}
	return true;
}

static void
sorted_headers(const struct sigv4_request *r,
    const struct http_header *sorted[SIGV4_HEADERS_MAX])
{
	size_t i;

	for (i = 0; i < r->n_headers; i++)
		sorted[i] = &r->headers[i];
	qsort(sorted, r->n_headers, sizeof(sorted[0]), by_name);
}

/* "name:value\n" each, or with names_only "name;name". */
static bool
append_headers(struct buf *out, const struct sigv4_request *r, bool names_only)
{
	const struct http_header *sorted[SIGV4_HEADERS_MAX];
	size_t i;

	if (r->n_headers > SIGV4_HEADERS_MAX)
		return false;
	sorted_headers(r, sorted);
	for (i = 0; i < r->n_headers; i++) {
		bool again = i > 0 &&
		    strcasecmp(sorted[i]->name, sorted[i - 1]->name) == 0;

		if (again && names_only)
			continue;
		/* Values of one name are joined by commas. */
		if (i > 0 && !buf_append_str(out, again ? "," :
		    names_only ? ";" : "\n"))
			return false;
		if (!again && !append_lower(out, sorted[i]->name))
			return false;
		if (!names_only && ((!again && !buf_append_byte(out, ':')) ||
		    !append_value(out, sorted[i]->value)))
			return false;
	}
	return true;
}

bool
sigv4_canonical(struct buf *out, const struct sigv4_request *r)
{

	return buf_printf(out, "%s\n%s\n%s\n", r->method, r->path, r->query) &&
	    append_headers(out, r, false) && buf_append_str(out, "\n\n") &&
	    append_headers(out, r, true) &&
	    buf_printf(out, "\n%s", r->payload);
}

static bool
hmac(const uint8_t key[HASH_SHA256_SIZE], const char *text,
    uint8_t out[HASH_SHA256_SIZE])
{

	return hash_hmac_sha256(key, HASH_SHA256_SIZE, text, strlen(text), out);
}

/* The signature, in hex, of a string to sign made on that day. */
static bool
signature(const struct sigv4_scope *s, const char *day, const char *to_sign,
    char out[HEX_SIZE])
{
	uint8_t key[HASH_SHA256_SIZE], next[HASH_SHA256_SIZE];
	struct buf secret;
	bool ok;

	buf_init(&secret, CANONICAL_MAX);
	ok = buf_printf(&secret, "AWS4%s", s->secret_key) &&
	    hash_hmac_sha256(secret.data, secret.len, day, strlen(day), key) &&
	    hmac(key, s->region, next) && hmac(next, s->service, key) &&
	    hmac(key, "aws4_request", next) && hmac(next, to_sign, key);
	if (ok)
		hash_hex(key, sizeof(key), out);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(next, sizeof(next));
	buf_free_secret(&secret);
	return ok;
}

bool
sigv4_sign(const struct sigv4_scope *s, const struct sigv4_request *r,
    struct buf *out, struct err *err)
{
	char day[9], hex[HEX_SIZE];
	uint8_t digest[HASH_SHA256_SIZE];
	struct buf text;
	bool ok;

	memcpy(day, r->date, 8);
	day[8] = '\0';
	buf_init(&text, CANONICAL_MAX);
	ok = sigv4_canonical(&text, r) &&
	    hash_sha256(text.data, text.len, digest);
	if (!ok)
		goto out;
	hash_hex(digest, sizeof(digest), hex);
	buf_reset(&text);
	ok = buf_printf(&text, ALGORITHM "\n%s\n%s/%s/%s/aws4_request\n%s",
	    r->date, day, s->region, s->service, hex) &&
	    buf_str(&text) != NULL &&
	    signature(s, day, (const char *)text.data, hex) &&
	    buf_printf(out, ALGORITHM " Credential=%s/%s/%s/%s/aws4_request, "
	    "SignedHeaders=", s->access_key, day, s->region, s->service) &&
	    append_headers(out, r, true) &&
	    buf_printf(out, ", Signature=%s", hex);
out:
	buf_free(&text);
	return ok || err_nomem(err, "signature");
}
