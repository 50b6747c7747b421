/* What is known of the terminals behind stdout and stderr. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

/* True when fd is a terminal on which the cursor can be moved. */
bool terminal_is(int fd);

/* True when text on fd may be coloured: a terminal, and NO_COLOR is not set
 * (or empty). */
bool terminal_has_colour(int fd);

/* True when the locale's characters are UTF-8: LC_ALL, else LC_CTYPE, else
 * LANG, as setlocale(3) looks. */
bool terminal_is_utf8(void);

/* Columns and rows as they are now; 80 and 24 where that cannot be learnt. */
struct terminal_size {
	unsigned columns;
	unsigned rows;
};
struct terminal_size terminal_size(int fd);

#endif
