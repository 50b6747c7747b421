#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "bson/doc.h"
#include "job/archive_filter.h"
#include "job/archive_in.h"
#include "job/snapshot_in.h"

#define WAIT_MS 100
#define READ_SIZE ((size_t)256 * 1024)

/* A file of documents: whole BSON documents one behind the other. */
struct documents {
	struct archive_collection collection;
	struct buf buf;		/* read and not yet handed out: */
	size_t at;		/* from here */
	uint64_t seen;
	bool ended;
};

struct archive_in {
	const struct archive_place *place;
	int fd;
	uint8_t head[4];	/* the first bytes of the file */
	size_t head_len;
	struct stream_in file;
	struct stream_in content; /* decompressed */
	struct codec_reader *codec;
	struct archive_reader *reader;	/* NULL: documents */
	struct documents documents;
	struct snapshot_in *snapshot; /* NULL: none of the above is used */
};

/* --- the file --- */

/* A pipe may stay silent for long: whoever waits must hear a stop. */
static bool
wait_readable(int fd, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do {
		if (cancel_requested())
			return cancel_err(err);
		n = poll(&p, 1, WAIT_MS);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return true;
}

static bool
read_file(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	struct archive_in *in = arg;
	const uint8_t *from = data;
	ssize_t n;

	do {
		if (!wait_readable(in->fd, err))
			return false;
		n = read(in->fd, data, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set_errno(err, ERR_DISK, errno, "cannot read %s",
		    in->place->name);
	*len = (size_t)n;
	for (; in->head_len < sizeof(in->head) && n > 0; n--, from++)
		in->head[in->head_len++] = *from;
	return true;
}

/* What a file that is no archive looks like, judged by its first bytes. */
static void
hint_compression(struct archive_in *in, struct err *err)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b };
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	const uint8_t *head = in->head;

	if (err->kind != ERR_DAMAGED || in->head_len < sizeof(in->head))
		return;
	if (in->place->codec != CODEC_GZIP &&
	    memcmp(head, gzip, sizeof(gzip)) == 0)
		err_hint(err, "it looks like gzip: --compress gzip");
	else if (in->place->codec != CODEC_ZSTD &&
	    memcmp(head, zstd, sizeof(zstd)) == 0)
		err_hint(err, "it looks like zstd: --compress zstd");
	else if (in->place->codec != CODEC_NONE &&
	    memcmp(head, gzip, sizeof(gzip)) != 0 &&
	    memcmp(head, zstd, sizeof(zstd)) != 0)
		err_hint(err, "it does not look compressed: --compress none");
}

/* A named file is read several times, which a pipe cannot be: opening it once
 * more would wait for ever. */
static bool
check_file(const struct archive_place *p, struct err *err)
{
	struct stat st;

	if (p->stream || stat(p->path, &st) != 0 || S_ISREG(st.st_mode))
		return true;
	if (S_ISDIR(st.st_mode)) {
		err_set(err, ERR_USAGE, "%s is a folder", p->name);
		return err_hint(err, p->kind == ARCHIVE_DOCUMENTS ?
		    "name a file in it" :
		    "--dir FOLDER (dump:FOLDER) reads a folder");
	}
	err_set(err, ERR_USAGE, "%s is no file that can be read twice",
	    p->name);
	return err_hint(err, "- in place of its name reads stdin, once");
}

static bool
open_file(struct archive_in *in, struct err *err)
{
	const struct archive_place *p = in->place;

	if (!check_file(p, err))
		return false;
	in->fd = p->stream ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) :
	    open(p->path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0)
		return err_set_errno(err, ERR_NOT_FOUND, errno,
		    "cannot open %s", p->name);
	in->file = (struct stream_in){ read_file, in };
	in->content = in->file;
	if (p->codec == CODEC_NONE)
		return true;
	in->codec = codec_reader_new(p->codec, &in->file, p->name, err);
	if (in->codec == NULL)
		return false;
	in->content = codec_reader_stream(in->codec);
	return true;
}

/* --- documents --- */

static bool
describe_documents(struct archive_in *in, struct err *err)
{
	struct archive_collection *c = &in->documents.collection;
	const char *dot = strchr(in->place->ns, '.');
	static const uint8_t none[5] = { 5, 0, 0, 0, 0 };

	buf_init(&in->documents.buf, ARCHIVE_DOC_MAX + READ_SIZE);
	c->db = strndup(in->place->ns, (size_t)(dot - in->place->ns));
	c->name = strdup(dot + 1);
	c->type = strdup("collection");
	c->options = malloc(sizeof(none));
	if (c->db == NULL || c->name == NULL || c->type == NULL ||
	    c->options == NULL)
		return err_nomem(err, in->place->name);
	memcpy(c->options, none, sizeof(none));
	c->options_len = sizeof(none);
	return true;
}

static void
free_documents(struct documents *d)
{

	buf_free(&d->buf);
	free(d->collection.db);
	free(d->collection.name);
	free(d->collection.type);
	free(d->collection.options);
}

/* Makes at least need bytes ready; *enough false at the end of the file. */
static bool
fill(struct archive_in *in, size_t need, bool *enough, struct err *err)
{
	struct documents *d = &in->documents;
	size_t len;

	while (d->buf.len - d->at < need) {
		memmove(d->buf.data, d->buf.data + d->at, d->buf.len - d->at);
		d->buf.len -= d->at;
		d->at = 0;
		if (!buf_reserve(&d->buf, READ_SIZE))
			return err_nomem(err, in->place->name);
		if (!in->content.read(in->content.arg,
		    d->buf.data + d->buf.len, READ_SIZE, &len, err))
			return false;
		if (len == 0)
			break;
		d->buf.len += len;
	}
	*enough = d->buf.len - d->at >= need;
	return true;
}

