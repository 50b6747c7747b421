#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "doctor/listing.h"
#include "doctor/room.h"
#include "job/file_walk.h"

#define NAMED_MAX 3

/* One kind of trouble with files. */
enum trouble {
	TROUBLE_LINK,
	TROUBLE_NAME,
	TROUBLE_READ,
	TROUBLE_SPECIAL,
	TROUBLE_COLLISION,
	TROUBLES
};

static const struct {
	const char *check;
	const char *remedy;
} troubles[TROUBLES] = {
	[TROUBLE_LINK] = { "source-links", "put the file itself in the place "
	    "of the link, or leave it out with --files-exclude" },
	[TROUBLE_NAME] = { "source-names", "rename it, or leave it out with "
	    "--files-exclude" },
	[TROUBLE_READ] = { "source-readable", "run as a user who may read it, "
	    "or leave it out with --files-exclude" },
	[TROUBLE_SPECIAL] = { "source-special", "no store can hold it: leave "
	    "it out with --files-exclude" },
	[TROUBLE_COLLISION] = { "source-collisions", "rename one of the two, "
	    "or give each --files a prefix of its own in TO" },
};

struct listing {
	struct doctor *d;
	const struct doctor_store *source;
	const char *place;
	struct file_names *names;
	struct doctor_listing *l;
	struct {
		uint64_t n;
		struct buf named;	/* the first of them */
	} troubles[TROUBLES];
};

static void
note(struct listing *l, enum trouble kind, const char *text)
{

	if (l->troubles[kind].n++ < NAMED_MAX)
		buf_printf(&l->troubles[kind].named, "%s%s",
		    l->troubles[kind].n > 1 ? "; " : "", text);
}

static bool
on_object(void *arg, const struct store_object *o, struct err *err)
{
	struct listing *l = arg;
	struct doctor_listing *out = l->l;
	struct err collision;

	if (cancel_requested())
		return cancel_err(err);
	if (!file_walk_selects(&l->d->job, o->key))
		return true;
	out->count++;
	out->bytes += o->size;
	if (o->size > out->largest)
		out->largest = o->size;
	if (o->size > 0 && strlen(o->key) < sizeof(out->sample) &&
	    (out->sample[0] == '\0' || o->size < out->sample_size)) {
		snprintf(out->sample, sizeof(out->sample), "%s", o->key);
		out->sample_size = o->size;
	}
	if (file_names_add(l->names, l->place, o->key, &collision))
		return true;
	if (collision.kind != ERR_CONFLICT) {
		*err = collision;
		return false;
	}
	note(l, TROUBLE_COLLISION, collision.message);
	return true;
}

static bool
on_oddity(void *arg, enum store_oddity kind, const char *name, const char *why,
    struct err *err)
{
	static const enum trouble kinds[] = {
		[STORE_OUTSIDE_LINK] = TROUBLE_LINK,
		[STORE_LOOP] = TROUBLE_LINK,
		[STORE_DANGLING_LINK] = TROUBLE_LINK,
		[STORE_SPECIAL] = TROUBLE_SPECIAL,
		[STORE_BAD_NAME] = TROUBLE_NAME,
		[STORE_UNREADABLE] = TROUBLE_READ,
	};
	struct listing *l = arg;
	char text[1200];

	(void)err;
	if (!file_walk_selects(&l->d->job, name))
		return true;
	snprintf(text, sizeof(text), "%s: %s", name, why);
	note(l, kinds[kind], text);
	return true;
}

static void
tell(struct listing *l)
{
	struct doctor_finding f = { "source-files", SPACEFERRY_WARN,
	    "mend --files-include and --files-exclude, or FROM" };
	char bytes[DOCTOR_BYTES_MAX], largest[DOCTOR_BYTES_MAX];
	uint64_t more;
	int i;

	if (l->l->count == 0)
		doctor_tell(l->d, &f, "no file to move in %s",
		    store_name(l->source->store));
	else
		doctor_pass(l->d, f.name, "%llu %s, %s, the largest %s",
		    (unsigned long long)l->l->count,
		    l->l->count == 1 ? "file" : "files",
		    doctor_room_bytes(l->l->bytes, bytes),
		    doctor_room_bytes(l->l->largest, largest));
	f.verdict = SPACEFERRY_FAIL;
	for (i = 0; i < TROUBLES; i++) {
		if (l->troubles[i].n == 0)
			continue;
		f.name = troubles[i].check;
		f.remedy = troubles[i].remedy;
		more = l->troubles[i].n > NAMED_MAX ?
		    l->troubles[i].n - NAMED_MAX : 0;
		if (more > 0)
			buf_printf(&l->troubles[i].named, "; and %llu more",
			    (unsigned long long)more);
		doctor_tell(l->d, &f, "%s",
		    buf_str(&l->troubles[i].named) != NULL ?
		    buf_str(&l->troubles[i].named) : "");
	}
}

bool
doctor_listing_read(struct doctor *d, const struct doctor_store *source,
    const char *place, struct file_names *names, struct doctor_listing *out,
    struct err *err)
{
	static const struct store_list_ops ops = { on_object, on_oddity };
	struct listing l = { .d = d, .source = source, .place = place,
		.names = names, .l = out };
	bool ok;
	int i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < TROUBLES; i++)
		buf_init(&l.troubles[i].named, (NAMED_MAX + 1) * 2048);
	ok = store_list(source->session, &ops, &l, err);
	if (ok) {
		tell(&l);
	} else if (!doctor_store_stops(err)) {
		doctor_err(d, "source-files", err);
		ok = true;
	}
	for (i = 0; i < TROUBLES; i++)
		buf_free(&l.troubles[i].named);
	return ok;
}

static bool
add_size(void *arg, const struct store_object *o, struct err *err)
{

	(void)err;
	*(uint64_t *)arg += o->size;
	return true;
}

uint64_t
doctor_listing_bytes(struct doctor_store *s)
{
	static const struct store_list_ops ops = { add_size, store_pass_over };
	uint64_t sum = 0;
	struct err ignored;

	return store_list(s->session, &ops, &sum, &ignored) ? sum : 0;
}
