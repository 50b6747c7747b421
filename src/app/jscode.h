/*
 * JavaScript and TypeScript read as text: no parser, only enough to look for
 * what an app does without being fooled by comments.  What is found is a hint
 * for a person, never the base of a change.
 */
#ifndef APP_JSCODE_H
#define APP_JSCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "app/span.h"

/* True for the paths of the app's own code: .js, .jsx, .ts, .tsx, .mjs … of the
 * app, not its tests and not scripts beside it. */
bool jscode_is_source(const char *path);

/* Puts spaces over comments, in place; lines stay where they are. */
void jscode_strip(char *text, size_t len);

/* The next place where name stands as an identifier of its own, from the start
 * of s; NULL. */
const char *jscode_identifier(struct span s, const char *name);

/* What stands between the brackets, '{' or '[', that follow `name:` (or `name`
 * and '('), in *inside.  False when there is none; one that is not closed goes
 * to the end. */
bool jscode_block(struct span s, const char *name, char open,
    struct span *inside);

/* The next string literal ('…', "…", `…`) of *rest, taken off it, without its
 * quotes.  False when there is none. */
bool jscode_literal(struct span *rest, struct span *literal);

/* The value that follows `name:` or `name =`, up to a comma, a closing bracket
 * or the end of the line; trimmed.  False when name has none in s. */
bool jscode_value(struct span s, const char *name, struct span *value);

/* Told a package that a text imports, as package.json names it: "next",
 * "@scope/name"; not what is relative, an alias, or comes with Node. */
typedef void jscode_import_fn(void *arg, struct span package, const char *at);

/* Calls fn for each import, export from, require() and import() of text. */
void jscode_imports(struct span text, jscode_import_fn *fn, void *arg);

#endif
