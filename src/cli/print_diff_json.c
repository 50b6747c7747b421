#include <inttypes.h>
#include <stdlib.h>

#include <jansson.h>

#include "cli/extended.h"
#include "cli/print_diff.h"
#include "cli/text.h"

/* 1000 fields of a document, in some MiB. */
#define LINE_LARGEST ((size_t)256 * 1024 * 1024)
#define TEXT_LARGEST ((size_t)16 * 1024 * 1024)

static const char *const kinds[] = {
	[SPACEFERRY_MISSING] = "missing",
	[SPACEFERRY_EXTRA] = "extra",
	[SPACEFERRY_DIFFERENT] = "different",
	[SPACEFERRY_METADATA] = "metadata",
	[SPACEFERRY_FILE] = "file",
};

/* Appends text as a JSON string; NULL is null. */
static bool
put_text(struct buf *line, const char *text)
{
	struct buf valid;
	json_t *value;
	char *json = NULL;
	bool ok;

	if (text == NULL)
		return buf_append_str(line, "null");
	buf_init(&valid, TEXT_LARGEST);
	if (text_valid(&valid, text) && buf_str(&valid) != NULL &&
	    (value = json_string(buf_str(&valid))) != NULL) {
		json = json_dumps(value, JSON_ENCODE_ANY);
		json_decref(value);
	}
	ok = json != NULL && buf_append_str(line, json);
	free(json);
	buf_free(&valid);
	return ok;
}

/* Appends Extended JSON as it is: jansson would lose keys that occur twice. */
static bool
put_value(struct buf *line, const char *extended)
{

	return extended == NULL ? buf_append_str(line, "null") :
	    extended_compact(line, extended) || put_text(line, extended);
}

/* ,"key":text */
static bool
put_named(struct buf *line, const char *key, const char *text)
{

	return buf_printf(line, ",\"%s\":", key) && put_text(line, text);
}

static bool
put_side(struct buf *line, const char *key, const char *extended)
{

	return extended == NULL || (buf_printf(line, ",\"%s\":", key) &&
	    put_value(line, extended));
}

static bool
put_field(struct buf *line, const struct spaceferry_field *f)
{

	return buf_append_str(line, "{\"path\":") && put_text(line, f->path) &&
	    put_side(line, "source", f->source) &&
	    put_side(line, "target", f->target) &&
	    (!f->order || buf_append_str(line, ",\"order\":true")) &&
	    (f->more == 0 || buf_printf(line, ",\"more\":%" PRIu64, f->more)) &&
	    buf_append_byte(line, '}');
}

static bool
put_document(struct buf *line, const struct spaceferry_difference *d)
{
	size_t i;

	if (!buf_append_str(line, ",\"_id\":") || !put_value(line, d->id) ||
	    !buf_append_str(line, ",\"fields\":["))
		return false;
	for (i = 0; i < d->n_fields; i++) {
		if ((i > 0 && !buf_append_byte(line, ',')) ||
		    !put_field(line, &d->fields[i]))
			return false;
	}
	return buf_append_byte(line, ']');
}

static bool
put_metadata(struct buf *line, const struct spaceferry_difference *d)
{

	return put_named(line, "type", d->type) &&
	    put_named(line, "name", d->name) &&
	    buf_append_str(line, ",\"source\":") &&
	    put_value(line, d->source) &&
	    buf_append_str(line, ",\"target\":") && put_value(line, d->target);
}

static bool
put_file(struct buf *line, const struct spaceferry_difference *d)
{

	return put_named(line, "store", d->store) &&
	    put_named(line, "key", d->key) && put_named(line, "type", d->type) &&
	    put_named(line, "source", d->source) &&
	    put_named(line, "target", d->target);
}

bool
print_diff_json(FILE *out, const struct spaceferry_difference *d)
{
	struct buf line;
	bool ok;

	buf_init(&line, LINE_LARGEST);
	ok = buf_printf(&line, "{\"kind\":\"%s\"", kinds[d->kind]) &&
	    put_named(&line, "namespace", d->ns);
	if (d->kind == SPACEFERRY_METADATA)
		ok = ok && put_metadata(&line, d);
	else if (d->kind == SPACEFERRY_FILE)
		ok = ok && put_file(&line, d);
	else
		ok = ok && put_document(&line, d);
	ok = ok && buf_append_str(&line, "}\n");
	if (ok)
		fwrite(line.data, 1, line.len, out);
	buf_free(&line);
	return ok;
}
