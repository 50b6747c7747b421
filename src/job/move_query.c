#include <stdio.h>
#include <string.h>

#include "job/move.h"

/* Documents are what is asked about, and a bucket holds many measurements. */
static bool
check_buckets(const struct data *d, struct err *err)
{
	size_t i;

	for (i = 0; i < d->n_moves; i++) {
		const struct move *m = &d->moves[i];

		if (!m->buckets)
			continue;
		err_set(err, ERR_UNSUPPORTED, "%s is a time-series, which a "
		    "snapshot holds as buckets: --query does not apply to "
		    "them", m->info->ns);
		return err_hint(err, "--exclude %s leaves it out",
		    m->info->ns);
	}
	return true;
}

bool
data_find_judge(struct data *d, struct err *err)
{

	if (d->query.data == NULL || d->source.kind == END_MONGO ||
	    d->n_moves == 0)
		return true;
	if (!check_buckets(d, err))
		return false;
	snprintf(d->judge_db, sizeof(d->judge_db), "%.*s",
	    (int)strcspn(d->moves[0].target_ns, "."), d->moves[0].target_ns);
	d->judge.query = d->query;
	d->judge.db = d->judge_db;
	return judge_check(d->target.session, &d->judge, err) ||
	    err_prefix(err, "target");
}

void
data_ask(const struct data *d, struct archive_in *in)
{

	if (d->judge.db != NULL)
		archive_in_judge(in, d->target.server, &d->judge);
}
