#include <string.h>

#include "base/buf.h"
#include "cli/config.h"
#include "cli/config_values.h"
#include "cli/options.h"

#define VALUE_LONGEST (64 * 1024)

/* The halves of a mapping {from:, to:} and, in files, its files-url:. */
struct halves {
	const yaml_node_t *from;
	const yaml_node_t *to;
	const yaml_node_t *url;
};

bool
config_values_fail(const struct config_values *c, const yaml_node_t *node,
    const char *key, const struct err *cause, struct err *err)
{
	enum err_kind kind = cause->kind == ERR_NOMEM ? ERR_NOMEM : ERR_CONFIG;

	err_set(err, kind, "%s:%zu: %s%s%s", c->path,
	    node->start_mark.line + 1, key != NULL ? key : "",
	    key != NULL ? ": " : "", cause->message);
	if (cause->hint[0] == '\0' && key != NULL) {
		const struct options_row *row = options_find(key, strlen(key));

		return err_hint(err, "%s: %s", key, row->help);
	}
	return err_hint(err, "%s", cause->hint);
}

static const char *
text_of(const yaml_node_t *node)
{

	return (const char *)node->data.scalar.value;
}

static const char *
shape_of(const yaml_node_t *node)
{

	switch (node->type) {
	case YAML_SCALAR_NODE:
		return "a single value";
	case YAML_SEQUENCE_NODE:
		return "a list";
	default:
		return "a mapping";
	}
}

/* False with *err when node has a tag of its own (!name) or is no text. */
static bool
check_scalar(const yaml_node_t *node, struct err *err)
{
	const char *text = text_of(node);
	size_t len = node->data.scalar.length;

	if (node->tag != NULL &&
	    strcmp((const char *)node->tag, YAML_DEFAULT_SCALAR_TAG) != 0) {
		err_set(err, ERR_CONFIG, "tags are not known here: %.60s",
		    (const char *)node->tag);
		return err_hint(err, "put quotes around a value that begins "
		    "with !");
	}
	if (strlen(text) != len)
		return err_set(err, ERR_CONFIG, "a NUL character in the value");
	if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (len == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0)) {
		err_set(err, ERR_CONFIG, "it has no value");
		return err_hint(err, "leave it out; '' is an empty text");
	}
	return true;
}

/* The expanded text of a scalar, in out.  NULL with *err. */
static const char *
value_of(const yaml_node_t *node, struct buf *out, struct err *err)
{
	const char *text;

	if (!check_scalar(node, err) || !config_expand(text_of(node), out, err))
		return NULL;
	if ((text = buf_str(out)) == NULL)
		err_set(err, ERR_CONFIG, "a value is too long");
	return text;
}

static bool
take_scalar(struct config_values *c, struct options *o,
    const struct options_row *row, const yaml_node_t *node, struct err *err)
{
	struct buf value;
	struct err cause;
	const char *text;
	bool ok;

	buf_init(&value, VALUE_LONGEST);
	text = value_of(node, &value, &cause);
	ok = text != NULL &&
	    options_set(o, row, OPTIONS_FROM_FILE, text, &cause) &&
	    (row->type != &options_places ||
	    options_settle_places(o, c->command, &cause));
	buf_free_secret(&value);
	return ok || config_values_fail(c, node, row->name, &cause, err);
}

/* Where the value of this key of a mapping belongs, NULL when nowhere. */
static const yaml_node_t **
half_named(const struct options_row *row, const yaml_node_t *key,
    struct halves *h)
{

	if (key->type != YAML_SCALAR_NODE)
		return NULL;
	if (strcmp(text_of(key), "from") == 0)
		return &h->from;
	if (strcmp(text_of(key), "to") == 0)
		return &h->to;
	if (row->type == &options_places &&
	    strcmp(text_of(key), "files-url") == 0)
		return &h->url;
	return NULL;
}

