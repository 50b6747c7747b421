/*
 * Reads one archive or dump and writes another, without a server:
 *
 *	archive_tool FROM [TO]
 *
 * A folder is a dump, a file an archive, compressed as its name says; TO is a
 * dump where it ends in a slash, a compressed one where it ends in ".gz/".
 * Without TO it is only read.  Documents are written from all collections in
 * the order in which they come.  Prints "db.name TYPE DOCUMENTS BYTES" for
 * each collection, or the error on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/file.h"
#include "codec/codec.h"

static bool
read_fd(void *arg, void *data, size_t size, size_t *len, struct err *err)
{
	ssize_t n = read(*(int *)arg, data, size);

	*len = n < 0 ? 0 : (size_t)n;
	return n >= 0 || err_set_errno(err, ERR_DISK, errno, "reading");
}

static bool
write_fd(void *arg, const void *data, size_t len, struct err *err)
{

	return file_write_all(*(int *)arg, data, len, "the archive", err);
}

static void *
open_reader(const struct stream_in *raw, const char *name,
    struct stream_in *content, struct err *err)
{
	struct codec_reader *r;

	r = codec_reader_new(codec_by_name(name), raw, name, err);
	if (r != NULL)
		*content = codec_reader_stream(r);
	return r;
}

static void
close_reader(void *reader)
{

	codec_reader_free(reader);
}

static void *
open_writer(const struct stream_out *raw, const char *name,
    struct stream_out *content, struct err *err)
{
	struct codec_writer *w;

	w = codec_writer_new(codec_by_name(name), raw, err);
	if (w != NULL)
		*content = codec_writer_stream(w);
	return w;
}

static bool
finish_writer(void *writer, struct err *err)
{

	return codec_writer_finish(writer, err);
}

static void
close_writer(void *writer)
{

	codec_writer_free(writer);
}

static const struct archive_filter filter = { open_reader, close_reader,
    open_writer, finish_writer, close_writer };

/* What one run holds; left to the end of the process. */
struct run {
	int in, out;
	struct codec_reader *decoder;
	struct codec_writer *encoder;
	struct archive_reader *reader;
	struct archive_writer *writer;
	uint64_t *docs, *bytes;
};

static bool
open_from(struct run *run, const char *from, struct err *err)
{
	struct stream_in raw = { read_fd, &run->in }, content;
	struct stat st;

	if (stat(from, &st) == 0 && S_ISDIR(st.st_mode)) {
		run->reader = archive_reader_dump(from, &filter, err);
		return run->reader != NULL;
	}
	if ((run->in = open(from, O_RDONLY)) < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", from);
	run->decoder = open_reader(&raw, from, &content, err);
	if (run->decoder == NULL)
		return false;
	run->reader = archive_reader_new(&content, from, err);
	return run->reader != NULL;
}

static bool
open_to(struct run *run, const char *to, struct err *err)
{
	struct stream_out raw = { write_fd, &run->out }, content;
	struct archive_head head = {
		.n = archive_reader_count(run->reader),
		.server_version = archive_reader_server_version(run->reader),
	};
	size_t n = strlen(to);

	head.collections = head.n == 0 ? NULL :
	    archive_reader_collection(run->reader, 0);
	if (n > 0 && to[n - 1] == '/') {
		run->writer = archive_writer_dump(to, &head,
		    n > 4 && memcmp(to + n - 4, ".gz/", 4) == 0, &filter, err);
		return run->writer != NULL;
	}
	run->out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (run->out < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", to);
	run->encoder = open_writer(&raw, to, &content, err);
	if (run->encoder == NULL)
		return false;
	run->writer = archive_writer_new(&content, &head, err);
	return run->writer != NULL;
}

static bool
copy(struct run *run, struct err *err)
{
	struct archive_item item;

	for (;;) {
		switch (archive_next(run->reader, &item, err)) {
		case ARCHIVE_END:
			return run->writer == NULL ||
			    (archive_finish(run->writer, err) &&
			    (run->encoder == NULL ||
			    codec_writer_finish(run->encoder, err)));
		case ARCHIVE_FAILED:
			return false;
		case ARCHIVE_COLLECTION_END:
			if (run->writer != NULL && !archive_write_end(
			    run->writer, item.collection, err))
				return false;
			break;
		case ARCHIVE_DOC:
			run->docs[item.collection]++;
			run->bytes[item.collection] += item.len;
			if (run->writer != NULL && !archive_write(run->writer,
			    item.collection, item.doc, item.len, err))
				return false;
		}
	}
}

static void
print_collections(const struct run *run)
{
	const struct archive_collection *c;
	size_t i;

	for (i = 0; i < archive_reader_count(run->reader); i++) {
		c = archive_reader_collection(run->reader, i);
		printf("%s.%s\t%s\t%llu\t%llu\n", c->db, c->name, c->type,
		    (unsigned long long)run->docs[i],
		    (unsigned long long)run->bytes[i]);
	}
}

int
main(int argc, char **argv)
{
	struct run run = { .in = -1, .out = -1 };
	struct err err;
	bool ok;
	size_t n;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: archive_tool FROM [TO]\n");
		return 2;
	}
	err_clear(&err);
	ok = open_from(&run, argv[1], &err);
	if (ok) {
		n = archive_reader_count(run.reader) + 1;
		run.docs = calloc(n, sizeof(*run.docs));
		run.bytes = calloc(n, sizeof(*run.bytes));
		ok = run.docs != NULL && run.bytes != NULL &&
		    (argc == 2 || open_to(&run, argv[2], &err)) &&
		    copy(&run, &err);
	}
	if (ok)
		print_collections(&run);
	else
		fprintf(stderr, "%s: %s\n", err_kind_name(err.kind),
		    err.message);
	archive_writer_free(run.writer);
	archive_reader_free(run.reader);
	codec_writer_free(run.encoder);
	codec_reader_free(run.decoder);
	free(run.docs);
	free(run.bytes);
	return ok ? 0 : 1;
}
