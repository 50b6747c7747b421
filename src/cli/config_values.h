/*
 * The values of the config file: from nodes of the YAML document to options.
 * Only config*.c include this.
 */
#ifndef CLI_CONFIG_VALUES_H
#define CLI_CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

#include "base/err.h"

struct options;
struct options_row;

/* The document, and its file's name for messages. */
struct config_values {
	const char *path;
	unsigned command;	/* its bit: what --files holds depends on it */
	yaml_document_t document;
};

/* Sets row of o from the value of its key; appends to lists.  False with *err,
 * whose message has the place. */
bool config_values_take(struct config_values *c, struct options *o,
    const struct options_row *row, const yaml_node_t *node, struct err *err);

/*
 * The key files-url beside files, once files are set in o.  With one entry of
 * files all belong to it; with several there is one for each, in their order.
 */
bool config_values_take_urls(struct config_values *c, struct options *o,
    const yaml_node_t *node, struct err *err);

/* Fills *err from cause with "FILE:LINE: KEY: " before its message, KEY only
 * when it is not NULL.  Returns false. */
bool config_values_fail(const struct config_values *c, const yaml_node_t *node,
    const char *key, const struct err *cause, struct err *err);

#endif
