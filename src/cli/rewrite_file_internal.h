/* What rewrite_file.c and rewrite_file_write.c share. */
#ifndef CLI_REWRITE_FILE_INTERNAL_H
#define CLI_REWRITE_FILE_INTERNAL_H

#include "cli/rewrite_file.h"

/* Opens it for reading, if it is still what was found; else -1 with *err. */
int rewrite_file_open(const struct rewrite_file *f, struct err *err);

/* False with ERR_CHANGED when the open file is not what was found any more. */
bool rewrite_file_unchanged(const struct rewrite_file *f, int fd,
    struct err *err);

/* The same of what was just learnt of it. */
bool rewrite_file_same(const struct rewrite_file *f, const struct stat *st,
    struct err *err);

#endif
