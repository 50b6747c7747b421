#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/hash.h"
#include "codec/age_internal.h"

#define VERSION AGE_MAGIC "v1\n"
#define COLUMNS 64
#define ARGS 4			/* of a stanza: those that are looked at */

/* What is left to parse. */
struct cursor {
	const char *at, *end;
	size_t line;		/* of the file, from 1 */
	const char *name;
};

struct word {
	const char *at;
	size_t len;
};

void
age_header_init(struct age_header *h)
{

	memset(h, 0, sizeof(*h));
	buf_init(&h->text, AGE_HEADER_MAX);
}

void
age_header_free(struct age_header *h)
{

	free(h->stanza);
	buf_free(&h->text);
}

static bool
first_line(struct age_header *h, struct age_input *in, const char *name,
    struct err *err)
{
	const size_t n = sizeof(VERSION) - 1, magic = sizeof(AGE_MAGIC) - 1;

	if (!age_input_line(in, n, &h->text, err))
		return false;
	if (h->text.len == n && memcmp(h->text.data, VERSION, n) == 0)
		return true;
	if (h->text.len < n || memcmp(h->text.data, AGE_MAGIC, magic) != 0)
		return err_set(err, ERR_DAMAGED, "%s: not an age file", name);
	return err_set(err, ERR_UNSUPPORTED, "%s: another version of the age "
	    "format than v1", name);
}

bool
age_header_read(struct age_header *h, struct age_input *in, const char *name,
    struct err *err)
{
	size_t begin;

	if (!first_line(h, in, name, err))
		return false;
	do {
		begin = h->text.len;
		if (!age_input_line(in, AGE_HEADER_MAX - begin, &h->text, err))
			return false;
		if (h->text.len == begin ||
		    h->text.data[h->text.len - 1] != '\n')
			return err_set(err, ERR_DAMAGED, "%s: its age header "
			    "%s", name, h->text.len == AGE_HEADER_MAX ?
			    "is too long" : "is cut");
	} while (h->text.len - begin < 3 ||
	    memcmp(h->text.data + begin, "---", 3) != 0);
	return true;
}

static bool
bad(const struct cursor *c, const char *why, struct err *err)
{

	return err_set(err, ERR_DAMAGED, "%s: line %zu of its age header: %s",
	    c->name, c->line, why);
}

/* The next line without its end.  False when there is none. */
static bool
next_line(struct cursor *c, struct word *line)
{
	const char *newline = memchr(c->at, '\n', (size_t)(c->end - c->at));

	if (newline == NULL)
		return false;
	line->at = c->at;
	line->len = (size_t)(newline - c->at);
	c->at = newline + 1;
	c->line++;
	return true;
}

/* Canonical base64 without padding of exactly size bytes. */
static bool
decode(const struct word *w, uint8_t *out, size_t size)
{
	size_t n;

	return age_base64_decode(w->at, w->len, false, out, size, &n) &&
	    n == size;
}

/* The words behind "-> "; no more than ARGS are kept, all are counted. */
static bool
split(const struct word *line, struct word args[ARGS], size_t *n)
{
	const char *at = line->at + 3, *end = line->at + line->len, *from;

	for (*n = 0;; at++, ++*n) {
		for (from = at; at < end && *at != ' '; at++) {
			if (*at < 33 || *at > 126)
				return false;
		}
		if (at == from)
			return false;
		if (*n < ARGS)
			args[*n] = (struct word){ from, (size_t)(at - from) };
		if (at == end)
			break;
	}
	++*n;
	return true;
}

/* Lines of 64 columns, ended by one that is shorter.  *len: of all. */
static bool
read_body(struct cursor *c, uint8_t body[AGE_WRAPPED], size_t *len,
    struct err *err)
{
	uint8_t bytes[COLUMNS / 4 * 3];
	struct word line;
	size_t n;

	*len = 0;
	do {
		if (!next_line(c, &line) || line.len > COLUMNS ||
		    !age_base64_decode(line.at, line.len, false, bytes,
		    sizeof(bytes), &n))
			return bad(c, "not canonical base64", err);
		if (*len == 0)
			memcpy(body, bytes, n < AGE_WRAPPED ? n : AGE_WRAPPED);
		*len += n;
	} while (line.len == COLUMNS);
	return true;
}

