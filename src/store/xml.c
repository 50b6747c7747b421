#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "base/buf.h"
#include "store/xml.h"

#define DEPTH_MAX 8
#define NAME_SIZE 64
#define TEXT_MAX ((size_t)16 << 10)
#define FEED_MAX ((size_t)1 << 20)

struct xml {
	XML_Parser parser;
	xml_element_fn *element;
	void *arg;
	char names[DEPTH_MAX + 1][NAME_SIZE]; /* [0] is "", the outside */
	unsigned depth;
	struct buf text;	/* of the innermost element since its start or
				 * since a child's end */
	struct err *err;	/* of the running call */
	bool failed;		/* *err was set */
};

static void
stop(struct xml *x)
{

	x->failed = true;
	XML_StopParser(x->parser, XML_FALSE);
}

static void XMLCALL
on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct xml *x = arg;
	const char *colon = strrchr(name, ':');

	(void)attributes;
	if (x->failed)		/* expat may still call after a stop */
		return;
	if (colon != NULL)
		name = colon + 1;
	if (x->depth == DEPTH_MAX || strlen(name) >= NAME_SIZE) {
		err_set(x->err, ERR_DAMAGED, "XML with unexpected elements");
		stop(x);
		return;
	}
	memcpy(x->names[++x->depth], name, strlen(name) + 1);
	buf_reset(&x->text);
}

static void XMLCALL
on_end(void *arg, const XML_Char *name)
{
	struct xml *x = arg;
	const char *text = buf_str(&x->text);

	(void)name;
	if (x->failed)
		return;
	/* Room for the NUL was kept by on_text(). */
	if (!x->element(x->arg, x->names[x->depth - 1], x->names[x->depth],
	    text != NULL ? text : "", x->err))
		stop(x);
	x->depth--;
	buf_reset(&x->text);
}

static void XMLCALL
on_text(void *arg, const XML_Char *text, int len)
{
	struct xml *x = arg;

	if (x->failed)
		return;
	if ((size_t)len >= x->text.max - x->text.len) {
		err_set(x->err, ERR_DAMAGED, "XML with too long a text");
		stop(x);
	} else if (!buf_append(&x->text, text, (size_t)len)) {
		err_nomem(x->err, "XML");
		stop(x);
	}
}

static void XMLCALL
on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid,
    const XML_Char *pubid, int has_internal_subset)
{
	struct xml *x = arg;

	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_internal_subset;
	err_set(x->err, ERR_DAMAGED, "XML with a document type");
	stop(x);
}

struct xml *
xml_new(xml_element_fn *element, void *arg, struct err *err)
{
	struct xml *x;

	if ((x = calloc(1, sizeof(*x))) == NULL) {
		err_nomem(err, "XML");
		return NULL;
	}
	if ((x->parser = XML_ParserCreate(NULL)) == NULL) {
		err_nomem(err, "XML");
		free(x);
		return NULL;
	}
	x->element = element;
	x->arg = arg;
	buf_init(&x->text, TEXT_MAX);
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	return x;
}

void
xml_free(struct xml *x)
{

	if (x == NULL)
		return;
	XML_ParserFree(x->parser);
	buf_free(&x->text);
	free(x);
}

static bool
parse(struct xml *x, const void *data, size_t len, bool last, struct err *err)
{
	enum XML_Error code;

	if (x->failed)
		return err_set(err, ERR_DAMAGED, "XML went wrong before");
	x->err = err;
	if (XML_Parse(x->parser, data, (int)len, last) == XML_STATUS_OK)
		return true;
	if (x->failed)
		return false;
	x->failed = true;
	code = XML_GetErrorCode(x->parser);
	if (code == XML_ERROR_NO_MEMORY)
		return err_nomem(err, "XML");
	return err_set(err, ERR_DAMAGED, "not the XML that was expected: %s",
	    XML_ErrorString(code));
}

bool
xml_feed(struct xml *x, const void *data, size_t len, struct err *err)
{
	const char *p = data;

	for (; len > FEED_MAX; p += FEED_MAX, len -= FEED_MAX) {
		if (!parse(x, p, FEED_MAX, false, err))
			return false;
	}
	return parse(x, p, len, false, err);
}

bool
xml_finish(struct xml *x, struct err *err)
{

	return parse(x, "", 0, true, err);
}

bool
xml_parse(const void *data, size_t len, xml_element_fn *element, void *arg,
    struct err *err)
{
	struct xml *x;
	bool ok;

	if ((x = xml_new(element, arg, err)) == NULL)
		return false;
	ok = xml_feed(x, data, len, err) && xml_finish(x, err);
	xml_free(x);
	return ok;
}
