/*
 * A piece of a text that somebody else holds: what the readers of this layer
 * hand each other instead of copies.
 *
 * The text must outlive the span.  Nothing here allocates but span_dup().
 */
#ifndef APP_SPAN_H
#define APP_SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *p;
	size_t len;
};

struct span span_of(const char *s);	/* a C string */

/* Takes the next line off *rest, without its end (LF or CRLF).  False when
 * nothing is left. */
bool span_line(struct span *rest, struct span *line);

/* Takes the next word (what white space and commas do not part) off *rest. */
bool span_word(struct span *rest, struct span *word);

/* The number, from 1, of the line in which at stands; at lies in text or at its
 * end. */
unsigned span_line_number(struct span text, const char *at);

/* Without white space at both ends. */
struct span span_trim(struct span s);

/* What follows at (in s) up to s's end. */
struct span span_from(struct span s, const char *at);

/* The first place of word in s; NULL.  The second folds ASCII letters. */
const char *span_find(struct span s, const char *word);
const char *span_find_fold(struct span s, const char *word);

bool span_is(struct span s, const char *word);
bool span_is_fold(struct span s, const char *word);
bool span_begins(struct span s, const char *word);
bool span_ends(struct span s, const char *word);

/* As a C string into out, cut to out_size. */
void span_copy(struct span s, char *out, size_t out_size);
char *span_dup(struct span s);		/* the caller frees it; NULL: no memory */

/* ASCII only, whatever the locale. */
bool span_is_word_byte(char c);		/* [A-Za-z0-9_] */
bool span_is_space(char c);

#endif
