/*
 * Asks the question "which documents would this collection's validator
 * refuse?" as a query filter.
 */
#ifndef BSON_VALIDATOR_H
#define BSON_VALIDATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* options: a collection's raw options.  Appends {"$nor": [validator]}, with
 * query (raw, may be NULL) beside it, to out.  False when the options have no
 * validator that refuses anything (none, validationLevel off, validationAction
 * warn), or out is full. */
bool validator_violations(const uint8_t *options, size_t options_len,
    const uint8_t *query, size_t query_len, struct buf *out);

#endif
