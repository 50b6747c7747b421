
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "cli/print.h"
#include "cli/print_json.h"
#include "cli/text.h"

#define TEXT_LARGEST ((size_t)64 * 1024 * 1024)

/* Every function here hands a new reference to its caller; NULL (memory is
 * out) travels up through json_object_set_new, which then fails. */

static json_t *
text(const char *s)
{
	struct buf valid;
	json_t *value;

	if (s == NULL)
		return json_null();
	/* The usual case: what is UTF-8 already. */
	if ((value = json_string(s)) != NULL)
		return value;
	buf_init(&valid, TEXT_LARGEST);
	if (text_valid(&valid, s) && buf_str(&valid) != NULL)
		value = json_string(buf_str(&valid));
	buf_free(&valid);
	return value;
}

static json_t *
number(uint64_t n)
{

	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

/* Extended JSON as the value it is; as text where it is none. */
static json_t *
value(const char *extended)
{
	json_t *parsed;

	if (extended == NULL)
		return json_null();
	parsed = json_loads(extended, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
	    NULL);
	return parsed != NULL ? parsed : text(extended);
}

/* A key and its value, as long as everything went well. */
static void
set(json_t **object, const char *key, json_t *v)
{

	if (*object == NULL) {
		json_decref(v);
	} else if (json_object_set_new(*object, key, v) != 0) {
		json_decref(*object);
		*object = NULL;
	}
}

static void
add(json_t **array, json_t *v)
{

	if (*array == NULL) {
		json_decref(v);
	} else if (json_array_append_new(*array, v) != 0) {
		json_decref(*array);
		*array = NULL;
	}
}

static json_t *
tally(const struct spaceferry_tally *t)
{
	json_t *o = json_object();

	set(&o, "count", number(t->count));
	set(&o, "bytes", number(t->bytes));
	set(&o, "digest", text(t->digest));
	return o;
}

static json_t *
metadata(const struct spaceferry_collection *c)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < c->n_metadata; i++) {
		o = json_object();
		set(&o, "kind", text(c->metadata[i].kind));
		set(&o, "name", text(c->metadata[i].name));
		set(&o, "source", value(c->metadata[i].source));
		set(&o, "target", value(c->metadata[i].target));
		add(&list, o);
	}
	return list;
}

static json_t *
rewritten(const struct spaceferry_collection *c)
{
	json_t *o = json_object();

	set(&o, "documents", number(c->rewritten_documents));
	set(&o, "values", number(c->rewritten_values));
	return o;
}

static json_t *
unrewritten(const struct spaceferry_collection *c)
{
	json_t *o = json_object();

	set(&o, "keys", number(c->unrewritten.keys));
	set(&o, "ids", number(c->unrewritten.ids));
	set(&o, "binary", number(c->unrewritten.binary));
	set(&o, "regex", number(c->unrewritten.regex));
	set(&o, "metadata", number(c->unrewritten.metadata));
	set(&o, "no_rule", number(c->unrewritten.no_rule));
	return o;
}

static json_t *
collection(const struct spaceferry_collection *c)
{
	json_t *o = json_object();

	set(&o, "namespace", text(c->ns));
	set(&o, "type", text(c->type));
	set(&o, "ok", json_boolean(c->ok));
	set(&o, "source", tally(&c->source));
	set(&o, "target", tally(&c->target));
	set(&o, "rewritten", rewritten(c));
	set(&o, "unrewritten", unrewritten(c));
	set(&o, "metadata", metadata(c));
	set(&o, "missing", number(c->missing));
	set(&o, "extra", number(c->extra));
	set(&o, "different", number(c->different));
	set(&o, "kept", number(c->kept));
	set(&o, "expired", number(c->expired));
	set(&o, "quarantined", number(c->quarantined));
	set(&o, "conflicts", number(c->conflicts));
	set(&o, "violations", number(c->violations));
	return o;
}

static json_t *
collections(const struct spaceferry_summary *s)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < s->n_collections; i++)
		add(&list, collection(&s->collections[i]));
	return list;
}

