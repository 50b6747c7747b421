#include <stdlib.h>
#include <string.h>

#include "job/archive_head.h"
#include "job/archive_users.h"
#include "job/copy.h"

#define METADATA_MAX ((size_t)64 * 1024 * 1024)

static char *
word_of(enum collection_type type)
{

	return strdup(type == COLLECTION_VIEW ? "view" :
	    type == COLLECTION_TIMESERIES ? "timeseries" : "collection");
}

bool
archive_head_describe(const struct move *m, struct archive_collection *c)
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

void
archive_head_forget(struct archive_collection *c)
{

	free(c->db);
	free(c->name);
	free(c->type);
	free(c->options);
	free(c->indexes);
	memset(c, 0, sizeof(*c));
}

/* What one database's users and roles are put into. */
static bool
describe_accounts(const char *db, struct archive_collection *c)
{
	static const uint8_t none[5] = { 5, 0, 0, 0, 0 };
	size_t i;

	for (i = 0; i < ARCHIVE_USERS_COLLECTIONS; i++, c++) {
		c->db = strdup(db);
		c->name = strdup(archive_users_names[i]);
		c->type = word_of(COLLECTION_PLAIN);
		c->options = malloc(sizeof(none));
		if (c->db == NULL || c->name == NULL || c->type == NULL ||
		    c->options == NULL)
			return false;
		memcpy(c->options, none, sizeof(none));
		c->options_len = sizeof(none);
		c->special = true;
	}
	return true;
}

static struct archive_out *
write_head(const struct data *d, const struct strings *dbs, struct err *err)
{
	struct archive_head head = {
	    .n = d->n_moves + dbs->n * ARCHIVE_USERS_COLLECTIONS,
	    /* An archive as source has an order of its own. */
	    .concurrent = d->source.kind == END_MONGO ? COPY_OPEN_MAX : 0,
	    .server_version = end_version(&d->source) };
	struct archive_collection *all;
	struct archive_out *out = NULL;
	bool ok = true;
	size_t i;

	if ((all = calloc(head.n + 1, sizeof(*all))) == NULL) {
		err_nomem(err, "archive");
		return NULL;
	}
	for (i = 0; ok && i < d->n_moves; i++)
		ok = archive_head_describe(&d->moves[i], &all[i]);
	for (i = 0; ok && i < dbs->n; i++)
		ok = describe_accounts(dbs->v[i], &all[d->n_moves + i *
		    ARCHIVE_USERS_COLLECTIONS]);
	head.collections = all;
	if (ok)
		out = archive_out_open(&d->target.place, &head, err);
	else
		err_nomem(err, "archive");
	for (i = 0; i < head.n; i++)
		archive_head_forget(&all[i]);
	free(all);
	return out;
}

struct archive_out *
archive_head_write(const struct data *d, bool accounts, struct err *err)
{
	struct archive_out *out = NULL;
	struct strings dbs = { NULL, 0 };

	if (!accounts || data_target_databases(d, &dbs, err))
		out = write_head(d, &dbs, err);
	strings_free(&dbs);
	if (out == NULL)
		err_prefix(err, "target");
	return out;
}
