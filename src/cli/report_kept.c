#include <stdlib.h>
#include <string.h>

#include "cli/report_kept.h"

#define ELLIPSIS "\xE2\x80\xA6"

/* A copy of at most REPORT_KEPT_TEXT bytes, cut between two characters.  NULL
 * of NULL, and where memory is out. */
static char *
keep(struct report_kept *k, const char *text)
{
	size_t len;
	char *copy;

	if (text == NULL)
		return NULL;
	len = strnlen(text, REPORT_KEPT_TEXT + 1);
	if (len > REPORT_KEPT_TEXT) {
		len = REPORT_KEPT_TEXT;
		while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
			len--;
	}
	if ((copy = malloc(len + sizeof(ELLIPSIS))) == NULL)
		return NULL;
	memcpy(copy, text, len);
	memcpy(copy + len, text[len] != '\0' ? ELLIPSIS : "",
	    text[len] != '\0' ? sizeof(ELLIPSIS) : 1);
	k->bytes += len;
	return copy;
}

static void
keep_fields(struct report_kept *k, struct report_kept_item *item,
    const struct spaceferry_difference *d)
{
	size_t i, n = d->n_fields;

	if (n > REPORT_KEPT_FIELDS)
		n = REPORT_KEPT_FIELDS;
	if (n > 0)
		item->fields = calloc(n, sizeof(*item->fields));
	if (item->fields == NULL)
		n = 0;
	for (i = 0; i < n; i++) {
		item->fields[i] = (struct report_kept_field){
			.path = keep(k, d->fields[i].path),
			.source = keep(k, d->fields[i].source),
			.target = keep(k, d->fields[i].target),
			.order = d->fields[i].order,
		};
	}
	item->n_fields = n;
	item->more_fields = d->n_fields - n;
}

/* The words of the public header, which are literals, for what is told. */
static const char *
type_of(const struct spaceferry_difference *d)
{
	static const char *const known[] = { "missing", "extra", "different",
		"index", "option", "validator", "view" };
	size_t i;

	switch (d->kind) {
	case SPACEFERRY_MISSING:
		return "missing";
	case SPACEFERRY_EXTRA:
		return "extra";
	case SPACEFERRY_DIFFERENT:
		return "different";
	default:
		break;
	}
	for (i = 0; d->type != NULL && i < sizeof(known) / sizeof(known[0]);
	    i++) {
		if (strcmp(d->type, known[i]) == 0)
			return known[i];
	}
	return "different";
}

void
report_kept_add(struct report_kept *k, const struct spaceferry_difference *d)
{
	struct report_kept_item *items, *item;

	items = k->items;
	if (k->n < REPORT_KEPT_MOST && k->bytes < REPORT_KEPT_BYTES)
		items = realloc(k->items, (k->n + 1) * sizeof(*items));
	if (items == NULL || k->n >= REPORT_KEPT_MOST ||
	    k->bytes >= REPORT_KEPT_BYTES) {
		k->more++;
		return;
	}
	k->items = items;
	item = &k->items[k->n++];
	*item = (struct report_kept_item){
		.kind = d->kind,
		.type = type_of(d),
		.where = keep(k, d->ns != NULL ? d->ns : d->store),
		.what = keep(k, d->id != NULL ? d->id :
		    d->name != NULL ? d->name : d->key),
		.source = keep(k, d->source),
		.target = keep(k, d->target),
	};
	keep_fields(k, item, d);
}

void
report_kept_free(struct report_kept *k)
{
	size_t i, j;

	for (i = 0; i < k->n; i++) {
		struct report_kept_item *item = &k->items[i];

		for (j = 0; j < item->n_fields; j++) {
			free(item->fields[j].path);
			free(item->fields[j].source);
			free(item->fields[j].target);
		}
		free(item->fields);
		free(item->where);
		free(item->what);
		free(item->source);
		free(item->target);
	}
	free(k->items);
	*k = (struct report_kept){ 0 };
}
