#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "job/archive_filter.h"
#include "job/archive_out.h"
#include "job/dump_folder.h"
#include "job/leftovers.h"

struct archive_out {
	const struct archive_place *place;
	struct file_writer *file;	/* an archive's; NULL: stdout, dump */
	struct stream_out raw;
	struct stream_out content;	/* before compression */
	struct codec_writer *codec;
	struct archive_writer *writer;
	char *beside;		/* a dump that replaces another: made here */
	bool *open;		/* by collection */
};

/* --- before --- */

static bool
refuse(const struct archive_place *p, struct err *err)
{

	err_set(err, ERR_CONFLICT, "%s is there already", p->name);
	return err_hint(err, "--drop replaces it once the new one is whole");
}

static bool
check_file(const struct archive_place *p, bool replace, struct err *err)
{
	struct stat st;

	if (p->stream) {
		if (!isatty(STDOUT_FILENO))
			return true;
		err_set(err, ERR_USAGE, "an archive is not written to a "
		    "terminal");
		return err_hint(err, "--archive FILE, or a pipe behind it");
	}
	if (lstat(p->path, &st) != 0)
		return errno == ENOENT || err_set_errno(err, ERR_DISK, errno,
		    "cannot look at %s", p->name);
	if (stat(p->path, &st) == 0 && S_ISDIR(st.st_mode)) {
		err_set(err, ERR_CONFLICT, "%s is a folder", p->path);
		return err_hint(err, "--dir FOLDER (dump:FOLDER) makes a "
		    "folder; --archive names a file");
	}
	/* Put in the place of a device or a pipe, a file would ruin it. */
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
		err_set(err, ERR_CONFLICT, "%s is no file", p->path);
		return err_hint(err, "- in place of its name writes to stdout");
	}
	return replace || refuse(p, err);
}

bool
archive_out_check(const struct archive_place *p, bool replace, struct err *err)
{
	bool empty;

	if (p->kind == ARCHIVE_DOCUMENTS)
		return err_set(err, ERR_USAGE, "documents: is a source only");
	if (p->kind == ARCHIVE_FILE)
		return check_file(p, replace, err);
	if (!dump_folder_empty(p->path, &empty, err))
		return false;
	if (empty)
		return true;
	return replace ? dump_folder_check(p->path, err) : refuse(p, err);
}

/* --- writing --- */

static bool
write_file(void *arg, const void *data, size_t len, struct err *err)
{
	struct archive_out *out = arg;

	return file_writer_write(out->file, data, len, err);
}

static bool
write_stdout(void *arg, const void *data, size_t len, struct err *err)
{

	(void)arg;
	return file_write_all(STDOUT_FILENO, data, len, "stdout", err);
}

static bool
open_archive(struct archive_out *out, const struct archive_head *head,
    struct err *err)
{
	const struct archive_place *p = out->place;

	out->raw = (struct stream_out){ write_stdout, out };
	if (!p->stream) {
		out->raw.write = write_file;
		if ((out->file = file_writer_new(p->path, 0, err)) == NULL)
			return false;
	}
	out->content = out->raw;
	if (p->codec != CODEC_NONE) {
		out->codec = codec_writer_new(p->codec, &out->raw, err);
		if (out->codec == NULL)
			return false;
		out->content = codec_writer_stream(out->codec);
	}
	out->writer = archive_writer_new(&out->content, head, err);
	return out->writer != NULL;
}

/* What is there is replaced in the end: until then the new dump has another
 * name. */
static bool
open_dump(struct archive_out *out, const struct archive_head *head,
    struct err *err)
{
	const char *path = out->place->path;
	bool empty;

	if (!dump_folder_empty(path, &empty, err))
		return false;
	if (!empty) {
		out->beside = dump_folder_beside(path, err);
		if ((path = out->beside) == NULL)
			return false;
	}
	out->writer = archive_writer_dump(path, head,
	    out->place->codec == CODEC_GZIP, &archive_filter, err);
	return out->writer != NULL;
}

struct archive_out *
archive_out_open(const struct archive_place *place,
    const struct archive_head *head, struct err *err)
{
	struct archive_out *out;

	if ((out = calloc(1, sizeof(*out))) == NULL) {
		err_nomem(err, place->name);
		return NULL;
	}
	out->place = place;
	if (!place->stream)
		leftovers_remove(place->path);
	if ((out->open = calloc(head->n + 1, sizeof(*out->open))) == NULL) {
		err_nomem(err, place->name);
		free(out);
		return NULL;
	}
	if (place->kind == ARCHIVE_DUMP ? open_dump(out, head, err) :
	    open_archive(out, head, err))
		return out;
	archive_out_free(out);
	return NULL;
}

bool
archive_out_write(struct archive_out *out, size_t collection,
    const uint8_t *docs, size_t len, struct err *err)
{

	out->open[collection] = true;
	return archive_write(out->writer, collection, docs, len, err);
}

bool
archive_out_is_open(const struct archive_out *out, size_t collection)
{

	return out->open[collection];
}

bool
archive_out_end(struct archive_out *out, size_t collection, struct err *err)
{

	if (!out->open[collection])
		return true;
	out->open[collection] = false;
	return archive_write_end(out->writer, collection, err);
}

bool
archive_out_finish(struct archive_out *out, struct err *err)
{

	if (!archive_finish(out->writer, err))
		return false;
	if (out->codec != NULL && !codec_writer_finish(out->codec, err))
		return false;
	if (out->file != NULL)
		return file_writer_finish(out->file, err);
	if (out->beside == NULL)
		return true;
	return dump_folder_exchange(out->beside, out->place->path, err);
}

void
archive_out_free(struct archive_out *out)
{

	if (out == NULL)
		return;
	archive_writer_free(out->writer);
	codec_writer_free(out->codec);
	file_writer_free(out->file);
	/* The new one, if it was not finished; else the old one. */
	if (out->beside != NULL)
		dump_folder_remove(out->beside);
	free(out->beside);
	free(out->open);
	free(out);
}
