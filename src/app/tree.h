/*
 * An app's source tree: which files it has, and their texts.  Bounded: at most
 * TREE_FILES_MAX files, TREE_DEPTH_MAX folders deep; of what is ignored or lies
 * in public/ (uploads) only the first TREE_ASSETS_MAX are listed; a file is read
 * up to TREE_FILE_MAX bytes.  No symbolic link is followed.  Folders that are made
 * from others (node_modules, .git, .next …) are passed over.
 */
#ifndef APP_TREE_H
#define APP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define TREE_FILES_MAX 20000
#define TREE_ASSETS_MAX 10000
#define TREE_DEPTH_MAX 32
#define TREE_FILE_MAX ((size_t)1 << 20)

struct tree_file {
	char *path;		/* below the top, '/' between names */
	uint64_t size;
	bool ignored;		/* .gitignore leaves it out */
};

struct tree {
	char *folder;
	struct tree_file *file;	/* sorted within each folder */
	size_t n;
	size_t assets;		/* of them ignored or in public/ */
	bool truncated;		/* there are more than the limits allow */
	size_t links;		/* symbolic links passed over */
	size_t unreadable;	/* files and folders that could not be opened */
};

/* Lists the tree under folder.  False with *err when folder cannot be read,
 * out of memory, or a stop was requested; *t is to be freed in any case. */
bool tree_open(struct tree *t, const char *folder, struct err *err);
void tree_free(struct tree *t);

/* The file of exactly that path; NULL. */
const struct tree_file *tree_find(const struct tree *t, const char *path);

/* Replaces out's contents by those of the file, cut at TREE_FILE_MAX or at
 * out's max.  False with *err when it cannot be read. */
bool tree_load(const struct tree *t, const struct tree_file *f,
    struct buf *out, struct err *err);

/* The same by path, of a file outside the tree; it may be a pipe, whose end is
 * waited for. */
bool tree_load_path(const char *path, struct buf *out, struct err *err);

#endif
