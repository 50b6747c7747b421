/*
 * The man page and the shell completions, written from the tables of commands
 * and options.  The build runs the program for them (cmake/install.cmake), so
 * they are never out of date.
 */
#ifndef CLI_GENERATE_H
#define CLI_GENERATE_H

#include <stdbool.h>
#include <stdio.h>

/* what: man, bash, zsh or fish.  False when it is none of these, or when
 * writing fails. */
bool generate(FILE *out, const char *what);

void generate_man(FILE *out);
void generate_bash(FILE *out);
void generate_zsh(FILE *out);
void generate_fish(FILE *out);

#endif