static json_t *
files(const struct spaceferry_file_counts *f)
{
	json_t *o = json_object();

	set(&o, "count", number(f->count));
	set(&o, "bytes", number(f->bytes));
	set(&o, "uploaded", number(f->uploaded));
	set(&o, "skipped", number(f->skipped));
	set(&o, "failed", number(f->failed));
	set(&o, "missing", number(f->missing));
	set(&o, "extra", number(f->extra));
	set(&o, "different", number(f->different));
	return o;
}

static json_t *
repeated(const struct spaceferry_summary *s)
{
	json_t *o = json_object();

	set(&o, "documents", number(s->repeated.documents));
	set(&o, "bytes", number(s->repeated.bytes));
	set(&o, "files", number(s->repeated.files));
	set(&o, "file_bytes", number(s->repeated.file_bytes));
	return o;
}

static json_t *
delta(const struct spaceferry_summary *s)
{
	json_t *o = json_object();

	set(&o, "inserted", number(s->delta.inserted));
	set(&o, "replaced", number(s->delta.replaced));
	set(&o, "deleted", number(s->delta.deleted));
	set(&o, "bytes", number(s->delta.bytes));
	set(&o, "files_deleted", number(s->delta.files_deleted));
	return o;
}

static json_t *
links(const struct spaceferry_summary *s)
{
	json_t *o = json_object();

	set(&o, "rewritten", number(s->links_rewritten));
	set(&o, "dangling", number(s->links_dangling));
	set(&o, "unreferenced_files", number(s->unreferenced_files));
	return o;
}

static json_t *
findings(const struct spaceferry_finding *f, size_t n)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < n; i++) {
		o = json_object();
		set(&o, "kind", text(f[i].kind));
		set(&o, "message", text(f[i].message));
		set(&o, "hint", text(f[i].hint != NULL ? f[i].hint : ""));
		add(&list, o);
	}
	return list;
}

static json_t *
samples(const struct spaceferry_summary *s)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < s->n_samples; i++) {
		o = json_object();
		set(&o, "namespace", text(s->samples[i].ns));
		set(&o, "_id", value(s->samples[i].id));
		set(&o, "path", text(s->samples[i].path));
		set(&o, "before", text(s->samples[i].before));
		set(&o, "after", text(s->samples[i].after));
		add(&list, o);
	}
	return list;
}

static json_t *
hosts(const struct spaceferry_summary *s)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < s->n_hosts; i++) {
		o = json_object();
		set(&o, "host", text(s->hosts[i].host));
		set(&o, "rewritten", number(s->hosts[i].rewritten));
		set(&o, "no_rule", number(s->hosts[i].no_rule));
		set(&o, "uncovered", number(s->hosts[i].uncovered));
		set(&o, "missing_rule", text(s->hosts[i].missing_rule));
		set(&o, "sample", text(s->hosts[i].sample));
		add(&list, o);
	}
	return list;
}

static json_t *
strings(char *const *v, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		add(&list, text(v[i]));
	return list;
}

/* Whole milliseconds: nobody wants 0.30000000000000004 s. */
static json_t *
seconds(double s)
{

	return json_real((double)(uint64_t)(s * 1000 + 0.5) / 1000);
}

/* How many checks came out how. */
static json_t *
checks(const struct spaceferry_summary *s)
{
	uint64_t n[SPACEFERRY_SKIPPED + 1] = { 0 };
	json_t *o = json_object();
	size_t i;

	for (i = 0; i < s->n_checks; i++)
		n[s->checks[i].verdict]++;
	set(&o, "passed", number(n[SPACEFERRY_PASS]));
	set(&o, "warnings", number(n[SPACEFERRY_WARN]));
	set(&o, "failed", number(n[SPACEFERRY_FAIL]));
	set(&o, "skipped", number(n[SPACEFERRY_SKIPPED]));
	return o;
}

/* Writes o, which may be NULL, as a line and frees it. */
static bool
write_line(FILE *out, json_t *o)
{
	bool ok;

	if (o == NULL)
		return false;
	ok = json_dumpf(o, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) == 0;
	json_decref(o);
	return ok && fputc('\n', out) != EOF;
}

