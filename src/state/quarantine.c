#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "state/lines.h"
#include "state/quarantine_read.h"

#define FOLDER "quarantine"
#define BSON ".bson"
#define LINES ".jsonl"
#define ID_MAX ((size_t)64 << 10)
#define MESSAGE_MAX ((size_t)4 << 10)
/* Longer names end in a digest instead. */
#define STEM_MAX 200
#define STEM_KEPT 160

struct quarantine {
	struct place *place;
	char *path;		/* of the folder */
	pthread_mutex_t lock;	/* of everything below, and of the files */
	struct quarantine_pair *pairs;
	size_t n;
	size_t cap;
};

/* The pair of stem, made if missing; takes stem over.  NULL when memory is
 * out. */
static struct quarantine_pair *
pair_of(struct quarantine *q, char *stem)
{
	struct quarantine_pair *pairs;
	size_t i;

	if (stem == NULL)
		return NULL;
	for (i = 0; i < q->n; i++) {
		if (strcmp(q->pairs[i].stem, stem) == 0) {
			free(stem);
			return &q->pairs[i];
		}
	}
	if (q->n == q->cap) {
		q->cap = q->cap == 0 ? 8 : 2 * q->cap;
		pairs = reallocarray(q->pairs, q->cap, sizeof(*pairs));
		if (pairs == NULL) {
			q->cap = q->n;
			free(stem);
			return NULL;
		}
		q->pairs = pairs;
	}
	memset(&q->pairs[q->n], 0, sizeof(*q->pairs));
	q->pairs[q->n].stem = stem;
	return &q->pairs[q->n++];
}

/* The name of a file in the place; NULL when memory is out. */
static char *
name_of(const char *stem, const char *suffix)
{
	char *name;

	return asprintf(&name, FOLDER "/%s%s", stem, suffix) < 0 ? NULL : name;
}

/* A file name for ns: what is not a letter, digit, '-', '_' or inner '.' is
 * percent-encoded, a long name cut and told from others by its digest. */
static char *
stem_of(const char *ns)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	char *stem = malloc(3 * strlen(ns) + 1), *p = stem;
	uint8_t sha256[HASH_SHA256_SIZE];
	const char *s;

	if (stem == NULL)
		return NULL;
	for (s = ns; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL && (s > ns || *s != '.'))
			*p++ = *s;
		else
			p += snprintf(p, 4, "%%%02X", (unsigned char)*s);
	}
	*p = '\0';
	if ((size_t)(p - stem) <= STEM_MAX)
		return stem;
	if (!hash_sha256(ns, strlen(ns), sha256)) {
		free(stem);
		return NULL;
	}
	stem[STEM_KEPT] = '~';
	hash_hex(sha256, 20, stem + STEM_KEPT + 1);
	return stem;
}

/* --- opening --- */

/* Reads what an earlier run left under stem, which is taken over. */
static bool
read_pair(struct quarantine *q, char *stem, struct err *err)
{
	struct quarantine_pair *p;
	char *bson, *lines;
	bool ok;

	if ((p = pair_of(q, stem)) == NULL)
		return err_nomem(err, "quarantine");
	bson = name_of(p->stem, BSON);
	lines = name_of(p->stem, LINES);
	if (bson == NULL || lines == NULL)
		ok = err_nomem(err, "quarantine");
	else
		ok = quarantine_read(p, q->place, bson, lines, err);
	free(bson);
	free(lines);
	return ok;
}

static bool
on_name(void *arg, const char *name, struct err *err)
{
	size_t len = strlen(name);

	return len <= 5 || strcmp(name + len - 5, BSON) != 0 ||
	    read_pair(arg, strndup(name, len - 5), err);
}

struct quarantine *
quarantine_open(struct place *place, struct err *err)
{
	struct quarantine *q;

	if ((q = calloc(1, sizeof(*q))) == NULL) {
		err_nomem(err, "quarantine");
		goto fail;
	}
	q->place = place;
	if ((q->path = place_join(place, FOLDER)) == NULL) {
		err_nomem(err, "quarantine");
		goto fail_q;
	}
	if (pthread_mutex_init(&q->lock, NULL) != 0) {
		err_nomem(err, "quarantine");
		goto fail_path;
	}
	if (!place_list(place, FOLDER, on_name, q, err)) {
		quarantine_free(q);
		goto fail;
	}
	return q;

fail_path:
	free(q->path);
fail_q:
	free(q);
fail:
	return NULL;
}

/* --- keeping --- */

static bool
sync_all(struct quarantine *q, struct err *err)
{
	bool ok = true;
	size_t i;

	/* The lines first, as they are written. */
	for (i = 0; ok && i < q->n; i++) {
		struct quarantine_pair *p = &q->pairs[i];

		ok = (p->lines == NULL || place_file_sync(p->lines, err)) &&
		    (p->bson == NULL || place_file_sync(p->bson, err));
	}
	return ok;
}

/* Syncs what has waited for long enough. */
static bool
sync_due(struct quarantine_pair *p, struct err *err)
{

	return !place_file_due(p->bson) || (place_file_sync(p->lines, err) &&
	    place_file_sync(p->bson, err));
}

