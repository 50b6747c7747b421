#include <stdlib.h>
#include <string.h>

#include "mongo/catalog_info.h"
#include "mongo/raw.h"

struct catalog *
catalog_new(struct err *err)
{
	struct catalog *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		err_nomem(err, "catalog");
	return c;
}

static bool
add_indexes(struct collection_info *c, const struct catalog_entry *e,
    struct err *err)
{
	size_t at = 0, len;
	bson_t spec;

	while (e->indexes_len - at >= 5) {
		const uint8_t *p = e->indexes + at;

		len = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 |
		    (size_t)p[3] << 24;
		if (len > e->indexes_len - at || !raw_bson(p, len, &spec))
			return err_set(err, ERR_DAMAGED, "%s: an index's "
			    "description is no document", c->ns);
		if (!catalog_info_index(c, &spec))
			return err_set(err, ERR_DAMAGED, "%s: an index has no "
			    "name", c->ns);
		at += len;
	}
	return true;
}

bool
catalog_add(struct catalog *catalog, const struct catalog_entry *e,
    struct err *err)
{
	struct collection_info *c;

	if (catalog_info_internal_db(e->db) || catalog_info_internal(e->name))
		return true;
	if ((c = catalog_info_new(catalog)) == NULL)
		return err_nomem(err, "catalog");
	c->type = e->type;
	c->count = e->count;
	c->bytes = e->bytes;
	if (!catalog_info_name(c, e->db, e->name, err))
		return false;
	if (!catalog_info_options(c, e->options, e->options_len))
		return err_set(err, ERR_DAMAGED, "%s: its options are no "
		    "document", c->ns);
	if (c->type == COLLECTION_VIEW && c->view_on == NULL)
		return err_set(err, ERR_DAMAGED, "%s: a view of nothing",
		    c->ns);
	return add_indexes(c, e, err);
}

static bool
describe_view(const bson_t *options, const char *view_on, struct buf *out)
{
	bson_iter_t it;
	bson_t b;
	bool ok;

	bson_init(&b);
	ok = bson_iter_init(&it, options);
	while (ok && bson_iter_next(&it)) {
		if (strcmp(bson_iter_key(&it), "viewOn") == 0)
			ok = BSON_APPEND_UTF8(&b, "viewOn", view_on);
		else
			ok = bson_append_iter(&b, NULL, 0, &it);
	}
	ok = ok && buf_append(out, bson_get_data(&b), b.len);
	bson_destroy(&b);
	return ok;
}

bool
catalog_describe(const struct collection_info *info, const char *view_on,
    struct buf *options, struct buf *indexes)
{
	bson_t b;
	size_t i;

	if (info->type == COLLECTION_VIEW && view_on != NULL) {
		if (!raw_bson(info->options.data, info->options.len, &b) ||
		    !describe_view(&b, view_on, options))
			return false;
	} else if (!buf_append(options, info->options.data,
	    info->options.len)) {
		return false;
	}
	if (info->id_index.data != NULL && !buf_append(indexes,
	    info->id_index.data, info->id_index.len))
		return false;
	for (i = 0; i < info->n_indexes; i++) {
		if (!buf_append(indexes, info->indexes[i].spec.data,
		    info->indexes[i].spec.len))
			return false;
	}
	return true;
}

bool
catalog_sort(struct catalog *c, struct err *err)
{

	return catalog_info_sort(c) || err_nomem(err, "catalog");
}