static bool
damaged(const struct archive_in *in, const char *what, struct err *err)
{

	return err_set(err, ERR_DAMAGED, "%s: document %llu %s",
	    in->place->name, (unsigned long long)in->documents.seen + 1, what);
}

static bool
next_document(struct archive_in *in, struct archive_item *item, struct err *err)
{
	struct documents *d = &in->documents;
	const uint8_t *p;
	bool enough;
	size_t len;

	item->doc = NULL;
	if (d->buf.data == NULL && !buf_reserve(&d->buf, READ_SIZE))
		return err_nomem(err, in->place->name);
	if (!fill(in, 4, &enough, err))
		return false;
	if (!enough)
		return d->buf.len == d->at || damaged(in, "is cut", err);
	p = d->buf.data + d->at;
	len = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 |
	    (size_t)p[3] << 24;
	if (len < 5 || len > ARCHIVE_DOC_MAX)
		return damaged(in, "has an impossible length", err);
	if (!fill(in, len, &enough, err))
		return false;
	if (!enough)
		return damaged(in, "is cut", err);
	if (!doc_valid(d->buf.data + d->at, len))
		return damaged(in, "is not valid BSON", err);
	item->doc = d->buf.data + d->at;
	item->len = len;
	d->at += len;
	d->seen++;
	return true;
}

static enum archive_next
documents_next(struct archive_in *in, struct archive_item *item,
    struct err *err)
{

	item->collection = 0;
	if (in->documents.ended)
		return ARCHIVE_END;
	if (!next_document(in, item, err))
		return ARCHIVE_FAILED;
	if (item->doc != NULL)
		return ARCHIVE_DOC;
	in->documents.ended = true;
	return ARCHIVE_COLLECTION_END;
}

/* --- all of them --- */

static bool
open_reader(struct archive_in *in, struct err *err)
{
	const struct archive_place *p = in->place;

	if (p->kind == ARCHIVE_SNAPSHOT) {
		in->snapshot = snapshot_in_open(p->snapshot, err);
		return in->snapshot != NULL;
	}
	if (p->kind == ARCHIVE_DUMP) {
		in->reader = archive_reader_dump(p->path, &archive_filter,
		    err);
		return in->reader != NULL;
	}
	if (!open_file(in, err))
		return false;
	if (p->kind == ARCHIVE_DOCUMENTS)
		return describe_documents(in, err);
	in->reader = archive_reader_new(&in->content, p->name, err);
	if (in->reader == NULL)
		hint_compression(in, err);
	return in->reader != NULL;
}

struct archive_in *
archive_in_open(const struct archive_place *place, struct err *err)
{
	struct archive_in *in;

	if ((in = calloc(1, sizeof(*in))) == NULL) {
		err_nomem(err, place->name);
		return NULL;
	}
	in->place = place;
	in->fd = -1;
	if (open_reader(in, err))
		return in;
	archive_in_free(in);
	return NULL;
}

void
archive_in_free(struct archive_in *in)
{

	if (in == NULL)
		return;
	snapshot_in_free(in->snapshot);
	archive_reader_free(in->reader);
	codec_reader_free(in->codec);
	if (in->fd >= 0)
		close(in->fd);
	free_documents(&in->documents);
	free(in);
}

size_t
archive_in_count(const struct archive_in *in)
{

	if (in->snapshot != NULL)
		return snapshot_source_count(in->place->snapshot);
	return in->reader != NULL ? archive_reader_count(in->reader) : 1;
}

const struct archive_collection *
archive_in_collection(const struct archive_in *in, size_t i)
{

	if (in->snapshot != NULL)
		return &snapshot_source_collection(in->place->snapshot,
		    i)->about;
	return in->reader != NULL ? archive_reader_collection(in->reader, i) :
	    &in->documents.collection;
}

const struct snapshot_source *
archive_in_snapshot(const struct archive_in *in)
{

	return in->place->snapshot;
}

const char *
archive_in_version(const struct archive_in *in)
{

	if (in->snapshot != NULL)
		return snapshot_source_about(in->place->snapshot)->server;
	return in->reader != NULL ? archive_reader_server_version(in->reader) :
	    "";
}

void
archive_in_choose(struct archive_in *in, struct archive_choice *choices)
{
	size_t i;

	if (in->snapshot != NULL) {
		snapshot_in_choose(in->snapshot, choices);
		return;
	}
	for (i = 0; i < archive_in_count(in); i++)
		choices[i].first = 0;
}

void
archive_in_judge(struct archive_in *in, struct mongo_server *server,
    const struct judge *judge)
{

	if (in->snapshot != NULL)
		snapshot_in_judge(in->snapshot, server, judge);
}

enum archive_next
archive_in_next(struct archive_in *in, struct archive_item *item,
    struct err *err)
{

	if (cancel_requested()) {
		cancel_err(err);
		return ARCHIVE_FAILED;
	}
	item->left_out = false;
	if (in->snapshot != NULL)
		return snapshot_in_next(in->snapshot, item, err);
	return in->reader != NULL ? archive_next(in->reader, item, err) :
	    documents_next(in, item, err);
}

bool
archive_in_all(struct archive_in *in,
    bool (*each)(void *arg, const struct archive_item *item, struct err *err),
    void *arg, struct err *err)
{
	struct archive_item item;

	for (;;) {
		switch (archive_in_next(in, &item, err)) {
		case ARCHIVE_DOC:
			if (!each(arg, &item, err))
				return false;
			break;
		case ARCHIVE_COLLECTION_END:
			break;
		case ARCHIVE_END:
			return true;
		case ARCHIVE_FAILED:
			return false;
		}
	}
}
