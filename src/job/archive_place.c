#include <stdio.h>
#include <string.h>

#include "job/archive_place.h"

static const struct {
	const char *prefix;
	enum archive_kind kind;
	const char *word;
} kinds[] = {
	{ "archive:", ARCHIVE_FILE, "archive" },
	{ "dump:", ARCHIVE_DUMP, "dump" },
	{ "documents:", ARCHIVE_DOCUMENTS, "documents" },
	{ "snapshot:", ARCHIVE_SNAPSHOT, "snapshot" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t
find(const char *text)
{
	size_t i;

	for (i = 0; i < KINDS; i++) {
		if (strncmp(text, kinds[i].prefix,
		    strlen(kinds[i].prefix)) == 0)
			break;
	}
	return i;
}

bool
archive_place_is(const char *text)
{

	return find(text) < KINDS;
}

static bool
choose_codec(struct archive_place *p, const char *compress, struct err *err)
{

	p->codec = p->stream || p->kind == ARCHIVE_DUMP ? CODEC_NONE :
	    codec_by_name(p->path);
	if (compress != NULL && !codec_by_word(compress, &p->codec))
		return err_set(err, ERR_USAGE, "--compress %s: gzip, zstd or "
		    "none", compress);
	if (p->kind != ARCHIVE_DUMP || p->codec != CODEC_ZSTD)
		return true;
	err_set(err, ERR_USAGE, "a dump directory is compressed with gzip or "
	    "not at all: mongorestore reads nothing else");
	return err_hint(err, "--compress gzip, or an archive");
}

static bool
check_documents(const struct archive_place *p, struct err *err)
{
	const char *dot = p->ns != NULL ? strchr(p->ns, '.') : NULL;

	if (p->ns == NULL) {
		err_set(err, ERR_USAGE, "which collection are the documents "
		    "of %s of?", p->path);
		return err_hint(err, "--namespace database.collection");
	}
	if (dot == NULL || dot == p->ns || dot[1] == '\0' ||
	    strchr(p->ns, '$') != NULL) {
		err_set(err, ERR_USAGE, "--namespace %s is no "
		    "database.collection", p->ns);
		return err_hint(err, "two names with a dot between, without "
		    "$: app.users");
	}
	return true;
}

bool
archive_place_init(struct archive_place *p, const char *text,
    const struct spaceferry_options *options, struct err *err)
{
	size_t i = find(text);

	memset(p, 0, sizeof(*p));
	if (i == KINDS)
		return err_set(err, ERR_INTERNAL, "no archive");
	p->kind = kinds[i].kind;
	p->path = text + strlen(kinds[i].prefix);
	if (p->kind == ARCHIVE_SNAPSHOT) {
		snprintf(p->name, sizeof(p->name), "%s", text);
		return true;
	}
	if (*p->path == '\0') {
		err_set(err, ERR_USAGE, "%s names no file", text);
		return err_hint(err, "archive:FILE, archive:-, dump:FOLDER");
	}
	p->stream = strcmp(p->path, "-") == 0 && p->kind != ARCHIVE_DUMP;
	p->ns = p->kind == ARCHIVE_DOCUMENTS ? options->ns : NULL;
	snprintf(p->name, sizeof(p->name), "%s %s", kinds[i].word,
	    p->path);
	if (!choose_codec(p, options->compress, err))
		return false;
	return p->kind != ARCHIVE_DOCUMENTS || check_documents(p, err);
}