static bool
read_halves(struct config_values *c, const struct options_row *row,
    const yaml_node_t *node, struct halves *h, struct err *err)
{
	const yaml_node_pair_t *pair;
	const yaml_node_t *key, **half;
	struct err cause;

	*h = (struct halves){ NULL, NULL, NULL };
	for (pair = node->data.mapping.pairs.start;
	    pair < node->data.mapping.pairs.top; pair++) {
		key = yaml_document_get_node(&c->document, pair->key);
		half = half_named(row, key, h);
		if (half == NULL || *half != NULL) {
			err_set(&cause, ERR_CONFIG, half == NULL ?
			    "unknown key '%.60s'" : "'%.60s' is given twice",
			    key->type == YAML_SCALAR_NODE ? text_of(key) : "?");
			err_hint(&cause, row->type == &options_places ?
			    "the keys here: from, to, files-url" :
			    "the keys here: from, to");
			return config_values_fail(c, key, row->name, &cause,
			    err);
		}
		*half = yaml_document_get_node(&c->document, pair->value);
	}
	if (h->from == NULL || h->to == NULL) {
		err_set(&cause, ERR_CONFIG, "it needs both from and to");
		return config_values_fail(c, node, row->name, &cause, err);
	}
	return true;
}

static bool
take_halves(struct config_values *c, struct options *o,
    const struct options_row *row, const struct halves *h, struct err *err)
{
	const yaml_node_t *at = h->from;
	const char *from_text, *to_text;
	struct buf from, to;
	struct err cause;
	bool ok = false;

	buf_init(&from, VALUE_LONGEST);
	buf_init(&to, VALUE_LONGEST);
	if (h->from->type != YAML_SCALAR_NODE ||
	    h->to->type != YAML_SCALAR_NODE) {
		err_set(&cause, ERR_CONFIG, "from and to are single values");
		goto out;
	}
	if ((from_text = value_of(h->from, &from, &cause)) == NULL)
		goto out;
	if (from_text[0] != '\0')
		at = h->to;
	if ((to_text = value_of(h->to, &to, &cause)) == NULL)
		goto out;
	ok = options_set_pair(o, row, OPTIONS_FROM_FILE, from_text, to_text,
	    &cause);
out:
	buf_free_secret(&from);
	buf_free_secret(&to);
	return ok || config_values_fail(c, at, row->name, &cause, err);
}

/* One element of a list: a scalar, or of pairs a mapping too. */
static bool
take_element(struct config_values *c, struct options *o,
    const struct options_row *row, const yaml_node_t *node, struct err *err)
{
	struct halves h;
	struct err cause;

	if (node->type == YAML_SCALAR_NODE)
		return take_scalar(c, o, row, node, err);
	if (node->type != YAML_MAPPING_NODE || !row->type->pair) {
		err_set(&cause, ERR_CONFIG, "%s is wanted, not %s",
		    row->type->what, shape_of(node));
		err_hint(&cause, "write `%s: %s`", row->name,
		    row->argument != NULL ? row->argument : "true");
		return config_values_fail(c, node, row->name, &cause, err);
	}
	if (!read_halves(c, row, node, &h, err) ||
	    !take_halves(c, o, row, &h, err))
		return false;
	return h.url == NULL || config_values_take(c, o,
	    options_find("files-url", strlen("files-url")), h.url, err);
}

bool
config_values_take(struct config_values *c, struct options *o,
    const struct options_row *row, const yaml_node_t *node, struct err *err)
{
	const yaml_node_item_t *item;

	if (node->type != YAML_SEQUENCE_NODE || !row->type->list)
		return take_element(c, o, row, node, err);
	for (item = node->data.sequence.items.start;
	    item < node->data.sequence.items.top; item++) {
		if (!take_element(c, o, row,
		    yaml_document_get_node(&c->document, *item), err))
			return false;
	}
	return true;
}

bool
config_values_take_urls(struct config_values *c, struct options *o,
    const yaml_node_t *node, struct err *err)
{
	const struct options_row *row;
	const yaml_node_item_t *items;
	size_t i, n = o->job.n_files, given = 1;
	struct err cause;

	row = options_find("files-url", strlen("files-url"));
	if (n <= 1) {
		o->url_of = 0;
		return config_values_take(c, o, row, node, err);
	}
	if (node->type == YAML_SEQUENCE_NODE)
		given = (size_t)(node->data.sequence.items.top -
		    node->data.sequence.items.start);
	if (given != n) {
		err_set(&cause, ERR_CONFIG, "%zu entries for %zu of files",
		    given, n);
		err_hint(&cause, "write files-url inside the entries of files");
		return config_values_fail(c, node, row->name, &cause, err);
	}
	items = node->data.sequence.items.start;
	for (i = 0; i < n; i++) {
		o->url_of = i;
		if (!take_element(c, o, row,
		    yaml_document_get_node(&c->document, items[i]), err))
			return false;
	}
	return true;
}