bool
quarantine_sync(struct quarantine *q, struct err *err)
{
	bool ok;

	pthread_mutex_lock(&q->lock);
	ok = sync_all(q, err);
	pthread_mutex_unlock(&q->lock);
	return ok;
}

void
quarantine_free(struct quarantine *q)
{
	size_t i;

	if (q == NULL)
		return;
	(void)sync_all(q, NULL);
	for (i = 0; i < q->n; i++)
		quarantine_pair_free(&q->pairs[i]);
	free(q->pairs);
	free(q->path);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* --- adding --- */

static json_t *
id_json(const char *id)
{
	json_t *v;

	if (strlen(id) > ID_MAX)
		return json_null();
	v = json_loads(id, JSON_DECODE_ANY | JSON_ALLOW_NUL |
	    JSON_REJECT_DUPLICATES, NULL);
	return v != NULL ? v : lines_text(id);
}

static json_t *
message_json(const char *message)
{
	char cut[MESSAGE_MAX + 1];
	size_t len = strnlen(message, MESSAGE_MAX);

	while (len == MESSAGE_MAX && len > 0 && (message[len] & 0xc0) == 0x80)
		len--;
	memcpy(cut, message, len);
	cut[len] = '\0';
	return lines_text(cut);
}

static bool
make_line(const struct quarantined *d, uint64_t offset, struct buf *line,
    struct err *err)
{
	json_t *o;
	bool ok;

	o = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o}",
	    "namespace", lines_text(d->ns), "_id", id_json(d->id),
	    "reason", d->reason, "message", message_json(d->message),
	    "offset", lines_number(offset), "length", lines_number(d->len));
	ok = (o != NULL && lines_dump(o, JSON_COMPACT, line) &&
	    buf_append_byte(line, '\n')) || err_nomem(err, "quarantine");
	json_decref(o);
	return ok;
}

/* Opens one of the two files, unless it is open. */
static bool
open_file(struct quarantine *q, const struct quarantine_pair *p,
    const char *suffix, struct place_file **f, struct err *err)
{
	char *name;

	if (*f != NULL)
		return true;
	if ((name = name_of(p->stem, suffix)) == NULL)
		return err_nomem(err, "quarantine");
	*f = place_file_open(q->place, name, strcmp(suffix, BSON) == 0 ?
	    p->bson_len : p->lines_len, true, err);
	free(name);
	return *f != NULL;
}

/* The line first: a document without its reason never stands there. */
static bool
write_pair(struct quarantine *q, struct quarantine_pair *p,
    const struct quarantined *d, struct err *err)
{
	struct buf line;
	bool ok;

	buf_init(&line, LINES_MAX);
	ok = open_file(q, p, LINES, &p->lines, err) &&
	    open_file(q, p, BSON, &p->bson, err) &&
	    make_line(d, p->bson_len, &line, err) &&
	    place_file_append(p->lines, line.data, line.len, err) &&
	    place_file_append(p->bson, d->doc, d->len, err);
	if (ok) {
		p->lines_len += line.len;
		p->bson_len += d->len;
		p->count++;
	} else {
		/* Opened again, it is cut back to its lines that count. */
		place_file_free(p->lines);
		p->lines = NULL;
	}
	buf_free(&line);
	return ok && sync_due(p, err);
}

bool
quarantine_add(struct quarantine *q, const struct quarantined *d,
    struct err *err)
{
	uint8_t sha256[HASH_SHA256_SIZE];
	struct quarantine_pair *p;
	bool ok;

	if (!hash_sha256(d->doc, d->len, sha256))
		return err_nomem(err, "quarantine");
	pthread_mutex_lock(&q->lock);
	if ((p = pair_of(q, stem_of(d->ns))) == NULL)
		ok = err_nomem(err, "quarantine");
	else
		ok = quarantine_had(p, sha256) || write_pair(q, p, d, err);
	pthread_mutex_unlock(&q->lock);
	return ok;
}

static bool
remove_file(struct quarantine *q, char *name, struct err *err)
{
	bool ok;

	if (name == NULL)
		return err_nomem(err, "quarantine");
	ok = place_remove(q->place, name, err);
	free(name);
	return ok;
}

bool
quarantine_forget(struct quarantine *q, const char *ns, struct err *err)
{
	struct quarantine_pair *p;
	char *stem;
	bool ok;

	pthread_mutex_lock(&q->lock);
	if ((p = pair_of(q, stem_of(ns))) == NULL) {
		ok = err_nomem(err, "quarantine");
	} else if (p->bson_len == 0 && p->lines_len == 0) {
		ok = true;
	} else {
		stem = p->stem;
		p->stem = NULL;
		quarantine_pair_free(p);
		p->stem = stem;
		ok = remove_file(q, name_of(stem, BSON), err) &&
		    remove_file(q, name_of(stem, LINES), err);
	}
	pthread_mutex_unlock(&q->lock);
	return ok;
}

uint64_t
quarantine_count(struct quarantine *q)
{
	uint64_t n = 0;
	size_t i;

	pthread_mutex_lock(&q->lock);
	for (i = 0; i < q->n; i++)
		n += q->pairs[i].count;
	pthread_mutex_unlock(&q->lock);
	return n;
}

const char *
quarantine_path(struct quarantine *q)
{

	return quarantine_count(q) > 0 ? q->path : NULL;
}
