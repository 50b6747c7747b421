#include <stdlib.h>
#include <string.h>

#include "job/archive_head.h"
#include "job/copy.h"

#define METADATA_MAX ((size_t)64 * 1024 * 1024)

static char *
word_of(enum collection_type type)
{

	return strdup(type == COLLECTION_VIEW ? "view" :
	    type == COLLECTION_TIMESERIES ? "timeseries" : "collection");
}

static bool
describe(const struct move *m, struct archive_collection *c)
{
	size_t db = strcspn(m->target_ns, ".");
	struct buf options, indexes;
	bool ok;

	buf_init(&options, METADATA_MAX);
	buf_init(&indexes, METADATA_MAX);
	ok = catalog_describe(m->info, m->info->type == COLLECTION_VIEW ?
	    m->view_on : NULL, &options, &indexes);
	c->options = buf_steal(&options, &c->options_len);
	c->indexes = buf_steal(&indexes, &c->indexes_len);
	c->db = strndup(m->target_ns, db);
	c->name = strdup(m->target_ns + db + 1);
	c->type = word_of(m->info->type);
	c->size = m->info->bytes;
	buf_free(&options);
	buf_free(&indexes);
	return ok && c->db != NULL && c->name != NULL && c->type != NULL;
}

struct archive_out *
archive_head_write(const struct data *d, struct err *err)
{
	struct archive_head head = { .n = d->n_moves,
	    /* An archive as source has an order of its own. */
	    .concurrent = d->source.kind == END_MONGO ? COPY_OPEN_MAX : 0,
	    .server_version = end_version(&d->source) };
	struct archive_collection *all;
	struct archive_out *out = NULL;
	bool ok = true;
	size_t i;

	if ((all = calloc(d->n_moves + 1, sizeof(*all))) == NULL) {
		err_nomem(err, "archive");
		return NULL;
	}
	for (i = 0; ok && i < d->n_moves; i++)
		ok = describe(&d->moves[i], &all[i]);
	head.collections = all;
	if (ok)
		out = archive_out_open(&d->target.place, &head, err);
	else
		err_nomem(err, "archive");
	for (i = 0; i < d->n_moves; i++) {
		free(all[i].db);
		free(all[i].name);
		free(all[i].type);
		free(all[i].options);
		free(all[i].indexes);
	}
	free(all);
	if (out == NULL)
		err_prefix(err, "target");
	return out;
}
