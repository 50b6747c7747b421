/*
 * The few XML answers that S3 gives, read as they stream in: a function is told
 * of each element when it ends.  Documents with a DTD, deep nesting or long
 * texts are refused: no answer of S3 has them.
 */
#ifndef STORE_XML_H
#define STORE_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Element name (without a namespace's prefix) ended inside parent ("" at the
 * top); text is what stood directly in it.  Valid during the call.  False
 * stops with *err. */
typedef bool xml_element_fn(void *arg, const char *parent, const char *name,
    const char *text, struct err *err);

struct xml;

struct xml *xml_new(xml_element_fn *element, void *arg, struct err *err);
void xml_free(struct xml *x);		/* NULL is allowed */

/* The next bytes.  False with ERR_DAMAGED, or what element set. */
bool xml_feed(struct xml *x, const void *data, size_t len, struct err *err);

/* No more bytes come.  False with ERR_DAMAGED when the document is not whole. */
bool xml_finish(struct xml *x, struct err *err);

/* All of it at once. */
bool xml_parse(const void *data, size_t len, xml_element_fn *element, void *arg,
    struct err *err);

#endif