bool
print_json_check(FILE *out, const struct spaceferry_check *c,
    const char *verdict)
{
	json_t *o = json_object();

	set(&o, "check", text(c->name));
	set(&o, "group", text(c->group));
	set(&o, "verdict", text(verdict));
	set(&o, "seen", text(c->seen));
	set(&o, "remedy", text(c->remedy));
	return write_line(out, o);
}

/* What only who can read it knows is left out for others; first: the key that
 * the id stands under. */
static json_t *
snapshot(const struct spaceferry_snapshot *one, const char *first)
{
	json_t *o = json_object();

	set(&o, first, text(one->id));
	set(&o, "time", text(one->time));
	set(&o, "tags", strings(one->tags, one->n_tags));
	set(&o, "stored", number(one->stored));
	set(&o, "added", number(one->added));
	set(&o, "read", number(one->read));
	if (one->open) {
		set(&o, "source", text(one->source));
		set(&o, "collections", number(one->collections));
		set(&o, "documents", number(one->documents));
		set(&o, "files", number(one->files));
	}
	return o;
}

bool
print_json_snapshot(FILE *out, const struct spaceferry_snapshot *one)
{

	return write_line(out, snapshot(one, "snapshot"));
}

static json_t *
snapshots(const struct spaceferry_summary *s)
{
	bool prune = strcmp(s->command, "prune") == 0;
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < s->n_snapshots; i++) {
		o = snapshot(&s->snapshots[i], "id");
		if (prune || s->snapshots[i].removed ||
		    (s->snapshots[i].reason != NULL &&
		    s->snapshots[i].reason[0] != '\0')) {
			set(&o, "reason", text(s->snapshots[i].reason));
			set(&o, "removed", json_boolean(
			    s->snapshots[i].removed));
		}
		add(&list, o);
	}
	return list;
}

static json_t *
repository(const struct spaceferry_repository *r)
{
	json_t *o = json_object();

	set(&o, "name", text(r->name));
	set(&o, "snapshots", number(r->snapshots));
	set(&o, "blobs", number(r->blobs));
	set(&o, "bytes", number(r->bytes));
	set(&o, "blobs_added", number(r->blobs_added));
	set(&o, "bytes_added", number(r->bytes_added));
	set(&o, "blobs_removed", number(r->blobs_removed));
	set(&o, "bytes_removed", number(r->bytes_removed));
	set(&o, "bytes_read", number(r->bytes_read));
	set(&o, "bytes_read_week", number(r->bytes_read_week));
	return o;
}

static json_t *
summary(const struct spaceferry_summary *s)
{
	json_t *o = json_object();

	set(&o, "ok", json_boolean(s->ok));
	set(&o, "command", text(s->command));
	set(&o, "dry_run", json_boolean(s->dry_run));
	set(&o, "elapsed_seconds", seconds(s->elapsed_seconds));
	set(&o, "consistent_at", strings(s->consistent_at, s->n_consistent_at));
	set(&o, "source_changed", json_boolean(s->source_changed));
	set(&o, "collections", collections(s));
	set(&o, "files", files(&s->files));
	if (s->resumed)
		set(&o, "resumed", repeated(s));
	if (s->delta.ran)
		set(&o, "delta", delta(s));
	set(&o, "links", links(s));
	set(&o, "quarantine", text(s->quarantine));
	set(&o, "errors", findings(s->errors, s->n_errors));
	set(&o, "notes", findings(s->notes, s->n_notes));
	set(&o, "samples", samples(s));
	set(&o, "target_bytes", number(s->target_bytes));
	set(&o, "hosts", hosts(s));
	if (s->command != NULL && strcmp(s->command, "diff") == 0)
		set(&o, "settled", number(s->settled));
	if (s->n_checks > 0)
		set(&o, "checks", checks(s));
	if (s->repository.name != NULL)
		set(&o, "repository", repository(&s->repository));
	if (s->n_snapshots > 0)
		set(&o, "snapshots", snapshots(s));
	return o;
}

bool
print_json(FILE *out, const struct spaceferry_summary *s)
{

	return write_line(out, summary(s));
}

bool
print_json_with(FILE *out, const struct spaceferry_summary *s,
    const char *key, json_t *value)
{
	json_t *o = summary(s);

	set(&o, key, value);
	return write_line(out, o);
}

json_t *
print_json_text(const char *s)
{

	return text(s);
}
