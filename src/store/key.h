/*
 * The rules for keys (store.h), and how names that break them are shown.
 */
#ifndef STORE_KEY_H
#define STORE_KEY_H

#include <stdbool.h>
#include <stddef.h>

/* True when s is UTF-8 as RFC 3629 has it: shortest forms, no surrogates. */
bool key_is_utf8(const char *s);

/* NULL when key may be one; else why not, as the end of a sentence. */
const char *key_fault(const char *key);

/* Name as one line of printable UTF-8, control characters and stray bytes as
 * \xNN, cut (between characters) if out is too small. */
void key_printable(const char *name, char *out, size_t out_size);

#endif
