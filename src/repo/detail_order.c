#include "repo/detail.h"

static bool
wrong(const char *what, struct err *err)
{

	return err_set(err, ERR_DAMAGED, "the details are not whole: %s", what);
}

/* What was begun must be complete before something else begins. */
static bool
is_complete(const struct detail_order *o, struct err *err)
{

	if (o->runs > 0 || o->bytes > 0 || o->documents > 0)
		return wrong("runs of a collection are missing", err);
	if (o->files > 0 || o->file_bytes > 0)
		return wrong("files of a place are missing", err);
	return true;
}

static bool
take_collection(struct detail_order *o, const struct detail_collection *c,
    struct err *err)
{

	if (o->seen.places > 0)
		return wrong("a collection behind the files", err);
	if (c->runs > c->tally.count || (c->runs == 0) != (c->tally.count == 0))
		return wrong("a collection without runs", err);
	o->runs = c->runs;
	o->bytes = c->tally.bytes;
	o->documents = c->tally.count;
	o->seen.collections++;
	o->seen.documents += c->tally.count;
	return true;
}

static bool
take_run(struct detail_order *o, const struct detail_run *r, struct err *err)
{

	if (o->runs == 0 || r->bytes > o->bytes || r->documents > o->documents ||
	    r->documents == 0)
		return wrong("a run too many", err);
	o->runs--;
	o->bytes -= r->bytes;
	o->documents -= r->documents;
	return o->runs > 0 || (o->bytes == 0 && o->documents == 0) ||
	    wrong("a collection's runs do not add up", err);
}

static bool
take_file(struct detail_order *o, const struct detail_file *f, struct err *err)
{

	if (o->files == 0 || f->size > o->file_bytes)
		return wrong("a file too many", err);
	o->files--;
	o->file_bytes -= f->size;
	o->seen.files++;
	return o->files > 0 || o->file_bytes == 0 ||
	    wrong("a place's files do not add up", err);
}

static bool
take_end(struct detail_order *o, const struct detail_end *e, struct err *err)
{

	if (e->collections != o->seen.collections ||
	    e->documents != o->seen.documents ||
	    e->places != o->seen.places || e->files != o->seen.files)
		return wrong("the counts at the end are others", err);
	o->ended = true;
	return true;
}

bool
detail_order_take(struct detail_order *o, const struct detail *d,
    struct err *err)
{

	if (o->ended)
		return wrong("something comes behind the end", err);
	if (o->any == (d->kind == DETAIL_SNAPSHOT))
		return wrong("the first line, and only that, tells what it "
		    "is", err);
	o->any = true;
	o->last = d->kind;
	if (d->kind != DETAIL_RUN && d->kind != DETAIL_FILE &&
	    !is_complete(o, err))
		return false;
	switch (d->kind) {
	case DETAIL_COLLECTION:
		return take_collection(o, &d->collection, err);
	case DETAIL_RUN:
		return take_run(o, &d->run, err);
	case DETAIL_PLACE:
		o->files = d->place.files;
		o->file_bytes = d->place.bytes;
		o->seen.places++;
		return o->files > 0 || o->file_bytes == 0 ||
		    wrong("a place without files has bytes", err);
	case DETAIL_FILE:
		return take_file(o, &d->file, err);
	case DETAIL_END:
		return take_end(o, &d->end, err);
	case DETAIL_SNAPSHOT:
		break;
	}
	return true;
}

bool
detail_order_done(const struct detail_order *o, struct err *err)
{

	return o->ended || wrong("they end too early", err);
}
