#include <stdlib.h>
#include <string.h>

#include "mongo/classify.h"
#include "mongo/raw.h"
#include "mongo/sink_internal.h"

/* One bulk is one message: larger ones would be cut by libmongoc, which then
 * cannot say as well what became of which part.  Replies stay small too, if
 * every document is a duplicate. */
#define BULK_BYTES ((size_t)16 * 1024 * 1024)
#define BULK_DOCS 16384

/* A command of our own carries its documents inside, where 16 MiB is the
 * limit of the whole; a larger document goes alone. */
#define COMMAND_BYTES ((size_t)8 * 1024 * 1024)

/* What the server accepts beyond maxBsonObjectSize, for its own purposes. */
#define ALLOWANCE ((size_t)16 * 1024)

/* The releases that know bypassEmptyTsReplacement (SERVER-88750). */
static bool
keeps_stamps(int version)
{

	return version >= 80000 || (version >= 70013 && version < 70100) ||
	    (version >= 60017 && version < 60100) ||
	    (version >= 50029 && version < 50100);
}

struct mongo_sink *
mongo_sink_new(struct mongo_session *s, const struct mongo_sink_options *options,
    struct err *err)
{
	mongoc_read_prefs_t *primary;
	struct mongo_sink *k;
	char *ns;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		goto fail;
	if ((k->items = calloc(BULK_DOCS, sizeof(*k->items))) == NULL)
		goto fail_k;
	if ((ns = strdup(options->ns)) == NULL)
		goto fail_items;
	k->session = s;
	k->o = *options;
	k->o.ns = ns;
	if (!session_split_ns(ns, &k->ns, err))
		goto fail_ns;
	k->keeps_stamps = keeps_stamps(s->server->facts.version_number);
	retry_init(&k->retry, options->patience_ms);
	k->coll = mongoc_client_get_collection(s->client, k->ns.db, k->ns.coll);
	/* What was written is looked at again: not on a member that lags. */
	primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
	mongoc_client_set_read_prefs(s->client, primary);
	mongoc_read_prefs_destroy(primary);
	return k;

fail_ns:
	free(ns);
	free(k->items);
	free(k);
	return NULL;
fail_items:
	free(k->items);
fail_k:
	free(k);
fail:
	err_nomem(err, "sink");
	return NULL;
}

void
mongo_sink_free(struct mongo_sink *k)
{

	if (k == NULL)
		return;
	retry_end(&k->retry);
	mongoc_collection_destroy(k->coll);
	free((char *)(uintptr_t)k->o.ns);
	free(k->items);
	free(k);
}

void
sink_refuse(struct mongo_sink *k, const struct sink_item *item,
    const struct sink_error *why)
{
	struct mongo_refusal refusal = {
		.doc = item->doc, .len = item->len, .code = why->code,
		.message = why->message,
		.unique = why->code == CLASSIFY_DUPLICATE_KEY && !why->on_id,
	};

	k->written->refused++;
	k->o.refused(k->o.arg, &refusal);
}

static enum sink_way
way_of(const struct mongo_sink *k, const struct sink_item *item)
{
	struct raw_element id;

	if (k->o.timeseries)
		return raw_find_id(item->doc, item->len, &id) &&
		    !raw_has_zero_stamp(item->doc, item->len) ? SINK_BULK :
		    SINK_COMMAND;
	if (!raw_has_zero_stamp(item->doc, item->len))
		return SINK_BULK;
	return k->keeps_stamps ? SINK_COMMAND : SINK_STAMP;
}

/* The bytes of documents that lie one behind the other. */
struct input {
	const uint8_t *data;
	size_t len;
};

/* Looks at the document in front.  False with *err when there is none. */
static bool
peek(const struct mongo_sink *k, const struct input *in, uint32_t *len,
    struct err *err)
{

	if (in->len < 5)
		return err_set(err, ERR_INTERNAL, "%s: a batch ends inside a "
		    "document", k->o.ns);
	memcpy(len, in->data, sizeof(*len));
	*len = BSON_UINT32_FROM_LE(*len);
	if (*len < 5 || *len > in->len)
		return err_set(err, ERR_INTERNAL, "%s: a batch holds what is "
		    "no document", k->o.ns);
	return true;
}

