#include <string.h>
#include <strings.h>

#include "doctor/doctor.h"
#include "doctor/listing.h"
#include "doctor/public.h"
#include "doctor/room.h"
#include "doctor/store.h"

#define SINGLE_MAX ((uint64_t)64 << 20)	/* larger files go in parts */

/* One --files. */
struct pair {
	const struct spaceferry_files *what;
	struct doctor_store source, target;
	struct doctor_listing listing;
	bool same;
};

static void
judge_same(struct doctor *d, struct pair *p)
{
	const struct doctor_finding f = { "same", SPACEFERRY_FAIL, "--files "
	    "FROM=TO moves from one place to another: change one of them" };

	if (p->source.store == NULL || p->target.store == NULL ||
	    strcmp(store_identity(p->source.store),
	    store_identity(p->target.store)) != 0)
		return;
	p->same = true;
	doctor_tell(d, &f, "source and target are the same: %s",
	    store_name(p->source.store));
}

/* Room for what is not there yet. */
static bool
judge_room(struct doctor *d, struct pair *p, struct err *err)
{
	struct doctor_room room = { .what = "the files",
		.remedy = "make room, or name a TO on a larger disk" };
	const char *path = p->what->place.to;
	uint64_t there = 0;

	if (strncasecmp(path, "file://", 7) == 0)
		path += 7;
	if (p->target.session != NULL && !p->target.missing)
		there = doctor_listing_bytes(&p->target);
	room.path = path;
	room.need = p->listing.bytes > there ? p->listing.bytes - there : 0;
	room.better = room.need + room.need / 10;
	return doctor_room_enough(d, doctor_store_check(DOCTOR_TARGET,
	    DOCTOR_ROOM), &room, err);
}

static bool
look_at_target(struct doctor *d, struct pair *p, struct err *err)
{
	struct doctor_store *t = &p->target;
	bool local = t->missing || (t->store != NULL &&
	    store_is_local(t->store));

	if (p->same)
		return true;
	if (local && !judge_room(d, p, err))
		return false;
	if (t->session != NULL && !doctor_store_write(d, t,
	    p->listing.largest > SINGLE_MAX && !local, err))
		return false;
	return doctor_public_new(d, p->what, t, err);
}

/* A folder's listing has opened what it lists, a bucket's has not. */
static bool
look_at_source(struct doctor *d, struct pair *p, struct file_names *names,
    struct err *err)
{
	struct doctor_listing *l = &p->listing;

	if (!doctor_store_open(d, &p->source, DOCTOR_SOURCE,
	    p->what->place.from, err))
		return false;
	if (p->source.listable && !doctor_listing_read(d, &p->source,
	    p->what->place.to, names, l, err))
		return false;
	if (l->sample[0] != '\0' && !store_is_local(p->source.store) &&
	    !doctor_store_read(d, &p->source, l->sample, l->sample_size, err))
		return false;
	return doctor_public_old(d, p->what, l->sample, l->sample_size, err);
}

static bool
look_at(struct doctor *d, struct pair *p, struct file_names *names,
    struct err *err)
{
	bool ok;

	if (!look_at_source(d, p, names, err))
		return false;
	if (!doctor_store_open(d, &p->target, DOCTOR_TARGET,
	    p->what->place.to, err))
		return false;
	judge_same(d, p);
	ok = look_at_target(d, p, err);
	doctor_store_remove(d, &p->target, d->job.options->delete_extra);
	return ok;
}

bool
doctor_files(struct doctor *d, struct err *err)
{
	const struct spaceferry_options *o = d->job.options;
	struct file_names *names;
	struct pair p;
	bool ok = true;
	size_t i;

	d->group = "files";
	if ((names = file_names_new()) == NULL)
		return err_nomem(err, "file names");
	for (i = 0; i < o->n_files && ok; i++) {
		memset(&p, 0, sizeof(p));
		p.what = &o->files[i];
		ok = look_at(d, &p, names, err);
		doctor_store_close(&p.source);
		doctor_store_close(&p.target);
	}
	file_names_free(names);
	return ok;
}
