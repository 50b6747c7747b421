#include <string.h>

#include "job/end.h"

bool
end_open(struct end *e, const struct end_options *options, struct err *err)
{

	memset(e, 0, sizeof(*e));
	e->kind = END_MONGO;
	e->role = options->role;
	e->server = mongo_open(options->text, &options->mongo, err);
	if (e->server == NULL)
		return err_prefix(err, "%s", e->role);
	e->session = mongo_session_new(e->server, err);
	return e->session != NULL || err_prefix(err, "%s", e->role);
}

void
end_close(struct end *e)
{

	catalog_free(e->catalog);
	mongo_session_free(e->session);
	mongo_close(e->server);
	memset(e, 0, sizeof(*e));
}

bool
end_read_catalog(struct end *e, const struct strings *dbs, bool with_stats,
    struct err *err)
{

	e->catalog = catalog_read(e->session, dbs, with_stats, err);
	return e->catalog != NULL || err_prefix(err, "%s", e->role);
}

const char *
end_name(const struct end *e)
{

	return mongo_name(e->server);
}

const char *
end_identity(const struct end *e)
{

	return mongo_identity(e->server);
}

const char *
end_default_db(const struct end *e)
{

	return mongo_default_db(e->server);
}
