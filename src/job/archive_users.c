#include <string.h>

#include "job/archive_users.h"

#define BESIDE "$admin."
#define SCHEMA_MAX 256

const char *const archive_users_names[ARCHIVE_USERS_COLLECTIONS] = {
	BESIDE "system.users", BESIDE "system.roles", BESIDE "system.version",
};

/* "system.users" of the server; NULL for a collection of the app. */
static const char *
own_name(const struct archive_collection *c)
{

	if (!c->special)
		return NULL;
	if (strncmp(c->name, BESIDE, strlen(BESIDE)) == 0)
		return c->name + strlen(BESIDE);
	return strcmp(c->db, "admin") == 0 ? c->name : NULL;
}

bool
archive_users_take(struct users *u, const struct archive_collection *c,
    const struct archive_item *item, struct err *err)
{
	const char *name = own_name(c);
	bool ok = true;

	if (name == NULL)
		return true;
	if (strcmp(name, "system.users") == 0)
		ok = users_add(u, USERS_USER, item->doc, item->len, err);
	else if (strcmp(name, "system.roles") == 0)
		ok = users_add(u, USERS_ROLE, item->doc, item->len, err);
	else if (strcmp(name, "system.version") == 0)
		ok = users_check_schema(item->doc, item->len, err);
	return ok || err_prefix(err, "%s.%s", c->db, c->name);
}

bool
archive_users_write(struct archive_out *out, size_t first,
    const struct users *u, struct err *err)
{
	const struct buf *parts[ARCHIVE_USERS_COLLECTIONS];
	struct buf schema;
	bool ok;
	size_t i;

	buf_init(&schema, SCHEMA_MAX);
	parts[0] = &u->users;
	parts[1] = &u->roles;
	parts[2] = &schema;
	ok = users_schema(&schema, err);
	for (i = 0; ok && i < ARCHIVE_USERS_COLLECTIONS; i++)
		ok = parts[i]->len == 0 || (archive_out_write(out, first + i,
		    parts[i]->data, parts[i]->len, err) &&
		    archive_out_end(out, first + i, err));
	buf_free(&schema);
	return ok;
}
