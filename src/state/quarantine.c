#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "state/lines.h"
#include "state/place.h"
#include "state/quarantine_read.h"

#define SYNC_EVERY_NS 1000000000u
#define ID_MAX ((size_t)64 << 10)
#define MESSAGE_MAX ((size_t)4 << 10)
/* Longer names end in a digest instead. */
#define STEM_MAX 200
#define STEM_KEPT 160

struct quarantine {
	pthread_mutex_t lock;	/* of everything below, and of the files */
	char *folder;
	struct quarantine_pair *pairs;
	size_t n;
	size_t cap;
	uint64_t synced_at;
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

static char *
path_of(const struct quarantine *q, const char *stem, const char *suffix)
{
	char *path;

	return asprintf(&path, "%s/%s%s", q->folder, stem, suffix) < 0 ? NULL :
	    path;
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
	bson = path_of(q, p->stem, ".bson");
	lines = path_of(q, p->stem, ".jsonl");
	if (bson == NULL || lines == NULL)
		ok = err_nomem(err, "quarantine");
	else
		ok = quarantine_read(p, bson, lines, err);
	free(bson);
	free(lines);
	return ok;
}

static bool
read_folder(struct quarantine *q, struct err *err)
{
	struct dirent *e;
	bool ok = true;
	DIR *d;

	if ((d = opendir(q->folder)) == NULL) {
		if (errno == ENOENT)
			return true;
		err_set_errno(err, ERR_DISK, errno, "cannot open %s",
		    q->folder);
		return place_hint(err);
	}
	while (ok && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len > 5 && strcmp(e->d_name + len - 5, ".bson") == 0)
			ok = read_pair(q, strndup(e->d_name, len - 5), err);
	}
	closedir(d);
	return ok;
}

struct quarantine *
quarantine_open(const char *folder, struct err *err)
{
	struct quarantine *q;

	if ((q = calloc(1, sizeof(*q))) == NULL) {
		err_nomem(err, "quarantine");
		goto fail;
	}
	if (asprintf(&q->folder, "%s/quarantine", folder) < 0) {
		err_nomem(err, "quarantine");
		goto fail_q;
	}
	if (pthread_mutex_init(&q->lock, NULL) != 0) {
		err_nomem(err, "quarantine");
		goto fail_folder;
	}
	q->synced_at = cancel_now();
	if (!read_folder(q, err)) {
		quarantine_free(q);
		goto fail;
	}
	return q;

fail_folder:
	free(q->folder);
fail_q:
	free(q);
fail:
	return NULL;
}

/* --- on disk --- */

static bool
sync_file(char *path, struct err *err)
{
	bool ok = true;
	int fd;

	if (path == NULL)
		return err_nomem(err, "quarantine");
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) < 0) {
		if (errno != ENOENT)	/* forgotten since */
			ok = err_set_errno(err, ERR_DISK, errno,
			    "cannot open %s", path);
	} else {
		if (fsync(fd) != 0)
			ok = err_set_errno(err, ERR_DISK, errno,
			    "cannot write %s", path);
		close(fd);
	}
	free(path);
	return ok || place_hint(err);
}

static bool
sync_all(struct quarantine *q, struct err *err)
{
	bool any = false, ok = true;
	char *within;
	size_t i;

	for (i = 0; ok && i < q->n; i++) {
		struct quarantine_pair *p = &q->pairs[i];

		if (!p->dirty)
			continue;
		any = true;
		ok = sync_file(path_of(q, p->stem, ".bson"), err) &&
		    sync_file(path_of(q, p->stem, ".jsonl"), err);
		p->dirty = !ok;
	}
	if (ok && any) {
		if ((within = path_of(q, "", "")) == NULL)
			return err_nomem(err, "quarantine");
		ok = file_sync_folder_of(within, err);
		free(within);
	}
	q->synced_at = cancel_now();
	return ok;
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
	free(q->folder);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* Writes data behind the first len bytes of path, which is freed. */
static bool
append(char *path, uint64_t len, const struct buf *data, struct err *err)
{
	bool ok = false;
	int fd;

	if (path == NULL)
		return err_nomem(err, "quarantine");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)len) != 0 ||
	    lseek(fd, 0, SEEK_END) < 0)
		err_set_errno(err, ERR_DISK, errno, "cannot write %s", path);
	else
		ok = file_write_all(fd, data->data, data->len, path, err);
	if (!ok && fd >= 0)
		(void)!ftruncate(fd, (off_t)len);
	if (fd >= 0)
		close(fd);
	free(path);
	return ok || place_hint(err);
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

/* The line first: a document without its reason never stands there. */
static bool
write_pair(struct quarantine *q, struct quarantine_pair *p,
    const struct quarantined *d, struct err *err)
{
	const struct buf doc = { .data = (uint8_t *)(uintptr_t)d->doc,
		.len = d->len };
	struct buf line;
	bool ok;

	buf_init(&line, LINES_MAX);
	ok = file_make_folders(q->folder, 0700, err) || place_hint(err);
	ok = ok && make_line(d, p->bson_len, &line, err) &&
	    append(path_of(q, p->stem, ".jsonl"), p->lines_len, &line, err) &&
	    append(path_of(q, p->stem, ".bson"), p->bson_len, &doc, err);
	if (ok) {
		p->lines_len += line.len;
		p->bson_len += d->len;
		p->count++;
		p->dirty = true;
	}
	buf_free(&line);
	return ok;
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
	if (ok && cancel_now() - q->synced_at >= SYNC_EVERY_NS)
		ok = sync_all(q, err);
	pthread_mutex_unlock(&q->lock);
	return ok;
}

static bool
remove_file(char *path, struct err *err)
{
	bool ok = path != NULL;

	if (!ok)
		return err_nomem(err, "quarantine");
	if (unlink(path) != 0 && errno != ENOENT)
		ok = err_set_errno(err, ERR_DISK, errno, "cannot remove %s",
		    path);
	free(path);
	return ok || place_hint(err);
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
		ok = remove_file(path_of(q, p->stem, ".bson"), err) &&
		    remove_file(path_of(q, p->stem, ".jsonl"), err);
		stem = p->stem;
		p->stem = NULL;
		quarantine_pair_free(p);
		p->stem = stem;
		p->dirty = true;
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

	return quarantine_count(q) > 0 ? q->folder : NULL;
}