/* A decimal without sign or leading zeros; what is too large is 1000. */
static bool
read_work(const struct word *w, unsigned *work)
{
	size_t i;

	*work = 0;
	for (i = 0; i < w->len; i++) {
		if (w->at[i] < (i == 0 ? '1' : '0') || w->at[i] > '9')
			return false;
		*work = *work * 10 + (unsigned)(w->at[i] - '0');
		if (*work > 1000)
			*work = 1000;
	}
	return true;
}

static bool
is_word(const struct word *w, const char *text)
{

	return w->len == strlen(text) && memcmp(w->at, text, w->len) == 0;
}

static struct age_stanza *
add(struct age_header *h, struct err *err)
{
	struct age_stanza *list;

	/* Doubled at 1, 2, 4, ...; the header's size bounds it. */
	if ((h->n & (h->n - 1)) == 0) {
		list = realloc(h->stanza,
		    (h->n == 0 ? 1 : h->n * 2) * sizeof(*list));
		if (list == NULL) {
			err_nomem(err, "age header");
			return NULL;
		}
		h->stanza = list;
	}
	memset(&h->stanza[h->n], 0, sizeof(*h->stanza));
	return &h->stanza[h->n++];
}

static bool
read_stanza(struct age_header *h, struct cursor *c, const struct word *line,
    struct err *err)
{
	struct word args[ARGS];
	uint8_t body[AGE_WRAPPED];
	struct age_stanza *s;
	size_t n, len;
	bool ok;

	if (!split(line, args, &n))
		return bad(c, "not a stanza", err);
	if (!read_body(c, body, &len, err))
		return false;
	if (!is_word(&args[0], "X25519") && !is_word(&args[0], "scrypt"))
		return true;
	if ((s = add(h, err)) == NULL)
		return false;
	if (*args[0].at == 'X') {
		s->kind = AGE_X25519;
		ok = n == 2 && decode(&args[1], s->share, AGE_KEY);
	} else {
		s->kind = AGE_SCRYPT;
		ok = n == 3 && decode(&args[1], s->share, AGE_SALT) &&
		    read_work(&args[2], &s->work);
	}
	memcpy(s->wrapped, body, AGE_WRAPPED);
	return (ok && len == AGE_WRAPPED) || bad(c, "a malformed stanza", err);
}

bool
age_header_parse(struct age_header *h, const char *name, struct err *err)
{
	const char *text = (const char *)h->text.data;
	struct cursor c = { text, text + h->text.len, 0, name };
	struct word line;
	size_t stanzas = 0, i;

	next_line(&c, &line);		/* the version: age_header_read() */
	for (;; stanzas++) {
		if (!next_line(&c, &line))
			return bad(&c, "cut", err);
		if (line.len < 3 || memcmp(line.at, "-> ", 3) != 0)
			break;
		if (!read_stanza(h, &c, &line, err))
			return false;
	}
	h->signed_len = (size_t)(line.at - text) + 3;
	if (line.len < 4 || memcmp(line.at, "--- ", 4) != 0)
		return bad(&c, "neither stanza nor MAC", err);
	line.at += 4;
	line.len -= 4;
	if (!decode(&line, h->mac, sizeof(h->mac)))
		return bad(&c, "malformed MAC", err);
	if (stanzas == 0)
		return bad(&c, "no recipients", err);
	for (i = 0; i < h->n && stanzas > 1; i++) {
		if (h->stanza[i].kind == AGE_SCRYPT)
			return bad(&c, "a passphrase beside other recipients",
			    err);
	}
	return true;
}

bool
age_header_mac(const struct buf *text, size_t len,
    const uint8_t file_key[AGE_FILE_KEY], uint8_t out[AGE_KEY])
{
	struct hash_hkdf in = { .key = file_key, .key_len = AGE_FILE_KEY,
	    .info = "header" };
	uint8_t key[AGE_KEY];
	bool ok;

	ok = hash_hkdf_sha256(&in, key) &&
	    hash_hmac_sha256(key, sizeof(key), text->data, len, out);
	sodium_memzero(key, sizeof(key));
	return ok;
}
