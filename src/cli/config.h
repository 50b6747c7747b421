/*
 * The config file: YAML, one mapping whose keys are the names of options.
 * What the command line or the environment has set already stays; keys of
 * options that the command does not use are checked and then ignored, so that
 * one file serves every command.
 *
 * Values are expanded after parsing: ${NAME} is the variable of the
 * environment, $$ is $, any other $ stands for itself.  An unknown key, a key
 * given twice, a value of the wrong type, a variable that is not set: each is
 * ERR_CONFIG, and its message begins with FILE:LINE.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct command;
struct options;

#define CONFIG_DEFAULT "spaceferry.yaml"

/* Reads o->config, or CONFIG_DEFAULT in the working folder where it exists (it
 * then becomes o->config).  Blocks on a pipe.  True when there is no file. */
bool config_read(struct options *o, const struct command *command,
    struct err *err);

/* Appends text to out with its variables put in.  Values never appear in
 * messages. */
bool config_expand(const char *text, struct buf *out, struct err *err);

#endif
