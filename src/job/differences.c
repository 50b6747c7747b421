#include "job/differences.h"
#include "job/ticker.h"

void
differences_init(struct differences *d, struct job *job)
{

	d->job = job;
	d->limit = job->options->limit;
	atomic_init(&d->n, 0);
	job->differences = d;
}

bool
differences_wanted(const struct differences *d)
{

	return d->limit == 0 || atomic_load(&d->n) < d->limit;
}

void
differences_tell(struct differences *d,
    const struct spaceferry_difference *difference)
{

	if (atomic_fetch_add(&d->n, 1) < d->limit || d->limit == 0)
		ticker_difference(d->job->ticker, difference);
}

void
differences_tell_file(struct differences *d, const char *store,
    const char *key, const char *type, const char *source, const char *target)
{
	struct spaceferry_difference difference = {
		.kind = SPACEFERRY_FILE,
		.store = store,
		.key = key,
		.type = type,
		.source = source,
		.target = target,
	};

	differences_tell(d, &difference);
}