/* Takes documents off the input until a chunk is full.  Those that no server
 * would take are told as refused here. */
static bool
take_chunk(struct mongo_sink *k, struct input *in, size_t *n, struct err *err)
{
	const size_t most = k->session->server->facts.max_document + ALLOWANCE;
	const struct sink_error too_large = {
		.code = CLASSIFY_TOO_LARGE,
		.message = "larger than a document may be",
	};
	struct sink_item *item;
	size_t bytes = 0;
	uint32_t len = 0;

	for (*n = 0; in->len > 0 && *n < BULK_DOCS; in->data += len,
	    in->len -= len) {
		if (!peek(k, in, &len, err))
			return false;
		if (*n > 0 && bytes + len > BULK_BYTES)
			break;
		item = &k->items[*n];
		item->doc = in->data;
		item->len = len;
		if (len > most) {
			sink_refuse(k, item, &too_large);
			continue;
		}
		item->way = way_of(k, item);
		bytes += len;
		(*n)++;
	}
	return true;
}

/* Brings items of one way together, where order does not matter. */
static void
group_by_way(struct sink_item *items, size_t n)
{
	struct sink_item item;
	size_t i, bulk = 0;

	for (i = 0; i < n; i++) {
		if (items[i].way != SINK_BULK)
			continue;
		item = items[bulk];
		items[bulk++] = items[i];
		items[i] = item;
	}
}

/* How many items from here on one command can carry. */
static size_t
run_length(const struct sink_item *items, size_t n)
{
	enum sink_way way = items[0].way;
	size_t i, bytes = 0;

	if (way == SINK_STAMP)
		return 1;
	for (i = 0; i < n && items[i].way == way; i++) {
		bytes += items[i].len;
		if (way == SINK_COMMAND && i > 0 && bytes > COMMAND_BYTES)
			break;
	}
	return i;
}

static bool
write_chunk(struct mongo_sink *k, size_t n, struct err *err)
{
	size_t i, run;
	bool ok = true;

	if (!k->o.in_order)
		group_by_way(k->items, n);
	for (i = 0; ok && i < n; i += run) {
		run = run_length(k->items + i, n - i);
		ok = k->items[i].way == SINK_STAMP ?
		    sink_stamp(k, &k->items[i], err) :
		    sink_insert(k, k->items + i, run, err);
	}
	return ok;
}

bool
mongo_sink_write(struct mongo_sink *k, const uint8_t *docs, size_t len,
    size_t n, struct mongo_written *written, struct err *err)
{
	struct input in = { .data = docs, .len = len };
	size_t taken;

	(void)n;
	k->written = written;
	while (in.len > 0) {
		if (!take_chunk(k, &in, &taken, err) ||
		    !write_chunk(k, taken, err))
			return false;
	}
	return true;
}

/* The next of both, added to what is to be replaced. */
static bool
add_replacement(struct mongo_sink *k, struct replacement *r,
    struct input *docs, struct input *olds, struct err *err)
{
	struct sink_item item;
	uint32_t len = 0, old_len = 0;

	if (!peek(k, docs, &len, err) || !peek(k, olds, &old_len, err))
		return false;
	item.doc = docs->data;
	item.len = len;
	item.way = way_of(k, &item);
	k->items[0] = item;
	/* What is not inserted as it is may have to be refused first. */
	if (item.way == SINK_BULK ? !sink_replace_add(r, &item, olds->data,
	    old_len, err) : !write_chunk(k, 1, err))
		return false;
	docs->data += len;
	docs->len -= len;
	olds->data += old_len;
	olds->len -= old_len;
	return true;
}

bool
mongo_sink_replace(struct mongo_sink *k, const struct mongo_replacements *what,
    struct mongo_written *written, struct err *err)
{
	struct input docs = { what->docs, what->len };
	struct input olds = { what->old, what->old_len };
	struct replacement *r;
	bool ok = true;

	if ((r = sink_replace_new(k)) == NULL)
		return err_nomem(err, "documents to replace");
	k->written = written;
	while (ok && docs.len > 0)
		ok = add_replacement(k, r, &docs, &olds, err);
	ok = ok && sink_replace_flush(r, err);
	sink_replace_free(r);
	return ok;
}
